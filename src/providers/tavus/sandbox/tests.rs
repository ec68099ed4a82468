//! One test per wart of the sheet.

use serde_json::{Value, json};

use super::*;

const PERSONAS: &str = "/v2/personas";

fn send(sandbox: &mut Sandbox, method: &str, target: &str, body: Value) -> (u16, Value) {
    let answer = sandbox.handle(&Incoming::new(method, target).with_header("x-api-key", "key").with_json(&body));
    (answer.status, answer.body.unwrap_or_default())
}

fn created(sandbox: &mut Sandbox, persona: Value) -> String {
    let (status, body) = send(sandbox, "POST", PERSONAS, persona);
    assert_eq!(status, 200, "{body}");
    body["persona_id"].as_str().expect("an id").to_owned()
}

fn read(sandbox: &mut Sandbox, id: &str) -> Value {
    let (status, body) = send(sandbox, "GET", &format!("{PERSONAS}/{id}"), Value::Null);
    assert_eq!(status, 200, "{body}");
    body
}

fn patch(sandbox: &mut Sandbox, id: &str, operations: Value) -> (u16, Value) {
    send(sandbox, "PATCH", &format!("{PERSONAS}/{id}"), operations)
}

/// A sandbox with one persona of these layers.
fn with_layers(switches: Switches, layers: Value) -> (Sandbox, String) {
    let mut sandbox = Sandbox::with("key", switches);
    let persona = json!({ "persona_name": "Ada", "system_prompt": "Be kind.", "layers": layers });
    let id = created(&mut sandbox, persona);
    (sandbox, id)
}

fn ada() -> (Sandbox, String) {
    with_layers(Switches::default(), json!({}))
}

#[test]
fn only_the_key_header_opens_the_account() {
    let mut sandbox = Sandbox::new("key");
    let bearer = Incoming::new("GET", PERSONAS).with_header("authorization", "Bearer key");
    for request in [bearer, Incoming::new("GET", PERSONAS).with_header("x-api-key", "other")] {
        assert_eq!(sandbox.handle(&request), Outgoing::json(401, json!({ "message": "Invalid access token" })));
    }
}

#[test]
fn create_answers_200_with_three_fields_only() {
    let mut sandbox = Sandbox::new("key");
    let sent = json!({ "persona_name": "Ada", "system_prompt": "Be kind." });
    let (status, body) = send(&mut sandbox, "POST", PERSONAS, sent);
    let names: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!((status, names), (200, vec!["created_at", "persona_id", "persona_name"]));
}

#[test]
fn names_need_not_be_unique() {
    let (mut sandbox, first) = ada();
    let second = created(&mut sandbox, json!({ "persona_name": "Ada", "system_prompt": "Be kind." }));
    assert_ne!(first, second);
}

#[test]
fn prompt_is_required_unless_the_mode_needs_no_llm() {
    let mut sandbox = Sandbox::new("key");
    for persona in [json!({}), json!({ "system_prompt": "" }), json!({ "pipeline_mode": "full" })] {
        assert_eq!(send(&mut sandbox, "POST", PERSONAS, persona).0, 400);
    }
    created(&mut sandbox, json!({ "pipeline_mode": "echo" }));
    let id = created(&mut sandbox, json!({ "system_prompt": "Be kind." }));
    assert_eq!(patch(&mut sandbox, &id, json!([{ "op": "remove", "path": "/system_prompt" }])).0, 400);
}

#[test]
fn echo_takes_a_prompt_unless_switched_off() {
    let persona = json!({ "pipeline_mode": "echo", "system_prompt": "Be kind." });
    for (prompt_without_llm, wanted) in [(true, 200), (false, 400)] {
        let mut sandbox = Sandbox::with("key", Switches { prompt_without_llm, ..Switches::default() });
        assert_eq!(send(&mut sandbox, "POST", PERSONAS, persona.clone()).0, wanted);
    }
}

