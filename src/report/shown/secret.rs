//! Secrets in values: how they read, and a second fence around them. The digest is never shown, and neither is whatever stands
//! where a secret stood or shall stand.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::plan::value::{SECRET_MARK, is_secret};

/// A secret in words; none for other values.
pub(in crate::report) fn words(value: &Value) -> Option<String> {
    name(value).map(|name| match name {
        Some(name) => format!("(secret from ${name})"),
        None => "(a value not shown)".to_owned(),
    })
}

/// Two secrets in words; none where one of them is none.
pub(in crate::report) fn change_words(old: &Value, new: &Value) -> Option<String> {
    let (old_name, new_name) = (name(old)??, name(new)??);
    let changed = if old.get("digest") == new.get("digest") { "" } else { ", changed" };
    Some(if old_name == new_name {
        format!("(secret from ${new_name}{changed})")
    } else {
        format!("(secret from ${old_name}) -> (secret from ${new_name}{changed})")
    })
}

/// The name of a secret's variable; the inner none is a [`hidden`] value.
fn name(value: &Value) -> Option<Option<&str>> {
    is_secret(value).then(|| value.get(SECRET_MARK).and_then(Value::as_str))
}

/// Stands for a value that must not be shown.
fn hidden() -> Value {
    json!({ SECRET_MARK: null })
}

/// Both sides of a change, with everything hidden that stands under a name under which the other side keeps a secret.
///
/// A service may show in clear what the files call a secret. The planner hides it where it compares; this also holds inside
/// lists, and for what a service made of a write.
pub(in crate::report) fn fence(member: &str, old: Option<&Value>, new: Option<&Value>) -> (Option<Value>, Option<Value>) {
    let mut names = BTreeSet::new();
    for value in [old, new].into_iter().flatten() {
        collect(member, value, &mut names);
    }
    let fenced = |value: Option<&Value>| value.map(|value| hide(member, value, &names));
    (fenced(old), fenced(new))
}

fn collect<'a>(member: &'a str, value: &'a Value, names: &mut BTreeSet<&'a str>) {
    match value {
        _ if is_secret(value) => drop(names.insert(member)),
        Value::Array(items) => items.iter().for_each(|item| collect(member, item, names)),
        Value::Object(members) => members.iter().for_each(|(key, value)| collect(key, value, names)),
        _ => {}
    }
}

fn hide(member: &str, value: &Value, names: &BTreeSet<&str>) -> Value {
    match value {
        _ if is_secret(value) => value.clone(),
        Value::Array(items) => items.iter().map(|item| hide(member, item, names)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), hide(key, value, names))).collect::<Map<_, _>>().into()
        }
        Value::Null => Value::Null,
        _ if names.contains(member) => hidden(),
        _ => value.clone(),
    }
}

/// A request's body as it is printed: each secret as `$NAME`.
pub(in crate::report) fn body(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(body).collect(),
        Value::Object(members) => match name(value) {
            Some(name) => Value::from(format!("${}", name.unwrap_or_default())),
            None => members.iter().map(|(key, value)| (key.clone(), body(value))).collect::<Map<_, _>>().into(),
        },
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_as_its_variable_and_never_as_its_digest() {
        let one = json!({"$env": "LLM_KEY", "digest": "d1"});
        let two = json!({"$env": "LLM_KEY", "digest": "d2"});
        let other = json!({"$env": "NEW_KEY", "digest": "d1"});
        assert_eq!(words(&one).as_deref(), Some("(secret from $LLM_KEY)"));
        assert_eq!(change_words(&one, &two).as_deref(), Some("(secret from $LLM_KEY, changed)"));
        assert_eq!(change_words(&one, &other).as_deref(), Some("(secret from $LLM_KEY) -> (secret from $NEW_KEY)"));
        assert_eq!(body(&json!([{"value": one}])), json!([{"value": "$LLM_KEY"}]));
    }

    #[test]
    fn what_stands_where_a_secret_stands_is_hidden_too() {
        let old = json!([{"name": "crm", "token": "sk-live-1"}]);
        let new = json!([{"name": "crm", "token": {"$env": "CRM_TOKEN", "digest": "d"}}]);
        let (old, _) = fence("tools", Some(&old), Some(&new));
        assert_eq!(old, Some(json!([{"name": "crm", "token": {"$env": null}}])));
        let (old, _) = fence("api_key", Some(&json!("sk-live-1")), Some(&json!({"$env": "KEY"})));
        assert_eq!(words(&old.expect("a value")).as_deref(), Some("(a value not shown)"));
    }
}
