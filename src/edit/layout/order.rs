//! The order of a persona's keys, and of ours within its targets.

use granit_parser::ScalarStyle;

use super::super::tree::{self, Form, Node, Pair};

/// The order of a persona's own keys.
const ORDER: [&str; 5] = ["name", "description", "prompt", "previously", "targets"];

/// The order of our keys within a target; they stand before the provider's.
const OURS: [&str; 3] = ["$id", "$release", "$lifecycle"];

/// Puts the keys of a persona and of its targets in order; none where they cannot be told apart by line.
pub(super) fn sorted(text: &str) -> Option<String> {
    let root = tree::parse(text)?.root;
    let Form::Mapping { pairs, .. } = &root.form else { return Some(text.to_owned()) };
    // From the innermost outwards: the places of what stands above do not move.
    let mut text = text.to_owned();
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
