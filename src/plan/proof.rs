//! The proof of a change before anybody sees it: the provider's own prediction must reach what is wanted and touch nothing else.

use serde_json::{Map, Value};

use super::change::{Edit, Request};
use super::dialect::Dialect;
use super::diff::{Comparison, equal};
use super::resource::{Live, RemoteId, Resource};
use super::value::{get, leaves, same, set};
use crate::persona::name::Pointer;

/// What a prediction got wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Disproof {
    /// The field.
    pub path: Pointer,
    /// In what way, as a fragment.
    pub why: &'static str,
}

/// Runs requests against a copy of the live object.
pub fn predict(dialect: &dyn Dialect, live: &Live, requests: &[Request]) -> Live {
    requests.iter().fold(live.clone(), |live, request| dialect.predict(&live, request))
}

/// The managed fields that the first request of a create carries: what its object can be found by when the answer is lost.
pub fn carried(dialect: &dyn Dialect, first: &Request, applied: &Map<String, Value>) -> Map<String, Value> {
    let after = dialect.predict(&Live::empty(RemoteId::new("{id}")), first);
    let mut carried = Map::new();
    for (path, value) in leaves(applied) {
        if !value.is_null() && get(&after.fields, &path).is_some_and(|held| same(held, value)) {
            set(&mut carried, &path, value.clone());
        }
    }
    carried
}

/// Checks that the predicted object holds every managed field as wanted, and every other field as before.
///
/// # Errors
/// The first field for which that does not hold: a mistake of ours, never of a user.
pub fn prove(
    dialect: &dyn Dialect,
    before: Option<&Live>,
    after: &Live,
    resource: &Resource,
    edits: &[Edit],
) -> Result<(), Disproof> {
    let unknown = |path: &Pointer| after.unknown.iter().any(|unknown| unknown.covers(path) || path.covers(unknown));
    let documents = [Some(&after.fields), after.released.as_ref().filter(|_| resource.release)];
    for document in documents.into_iter().flatten() {
        // What reads may leave out was just written, so the desired document stands for the applied one.
        let comparison = Comparison {
            desired: &resource.fields,
            applied: &resource.fields,
            live: document,
            rules: dialect.rules(),
            ignore: if before.is_some() { &resource.ignore } else { &[] },
        };
        if let Some(edit) = comparison.differences().edits.into_iter().find(|edit| !unknown(&edit.path)) {
            return Err(Disproof { path: edit.path, why: "would not hold what the files want" });
        }
        for edit in edits.iter().filter(|edit| edit.to.is_none() && !unknown(&edit.path)) {
            if !equal(dialect.rules().field(&edit.path), &Value::Null, get(document, &edit.path)) {
                return Err(Disproof { path: edit.path.clone(), why: "would not be cleared" });
            }
        }
    }
    let Some(before) = before else { return Ok(()) };
    for (path, value) in leaves(&before.fields) {
        let edited = edits.iter().any(|edit| edit.path.covers(&path) || path.covers(&edit.path));
        // What the files name was compared above: an object that is wanted empty may come to be where `null` was.
        let ignored = resource.ignore.iter().any(|ignored| ignored.covers(&path));
        let edited = edited || (get(&resource.fields, &path).is_some() && !ignored);
        let kept = get(&after.fields, &path).is_some_and(|after| same(after, value))
            || equal(dialect.rules().field(&path), value, get(&after.fields, &path));
        if !edited && !kept && !unknown(&path) {
            return Err(Disproof { path, why: "is not in the plan and would change" });
        }
    }
    Ok(())
}
