//! A persona that is to be written, as values. No behaviour.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::section::Section;
use crate::persona::name::{AccountName, Key, Pointer};
use crate::plan::RemoteId;

/// A persona that is to be written.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its key.
    pub key: Key,
    /// Its objects, one per account.
    pub parts: Vec<Part>,
}

/// One object of a persona.
#[derive(Clone, Debug)]
pub struct Part {
    /// Where it lives.
    pub account: AccountName,
    /// Its id there.
    pub id: RemoteId,
    /// What is managed of it.
    pub section: Section,
    /// What the account lays beneath every target.
    pub defaults: Map<String, Value>,
    /// Where the provider keeps shared fields.
    pub shared: &'static [(&'static str, &'static str)],
    /// Whether the target has to name the id.
    pub bind: bool,
    /// What the ids in the section are called, as far as names are written. The section itself holds the ids.
    pub called: BTreeMap<Pointer, Called>,
}

/// What the thing behind an id is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The kind of thing, as `$lookup` takes it.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Whether the name leads to nothing else; only then it can stand for the id.
    pub unique: bool,
}
