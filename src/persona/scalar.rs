//! What an unquoted YAML scalar means. Nothing here knows of files or places.
//!
//! YAML 1.2's core schema decides, and where other readers of YAML disagree with it, a [`Doubt`] comes along:
//!
//! | written | read as | why |
//! |---|---|---|
//! | `no`, `yes`, `on`, `off`, `y`, `n` | text, with a doubt | the core schema; YAML 1.1 takes booleans |
//! | `012`, `-007`, `01.5` | text, with a doubt | octal, decimal or text elsewhere; only the text loses nothing |
//! | `1_000`, `0b11`, `12:30:45` | text, with a doubt | the core schema; YAML 1.1 takes numbers |
//! | `0o17`, `1e3` | a number, with a doubt | the core schema; YAML 1.1 takes text |
//! | `0x10`, `+1`, `.5`, `5.` | a number | all readers agree |
//! | `.nan`, `.inf`, `1e400`, 23 digits | refused | JSON, which every service speaks, has no such number |
//! | `2024-01-01`, `1.2.3` | text | no JSON service has anything else |

use serde_json::Number;

/// The value of a plain scalar.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number that JSON has.
    Number(Number),
    /// Everything else.
    Text,
    /// A number that JSON does not have.
    Impossible(&'static str),
}

/// A scalar that other readers of YAML would take for something else.
#[derive(Debug, PartialEq)]
pub(super) struct Doubt {
    /// How it is read here (`text`, `a number`).
    pub(super) here: &'static str,
    /// How others read it (`a boolean`).
    pub(super) elsewhere: &'static str,
}

/// Reads a plain scalar.
pub(super) fn read(text: &str) -> (Scalar, Option<Doubt>) {
    let text_for_number = Some(Doubt { here: "text", elsewhere: "a number" });
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return (Scalar::Null, None),
        "true" | "True" | "TRUE" => return (Scalar::Bool(true), None),
        "false" | "False" | "FALSE" => return (Scalar::Bool(false), None),
        _ => {}
    }
    if ["no", "yes", "on", "off", "y", "n"].iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return (Scalar::Text, Some(Doubt { here: "text", elsewhere: "a boolean" }));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return (Scalar::Impossible("JSON has no infinity and no `NaN`"), None);
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        let Some(digits) = text.strip_prefix(prefix) else { continue };
        if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
            return (Scalar::Text, None);
        }
        if radix == 2 {
            return (Scalar::Text, text_for_number);
        }
        let doubt = (radix == 8).then_some(Doubt { here: "a number", elsewhere: "text" });
        return match u64::from_str_radix(digits, radix) {
            Ok(number) => (Scalar::Number(number.into()), doubt),
            Err(_) => (Scalar::Impossible("the number is too large to be kept exactly"), None),
        };
    }
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return (Scalar::Text, None);
    }
    if !is_number(unsigned) {
        let plain: String = unsigned.replace('_', "");
        let doubtful = (plain.len() < unsigned.len() && is_number(&plain)) || is_sexagesimal(unsigned);
        return (Scalar::Text, if doubtful { text_for_number } else { None });
    }
    let bytes = unsigned.as_bytes();
    if bytes.len() > 1 && bytes[0] == b'0' && bytes[1].is_ascii_digit() {
        return (Scalar::Text, text_for_number);
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let text = text.strip_prefix('+').unwrap_or(text);
        let number = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
        return match number {
            Ok(number) => (Scalar::Number(number), None),
            Err(_) => (Scalar::Impossible("the number is too large to be kept exactly"), None),
        };
    }
    let doubt =
        (unsigned.contains(['e', 'E']) && !unsigned.contains('.')).then_some(Doubt { here: "a number", elsewhere: "text" });
    match text.parse::<f64>().ok().and_then(Number::from_f64) {
        Some(number) => (Scalar::Number(number), doubt),
        None => (Scalar::Impossible("the number is too large for JSON"), None),
    }
}

/// Whether a text without sign is a decimal integer or float of the core schema.
fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_is_number = match mantissa.split_once('.') {
        Some((whole, part)) => (digits(whole) || (whole.is_empty() && digits(part))) && (part.is_empty() || digits(part)),
        None => digits(mantissa),
    };
    mantissa_is_number && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}

/// Whether YAML 1.1 would take `12:30` for a number to the base of sixty.
fn is_sexagesimal(text: &str) -> bool {
    let mut parts = text.split(':');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let first = parts.next().is_some_and(digits);
    let rest: Vec<&str> = parts.collect();
    first && !rest.is_empty() && rest.iter().all(|part| digits(part) && part.parse::<u8>().is_ok_and(|part| part < 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<String> {
        match read(text).0 {
            Scalar::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    #[test]
    fn yes_and_no_stay_text_and_say_so() {
        for word in ["no", "yes", "On", "OFF", "y", "n"] {
            assert_eq!(read(word), (Scalar::Text, Some(Doubt { here: "text", elsewhere: "a boolean" })), "{word}");
        }
        assert_eq!(read("none"), (Scalar::Text, None));
    }

    #[test]
    fn digits_that_readers_disagree_about_stay_text() {
        for word in ["012", "-007", "00", "01.5", "1_000", "0b11", "12:30:45"] {
            assert_eq!(read(word), (Scalar::Text, Some(Doubt { here: "text", elsewhere: "a number" })), "{word}");
        }
        for word in ["2024-01-01", "1.2.3", "12:99", "1e", "0xZZ", ".", "-", "+", "e3", "071b0286-4cce"] {
            assert_eq!(read(word), (Scalar::Text, None), "{word}");
        }
    }

    #[test]
    fn numbers_of_the_core_schema_are_numbers() {
        let read = ["0", "-12", "+1", "0x10", "0o17", "1e3", ".5", "5.", "1.10", "18446744073709551615"].map(number);
        let wanted = ["0", "-12", "1", "16", "15", "1000.0", "0.5", "5.0", "1.1", "18446744073709551615"];
        assert_eq!(read, wanted.map(|text| Some(text.to_owned())));
        assert!(super::read("1e3").1.is_some());
        assert!(super::read("1.5e3").1.is_none());
    }

    #[test]
    fn numbers_that_json_does_not_have_are_refused() {
        for word in [".nan", "-.inf", ".INF", "1e400", "18446744073709551616", "0xFFFFFFFFFFFFFFFFF"] {
            assert!(matches!(read(word).0, Scalar::Impossible(_)), "{word}");
        }
    }
}
