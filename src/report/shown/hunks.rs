//! A long text that changes, as the steps that a reader follows: what changes, two lines around it, and the rest folded.

use super::count;
use super::units::{Row, Unit, rows};
use crate::plan::source::line_of;
use crate::plan::{Piece, Source};

/// Unchanged lines or sentences shown before and after a change.
const CONTEXT: usize = 2;

/// One step through a changed text.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) enum Step<'a> {
    /// A line or sentence.
    Row(Row<'a>),
    /// Unchanged lines that need not be shown, and where the change that follows them stands.
    Fold(Vec<Row<'a>>, Option<Source>),
}

/// The steps from an old text to a new one.
pub(in crate::report) fn steps<'a>(old: &'a str, new: &'a str, room: usize, pieces: &[Piece]) -> Vec<Step<'a>> {
    let rows = rows(old, new, room);
    let is_same = |row: &Row<'_>| matches!(row, Row::Same(_));
    let mut steps = Vec::new();
    let mut start = 0;
    let mut line = 1;
    for run in rows.chunk_by(|left, right| is_same(left) == is_same(right)) {
        let (before, after) = (start > 0, start + run.len() < rows.len());
        start += run.len();
        line += run.iter().filter(|row| new_unit(row).is_some_and(|unit| unit.ends)).count();
        let head = if before { CONTEXT } else { 0 };
        let tail = if after { CONTEXT } else { 0 };
        // Folding a single line would save nothing.
        if !is_same(&run[0]) || run.len() <= head + tail + 1 {
            steps.extend(run.iter().copied().map(Step::Row));
            continue;
        }
        let (first, rest) = run.split_at(head);
        let (folded, last) = rest.split_at(rest.len() - tail);
        steps.extend(first.iter().copied().map(Step::Row));
        steps.push(Step::Fold(folded.to_vec(), line_of(pieces, line).filter(|_| after)));
        steps.extend(last.iter().copied().map(Step::Row));
    }
    steps
}

/// Where each stretch of changes stands, with its rows.
pub(in crate::report) fn stretches<'a>(old: &'a str, new: &'a str, pieces: &[Piece]) -> Vec<(Option<Source>, Vec<Row<'a>>)> {
    let mut line = 1;
    let mut found: Vec<(Option<Source>, Vec<Row<'a>>)> = Vec::new();
    let mut inside = false;
    let last = new.lines().count().max(1);
    for row in rows(old, new, usize::MAX) {
        let same = matches!(row, Row::Same(_));
        if !same && !inside {
            found.push((line_of(pieces, line.min(last)), Vec::new()));
        }
        if let Some((_, rows)) = found.last_mut().filter(|_| !same) {
            rows.push(row);
        }
        inside = !same;
        line += usize::from(new_unit(&row).is_some_and(|unit| unit.ends));
    }
    found
}

fn new_unit<'r, 'a>(row: &'r Row<'a>) -> Option<&'r Unit<'a>> {
    match row {
        Row::Same(unit) | Row::Added(unit) | Row::Changed(_, unit) => Some(unit),
        Row::Removed(_) => None,
    }
}

/// How much a fold holds, in words: `22 unchanged lines`.
pub(in crate::report) fn folded_words(rows: &[Row<'_>]) -> String {
    let units = || rows.iter().filter_map(new_unit);
    let lines = units().filter(|unit| unit.starts).count();
    if units().all(|unit| unit.starts && unit.ends) || lines > CONTEXT {
        count(lines, "unchanged line")
    } else {
        count(rows.len(), "unchanged sentence")
    }
}

/// What the line ends become, where nothing else changes, in words.
pub(in crate::report) fn line_ends(old: &str, new: &str) -> Option<String> {
    let style = |text: &str| match (text.matches('\n').count(), text.matches("\r\n").count()) {
        (all, crlf) if crlf == all => "CRLF",
        (_, 0) => "LF",
        _ => "a mixture",
    };
    let only = old != new && old.contains('\n') && old.replace("\r\n", "\n") == new.replace("\r\n", "\n");
    let (from, to) = (style(old), style(new));
    (only && from != to && old.lines().count() > 3)
        .then(|| format!("only the line ends change, from {from} to {to}, in {}", count(new.lines().count(), "line")))
}

/// The size of a text in words: `63 lines, 4,210 characters`.
pub(in crate::report) fn size(text: &str) -> String {
    let characters = count(text.chars().count(), "character");
    match text.lines().count() {
        0 | 1 => characters,
        lines => format!("{}, {characters}", count(lines, "line")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Vec<Piece> {
        let piece = |line, path: &str| {
            let source = Source { path: path.to_owned(), line: 1, column: 1 };
            Piece { line, source, by_line: true }
        };
        vec![piece(1, "rules.md"), piece(8, "ada.md")]
    }

    #[test]
    fn every_stretch_of_changes_knows_its_line() {
        let old = "1\n2\n3\n4\n5\n6\n\n8\n9\n10";
        let new = "1\ntwo\n3\n4\n5\n6\n\n8\nnine\n";
        let at: Vec<String> = stretches(old, new, &pieces())
            .into_iter()
            .map(|(source, _)| source.map(|source| super::super::place(&source)).unwrap_or_default())
            .collect();
        assert_eq!(at, ["rules.md:2", "ada.md:2"]);
    }

    #[test]
    fn a_fold_tells_where_the_change_after_it_stands() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
        let steps = steps(old, "1\n2\n3\n4\n5\n6\n7\n8\nnine\n10\n", 80, &pieces());
        let Step::Fold(rows, Some(source)) = &steps[0] else { panic!("{steps:?}") };
        assert_eq!((folded_words(rows), super::super::place(source)), ("6 unchanged lines".to_owned(), "ada.md:2".to_owned()));
    }
}
