//! The state file: read whole, written whole through a temporary file and a rename, so that it is never half there. What happened
//! since it was written is in the journal.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::disk::{self, replace_by};
use super::error::StateError;
use super::form::{self, write_to};
use super::journal::{self, End, Read};
use super::{State, VERSION, backup};

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
        let backup = backup::newest_intact(&self.path);
        let trace = if journalled { Some(journal::path_of(&self.path)) } else { backup.clone() };
        match trace {
            Some(trace) => {
                let backups = backup::folder_of(&self.path);
                Err(StateError::Gone { path: self.path.clone(), trace, backup, backups })
            }
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
            read.entries.iter().flat_map(|entry| entry.addresses()).map(ToString::to_string).collect();
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
        replace_by(&self.path, |writer| write_to(writer, state)).map_err(failed)?;
        self.found = Some((VERSION, state.serial));
        Ok(())
    }
}

/// A state from the bytes of its file; where it is damaged, the newest intact backup is named.
fn parse(path: &Path, bytes: &[u8]) -> Result<State, StateError> {
    form::parse(path, bytes).map_err(|error| match error {
        StateError::Damaged { path, line, column, message, .. } => {
            let backup = backup::newest_intact(&path);
            StateError::Damaged { path, line, column, message, backup }
        }
        other => other,
    })
}
