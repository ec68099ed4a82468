//! The entries of a mapping while it is read, so that a key that stands twice is found at once, also among very many.

use std::collections::BTreeMap;

use super::Entry;

/// From how many entries on a mapping has an index of its keys; below, looking at all of them is quicker.
pub(super) const INDEXED: usize = 16;

/// The entries of a mapping that is being read.
#[derive(Default)]
pub(super) struct Entries {
    /// All of them, in the order of writing.
    pub(super) list: Vec<Entry>,
    index: BTreeMap<String, usize>,
}

impl Entries {
    /// The entry with a key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        match self.index.is_empty() {
            true => self.list.iter().find(|entry| entry.key == key),
            false => self.index.get(key).and_then(|at| self.list.get(*at)),
        }
    }

    /// Adds an entry whose key is not there yet.
    pub(super) fn push(&mut self, entry: Entry) {
        self.list.push(entry);
        let fresh = if self.index.is_empty() { 0 } else { self.list.len() - 1 };
        if self.list.len() >= INDEXED {
            let keys = self.list.iter().enumerate().skip(fresh);
            self.index.extend(keys.map(|(at, entry)| (entry.key.clone(), at)));
        }
    }
}
