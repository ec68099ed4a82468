//! What the service's answers are taken for.

use serde_json::{Value, json};

use super::answer;
use crate::plan::{Live, Method, RemoteId, Request};
use crate::provider::{Body, Provider, RefusalKind, Response, Seen};
use crate::providers::anam::ANAM;

fn persona() -> Value {
    json!({
        "id": "p-1", "name": "Cara", "description": null, "personaPreset": "",
        "avatar": {"id": "a-1", "displayName": "Liv", "videoUrl": "https://example.com/v.mp4?X-Amz-Signature=1"},
        "avatarModel": "cara-3", "voice": {"id": "v-1", "sampleUrl": "https://example.com/s.mp3"}, "voiceSpeed": 1,
        "llmId": "l-1", "brain": {"personality": null, "systemPrompt": "Be kind."},
        "tools": [{"_toolId": "t-2", "id": "x"}, {"id": "t-3"}, {"toolId": "t-1", "type": "system"}],
        "knowledge": [{"id": "k"}], "shareLinks": [{"token": "s"}], "primaryShareLink": {"token": "s", "enabled": true},
        "enableAudioPassthrough": false, "skipGreeting": false, "zeroDataRetention": false, "voiceDetectionOptions": null,
        "voiceGenerationOptions": {"speed": 1, "style": null}, "widgetConfig": {}, "directorNotes": "n",
        "createdAt": "2026-04-20T10:00:00.000Z", "updatedAt": "2026-04-20T10:00:00.000Z", "publishedAt": null
    })
}

fn seen(body: Value) -> Live {
    match ANAM.observed(answer(200, body)) {
        Ok(Seen::Present(live)) => *live,
        other => panic!("expected a persona, not {other:?}"),
    }
}

#[test]
fn the_nested_read_shape_becomes_the_flat_write_shape() {
    let live = seen(persona());
    assert_eq!((live.id.as_str(), live.name.as_str()), ("p-1", "Cara"));
    let wanted = json!({
        "name": "Cara", "description": null, "avatarId": "a-1", "avatarModel": "cara-3", "voiceId": "v-1", "llmId": "l-1",
        "systemPrompt": "Be kind.", "toolIds": ["t-1", "t-2", "t-3"], "enableAudioPassthrough": false, "skipGreeting": false,
        "zeroDataRetention": false, "voiceDetectionOptions": null, "voiceGenerationOptions": {"speed": 1}, "widgetConfig": {}
    });
    assert_eq!(Value::Object(live.fields.into()), wanted);
}

#[test]
fn undocumented_fields_are_taken_where_they_are_shown() {
    let mut body = persona();
    body["initialMessage"] = json!("Hi");
    body["uninterruptibleGreeting"] = json!(true);
    body["languageCode"] = json!("en");
    let live = seen(body);
    assert_eq!(live.fields["initialMessage"], "Hi");
    assert_eq!(live.fields["uninterruptibleGreeting"], true);
    assert_eq!(live.fields["languageCode"], "en");
    assert!(!seen(persona()).fields.contains_key("initialMessage"));
}

#[test]
fn nothing_reads_as_the_word_that_writes_it() {
    let mut body = persona();
    body["llmId"] = Value::Null;
    body["languageCode"] = Value::Null;
    let live = seen(body);
    assert_eq!(live.fields["llmId"], "CUSTOMER_CLIENT_V1");
    assert_eq!(live.fields["languageCode"], "inherit");
}

