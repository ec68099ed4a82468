//! Bytes that say nothing: quotes around plain words, blanks at the ends of lines, blank lines at the end of the file; and the last
//! line end, where it is missing.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::super::tree::{self, Form, Node};
use super::spliced;
use crate::persona::raw;

/// Takes needless quotes away.
pub(super) fn unquoted(text: &str) -> Option<String> {
    let mut splices = Vec::new();
    visit(&tree::parse(text)?.root, &mut |node| {
        if !matches!(node.form, Form::Scalar(ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted)) {
            return;
        }
        let inner = &text[node.span.start + 1..node.span.end - 1];
        let word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' ');
        if inner.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && inner.chars().all(word)
            && !inner.ends_with(' ')
            && raw::is_plain_text(inner)
        {
            splices.push((node.span.clone(), inner.to_owned()));
        }
    });
    Some(spliced(text, splices))
}

/// Takes blanks at the ends of lines away.
pub(super) fn trimmed(text: &str) -> Option<String> {
    let mut kept: Vec<Range<usize>> = Vec::new();
    visit(&tree::parse(text)?.root, &mut |node| kept.push(node.span.clone()));
    let mut splices = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let end = start + content.len();
        let blanks = start + content.trim_end_matches([' ', '\t']).len()..end;
        if !blanks.is_empty() && !kept.iter().any(|kept| kept.start < blanks.end && blanks.start < kept.end) {
            splices.push((blanks, String::new()));
        }
        start += line.len();
    }
    Some(spliced(text, splices))
}

/// Ends the file with one line end.
pub(super) fn ended(text: &str) -> Option<String> {
    Some(format!("{}{}", text.trim_end_matches([' ', '\t', '\r', '\n']), super::newline(text)))
}

/// Every scalar of a tree.
pub(super) fn visit(node: &Node, scalar: &mut impl FnMut(&Node)) {
    match &node.form {
        Form::Scalar(_) => scalar(node),
        Form::Alias => {}
        Form::List { items, .. } => items.iter().for_each(|item| visit(item, scalar)),
        Form::Mapping { pairs, .. } => pairs.iter().for_each(|pair| visit(&pair.value, scalar)),
    }
}
