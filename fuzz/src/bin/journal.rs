//! See `personaform_fuzz::journal`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| personaform_fuzz::journal(bytes));
