//! Answers of services that are not what they should be: understood or refused, and never a panic.

use std::sync::LazyLock;

use personaform::plan::{Method, RemoteId, Request};
use personaform::provider::{Body, Provider, Response};
use personaform::providers;
use personaform::sandbox::Incoming;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::damage::{cases, damage, damaged};

/// JSON of any shape, with the member names that the services use.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "id",
        "data",
        "error",
        "errors",
        "message",
        "persona_id",
        "pal_id",
        "name",
        "persona_name",
        "total_count",
        "meta",
        "attributes",
        "success",
        "layers",
        "current_draft_version",
        "current_production_version",
        "deleted_at",
        "inbound_numbers",
        "brain",
        "avatar",
        "voice",
        "details",
        "conflict",
        "llm",
        "tts",
        "code",
        "status",
        "personality_prompt",
        "call_config",
        "lastPage",
        "total",
        "page",
        "perPage",
    ]);
    let name = prop_oneof![names.prop_map(str::to_owned), "\\PC{0,6}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!("Invalid persona_id")),
        Just(json!("PERSONA_NOT_FOUND")),
        Just(json!("")),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        let list = vec(inner.clone(), 0..6).prop_map(Value::from);
        let object = vec((name.clone(), inner), 0..8).prop_map(|members| Value::Object(members.into_iter().collect()));
        prop_oneof![list, object]
    })
}

fn any_response() -> impl Strategy<Value = Response> {
    let status = prop_oneof![
        prop::sample::select(vec![200u16, 201, 204, 304, 400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503]),
        100u16..1000
    ];
    let body = prop_oneof![
        4 => any_json().prop_map(Body::Json),
        1 => "[<>a-z/ \\PC]{0,60}".prop_map(Body::Text),
        1 => Just(Body::Empty)
    ];
    (status, body).prop_map(|(status, body)| Response { status, body })
}

/// Good answers of every miniature: to a list, a read, a create.
fn good(provider: &dyn Provider) -> Vec<Value> {
    let mut miniature = providers::miniature(provider.id(), "key").expect("one");
    let service = provider.service();
    let mut ask = |request: &Request| {
        let mut incoming = Incoming::new(&request.method.to_string(), &request.path)
            .with_header(service.key_header, &format!("{}key", service.key_prefix));
        if let Some(body) = &request.body {
            incoming = incoming.with_json(body);
        }
        miniature.handle(&incoming).body
    };
    let path = if provider.id() == "tavus" { "/v2/personas" } else { "/v1/personas" };
    let body =
        json!({ "name": "Ada", "persona_name": "Ada", "system_prompt": "x", "avatarId": "a", "voiceId": "v", "llmId": "l" });
    let body = if provider.id() == "tavus" { json!({"persona_name": "Ada", "system_prompt": "x"}) } else { body };
    let created = ask(&Request::new(Method::Post, path).with_body(body)).unwrap_or_default();
    let id =
        ["id", "persona_id"].iter().find_map(|name| created.get(name).or_else(|| created.get("data")?.get(name))?.as_str());
    let read = provider.read(&RemoteId::new(id.unwrap_or("x"))).and_then(|request| ask(&request));
    let list = provider.list(1).and_then(|request| ask(&request));
    [Some(created), read, list].into_iter().flatten().collect()
}

/// Everything that is made of an answer.
fn understood(provider: &dyn Provider, response: &Response) {
    let read = provider.observed(response.clone());
    let pages = provider.listed(1, response.clone()).map(|page| page.items.len());
    let _ = (pages, provider.created(response));
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        for path in ["/v1/personas/p1", "/v1/personas/p1/versions/promote", "/v2/personas/p1/tools/t"] {
            let _ = provider.accepted(&Request::new(method, path), response);
        }
    }
    if let Err(refusal) = read {
        assert!(refusal.message.len() < 2_000_000);
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_answer_of_a_service_is_understood_or_refused(response in any_response()) {
        for provider in providers::all() {
            understood(provider, &response);
        }
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_damaged_answer_of_a_service_is_understood_or_refused(damages in damage(), status in 200u16..600, which in 0..12usize) {
        let (provider, answers) = &GOOD[which % 4];
        let text = answers[which % answers.len()].to_string();
        let bytes = damaged(&text, &damages);
        let body = serde_json::from_slice(&bytes).map_or_else(|_| Body::Text(String::from_utf8_lossy(&bytes).into_owned()), Body::Json);
        for status in [status, 200] {
            understood(*provider, &Response { status, body: body.clone() });
        }
    }
}

static GOOD: LazyLock<Vec<(&'static dyn Provider, Vec<Value>)>> =
    LazyLock::new(|| providers::all().into_iter().map(|provider| (provider, good(provider))).collect());

#[test]
fn the_answers_that_are_damaged_were_good() {
    for (provider, answers) in GOOD.iter() {
        let answer = |body: &Value| Response { status: 200, body: Body::Json(body.clone()) };
        assert!(provider.created(&answer(&answers[0])).is_ok(), "{}: {}", provider.id(), answers[0]);
        if provider.rules().read {
            assert!(provider.observed(answer(&answers[1])).is_ok(), "{}", provider.id());
            assert_eq!(provider.listed(1, answer(&answers[2])).map(|page| page.items.len()), Ok(1), "{}", provider.id());
        }
    }
}
