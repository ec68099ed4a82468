//! How two long texts are laid side by side: by lines, and inside long lines by sentences, each old one beside the new one that
//! it became. No layout and no colour.

use similar::{Algorithm, DiffOp, capture_diff_slices};
use unicode_width::UnicodeWidthStr;

use super::words::{likeness, sorted_words};

/// From here on an old and a new line count as the same line, changed.
const LIKE: f64 = 0.4;
/// Blocks with more pairs than this are not searched for the best pairs.
const MOST_PAIRS: usize = 4_000;

/// A line, or a sentence of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Unit<'a> {
    /// With the line's end, where it has one.
    pub(in crate::report) text: &'a str,
    /// Whether it begins a line.
    pub(in crate::report) starts: bool,
    /// Whether it ends a line.
    pub(in crate::report) ends: bool,
}

/// One step of the way from the old text to the new one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) enum Row<'a> {
    Same(Unit<'a>),
    Removed(Unit<'a>),
    Added(Unit<'a>),
    Changed(Unit<'a>, Unit<'a>),
}

/// The steps from an old text to a new one. Changed lines that are wider than `room` are compared by sentences.
pub(in crate::report) fn rows<'a>(old: &'a str, new: &'a str, room: usize) -> Vec<Row<'a>> {
    steps(&lines(old), &lines(new), |old, new, rows| {
        let long = |unit: &Unit<'_>| unit.text.width() > room;
        if old.iter().chain(new).any(long) {
            let sentences = steps(&sentences(old), &sentences(new), pair);
            let split = sentences.iter().any(|row| matches!(row, Row::Removed(_) | Row::Added(_)));
            match (old, new) {
                // A sentence that became two is easier to read in its line, where that is not too long.
                ([old], [new]) if split && is_same_line(*old, *new, room) => rows.push(Row::Changed(*old, *new)),
                _ => rows.extend(sentences),
            }
        } else {
            pair(old, new, rows);
        }
    })
}

/// Whether a line, read at once, is another one changed.
fn is_same_line(old: Unit<'_>, new: Unit<'_>, room: usize) -> bool {
    let fits = |unit: Unit<'_>| unit.text.width() <= room.saturating_mul(2);
    fits(old) && fits(new) && likeness(&sorted_words(old.text), &sorted_words(new.text)) >= LIKE
}

fn steps<'a>(
    old: &[Unit<'a>],
    new: &[Unit<'a>],
    replaced: impl Fn(&[Unit<'a>], &[Unit<'a>], &mut Vec<Row<'a>>),
) -> Vec<Row<'a>> {
    let texts = |units: &[Unit<'a>]| units.iter().map(|unit| unit.text).collect::<Vec<_>>();
    let mut rows = Vec::new();
    for operation in capture_diff_slices(Algorithm::Myers, &texts(old), &texts(new)) {
        let (left, right) = (&old[operation.old_range()], &new[operation.new_range()]);
        match operation {
            DiffOp::Equal { .. } => rows.extend(right.iter().copied().map(Row::Same)),
            DiffOp::Delete { .. } => rows.extend(left.iter().copied().map(Row::Removed)),
            DiffOp::Insert { .. } => rows.extend(right.iter().copied().map(Row::Added)),
            DiffOp::Replace { .. } => replaced(left, right, &mut rows),
        }
    }
    rows
}

fn lines(text: &str) -> Vec<Unit<'_>> {
    text.split_inclusive('\n').map(|text| Unit { text, starts: true, ends: true }).collect()
}

fn sentences<'a>(lines: &[Unit<'a>]) -> Vec<Unit<'a>> {
    let mut units = Vec::new();
    for line in lines {
        let mut rest = line.text;
        while !rest.is_empty() {
            let (text, after) = rest.split_at(sentence_end(rest));
            units.push(Unit { text, starts: rest.len() == line.text.len(), ends: after.is_empty() });
            rest = after;
        }
    }
    units
}

/// Where the first sentence ends, the white space after it included.
///
/// A mark ends a sentence where white space follows, and then nothing in lower case ("e.g. this"); in scripts without spaces
/// wherever it stands.
fn sentence_end(text: &str) -> usize {
    const SPACED: [char; 6] = ['.', '!', '?', '…', '؟', '।'];
    const UNSPACED: [char; 3] = ['。', '！', '？'];
    const CLOSING: [char; 11] = ['"', '\'', ')', ']', '”', '’', '»', '」', '』', '）', '*'];
    let is_mark = |char: char| SPACED.contains(&char) || UNSPACED.contains(&char);
    let mut rest = text;
    while let Some((at, mark)) = rest.char_indices().find(|(_, char)| is_mark(*char)) {
        // Going on behind the whole run of marks keeps this linear, whatever the text.
        let closed = rest[at..].trim_start_matches(|char| is_mark(char) || CLOSING.contains(&char));
        let next = closed.trim_start();
        // The number of a list's item belongs to its sentence.
        let counts = || text[..text.len() - rest.len() + at].trim().chars().all(|char| char.is_ascii_digit());
        let is_end =
            UNSPACED.contains(&mark) || (next.len() < closed.len() && !next.starts_with(char::is_lowercase) && !counts());
        // What follows without a letter, as the bar that ends a table's row, is no sentence of its own.
        if !next.contains(char::is_alphanumeric) {
            return text.len();
        }
        if is_end {
            return text.len() - next.len();
        }
        rest = closed;
    }
    text.len()
}

