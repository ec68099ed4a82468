//! The changes of a persona, one by one: what happens, why, every field, and how it ended.

use super::ended::{Ended, Persona, ending_class};
use super::fields::{field, source};
use super::filters::Filters;
use super::markup::Html;
use crate::plan::{Action, Change};
use crate::reconcile::{Ending, Entry};
use crate::report::shown::endings::{List, half_way, said, time};
use crate::report::shown::fields::{each, each_difference};
use crate::report::shown::leaves::Seen;
use crate::report::shown::{count, has_drifted, reason, secret, sign, visible};

/// One persona with its changes.
pub(super) fn section(
    html: &mut Html,
    (key, changes): &Persona<'_>,
    filters: &Filters<'_>,
    ended: Option<Ended<'_>>,
    requests: bool,
) {
    let class = format!("persona {}", filters.group(changes));
    html.element("section", &[("class", &class)], |html| {
        html.element("h3", &[], |html| html.leaf("bdi", &[], key));
        let mut seen = Seen::default();
        for (number, change) in changes {
            let entry = ended.and_then(|(_, entries)| entries.get(&change.address).copied());
            article(html, *number, change, filters, entry, &mut seen, requests);
        }
    });
}

fn article(
    html: &mut Html,
    number: usize,
    change: &Change,
    filters: &Filters<'_>,
    entry: Option<&Entry>,
    seen: &mut Seen,
    requests: bool,
) {
    let class = format!("change {} {}", change.action.word(), filters.class(change));
    let id = format!("c{number}");
    html.element("article", &[("class", &class), ("id", &id)], |html| {
        html.element("header", &[], |html| {
            html.element("h4", &[], |html| {
                let chip = format!("chip {}", change.action.word());
                html.element("span", &[("class", &chip)], |html| {
                    html.leaf("span", &[("class", "sign"), ("aria-hidden", "true")], &sign(change.action).to_string());
                    html.text(change.action.word());
                });
                html.raw(" ");
                html.leaf("code", &[("class", "address")], &change.address.to_string());
            });
            if has_drifted(change) {
                html.raw(" <span class=\"chip drift\">drifted</span>");
            }
            if matches!(change.action, Action::Delete | Action::Forget | Action::Adopt) && !change.name.is_empty() {
                html.raw(" ");
                html.leaf("bdi", &[("class", "name")], &change.name);
            }
            if let Some(id) = &change.id {
                html.raw(" ");
                html.leaf("span", &[("class", "id")], id.as_str());
            }
            html.element("p", &[("class", "why")], |html| {
                html.text(&reason(change));
                html.raw(" ");
                let whole = change.edits.is_empty() || change.action == Action::Create;
                source(html, change.source.as_ref().filter(|_| whole));
            });
        });
        if let Some(entry) = entry {
            ending(html, entry, change);
        }
        each(change, seen, |found| field(html, found));
        for note in &change.notes {
            html.element("p", &[("class", "note")], |html| {
                html.raw("<b>Note</b> ");
                html.words(note);
            });
        }
        if requests && !change.requests.is_empty() {
            html.element("details", &[("class", "requests")], |html| {
                html.leaf("summary", &[], &count(change.requests.len(), "request"));
                for request in &change.requests {
                    html.element("pre", &[], |html| {
                        html.text(&format!("{} {}", request.method, request.path));
                        if let Some(body) = &request.body {
                            html.raw("\n");
                            html.exact(&visible::json(&format!("{:#}", secret::body(body))));
                        }
                    });
                }
            });
        }
    });
}

/// How a change ended.
fn ending(html: &mut Html, entry: &Entry, change: &Change) {
    let list = List::of(&entry.ending);
    let class = format!("ending {}", ending_class(list));
    html.element("div", &[("class", &class)], |html| {
        html.element("p", &[], |html| {
            html.leaf("b", &[], list.title());
            let mut facts = vec![count(entry.requests_sent, "request"), time(entry.milliseconds)];
            if entry.retries > 0 {
                facts.insert(1, format!("sent again {}", count(entry.retries as usize, "time")));
            }
            if let Ending::Done { verified: false } = entry.ending {
                facts.push("not verified: the service cannot be read".to_owned());
            }
            html.text(&format!(" · {}", facts.join(" · ")));
        });
        if let Some((lead, message)) = said(&entry.ending) {
            html.element("pre", &[("dir", "auto")], |html| {
                html.text(&lead);
                for (index, line) in message.trim().lines().enumerate() {
                    html.raw(if index > 0 { "\n" } else { "" });
                    html.text(line);
                }
            });
        }
        if let Ending::Diverged { differences } = &entry.ending {
            differences.iter().for_each(|difference| each_difference(difference, |found| field(html, found)));
        }
        for words in [half_way(entry, Some(change)), entry.next_step().map(|next| format!("Next: {next}"))].iter().flatten() {
            html.element("p", &[], |html| html.words(words));
        }
    });
}
