//! Which words of a line changed: the marked stretches of an old and a new line. No layout and no colour.

use similar::{Algorithm, DiffTag, DiffableStr, capture_diff_slices};

use super::visible;

/// A stretch of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Stretch<'a> {
    /// Its text, as written.
    pub(in crate::report) text: &'a str,
    /// Whether the other line does not have it.
    pub(in crate::report) marked: bool,
}

/// How alike two lines are: the part of their words that they share, 0.0 to 1.0. Lines without words are half alike.
pub(in crate::report) fn likeness(old: &[&str], new: &[&str]) -> f64 {
    let total = old.len() + new.len();
    if total == 0 {
        return 0.5;
    }
    let (mut old_at, mut new_at, mut shared) = (0, 0, 0_u32);
    while let (Some(left), Some(right)) = (old.get(old_at), new.get(new_at)) {
        match left.cmp(right) {
            std::cmp::Ordering::Less => old_at += 1,
            std::cmp::Ordering::Greater => new_at += 1,
            std::cmp::Ordering::Equal => {
                shared += 1;
                old_at += 1;
                new_at += 1;
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "no line has 2^52 words")]
    let total = total as f64;
    2.0 * f64::from(shared) / total
}

/// The words of a line, sorted, for [`likeness`].
pub(in crate::report) fn sorted_words(line: &str) -> Vec<&str> {
    let mut words: Vec<&str> =
        line.tokenize_unicode_words().into_iter().filter(|word| word.chars().any(char::is_alphanumeric)).collect();
    words.sort_unstable();
    words
}

/// An old and a new line, each as stretches.
pub(in crate::report) fn stretches<'a>(old: &'a str, new: &'a str) -> (Vec<Stretch<'a>>, Vec<Stretch<'a>>) {
    let (old_words, new_words) = (old.tokenize_unicode_words(), new.tokenize_unicode_words());
    let (mut old_side, mut new_side) = (Vec::new(), Vec::new());
    for operation in capture_diff_slices(Algorithm::Myers, &old_words, &new_words) {
        let marked = operation.tag() != DiffTag::Equal;
        old_side.extend(old_words[operation.old_range()].iter().map(|text| Stretch { text, marked }));
        new_side.extend(new_words[operation.new_range()].iter().map(|text| Stretch { text, marked }));
    }
    (tidied(old, &old_side), tidied(new, &new_side))
}

/// Joins neighbours, bridges the gaps between marks that hold no word, and keeps the space around marked words out of the mark.
fn tidied<'a>(line: &'a str, words: &[Stretch<'a>]) -> Vec<Stretch<'a>> {
    let runs: Vec<&[Stretch<'a>]> = words.chunk_by(|left, right| left.marked == right.marked).collect();
    let mut tidy = Vec::new();
    let mut start = 0;
    let mut push = |text: &'a str, marked: bool| {
        if !text.is_empty() {
            tidy.push(Stretch { text, marked });
        }
    };
    let mut at = 0;
    while at < runs.len() {
        let marked = runs[at][0].marked;
        let mut end = start + length(runs[at]);
        while marked && at + 2 < runs.len() && runs[at + 1].iter().all(|word| word.text.chars().all(char::is_whitespace)) {
            end += length(runs[at + 1]) + length(runs[at + 2]);
            at += 2;
        }
        let text = &line[start..end];
        let inner = text.trim();
        if marked && !inner.is_empty() {
            let lead = text.len() - text.trim_start().len();
            // Space at the end of the line belongs to the change: nothing follows that would show it.
            let tail = if end == line.len() { text.len() } else { lead + inner.len() };
            push(&text[..lead], false);
            push(&text[lead..tail], true);
            push(&text[tail..], false);
        } else {
            push(text, marked);
        }
        start = end;
        at += 1;
    }
    tidy
}

fn length(words: &[Stretch<'_>]) -> usize {
    words.iter().map(|word| word.text.len()).sum()
}

/// Whether what changed between two lines would look the same on both sides, so that it must be spelled out.
pub(in crate::report) fn alike(old: &[Stretch<'_>], new: &[Stretch<'_>]) -> bool {
    let joined = |stretches: &[Stretch<'_>]| -> String {
        stretches.iter().filter(|stretch| stretch.marked).map(|stretch| stretch.text).collect()
    };
    visible::alike(&joined(old), &joined(new))
}
