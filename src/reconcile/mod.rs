//! THE HANDS: refresh, apply, verify. All order of I/O; no provider is known here by name.

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

pub use apply::{Applier, Observer};
pub use connection::Connection;
pub use outcome::{Difference, Effort, Ending, Entry, Exchange, Outcome};
pub use pages::list_all;
pub use reader::Reader;
pub use refresh::{Interest, Refreshed, refresh};