#[test]
fn mode_may_be_changed_unless_switched_off() {
    for (pipeline_mode_mutable, wanted) in [(true, 200), (false, 400)] {
        let (mut sandbox, id) = with_layers(Switches { pipeline_mode_mutable, ..Switches::default() }, json!({}));
        let operations = json!([{ "op": "replace", "path": "/pipeline_mode", "value": "echo" }]);
        assert_eq!(patch(&mut sandbox, &id, operations).0, wanted);
    }
}

#[test]
fn a_bad_replica_is_refused_in_the_services_own_words() {
    let sent = json!({ "system_prompt": "Be kind.", "default_replica_id": "x1" });
    let (status, body) = send(&mut Sandbox::new("key"), "POST", PERSONAS, sent);
    assert_eq!((status, body), (400, json!({ "error": "Invalid replica_uuid" })));
}

#[test]
fn unknown_ids_get_400_on_read_patch_and_delete() {
    let mut sandbox = Sandbox::new("key");
    for method in ["GET", "PATCH", "DELETE"] {
        let (status, body) = send(&mut sandbox, method, "/v2/personas/pnobody", json!([]));
        assert_eq!((status, body), (400, json!({ "error": "Invalid persona_id" })), "{method}");
    }
}

#[test]
fn stock_personas_are_listed_and_read_but_not_changed() {
    let (mut sandbox, id) = ada();
    let (_, all) = send(&mut sandbox, "GET", PERSONAS, Value::Null);
    assert_eq!(all["total_count"], 5);
    let (_, system) = send(&mut sandbox, "GET", "/v2/personas?persona_type=system", Value::Null);
    assert_eq!(system["total_count"], 3);
    let (_, own) = send(&mut sandbox, "GET", "/v2/personas?persona_type=user", Value::Null);
    assert_eq!(own, json!({ "data": [read(&mut sandbox, &id)], "total_count": 1 }));
    let stock = read(&mut sandbox, "pstock000001");
    let operations = json!([{ "op": "replace", "path": "/persona_name", "value": "Mine" }]);
    assert_eq!(patch(&mut sandbox, "pstock000001", operations).0, 400);
    assert_eq!(send(&mut sandbox, "DELETE", "/v2/personas/pstock000001", Value::Null).0, 400);
    assert_eq!(read(&mut sandbox, "pstock000001"), stock);
}

