//! The one pure function: (desired, live, applied, rules) to a plan. No I/O, no clock, no randomness, no environment.

mod guarded;
mod interrupted;
mod removed;
mod situation;
mod wanted;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::address::Address;
use super::blame::blame;
use super::change::{AccountBasis, Action, Basis, Blocked, Change, FORMAT_VERSION, Observed, Plan, Reason, Settled, Summary};
use super::document::Document;
use super::gate;
use super::resource::{Live, Record, RemoteId, Resource};
use crate::persona::name::{AccountName, Manage, Pointer};

pub use situation::{AccountSide, Namesakes, Observation, Situation};

/// A plan that must not be shown, because a change does not do what it should: a mistake of ours.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the requests planned for `{address}` are wrong: `{path}` {why}")]
pub struct Unproven {
    /// The target.
    pub address: Address,
    /// The field.
    pub path: Pointer,
    /// In what way.
    pub why: &'static str,
}

/// What is decided for one address.
enum Verdict {
    Change(Box<Change>),
    Blocked { why: String, help: String },
    Settled(Settled),
    Observed(Observed),
    Unchanged,
}

impl Verdict {
    fn change(change: Change) -> Self {
        Self::Change(Box::new(change))
    }
}

/// Makes the plan.
///
/// # Errors
/// When a provider's prediction disproves its own requests.
pub fn plan(situation: &Situation<'_>) -> Result<Plan, Unproven> {
    let recorded = situation.recorded_under_new_addresses();
    let addresses: BTreeSet<&Address> =
        situation.desired.keys().chain(recorded.keys()).chain(situation.pending.keys()).collect();
    let mut changes = Vec::new();
    let mut blocked = Vec::new();
    let mut settled = Vec::new();
    let mut observed = Vec::new();
    let mut summary = Summary::default();
    for address in addresses {
        let Some(account) = situation.accounts.get(&address.account).filter(|_| (situation.scope)(address)) else {
            continue;
        };
        let subject = Subject { situation, account, address, recorded: recorded.get(address) };
        match subject.verdict()? {
            Verdict::Change(change) => {
                *summary.counter(change.action) += 1;
                changes.push(*change);
            }
            Verdict::Blocked { why, help } => blocked.push(Blocked { address: address.clone(), why, help, source: None }),
            Verdict::Settled(record) => {
                summary.unchanged += 1;
                settled.push(record);
            }
            Verdict::Observed(differing) => {
                summary.unchanged += 1;
                observed.push(differing);
            }
            Verdict::Unchanged => summary.unchanged += 1,
        }
    }
    block_shared_ids(&mut changes, &mut blocked, &mut summary);
    changes.iter_mut().for_each(|change| blame(change, situation.sources));
    let section = |address: &Address| situation.sources.of_target(address).map(|sources| sources.section);
    blocked.iter_mut().for_each(|blocked| blocked.source = section(&blocked.address));
    settled.iter_mut().for_each(|settled| settled.source = section(&settled.address));
    let protected = |change: &Change| recorded.get(&change.address).is_some_and(|(_, record)| record.prevent_destroy);
    let mut gates = gate::vanished(&changes, situation.vanished, &situation.limits);
    gates.extend(gate::gates(&changes, situation.recorded.len(), &situation.limits, protected));
    let accounts = changes
        .iter()
        .filter_map(|change| {
            let account = situation.accounts.get(&change.address.account)?;
            let basis = AccountBasis { provider: account.provider.clone(), base_url: account.base_url.clone() };
            Some((change.address.account.clone(), basis))
        })
        .collect();
    let basis = Basis { accounts, ..situation.basis.clone() };
    let format_version = FORMAT_VERSION.to_owned();
    let mut plan = Plan { format_version, summary, changes, blocked, gates, settled, observed, digest: String::new(), basis };
    plan.digest = plan.content_digest();
    Ok(plan)
}