#[test]
fn an_avatar_or_voice_that_is_gone_reads_as_null() {
    let mut body = persona();
    body["avatar"] = Value::Null;
    body["voice"] = Value::Null;
    let live = seen(body);
    assert_eq!((&live.fields["avatarId"], &live.fields["voiceId"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_tool_without_any_id_makes_the_list_unknown_rather_than_wrong() {
    let mut body = persona();
    body["tools"] = json!([{"_toolId": "t-1"}, {"name": "end_call"}]);
    assert!(!seen(body).fields.contains_key("toolIds"));
}

#[test]
fn a_tool_that_is_shown_twice_is_one() {
    let mut body = persona();
    body["tools"] = json!([{"_toolId": "t-1"}, {"id": "t-0"}, {"_toolId": "t-1"}]);
    assert_eq!(seen(body).fields["toolIds"], json!(["t-0", "t-1"]));
}

#[test]
fn a_built_in_persona_is_refused() {
    let mut body = persona();
    body["isDefaultPersona"] = json!(true);
    let refusal = ANAM.observed(answer(200, body)).expect_err("a refusal");
    assert_eq!(refusal.kind, RefusalKind::Forbidden);
}

#[test]
fn only_the_service_itself_can_say_that_a_persona_is_absent() {
    assert_eq!(ANAM.observed(answer(404, json!({"error": "No personas found"}))), Ok(Seen::Absent));
    let page = Response { status: 404, body: Body::Text("<html>not here</html>".to_owned()) };
    assert_eq!(ANAM.observed(page).expect_err("a refusal").kind, RefusalKind::Unreadable);
    for status in [401, 403, 429, 500] {
        assert!(ANAM.observed(answer(status, json!({}))).is_err());
    }
    assert_eq!(ANAM.observed(answer(200, json!({"data": []}))).expect_err("a refusal").kind, RefusalKind::Unreadable);
}

fn more(page: u32, meta: Value) -> bool {
    let response = answer(200, json!({"data": [{"id": "p-1", "name": "Cara"}], "meta": meta}));
    ANAM.listed(page, response).expect("a page").more
}

#[test]
fn the_list_ends_where_the_envelope_says_so() {
    assert!(more(1, json!({"lastPage": 2, "currentPage": 1, "next": 2})));
    assert!(more(1, json!({"lastPage": 2})));
    assert!(!more(2, json!({"lastPage": 2, "currentPage": 2, "next": null})));
    assert!(!more(1, json!({"lastPage": 0, "next": 0})));
    assert!(!more(1, json!({"lastPage": 9, "next": null})));
    assert!(!more(1, Value::Null));
    let empty = answer(200, json!({"data": [], "meta": {"lastPage": 9, "next": 2}}));
    assert!(!ANAM.listed(1, empty).expect("a page").more);
}

#[test]
fn built_in_personas_are_not_listed() {
    let data = json!([{"id": "p-0", "name": "Cara", "isDefaultPersona": true}, {"id": "p-1", "name": "Ada", "isDefaultPersona": false}]);
    let page = ANAM.listed(1, answer(200, json!({"data": data, "meta": {}}))).expect("a page");
    assert_eq!(page.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["p-1"]);
}

#[test]
fn a_list_of_nothing_may_be_a_404() {
    let page = ANAM.listed(1, answer(404, json!({"message": "No personas found"}))).expect("a page");
    assert!(page.items.is_empty() && !page.more);
    assert!(ANAM.listed(1, answer(500, json!({}))).is_err());
    assert!(ANAM.listed(1, answer(200, json!([]))).is_err());
}

#[test]
fn a_create_gives_an_id_or_is_unreadable() {
    assert_eq!(ANAM.created(&answer(201, persona())), Ok(RemoteId::new("p-1")));
    assert_eq!(ANAM.created(&answer(200, persona())), Ok(RemoteId::new("p-1")));
    assert_eq!(ANAM.created(&answer(201, json!({"name": "Cara"}))).expect_err("a refusal").kind, RefusalKind::Unreadable);
}

#[test]
fn a_delete_of_what_is_gone_is_a_success_and_an_update_is_not() {
    let gone = answer(404, json!({"error": "not found"}));
    assert_eq!(ANAM.accepted(&Request::new(Method::Delete, "/v1/personas/p-1"), &gone), Ok(None));
    assert_eq!(
        ANAM.accepted(&Request::new(Method::Put, "/v1/personas/p-1"), &gone).expect_err("a refusal").kind,
        RefusalKind::Absent
    );
    let empty = Response { status: 204, body: Body::Empty };
    assert_eq!(ANAM.accepted(&Request::new(Method::Delete, "/v1/personas/p-1"), &empty), Ok(None));
}

#[test]
fn refusals_speak_the_words_of_the_service_wherever_it_put_them() {
    let message = |body: Value| ANAM.observed(answer(400, body)).expect_err("a refusal").message;
    assert_eq!(message(json!({"message": "a", "error": "b"})), "b: a");
    assert_eq!(message(json!({"error": "b"})), "b");
    let details = json!([{"path": ["toolIds", 0], "message": "Expected string", "code": "invalid_type"}]);
    assert_eq!(message(json!({"error": "Validation error", "details": details, "summary": "s: t"})), "Validation error: s: t");
    assert_eq!(
        message(json!({"error": "Validation error", "details": details})),
        "Validation error: toolIds.0: Expected string"
    );
    assert_eq!(message(json!({"code": 7})), "{\"code\":7}");
    let page = Response { status: 502, body: Body::Text(format!("<p>\n  bad  gateway {}", "x".repeat(999))) };
    let refusal = ANAM.observed(page).expect_err("a refusal");
    assert!(refusal.message.starts_with("bad gateway xxx") && refusal.message.chars().count() == 301);
    assert_eq!(refusal.kind, RefusalKind::Busy);
}

#[test]
fn a_key_without_rights_gets_advice() {
    // Which key it is, the engine says, which knows the account.
    assert!(ANAM.observed(answer(403, json!({"error": "no"}))).expect_err("a refusal").help.is_some());
}
