//! Indentation: two columns for each level, the dashes of a list below the key that holds it indented like everything else, one
//! blank after a dash. Lines stay lines; only what stands before their first character changes, and the blanks after dashes.
//!
//! One walk from top to bottom with the open collections on a stack, each with its column of now and then.

use std::collections::BTreeSet;
use std::ops::Range;

use granit_parser::ScalarStyle;

use super::super::tree::{self, Form, Node};

/// Columns of one level.
const STEP: usize = 2;

/// Gives every line its indentation; none where a layout is met that is not understood.
pub(super) fn indented(text: &str) -> Option<String> {
    let document = tree::parse(text)?;
    let mut shape = Shape { text, keys: BTreeSet::new(), opaque: Vec::new() };
    shape.collect(&document.root);
    shape.opaque.sort_by_key(|opaque| opaque.span.start);
    Walk { shape, open: Vec::new(), remarks: Vec::new(), result: String::new() }.walk()
}

/// A stretch whose lines have no structure of their own.
struct Opaque {
    /// From the beginning of its second line.
    span: Range<usize>,
    kind: Kind,
}

enum Kind {
    /// A plain or quoted scalar of several lines, whose indentation means nothing.
    Wrapped,
    /// A flow collection of several lines: its own layout is kept.
    Flow,
    /// A block scalar; where its header begins.
    Block { header: usize },
}

/// What the tree knows of the lines.
struct Shape<'a> {
    text: &'a str,
    /// Where keys of block mappings begin.
    keys: BTreeSet<usize>,
    opaque: Vec<Opaque>,
}

impl Shape<'_> {
    fn collect(&mut self, node: &Node) {
        match &node.form {
            Form::Scalar(ScalarStyle::Literal | ScalarStyle::Folded) => self.block(node),
            Form::Scalar(_) => self.lines(node, Kind::Wrapped),
            Form::List { flow: true, .. } | Form::Mapping { flow: true, .. } => self.lines(node, Kind::Flow),
            Form::List { flow: false, items } => items.iter().for_each(|item| self.collect(item)),
            Form::Mapping { flow: false, pairs } => {
                for pair in pairs {
                    self.keys.insert(pair.key_span.start);
                    self.collect(&pair.value);
                }
            }
            Form::Alias => {}
        }
    }

    fn next_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |length| at + length + 1)
    }

    fn lines(&mut self, node: &Node, kind: Kind) {
        let second = self.next_line(node.span.start);
        if second < node.span.end {
            self.opaque.push(Opaque { span: second..node.span.end, kind });
        }
    }

    fn block(&mut self, node: &Node) {
        // Blank lines may stand between the header and the first character.
        let header_end = self.text[..node.span.start].trim_end().len();
        let line = self.text[..header_end].rfind('\n').map_or(0, |newline| newline + 1);
        let Some(header) = header_of(&self.text[line..header_end]) else { return };
        let start = self.next_line(header_end);
        if start < node.span.end {
            self.opaque.push(Opaque { span: start..node.span.end, kind: Kind::Block { header: line + header } });
        }
    }
}

/// Where the header of a block scalar (`|2-`) begins in its line, which may end with a comment.
fn header_of(line: &str) -> Option<usize> {
    let code = line.find(" #").map_or(line, |_| {
        // The header is the last thing before the comment, and holds neither blanks nor signs of its own.
        let at = line.match_indices(" #").map(|(at, _)| at).find(|at| ends_with_header(&line[..*at]));
        &line[..at.unwrap_or(line.len())]
    });
    let code = code.trim_end();
    ends_with_header(code).then(|| code.rfind(['|', '>'])).flatten()
}

fn ends_with_header(code: &str) -> bool {
    let code = code.trim_end();
    let Some(at) = code.rfind(['|', '>']) else { return false };
    let signs = |letter: char| matches!(letter, '+' | '-') || letter.is_ascii_digit();
    code[at + 1..].chars().all(signs) && code[..at].ends_with([' ', '\t'])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Keys,
    Items,
}

