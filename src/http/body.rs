//! Reads an answer's body, up to a limit: a service that sends without end is not listened to without end.

use serde_json::Value;

use crate::provider::Body;

/// The longest body of a success, in bytes. A list of 100 personas with prompts of 100 kB each has 10 MB.
pub(super) const MOST: usize = 64 << 20;

/// The longest body of a refusal that is kept, in bytes; what follows is not read.
const MOST_OF_A_REFUSAL: usize = 1 << 20;

/// A body that was not read.
pub(super) enum Unread {
    /// It is longer than [`MOST`].
    TooLarge,
    /// The connection broke.
    Broken(reqwest::Error),
}

/// Reads a body.
pub(super) async fn read(mut response: reqwest::Response) -> Result<Body, Unread> {
    let success = response.status().is_success();
    let most = if success { MOST } else { MOST_OF_A_REFUSAL };
    if success && response.content_length().is_some_and(|length| length > most as u64) {
        return Err(Unread::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Unread::Broken)? {
        bytes.extend_from_slice(&chunk[..chunk.len().min(most + 1 - bytes.len())]);
        if bytes.len() > most {
            if success {
                return Err(Unread::TooLarge);
            }
            break;
        }
    }
    Ok(understood(&bytes))
}

/// JSON, text or nothing. JSON that is nested more than 127 deep is text: nothing that is meant goes that deep, and much would
/// follow it by recursion.
fn understood(bytes: &[u8]) -> Body {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => Body::Json(value),
        Err(_) if bytes.trim_ascii().is_empty() => Body::Empty,
        Err(_) => Body::Text(String::from_utf8_lossy(bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_json_text_or_nothing() {
        assert_eq!(understood(b" {\"a\": 1}\n"), Body::Json(json!({"a": 1})));
        assert_eq!(understood(b" \r\n"), Body::Empty);
        assert_eq!(understood(b"<html>"), Body::Text("<html>".to_owned()));
        assert_eq!(understood(b"{\"a\": 1} {"), Body::Text("{\"a\": 1} {".to_owned()));
        assert_eq!(understood(b"a\xffb"), Body::Text("a\u{fffd}b".to_owned()));
        assert!(matches!(understood("[".repeat(1_000_000).as_bytes()), Body::Text(_)));
    }
}
