//! What a user reads of a service's no: every provider, every shape of error, every kind of status.

use std::collections::BTreeMap;
use std::sync::Arc;

use personaform::http::{Client, Home, Patience, limits};
use personaform::persona::name::AccountName;
use personaform::plan::{Method, Request};
use personaform::provider::{Body, Provider, Response};
use personaform::providers;
use personaform::reconcile::Connection;
use personaform::reconcile::connection::Failure;
use personaform::state::Sealer;
use secrecy::SecretString;
use serde_json::json;

const KEY: &str = "sk-live-0123456789";

fn connection(provider: &'static dyn Provider) -> Connection {
    let base_url = "http://127.0.0.1:9".to_owned();
    let key = SecretString::from(KEY);
    let service = provider.service();
    let home = Home { service, base_url: &base_url, insecure: false, limits: limits(service, &base_url, None, None) };
    let client = Client::new(&home, &key, &[], Patience::default()).expect("a client");
    Connection {
        account: AccountName::new("staging"),
        provider,
        client,
        base_url,
        key_variable: "STAGING_KEY".to_owned(),
        sealer: Arc::new(Sealer::new("00", &BTreeMap::new()).expect("a sealer")),
    }
}

/// What a refused update comes to.
fn failure(connection: &Connection, status: u16, body: Body) -> Failure {
    let request = Request::new(Method::Patch, "/v1/personas/p1").with_body(json!({"name": "Ada"}));
    let response = Response { status, body };
    let refusal = connection.provider.accepted(&request, &response).expect_err("a refusal");
    connection.refused(&request, &refusal)
}

/// Bodies as the contracts and gateways have them, each with the words that must be read.
fn shapes() -> Vec<(Body, &'static str)> {
    let page = "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>";
    vec![
        (Body::Json(json!({"error": "name is too long"})), "name is too long"),
        (Body::Json(json!({"message": "name is too long"})), "name is too long"),
        (Body::Json(json!({"errors": [{"error": "VALIDATION_ERROR", "message": "name is too long"}]})), "name is too long"),
        (
            Body::Json(json!({"errors": [{"error": "A", "message": "one"}, {"error": "B", "message": "two"}]})),
            "one (A); two (B)",
        ),
        (Body::Json(json!({"error": {"code": "VERSION_NOT_FOUND", "message": "no version"}})), "no version"),
        (Body::Json(json!({"error": 17, "message": "name is too long"})), "name is too long (error 17)"),
        (
            Body::Json(
                json!({"error": "Validation error", "details": [{"path": ["name"], "message": "too long", "code": "too_big"}]}),
            ),
            "Validation error",
        ),
        (Body::Json(json!({"error": "Validation error", "summary": "name: too long"})), "Validation error"),
        (Body::Text(page.to_owned()), "502 Bad Gateway"),
        (Body::Text("upstream connect error".to_owned()), "upstream connect error"),
    ]
}

#[test]
fn every_shape_of_error_is_read_at_every_provider() {
    for provider in providers::all() {
        let connection = connection(provider);
        for status in [400, 401, 403, 409, 422, 429, 500, 503] {
            for (body, words) in shapes() {
                let failure = failure(&connection, status, body.clone());
                let at = format!("{} {status} {body:?}: {failure:?}", provider.id());
                assert_eq!(failure.request, "PATCH /v1/personas/p1", "{at}");
                assert_eq!(failure.status, Some(status), "{at}");
                assert!(failure.message.contains(words), "{at}");
                assert!(!failure.message.contains('<'), "{at}");
                assert!(failure.help.as_ref().is_some_and(|help| !help.is_empty()), "no next step: {at}");
            }
        }
    }
}

#[test]
fn details_are_read_with_their_places() {
    // The contract of Bland has no such list.
    for provider in providers::all().into_iter().filter(|provider| provider.id() != "bland") {
        let body = json!({"error": "Validation error", "details": [{"path": ["voice", 0], "message": "too long"}]});
        let failure = failure(&connection(provider), 400, Body::Json(body));
        let told = failure.message.contains("voice.0: too long");
        assert!(told, "{}: {failure:?}", provider.id());
    }
}

#[test]
fn a_refused_key_is_named_by_account_and_variable_and_never_shown() {
    for provider in providers::all() {
        for status in [401, 403] {
            let body = Body::Json(json!({"message": format!("the key {KEY} is not valid")}));
            let failure = failure(&connection(provider), status, body);
            let help = failure.help.clone().unwrap_or_default();
            assert!(help.contains("`staging`") && help.contains("`$STAGING_KEY`"), "{}: {failure:?}", provider.id());
            assert!(!format!("{failure:?}").contains(KEY), "{}: {failure:?}", provider.id());
        }
    }
}
