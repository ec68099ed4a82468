//! One test per wart of the sheet.

use serde_json::{Value, json};

use super::*;

const PERSONAS: &str = "/v1/personas";

fn send(sandbox: &mut Sandbox, method: &str, target: &str, body: Value) -> (u16, Value) {
    let answer = sandbox.handle(&Incoming::new(method, target).with_header("authorization", "Bearer key").with_json(&body));
    (answer.status, answer.body.unwrap_or_default())
}

fn created(sandbox: &mut Sandbox, persona: Value) -> String {
    let (status, body) = send(sandbox, "POST", PERSONAS, persona);
    assert_eq!(status, 201, "{body}");
    body["id"].as_str().expect("an id").to_owned()
}

fn read(sandbox: &mut Sandbox, id: &str) -> Value {
    let (status, body) = send(sandbox, "GET", &format!("{PERSONAS}/{id}"), Value::Null);
    assert_eq!(status, 200, "{body}");
    body
}

fn put(sandbox: &mut Sandbox, id: &str, body: Value) -> (u16, Value) {
    send(sandbox, "PUT", &format!("{PERSONAS}/{id}"), body)
}

/// A sandbox with one persona of these fields.
fn with(switches: Switches, persona: Value) -> (Sandbox, String) {
    let mut sandbox = Sandbox::with("key", switches);
    let id = created(&mut sandbox, persona);
    (sandbox, id)
}

fn ada(persona: Value) -> (Sandbox, String) {
    with(Switches::default(), persona)
}

#[test]
fn only_a_bearer_key_opens_the_account() {
    let mut sandbox = Sandbox::new("key");
    for value in ["key", "Bearer other"] {
        let request = Incoming::new("GET", PERSONAS).with_header("authorization", value);
        assert_eq!(sandbox.handle(&request).status, 401);
    }
}

#[test]
fn a_restricted_key_gets_403() {
    let (mut sandbox, id) = ada(json!({}));
    sandbox.grant(Access::ReadOnly);
    read(&mut sandbox, &id);
    assert_eq!(put(&mut sandbox, &id, json!({ "name": "Eve" })).0, 403);
    sandbox.grant(Access::None);
    assert_eq!(send(&mut sandbox, "GET", PERSONAS, Value::Null).0, 403);
}

#[test]
fn create_answers_201_with_the_nested_read_shape() {
    let mut sandbox = Sandbox::new("key");
    let sent = json!({ "name": "Ada", "avatarId": AVATAR_BOTH, "voiceId": "v", "llmId": "l", "systemPrompt": "Be kind." });
    let (status, body) = send(&mut sandbox, "POST", PERSONAS, sent);
    assert_eq!(status, 201);
    for (pointer, wanted) in [
        ("/avatar/id", json!(AVATAR_BOTH)),
        ("/voice/id", json!("v")),
        ("/llmId", json!("l")),
        ("/brain/systemPrompt", json!("Be kind.")),
        ("/avatarModel", Value::Null),
        ("/voiceDetectionOptions", Value::Null),
        ("/tools", json!([])),
        ("/widgetConfig", json!({})),
        ("/skipGreeting", json!(false)),
    ] {
        assert_eq!(body.pointer(pointer), Some(&wanted), "{pointer}");
    }
    for flat in ["avatarId", "voiceId", "systemPrompt", "toolIds"] {
        assert_eq!(body.get(flat), None, "{flat}");
    }
}

#[test]
fn create_needs_nothing_and_fills_in_its_own() {
    let (mut sandbox, id) = ada(json!({}));
    let persona = read(&mut sandbox, &id);
    assert_eq!((&persona["avatar"], &persona["voice"]), (&Value::Null, &Value::Null));
    assert!(persona["llmId"].is_string() && persona["brain"]["systemPrompt"].is_string());
}

#[test]
fn create_passes_over_the_widget_and_unknown_keys() {
    let (mut sandbox, id) = ada(json!({ "name": "Ada", "widgetConfig": { "layout": "inline" }, "mood": "good" }));
    let persona = read(&mut sandbox, &id);
    assert_eq!((&persona["widgetConfig"], persona.get("mood")), (&json!({}), None));
}

