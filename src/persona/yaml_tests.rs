//! Tests of `yaml`: what each trap of YAML is answered with.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::entries::INDEXED;
use super::*;

fn read(text: &str) -> (Option<Arc<Node>>, Vec<Problem>) {
    parse(text, &Arc::new(SourceFile { path: "x.yaml".into(), text: text.to_owned() }))
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text).1.iter().map(|problem| problem.code).collect()
}

fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::List(items) => items.iter().map(|item| value(item)).collect(),
        Kind::Mapping(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), value(&entry.value))).collect::<Map<_, _>>())
        }
        _ => node.scalar().expect("a scalar"),
    }
}

fn json_of(text: &str) -> Value {
    let (node, problems) = read(text);
    assert_eq!(problems, [], "{text}");
    value(&node.expect("a document"))
}

#[test]
fn keys_and_values_know_their_bytes() {
    let text = "é: 1\nlayers:\n  llm: { model: \"m\" }\n";
    let root = read(text).0.expect("a document");
    let llm = root.get("layers").and_then(|node| node.entry("llm")).expect("llm");
    let span = |place: &Place| &text[place.span.clone()];
    assert_eq!(span(&llm.place), "llm");
    assert_eq!(span(&llm.value.place), "{ model: \"m\" }");
    assert_eq!(span(&llm.value.entry("model").expect("model").field_place()), "model: \"m\"");
    assert_eq!(root.entry("layers").expect("layers").field_place().line_and_column(), (2, 1));
}

#[test]
fn block_texts_keep_every_byte_that_yaml_keeps() {
    let text = "a: |\n  one  \n\n  {{name}} ${x} 🙂\n\tb\n  \ttab\nb: |-\n  x\n\nc: |+\n  x\n\nd: >\n  x\n  y\n";
    let text = text.replace("\tb\n", "");
    assert_eq!(json_of(&text), json!({"a": "one  \n\n{{name}} ${x} 🙂\n\ttab\n", "b": "x", "c": "x\n\n", "d": "x y\n"}));
}

#[test]
fn line_ends_of_windows_and_byte_order_marks_change_nothing() {
    assert_eq!(json_of("\u{feff}a: |\r\n  x\r\n  y\r\nb: 1\r\n"), json!({"a": "x\ny\n", "b": 1}));
}

#[test]
fn own_keys_win_over_merged_ones_wherever_they_stand() {
    let text = "base: &base { x: 1, y: 1 }\nmore: &more { y: 2, z: 2 }\na: { x: 9, <<: *base }\nb: { <<: [*base, *more], z: 9 }\nc: { \"<<\": 1 }\n";
    let read = json_of(text);
    assert_eq!(read["a"], json!({"x": 9, "y": 1}));
    assert_eq!(read["b"], json!({"x": 1, "y": 1, "z": 9}));
    assert_eq!(read["c"], json!({"<<": 1}));
}

#[test]
fn merged_keys_keep_the_place_of_their_anchor() {
    let root = read("base: &base { x: 1 }\na: { <<: *base }\n").0.expect("a document");
    let merged = root.get("a").and_then(|node| node.entry("x")).expect("the merged key");
    assert_eq!(merged.place.line_and_column(), (1, 15));
}

#[test]
fn every_trap_has_its_code() {
    for (text, code) in [
        ("a: 1\na: 2\n", "duplicate-key"),
        ("\"a\": 1\na: 2\n", "duplicate-key"),
        ("1: a\n", "key-not-text"),
        ("? [a]\n: b\n", "key-not-text"),
        ("a: &k [1]\n? *k\n: b\n", "key-not-text"),
        ("a: 1\n---\nb: 1\n", "several-documents"),
        ("a: *b\n", "unknown-anchor"),
        ("a: &a [*a]\n", "alias-loop"),
        ("a: { <<: 1 }\n", "merge-key"),
        ("a: !x 1\n", "unknown-tag"),
        ("a: !x [1]\n", "unknown-tag"),
        ("a: !!int x\n", "wrong-tag"),
        ("a: .nan\n", "impossible-number"),
        ("a: 1e999\n", "impossible-number"),
        ("a:\n\tb: 1\n", "tab"),
        ("a: 'x\n", "syntax"),
        ("a: x\u{0}y\n", "control-character"),
        ("a: no\n", "ambiguous-value"),
    ] {
        assert_eq!(codes(text), [code], "{text}");
    }
}

