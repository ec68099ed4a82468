//! The journal beside a state file: what happened since the file was written, one line each, on disk before anything goes on.
//!
//! A line is `{"sum":"<16 hexadecimal digits>","body":<JSON>}`; the sum is the beginning of the SHA-256 of the body's bytes and of
//! the sum before it, so that no line can be changed, lost or moved without being seen. The first line says which state it
//! continues. Only the last line can be torn, by a process or a machine that stopped while writing it, and then it has no line
//! end: whatever it was to tell had not been acted upon.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::State;
use super::disk::{self, sync_folder};
use crate::persona::name::Manage;
use crate::plan::{Address, Document, Pending, Record};

/// One thing to remember.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// A create is about to be sent.
    Intent {
        /// The target.
        address: Address,
        /// What is sent.
        pending: Pending,
    },
    /// A create was answered with an id.
    Created {
        /// The target.
        address: Address,
        /// The object, with nothing applied yet.
        record: Record,
    },
    /// An object was written, or taken as it is.
    Applied {
        /// The target.
        address: Address,
        /// What to remember of it.
        record: Record,
    },
    /// An object was deleted or is no longer managed.
    Removed {
        /// The target.
        address: Address,
    },
    /// An object has another address now.
    Moved {
        /// The address that it had.
        from: Address,
        /// The address that it has.
        to: Address,
    },
    /// An object is as it should be, while state remembered something else.
    Settled {
        /// The target.
        address: Address,
        /// What to remember as applied.
        applied: Document,
        /// Whether a delete is refused.
        prevent_destroy: bool,
        /// Whether it may be deleted although something uses it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        force_destroy: bool,
        /// What may be done to it.
        manage: Manage,
    },
    /// A create is known not to have been done.
    Dropped {
        /// The target.
        address: Address,
    },
    /// Somebody put a copy in the place of everything.
    Restored {
        /// What the copy holds.
        state: Box<State>,
    },
}

impl Entry {
    /// The targets that it is about.
    pub fn addresses(&self) -> Vec<&Address> {
        match self {
            Self::Restored { state } => state.objects.keys().chain(state.pending.keys()).collect(),
            Self::Intent { address, .. }
            | Self::Created { address, .. }
            | Self::Applied { address, .. }
            | Self::Removed { address }
            | Self::Moved { to: address, .. }
            | Self::Settled { address, .. }
            | Self::Dropped { address } => vec![address],
        }
    }
}

/// The first line: which state the journal continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// Names this journal.
    pub(super) journal: String,
    /// The state's lineage.
    pub(super) lineage: String,
    /// The serial of the state file that it continues.
    pub(super) serial: u64,
}

/// What a journal file holds.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    pub(super) head: Head,
    pub(super) entries: Vec<Entry>,
    /// Where a further line goes.
    pub(super) end: End,
}

/// The end of the last whole line of a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    /// The sum of that line.
    sum: String,
    /// The bytes up to there.
    pub(super) length: u64,
}

/// A line that is not as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// One-based.
    pub(super) line: usize,
    /// What is wrong, as a fragment.
    pub(super) message: String,
}

/// Where the journal of a state file is.
pub(super) fn path_of(state: &Path) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(".journal");
    name.into()
}

/// Reads a journal; none where there is no file, or not even its first line was finished.
pub(super) fn read(path: &Path) -> std::io::Result<Result<Option<Read>, Damage>> {
    match disk::read(path) {
        Ok(bytes) => Ok(parse(&bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Ok(None)),
        Err(error) => Err(error),
    }
}

fn parse(bytes: &[u8]) -> Result<Option<Read>, Damage> {
    let mut head = None;
    let mut entries = Vec::new();
    let mut end = End::default();
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some(line) = line.strip_suffix(b"\n") else { break };
        let damage = |message: &str| Damage { line: index + 1, message: message.to_owned() };
        let body =
            opened(line, &mut end.sum).ok_or_else(|| damage("the line is not as it was written: its checksum is wrong"))?;
        let unknown = |error: serde_json::Error| damage(&format!("the line is no entry that this personaform knows: {error}"));
        match head {
            None => head = Some(serde_json::from_slice(body).map_err(unknown)?),
            Some(_) => entries.push(serde_json::from_slice(body).map_err(unknown)?),
        }
        end.length += line.len() as u64 + 1;
    }
    Ok(head.map(|head| Read { head, entries, end }))
}

const BEFORE_SUM: &[u8] = br#"{"sum":""#;
const BEFORE_BODY: &[u8] = br#"","body":"#;

/// The body of a line whose sum is right; the sum goes on to the next line.
fn opened<'a>(line: &'a [u8], sum: &mut String) -> Option<&'a [u8]> {
    let (written, rest) = line.strip_prefix(BEFORE_SUM)?.split_at_checked(16)?;
    let body = rest.strip_prefix(BEFORE_BODY)?.strip_suffix(b"}")?;
    let wanted = checksum(sum, body);
    if wanted.as_bytes() != written {
        return None;
    }
    *sum = wanted;
    Some(body)
}

