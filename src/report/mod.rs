//! THE VOICE: a plan, an outcome or a problem as text or JSON. Pure: a value in, a string out. Nothing here prints, reads,
//! asks the environment or decides anything.

pub mod files;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod json;
pub mod markdown;
pub mod problems;
pub mod sarif;
mod shown;
pub mod text;
