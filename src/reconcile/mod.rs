//! THE HANDS: refresh, apply, verify. All order of I/O; no provider is known here by name.

pub mod apply;
pub mod connection;
pub mod lookup;
pub mod outcome;
pub mod refresh;
mod verify;

pub use apply::{Applier, Observer};
pub use connection::Connection;
pub use outcome::{Difference, Ending, Entry, Outcome};
pub use refresh::{Refreshed, refresh};