/// Two targets that would take the same object are both held up: one object has one address.
fn block_shared_ids(changes: &mut Vec<Change>, blocked: &mut Vec<Blocked>, summary: &mut Summary) {
    let mut claims: BTreeMap<(AccountName, RemoteId), Vec<Address>> = BTreeMap::new();
    for change in changes.iter() {
        if let Some(id) = &change.id {
            claims.entry((change.address.account.clone(), id.clone())).or_default().push(change.address.clone());
        }
    }
    for ((_, id), addresses) in claims.into_iter().filter(|(_, addresses)| addresses.len() > 1) {
        for address in &addresses {
            let others: Vec<String> =
                addresses.iter().filter(|other| *other != address).map(|other| format!("`{other}`")).collect();
            blocked.push(Blocked {
                address: address.clone(),
                why: format!("the object `{id}` is also claimed by {}", others.join(", ")),
                help: "give each target its own object: different names, or different `$id`s".to_owned(),
                source: None,
            });
        }
        changes.retain(|change| {
            let keep = !addresses.contains(&change.address);
            if !keep {
                *summary.counter(change.action) -= 1;
            }
            keep
        });
    }
    blocked.sort_by(|left, right| left.address.cmp(&right.address));
}

impl Summary {
    fn counter(&mut self, action: Action) -> &mut usize {
        match action {
            Action::Create => &mut self.create,
            Action::Update => &mut self.update,
            Action::Delete => &mut self.delete,
            Action::Adopt => &mut self.adopt,
            Action::Forget => &mut self.forget,
            Action::Move => &mut self.moved,
        }
    }
}

/// One address under consideration.
struct Subject<'a> {
    situation: &'a Situation<'a>,
    account: &'a AccountSide<'a>,
    address: &'a Address,
    /// The address that it has in state, and its record.
    recorded: Option<&'a (&'a Address, &'a Record)>,
}

