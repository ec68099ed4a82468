//! Compares what was read back with what was predicted, unmanaged fields included. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::outcome::Difference;
use crate::persona::name::Pointer;
use crate::plan::diff::equal;
use crate::plan::value::{get, leaves, set};
use crate::plan::{Change, Live, Reading, Rules};

/// Every field that is not as predicted: managed ones always, the others where they were there before.
pub(super) fn differences(
    change: &Change,
    applied: &Map<String, Value>,
    before: Option<&Live>,
    predicted: &Live,
    found: &Live,
    rules: &Rules,
) -> Vec<Difference> {
    let mut differences = BTreeMap::new();
    let released = predicted.released.as_ref().zip(found.released.as_ref());
    for (predicted_fields, found_fields) in std::iter::once((&predicted.fields, &found.fields)).chain(released) {
        for (path, expected) in leaves(predicted_fields) {
            let managed = get(applied, &path).is_some();
            let known = !predicted.unknown.iter().any(|unknown| unknown.covers(&path)) || managed;
            let was_there = before.is_none_or(|before| get(&before.fields, &path).is_some());
            if known && (managed || was_there) {
                check(&path, Some(expected), get(found_fields, &path), rules, &mut differences);
            }
        }
        // Whether a service really drops what is cleared is checked even where nobody can predict it.
        for edit in change.edits.iter().filter(|edit| edit.to.is_none()) {
            check(&edit.path, None, get(found_fields, &edit.path), rules, &mut differences);
        }
    }
    differences.into_values().collect()
}

fn check(
    path: &Pointer,
    expected: Option<&Value>,
    found: Option<&Value>,
    rules: &Rules,
    differences: &mut BTreeMap<Pointer, Difference>,
) {
    let rule = rules.field(path);
    let hidden = match rule.reading {
        Reading::Always | Reading::Partly => false,
        Reading::MayBeOmitted => found.is_none(),
        Reading::Never => true,
    };
    if !hidden && !equal(rule, expected.unwrap_or(&Value::Null), found) {
        let difference = Difference { path: path.clone(), expected: expected.cloned(), found: found.cloned() };
        differences.insert(path.clone(), difference);
    }
}

/// The fields that the files want cleared (`null`) and that the service has kept.
pub(super) fn resisted(change: &Change, applied: &Map<String, Value>, differences: &[Difference]) -> Vec<Pointer> {
    let asked = |path: &Pointer| get(applied, path).is_some_and(Value::is_null);
    let cleared = |path: &Pointer| change.edits.iter().any(|edit| edit.to.is_none() && edit.path == *path);
    differences.iter().map(|difference| &difference.path).filter(|path| asked(path) && cleared(path)).cloned().collect()
}

/// What is remembered as applied where the object cannot be read again: the managed fields as the service's answer shows them.
pub(super) fn held(applied: &Map<String, Value>, answered: &Live, rules: &Rules) -> Map<String, Value> {
    let mut held = Map::new();
    for (path, wanted) in leaves(applied) {
        let shown = get(&answered.fields, &path);
        if equal(rules.field(&path), wanted, shown) {
            set(&mut held, &path, wanted.clone());
        } else if let Some(shown) = shown {
            set(&mut held, &path, shown.clone());
        }
    }
    held
}
