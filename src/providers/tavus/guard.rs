//! `test` operations before a patch: it fails as a whole, should somebody have changed in the meantime what it would write over.
//!
//! RFC 6902 can test that a value is what it was; it cannot test that a member is absent, so what is added is not guarded.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::rules::{CONFERENCING, RULES};
use crate::persona::name::Pointer;
use crate::plan::Reading;
use crate::plan::value::{get, holds_secret, leaves};

/// One test for every live value that the operations replace, remove or change within, holding the value as Tavus showed it, so
/// that numbers are compared as it writes them.
///
/// An object is tested member by member, since it may hold members that reads do not show. Left out is what a read does not show
/// as it is stored: write-only fields, functions without their descriptions, and values that hold a secret; and how meetings are
/// joined, unless the patch is about nothing else, since Tavus takes the two only apart.
pub(super) fn tests(live: &Map<String, Value>, operations: &[Value]) -> Vec<Value> {
    let paths = operations.iter().filter_map(|operation| Pointer::parse(operation.get("path")?.as_str()?).ok());
    let guarded: BTreeSet<Pointer> = paths.map(|path| outside_lists(live, &path)).collect();
    let apart = Pointer::new(CONFERENCING);
    leaves(live)
        .into_iter()
        .filter(|(path, shown)| {
            let faithful = matches!(RULES.field(path).reading, Reading::Always | Reading::MayBeOmitted);
            let covers = |guarded: &&Pointer| guarded.covers(path) && (!apart.covers(path) || apart.covers(guarded));
            faithful && guarded.iter().any(|guarded| covers(&guarded)) && !is_empty_object(shown) && !holds_secret(shown)
        })
        .map(|(path, shown)| json!({"op": "test", "path": path, "value": shown}))
        .collect()
}

/// The list that an operation works within, or its own path: which element an index names depends on all of them.
fn outside_lists(live: &Map<String, Value>, path: &Pointer) -> Pointer {
    let segments = path.segments();
    (1..segments.len())
        .map(|length| Pointer::new(&segments[..length]))
        .find(|above| get(live, above).is_some_and(Value::is_array))
        .unwrap_or_else(|| path.clone())
}

fn is_empty_object(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}
