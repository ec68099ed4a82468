//! Documents as written: paths of keys in them, and the files that they name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::persona::raw::{self, Written};

/// Collects the files that a document names.
pub(super) fn files_of(base: &Path, written: &Value, found: &mut BTreeSet<PathBuf>) {
    if let Written::File(path) = raw::recognise(written) {
        found.extend(raw::named_by(base, path));
    }
    match written {
        Value::Array(items) => items.iter().for_each(|item| files_of(base, item, found)),
        Value::Object(members) => members.values().for_each(|member| files_of(base, member, found)),
        _ => {}
    }
}

/// The value at a path of keys.
pub(super) fn at<'a>(document: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(document, |value, key| value.as_object()?.get(key))
}

/// Writes a value at a path of keys, making the mappings above it.
pub(super) fn put(document: &mut Value, path: &[String], value: Value) {
    let Some((key, rest)) = path.split_first() else {
        *document = value;
        return;
    };
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    if let Value::Object(members) = document {
        put(members.entry(key.clone()).or_insert(Value::Null), rest, value);
    }
}

/// Removes a key, and the mappings above it that it leaves empty, but for the section of the target itself.
pub(super) fn prune(document: &mut Value, path: &[String]) {
    fn remove(value: &mut Value, path: &[String], depth: usize) -> bool {
        let (Some((key, rest)), Value::Object(members)) = (path.split_first(), value) else { return true };
        let goes = rest.is_empty() || members.get_mut(key).is_some_and(|below| remove(below, rest, depth + 1));
        if goes {
            members.remove(key);
        }
        goes && members.is_empty() && depth > 2
    }
    remove(document, path, 0);
}

/// File, line and column of an offset.
pub(super) fn position(file: &Path, text: &str, offset: usize) -> (PathBuf, usize, usize) {
    let before = text.get(..offset).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (file.to_path_buf(), before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}
