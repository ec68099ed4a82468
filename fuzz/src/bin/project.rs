//! See `personaform_fuzz::project`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| personaform_fuzz::project(bytes));
