//! What stands beside the fields of a section in comments: what an id is called, and what is missing and why.

use serde_json::{Map, Value, json};

use super::draft::{Called, Part};
use super::section::Left;
use super::yaml::{Line, Node};
use crate::persona::name::{Key, Pointer};
use crate::plan::value::{LOOKUP_MARK, item, replace};

/// The fields with names in the place of ids, and a remark for each name that cannot stand for its id.
pub(super) fn with_names(fields: &Map<String, Value>, part: &Part) -> (Map<String, Value>, Vec<(Pointer, String)>) {
    let mut fields = fields.clone();
    let mut remarks = Vec::new();
    for (path, called) in &part.called {
        // What the defaults supply does not stand here.
        let Some(id) = item(&fields, path).and_then(Value::as_str) else { continue };
        let Called { kind, name, unique } = called;
        if *unique {
            let lookup = json!({ LOOKUP_MARK: { *kind: name } });
            replace(&mut fields, path, lookup);
        } else {
            let (id, name, kind) = (id.escape_debug(), name.escape_debug(), kind.replace('_', " "));
            remarks.push((path.clone(), format!("{id} is the {kind} \"{name}\"; others have that name too")));
        }
    }
    (fields, remarks)
}

/// What stands beside the fields in comments.
pub(super) struct Margin<'a> {
    pub(super) key: &'a Key,
    /// Fields that are missing.
    pub(super) left: Vec<Left>,
    /// Words on fields that are there.
    pub(super) remarks: Vec<(Pointer, String)>,
}

impl Margin<'_> {
    /// The members of an object, with the words on each, and what is missing there.
    pub(super) fn members(&self, fields: &Map<String, Value>, at: &Pointer) -> Vec<Line> {
        let mut lines = Vec::new();
        for (name, value) in fields {
            let path = at.child(name);
            let below = |other: &Pointer| path.covers(other);
            let node = match value {
                Value::Object(inner)
                    if self.left.iter().any(|left| below(&left.path)) || self.remarks.iter().any(|(at, _)| below(at)) =>
                {
                    Node::Members(self.members(inner, &path))
                }
                other => {
                    let remarks = self.remarks.iter().filter(|(at, _)| below(at));
                    lines.extend(remarks.map(|(_, words)| Line::Comment(words.clone())));
                    other.clone().into()
                }
            };
            lines.push(Line::Member(name.clone(), node));
        }
        for left in self.left.iter().filter(|left| home(&left.path, fields, at)) {
            lines.push(Line::Comment(comment(left, at, self.key)));
        }
        lines
    }
}

/// Whether a field's comment stands here: it belongs below this object, and no deeper object of the file could hold it.
fn home(path: &Pointer, fields: &Map<String, Value>, at: &Pointer) -> bool {
    let depth = at.segments().len();
    at.covers(path)
        && path.segments().get(depth).is_some_and(|next| {
            path.segments().len() == depth + 1 || fields.get(next).and_then(Value::as_object).is_none_or(Map::is_empty)
        })
}

fn comment(left: &Left, at: &Pointer, key: &Key) -> String {
    let below = &left.path.segments()[at.segments().len()..];
    let name = below.join("/").escape_debug().to_string();
    if !left.why.is_secret() {
        return format!("not managed: {name}: {}", left.why.words());
    }
    let last = left.path.segments().iter().rev().take(2).rev().map(String::as_str);
    let parts = std::iter::once(key.as_str()).chain(last);
    format!("{name}: {{ $env: {} }}  # not managed: {}", variable(parts), left.why.words())
}

/// The name of an environment variable made of words.
fn variable<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
    let made = words.map(|word| word.chars().map(letter).collect::<String>()).collect::<Vec<_>>().join("_");
    if made.starts_with(|first: char| first.is_ascii_digit()) { format!("_{made}") } else { made }
}
