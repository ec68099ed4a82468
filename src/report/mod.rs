//! THE VOICE: a plan, an outcome or a problem as text or JSON. Pure: a value in, a string out. Nothing here prints, reads,
//! asks the environment or decides anything.

pub mod json;
pub mod problems;
mod shown;
pub mod text;
