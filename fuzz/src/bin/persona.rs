//! See `personaform_fuzz::persona`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| personaform_fuzz::persona(bytes));
