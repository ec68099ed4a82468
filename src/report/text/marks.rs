//! Marked words in a terminal: `[-…-]` around what goes, `{+…+}` around what comes.

use similar::DiffableStr;

use super::super::shown::words::{Stretch, alike, stretches};
use super::super::shown::{count, visible};
use super::page::Span;
use super::style::Tone;

/// A stretch without marks that is longer than this is shown by its ends.
const LONGEST_STRETCH: usize = 240;
/// How much of such a stretch stays beside a mark.
const STRETCH_END: usize = 60;

/// Two lines as spans: what changed stands in `[-…-]` and `{+…+}`, what is far from every change is left out.
pub(super) fn marked(old: &str, new: &str) -> (Vec<Span>, Vec<Span>) {
    let (old, new) = stretches(old, new);
    let revealed = alike(&old, &new);
    (
        spans(&old, revealed, Tone::Removed, Tone::RemovedWord, ("[-", "-]")),
        spans(&new, revealed, Tone::Added, Tone::AddedWord, ("{+", "+}")),
    )
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
    spans.push(Span::new(Tone::Faint, format!(" … {} … ", count(left_out, "character"))));
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
