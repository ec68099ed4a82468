//! One test per wart of the sheet.

use serde_json::{Value, json};

use super::*;

const PERSONAS: &str = "/v1/personas";

fn send(sandbox: &mut Sandbox, method: &str, target: &str, body: Value) -> (u16, Value) {
    let answer = sandbox.handle(&Incoming::new(method, target).with_header("authorization", "key").with_json(&body));
    (answer.status, answer.body.unwrap_or_default())
}

/// The payload of a success.
fn data(sandbox: &mut Sandbox, method: &str, target: &str, body: Value) -> Value {
    let (status, mut answer) = send(sandbox, method, target, body);
    assert_eq!((status, &answer["errors"]), (200, &Value::Null), "{answer}");
    answer["data"].take()
}

/// Status and code of a refusal.
fn refused(sandbox: &mut Sandbox, method: &str, target: &str, body: Value) -> (u16, String) {
    let (status, answer) = send(sandbox, method, target, body);
    assert_eq!(answer["data"], Value::Null, "{answer}");
    (status, answer["errors"][0]["error"].as_str().expect("a code").to_owned())
}

/// A sandbox with one persona of these fields, and its path.
fn with(switches: Switches, mut persona: Value) -> (Sandbox, String, String) {
    let mut sandbox = Sandbox::with("key", switches);
    persona["name"] = json!("Ada");
    let created = data(&mut sandbox, "POST", PERSONAS, persona);
    let id = created["id"].as_str().expect("an id").to_owned();
    (sandbox, format!("{PERSONAS}/{id}"), id)
}

fn ada(persona: Value) -> (Sandbox, String, String) {
    with(Switches::default(), persona)
}

#[test]
fn only_the_raw_key_opens_the_account() {
    let mut sandbox = Sandbox::new("key");
    let answer = sandbox.handle(&Incoming::new("GET", PERSONAS).with_header("authorization", "Bearer key"));
    assert_eq!((answer.status, &answer.body.expect("a body")["errors"][0]["error"]), (401, &json!("AUTH_FAILURE")));
}

#[test]
fn create_makes_production_one_and_draft_two_of_one_content() {
    let (mut sandbox, path, _) = ada(json!({ "personality_prompt": "Be kind." }));
    let persona = data(&mut sandbox, "GET", &path, Value::Null);
    let (production, draft) = (&persona["current_production_version"], &persona["current_draft_version"]);
    assert_eq!((&production["version_number"], &draft["version_number"]), (&json!(1), &json!(2)));
    assert_eq!((&production["personality_prompt"], &draft["personality_prompt"]), (&json!("Be kind."), &json!("Be kind.")));
    assert_eq!(persona["current_production_version_id"], production["id"]);
    assert_ne!(production["id"], draft["id"]);
    assert_eq!(persona.get("personality_prompt"), None, "it is read from a version");
}

#[test]
fn create_fills_in_the_documented_defaults() {
    let mut sandbox = Sandbox::new("key");
    let persona = data(&mut sandbox, "POST", PERSONAS, json!({ "name": "Ada" }));
    for (field, value) in [("role", Value::Null), ("description", Value::Null), ("tags", json!([])), ("image_url", Value::Null)]
    {
        assert_eq!(persona[field], value, "{field}");
    }
    let draft = &persona["current_draft_version"];
    for (field, value) in [
        ("personality_prompt", json!("You are a helpful assistant")),
        ("orchestration_prompt", Value::Null),
        ("pathway_conditions", Value::Null),
        ("call_config", Value::Null),
        ("kb_ids", json!([])),
        ("default_tools", json!([])),
    ] {
        assert_eq!(draft[field], value, "{field}");
    }
    assert_eq!(persona.get("inbound_numbers"), None, "a create does not show them");
}

#[test]
fn create_may_answer_201() {
    let mut sandbox = Sandbox::with("key", Switches { create_status: 201, ..Switches::default() });
    assert_eq!(send(&mut sandbox, "POST", PERSONAS, json!({ "name": "Ada" })).0, 201);
}

