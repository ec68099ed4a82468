//! Why state could not be read or written, and what to do then.

use std::path::PathBuf;

use super::VERSION;

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
        /// The folder of the backups.
        backups: PathBuf,
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
                format!(
                    "restore it with `personaform state restore FILE` from a copy in version control, or with `… latest` from the newest \
                     intact backup, `{}`",
                    backup.display()
                )
            }
            None => "restore it from version control (`personaform state restore FILE`); there is no intact backup".to_owned(),
        };
        match self {
            Self::Damaged { backup, .. } => {
                Some(format!("{}; without a state, personaform would not know its objects", backed_up(backup)))
            }
            Self::JournalDamaged { line, .. } => Some(format!(
                "restore it from a copy; or keep a copy and cut it off before line {line}: what the lines from there on tell is then lost"
            )),
            Self::Parted { .. } => Some(
                "put back the state file that the journal continues, as with `personaform state restore FILE`; or, if its entries are known to be in this file, move the journal away"
                    .to_owned(),
            ),
            Self::Gone { path, backup, backups, .. } => Some(format!(
                "{}; to begin anew, also remove `{}.journal` and `{}`",
                backed_up(backup),
                path.display(),
                backups.display()
            )),
            Self::Newer { .. } => Some("use the newer personaform that wrote it".to_owned()),
            Self::BadDigestKey => Some("restore the state file from version control or a backup".to_owned()),
            Self::Read { .. } | Self::Write { .. } | Self::NoRandomness => None,
        }
    }
}
