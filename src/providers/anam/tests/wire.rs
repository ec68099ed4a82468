//! Which requests are made of edits, what is said about them, and what they are predicted to do.

use serde_json::{Value, json};

use super::{edit, live, resource};
use crate::persona::name::Pointer;
use crate::plan::{Clear, Dialect, Draft, Edit, Live, Method, RemoteId, Request};
use crate::provider::Provider;
use crate::providers::anam::ANAM;

/// The body of the one request that an update makes, and the notes.
fn update(at: Value, wanted: Value, edits: &[Edit]) -> (Value, Vec<String>) {
    let Draft { requests, notes } = ANAM.update(&live(at), &resource(wanted), edits);
    match requests.as_slice() {
        [Request { method: Method::Put, path, body: Some(body) }] if path == "/v1/personas/p-1" => (body.clone(), notes),
        other => panic!("expected one PUT, not {other:?}"),
    }
}

fn predict(at: Value, body: Value) -> Live {
    ANAM.predict(&live(at), &Request::new(Method::Put, "/v1/personas/p-1").with_body(body))
}

fn unknown(live: &Live) -> Vec<String> {
    live.unknown.iter().map(Pointer::to_string).collect()
}

#[test]
fn requests_go_to_the_documented_paths() {
    let id = RemoteId::new("a/b?");
    assert_eq!(ANAM.list(3).expect("a list call").path, "/v1/personas?page=3&perPage=100");
    assert_eq!(ANAM.read(&id).expect("a read call").path, "/v1/personas/a%2Fb%3F");
    assert_eq!(ANAM.delete(&id), Some(Request::new(Method::Delete, "/v1/personas/a%2Fb%3F")));
}

#[test]
fn a_create_leaves_nulls_out_and_keeps_secrets() {
    let wanted = json!({
        "name": "Ada", "initialMessage": null, "systemPrompt": {"$env": "PROMPT", "digest": null}, "toolIds": [],
        "voiceDetectionOptions": {"endOfSpeechSensitivity": null}, "voiceGenerationOptions": {"speed": 1, "style": null}
    });
    let draft = ANAM.create(&resource(wanted));
    let body = json!({
        "name": "Ada", "systemPrompt": {"$env": "PROMPT", "digest": null}, "toolIds": [],
        "voiceGenerationOptions": {"speed": 1}
    });
    assert_eq!(draft.requests, [Request::new(Method::Post, "/v1/personas").with_body(body)]);
    assert!(draft.notes.is_empty());
}

#[test]
fn a_new_persona_without_a_prompt_is_not_given_the_services_own() {
    let draft = ANAM.create(&resource(json!({"name": "Ada", "systemPrompt": null})));
    assert_eq!(draft.requests[0].body, Some(json!({"name": "Ada", "systemPrompt": ""})));
}

#[test]
fn what_a_create_does_not_take_follows_in_a_second_request() {
    let wanted = json!({"name": "Ada", "enableAudioPassthrough": true, "widgetConfig": {"layout": "inline", "position": null}});
    let draft = ANAM.create(&resource(wanted));
    let second = json!({"enableAudioPassthrough": true, "widgetConfig": {"layout": "inline"}});
    let requests = [
        Request::new(Method::Post, "/v1/personas").with_body(json!({"name": "Ada"})),
        Request::new(Method::Put, "/v1/personas/{id}").with_body(second),
    ];
    assert_eq!(draft.requests, requests);
    assert!(draft.notes.iter().any(|note| note.contains("`widgetConfig` in a second request")));

    let start = Live::empty(RemoteId::new("{id}"));
    let after = requests.iter().fold(start, |live, request| ANAM.predict(&live, request));
    assert_eq!(after.name, "Ada");
    assert_eq!(after.fields["widgetConfig"], json!({"layout": "inline"}));
    let nothing = ANAM.create(&resource(json!({"name": "Ada", "widgetConfig": {}})));
    assert_eq!(nothing.requests.len(), 1);
}

