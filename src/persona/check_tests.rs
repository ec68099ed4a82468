//! Tests of `check`: what the walk says of one value. Whole documents are tested in `tests/problems`.

use std::sync::Arc;

use serde_json::json;

use super::super::problem::{Severity, SourceFile};
use super::super::yaml;
use super::*;

fn problems(schema: &Value, text: &str) -> Vec<Problem> {
    let file = Arc::new(SourceFile { path: "x.yaml".into(), text: text.to_owned() });
    let node = yaml::parse(text, &file).0.expect("a document");
    let (shapes, root) = Shapes::new(schema, schema);
    check(&node, &shapes, root, &[], None)
}

/// Code and replacement of each problem of a field `a` with this schema.
fn field(schema: Value, value: &str) -> Vec<(&'static str, Option<String>)> {
    let schema = json!({ "type": "object", "properties": { "a": schema } });
    let found = problems(&schema, &format!("a: {value}\n"));
    found.into_iter().map(|problem| (problem.code, problem.suggestion.map(|suggestion| suggestion.text))).collect()
}

fn mended(code: &'static str, text: &str) -> Vec<(&'static str, Option<String>)> {
    vec![(code, Some(text.to_owned()))]
}

#[test]
fn a_wrong_type_comes_with_the_right_one_where_it_can_be_told() {
    assert_eq!(field(json!({"type": "boolean"}), "\"true\""), mended("wrong-type", "true"));
    assert_eq!(field(json!({"type": "boolean"}), "off"), mended("wrong-type", "false"));
    assert_eq!(field(json!({"type": "integer"}), "1_000"), mended("wrong-type", "1000"));
    assert_eq!(field(json!({"type": "integer"}), "2.0"), mended("wrong-type", "2"));
    assert_eq!(field(json!({"type": "number"}), "\"1.5\""), mended("wrong-type", "1.5"));
    assert_eq!(field(json!({"type": "string"}), "1.10"), mended("wrong-type", "\"1.10\""));
    assert_eq!(field(json!({"type": "array"}), "one"), mended("wrong-type", "[one]"));
    assert_eq!(field(json!({"type": "integer"}), "many"), [("wrong-type", None)]);
    assert_eq!(field(json!({"type": ["number", "null"]}), "1"), []);
}

#[test]
fn null_stands_for_a_field_but_not_for_an_item() {
    assert_eq!(field(json!({"type": "string"}), "null"), []);
    assert_eq!(field(json!({"enum": ["x"]}), ""), []);
    assert_eq!(field(json!({"type": "array", "items": {"type": "string"}}), "[null]"), [("wrong-type", None)]);
}

#[test]
fn an_expression_stands_where_text_may_and_nowhere_else() {
    let expression = "{ $file: a.md }";
    for schema in [json!({"type": "string"}), json!({"type": ["string", "null"]}), json!(true), json!({})] {
        assert_eq!(field(schema.clone(), expression), [], "{schema}");
    }
    assert_eq!(field(json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}), expression), []);
    assert_eq!(field(json!({"type": "integer"}), expression), [("wrong-type", None)]);
    assert_eq!(field(json!({"enum": ["x"]}), expression), [("wrong-type", None)]);
    assert_eq!(field(json!({"type": "string", "x-plain": true}), expression), [("wrong-type", None)]);
    assert_eq!(field(json!({"x-secret": true}), expression), [("literal-secret", None)]);
    assert_eq!(field(json!({"x-secret": true}), "{ $env: KEY }"), []);
    assert_eq!(field(json!({"type": "string"}), "{ $flie: a.md }"), mended("unknown-expression", "$file"));
}

#[test]
fn foreign_dollar_keys_pass_where_anything_may_stand() {
    assert_eq!(field(json!(true), "{ $ref: '#/x', $defs: { $schema: y } }"), []);
    assert_eq!(field(json!({"type": "object"}), "{ b: { $ref: '#/x' } }"), []);
    assert_eq!(field(json!({"type": "object"}), "{ b: { $files: x } }"), mended("unknown-expression", "$file"));
}

#[test]
fn only_the_shape_that_was_meant_is_reported() {
    let shapes = json!({ "oneOf": [
        {"type": "object", "additionalProperties": false, "required": ["kind"], "properties": {"kind": {"const": "one"}, "x": {"type": "integer"}}},
        {"type": "object", "additionalProperties": false, "required": ["kind"], "properties": {"kind": {"enum": ["two", "due"]}, "y": {"type": "integer"}}},
        {"type": "null"},
    ]});
    assert_eq!(field(shapes.clone(), "{ kind: one, x: 1 }"), []);
    assert_eq!(field(shapes.clone(), "{ kind: due, y: z }"), [("wrong-type", None)]);
    assert_eq!(field(shapes.clone(), "{ kind: on, x: 1 }"), [("not-one-of", None)]);
    assert_eq!(field(shapes.clone(), "{ kind: ones, x: 1 }"), mended("not-one-of", "one"));
    assert_eq!(field(shapes, "text"), [("wrong-type", None)]);
    let named = json!({ "oneOf": [{"const": "calm", "type": "string"}, {"const": "lively", "type": "string"}] });
    assert_eq!(field(named.clone(), "calm"), []);
    assert_eq!(field(named, "livly"), mended("not-one-of", "lively"));
}

#[test]
fn values_that_contracts_do_not_know_yet_are_warned_of() {
    let schema = json!({ "type": "object", "properties": {
        "model": {"type": "string", "x-known": ["tavus-gpt-oss"]},
        "speed": {"$ref": "#/$defs/Speed", "x-range": [0.5, 2]},
        "langs": {"type": "array", "items": {"type": "string"}, "x-known": ["en"]},
    }, "$defs": {"Speed": {"type": "number"}}});
    let found = problems(&schema, "model: tavus-gpt-os\nspeed: 3\nlangs: [en, xx]\n");
    let codes: Vec<_> = found.iter().map(|problem| (problem.code, problem.severity)).collect();
    let warning = Severity::Warning;
    assert_eq!(codes, [("unknown-value", warning), ("unusual-value", warning), ("unknown-value", warning)]);
}

#[test]
fn bounds_are_kept() {
    assert_eq!(field(json!({"type": "integer", "minimum": 0}), "-1"), [("out-of-range", None)]);
    assert_eq!(field(json!({"type": "number", "exclusiveMaximum": 1}), "1"), [("out-of-range", None)]);
    assert_eq!(field(json!({"type": "string", "maxLength": 2}), "äöü"), [("out-of-range", None)]);
    assert_eq!(
        field(json!({"type": "array", "maxItems": 1, "items": {"type": "integer"}}), "[1, 2]"),
        [("out-of-range", None)]
    );
    assert_eq!(field(json!({"type": "string", "maxLength": 2}), "äö"), []);
}
