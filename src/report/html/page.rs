//! The page: counts, what must not be missed, what changes where, filters, and the changes by persona.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::{field, source};
use super::filters::Filters;
use super::markup::Html;
use crate::plan::{Action, Address, Change, Plan};
use crate::reconcile::{Ending, Entry, Outcome};
use crate::report::shown::endings::{List, counts, half_way, lists, said, time};
use crate::report::shown::fields::{each, each_difference};
use crate::report::shown::leaves::Seen;
use crate::report::shown::{count, has_drifted, reason, secret, sign, summary, visible};

/// What became of a plan, and the same by address.
pub(super) type Ended<'a> = (&'a Outcome, &'a BTreeMap<&'a Address, &'a Entry>);

/// The changes of a persona, each with its number on the page.
type Persona<'a> = (&'a str, Vec<(usize, &'a Change)>);

/// A whole document. Nothing is loaded from anywhere and nothing runs.
pub(super) fn document(title: &str, style: &str, body: impl FnOnce(&mut Html)) -> String {
    let mut html = Html::default();
    html.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.raw(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
         form-action 'none'\">\n",
    );
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n");
    html.leaf("title", &[], title);
    html.element("style", &[], |html| {
        html.raw(include_str!("page.css"));
        html.exact_style(style);
    });
    html.raw("\n</head>\n");
    html.element("body", &[], body);
    html.raw("\n</html>\n");
    html.finish()
}

/// A plan, and what became of it.
pub(super) fn page(plan: &Plan, ended: Option<Ended<'_>>, requests: bool) -> String {
    let mut by_key: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in &plan.changes {
        by_key.entry(change.address.key.as_str()).or_default().push(change);
    }
    let mut number = 0;
    let personas: Vec<Persona<'_>> = by_key
        .into_iter()
        .map(|(key, changes)| {
            let numbered = changes.into_iter().map(|change| {
                number += 1;
                (number, change)
            });
            (key, numbered.collect())
        })
        .collect();
    let filters = Filters::of(&personas);
    let (lead, words) = match ended {
        Some((outcome, _)) => counts(outcome),
        None => summary(plan),
    };
    let title = format!("personaform {lead} {words}");
    document(&title, &filters.style(), |html| {
        html.raw("<a class=\"skip\" href=\"#changes\">Skip to the changes</a>");
        top(html, plan, ended, &format!("{lead} {words}"));
        html.element("main", &[], |html| {
            alerts(html, plan, ended, &personas);
            if personas.is_empty() {
                return;
            }
            overview(html, &personas, ended);
            if !filters.is_empty() {
                filters.form(html);
            }
            html.element("section", &[("id", "changes"), ("aria-label", "Changes")], |html| {
                html.raw("<p class=\"nothing\">The filters show none of the changes.</p>");
                for persona in &personas {
                    section(html, persona, &filters, ended, requests);
                }
            });
        });
    })
}

/// The counts.
fn top(html: &mut Html, plan: &Plan, ended: Option<Ended<'_>>, words: &str) {
    html.element("header", &[("class", "top")], |html| {
        html.raw("<p class=\"brand\">personaform</p>");
        html.leaf("h1", &[], if ended.is_some() { "What was applied" } else { "Plan" });
        html.leaf("p", &[("class", "lead")], &lead(plan, ended, words));
        html.element("ul", &[("class", "counts")], |html| {
            let mut item = |class: &str, number: usize, word: &str, always: bool| {
                if always || number > 0 {
                    let class = if number == 0 { format!("{class} zero") } else { class.to_owned() };
                    html.element("li", &[("class", &class)], |html| {
                        html.leaf("b", &[], &number.to_string());
                        html.raw(" ");
                        html.text(word);
                    });
                }
            };
            if let Some((outcome, _)) = ended {
                let lists = lists(outcome);
                for list in [List::Done, List::Diverged, List::Failed, List::Unknown, List::Stale, List::NotStarted] {
                    let always = matches!(list, List::Done | List::Failed);
                    item(ending_class(list), lists.get(&list).map_or(0, Vec::len), list.word(), always);
                }
                return;
            }
            let counts = &plan.summary;
            item("create", counts.create, "create", true);
            item("update", counts.update, "update", true);
            item("delete", counts.delete, "delete", true);
            item("adopt", counts.adopt, "adopt", false);
            item("forget", counts.forget, "forget", false);
            item("move", counts.moved, "move", false);
            item("drift", plan.changes.iter().filter(|change| has_drifted(change)).count(), "drifted", false);
            item("bad", plan.blocked.len(), "blocked", false);
            item("same", counts.unchanged, "unchanged", true);
        });
    });
}

/// The sentence below the title.
fn lead(plan: &Plan, ended: Option<Ended<'_>>, words: &str) -> String {
    if ended.is_some() || plan.changes.is_empty() {
        return words.to_owned();
    }
    let personas: BTreeSet<&str> = plan.changes.iter().map(|change| change.address.key.as_str()).collect();
    let accounts: BTreeSet<&str> = plan.changes.iter().map(|change| change.address.account.as_str()).collect();
    format!(
        "{} to {} at {}; {} as the files say.",
        count(plan.changes.len(), "change"),
        count(personas.len(), "persona"),
        count(accounts.len(), "account"),
        match plan.summary.unchanged {
            1 => "1 target is".to_owned(),
            number => format!("{} are", count(number, "target")),
        },
    )
}

fn ending_class(list: List) -> &'static str {
    match list {
        List::Done => "create",
        List::NotStarted | List::Stale => "update",
        List::Diverged | List::Failed | List::Unknown => "delete",
    }
}

