//! JSON values as the planner sees them: equality by value, pointers, leaves, and the stand-ins for secrets.

use serde_json::{Map, Value};

use crate::persona::name::Pointer;

/// The member that marks a stand-in for a secret: `{"$env": NAME}`, and with its keyed digest `{"$env": NAME, "digest": …}`.
pub const SECRET_MARK: &str = "$env";

/// Whether a value stands for a secret.
pub fn is_secret(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.contains_key(SECRET_MARK))
}

/// Whether people keep secrets under such a name. `max_tokens` and the like are none.
pub fn sounds_secret(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    ["apikey", "secret", "password", "token", "authorization", "privatekey", "accesskey", "bearer"]
        .iter()
        .any(|word| name.ends_with(word))
}

/// Begins the stand-in for a secret within a longer text: `(secret $NAME 0123456789abcdef)`, with the start of its keyed digest.
const HIDDEN: &str = "(secret $";

/// Hexadecimal digits of the digest in such a stand-in.
pub const HIDDEN_DIGITS: usize = 16;

/// The stand-in for a secret within a longer text.
pub fn hidden(name: &str, digest: &str) -> String {
    let hexadecimal = digest.rsplit(':').next().unwrap_or_default();
    format!("{HIDDEN}{name} {})", hexadecimal.get(..HIDDEN_DIGITS).unwrap_or(hexadecimal))
}

/// Every stand-in for a secret within a text: where it stands, the name, and the start of the digest.
pub fn hidden_in(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, &str, &str)> {
    text.match_indices(HIDDEN).filter_map(|(start, _)| {
        let (name, rest) = text[start + HIDDEN.len()..].split_once(' ')?;
        let digest = rest.get(..HIDDEN_DIGITS)?;
        let whole = rest[HIDDEN_DIGITS..].starts_with(')')
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let end = start + HIDDEN.len() + name.len() + 1 + HIDDEN_DIGITS + 1;
        whole.then_some((start..end, name, digest))
    })
}

/// Whether a value is a stand-in for a secret, or holds one, however deep.
pub fn holds_secret(value: &Value) -> bool {
    holds(value, &|value| is_secret(value) || value.as_str().is_some_and(|text| hidden_in(text).next().is_some()))
}

/// Whether a test is true of a value or of anything in it, however deep.
pub fn holds(value: &Value, test: &impl Fn(&Value) -> bool) -> bool {
    test(value)
        || match value {
            Value::Array(items) => items.iter().any(|item| holds(item, test)),
            Value::Object(members) => members.values().any(|member| holds(member, test)),
            _ => false,
        }
}

/// The member that marks a stand-in for an id that only the service knows: `{"$lookup": {KIND: NAME}}`.
pub const LOOKUP_MARK: &str = "$lookup";

/// Kind and name, if a value stands for the id behind a name.
pub fn lookup(value: &Value) -> Option<(&str, &str)> {
    let members = value.as_object().filter(|members| members.len() == 1)?.get(LOOKUP_MARK)?.as_object()?;
    let (kind, name) = members.iter().next().filter(|_| members.len() == 1)?;
    Some((kind, name.as_str()?))
}

/// Every stand-in for an id with its pointer, also those in lists (`/toolIds/0`).
pub fn lookups(fields: &Map<String, Value>) -> Vec<(Pointer, &str, &str)> {
    fn walk<'a>(at: &Pointer, value: &'a Value, found: &mut Vec<(Pointer, &'a str, &'a str)>) {
        if let Some((kind, name)) = lookup(value) {
            found.push((at.clone(), kind, name));
            return;
        }
        match value {
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| walk(&at.child(index.to_string()), item, found));
            }
            Value::Object(members) => members.iter().for_each(|(key, member)| walk(&at.child(key), member, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    // Few fields hold any, and pointers to all that is below them cost more than looking first.
    let holding = fields.iter().filter(|(_, value)| holds(value, &|value| value.get(LOOKUP_MARK).is_some()));
    holding.for_each(|(key, value)| walk(&Pointer::root().child(key), value, &mut found));
    found
}

/// Whether two values are the same: numbers by value (`1` is `1.0`), objects without order, secrets by their digests.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left_map), Value::Object(right_map)) => {
            if is_secret(left) && is_secret(right) {
                return left_map.get("digest") == right_map.get("digest");
            }
            left_map.len() == right_map.len()
                && left_map.iter().all(|(key, left)| right_map.get(key).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}

/// Whether a value is `null`, `""`, `[]` or `{}`.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The value at a pointer; lists are not entered.
pub fn get<'a>(fields: &'a Map<String, Value>, pointer: &Pointer) -> Option<&'a Value> {
    let (first, rest) = pointer.segments().split_first()?;
    let mut value = fields.get(first)?;
    for segment in rest {
        value = value.as_object()?.get(segment)?;
    }
    Some(value)
}