/// Sets each old unit beside the new one that it became: the pairs, in order, with the greatest likeness in all.
fn pair<'a>(old: &[Unit<'a>], new: &[Unit<'a>], rows: &mut Vec<Row<'a>>) {
    if old.len() * new.len() > MOST_PAIRS {
        rows.extend(old.iter().copied().map(Row::Removed));
        rows.extend(new.iter().copied().map(Row::Added));
        return;
    }
    let words = |units: &[Unit<'a>]| units.iter().map(|unit| sorted_words(unit.text)).collect::<Vec<_>>();
    let (old_words, new_words) = (words(old), words(new));
    let like = |left: usize, right: usize| likeness(&old_words[left], &new_words[right]);
    // best[l][r]: the greatest likeness that can be had from the units from l and r on.
    let mut best = vec![vec![0.0_f64; new.len() + 1]; old.len() + 1];
    for left in (0..old.len()).rev() {
        for right in (0..new.len()).rev() {
            let likeness = like(left, right);
            let paired = if likeness >= LIKE { likeness + best[left + 1][right + 1] } else { 0.0 };
            best[left][right] = paired.max(best[left + 1][right]).max(best[left][right + 1]);
        }
    }
    let (mut left, mut right) = (0, 0);
    while left < old.len() && right < new.len() {
        let likeness = like(left, right);
        if likeness >= LIKE && likeness + best[left + 1][right + 1] >= best[left][right] {
            rows.push(Row::Changed(old[left], new[right]));
            left += 1;
            right += 1;
        } else if best[left + 1][right] >= best[left][right + 1] {
            rows.push(Row::Removed(old[left]));
            left += 1;
        } else {
            rows.push(Row::Added(new[right]));
            right += 1;
        }
    }
    rows.extend(old[left..].iter().copied().map(Row::Removed));
    rows.extend(new[right..].iter().copied().map(Row::Added));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(old: &str, new: &str, room: usize) -> String {
        rows(old, new, room)
            .iter()
            .map(|row| match row {
                Row::Same(_) => '=',
                Row::Removed(_) => '-',
                Row::Added(_) => '+',
                Row::Changed(..) => '~',
            })
            .collect()
    }

    #[test]
    fn each_changed_line_stands_beside_its_old_self() {
        let old = "Be kind to them.\nAsk two short questions.\nStay calm.\n";
        let new = "Be kind to all.\nNever guess a price.\nAsk three short questions.\nStay calm.\n";
        assert_eq!(signs(old, new, 80), "~+~=");
    }

    #[test]
    fn lines_with_nothing_in_common_are_no_pair() {
        assert_eq!(signs("Be kind.\n", "Answer at once.\n", 80), "-+");
    }

    #[test]
    fn a_long_line_is_compared_by_sentences() {
        let old = "Hello there. Ask two questions. Wait for it, e.g. a minute. Bye.";
        let new = "Hello there. Ask three questions. Wait for it, e.g. a minute. Bye.";
        assert_eq!(signs(old, new, 30), "=~==");
        assert_eq!(signs(old, new, 80), "~");
    }

    #[test]
    fn a_sentence_that_became_two_stays_in_its_line() {
        let old = "3. Solve it now, or hand it over with all that is known.";
        let new = "3. Solve it now. If two tries fail, hand it over with all that is known.";
        assert_eq!(signs(old, new, 40), "~");
        assert_eq!(signs(&format!("{old} And then wait."), &format!("{new} And then wait."), 30), "+~=");
    }

    #[test]
    fn sentences_end_in_every_script() {
        let all = |text: &'static str| -> Vec<&str> { sentences(&lines(text)).into_iter().map(|unit| unit.text).collect() };
        assert_eq!(all("丁寧に。「はい！」と言う。\n次。"), ["丁寧に。", "「はい！」", "と言う。\n", "次。"]);
        assert_eq!(all("| Pause | Ask. Then stop. |\n"), ["| Pause | Ask. ", "Then stop. |\n"]);
        assert_eq!(all("3. Ask twice. Then stop."), ["3. Ask twice. ", "Then stop."]);
        assert_eq!(all("He said \"go.\" Then v1.2 came... Now"), ["He said \"go.\" ", "Then v1.2 came... ", "Now"]);
    }
}
