//! What looks like a secret, by its name or by how a service shows it.

use serde_json::Value;

use crate::plan::value::sounds_secret;

/// The variable of a stand-in for a secret, in exactly the form in which one is made. Whether a service forged it is for those to
/// find out who know the digests.
pub(super) fn stand_in(value: &Value) -> Option<&str> {
    let members = value.as_object().filter(|members| members.len() == 2)?;
    members.get("digest")?.as_str()?;
    members.get("$env")?.as_str()
}

/// Whether a value or something in it is true of a test.
pub(super) fn holds(value: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| holds(item, test)),
        _ => test(value),
    }
}

/// A text of nothing but stars or dots, as services show what they hide.
pub(super) fn is_masked(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() >= 4 && text.chars().all(|letter| matches!(letter, '*' | '•' | '●')))
}

/// Whether a list holds, however deep, a text under a name that sounds secret, or a masked one.
pub(super) fn hides_secret(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(hides_secret),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| value.is_string() && sounds_secret(name) || is_masked(value) || hides_secret(value)),
        _ => false,
    }
}
