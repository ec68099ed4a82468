//! The folder in which miniatures survive a restart: one JSON file each, and a lock that keeps two processes apart. Knows
//! nothing of HTTP.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// An opened folder. The lock goes with it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    lock: File,
}

/// Why a sandbox folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// Another process serves from it.
    #[error("the sandbox folder {} is in use by another personaform process", .0.display())]
    InUse(PathBuf),
    /// A file in it is not what was written there. It is left as it is.
    #[error("the sandbox store {} is damaged: {reason}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system refused.
    #[error("cannot use {}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
}

impl Folder {
    /// Creates the folder if need be and takes its lock.
    pub(super) fn open(path: PathBuf) -> Result<Self, FolderError> {
        let failed = |source| FolderError::Io { path: path.clone(), source };
        fs::create_dir_all(&path).map_err(failed)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path)),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// What was kept under a name; none where nothing was.
    pub(super) fn load(&self, name: &str) -> Result<Option<Value>, FolderError> {
        let file = self.file(name);
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FolderError::Io { path: file, source }),
        };
        match serde_json::from_slice(&bytes) {
            Ok(store) => Ok(Some(store)),
            Err(error) => Err(FolderError::Damaged { file, reason: error.to_string() }),
        }
    }

    /// Keeps a store under a name: whole or not at all, readable by the owner alone.
    pub(super) fn save(&self, name: &str, store: &Value) -> Result<(), FolderError> {
        let file = self.file(name);
        let failed = |source| FolderError::Io { path: file.clone(), source };
        // A temporary file is made with mode 0600, and a rename keeps it.
        let mut draft = tempfile::NamedTempFile::new_in(&self.path).map_err(failed)?;
        draft.write_all(format!("{store:#}\n").as_bytes()).map_err(failed)?;
        draft.as_file().sync_all().map_err(failed)?;
        draft.persist(&file).map_err(|error| failed(error.error))?;
        sync_folder(&self.path).map_err(failed)
    }

    /// The file of a name.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.json"))
    }

    /// Lets another process in, though something still holds the folder.
    pub(super) fn release(&self) {
        // Nothing is lost where this fails: the lock goes when the file is closed.
        let _ = self.lock.unlock();
    }
}

/// Makes a rename last. Windows has no such call and needs none.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
