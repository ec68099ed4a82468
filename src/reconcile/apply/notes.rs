//! Notes of changes that are under way at once: they reach the disk together, for the disk takes as long for many as for one.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::state::{Entry as Note, Memory, StateError};

/// Where changes leave their notes.
pub(super) struct Notes<'a> {
    memory: &'a Mutex<Memory>,
    waiting: Mutex<Batch>,
}

/// Notes that will be written together.
#[derive(Default)]
struct Batch {
    notes: Vec<Note>,
    /// How that went, once it was done.
    written: Arc<OnceLock<Result<(), Arc<StateError>>>>,
}

impl<'a> Notes<'a> {
    /// Notes for a state.
    pub(super) fn of(memory: &'a Mutex<Memory>) -> Self {
        Self { memory, waiting: Mutex::default() }
    }

    /// Remembers something. When this returns, it is on disk, with whatever else was to be noted at the same moment.
    ///
    /// # Errors
    /// When it cannot be written; nothing of what was to be written with it is then remembered either.
    pub(super) async fn note(&self, note: Note) -> Result<(), Arc<StateError>> {
        let written = {
            let mut waiting = self.waiting();
            waiting.notes.push(note);
            Arc::clone(&waiting.written)
        };
        // Every other change that can go on now leaves its note first.
        tokio::task::yield_now().await;
        // The first that comes back writes for all; a batch that nobody has written is the one that waits.
        let write = || {
            let batch = std::mem::take(&mut *self.waiting());
            self.memory.lock().unwrap_or_else(PoisonError::into_inner).note_all(&batch.notes).map_err(Arc::new)
        };
        written.get_or_init(write).clone()
    }

    fn waiting(&self) -> MutexGuard<'_, Batch> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::plan::Address;
    use crate::state::StateFile;

    fn removed(key: usize) -> Note {
        Note::Removed { address: Address::parse(&format!("a.p{key}")).expect("an address") }
    }

    fn memory(path: &std::path::Path) -> Mutex<Memory> {
        let mut file = StateFile::at(path);
        let state = file.load().expect("loaded");
        Mutex::new(Memory::new(file, state))
    }

    #[tokio::test]
    async fn what_is_noted_is_there_for_the_next_reader_and_each_note_counts_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let memory = memory(&path);
        let notes = Notes::of(&memory);
        let serial = || StateFile::at(&path).load().expect("loaded").serial;
        let (notes, memory, serial) = (&notes, &memory, &serial);
        let work = |key: usize| async move {
            for _ in 0..key % 3 {
                notes.note(removed(key)).await.expect("noted");
                let on_disk = serial();
                assert_eq!(on_disk, memory.lock().expect("free").state().serial);
            }
        };
        join_all((0..20).map(work)).await;
        // A new state begins with 1.
        assert_eq!(serial(), 1 + 19);
    }

    #[tokio::test]
    async fn where_nothing_can_be_written_every_note_hears_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let memory = memory(&path);
        let notes = Notes::of(&memory);
        notes.note(removed(0)).await.expect("noted");
        // The journal that the next writer would begin is there already, as a folder.
        let other = self::memory(&folder.path().join("other.json"));
        std::fs::create_dir(folder.path().join("other.json.journal")).expect("made");
        let notes = Notes::of(&other);
        let heard = join_all((1..5).map(|key| notes.note(removed(key)))).await;
        assert!(heard.iter().all(Result::is_err), "{heard:?}");
        assert_eq!(other.lock().expect("free").state().objects.len(), 0);
    }
}
