//! Writes YAML for people: block style, literal blocks for texts of several lines, quotes only where some reader of YAML would
//! misread a plain text. Whatever a value holds, the text reads back as that value, and no comment ever becomes more than that.
//!
//! An emitter of its own, since comments have to stand between the values, and since only quoting for the readers of YAML 1.1
//! too keeps the loader's doubts away.

use std::fmt::Write;

use serde_json::{Map, Value};

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
        Value::String(string) if is_block(string) => block(string, indent + 2, text),
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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn document(value: Value) -> String {
        match Node::from(value) {
            Node::Members(lines) => write(&lines),
            other => panic!("a test wants members, not {other:?}"),
        }
    }

    /// Read by another parser than the loader's.
    fn read(text: &str) -> Value {
        serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
    }

    #[test]
    fn a_document_is_written_for_people() {
        let value = json!({
            "name": "Support Guide", "id": "071b0286-4cce-4808-bee2-e642f1062de3", "age": 12, "share": 0.7, "on": true,
            "tags": ["a b", "yes", "1.0"], "empty": [], "steps": [{"name": "x", "deep": {"k": [1]}}, [1, "a, b"]],
            "secret": {"$env": "KEY"}, "text": "Be kind.\n\n  - always\n",
        });
        let wanted = "\
age: 12
empty: []
id: 071b0286-4cce-4808-bee2-e642f1062de3
name: Support Guide
\"on\": true
secret: { $env: KEY }
share: 0.7
steps:
  - deep:
      k:
        - 1
    name: x
  - [1, \"a, b\"]
tags:
  - a b
  - \"yes\"
  - \"1.0\"
text: |
  Be kind.

    - always
";
        assert_eq!(document(value.clone()), wanted);
        assert_eq!(read(wanted), value);
    }

    #[test]
    fn texts_that_readers_disagree_about_are_quoted() {
        for text in
            ["no", "Null", "012", "1e3", "1_000", "12:30:45", "0x1F", "~", "", " a", "a ", "a: b", "a #b", "- a", "&a", "*a"]
        {
            assert!(scalar_text(text).starts_with('"'), "{text}");
        }
        for text in ["Hi there! (again)", "p0000000000b", "añb 日本", "$id", "it's 5%"] {
            assert_eq!(scalar_text(text), text);
        }
    }

    #[test]
    fn line_ends_of_blocks_are_kept() {
        for text in ["a\nb", "a\nb\n", "a\nb\n\n\n", "\na\nb", "  a\nb", "a\n\n\nb\n", "a\nb  \nc"] {
            let written = document(json!({"deep": {"text": text}}));
            assert!(written.contains("text: |"), "{written}");
            assert_eq!(read(&written)["deep"]["text"], text, "{written}");
        }
    }

    #[test]
    fn what_does_not_show_is_escaped() {
        let text = "a\u{0}\u{7f}\u{85}\u{2028}\u{202e}\u{feff}\u{200b}🚲";
        let written = document(json!({ "text": text }));
        assert_eq!(written, "text: \"a\\u0000\\u007f\\u0085\\u2028\\u202e\\ufeff\\u200b🚲\"\n");
        assert_eq!(read(&written)["text"], text);
    }

    #[test]
    fn a_comment_stays_a_comment() {
        let lines =
            [Line::Comment("one\nname: two\rname: three\u{2028}x".to_owned()), Line::Member("a".into(), json!(1).into())];
        assert_eq!(write(&lines), "# one\n# name: two·name: three·x\na: 1\n");
    }

    fn text() -> impl Strategy<Value = String> {
        let pieces = [
            "\n", "\t", " ", "  ", ":", "#", "\"", "'", "\\", "\r\n", "-", "---", "a", "b c", "🚲", "|", "%", "{", "\u{2028}",
            "no", "1",
        ];
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            text().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no infinity", |number| number.is_finite()).prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(text(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_reads_back(value in value()) {
            let written = document(json!({"deep": {"value": value}}));
            prop_assert_eq!(&read(&written)["deep"]["value"], &value, "{}", written);
        }
    }
}
