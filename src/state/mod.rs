//! THE MEMORY: which object belongs to which address, what we last wrote to it, where that is kept, and who may write it now.
//!
//! State is a snapshot (`file`) and the entries written since (`journal`); `memory` is the two together while a run writes.

pub mod backup;
mod disk;
pub mod error;
pub mod file;
mod form;
pub mod journal;
pub mod lock;
pub mod memory;
pub mod restore;
pub mod seal;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::{Address, Pending, Record};

pub use error::StateError;
pub use file::StateFile;
pub use journal::Entry;
pub use lock::{Held, Holder, Lock};
pub use memory::Memory;
pub use restore::Difference;
pub use seal::{Sealer, Unsendable};

/// The version of the state format that this build writes and the newest that it reads. Version 1 had no journal.
pub const VERSION: u32 = 2;

/// Everything that is remembered between runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Version of this format.
    pub version: u32,
    /// Names this state among all others: made at random when it is first written.
    pub lineage: String,
    /// Counts the changes recorded so far.
    pub serial: u64,
    /// Key of the digests that stand for secrets in this state and its plans; 32 random bytes in hexadecimal.
    pub digest_key: String,
    /// The journal that this file has taken up last: one of this name beside it holds nothing new.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub journal: String,
    /// The managed objects by address.
    #[schemars(with = "BTreeMap<String, Record>")]
    pub objects: BTreeMap<Address, Record>,
    /// Creates whose answer nobody has seen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Pending>")]
    pub pending: BTreeMap<Address, Pending>,
}

impl State {
    /// A state that remembers nothing.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new() -> Result<Self, StateError> {
        Ok(Self {
            version: VERSION,
            lineage: seal::random_hex(16)?,
            serial: 0,
            digest_key: seal::random_hex(32)?,
            journal: String::new(),
            objects: BTreeMap::new(),
            pending: BTreeMap::new(),
        })
    }

    /// Takes up one entry. The same entries in the same order always give the same state.
    pub fn take_up(&mut self, entry: &Entry) {
        self.serial += 1;
        match entry {
            Entry::Intent { address, pending } => {
                self.pending.insert(address.clone(), pending.clone());
            }
            Entry::Created { address, record } | Entry::Applied { address, record } => {
                self.pending.remove(address);
                self.objects.insert(address.clone(), record.clone());
            }
            Entry::Removed { address } => {
                self.pending.remove(address);
                self.objects.remove(address);
            }
            Entry::Moved { from, to } => {
                if let Some(record) = self.objects.remove(from) {
                    self.objects.insert(to.clone(), record);
                }
            }
            Entry::Settled { address, applied, prevent_destroy, force_destroy, manage } => {
                if let Some(record) = self.objects.get_mut(address) {
                    record.applied.clone_from(applied);
                    record.prevent_destroy = *prevent_destroy;
                    record.force_destroy = *force_destroy;
                    record.manage = *manage;
                }
            }
            Entry::Dropped { address } => {
                self.pending.remove(address);
            }
            Entry::Restored { state } => {
                // Digests of secrets mean nothing without the key that they were made with, and the serial never goes back.
                self.serial = self.serial.max(state.serial + 1);
                self.lineage.clone_from(&state.lineage);
                self.digest_key.clone_from(&state.digest_key);
                self.objects.clone_from(&state.objects);
                self.pending.clone_from(&state.pending);
            }
        }
    }
}
