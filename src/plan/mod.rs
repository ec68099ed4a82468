//! THE MIND: what would have to change, decided by one pure function, and the neutral types it works on.
//!
//! No I/O, no clock, no randomness, no environment. Nothing of any other room is used here but the names of `persona`.

pub mod address;
pub mod blame;
pub mod change;
pub mod dialect;
pub mod diff;
pub mod document;
pub mod drift;
pub mod gate;
pub mod planner;
pub mod proof;
pub mod resource;
pub mod rules;
pub mod source;
#[cfg(test)]
mod tests;
pub mod value;

pub use address::Address;
pub use change::{Action, Change, Edit, Method, Plan, Reason, Request};
pub use dialect::{Dialect, Draft};
pub use document::Document;
pub use drift::Drift;
pub use resource::{Live, Pending, Record, RemoteId, Resource};
pub use rules::{Clear, FieldRule, Listing, Reading, Rules};
pub use source::{Piece, Source, Sources, Whereabouts};
