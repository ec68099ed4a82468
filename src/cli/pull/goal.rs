//! What is to be written into the files, and what came of it.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::persona::name::Pointer;
use crate::plan::Address;
use crate::plan::value::same;

/// A value that is to be written into the files.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    pub(super) address: Address,
    pub(super) path: Pointer,
    /// None: the field goes.
    pub(super) value: Option<Value>,
    /// What the service holds.
    pub(super) live: Option<Value>,
    /// It is a merge of both sides, not what the service holds.
    pub(super) merged: bool,
    /// It has conflict markers.
    pub(super) marked: bool,
}

/// A value that was written.
#[derive(Clone, Debug)]
pub(super) struct Pulled {
    pub(super) address: Address,
    pub(super) path: Pointer,
    pub(super) live: Option<Value>,
    pub(super) merged: bool,
}

impl Pulled {
    pub(super) fn json(&self) -> Value {
        json!({ "address": self.address, "path": self.path, "merged": self.merged })
    }
}

/// A difference that stays, and why.
#[derive(Clone, Debug)]
pub(super) struct Left {
    pub(super) address: Address,
    pub(super) path: Option<Pointer>,
    /// File, line and column.
    pub(super) place: Option<(PathBuf, usize, usize)>,
    pub(super) why: String,
}

impl Left {
    pub(super) fn json(&self) -> Value {
        let place = self.place.as_ref().map(|(file, line, column)| json!({ "file": file, "line": line, "column": column }));
        json!({ "address": self.address, "path": self.path, "why": self.why, "place": place })
    }
}

impl fmt::Display for Left {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.address)?;
        if let Some(path) = &self.path {
            write!(formatter, " {path}")?;
        }
        write!(formatter, ": {}", self.why)?;
        match &self.place {
            Some((file, line, column)) => write!(formatter, " ({}:{line}:{column})", file.display()),
            None => Ok(()),
        }
    }
}

/// Why one way does not do: where, and in words.
pub(super) struct No {
    pub(super) place: Option<(PathBuf, usize, usize)>,
    pub(super) why: String,
}

/// Whether a field holds what it shall.
pub(super) fn reaches(held: Option<&Value>, goal: &Goal) -> bool {
    match (held.filter(|held| !held.is_null()), &goal.value) {
        (None, None) => true,
        (Some(held), Some(value)) => same(held, value),
        _ => false,
    }
}
