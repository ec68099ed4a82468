//! Small projects with one kind of mistake each, and the text that a person then sees. Every folder below `tests/problems` is a
//! case: a project and `expected.txt`. `BLESS=1` writes the expectations anew; read them before they are committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use personaform::persona::problem::Severity;
use personaform::persona::{Loaded, ProviderWords, Section, Vocabulary, load};
use personaform::report::problems::problems;
use serde_json::json;

/// Two small providers, so that no change of a real one touches these texts.
fn vocabulary() -> Vocabulary {
    let face = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "voiceId": { "description": "The voice.", "type": "string" },
            "avatarModel": { "type": "string", "x-known": ["cara-2", "cara-3"] },
            "mode": { "enum": ["calm", "lively"] },
            "record": { "type": "boolean" },
            "limit": { "type": "integer", "minimum": 0 },
            "tags": { "type": "array", "items": { "type": "string" } },
            "voice": { "$ref": "#/$defs/Voice" },
            "tools": { "type": "array", "items": { "$ref": "#/$defs/Tool" } },
            "extra": { "type": "object" },
        },
        "$defs": {
            "Voice": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "speed": { "type": "number", "x-range": [0.5, 2] }, "stability": { "type": ["number", "null"] } },
            },
            "Tool": {
                "oneOf": [
                    {
                        "type": "object", "additionalProperties": false, "required": ["type", "url"],
                        "properties": { "type": { "const": "web" }, "url": { "type": "string" } },
                    },
                    {
                        "type": "object", "additionalProperties": false, "required": ["type"],
                        "properties": { "type": { "const": "sum" }, "digits": { "type": "integer" } },
                    },
                ],
            },
        },
    });
    let phone = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "llm": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "model": { "type": "string" }, "api_key": { "type": "string" } },
            },
            "number": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
        },
    });
    let words = |section: serde_json::Value, releases, key_variable| ProviderWords {
        section: Section::new(move || section.clone()),
        releases,
        key_variable,
        ..ProviderWords::default()
    };
    Vocabulary {
        providers: BTreeMap::from([
            ("face".to_owned(), words(face, false, "FACE_API_KEY")),
            ("phone".to_owned(), words(phone, true, "PHONE_API_KEY")),
        ]),
    }
}

fn loaded(root: &Path) -> Loaded {
    load(root, &vocabulary(), &|name| (name == "SET").then(|| "sk-live-secret".to_owned()))
}

/// The text without its colours.
fn shown(loaded: &Loaded) -> String {
    let text = anstream::adapter::strip_str(&problems(&loaded.problems)).to_string();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn every_case_shows_what_it_should() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the cases").map(|entry| entry.expect("a case").path()).collect();
    cases.sort();
    assert!(cases.len() > 20, "the cases are gone");
    let mut wrong = Vec::new();
    for case in cases {
        let loaded = loaded(&case);
        let errors = loaded.problems.iter().any(|problem| problem.severity == Severity::Error);
        assert_eq!(loaded.project.is_none(), errors, "{}", case.display());
        let shown = shown(&loaded);
        assert!(!shown.contains("sk-live"), "{} shows a secret:\n{shown}", case.display());
        let expected = case.join("expected.txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, &shown).expect("a writable case");
        } else if fs::read_to_string(&expected).unwrap_or_default() != shown {
            wrong.push(format!("--- {}\n{shown}", case.file_name().expect("a name").display()));
        }
    }
    assert!(wrong.is_empty(), "these cases show something else now:\n{}", wrong.join("\n"));
}