impl Subject<'_> {
    fn verdict(&self) -> Result<Verdict, Unproven> {
        let desired = self.situation.desired.get(self.address);
        if let Some(resource) = desired.filter(|resource| resource.manage == Manage::Observe) {
            return Ok(self.observed_target(resource));
        }
        if let Some(pending) = self.situation.pending.get(self.address)
            && desired.is_none_or(|resource| resource.bind.is_none())
            && let Some(verdict) = self.pending_create(desired, pending)?
        {
            return Ok(verdict);
        }
        match (desired, self.recorded) {
            (Some(resource), Some((_, record))) if resource.bind.as_ref().is_none_or(|id| *id == record.id) => {
                self.recorded_target(resource, record)
            }
            (Some(resource), record) => match &resource.bind {
                Some(id) => self.bound_target(resource, id, record.map(|(_, record)| *record)),
                None => self.new_target(resource),
            },
            (None, Some((_, record))) => Ok(self.removed_target(record)),
            (None, None) => Ok(Verdict::Unchanged),
        }
    }

    /// State knows the object and the files want it.
    fn recorded_target(&self, resource: &Resource, record: &Record) -> Result<Verdict, Unproven> {
        if !self.account.dialect.rules().read {
            let live = Live { name: record.name.clone(), fields: record.applied.clone(), ..Live::empty(record.id.clone()) };
            return self.existing(resource, &live, &record.applied, Action::Update, Vec::new());
        }
        match &*self.observation() {
            Observation::Present(live) => self.existing(resource, live, &record.applied, Action::Update, Vec::new()),
            Observation::Absent => {
                let note = format!("the recorded object `{}` is gone: somebody deleted it, so it is made anew", record.id);
                self.create(resource, Reason::Drifted, vec![note])
            }
            Observation::Unreadable(why, help) => Ok(Verdict::Blocked { why: why.clone(), help: help.clone() }),
        }
    }

    /// The files bind it to an object that state does not know under this address.
    fn bound_target(&self, resource: &Resource, id: &RemoteId, other: Option<&Record>) -> Result<Verdict, Unproven> {
        let mut notes = Vec::new();
        if let Some(other) = other {
            notes.push(format!("the object recorded so far, `{}`, stays at the service and is no longer managed", other.id));
        }
        let none = Document::default();
        if !self.account.dialect.rules().read {
            return self.existing(resource, &Live::empty(id.clone()), &none, Action::Adopt, notes);
        }
        match &*self.observation() {
            Observation::Present(live) => self.existing(resource, live, &none, Action::Adopt, notes),
            Observation::Absent => Ok(Verdict::Blocked {
                why: format!("there is no object with the id `{id}` that `$id` names"),
                help: "correct `$id`, or remove it to make a new object".to_owned(),
            }),
            Observation::Unreadable(why, help) => Ok(Verdict::Blocked { why: why.clone(), help: help.clone() }),
        }
    }

    /// Nobody knows it yet: made, unless something of its name is there already.
    fn new_target(&self, resource: &Resource) -> Result<Verdict, Unproven> {
        let found = match self.situation.namesakes.get(self.address) {
            None => return self.create(resource, Reason::Declared, Vec::new()),
            Some(Namesakes::Unreadable(why, help)) => {
                return Ok(Verdict::Blocked { why: why.clone(), help: help.clone() });
            }
            Some(Namesakes::Found(found)) => found,
        };
        match found.as_slice() {
            [] => self.create(resource, Reason::Declared, Vec::new()),
            [live] if self.situation.adopt && self.rivals(resource).is_some() => Ok(Verdict::Blocked {
                why: format!(
                    "the object `{}` is also claimed by {}",
                    live.id,
                    self.rivals(resource).map(|rival| format!("`{rival}`")).unwrap_or_default()
                ),
                help: "give each target its own object: different names, or different `$id`s".to_owned(),
            }),
            [live] if self.situation.adopt => self.existing(resource, live, &Document::default(), Action::Adopt, Vec::new()),
            [live] => Ok(Verdict::Blocked {
                why: format!("a persona named `{}` exists there already, with the id `{}`", resource.name, live.id),
                help: format!("take it with `--adopt`, or with `$id: {}` in the target", live.id),
            }),
            several => {
                let ids: Vec<String> = several.iter().map(|live| format!("`{}`", live.id)).collect();
                Ok(Verdict::Blocked {
                    why: format!("{} personas named `{}` exist there already", several.len(), resource.name),
                    help: format!("say with `$id` in the target which one it is: {}", ids.join(", ")),
                })
            }
        }
    }

    /// Another new target of the same name at the same account, selected or not: both would take the same object.
    fn rivals(&self, resource: &Resource) -> Option<&Address> {
        let situation = self.situation;
        let is_new = |address: &Address| {
            !situation.recorded.contains_key(address)
                && !situation.moves.get(address).is_some_and(|old| situation.recorded.contains_key(old))
        };
        let mut others = situation.desired.iter().filter(|(address, other)| {
            *address != self.address
                && address.account == self.address.account
                && other.name == resource.name
                && other.bind.is_none()
        });
        others.find(|(address, _)| is_new(address)).map(|(address, _)| address)
    }

    fn observation(&self) -> Cow<'_, Observation> {
        let recorded_address = self.recorded.map(|(address, _)| *address);
        let observed = &self.situation.observed;
        let found = observed.get(self.address).or_else(|| observed.get(recorded_address?));
        let unread = || Observation::Unreadable("it was not read".to_owned(), "run the same command again".to_owned());
        found.map_or_else(|| Cow::Owned(unread()), Cow::Borrowed)
    }

    /// A change of this address that does nothing yet.
    fn outline(&self, name: &str, action: Action, id: Option<RemoteId>, reason: Reason) -> Change {
        Change {
            address: self.address.clone(),
            provider: self.account.provider.clone(),
            action,
            id,
            name: name.to_owned(),
            reason,
            moved_from: None,
            source: None,
            edits: Vec::new(),
            requests: Vec::new(),
            notes: Vec::new(),
            applied: Document::default(),
            prevent_destroy: false,
            force_destroy: false,
            manage: Manage::Full,
            live_digest: None,
        }
    }
}
