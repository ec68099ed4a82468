//! Writes that are whole or not there: a file replaced in one step, and names in folders that last. And reads of files, which alone
//! are read.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Bytes that are written at once.
const BUFFER: usize = 1 << 16;

/// Copies a file of ours, in one step.
pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    check_kind(from)?;
    let mut file = fs::File::open(from)?;
    replace_by(to, |writer| std::io::copy(&mut file, writer).map(drop))
}

/// Reads a file of ours. What is no regular file is refused before it is opened: opening a pipe would wait for a writer, and a
/// device may have no end.
pub(super) fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    check_kind(path)?;
    fs::read(path)
}

/// Refuses what is there and no regular file, also behind a link.
///
/// # Errors
/// Also where nothing is there.
pub(super) fn check_kind(path: &Path) -> std::io::Result<()> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let what = if kind.is_dir() { "a folder" } else { "a pipe, a device or a socket" };
    Err(std::io::Error::other(format!("it is {what}, and must be a regular file")))
}

/// Replaces a file in one step: written beside it, flushed to disk, renamed. Only the owner can read it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    replace_by(path, |writer| writer.write_all(bytes))
}

/// As [`replace`], with bytes that need never be in memory as a whole.
pub(super) fn replace_by(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> std::io::Result<()> {
    let file = tempfile::Builder::new().prefix(".state-").tempfile_in(folder_of(path))?;
    let mut buffered = BufWriter::with_capacity(BUFFER, file);
    write(&mut buffered)?;
    let file = buffered.into_inner().map_err(std::io::IntoInnerError::into_error)?;
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
