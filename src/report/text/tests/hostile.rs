//! Properties that hold whatever the files and the services write.

use proptest::prelude::*;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::plan_of;
use crate::report::text::{self, Options};

const NASTY: &[char] = &[
    '\u{1b}',
    '[',
    'm',
    '\u{9b}',
    '\u{7}',
    '\r',
    '\n',
    '\t',
    ' ',
    ' ',
    '.',
    '\0',
    '\u{7f}',
    '\u{202e}',
    '\u{2066}',
    '\u{2069}',
    '\u{200b}',
    '\u{200d}',
    '\u{200c}',
    '\u{feff}',
    '\u{301}',
    '\u{e0041}',
    '\u{1f3f4}',
    '\u{fe0f}',
    '👩',
    '語',
    '。',
    'ש',
    'é',
    'a',
    'b',
    '\u{2028}',
    '\u{85}',
    '\u{a0}',
    '"',
    '\\',
    '/',
    '$',
];

fn piece() -> impl Strategy<Value = String> {
    let char = prop_oneof![4 => prop::sample::select(NASTY), 2 => prop::char::range('a', 'z'), 1 => any::<char>()];
    prop::collection::vec(char, 0..24).prop_map(|chars| chars.into_iter().collect())
}

/// An old and a new text that share most of their pieces.
fn texts() -> impl Strategy<Value = (String, String)> {
    let kept = piece().prop_map(|text| (text.clone(), text));
    prop::collection::vec(prop_oneof![3 => kept, 1 => (piece(), piece())], 0..12).prop_map(|pieces| pieces.into_iter().unzip())
}

/// Whether a text holds nothing but harmless characters, line feeds and our own styles.
fn check(text: &str, width: Option<usize>) -> Result<(), TestCaseError> {
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        let parameters = after.strip_prefix('[').and_then(|after| after.split_once('m'));
        let (parameters, after) = parameters.ok_or_else(|| TestCaseError::fail(format!("{text:?}")))?;
        prop_assert!(parameters.chars().all(|char| char.is_ascii_digit() || char == ';'), "{text:?}");
        rest = after;
    }
    bare.push_str(rest);
    for char in bare.chars() {
        let controls_order = matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        prop_assert!(
            char == '\n' || !(char.is_control() || controls_order || "\u{2028}\u{2029}\u{200b}".contains(char)),
            "{bare:?}"
        );
    }
    for line in bare.lines() {
        prop_assert_eq!(line, line.trim_end());
        if let Some(width) = width {
            prop_assert!(line.width() <= width, "{} columns: {:?}", line.width(), line);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_content_reaches_the_terminal_raw((old, new) in texts(), name in piece(), width in 40..100_usize) {
        let change = |action: &str, edits: Value| {
            json!({"address": format!("tavus.{name}x"), "action": action, "id": name, "name": name, "notes": [name], "edits": edits,
                "requests": [{"method": "PATCH", "path": format!("/{name}"), "body": {&name: new}}]})
        };
        let path = format!("/{}", name.replace('~', ""));
        let plan = plan_of(&[
            change("update", json!([{"path": path, "from": old, "to": new, "reason": "declared"}])),
            change("update", json!([{"path": "/list", "from": [old, {&name: old}], "to": [{&name: new}, new], "reason": "drifted"}])),
            change("create", json!([{"path": "/prompt", "to": new, "reason": "declared"}])),
            change("delete", json!([{"path": path, "from": old, "reason": "removed"}])),
        ]);
        check(&text::plan(&plan, &Options { width, ..Options::default() }), Some(width))?;
        // Bodies are not wrapped, so that they can be copied.
        check(&text::plan(&plan, &Options { width, requests: true, verbose: true }), None)?;
    }
}
