//! Values as YAML: plain, quoted, blocks, flow. Line ends are `\n` here; who inserts the text translates them.

use serde_json::Value;

use crate::persona::raw::is_plain_text;

/// A text as a block scalar: what stands after the colon, and the lines below it without the last line's end.
pub(super) struct Block {
    pub(super) header: String,
    pub(super) lines: Vec<String>,
}

/// How a block scalar ends.
pub(super) fn chomping(text: &str) -> &'static str {
    match text.len() - text.trim_end_matches('\n').len() {
        0 => "-",
        1 => "",
        _ => "+",
    }
}

/// Whether a block scalar can hold a text at all.
pub(super) fn fits_block(text: &str) -> bool {
    let printable = |letter: char| letter == '\n' || letter == '\t' || is_printable(letter);
    text.chars().all(printable) && text.chars().any(|letter| !matches!(letter, '\n' | ' ' | '\t'))
}

/// The digit that a block scalar needs when its first line begins with a space.
pub(super) fn indicator(text: &str, step: usize) -> String {
    let first = text.split('\n').find(|line| !line.is_empty()).unwrap_or_default();
    if first.starts_with([' ', '\t']) { step.to_string() } else { String::new() }
}

/// A text as a literal block whose parent is indented by `parent`.
pub(super) fn literal(text: &str, parent: usize) -> Option<Block> {
    if !fits_block(text) {
        return None;
    }
    let header = format!("|{}{}", indicator(text, 2), chomping(text));
    let content = text.strip_suffix('\n').unwrap_or(text);
    let lines = content.split('\n').map(|line| indented(line, parent + 2)).collect();
    Some(Block { header, lines })
}

/// A line with its indentation; an empty one stays empty.
pub(super) fn indented(line: &str, indent: usize) -> String {
    if line.is_empty() { String::new() } else { format!("{:indent$}{line}", "") }
}

fn is_printable(letter: char) -> bool {
    !letter.is_control() && !matches!(letter, '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether a text needs no quotes.
pub(super) fn is_safe_plain(text: &str, flow: bool) -> bool {
    let first = text.chars().next().unwrap_or(' ');
    let indicator = matches!(
        first,
        '-' | '?'
            | ':'
            | ','
            | '['
            | ']'
            | '{'
            | '}'
            | '#'
            | '&'
            | '*'
            | '!'
            | '|'
            | '>'
            | '\''
            | '"'
            | '%'
            | '@'
            | '`'
            | '<'
            | '='
    );
    is_plain_text(text)
        && !indicator
        && text.chars().all(is_printable)
        && text.trim() == text
        && !text.ends_with(':')
        && ![": ", " #", ":\t", "\t#"].iter().any(|trap| text.contains(trap))
        && !text.starts_with("...")
        && !(flow && text.contains([',', '[', ']', '{', '}', ':', '"']))
}

/// A text in double quotes, on one line.
pub(super) fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter if is_printable(letter) => quoted.push(letter),
            letter if u32::from(letter) < 0x100 => quoted.push_str(&format!("\\x{:02x}", u32::from(letter))),
            letter => quoted.push_str(&format!("\\u{:04x}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}

/// A text in single quotes, if it can stand there on one line.
pub(super) fn single_quoted(text: &str) -> Option<String> {
    text.chars().all(is_printable).then(|| format!("'{}'", text.replace('\'', "''")))
}

/// A key.
pub(super) fn key(name: &str, flow: bool) -> String {
    if is_safe_plain(name, flow) { name.to_owned() } else { double_quoted(name) }
}

/// A value on one line.
pub(super) fn flow(value: &Value, within_flow: bool) -> String {
    match value {
        Value::String(text) if is_safe_plain(text, within_flow) => text.clone(),
        Value::String(text) => double_quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, true)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", key(name, true), flow(value, true))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// What stands after `key:` in a block mapping indented by `parent`: with the space before it, or on lines of its own.
pub(super) fn after_key(value: &Value, parent: usize) -> String {
    let below = parent + 2;
    match value {
        Value::String(text) if text.contains('\n') => match literal(text, parent) {
            Some(Block { header, lines }) => format!(" {header}\n{}", lines.join("\n")),
            None => format!(" {}", double_quoted(text)),
        },
        Value::Array(items) if !items.is_empty() && !is_short(value) => {
            items.iter().map(|item| format!("\n{:below$}-{}", "", after_dash(item, below))).collect()
        }
        Value::Object(members) if !members.is_empty() && !is_short(value) => members
            .iter()
            .map(|(name, value)| format!("\n{:below$}{}:{}", "", key(name, false), after_key(value, below)))
            .collect(),
        _ => format!(" {}", flow(value, false)),
    }
}

/// What stands after the dash of an item of a list indented by `parent`.
pub(super) fn after_dash(value: &Value, parent: usize) -> String {
    match value {
        Value::Object(members) if !members.is_empty() && !is_short(value) => {
            let below = parent + 2;
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}:{}", key(name, false), after_key(value, below))).collect();
            format!(" {}", members.join(&format!("\n{:below$}", "")))
        }
        Value::Array(_) => format!(" {}", flow(value, false)),
        _ => after_key(value, parent),
    }
}

/// Whether a collection reads well on one line.
fn is_short(value: &Value) -> bool {
    fn one_line(value: &Value) -> bool {
        match value {
            Value::String(text) => !text.contains('\n'),
            Value::Array(items) => items.iter().all(one_line),
            Value::Object(members) => members.values().all(one_line),
            _ => true,
        }
    }
    one_line(value) && flow(value, false).chars().count() <= 60
}
