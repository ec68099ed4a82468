//! A state that is being written: every entry goes to the journal at once; the file is rewritten at the end, unless it is large and
//! little has changed: then the journal stays beside it, and the next run goes on in it.
//!
//! So one change costs the same however much is remembered, and a process that is killed at any moment leaves a file and a
//! journal that together hold every entry that was noted. Whoever writes holds the lock.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::disk::sync_folder;
use super::journal::{self, Entry, Head, Journal};
use super::{State, StateError, StateFile, backup, seal};

/// A file is large from this size on. A journal is taken up into the file in the middle of a run when it has grown beyond this and
/// beyond the file, and at the end of a run unless the file is large and more than twice the journal.
const LARGE: u64 = 4 * 1024 * 1024;

/// A state and where it is written.
#[derive(Debug)]
pub struct Memory {
    file: StateFile,
    state: State,
    /// Begun with the first entry, under this name.
    journal: Option<(String, Journal)>,
    /// Whether the file that this run found has been kept as a backup.
    kept: bool,
    /// The size of the file.
    written: u64,
}

impl Memory {
    /// A loaded state, ready to be written. Nothing is touched before the first entry.
    pub fn new(file: StateFile, state: State) -> Self {
        let written = fs::metadata(file.path()).map(|file| file.len()).unwrap_or_default();
        Self { file, state, journal: None, kept: false, written }
    }

    /// The state with every entry so far.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Remembers an entry. When this returns, it is on disk.
    ///
    /// # Errors
    /// When it cannot be written; the state is then as it was.
    pub fn note(&mut self, entry: &Entry) -> Result<(), StateError> {
        self.note_all(std::slice::from_ref(entry))
    }

    /// Remembers entries, all or none. When this returns, they are on disk, at the price of one.
    ///
    /// # Errors
    /// As [`Memory::note`].
    pub fn note_all(&mut self, entries: &[Entry]) -> Result<(), StateError> {
        if entries.is_empty() {
            return Ok(());
        }
        if let Some((name, journal)) = &self.journal
            && journal.length() > LARGE.max(self.written)
        {
            self.take_up(name.clone())?;
        }
        let path = journal::path_of(self.file.path());
        let failed = |source| StateError::Write { path: path.clone(), source };
        let goes_on = self.goes_on();
        let journal = match &mut self.journal {
            Some((_, journal)) => journal,
            None if goes_on && let Some((name, end)) = self.file.continued.take() => {
                let journal = Journal::resume(&path, end).map_err(failed)?;
                &mut self.journal.insert((name, journal)).1
            }
            None => {
                self.begin()?;
                let name = seal::random_hex(8)?;
                let head = Head { journal: name.clone(), lineage: self.state.lineage.clone(), serial: self.state.serial };
                // Should it fail half way, what is left goes before the next try.
                self.file.journalled = true;
                let journal = Journal::begin(&path, &head).map_err(failed)?;
                &mut self.journal.insert((name, journal)).1
            }
        };
        journal.write(entries).map_err(failed)?;
        entries.iter().for_each(|entry| self.state.take_up(entry));
        Ok(())
    }

    /// Makes sure that there is a file of this version for a journal to continue, and no journal of an earlier run.
    fn begin(&mut self) -> Result<(), StateError> {
        let current = matches!(self.file.found, Some((super::VERSION, _)));
        if current && !self.file.journalled {
            return Ok(());
        }
        if self.state.serial == 0 {
            // Serial 0 means a state that was never written.
            self.state.serial = 1;
        }
        if self.file.journalled {
            // The name is not known where only a torn first line is left, and then there is nothing to take up.
            let old = journal::read(&journal::path_of(self.file.path()));
            if let Ok(Ok(Some(read))) = old {
                self.state.journal = read.head.journal;
            }
        }
        self.write()?;
        self.remove_journal()
    }

