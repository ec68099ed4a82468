//! What must not be missed, at the head of a page: closed gates, what is blocked or taken away, what did not end well.

use super::ended::{Ended, Persona};
use super::fields::source;
use super::markup::Html;
use crate::plan::change::Blocked;
use crate::plan::{Action, Change, Plan};
use crate::reconcile::outcome::Entry;
use crate::report::shown::blocked::{Group, groups};
use crate::report::shown::count;
use crate::report::shown::endings::List;

/// What must not be missed.
pub(super) fn alerts(html: &mut Html, plan: &Plan, ended: Option<Ended<'_>>, personas: &[Persona<'_>]) {
    match ended {
        Some(ended) => not_done(html, ended, personas),
        None => gates(html, plan),
    }
    blocked(html, &plan.blocked, "Blocked, not planned");
    if ended.is_some() {
        return;
    }
    taken_away(html, personas);
    observed(html, plan);
    if !plan.settled.is_empty() {
        let targets = count(plan.settled.len(), "target");
        html.element("section", &[("class", "alert")], |html| {
            html.leaf("p", &[], &format!("State will be brought up to date for {targets}: nothing else is to be done there."));
        });
    }
}

fn numbered<'a>(personas: &'a [Persona<'a>]) -> impl Iterator<Item = (usize, &'a Change)> {
    personas.iter().flat_map(|(_, changes)| changes.iter().copied())
}

/// What did not end well, with the next step.
fn not_done(html: &mut Html, (outcome, entries): Ended<'_>, personas: &[Persona<'_>]) {
    if outcome.interrupted {
        html.element("section", &[("class", "alert")], |html| {
            html.raw("<h2>Interrupted</h2><p>Requests under way were finished and recorded.</p>");
        });
    }
    let open: Vec<(usize, &Entry)> = numbered(personas)
        .filter_map(|(number, change)| Some((number, *entries.get(&change.address)?)))
        .filter(|(_, entry)| List::of(&entry.ending) != List::Done)
        .collect();
    if !open.is_empty() {
        html.element("section", &[("class", "alert bad")], |html| {
            html.raw("<h2>Not everything was done</h2>");
            html.element("ul", &[], |html| {
                for (number, entry) in open {
                    html.element("li", &[], |html| {
                        html.leaf("b", &[], List::of(&entry.ending).word());
                        html.raw(" ");
                        link(html, number, &entry.address.to_string());
                        if let Some(next) = entry.next_step() {
                            html.raw(" · ");
                            html.words(next);
                        }
                    });
                }
            });
        });
    }
}

/// Closed gates.
fn gates(html: &mut Html, plan: &Plan) {
    if !plan.gates.is_empty() {
        html.element("section", &[("class", "alert bad")], |html| {
            html.raw("<h2>Gate closed: nothing will be applied</h2>");
            html.element("ul", &[], |html| {
                for gate in &plan.gates {
                    html.element("li", &[], |html| {
                        html.leaf("code", &[], &gate.name);
                        html.raw(" ");
                        html.words(&gate.why);
                        html.raw(". To open it: ");
                        if gate.opened_by.starts_with("--") {
                            html.leaf("code", &[], &gate.opened_by);
                        } else {
                            html.words(&gate.opened_by);
                        }
                    });
                }
            });
        });
    }
}

/// What could not be planned, or looked at.
pub(super) fn blocked(html: &mut Html, blocked: &[Blocked], title: &'static str) {
    if !blocked.is_empty() {
        html.element("section", &[("class", "alert bad")], |html| {
            html.leaf("h2", &[], title);
            html.element("ul", &[], |html| {
                for group in groups(blocked) {
                    let first = group.first();
                    html.element("li", &[], |html| {
                        if group.is_alone() {
                            html.leaf("code", &[], &first.address.to_string());
                        } else {
                            html.leaf("b", &[], &format!("{} at {}", group.counted(), first.address.account));
                        }
                        html.raw(" ");
                        html.words(&first.why);
                        html.raw(" · next: ");
                        html.words(&first.help);
                        html.raw(" ");
                        if group.is_alone() {
                            source(html, first.source.as_ref());
                        } else {
                            together(html, &group);
                        }
                    });
                }
            });
        });
    }
}

/// The addresses that share a reason, folded away.
fn together(html: &mut Html, group: &Group<'_>) {
    html.element("details", &[], |html| {
        html.leaf("summary", &[], &group.counted());
        for (index, blocked) in group.targets.iter().enumerate() {
            html.raw(if index > 0 { ", " } else { "" });
            html.leaf("code", &[], &blocked.address.to_string());
        }
    });
}

/// Deletions, once more by themselves.
fn taken_away(html: &mut Html, personas: &[Persona<'_>]) {
    let gone: Vec<(usize, &Change)> =
        numbered(personas).filter(|(_, change)| matches!(change.action, Action::Delete | Action::Forget)).collect();
    if !gone.is_empty() {
        html.element("section", &[("class", "alert bad")], |html| {
            html.leaf("h2", &[], &format!("{} to be taken away", count(gone.len(), "object")));
            html.element("ul", &[], |html| {
                for (number, change) in gone {
                    html.element("li", &[], |html| {
                        html.leaf("b", &[], change.action.word());
                        html.raw(" ");
                        link(html, number, &change.address.to_string());
                        html.raw(" ");
                        html.leaf("bdi", &[], &change.name);
                    });
                }
            });
        });
    }
}

/// What differs and is only looked at.
fn observed(html: &mut Html, plan: &Plan) {
    if plan.observed.is_empty() {
        return;
    }
    html.element("section", &[("class", "alert")], |html| {
        html.raw("<h2>Observed, not as the files say, and never written</h2>");
        html.element("ul", &[], |html| {
            for observed in &plan.observed {
                html.element("li", &[], |html| {
                    html.leaf("code", &[], &observed.address.to_string());
                    for edit in &observed.edits {
                        html.raw(" ");
                        html.leaf("code", &[("class", "id")], &edit.path.to_string());
                    }
                });
            }
        });
    });
}

fn link(html: &mut Html, number: usize, text: &str) {
    html.element("a", &[("href", &format!("#c{number}"))], |html| html.leaf("code", &[], text));
}
