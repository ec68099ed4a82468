//! The state file: read whole, written whole through a temporary file and a rename, so that it is never half there. What happened
//! since it was written is in the journal.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::disk::{self, replace};
use super::journal::{self, End, Read};
use super::{State, VERSION, backup};

/// Why state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file cannot be read.
    #[error("the state file `{path}` cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A file cannot be written.
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
        /// The newest backup that can be read.
        backup: Option<PathBuf>,
    },
    /// The journal is not as it was written.
    #[error("the journal `{path}` is damaged at line {line}: {message}")]
    JournalDamaged {
        /// The journal.
        path: PathBuf,
        /// One-based.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// The journal continues another state than the one that is there.
    #[error("the journal `{journal}` does not continue the state file `{path}`: {why}")]
    Parted {
        /// The state file.
        path: PathBuf,
        /// The journal.
        journal: PathBuf,
        /// How one sees it, as a fragment.
        why: String,
    },
    /// There is no state file, and there was one.
    #[error("the state file `{path}` is gone, and `{trace}` shows that there was one")]
    Gone {
        /// The state file.
        path: PathBuf,
        /// The journal or the backup.
        trace: PathBuf,
        /// The newest backup that can be read.
        backup: Option<PathBuf>,
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
        let backed_up = |backup: &Option<PathBuf>| match backup {
            Some(backup) => {
                format!("restore it from version control, or from the newest intact backup, `{}`", backup.display())
            }
            None => "restore it from version control; there is no intact backup".to_owned(),
        };
        match self {
            Self::Damaged { backup, .. } => {
                Some(format!("{}; without a state, personaform would not know its objects", backed_up(backup)))
            }
            Self::JournalDamaged { line, .. } => Some(format!(
                "restore it from a copy; or keep a copy and cut it off before line {line}: what the lines from there on tell is then lost"
            )),
            Self::Parted { .. } => Some(
                "put back the state file that the journal continues; or, if its entries are known to be in this file, move the journal away"
                    .to_owned(),
            ),
            Self::Gone { path, backup, .. } => Some(format!(
                "{}; to begin anew, also remove `{}.journal` and `{}`",
                backed_up(backup),
                path.display(),
                backup::folder_of(path).display()
            )),
            Self::Newer { .. } => Some("use the newer personaform that wrote it".to_owned()),
            Self::BadDigestKey => Some("restore the state file from version control or a backup".to_owned()),
            Self::Read { .. } | Self::Write { .. } | Self::NoRandomness => None,
        }
    }
}

/// Where a state is kept, and what was found there.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    /// Version and serial of the file as it was read, without its journal; none before that or where there is no file.
    pub(super) found: Option<(u32, u64)>,
    /// Whether a journal lies beside it.
    pub(super) journalled: bool,
    /// The name and the end of that journal, where the file as it was read goes on in it.
    pub(super) continued: Option<(String, End)>,
}

impl StateFile {
    /// The state file at a path; nothing is touched yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), found: None, journalled: false, continued: None }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the state, with what the journal adds. Where there is no file and never was one, it is a new state. An empty file is
    /// damage, never a new state.
    ///
    /// # Errors
    /// When a file cannot be read, is damaged, gone, or was written by a newer build.
    pub fn load(&mut self) -> Result<State, StateError> {
        let journal = self.read_journal()?;
        self.continued = None;
        let bytes = match disk::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return self.begin_anew(journal.is_some()),
            Err(source) => return Err(StateError::Read { path: self.path.clone(), source }),
        };
        let mut state = parse(&self.path, &bytes)?;
        self.found = Some((state.version, state.serial));
        state.version = VERSION;
        match journal {
            // Taken up already: the process stopped between writing the file and removing the journal.
            Some(read) if read.head.journal == state.journal => {}
            Some(read) => {
                self.replay(&mut state, &read)?;
                self.continued = Some((read.head.journal, read.end));
            }
            None => {}
        }
        Ok(state)
    }

    fn read_journal(&mut self) -> Result<Option<Read>, StateError> {
        let path = journal::path_of(&self.path);
        self.journalled = path.exists();
        match journal::read(&path) {
            Ok(Ok(read)) => Ok(read),
            Ok(Err(damage)) => Err(StateError::JournalDamaged { path, line: damage.line, message: damage.message }),
            Err(source) => Err(StateError::Read { path, source }),
        }
    }

    fn begin_anew(&self, journalled: bool) -> Result<State, StateError> {
        let backup = newest_intact(&self.path);
        let trace = if journalled { Some(journal::path_of(&self.path)) } else { backup.clone() };
        match trace {
            Some(trace) => Err(StateError::Gone { path: self.path.clone(), trace, backup }),
            None => State::new(),
        }
    }

    fn replay(&self, state: &mut State, read: &Read) -> Result<(), StateError> {
        let why = if read.head.lineage != state.lineage {
            "it belongs to a state of another lineage".to_owned()
        } else if read.head.serial != state.serial {
            format!("it continues serial {}, and the file has serial {}", read.head.serial, state.serial)
        } else {
            for entry in &read.entries {
                state.take_up(entry);
            }
            return Ok(());
        };
        let addresses: std::collections::BTreeSet<String> =
            read.entries.iter().map(|entry| entry.address().to_string()).collect();
        let addresses: Vec<String> = addresses.into_iter().collect();
        let why = if addresses.is_empty() { why } else { format!("{why}; it tells of {}", addresses.join(", ")) };
        Err(StateError::Parted { path: self.path.clone(), journal: journal::path_of(&self.path), why })
    }

    /// Writes the whole state, and keeps the file that it replaces.
    pub(super) fn write(&mut self, state: &State, keep: bool) -> Result<(), StateError> {
        let failed = |source| StateError::Write { path: self.path.clone(), source };
        if let Some((version, serial)) = self.found
            && keep
        {
            backup::keep(&self.path, serial).map_err(failed)?;
            if version < VERSION {
                backup::keep_version(&self.path, version).map_err(failed)?;
            }
        }
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let written = replace(&self.path, |writer| {
            serde_json::to_writer_pretty(&mut *writer, state)?;
            writer.write_all(b"\n")
        });
        written.map_err(failed)?;
        self.found = Some((VERSION, state.serial));
        Ok(())
    }
}

/// A state from the bytes of its file, still with the version that it was written in.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<State, StateError> {
    let damaged = |error: serde_json::Error| StateError::Damaged {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
        message: error.to_string().split(" at line").next().unwrap_or_default().to_owned(),
        backup: newest_intact(path),
    };
    /// What everything else depends on.
    #[derive(Deserialize)]
    struct Versioned {
        #[serde(default)]
        version: u64,
    }
    // In one pass where all is well: a large state is read quickly.
    let (version, state) = match serde_json::from_slice::<State>(bytes) {
        Ok(state) => (u64::from(state.version), Ok(state)),
        Err(error) => (serde_json::from_slice(bytes).map_or(0, |Versioned { version }| version), Err(error)),
    };
    if version > u64::from(VERSION) {
        return Err(StateError::Newer { path: path.to_owned(), found: version });
    }
    state.map_err(damaged)
}

/// The newest backup that can be read, if there is one.
fn newest_intact(state: &Path) -> Option<PathBuf> {
    backup::newest(state, |path| disk::read(path).is_ok_and(|bytes| parse(path, &bytes).is_ok()))
}
