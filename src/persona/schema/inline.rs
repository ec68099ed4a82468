//! Makes a derived schema say in one place what belongs together.
//!
//! The variant of a tagged enum is derived as a `$ref` to the fields with the tag beside it. Read literally, the fields' own
//! `additionalProperties: false` refuses the tag; so the fields are copied to where the tag is.

use serde_json::Value;

/// How many such references within each other are followed; recursive types have no end.
const MAX_DEPTH: usize = 8;

/// The same schema, in which no `$ref` has `properties` beside it.
pub(super) fn inlined(document: Value) -> Value {
    if !refers(&document) {
        return document;
    }
    let mut copy = document.clone();
    inline(&document, &mut copy, 0);
    copy
}

/// Whether there is a `$ref` with `properties` beside it.
fn refers(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            (members.contains_key("$ref") && members.contains_key("properties")) || members.values().any(refers)
        }
        Value::Array(items) => items.iter().any(refers),
        _ => false,
    }
}

fn inline(document: &Value, schema: &mut Value, depth: usize) {
    if depth < MAX_DEPTH
        && schema.get("properties").is_some()
        && let Some(target) = super::fields::target(document, schema)
    {
        let mut target = target.clone();
        inline(document, &mut target, depth + 1);
        unite(schema, target);
    }
    match schema {
        Value::Object(members) => {
            for (keyword, value) in members {
                if !matches!(keyword.as_str(), "const" | "default" | "examples" | "enum") {
                    inline(document, value, depth);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| inline(document, item, depth)),
        _ => {}
    }
}

/// Puts what the reference led to in the reference's stead; what stood beside the reference wins.
fn unite(schema: &mut Value, target: Value) {
    let (Value::Object(members), Value::Object(target)) = (schema, target) else { return };
    members.remove("$ref");
    for (keyword, value) in target {
        match (members.get_mut(&keyword), value) {
            (Some(Value::Object(own)), Value::Object(theirs)) if keyword == "properties" => {
                for (name, field) in theirs {
                    own.entry(name).or_insert(field);
                }
            }
            (Some(Value::Array(own)), Value::Array(theirs)) if keyword == "required" => own.extend(theirs),
            (Some(_), _) => {}
            (None, value) => {
                members.insert(keyword, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(schemars::JsonSchema)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Engine {
        Fast(Fast),
        Slow(Slow),
    }

    #[derive(schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Fast {
        speed: f64,
    }

    #[derive(schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Slow {
        delay: Option<u32>,
        next: Option<Box<Engine>>,
    }

    #[test]
    fn a_tagged_variant_holds_its_tag_and_its_fields_and_no_others() {
        let schema = inlined(schemars::schema_for!(Engine).to_value());
        let validator = jsonschema::validator_for(&schema).expect("a valid schema");
        for (accepted, document) in [
            (true, json!({ "kind": "fast", "speed": 1.5 })),
            (true, json!({ "kind": "slow", "next": { "kind": "fast", "speed": 1 } })),
            (false, json!({ "kind": "fast", "delay": 1 })),
            (false, json!({ "kind": "fast" })),
            (false, json!({ "speed": 1 })),
            (false, json!({ "kind": "slow", "next": { "kind": "fast", "spede": 1 } })),
        ] {
            assert_eq!(validator.is_valid(&document), accepted, "{document}\n{schema:#}");
        }
        assert_eq!(schema["oneOf"][0].get("$ref"), None);
    }
}
