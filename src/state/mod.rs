//! THE MEMORY: which object belongs to which address, what we last wrote to it, where that is kept, and who may write it now.

pub mod file;
pub mod lock;
pub mod seal;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::{Address, Record};

pub use file::{StateError, StateFile};
pub use lock::{Held, Lock};
pub use seal::Sealer;

/// The version of the state format that this build writes and the newest that it reads.
pub const VERSION: u32 = 1;

/// Everything that is remembered between runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Version of this format.
    pub version: u32,
    /// Names this state among all others: made at random when it is first written.
    pub lineage: String,
    /// Counts the writes.
    pub serial: u64,
    /// Key of the digests that stand for secrets in this state and its plans; 32 random bytes in hexadecimal.
    pub digest_key: String,
    /// The managed objects by address.
    #[schemars(with = "BTreeMap<String, Record>")]
    pub objects: BTreeMap<Address, Record>,
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
            objects: BTreeMap::new(),
        })
    }
}