#[test]
fn name_is_required_even_on_update_unless_switched_off() {
    assert_eq!(refused(&mut Sandbox::new("key"), "POST", PERSONAS, json!({})).0, 400);
    let (mut sandbox, path, _) = ada(json!({}));
    assert_eq!(refused(&mut sandbox, "PATCH", &path, json!({ "role": "guide" })).0, 400);
    let (mut sandbox, path, _) = with(Switches { name_required: false, ..Switches::default() }, json!({}));
    assert_eq!(data(&mut sandbox, "PATCH", &path, json!({ "role": "guide" }))["name"], "Ada");
}

#[test]
fn versioned_fields_go_to_the_draft_only() {
    let (mut sandbox, path, _) = ada(json!({}));
    let before = data(&mut sandbox, "GET", &path, Value::Null);
    let after = data(&mut sandbox, "PATCH", &path, json!({ "name": "Ada", "personality_prompt": "Be kind." }));
    assert_eq!(after["current_production_version"], before["current_production_version"]);
    assert_eq!(after["current_draft_version"]["personality_prompt"], "Be kind.");
}

#[test]
fn fields_of_the_persona_take_effect_at_once_and_touch_no_version() {
    let (mut sandbox, path, _) = ada(json!({}));
    let before = data(&mut sandbox, "GET", &path, Value::Null);
    let sent = json!({ "name": "Eve", "role": "guide", "description": "d", "tags": ["t"], "image_url": "u" });
    let after = data(&mut sandbox, "PATCH", &path, sent.clone());
    for (field, value) in sent.as_object().expect("an object") {
        assert_eq!(&after[field], value);
    }
    for version in ["current_production_version", "current_draft_version"] {
        assert_eq!(after[version], before[version]);
    }
    assert_ne!(after["updated_at"], before["updated_at"]);
}

#[test]
fn the_draft_is_edited_in_place_or_made_anew() {
    for (drafts, kept) in [(Drafts::InPlace, true), (Drafts::Recreated, false)] {
        let (mut sandbox, path, _) = with(Switches { drafts, ..Switches::default() }, json!({ "kb_ids": ["k"] }));
        let before = data(&mut sandbox, "GET", &path, Value::Null);
        let after = data(&mut sandbox, "PATCH", &path, json!({ "name": "Ada", "personality_prompt": "Be kind." }));
        let draft = &after["current_draft_version"];
        assert_eq!(draft["id"] == before["current_draft_version"]["id"], kept);
        assert_eq!(draft["version_number"] == 2, kept);
        assert_eq!(draft["kb_ids"], json!(["k"]), "what the update leaves out stays");
    }
}

#[test]
fn promote_makes_a_new_production_version_and_leaves_the_draft() {
    let (mut sandbox, path, _) = ada(json!({}));
    let before = data(&mut sandbox, "PATCH", &path, json!({ "name": "Ada", "personality_prompt": "Be kind." }));
    let after = data(&mut sandbox, "POST", &format!("{path}/versions/promote"), json!({}));
    let production = &after["current_production_version"];
    assert_eq!((&production["version_number"], &production["personality_prompt"]), (&json!(3), &json!("Be kind.")));
    assert_eq!(production["promoted_from_version_id"], before["current_draft_version_id"]);
    assert_eq!(after["current_draft_version"], before["current_draft_version"]);
    assert_eq!(after.get("inbound_numbers"), None);
    let versions = data(&mut sandbox, "GET", &format!("{path}/versions"), Value::Null);
    let types: Vec<&Value> = versions.as_array().expect("an array").iter().map(|version| &version["version_type"]).collect();
    assert_eq!(types, ["production", "draft", "archived"]);
}

#[test]
fn promote_without_a_draft_is_refused() {
    let (mut sandbox, path, id) = ada(json!({}));
    assert!(sandbox.drop_draft(&id));
    let refusal = refused(&mut sandbox, "POST", &format!("{path}/versions/promote"), json!({}));
    assert_eq!(refusal, (400, "NO_DRAFT_VERSION".to_owned()));
}

#[test]
fn dashboard_edits_wait_in_the_draft_and_are_shipped_by_a_promotion() {
    let (mut sandbox, path, id) = ada(json!({}));
    assert!(sandbox.edit_draft(&id, "voicemail", json!("hang up")));
    let persona = data(&mut sandbox, "GET", &path, Value::Null);
    assert_eq!(persona["current_production_version"].get("voicemail"), None);
    data(&mut sandbox, "PATCH", &path, json!({ "name": "Ada", "kb_ids": ["k"] }));
    let persona = data(&mut sandbox, "POST", &format!("{path}/versions/promote"), json!({}));
    assert_eq!(persona["current_production_version"]["voicemail"], "hang up");
}

