//! Tests of `schema`: the exported schemas are valid, and agree with the walk about what is right and wrong.

use std::sync::Arc;

use super::super::check;
use super::super::problem::{Severity, SourceFile};
use super::super::{ProviderWords, yaml};
use super::shape::Shapes;
use super::*;

/// Two small providers for the tests of this room.
pub(in super::super) fn vocabulary() -> Vocabulary {
    let face = json!({
        "$schema": DIALECT,
        "title": "Face",
        "$ref": "#/$defs/Section",
        "$defs": {
            "Section": {
                "type": "object",
                "additionalProperties": false,
                "required": ["avatarId"],
                "properties": {
                    "avatarId": { "type": "string" },
                    "voiceId": { "description": "The voice.", "type": "string" },
                    "avatarModel": { "type": "string", "x-known": ["cara-2", "cara-3"] },
                    "limit": { "type": ["integer", "null"], "minimum": 0 },
                    "mode": { "$ref": "#/$defs/Mode" },
                    "voice": { "$ref": "#/$defs/Voice" },
                    "tools": { "type": "array", "items": { "$ref": "#/$defs/Tool" } },
                    "extra": { "type": "object" },
                    "anything": true,
                },
            },
            "Mode": { "oneOf": [{ "const": "calm", "type": "string" }, { "const": "lively", "type": "string" }] },
            "Voice": {
                "type": "object",
                "additionalProperties": false,
                "required": ["speed"],
                "properties": { "speed": { "type": "number", "x-range": [0.5, 2] }, "style": { "type": "string" } },
            },
            "Tool": {
                "type": "object", "additionalProperties": false, "required": ["name"],
                "properties": { "name": { "type": "string" }, "parts": { "type": "array", "items": { "$ref": "#/$defs/Tool" } } },
            },
        },
    });
    let phone = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": { "key": { "type": "string", "x-secret": true }, "number": { "anyOf": [{ "type": "string" }, { "type": "null" }] } },
    });
    let words = |section: Value, releases, key_variable| ProviderWords {
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

fn accounts() -> BTreeMap<AccountName, String> {
    let pairs = [("face", "face"), ("phone", "phone"), ("phone-eu", "phone")];
    pairs.into_iter().map(|(account, provider)| (AccountName::new(account), provider.to_owned())).collect()
}

fn valid(schema: &Value, document: &Value) -> bool {
    jsonschema::validator_for(schema).expect("a valid schema").is_valid(document)
}

/// Whether the walk finds no error in a persona, its sections included.
fn walks(text: &str) -> bool {
    let file = Arc::new(SourceFile { path: "x.yaml".into(), text: text.to_owned() });
    let root = yaml::parse(text, &file).0.expect("a document");
    let document = persona_document(&vocabulary(), &accounts());
    let (shapes, whole) = Shapes::new(&document, &document);
    let mut problems = check::check(&root, &shapes, whole, &[], None);
    for entry in root.get("targets").map_or(&[][..], |targets| targets.entries()) {
        match shapes.section(whole, &entry.key) {
            Some(section) => {
                problems.extend(check::check(&entry.value, &shapes, section, &["targets", &entry.key], Some(&entry.place)))
            }
            None => return false,
        }
    }
    problems.iter().all(|problem| problem.severity != Severity::Error)
}

/// The cases as one-line YAML, which a YAML reader of another house turns into JSON for the exported schema.
fn both(text: &str) -> (bool, bool) {
    let document: Value = serde_yaml::from_str(text).expect("YAML");
    (walks(text), valid(&persona_schema(&vocabulary(), &accounts()), &document))
}

#[test]
fn editors_and_the_walk_accept_the_same_personas() {
    for text in [
        "{name: Ada, prompt: {$file: a.md}, targets: {face: {avatarId: a}}}",
        "{prompt: {$join: [{$file: a.md}, text]}, previously: eda, targets: {}}",
        "{name: null, targets: {face: {avatarId: a, voiceId: null, mode: null, voice: null, tools: null, limit: null}}}",
        "{targets: {face: {avatarId: a, avatarModel: cara-9, mode: calm, voice: {speed: 9}, limit: 1, anything: [1], extra: {x: 1}}}}",
        "{targets: {face: {avatarId: {$env: KEY}, tools: [{name: x, parts: [{name: {$file: y}}]}]}}}",
        "{targets: {phone: {$release: draft, $id: p1, number: {$file: n}, key: {$env: KEY}}, phone-eu: {$lifecycle: {prevent_destroy: true, ignore_changes: [/number]}}}}",
        "{targets: {phone: null}}",
    ] {
        assert_eq!(both(text), (true, true), "{text}");
    }
}

#[test]
fn editors_and_the_walk_refuse_the_same_personas() {
    for text in [
        "{name: Ada}",
        "{nmae: Ada, targets: {}}",
        "{name: 1, targets: {}}",
        "{targets: {other: {}}}",
        "{previously: {$file: x}, targets: {}}",
        "{targets: {face: {avatarId: a, voice_id: v}}}",
        "{targets: {face: {avatarId: 1}}}",
        "{targets: {face: {avatarId: a, avatarModel: 3}}}",
        "{targets: {face: {avatarId: a, limit: -1}}}",
        "{targets: {face: {avatarId: a, limit: {$file: x}}}}",
        "{targets: {face: {avatarId: a, mode: wild}}}",
        "{targets: {face: {avatarId: a, mode: {$file: m}}}}",
        "{targets: {face: {avatarId: a, voice: {speed: fast}}}}",
        "{targets: {face: {avatarId: a, tools: [{}]}}}",
        "{targets: {face: {avatarId: a, tools: [null]}}}",
        "{targets: {face: {avatarId: a, $release: draft}}}",
        "{targets: {face: {avatarId: {$fil: x}}}}",
        "{targets: {face: {avatarId: {$file: x, $env: Y}}}}",
        "{targets: {phone: {$release: prod}}}",
        "{targets: {phone: {key: sk-live}}}",
        "{targets: {phone: {$lifecycle: {prevent_destroy: \"yes\"}}}}",
        "{prompt: {$join: [{$env: KEY}]}, targets: {}}",
        "{prompt: {$join: []}, targets: {}}",
    ] {
        assert_eq!(both(text), (false, false), "{text}");
    }
}

#[test]
fn what_defaults_may_supply_is_no_duty_of_a_target_for_editors() {
    let schema = persona_schema(&vocabulary(), &accounts());
    assert!(valid(&schema, &json!({ "targets": { "face": { "voice": { "style": "soft" } } } })));
    assert!(!walks("{targets: {face: {voice: {style: soft}}}}"));
}

#[test]
fn exported_schemas_hold_descriptions_and_no_words_of_our_own() {
    let schemas = [persona_schema(&vocabulary(), &accounts()), project_schema(&vocabulary())];
    for schema in &schemas {
        assert!(!schema.to_string().contains("\"x-"), "{schema}");
    }
    assert_eq!(schemas[0]["$defs"]["face"]["properties"]["voiceId"]["description"], "The voice.");
    let model = schemas[0]["$defs"]["face"]["properties"]["avatarModel"]["anyOf"].as_array().expect("choices");
    assert_eq!(model[0], json!({ "enum": ["cara-2", "cara-3"] }));
}

#[test]
fn the_project_schema_types_defaults_by_provider() {
    let schema = project_schema(&vocabulary());
    for (accepted, accounts) in [
        (true, json!({ "face": {}, "phone": null })),
        (true, json!({ "face": { "defaults": { "voice": { "style": "x" } } } })),
        (true, json!({ "eu": { "provider": "phone", "api_key": { "$env": "KEY" }, "defaults": { "number": "1" } } })),
        (true, json!({ "face": { "provider": "phone", "defaults": { "number": "1" } } })),
        (false, json!({ "face": { "defaults": { "number": "1" } } })),
        (false, json!({ "face": { "defaults": { "$id": "1" } } })),
        (false, json!({ "eu": { "provider": "phone", "defaults": { "voiceId": "1" } } })),
        (false, json!({ "eu": { "provider": "fone" } })),
        (false, json!({ "face": { "api_key": "sk" } })),
        (false, json!({ "face": { "base_url": { "$env": "X" } } })),
    ] {
        assert_eq!(valid(&schema, &json!({ "accounts": accounts })), accepted, "{accounts}");
    }
    for (accepted, share) in [(true, json!("30%")), (true, json!(0.3)), (false, json!(30)), (false, json!("much"))] {
        assert_eq!(valid(&schema, &json!({ "safety": { "max_share": share } })), accepted, "{share}");
    }
}
