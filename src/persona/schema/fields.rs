//! Questions to a JSON Schema: what a reference leads to, which types and values it admits, and where a field lives.

use std::borrow::Cow;

use serde_json::Value;

/// What a `$ref` leads to; none for a schema without one.
pub(in crate::persona) fn target<'a>(document: &'a Value, schema: &Value) -> Option<&'a Value> {
    document.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

/// The schema itself, or what its references lead to.
pub(in crate::persona) fn reached<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let mut reached = schema;
    // A bound, lest two references that name each other spin for ever.
    for _ in 0..16 {
        match target(document, reached) {
            Some(next) => reached = next,
            None => break,
        }
    }
    reached
}

/// The types that a schema admits; empty where anything goes.
pub(in crate::persona) fn types<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a str> {
    let schema = reached(document, schema);
    match &schema["type"] {
        Value::String(one) => return vec![one],
        Value::Array(several) => return several.iter().filter_map(Value::as_str).collect(),
        _ => {}
    }
    if let Some(options) = options(schema) {
        let mut types: Vec<&str> = options.into_iter().map(type_of).collect();
        types.dedup();
        return types;
    }
    if let Some(variants) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        let each: Vec<Vec<&str>> = variants.iter().map(|variant| types(document, variant)).collect();
        return if each.iter().any(Vec::is_empty) { Vec::new() } else { each.concat() };
    }
    if schema.get("properties").is_some() { vec!["object"] } else { Vec::new() }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The values that a schema lists, if it does.
pub(in crate::persona) fn options(schema: &Value) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema["enum"].as_array()) {
        (Some(only), _) => Some(vec![only]),
        (None, Some(options)) => Some(options.iter().collect()),
        (None, None) => None,
    }
}

/// A type in words.
pub(in crate::persona) fn noun(name: &str) -> &'static str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a mapping",
        _ => "nothing",
    }
}

/// A scalar as it would be written.
pub(in crate::persona) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The first line of a description, in brackets, if there is one.
pub(in crate::persona) fn explanation(schema: &Value) -> String {
    let line = schema["description"].as_str().and_then(|description| description.lines().next()).unwrap_or_default();
    if line.is_empty() { String::new() } else { format!(" ({})", line.trim_end_matches('.')) }
}

/// Where else in the document a field of this name exists, in words; the home that shares most with `path` wins.
pub(in crate::persona) fn homes(document: &Value, name: &str, path: &[Cow<'_, str>]) -> Option<String> {
    let mut search = Search { document, name, found: Vec::new(), visits: 0 };
    search.visit(document, &mut Vec::new());
    let shared = |home: &[String]| home.iter().zip(path).take_while(|(left, right)| left == right).count();
    search.found.retain(|home| *home != path);
    let home = search.found.into_iter().max_by_key(|home| (shared(home), std::cmp::Reverse(home.len())))?;
    Some(if home.is_empty() { "at the top level".to_owned() } else { format!("below `{}`", home.join(".")) })
}

struct Search<'a> {
    document: &'a Value,
    name: &'a str,
    found: Vec<Vec<String>>,
    visits: usize,
}

impl Search<'_> {
    fn visit(&mut self, schema: &Value, path: &mut Vec<String>) {
        self.visits += 1;
        // Recursive schemas have no bottom; what lies deeper than this is no help.
        if path.len() > 6 || self.visits > 5_000 {
            return;
        }
        let document = self.document;
        let schema = reached(document, schema);
        for (name, below) in schema["properties"].as_object().into_iter().flatten() {
            if name == self.name {
                self.found.push(path.clone());
            }
            path.push(name.clone());
            self.visit(below, path);
            path.pop();
        }
        for keyword in ["anyOf", "oneOf", "allOf"] {
            for part in schema[keyword].as_array().into_iter().flatten() {
                self.visit(part, path);
            }
        }
        if schema["items"].is_object() {
            path.push("[]".to_owned());
            self.visit(&schema["items"], path);
            path.pop();
        }
    }
}
