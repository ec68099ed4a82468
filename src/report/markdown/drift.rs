//! Drift as Markdown, for an issue about it.

use std::collections::BTreeMap;

use super::budget::{self, Section};
use super::plan::{alert, rows};
use super::{LEAST, Options, diff, escape};
use crate::persona::name::Key;
use crate::plan::Drift;
use crate::plan::drift::{Drifted, What};
use crate::report::shown::drift::{counts, notes, unverified, ways_out, what};
use crate::report::shown::leaves::Seen;

/// What somebody changed elsewhere since it was last written, and the ways out.
pub fn drift(drift: &Drift, options: &Options) -> String {
    let limit = options.limit.max(LEAST);
    let (lead, words) = counts(&drift.summary);
    let mut head = format!("## personaform drift\n\n**{lead}** {words}\n");
    let title = "Could not be read, so whether they drifted is not known";
    head.push_str(&alert("WARNING", title, &rows(&drift.unreadable), limit / 4));
    if let Some(words) = unverified(drift) {
        head.push_str(&format!("\n{}\n", escape::words(&words)));
    }
    let mut personas: BTreeMap<&Key, Vec<&Drifted>> = BTreeMap::new();
    for target in &drift.drifted {
        personas.entry(&target.address.key).or_default().push(target);
    }
    if !personas.is_empty() {
        head.push_str("\nA `-` is what was last written, a `+` what is there now.\n");
    }
    let sections: Vec<Section> = personas.iter().map(|(key, targets)| section(key, targets)).collect();
    budget::document(&head, &sections, limit, "All of it: `personaform drift`.")
}

/// All targets of one persona.
fn section(key: &Key, targets: &[&Drifted]) -> Section {
    let gone = targets.iter().any(|target| target.what == What::Gone);
    let told: Vec<String> = targets
        .iter()
        .map(|target| {
            let account = format!("<code>{}</code>", escape::html(target.address.account.as_str()));
            match target.what {
                What::Changed => format!("🟠 {} {account}", what(target.what)),
                What::Gone => format!("🔴 <b>{}</b> {account}", what(target.what).to_uppercase()),
            }
        })
        .collect();
    let summary = format!("<b><code>{}</code></b>: {}", escape::html(key.as_str()), told.join(", "));
    let frame = |body: &str| format!("\n<details open>\n<summary>{summary}</summary>\n\n{body}\n</details>\n");
    let mut seen = Seen::default();
    let whole: String = targets.iter().map(|target| whole(target, &mut seen)).collect();
    let short: String = targets.iter().map(|target| format!("{}\n", heading(target))).collect();
    let short = frame(&format!("{short}The details are left out for their length.\n"));
    Section {
        forms: vec![(frame(&whole), ""), (short, "the details")],
        name: escape::code(key.as_str()),
        changes: targets.len(),
        rank: usize::from(!gone),
    }
}

fn heading(target: &Drifted) -> String {
    let name = if target.name.is_empty() { String::new() } else { format!(" {}", escape::code(&target.name)) };
    let (address, id) = (escape::code(&target.address.to_string()), escape::code(target.id.as_str()));
    let when = escape::code(&target.written_at);
    format!("{} {address}{name} ({id}), since we last wrote it at {when}\n", what(target.what))
}

fn whole(target: &Drifted, seen: &mut Seen) -> String {
    let mut text = format!("{}\n", heading(target));
    let lines = diff::drifted(target, seen);
    if !lines.is_empty() {
        text.push_str(&escape::fenced("diff", &lines));
        text.push('\n');
    }
    for note in notes(target) {
        text.push_str(&format!("Note: {}\n\n", escape::words(&note)));
    }
    text.push_str(&format!("Next: {}\n\n", escape::words(&ways_out(target))));
    text
}
