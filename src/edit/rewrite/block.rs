//! Block scalars, literal and folded: lines that say the same keep their bytes, the others are written in their midst.

use std::ops::Range;

use granit_parser::ScalarStyle;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::super::tree::Node;
use super::super::write;
use super::Splice;
use super::page::Page;

/// Where a block scalar is introduced.
pub(super) struct Header {
    /// `|` or `>` with its digits and signs.
    pub(super) span: Range<usize>,
    /// The indentation of what holds the scalar.
    pub(super) parent: usize,
}

/// The lines of a block scalar as written.
struct Written<'a> {
    /// From the line after the header to the last line with content, its line end excluded.
    span: Range<usize>,
    lines: Vec<&'a str>,
    indent: usize,
}

/// Ways to give a block scalar another text, in its own style first.
pub(super) fn rewritten(
    page: &Page<'_>,
    header: Header,
    node: &Node,
    style: ScalarStyle,
    text: &str,
) -> Option<Vec<Vec<Splice>>> {
    if !write::fits_block(text) {
        return None;
    }
    let written = Written::of(page, &header, node)?;
    let old_header = &page.text[header.span.clone()];
    let mut bodies = Vec::new();
    if style == ScalarStyle::Folded {
        bodies.extend(written.folded(text).map(|body| ('>', body)));
    }
    bodies.push(('|', written.literal(text)));
    let mut found = Vec::new();
    for (sign, body) in bodies {
        let digit = match old_header.chars().find(char::is_ascii_digit) {
            Some(digit) => digit.to_string(),
            None => write::indicator(text, written.indent.saturating_sub(header.parent).max(1)),
        };
        let old_chomping = old_header.trim_start_matches(['|', '>']).trim_matches(|letter: char| letter.is_ascii_digit());
        for chomping in [old_chomping, write::chomping(text)] {
            let lines = body.join("\n");
            let mut splices = Vec::new();
            let new_header = match old_header.contains(|letter: char| letter.is_ascii_digit()) {
                true if chomping == old_chomping => format!("{sign}{}", &old_header[1..]),
                _ => format!("{sign}{digit}{chomping}"),
            };
            if new_header != old_header {
                splices.push(Splice { span: header.span.clone(), text: new_header });
            }
            splices.push(Splice { span: written.span.clone(), text: lines.clone() });
            found.push(splices.clone());
            // Where the file ends with the block, a line end that is part of the text may be missing, and blank lines after it
            // may be too much.
            let to_the_end = written.span.start..node.span.end;
            splices.pop();
            splices.push(Splice { span: to_the_end, text: format!("{lines}\n") });
            found.push(splices);
        }
    }
    Some(found)
}

impl<'a> Written<'a> {
    fn of(page: &Page<'a>, header: &Header, node: &Node) -> Option<Self> {
        let start = page.next_line(header.span.end);
        let region = page.text.get(start..node.span.end)?;
        let content = region.trim_end_matches(['\n', '\r', ' ', '\t']);
        let end = page.line_end(start + content.len());
        let lines: Vec<&str> =
            page.text.get(start..end)?.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
        let digit = page.text[header.span.clone()].chars().find_map(|letter| letter.to_digit(10));
        let indent = match digit {
            Some(digit) => header.parent + usize::try_from(digit).ok()?,
            None => {
                let first = lines.iter().find(|line| !line.trim_start_matches(' ').is_empty())?;
                first.len() - first.trim_start_matches(' ').len()
            }
        };
        Some(Self { span: start..end, lines, indent })
    }

    /// A line without its indentation.
    fn content(&self, line: &'a str) -> &'a str {
        line.get(self.indent..).unwrap_or_default()
    }

    /// The lines of a literal block with another text.
    fn literal(&self, text: &str) -> Vec<String> {
        let old: Vec<&str> = self.lines.iter().map(|line| self.content(line)).collect();
        let content = text.strip_suffix('\n').unwrap_or(text);
        let new: Vec<&str> = content.split('\n').collect();
        let mut lines = Vec::new();
        for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
            match op {
                DiffOp::Equal { old_index, len, .. } => {
                    lines.extend(self.lines[old_index..old_index + len].iter().map(|line| (*line).to_owned()));
                }
                DiffOp::Insert { new_index, new_len, .. } | DiffOp::Replace { new_index, new_len, .. } => {
                    lines.extend(new[new_index..new_index + new_len].iter().map(|line| write::indented(line, self.indent)));
                }
                DiffOp::Delete { .. } => {}
            }
        }
        lines
    }