/// Writes a value at a pointer, making the objects above it (in place of anything that is none).
pub fn set(fields: &mut Map<String, Value>, pointer: &Pointer, value: Value) {
    let Some((last, above)) = pointer.segments().split_last() else { return };
    let mut object = fields;
    for segment in above {
        let entry = object.entry(segment.clone()).or_insert(Value::Null);
        if !entry.is_object() {
            *entry = Value::Object(Map::new());
        }
        match entry {
            Value::Object(inner) => object = inner,
            _ => return,
        }
    }
    object.insert(last.clone(), value);
}

/// The value at a pointer; lists are entered.
pub fn item<'a>(fields: &'a Map<String, Value>, pointer: &Pointer) -> Option<&'a Value> {
    let (first, rest) = pointer.segments().split_first()?;
    rest.iter().try_fold(fields.get(first)?, |value, segment| match value {
        Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
        value => value.as_object()?.get(segment),
    })
}

/// Puts another value in the place of one that is there; lists are entered. Nothing happens where there is none.
pub fn replace(fields: &mut Map<String, Value>, pointer: &Pointer, value: Value) {
    let Some((first, rest)) = pointer.segments().split_first() else { return };
    let mut at = fields.get_mut(first);
    for segment in rest {
        at = match at {
            Some(Value::Object(members)) => members.get_mut(segment),
            Some(Value::Array(items)) => segment.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            _ => None,
        };
    }
    if let Some(at) = at {
        *at = value;
    }
}

/// Removes the value at a pointer and returns it; the objects above it stay.
pub fn remove(fields: &mut Map<String, Value>, pointer: &Pointer) -> Option<Value> {
    let (last, above) = pointer.segments().split_last()?;
    remove_below(fields, above.iter().map(String::as_str), last)
}

/// As [`remove`], at a path as rules write it (`/layers/llm/api_key`).
pub fn remove_at(fields: &mut Map<String, Value>, path: &str) -> Option<Value> {
    let (above, last) = path.rsplit_once('/')?;
    remove_below(fields, above.split('/').skip(1), last)
}

fn remove_below<'a>(fields: &mut Map<String, Value>, above: impl Iterator<Item = &'a str>, last: &str) -> Option<Value> {
    let mut object = fields;
    for segment in above {
        object = object.get_mut(segment)?.as_object_mut()?;
    }
    object.remove(last)
}

/// Every leaf with its pointer, in order: scalars, lists, secrets and empty objects. Lists are not entered.
pub fn leaves(fields: &Map<String, Value>) -> Vec<(Pointer, &Value)> {
    fn walk<'a>(at: Pointer, value: &'a Value, found: &mut Vec<(Pointer, &'a Value)>) {
        match value {
            Value::Object(members) if !members.is_empty() && !is_secret(value) => {
                for (key, value) in members {
                    walk(at.child(key), value, found);
                }
            }
            _ => found.push((at, value)),
        }
    }
    let mut found = Vec::new();
    for (key, value) in fields {
        walk(Pointer::new([key]), value, &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_the_same_by_value() {
        assert!(same(&json!({"speed": 1, "list": [0.5]}), &json!({"list": [0.5], "speed": 1.0})));
        assert!(!same(&json!(1), &json!("1")));
    }

    #[test]
    fn secrets_are_the_same_by_digest_alone() {
        let one = json!({"$env": "OLD_NAME", "digest": "d1"});
        assert!(same(&one, &json!({"$env": "NEW_NAME", "digest": "d1"})));
        assert!(!same(&one, &json!({"$env": "OLD_NAME", "digest": "d2"})));
    }

    #[test]
    fn leaves_keep_lists_secrets_and_empty_objects_whole() {
        let document = json!({"a": {"b": 1, "c": [{"d": 2}]}, "e": {"$env": "KEY"}, "f": {}});
        let found: Vec<String> =
            leaves(document.as_object().expect("an object")).iter().map(|(at, _)| at.to_string()).collect();
        assert_eq!(found, ["/a/b", "/a/c", "/e", "/f"]);
    }

    #[test]
    fn lookups_are_found_at_any_depth_and_in_lists() {
        let document = json!({"a": [{"b": {"$lookup": {"voice": "June"}}}], "c": {"$lookup": {"tool": "t"}}, "d": {"e": 1}});
        let found: Vec<String> = lookups(document.as_object().expect("an object"))
            .into_iter()
            .map(|(at, kind, name)| format!("{at} {kind} {name}"))
            .collect();
        assert_eq!(found, ["/a/0/b voice June", "/c tool t"]);
    }

    #[test]
    fn set_makes_the_objects_above() {
        let mut fields = Map::new();
        set(&mut fields, &Pointer::new(["layers", "llm", "model"]), json!("m"));
        assert_eq!(Value::Object(fields), json!({"layers": {"llm": {"model": "m"}}}));
    }
}
