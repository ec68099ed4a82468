//! A request and an answer as a miniature sees them. No HTTP library here: the server translates.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

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

impl Incoming {
    /// A request without headers and body; `target` is the path, possibly with `?` and a query, as it stands in a URL.
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
        });
        Self { method: method.to_owned(), path: decoded(path), query: query.collect(), ..Self::default() }
    }

    /// The same with a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_lowercase(), value.to_owned());
        self
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn with_json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.with_header("content-type", "application/json")
    }

    /// The header of this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The first query parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    /// The first query parameter of this name as a number; the default where it is absent or none.
    pub fn number(&self, name: &str, default: usize) -> usize {
        self.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }

    /// The path's segments; a slash at the end adds none.
    pub fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|segment| !segment.is_empty()).collect()
    }

    /// The body as JSON; none where it is something else.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// An answer of a miniature.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// HTTP status.
    pub status: u16,
    /// JSON body; none: empty.
    pub body: Option<Value>,
}

impl Outgoing {
    /// An answer with a JSON body.
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, body: Some(body) }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, body: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_is_decoded_and_its_query_kept_in_order() {
        let request = Incoming::new("GET", "/v1/personas/a%20b/?page=2&search=guide+one%21&page=3");
        assert_eq!(request.segments(), ["v1", "personas", "a b"]);
        assert_eq!(request.number("page", 1), 2);
        assert_eq!(request.parameter("search"), Some("guide one!"));
        assert_eq!(request.number("limit", 10), 10);
        assert_eq!(request.query.len(), 3);
    }
}
