//! Which words of a line changed: the marks in an old and a new line. No layout and no colour.

use similar::{Algorithm, DiffTag, DiffableStr, capture_diff_slices};

use super::page::Span;
use super::style::Tone;
use super::visible;

/// A stretch without marks that is longer than this is shown by its ends.
const LONGEST_STRETCH: usize = 240;
/// How much of such a stretch stays beside a mark.
const STRETCH_END: usize = 60;

/// A stretch of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch<'a> {
    text: &'a str,
    marked: bool,
}

/// Two lines as spans: what changed stands in `[-…-]` and `{+…+}`, what is far from every change is left out.
pub(super) fn marked(old: &str, new: &str) -> (Vec<Span>, Vec<Span>) {
    let (old, new) = stretches(old, new);
    let joined = |stretches: &[Stretch<'_>]| -> String {
        stretches.iter().filter(|stretch| stretch.marked).map(|stretch| stretch.text).collect()
    };
    let revealed = visible::alike(&joined(&old), &joined(&new));
    (
        spans(&old, revealed, Tone::Removed, Tone::RemovedWord, ("[-", "-]")),
        spans(&new, revealed, Tone::Added, Tone::AddedWord, ("{+", "+}")),
    )
}

/// How alike two lines are: the part of their words that they share, 0.0 to 1.0. Lines without words are half alike.
pub(super) fn likeness(old: &[&str], new: &[&str]) -> f64 {
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
pub(super) fn sorted_words(line: &str) -> Vec<&str> {
    let mut words: Vec<&str> =
        line.tokenize_unicode_words().into_iter().filter(|word| word.chars().any(char::is_alphanumeric)).collect();
    words.sort_unstable();
    words
}

fn stretches<'a>(old: &'a str, new: &'a str) -> (Vec<Stretch<'a>>, Vec<Stretch<'a>>) {
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

fn spans(stretches: &[Stretch<'_>], revealed: bool, line: Tone, word: Tone, (open, close): (&str, &str)) -> Vec<Span> {
    let mut spans = Vec::new();
    for (index, stretch) in stretches.iter().enumerate() {
        if stretch.marked {
            // The end of the line is worth showing only where it is all that changed.
            let bare = stretch.text.trim_end_matches('\n');
            let text = if bare.trim().is_empty() { stretch.text } else { bare };
            spans.push(Span::new(word, format!("{open}{}{close}", visible::changed(text, revealed))));
        } else {
            let text = if index + 1 == stretches.len() { visible::context_line(stretch.text) } else { stretch.text };
            shortened(text, index > 0, index + 1 < stretches.len(), line, &mut spans);
        }
    }
    spans
}

/// A stretch between marks, its middle left out if it is long.
fn shortened(text: &str, after_mark: bool, before_mark: bool, tone: Tone, spans: &mut Vec<Span>) {
    let length = text.chars().count();
    if length <= LONGEST_STRETCH {
        spans.push(Span::new(tone, text));
        return;
    }
    let graphemes = text.tokenize_graphemes();
    let middle = STRETCH_END..graphemes.len().saturating_sub(STRETCH_END).max(STRETCH_END);
    let from = if after_mark { middle.start.min(graphemes.len()) } else { 0 };
    let to = if before_mark { middle.end.min(graphemes.len()) } else { graphemes.len() };
    if after_mark {
        spans.push(Span::new(tone, graphemes[..from].concat()));
    }
    let left_out = length - graphemes[..from].concat().chars().count() - graphemes[to..].concat().chars().count();
    spans.push(Span::new(Tone::Faint, format!(" … {} … ", super::count(left_out, "character"))));
    if before_mark {
        spans.push(Span::new(tone, graphemes[to..].concat()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> (String, String) {
        let text = |spans: Vec<Span>| spans.into_iter().map(|span| span.text).collect();
        let (old, new) = marked(old, new);
        (text(old), text(new))
    }

    #[track_caller]
    fn check(old: &str, new: &str, old_shown: &str, new_shown: &str) {
        assert_eq!(shown(old, new), (old_shown.to_owned(), new_shown.to_owned()));
    }

    #[test]
    fn one_changed_word_is_marked_alone() {
        check(
            "You are a patient guide.\n",
            "You are a calm guide.\n",
            "You are a [-patient-] guide.",
            "You are a {+calm+} guide.",
        );
    }

    #[test]
    fn neighbouring_words_share_a_mark_and_spaces_stay_outside() {
        check("Be kind.", "Be kind and brief.", "Be kind.", "Be kind {+and brief+}.");
        check("Ask one thing now.", "Ask three things now.", "Ask [-one thing-] now.", "Ask {+three things+} now.");
    }

    #[test]
    fn white_space_that_changes_is_seen() {
        check("Be kind.  \n", "Be kind.\n", "Be kind.[-··-]", "Be kind.");
        check("Be  kind.", "Be kind.", "Be[-··-]kind.", "Be{+·+}kind.");
        check("Be kind.\r\n", "Be kind.\n", "Be kind.[-\\r\\n-]", "Be kind.{+\\n+}");
        check("Be kind.\n", "Be kind.", "Be kind.[-\\n-]", "Be kind.");
    }

    #[test]
    fn words_that_look_alike_are_spelled_out() {
        check("Le café ferme.", "Le cafe\u{301} ferme.", "Le [-caf\\u{e9}-] ferme.", "Le {+cafe\\u{301}+} ferme.");
        check("a pay pal", "a pay\u{200b} pal", "a pay pal", "a pay{+\\u{200b}+} pal");
    }

    #[test]
    fn scripts_without_spaces_and_emoji_families_keep_whole() {
        check("丁寧に話す。", "丁寧に話します。", "丁寧に話す。", "丁寧に話{+しま+}す。");
        check("Hi 👨‍👩‍👧!", "Hi 👨‍👩‍👦!", "Hi [-👨‍👩‍👧-]!", "Hi {+👨‍👩‍👦+}!");
        check("שלום עולם", "שלום חבר", "שלום [-עולם-]", "שלום {+חבר+}");
    }

    #[test]
    fn braces_of_templates_stay_whole() {
        check("Hello {{first}}!", "Hello {{last}}!", "Hello {{[-first-]}}!", "Hello {{{+last+}}}!");
    }

    #[test]
    fn what_is_far_from_every_change_is_left_out() {
        let (old, _) = shown(
            &format!("{}old{}", "word ".repeat(100), " word".repeat(100)),
            &format!("{}new{}", "word ".repeat(100), " word".repeat(100)),
        );
        assert!(old.starts_with(" … 440 characters … word"), "{old}");
        assert!(old.contains("word [-old-] word"), "{old}");
        assert!(old.chars().count() < 250, "{old}");
    }
}
