//! What a plan is made from: the files, state and what the services showed, gathered beforehand in one value that does not change.

use std::collections::BTreeMap;

use crate::persona::name::AccountName;
use crate::plan::address::Address;
use crate::plan::change::Basis;
use crate::plan::dialect::Dialect;
use crate::plan::gate::Limits;
use crate::plan::resource::{Live, Pending, Record, Resource};
use crate::plan::source::Whereabouts;

/// Everything a plan is made from, gathered beforehand.
pub struct Situation<'a> {
    /// The accounts, each with its provider's dialect.
    pub accounts: BTreeMap<AccountName, AccountSide<'a>>,
    /// What the files want.
    pub desired: &'a BTreeMap<Address, Resource>,
    /// Where in the files the desired targets stand.
    pub sources: &'a dyn Whereabouts,
    /// New address to old address (`previously`).
    pub moves: &'a BTreeMap<Address, Address>,
    /// What state remembers.
    pub recorded: &'a BTreeMap<Address, Record>,
    /// What the services showed, for every recorded and every bound address that is planned.
    pub observed: &'a BTreeMap<Address, Observation>,
    /// For targets that state does not know: what was found under their name.
    pub namesakes: &'a BTreeMap<Address, Namesakes>,
    /// Creates whose answer nobody has seen.
    pub pending: &'a BTreeMap<Address, Pending>,
    /// For those at services with a list: what was found under the name that was sent.
    pub traces: &'a BTreeMap<Address, Namesakes>,
    /// Accounts where none of the recorded objects is found any more, with the number of these.
    pub vanished: &'a BTreeMap<AccountName, usize>,
    /// Whether an address is planned at all (`--target`).
    pub scope: &'a dyn Fn(&Address) -> bool,
    /// Whether unique namesakes are adopted (`--adopt`).
    pub adopt: bool,
    /// The gates.
    pub limits: Limits,
    /// The state that it is made against; its accounts are filled in.
    pub basis: Basis,
}

/// An account as the planner sees it.
pub struct AccountSide<'a> {
    /// The provider's id.
    pub provider: String,
    /// The provider's name for people.
    pub title: String,
    /// Where it lives.
    pub base_url: String,
    /// How it turns edits into requests.
    pub dialect: &'a dyn Dialect,
}

/// What a service showed of one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// It exists.
    Present(Box<Live>),
    /// The service says that there is none.
    Absent,
    /// It could not be read: why, and what to do. Never taken for absence.
    Unreadable(String, String),
}

/// What was found under a new target's name.
#[derive(Clone, Debug, PartialEq)]
pub enum Namesakes {
    /// Objects of the same name that no address manages.
    Found(Vec<Live>),
    /// The list could not be read: why, and what to do.
    Unreadable(String, String),
}

impl<'a> Situation<'a> {
    /// The records by the address they will have, with the address they have; a `previously` moves a record when its new
    /// address has none yet and its old one is wanted no more.
    pub(super) fn recorded_under_new_addresses(&self) -> BTreeMap<Address, (&'a Address, &'a Record)> {
        let mut records: BTreeMap<Address, (&Address, &Record)> =
            self.recorded.iter().map(|(address, record)| (address.clone(), (address, record))).collect();
        for (new, old) in self.moves {
            let free = !records.contains_key(new) && !self.desired.contains_key(old) && (self.scope)(new);
            if let Some(entry) = free.then(|| records.remove(old)).flatten() {
                records.insert(new.clone(), entry);
            }
        }
        records
    }
}
