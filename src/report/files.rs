//! The change of a file as a unified diff. Pure: two texts in, one out.

use similar::TextDiff;

/// The difference of two versions of a file, with three lines of context.
pub fn diff(path: &str, before: &str, after: &str) -> String {
    let path = path.replace('\\', "/");
    let diff = TextDiff::from_lines(before, after);
    let text = diff.unified_diff().context_radius(3).header(&format!("a/{path}"), &format!("b/{path}")).to_string();
    text.split_inclusive('\n').map(harmless).collect()
}

/// A line without what a terminal would obey; the carriage return of a line end is not shown.
fn harmless(line: &str) -> String {
    let content = line.trim_end_matches(['\n', '\r']);
    let bidirectional = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = content.chars().map(|letter| match letter {
        '\t' => '\t',
        letter if letter.is_control() || bidirectional(letter) => '\u{fffd}',
        letter => letter,
    });
    let mut shown: String = shown.collect();
    if line.ends_with('\n') {
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_are_shown_with_their_surroundings() {
        let shown = diff("a.md", "1\n2\n3\n4\n5\r\n6", "1\n2\n3\n4\nfive \u{1b}[31m\r\n6");
        assert_eq!(
            shown,
            "--- a/a.md\n+++ b/a.md\n@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+five \u{fffd}[31m\n 6\n\\ No newline at end of file\n"
        );
    }
}
