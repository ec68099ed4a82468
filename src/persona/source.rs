//! Reads the files of a project: only regular files, inside the project also through links, of a sane size, in UTF-8.
//! What they mean is not known here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::problem::{Place, Problem, SourceFile};

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Why a file was not read.
pub(super) enum Unreadable {
    /// It does not exist.
    Missing,
    /// It lies, possibly through a link, outside the project.
    Outside,
    /// A folder, a pipe, a device.
    NotAFile,
    /// More than [`MAX_BYTES`].
    TooLarge,
    /// Not UTF-8; the text up to there, and with stand-ins for the rest.
    NotText { valid: usize, lossy: String },
    /// The system's refusal, in its words.
    Refused(String),
}

impl Unreadable {
    /// Code and message; `what` names the file (`this file`).
    pub(super) fn words(&self, what: &str) -> (&'static str, String) {
        match self {
            Self::Missing => ("missing-file", format!("{what} does not exist")),
            Self::Outside => ("outside-project", format!("{what} lies outside the project")),
            Self::NotAFile => ("not-a-file", format!("{what} is no regular file")),
            Self::TooLarge => ("too-large", format!("{what} is larger than 16 MiB")),
            Self::NotText { .. } => ("invalid-utf8", format!("{what} is not UTF-8")),
            Self::Refused(reason) => ("unreadable", format!("{what} cannot be read: {reason}")),
        }
    }
}

/// Brings a path below `base` (relative to the root) into its plain form without `.` and `..`; none if it would leave the root.
pub(super) fn inside(base: &Path, path: &str) -> Option<PathBuf> {
    let mut plain = base.to_path_buf();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}

/// The path with every link followed, if it lies below the root.
pub(super) fn resolved(root: &Path, path: &Path) -> Result<PathBuf, Unreadable> {
    let root = root.canonicalize().map_err(refused)?;
    let full = root.join(path).canonicalize().map_err(refused)?;
    if full.starts_with(&root) { Ok(full) } else { Err(Unreadable::Outside) }
}

fn refused(error: std::io::Error) -> Unreadable {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Unreadable::Missing,
        _ => Unreadable::Refused(error.to_string()),
    }
}

/// The files of a project, as one load reads them.
pub(super) struct Files<'a> {
    root: &'a Path,
    /// Texts that stand for files.
    instead: &'a BTreeMap<PathBuf, String>,
    /// The folder that the last file was in, and where its links lead: following them anew for each file of a folder would take
    /// most of the time that reading takes.
    folder: RefCell<Option<(PathBuf, PathBuf)>>,
}

impl<'a> Files<'a> {
    pub(super) fn new(root: &'a Path, instead: &'a BTreeMap<PathBuf, String>) -> Self {
        Self { root, instead, folder: RefCell::default() }
    }

    /// Reads a file as text, unless another text stands for it.
    pub(super) fn read(&self, path: &Path) -> Result<String, Unreadable> {
        if let Some(text) = self.instead.get(path) {
            return Ok(text.clone());
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return read(self.root, path) };
        let mut last = self.folder.borrow_mut();
        let full = match &*last {
            Some((known, full)) if known.as_os_str() == folder.as_os_str() => full.join(name),
            _ => {
                // What is wrong is told of the file, not of its folder.
                let Ok(full) = resolved(self.root, folder) else { return read(self.root, path) };
                last.insert((folder.to_path_buf(), full)).1.join(name)
            }
        };
        // Asked before opening: opening a pipe would wait for a writer.
        let metadata = fs::symlink_metadata(&full).map_err(refused)?;
        if metadata.is_symlink() { read(self.root, path) } else { text(&full, &metadata) }
    }
}

/// Reads a file of the project as text.
pub(super) fn read(root: &Path, path: &Path) -> Result<String, Unreadable> {
    let full = resolved(root, path)?;
    let metadata = fs::metadata(&full).map_err(|error| Unreadable::Refused(error.to_string()))?;
    text(&full, &metadata)
}

fn text(full: &Path, metadata: &fs::Metadata) -> Result<String, Unreadable> {
    if !metadata.is_file() {
        return Err(Unreadable::NotAFile);
    }
    let refused = |error: std::io::Error| Unreadable::Refused(error.to_string());
    let size = metadata.len().min(MAX_BYTES) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    fs::File::open(full).map_err(refused)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unreadable::TooLarge);
    }
    // What is kept for the rest of the run is kept without room for more.
    bytes.shrink_to_fit();
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        Unreadable::NotText { valid, lossy: String::from_utf8_lossy(error.as_bytes()).into_owned() }
    })
}

/// A place for a file of which there is no text to show.
pub(super) fn whole(path: &Path) -> Place {
    Place { file: Arc::new(SourceFile { path: path.to_path_buf(), text: String::new() }), span: 0..0 }
}

/// The problem of a YAML file that could not be read.
pub(super) fn problem(path: &Path, unreadable: &Unreadable) -> Problem {
    let (code, message) = unreadable.words("this file");
    let place = match unreadable {
        Unreadable::NotText { valid, lossy } => {
            let text = super::mask::masked(lossy, None).unwrap_or_else(|| lossy.clone());
            let end = text[*valid..].chars().next().map_or(*valid, |stand_in| valid + stand_in.len_utf8());
            Place { file: Arc::new(SourceFile { path: path.to_path_buf(), text }), span: *valid..end }
        }
        _ => whole(path),
    };
    let problem = Problem::error(code, place, message);
    match unreadable {
        Unreadable::NotText { .. } => problem.with_help("save the file as UTF-8"),
        Unreadable::Outside => problem.with_help("copy the file into the project; links may not leave it"),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_the_root() {
        assert_eq!(inside(Path::new("personas/emea"), "../prompts/./a.md"), Some(PathBuf::from("personas/prompts/a.md")));
        assert_eq!(inside(Path::new("personas"), "../../etc/passwd"), None);
        assert_eq!(inside(Path::new(""), "/etc/passwd"), None);
    }
}
