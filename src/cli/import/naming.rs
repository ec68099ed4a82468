//! Which objects belong into one file, and which key that file gets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::judge::{agrees, kept};
use super::keep::Keeper;
use super::parts::{Found, Group, Item, Kept, Report};
use crate::capture::key;
use crate::cli::session::Session;
use crate::persona::document::Persona;
use crate::persona::name::{AccountName, Key};
use crate::plan::Address;

/// Where a group goes.
pub(super) enum Place {
    /// Into a new file.
    Free,
    /// A file of an earlier, interrupted run says exactly this: it only has to be recorded.
    WrittenBefore(Vec<Kept>),
    /// Its persona has a file, which is not touched: the sections are printed.
    Beside {
        /// The persona's shared fields and key.
        persona: (Key, Map<String, Value>),
    },
}

/// Groups what was chosen: by name across accounts where they are merged, else one by one. A name that an account has twice says
/// nothing about which one is meant.
pub(super) fn groups(chosen: Vec<Found>, merge: bool, report: &mut Report) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, found) in chosen.iter().enumerate().filter(|(_, found)| merge && !found.name.is_empty()) {
        by_name.entry(found.name.clone()).or_default().push(index);
    }
    by_name.retain(|name, indices| {
        let accounts: BTreeSet<&AccountName> = indices.iter().map(|&index| &chosen[index].account).collect();
        let unique = accounts.len() == indices.len();
        if !unique && accounts.len() > 1 {
            report.notes.push(format!("{name:?} is not merged: an account has several personas of this name"));
        }
        unique
    });
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for found in chosen {
        let merged = by_name.contains_key(&found.name).then(|| found.name.clone());
        match merged.as_ref().and_then(|name| places.get(name)) {
            Some(&at) => groups[at].members.push(found),
            None => {
                if let Some(name) = merged {
                    places.insert(name, groups.len());
                }
                groups.push(Group { members: vec![found] });
            }
        }
    }
    groups
}

/// Gives a group its key: the first candidate that nobody has.
pub(super) fn place(session: &Session, keeper: &mut Keeper, item: &mut Item, merge: bool) -> Place {
    let first = item.members.first();
    let (name, id) = first.map(|member| (member.name.as_str(), member.id.as_str())).unwrap_or_default();
    let rank = first.map_or(0, |member| member.rank);
    let base = key::slug(name, id);
    let name = name.to_owned();
    keeper.redraft(session, item);
    for (number, candidate) in key::candidates(&base).enumerate() {
        let key = Key::new(candidate);
        let existing = keeper.existing(&key).cloned();
        if let Some((key, persona)) = existing.as_ref().and_then(|key| session.project.personas.get_key_value(key)) {
            if let Some(kept) = written_before(session, keeper, item, key) {
                return Place::WrittenBefore(kept);
            }
            let shared = shared(persona);
            let free = item.members.iter().all(|member| !persona.targets.iter().any(|target| target.account == member.account));
            if merge && free && shared.get("name").and_then(Value::as_str) == Some(name.as_str()) {
                return Place::Beside { persona: (key.clone(), shared) };
            }
            continue;
        }
        item.draft.key = key.clone();
        if number >= rank && keeper.is_free(item) {
            keeper.take(&key);
            return Place::Free;
        }
    }
    unreachable!("candidates never end")
}

fn shared(persona: &Persona) -> Map<String, Value> {
    let fields =
        [("name", &persona.shared.name), ("description", &persona.shared.description), ("prompt", &persona.shared.prompt)];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect()
}

/// What an existing file makes of the group, if each of its members is exactly what an unrecorded target there wants.
fn written_before(session: &Session, keeper: &mut Keeper, item: &Item, key: &Key) -> Option<Vec<Kept>> {
    let mut all = Vec::new();
    let file = keeper.file(key);
    for (member, live) in item.members.iter().zip(&item.lives) {
        let address = Address::new(member.account.clone(), key.clone());
        let resource = session.desired.get(&address)?;
        let connection = session.connections.get(&member.account)?;
        if session.state.objects.contains_key(&address)
            || keeper.is_claimed(&address)
            || resource.bind.as_ref().is_some_and(|id| *id != member.id)
            || resource.name != live.name
            || !agrees(connection, resource, live)
        {
            return None;
        }
        all.push(kept(connection, resource, live, &file));
    }
    for one in &all {
        keeper.claim(&one.address);
    }
    Some(all)
}