#[test]
fn an_update_sends_only_the_top_level_fields_that_change() {
    let wanted = json!({"name": "Ada", "systemPrompt": "New.", "toolIds": ["t-2"], "voiceId": "v-1"});
    let edits = [edit("/systemPrompt", Some(json!("New."))), edit("/toolIds", Some(json!(["t-2"])))];
    let (body, notes) = update(json!({"name": "Ada", "voiceId": "v-1", "toolIds": ["t-1"]}), wanted, &edits);
    assert_eq!(body, json!({"systemPrompt": "New.", "toolIds": ["t-2"]}));
    assert!(notes.is_empty());
}

#[test]
fn nothing_to_send_makes_no_request() {
    assert_eq!(ANAM.update(&live(json!({})), &resource(json!({})), &[]), Draft::default());
    let impossible = [edit("/widgetConfig/layout", None), edit("/voiceId", None)];
    assert_eq!(ANAM.update(&live(json!({})), &resource(json!({})), &impossible), Draft::default());
}

#[test]
fn every_field_is_cleared_in_its_own_way() {
    let edits: Vec<Edit> = [
        "description",
        "enableAudioPassthrough",
        "initialMessage",
        "languageCode",
        "skipGreeting",
        "systemPrompt",
        "toolIds",
        "uninterruptibleGreeting",
        "zeroDataRetention",
    ]
    .iter()
    .map(|field| edit(&format!("/{field}"), None))
    .collect();
    let (body, notes) = update(json!({}), json!({}), &edits);
    let wanted = json!({
        "description": "", "systemPrompt": "", "initialMessage": null, "languageCode": "inherit", "toolIds": [],
        "skipGreeting": false, "uninterruptibleGreeting": false, "zeroDataRetention": false, "enableAudioPassthrough": false
    });
    assert_eq!(body, wanted);
    assert!(notes.iter().any(|note| note.starts_with("clears `languageCode` by writing `inherit`")));
    for field in ["/name", "/avatarId", "/avatarModel", "/voiceId", "/llmId", "/widgetConfig", "/widgetConfig/layout"] {
        let rule = ANAM.rules().field(&Pointer::parse(field).expect("a pointer"));
        assert!(matches!(rule.clear, Clear::Impossible(_)), "{field}");
    }
}

#[test]
fn options_are_sent_whole_so_that_unmanaged_keys_stay() {
    let at = json!({"voiceDetectionOptions": {"endOfSpeechSensitivity": 0.5, "speechEnhancementLevel": 1}});
    let wanted = json!({"voiceDetectionOptions": {"endOfSpeechSensitivity": 0.7}});
    let edits = [edit("/voiceDetectionOptions/endOfSpeechSensitivity", Some(json!(0.7)))];
    let (body, notes) = update(at.clone(), wanted, &edits);
    let whole = json!({"voiceDetectionOptions": {"endOfSpeechSensitivity": 0.7, "speechEnhancementLevel": 1}});
    assert_eq!(body, whole);
    assert!(notes.is_empty());
    let after = predict(at, body);
    assert_eq!((Value::Object(after.fields.into()), after.unknown.len()), (whole, 0));
}

#[test]
fn an_option_that_leaves_is_predicted_gone_but_not_promised() {
    let at = json!({"voiceDetectionOptions": {"endOfSpeechSensitivity": 0.5, "speechEnhancementLevel": 1}});
    let edits = [edit("/voiceDetectionOptions/speechEnhancementLevel", None)];
    let (body, notes) = update(at.clone(), json!({}), &edits);
    assert_eq!(body, json!({"voiceDetectionOptions": {"endOfSpeechSensitivity": 0.5}}));
    let after = predict(at, body.clone());
    assert_eq!(Value::Object(after.fields.clone().into()), body);
    assert_eq!(unknown(&after), ["/voiceDetectionOptions/speechEnhancementLevel"]);
    assert!(notes[0].starts_with("clears `/voiceDetectionOptions/speechEnhancementLevel` by sending"));
}

