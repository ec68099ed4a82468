//! From the walk's schema to the editors': what the walk takes for granted (`null`, expressions, known values) is written out
//! in plain JSON Schema, and our own keywords go.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::fields;

/// Keywords that describe and do not decide; they stay outside of what is wrapped.
const ANNOTATIONS: [&str; 5] = ["title", "description", "default", "examples", "deprecated"];

/// The schema for editors.
pub(super) fn exported(mut document: Value) -> Value {
    relax(&mut document);
    let mut document = plain(&document, false);
    let definitions = &mut document["$defs"];
    definitions["secret"] = json!({
        "description": "The value of an environment variable; never printed, never stored.",
        "type": "object",
        "properties": { "$env": { "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" } },
        "required": ["$env"],
        "additionalProperties": false,
    });
    definitions["text"] = json!({
        "description": "The text of a file, or several texts with a blank line between them.",
        "anyOf": [
            {
                "type": "object",
                "properties": { "$file": { "description": "Path of a UTF-8 text file, relative to this one.", "type": "string", "minLength": 1 } },
                "required": ["$file"],
                "additionalProperties": false,
            },
            {
                "type": "object",
                "properties": {
                    "$join": { "type": "array", "minItems": 1, "items": { "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/text" }] } },
                },
                "required": ["$join"],
                "additionalProperties": false,
            },
        ],
    });
    definitions["lookup"] = json!({
        "description": "The id behind a name at the service; `personaform list ACCOUNT KIND` shows what there is.",
        "type": "object",
        "properties": { "$lookup": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": { "type": "string", "minLength": 1 },
        } },
        "required": ["$lookup"],
        "additionalProperties": false,
    });
    definitions["expression"] =
        json!({ "anyOf": [{ "$ref": "#/$defs/text" }, { "$ref": "#/$defs/secret" }, { "$ref": "#/$defs/lookup" }] });
    document
}

/// Takes `required` from the sections, where an account's defaults may supply the field. Items of lists are not merged, so they
/// keep it.
fn relax(document: &mut Value) {
    let (mut merged, mut whole) = (BTreeSet::new(), BTreeSet::new());
    let definitions = document["$defs"].as_object().cloned().unwrap_or_default();
    for name in
        definitions.keys().filter(|name| name.ends_with(".defaults") || definitions.contains_key(&format!("{name}.defaults")))
    {
        reach(document, &definitions[name], false, &mut merged, &mut whole);
        merged.insert(name.clone());
    }
    for name in merged.difference(&whole) {
        without_required(&mut document["$defs"][name]);
    }
}

/// Collects the definitions that are used as parts of merged mappings, and those used within lists.
fn reach(document: &Value, schema: &Value, listed: bool, merged: &mut BTreeSet<String>, whole: &mut BTreeSet<String>) {
    let name = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/"));
    if let (Some(name), Some(target)) = (name, fields::target(document, schema)) {
        let set = if listed { &mut *whole } else { &mut *merged };
        if set.insert(name.to_owned()) {
            reach(document, target, listed, merged, whole);
        }
    }
    for below in parts(schema) {
        reach(document, below, listed, merged, whole);
    }
    if schema["items"].is_object() {
        reach(document, &schema["items"], true, merged, whole);
    }
}

/// The schemas that speak of the same mapping or of its members.
fn parts(schema: &Value) -> impl Iterator<Item = &Value> {
    let members = schema["properties"].as_object().into_iter().flat_map(Map::values);
    let shapes = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|keyword| schema[keyword].as_array()).flatten();
    members.chain(shapes).chain(schema.get("additionalProperties"))
}

fn without_required(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    members.remove("required");
    for keyword in ["anyOf", "oneOf", "allOf"] {
        members.get_mut(keyword).and_then(Value::as_array_mut).into_iter().flatten().for_each(without_required);
    }
    if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(without_required);
    }
    if let Some(rest) = members.get_mut("additionalProperties") {
        without_required(rest);
    }
}

/// One schema in plain terms; `null` is admitted where `nullable`.
fn plain(schema: &Value, nullable: bool) -> Value {
    let Some(members) = schema.as_object() else { return schema.clone() };
    let mut inner = Map::new();
    let mut outer = Map::new();
    for (keyword, value) in members {
        let converted = match (keyword.as_str(), value) {
            ("properties", Value::Object(below)) => {
                Value::Object(below.iter().map(|(name, below)| (name.clone(), plain(below, true))).collect())
            }
            ("$defs", Value::Object(below)) => {
                Value::Object(below.iter().map(|(name, below)| (name.clone(), plain(below, false))).collect())
            }
            ("additionalProperties", _) => plain(value, true),
            ("items" | "then", _) => plain(value, false),
            ("anyOf" | "oneOf" | "allOf", Value::Array(parts)) => parts.iter().map(|part| plain(part, false)).collect(),
            _ => value.clone(),
        };
        match keyword.as_str() {
            // Several shapes may admit the same expression, so exactly one would be too much to ask.
            "oneOf" => inner.insert("anyOf".to_owned(), converted),
            name if name.starts_with("x-") => None,
            name if ANNOTATIONS.contains(&name) => outer.insert(keyword.clone(), converted),
            _ => inner.insert(keyword.clone(), converted),
        };
    }
    if members.contains_key("x-secret") {
        inner = Map::from_iter([("$ref".to_owned(), json!("#/$defs/secret"))]);
    }
    let types = fields::types(&Value::Null, schema);
    let texts = types.contains(&"string") && !members.contains_key("anyOf") && !members.contains_key("oneOf");
    let mut shapes = Vec::new();
    if let Some(known) = members.get("x-known").filter(|_| !types.contains(&"array")) {
        shapes.push(json!({ "enum": known }));
    }
    if texts && !members.contains_key("x-plain") && fields::options(schema).is_none() {
        shapes.push(json!({ "$ref": "#/$defs/expression" }));
    }
    let null_shape = |shapes: &Value| shapes.as_array().into_iter().flatten().any(|shape| shape["type"] == "null");
    let admits_null = inner.is_empty() || types.contains(&"null") || inner.get("anyOf").is_some_and(null_shape);
    if nullable && !admits_null {
        let simple = members
            .get("type")
            .and_then(Value::as_str)
            .filter(|_| !members.contains_key("enum") && !members.contains_key("const"));
        match simple {
            Some(one) => {
                inner.insert("type".to_owned(), json!([one, "null"]));
            }
            None => shapes.push(json!({ "type": "null" })),
        }
    }
    if shapes.is_empty() {
        outer.extend(inner);
    } else {
        // What completes best stands first.
        let at = usize::from(members.contains_key("x-known"));
        shapes.insert(at, Value::Object(inner));
        outer.insert("anyOf".to_owned(), Value::Array(shapes));
    }
    Value::Object(outer)
}