/// A collection that is open at some line.
#[derive(Clone, Copy, Debug)]
struct Open {
    old: usize,
    new: usize,
    holds: Holds,
}

struct Walk<'a> {
    shape: Shape<'a>,
    open: Vec<Open>,
    /// Comments that wait for the line below them: column and text; a blank line has none.
    remarks: Vec<Option<(usize, &'a str)>>,
    result: String,
}

impl<'a> Walk<'a> {
    fn walk(mut self) -> Option<String> {
        let text = self.shape.text;
        let mut opaque = std::mem::take(&mut self.shape.opaque).into_iter().peekable();
        let mut at = 0;
        while at < text.len() {
            if let Some(stretch) = opaque.next_if(|opaque| opaque.span.start <= at) {
                at = self.opaque(at, &stretch);
                continue;
            }
            let end = text[at..].find('\n').map_or(text.len(), |length| at + length + 1);
            let line = &text[at..end];
            let content = line.trim_start_matches(' ');
            let column = line.len() - content.len();
            if content.trim().is_empty() {
                self.remarks.push(None);
            } else if content.starts_with('#') {
                self.remarks.push(Some((column, content)));
            } else if column == 0 && (line.starts_with(['%', '\u{feff}']) || line.starts_with("---") || line.starts_with("..."))
            {
                // Directives and markers, which stand before or after everything.
                self.flush(None);
                let mark = line.len() - line.trim_start_matches('\u{feff}').len();
                if mark > 0 && self.shape.keys.contains(&(at + mark)) {
                    self.enter(0, Holds::Keys);
                }
                self.result.push_str(line);
            } else {
                self.structural(at, line, column)?;
            }
            at = end;
        }
        self.flush(None);
        Some(self.result)
    }

    /// A line with dashes, a key, or a value of its own.
    fn structural(&mut self, at: usize, line: &str, column: usize) -> Option<()> {
        let bytes = line.as_bytes();
        let mut column = column;
        let mut written = String::new();
        loop {
            let rest = &line[column..];
            let is_dash =
                rest.starts_with('-') && bytes.get(column + 1).is_none_or(|next| matches!(next, b' ' | b'\n' | b'\r'));
            let is_key = self.shape.keys.contains(&(at + column));
            let is_first = written.is_empty();
            let before = self.open.clone();
            let new = if is_dash {
                self.enter(column, Holds::Items)
            } else if is_key {
                self.enter(column, Holds::Keys)
            } else {
                // A value on a line of its own, or beside a dash.
                if is_first {
                    self.leave(column);
                    while self.open.last().is_some_and(|open| open.old == column) {
                        self.open.pop();
                    }
                }
                self.open.last().map_or(0, |open| open.new + STEP)
            };
            if is_first {
                let after = std::mem::replace(&mut self.open, before);
                self.flush(Some((column, new)));
                self.open = after;
                written = " ".repeat(new);
            }
            if !is_dash {
                written.push_str(rest);
                break;
            }
            written.push('-');
            let value = rest[1..].trim_start_matches(' ');
            if value.trim().is_empty() || value.starts_with('#') {
                written.push_str(&rest[1..]);
                break;
            }
            written.push(' ');
            column = line.len() - value.len();
        }
        self.result.push_str(&written);
        Some(())
    }

    /// Closes what is further in than a column.
    fn leave(&mut self, column: usize) {
        while self.open.last().is_some_and(|open| open.old > column) {
            self.open.pop();
        }
    }

    /// Goes on in the collection at a column, or opens one; gives its new column.
    fn enter(&mut self, column: usize, holds: Holds) -> usize {
        self.leave(column);
        // A list may stand at the column of the key that holds it, and ends with the next key.
        if holds == Holds::Keys
            && let Some(Open { holds: Holds::Items, old, .. }) = self.open.last()
            && *old == column
        {
            self.open.pop();
        }
        match self.open.last() {
            Some(open) if open.old == column && open.holds == holds => open.new,
            parent => {
                let new = parent.map_or(0, |parent| parent.new + STEP);
                self.open.push(Open { old: column, new, holds });
                new
            }
        }
    }

