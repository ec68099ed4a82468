//! Keeps keys that stand literally in a file off every screen: it makes the copy of the text that problems quote from.
//!
//! Exact where the file could be parsed, by the look of the lines where not: somebody who pastes a key into a broken file must
//! not find it in the log of a pipeline.

use std::ops::Range;

use super::name::is_variable;
use super::node::{Kind, Node};

/// The text with every literal secret replaced by as many bytes of `*`; none if there is none.
pub(super) fn masked(text: &str, root: Option<&Node>) -> Option<String> {
    let mut spans = by_lines(text);
    if let Some(root) = root {
        by_nodes(root, &mut spans);
    }
    if spans.is_empty() {
        return None;
    }
    let mut bytes = text.as_bytes().to_vec();
    for span in spans {
        for byte in &mut bytes[span] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    }
    // Spans begin and end between characters, so what is left is still UTF-8.
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The names of fields that hold secrets, in small letters and without anything between them.
const SECRETS: [&str; 9] =
    ["apikey", "xapikey", "authorization", "secret", "clientsecret", "password", "token", "accesstoken", "authtoken"];

/// Whether a field of this name holds a secret. A key in the place of a variable's name (`$env`) counts too.
fn is_secret(name: &str) -> bool {
    let letters = || name.bytes().filter(u8::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase());
    let first = letters().next();
    SECRETS.iter().any(|secret| secret.bytes().next() == first && secret.bytes().eq(letters()))
}

fn by_nodes(node: &Node, spans: &mut Vec<Range<usize>>) {
    match &node.kind {
        Kind::List(items) => items.iter().for_each(|item| by_nodes(item, spans)),
        Kind::Mapping(entries) => {
            for entry in entries {
                let secret = is_secret(&entry.key) || (entry.key == "$env" && !entry.value.text().is_some_and(is_variable));
                if secret && matches!(entry.value.kind, Kind::Text(_) | Kind::Number(_)) {
                    spans.push(entry.value.place.span.clone());
                }
                by_nodes(&entry.value, spans);
            }
        }
        _ => {}
    }
}

fn by_lines(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    // The indentation of a secret key whose value goes on below it.
    let mut open: Option<usize> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end_matches(['\n', '\r']).len();
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        let blank = line.trim().is_empty();
        match open {
            Some(above) if blank || indentation > above => {
                let first = line.trim_start();
                // A mapping below the key is an expression, judged by what it names.
                if first.starts_with(['$', '{', '"', '\'']) && first.contains('$') {
                    spans.extend(values(&text[start..end]).into_iter().map(|value| start + value.start..start + value.end));
                } else {
                    spans.push(start + indentation.min(end - start)..end);
                }
            }
            _ => {
                open = None;
                for value in values(&text[start..end]) {
                    let written = &text[start + value.start..start + value.end];
                    if written.is_empty() || written.starts_with(['|', '>', '&', '!']) {
                        open = Some(indentation);
                    }
                    if !written.is_empty() && !written.starts_with(['{', '|', '>', '*']) {
                        spans.push(start + value.start..start + value.end);
                        open = Some(indentation);
                    }
                }
            }
        }
        let addresses = line.match_indices(':').filter(|(at, _)| line[*at..].starts_with("://"));
        for origin in addresses.map(|(at, _)| start + at + 3) {
            let authority = text[origin..end].find(['/', '"', '\'', ' ', '}']).map_or(end, |length| origin + length);
            if let Some(at) = text[origin..authority].rfind('@') {
                spans.push(origin..origin + at);
            }
        }
        start += line.len();
    }
    spans
}

/// The stretches of a line after `api_key:` and the like.
fn values(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (colon, _) in line.match_indices(':') {
        let before = line[..colon].trim_end().trim_end_matches(['"', '\'']);
        let name_start = before
            .char_indices()
            .rev()
            .take_while(|(_, character)| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'))
            .last()
            .map_or(before.len(), |(at, _)| at);
        let name = &before[name_start..];
        let variable = name == "env" && before[..name_start].ends_with('$');
        let hides = is_secret(name) && is_key(&before[..name_start]);
        if !(hides || variable) {
            continue;
        }
        let start = colon + 1 + (line[colon + 1..].len() - line[colon + 1..].trim_start().len());
        let rest = &line[start..];
        let length = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |end| end + 2),
            _ if line[..name_start].contains('{') => rest.find([',', '}']).unwrap_or(rest.len()),
            _ => rest.len(),
        };
        if !(variable && is_variable(rest[..length].trim_matches(['"', '\'', ' ']))) {
            found.push(start..start + length);
        }
    }
    found
}

/// Whether what stands on the line before a word leaves it in the place of a key, also of one in a comment; a sentence does not.
fn is_key(before: &str) -> bool {
    let before = before.trim_end().trim_end_matches(['"', '\'']).trim_end();
    let last_word = before.rsplit([' ', '\t']).next().unwrap_or_default();
    before.is_empty() || before.ends_with(['{', '[', ',', '-', '?', '#']) || last_word.starts_with(['&', '!'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> bool {
        masked(text, None).is_some_and(|masked| masked.len() == text.len() && !masked.contains("sk-live"))
    }

    #[test]
    fn literal_keys_are_hidden_even_in_broken_files() {
        for text in [
            "api_key: sk-live",
            "  api_key : 'sk-live': [",
            "x: { api_key: sk-live, base_url: x }",
            "{\"api_key\": \"sk-live, more\", b: 1}",
            "api_key: |\n  sk-live\n\n  sk-live\nb: 1",
            "api_key:\n  sk-live\n",
            "apiKey: &k sk-live\n",
            "api_key: >-\n  sk-live {\n",
            "base_url: https://user:sk-live@host/x",
            "api_key: é\n  sk-live é",
            "api_key: first\n  sk-live",
            "api_key: { $env: sk-live }",
            "api_key:\n  $env: 'sk-live'",
            "  # api_key: sk-live",
            "- &key api_key: sk-live",
            "{\"a\": 1, 'api_key': 'sk-live'}",
        ] {
            assert!(hidden(text), "{text} -> {:?}", masked(text, None));
        }
    }

    #[test]
    fn names_of_variables_and_sentences_stay_readable() {
        for text in [
            "api_key: { $env: KEY }",
            "api_key:\n  $env: KEY\n",
            "max_tokens: 12\n",
            "prompt: a token: b\nx: \"http://a/b@c\"",
            "voice: x # its key is a secret: never written here",
        ] {
            assert_eq!(masked(text, None), None, "{text}");
        }
    }
}
