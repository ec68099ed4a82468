//! Filters without a script: one check box per provider, action and reason, and rules of style that hide what none of them shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::markup::Html;
use crate::plan::{Action, Change, Reason};
use crate::report::shown::has_drifted;

/// The values to choose from, and the kinds of change that are hidden alike.
#[derive(Debug, Default)]
pub(super) struct Filters<'a> {
    providers: Vec<&'a str>,
    actions: Vec<Action>,
    reasons: Vec<Reason>,
    kinds: BTreeMap<Kind, usize>,
    groups: BTreeMap<BTreeSet<Kind>, usize>,
}

/// Provider, action and reasons of a change, by their numbers.
type Kind = (usize, usize, Vec<usize>);

impl<'a> Filters<'a> {
    /// The filters for these changes; `personas` are the groups that vanish with their last change.
    pub(super) fn of(personas: &[(&'a str, Vec<(usize, &'a Change)>)]) -> Self {
        let changes = || personas.iter().flat_map(|(_, changes)| changes.iter().map(|(_, change)| *change));
        let providers: BTreeSet<&str> = changes().map(|change| change.provider.as_str()).collect();
        let actions: BTreeSet<Action> = changes().map(|change| change.action).collect();
        let reasons: BTreeSet<Reason> = changes().flat_map(reasons).collect();
        let mut filters = Self {
            providers: providers.into_iter().collect(),
            actions: actions.into_iter().collect(),
            reasons: reasons.into_iter().collect(),
            ..Self::default()
        };
        for (_, changes) in personas {
            let kinds: BTreeSet<Kind> = changes.iter().map(|(_, change)| filters.kind(change)).collect();
            for kind in &kinds {
                let next = filters.kinds.len();
                filters.kinds.entry(kind.clone()).or_insert(next);
            }
            let next = filters.groups.len();
            filters.groups.entry(kinds).or_insert(next);
        }
        filters
    }

    fn kind(&self, change: &Change) -> Kind {
        let at = |found: Option<usize>| found.unwrap_or_default();
        let provider = at(self.providers.iter().position(|provider| *provider == change.provider));
        let action = at(self.actions.iter().position(|action| *action == change.action));
        let reasons = reasons(change);
        let reasons = reasons.iter().map(|reason| at(self.reasons.iter().position(|known| known == reason))).collect();
        (provider, action, reasons)
    }

    /// The class of a change.
    pub(super) fn class(&self, change: &Change) -> String {
        format!("k{}", self.kinds.get(&self.kind(change)).copied().unwrap_or_default())
    }

    /// The class of a persona with these changes.
    pub(super) fn group(&self, changes: &[(usize, &Change)]) -> String {
        let kinds: BTreeSet<Kind> = changes.iter().map(|(_, change)| self.kind(change)).collect();
        format!("g{}", self.groups.get(&kinds).copied().unwrap_or_default())
    }

    /// Whether there is anything to choose.
    pub(super) fn is_empty(&self) -> bool {
        self.providers.len() < 2 && self.actions.len() < 2 && self.reasons.len() < 2
    }

    /// The rules. They hold numbers of ours and no word of anybody.
    pub(super) fn style(&self) -> String {
        let mut style = String::new();
        let hidden = |(provider, action, reasons): &Kind| {
            let reasons: String = reasons.iter().map(|reason| format!(":has(#r{reason}:not(:checked))")).collect();
            format!(":is(:has(#p{provider}:not(:checked)),:has(#a{action}:not(:checked)),{reasons})")
        };
        // Writing to a string cannot fail.
        for (kind, number) in &self.kinds {
            let _ = writeln!(style, "body{} .k{number}{{display:none}}", hidden(kind));
        }
        for (kinds, number) in &self.groups {
            let all: String = kinds.iter().map(hidden).collect();
            let _ = writeln!(style, "body{all} .g{number}{{display:none}}");
        }
        let all: String = self.kinds.keys().map(hidden).collect();
        let _ = writeln!(style, "body{all} .nothing{{display:block}}");
        style
    }

    /// The check boxes. A reset checks all of them again.
    pub(super) fn form(&self, html: &mut Html) {
        html.element("form", &[("class", "filters"), ("aria-label", "Filters")], |html| {
            let providers: Vec<String> = self.providers.iter().map(|provider| (*provider).to_owned()).collect();
            let actions: Vec<String> = self.actions.iter().map(|action| action.word().to_owned()).collect();
            let reasons: Vec<String> = self.reasons.iter().map(|reason| reason.word().to_owned()).collect();
            for (title, prefix, words) in [("Provider", "p", providers), ("Action", "a", actions), ("Reason", "r", reasons)] {
                html.element("fieldset", &[], |html| {
                    html.leaf("legend", &[], title);
                    for (number, word) in words.iter().enumerate() {
                        let id = format!("{prefix}{number}");
                        html.element("label", &[("for", &id)], |html| {
                            // Browsers keep the state of boxes over a reload; a reader would not know why changes are missing.
                            html.start("input", &[("type", "checkbox"), ("id", &id), ("checked", ""), ("autocomplete", "off")]);
                            html.text(word);
                        });
                    }
                });
            }
            html.raw("<input type=\"reset\" value=\"Show all\">");
        });
    }
}

/// Why a change is made; several, where its fields differ in that.
fn reasons(change: &Change) -> BTreeSet<Reason> {
    let mut reasons: BTreeSet<Reason> = change.edits.iter().map(|edit| edit.reason).collect();
    reasons.insert(change.reason);
    if has_drifted(change) {
        reasons.insert(Reason::Drifted);
    }
    reasons
}
