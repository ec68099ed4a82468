//! THE HANDS: refresh, apply, verify. All order of I/O; no provider is known here by name.

pub mod apply;
pub mod connection;
mod doubt;
pub mod outcome;
pub mod refresh;
mod verify;

pub use apply::{Applier, Observer};
pub use connection::Connection;
pub use outcome::{Difference, Effort, Ending, Entry, Outcome};
pub use refresh::{Refreshed, refresh};
