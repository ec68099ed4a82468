//! The tree of a YAML document in which every key and value knows its place. How it is parsed is `yaml`'s.

use std::sync::Arc;

use serde_json::{Number, Value};

use super::problem::Place;

/// One value of a document.
#[derive(Debug)]
pub(super) struct Node {
    /// Where it was written; what an alias or a merge key brings in keeps the place of its anchor. A block mapping or list is
    /// the point where it begins.
    pub(super) place: Place,
    /// The value.
    pub(super) kind: Kind,
}

/// The kinds of value.
#[derive(Debug)]
pub(super) enum Kind {
    /// `null`, or nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Arc<Node>>),
    /// A mapping, in the order of writing, without duplicates.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key was written.
    pub(super) place: Place,
    /// The value.
    pub(super) value: Arc<Node>,
}

impl Entry {
    /// The stretch to point at for the whole field: key and value where they share a line, else the key.
    pub(super) fn field_place(&self) -> Place {
        let (key, value) = (&self.place, &self.value.place);
        let together = Arc::ptr_eq(&key.file, &value.file)
            && value.span.end > key.span.end
            && key.file.text.get(key.span.start..value.span.end).is_some_and(|text| !text.contains('\n'));
        match together {
            true => Place { file: Arc::clone(&key.file), span: key.span.start..value.span.end },
            false => key.clone(),
        }
    }
}

impl Node {
    /// The entries of a mapping; none of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The entry of a mapping with this key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value at a key, unless it is null.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| entry.value.as_ref()).filter(|node| !node.is_null())
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether nothing was written.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// What the value is, for people.
    pub(super) fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Mapping(_) => "a mapping",
        }
    }

    /// The scalar as JSON; none for lists and mappings.
    pub(super) fn scalar(&self) -> Option<Value> {
        match &self.kind {
            Kind::Null => Some(Value::Null),
            Kind::Bool(value) => Some(Value::Bool(*value)),
            Kind::Number(value) => Some(Value::Number(value.clone())),
            Kind::Text(value) => Some(Value::String(value.clone())),
            Kind::List(_) | Kind::Mapping(_) => None,
        }
    }
}