#[test]
fn update_changes_only_what_it_names() {
    let (mut sandbox, id) = ada(json!({ "name": "Ada", "avatarId": "a", "voiceId": "v", "toolIds": ["t"] }));
    let before = sandbox.stored(&id).expect("it exists").clone();
    let (status, _) = put(&mut sandbox, &id, json!({ "initialMessage": "Hi" }));
    let mut after = sandbox.stored(&id).expect("it exists").clone();
    assert_eq!((status, after.remove("initialMessage")), (200, Some(json!("Hi"))));
    after["updatedAt"] = before["updatedAt"].clone();
    assert_eq!(after, before);
}

#[test]
fn update_refuses_unknown_keys_unless_switched_off() {
    let body = json!({ "name": "Eve", "brain": { "systemPrompt": "Be rude." } });
    let (mut sandbox, id) = ada(json!({ "name": "Ada" }));
    let (status, answer) = put(&mut sandbox, &id, body.clone());
    assert_eq!((status, &answer["error"]), (400, &json!("Validation error")));
    assert_eq!(read(&mut sandbox, &id)["name"], "Ada");
    assert_eq!(put(&mut sandbox, &id, json!({ "enableAudioPassthrough": true })).0, 200);
    assert_eq!(read(&mut sandbox, &id)["enableAudioPassthrough"], true);

    let switches = Switches { unknown_keys: UnknownKeys::Ignored, ..Switches::default() };
    let (mut sandbox, id) = with(switches, json!({ "name": "Ada" }));
    assert_eq!(put(&mut sandbox, &id, body).0, 200);
    assert_eq!(read(&mut sandbox, &id)["name"], "Eve");
}

#[test]
fn wrong_types_and_ranges_are_refused_with_their_place() {
    let (mut sandbox, id) = ada(json!({}));
    for (body, path) in [
        (json!({ "name": 1 }), "name"),
        (json!({ "skipGreeting": "true" }), "skipGreeting"),
        (json!({ "initialMessage": 1 }), "initialMessage"),
        (json!({ "toolIds": [1] }), "toolIds"),
        (json!({ "avatarModel": "cara-9" }), "avatarModel"),
        (json!({ "voiceDetectionOptions": [] }), "voiceDetectionOptions"),
        (json!({ "voiceDetectionOptions": { "endOfSpeechSensitivity": 1.1 } }), "voiceDetectionOptions.endOfSpeechSensitivity"),
        (json!({ "voiceGenerationOptions": { "speed": 0.4 } }), "voiceGenerationOptions.speed"),
        (json!({ "voiceGenerationOptions": { "emotion": "bored" } }), "voiceGenerationOptions.emotion"),
        (json!({ "widgetConfig": { "layout": "round" } }), "widgetConfig.layout"),
    ] {
        let (status, answer) = put(&mut sandbox, &id, body);
        assert_eq!((status, &answer["details"][0]["path"]), (400, &json!(path)));
    }
    let zero = json!({ "voiceDetectionOptions": { "silenceBeforeSkipTurnSeconds": 0 } });
    assert_eq!(put(&mut sandbox, &id, zero.clone()).0, 200, "0 means off");
    assert_eq!(read(&mut sandbox, &id)["voiceDetectionOptions"], zero["voiceDetectionOptions"]);
}

#[test]
fn only_the_first_message_takes_null_unless_switched() {
    for (nulls, wanted) in [(Nulls::Refused, 400), (Nulls::Cleared, 200)] {
        let (mut sandbox, id) = with(Switches { nulls, ..Switches::default() }, json!({ "description": "d" }));
        assert_eq!(put(&mut sandbox, &id, json!({ "description": null })).0, wanted);
        assert_eq!(read(&mut sandbox, &id)["description"].is_null(), nulls == Nulls::Cleared);
        assert_eq!(put(&mut sandbox, &id, json!({ "initialMessage": null })).0, 200);
    }
}

#[test]
fn language_reads_inherit_when_unset() {
    for (inherit_writable, status, language) in [(true, 200, "inherit"), (false, 400, "en")] {
        let (mut sandbox, id) = with(Switches { inherit_writable, ..Switches::default() }, json!({}));
        assert_eq!(read(&mut sandbox, &id)["languageCode"], "inherit");
        put(&mut sandbox, &id, json!({ "languageCode": "en" }));
        assert_eq!(read(&mut sandbox, &id)["languageCode"], "en");
        assert_eq!(put(&mut sandbox, &id, json!({ "languageCode": "inherit" })).0, status);
        assert_eq!(read(&mut sandbox, &id)["languageCode"], language);
    }
}

