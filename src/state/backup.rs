//! Earlier state files, kept in a folder beside the newest, named after their serials.

use std::fs;
use std::path::{Path, PathBuf};

use super::disk;

/// How many are kept.
const KEPT: usize = 5;

/// The folder of the backups of a state file.
pub(super) fn folder_of(state: &Path) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(".backups");
    name.into()
}

/// Keeps a copy of the state file as it is; the oldest copies beyond the last few go.
pub(super) fn keep(state: &Path, serial: u64) -> std::io::Result<()> {
    let folder = folder_of(state);
    fs::create_dir_all(&folder)?;
    disk::copy(state, &folder.join(format!("{serial:08}.json")))?;
    for old in oldest_first(state).iter().rev().skip(KEPT) {
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

/// The newest backup that passes for one.
pub(super) fn newest(state: &Path, passes: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    oldest_first(state).into_iter().rev().find(|path| passes(path))
}

fn oldest_first(state: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder_of(state)).into_iter().flatten().flatten();
    let is_backup = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_backup).collect();
    paths.sort();
    paths
}
