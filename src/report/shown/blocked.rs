//! Targets that could not be looked at or planned: those of an account that share a reason are told together, so that a service that
//! cannot be reached is one remark and not ten thousand.

use std::collections::BTreeMap;

use super::{count, grouped};
use crate::plan::change::Blocked;

/// So many targets with one reason still stand one by one.
const MOST_ALONE: usize = 3;

/// So many addresses of a group are named.
const MOST_NAMED: usize = 5;

/// Targets of one account with one reason and one next step.
#[derive(Debug)]
pub(in crate::report) struct Group<'a> {
    /// At least one.
    pub(in crate::report) targets: Vec<&'a Blocked>,
}

impl<'a> Group<'a> {
    /// One of them, to tell the reason and the next step by.
    pub(in crate::report) fn first(&self) -> &'a Blocked {
        self.targets[0]
    }

    /// Whether it is a single target.
    pub(in crate::report) fn is_alone(&self) -> bool {
        self.targets.len() == 1
    }

    /// `9,997 targets`.
    pub(in crate::report) fn counted(&self) -> String {
        count(self.targets.len(), "target")
    }

    /// The first addresses, each as it is to be written, and how many more there are.
    pub(in crate::report) fn addresses(&self, written: impl Fn(&str) -> String) -> String {
        let named = self.targets.iter().take(MOST_NAMED).map(|blocked| written(&blocked.address.to_string()));
        let more = self.targets.len().checked_sub(MOST_NAMED).filter(|more| *more > 0);
        let more = more.map(|more| format!("and {} more", grouped(more)));
        named.chain(more).collect::<Vec<_>>().join(", ")
    }
}

/// All targets in groups, each at the place of its first target.
pub(in crate::report) fn groups(blocked: &[Blocked]) -> Vec<Group<'_>> {
    let mut alike: BTreeMap<_, Vec<&Blocked>> = BTreeMap::new();
    for one in blocked {
        alike.entry((&one.address.account, &one.why, &one.help)).or_default().push(one);
    }
    let mut groups = Vec::new();
    for targets in alike.into_values() {
        if targets.len() > MOST_ALONE {
            groups.push(Group { targets });
        } else {
            groups.extend(targets.into_iter().map(|one| Group { targets: vec![one] }));
        }
    }
    groups.sort_by_key(|group| &group.first().address);
    groups
}
