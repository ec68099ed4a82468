//! The names in `$lookup`: which are wanted, what they lead to, and how a plan tells it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::{Map, Value};

use crate::capture::Called;
use crate::persona::document::Project;
use crate::persona::name::{AccountName, Pointer};
use crate::persona::problem::{Place, Problem};
use crate::plan::planner::{Namesakes, Observation};
use crate::plan::value::{get, lookups, replace};
use crate::plan::{Address, Plan, Resource};
use crate::provider::Named as Thing;
use crate::reconcile::connection::Failure;
use crate::reconcile::lookup::{Found, catalogue, find};
use crate::reconcile::{Connection, Refreshed};

/// What was read, by account and kind.
pub(super) type Catalogues = BTreeMap<(AccountName, String), Result<Vec<Thing>, Unread>>;

/// Why a catalogue could not be read, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) why: String,
    pub(super) help: String,
}

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

/// What came of the names of the selected targets.
#[derive(Default)]
pub(super) struct Resolution {
    /// What they led to.
    pub(super) named: Named,
    /// Targets of which that cannot be told, since a catalogue could not be read.
    pub(super) unnamed: BTreeMap<Address, Unread>,
    /// Names that are unknown or not unique.
    pub(super) problems: Vec<Problem>,
}

/// Reads catalogues, each once. One that cannot be read is no obstacle to the others.
pub(super) async fn fetch(
    connections: &BTreeMap<AccountName, Connection>,
    wanted: &BTreeSet<(AccountName, String)>,
) -> Catalogues {
    let reads = wanted.iter().filter_map(|(account, kind)| {
        let connection = connections.get(account)?;
        let shelf = connection.provider.catalogues().iter().find(|catalogue| catalogue.kind == kind)?;
        Some(async move {
            let items = catalogue(connection, shelf).await.map_err(|failure| unread(account, kind, failure));
            ((account.clone(), kind.clone()), items)
        })
    });
    join_all(reads).await.into_iter().collect()
}

fn unread(account: &AccountName, kind: &str, failure: Failure) -> Unread {
    let status = failure.status.map(|status| format!(" answered {status}")).unwrap_or_default();
    let Failure { request, message, help, .. } = failure;
    Unread {
        why: format!("the names of the kind `{kind}` at `{account}` cannot be read: {request}{status}: {message}"),
        help: help.unwrap_or_else(|| "run the same command again later, or write the id".to_owned()),
    }
}

/// Puts ids in the place of names, in the selected targets.
pub(super) fn resolve(
    project: &Project,
    desired: &mut BTreeMap<Address, Resource>,
    catalogues: &Catalogues,
    selects: impl Fn(&Address) -> bool,
) -> Resolution {
    let mut resolution = Resolution::default();
    for (address, resource) in desired.iter_mut().filter(|(address, _)| selects(address)) {
        let mut found = Vec::new();
        for (path, kind, name) in lookups(&resource.fields) {
            let items = match catalogues.get(&(address.account.clone(), kind.to_owned())) {
                Some(Ok(items)) => items.as_slice(),
                Some(Err(unread)) => {
                    resolution.unnamed.entry(address.clone()).or_insert_with(|| unread.clone());
                    continue;
                }
                None => &[],
            };
            match find(items, name) {
                Found::One(thing) => {
                    found.push(Resolved { path, kind: kind.to_owned(), name: name.to_owned(), id: thing.id.clone() })
                }
                other => {
                    resolution.problems.push(problem(place(project, address, &path), address, kind, name, &other));
                }
            }
        }
        for resolved in &found {
            replace(&mut resource.fields, &resolved.path, Value::from(resolved.id.clone()));
        }
        if !found.is_empty() {
            resolution.named.insert(address.clone(), found);
        }
    }
    resolution
}

/// Puts ids in the place of those names that lead to one; what does not is left as it is.
pub(super) fn settle(catalogues: &Catalogues, account: &AccountName, fields: &mut Map<String, Value>) {
    let mut found = Vec::new();
    for (path, kind, name) in lookups(fields) {
        let items = catalogues.get(&(account.clone(), kind.to_owned())).and_then(|items| items.as_ref().ok());
        if let Some(Found::One(thing)) = items.map(|items| find(items, name)) {
            found.push((path, thing.id.clone()));
        }
    }
    for (path, id) in found {
        replace(fields, &path, Value::from(id));
    }
}

/// Holds up the targets whose names lead nowhere yet: what they want is not known, so nothing can be said of what is there.
pub(super) fn hold_up(unnamed: &BTreeMap<Address, Unread>, refreshed: &mut Refreshed) {
    for (address, Unread { why, help }) in unnamed {
        refreshed.observed.insert(address.clone(), Observation::Unreadable(why.clone(), help.clone()));
        refreshed.namesakes.insert(address.clone(), Namesakes::Unreadable(why.clone(), help.clone()));
        if let Some(trace) = refreshed.traces.get_mut(address) {
            *trace = Namesakes::Unreadable(why.clone(), help.clone());
        }
    }
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
    let items = catalogues.get(&(account.clone(), kind.to_owned()))?.as_ref().ok()?;
    let thing = items.iter().find(|thing| thing.id == id)?;
    matches!(find(items, &thing.name), Found::One(_)).then_some(thing.name.as_str())
}

/// Every kind that has names at an account.
pub(super) fn kinds(connection: &Connection) -> BTreeSet<(AccountName, String)> {
    let catalogues = connection.provider.catalogues().iter().filter(|catalogue| !catalogue.fields.is_empty());
    catalogues.map(|catalogue| (connection.account.clone(), catalogue.kind.to_owned())).collect()
}

/// What the ids in a section are called.
pub(super) fn called(
    catalogues: &Catalogues,
    connection: &Connection,
    fields: &Map<String, Value>,
) -> BTreeMap<Pointer, Called> {
    let mut called = BTreeMap::new();
    for catalogue in connection.provider.catalogues() {
        let key = (connection.account.clone(), catalogue.kind.to_owned());
        let Some(Ok(items)) = catalogues.get(&key) else { continue };
        for (path, id) in catalogue.fields.iter().flat_map(|field| ids(fields, field)) {
            let Some(thing) = items.iter().find(|thing| thing.id == id) else { continue };
            let unique = matches!(find(items, &thing.name), Found::One(_));
            called.insert(path, Called { kind: catalogue.kind, name: thing.name.clone(), unique });
        }
    }
    called
}

/// The ids at a field; with `/*` at its end, those in its list.
fn ids<'a>(fields: &'a Map<String, Value>, field: &str) -> Vec<(Pointer, &'a str)> {
    let (path, in_list) = field.strip_suffix("/*").map_or((field, false), |path| (path, true));
    let Ok(path) = Pointer::parse(path) else { return Vec::new() };
    match get(fields, &path) {
        Some(Value::Array(items)) if in_list => {
            let texts = items.iter().enumerate().filter_map(|(index, item)| Some((index, item.as_str()?)));
            texts.map(|(index, id)| (path.child(index.to_string()), id)).collect()
        }
        Some(Value::String(id)) if !in_list => vec![(path, id.as_str())],
        _ => Vec::new(),
    }
}
