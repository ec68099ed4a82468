//! Takes secrets out of texts, in every form in which a service or a library may repeat them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::provider::{Body, Response};

/// What stands in a secret's stead.
const STAND_IN: &str = "(secret)";

/// The shortest secret that is looked for: replacing a shorter one would garble the text and tell what it is.
const SHORTEST: usize = 4;

/// The shortest encoded form that is looked for: parts of Base64 are made of few letters.
const SHORTEST_ENCODED: usize = 6;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Knows secrets, never prints them, and takes them out of texts.
#[derive(Clone)]
pub struct Redactor {
    /// Every form of every secret, the longest first.
    forms: Vec<SecretString>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor of these secrets: as they are, and as they stand in JSON, URLs, HTML, Rust's debug texts, hexadecimal and
    /// Base64, there also within a longer text. Secrets of fewer than four bytes are not looked for.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut forms: Vec<String> = Vec::new();
        for secret in secrets {
            // A service may have trimmed what it repeats.
            for plain in [secret.expose_secret(), secret.expose_secret().trim()] {
                if plain.len() >= SHORTEST {
                    forms.push(plain.to_owned());
                    forms.extend(encoded(plain).into_iter().filter(|form| form.len() >= SHORTEST_ENCODED));
                }
            }
        }
        Self::of(forms)
    }

    fn of(mut forms: Vec<String>) -> Self {
        forms.sort_by(|left, right| right.len().cmp(&left.len()).then_with(|| left.cmp(right)));
        forms.dedup();
        Self { forms: forms.into_iter().map(SecretString::from).collect() }
    }

    /// A redactor of more secrets.
    #[must_use]
    pub fn and<'a>(&self, secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let both = [self, &Self::new(secrets)];
        Self::of(both.iter().flat_map(|one| &one.forms).map(|form| form.expose_secret().to_owned()).collect())
    }

    /// A redactor that leaves short secrets alone: for texts in which common words must stay what they are.
    #[must_use]
    pub fn at_least(mut self, bytes: usize) -> Self {
        self.forms.retain(|form| form.expose_secret().len() >= bytes);
        self
    }

    /// Whether a text holds a secret.
    pub fn finds(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form.expose_secret()))
    }

    /// A text without secrets. Where the text was cut, what is left of a secret at its end is taken out as well.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for form in &self.forms {
            if text.contains(form.expose_secret()) {
                text = text.replace(form.expose_secret(), STAND_IN);
            }
        }
        if let Some(cut) = text.strip_suffix('…') {
            let left = self.forms.iter().map(ExposeSecret::expose_secret).find_map(|form| {
                let starts = form.char_indices().map(|(at, _)| at).filter(|at| *at >= SHORTEST).rev();
                starts.map(|at| &form[..at]).find(|start| cut.ends_with(start)).map(str::len)
            });
            if let Some(left) = left {
                text = format!("{}{STAND_IN}…", &cut[..cut.len() - left]);
            }
        }
        text
    }

    /// JSON without secrets, keys included.
    pub fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => {
                let taken = std::mem::take(members);
                *members = taken
                    .into_iter()
                    .map(|(key, mut member)| {
                        self.value(&mut member);
                        (self.text(&key), member)
                    })
                    .collect::<Map<_, _>>();
            }
            Value::Number(number) => {
                let text = number.to_string();
                if self.finds(&text) {
                    *value = Value::from(self.text(&text));
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A response without secrets where it is words and no object: a refusal, or something that is no JSON. It must happen
    /// before anybody shortens them.
    pub(super) fn response(&self, response: &mut Response) {
        let success = response.is_success();
        match &mut response.body {
            Body::Text(text) => *text = self.text(text),
            Body::Json(value) if !success => self.value(value),
            Body::Json(_) | Body::Empty => {}
        }
    }
}

/// A secret as others may write it.
fn encoded(plain: &str) -> Vec<String> {
    let quoted = |text: String| text.trim_matches('"').to_owned();
    let json = serde_json::to_string(plain).map(|text| text[1..text.len() - 1].to_owned()).unwrap_or_default();
    let ascii: String = json
        .encode_utf16()
        .map(|unit| char::from_u32(unit.into()).filter(char::is_ascii).map_or_else(|| format!("\\u{unit:04x}"), String::from))
        .collect();
    let html = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let hex: String = plain.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        json.replace('/', "\\/"),
        json,
        ascii,
        html.replace('\'', "&#39;"),
        html.replace('\'', "&#x27;"),
        html,
        quoted(format!("{plain:?}")),
        hex.to_uppercase(),
        hex,
    ];
    for set in [NON_ALPHANUMERIC, UNRESERVED] {
        let upper = utf8_percent_encode(plain, set).to_string();
        let lower = upper.split('%').enumerate().map(|(index, part)| match part.split_at_checked(2) {
            Some((hex, rest)) if index > 0 => format!("{}{rest}", hex.to_lowercase()),
            _ => part.to_owned(),
        });
        forms.push(lower.collect::<Vec<_>>().join("%"));
        forms.push(upper.replace("%20", "+"));
        forms.push(upper);
    }
    for before in 0..3 {
        let part = base64_part(plain.as_bytes(), before);
        forms.push(part.replace('+', "-").replace('/', "_"));
        forms.push(part);
    }
    forms
}

