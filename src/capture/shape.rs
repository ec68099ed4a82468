//! Questions to the JSON Schema of a section: what it knows of a member, and whether a value has a form that the loader would take.

use serde_json::Value;

use crate::persona::name::Pointer;

/// What a schema says of a member.
pub(super) enum Member<'a> {
    /// The object is closed and has no such member.
    Unknown,
    /// Anything may stand there.
    Free,
    /// It has a schema.
    Known(&'a Value),
}

pub(super) fn member<'a>(schema: Option<&'a Value>, name: &str) -> Member<'a> {
    let Some(shape) = schema.and_then(object_shape) else { return Member::Free };
    if let Some(known) = shape.get("properties").and_then(|properties| properties.get(name)) {
        return if known.is_object() { Member::Known(known) } else { Member::Free };
    }
    match shape.get("additionalProperties") {
        Some(Value::Bool(false)) => Member::Unknown,
        Some(rest @ Value::Object(_)) => Member::Known(rest),
        _ => Member::Free,
    }
}

/// The variant of a schema that an object would have to fit; none where no object may stand.
pub(super) fn object_shape(schema: &Value) -> Option<&Value> {
    if let Some(variants) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
        return variants.iter().find_map(object_shape);
    }
    match schema.get("type") {
        None => Some(schema),
        Some(Value::String(one)) => (one == "object").then_some(schema),
        Some(types) => types.as_array()?.iter().any(|one| one == "object").then_some(schema),
    }
}

/// The schema of a field.
pub(super) fn at<'a>(schema: &'a Value, path: &Pointer) -> Option<&'a Value> {
    path.segments().iter().try_fold(schema, |schema, name| match member(Some(schema), name) {
        Member::Known(known) => Some(known),
        Member::Unknown | Member::Free => None,
    })
}

/// Whether the loader would take a value at this place: kinds, closed objects, and the members that must be there.
pub(super) fn fits(value: &Value, schema: &Value) -> bool {
    if let Some(variants) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
        return variants.iter().any(|variant| fits(value, variant));
    }
    let is = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => value.is_number(),
    };
    let kinds: Vec<&str> = match schema.get("type") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(several) => several.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    let options = schema.get("enum").and_then(Value::as_array);
    if !(kinds.is_empty() || kinds.into_iter().any(is)) || options.is_some_and(|options| !options.contains(value)) {
        return false;
    }
    match value {
        Value::Array(items) => {
            let most = schema.get("maxItems").and_then(Value::as_u64).unwrap_or(u64::MAX);
            let item_fits = |item: &Value| schema.get("items").is_none_or(|schema| fits(item, schema));
            items.len() as u64 <= most && items.iter().all(item_fits)
        }
        Value::Object(members) => {
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            let complete = required.into_iter().all(|name| members.contains_key(name));
            complete
                && members.iter().all(|(name, value)| match member(Some(schema), name) {
                    Member::Unknown => false,
                    Member::Free => true,
                    Member::Known(schema) => value.is_null() || fits(value, schema),
                })
        }
        _ => true,
    }
}
