//! Block and flow: quoted texts that are long or have several lines become literal blocks, collections in braces that do not fit on
//! a line become blocks, and those that do are written one way: `{ a: 1, b: [2, 3] }`.

use std::ops::Range;

use granit_parser::ScalarStyle;
use serde_json::Value;

use super::super::tree::{self, Form, Node, Pair};
use super::super::write;
use super::Splices;

/// The columns of a line.
pub(super) const WIDTH: usize = 120;

/// The changes towards the wanted styles, in the order of the text and apart from each other. `document` is what the text says.
pub(super) fn restyled(text: &str, document: &Value) -> Option<Vec<Splices>> {
    let parsed = tree::parse(text)?;
    let page = Page { text, comments: &parsed.comments };
    let mut found = Vec::new();
    page.visit(&parsed.root, document, Holder::Root, &mut found);
    Some(found)
}

/// What holds a value in block style.
#[derive(Clone, Copy)]
enum Holder<'a> {
    Root,
    /// A key at a column.
    Key(&'a Pair, usize),
    /// A dash at a column.
    Dash(usize),
}

struct Page<'a> {
    text: &'a str,
    comments: &'a [Range<usize>],
}

impl Page<'_> {
    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        let end = self.text[at..].find('\n').map_or(self.text.len(), |length| at + length);
        if self.text[..end].ends_with('\r') && end > at { end - 1 } else { end }
    }

    fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    /// Where a line up to here ends, in columns.
    fn reach(&self, at: usize) -> usize {
        self.text[self.line_start(at)..at].chars().count()
    }

    fn visit(&self, node: &Node, value: &Value, holder: Holder<'_>, found: &mut Vec<Splices>) {
        match (&node.form, value) {
            (Form::Scalar(ScalarStyle::DoubleQuoted | ScalarStyle::SingleQuoted), Value::String(value)) => {
                found.extend(self.literal(node, value, holder));
            }
            (Form::List { flow: true, .. } | Form::Mapping { flow: true, .. }, _) => found.extend(self.flow(node, holder)),
            (Form::List { flow: false, items }, Value::Array(values)) => {
                for (item, value) in items.iter().zip(values) {
                    if let Some(dash) = self.dash(item) {
                        self.visit(item, value, Holder::Dash(self.column(dash)), found);
                    }
                }
            }
            (Form::Mapping { flow: false, pairs }, Value::Object(members)) => {
                for pair in pairs {
                    if let Some(value) = members.get(&pair.key) {
                        self.visit(&pair.value, value, Holder::Key(pair, self.column(pair.key_span.start)), found);
                    }
                }
            }
            _ => {}
        }
    }

    /// Before the dash of an item that stands beside it.
    fn dash(&self, item: &Node) -> Option<usize> {
        let before = self.text[self.line_start(item.span.start)..item.span.start].trim_end();
        before.ends_with('-').then(|| self.line_start(item.span.start) + before.len() - 1)
    }

    /// A quoted text as a literal block.
    fn literal(&self, node: &Node, value: &str, holder: Holder<'_>) -> Option<Splices> {
        let parent = match holder {
            Holder::Root => return None,
            Holder::Key(_, column) | Holder::Dash(column) => column,
        };
        let written = &self.text[node.span.clone()];
        let is_long = self.reach(node.span.end) > WIDTH && value.contains(' ');
        if !(value.contains('\n') || written.contains('\n') || is_long) || !survives_editors(value) {
            return None;
        }
        let block = write::literal(value, parent)?;
        let newline = super::newline(self.text);
        let lines: String = block.lines.iter().map(|line| format!("{newline}{line}")).collect();
        // What stands behind the text, a comment, stays on the line of the header.
        let end = self.line_end(node.span.end);
        Some(vec![(node.span.clone(), block.header), (end..end, lines)])
    }

    /// A flow collection as it should be.
    fn flow(&self, node: &Node, holder: Holder<'_>) -> Option<Splices> {
        let inside = |comment: &&Range<usize>| node.span.start < comment.start && comment.start < node.span.end;
        if self.comments.iter().any(|comment| inside(&comment)) || is_empty(node) {
            return None;
        }
        let written = &self.text[node.span.clone()];
        if !written.contains('\n') && self.reach(node.span.end) <= WIDTH {
            let tidy = self.on_one_line(node)?;
            let reach = self.reach(node.span.start) + tidy.chars().count();
            return (tidy != written && reach <= WIDTH).then(|| vec![(node.span.clone(), tidy)]);
        }
        let rest = self.text[node.span.end..self.line_end(node.span.end)].trim();
        let newline = super::newline(self.text);
        let joined = |lines: &[String]| lines.join(newline);
        match holder {
            Holder::Root => None,
            Holder::Key(pair, column) => {
                let colon = pair.key_span.end + self.text[pair.key_span.end..].find(':')? + 1;
                let lines = self.lines(node, column + 2)?;
                let first = if rest.is_empty() { String::new() } else { format!(" {rest}") };
                let block = format!("{first}{newline}{}", joined(&lines));
                Some(vec![(colon..self.line_end(node.span.end), block)])
            }
            Holder::Dash(column) if rest.is_empty() => {
                let lines = self.lines(node, column + 2)?;
                let block = joined(&lines).trim_start_matches(' ').to_owned();
                Some(vec![(node.span.clone(), block)])
            }
            Holder::Dash(_) => None,
        }
    }

    /// The lines of a collection as a block at a column.
    fn lines(&self, node: &Node, column: usize) -> Option<Vec<String>> {
        let pad = " ".repeat(column);
        let mut lines = Vec::new();
        match &node.form {
            Form::Mapping { pairs, .. } => {
                for pair in pairs {
                    let key = &self.text[pair.key_span.clone()];
                    match self.inline(&pair.value, column + key.chars().count() + 2)? {
                        Inline::Here(value) => {
                            lines.push(format!("{pad}{key}:{}{value}", if value.is_empty() { "" } else { " " }))
                        }
                        Inline::TooLong => {
                            lines.push(format!("{pad}{key}:"));
                            lines.extend(self.lines(&pair.value, column + 2)?);
                        }
                    }
                }
            }
            Form::List { items, .. } => {
                for item in items {
                    match self.inline(item, column + 2)? {
                        Inline::Here(value) => lines.push(format!("{pad}- {value}")),
                        Inline::TooLong => {
                            let below = self.lines(item, column + 2)?;
                            let first = below.first()?.trim_start_matches(' ');
                            lines.push(format!("{pad}- {first}"));
                            lines.extend(below[1..].iter().cloned());
                        }
                    }
                }
            }
            Form::Scalar(_) | Form::Alias => return None,
        }
        Some(lines)
    }

    fn inline(&self, node: &Node, column: usize) -> Option<Inline> {
        match &node.form {
            Form::List { .. } | Form::Mapping { .. } => {
                let line = self.on_one_line(node)?;
                Some(if column + line.chars().count() > WIDTH { Inline::TooLong } else { Inline::Here(line) })
            }
            _ => self.on_one_line(node).map(Inline::Here),
        }
    }

    /// A value of a flow collection on one line; scalars keep their bytes. None where one has several lines.
    fn on_one_line(&self, node: &Node) -> Option<String> {
        let written = &self.text[node.span.clone()];
        match &node.form {
            Form::Scalar(_) => (!written.contains('\n')).then(|| written.to_owned()),
            Form::Alias => None,
            Form::List { items, .. } => {
                let items: Vec<String> = items.iter().map(|item| self.on_one_line(item)).collect::<Option<_>>()?;
                Some(format!("[{}]", items.join(", ")))
            }
            Form::Mapping { pairs, .. } if pairs.is_empty() => Some("{}".to_owned()),
            Form::Mapping { pairs, .. } => {
                let pair = |pair: &Pair| {
                    let value = self.on_one_line(&pair.value).filter(|value| !value.is_empty())?;
                    Some(format!("{}: {value}", &self.text[pair.key_span.clone()]))
                };
                let pairs: Vec<String> = pairs.iter().map(pair).collect::<Option<_>>()?;
                Some(format!("{{ {} }}", pairs.join(", ")))
            }
        }
    }
}

enum Inline {
    Here(String),
    TooLong,
}

fn is_empty(node: &Node) -> bool {
    match &node.form {
        Form::List { items, .. } => items.is_empty(),
        Form::Mapping { pairs, .. } => pairs.is_empty(),
        _ => false,
    }
}

/// Whether a text as a block keeps its value also in editors that take blanks at line ends away, and looks like what it is.
fn survives_editors(value: &str) -> bool {
    !value.starts_with([' ', '\t', '\n'])
        && !value.ends_with("\n\n")
        && value.split('\n').all(|line| !line.ends_with([' ', '\t']))
}
