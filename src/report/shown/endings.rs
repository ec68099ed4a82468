//! How changes ended, in the words of every format: the lists, the counts, what came back, and the next step.

use std::collections::BTreeMap;

use crate::plan::Change;
use crate::reconcile::{Ending, Entry, Outcome};

/// A service's words beyond this are cut, unless all is wanted.
pub(in crate::report) const LONGEST_MESSAGE: usize = 400;

/// How something ended, in the order of the lists: what needs attention comes last, beside the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report) enum List {
    Done,
    NotStarted,
    Stale,
    Diverged,
    Failed,
    Unknown,
}

impl List {
    pub(in crate::report) fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Done { .. } => Self::Done,
            Ending::Diverged { .. } => Self::Diverged,
            Ending::Failed { .. } => Self::Failed,
            Ending::Stale { .. } => Self::Stale,
            Ending::NotStarted { .. } => Self::NotStarted,
            Ending::Unknown { .. } => Self::Unknown,
        }
    }

    /// One or two words.
    pub(in crate::report) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotStarted => "not started",
            Self::Stale => "stale",
            Self::Diverged => "diverged",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The word with its meaning.
    pub(in crate::report) fn title(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::NotStarted => "Not started",
            Self::Stale => "Stale, not touched: changed since the plan was made",
            Self::Diverged => "Diverged: written, but the service made something else of it",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown: sent, and nobody knows whether it was done",
        }
    }

    /// Whether somebody should look at it: something may be half done, or is not as it was to be.
    pub(in crate::report) fn is_bad(self) -> bool {
        matches!(self, Self::Diverged | Self::Failed | Self::Unknown)
    }
}

/// What was asked and how it was answered, and the words that came back; none where nothing did.
pub(in crate::report) fn said(ending: &Ending) -> Option<(String, &str)> {
    match ending {
        Ending::Done { .. } | Ending::Diverged { .. } => None,
        Ending::Failed { request, status, message, .. } => {
            let lead = match (request, status) {
                (Some(request), Some(status)) => format!("{request} was answered with {status}: "),
                (Some(request), None) => format!("{request}: "),
                (None, Some(status)) => format!("answered with {status}: "),
                (None, None) => String::new(),
            };
            Some((lead, message))
        }
        Ending::Stale { message } | Ending::NotStarted { message } => Some((String::new(), message)),
        Ending::Unknown { request, message, .. } => Some((format!("{request}: "), message)),
    }
}

/// That a change stopped half way.
pub(in crate::report) fn half_way(entry: &Entry, change: Option<&Change>) -> Option<String> {
    let all = change.map_or(0, |change| change.requests.len());
    let Ending::Failed { status, .. } = &entry.ending else { return None };
    match entry.requests_sent {
        // The service said no to the very first request.
        0 => matches!(status, Some(400..=499)).then(|| "nothing was changed".to_owned()),
        sent => Some(format!("{sent} of {} had been done before that", super::count(all, "request"))),
    }
}

/// The entries by how they ended.
pub(in crate::report) fn lists(outcome: &Outcome) -> BTreeMap<List, Vec<&Entry>> {
    let mut lists: BTreeMap<List, Vec<&Entry>> = BTreeMap::new();
    for entry in &outcome.entries {
        lists.entry(List::of(&entry.ending)).or_default().push(entry);
    }
    lists
}

/// The counts of an outcome: a lead (`Applied:`) and what follows it.
pub(in crate::report) fn counts(outcome: &Outcome) -> (&'static str, String) {
    let lists = lists(outcome);
    let number = |list: List| lists.get(&list).map_or(0, Vec::len);
    if lists.is_empty() {
        return ("Nothing to apply.", String::new());
    }
    let all_done = number(List::Done) == outcome.entries.len();
    let mut counts = vec![format!("{} done", number(List::Done))];
    for (list, always) in [
        (List::Diverged, false),
        (List::Failed, !all_done),
        (List::Unknown, false),
        (List::Stale, false),
        (List::NotStarted, !all_done),
    ] {
        if always || number(list) > 0 {
            counts.push(format!("{} {}", number(list), list.word()));
        }
    }
    let mut words = counts.join(", ");
    if outcome.milliseconds > 0 {
        words.push_str(&format!(", in {}", time(outcome.milliseconds)));
    }
    let retries: u32 = outcome.entries.iter().map(|entry| entry.retries).sum();
    if retries > 0 {
        words.push_str(&format!(", with {retries} {}", if retries == 1 { "retry" } else { "retries" }));
    }
    ("Applied:", format!("{words}."))
}

/// A duration for people: `0.3 s`, `2 min 5 s`.
pub(in crate::report) fn time(milliseconds: u64) -> String {
    match milliseconds {
        0..60_000 => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds % 60_000 / 1_000),
    }
}
