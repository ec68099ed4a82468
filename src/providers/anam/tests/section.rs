//! The section: its schema, and how it becomes a resource.

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::{address, object, place};
use crate::persona::document::{Persona, Places, Settings, Shared, Target};
use crate::persona::name::{AccountName, Key, Pointer};
use crate::persona::problem::Problem;
use crate::plan::{RemoteId, Resource};
use crate::provider::Provider;
use crate::providers::anam::ANAM;

fn schema() -> Value {
    let mut generator = SchemaGenerator::default();
    let schema = ANAM.section(&mut generator).to_value();
    assert!(generator.take_definitions(true).is_empty(), "the section must hold all that it means");
    schema
}

fn compile_with(fields: Value, shared: Shared, settings: Settings) -> Result<Resource, Vec<Problem>> {
    let mut places = Places::new(place("anam"));
    for key in object(fields.clone()).keys() {
        places = places.with(&Pointer::new([key]), place(key));
    }
    let target = Target { account: AccountName::new("anam"), fields: object(fields), settings, places };
    let persona = Persona {
        key: Key::new("ada"),
        shared,
        previously: None,
        targets: Vec::new(),
        places: Places::new(place("file")),
        place: place("file"),
    };
    ANAM.compile(&address(), &persona, &target)
}

fn compile(fields: Value, shared: Shared) -> Result<Resource, Vec<Problem>> {
    compile_with(fields, shared, Settings::default())
}

fn ids() -> Value {
    json!({"avatarId": "a", "voiceId": "v", "llmId": "l"})
}

fn named() -> Shared {
    Shared { name: Some(json!("Ada")), ..Shared::default() }
}

fn check_descriptions(at: &str, schema: &Value, found: &mut usize) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let description = field["description"].as_str().unwrap_or_default();
        assert!(!description.is_empty(), "{at}/{name} has no description");
        assert!(!field["type"].is_null(), "{at}/{name} has no type of its own: {field}");
        assert!(field.get("default").is_none(), "{at}/{name} claims a default: {field}");
        *found += 1;
        check_descriptions(&format!("{at}/{name}"), field, found);
    }
}

#[test]
fn every_field_is_described_and_none_is_required_by_the_schema() {
    let mut found = 0;
    check_descriptions("", &schema(), &mut found);
    assert_eq!(found, 17 + 5 + 8 + 9);
    assert!(schema().get("required").is_none(), "account defaults may hold what a section leaves out");
}

#[test]
fn the_schema_refuses_what_the_service_has_no_word_for() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let takes = |document: Value| validator.is_valid(&document);
    assert!(takes(json!({
        "avatarModel": "cara-9", "voiceId": null, "toolIds": ["t"], "languageCode": "en",
        "voiceDetectionOptions": {"silenceBeforeSkipTurnSeconds": 5000},
        "voiceGenerationOptions": {"speed": 1, "emotion": "bored", "stability": null},
        "widgetConfig": {"allowedOrigins": ["example.com"], "layout": "corner"}
    })));
    assert!(!takes(json!({"voiceID": "v"})));
    assert!(!takes(json!({"voiceGenerationOptions": {"pitch": 1}})));
    assert!(!takes(json!({"voiceDetectionOptions": {"endOfSpeechSensitivity": "high"}})));
    assert!(!takes(json!({"widgetConfig": {"watermark": false}})));
    assert!(!takes(json!({"toolIds": [1]})));
}

#[test]
fn moving_values_are_hints_and_not_limits() {
    let schema = schema();
    assert_eq!(schema["properties"]["avatarModel"]["x-known"], json!(["cara-3", "cara-4", "cara-4-latest"]));
    let detection = &schema["properties"]["voiceDetectionOptions"]["properties"];
    assert_eq!(detection["silenceBeforeSkipTurnSeconds"]["x-range"], json!([0, 900]));
    assert!(schema["properties"]["avatarModel"].get("enum").is_none());
}

