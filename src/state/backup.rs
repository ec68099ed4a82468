//! Earlier state files, kept in a folder beside the newest, named after their serials. Those of runs go after a while; those that
//! somebody asked for (`00000012.kept.json`) stay.

use std::fs;
use std::path::{Path, PathBuf};

use super::State;
use super::disk::{self, replace, replace_by};
use super::error::StateError;
use super::form::{parse, write_to};

/// How many of the runs' own are kept.
const KEPT: usize = 5;

/// What ends the name of a backup that somebody asked for.
const ASKED_FOR: &str = ".kept.json";

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
    let mut name = state.as_os_str().to_owned();
    name.push(".backups");
    name.into()
}

/// The backups of a state file, the newest first.
pub fn all(state: &Path) -> Vec<Backup> {
    let paths = oldest_first(state).into_iter().rev();
    paths.map(|path| Backup { is_kept: is_asked_for(&path), state: read(&path), path }).collect()
}

/// Reads a copy of a state, whichever version it has.
///
/// # Errors
/// When it cannot be read, is no state, or was written by a newer build.
pub fn read(path: &Path) -> Result<State, StateError> {
    let bytes = disk::read(path).map_err(|source| StateError::Read { path: path.to_owned(), source })?;
    let mut state = parse(path, &bytes)?;
    state.version = super::VERSION;
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
    replace_by(path, |writer| write_to(writer, state))
}

/// Keeps a state among the backups of its file; `asked_for` until somebody deletes it.
///
/// # Errors
/// When it cannot be written.
pub fn keep_state(path: &Path, state: &State, asked_for: bool) -> std::io::Result<PathBuf> {
    let copy = copy_of(path, state.serial, if asked_for { ASKED_FOR } else { ".json" });
    write(&copy, state)?;
    prune(path)?;
    Ok(copy)
}

/// Keeps a copy of the state file as it is; the oldest copies beyond the last few go.
pub(super) fn keep(state: &Path, serial: u64) -> std::io::Result<()> {
    fs::create_dir_all(folder_of(state))?;
    disk::copy(state, &copy_of(state, serial, ".json"))?;
    prune(state)
}

fn copy_of(state: &Path, serial: u64, ending: &str) -> PathBuf {
    folder_of(state).join(format!("{serial:08}{ending}"))
}

fn prune(state: &Path) -> std::io::Result<()> {
    for old in oldest_first(state).iter().filter(|path| !is_asked_for(path)).rev().skip(KEPT) {
        fs::remove_file(old)?;
    }
    Ok(())
}

/// Keeps a state file of an older version for as long as nobody deletes it.
pub(super) fn keep_version(state: &Path, version: u32) -> std::io::Result<()> {
    let mut name = state.as_os_str().to_owned();
    name.push(format!(".version-{version}"));
    disk::copy(state, Path::new(&name))
}

/// Keeps a file that cannot be read, or does not belong to its neighbour, under a name that nothing else takes.
pub(super) fn keep_aside(state: &Path, file: &Path) -> std::io::Result<PathBuf> {
    let folder = folder_of(state);
    fs::create_dir_all(&folder)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = disk::read(file)?;
    let free = (1..).map(|number: u32| folder.join(format!("{name}.damaged-{number}")));
    // The same bytes are kept once, however often somebody tries.
    let mut free = free.filter(|path| !path.exists() || disk::read(path).is_ok_and(|kept| kept == bytes));
    let path = free.next().unwrap_or_default();
    replace(&path, &bytes)?;
    Ok(path)
}

/// The newest backup that can be read, if there is one.
pub fn newest_intact(state: &Path) -> Option<PathBuf> {
    oldest_first(state).into_iter().rev().find(|path| disk::read(path).is_ok_and(|bytes| parse(path, &bytes).is_ok()))
}

fn is_asked_for(path: &Path) -> bool {
    path.to_string_lossy().ends_with(ASKED_FOR)
}

fn oldest_first(state: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder_of(state)).into_iter().flatten().flatten();
    let is_backup = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_backup).collect();
    paths.sort();
    paths
}