    /// Ends the writing: the whole state goes to its file, and the journal, also one that an earlier run has left, is removed; unless
    /// the file is large and little has changed. Does nothing where nothing was noted.
    ///
    /// # Errors
    /// When the file cannot be written; the journal then stays, and nothing is lost.
    pub fn settle(&mut self) -> Result<(), StateError> {
        let Some((name, journal)) = &self.journal else {
            return if self.file.journalled && !self.goes_on() { self.begin() } else { Ok(()) };
        };
        if self.stays(journal.length()) {
            return Ok(());
        }
        self.take_up(name.clone())
    }

    /// Whether the journal that an earlier run has left is gone on in.
    fn goes_on(&self) -> bool {
        let current = matches!(self.file.found, Some((super::VERSION, _)));
        current && self.file.continued.as_ref().is_some_and(|(_, end)| self.stays(end.length))
    }

    /// Whether a journal of a length stays beside the file: rewriting it would cost more than what has changed is worth.
    fn stays(&self, journal: u64) -> bool {
        self.written > LARGE && journal < self.written / 2
    }

    /// Writes the whole state to its file, and removes the journal of a name.
    fn take_up(&mut self, name: String) -> Result<(), StateError> {
        self.state.journal = name;
        self.write()?;
        self.journal = None;
        self.remove_journal()
    }

