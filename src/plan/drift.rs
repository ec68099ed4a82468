//! Drift: what differs from what we last wrote, decided from records and observations by the comparison that plans use.
//!
//! Desired is here what was applied, so a file that was edited and not applied is no drift. What the files have come to agree
//! with meanwhile is none either: the next apply only records it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::address::Address;
use super::change::{Blocked, FORMAT_VERSION, present};
use super::diff::{Comparison, equal};
use super::planner::{AccountSide, Observation};
use super::resource::{Live, Record, RemoteId, Resource};
use super::rules::Rules;
use super::value::get;
use crate::persona::name::{AccountName, Pointer};

/// Everything that drift is decided from, gathered beforehand.
pub struct Watch<'a> {
    /// The accounts, each with its provider's dialect.
    pub accounts: &'a BTreeMap<AccountName, AccountSide<'a>>,
    /// What state remembers.
    pub recorded: &'a BTreeMap<Address, Record>,
    /// What the services showed of every recorded object.
    pub observed: &'a BTreeMap<Address, Observation>,
    /// What the files want: whether an object is released, which fields are left alone, and where they agree with the service.
    pub desired: &'a BTreeMap<Address, Resource>,
    /// New address to old address (`previously`).
    pub moves: &'a BTreeMap<Address, Address>,
    /// Whether a recorded address is looked at (`--target`).
    pub scope: &'a dyn Fn(&Address) -> bool,
    /// Fields that are left out of this run (`--ignore`).
    pub ignore: &'a [Pointer],
}

/// What differs from what we last wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// Version of this format: a new minor only adds fields.
    pub format_version: String,
    /// Counts of targets.
    pub summary: Tally,
    /// The targets that differ or are gone, sorted by address.
    pub drifted: Vec<Drifted>,
    /// Targets at services that show nothing of their objects.
    pub unverified: Vec<Unverified>,
    /// Targets that could not be read, each with the reason. Whether they drifted is not known.
    pub unreadable: Vec<Blocked>,
}

/// Counts of targets by what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Objects that differ.
    pub changed: usize,
    /// Objects that somebody deleted.
    pub gone: usize,
    /// Objects that are as last written.
    pub unchanged: usize,
    /// Objects that cannot be looked at, by the nature of the service.
    pub unverified: usize,
    /// Objects that could not be read in this run.
    pub unreadable: usize,
}

/// One target that is not as we last wrote it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drifted {
    /// The target, as state records it.
    #[schemars(with = "String")]
    pub address: Address,
    /// The provider's id.
    pub provider: String,
    /// The object's id there.
    #[schemars(with = "String")]
    pub id: RemoteId,
    /// Its display name when it was last written.
    pub name: String,
    /// When it was last written: RFC 3339, UTC. The drift is younger.
    pub written_at: String,
    /// What was found.
    pub what: What,
    /// Whether the files still have this target.
    pub wanted: bool,
    /// The fields that differ, sorted by path; none where the object is gone.
    pub fields: Vec<Field>,
}

/// The kinds of drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Fields differ.
    Changed,
    /// The service says that there is no such object any more.
    Gone,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// The field, in the provider's write shape.
    #[schemars(with = "String")]
    pub path: Pointer,
    /// As we last wrote it; absent or `null`: cleared.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub written: Option<Value>,
    /// As it is now; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub live: Option<Value>,
    /// What the file says about it meanwhile.
    pub file: FileSays,
    /// The draft is as written and only what customers hear differs; `live` is then the released value. Somebody released
    /// another version, or a release that the files declare was not applied yet: state does not tell these apart.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub release_only: bool,
    /// Why it cannot be cleared again through the service's API, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<String>,
}

/// What the file says about a drifted field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileSays {
    /// Still what was last written.
    Written,
    /// Something else than was last written and than is live: both sides have changed.
    Changed,
    /// Nothing any more.
    Removed,
}

/// A target whose object the service does not show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unverified {
    /// The target.
    #[schemars(with = "String")]
    pub address: Address,
    /// The provider's name for people.
    pub service: String,
    /// When it was last written: RFC 3339, UTC.
    pub written_at: String,
}

