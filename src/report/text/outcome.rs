//! An outcome in words: what was done, what was not and the next step, and the counts last.

use std::collections::BTreeMap;

use super::page::{Gutter, Page, Span};
use super::style::{Tone, sign};
use super::{Options, count, edit::Editor, plan::heading};
use crate::plan::{Action, Address, Change, Plan};
use crate::reconcile::{Difference, Ending, Entry, Outcome};

/// A service's words beyond this are cut, unless all is wanted.
const LONGEST_MESSAGE: usize = 400;

/// How something ended, in the order of the lists: what needs attention comes last, beside the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Done,
    NotStarted,
    Stale,
    Diverged,
    Failed,
    Unknown,
}

impl List {
    fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Done { .. } => Self::Done,
            Ending::Diverged { .. } => Self::Diverged,
            Ending::Failed { .. } => Self::Failed,
            Ending::Stale { .. } => Self::Stale,
            Ending::NotStarted { .. } => Self::NotStarted,
            Ending::Unknown { .. } => Self::Unknown,
        }
    }

    fn title(self) -> Span {
        match self {
            Self::Done => Span::new(Tone::Good, "Done:"),
            Self::NotStarted => Span::new(Tone::Warning, "Not started:"),
            Self::Stale => Span::new(Tone::Warning, "Stale, not touched: changed since the plan was made:"),
            Self::Diverged => Span::new(Tone::Bad, "Diverged: written, but the service made something else of it:"),
            Self::Failed => Span::new(Tone::Bad, "Failed:"),
            Self::Unknown => Span::new(Tone::Bad, "Unknown: sent, and nobody knows whether it was done:"),
        }
    }
}

/// An outcome as text. The plan that was applied tells names and how many requests there were to send.
pub fn outcome(outcome: &Outcome, plan: &Plan, options: &Options) -> String {
    let mut page = Page::new(options.width);
    let changes: BTreeMap<&Address, &Change> = plan.changes.iter().map(|change| (&change.address, change)).collect();
    let mut lists: BTreeMap<List, Vec<&Entry>> = BTreeMap::new();
    for entry in &outcome.entries {
        lists.entry(List::of(&entry.ending)).or_default().push(entry);
    }
    let all_done = lists.keys().all(|list| *list == List::Done);
    for (list, entries) in &lists {
        let indent = if all_done { 0 } else { 2 };
        if !all_done {
            page.gap();
            page.line(Gutter::indent(0), &[list.title()]);
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
    page.line(Gutter::indent(0), &summary(&lists, all_done));
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
    let next = match &entry.ending {
        Ending::Done { .. } => return,
        Ending::Diverged { differences } => {
            differences.iter().for_each(|difference| differ(page, below, entry, difference, options));
            "see what is left with `personaform plan`; what the service does not keep must leave the file"
        }
        Ending::Failed { request, status, message, help } => {
            let lead = match (request, status) {
                (Some(request), Some(status)) => format!("{request} was answered with {status}: "),
                (Some(request), None) => format!("{request}: "),
                (None, Some(status)) => format!("answered with {status}: "),
                (None, None) => String::new(),
            };
            said(page, below, &lead, message, options);
            sent_before(page, below, entry, change);
            help.as_deref().unwrap_or("mend the cause, then run `personaform apply` again: what is done stays done")
        }
        Ending::Stale { message } => {
            said(page, below, "", message, options);
            "look at a new plan with `personaform plan`"
        }
        Ending::NotStarted { message } => {
            said(page, below, "", message, options);
            "run `personaform apply` again"
        }
        Ending::Unknown { request, message, help } => {
            said(page, below, &format!("{request}: "), message, options);
            help
        }
    };
    page.line(Gutter::indent(below).hang(6), &[Span::new(Tone::Strong, "next: "), Span::plain(next)]);
}

/// What came back: as many lines as the service wrote, cut if they are many.
fn said(page: &mut Page, indent: usize, lead: &str, message: &str, options: &Options) {
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

/// Tells that a change stopped half way.
fn sent_before(page: &mut Page, indent: usize, entry: &Entry, change: Option<&Change>) {
    let all = change.map_or(0, |change| change.requests.len());
    if entry.requests_sent > 0 {
        let words = format!("{} of {} had been done before that", entry.requests_sent, count(all, "request"));
        page.line(Gutter::indent(indent), &[Span::plain(words)]);
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
    Editor::new(options).values(page, indent, &entry.address.to_string(), &difference.path, sides, remark);
}

/// The last line: the counts.
fn summary(lists: &BTreeMap<List, Vec<&Entry>>, all_done: bool) -> Vec<Span> {
    let number = |list: List| lists.get(&list).map_or(0, Vec::len);
    if lists.is_empty() {
        return vec![Span::new(Tone::Strong, "Nothing to apply.")];
    }
    let mut counts = vec![format!("{} done", number(List::Done))];
    let mut add = |list: List, word: &str, always: bool| {
        if always || number(list) > 0 {
            counts.push(format!("{} {word}", number(list)));
        }
    };
    add(List::Diverged, "diverged", false);
    add(List::Failed, "failed", !all_done);
    add(List::Unknown, "unknown", false);
    add(List::Stale, "stale", false);
    add(List::NotStarted, "not started", !all_done);
    vec![Span::new(Tone::Strong, "Applied:"), Span::plain(format!(" {}.", counts.join(", ")))]
}
