//! The page: counts, what changes where, filters; what must not be missed and the changes themselves stand in files of their own.

use std::collections::{BTreeMap, BTreeSet};

use super::alerts::alerts;
use super::change::section;
use super::ended::{Ended, Persona, ending_class};
use super::filters::Filters;
use super::markup::Html;
use crate::plan::{Change, Plan};
use crate::report::shown::endings::{List, counts, lists};
use crate::report::shown::{count, has_drifted, sign, summary};

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
        if !personas.is_empty() {
            html.raw("<a class=\"skip\" href=\"#changes\">Skip to the changes</a>");
        }
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
                    tally(html, class, number, word);
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

/// One count.
pub(super) fn tally(html: &mut Html, class: &str, number: usize, word: &str) {
    let class = if number == 0 { format!("{class} zero") } else { class.to_owned() };
    html.element("li", &[("class", &class)], |html| {
        html.leaf("b", &[], &number.to_string());
        html.raw(" ");
        html.text(word);
    });
}

/// The sentence below the title.
fn lead(plan: &Plan, ended: Option<Ended<'_>>, words: &str) -> String {
    if ended.is_some() || plan.changes.is_empty() {
        return words.to_owned();
    }
    let personas: BTreeSet<&str> = plan.changes.iter().map(|change| change.address.key.as_str()).collect();
    let accounts: BTreeSet<&str> = plan.changes.iter().map(|change| change.address.account.as_str()).collect();
    let rest = match plan.summary.unchanged {
        0 => String::new(),
        1 => "; 1 target is as the files say".to_owned(),
        number => format!("; {} are as the files say", count(number, "target")),
    };
    let (personas, accounts) = (count(personas.len(), "persona"), count(accounts.len(), "account"));
    format!("{} to {personas} at {accounts}{rest}.", count(plan.changes.len(), "change"))
}

/// What changes where: a row per persona, a column per account.
fn overview(html: &mut Html, personas: &[Persona<'_>], ended: Option<Ended<'_>>) {
    let changes = || personas.iter().flat_map(|(_, changes)| changes.iter());
    let accounts: BTreeSet<&str> = changes().map(|(_, change)| change.address.account.as_str()).collect();
    html.element("section", &[("class", "overview"), ("aria-labelledby", "where")], |html| {
        let title = if ended.is_some() { "What was to change where, and how it ended" } else { "What changes where" };
        html.leaf("h2", &[("id", "where")], title);
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
        if let Some(list) = list {
            html.raw(" · ");
            html.text(list.word());
        }
    });
    if list.is_none() && has_drifted(change) {
        html.raw(" <span class=\"chip drift\">drifted</span>");
    }
}
