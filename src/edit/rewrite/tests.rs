//! What is written back, byte by byte.

use serde_json::{Value, json};

use super::*;

/// A file that has most of what people write.
const FILE: &str = r#"# yaml-language-server: $schema=../schemas/persona.schema.json

name: Ada   # the name 🙂
description: "Helps \"you\""  # quoted
role: 'it''s'
prompt: |
  Be kind.

    indented   line
  Be 🙂 brief.

# a comment between
folded: >-  # folded
  The first sentence goes on
  over two lines.

  The second paragraph stays.
empty:
targets:
  tavus:
    # about the layers
    layers: { llm: { model: "gpt, 4", speed: 1.0 }, tts: [a, "b"] }  # flow
    list:   # items
      - one   # first
      # before two
      - two: 2
        three: 3   # inner
      - - x
        - y
    last: |+
      keep

  anam:
    voiceId: v1
"#;

fn with(pointer: &str, new: Option<Value>) -> Value {
    let mut document = raw::read(FILE).expect("readable");
    set(&mut document, pointer, new);
    document
}

fn set(document: &mut Value, pointer: &str, new: Option<Value>) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = document.pointer_mut(parent).expect("a parent");
    match (parent, new) {
        (Value::Object(members), Some(new)) => drop(members.insert(key.to_owned(), new)),
        (Value::Object(members), None) => drop(members.remove(key)),
        (Value::Array(items), Some(new)) if key == "-" => items.push(new),
        (Value::Array(items), Some(new)) => items[key.parse::<usize>().expect("an index")] = new,
        (Value::Array(items), None) => drop(items.remove(key.parse().expect("an index"))),
        _ => panic!("{pointer} is below a scalar"),
    }
}

/// The lines that go and come, as a diff without context.
fn changed(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    let mut lines = String::new();
    for change in diff.iter_all_changes() {
        if change.tag() != similar::ChangeTag::Equal {
            lines.push_str(&format!("{}{}\n", change.tag(), change.value().trim_end_matches('\n')));
        }
    }
    lines
}

#[track_caller]
fn edited(pointer: &str, new: Option<Value>) -> String {
    let wanted = with(pointer, new);
    for text in [FILE.to_owned(), FILE.replace('\n', "\r\n")] {
        let after = rewrite(&text, &wanted).unwrap_or_else(|refusal| panic!("{pointer}: {refusal:?}"));
        assert!(alike(&raw::read(&after).expect("readable"), &wanted), "{after}");
        assert_eq!(
            after.matches('\n').count() - after.matches("\r\n").count(),
            if text.contains('\r') { 0 } else { after.matches('\n').count() }
        );
    }
    changed(FILE, &rewrite(FILE, &wanted).expect("written"))
}

