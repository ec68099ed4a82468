//! THE HANDS: refresh, apply, verify. All order of I/O; no provider is known here by name.

pub mod outcome;

pub use outcome::{Difference, Ending, Entry, Outcome};