#[test]
fn an_avatar_change_resets_a_model_it_does_not_support() {
    for (model_reset, wanted) in [(ModelReset::Null, Value::Null), (ModelReset::AvatarDefault, json!("cara-3"))] {
        let persona = json!({ "avatarId": AVATAR_BOTH, "avatarModel": "cara-4" });
        let (mut sandbox, id) = with(Switches { model_reset, ..Switches::default() }, persona);
        assert_eq!(put(&mut sandbox, &id, json!({ "avatarId": AVATAR_CARA_3_ONLY })).0, 200);
        assert_eq!(read(&mut sandbox, &id)["avatarModel"], wanted);
    }
    let (mut sandbox, id) = ada(json!({ "avatarId": AVATAR_CARA_3_ONLY, "avatarModel": "cara-3" }));
    put(&mut sandbox, &id, json!({ "avatarId": "unknown" }));
    assert_eq!(read(&mut sandbox, &id)["avatarModel"], "cara-3");
}

#[test]
fn a_model_that_the_avatar_does_not_support_is_refused() {
    let (mut sandbox, id) = ada(json!({ "avatarId": AVATAR_CARA_3_ONLY }));
    assert_eq!(put(&mut sandbox, &id, json!({ "avatarModel": "cara-4" })).0, 400);
    assert_eq!(put(&mut sandbox, &id, json!({ "avatarModel": "cara-4-latest" })).0, 400);
    assert_eq!(put(&mut sandbox, &id, json!({ "avatarId": AVATAR_CARA_4_ONLY, "avatarModel": "cara-3" })).0, 400);
    assert_eq!(put(&mut sandbox, &id, json!({ "avatarId": AVATAR_CARA_4_ONLY, "avatarModel": "cara-4" })).0, 200);
}

#[test]
fn a_voice_change_resets_the_options_unless_it_brings_new_ones() {
    let persona = json!({ "voiceId": "v", "voiceGenerationOptions": { "speed": 1.1, "style": 0.5 } });
    for options in [Options::Replace, Options::Merge] {
        let (mut sandbox, id) = with(Switches { options, ..Switches::default() }, persona.clone());
        put(&mut sandbox, &id, json!({ "voiceId": "v" }));
        assert_eq!(read(&mut sandbox, &id)["voiceGenerationOptions"], persona["voiceGenerationOptions"]);
        put(&mut sandbox, &id, json!({ "voiceId": "w", "voiceGenerationOptions": { "volume": 1 } }));
        assert_eq!(read(&mut sandbox, &id)["voiceGenerationOptions"], json!({ "volume": 1 }));
        put(&mut sandbox, &id, json!({ "voiceId": "x" }));
        assert_eq!(read(&mut sandbox, &id)["voiceGenerationOptions"], Value::Null);
    }
}

#[test]
fn options_are_replaced_unless_switched_to_merge() {
    let persona = json!({ "voiceDetectionOptions": { "endOfSpeechSensitivity": 0.5, "speechEnhancementLevel": 1 } });
    let sent = json!({ "voiceDetectionOptions": { "endOfSpeechSensitivity": 0.7 } });
    let merged = json!({ "endOfSpeechSensitivity": 0.7, "speechEnhancementLevel": 1 });
    for (options, wanted) in [(Options::Replace, &sent["voiceDetectionOptions"]), (Options::Merge, &merged)] {
        let (mut sandbox, id) = with(Switches { options, ..Switches::default() }, persona.clone());
        put(&mut sandbox, &id, sent.clone());
        assert_eq!(&read(&mut sandbox, &id)["voiceDetectionOptions"], wanted);
    }
}

#[test]
fn the_widget_is_merged_and_its_origins_normalised() {
    let (mut sandbox, id) = ada(json!({}));
    put(
        &mut sandbox,
        &id,
        json!({ "widgetConfig": { "layout": "inline", "allowedOrigins": ["a.example", "http://b.example"] } }),
    );
    put(&mut sandbox, &id, json!({ "widgetConfig": { "position": "left" } }));
    let widget = json!({ "layout": "inline", "position": "left", "allowedOrigins": ["https://a.example", "http://b.example"] });
    assert_eq!(read(&mut sandbox, &id)["widgetConfig"], widget);
    put(&mut sandbox, &id, json!({ "widgetConfig": { "allowedOrigins": ["c.example"] } }));
    assert_eq!(read(&mut sandbox, &id)["widgetConfig"]["allowedOrigins"], json!(["https://c.example"]));
}

