//! See `personaform_fuzz::plan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| personaform_fuzz::plan(bytes));