#[test]
fn versions_are_found_by_id_and_label_and_missing_ones_refused_in_a_shape_of_their_own() {
    let (mut sandbox, path, _) = ada(json!({}));
    let persona = data(&mut sandbox, "GET", &path, Value::Null);
    let id = persona["current_draft_version_id"].as_str().expect("an id");
    for label in [id, "draft"] {
        let version = data(&mut sandbox, "GET", &format!("{path}/versions/{label}"), Value::Null);
        assert_eq!(version, persona["current_draft_version"]);
    }
    let (status, body) = send(&mut sandbox, "GET", &format!("{path}/versions/v9"), Value::Null);
    assert_eq!((status, &body["error"]["code"]), (404, &json!("VERSION_NOT_FOUND")));
}

#[test]
fn refusals_may_travel_inside_a_200() {
    let (mut sandbox, path, _) = with(Switches { errors_inside_success: true, ..Switches::default() }, json!({}));
    assert_eq!(refused(&mut sandbox, "PATCH", &path, json!({})).0, 200);
    let (mut sandbox, path, _) = ada(json!({}));
    sandbox.fail_next("INTERNAL");
    let refusal = refused(&mut sandbox, "PATCH", &path, json!({ "name": "Eve" }));
    assert_eq!(refusal, (200, "INTERNAL".to_owned()));
    assert_eq!(data(&mut sandbox, "GET", &path, Value::Null)["name"], "Ada");
}

#[test]
fn a_200_may_have_stored_null() {
    let (mut sandbox, path, _) = ada(json!({}));
    sandbox.lose_next("personality_prompt");
    sandbox.lose_next("role");
    data(&mut sandbox, "PATCH", &path, json!({ "name": "Ada", "role": "guide", "personality_prompt": "Be kind." }));
    let persona = data(&mut sandbox, "GET", &path, Value::Null);
    assert_eq!((&persona["role"], &persona["current_draft_version"]["personality_prompt"]), (&Value::Null, &Value::Null));
    let persona = data(&mut sandbox, "PATCH", &path, json!({ "name": "Ada", "role": "guide" }));
    assert_eq!(persona["role"], "guide");
}

#[test]
fn wrong_types_are_refused() {
    let (mut sandbox, path, _) = ada(json!({}));
    for field in [
        json!({ "call_config": { "record": "true" } }),
        json!({ "call_config": { "wait_for_greeting": "false" } }),
        json!({ "call_config": { "max_duration": "30" } }),
        json!({ "call_config": [] }),
        json!({ "tags": "t" }),
        json!({ "personality_prompt": 1 }),
        json!({ "pathway_conditions": [{ "name": "n" }] }),
        json!({ "skills": [{ "name": "n" }] }),
    ] {
        let mut body = field.clone();
        body["name"] = json!("Ada");
        assert_eq!(refused(&mut sandbox, "PATCH", &path, body).0, 400, "{field}");
    }
    let open = json!({ "name": "Ada", "call_config": { "record": true, "first_sentence": "Hi", "temperature": 0.5 } });
    data(&mut sandbox, "PATCH", &path, open);
}

#[test]
fn call_config_is_replaced_unless_switched_to_merge() {
    for (call_config, wanted) in
        [(CallConfig::Replace, json!({ "record": true })), (CallConfig::Merge, json!({ "record": true, "voice": "June" }))]
    {
        let persona = json!({ "call_config": { "voice": "June", "record": false } });
        let (mut sandbox, path, _) = with(Switches { call_config, ..Switches::default() }, persona);
        let body = json!({ "name": "Ada", "call_config": { "record": true } });
        assert_eq!(data(&mut sandbox, "PATCH", &path, body)["current_draft_version"]["call_config"], wanted);
    }
}

