//! The edits of one change on the page: values by path, old beside new, lists by element, secrets by name.

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::super::shown::leaves::{Leaf, Seen, inline, is_prose, is_text, leaves, remark, short};
use super::super::shown::secret;
use super::super::shown::{hunks, place};
use super::page::{Gutter, Page, Span};
use super::style::Tone;
use super::{Options, diff};
use crate::persona::name::Pointer;
use crate::plan::{Action, Change, Piece, Source};

/// Writes values, and remembers the texts that it wrote: most personas have one prompt at several services, and nobody wants
/// to review the same change twice.
pub(super) struct Editor<'a> {
    options: &'a Options,
    seen: Seen,
}

/// What is to be said about a value besides the value.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    /// The target.
    pub(super) address: &'a str,
    /// Behind the value, in brackets.
    pub(super) remark: &'a str,
    /// Where it is asked for.
    pub(super) source: Option<&'a Source>,
    /// Where the lines of a text are.
    pub(super) pieces: &'a [Piece],
}

impl<'a> Editor<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self { options, seen: Seen::default() }
    }

    /// All edits of a change.
    pub(super) fn edits(&mut self, page: &mut Page, indent: usize, change: &Change) {
        let address = change.address.to_string();
        for edit in &change.edits {
            let cleared = edit.to.is_none() && change.action != Action::Delete;
            // All of a new object is asked for in one place, which its heading names.
            let source = edit.source.as_ref().filter(|_| change.action != Action::Create);
            let about =
                About { address: &address, remark: &remark(edit, change.reason, cleared), source, pieces: &edit.pieces };
            self.values(page, indent, &edit.path, (edit.from.as_ref(), edit.to.as_ref()), about);
        }
    }

    /// An old and a new value at a path, leaf by leaf.
    pub(super) fn values(
        &mut self,
        page: &mut Page,
        indent: usize,
        path: &Pointer,
        (old, new): (Option<&Value>, Option<&Value>),
        mut about: About<'_>,
    ) {
        let (old, new) = secret::fence(path.last().unwrap_or_default(), old, new);
        for leaf in &leaves(path, old.as_ref(), new.as_ref()) {
            let before = if self.options.verbose { None } else { self.seen.before(about.address, leaf) };
            self.leaf(page, indent, leaf, about, before.as_deref());
            about.source = None;
        }
    }

    fn leaf(&self, page: &mut Page, indent: usize, leaf: &Leaf<'_>, about: About<'_>, before: Option<&str>) {
        let path = leaf.path.to_string();
        let label = |tail: &str| {
            let source =
                about.source.filter(|_| before.is_none()).map(|source| format!("  {}", place(source))).unwrap_or_default();
            [
                Span::new(Tone::Strong, path.as_str()),
                Span::plain(format!("{tail}{}", about.remark)),
                Span::new(Tone::Faint, source),
            ]
        };
        let below = indent + 4;
        match (leaf.old, leaf.new) {
            (None, None) => {}
            (None, Some(value)) | (Some(value), None) => {
                let (sign, tone) = if leaf.old.is_none() { ('+', Tone::Good) } else { ('-', Tone::Bad) };
                let gutter = Gutter::sign(indent, sign, tone);
                match value {
                    Value::String(text) if is_text(text) => {
                        let same = before.map(|before| format!(", the same as {before}")).unwrap_or_default();
                        page.line(gutter, &label(&format!(": {}{same}", hunks::size(text))));
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
                    (Some(old), Some(new)) if is_prose(old) && is_prose(new) => {
                        diff::change(page, below, old, new, about.pieces);
                    }
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
