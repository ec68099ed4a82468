//! Writes YAML for people: block style, literal blocks for texts of several lines, quotes only where some reader of YAML would
//! misread a plain text. Whatever a value holds, the text reads back as that value, and no comment ever becomes more than that.
//!
//! An emitter of its own, since comments have to stand between the values, and since only quoting for the readers of YAML 1.1
//! too keeps the loader's doubts away.

use std::fmt::Write;

use serde_json::{Map, Value};

/// Columns of a line, as `fmt` lays files out.
const WIDTH: usize = 120;

/// A value that is to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A scalar, a list, or an object without comments.
    Value(Value),
    /// An object with comments between its members.
    Members(Vec<Line>),
    /// A mapping on one line, for expressions.
    Brief(Map<String, Value>),
}

/// One member of an object, or a comment.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A comment, possibly of several lines.
    Comment(String),
    /// A member.
    Member(String, Node),
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(members) if !members.is_empty() && !is_expression(&members) => {
                Self::Members(members.into_iter().map(|(name, value)| Line::Member(name, value.into())).collect())
            }
            Value::Object(members) => Self::Brief(members),
            other => Self::Value(other),
        }
    }
}

fn is_expression(members: &Map<String, Value>) -> bool {
    members.len() == 1 && members.keys().all(|name| name.starts_with('$'))
}

/// Writes the members of a document.
pub fn write(lines: &[Line]) -> String {
    let mut text = String::new();
    members(lines, 0, &mut text);
    text
}

fn members(lines: &[Line], indent: usize, text: &mut String) {
    for line in lines {
        match line {
            Line::Comment(comment) => {
                for line in comment.lines() {
                    pad(indent, text);
                    let line: String = line.chars().map(|letter| if is_printable(letter) { letter } else { '·' }).collect();
                    text.push_str(if line.is_empty() { "#" } else { "# " });
                    text.push_str(&line);
                    text.push('\n');
                }
            }
            Line::Member(name, node) => {
                pad(indent, text);
                text.push_str(&scalar_text(name));
                text.push(':');
                after_key(node, indent, text);
            }
        }
    }
}

/// What stands behind `name:` or `-`.
fn after_key(node: &Node, indent: usize, text: &mut String) {
    match node {
        Node::Members(lines) => {
            text.push('\n');
            members(lines, indent + 2, text);
        }
        Node::Brief(members) => {
            text.push(' ');
            brief(&Value::Object(members.clone()), text);
            text.push('\n');
        }
        Node::Value(Value::Array(items)) if !items.is_empty() => {
            text.push('\n');
            list(items, indent + 2, text);
        }
        Node::Value(value) => {
            text.push(' ');
            leaf(value, indent, text);
        }
    }
}

fn list(items: &[Value], indent: usize, text: &mut String) {
    for item in items {
        pad(indent, text);
        text.push('-');
        match Node::from(item.clone()) {
            Node::Members(lines) => {
                // The first member stands beside the dash.
                let mut inner = String::new();
                members(&lines, indent + 2, &mut inner);
                text.push(' ');
                text.push_str(&inner[indent + 2..]);
            }
            Node::Value(list @ Value::Array(_)) => {
                text.push(' ');
                brief(&list, text);
                text.push('\n');
            }
            node => after_key(&node, indent, text),
        }
    }
}

/// A scalar or an empty list, with its line's end.
fn leaf(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::String(string) if is_block(string) || is_long(string, text) => block(string, indent + 2, text),
        Value::String(string) => {
            text.push_str(&scalar_text(string));
            text.push('\n');
        }
        other => {
            brief(other, text);
            text.push('\n');
        }
    }
}

/// Any value on one line.
fn brief(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(switch) => text.push_str(if *switch { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number_text(&number.to_string())),
        // Commas and brackets mean something here, so only the plainest texts go without quotes.
        Value::String(string) if is_words(string) => text.push_str(string),
        Value::String(string) => quoted(string, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                brief(item, text);
            }
            text.push(']');
        }
        Value::Object(members) if members.is_empty() => text.push_str("{}"),
        Value::Object(members) => {
            text.push_str("{ ");
            for (index, (name, member)) in members.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                if is_word(name) || name.strip_prefix('$').is_some_and(is_word) {
                    text.push_str(name);
                } else {
                    quoted(name, text);
                }
                text.push_str(": ");
                brief(member, text);
            }
            text.push_str(" }");
        }
    }
}

