//! What the parts of a page are told: the changes of each persona with their numbers, and what became of them.

use std::collections::BTreeMap;

use crate::plan::{Address, Change};
use crate::reconcile::{Entry, Outcome};
use crate::report::shown::endings::List;

/// What became of a plan, and the same by address.
pub(super) type Ended<'a> = (&'a Outcome, &'a BTreeMap<&'a Address, &'a Entry>);

/// The changes of a persona, each with its number on the page.
pub(super) type Persona<'a> = (&'a str, Vec<(usize, &'a Change)>);

/// The colour of an ending.
pub(super) fn ending_class(list: List) -> &'static str {
    match list {
        List::Done => "create",
        List::NotStarted | List::Stale => "update",
        List::Diverged | List::Failed | List::Unknown => "delete",
    }
}