#[test]
fn tools_are_replaced_and_read_as_objects_in_another_order() {
    for (tool_id, key) in [(ToolId::Underscored, "_toolId"), (ToolId::Plain, "id")] {
        let (mut sandbox, id) = with(Switches { tool_id, ..Switches::default() }, json!({ "toolIds": ["t1"] }));
        put(&mut sandbox, &id, json!({ "toolIds": ["t3", "t2"] }));
        let persona = read(&mut sandbox, &id);
        let ids: Vec<&Value> = persona["tools"].as_array().expect("an array").iter().map(|tool| &tool[key]).collect();
        assert_eq!(ids, ["t2", "t3"]);
        put(&mut sandbox, &id, json!({ "toolIds": [] }));
        assert_eq!(read(&mut sandbox, &id)["tools"], json!([]));
    }
}

#[test]
fn the_llm_that_stands_for_none_reads_null_unless_switched() {
    for (no_llm, wanted) in [(NoLlm::Null, Value::Null), (NoLlm::Sentinel, json!("CUSTOMER_CLIENT_V1"))] {
        let (mut sandbox, id) = with(Switches { no_llm, ..Switches::default() }, json!({ "llmId": "CUSTOMER_CLIENT_V1" }));
        assert_eq!(read(&mut sandbox, &id)["llmId"], wanted);
    }
}

#[test]
fn undocumented_fields_read_back_unless_switched_off() {
    let persona = json!({ "initialMessage": "Hi", "uninterruptibleGreeting": true, "languageCode": "en" });
    for undocumented_reads in [true, false] {
        let (mut sandbox, id) = with(Switches { undocumented_reads, ..Switches::default() }, persona.clone());
        let shown = read(&mut sandbox, &id);
        for (key, value) in persona.as_object().expect("an object") {
            assert_eq!(shown.get(key), undocumented_reads.then_some(value), "{key}");
        }
    }
}

#[test]
fn signed_links_differ_from_read_to_read_and_change_no_store() {
    let (mut sandbox, id) = ada(json!({ "avatarId": "a" }));
    let store = sandbox.store();
    let (first, second) = (read(&mut sandbox, &id), read(&mut sandbox, &id));
    for link in ["videoUrl", "idleVideoUrl"] {
        assert_ne!(first["avatar"][link], second["avatar"][link]);
    }
    assert_eq!(sandbox.store(), store);
}

#[test]
fn zero_data_retention_needs_a_voice_an_llm_and_a_plan() {
    let (mut sandbox, id) = ada(json!({ "voiceId": "v", "llmId": "l" }));
    assert_eq!(put(&mut sandbox, &id, json!({ "zeroDataRetention": true, "voiceId": VOICE_THAT_RETAINS })).0, 400);
    assert_eq!(put(&mut sandbox, &id, json!({ "zeroDataRetention": true })).0, 200);
    assert_eq!(put(&mut sandbox, &id, json!({ "llmId": LLM_THAT_RETAINS })).0, 400);
    assert_eq!(put(&mut sandbox, &id, json!({ "zeroDataRetention": false, "llmId": LLM_THAT_RETAINS })).0, 200);

    let switches = Switches { zero_data_retention_plan: false, ..Switches::default() };
    let (mut sandbox, id) = with(switches, json!({}));
    assert_eq!(put(&mut sandbox, &id, json!({ "zeroDataRetention": true })).0, 400);
}

#[test]
fn lists_are_summaries_with_built_in_personas() {
    let (mut sandbox, id) = ada(json!({ "name": "Ada" }));
    let (_, page) = send(&mut sandbox, "GET", PERSONAS, Value::Null);
    let built_in: Vec<bool> =
        page["data"].as_array().expect("an array").iter().map(|item| item["isDefaultPersona"] == true).collect();
    assert_eq!(built_in, [false, true, true]);
    let summary = &page["data"][0];
    assert_eq!((&summary["id"], &summary["description"]), (&json!(id), &json!("")));
    for missing in ["brain", "llmId", "tools", "avatarModel", "voiceGenerationOptions", "widgetConfig"] {
        assert_eq!(summary.get(missing), None, "{missing}");
    }
    let (_, found) = send(&mut sandbox, "GET", "/v1/personas?search=aD", Value::Null);
    assert_eq!(found["meta"]["total"], 1);
}

