//! One writer at a time: a lock file beside the state, held by everything that writes, naming its holder.
//!
//! The system's file lock decides: it goes with its process, however that ends. What the holder wrote about itself is taken out
//! when the lock is let go, so words in a file that nobody locks tell of a process that died. On this host that is certain, and
//! the lock is taken over. From another host it is not, since not every network file system carries locks between hosts: then
//! somebody has to say so with `state unlock`.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk::check_kind;

/// More than any holder says of itself, in bytes.
const MOST: u64 = 64 * 1024;

/// Who holds a lock, as the lock file says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user.
    pub owner: String,
    /// The machine.
    pub host: String,
    /// The process's id there.
    pub process: u32,
    /// The command, as in `apply`.
    pub command: String,
    /// Since when: RFC 3339, UTC, whole seconds.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, host, process, command, since } = self;
        write!(formatter, "`personaform {command}` of {owner} on {host}, process {process}, since {since}")
    }
}

/// A held lock; let go when dropped, and by the system when the process dies.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// Whether the words in the file may go with the lock.
    ours: bool,
    /// The holder that had died with the lock, if it was taken over.
    pub taken_over: Option<Holder>,
}

/// Why a lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Held {
    /// Another run holds it.
    #[error("the state is locked by another run: {}", .0.as_ref().map_or_else(|| "it has not said which".to_owned(), ToString::to_string))]
    Other(Option<Holder>),
    /// A run on another host took it and has not let it go.
    #[error("the state was locked on another host, and never let go: {0}")]
    Elsewhere(Holder),
    /// The lock file cannot be used.
    #[error("the lock file `{path}` cannot be used")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
}

impl Lock {
    /// Takes the lock of the state at `state_path`, without waiting.
    ///
    /// # Errors
    /// When another run holds it, or the lock file cannot be used.
    pub fn take(state_path: &Path, holder: &Holder) -> Result<Self, Held> {
        let (mut lock, path) = Self::open(state_path)?;
        match &lock.taken_over {
            Some(dead) if dead.host != holder.host => return Err(Held::Elsewhere(dead.clone())),
            _ => {}
        }
        let text = serde_json::to_string(holder).unwrap_or_default();
        lock.ours = true;
        lock.write(&text).map_err(|source| Held::Unusable { path, source })?;
        Ok(lock)
    }

    /// Takes away what a holder that is gone has left, and gives it; none: nobody has left anything.
    ///
    /// # Errors
    /// When somebody holds the lock now, or the lock file cannot be used.
    pub fn clear(state_path: &Path) -> Result<Option<Holder>, Held> {
        let (mut lock, _) = Self::open(state_path)?;
        lock.ours = true;
        Ok(lock.taken_over.take())
    }

    /// Whom a lock that nobody holds still names: a run that died. Changes nothing.
    ///
    /// # Errors
    /// As [`Lock::clear`].
    pub fn left(state_path: &Path) -> Result<Option<Holder>, Held> {
        let (mut lock, _) = Self::open(state_path)?;
        Ok(lock.taken_over.take())
    }

    /// Locks the file, whoever is named in it.
    fn open(state_path: &Path) -> Result<(Self, PathBuf), Held> {
        let mut name = state_path.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let unusable = |source| Held::Unusable { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(unusable)?;
        }
        match check_kind(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unusable(error)),
            _ => {}
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        let locked = file.try_lock();
        let mut text = Vec::new();
        (&file).take(MOST).read_to_end(&mut text).map_err(unusable)?;
        let named: Option<Holder> = serde_json::from_slice(&text).ok();
        match locked {
            Ok(()) => Ok((Self { file, ours: false, taken_over: named }, path)),
            Err(TryLockError::WouldBlock) => Err(Held::Other(named)),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    fn write(&mut self, text: &str) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Words that stay behind only cost the next run on another host a question.
        if self.ours {
            let _ = self.write("");
        }
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(host: &str, process: u32) -> Holder {
        Holder {
            owner: "ann".to_owned(),
            host: host.to_owned(),
            process,
            command: "apply".to_owned(),
            since: "2026-11-22T06:00:00Z".to_owned(),
        }
    }

    #[test]
    fn the_second_asker_is_told_who_holds_it_until_it_is_let_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state.json");
        let first = Lock::take(&state, &holder("here", 1)).expect("free");
        match Lock::take(&state, &holder("here", 2)) {
            Err(Held::Other(named)) => assert_eq!(named, Some(holder("here", 1))),
            other => panic!("the lock was given twice: {other:?}"),
        }
        assert!(matches!(Lock::clear(&state), Err(Held::Other(_))), "a held lock is not cleared");
        drop(first);
        let second = Lock::take(&state, &holder("elsewhere", 2)).expect("free again");
        assert_eq!(second.taken_over, None);
    }

    #[test]
    fn a_dead_holder_is_taken_over_on_its_own_host_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state.json");
        let left = serde_json::to_string(&holder("here", 1)).expect("JSON");
        std::fs::write(folder.path().join("state.json.lock"), &left).expect("written");
        match Lock::take(&state, &holder("elsewhere", 2)) {
            Err(Held::Elsewhere(named)) => assert_eq!(named, holder("here", 1)),
            other => panic!("it was taken: {other:?}"),
        }
    }

    #[test]
    fn what_a_dead_holder_left_is_taken_over_or_cleared() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state.json");
        let file = folder.path().join("state.json.lock");
        let left = serde_json::to_string(&holder("here", 1)).expect("JSON");
        std::fs::write(&file, &left).expect("written");
        let lock = Lock::take(&state, &holder("here", 2)).expect("taken over");
        assert_eq!(lock.taken_over, Some(holder("here", 1)));
        drop(lock);
        std::fs::write(&file, &left).expect("written");
        assert_eq!(Lock::clear(&state).expect("cleared"), Some(holder("here", 1)));
        assert_eq!(Lock::clear(&state).expect("clear"), None);
        Lock::take(&state, &holder("elsewhere", 3)).expect("free");
    }
}
