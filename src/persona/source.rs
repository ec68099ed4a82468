//! Reads the files of a project: only regular files, inside the project also through links, of a sane size, in UTF-8.
//! What they mean is not known here.

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
    let refused = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Unreadable::Missing,
        _ => Unreadable::Refused(error.to_string()),
    };
    let root = root.canonicalize().map_err(refused)?;
    let full = root.join(path).canonicalize().map_err(refused)?;
    if full.starts_with(&root) { Ok(full) } else { Err(Unreadable::Outside) }
}

/// The same, unless another text stands for the file.
pub(super) fn read_instead(root: &Path, instead: &BTreeMap<PathBuf, String>, path: &Path) -> Result<String, Unreadable> {
    instead.get(path).map_or_else(|| read(root, path), |text| Ok(text.clone()))
}

/// Reads a file of the project as text.
pub(super) fn read(root: &Path, path: &Path) -> Result<String, Unreadable> {
    let full = resolved(root, path)?;
    let refused = |error: std::io::Error| Unreadable::Refused(error.to_string());
    // Asked before opening: opening a pipe would wait for a writer.
    let metadata = fs::metadata(&full).map_err(refused)?;
    if !metadata.is_file() {
        return Err(Unreadable::NotAFile);
    }
    let mut bytes = Vec::new();
    fs::File::open(&full).map_err(refused)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unreadable::TooLarge);
    }
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
