//! A state as the bytes of its file, and back.

use std::path::Path;

use serde::Deserialize;

use super::error::StateError;
use super::{State, VERSION};

/// What stands in the file of a state.
pub(super) fn text_of(state: &State) -> std::io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(state)?;
    text.push(b'\n');
    Ok(text)
}

/// A state from the bytes of its file, still with the version that it was written in. Backups are not looked for.
///
/// # Errors
/// When it is no state, or a newer build wrote it.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<State, StateError> {
    let damaged = |error: serde_json::Error| StateError::Damaged {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
        message: error.to_string().split(" at line").next().unwrap_or_default().to_owned(),
        backup: None,
    };
    /// What is looked at first: everything else depends on it.
    #[derive(Deserialize)]
    struct Versioned {
        #[serde(default)]
        version: u64,
    }
    let Versioned { version } = serde_json::from_slice(bytes).map_err(damaged)?;
    if version > u64::from(VERSION) {
        return Err(StateError::Newer { path: path.to_owned(), found: version });
    }
    serde_json::from_slice(bytes).map_err(damaged)
}
