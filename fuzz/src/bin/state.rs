//! See `personaform_fuzz::state`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| personaform_fuzz::state(bytes));
