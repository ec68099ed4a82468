//! State in a local file: read whole, written whole through a temporary file and a rename, so that it is never half there.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{State, VERSION};

/// Why state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error("the state file `{path}` cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("the state file `{path}` cannot be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The file is not a state.
    #[error("the state file `{path}` is damaged at line {line}, column {column}: {message}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// One-based.
        line: usize,
        /// One-based; 0 where the line is empty.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// A newer build wrote it.
    #[error("the state file `{path}` has version {found}, and this personaform knows versions up to {VERSION}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The digest key is not hexadecimal.
    #[error("the state's `digest_key` is damaged")]
    BadDigestKey,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

impl StateError {
    /// What to do, as a fragment.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Damaged { path, .. } => Some(format!(
                "restore it from version control, or from `{}`; without a state, personaform would not know its objects",
                backup_path(path).display()
            )),
            Self::Newer { .. } => Some("use the newer personaform that wrote it".to_owned()),
            Self::BadDigestKey => Some("restore the state file from version control or a backup".to_owned()),
            Self::Read { .. } | Self::Write { .. } | Self::NoRandomness => None,
        }
    }
}

/// The file that a state is kept in.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    backed_up: bool,
}

impl StateFile {
    /// The state file at a path; nothing is touched yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), backed_up: false }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the state; a file that is not there is a new state. An empty file is damage, never a new state.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or was written by a newer build.
    pub fn load(&self) -> Result<State, StateError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return State::new(),
            Err(source) => return Err(StateError::Read { path: self.path.clone(), source }),
        };
        let damaged = |error: serde_json::Error| StateError::Damaged {
            path: self.path.clone(),
            line: error.line(),
            column: error.column(),
            message: error.to_string().split(" at line").next().unwrap_or_default().to_owned(),
        };
        let raw: serde_json::Value = serde_json::from_str(&text).map_err(damaged)?;
        let found = raw.get("version").and_then(serde_json::Value::as_u64).unwrap_or_default();
        if found > u64::from(VERSION) {
            return Err(StateError::Newer { path: self.path.clone(), found });
        }
        serde_json::from_str(&text).map_err(damaged)
    }

    /// Writes the state and raises its serial. The first write of a run keeps the file as it was beside it (`….backup`).
    ///
    /// # Errors
    /// When the file cannot be written; it is then as it was.
    pub fn save(&mut self, state: &mut State) -> Result<(), StateError> {
        let failed = |source| StateError::Write { path: self.path.clone(), source };
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        if !self.backed_up && self.path.exists() {
            let old = fs::read(&self.path).map_err(failed)?;
            replace(&backup_path(&self.path), folder, &old).map_err(failed)?;
        }
        self.backed_up = true;
        state.serial += 1;
        let mut text = serde_json::to_vec_pretty(state).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        replace(&self.path, folder, &text).map_err(failed)
    }
}

fn backup_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".backup");
    name.into()
}

/// Replaces a file in one step: written beside it, flushed to disk, renamed. Only the owner can read it.
fn replace(path: &Path, folder: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".state-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_a_new_state_and_an_empty_one_is_damage() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = StateFile::at(folder.path().join("state.json"));
        assert_eq!(file.load().expect("a new state").serial, 0);
        fs::write(file.path(), "").expect("written");
        assert!(matches!(file.load(), Err(StateError::Damaged { .. })));
    }

    #[test]
    fn a_saved_state_comes_back_with_a_higher_serial_and_a_backup() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = StateFile::at(folder.path().join("deep/state.json"));
        let mut state = State::new().expect("a state");
        file.save(&mut state).expect("saved");
        assert_eq!(file.load().expect("loaded"), state);
        let mut again = StateFile::at(file.path());
        again.save(&mut state).expect("saved");
        assert_eq!(state.serial, 2);
        let backup = StateFile::at(backup_path(file.path())).load().expect("a backup");
        assert_eq!(backup.serial, 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = StateFile::at(folder.path().join("state.json"));
        file.save(&mut State::new().expect("a state")).expect("saved");
        assert_eq!(fs::metadata(file.path()).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_newer_version_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = StateFile::at(folder.path().join("state.json"));
        fs::write(file.path(), r#"{"version": 99, "something": "new"}"#).expect("written");
        assert!(matches!(file.load(), Err(StateError::Newer { found: 99, .. })));
    }
}
