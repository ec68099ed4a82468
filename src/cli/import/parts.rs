//! What an import handles: objects as they were found, on their way into files, and in files; and the account of it all. No behaviour.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::capture::Draft;
use crate::cli::exit::Stop;
use crate::persona::name::{AccountName, Manage, Pointer};
use crate::plan::{Address, Document, Live, RemoteId};

/// One object that lives at an account.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Where.
    pub(super) account: AccountName,
    /// Its id there.
    pub(super) id: RemoteId,
    /// Its display name; empty if none.
    pub(super) name: String,
    /// The whole of it, as soon as it was read.
    pub(super) live: Option<Live>,
    /// How many objects of this account come before it that would like the same key, chosen or not: so that the keys do not depend
    /// on what is taken first.
    pub(super) rank: usize,
}

/// Objects that go into one file.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// At most one per account.
    pub(super) members: Vec<Found>,
}

/// Objects on their way into one file.
pub(super) struct Item {
    /// What is written.
    pub(super) draft: Draft,
    /// Whose they are, in the order of the draft's parts.
    pub(super) members: Vec<Found>,
    /// What the services showed of each.
    pub(super) lives: Vec<Live>,
    /// Fields that turned out not to fit, of each.
    pub(super) refused: Vec<BTreeMap<Pointer, String>>,
}

/// An object that is in a file now.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Its address.
    pub(super) address: Address,
    /// The provider's id.
    pub(super) provider: String,
    /// Its id there.
    pub(super) id: RemoteId,
    /// Its display name.
    pub(super) name: String,
    /// What state shall remember as applied.
    pub(super) applied: Document,
    /// Whether its target forbids a delete.
    pub(super) prevent_destroy: bool,
    /// Whether its target allows a delete although something uses it.
    pub(super) force_destroy: bool,
    /// What may be done to it.
    pub(super) manage: Manage,
    /// The persona file, relative to the root.
    pub(super) file: PathBuf,
    /// Unmanaged fields, each with the reason.
    pub(super) left: Vec<(Pointer, String)>,
}

/// An object that is managed already.
#[derive(Debug)]
pub(super) struct Skipped {
    /// The object.
    pub(super) found: Found,
    /// Its address.
    pub(super) address: Address,
    /// How it is managed.
    pub(super) why: &'static str,
}

/// A section for a file that is there already.
#[derive(Debug)]
pub(super) struct Section {
    /// The object.
    pub(super) found: Found,
    /// The file.
    pub(super) file: PathBuf,
    /// The lines to add.
    pub(super) text: String,
}

/// What became of an import.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What is in files and state now.
    pub(super) imported: Vec<Kept>,
    /// What was managed before.
    pub(super) skipped: Vec<Skipped>,
    /// What could not be taken, with the reason.
    pub(super) refused: Vec<(Found, String)>,
    /// What people have to add to files themselves.
    pub(super) sections: Vec<Section>,
    /// What else is worth knowing.
    pub(super) notes: Vec<String>,
    /// Files of a dry run.
    pub(super) files: Vec<(PathBuf, String)>,
    /// Whether nothing was written.
    pub(super) dry_run: bool,
    /// Where the plan that follows is not empty; none: there was no plan.
    pub(super) planned: Option<Vec<(Address, String)>>,
    /// Why the rest was not taken.
    pub(super) stopped: Option<Stop>,
}
