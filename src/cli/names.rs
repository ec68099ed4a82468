//! The names in `$lookup`: which are wanted, what they lead to, and how a plan tells it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::Value;

use super::exit::Stop;
use crate::persona::document::Project;
use crate::persona::name::{AccountName, Pointer};
use crate::persona::problem::{Place, Problem};
use crate::plan::value::lookups;
use crate::plan::{Address, Plan, Resource};
use crate::provider::Named as Thing;
use crate::reconcile::Connection;
use crate::reconcile::lookup::{Found, catalogue, find};

/// What was read, by account and kind.
pub(super) type Catalogues = BTreeMap<(AccountName, String), Vec<Thing>>;

/// What the names of each target led to.
pub(super) type Named = BTreeMap<Address, Vec<Resolved>>;

/// A name that led to an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    path: Pointer,
    kind: String,
    name: String,
    id: String,
}

/// The catalogues that the selected targets need.
pub(super) fn wanted(
    desired: &BTreeMap<Address, Resource>,
    selects: impl Fn(&Address) -> bool,
) -> BTreeSet<(AccountName, String)> {
    let selected = desired.iter().filter(|(address, _)| selects(address));
    let kinds = selected.flat_map(|(address, resource)| {
        lookups(&resource.fields).into_iter().map(|(_, kind, _)| (address.account.clone(), kind.to_owned()))
    });
    kinds.collect()
}

/// Reads catalogues, each once.
///
/// # Errors
/// When one cannot be read: nothing can be said of names then.
pub(super) async fn fetch(
    connections: &BTreeMap<AccountName, Connection>,
    wanted: &BTreeSet<(AccountName, String)>,
) -> Result<Catalogues, Stop> {
    let reads = wanted.iter().filter_map(|(account, kind)| {
        let connection = connections.get(account)?;
        let shelf = connection.provider.catalogues().iter().find(|catalogue| catalogue.kind == kind)?;
        Some(async move { ((account.clone(), kind.clone()), catalogue(connection, shelf).await) })
    });
    let mut found = Catalogues::new();
    for ((account, kind), items) in join_all(reads).await {
        match items {
            Ok(items) => drop(found.insert((account, kind), items)),
            Err(failure) => {
                let status = failure.status.map(|status| format!(" answered {status}")).unwrap_or_default();
                let message = format!(
                    "the names of kind `{kind}` at `{account}` cannot be read: {}{status}: {}",
                    failure.request, failure.message
                );
                let stop = Stop::failed(message);
                return Err(match failure.help {
                    Some(help) => stop.with_help(help),
                    None => stop,
                });
            }
        }
    }
    Ok(found)
}

/// Puts ids in the place of names, in the selected targets.
pub(super) fn resolve(
    project: &Project,
    desired: &mut BTreeMap<Address, Resource>,
    catalogues: &Catalogues,
    selects: impl Fn(&Address) -> bool,
) -> (Named, Vec<Problem>) {
    let mut named = Named::new();
    let mut problems = Vec::new();
    for (address, resource) in desired.iter_mut().filter(|(address, _)| selects(address)) {
        let mut found = Vec::new();
        for (path, kind, name) in lookups(&resource.fields) {
            let key = (address.account.clone(), kind.to_owned());
            let items = catalogues.get(&key).map(Vec::as_slice).unwrap_or_default();
            match find(items, name) {
                Found::One(thing) => {
                    found.push(Resolved { path, kind: kind.to_owned(), name: name.to_owned(), id: thing.id.clone() })
                }
                other => problems.push(problem(place(project, address, &path), address, kind, name, &other)),
            }
        }
        for resolved in &found {
            put(&mut resource.fields, &resolved.path, Value::from(resolved.id.clone()));
        }
        if !found.is_empty() {
            named.insert(address.clone(), found);
        }
    }
    (named, problems)
}

fn place(project: &Project, address: &Address, path: &Pointer) -> Option<Place> {
    let persona = project.personas.get(&address.key)?;
    let target = persona.targets.iter().find(|target| target.account == address.account)?;
    Some(target.places.of(path))
}

fn problem(place: Option<Place>, address: &Address, kind: &str, name: &str, found: &Found<'_>) -> Problem {
    let listed = |things: &[&Thing]| {
        let things: Vec<String> = things.iter().map(|thing| format!("`{}` ({})", thing.name, thing.id)).collect();
        things.join(", ")
    };
    let account = &address.account;
    let (code, message, help) = match found {
        Found::Several(things) => (
            "ambiguous-name",
            format!("{} of the kind `{kind}` at `{account}` have the name `{name}`", things.len()),
            format!("write the id of the one that is meant: {}", listed(things)),
        ),
        Found::Nothing(near) if !near.is_empty() => (
            "unknown-name",
            format!("there is no `{name}` of the kind `{kind}` at `{account}`"),
            format!("nearest are {}", listed(near)),
        ),
        Found::Nothing(_) | Found::One(_) => (
            "unknown-name",
            format!("there is no `{name}` of the kind `{kind}` at `{account}`"),
            format!("`personaform list {account} {kind}` shows what there is"),
        ),
    };
    match place {
        Some(place) => Problem::error(code, place, message).with_help(help),
        None => Problem::nowhere(code, format!("{address}: {message}")).with_help(help),
    }
}

/// Writes a value at a pointer that exists; lists are entered.
fn put(fields: &mut serde_json::Map<String, Value>, path: &Pointer, value: Value) {
    let Some((first, rest)) = path.segments().split_first() else { return };
    let mut at = fields.get_mut(first);
    for segment in rest {
        at = match at {
            Some(Value::Object(members)) => members.get_mut(segment),
            Some(Value::Array(items)) => segment.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            _ => None,
        };
    }
    if let Some(at) = at {
        *at = value;
    }
}

/// A plan whose changes tell the names of the ids that they set.
pub(super) fn annotated(mut plan: Plan, named: &Named) -> Plan {
    for change in &mut plan.changes {
        for Resolved { path, kind, name, id } in named.get(&change.address).into_iter().flatten() {
            if change.edits.iter().any(|edit| edit.path.covers(path) || path.covers(&edit.path)) {
                change.notes.push(format!("`{path}`: `{id}` is the {} \"{name}\"", kind.replace('_', " ")));
            }
        }
    }
    plan
}

/// The name that leads to an id, where it leads to nothing else.
pub(super) fn name_of<'a>(catalogues: &'a Catalogues, account: &AccountName, kind: &str, id: &str) -> Option<&'a str> {
    let items = catalogues.get(&(account.clone(), kind.to_owned()))?;
    let thing = items.iter().find(|thing| thing.id == id)?;
    matches!(find(items, &thing.name), Found::One(_)).then_some(thing.name.as_str())
}
