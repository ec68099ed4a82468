//! One writer at a time: a lock file beside the state, held by everything that writes, naming its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A held lock; let go when dropped, and by the system when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Held {
    /// Another run holds it.
    #[error("the state is locked by another run: {holder}")]
    Other {
        /// What the holder wrote about itself.
        holder: String,
    },
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
    /// Takes the lock of the state at `state_path`, without waiting. `holder` says who asks, on one line.
    ///
    /// # Errors
    /// When another run holds it, or the lock file cannot be used.
    pub fn take(state_path: &Path, holder: &str) -> Result<Self, Held> {
        let mut name = state_path.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let unusable = |source| Held::Unusable { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(unusable)?;
        }
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).map_err(unusable)?;
                file.rewind().map_err(unusable)?;
                file.write_all(holder.as_bytes()).map_err(unusable)?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(unusable)?;
                Err(Held::Other { holder: holder.trim().to_owned() })
            }
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_asker_is_told_who_holds_it_until_it_is_let_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state.json");
        let first = Lock::take(&state, "apply, process 1").expect("free");
        match Lock::take(&state, "apply, process 2") {
            Err(Held::Other { holder }) => assert_eq!(holder, "apply, process 1"),
            other => panic!("the lock was given twice: {other:?}"),
        }
        drop(first);
        Lock::take(&state, "apply, process 2").expect("free again");
    }
}