/// What must not be missed.
fn alerts(html: &mut Html, plan: &Plan, ended: Option<Ended<'_>>, personas: &[Persona<'_>]) {
    let numbered = || personas.iter().flat_map(|(_, changes)| changes.iter().copied());
    if let Some((outcome, entries)) = ended {
        if outcome.interrupted {
            html.element("section", &[("class", "alert")], |html| {
                html.raw("<h2>Interrupted</h2><p>Requests under way were finished and recorded.</p>");
            });
        }
        let open: Vec<(usize, &Entry)> = numbered()
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
        return;
    }
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
    if !plan.blocked.is_empty() {
        html.element("section", &[("class", "alert bad")], |html| {
            html.raw("<h2>Blocked, not planned</h2>");
            html.element("ul", &[], |html| {
                for blocked in &plan.blocked {
                    html.element("li", &[], |html| {
                        html.leaf("code", &[], &blocked.address.to_string());
                        html.raw(" ");
                        html.words(&blocked.why);
                        html.raw(" · next: ");
                        html.words(&blocked.help);
                        html.raw(" ");
                        source(html, blocked.source.as_ref());
                    });
                }
            });
        });
    }
    let gone: Vec<(usize, &Change)> =
        numbered().filter(|(_, change)| matches!(change.action, Action::Delete | Action::Forget)).collect();
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
    if !plan.settled.is_empty() {
        let targets = count(plan.settled.len(), "target");
        html.element("section", &[("class", "alert")], |html| {
            html.leaf("p", &[], &format!("State will be brought up to date for {targets}: nothing else is to be done there."));
        });
    }
}

fn link(html: &mut Html, number: usize, text: &str) {
    html.element("a", &[("href", &format!("#c{number}"))], |html| html.leaf("code", &[], text));
}

/// What changes where: a row per persona, a column per account.
fn overview(html: &mut Html, personas: &[Persona<'_>], ended: Option<Ended<'_>>) {
    let changes = || personas.iter().flat_map(|(_, changes)| changes.iter());
    let accounts: BTreeSet<&str> = changes().map(|(_, change)| change.address.account.as_str()).collect();
    html.element("section", &[("class", "overview"), ("aria-labelledby", "where")], |html| {
        html.raw("<h2 id=\"where\">What changes where</h2>");
        let scroll: &[(&'static str, &str)] =
            &[("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-labelledby", "where")];
        html.element("div", scroll, |html| {
            html.element("table", &[], |html| {
                html.element("thead", &[], |html| {
                    html.element("tr", &[], |html| {
                        html.raw("<th scope=\"col\">Persona</th>");
                        accounts.iter().for_each(|account| html.leaf("th", &[("scope", "col")], account));
                    });
                });
                html.element("tbody", &[], |html| {
                    for (key, changes) in personas {
                        html.element("tr", &[], |html| {
                            html.element("th", &[("scope", "row")], |html| html.leaf("bdi", &[], key));
                            for account in &accounts {
                                html.element("td", &[], |html| {
                                    let here = changes.iter().filter(|(_, change)| change.address.account.as_str() == *account);
                                    here.for_each(|(number, change)| chip(html, *number, change, ended));
                                });
                            }
                        });
                    }
                });
            });
        });
    });
}

/// One change in a word.
fn chip(html: &mut Html, number: usize, change: &Change, ended: Option<Ended<'_>>) {
    let list = ended.and_then(|(_, entries)| entries.get(&change.address)).map(|entry| List::of(&entry.ending));
    let class = match list {
        Some(list) => format!("chip {}", ending_class(list)),
        None => format!("chip {}", change.action.word()),
    };
    html.element("a", &[("class", &class), ("href", &format!("#c{number}"))], |html| {
        html.leaf("span", &[("class", "sign"), ("aria-hidden", "true")], &sign(change.action).to_string());
        html.text(change.action.word());
        if let Some(list) = list.filter(|list| *list != List::Done) {
            html.raw(" · ");
            html.text(list.word());
        }
    });
    if list.is_none() && has_drifted(change) {
        html.raw(" <span class=\"chip drift\">drifted</span>");
    }
}

/// One persona with its changes.
fn section(html: &mut Html, (key, changes): &Persona<'_>, filters: &Filters<'_>, ended: Option<Ended<'_>>, requests: bool) {
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
