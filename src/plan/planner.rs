//! The one pure function: (desired, live, applied, rules) to a plan. No I/O, no clock, no randomness, no environment.

mod guarded;
mod interrupted;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::address::Address;
use super::change::{
    AccountBasis, Action, Basis, Blocked, Change, Edit, FORMAT_VERSION, Observed, Plan, Reason, Request, Settled, Summary,
};
use super::dialect::{Dialect, Draft};
use super::diff::{Comparison, Differences};
use super::gate::{self, Limits};
use super::proof;
use super::resource::{Live, Pending, Record, RemoteId, Resource};
use super::source::{self, Sources};
use super::value;
use crate::persona::name::{AccountName, Manage, Pointer};

/// Everything a plan is made from, gathered beforehand.
pub struct Situation<'a> {
    /// The accounts, each with its provider's dialect.
    pub accounts: BTreeMap<AccountName, AccountSide<'a>>,
    /// What the files want.
    pub desired: &'a BTreeMap<Address, Resource>,
    /// Where in the files the desired targets stand.
    pub sources: &'a BTreeMap<Address, Sources>,
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
    changes.iter_mut().for_each(|change| source::blame(change, situation.sources));
    let section = |address: &Address| situation.sources.get(address).map(|sources| sources.section.clone());
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

impl<'a> Situation<'a> {
    /// The records by the address they will have, with the address they have; a `previously` moves a record when its new
    /// address has none yet and its old one is wanted no more.
    fn recorded_under_new_addresses(&self) -> BTreeMap<Address, (&'a Address, &'a Record)> {
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
        match self.observation() {
            Observation::Present(live) => self.existing(resource, &live, &record.applied, Action::Update, Vec::new()),
            Observation::Absent => {
                let note = format!("the recorded object `{}` is gone: somebody deleted it, so it is made anew", record.id);
                self.create(resource, Reason::Drifted, vec![note])
            }
            Observation::Unreadable(why, help) => Ok(Verdict::Blocked { why, help }),
        }
    }

