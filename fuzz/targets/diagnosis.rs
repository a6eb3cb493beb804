//! The check `diagnosis` under a fuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookdev_fuzz::named("diagnosis")(data));
