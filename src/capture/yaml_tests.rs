//! What is written reads back, by another parser than the loader's.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn document(value: Value) -> String {
    match Node::from(value) {
        Node::Members(lines) => write(&lines),
        other => panic!("a test wants members, not {other:?}"),
    }
}

/// Read by another parser than the loader's.
fn read(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

#[test]
fn a_document_is_written_for_people() {
    let value = json!({
        "name": "Support Guide", "id": "071b0286-4cce-4808-bee2-e642f1062de3", "age": 12, "share": 0.7, "on": true,
        "tags": ["a b", "yes", "1.0"], "empty": [], "steps": [{"name": "x", "deep": {"k": [1]}}, [1, "a, b"]],
        "secret": {"$env": "KEY"}, "text": "Be kind.\n\n  - always\n",
    });
    let wanted = "\
age: 12
empty: []
id: 071b0286-4cce-4808-bee2-e642f1062de3
name: Support Guide
\"on\": true
secret: { $env: KEY }
share: 0.7
steps:
  - deep:
      k:
        - 1
    name: x
  - [1, \"a, b\"]
tags:
  - a b
  - \"yes\"
  - \"1.0\"
text: |
  Be kind.

    - always
";
    assert_eq!(document(value.clone()), wanted);
    assert_eq!(read(wanted), value);
}

#[test]
fn texts_that_readers_disagree_about_are_quoted() {
    for text in
        ["no", "Null", "012", "1e3", "1_000", "12:30:45", "0x1F", "~", "", " a", "a ", "a: b", "a #b", "- a", "&a", "*a"]
    {
        assert!(scalar_text(text).starts_with('"'), "{text}");
    }
    for text in ["Hi there! (again)", "p0000000000b", "añb 日本", "$id", "it's 5%"] {
        assert_eq!(scalar_text(text), text);
    }
}

#[test]
fn line_ends_of_blocks_are_kept() {
    for text in ["a\nb", "a\nb\n", "a\nb\n\n\n", "\na\nb", "  a\nb", "a\n\n\nb\n", "a\nb  \nc"] {
        let written = document(json!({"deep": {"text": text}}));
        assert!(written.contains("text: |"), "{written}");
        assert_eq!(read(&written)["deep"]["text"], text, "{written}");
    }
}

#[test]
fn a_long_line_that_needs_quotes_is_a_block() {
    let long = format!("say: {}", "a b ".repeat(40).trim_end());
    let written = document(json!({"list": [long.clone()], "plain": "a b ".repeat(40).trim_end(), "text": long}));
    assert!(written.contains("list:\n  - |-\n    say: a b") && written.contains("text: |-\n  say: a b"), "{written}");
    assert!(written.contains("plain: a b"), "{written}");
    assert_eq!(read(&written)["text"], long);
    assert_eq!(read(&written)["list"][0], long);
}

#[test]
fn what_does_not_show_is_escaped() {
    let text = "a\u{0}\u{7f}\u{85}\u{2028}\u{202e}\u{feff}\u{200b}🚲";
    let written = document(json!({ "text": text }));
    assert_eq!(written, "text: \"a\\u0000\\u007f\\u0085\\u2028\\u202e\\ufeff\\u200b🚲\"\n");
    assert_eq!(read(&written)["text"], text);
}

#[test]
fn a_comment_stays_a_comment() {
    let lines = [Line::Comment("one\nname: two\rname: three\u{2028}x".to_owned()), Line::Member("a".into(), json!(1).into())];
    assert_eq!(write(&lines), "# one\n# name: two·name: three·x\na: 1\n");
}

fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "\n", "\t", " ", "  ", ":", "#", "\"", "'", "\\", "\r\n", "-", "---", "a", "b c", "🚲", "|", "%", "{", "\u{2028}",
        "no", "1",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no infinity", |number| number.is_finite()).prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_reads_back(value in value()) {
        let written = document(json!({"deep": {"value": value}}));
        prop_assert_eq!(&read(&written)["deep"]["value"], &value, "{}", written);
    }
}