#[test]
fn list_is_paged_from_one_oldest_first() {
    let mut sandbox = Sandbox::new("key");
    let ids: Vec<String> = (0..12).map(|_| created(&mut sandbox, json!({ "system_prompt": "Be kind." }))).collect();
    let mut listed = |target: &str| -> Vec<String> {
        let (_, page) = send(&mut sandbox, "GET", target, Value::Null);
        assert_eq!(page["total_count"], 12);
        let data = page["data"].as_array().expect("an array");
        data.iter().map(|persona| persona["persona_id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(listed("/v2/personas?persona_type=user"), ids[..10]);
    assert_eq!(listed("/v2/personas?persona_type=user&page=2"), ids[10..]);
    assert_eq!(listed("/v2/personas?persona_type=user&page=2&limit=5"), ids[5..10]);
    assert_eq!(listed("/v2/personas?persona_type=user&limit=1&sort=desc"), ids[11..]);
    assert!(listed("/v2/personas?persona_type=user&page=3").is_empty());
}

#[test]
fn large_limits_are_cut_down_without_a_word() {
    let (mut sandbox, _) = with_layers(Switches { max_limit: 2, ..Switches::default() }, json!({}));
    let (_, page) = send(&mut sandbox, "GET", "/v2/personas?limit=1000", Value::Null);
    assert_eq!((page["data"].as_array().map(Vec::len), &page["total_count"]), (Some(2), &json!(5)));
}

#[test]
fn read_is_bare_unless_switched_to_the_documented_envelope() {
    let (mut sandbox, id) = ada();
    assert_eq!(read(&mut sandbox, &id)["persona_id"], json!(id));
    let (mut sandbox, id) = with_layers(Switches { read_envelope: ReadEnvelope::Data, ..Switches::default() }, json!({}));
    assert_eq!(read(&mut sandbox, &id)["data"][0]["persona_id"], json!(id));
}

#[test]
fn patch_runs_json_patch_and_moves_the_time() {
    let (mut sandbox, id) = with_layers(Switches::default(), json!({ "tts": { "tts_engine": "cartesia" } }));
    let before = read(&mut sandbox, &id);
    let operations = json!([
        { "op": "test", "path": "/persona_name", "value": "Ada" },
        { "op": "replace", "path": "/persona_name", "value": "Ada Two" },
        { "op": "add", "path": "/layers/stt", "value": { "hotwords": "Ada" } },
        { "op": "remove", "path": "/layers/tts/tts_engine" },
    ]);
    let (status, body) = patch(&mut sandbox, &id, operations);
    assert_eq!((status, &body), (200, &read(&mut sandbox, &id)));
    assert_eq!(body["layers"], json!({ "stt": { "hotwords": "Ada" }, "tts": {} }));
    assert_ne!(body["updated_at"], before["updated_at"]);
    assert_eq!(body["created_at"], before["created_at"]);
}

#[test]
fn value_equal_patches_get_304_without_a_body() {
    let (mut sandbox, id) = ada();
    let before = read(&mut sandbox, &id);
    for operations in [json!([]), json!([{ "op": "add", "path": "/persona_name", "value": "Ada" }])] {
        assert_eq!(patch(&mut sandbox, &id, operations), (304, Value::Null));
    }
    assert_eq!(read(&mut sandbox, &id), before);
}

#[test]
fn the_answer_to_a_patch_is_switched() {
    for (patch_answer, wanted) in [(PatchAnswer::Brief, 3), (PatchAnswer::Empty, 0)] {
        let (mut sandbox, id) = with_layers(Switches { patch_answer, ..Switches::default() }, json!({}));
        let (_, body) = patch(&mut sandbox, &id, json!([{ "op": "add", "path": "/greeting", "value": "Hi" }]));
        assert_eq!(body.as_object().map_or(0, |body| body.len()), wanted);
    }
}

#[test]
fn server_owned_fields_cannot_be_patched() {
    let (mut sandbox, id) = ada();
    let operations =
        json!([{ "op": "replace", "path": "/persona_id", "value": "p1" }, { "op": "remove", "path": "/created_at" }]);
    assert_eq!(patch(&mut sandbox, &id, operations).0, 304);
}

#[test]
fn malformed_patches_get_422() {
    let (mut sandbox, id) = ada();
    for operations in [
        json!({ "persona_name": "Ada Two" }),
        json!([{ "op": "set", "path": "/persona_name", "value": "Ada Two" }]),
        json!([{ "op": "replace", "path": "/persona_name" }]),
        json!([{ "op": "replace", "path": "persona_name", "value": "Ada Two" }]),
        json!([{ "op": "replace", "path": "", "value": {} }]),
    ] {
        let wanted = (422, json!({ "message": "Invalid JSON patch format" }));
        assert_eq!(patch(&mut sandbox, &id, operations), wanted);
    }
}

#[test]
fn missing_paths_and_failed_tests_refuse_the_whole_patch() {
    for (inapplicable, wanted) in [(Inapplicable::Unprocessable, 422), (Inapplicable::BadRequest, 400)] {
        let (mut sandbox, id) = with_layers(Switches { inapplicable, ..Switches::default() }, json!({}));
        let before = read(&mut sandbox, &id);
        for failing in [
            json!({ "op": "replace", "path": "/greeting", "value": "Hi" }),
            json!({ "op": "remove", "path": "/greeting" }),
            json!({ "op": "add", "path": "/layers/stt/hotwords", "value": "Ada" }),
            json!({ "op": "test", "path": "/persona_name", "value": "Eve" }),
        ] {
            let operations = json!([{ "op": "replace", "path": "/persona_name", "value": "Ada Two" }, failing]);
            let (status, body) = patch(&mut sandbox, &id, operations);
            assert_eq!(status, wanted, "{failing}");
            assert_ne!(body["error"], "Invalid persona_id", "that would read as: the persona is gone");
            assert_eq!(read(&mut sandbox, &id), before);
        }
    }
}

#[test]
fn stepwise_patches_keep_what_came_before_the_failure() {
    let (mut sandbox, id) = with_layers(Switches { atomicity: Atomicity::Stepwise, ..Switches::default() }, json!({}));
    let operations =
        json!([{ "op": "replace", "path": "/persona_name", "value": "Ada Two" }, { "op": "remove", "path": "/greeting" }]);
    assert_eq!(patch(&mut sandbox, &id, operations).0, 422);
    assert_eq!(read(&mut sandbox, &id)["persona_name"], "Ada Two");
}

#[test]
fn tests_can_be_switched_to_guard_nothing() {
    let (mut sandbox, id) = with_layers(Switches { test_guards: false, ..Switches::default() }, json!({}));
    let operations = json!([
        { "op": "test", "path": "/persona_name", "value": "Eve" },
        { "op": "replace", "path": "/persona_name", "value": "Ada Two" },
    ]);
    assert_eq!(patch(&mut sandbox, &id, operations).0, 200);
}

#[test]
fn replacing_a_node_loses_what_it_leaves_out() {
    let layers = json!({ "stt": { "hotwords": "Ada" }, "tts": { "tts_engine": "azure", "external_voice_id": "v" } });
    let (mut sandbox, id) = with_layers(Switches::default(), layers);
    patch(&mut sandbox, &id, json!([{ "op": "add", "path": "/layers/tts", "value": { "tts_engine": "azure" } }]));
    assert_eq!(read(&mut sandbox, &id)["layers"]["tts"], json!({ "tts_engine": "azure" }));
    patch(&mut sandbox, &id, json!([{ "op": "add", "path": "/layers", "value": {} }]));
    assert_eq!(read(&mut sandbox, &id)["layers"], json!({}));
}

#[test]
fn an_unknown_leaf_of_the_llm_layer_breaks_the_service() {
    let (mut sandbox, id) = with_layers(Switches::default(), json!({ "llm": { "model": "m" } }));
    let operations = json!([{ "op": "add", "path": "/layers/llm/parallel_tool_calls", "value": true }]);
    assert_eq!(patch(&mut sandbox, &id, operations).0, 500);
    assert_eq!(read(&mut sandbox, &id)["layers"]["llm"], json!({ "model": "m" }));
}

#[test]
fn unknown_fields_are_switched() {
    let persona = json!({ "system_prompt": "Be kind.", "mood": "good", "layers": { "smell": { "nose": true } } });
    for (unknown_fields, wanted) in [(UnknownFields::Ignored, false), (UnknownFields::Stored, true)] {
        let mut sandbox = Sandbox::with("key", Switches { unknown_fields, ..Switches::default() });
        let id = created(&mut sandbox, persona.clone());
        patch(&mut sandbox, &id, json!([{ "op": "add", "path": "/smile", "value": 1 }]));
        let shown = read(&mut sandbox, &id);
        for pointer in ["/mood", "/smile", "/layers/smell"] {
            assert_eq!(shown.pointer(pointer).is_some(), wanted, "{pointer}");
        }
    }
    let mut strict = Sandbox::with("key", Switches { unknown_fields: UnknownFields::Refused, ..Switches::default() });
    assert_eq!(send(&mut strict, "POST", PERSONAS, persona).0, 400);
}

#[test]
fn the_description_of_an_inline_tool_is_never_read_back() {
    let tool = json!({ "type": "function", "function": { "name": "look_up", "description": "Looks up", "parameters": {} } });
    let (mut sandbox, id) = with_layers(Switches::default(), json!({ "llm": { "tools": [tool] } }));
    let shown = json!([{ "type": "function", "function": { "name": "look_up", "parameters": {} } }]);
    assert_eq!(read(&mut sandbox, &id)["layers"]["llm"]["tools"], shown);
    let again = json!([{ "op": "replace", "path": "/layers/llm/tools", "value": [tool] }]);
    assert_eq!(patch(&mut sandbox, &id, again).0, 304);
}

#[test]
fn an_invalid_inline_tool_takes_all_layers_with_it() {
    for bad in [json!({ "name": "look_up" }), json!({ "type": "function", "function": { "name": "look up" } })] {
        let layers = json!({ "stt": { "hotwords": "Ada" }, "llm": { "tools": [bad] } });
        let (mut sandbox, id) = with_layers(Switches::default(), layers);
        assert_eq!(read(&mut sandbox, &id).get("layers"), None);

        let (mut sandbox, id) = with_layers(Switches::default(), json!({ "stt": { "hotwords": "Ada" }, "llm": {} }));
        let operations = json!([{ "op": "add", "path": "/layers/llm/tools", "value": [bad] }]);
        assert_eq!(patch(&mut sandbox, &id, operations).0, 200);
        assert_eq!(read(&mut sandbox, &id).get("layers"), None);
    }
}

#[test]
fn one_field_of_the_flow_brings_the_others() {
    let (mut sandbox, id) = with_layers(Switches::default(), json!({ "conversational_flow": { "wake_phrase": "Ada" } }));
    let flow = json!({
        "wake_phrase": "Ada", "turn_detection_model": "sparrow-1", "turn_taking_patience": "medium",
        "replica_interruptibility": "medium", "voice_isolation": "near", "idle_engagement": "off",
    });
    assert_eq!(read(&mut sandbox, &id)["layers"]["conversational_flow"], flow);
    let (mut sandbox, id) = ada();
    assert_eq!(read(&mut sandbox, &id)["layers"].get("conversational_flow"), None);
}

#[test]
fn llm_fields_that_equal_the_default_are_left_out() {
    let llm = json!({ "model": "tavus-gemma-4", "speculative_inference": true });
    let (mut sandbox, id) = with_layers(Switches::default(), json!({ "llm": llm }));
    assert_eq!(read(&mut sandbox, &id)["layers"]["llm"], json!({}));
    let operations = json!([{ "op": "add", "path": "/layers/llm/model", "value": "tavus-gemma-4" }]);
    assert_eq!(patch(&mut sandbox, &id, operations).0, 304);

    let switches = Switches { llm_defaults_omitted: false, ..Switches::default() };
    let (mut sandbox, id) = with_layers(switches, json!({ "llm": llm }));
    assert_eq!(read(&mut sandbox, &id)["layers"]["llm"], llm);
}

#[test]
fn keys_are_masked_omitted_or_plain_but_kept_when_siblings_change() {
    for (secrets, wanted) in
        [(Secrets::Masked, Some(json!("********"))), (Secrets::Omitted, None), (Secrets::Plain, Some(json!("hidden")))]
    {
        let layers = json!({
            "llm": { "model": "m", "base_url": "https://llm.example", "api_key": "hidden" }, "tts": { "api_key": "hidden" },
        });
        let (mut sandbox, id) = with_layers(Switches { secrets, ..Switches::default() }, layers);
        let kept = sandbox.stored(&id).expect("it exists")["layers"]["llm"]["api_key"].clone();
        let operations = json!([{ "op": "replace", "path": "/layers/llm/model", "value": "n" }]);
        assert_eq!(patch(&mut sandbox, &id, operations).0, 200);
        let shown = read(&mut sandbox, &id);
        assert_eq!(shown.pointer("/layers/llm/api_key"), wanted.as_ref());
        assert_eq!(shown.pointer("/layers/tts/api_key"), wanted.as_ref());
        assert_eq!(sandbox.stored(&id).expect("it exists")["layers"]["llm"]["api_key"], kept);
        let again = json!([{ "op": "add", "path": "/layers/llm/api_key", "value": "hidden" }]);
        assert_eq!(patch(&mut sandbox, &id, again).0, 304);
        assert_eq!(sandbox.store().to_string().contains("hidden"), secrets == Secrets::Plain);
    }
}

#[test]
fn a_custom_llm_written_anew_needs_its_key_again() {
    let llm = json!({ "model": "m", "base_url": "https://llm.example", "api_key": "hidden" });
    let (mut sandbox, id) = with_layers(Switches::default(), json!({ "llm": llm }));
    let keyless = json!({ "model": "n", "base_url": "https://llm.example" });
    for (path, value) in [("/layers/llm", keyless.clone()), ("/layers", json!({ "llm": keyless }))] {
        let operations = json!([{ "op": "replace", "path": path, "value": value }]);
        assert_eq!(patch(&mut sandbox, &id, operations).0, 400, "{path}");
    }
    let hosted = json!([{ "op": "replace", "path": "/layers/llm", "value": { "model": "n" } }]);
    assert_eq!(patch(&mut sandbox, &id, hosted).0, 200);
}

#[test]
fn context_is_folded_into_the_prompt_unless_switched_off() {
    let persona = json!({ "system_prompt": "Be kind.", "context": "It rains." });
    let mut sandbox = Sandbox::new("key");
    let id = created(&mut sandbox, persona.clone());
    assert_eq!(read(&mut sandbox, &id)["system_prompt"], "Be kind.\n\nIt rains.");
    assert_eq!(read(&mut sandbox, &id).get("context"), None);

    let mut sandbox = Sandbox::with("key", Switches { context: Context::Kept, ..Switches::default() });
    let id = created(&mut sandbox, persona);
    assert_eq!(read(&mut sandbox, &id)["context"], "It rains.");
}

#[test]
fn a_dashboard_draft_stops_a_patch_until_forced() {
    let (mut sandbox, id) = ada();
    assert!(sandbox.leave_maker_changes(&id));
    let operations = json!([{ "op": "replace", "path": "/persona_name", "value": "Ada Two" }]);
    let (status, body) = patch(&mut sandbox, &id, operations.clone());
    assert_eq!((status, &body["conflict"]), (409, &json!("maker_changes")));
    assert_eq!(read(&mut sandbox, &id)["persona_name"], "Ada");
    let (status, body) = patch(&mut sandbox, &format!("{id}?force=true"), operations);
    assert_eq!((status, &body["discarded_maker_changes"]), (200, &json!(true)));
    let operations = json!([{ "op": "replace", "path": "/persona_name", "value": "Ada" }]);
    assert_eq!(patch(&mut sandbox, &id, operations).0, 200);
}

#[test]
fn old_personas_keep_their_legacy_keys_through_a_patch() {
    let (mut sandbox, id) = with_layers(Switches::default(), json!({ "llm": { "model": "m" } }));
    assert!(sandbox.age(&id));
    sandbox.alter(&id, |persona| persona["layers"]["llm"]["speculative_inference"] = json!(true));
    let before = read(&mut sandbox, &id);
    assert_eq!(before["layers"]["tts"], json!({ "playht_user_id": "" }));
    patch(&mut sandbox, &id, json!([{ "op": "replace", "path": "/layers/llm/model", "value": "n" }]));
    let mut wanted = before["layers"].clone();
    wanted["llm"]["model"] = json!("n");
    assert_eq!(read(&mut sandbox, &id)["layers"], wanted);
}

#[test]
fn delete_answers_204_and_then_400() {
    let (mut sandbox, id) = ada();
    let path = format!("{PERSONAS}/{id}");
    assert_eq!(send(&mut sandbox, "DELETE", &path, Value::Null), (204, Value::Null));
    assert_eq!(send(&mut sandbox, "DELETE", &path, Value::Null).0, 400);
    assert!(sandbox.ids().is_empty());
}

#[test]
fn unknown_routes_get_404() {
    let mut sandbox = Sandbox::new("key");
    for (method, path) in [("PUT", "/v2/personas/p1"), ("GET", "/v2/videos"), ("GET", "/v1/personas"), ("GET", "/")] {
        assert_eq!(send(&mut sandbox, method, path, Value::Null).0, 404, "{method} {path}");
    }
    assert_eq!(send(&mut sandbox, "GET", "/v2/personas/", Value::Null).0, 200);
}

#[test]
fn tools_of_the_registry_are_attached_and_detached_by_calls_of_their_own() {
    let (mut sandbox, id) = ada();
    let path = format!("/v2/personas/{id}/tools");
    let mut call = |method: &str, path: &str, body: Value| send(&mut sandbox, method, path, body).0;
    assert_eq!(call("POST", &path, json!({ "tool_ids": ["t1", "t2", "t1"] })), 200);
    assert_eq!(call("DELETE", &format!("{path}/t1"), Value::Null), 204);
    assert_eq!(call("DELETE", &format!("{path}/t1"), Value::Null), 404);
    assert_eq!(call("POST", &path, json!({ "tool_ids": (0..50).map(|number| format!("x{number}")).collect::<Vec<_>>() })), 400);
    assert_eq!(send(&mut sandbox, "GET", &path, Value::Null).1, json!(["t2"]));
}

#[test]
fn conferencing_wants_a_request_of_its_own_and_a_replica() {
    let join = json!({ "op": "add", "path": "/layers/conferencing", "value": { "username": "ada" } });
    let (mut sandbox, id) = ada();
    let needs_replica = json!({ "error": "conferencing needs a default replica" });
    assert_eq!(patch(&mut sandbox, &id, json!([join])), (400, needs_replica));
    let replica = json!({ "op": "add", "path": "/default_replica_id", "value": "r1" });
    let mixed = json!({ "error": "conferencing must be updated in a request of its own" });
    assert_eq!(patch(&mut sandbox, &id, json!([replica, join])), (400, mixed.clone()));
    assert_eq!(patch(&mut sandbox, &id, json!([replica])).0, 200);
    assert_eq!(patch(&mut sandbox, &id, json!([join])).0, 200);
    let test = json!({ "op": "test", "path": "/layers/conferencing/username", "value": "ada" });
    let greeting = json!({ "op": "add", "path": "/greeting", "value": "Hi" });
    assert_eq!(patch(&mut sandbox, &id, json!([test, greeting])), (400, mixed));
    let rename = json!({ "op": "replace", "path": "/layers/conferencing/username", "value": "bea" });
    assert_eq!(patch(&mut sandbox, &id, json!([test, rename])).0, 200);
}

#[test]
fn reads_show_attached_tools_unless_switched_off() {
    for (tool_ids_shown, shown) in [(true, json!(["t1"])), (false, Value::Null)] {
        let mut sandbox = Sandbox::with("key", Switches { tool_ids_shown, ..Switches::default() });
        let id = created(&mut sandbox, json!({ "system_prompt": "Be kind.", "tool_ids": ["t1"] }));
        assert_eq!(read(&mut sandbox, &id)["tool_ids"], shown);
        let (_, tools) = send(&mut sandbox, "GET", &format!("{PERSONAS}/{id}/tools"), Value::Null);
        assert_eq!(tools, json!(["t1"]));
    }
}

#[test]
fn which_inline_tools_lose_their_descriptions_is_switched() {
    let tool = json!({ "type": "function", "function": { "name": "look_up", "description": "Looks up" } });
    let layers = json!({ "llm": { "tools": [tool] }, "perception": { "visual_tools": [tool], "audio_tools": [tool] } });
    for (descriptions, lost) in [
        (Descriptions::LostForTheModel, [true, false, false]),
        (Descriptions::Lost, [true, true, true]),
        (Descriptions::Kept, [false, false, false]),
    ] {
        let (mut sandbox, id) = with_layers(Switches { descriptions, ..Switches::default() }, layers.clone());
        let persona = read(&mut sandbox, &id);
        let places = ["/layers/llm/tools", "/layers/perception/visual_tools", "/layers/perception/audio_tools"];
        let found = places.map(|list| persona.pointer(&format!("{list}/0/function/description")).is_none());
        assert_eq!(found, lost, "{descriptions:?}");
    }
}
