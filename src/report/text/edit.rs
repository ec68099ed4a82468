//! The edits of one change on the page: values by path, old beside new, lists by element, secrets by name.

use std::collections::{BTreeMap, btree_map};

use serde_json::{Map, Value};
use similar::{Algorithm, DiffTag, capture_diff_slices};
use unicode_width::UnicodeWidthStr;

use super::page::{Gutter, Page, Span};
use super::style::Tone;
use super::{Options, diff, secret, visible};
use crate::persona::name::Pointer;
use crate::plan::value::{is_secret, same};
use crate::plan::{Action, Change, Edit, Reason};

/// A string that is longer than this, or has several lines, is a text: it is shown as one.
const LONGEST_STRING: usize = 100;

/// Writes values, and remembers the texts that it wrote: most personas have one prompt at several services, and nobody wants
/// to review the same change twice.
pub(super) struct Editor<'a> {
    options: &'a Options,
    /// Old and new text, and where they were shown.
    shown: BTreeMap<(Option<String>, Option<String>), String>,
}

/// One value that comes, goes or changes.
struct Leaf<'a> {
    path: Pointer,
    old: Option<&'a Value>,
    new: Option<&'a Value>,
}

impl<'a> Editor<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self { options, shown: BTreeMap::new() }
    }

    /// All edits of a change.
    pub(super) fn edits(&mut self, page: &mut Page, indent: usize, change: &Change) {
        let address = change.address.to_string();
        for edit in &change.edits {
            let cleared = edit.to.is_none() && change.action != Action::Delete;
            let remark = remark(edit, change.reason, cleared);
            self.values(page, indent, &address, &edit.path, (edit.from.as_ref(), edit.to.as_ref()), &remark);
        }
    }

    /// An old and a new value at a path, leaf by leaf.
    pub(super) fn values(
        &mut self,
        page: &mut Page,
        indent: usize,
        address: &str,
        path: &Pointer,
        (old, new): (Option<&Value>, Option<&Value>),
        remark: &str,
    ) {
        let (old, new) = secret::fence(path.last().unwrap_or_default(), old, new);
        let mut leaves = Vec::new();
        compare(path, old.as_ref(), new.as_ref(), &mut leaves);
        if leaves.is_empty() {
            leaves.push(Leaf { path: path.clone(), old: old.as_ref(), new: new.as_ref() });
        }
        for leaf in &leaves {
            let before = self.shown_before(address, leaf);
            self.leaf(page, indent, leaf, remark, before.as_deref());
        }
    }

    /// Where a text, with the same change, was shown before.
    fn shown_before(&mut self, address: &str, leaf: &Leaf<'_>) -> Option<String> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let pair = (text(leaf.old), text(leaf.new));
        if self.options.verbose || ![&pair.0, &pair.1].into_iter().flatten().any(|text| is_text(text)) {
            return None;
        }
        match self.shown.entry(pair) {
            btree_map::Entry::Occupied(entry) => Some(entry.get().clone()),
            btree_map::Entry::Vacant(entry) => {
                entry.insert(format!("{} of {address}", leaf.path));
                None
            }
        }
    }

    fn leaf(&self, page: &mut Page, indent: usize, leaf: &Leaf<'_>, remark: &str, before: Option<&str>) {
        let path = leaf.path.to_string();
        let label = |tail: &str| [Span::new(Tone::Strong, path.as_str()), Span::plain(format!("{tail}{remark}"))];
        let below = indent + 4;
        match (leaf.old, leaf.new) {
            (None, None) => {}
            (None, Some(value)) | (Some(value), None) => {
                let (sign, tone) = if leaf.old.is_none() { ('+', Tone::Good) } else { ('-', Tone::Bad) };
                let gutter = Gutter::sign(indent, sign, tone);
                match value {
                    Value::String(text) if is_text(text) => {
                        let same = before.map(|before| format!(", the same as {before}")).unwrap_or_default();
                        page.line(gutter, &label(&format!(": {}{same}", diff::size(text))));
                        if before.is_none() {
                            diff::whole(page, below, text, sign, self.options.verbose);
                        }
                    }
                    _ => page.line(gutter, &label(&format!(": {}", inline(value)))),
                }
            }
            (Some(old), Some(new)) => {
                let gutter = Gutter::sign(indent, '~', Tone::Warning);
                if let Some(before) = before {
                    page.line(gutter, &label(&format!(": the same change as {before}")));
                    return;
                }
                if let Some(words) = secret::change_words(old, new) {
                    page.line(gutter, &label(&format!(": {words}")));
                    return;
                }
                let (old_text, new_text) = short(old, new);
                let row = format!(": {old_text} -> {new_text}");
                let has_text = [old, new].into_iter().any(|value| value.as_str().is_some_and(is_text));
                if !has_text && path.width() + row.width() <= page.room(gutter) {
                    page.line(gutter, &label(&row));
                    return;
                }
                page.line(gutter, &label(""));
                match (old.as_str(), new.as_str()) {
                    (Some(old), Some(new)) if is_prose(old) && is_prose(new) => diff::change(page, below, old, new),
                    _ => {
                        self.side(page, below, '-', old, &old_text);
                        self.side(page, below, '+', new, &new_text);
                    }
                }
            }
        }
    }

    /// One side of a change that is too wide for a row.
    fn side(&self, page: &mut Page, indent: usize, sign: char, value: &Value, row: &str) {
        match value {
            Value::String(text) if is_text(text) => diff::whole(page, indent, text, sign, self.options.verbose),
            _ => {
                let (mark, tone) = if sign == '-' { (Tone::Bad, Tone::Removed) } else { (Tone::Good, Tone::Added) };
                page.line(Gutter::every_row(indent, sign, mark), &[Span::new(tone, row)]);
            }
        }
    }
}

/// What the signs and values do not say.
fn remark(edit: &Edit, reason: Reason, cleared: bool) -> String {
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
fn is_text(text: &str) -> bool {
    text.contains('\n') || text.width() > LONGEST_STRING
}

/// Whether a string is compared word by word; ids and names of models are better read whole.
fn is_prose(text: &str) -> bool {
    is_text(text) || text.trim().contains(char::is_whitespace)
}

/// Two values on one row, spelled out where they would look the same.
fn short(old: &Value, new: &Value) -> (String, String) {
    match (old, new) {
        (Value::String(old), Value::String(new)) => {
            let revealed = visible::alike(old, new);
            (visible::quoted(old, revealed), visible::quoted(new, revealed))
        }
        _ => (inline(old), inline(new)),
    }
}

/// A value on one row, nearly as JSON.
fn inline(value: &Value) -> String {
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