    /// Writes the comments and blank lines that waited for a line: its columns of now and then.
    fn flush(&mut self, next: Option<(usize, usize)>) {
        for remark in std::mem::take(&mut self.remarks) {
            let Some((column, text)) = remark else {
                self.result.push_str(super::newline(self.shape.text));
                continue;
            };
            let level = |open: &&Open| open.old == column;
            let new = match next {
                Some((old, new)) if old == column => new,
                _ => match (self.open.iter().rev().find(level), next) {
                    (Some(open), _) => open.new,
                    (None, Some((old, new))) if column < old => new,
                    _ => self.open.iter().rev().find(|open| open.old < column).map_or(0, |open| open.new),
                },
            };
            self.result.push_str(&" ".repeat(new));
            self.result.push_str(text);
        }
    }

    /// Copies a stretch of lines, and gives where it ends.
    fn opaque(&mut self, at: usize, stretch: &Opaque) -> usize {
        let text = self.shape.text;
        let owner = self.open.last().copied().unwrap_or(Open { old: 0, new: 0, holds: Holds::Keys });
        let end = stretch.span.end;
        let end = match stretch.kind {
            Kind::Block { .. } => end,
            Kind::Wrapped | Kind::Flow => text[end..].find('\n').map_or(text.len(), |length| end + length + 1),
        };
        let lines: Vec<&str> = text[at..end].split_inclusive('\n').collect();
        let width = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let is_blank = |line: &str| line.trim_end_matches(['\n', '\r']).trim_start_matches(' ').is_empty();
        match stretch.kind {
            Kind::Wrapped => {
                for line in lines {
                    let content = line.trim_start_matches([' ', '\t']);
                    let pad = if is_blank(line) { 0 } else { owner.new + STEP };
                    self.result.push_str(&" ".repeat(pad));
                    self.result.push_str(content);
                }
            }
            Kind::Flow => {
                for line in lines {
                    let pad = if is_blank(line) { 0 } else { (width(line) + owner.new).saturating_sub(owner.old) };
                    self.result.push_str(&" ".repeat(pad));
                    self.result.push_str(line.trim_start_matches(' '));
                }
            }
            Kind::Block { header } => {
                let signs = &text[header..at];
                let signs = &signs[..signs[1..]
                    .find(|letter: char| !matches!(letter, '+' | '-' | '0'..='9'))
                    .map_or(signs.len(), |length| length + 1)];
                let digit = signs.chars().find_map(|letter| letter.to_digit(10)).and_then(|digit| usize::try_from(digit).ok());
                let old = match digit {
                    Some(digit) => owner.old + digit,
                    None => lines.iter().find(|line| !is_blank(line)).map_or(0, |line| width(line)),
                };
                if let Some(digit) = digit.filter(|digit| *digit != STEP) {
                    self.replace_digit(digit);
                }
                for line in lines {
                    match line
                        .get(old..)
                        .filter(|content| width(line) >= old && !content.trim_end_matches(['\n', '\r']).is_empty())
                    {
                        Some(content) => {
                            self.result.push_str(&" ".repeat(owner.new + STEP));
                            self.result.push_str(content);
                        }
                        None => self.result.push_str(line.trim_start_matches(' ')),
                    }
                }
            }
        }
        end
    }

    /// The header of the block scalar that was just written names its indentation.
    fn replace_digit(&mut self, digit: usize) {
        let line = self.result[..self.result.len().saturating_sub(1)].rfind('\n').map_or(0, |newline| newline + 1);
        let length = self.result[line..].trim_end().len();
        let Some(at) = header_of(&self.result[line..line + length]) else { return };
        let at = line + at;
        if let Some(place) = self.result[at..].find(&digit.to_string()) {
            self.result.replace_range(at + place..at + place + 1, &STEP.to_string());
        }
    }
}
