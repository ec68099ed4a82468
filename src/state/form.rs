//! A state as the bytes of its file, and back.

use std::io::Write;
use std::path::Path;

use serde::Deserialize;

use super::error::StateError;
use super::{State, VERSION};

/// Writes what stands in the file of a state.
pub(super) fn write_to(mut writer: &mut dyn Write, state: &State) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut writer, state)?;
    writer.write_all(b"\n")
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
    /// What everything else depends on.
    #[derive(Deserialize)]
    struct Versioned {
        #[serde(default)]
        version: u64,
    }
    // In one pass where all is well: a large state is read quickly.
    let (version, state) = match serde_json::from_slice::<State>(bytes) {
        Ok(state) => (u64::from(state.version), Ok(state)),
        Err(error) => (serde_json::from_slice(bytes).map_or(0, |Versioned { version }| version), Err(error)),
    };
    if version > u64::from(VERSION) {
        return Err(StateError::Newer { path: path.to_owned(), found: version });
    }
    state.map_err(damaged)
}
