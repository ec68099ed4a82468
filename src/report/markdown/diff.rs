//! The fields of a change as the lines of a `diff` block: hosts colour what goes and what comes, and readers without colour see
//! the signs.

use unicode_width::UnicodeWidthStr;

use crate::plan::drift::Drifted;
use crate::plan::{Action, Change, Piece};
use crate::reconcile::outcome::Difference;
use crate::report::shown::fields::{Body, Field, each, each_difference, each_drifted};
use crate::report::shown::hunks::{Step, folded_words, line_ends, size, steps};
use crate::report::shown::leaves::Seen;
use crate::report::shown::units::{Row, Unit};
use crate::report::shown::words::{Stretch, alike, stretches};
use crate::report::shown::{count, place, visible};

/// Lines are compared by sentences from this width on: blocks are not wrapped.
const WIDTH: usize = 110;
/// Lines of a text that comes or goes.
const FIRST_LINES: usize = 12;
/// A line that is longer than this is cut, and says so.
const LONGEST_LINE: usize = 1_000;

/// All fields of a change.
pub(super) fn lines(change: &Change, seen: &mut Seen) -> Vec<String> {
    let mut lines = Vec::new();
    if matches!(change.action, Action::Delete | Action::Forget) {
        let id = change.id.as_ref().map(|id| format!(" ({})", id.as_str())).unwrap_or_default();
        let row = format!("- {} {}{id}", change.address, visible::quoted(&change.name, false));
        lines.push(visible::safe(&row).into_owned());
    }
    each(change, seen, |field| write(field, change.action == Action::Create, &mut lines));
    lines
}

/// What was found instead of what was expected.
pub(super) fn differences(differences: &[Difference]) -> Vec<String> {
    let mut lines = Vec::new();
    differences.iter().for_each(|difference| each_difference(difference, |field| write(field, false, &mut lines)));
    lines
}

/// What somebody changed elsewhere: as last written, and as it is now.
pub(super) fn drifted(target: &Drifted, seen: &mut Seen) -> Vec<String> {
    let mut lines = Vec::new();
    each_drifted(target, seen, |field| write(field, false, &mut lines));
    lines
}

fn write(field: &Field<'_>, new: bool, lines: &mut Vec<String>) {
    let path = visible::safe(&field.path).into_owned();
    let mut push = |sign: char, text: &str| lines.push(row(sign, text));
    let tail = [field.remark.clone(), field.source.map(place).unwrap_or_default()];
    let tail: Vec<String> = tail.into_iter().filter(|part| !part.is_empty()).collect();
    let tail = visible::safe(&tail.join(", ")).into_owned();
    let head = format!("@@ {path} @@ {tail}").trim_end().to_owned();
    match &field.body {
        Body::Values { old: None, new: Some(value) } if new => push('+', &format!("{path}: {value}")),
        Body::Values { old, new } => {
            lines.push(head);
            lines.extend(old.as_ref().map(|old| row('-', old)));
            lines.extend(new.as_ref().map(|new| row('+', new)));
        }
        Body::Words(words) if new => push('+', &format!("{path}: {words}")),
        Body::Words(words) => {
            lines.push(head);
            lines.push(row('!', words));
        }
        Body::Whole { text, comes } => {
            let sign = if *comes { '+' } else { '-' };
            match new {
                true => push(sign, &format!("{path}: {}", size(text))),
                false => {
                    lines.push(format!("{head}{} {}", if tail.is_empty() { " " } else { ", " }, size(text)).replace("  ", " "))
                }
            }
            lines.extend(text.lines().take(FIRST_LINES).map(|line| row(sign, &format!("  {}", visible::whole_line(line)))));
            let more = text.lines().count().saturating_sub(FIRST_LINES);
            if more > 0 {
                lines.push(row(' ', &format!("… {}", count(more, "more line"))));
            }
        }
        Body::Text { old, new } => {
            lines.push(head);
            text(old, new, field.pieces, lines);
        }
    }
}

fn text(old: &str, new: &str, pieces: &[Piece], lines: &mut Vec<String>) {
    if let Some(words) = line_ends(old, new) {
        lines.push(row('!', &words));
        return;
    }
    let mut begun = false;
    for step in steps(old, new, WIDTH, pieces) {
        match step {
            Step::Fold(rows, next) => {
                let next = next.filter(|_| begun).map(|source| format!(" {}", place(&source))).unwrap_or_default();
                let words = visible::safe(&format!("@@ {} @@{next}", folded_words(&rows))).into_owned();
                lines.push(words);
            }
            Step::Row(Row::Same(unit)) => {
                lines.push(row(' ', &around(&unit, &visible::safe(visible::context_line(unit.text)))))
            }
            Step::Row(Row::Removed(unit)) => lines.push(row('-', &around(&unit, &whole(&unit)))),
            Step::Row(Row::Added(unit)) => lines.push(row('+', &around(&unit, &whole(&unit)))),
            Step::Row(Row::Changed(before, after)) => {
                let (old_side, new_side) = stretches(before.text, after.text);
                let revealed = alike(&old_side, &new_side);
                lines.push(row('-', &around(&before, &marked(&old_side, revealed, ("[-", "-]")))));
                lines.push(row('+', &around(&after, &marked(&new_side, revealed, ("{+", "+}")))));
            }
        }
        begun |= lines.last().is_some_and(|line| line.starts_with(['-', '+']));
    }
}

fn whole(unit: &Unit<'_>) -> String {
    visible::safe(&visible::whole_line(unit.text)).into_owned()
}

/// Dots where a sentence is not the whole line.
fn around(unit: &Unit<'_>, text: &str) -> String {
    let (before, after) = (if unit.starts { "" } else { "… " }, if unit.ends { "" } else { " …" });
    format!("{before}{}{after}", text.trim_end())
}

fn marked(line: &[Stretch<'_>], revealed: bool, (open, close): (&str, &str)) -> String {
    let mut text = String::new();
    for (index, stretch) in line.iter().enumerate() {
        if stretch.marked {
            let bare = stretch.text.trim_end_matches('\n');
            let shown = if bare.trim().is_empty() { stretch.text } else { bare };
            text.push_str(&format!("{open}{}{close}", visible::changed(shown, revealed)));
        } else {
            let last = index + 1 == line.len();
            text.push_str(&visible::safe(if last { visible::context_line(stretch.text) } else { stretch.text }));
        }
    }
    text
}

/// One line with its sign. Whatever it holds, it is one line and harmless.
fn row(sign: char, text: &str) -> String {
    let mut text = visible::safe(text).into_owned();
    if text.width() > LONGEST_LINE {
        let more = text.chars().count() - LONGEST_LINE;
        text = format!("{} … {}", text.chars().take(LONGEST_LINE).collect::<String>(), count(more, "more character"));
    }
    format!("{sign} {text}").trim_end().to_owned()
}
