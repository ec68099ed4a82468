//! What is shown of a plan, alike in every format: the words for reasons and counts, the leaves of a change, the steps from an old
//! text to a new one, secrets, and hidden characters made visible. No layout, no colour, no markup.

pub(super) mod blocked;
pub(super) mod drift;
pub(super) mod endings;
pub(super) mod fields;
pub(super) mod hunks;
pub(super) mod leaves;
pub(super) mod secret;
pub(super) mod units;
pub(super) mod visible;
pub(super) mod words;

use crate::plan::{Action, Change, Plan, Reason, Source};

/// A count with its noun: `1 line`, `1,204 lines`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A number for people: `1,204`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Why, in words.
pub(super) fn reason(change: &Change) -> String {
    let moved = change.moved_from.as_ref().map(|old| format!("; moved from {old}"));
    format!("{}{}", why(change), moved.unwrap_or_default())
}

/// Why, without the address that it had before.
pub(super) fn why(change: &Change) -> &'static str {
    match (change.action, change.reason) {
        (Action::Adopt, _) => "declared in the files, exists already",
        (Action::Move, _) => "renamed, the object stays as it is",
        (Action::Forget, _) => "removed from the files, the object stays at the service",
        (Action::Delete, _) => "removed from the files",
        (_, Reason::Declared) => "declared in the files",
        (_, Reason::Drifted) => "drifted: changed elsewhere, put right",
        (_, Reason::Removed) => "removed from the file",
    }
}

/// The sign of an action, for eyes without colour.
pub(super) fn sign(action: Action) -> char {
    match action {
        Action::Create => '+',
        Action::Update => '~',
        Action::Delete => '-',
        Action::Adopt => '=',
        Action::Forget => 'x',
        Action::Move => '>',
    }
}

/// The counts of a plan: a lead (`Plan:`) and what follows it.
pub(super) fn summary(plan: &Plan) -> (&'static str, String) {
    let counts = &plan.summary;
    let blocked = if plan.blocked.is_empty() { String::new() } else { format!(", {} blocked", plan.blocked.len()) };
    if plan.changes.is_empty() {
        let words = match counts.unchanged {
            0 if plan.blocked.is_empty() => "There are no targets.".to_owned(),
            1 => format!("1 target is as the files say{blocked}."),
            number => format!("{} are as the files say{blocked}.", count(number, "target")),
        };
        return ("No changes.", words);
    }
    let mut words = format!("{} to create, {} to update, {} to delete", counts.create, counts.update, counts.delete);
    for (number, what) in [(counts.adopt, "adopt"), (counts.forget, "forget"), (counts.moved, "move")] {
        if number > 0 {
            words.push_str(&format!(", {number} to {what}"));
        }
    }
    words.push_str(&format!(", {} unchanged{blocked}", counts.unchanged));
    let drifted = plan.changes.iter().filter(|change| has_drifted(change)).count();
    if drifted > 0 {
        words.push_str(&format!("; {drifted} drifted"));
    }
    words.push('.');
    ("Plan:", words)
}

/// Whether somebody changed any of it elsewhere.
pub(super) fn has_drifted(change: &Change) -> bool {
    change.reason == Reason::Drifted || change.edits.iter().any(|edit| edit.also_drifted || edit.reason == Reason::Drifted)
}

/// Where something stands: `personas/ada.yaml:12`.
pub(super) fn place(source: &Source) -> String {
    format!("{}:{}", source.path, source.line)
}