    /// The lines of a folded block with another text; none where indented lines make folding a matter of taste.
    fn folded(&self, text: &str) -> Option<Vec<String>> {
        let indented = |line: &&str| line.starts_with([' ', '\t']);
        let contents: Vec<&str> = self.lines.iter().map(|line| self.content(line)).collect();
        let new: Vec<&str> = text.trim_end_matches('\n').split('\n').filter(|line| !line.is_empty()).collect();
        if contents.iter().any(indented) || new.iter().any(indented) || new.iter().any(|line| line.ends_with([' ', '\t'])) {
            return None;
        }
        // Lines of the text, each with the lines that it is written on.
        let old: Vec<&[&str]> = contents.split(|line| line.is_empty()).filter(|group| !group.is_empty()).collect();
        let joined: Vec<String> = old.iter().map(|group| group.join(" ")).collect();
        let joined: Vec<&str> = joined.iter().map(String::as_str).collect();
        let width = contents.iter().map(|line| line.chars().count()).max().unwrap_or_default().max(40);
        let mut paragraphs: Vec<Vec<String>> = Vec::new();
        for op in capture_diff_slices(Algorithm::Myers, &joined, &new) {
            match op {
                DiffOp::Equal { old_index, len, .. } => {
                    let kept = old[old_index..old_index + len].iter();
                    paragraphs.extend(kept.map(|group| group.iter().map(|line| (*line).to_owned()).collect()));
                }
                DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                    for at in 0..new_len {
                        let before = if at < old_len { old[old_index + at] } else { &[] };
                        paragraphs.push(refolded(before, new[new_index + at], width));
                    }
                }
                DiffOp::Insert { new_index, new_len, .. } => {
                    paragraphs.extend(new[new_index..new_index + new_len].iter().map(|line| refolded(&[], line, width)));
                }
                DiffOp::Delete { .. } => {}
            }
        }
        // Between two lines of the text stand as many blank lines as it has line ends there.
        let mut lines = vec![String::new(); text.len() - text.trim_start_matches('\n').len()];
        let mut paragraphs = paragraphs.into_iter();
        let mut gap = 0;
        for line in text.trim_matches('\n').split('\n') {
            if line.is_empty() {
                gap += 1;
                continue;
            }
            if lines.iter().any(|line| !line.is_empty()) {
                lines.extend(std::iter::repeat_n(String::new(), gap + 1));
            }
            gap = 0;
            lines.extend(paragraphs.next()?.iter().map(|line| write::indented(line, self.indent)));
        }
        Some(lines)
    }
}

/// A line of text on several lines: those at its beginning and end that say the same stay as they were.
fn refolded(old: &[&str], new: &str, width: usize) -> Vec<String> {
    let mut rest = new;
    let mut head = Vec::new();
    for line in old {
        match rest.strip_prefix(line).and_then(|rest| rest.strip_prefix(' ')) {
            Some(after) if !after.starts_with(' ') => {
                head.push((*line).to_owned());
                rest = after;
            }
            _ => break,
        }
    }
    let mut tail = Vec::new();
    for line in old[head.len()..].iter().rev() {
        match rest.strip_suffix(line).and_then(|rest| rest.strip_suffix(' ')) {
            Some(before) if !before.ends_with(' ') && !before.is_empty() => {
                tail.push((*line).to_owned());
                rest = before;
            }
            _ => break,
        }
    }
    tail.reverse();
    head.extend(wrapped(rest, width));
    head.extend(tail);
    head
}

/// A text in lines of about this width, broken at single spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    let mut previous = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let single = letter == ' ' && previous != ' ' && letters.peek().is_some_and(|next| *next != ' ');
        previous = letter;
        match lines.last_mut() {
            Some(line) if single => {
                let next: usize = letters.clone().take_while(|letter| *letter != ' ').count();
                if line.chars().count() + 1 + next > width {
                    lines.push(String::new());
                } else {
                    line.push(' ');
                }
            }
            Some(line) => line.push(letter),
            None => {}
        }
    }
    lines
}
