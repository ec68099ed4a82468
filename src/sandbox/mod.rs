//! Serves the providers' miniatures on loopback over real HTTP, and keeps what they hold in a folder. What a service knows and
//! how it answers is in the miniature beside its provider; no provider is named here.

mod exchange;
mod folder;
mod server;
mod ticks;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

pub use exchange::{Incoming, Outgoing};
pub use folder::FolderError;
pub use server::{Fault, LogEntry, Running, ServeError, serve};
pub use ticks::Ticks;

/// One service in miniature: pure logic, fed with requests, warts of the contract included.
pub trait Miniature: Send {
    /// Answers one request.
    fn handle(&mut self, request: &Incoming) -> Outgoing;

    /// Everything it holds, as JSON that [`Miniature::restore`] takes.
    fn store(&self) -> Value;

    /// Takes back what [`Miniature::store`] gave.
    ///
    /// # Errors
    /// What is wrong with the JSON.
    fn restore(&mut self, store: Value) -> Result<(), String>;
}

/// A miniature that its owner keeps a hand on while it is served: tests reach its hooks between two requests.
impl<M: Miniature> Miniature for Arc<Mutex<M>> {
    fn handle(&mut self, request: &Incoming) -> Outgoing {
        self.lock().unwrap_or_else(PoisonError::into_inner).handle(request)
    }

    fn store(&self) -> Value {
        self.lock().unwrap_or_else(PoisonError::into_inner).store()
    }

    fn restore(&mut self, store: Value) -> Result<(), String> {
        self.lock().unwrap_or_else(PoisonError::into_inner).restore(store)
    }
}
