//! The leaves of a change: single values by path, old and new, alike in every format. Lists are compared by element, secrets stay
//! behind their fence.

use std::collections::{BTreeMap, btree_map};

use serde_json::{Map, Value};
use similar::{Algorithm, DiffTag, capture_diff_slices};
use unicode_width::UnicodeWidthStr;

use super::{secret, visible};
use crate::persona::name::Pointer;
use crate::plan::value::{is_secret, same};
use crate::plan::{Edit, Reason};

/// A string that is longer than this, or has several lines, is a text: it is shown as one.
const LONGEST_STRING: usize = 100;

/// One value that comes, goes or changes.
pub(in crate::report) struct Leaf<'a> {
    /// Its path.
    pub(in crate::report) path: Pointer,
    /// Its old value, if it had one.
    pub(in crate::report) old: Option<&'a Value>,
    /// Its new value, if it has one.
    pub(in crate::report) new: Option<&'a Value>,
}

/// The texts that were shown already: most personas have one prompt at several services, and nobody wants to review the same
/// change twice.
#[derive(Debug, Default)]
pub(in crate::report) struct Seen(BTreeMap<(Option<String>, Option<String>), (Pointer, String)>);

impl Seen {
    /// Where a text, with the same change, was shown before: `/prompt of anam.ada`. Remembers it where not.
    pub(in crate::report) fn before(&mut self, address: &str, leaf: &Leaf<'_>) -> Option<String> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let pair = (text(leaf.old), text(leaf.new));
        if ![&pair.0, &pair.1].into_iter().flatten().any(|text| is_text(text)) {
            return None;
        }
        match self.0.entry(pair) {
            btree_map::Entry::Occupied(entry) => Some(format!("{} of {}", entry.get().0, entry.get().1)),
            btree_map::Entry::Vacant(entry) => {
                entry.insert((leaf.path.clone(), address.to_owned()));
                None
            }
        }
    }
}

/// The leaves in which two values differ, or the whole value where none is found. What is given has been fenced.
pub(in crate::report) fn leaves<'a>(path: &Pointer, old: Option<&'a Value>, new: Option<&'a Value>) -> Vec<Leaf<'a>> {
    let mut leaves = Vec::new();
    compare(path, old, new, &mut leaves);
    if leaves.is_empty() {
        leaves.push(Leaf { path: path.clone(), old, new });
    }
    leaves
}

/// What the signs and values do not say.
pub(in crate::report) fn remark(edit: &Edit, reason: Reason, cleared: bool) -> String {
    let mut remarks = Vec::new();
    if cleared {
        remarks.push("cleared");
    }
    if edit.reason != reason {
        remarks.push(match edit.reason {
            Reason::Declared => "declared in the files",
            Reason::Drifted => "drifted: changed elsewhere, put right",
            Reason::Removed => "removed from the file",
        });
    }
    if edit.also_drifted {
        remarks.push("also changed elsewhere");
    }
    if edit.release_only {
        remarks.push("in the draft already, waits for its release");
    }
    if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join("; ")) }
}

/// Collects the leaves in which two values differ.
fn compare<'a>(path: &Pointer, old: Option<&'a Value>, new: Option<&'a Value>, leaves: &mut Vec<Leaf<'a>>) {
    if let (Some(old), Some(new)) = (old, new)
        && same(old, new)
    {
        return;
    }
    match (old, new) {
        (Some(Value::Array(old)), Some(Value::Array(new))) if !fit_a_row(old) || !fit_a_row(new) => {
            lists(path, old, new, leaves)
        }
        (None, Some(Value::Array(new))) if !fit_a_row(new) => lists(path, &[], new, leaves),
        (Some(Value::Array(old)), None) if !fit_a_row(old) => lists(path, old, &[], leaves),
        _ => match (members(old), members(new)) {
            (Some(old_members), Some(new_members)) => objects(path, Some(old_members), Some(new_members), leaves),
            (Some(old_members), None) if new.is_none() => objects(path, Some(old_members), None, leaves),
            (None, Some(new_members)) if old.is_none() => objects(path, None, Some(new_members), leaves),
            _ => leaves.push(Leaf { path: path.clone(), old, new }),
        },
    }
}

