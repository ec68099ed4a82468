//! An outcome in words: what was done, what was not and the next step, and the counts last.

use std::collections::BTreeMap;

use super::super::shown::endings::{LONGEST_MESSAGE, List, counts, half_way, lists, said};
use super::super::shown::{count, sign};
use super::edit::{About, Editor};
use super::page::{Gutter, Page, Span};
use super::style::Tone;
use super::{Options, plan::heading};
use crate::plan::{Action, Address, Change, Plan};
use crate::reconcile::{Difference, Ending, Entry, Outcome};

/// An outcome as text. The plan that was applied tells names and how many requests there were to send.
pub fn outcome(outcome: &Outcome, plan: &Plan, options: &Options) -> String {
    let mut page = Page::new(options.width);
    let changes: BTreeMap<&Address, &Change> = plan.changes.iter().map(|change| (&change.address, change)).collect();
    let lists = lists(outcome);
    let all_done = lists.keys().all(|list| *list == List::Done);
    for (list, entries) in &lists {
        let indent = if all_done { 0 } else { 2 };
        if !all_done {
            page.gap();
            page.line(Gutter::indent(0), &[title(*list)]);
        }
        for entry in entries {
            print(&mut page, indent, entry, changes.get(&entry.address).copied(), options);
        }
    }
    page.gap();
    if outcome.interrupted {
        let words = "Interrupted: requests under way were finished and recorded.";
        page.line(Gutter::indent(0), &[Span::new(Tone::Warning, words)]);
    }
    let effort = outcome.effort;
    if effort.retries > 0 {
        let words = format!("Tried again {}, after {:.1} s of pauses.", count_times(effort.retries), effort.waited);
        page.line(Gutter::indent(0), &[Span::new(Tone::Faint, words)]);
    }
    let (lead, words) = counts(outcome);
    page.line(Gutter::indent(0), &[Span::new(Tone::Strong, lead), Span::plain(format!(" {words}"))]);
    page.finish()
}

fn count_times(number: u64) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

fn print(page: &mut Page, indent: usize, entry: &Entry, change: Option<&Change>, options: &Options) {
    let name = change.map_or("", |change| change.name.as_str());
    let mut spans = heading(entry.action, &entry.address.to_string(), entry.id.as_ref().map(|id| id.as_str()), name);
    if let Ending::Done { verified: false } = entry.ending {
        let unread = !matches!(entry.action, Action::Forget | Action::Move);
        spans.extend(unread.then(|| Span::plain(", not verified: the service cannot be read")));
    }
    page.line(Gutter::sign(indent, sign(entry.action), Tone::Action(entry.action)), &spans);
    let below = indent + 2;
    if let Ending::Diverged { differences } = &entry.ending {
        differences.iter().for_each(|difference| differ(page, below, entry, difference, options));
    }
    if let Some((lead, message)) = said(&entry.ending) {
        tell(page, below, &lead, message, options);
    }
    if let Some(words) = half_way(entry, change) {
        page.line(Gutter::indent(below), &[Span::plain(words)]);
    }
    if let Some(next) = entry.next_step() {
        page.line(Gutter::indent(below).hang(6), &[Span::new(Tone::Strong, "next: "), Span::plain(next)]);
    }
}

fn title(list: List) -> Span {
    let tone = match list {
        List::Done => Tone::Good,
        List::NotStarted | List::Stale => Tone::Warning,
        List::Diverged | List::Failed | List::Unknown => Tone::Bad,
    };
    Span::new(tone, format!("{}:", list.title()))
}

/// What came back: as many lines as the service wrote, cut if they are many.
fn tell(page: &mut Page, indent: usize, lead: &str, message: &str, options: &Options) {
    let cut = message.char_indices().nth(LONGEST_MESSAGE).filter(|_| !options.verbose).map(|(at, _)| at);
    let shown = &message[..cut.unwrap_or(message.len())];
    for (index, line) in shown.trim().lines().enumerate() {
        let lead = if index == 0 { lead } else { "" };
        page.line(Gutter::indent(indent).hang(2), &[Span::plain(format!("{lead}{line}"))]);
    }
    if let Some(at) = cut {
        let rest = format!("… {}", count(message[at..].chars().count(), "more character"));
        page.line(Gutter::indent(indent), &[Span::new(Tone::Faint, rest)]);
    }
}

/// A field that is not as predicted.
fn differ(page: &mut Page, indent: usize, entry: &Entry, difference: &Difference, options: &Options) {
    let remark = match (&difference.expected, &difference.found) {
        (Some(_), Some(_)) => " (expected -> found)",
        (Some(_), None) => " (expected, not found)",
        (None, _) => " (found, not expected)",
    };
    let sides = (difference.expected.as_ref(), difference.found.as_ref());
    let address = entry.address.to_string();
    let about = About { address: &address, remark, source: None, pieces: &[] };
    Editor::new(options).values(page, indent, &difference.path, sides, about);
}