/// The letters of Base64 that depend on these bytes alone, where so many bytes (of three) stand before them.
fn base64_part(bytes: &[u8], before: usize) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
    let offset = before * 8;
    let (first, last) = (offset.div_ceil(6), (offset + bytes.len() * 8) / 6);
    let letter = |index: usize| (0..6).fold(0, |value, place| value << 1 | bit(index * 6 + place - offset));
    (first..last).map(|index| char::from(BASE64[letter(index)])).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redactor(secret: &str) -> Redactor {
        Redactor::new([&SecretString::from(secret)])
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        let redactor = redactor("s3cr\"t/+&é key");
        for text in [
            "s3cr\"t/+&é key",
            r#"s3cr\"t/+&é key"#,
            r#"s3cr\"t\/+&é key"#,
            r#"s3cr\"t/+&\u00e9 key"#,
            "s3cr&quot;t/+&amp;é key",
            "s3cr%22t%2F%2B%26%C3%A9%20key",
            "s3cr%22t%2f%2b%26%c3%a9%20key",
            "s3cr%22t%2F%2B%26%C3%A9+key",
        ] {
            assert_eq!(redactor.text(&format!("<{text}>")), "<(secret)>", "{text}");
        }
    }

    #[test]
    fn base64_gives_a_secret_away_wherever_it_stands() {
        // echo -n 'sk-live-0123456789' | base64, then with `u:`, `Bearer ` before and `!` after.
        let redactor = redactor("sk-live-0123456789");
        for (text, hidden) in [
            ("c2stbGl2ZS0wMTIzNDU2Nzg5", "c2stbGl2ZS0wMTIzNDU2Nzg5"),
            ("dTpzay1saXZlLTAxMjM0NTY3ODk=", "zay1saXZlLTAxMjM0NTY3OD"),
            ("QmVhcmVyIHNrLWxpdmUtMDEyMzQ1Njc4OSE=", "rLWxpdmUtMDEyMzQ1Njc4O"),
        ] {
            let redacted = redactor.text(text);
            assert!(redacted.contains(STAND_IN) && !redacted.contains(hidden), "{text}: {redacted}");
        }
        assert_eq!(redactor.text("736b2d6c6976652d30313233343536373839"), STAND_IN);
    }

    #[test]
    fn what_is_left_of_a_secret_at_a_cut_goes_too() {
        let redactor = redactor("sk-live-0123456789");
        assert_eq!(redactor.text("bad key sk-live-0123…"), "bad key (secret)…");
        assert_eq!(redactor.text("bad key sk-live-0123"), "bad key sk-live-0123", "not cut, and not the secret");
    }

    #[test]
    fn short_secrets_are_left_and_nothing_else_is_touched() {
        assert_eq!(redactor("abc").text("abc of the alphabet"), "abc of the alphabet");
        assert_eq!(redactor("long enough").text("nothing here"), "nothing here");
        assert_eq!(redactor("long enough").at_least(20).text("long enough"), "long enough");
    }

    #[test]
    fn json_is_redacted_in_keys_texts_and_numbers() {
        let mut value = json!({"123456": [123456, "x123456x", {"a": 1.5}]});
        redactor("123456").value(&mut value);
        assert_eq!(value, json!({"(secret)": ["(secret)", "x(secret)x", {"a": 1.5}]}));
    }

    #[test]
    fn objects_of_a_success_stay_as_they_are() {
        let body = Body::Json(json!({"key": "long enough"}));
        let mut success = Response { status: 200, body: body.clone() };
        redactor("long enough").response(&mut success);
        assert_eq!(success.body, body);
        let mut refusal = Response { status: 400, body };
        redactor("long enough").response(&mut refusal);
        assert_eq!(refusal.body, Body::Json(json!({"key": STAND_IN})));
    }

    #[test]
    fn it_cannot_be_printed() {
        assert!(!format!("{:?}", redactor("long enough")).contains("long"));
    }
}
