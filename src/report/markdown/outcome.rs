//! An outcome as Markdown.

use std::collections::BTreeMap;

use super::budget::{self, Section};
use super::{LEAST, Options, diff, escape, word};
use crate::plan::{Address, Change, Plan};
use crate::reconcile::{Ending, Entry, Outcome};
use crate::report::shown::endings::{LONGEST_MESSAGE, List, counts, half_way, lists, said, time};
use crate::report::shown::{count, visible};

/// What became of a plan.
pub fn outcome(outcome: &Outcome, plan: &Plan, options: &Options) -> String {
    let limit = options.limit.max(LEAST);
    let (lead, words) = counts(outcome);
    let mut head = format!("## personaform apply\n\n**{lead}** {words}\n");
    if outcome.interrupted {
        head.push_str("\n> [!WARNING]\n> Interrupted: requests under way were finished and recorded.\n");
    }
    head.push_str(&super::plan::blocked(plan, limit / 8));
    let changes: BTreeMap<&Address, &Change> = plan.changes.iter().map(|change| (&change.address, change)).collect();
    let mut entries: Vec<(List, &Entry)> =
        lists(outcome).into_iter().flat_map(|(list, entries)| entries.into_iter().map(move |entry| (list, entry))).collect();
    // What needs attention comes first here: a reader of a comment begins at the top.
    entries.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.address.cmp(&right.1.address)));
    let bad = entries.iter().filter(|(list, _)| list.is_bad());
    let alerts: Vec<String> = bad
        .map(|(list, entry)| {
            let next = entry.next_step().map(|next| format!(". Next: {}", escape::words(next))).unwrap_or_default();
            format!("> - **{}** {}{next}\n", list.word(), escape::code(&entry.address.to_string()))
        })
        .collect();
    if !alerts.is_empty() {
        let box_head = "\n> [!CAUTION]\n> **Not everything was done**\n";
        head.push_str(&budget::rows(box_head, &alerts, limit / 4, |left| format!("> - … {left} more\n")));
    }
    if !entries.is_empty() {
        let table = "\n| target | action | result | requests | retries | time |\n|---|---|---|---:|---:|---:|\n";
        let rows: Vec<String> = entries.iter().map(|(list, entry)| row(*list, entry)).collect();
        head.push_str(&budget::rows(table, &rows, limit / 4, |left| format!("\n… and {}.\n", count(left, "more target"))));
    }
    let sections: Vec<Section> = entries
        .iter()
        .filter(|(list, _)| *list != List::Done)
        .map(|(list, entry)| section(*list, entry, changes.get(&entry.address).copied()))
        .collect();
    budget::document(&head, &sections, limit, "All of it is in the report as JSON or HTML.")
}

fn row(list: List, entry: &Entry) -> String {
    let mark = match list {
        List::Done => "✅",
        List::NotStarted | List::Stale => "🟡",
        List::Diverged | List::Failed | List::Unknown => "🔴",
    };
    let unread = matches!(entry.ending, Ending::Done { verified: false });
    format!(
        "| {} | {} | {mark} {}{} | {} | {} | {} |\n",
        escape::cell(&entry.address.to_string()),
        word(entry.action),
        list.word(),
        if unread { ", not verified" } else { "" },
        entry.requests_sent,
        entry.retries,
        time(entry.milliseconds)
    )
}

/// What is to be known of a change that did not end well.
fn section(list: List, entry: &Entry, change: Option<&Change>) -> Section {
    let address = entry.address.to_string();
    let summary = format!("<b>{}</b>: <code>{}</code>", list.title(), escape::html(&address));
    let frame = |body: &str| format!("\n<details open>\n<summary>{summary}</summary>\n\n{body}\n</details>\n");
    let mut body = String::new();
    if let Some((lead, message)) = said(&entry.ending) {
        let cut = message.char_indices().nth(LONGEST_MESSAGE).map(|(at, _)| at);
        let mut lines: Vec<String> = vec![lead.trim().to_owned()];
        lines.extend(message[..cut.unwrap_or(message.len())].trim().lines().map(str::to_owned));
        lines.extend(cut.map(|at| format!("… {}", count(message[at..].chars().count(), "more character"))));
        let lines: Vec<String> =
            lines.iter().filter(|line| !line.is_empty()).map(|line| visible::safe(line).into_owned()).collect();
        body.push_str(&escape::fenced("text", &lines));
        body.push('\n');
    }
    if let Ending::Diverged { differences } = &entry.ending {
        body.push_str(&escape::fenced("diff", &diff::differences(differences)));
        body.push('\n');
    }
    let rest = [half_way(entry, change), entry.next_step().map(|next| format!("Next: {}", escape::words(next)))];
    let rest: String = rest.into_iter().flatten().map(|words| format!("{words}\n\n")).collect();
    Section {
        forms: vec![(frame(&format!("{body}{rest}")), ""), (frame(&rest), "the details")],
        name: escape::code(&address),
        changes: 1,
        rank: usize::from(!list.is_bad()),
    }
}
