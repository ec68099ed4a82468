//! Plans, outcomes and problems as one page for a browser: a file by itself, without network and without script, readable on a
//! phone, on paper, in the dark, by keyboard and with a screen reader.

mod alerts;
mod change;
mod drift;
mod ended;
mod fields;
mod filters;
mod markup;
mod page;
mod problems;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use drift::drift;
pub use problems::problems;

use crate::plan::{Address, Plan};
use crate::reconcile::{Entry, Outcome};

/// A plan for review.
pub fn plan(plan: &Plan, requests: bool) -> String {
    page::page(plan, None, requests)
}

/// What became of a plan, beside what was planned.
pub fn outcome(outcome: &Outcome, plan: &Plan, requests: bool) -> String {
    let entries: BTreeMap<&Address, &Entry> = outcome.entries.iter().map(|entry| (&entry.address, entry)).collect();
    page::page(plan, Some((outcome, &entries)), requests)
}