#[test]
fn lists_are_paged_with_their_meta() {
    let (mut sandbox, _) = ada(json!({ "name": "Ada" }));
    let (_, page) = send(&mut sandbox, "GET", "/v1/personas?perPage=2", Value::Null);
    let meta = json!({ "total": 3, "lastPage": 2, "currentPage": 1, "perPage": 2, "prev": null, "next": 2 });
    assert_eq!((&page["meta"], page["data"].as_array().map(Vec::len)), (&meta, Some(2)));
    let (_, page) = send(&mut sandbox, "GET", "/v1/personas?perPage=2&page=2", Value::Null);
    assert_eq!((&page["meta"]["prev"], &page["meta"]["next"]), (&json!(1), &Value::Null));
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(send(&mut sandbox, "GET", "/v1/personas?perPage=101", Value::Null).0, 400);
}

#[test]
fn built_in_personas_cannot_be_changed() {
    let mut sandbox = Sandbox::new("key");
    let path = "/v1/personas/d0000000-0000-4000-8000-000000000001";
    assert_eq!(send(&mut sandbox, "GET", path, Value::Null).0, 200);
    assert_eq!(send(&mut sandbox, "PUT", path, json!({ "name": "Mine" })).0, 403);
    assert_eq!(send(&mut sandbox, "DELETE", path, Value::Null).0, 403);
}

#[test]
fn delete_answers_200_with_a_message_and_then_404() {
    let (mut sandbox, id) = ada(json!({}));
    let path = format!("{PERSONAS}/{id}");
    let deleted = send(&mut sandbox, "DELETE", &path, Value::Null);
    assert_eq!(deleted, (200, json!({ "message": "Persona deleted" })));
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(send(&mut sandbox, method, &path, json!({})).0, 404, "{method}");
    }
}

#[test]
fn errors_carry_their_text_where_the_switch_says() {
    for (error_text, key) in [(ErrorText::Error, "error"), (ErrorText::Message, "message")] {
        let mut sandbox = Sandbox::with("key", Switches { error_text, ..Switches::default() });
        let (status, body) = send(&mut sandbox, "GET", "/v1/nothing", Value::Null);
        assert_eq!((status, body), (404, json!({ key: "Not found" })));
    }
}

#[test]
fn changes_in_the_lab_are_read() {
    let (mut sandbox, id) = ada(json!({ "name": "Ada" }));
    assert!(sandbox.alter(&id, |persona| persona["name"] = json!("Eve")));
    assert_eq!(read(&mut sandbox, &id)["name"], "Eve");
    assert_eq!(sandbox.ids(), [id]);
}

#[test]
fn tools_show_their_id_under_the_switched_name_or_not_at_all() {
    for (tool_id, key) in [(ToolId::Underscored, "_toolId"), (ToolId::Plain, "id"), (ToolId::Named, "toolId")] {
        let (mut sandbox, id) = with(Switches { tool_id, ..Switches::default() }, json!({ "toolIds": ["t1"] }));
        assert_eq!(read(&mut sandbox, &id)["tools"][0][key], "t1");
    }
    let hidden = Switches { tool_id: ToolId::Hidden, ..Switches::default() };
    let (mut sandbox, id) = with(hidden, json!({ "toolIds": ["t1"] }));
    let tool = read(&mut sandbox, &id)["tools"][0].clone();
    assert!(["_toolId", "id", "toolId"].iter().all(|key| tool.get(key).is_none()));
}

#[test]
fn what_was_never_set_reads_as_null_or_as_empty() {
    let (mut sandbox, id) = ada(json!({}));
    assert!(read(&mut sandbox, &id)["voiceGenerationOptions"].is_null());
    let (mut sandbox, id) = with(Switches { unset: Unset::Empty, ..Switches::default() }, json!({}));
    let persona = read(&mut sandbox, &id);
    assert_eq!((&persona["voiceGenerationOptions"], &persona["description"]), (&json!({}), &json!("")));
}

#[test]
fn detection_options_left_out_get_the_services_value_where_the_switch_says() {
    let switches = Switches { options: Options::Defaulted, ..Switches::default() };
    let (mut sandbox, id) = with(switches, json!({ "voiceDetectionOptions": { "speechEnhancementLevel": 0.1 } }));
    let options = read(&mut sandbox, &id)["voiceDetectionOptions"].clone();
    assert_eq!((&options["speechEnhancementLevel"], &options["endOfSpeechSensitivity"]), (&json!(0.1), &json!(0.5)));
}
