//! The edits of one change on the page: values by path, old beside new, lists by element, secrets by name.

use std::collections::{BTreeMap, btree_map};

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::super::shown::leaves::{Leaf, inline, is_prose, is_text, leaves, remark, short};
use super::super::shown::secret;
use super::page::{Gutter, Page, Span};
use super::style::Tone;
use super::{Options, diff};
use crate::persona::name::Pointer;
use crate::plan::{Action, Change};

/// Writes values, and remembers the texts that it wrote: most personas have one prompt at several services, and nobody wants
/// to review the same change twice.
pub(super) struct Editor<'a> {
    options: &'a Options,
    /// Old and new text, and where they were shown.
    shown: BTreeMap<(Option<String>, Option<String>), String>,
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
        for leaf in &leaves(path, old.as_ref(), new.as_ref()) {
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