/// `1e21` is text for readers of YAML 1.1; `1.0e21` is a number for all.
fn number_text(number: &str) -> String {
    match number.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
        _ => number.to_owned(),
    }
}

/// A text on one line: plain where every reader takes it for that text, else in double quotes.
pub fn scalar_text(string: &str) -> String {
    if is_plain(string) {
        return string.to_owned();
    }
    let mut text = String::new();
    quoted(string, &mut text);
    text
}

fn is_plain(string: &str) -> bool {
    let our_key = string.strip_prefix('$').is_some_and(is_word);
    let safe = |letter: char| letter.is_alphanumeric() && is_printable(letter) || " _-./,;!?%+*'()&=@$^~<>|\"".contains(letter);
    our_key
        || string.starts_with(|first: char| first.is_alphabetic())
            && !string.ends_with(' ')
            && string.chars().all(safe)
            && !is_taken(string)
        || is_uuid(string)
}

/// Whether a text is plain names with blanks between them.
fn is_words(string: &str) -> bool {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/' | ' ');
    is_word(string) || is_plain(string) && string.is_ascii() && string.chars().all(safe)
}

/// Whether a text is a plain name.
fn is_word(string: &str) -> bool {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/');
    string.starts_with(|first: char| first.is_ascii_alphabetic()) && string.chars().all(safe) && !is_taken(string)
        || is_uuid(string)
}

/// Words that some reader of YAML takes for something else than a text.
fn is_taken(string: &str) -> bool {
    matches!(string.to_ascii_lowercase().as_str(), "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n")
}

fn is_uuid(string: &str) -> bool {
    let groups: Vec<&str> = string.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn quoted(string: &str, text: &mut String) {
    text.push('"');
    for letter in string.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            letter if is_printable(letter) => text.push(letter),
            letter => {
                let code = u32::from(letter);
                // Writing into a String cannot fail.
                let _ = if code <= 0xFFFF { write!(text, "\\u{code:04x}") } else { write!(text, "\\U{code:08x}") };
            }
        }
    }
    text.push('"');
}

/// Whether a character may stand in YAML as it is, and shows a reader what it is: no controls, no line ends of other standards, no
/// marks that turn the direction of writing.
fn is_printable(letter: char) -> bool {
    !(letter.is_control()
        || matches!(
            u32::from(letter),
            0x061C | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFF | 0xE0000..=0xE0FFF
        ))
}

/// Whether a text is written as a literal block: several lines that every reader gives back as they are.
fn is_block(string: &str) -> bool {
    let shown = |letter: char| letter == '\n' || letter == '\t' || is_printable(letter);
    string.trim_end_matches('\n').contains('\n')
        && string.chars().all(shown)
        // Readers disagree about tabs where indentation may be, and about lines of nothing but blanks.
        && string.lines().all(|line| !line.starts_with('\t') && (line.is_empty() || !line.trim().is_empty()))
}

/// Whether a text of one line would have to be quoted on a line that is too long to be read.
fn is_long(string: &str, text: &str) -> bool {
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count();
    let quoted = scalar_text(string);
    quoted.starts_with('"')
        && column + quoted.chars().count() > WIDTH
        && string.contains(' ')
        && !string.ends_with(' ')
        && !string.starts_with(' ')
        && string.chars().all(is_printable)
}

fn block(string: &str, indent: usize, text: &mut String) {
    text.push('|');
    if string.starts_with([' ', '\n']) {
        text.push('2');
    }
    let body = string.trim_end_matches('\n');
    text.push_str(match string.len() - body.len() {
        0 => "-\n",
        1 => "\n",
        _ => "+\n",
    });
    // With `+`, every line end beyond the first is an empty line of its own.
    let lines = if string.len() - body.len() > 1 { &string[..string.len() - 1] } else { body };
    for line in lines.split('\n') {
        if !line.is_empty() {
            pad(indent, text);
            text.push_str(line);
        }
        text.push('\n');
    }
}

fn pad(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
