//! THE HANDS: refresh, apply, verify. All order of I/O; no provider is known here by name.

mod ahead;
pub mod apply;
pub mod connection;
mod doubt;
pub mod lookup;
pub mod outcome;
mod pages;
pub mod reader;
pub mod refresh;
mod seen;
mod verify;

pub use ahead::{Ahead, read_ahead};
pub use apply::{Applier, Observer};
pub use connection::Connection;
pub use outcome::{Difference, Effort, Ending, Entry, Exchange, Outcome};
pub use reader::Reader;
pub use refresh::{Interest, Refreshed, refresh};
