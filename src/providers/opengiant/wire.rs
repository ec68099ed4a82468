//! Resources, edits and requests; what responses mean; predictions. Nothing that people write.

use serde_json::{Map, Value};

use crate::persona::name::Pointer;
use crate::plan::{Draft, Edit, Live, Method, RemoteId, Request, Resource};
use crate::provider::{Body, Refusal, RefusalKind, Response};
use crate::providers::open_object::{complete, without_nulls};
use crate::providers::refusal::words;

const PERSONAS: &str = "/v1/personas";
pub(super) fn create(resource: &Resource) -> Draft {
    let body = Value::Object(without_nulls(&resource.fields));
    Draft { requests: vec![Request::new(Method::Post, PERSONAS).with_body(body)], notes: Vec::new() }
}

/// One PATCH: the name where it changes, and all attributes where one of them does.
///
/// Whether OpenGiant merges or replaces attributes is not documented. The whole object is right under both, but for what is
/// removed: `null` would remove it under the one and be stored under the other, so it is left out unless the files say `null`.
pub(super) fn update(live: &Live, resource: &Resource, edits: &[Edit]) -> Draft {
    let attributes = Pointer::new(["attributes"]);
    let mut body = Map::new();
    let mut notes = Vec::new();
    for edit in edits {
        if attributes.covers(&edit.path) {
            let held = Live { fields: without_nulls(&live.fields).into(), ..live.clone() };
            let whole = complete("attributes", &held, resource, edits);
            body.insert("attributes".to_owned(), Value::Object(whole));
            if edit.to.as_ref().is_none_or(Value::is_null) && notes.is_empty() {
                notes.push(
                    "whether OpenGiant drops what is left out of `attributes` is not documented; checked against its answer"
                        .to_owned(),
                );
            }
        } else if let (Some(field), Some(value)) = (edit.path.last(), &edit.to) {
            body.insert(field.to_owned(), value.clone());
        }
    }
    if body.is_empty() {
        return Draft { requests: Vec::new(), notes };
    }
    let path = format!("{PERSONAS}/{}", live.id.in_path());
    Draft { requests: vec![Request::new(Method::Patch, path).with_body(Value::Object(body))], notes }
}

/// What OpenGiant would make of a request: it stores what it is sent, attributes as a whole.
pub(super) fn predict(live: &Live, request: &Request) -> Live {
    let mut after = live.clone();
    let members = request.body.as_ref().and_then(Value::as_object);
    after.fields.extend(members.cloned().unwrap_or_default());
    if let Some(name) = after.fields.get("name").and_then(Value::as_str) {
        after.name = name.to_owned();
    }
    after
}

pub(super) fn created(response: &Response) -> Result<RemoteId, Refusal> {
    let persona = success(response)?;
    persona.and_then(id).ok_or_else(|| Refusal::unreadable(response, "a new persona with its id"))
}

/// The answer to an update: the persona as it now is, the only look at it that OpenGiant documents.
pub(super) fn accepted(response: &Response) -> Result<Option<Live>, Refusal> {
    Ok(success(response)?.and_then(live))
}

fn live(persona: &Value) -> Option<Live> {
    let attributes = persona.get("attributes").filter(|attributes| attributes.is_object())?;
    let mut live = Live::empty(id(persona)?);
    live.fields.insert("attributes".to_owned(), attributes.clone());
    if let Some(name) = persona.get("name").and_then(Value::as_str) {
        live.name = name.to_owned();
        live.fields.insert("name".to_owned(), Value::from(name));
    }
    Some(live)
}

fn id(persona: &Value) -> Option<RemoteId> {
    persona.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(RemoteId::new)
}

/// The body of a success, none if it is empty; otherwise the refusal, `{"error": number, "message": text}`.
fn success(response: &Response) -> Result<Option<&Value>, Refusal> {
    let error = response.json().and_then(|body| body.get("error")).filter(|error| !error.is_null());
    match (&response.body, error) {
        (Body::Json(body), None) if response.is_success() => Ok(Some(body)),
        (Body::Empty, _) if response.is_success() => Ok(None),
        (Body::Json(_), _) => {
            let said = words(response).unwrap_or_else(|| "no reason given".to_owned());
            let mut refusal = Refusal::by_status(response.status, said);
            if response.is_success() {
                refusal.kind = RefusalKind::Invalid;
            }
            Err(refusal)
        }
        (Body::Empty, _) => Err(Refusal::by_status(response.status, "no reason given")),
        (Body::Text(_), _) => {
            let mut refusal = Refusal::unreadable(response, "what OpenGiant's API answers");
            if let Some(said) = words(response).filter(|_| !response.is_success()) {
                refusal.message = said;
            }
            if !matches!(response.status, 404 | 410) && !response.is_success() {
                refusal.kind = Refusal::by_status(response.status, "").kind;
            }
            Err(refusal.with_help("check the account's `base_url`"))
        }
    }
}