#[test]
fn widget_settings_are_sent_and_predicted_key_by_key() {
    let at = json!({"widgetConfig": {"layout": "inline", "position": "top"}});
    let (body, _) = update(at.clone(), json!({}), &[edit("/widgetConfig/layout", Some(json!("floating")))]);
    assert_eq!(body, json!({"widgetConfig": {"layout": "floating"}}));
    assert_eq!(predict(at, body).fields["widgetConfig"], json!({"layout": "floating", "position": "top"}));
}

#[test]
fn avatar_change_carries_its_model() {
    let edits = [edit("/avatarId", Some(json!("a-2")))];
    let wanted = json!({"avatarId": "a-2", "avatarModel": "cara-3"});
    let (body, notes) = update(json!({"avatarId": "a-1", "avatarModel": "cara-3"}), wanted.clone(), &edits);
    assert_eq!(body, wanted);
    assert_eq!(notes, ["also sends `avatarModel`: changing the avatar may reset it"]);
}

#[test]
fn avatar_change_warns_of_a_model_that_is_not_ours() {
    let edits = [edit("/avatarId", Some(json!("a-2")))];
    let at = json!({"avatarId": "a-1", "avatarModel": "cara-3"});
    let (body, notes) = update(at.clone(), json!({"avatarId": "a-2"}), &edits);
    assert_eq!(body, json!({"avatarId": "a-2"}));
    assert_eq!(notes, ["changing the avatar may reset `avatarModel`: not in the file"]);
    assert_eq!(unknown(&predict(at, body)), ["/avatarModel"]);
    let same_avatar = predict(json!({"avatarId": "a-1"}), json!({"avatarId": "a-1"}));
    assert!(same_avatar.unknown.is_empty());
}

#[test]
fn voice_change_carries_its_options() {
    let edits = [edit("/voiceId", Some(json!("v-2")))];
    let at = json!({"voiceId": "v-1", "voiceGenerationOptions": {"speed": 1}});
    let wanted = json!({"voiceId": "v-2", "voiceGenerationOptions": {"speed": 1, "style": null}});
    let (body, notes) = update(at.clone(), wanted, &edits);
    assert_eq!(body, json!({"voiceId": "v-2", "voiceGenerationOptions": {"speed": 1}}));
    assert_eq!(notes, ["also sends `voiceGenerationOptions`: changing the voice resets it"]);
    assert!(predict(at, body).unknown.is_empty());
}

#[test]
fn voice_change_leaves_behind_options_that_are_not_ours() {
    let edits = [edit("/voiceGenerationOptions/speed", Some(json!(1.1))), edit("/voiceId", Some(json!("v-2")))];
    let at = json!({"voiceId": "v-1", "voiceGenerationOptions": {"speed": 1, "stability": 0.5}});
    let wanted = json!({"voiceId": "v-2", "voiceGenerationOptions": {"speed": 1.1}});
    let (body, notes) = update(at.clone(), wanted.clone(), &edits);
    assert_eq!(body, wanted);
    assert_eq!(
        notes,
        ["changing the voice resets `stability` of `voiceGenerationOptions` to the provider's default: not in the file"]
    );
    assert_eq!(unknown(&predict(at, body)), ["/voiceGenerationOptions/stability"]);
}

#[test]
fn voice_change_resets_options_that_the_file_does_not_set() {
    let edits = [edit("/voiceId", Some(json!("v-2")))];
    let at = json!({"voiceId": "v-1", "voiceGenerationOptions": {"speed": 1}});
    let (body, notes) = update(at.clone(), json!({"voiceId": "v-2"}), &edits);
    assert_eq!(body, json!({"voiceId": "v-2"}));
    assert_eq!(notes, ["changing the voice resets `voiceGenerationOptions` to the provider's default: not in the file"]);
    let after = predict(at, body);
    assert_eq!(after.fields["voiceGenerationOptions"], Value::Null);
    assert_eq!(unknown(&after), ["/voiceGenerationOptions"]);
}