#[test]
fn shared_fields_go_where_anam_keeps_them_and_the_target_wins() {
    let shared = Shared { name: Some(json!("Ada")), description: Some(json!("Helps")), prompt: Some(json!("Be kind.")) };
    let compiled = compile(ids(), shared.clone()).expect("a resource");
    assert_eq!(compiled.fields["name"], "Ada");
    assert_eq!(compiled.fields["description"], "Helps");
    assert_eq!(compiled.fields["systemPrompt"], "Be kind.");
    assert_eq!(compiled.name, "Ada");
    assert!(compiled.release);

    let mut own = ids();
    own["name"] = json!("Ada at Anam");
    own["description"] = Value::Null;
    let compiled = compile(own, shared).expect("a resource");
    assert_eq!(compiled.name, "Ada at Anam");
    assert_eq!(compiled.fields["description"], Value::Null);
}

#[test]
fn what_is_written_comes_through_unharmed() {
    let written = json!({
        "name": "Ada", "avatarId": "a", "voiceId": "v", "llmId": "CUSTOMER_CLIENT_V1", "avatarModel": "cara-3",
        "systemPrompt": {"$env": "PROMPT"}, "skipGreeting": false, "uninterruptibleGreeting": true, "initialMessage": null,
        "zeroDataRetention": true, "languageCode": "en", "toolIds": ["t2", {"$env": "TOOL"}], "enableAudioPassthrough": true,
        "voiceDetectionOptions": {
            "endOfSpeechSensitivity": 0.5, "silenceBeforeSkipTurnSeconds": 0, "silenceBeforeSessionEndSeconds": 60.0,
            "silenceBeforeAutoEndTurnSeconds": null, "speechEnhancementLevel": 1
        },
        "voiceGenerationOptions": {
            "stability": 0.5, "similarityBoost": 0.75, "speed": 1, "style": 0, "useSpeakerBoost": true, "model": "m",
            "volume": 1, "emotion": "calm"
        },
        "widgetConfig": {
            "callToAction": "Talk", "allowedOrigins": ["example.com"], "allowEverywhere": false, "layout": "inline",
            "initialState": "minimized", "position": "bottom-right", "showTextInput": true, "showMuteButton": true,
            "showTranscript": false
        }
    });
    let compiled = compile(written.clone(), Shared::default()).expect("a resource");
    assert_eq!(Value::Object(compiled.fields.into()), written);
}

#[test]
fn what_the_service_would_choose_itself_is_required_all_at_once() {
    let problems = compile(json!({"voiceId": null, "llmId": ""}), Shared::default()).expect_err("problems");
    let found: Vec<_> = problems.iter().map(|problem| (problem.code, problem.message.as_str())).collect();
    let wanted = [
        ("missing-field", "`name` is missing"),
        ("missing-field", "`avatarId` is missing"),
        ("not-clearable", "`voiceId` cannot be cleared"),
        ("empty-field", "`llmId` is empty"),
    ];
    assert_eq!(found, wanted);
    let text = |problem: &Problem| problem.place.as_ref().map(|place| place.file.text.clone());
    assert_eq!(problems.iter().filter_map(text).collect::<Vec<_>>(), ["anam", "anam", "voiceId", "llmId"]);
    assert!(problems.iter().all(|problem| problem.help.is_some()));
}

#[test]
fn settings_bind_ignore_and_protect() {
    let settings = Settings {
        id: Some("p-1".to_owned()),
        prevent_destroy: true,
        force_destroy: true,
        ignore_changes: vec![Pointer::new(["voiceId"])],
        manage: Default::default(),
        release: None,
    };
    let compiled = compile_with(ids(), named(), settings).expect("a resource");
    assert_eq!(compiled.bind, Some(RemoteId::new("p-1")));
    assert_eq!(compiled.ignore, [Pointer::new(["voiceId"])]);
    assert!(compiled.prevent_destroy);
}

#[test]
fn an_origin_cannot_be_a_secret() {
    let mut fields = ids();
    fields["widgetConfig"] = json!({"allowedOrigins": ["a.example", {"$env": "ORIGIN"}]});
    let problems = compile(fields, named()).expect_err("a problem");
    assert_eq!(problems[0].code, "secret-origin");
}