#[test]
fn null_clears_two_fields_and_the_others_as_switched() {
    let first = json!({ "description": "d", "image_url": "u", "role": "r", "personality_prompt": "Be kind.", "tags": ["t"] });
    let two = json!({ "name": "Ada", "description": null, "image_url": null });
    let others = json!({ "name": "Ada", "role": null, "personality_prompt": null, "tags": null });
    for nulls in [Nulls::Cleared, Nulls::Refused, Nulls::Ignored] {
        let (mut sandbox, path, _) = with(Switches { nulls, ..Switches::default() }, first.clone());
        let persona = data(&mut sandbox, "PATCH", &path, two.clone());
        assert_eq!((&persona["description"], &persona["image_url"]), (&Value::Null, &Value::Null));
        let (status, _) = send(&mut sandbox, "PATCH", &path, others.clone());
        assert_eq!(status, if nulls == Nulls::Refused { 400 } else { 200 });
        let persona = data(&mut sandbox, "GET", &path, Value::Null);
        let shown = json!([persona["role"], persona["tags"], persona["current_draft_version"]["personality_prompt"]]);
        let wanted = match nulls {
            Nulls::Cleared => json!([null, [], "You are a helpful assistant"]),
            Nulls::Refused | Nulls::Ignored => json!(["r", ["t"], "Be kind."]),
        };
        assert_eq!(shown, wanted, "{nulls:?}");
    }
}

#[test]
fn lists_are_full_objects_in_pages_without_a_total() {
    let mut sandbox = Sandbox::new("key");
    for number in 0..25 {
        data(&mut sandbox, "POST", PERSONAS, json!({ "name": format!("Ada {number}") }));
    }
    let mut count = |target: &str| data(&mut sandbox, "GET", target, Value::Null).as_array().expect("an array").len();
    assert_eq!(count("/v1/personas"), 20);
    assert_eq!(count("/v1/personas?page=2"), 5);
    assert_eq!(count("/v1/personas?page=3"), 0);
    assert_eq!(count("/v1/personas?limit=500"), 25);
    let (_, page) = send(&mut sandbox, "GET", "/v1/personas?limit=1", Value::Null);
    assert_eq!(page.as_object().map(Map::len), Some(2), "only data and errors");
    assert!(page["data"][0]["current_draft_version"].is_object() && page["data"][0]["inbound_numbers"].is_array());
}

#[test]
fn a_persona_in_use_is_deleted_by_force_only() {
    for refusal_status in [400, 409] {
        let (mut sandbox, path, id) = with(Switches { refusal_status, ..Switches::default() }, json!({}));
        assert!(sandbox.attach_number(&id, "+14155550100"));
        let (status, body) = send(&mut sandbox, "DELETE", &path, Value::Null);
        let error = &body["errors"][0];
        assert_eq!((status, &error["error"]), (refusal_status, &json!("PERSONA_IN_USE")));
        assert_eq!(error["details"], json!({ "phone_numbers_using": ["+14155550100"] }));
        let deleted = data(&mut sandbox, "DELETE", &format!("{path}?force=true"), Value::Null);
        assert_eq!(deleted["success"], true);
        assert!(sandbox.ids().is_empty());
    }
}

#[test]
fn deleted_personas_are_gone_from_lists_and_reads() {
    for (deleted, wanted) in [(Deleted::NotFound, 404), (Deleted::Body, 200)] {
        let (mut sandbox, path, _) = with(Switches { deleted, ..Switches::default() }, json!({}));
        data(&mut sandbox, "DELETE", &path, Value::Null);
        assert_eq!(data(&mut sandbox, "GET", PERSONAS, Value::Null), json!([]));
        let (status, body) = send(&mut sandbox, "GET", &path, Value::Null);
        assert_eq!(status, wanted);
        assert_eq!(body["data"]["deleted_at"].is_string(), deleted == Deleted::Body);
        for method in ["PATCH", "DELETE"] {
            let refusal = refused(&mut sandbox, method, &path, json!({ "name": "Ada" }));
            assert_eq!(refusal, (404, "PERSONA_NOT_FOUND".to_owned()), "{method}");
        }
    }
}