/// The members of an object that can be entered.
fn members(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.filter(|value| !is_secret(value)).and_then(Value::as_object).filter(|members| !members.is_empty())
}

fn objects<'a>(
    path: &Pointer,
    old: Option<&'a Map<String, Value>>,
    new: Option<&'a Map<String, Value>>,
    leaves: &mut Vec<Leaf<'a>>,
) {
    let mut sides: BTreeMap<&str, (Option<&Value>, Option<&Value>)> = BTreeMap::new();
    for (key, value) in old.into_iter().flatten() {
        sides.entry(key).or_default().0 = Some(value);
    }
    for (key, value) in new.into_iter().flatten() {
        sides.entry(key).or_default().1 = Some(value);
    }
    for (key, (old, new)) in sides {
        compare(&path.child(key), old, new, leaves);
    }
}

/// Compares element by element. What was removed carries its old position, everything else its new one.
fn lists<'a>(path: &Pointer, old: &'a [Value], new: &'a [Value], leaves: &mut Vec<Leaf<'a>>) {
    let keys = |items: &[Value]| items.iter().map(Value::to_string).collect::<Vec<_>>();
    let at = |index: usize| path.child(index.to_string());
    for operation in capture_diff_slices(Algorithm::Myers, &keys(old), &keys(new)) {
        if operation.tag() == DiffTag::Equal {
            continue;
        }
        let mut gone: Vec<usize> = operation.old_range().collect();
        for index in operation.new_range() {
            let partner = gone.iter().position(|candidate| belong(&old[*candidate], &new[index]));
            let old = partner.map(|partner| &old[gone.remove(partner)]);
            compare(&at(index), old, Some(&new[index]), leaves);
        }
        for index in gone {
            compare(&at(index), Some(&old[index]), None, leaves);
        }
    }
}

/// Whether one element of a list may be the other, changed: an object that does not name itself otherwise, a text, a list.
fn belong(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => ["id", "name", "key", "type"].iter().all(|name| {
            let (old, new) = (old.get(*name), new.get(*name));
            old.zip(new).is_none_or(|(old, new)| is_secret(old) || is_secret(new) || same(old, new))
        }),
        (Value::String(old), Value::String(new)) => is_text(old) && is_text(new),
        (Value::Array(_), Value::Array(_)) => true,
        _ => false,
    }
}

/// Whether a list is best read in one row: few short scalars.
fn fit_a_row(items: &[Value]) -> bool {
    let short = |item: &Value| match item {
        Value::String(text) => !is_text(text),
        Value::Object(_) => is_secret(item),
        Value::Array(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    };
    items.iter().all(short) && items.iter().map(|item| inline(item).width()).sum::<usize>() <= LONGEST_STRING
}

/// Whether a string is shown line by line.
pub(in crate::report) fn is_text(text: &str) -> bool {
    text.contains('\n') || text.width() > LONGEST_STRING
}

/// Whether a string is compared word by word; ids and names of models are better read whole.
pub(in crate::report) fn is_prose(text: &str) -> bool {
    is_text(text) || text.trim().contains(char::is_whitespace)
}

/// Two values on one row, spelled out where they would look the same.
pub(in crate::report) fn short(old: &Value, new: &Value) -> (String, String) {
    match (old, new) {
        (Value::String(old), Value::String(new)) => {
            let revealed = visible::alike(old, new);
            (visible::quoted(old, revealed), visible::quoted(new, revealed))
        }
        _ => (inline(old), inline(new)),
    }
}

/// A value on one row, nearly as JSON.
pub(in crate::report) fn inline(value: &Value) -> String {
    if let Some(words) = secret::words(value) {
        return words;
    }
    match value {
        Value::String(text) => visible::quoted(text, false),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members: Vec<_> =
                members.iter().map(|(key, value)| format!("{}: {}", visible::quoted(key, false), inline(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
