//! Copies of a state: those that are kept beside it, and any file that somebody names.

use std::fs;
use std::path::{Path, PathBuf};

use super::disk::{self, replace};
use super::file::{parse, text_of};
use super::{State, StateError, VERSION, backup};

/// A copy of a state.
#[derive(Debug)]
pub struct Backup {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it stays until somebody deletes it.
    pub is_kept: bool,
    /// What it holds, or why it cannot be read.
    pub state: Result<State, StateError>,
}

/// The folder of the backups of a state file.
pub fn folder_of(state: &Path) -> PathBuf {
    backup::folder_of(state)
}

/// The backups of a state file, the newest first.
pub fn all(state: &Path) -> Vec<Backup> {
    let paths = backup::oldest_first(state).into_iter().rev();
    paths.map(|path| Backup { is_kept: backup::is_asked_for(&path), state: read(&path), path }).collect()
}

/// Reads a copy of a state, whichever version it has.
///
/// # Errors
/// When it cannot be read, is no state, or was written by a newer build.
pub fn read(path: &Path) -> Result<State, StateError> {
    let bytes = disk::read(path).map_err(|source| StateError::Read { path: path.to_owned(), source })?;
    let mut state = parse(path, &bytes)?;
    state.version = VERSION;
    Ok(state)
}

/// Writes a copy of a state in one step; only the owner can read it.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, state: &State) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    replace(path, &text_of(state)?)
}

/// Keeps a state among the backups of its file; `asked_for` until somebody deletes it.
///
/// # Errors
/// When it cannot be written.
pub fn keep(path: &Path, state: &State, asked_for: bool) -> std::io::Result<PathBuf> {
    backup::keep_bytes(path, state.serial, &text_of(state)?, asked_for)
}