fn checksum(before: &str, body: &[u8]) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(before.as_bytes());
    context.update(body);
    context.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A journal that is being written.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    sum: String,
    /// Bytes that are safely there.
    length: u64,
    /// Whether a failed write may have left half a line that could not be taken back.
    broken: bool,
}

impl Journal {
    /// Begins a journal; one that is there already is an error. Only the owner can read it.
    pub(super) fn begin(path: &Path, head: &Head) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let mut journal = Self { file, sum: String::new(), length: 0, broken: false };
        journal.write(std::slice::from_ref(head))?;
        sync_folder(path)?;
        Ok(journal)
    }

    /// Goes on with a journal that was read; half a line at its end is cut off, as nothing had been done upon it.
    pub(super) fn resume(path: &Path, end: End) -> std::io::Result<Self> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        if file.metadata()?.len() < end.length {
            return Err(std::io::Error::other("it has become shorter since it was read"));
        }
        file.set_len(end.length)?;
        file.seek(SeekFrom::Start(end.length))?;
        Ok(Self { file, sum: end.sum, length: end.length, broken: false })
    }

    /// Appends entries. When this returns, they are on disk, at the price of one; after an error the journal is as it was.
    pub(super) fn write(&mut self, bodies: &[impl Serialize]) -> std::io::Result<()> {
        if self.broken {
            return Err(std::io::Error::other("an earlier write failed half way"));
        }
        let (mut lines, mut sum) = (Vec::new(), self.sum.clone());
        for body in bodies {
            let body = serde_json::to_vec(body)?;
            sum = checksum(&sum, &body);
            [BEFORE_SUM, sum.as_bytes(), BEFORE_BODY, &body, b"}\n"].iter().for_each(|part| lines.extend_from_slice(part));
        }
        let written = self.file.write_all(&lines).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            let undone = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
            self.broken = undone.is_err();
            return Err(error);
        }
        self.length += u64::try_from(lines.len()).unwrap_or_default();
        self.sum = sum;
        Ok(())
    }

    /// Its size in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn written() -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("j");
        let head = Head { journal: "j1".to_owned(), lineage: "l".to_owned(), serial: 4 };
        let mut journal = Journal::begin(&path, &head).expect("begun");
        for key in ["ada", "bob", "cyd"] {
            let address = Address::parse(&format!("a.{key}")).expect("an address");
            journal.write(&[Entry::Removed { address }]).expect("written");
        }
        fs::read(&path).expect("there")
    }

    #[test]
    fn what_was_written_is_read_again() {
        let read = parse(&written()).expect("whole").expect("begun");
        assert_eq!((read.head.serial, read.entries.len()), (4, 3));
        assert_eq!(read.entries[1].addresses()[0].to_string(), "a.bob");
    }

    #[test]
    fn wherever_it_is_torn_the_lines_before_are_kept() {
        let bytes = written();
        for length in 0..bytes.len() {
            let whole = bytes[..length].iter().filter(|byte| **byte == b'\n').count();
            let read = parse(&bytes[..length]).unwrap_or_else(|damage| panic!("torn at {length}: {damage:?}"));
            assert_eq!(read.map(|read| read.entries.len() + 1).unwrap_or_default(), whole, "torn at {length}");
        }
    }

    #[test]
    fn whatever_bit_is_turned_is_seen_at_its_line() {
        let bytes = written();
        let last = bytes.len() - 1;
        for at in 0..last {
            for bit in 0..8 {
                let mut turned = bytes.clone();
                turned[at] ^= 1 << bit;
                let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
                match parse(&turned) {
                    Err(damage) => assert!(damage.line <= line, "byte {at}, bit {bit}: {damage:?}"),
                    Ok(_) => panic!("byte {at}, bit {bit}: nobody noticed"),
                }
            }
        }
    }

    #[test]
    fn a_journal_goes_on_after_its_last_whole_line_wherever_it_was_torn() {
        let bytes = written();
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        let begun = bytes.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("j");
        for length in begun..=bytes.len() {
            fs::write(&path, &bytes[..length]).expect("written");
            let read = read(&path).expect("there").expect("whole").expect("begun");
            let kept = read.entries.len();
            let mut journal = Journal::resume(&path, read.end).expect("resumed");
            journal.write(&[Entry::Removed { address: Address::parse("a.dan").expect("an address") }]).expect("written");
            let read = super::read(&path).expect("there").unwrap_or_else(|damage| panic!("torn at {length}: {damage:?}"));
            let entries = read.expect("begun").entries;
            assert_eq!(
                (entries.len(), entries[kept].addresses()[0].to_string().as_str()),
                (kept + 1, "a.dan"),
                "torn at {length}"
            );
            assert!(kept < lines);
        }
    }

    #[test]
    fn a_lost_line_is_damage() {
        let bytes = written();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let without = [lines[0], lines[1], lines[3]].concat();
        assert_eq!(parse(&without).expect_err("damage").line, 3);
    }
}
