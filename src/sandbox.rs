//! Serves the providers' miniatures on loopback over real HTTP, and keeps what they hold in a folder.

use std::collections::BTreeMap;

use serde_json::Value;

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

/// A request as a miniature sees it.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    /// `GET`, `POST`, …
    pub method: String,
    /// Decoded path below the miniature's base URL, beginning with `/`.
    pub path: String,
    /// Decoded query parameters in order.
    pub query: Vec<(String, String)>,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// An answer of a miniature.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// HTTP status.
    pub status: u16,
    /// JSON body; none: empty.
    pub body: Option<Value>,
}
