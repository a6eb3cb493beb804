//! The check `edit` under a fuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookdev_fuzz::named("edit")(data));