#[test]
fn tags_of_the_core_schema_are_obeyed() {
    assert_eq!(
        json_of("a: !!str 012\nb: !!int \"3\"\nc: ! 5\nd: !!map {}\ne: !!float 3\n"),
        json!({"a": "012", "b": 3, "c": "5", "d": {}, "e": 3})
    );
}

#[test]
fn a_hundred_thousand_brackets_and_an_alias_bomb_end_at_once() {
    assert_eq!(codes(&"[".repeat(100_000)), ["too-deep"]);
    assert_eq!(codes(&"- ".repeat(100_000)), ["too-deep"]);
    let nested = |depth: usize, inner: &str| format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(codes(&format!("a: &a {}\nb: {}\n", nested(50, ""), nested(50, "*a"))), ["too-deep"]);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(codes(&bomb), ["alias-budget"]);
    let long = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(1_000_000), vec!["*a"; 1_000].join(", "));
    assert_eq!(codes(&long), ["alias-budget"]);
}

#[test]
fn what_is_quoted_is_read_as_the_same_text() {
    for text in ["voice", "no", "012", "a b", "- x", "#x", "../a.md", "", "a: b", "ä", "\"", "$file", "null", "1.5", "a\nb"] {
        assert_eq!(json_of(&format!("a: {}\n", quoted(text)))["a"], json!(text), "{text}");
    }
}

/// Equality with numbers by value: `1` is `1.0`.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len() && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}

/// Plain documents: what any reader of YAML agrees about.
fn plain() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9f64).prop_map(Value::from),
        "[a-zA-Z0-9 .:#'\"\\\\{}\\[\\],&*!|>%@`$\n\t-]{0,40}".prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z][a-zA-Z0-9_ -]{0,12}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_another_library_writes_is_read_back(document in plain()) {
        let text = serde_yaml::to_string(&document).expect("YAML");
        // That library is of YAML 1.1 where it breaks lines.
        prop_assume!(!text.contains(['\u{85}', '\u{2028}', '\u{2029}']));
        let (node, problems) = read(&text);
        prop_assert!(problems.iter().all(|problem| problem.code == "ambiguous-value" || problem.code == "key-not-text"), "{text}\n{problems:?}");
        prop_assume!(problems.iter().all(|problem| problem.code != "key-not-text"));
        let found = node.map_or(Value::Null, |node| value(&node));
        let other: Value = serde_yaml::from_str(&text).expect("its own text");
        prop_assert!(same(&found, &other), "{text}\n{found}\n{other}");
    }

    #[test]
    fn no_text_makes_reading_panic(text in "[a-c&*!:{}\\[\\],#|>%@`\"'<~0-9 \n\t\r-]{0,60}") {
        let (_, problems) = read(&text);
        for place in problems.iter().filter_map(|problem| problem.place.as_ref()) {
            prop_assert!(text.get(place.span.clone()).is_some(), "{text:?} {place:?}");
        }
    }
}

#[test]
fn a_key_that_stands_twice_is_found_in_long_mappings_too() {
    for length in [INDEXED - 2, INDEXED - 1, INDEXED, INDEXED + 1, 3 * INDEXED] {
        for (twice, first) in [(0, 0), (length / 2, length / 2), (length - 1, length - 1)] {
            let lines: String = (0..length).map(|number| format!("k{number}: {number}\n")).collect();
            let (node, problems) = read(&format!("{lines}k{twice}: again\n"));
            let related: Vec<_> =
                problems.iter().flat_map(|problem| &problem.related).map(|(place, _)| place.line_and_column()).collect();
            assert_eq!((problems.len(), related), (1, vec![(first + 1, 1)]), "{length} {twice}");
            assert_eq!(node.expect("a document").entries().len(), length);
        }
    }
}

#[test]
fn what_is_merged_yields_to_own_keys_in_long_mappings_too() {
    let own: String = (0..2 * INDEXED).map(|number| format!("  k{number}: own\n")).collect();
    let merged = json_of(&format!("a: &a {{ k0: other, k31: other, more: other }}\nb:\n{own}  <<: *a\n"));
    assert_eq!(
        (&merged["b"]["k0"], &merged["b"]["k31"], &merged["b"]["more"]),
        (&json!("own"), &json!("own"), &json!("other"))
    );
}