#[test]
fn only_the_lines_that_must_change_do() {
    let new = |value: Value| Some(value);
    let mut wrong = Vec::new();
    for (pointer, value, wanted) in [
        ("/name", new(json!("Bea")), "-name: Ada   # the name 🙂\n+name: Bea   # the name 🙂\n"),
        ("/name", new(json!("no")), "-name: Ada   # the name 🙂\n+name: \"no\"   # the name 🙂\n"),
        ("/name", new(json!("a\nb")), "-name: Ada   # the name 🙂\n+name: |-   # the name 🙂\n+  a\n+  b\n"),
        (
            "/description",
            new(json!("\"x\" \u{1}")),
            "-description: \"Helps \\\"you\\\"\"  # quoted\n+description: \"\\\"x\\\" \\x01\"  # quoted\n",
        ),
        ("/role", new(json!("'tis")), "-role: 'it''s'\n+role: '''tis'\n"),
        ("/role", new(json!(7)), "-role: 'it''s'\n+role: 7\n"),
        ("/empty", new(json!("now: not")), "-empty:\n+empty: \"now: not\"\n"),
        ("/empty", new(json!({"a": "x\ny\n"})), "+  a: |\n+    x\n+    y\n"),
        (
            "/prompt",
            new(json!("Be kind.\n\n  indented   line\nBe 🙂 very brief.\n")),
            "-  Be 🙂 brief.\n+  Be 🙂 very brief.\n",
        ),
        ("/prompt", new(json!("Be kind.\n\n  indented   line\nBe 🙂 brief.")), "-prompt: |\n+prompt: |-\n"),
        ("/prompt", new(json!("Be kind.\n\n  indented   line\nBe 🙂 brief.\n\n\n")), "-prompt: |\n+prompt: |+\n+\n"),
        (
            "/prompt",
            new(json!(" first\nBe kind.\n")),
            "-prompt: |\n+prompt: |2\n+   first\n-\n-    indented   line\n-  Be 🙂 brief.\n",
        ),
        (
            "/folded",
            new(json!("The first sentence goes on over three lines.\nThe second paragraph stays.")),
            "-  over two lines.\n+  over three lines.\n",
        ),
        ("/folded", new(json!("The second paragraph stays.")), "-  The first sentence goes on\n-  over two lines.\n-\n"),
        (
            "/folded",
            None,
            "-folded: >-  # folded\n-  The first sentence goes on\n-  over two lines.\n-\n-  The second paragraph stays.\n",
        ),
        (
            "/targets/tavus/layers/llm/model",
            new(json!("gpt")),
            "-    layers: { llm: { model: \"gpt, 4\", speed: 1.0 }, tts: [a, \"b\"] }  # flow\n+    layers: { llm: { model: \"gpt\", speed: 1.0 }, tts: [a, \"b\"] }  # flow\n",
        ),
        (
            "/targets/tavus/layers/llm/model",
            None,
            "-    layers: { llm: { model: \"gpt, 4\", speed: 1.0 }, tts: [a, \"b\"] }  # flow\n+    layers: { llm: { speed: 1.0 }, tts: [a, \"b\"] }  # flow\n",
        ),
        (
            "/targets/tavus/layers/llm/new",
            new(json!([1, "x, y"])),
            "-    layers: { llm: { model: \"gpt, 4\", speed: 1.0 }, tts: [a, \"b\"] }  # flow\n+    layers: { llm: { model: \"gpt, 4\", speed: 1.0, new: [1, \"x, y\"] }, tts: [a, \"b\"] }  # flow\n",
        ),
        (
            "/targets/tavus/layers/tts/-",
            new(json!("c")),
            "-    layers: { llm: { model: \"gpt, 4\", speed: 1.0 }, tts: [a, \"b\"] }  # flow\n+    layers: { llm: { model: \"gpt, 4\", speed: 1.0 }, tts: [a, \"b\", c] }  # flow\n",
        ),
        ("/targets/tavus/list/0", None, "-      - one   # first\n"),
        ("/targets/tavus/list/1/two", new(json!("zwei")), "-      - two: 2\n+      - two: zwei\n"),
        ("/targets/tavus/list/1/two", None, "-      - two: 2\n-        three: 3   # inner\n+      - three: 3   # inner\n"),
        ("/targets/tavus/list/1/four", new(json!(4)), "+        four: 4\n"),
        ("/targets/tavus/list/-", new(json!({"a": 1})), "+      - { a: 1 }\n"),
        ("/targets/tavus/list/2/1", None, "-        - y\n"),
        (
            "/targets/tavus/list",
            new(json!([])),
            "-    list:   # items\n-      - one   # first\n+    list: []   # items\n-      - two: 2\n-        three: 3   # inner\n-      - - x\n-        - y\n",
        ),
        (
            "/targets/tavus/list",
            None,
            "-    list:   # items\n-      - one   # first\n-      # before two\n-      - two: 2\n-        three: 3   # inner\n-      - - x\n-        - y\n",
        ),
        ("/targets/tavus/after", new(json!("x")), "+    after: x\n"),
        ("/targets/tavus/last", None, "-    last: |+\n-      keep\n-\n"),
        ("/targets/anam/voiceId", None, "-  anam:\n-    voiceId: v1\n+  anam: {}\n"),
        ("/targets/anam/systemPrompt", new(json!("Be\nkind.\n")), "+    systemPrompt: |\n+      Be\n+      kind.\n"),
        (
            "/targets/anam/list",
            new(json!([{"a": "one\ntwo"}, "b"])),
            "+    list:\n+      - a: |-\n+          one\n+          two\n+      - b\n",
        ),
    ] {
        let found = edited(pointer, value.clone());
        if found != wanted {
            wrong.push(format!("{pointer} = {value:?}\n{found}instead of\n{wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_without_final_newline_stays_one() {
    for (before, pointer, value, after) in [
        ("a: 1", "/b", Some(json!(2)), "a: 1\nb: 2"),
        ("a: 1\nb: 2", "/b", None, "a: 1"),
        ("a: 1\r\nb: 2", "/b", None, "a: 1"),
        ("a: 1 # c", "/a", Some(json!("x\ny")), "a: |- # c\n  x\n  y"),
        ("a: |\n  x", "/a", Some(json!("y\n")), "a: |\n  y"),
        ("a: >\n  x\n  y", "/b", Some(json!(1)), "a: >\n  x\n  y\nb: 1"),
        ("- a\n- b", "/-", Some(json!("c")), "- a\n- b\n- c"),
        ("{a: 1,}", "/b", Some(json!(2)), "{a: 1, b: 2}"),
        ("{ a: 1 }", "/a", None, "{}"),
        ("a: {}\n", "/a/b", Some(json!("x\ny\n")), "a:\n  b: |\n    x\n    y\n"),
        ("a:\n- x\n- y\nb: 1\n", "/a/-", Some(json!("z")), "a:\n- x\n- y\n- z\nb: 1\n"),
        ("a: one\n  two # c\nb: 1\n", "/a", Some(json!("three")), "a: three # c\nb: 1\n"),
        ("a: [\n  x, # one\n  y, # two\n]\n", "/a/0", Some(json!("z")), "a: [\n  z, # one\n  y, # two\n]\n"),
    ] {
        let mut wanted = raw::read(before).expect("readable");
        set(&mut wanted, pointer, value);
        assert_eq!(rewrite(before, &wanted).as_deref(), Ok(after), "{before:?}");
    }
}

#[test]
fn what_stands_behind_anchors_and_tags_is_refused_with_its_place() {
    for (text, pointer, at) in [
        ("a: &x { b: 1 }\nc: *x\n", "/a/b", "{ b: 1 }"),
        ("a: &x { b: 1 }\nc: *x\n", "/c/b", "*x"),
        ("a: &x { b: 1 }\nc: { <<: *x, d: 2 }\n", "/c/b", "{ <<: *x, d: 2 }"),
        ("a: !!str 1\n", "/a", "1"),
    ] {
        let mut wanted = raw::read(text).expect("readable");
        set(&mut wanted, pointer, Some(json!(9)));
        let refusal = rewrite(text, &wanted).expect_err("refused");
        assert_eq!(&text[refusal.span], at, "{text}");
    }
    let alone = rewrite("a: &x one\nb: 2\n", &json!({"a": "two", "b": 2}));
    assert_eq!(alone.as_deref(), Ok("a: &x two\nb: 2\n"));
}

#[test]
fn several_changes_of_one_list_keep_what_stays() {
    let before = "a:\n  - one # 1\n  - two # 2\n  - three # 3\n";
    let wanted = json!({"a": ["one", "zwei", "three", "four"]});
    assert_eq!(rewrite(before, &wanted).as_deref(), Ok("a:\n  - one # 1\n  - zwei # 2\n  - three # 3\n  - four\n"));
}
