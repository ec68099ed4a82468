//! Writes that are whole or not there: a file replaced in one step, and names in folders that last.

use std::fs;
use std::io::Write;
use std::path::Path;

/// Replaces a file in one step: written beside it, flushed to disk, renamed. Only the owner can read it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".state-").tempfile_in(folder_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(path)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes new and removed names in a file's folder last. Windows has no such call and needs none.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) { fs::File::open(folder_of(path))?.sync_all() } else { Ok(()) }
}
