//! What a reader cannot see, made visible, and what could command a terminal, made harmless. Only characters, no layout.
//!
//! Two degrees. Everywhere: control characters, bidirectional controls and characters that show nothing become escapes, except
//! where a script or an emoji needs them. In words that change, also tabs, odd spaces and line ends; and where old and new would
//! look alike, every character beyond ASCII.

use std::borrow::Cow;
use std::fmt::Write;

use similar::DiffableStr;

const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];
const BLACK_FLAG: char = '\u{1f3f4}';
/// The flags of parts of countries are spelled with five tags (`gbsct`) or six, and an end.
const LONGEST_FLAG: usize = 7;

/// The text without anything that could command a terminal, reorder a line or hide. A tab becomes four spaces.
pub(in crate::report) fn safe(text: &str) -> Cow<'_, str> {
    if text.chars().all(|char| (' '..='~').contains(&char)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    each(text, |char, placed| match char {
        '\t' => shown.push_str("    "),
        _ if char.is_control() || (is_hidden(char) && !placed) => escape(char, &mut shown),
        _ => shown.push(char),
    });
    Cow::Owned(shown)
}

/// A stretch that changes, with tabs, line ends and odd spaces visible, and all beyond ASCII if `revealed`.
pub(in crate::report) fn changed(text: &str, revealed: bool) -> String {
    let only_space = text.chars().all(char::is_whitespace);
    let mut shown = String::with_capacity(text.len());
    each(text, |char, placed| match char {
        ' ' if only_space => shown.push('·'),
        ' '..='~' => shown.push(char),
        '\u{3000}' if !revealed && !only_space => shown.push(char),
        _ if revealed || char.is_control() || char.is_whitespace() || (is_hidden(char) && !placed) => escape(char, &mut shown),
        _ => shown.push(char),
    });
    shown
}

/// A whole line that comes or goes: what trails is visible, the line's end is not.
pub(in crate::report) fn whole_line(line: &str) -> String {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let text = line.trim_end();
    format!("{text}{}", trailing(&line[text.len()..]))
}

/// White space at the end of a line, made visible.
pub(in crate::report) fn trailing(space: &str) -> String {
    let mut shown = String::new();
    for char in space.chars() {
        match char {
            ' ' => shown.push('·'),
            _ => escape(char, &mut shown),
        }
    }
    shown
}

/// A line that stays: as it is, without its end.
pub(in crate::report) fn context_line(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// A text in quotes, on one line; all beyond ASCII escaped if `revealed`.
pub(in crate::report) fn quoted(text: &str, revealed: bool) -> String {
    let mut shown = String::from("\"");
    each(text, |char, placed| match char {
        '"' | '\\' => shown.extend(['\\', char]),
        ' '..='~' => shown.push(char),
        _ if revealed || char.is_control() || (is_hidden(char) && !placed) || (char.is_whitespace() && char != '\u{3000}') => {
            escape(char, &mut shown);
        }
        _ => shown.push(char),
    });
    shown.push('"');
    shown
}

/// JSON with its harmful and hidden characters as JSON's own escapes, so that it means the same.
pub(in crate::report) fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    each(text, |char, placed| {
        if char != '\n' && (char.is_control() || (is_hidden(char) && !placed)) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(char);
        }
    });
    shown
}

/// Whether two different stretches would look the same: they differ only in hidden characters, in the kind of white space, or
/// in how accents are composed (NFC, NFD).
pub(in crate::report) fn alike(old: &str, new: &str) -> bool {
    let bare = |text: &str| -> String {
        text.chars().filter(|char| !is_hidden(*char)).map(|char| if char.is_whitespace() { ' ' } else { char }).collect()
    };
    if old == new || (old.is_ascii() && new.is_ascii()) {
        return false;
    }
    let (old, new) = (bare(old), bare(new));
    let (old, new) = (old.tokenize_graphemes(), new.tokenize_graphemes());
    old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| old == new || composed(old, new) || composed(new, old))
}

/// Whether one grapheme may be the composed form of the other. Without tables this is a guess, on the side of showing more.
fn composed(one: &str, other: &str) -> bool {
    let is_mark = |char: char| matches!(char, '\u{300}'..='\u{36f}' | '\u{3099}' | '\u{309a}' | '\u{1160}'..='\u{11ff}');
    let sorted = |text: &str| {
        let mut chars: Vec<char> = text.chars().collect();
        chars.sort_unstable();
        chars
    };
    let marks = |text: &str| text.chars().filter(|char| is_mark(*char)).count();
    !one.is_ascii() && marks(other) > marks(one) || (marks(one) > 1 && sorted(one) == sorted(other))
}

