//! THE SCRIBE: a live object becomes a persona file. Pure: what a service showed and the provider's rules go in, texts come out.
//!
//! Nothing is read or written here, and no provider is known by name. That a text means what it should is not believed but
//! checked by those who keep it: they load it again and compare.

pub mod draft;
pub mod file;
pub mod key;
mod margin;
mod secret;
pub mod section;
mod shape;
pub mod yaml;

pub use draft::{Called, Draft, Part};
pub use file::Texts;
pub use section::{Left, Section, Sight, Why};