    /// The files bind it to an object that state does not know under this address.
    fn bound_target(&self, resource: &Resource, id: &RemoteId, other: Option<&Record>) -> Result<Verdict, Unproven> {
        let mut notes = Vec::new();
        if let Some(other) = other {
            notes.push(format!("the object recorded so far, `{}`, stays at the service and is no longer managed", other.id));
        }
        let none = Map::new();
        if !self.account.dialect.rules().read {
            return self.existing(resource, &Live::empty(id.clone()), &none, Action::Adopt, notes);
        }
        match self.observation() {
            Observation::Present(live) => self.existing(resource, &live, &none, Action::Adopt, notes),
            Observation::Absent => Ok(Verdict::Blocked {
                why: format!("there is no object with the id `{id}` that `$id` names"),
                help: "correct `$id`, or remove it to make a new object".to_owned(),
            }),
            Observation::Unreadable(why, help) => Ok(Verdict::Blocked { why, help }),
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
            [live] if self.situation.adopt => self.existing(resource, live, &Map::new(), Action::Adopt, Vec::new()),
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

    /// State knows it and the files do not want it any more.
    fn removed_target(&self, record: &Record) -> Verdict {
        let gone = |action, requests, reason, notes, live_digest| {
            self.gone(&record.name, action, Some(record.id.clone()), requests, reason, notes, live_digest)
        };
        if let Some(new) = self.moved_away() {
            return Verdict::Blocked {
                why: format!("it is renamed to `{new}`, which is not among the targets of this run"),
                help: format!("add `--target {new}`"),
            };
        }
        if record.manage != Manage::Full {
            let note = format!("`$manage: {}`: `{}` stays there and is no longer managed", record.manage.word(), record.id);
            return gone(Action::Forget, Vec::new(), Reason::Removed, vec![note], None);
        }
        let dialect = self.account.dialect;
        let request = if record.force_destroy { dialect.force_delete(&record.id) } else { dialect.delete(&record.id) };
        let request = request.filter(|_| dialect.rules().delete);
        let Some(request) = request else {
            let note = format!("{} has no delete: `{}` stays there and is no longer managed", self.account.title, record.id);
            return gone(Action::Forget, Vec::new(), Reason::Removed, vec![note], None);
        };
        if !self.account.dialect.rules().read {
            return gone(Action::Delete, vec![request], Reason::Removed, Vec::new(), None);
        }
        match self.observation() {
            Observation::Present(live) if live.used_by.is_empty() => {
                gone(Action::Delete, vec![request], Reason::Removed, Vec::new(), Some(live.digest()))
            }
            Observation::Present(live) if record.force_destroy => {
                let note = format!("deletes it although it is used by {}", live.used_by.join(", "));
                gone(Action::Delete, vec![request], Reason::Removed, vec![note], Some(live.digest()))
            }
            Observation::Present(live) => Verdict::Blocked {
                why: format!("`{}` cannot be deleted while it is used by {}", record.id, live.used_by.join(", ")),
                help: "detach these first; or restore the target with `$lifecycle: { force_destroy: true }`, apply that, and \
                       remove it then"
                    .to_owned(),
            },
            Observation::Absent => {
                let note = format!("`{}` is gone already: only the record goes", record.id);
                gone(Action::Forget, Vec::new(), Reason::Drifted, vec![note], None)
            }
            Observation::Unreadable(why, help) => Verdict::Blocked { why, help },
        }
    }

    /// The new address of a recorded object whose move is out of this run's scope: it moves, so it is not deleted.
    fn moved_away(&self) -> Option<&Address> {
        let (new, _) = self.situation.moves.iter().find(|(new, old)| {
            *old == self.address && self.situation.desired.contains_key(*new) && !self.situation.recorded.contains_key(*new)
        })?;
        (!(self.situation.scope)(new)).then_some(new)
    }

    /// A change that ends an address.
    #[expect(clippy::too_many_arguments, reason = "they are the fields of the one value that is made here")]
    fn gone(
        &self,
        name: &str,
        action: Action,
        id: Option<RemoteId>,
        requests: Vec<Request>,
        reason: Reason,
        notes: Vec<String>,
        live_digest: Option<String>,
    ) -> Verdict {
        Verdict::Change(Box::new(Change {
            address: self.address.clone(),
            provider: self.account.provider.clone(),
            action,
            id,
            name: name.to_owned(),
            reason,
            moved_from: None,
            source: None,
            edits: Vec::new(),
            requests,
            notes,
            applied: Map::new(),
            prevent_destroy: false,
            force_destroy: false,
            manage: Manage::Full,
            live_digest,
        }))
    }

    fn observation(&self) -> Observation {
        let recorded_address = self.recorded.map(|(address, _)| *address);
        let observed = &self.situation.observed;
        let found = observed.get(self.address).or_else(|| observed.get(recorded_address?));
        found
            .cloned()
            .unwrap_or_else(|| Observation::Unreadable("it was not read".to_owned(), "run the same command again".to_owned()))
    }

    fn create(&self, resource: &Resource, reason: Reason, mut notes: Vec<String>) -> Result<Verdict, Unproven> {
        let dialect = self.account.dialect;
        let draft = dialect.create(resource);
        notes.extend(draft.notes);
        notes.extend(self.unverified());
        let after = proof::predict(dialect, &Live::empty(RemoteId::new("{id}")), &draft.requests);
        self.proven(proof::prove(dialect, None, &after, resource, &[]))?;
        let edits = value::leaves(&resource.fields)
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(path, value)| Edit {
                path,
                from: None,
                to: Some(value.clone()),
                reason,
                also_drifted: false,
                release_only: false,
                source: None,
                pieces: Vec::new(),
            })
            .collect();
        Ok(self.change(resource, Action::Create, None, reason, edits, draft.requests, notes, resource.fields.clone(), None))
    }

    /// The object exists: what has to change for it to be as wanted?
    fn existing(
        &self,
        resource: &Resource,
        live: &Live,
        applied: &Map<String, Value>,
        action: Action,
        mut notes: Vec<String>,
    ) -> Result<Verdict, Unproven> {
        let dialect = self.account.dialect;
        let mut found = self.differences(resource, live, applied);
        self.hold_resisted(resource, live, &mut found);
        if let Some((path, why)) = found.stuck.first() {
            return Ok(Verdict::Blocked {
                why: format!("`{path}` cannot be cleared through this API: {why}"),
                help: "give it a value, or remove the line to leave it unmanaged".to_owned(),
            });
        }
        let mut draft = Draft::default();
        if !found.edits.is_empty() {
            draft = dialect.update(live, resource, &found.edits);
            let after = proof::predict(dialect, live, &draft.requests);
            self.proven(proof::prove(dialect, Some(live), &after, resource, &found.edits))?;
        }
        for (path, why) in &found.abandoned {
            notes.push(format!(
                "`{path}` cannot be cleared through this API: {why}; it stays as it is and is no longer managed"
            ));
        }
        notes.extend(draft.notes);
        let freed = self.freed(resource);
        notes.extend(freed.iter().cloned());
        let next = applied_afterwards(resource, applied);
        let moved = self.recorded.is_some_and(|(address, _)| *address != self.address);
        let action = match action {
            Action::Update if found.edits.is_empty() && found.abandoned.is_empty() && moved => Action::Move,
            Action::Update if found.edits.is_empty() && found.abandoned.is_empty() && freed.is_empty() => {
                let Resource { prevent_destroy, force_destroy, manage, .. } = *resource;
                let kept = |record: &Record| {
                    (record.prevent_destroy, record.force_destroy, record.manage) == (prevent_destroy, force_destroy, manage)
                };
                if next == *applied && self.recorded.is_none_or(|(_, record)| kept(record)) {
                    return Ok(Verdict::Unchanged);
                }
                let address = self.address.clone();
                return Ok(Verdict::Settled(Settled {
                    address,
                    source: None,
                    applied: next,
                    prevent_destroy,
                    force_destroy,
                    manage,
                }));
            }
            action => action,
        };
        notes.extend(self.unverified());
        let reason = overall(&found);
        let digest = dialect.rules().read.then(|| live.digest());
        let id = Some(live.id.clone());
        Ok(self.change(resource, action, id, reason, found.edits, draft.requests, notes, next, digest))
    }

    /// What differs where writes go, and what only waits for a release.
    fn differences(&self, resource: &Resource, live: &Live, applied: &Map<String, Value>) -> Differences {
        let rules = self.account.dialect.rules();
        let against =
            |live| Comparison { desired: &resource.fields, applied, live, rules, ignore: &resource.ignore }.differences();
        let mut found = against(&live.fields);
        if let Some(released) = live.released.as_ref().filter(|_| resource.release) {
            for mut edit in against(released).edits {
                if !found.edits.iter().any(|known| known.path == edit.path) {
                    edit.release_only = true;
                    found.edits.push(edit);
                }
            }
            found.edits.sort_by(|left, right| left.path.cmp(&right.path));
        }
        found
    }

    /// What the service has kept, though it was asked to clear it, is not asked for again and again.
    fn hold_resisted(&self, resource: &Resource, live: &Live, found: &mut Differences) {
        let Some((_, record)) = self.recorded.filter(|(_, record)| record.id == live.id) else { return };
        found.edits.retain(|edit| {
            let asked = value::get(&resource.fields, &edit.path).is_some_and(Value::is_null);
            let resists = asked && record.resisted.contains(&edit.path);
            if resists && !found.stuck.iter().any(|(path, _)| *path == edit.path) {
                found.stuck.push((edit.path.clone(), "it was not cleared when the service was last asked to"));
            }
            !resists
        });
    }

    fn unverified(&self) -> Option<String> {
        let unreadable = !self.account.dialect.rules().read;
        unreadable.then(|| format!("not verified: {} cannot be read", self.account.title))
    }

    fn proven(&self, proof: Result<(), proof::Disproof>) -> Result<(), Unproven> {
        proof.map_err(|proof::Disproof { path, why }| Unproven { address: self.address.clone(), path, why })
    }

    #[expect(clippy::too_many_arguments, reason = "they are the fields of the one value that is made here")]
    fn change(
        &self,
        resource: &Resource,
        action: Action,
        id: Option<RemoteId>,
        reason: Reason,
        edits: Vec<Edit>,
        requests: Vec<Request>,
        notes: Vec<String>,
        applied: Map<String, Value>,
        live_digest: Option<String>,
    ) -> Verdict {
        let moved_from = self.recorded.map(|(address, _)| (*address).clone()).filter(|address| address != self.address);
        Verdict::Change(Box::new(Change {
            address: self.address.clone(),
            provider: self.account.provider.clone(),
            action,
            id,
            name: resource.name.clone(),
            reason,
            moved_from,
            source: None,
            edits,
            requests,
            notes,
            applied,
            prevent_destroy: resource.prevent_destroy,
            force_destroy: resource.force_destroy,
            manage: resource.manage,
            live_digest,
        }))
    }
}

/// One word for a change: drift if all of it is, removal if all of it is, else declared.
fn overall(found: &Differences) -> Reason {
    let all = |reason| !found.edits.is_empty() && found.edits.iter().all(|edit| edit.reason == reason);
    if all(Reason::Drifted) {
        Reason::Drifted
    } else if all(Reason::Removed) || (found.edits.is_empty() && !found.abandoned.is_empty()) {
        Reason::Removed
    } else {
        Reason::Declared
    }
}

/// What state will remember: the desired document, with ignored fields as they were applied before. Something other than an
/// object that the files want above an ignored field is written over it, and wins.
fn applied_afterwards(resource: &Resource, before: &Map<String, Value>) -> Map<String, Value> {
    let mut applied = resource.fields.clone();
    let wins = |path: &Pointer| {
        let mut above = path.parent();
        while let Some(pointer) = above {
            if value::get(&resource.fields, &pointer).is_some_and(|value| !value.is_object() || value::is_secret(value)) {
                return true;
            }
            above = pointer.parent();
        }
        false
    };
    for path in resource.ignore.iter().filter(|path| !wins(path)) {
        match value::get(before, path) {
            Some(old) => value::set(&mut applied, path, old.clone()),
            None => {
                value::remove(&mut applied, path);
            }
        }
    }
    applied
}
