//! Earlier state files, kept in a folder beside the newest, named after their serials. Those of runs go after a while; those that
//! somebody asked for (`00000012.kept.json`) stay. What they hold is not known here.

use std::fs;
use std::path::{Path, PathBuf};

use super::disk::{self, replace};

/// How many of the runs' own are kept.
const KEPT: usize = 5;

/// What ends the name of a backup that somebody asked for.
const ASKED_FOR: &str = ".kept.json";

/// The folder of the backups of a state file.
pub(super) fn folder_of(state: &Path) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(".backups");
    name.into()
}

/// Keeps a copy of the state file as it is; the oldest copies beyond the last few go.
pub(super) fn keep(state: &Path, serial: u64) -> std::io::Result<()> {
    keep_bytes(state, serial, &disk::read(state)?, false).map(drop)
}

/// Keeps the bytes of a state; `asked_for` until somebody deletes them.
pub(super) fn keep_bytes(state: &Path, serial: u64, bytes: &[u8], asked_for: bool) -> std::io::Result<PathBuf> {
    let folder = folder_of(state);
    fs::create_dir_all(&folder)?;
    let copy = folder.join(format!("{serial:08}{}", if asked_for { ASKED_FOR } else { ".json" }));
    replace(&copy, bytes)?;
    for old in oldest_first(state).iter().filter(|path| !is_asked_for(path)).rev().skip(KEPT) {
        fs::remove_file(old)?;
    }
    Ok(copy)
}

/// Keeps a state file of an older version for as long as nobody deletes it.
pub(super) fn keep_version(state: &Path, version: u32) -> std::io::Result<()> {
    let mut name = state.as_os_str().to_owned();
    name.push(format!(".version-{version}"));
    replace(Path::new(&name), &disk::read(state)?)
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

/// The newest backup that passes for one.
pub(super) fn newest(state: &Path, passes: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    oldest_first(state).into_iter().rev().find(|path| passes(path))
}

/// Whether a backup stays until somebody deletes it.
pub(super) fn is_asked_for(path: &Path) -> bool {
    path.to_string_lossy().ends_with(ASKED_FOR)
}

/// The paths of all backups.
pub(super) fn oldest_first(state: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder_of(state)).into_iter().flatten().flatten();
    let is_backup = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_backup).collect();
    paths.sort();
    paths
}
