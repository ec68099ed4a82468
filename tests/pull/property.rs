//! Random values at random places of the example cast: what is written back loads to what was wanted, and nothing around it moves.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use personaform::edit::{locate, rewrite};
use personaform::persona::raw;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Every persona file with its text.
static PERSONAS: LazyLock<Vec<(PathBuf, String)>> = LazyLock::new(personas);

fn personas() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("personas");
    let mut found = Vec::new();
    for folder in [root.clone(), root.join("emea")] {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let yaml = entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
        found.extend(yaml.map(|path| (path.clone(), fs::read_to_string(path).expect("readable"))));
    }
    found.sort();
    found
}

/// The paths of all scalars.
fn scalars(value: &Value, at: &[String], found: &mut Vec<Vec<String>>) {
    let below = |segment: String| [at, &[segment]].concat();
    match value {
        Value::Object(members) => members.iter().for_each(|(key, member)| scalars(member, &below(key.clone()), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| scalars(item, &below(index.to_string()), found))
        }
        _ => found.push(at.to_vec()),
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => "[ -~]{0,30}".prop_map(Value::from),
        4 => "([a-z:#'\"\\-{}, 🙂]{0,20}\n){1,5}[a-z ]{0,10}\n?".prop_map(Value::from),
        2 => "[ \t\n\r\u{1}\u{85}\u{2028}é🙂a|>%@`&*!?-]{0,12}".prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(json!(0.25)),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => prop::sample::select(vec!["no", "012", "1e3", "~", "null", "<<", "- a", "a: b", "---", "...", "%TAG", "{{x}}"]).prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_can_stand_anywhere_and_disturbs_nothing_around_it(
        file in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), new in any_value(), crlf in any::<bool>(),
    ) {
        let (path, text) = &PERSONAS[file.index(PERSONAS.len())];
        let text = if crlf { text.replace('\n', "\r\n") } else { text.clone() };
        let document = raw::read(&text).expect("readable");
        let mut paths = Vec::new();
        scalars(&document, &[], &mut paths);
        let at = &paths[place.index(paths.len())];
        let pointer: String = at.iter().map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1"))).collect();
        let mut wanted = document.clone();
        *wanted.pointer_mut(&pointer).expect("there") = new.clone();
        let edited = match rewrite(&text, &wanted) {
            Ok(edited) => edited,
            // Anchors are reported instead.
            Err(refusal) => {
                prop_assert!(text.contains(": &") || text.contains("<<:"), "{} {pointer} {new:?}: {refusal:?}", path.display());
                return Ok(());
            }
        };
        prop_assert_eq!(raw::read(&edited), Some(wanted));
        // All that stands before the line of the key, and from the next key or item on, is as it was.
        let start = locate(&text, at).expect("located").start;
        let line = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        // The place of a block in a list is its first line, below the dash.
        let above = text[..line].trim_end();
        let line = if above.ends_with(['|', '>', '-', '+']) { above.rfind('\n').map_or(0, |newline| newline + 1) } else { line };
        prop_assert!(edited.starts_with(&text[..line]), "{}", edited);
        let next = paths.iter().filter_map(|other| locate(&text, other)).map(|span| span.start).filter(|other| *other > start);
        let next = next.filter(|other| text[start..*other].contains('\n')).min();
        if let Some(next) = next {
            let rest = text[..next].rfind('\n').map_or(0, |newline| newline + 1);
            prop_assert!(edited.ends_with(&text[rest..]), "{}", edited);
        }
        prop_assert_eq!(edited.matches("\r\n").count() == edited.matches('\n').count(), crlf);
    }
}