#[test]
fn voice_change_takes_away_options_that_shall_go_without_further_words() {
    let edits = [edit("/voiceGenerationOptions/speed", None), edit("/voiceId", Some(json!("v-2")))];
    let at = json!({"voiceId": "v-1", "voiceGenerationOptions": {"speed": 1}});
    let (body, notes) = update(at, json!({"voiceId": "v-2"}), &edits);
    assert_eq!(body, json!({"voiceId": "v-2"}));
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn ignored_fields_are_not_sent_along() {
    let mut wanted = resource(json!({"voiceId": "v-2", "voiceGenerationOptions": {"speed": 1, "style": 0}}));
    let at = live(json!({"voiceId": "v-1", "voiceGenerationOptions": {"speed": 1, "style": 1}}));
    let edits = [edit("/voiceId", Some(json!("v-2")))];
    wanted.ignore = vec![Pointer::new(["voiceGenerationOptions", "style"])];
    let body = ANAM.update(&at, &wanted, &edits).requests[0].body.clone();
    assert_eq!(body, Some(json!({"voiceId": "v-2", "voiceGenerationOptions": {"speed": 1}})));
    wanted.ignore = vec![Pointer::new(["voiceGenerationOptions"])];
    let body = ANAM.update(&at, &wanted, &edits).requests[0].body.clone();
    assert_eq!(body, Some(json!({"voiceId": "v-2"})));
}

#[test]
fn data_retention_voice_and_llm_change_in_one_request() {
    let wanted = json!({"zeroDataRetention": true, "voiceId": "v-2", "llmId": "l-2"});
    let edits = [
        edit("/llmId", Some(json!("l-2"))),
        edit("/voiceId", Some(json!("v-2"))),
        edit("/zeroDataRetention", Some(json!(true))),
    ];
    assert_eq!(update(json!({}), wanted.clone(), &edits).0, wanted);
}

#[test]
fn a_new_name_is_the_display_name() {
    assert_eq!(predict(json!({"name": "Ada"}), json!({"name": "Eda"})).name, "Eda");
}

#[test]
fn audio_passthrough_is_said_to_be_undocumented() {
    let (_, notes) = update(json!({}), json!({}), &[edit("/enableAudioPassthrough", Some(json!(true)))]);
    assert_eq!(notes, ["sends `enableAudioPassthrough`, which works and is not in the documented update call"]);
}

fn normal(path: &str, value: Value) -> Value {
    let rule = ANAM.rules().field(&Pointer::parse(path).expect("a pointer"));
    rule.normal.expect("a normal form")(&value)
}

#[test]
fn values_meet_in_one_form() {
    let origins = normal("/widgetConfig/allowedOrigins", json!(["example.com", "https://example.com", "http://localhost:80"]));
    assert_eq!(origins, json!(["https://example.com", "http://localhost:80"]));
    assert_eq!(normal("/toolIds", json!(["t", "t"])), json!(["t"]));
    assert_eq!(normal("/languageCode", json!("")), normal("/languageCode", json!("inherit")));
    let rules = ANAM.rules();
    let rule = |path: &str| rules.field(&Pointer::parse(path).expect("a pointer"));
    assert!(rule("/toolIds").set && rule("/widgetConfig/allowedOrigins").set);
    assert!(rule("/widgetConfig").empty_is_absent && !rule("/widgetConfig/callToAction").empty_is_absent);
    assert_eq!(rule("/voiceGenerationOptions/speed").clear, Clear::Remove);
    assert!(rule("/voiceDetectionOptions").empty_is_absent && rule("/description").empty_is_absent);
}
