//! The order of a persona file's keys and its needless quotes. Lists, prompts, comments and what providers' own keys say stay as
//! they are; a file that uses anchors or tags is left alone.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::tree::{self, Form, Node, Pair};
use crate::persona::raw;

/// What came of tidying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tidied {
    /// It is tidy.
    Already,
    /// The tidy text, which loads to the same values.
    Changed(String),
    /// It was left alone, and why.
    Left(&'static str),
}

/// The order of a persona's own keys.
const ORDER: [&str; 5] = ["name", "description", "prompt", "previously", "targets"];

/// The order of our keys within a target; they stand before the provider's.
const OURS: [&str; 3] = ["$id", "$release", "$lifecycle"];

/// Tidies the text of a persona file.
pub fn tidy(text: &str) -> Tidied {
    let Some(before) = raw::read(text) else { return Tidied::Left("it cannot be read") };
    let Some(document) = tree::parse(text) else { return Tidied::Left("it holds no persona") };
    if document.has_properties {
        return Tidied::Left("it uses anchors, aliases or tags");
    }
    let Some(tidied) = pass(text).and_then(|text| pass(&text)) else { return Tidied::Left("its layout is unusual") };
    if tidied == text {
        return Tidied::Already;
    }
    // The result must say the same, keep every comment, and be left alone by the next run.
    let same = raw::read(&tidied).is_some_and(|after| before == after);
    if !same || comments(text) != comments(&tidied) || pass(&tidied).as_deref() != Some(tidied.as_str()) {
        return Tidied::Left("its layout is unusual");
    }
    Tidied::Changed(tidied)
}

fn comments(text: &str) -> Option<Vec<&str>> {
    let mut comments: Vec<&str> = tree::parse(text)?.comments.iter().map(|span| text[span.clone()].trim_end()).collect();
    comments.sort_unstable();
    Some(comments)
}

fn pass(text: &str) -> Option<String> {
    let text = without_needless_bytes(text)?;
    let root = tree::parse(&text)?.root;
    let Form::Mapping { pairs, .. } = &root.form else { return Some(text) };
    // From the innermost outwards: the places of what stands above do not move.
    let mut text = text.clone();
    let targets = pairs.iter().find(|pair| pair.key == "targets").map(|pair| &pair.value.form);
    if let Some(Form::Mapping { flow: false, pairs }) = targets {
        for target in pairs.iter().rev() {
            text = ordered(&text, &target.value, |key| {
                let ours = OURS.iter().position(|name| *name == key);
                ours.unwrap_or(if key.starts_with('$') { OURS.len() } else { OURS.len() + 1 })
            })?;
        }
    }
    let root = tree::parse(&text)?.root;
    ordered(&text, &root, |key| ORDER.iter().position(|name| *name == key).unwrap_or(ORDER.len()))
}

