//! Drift as a page: what somebody changed elsewhere since it was last written, and the ways out.

use std::collections::BTreeMap;

use super::alerts::blocked;
use super::fields::field;
use super::markup::Html;
use super::page::{document, tally};
use crate::plan::Drift;
use crate::plan::drift::{Drifted, What};
use crate::report::shown::drift::{counts, notes, unverified, ways_out, what};
use crate::report::shown::fields::each_drifted;
use crate::report::shown::leaves::Seen;

/// What differs from what was last written.
pub fn drift(drift: &Drift) -> String {
    let (lead, words) = counts(&drift.summary);
    let mut personas: BTreeMap<&str, Vec<&Drifted>> = BTreeMap::new();
    for target in &drift.drifted {
        personas.entry(target.address.key.as_str()).or_default().push(target);
    }
    document(&format!("personaform {lead} {words}"), "", |html| {
        html.element("header", &[("class", "top")], |html| {
            html.raw("<p class=\"brand\">personaform</p>");
            html.leaf("h1", &[], lead.trim_end_matches([':', '.']));
            html.leaf("p", &[("class", "lead")], &words);
            html.element("ul", &[("class", "counts")], |html| {
                let tallied = &drift.summary;
                tally(html, "drift", tallied.changed, "changed");
                tally(html, "delete", tallied.gone, "deleted");
                tally(html, "same", tallied.unchanged, "unchanged");
                if tallied.unverified > 0 {
                    tally(html, "same", tallied.unverified, "not verified");
                }
                if tallied.unreadable > 0 {
                    tally(html, "bad", tallied.unreadable, "not readable");
                }
            });
        });
        html.element("main", &[], |html| {
            blocked(html, &drift.unreadable, "Could not be read, so whether they drifted is not known");
            if !personas.is_empty() {
                html.raw("<h2>What differs</h2><p class=\"legend\">A − is what was last written, a + what is there now.</p>");
            }
            for (key, targets) in &personas {
                html.element("section", &[("class", "persona")], |html| {
                    html.element("h3", &[], |html| html.leaf("bdi", &[], key));
                    let mut seen = Seen::default();
                    targets.iter().for_each(|target| article(html, target, &mut seen));
                });
            }
            if let Some(words) = unverified(drift) {
                html.leaf("p", &[("class", "legend")], &words);
            }
        });
    })
}

fn article(html: &mut Html, target: &Drifted, seen: &mut Seen) {
    let class = match target.what {
        What::Changed => "drift",
        What::Gone => "delete",
    };
    html.element("article", &[("class", &format!("change {class}"))], |html| {
        html.element("header", &[], |html| {
            html.element("h4", &[], |html| {
                html.leaf("span", &[("class", &format!("chip {class}"))], what(target.what));
                html.raw(" ");
                html.leaf("code", &[("class", "address")], &target.address.to_string());
            });
            html.raw(" ");
            html.leaf("bdi", &[("class", "name")], &target.name);
            html.raw(" ");
            html.leaf("span", &[("class", "id")], target.id.as_str());
            html.leaf("p", &[("class", "why")], &format!("since we last wrote it at {}", target.written_at));
        });
        each_drifted(target, seen, |found| field(html, found));
        for note in notes(target) {
            html.element("p", &[("class", "note")], |html| {
                html.raw("<b>Note</b> ");
                html.words(&note);
            });
        }
        html.element("p", &[("class", "note")], |html| {
            html.raw("<b>Next</b> ");
            html.words(&ways_out(target));
        });
    });
}
