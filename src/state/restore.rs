//! A copy in the place of the present state: what would change, and how it takes the place also of a state that cannot be read.
//! Nothing is lost: what gives way is kept beside the backups first.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::disk::{replace_by, sync_folder};
use super::form::write_to;
use super::journal::{self, Read};
use super::{State, StateError, backup};
use crate::plan::{Address, RemoteId};

/// What a copy would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Objects that are recorded again.
    pub gained: BTreeMap<Address, RemoteId>,
    /// Objects that are forgotten.
    pub lost: BTreeMap<Address, RemoteId>,
    /// Addresses that get another object: the id of now, and the id of then.
    pub replaced: BTreeMap<Address, (RemoteId, RemoteId)>,
    /// Addresses that keep their object, while something else is remembered of it.
    pub rewritten: Vec<Address>,
    /// Addresses with a create without an answer that is known of now or then alone.
    pub pending: Vec<Address>,
}

impl Difference {
    /// Between the present state and a copy.
    pub fn between(present: &State, copy: &State) -> Self {
        let mut difference = Self::default();
        for (address, record) in &copy.objects {
            match present.objects.get(address) {
                None => drop(difference.gained.insert(address.clone(), record.id.clone())),
                Some(now) if now.id != record.id => {
                    difference.replaced.insert(address.clone(), (now.id.clone(), record.id.clone()));
                }
                Some(now) if now != record => difference.rewritten.push(address.clone()),
                Some(_) => {}
            }
        }
        let lost = present.objects.iter().filter(|(address, _)| !copy.objects.contains_key(*address));
        difference.lost = lost.map(|(address, record)| (address.clone(), record.id.clone())).collect();
        let all: std::collections::BTreeSet<&Address> = present.pending.keys().chain(copy.pending.keys()).collect();
        let other = |address: &&Address| present.pending.get(*address) != copy.pending.get(*address);
        difference.pending = all.into_iter().filter(other).cloned().collect();
        difference
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What became of a state that could not be read.
#[derive(Debug)]
pub struct Mended {
    /// The files that gave way, as they are kept.
    pub kept: Vec<PathBuf>,
    /// What a journal told that the copy does not continue: these addresses.
    pub untold: Vec<Address>,
    /// The state that is there now.
    pub state: State,
}

/// The lineage of a state whose file cannot be read, as its journal or its newest intact backup tells it.
pub fn lineage_of_broken(path: &Path) -> Option<String> {
    let journalled = readable_journal(path).map(|read| read.head.lineage);
    let backed_up = || backup::newest_intact(path).and_then(|path| backup::read(&path).ok()).map(|state| state.lineage);
    journalled.or_else(backed_up)
}

/// What would be there if a copy took the place of a state that cannot be read. A journal that continues this very copy counts.
pub fn mended(path: &Path, copy: &State) -> Mended {
    let mut state = copy.clone();
    let mut untold = Vec::new();
    let least = serials(path).max(copy.serial);
    if let Some(read) = readable_journal(path) {
        if (&read.head.lineage, read.head.serial) == (&copy.lineage, copy.serial) {
            read.entries.iter().for_each(|entry| state.take_up(entry));
        } else if read.head.journal != copy.journal {
            untold = read.entries.iter().flat_map(|entry| entry.addresses()).cloned().collect();
            untold.sort();
            untold.dedup();
        }
        // Should the process stop before the journal is gone, it is known for taken up.
        state.journal = read.head.journal;
    }
    state.serial = state.serial.max(least + 1);
    Mended { kept: Vec::new(), untold, state }
}

/// Puts a copy in the place of a state that cannot be read. Whoever calls holds the lock.
///
/// # Errors
/// When a file cannot be kept or written; whatever could not be read is then still there.
pub fn mend(path: &Path, copy: &State) -> Result<Mended, StateError> {
    let failed = |source| StateError::Write { path: path.to_owned(), source };
    let mut mended = mended(path, copy);
    let journal = journal::path_of(path);
    for file in [path, &journal] {
        if file.exists() {
            mended.kept.push(backup::keep_aside(path, file).map_err(failed)?);
        }
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    replace_by(path, |writer| write_to(writer, &mended.state)).map_err(failed)?;
    match fs::remove_file(&journal) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(error)),
        _ => sync_folder(path).map_err(failed),
    }?;
    Ok(mended)
}

fn readable_journal(path: &Path) -> Option<Read> {
    journal::read(&journal::path_of(path)).ok()?.ok()?
}

/// The highest serial that any trace of a state tells: its file however damaged, its journal, its backups.
fn serials(path: &Path) -> u64 {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let written = text.split_once("\"serial\"").map(|(_, rest)| rest.trim_start_matches([' ', ':']));
    let digits = written.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    let in_file = digits.and_then(|digits| digits.parse().ok()).unwrap_or_default();
    let entries = |read: &Read| u64::try_from(read.entries.len()).unwrap_or_default();
    let in_journal = readable_journal(path).map_or(0, |read| read.head.serial + entries(&read));
    let in_backups = backup::all(path).into_iter().filter_map(|backup| Some(backup.state.ok()?.serial)).max();
    in_backups.unwrap_or_default().max(in_file).max(in_journal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persona::name::Manage;
    use crate::plan::{Document, Record};
    use crate::state::{Entry, Memory, StateFile};

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
        Entry::Applied { address: address(key), record }
    }

    fn address(key: &str) -> Address {
        Address::parse(&format!("a.{key}")).expect("an address")
    }

    fn opened(path: &Path) -> Memory {
        let mut file = StateFile::at(path);
        let state = file.load().expect("loaded");
        Memory::new(file, state)
    }

    /// A state with two runs behind it: first `ada`, then `bob` and another object for `ada`.
    fn scene() -> (tempfile::TempDir, PathBuf, State, State) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let mut states = Vec::new();
        for entries in [vec![applied("ada", "1"), applied("cyd", "3")], vec![applied("ada", "9"), applied("bob", "2")]] {
            let mut memory = opened(&path);
            for entry in &entries {
                memory.note(entry).expect("noted");
            }
            if states.len() == 1 {
                memory.note(&Entry::Removed { address: address("cyd") }).expect("noted");
            }
            memory.settle().expect("settled");
            states.push(backup::read(&path).expect("a state"));
        }
        let newer = states.remove(1);
        (folder, path, states.remove(0), newer)
    }

