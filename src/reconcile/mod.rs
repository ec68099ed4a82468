//! THE HANDS: refresh, apply, verify. All order of I/O; no provider is known here by name.

pub mod apply;
pub mod connection;
pub mod outcome;
pub mod reader;
pub mod refresh;
mod seen;
mod verify;

pub use apply::{Applier, Observer};
pub use connection::Connection;
pub use outcome::{Difference, Ending, Entry, Exchange, Outcome};
pub use reader::Reader;
pub use refresh::{Interest, Refreshed, refresh};
