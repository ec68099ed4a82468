//! `test` operations before a patch: it fails as a whole, should somebody have changed in the meantime what it would write over.
//!
//! RFC 6902 can test that a value is what it was; it cannot test that a member is absent, so what is added is not guarded.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::rules::RULES;
use crate::persona::name::Pointer;
use crate::plan::Reading;
use crate::plan::value::{get, is_secret};

/// One test for every live value that the operations replace, remove or change within, holding the value as Tavus showed it, so
/// that numbers are compared as it writes them.
///
/// Left out is what a read does not show as it is stored: write-only fields, functions without their descriptions, and values
/// that hold a secret.
pub(super) fn tests(live: &Map<String, Value>, operations: &[Value]) -> Vec<Value> {
    let paths = operations.iter().filter_map(|operation| Pointer::parse(operation.get("path")?.as_str()?).ok());
    let guarded: BTreeSet<Pointer> = paths.map(|path| outside_lists(live, &path)).collect();
    guarded
        .into_iter()
        .filter_map(|path| {
            let shown = get(live, &path)?;
            let faithful = matches!(RULES.field(&path).reading, Reading::Always | Reading::MayBeOmitted);
            (faithful && !holds_secret(shown)).then(|| json!({"op": "test", "path": path, "value": shown}))
        })
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

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_secret),
        Value::Object(members) => is_secret(value) || members.values().any(holds_secret),
        _ => false,
    }
}
