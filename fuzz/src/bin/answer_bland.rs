//! See `personaform_fuzz::answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| personaform_fuzz::answer("bland", bytes));