    fn without_journal(state: &State) -> State {
        State { journal: String::new(), ..state.clone() }
    }

    #[test]
    fn a_difference_names_what_comes_goes_and_is_another() {
        let (_folder, _, older, newer) = scene();
        let difference = Difference::between(&newer, &older);
        assert_eq!(difference.gained, [(address("cyd"), RemoteId::new("3"))].into());
        assert_eq!(difference.lost, [(address("bob"), RemoteId::new("2"))].into());
        assert_eq!(difference.replaced, [(address("ada"), (RemoteId::new("9"), RemoteId::new("1")))].into());
        assert!(difference.rewritten.is_empty() && Difference::between(&newer, &newer).is_empty());
    }

    #[test]
    fn the_serial_rises_whatever_is_restored() {
        let (_folder, path, older, newer) = scene();
        let mut memory = opened(&path);
        memory.note(&Entry::Restored { state: Box::new(older.clone()) }).expect("noted");
        memory.settle().expect("settled");
        let now = backup::read(&path).expect("a state");
        assert_eq!((now.serial, &now.objects), (newer.serial + 1, &older.objects));
        let ahead = State { serial: 500, ..newer };
        let mut memory = opened(&path);
        memory.note(&Entry::Restored { state: Box::new(ahead) }).expect("noted");
        assert_eq!(memory.state().serial, 501);
    }

    #[test]
    fn wherever_a_restore_is_cut_off_there_is_the_old_state_or_the_new_one() {
        let (_folder, path, older, newer) = scene();
        let before = fs::read(&path).expect("a file");
        let mut memory = opened(&path);
        memory.back_up().expect("kept");
        memory.note(&Entry::Restored { state: Box::new(older.clone()) }).expect("noted");
        let journal = journal::path_of(&path);
        let lines = fs::read(&journal).expect("a journal");
        let wanted = without_journal(memory.state());
        for length in 0..=lines.len() {
            fs::write(&journal, &lines[..length]).expect("torn");
            let read = StateFile::at(&path).load().expect("readable");
            let whole = length == lines.len();
            assert_eq!(
                without_journal(&read),
                if whole { wanted.clone() } else { without_journal(&newer) },
                "torn at {length}"
            );
        }
        assert_eq!(fs::read(&path).expect("a file"), before);
        memory.settle().expect("settled");
        fs::write(&journal, &lines).expect("as if it had not been removed");
        assert_eq!(without_journal(&StateFile::at(&path).load().expect("readable")), wanted);
    }

    #[test]
    fn a_backup_of_a_state_holds_what_its_journal_adds() {
        let (_folder, path, _, newer) = scene();
        opened(&path).note(&applied("dan", "4")).expect("noted");
        let copy = opened(&path).back_up().expect("kept").expect("a path");
        let kept = backup::read(&copy).expect("a state");
        assert_eq!((kept.serial, kept.objects.len()), (newer.serial + 1, newer.objects.len() + 1));
    }

    #[test]
    fn a_damaged_state_gives_way_and_is_kept() {
        let (_folder, path, older, newer) = scene();
        let damaged = fs::read_to_string(&path).expect("a file").replace("\"objects\"", "\"objcts\"");
        fs::write(&path, &damaged).expect("damaged");
        assert_eq!(lineage_of_broken(&path).as_ref(), Some(&newer.lineage));
        let mended = mend(&path, &older).expect("mended");
        assert_eq!(fs::read_to_string(&mended.kept[0]).expect("kept"), damaged);
        let now = StateFile::at(&path).load().expect("readable");
        assert_eq!((now.serial, &now.objects), (newer.serial + 1, &older.objects));
    }

    #[test]
    fn a_journal_that_continues_the_copy_is_not_lost_with_the_file() {
        let (_folder, path, older, newer) = scene();
        opened(&path).note(&applied("dan", "4")).expect("noted");
        let journal = fs::read(journal::path_of(&path)).expect("a journal");
        fs::write(&path, "").expect("damaged");
        // Of another copy it is told which addresses the journal knew of.
        assert_eq!(super::mended(&path, &older).untold, [address("dan")]);
        let mended = mend(&path, &newer).expect("mended");
        assert!(mended.untold.is_empty());
        // The process stopped before the journal was gone.
        fs::write(journal::path_of(&path), journal).expect("written");
        let now = StateFile::at(&path).load().expect("readable");
        assert_eq!(now.objects.get(&address("dan")).map(|record| record.id.as_str()), Some("4"));
        assert_eq!((now.serial, now.objects.len()), (newer.serial + 2, newer.objects.len() + 1));
    }

    #[test]
    fn what_somebody_kept_is_not_pruned() {
        let (_folder, path, _, newer) = scene();
        let kept = backup::keep_state(&path, &newer, true).expect("kept");
        for id in 0..9 {
            let mut memory = opened(&path);
            memory.note(&applied("ada", &id.to_string())).expect("noted");
            memory.settle().expect("settled");
        }
        let all = backup::all(&path);
        assert_eq!((all.len(), all.last().map(|backup| &backup.path)), (6, Some(&kept)));
        assert!(all.windows(2).all(|two| two[0].path > two[1].path));
    }
}