    /// Keeps a copy of the state as it is, with what a journal of an earlier run adds, and gives its path. Where nothing was ever
    /// written there is nothing to keep.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn back_up(&self) -> Result<Option<PathBuf>, StateError> {
        let path = self.file.path();
        if self.state.serial == 0 {
            return Ok(None);
        }
        let kept = backup::keep_state(path, &self.state, false);
        kept.map(Some).map_err(|source| StateError::Write { path: backup::folder_of(path), source })
    }

    fn write(&mut self) -> Result<(), StateError> {
        self.file.write(&self.state, !self.kept)?;
        self.kept = true;
        self.written = fs::metadata(self.file.path()).map(|file| file.len()).unwrap_or_default();
        Ok(())
    }

    fn remove_journal(&mut self) -> Result<(), StateError> {
        let path = journal::path_of(self.file.path());
        let removed = match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => sync_folder(&path),
        };
        self.file.journalled = false;
        removed.map_err(|source| StateError::Write { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persona::name::Manage;
    use crate::plan::{Address, Document, Record, RemoteId};

    fn applied(key: &str, id: &str) -> Entry {
        let record = Record {
            provider: "plain".to_owned(),
            id: RemoteId::new(id),
            name: String::new(),
            applied: Document::default(),
            prevent_destroy: false,
            force_destroy: false,
            resisted: Vec::new(),
            manage: Manage::Full,
            written_at: "2026-11-22T06:00:00Z".to_owned(),
        };
        Entry::Applied { address: Address::parse(&format!("a.{key}")).expect("an address"), record }
    }

    fn opened(path: &std::path::Path) -> Memory {
        let mut file = StateFile::at(path);
        let state = file.load().expect("loaded");
        Memory::new(file, state)
    }

    fn files(folder: &std::path::Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn an_entry_is_there_for_the_next_reader_before_anything_is_settled() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/state.json");
        let mut memory = opened(&path);
        memory.note(&applied("ada", "1")).expect("noted");
        memory.note(&applied("bob", "2")).expect("noted");
        let seen = StateFile::at(&path).load().expect("loaded");
        assert_eq!(&seen, memory.state());
        assert_eq!((seen.objects.len(), seen.serial), (2, 3));
        memory.settle().expect("settled");
        assert_eq!(files(path.parent().expect("a folder")), ["state.json"]);
        let mut settled = StateFile::at(&path).load().expect("loaded");
        settled.journal.clear();
        assert_eq!(settled, State { journal: String::new(), ..seen });
    }

    #[test]
    fn a_journal_that_was_left_is_taken_up_by_the_next_writer() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        opened(&path).note(&applied("ada", "1")).expect("noted");
        let mut next = opened(&path);
        next.note(&applied("bob", "2")).expect("noted");
        assert_eq!(StateFile::at(&path).load().expect("loaded").objects.len(), 2);
        next.settle().expect("settled");
        assert_eq!(StateFile::at(&path).load().expect("loaded").objects.len(), 2);
        assert_eq!(files(folder.path()), ["state.json", "state.json.backups"]);
    }

    #[test]
    fn a_journal_that_the_file_has_taken_up_is_not_counted_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let mut memory = opened(&path);
        memory.note(&applied("ada", "1")).expect("noted");
        let journal = journal::path_of(&path);
        let left = fs::read(&journal).expect("a journal");
        memory.settle().expect("settled");
        let settled = StateFile::at(&path).load().expect("loaded");
        // The process stopped between the two steps.
        fs::write(&journal, left).expect("written");
        assert_eq!(StateFile::at(&path).load().expect("loaded"), settled);
        opened(&path).note(&applied("bob", "2")).expect("noted");
        assert_eq!(StateFile::at(&path).load().expect("loaded").objects.len(), 2);
    }

    #[test]
    fn a_journal_of_another_serial_is_not_guessed_at() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let mut memory = opened(&path);
        memory.note(&applied("ada", "1")).expect("noted");
        memory.settle().expect("settled");
        let old = fs::read(&path).expect("a file");
        let mut memory = opened(&path);
        memory.note(&applied("bob", "2")).expect("noted");
        memory.settle().expect("settled");
        opened(&path).note(&applied("cyd", "3")).expect("noted");
        fs::write(&path, old).expect("put back");
        let error = StateFile::at(&path).load().expect_err("parted");
        assert!(matches!(error, StateError::Parted { .. }) && error.to_string().contains("a.cyd"), "{error}");
    }

    #[test]
    fn damage_names_the_place_and_the_newest_backup_that_can_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        for (key, id) in [("ada", "1"), ("bob", "2"), ("cyd", "3"), ("dan", "4")] {
            let mut memory = opened(&path);
            memory.note(&applied(key, id)).expect("noted");
            memory.settle().expect("settled");
        }
        let backups = super::super::backup::folder_of(&path);
        assert_eq!(files(&backups), ["00000002.json", "00000003.json", "00000004.json"]);
        fs::write(backups.join("00000004.json"), "{").expect("damaged");
        for (text, place) in [("", "line 1, column 0"), ("{\n  \"version\": 2,\n  nonsense", "line 3, column 3")] {
            fs::write(&path, text).expect("damaged");
            let error = StateFile::at(&path).load().expect_err("damage");
            assert!(error.to_string().contains(place), "{error}");
            assert!(error.help().expect("help").contains("00000003.json"), "{:?}", error.help());
        }
        fs::remove_file(&path).expect("removed");
        assert!(matches!(StateFile::at(&path).load(), Err(StateError::Gone { .. })), "never a new state in its place");
    }

    #[test]
    fn only_a_few_backups_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        for id in 0..9 {
            let mut memory = opened(&path);
            memory.note(&applied("ada", &id.to_string())).expect("noted");
            memory.settle().expect("settled");
        }
        assert_eq!(files(&super::super::backup::folder_of(&path)).first().map(String::as_str), Some("00000005.json"));
    }

    #[test]
    fn one_change_costs_the_same_in_a_large_state_as_in_a_small_one() {
        let written = |objects: usize| {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("state.json");
            let mut memory = opened(&path);
            let Entry::Applied { record, .. } = applied("ada", "1") else { unreachable!() };
            for number in 0..objects {
                let address = Address::parse(&format!("a.p{number}")).expect("an address");
                memory.state.objects.insert(address, record.clone());
            }
            memory.note(&applied("bob", "1")).expect("noted");
            memory.settle().expect("settled");
            let mut memory = opened(&path);
            let before = fs::read(&path).expect("a file");
            memory.note(&applied("bob", "2")).expect("noted");
            assert_eq!(fs::read(&path).expect("a file"), before, "the file is not rewritten");
            memory.journal.as_ref().map(|(_, journal)| journal.length())
        };
        assert_eq!(written(10), written(5_000));
    }

    #[test]
    fn a_large_file_is_rewritten_only_when_much_has_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let mut memory = opened(&path);
        let large = |key: &str, id: &str| {
            let Entry::Applied { address, mut record } = applied(key, id) else { unreachable!() };
            record.applied.insert("prompt".to_owned(), "x".repeat(1 << 20).into());
            Entry::Applied { address, record }
        };
        for number in 0..6 {
            memory.note(&large(&format!("p{number}"), "1")).expect("noted");
        }
        memory.take_up(String::new()).expect("written");
        let before = fs::read(&path).expect("a file");
        for number in 0..3 {
            let mut memory = opened(&path);
            memory.note(&applied("bob", &number.to_string())).expect("noted");
            memory.settle().expect("settled");
            assert_eq!(fs::read(&path).expect("a file"), before, "the file is not rewritten");
            assert_eq!(StateFile::at(&path).load().expect("loaded"), *memory.state());
            // A run that changes nothing does not write it either.
            opened(&path).settle().expect("settled");
            assert_eq!(fs::read(&path).expect("a file"), before);
        }
        assert_eq!(files(folder.path()), ["state.json", "state.json.journal"]);
        let mut memory = opened(&path);
        for number in 0..4 {
            memory.note(&large(&format!("p{number}"), "2")).expect("noted");
        }
        memory.settle().expect("settled");
        assert_eq!(files(folder.path()), ["state.json", "state.json.backups"]);
        let state = StateFile::at(&path).load().expect("loaded");
        assert_eq!((state.objects.len(), state.serial), (7, memory.state().serial));
        assert_eq!(&state, memory.state());
    }

    #[test]
    fn version_1_is_migrated_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let old = format!(
            r#"{{"version": 1, "lineage": "l", "serial": 7, "digest_key": "{}", "objects": {{"a.ada": {{"provider": "plain",
            "id": "1", "name": "Ada", "applied": {{"x": 1}}, "written_at": "2026-11-22T00:00:00Z"}}}}}}"#,
            "ab".repeat(32)
        );
        fs::write(&path, &old).expect("written");
        let mut memory = opened(&path);
        assert_eq!((memory.state().version, memory.state().serial, memory.state().objects.len()), (2, 7, 1));
        assert_eq!(fs::read_to_string(&path).expect("a file"), old, "a read changes nothing");
        memory.note(&applied("bob", "2")).expect("noted");
        memory.settle().expect("settled");
        assert!(fs::read_to_string(&path).expect("a file").contains("\"version\": 2"));
        assert_eq!(fs::read_to_string(folder.path().join("state.json.version-1")).expect("kept"), old);
        assert_eq!(StateFile::at(&path).load().expect("loaded").objects.len(), 2);
    }

    #[test]
    fn a_newer_version_is_refused_and_an_unknown_member_is_damage() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        fs::write(&path, r#"{"version": 99, "something": "new"}"#).expect("written");
        assert!(matches!(StateFile::at(&path).load(), Err(StateError::Newer { found: 99, .. })));
        fs::write(&path, r#"{"version": 2, "something": "new"}"#).expect("written");
        assert!(matches!(StateFile::at(&path).load(), Err(StateError::Damaged { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_what_is_kept() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let mut memory = opened(&path);
        memory.note(&applied("ada", "1")).expect("noted");
        memory.settle().expect("settled");
        memory.note(&applied("bob", "2")).expect("noted");
        let backup = super::super::backup::folder_of(&path).join("00000002.json");
        opened(&path).note(&applied("cyd", "2")).expect("noted");
        for path in [path.clone(), journal::path_of(&path), backup] {
            let mode = fs::metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
    }
}