#[test]
fn unknown_routes_get_404_in_the_envelope() {
    let (mut sandbox, path, _) = ada(json!({}));
    for (method, target) in
        [("PUT", path.as_str()), ("POST", &path), ("POST", &format!("{path}/promote")), ("GET", "/v2/personas")]
    {
        assert_eq!(refused(&mut sandbox, method, target, json!({})), (404, "NOT_FOUND".to_owned()), "{method} {target}");
    }
}

#[test]
fn other_peoples_changes_are_read_and_refusals_change_no_store() {
    let (mut sandbox, path, id) = ada(json!({}));
    assert!(sandbox.alter(&id, "role", json!("guide")) && sandbox.edit_draft(&id, "kb_ids", json!(["k"])));
    assert!(sandbox.promote_draft(&id));
    let persona = data(&mut sandbox, "GET", &path, Value::Null);
    let shown = (&persona["role"], &persona["current_production_version"]["kb_ids"]);
    assert_eq!(shown, (&json!("guide"), &json!(["k"])));
    let store = sandbox.store();
    refused(&mut sandbox, "PATCH", &path, json!({ "name": 1 }));
    refused(&mut sandbox, "POST", PERSONAS, json!({}));
    assert_eq!(sandbox.store(), store);
}

#[test]
fn empty_values_read_as_written_unless_switched_to_null() {
    for (empties, wanted) in [(Empties::AsWritten, json!(["", [], {}])), (Empties::Null, json!([null, null, null]))] {
        let content = json!({ "role": "", "kb_ids": [], "call_config": {} });
        let (mut sandbox, path, _) = with(Switches { empties, ..Switches::default() }, content);
        let persona = data(&mut sandbox, "GET", &path, Value::Null);
        let draft = &persona["current_draft_version"];
        assert_eq!(json!([persona["role"], draft["kb_ids"], draft["call_config"]]), wanted);
    }
}

#[test]
fn pages_are_capped_without_a_word_where_the_switch_says() {
    let mut sandbox = Sandbox::with("key", Switches { max_limit: 3, ..Switches::default() });
    for number in 0..4 {
        data(&mut sandbox, "POST", PERSONAS, json!({ "name": format!("Ada {number}") }));
    }
    assert_eq!(data(&mut sandbox, "GET", "/v1/personas?limit=100", Value::Null).as_array().map(Vec::len), Some(3));
    assert_eq!(data(&mut sandbox, "GET", "/v1/personas?limit=100&page=2", Value::Null).as_array().map(Vec::len), Some(1));
}

#[test]
fn lists_show_deleted_personas_where_the_switch_says() {
    let (mut sandbox, path, _) = with(Switches { lists_deleted: true, ..Switches::default() }, json!({}));
    data(&mut sandbox, "DELETE", &path, Value::Null);
    assert!(data(&mut sandbox, "GET", PERSONAS, Value::Null)[0]["deleted_at"].is_string());
}

#[test]
fn a_null_inside_call_config_is_stored_removed_or_refused() {
    for (config_nulls, wanted) in [
        (ConfigNulls::Stored, json!({ "voice": null, "record": true })),
        (ConfigNulls::Removed, json!({ "record": true })),
        (ConfigNulls::Refused, json!({ "voice": "June" })),
    ] {
        let persona = json!({ "call_config": { "voice": "June" } });
        let (mut sandbox, path, _) = with(Switches { config_nulls, ..Switches::default() }, persona);
        let body = json!({ "name": "Ada", "call_config": { "voice": null, "record": true } });
        let (status, _) = send(&mut sandbox, "PATCH", &path, body);
        assert_eq!(status == 400, config_nulls == ConfigNulls::Refused);
        let persona = data(&mut sandbox, "GET", &path, Value::Null);
        assert_eq!(persona["current_draft_version"]["call_config"], wanted);
    }
}

#[test]
fn errors_come_as_a_list_or_as_a_text() {
    for (errors, wanted) in [
        (Errors::List, json!([{ "error": "PERSONA_NOT_FOUND", "message": "Persona not found" }])),
        (Errors::Text, json!("PERSONA_NOT_FOUND: Persona not found")),
    ] {
        let mut sandbox = Sandbox::with("key", Switches { errors, ..Switches::default() });
        let answer = send(&mut sandbox, "GET", "/v1/personas/nobody", Value::Null);
        assert_eq!(answer, (404, json!({ "data": null, "errors": wanted })));
    }
}
