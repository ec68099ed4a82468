//! The gates: how much one plan may do before somebody has to say so with a flag.

use std::collections::BTreeMap;

use super::change::{Action, Change, Gate};
use crate::persona::name::AccountName;

/// How much one plan may do, from the project file and the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Deletions that need no flag.
    pub max_deletes: usize,
    /// Part of the managed objects that may change or go, 0.0 to 1.0; none: no limit.
    pub max_share: Option<f64>,
    /// `--allow-deletes`.
    pub allow_deletes: bool,
    /// `--allow-changes`.
    pub allow_changes: bool,
    /// `--allow-vanished`.
    pub allow_vanished: bool,
}

/// The gates that a plan does not pass. `managed` is the number of recorded objects; `protected` tells whether a delete of this
/// change was forbidden by `prevent_destroy`.
pub fn gates(changes: &[Change], managed: usize, limits: &Limits, protected: impl Fn(&Change) -> bool) -> Vec<Gate> {
    let removes = |change: &&Change| matches!(change.action, Action::Delete | Action::Forget);
    let mut gates = Vec::new();
    for change in changes.iter().filter(removes).filter(|change| protected(change)) {
        gates.push(Gate {
            name: "prevent_destroy".to_owned(),
            why: format!("`{}` would be removed, and its target forbade that", change.address),
            opened_by: "restore the target without `prevent_destroy`, apply that, and remove it then".to_owned(),
        });
    }
    let deletes = changes.iter().filter(removes).filter(|change| change.reason != super::Reason::Drifted).count();
    if deletes > limits.max_deletes && !limits.allow_deletes {
        gates.push(Gate {
            name: "safety.max_deletes".to_owned(),
            why: format!("{}, at most {} allowed", counted(deletes, "deletion"), limits.max_deletes),
            opened_by: "--allow-deletes".to_owned(),
        });
    }
    let touched =
        changes.iter().filter(|change| matches!(change.action, Action::Update | Action::Delete | Action::Forget)).count();
    if let Some(share) = limits.max_share.filter(|_| !limits.allow_changes) {
        let allowed = share * as_f64(managed);
        if as_f64(touched) > allowed {
            gates.push(Gate {
                name: "safety.max_share".to_owned(),
                why: format!(
                    "{touched} of {} would change or go, at most {}% allowed",
                    counted(managed, "managed object"),
                    (share * 100.0).round()
                ),
                opened_by: "--allow-changes".to_owned(),
            });
        }
    }
    gates
}

/// The gate of an account where none of the recorded objects is found any more: most likely it is another account, and making
/// everything there, or forgetting what was recorded, would be wrong. `vanished` is the number of recorded objects of each such.
pub fn vanished(changes: &[Change], vanished: &BTreeMap<AccountName, usize>, limits: &Limits) -> Vec<Gate> {
    if limits.allow_vanished {
        return Vec::new();
    }
    let touched = vanished.iter().filter(|(account, _)| changes.iter().any(|change| change.address.account == **account));
    let gate = |(account, count): (&AccountName, &usize)| Gate {
        name: "wrong_account".to_owned(),
        why: format!(
            "none of the {} recorded at `{account}` is found there any more: its key may be another account's",
            counted(*count, "object")
        ),
        opened_by: "--allow-vanished".to_owned(),
    };
    touched.map(gate).collect()
}

/// A count of objects as a float; exact far beyond any number of personas.
fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
