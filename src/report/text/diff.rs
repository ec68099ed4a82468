//! Texts on the page: a long text that changes, as a diff; one that comes or goes, by its first lines.

use similar::DiffableStr;
use unicode_width::UnicodeWidthStr;

use super::super::shown::hunks::{Step, folded_words, line_ends, steps};
use super::super::shown::units::{Row, Unit};
use super::super::shown::{count, place, visible};
use super::marks;
use super::page::{Gutter, Page, Span};
use super::style::Tone;
use crate::plan::Piece;

/// Screen rows of a text that comes.
const FIRST_ROWS: usize = 6;

/// The change of a long text.
pub(super) fn change(page: &mut Page, indent: usize, old: &str, new: &str, pieces: &[Piece]) {
    let faint = |page: &mut Page, text: String| page.line(Gutter::indent(indent), &[Span::new(Tone::Faint, text)]);
    if let Some(words) = line_ends(old, new) {
        faint(page, words);
        return;
    }
    let room = page.room(Gutter::every_row(indent, '-', Tone::Plain));
    let mut begun = false;
    for step in steps(old, new, room, pieces) {
        match step {
            Step::Row(row) => {
                begun |= !matches!(row, Row::Same(_));
                print(page, indent, room, &row);
            }
            // The field's own row tells where the first change stands.
            Step::Fold(rows, next) => {
                let next = next.filter(|_| begun).map(|source| format!(", then {}", place(&source))).unwrap_or_default();
                faint(page, format!("… {}{next}", folded_words(&rows)));
            }
        }
    }
}

fn print(page: &mut Page, indent: usize, room: usize, row: &Row<'_>) {
    let removed = Gutter::every_row(indent, '-', Tone::Bad);
    let added = Gutter::every_row(indent, '+', Tone::Good);
    match row {
        Row::Same(unit) => {
            let text = visible::safe(visible::context_line(unit.text)).trim_end().to_owned();
            let text = cut(&text, room.saturating_sub(4)).map_or_else(|| text.clone(), |start| format!("{start} …"));
            line(page, Gutter::indent(indent + 2), unit, vec![Span::plain(text)]);
        }
        Row::Removed(unit) => line(page, removed, unit, vec![Span::new(Tone::Removed, shown(unit))]),
        Row::Added(unit) => line(page, added, unit, vec![Span::new(Tone::Added, shown(unit))]),
        Row::Changed(old, new) => {
            let (old_spans, new_spans) = marks::marked(old.text, new.text);
            line(page, removed, old, old_spans);
            line(page, added, new, new_spans);
        }
    }
}

/// A unit that comes or goes; the space between two sentences is not at the end of a line.
fn shown(unit: &Unit<'_>) -> String {
    if unit.ends { visible::whole_line(unit.text) } else { unit.text.trim_end().to_owned() }
}

/// A unit on the page; dots tell that the line begins earlier or goes on.
fn line(page: &mut Page, gutter: Gutter, unit: &Unit<'_>, mut spans: Vec<Span>) {
    if !unit.starts {
        spans.insert(0, Span::new(Tone::Faint, "… "));
    }
    if !unit.ends && !spans.last().is_some_and(|span| span.text.ends_with('…')) {
        if let Some(last) = spans.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
        spans.push(Span::new(Tone::Faint, " …"));
    }
    page.line(gutter, &spans);
}

/// The first columns of a text; none if all of it fits.
fn cut(text: &str, columns: usize) -> Option<&str> {
    if text.width() <= columns {
        return None;
    }
    let mut width = 0;
    let mut start = "";
    for grapheme in text.tokenize_graphemes() {
        width += grapheme.width();
        if width > columns {
            break;
        }
        start = &text[..start.len() + grapheme.len()];
    }
    let word = start.rfind(' ').filter(|at| start.len() - at < 20);
    Some(start[..word.unwrap_or(start.len())].trim_end())
}

/// A long text that comes (`+`) or goes (`-`): its first lines and what is left, or all of it.
pub(super) fn whole(page: &mut Page, indent: usize, text: &str, sign: char, all: bool) {
    let (gutter, tone) = match sign {
        '-' => (Gutter::every_row(indent, sign, Tone::Bad), Tone::Removed),
        _ => (Gutter::every_row(indent, sign, Tone::Good), Tone::Added),
    };
    let room = page.room(gutter);
    let mut left = if all { usize::MAX } else { FIRST_ROWS };
    let mut lines = text.split_inclusive('\n');
    let mut hidden = None;
    for line in lines.by_ref() {
        if left == 0 {
            hidden = Some(line);
            break;
        }
        let line = visible::whole_line(line);
        match left.checked_mul(room).and_then(|columns| cut(&line, columns)) {
            Some(start) => {
                page.line(gutter, &[Span::new(tone, start), Span::new(Tone::Faint, " …")]);
                left = 0;
            }
            None => {
                page.line(gutter, &[Span::new(tone, line.as_str())]);
                left = left.saturating_sub(line.width().div_ceil(room).max(1));
            }
        }
    }
    let more = usize::from(hidden.is_some()) + lines.count();
    if more > 0 {
        page.line(Gutter::indent(indent), &[Span::new(Tone::Faint, format!("… {}", count(more, "more line")))]);
    }
}