/// Visits every character, and tells of a hidden one whether it stands where a script or an emoji needs it.
fn each(text: &str, mut visit: impl FnMut(char, bool)) {
    let mut before = None;
    let mut flag = 0;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let beside = |neighbour: Option<char>| {
            neighbour.is_some_and(|char| !char.is_ascii() && !char.is_whitespace() && !char.is_control() && !is_invisible(char))
        };
        let placed = match char {
            _ if JOINERS.contains(&char) => {
                beside(before) && chars.peek().is_some_and(|next| beside(Some(*next)) && !is_selector(*next))
            }
            '\u{fe00}'..='\u{fe0f}' => {
                before.is_some_and(|before| !is_selector(before) && (beside(Some(before)) || "0123456789#*".contains(before)))
            }
            '\u{e0100}'..='\u{e01ef}' => {
                before.is_some_and(|before| matches!(before, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}'))
            }
            '\u{e0061}'..='\u{e007a}' | '\u{e0030}'..='\u{e0039}' | '\u{e007f}' => flag > 0 && flag < LONGEST_FLAG,
            _ => false,
        };
        flag = match char {
            BLACK_FLAG => 1,
            '\u{e007f}' => 0,
            '\u{e0020}'..='\u{e007e}' if flag > 0 => flag + 1,
            _ => 0,
        };
        visit(char, placed);
        before = Some(char);
    }
}

fn is_selector(char: char) -> bool {
    matches!(char, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a character shows nothing, though something may need it: joiners and selectors among others.
fn is_hidden(char: char) -> bool {
    JOINERS.contains(&char) || is_selector(char) || is_invisible(char)
}

/// Whether a character shows nothing and no text needs it: bidirectional controls, zero-width spaces, fillers, tags.
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

fn escape(char: char, shown: &mut String) {
    match char {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        // Writing to a string cannot fail.
        _ => drop(write!(shown, "\\u{{{:x}}}", u32::from(char))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_commands_and_bidirectional_controls_become_escapes() {
        assert_eq!(safe("\u{1b}[31mred\u{7}\u{9b}2J"), "\\u{1b}[31mred\\u{7}\\u{9b}2J");
        assert_eq!(safe("a\u{202e}b\u{2066}c\u{2028}"), "a\\u{202e}b\\u{2066}c\\u{2028}");
        assert_eq!(safe("a\r\nb"), "a\\r\\nb");
    }

    #[test]
    fn joiners_stay_where_a_script_or_an_emoji_needs_them() {
        for text in ["👨‍👩‍👧", "❤️", "🏳️‍🌈", "1️⃣", "می‌خواهم", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "क्‍ष"]
        {
            assert_eq!(safe(text), text);
        }
        assert_eq!(safe("pay\u{200d}pal"), "pay\\u{200d}pal");
        assert_eq!(safe("a\u{fe00}\u{e0100}"), "a\\u{fe00}\\u{e0100}");
    }

    #[test]
    fn text_smuggled_in_tags_shows() {
        assert_eq!(safe("hi\u{e0068}\u{e0069}"), "hi\\u{e0068}\\u{e0069}");
        let smuggled = format!("🏴{}", "\u{e0068}".repeat(20));
        assert!(safe(&smuggled).contains("\\u{e0068}"));
    }

    #[test]
    fn a_changed_stretch_shows_its_white_space() {
        assert_eq!(changed("  ", false), "··");
        assert_eq!(changed("a b\tc\u{a0}\r\n", false), "a b\\tc\\u{a0}\\r\\n");
        assert_eq!(whole_line("done.  \r\n"), "done.··\\r");
        assert_eq!(context_line("done.  \r\n"), "done.  ");
    }

    #[test]
    fn composition_and_hidden_characters_look_alike() {
        assert!(alike("café", "cafe\u{301}"));
        assert!(alike("が", "か\u{3099}"));
        assert!(alike("word", "wo\u{200b}rd"));
        assert!(alike("a b", "a\u{a0}b"));
        assert!(alike("한", "\u{1112}\u{1161}\u{11ab}"));
        assert!(!alike("café", "cafés"));
        assert!(!alike("한", "글"));
        assert!(!alike("one", "two"));
        assert_eq!(changed("cafe\u{301}", true), "cafe\\u{301}");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "a\u{202e}b\u{e0041}\u{7f}";
        let written = json(&serde_json::to_string(text).expect("JSON"));
        assert_eq!(written, "\"a\\u202eb\\udb40\\udc41\\u007f\"");
        assert_eq!(serde_json::from_str::<String>(&written).expect("JSON"), text);
    }
}