/// Orders the keys of a block mapping by rank. Comment lines and blank lines above a key go with it.
fn ordered(text: &str, mapping: &Node, rank: impl Fn(&str) -> usize) -> Option<String> {
    let Form::Mapping { flow: false, pairs } = &mapping.form else { return Some(text.to_owned()) };
    if pairs.is_sorted_by_key(|pair| rank(&pair.key)) {
        return Some(text.to_owned());
    }
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let alone = |pair: &Pair| text[line_start(pair.key_span.start)..pair.key_span.start].bytes().all(|byte| byte == b' ');
    if !pairs.iter().all(alone) {
        return None;
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let first = line_start(pairs.first()?.key_span.start);
    let lead = head(text, first);
    let mut chunks: Vec<(usize, String)> = Vec::new();
    let mut start = lead;
    for pair in pairs {
        let end = end_of(text, pair);
        let mut chunk = text[start..end].to_owned();
        if !chunk.ends_with('\n') {
            chunk.push_str(newline);
        }
        chunks.push((rank(&pair.key), chunk));
        start = end;
    }
    chunks.sort_by_key(|(rank, _)| *rank);
    let body: String = chunks.into_iter().map(|(_, chunk)| chunk).collect();
    Some(format!("{}{body}{}", &text[..lead], &text[start..]))
}

/// Where the lines begin that belong to the first key. What stands further above, up to a blank line, belongs to the file.
fn head(text: &str, first: usize) -> usize {
    let mut start = first;
    for line in text[..first].split_inclusive('\n').rev() {
        let content = line.trim();
        if content.is_empty() {
            return start;
        }
        if !content.starts_with('#') {
            return start;
        }
        start -= line.len();
    }
    // Comments at the very top speak of the whole file.
    first
}

/// The end of the lines of a pair, with its trailing comment.
fn end_of(text: &str, pair: &Pair) -> usize {
    fn last(node: &Node, least: usize) -> (usize, bool) {
        match &node.form {
            Form::List { flow: false, items } => items.last().map_or((least, false), |item| last(item, item.span.end)),
            Form::Mapping { flow: false, pairs } => {
                pairs.last().map_or((least, false), |pair| last(&pair.value, pair.key_span.end))
            }
            Form::Scalar(ScalarStyle::Literal | ScalarStyle::Folded) => (node.span.end, true),
            _ => (node.span.end.max(least), false),
        }
    }
    let (end, block) = last(&pair.value, pair.key_span.end);
    if block && text[..end].ends_with('\n') {
        return end;
    }
    text[end..].find('\n').map_or(text.len(), |length| end + length + 1)
}

/// Quotes around plain words, blanks at the ends of lines, and a missing last line end.
fn without_needless_bytes(text: &str) -> Option<String> {
    let document = tree::parse(text)?;
    let mut splices: Vec<(Range<usize>, String)> = Vec::new();
    let mut kept: Vec<Range<usize>> = Vec::new();
    visit(text, &document.root, &mut splices, &mut kept);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let end = start + content.len();
        let blanks = start + content.trim_end_matches([' ', '\t']).len()..end;
        let inside = kept.iter().any(|kept| kept.start < blanks.end && blanks.start < kept.end);
        if !blanks.is_empty() && !inside {
            splices.push((blanks, String::new()));
        }
        start += line.len();
    }
    splices.sort_by_key(|(span, _)| span.start);
    let mut tidy = String::new();
    let mut at = 0;
    for (span, new) in splices {
        tidy.push_str(text.get(at..span.start)?);
        tidy.push_str(&new);
        at = span.end;
    }
    tidy.push_str(text.get(at..)?);
    let ends_within_a_block = kept.iter().any(|kept| kept.end >= text.len());
    if !tidy.ends_with('\n') && !ends_within_a_block {
        tidy.push_str(if tidy.contains("\r\n") { "\r\n" } else { "\n" });
    }
    Some(tidy)
}

/// Collects what may lose its quotes, and the stretches in which every byte counts.
fn visit(text: &str, node: &Node, splices: &mut Vec<(Range<usize>, String)>, kept: &mut Vec<Range<usize>>) {
    match &node.form {
        Form::Scalar(ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) => {
            kept.push(node.span.clone());
            let inner = &text[node.span.start + 1..node.span.end - 1];
            let word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' ');
            if inner.starts_with(|letter: char| letter.is_ascii_alphabetic())
                && inner.chars().all(word)
                && !inner.ends_with(' ')
                && raw::is_plain_text(inner)
            {
                splices.push((node.span.clone(), inner.to_owned()));
            }
        }
        Form::Scalar(_) => kept.push(node.span.clone()),
        Form::Alias => {}
        Form::List { items, .. } => items.iter().for_each(|item| visit(text, item, splices, kept)),
        Form::Mapping { pairs, .. } => pairs.iter().for_each(|pair| visit(text, &pair.value, splices, kept)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn tidied(text: &str) -> String {
        match tidy(text) {
            Tidied::Changed(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_are_put_in_order_with_their_comments_and_nothing_else_moves() {
        let text = "# about the file\n\n# the targets\ntargets: # t\n  tavus:\n    b: 1 # one\n    # bind\n    $id: p1\n    a: [2, 1]\n\nprompt: |\n  Be kind.\n\n  name: x\n# the name\nname: 'Ada' # n\n# the end";
        let wanted = "# about the file\n\n# the name\nname: Ada # n\n\nprompt: |\n  Be kind.\n\n  name: x\n# the targets\ntargets: # t\n  tavus:\n    # bind\n    $id: p1\n    b: 1 # one\n    a: [2, 1]\n# the end\n";
        assert_eq!(tidied(text), wanted);
        assert_eq!(tidy(wanted), Tidied::Already);
    }

    #[test]
    fn quotes_that_matter_and_texts_stay() {
        let text = "name: \"012\"\ndescription: 'no'\nprompt: |\n  trailing  \n  \"quoted\"\ntargets: { bland: { $release: draft, role: \"a: b\" } }\n";
        assert_eq!(tidy(text), Tidied::Already);
    }

    #[test]
    fn line_ends_stay_and_blanks_go() {
        assert_eq!(tidied("prompt: Hi  \r\nname: Ada\r\n"), "name: Ada\r\nprompt: Hi\r\n");
    }

    #[test]
    fn anchors_and_tags_are_left_alone() {
        for text in ["targets: {}\nname: &n Ada\n", "targets: {}\nname: !!str Ada\n", "prompt: *x\nname: &x Ada\n"] {
            assert!(matches!(tidy(text), Tidied::Left(_)), "{text}");
        }
    }
}
