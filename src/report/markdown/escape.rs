//! Foreign text in Markdown: nothing that a file or a service wrote becomes markup, a mention or a link.
//!
//! Three ways, each safe by itself: a code span, a fence that is longer than any run of backticks in it, and, for sentences,
//! plain text of harmless characters only. Hosts find no mention, issue or commit in code.

use super::super::shown::visible;

/// A text as a code span on one line; also inside a table.
pub(super) fn code(text: &str) -> String {
    let text = visible::safe(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let padded = text.is_empty() || text.starts_with('`') || text.ends_with('`') || text.trim().len() < text.len();
    let space = if padded { " " } else { "" };
    // A table takes a pipe apart even in code; outside of one the backslash would show, so this is for tables alone.
    format!("{fence}{space}{text}{space}{fence}")
}

/// The same for a cell of a table.
pub(super) fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A sentence of ours that may hold foreign words: what stands in backticks becomes code, and so does everything that is not
/// harmless as it is.
pub(super) fn words(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return if is_harmless(text) { text.to_owned() } else { code(text) };
    }
    let spoken = |(index, part): (usize, &&str)| match (index % 2, part.trim().is_empty()) {
        (1, false) => code(part),
        (0, true) => {
            if part.is_empty() {
                String::new()
            } else {
                " ".to_owned()
            }
        }
        (0, false) if is_harmless(part) => (*part).to_owned(),
        (0, false) => {
            let lead = if part.starts_with(' ') { " " } else { "" };
            let tail = if part.ends_with(' ') { " " } else { "" };
            format!("{lead}{}{tail}", code(part.trim()))
        }
        _ => "` `".to_owned(),
    };
    parts.iter().enumerate().map(spoken).collect()
}

/// Whether a text means nothing to Markdown, nor to a host that looks for mentions, issues, commits, links and emoji.
fn is_harmless(text: &str) -> bool {
    let harmless = |char: char| char.is_ascii_alphanumeric() || " .,;()\'\"-/?:".contains(char);
    let token = |token: &str| {
        let bare = token.trim_matches(|char: char| !char.is_ascii_alphanumeric());
        let hash = bare.len() >= 7 && bare.chars().all(|char| char.is_ascii_hexdigit());
        let link = bare.contains(':') || bare.to_ascii_lowercase().starts_with("www.");
        let issue = bare.rsplit_once('-').is_some_and(|(_, number)| number.chars().all(|char| char.is_ascii_digit()));
        !hash && !link && !issue
    };
    text.chars().all(harmless)
        && text.split_whitespace().all(token)
        && !text.trim_start().starts_with(['-', ':'])
        && !text.contains("--")
}

/// A text inside HTML that stands in Markdown.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::new();
    for char in visible::safe(text).chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Hosts differ in what they still read as Markdown between tags.
            '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '|' | '$' => escaped.push_str(&format!("&#{};", u32::from(char))),
            _ => escaped.push(char),
        }
    }
    escaped
}

/// Lines in a fence that none of them can close. They are harmless already.
pub(super) fn fenced(language: &str, lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

fn longest_run(text: &str) -> usize {
    text.split(|char| char != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_never_close_their_span() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(code(""), "`  `");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(code("a\nb\u{202e}"), "`a\\nb\\u{202e}`");
    }

    #[test]
    fn sentences_stay_sentences_and_foreign_words_become_code() {
        assert_eq!(words("3 deletions, at most 0 allowed"), "3 deletions, at most 0 allowed");
        assert_eq!(words("the object `p1` is gone: it is made anew"), "the object `p1` is gone: it is made anew");
        assert_eq!(words("HTTP 500: ping @everyone"), "`HTTP 500: ping @everyone`");
        assert_eq!(words("of `a` see #12 or **b**"), "of `a` `see #12 or **b**`");
        assert_eq!(words("one ` alone <b>"), "``one ` alone <b>``");
        for foreign in
            ["see deadbeef1", "www.example.org", "http://x", "GH-12", ":tada:", "a_b_c", "- item", "[x](y)", "x  \ny"]
        {
            assert!(words(foreign).starts_with('`'), "{foreign}");
        }
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fenced("diff", &["+ ````".to_owned()]), "`````diff\n+ ````\n`````\n");
        assert_eq!(fenced("", &["x".to_owned()]), "```\nx\n```\n");
    }
}