/// Compares what was last written with what is there now, for every recorded object in scope.
pub fn drift(watch: &Watch<'_>) -> Drift {
    let mut found = Drift {
        format_version: FORMAT_VERSION.to_owned(),
        summary: Tally::default(),
        drifted: Vec::new(),
        unverified: Vec::new(),
        unreadable: Vec::new(),
    };
    for (address, record) in watch.recorded.iter().filter(|(address, _)| (watch.scope)(address)) {
        let Some(account) = watch.accounts.get(&address.account) else { continue };
        let rules = account.dialect.rules();
        let resource = watch.wanted(address);
        let entry = |what, fields| Drifted {
            address: address.clone(),
            provider: record.provider.clone(),
            id: record.id.clone(),
            name: record.name.clone(),
            written_at: record.written_at.clone(),
            what,
            wanted: resource.is_some(),
            fields,
        };
        if !rules.read {
            found.summary.unverified += 1;
            found.unverified.push(Unverified {
                address: address.clone(),
                service: account.title.clone(),
                written_at: record.written_at.clone(),
            });
            continue;
        }
        match watch.observed.get(address) {
            Some(Observation::Present(live)) => {
                let fields = watch.fields(rules, record, live, resource);
                if fields.is_empty() {
                    found.summary.unchanged += 1;
                } else {
                    found.summary.changed += 1;
                    found.drifted.push(entry(What::Changed, fields));
                }
            }
            // Gone, and the files do not want it any more: the two agree.
            Some(Observation::Absent) if resource.is_none() => found.summary.unchanged += 1,
            Some(Observation::Absent) => {
                found.summary.gone += 1;
                found.drifted.push(entry(What::Gone, Vec::new()));
            }
            unread => {
                let (why, help) = match unread {
                    Some(Observation::Unreadable(why, help)) => (why.clone(), help.clone()),
                    _ => ("it was not read".to_owned(), "run the same command again".to_owned()),
                };
                found.summary.unreadable += 1;
                found.unreadable.push(Blocked { address: address.clone(), why, help, source: None });
            }
        }
    }
    found
}

impl Watch<'_> {
    /// What the files want of a recorded address, also where they have renamed it.
    fn wanted(&self, address: &Address) -> Option<&Resource> {
        self.desired.get(address).or_else(|| {
            let (new, _) = self.moves.iter().find(|(new, old)| *old == address && !self.recorded.contains_key(new))?;
            self.desired.get(new)
        })
    }

    fn fields(&self, rules: &Rules, record: &Record, live: &Live, resource: Option<&Resource>) -> Vec<Field> {
        let ignore: Vec<Pointer> =
            self.ignore.iter().chain(resource.into_iter().flat_map(|resource| &resource.ignore)).cloned().collect();
        let against = |document: &Map<String, Value>, release_only| {
            let applied = &record.applied;
            let found = Comparison { desired: applied, applied, live: document, rules, ignore: &ignore }.differences();
            let edits = found.edits.into_iter().map(|edit| (edit.path, edit.from, None));
            let stuck = found.stuck.into_iter().map(|(path, why)| {
                let value = get(document, &path).cloned();
                (path, value, Some(why.to_owned()))
            });
            edits
                .chain(stuck)
                .filter_map(|(path, live, stuck)| {
                    let written = get(applied, &path).cloned();
                    let file = file_says(rules, resource, &path, written.as_ref(), live.as_ref())?;
                    Some(Field { path, written, live, file, release_only, stuck })
                })
                .collect::<Vec<_>>()
        };
        let mut fields = against(&live.fields, false);
        // Without a target nothing says whether it is released, and it is on its way out.
        if let Some(released) = live.released.as_ref().filter(|_| resource.is_some_and(|resource| resource.release)) {
            for field in against(released, true) {
                if !fields.iter().any(|known| known.path == field.path) {
                    fields.push(field);
                }
            }
        }
        fields.sort_by(|left, right| left.path.cmp(&right.path));
        fields
    }
}

/// What the file says about a field; none where it says what is live, so that there is nothing to put right.
fn file_says(
    rules: &Rules,
    resource: Option<&Resource>,
    path: &Pointer,
    written: Option<&Value>,
    live: Option<&Value>,
) -> Option<FileSays> {
    let Some(resource) = resource else { return Some(FileSays::Removed) };
    let rule = rules.field(path);
    let named = get(&resource.fields, path);
    let says = named.unwrap_or(&Value::Null);
    if equal(rule, says, live) {
        None
    } else if equal(rule, says, written) {
        Some(FileSays::Written)
    } else if named.is_none() {
        Some(FileSays::Removed)
    } else {
        Some(FileSays::Changed)
    }
}
