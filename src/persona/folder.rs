//! Finds the files of the personas, and makes keys of their paths.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::name::Key;
use super::problem::{Place, Problem};
use super::source::{self, Unreadable};

/// Finds the folder of the personas, relative to the root.
pub(super) fn find(root: &Path, written: &str, place: &Place, problems: &mut Vec<Problem>) -> Option<PathBuf> {
    let found = match source::inside(Path::new(""), written) {
        Some(folder) => source::resolved(root, &folder).map(|full| (folder, full.is_dir())),
        None => Err(Unreadable::Outside),
    };
    let problem = match found {
        Ok((folder, true)) => return Some(folder),
        Ok((_, false)) => Problem::error("not-a-folder", place.clone(), format!("`{written}` is no folder")),
        Err(Unreadable::Missing) => {
            let message = format!("the folder `{written}`, where personas are kept, does not exist");
            Problem::error("missing-folder", place.clone(), message).with_help("make it, or name another with `personas:`")
        }
        Err(unreadable) => {
            let (code, message) = unreadable.words(&format!("the folder `{written}`"));
            Problem::error(code, place.clone(), message)
        }
    };
    problems.push(problem);
    None
}

/// Every persona file below a folder with its key, in the order of names. Hidden files are left out.
pub(super) fn files(root: &Path, folder: &Path, problems: &mut Vec<Problem>) -> Vec<(Key, PathBuf)> {
    let mut walk = Walk { root, seen: BTreeSet::new(), found: Vec::new(), problems };
    walk.folder(folder, "");
    walk.found
}

struct Walk<'a> {
    root: &'a Path,
    seen: BTreeSet<PathBuf>,
    found: Vec<(Key, PathBuf)>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    /// Walks a folder; `above` is what the keys below it begin with.
    fn folder(&mut self, folder: &Path, above: &str) {
        let entries = source::resolved(self.root, folder).and_then(|full| {
            let entries = fs::read_dir(&full).map_err(|error| Unreadable::Refused(error.to_string()))?;
            Ok((full, entries))
        });
        let entries = match entries {
            Ok((full, entries)) => {
                // Links may lead round in circles; each folder is entered once.
                if !self.seen.insert(full) {
                    let message = "this folder is reached a second time, through a link";
                    return self.problems.push(Problem::error("link-loop", source::whole(folder), message));
                }
                entries
            }
            Err(unreadable) => {
                let (code, message) = unreadable.words("this folder");
                return self.problems.push(Problem::error(code, source::whole(folder), message));
            }
        };
        let entries = entries.filter_map(Result::ok);
        let mut names: Vec<_> = entries.map(|entry| (entry.file_name(), entry.file_type())).collect();
        names.sort_by(|left, right| left.0.cmp(&right.0));
        for (name, kind) in names {
            let path = folder.join(&name);
            let text = name.to_string_lossy();
            if text.starts_with('.') || (above.is_empty() && path == Path::new("personaform.yaml")) {
                continue;
            }
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            let yaml = matches!(extension, "yaml" | "yml");
            // What a link leads to has to be asked for.
            let is_folder = match kind {
                Ok(kind) if !kind.is_symlink() => kind.is_dir(),
                _ => path_is_folder(self.root, &path),
            };
            if is_folder {
                if yaml {
                    self.problems.push(source::problem(&path, &Unreadable::NotAFile));
                } else {
                    self.folder(&path, &format!("{above}{text}/"));
                }
            } else if yaml {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let key = format!("{above}{stem}");
                self.file(key, path);
            } else if matches!(extension.to_ascii_lowercase().as_str(), "yaml" | "yml") {
                // Left out in silence, a persona would look like one to be deleted.
                let message = format!("`.{extension}` is not read as YAML");
                let problem = Problem::error("wrong-extension", source::whole(&path), message);
                self.problems.push(problem.with_help("write the extension in lower case"));
            }
        }
    }

    fn file(&mut self, key: String, path: PathBuf) {
        if !is_key(&key) {
            let message = format!("`{}` cannot be the key of a persona", key.escape_debug());
            let help = "names of files and folders are made of letters a to z, digits, `-`, `_` and `.`";
            self.problems.push(Problem::error("bad-key", source::whole(&path), message).with_help(help));
            return;
        }
        self.found.push((Key::new(key), path));
    }
}

/// Whether a text can be a persona's key: ASCII letters, digits, `-`, `_` and `.`, in parts between slashes, none of which begins
/// with a dot. Keys are typed into command lines and compared byte by byte, and accented letters have two encodings.
pub(super) fn is_key(text: &str) -> bool {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    text.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.chars().all(letter))
}

fn path_is_folder(root: &Path, path: &Path) -> bool {
    fs::metadata(root.join(path)).is_ok_and(|metadata| metadata.is_dir())
}
