//! The fields of a change one by one, each in the shape in which it is best read, for formats with markup.

use serde_json::Value;

use super::drift::remarks;
use super::leaves::{Leaf, Seen, inline, is_prose, is_text, leaves, remark, short};
use super::secret;
use crate::persona::name::Pointer;
use crate::plan::drift::Drifted;
use crate::plan::{Action, Change, Piece, Source};
use crate::reconcile::outcome::Difference;

/// One value that comes, goes or changes.
pub(in crate::report) struct Field<'a> {
    /// Its path.
    pub(in crate::report) path: String,
    /// What signs and values do not say; possibly nothing.
    pub(in crate::report) remark: String,
    /// Where it is asked for.
    pub(in crate::report) source: Option<&'a Source>,
    /// Where the lines of a text are.
    pub(in crate::report) pieces: &'a [Piece],
    /// What is to be seen.
    pub(in crate::report) body: Body<'a>,
}

/// What is to be seen of a field. Texts are as written, everything else is harmless already.
pub(in crate::report) enum Body<'a> {
    /// Values that fit a row, nearly as JSON.
    Values { old: Option<String>, new: Option<String> },
    /// A text that changes.
    Text { old: &'a str, new: &'a str },
    /// A text that comes or goes.
    Whole { text: &'a str, comes: bool },
    /// Anything that is better said than shown.
    Words(String),
}

/// Visits every field of a change. All of a new object is asked for in one place, so only its change names that.
pub(in crate::report) fn each(change: &Change, seen: &mut Seen, mut visit: impl FnMut(&Field<'_>)) {
    let address = change.address.to_string();
    for edit in &change.edits {
        let cleared = edit.to.is_none() && change.action != Action::Delete;
        let remark = remark(edit, change.reason, cleared);
        let (old, new) = secret::fence(edit.path.last().unwrap_or_default(), edit.from.as_ref(), edit.to.as_ref());
        let mut source = edit.source.as_ref().filter(|_| change.action != Action::Create);
        for leaf in &leaves(&edit.path, old.as_ref(), new.as_ref()) {
            let before = seen.before(&address, leaf);
            let body = body(leaf, before.as_deref());
            let source = source.take().filter(|_| before.is_none());
            let remark = remark.trim().trim_start_matches('(').trim_end_matches(')').to_owned();
            visit(&Field { path: leaf.path.to_string(), remark, source, pieces: &edit.pieces, body });
        }
    }
}

/// Visits every value in which what was found differs from what was expected.
pub(in crate::report) fn each_difference(difference: &Difference, mut visit: impl FnMut(&Field<'_>)) {
    let remark = match (&difference.expected, &difference.found) {
        (Some(_), Some(_)) => "expected, then found",
        (Some(_), None) => "expected, not found",
        (None, _) => "found, not expected",
    };
    pair(&difference.path, difference.expected.as_ref(), difference.found.as_ref(), |leaf| {
        let body = body(leaf, None);
        visit(&Field { path: leaf.path.to_string(), remark: remark.to_owned(), source: None, pieces: &[], body });
    });
}

/// Visits every value of an object that somebody changed elsewhere: as last written, then as it is now.
pub(in crate::report) fn each_drifted(target: &Drifted, seen: &mut Seen, mut visit: impl FnMut(&Field<'_>)) {
    let address = target.address.to_string();
    for field in &target.fields {
        pair(&field.path, field.written.as_ref(), field.live.as_ref(), |leaf| {
            let body = body(leaf, seen.before(&address, leaf).as_deref());
            visit(&Field { path: leaf.path.to_string(), remark: remarks(field), source: None, pieces: &[], body });
        });
    }
}

/// Visits the leaves in which two values differ, behind the fence.
fn pair(path: &Pointer, old: Option<&Value>, new: Option<&Value>, mut visit: impl FnMut(&Leaf<'_>)) {
    let (old, new) = secret::fence(path.last().unwrap_or_default(), old, new);
    leaves(path, old.as_ref(), new.as_ref()).iter().for_each(&mut visit);
}

fn body<'a>(leaf: &Leaf<'a>, before: Option<&str>) -> Body<'a> {
    match (leaf.old, leaf.new) {
        (None, Some(Value::String(text))) | (Some(Value::String(text)), None) if is_text(text) => match before {
            Some(before) => Body::Words(format!("{}, the same as {before}", super::hunks::size(text))),
            None => Body::Whole { text, comes: leaf.old.is_none() },
        },
        (Some(old), Some(new)) => {
            if let Some(before) = before {
                return Body::Words(format!("the same change as {before}"));
            }
            if let Some(words) = secret::change_words(old, new) {
                return Body::Words(words);
            }
            match (old.as_str(), new.as_str()) {
                (Some(old), Some(new)) if is_prose(old) && is_prose(new) => Body::Text { old, new },
                _ => {
                    let (old, new) = short(old, new);
                    Body::Values { old: Some(old), new: Some(new) }
                }
            }
        }
        (old, new) => Body::Values { old: old.map(inline), new: new.map(inline) },
    }
}
