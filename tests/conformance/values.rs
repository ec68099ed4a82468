//! Which fields a provider's section has, and plausible values for each, taken from the section's own schema: a new field is
//! covered by itself. What a schema cannot know (ids that must look like something) is in the rows.

use personaform::persona::name::Pointer;
use serde_json::{Map, Value, json};

use crate::transitions::Kind;

/// One field and the values that it is put through.
pub(crate) struct FieldValues {
    pub(crate) path: Pointer,
    /// Two values that differ, and after them the special ones.
    pub(crate) values: Vec<(Kind, Value)>,
}

/// Every field of a section, objects before their members.
pub(crate) fn fields(section: &Value) -> Vec<FieldValues> {
    let mut found = Vec::new();
    walk(&Pointer::root(), section, &mut found);
    found
}

fn walk(at: &Pointer, schema: &Value, found: &mut Vec<FieldValues>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = at.child(name);
        let field = without_null(field);
        if has_type(field, "object") {
            found.push(FieldValues { path: path.clone(), values: whole(field) });
            walk(&path, field, found);
            if is_open(field) {
                found.push(FieldValues { path: path.child("unheard_of"), values: anything(field) });
            }
        } else {
            found.push(FieldValues { path, values: scalar_or_list(field) });
        }
    }
}

/// The part of a schema that is not `null`.
fn without_null(schema: &Value) -> &Value {
    let mut parts = schema["anyOf"].as_array().into_iter().flatten();
    parts.find(|part| part["type"] != "null").unwrap_or(schema)
}

fn has_type(schema: &Value, name: &str) -> bool {
    match &schema["type"] {
        Value::String(one) => one == name,
        Value::Array(several) => several.iter().any(|one| one == name),
        _ => false,
    }
}

fn is_open(schema: &Value) -> bool {
    schema["additionalProperties"] != json!(false)
}

/// An object as a whole: two members, one of them changed and one gone, and nothing at all.
fn whole(schema: &Value) -> Vec<(Kind, Value)> {
    let mut members: Vec<(String, Vec<(Kind, Value)>)> = Vec::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let field = without_null(field);
        if !has_type(field, "object") && field["deprecated"] != json!(true) && field["x-secret"] != json!(true) {
            members.push((name.clone(), scalar_or_list(field)));
        }
        if members.len() == 3 {
            break;
        }
    }
    if members.is_empty() && !is_open(schema) {
        return Vec::new();
    }
    if members.is_empty() && schema["additionalProperties"].is_object() {
        return vec![
            (Kind::Set, json!({"Alpha": "1", "Beta": "2"})),
            (Kind::Change, json!({"Alpha": "3", "Gamma": "2"})),
            (Kind::Empty, json!({})),
        ];
    }
    if members.is_empty() {
        return vec![
            (Kind::Set, json!({"alpha": 1, "beta": "two"})),
            (Kind::Change, json!({"alpha": 2, "gamma": {"delta": [1, {"epsilon": true}]}})),
            (Kind::Other, json!({"alpha": 2, "gamma": {"delta": [], "zeta": "ü"}})),
            (Kind::Empty, json!({})),
        ];
    }
    let with = |chosen: &[(usize, usize)]| {
        let members = chosen.iter().filter_map(|(member, value)| {
            let (name, values) = members.get(*member)?;
            Some((name.clone(), values.get(*value)?.1.clone()))
        });
        Value::Object(members.collect::<Map<_, _>>())
    };
    vec![
        (Kind::Set, with(&[(0, 0), (1, 0)])),
        (Kind::Change, with(&[(0, 1), (2, 0)])),
        (Kind::Other, with(&[(1, 1)])),
        (Kind::Empty, json!({})),
    ]
}

/// Values below an object that takes any name.
fn anything(schema: &Value) -> Vec<(Kind, Value)> {
    if schema["additionalProperties"].is_object() {
        return scalar_or_list(without_null(&schema["additionalProperties"]));
    }
    vec![
        (Kind::Set, json!("one")),
        (Kind::Change, json!({"nested": {"deep": 1, "other": [1, 2]}})),
        (Kind::Other, json!({"nested": {"deep": 2}})),
        (Kind::Zero, json!(0)),
        (Kind::False, json!(false)),
        (Kind::Empty, json!("")),
        (Kind::Unicode, json!("ü 漢字 🦀")),
        (Kind::Other, json!([3, 1, 2])),
        (Kind::Other, json!([1, 2])),
    ]
}

fn scalar_or_list(schema: &Value) -> Vec<(Kind, Value)> {
    if has_type(schema, "boolean") {
        return vec![(Kind::Set, json!(true)), (Kind::Change, json!(false))];
    }
    if has_type(schema, "number") || has_type(schema, "integer") {
        return numbers(schema);
    }
    if has_type(schema, "array") {
        return lists(&schema["items"]);
    }
    if let Some(known) = schema["x-known"].as_array().filter(|known| known.len() > 1) {
        return vec![(Kind::Set, known[0].clone()), (Kind::Change, known[1].clone())];
    }
    if schema["x-secret"] == json!(true) {
        return vec![(Kind::Set, json!({"$env": "SECRET_ONE"})), (Kind::Change, json!({"$env": "SECRET_TWO"}))];
    }
    vec![
        (Kind::Set, json!("one")),
        (Kind::Change, json!("two")),
        (Kind::Empty, json!("")),
        (Kind::Unicode, json!("ü 漢字 🦀 \"quoted\"\n\tand\\slashed/~0~1")),
    ]
}

fn numbers(schema: &Value) -> Vec<(Kind, Value)> {
    let bound = |at: usize, default: f64| schema["x-range"][at].as_f64().unwrap_or(default);
    let (least, most) = (bound(0, 0.0), bound(1, 1000.0));
    let mut values = vec![(Kind::Set, json!((least + most) / 2.0)), (Kind::Change, number(most))];
    if least <= 0.0 {
        values.push((Kind::Zero, json!(0)));
    }
    values
}

fn number(value: f64) -> Value {
    // A whole number is written without a point, as people write it.
    if value.fract() == 0.0 { json!(format!("{value}").parse::<i64>().expect("a whole number")) } else { json!(value) }
}

/// A list that appears, grows, is put in another order, shrinks and is emptied.
fn lists(items: &Value) -> Vec<(Kind, Value)> {
    let item = |name: &str| {
        if !has_type(items, "object") {
            return json!(name);
        }
        let properties = items["properties"].as_object();
        Value::Object(properties.into_iter().flatten().map(|(key, _)| (key.clone(), json!(format!("{key}-{name}")))).collect())
    };
    let list = |names: &[&str]| Value::Array(names.iter().map(|name| item(name)).collect());
    vec![
        (Kind::Set, list(&["alpha"])),
        (Kind::Change, list(&["alpha", "beta", "gamma"])),
        (Kind::Reordered, list(&["gamma", "alpha", "beta"])),
        (Kind::Other, list(&["gamma", "beta"])),
        (Kind::Other, list(&["gamma", "delta", "beta"])),
        (Kind::Empty, json!([])),
        (Kind::Unicode, list(&["ü 漢字 🦀"])),
    ]
}
