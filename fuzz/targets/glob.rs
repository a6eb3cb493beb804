//! The check `glob` under a fuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookdev_fuzz::named("glob")(data));
