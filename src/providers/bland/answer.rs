//! What Bland's responses mean: its envelope, its several shapes of error, and the persona with its two versions.
//!
//! Nothing is requested here.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::PERSONA_FIELDS;
use crate::plan::{Document, Live, Method, RemoteId, Request};
use crate::provider::{Body, Listed, Page, Refusal, RefusalKind, Response, Seen};
use crate::providers::refusal::words;

/// What describes a version and is not part of it; new with every write or promotion.
const VERSION_MARKS: [&str; 9] = [
    "id",
    "persona_id",
    "version_type",
    "version_number",
    "promoted_from_version_id",
    "promoted_at",
    "promoted_by",
    "created_at",
    "updated_at",
];

/// A page of the list. It has no total, and Bland may cap pages below what was asked for: only an empty page ends it.
pub(super) fn listed(response: Response) -> Result<Page, Refusal> {
    payload(&response)?;
    let unreadable = Refusal::unreadable(&response, "a list of personas");
    let nameless = Refusal::unreadable(&response, "a list of personas with ids");
    let Some(Value::Array(items)) = data(response) else { return Err(unreadable) };
    let mut page = Page { items: Vec::with_capacity(items.len()), more: !items.is_empty(), pages: None };
    for item in items.into_iter().filter(|item| !is_deleted(item)) {
        let Some(id) = id(&item) else { return Err(nameless) };
        let name = text(&item, "name").unwrap_or_default().to_owned();
        page.items.push(Listed { id, name, live: live(item) });
    }
    Ok(page)
}

pub(super) fn observed(response: Response) -> Result<Seen, Refusal> {
    match payload(&response) {
        Ok(Some(persona)) if is_deleted(persona) => return Ok(Seen::Absent),
        Ok(_) => {}
        Err(refusal) if refusal.kind == RefusalKind::Absent => return Ok(Seen::Absent),
        Err(refusal) => return Err(refusal),
    }
    let unreadable = Refusal::unreadable(&response, "a persona with its versions");
    data(response).and_then(live).map(|live| Seen::Present(Box::new(live))).ok_or(unreadable)
}

pub(super) fn created(response: &Response) -> Result<RemoteId, Refusal> {
    payload(response)?.and_then(id).ok_or_else(|| Refusal::unreadable(response, "a new persona with its id"))
}

/// The answer to an update, a promotion or a delete. Only an answer with the phone numbers shows the whole persona.
pub(super) fn accepted(request: &Request, response: &Response) -> Result<Option<Live>, Refusal> {
    let answer = payload(response);
    if request.method == Method::Delete {
        return match answer {
            Err(refusal) if refusal.kind == RefusalKind::Absent => Ok(None),
            Ok(Some(data)) if data.get("success") == Some(&Value::Bool(false)) => Err(Refusal {
                kind: RefusalKind::Invalid,
                status: response.status,
                message: text(data, "message").unwrap_or("the persona was not deleted").to_owned(),
                help: None,
            }),
            other => other.map(|_| None),
        };
    }
    let Some(persona) = answer? else { return Ok(None) };
    if is_deleted(persona) {
        return Err(Refusal { kind: RefusalKind::Absent, ..Refusal::by_status(response.status, "the persona is deleted") });
    }
    Ok(persona.get("inbound_numbers").and_then(|_| live(persona.clone())))
}

/// The whole body of a success that names no error.
pub(super) fn sound(response: &Response) -> Result<&Value, Refusal> {
    payload(response)?;
    response.json().ok_or_else(|| Refusal::unreadable(response, "a list"))
}

/// The member `data` of a success; none where the body is empty or holds no such member.
fn payload(response: &Response) -> Result<Option<&Value>, Refusal> {
    let body = match &response.body {
        Body::Json(body) => body,
        Body::Empty if response.is_success() => return Ok(None),
        Body::Empty => return Err(Refusal::by_status(response.status, "no reason given")),
        // A page in front of the service speaks, not the service: even its 404 says nothing about a persona.
        Body::Text(_) => {
            let mut refusal = Refusal::unreadable(response, "what Bland's API answers");
            if let Some(said) = words(response).filter(|_| !response.is_success()) {
                refusal.message = said;
            }
            if !matches!(response.status, 404 | 410) && !response.is_success() {
                refusal.kind = Refusal::by_status(response.status, "").kind;
            }
            return Err(refusal.with_help("check the account's `base_url`"));
        }
    };
    let complaints = complaints(body);
    if complaints.is_empty() && response.is_success() {
        return Ok(body.get("data").filter(|data| !data.is_null()));
    }
    let mut refusal = refusal(response.status, &complaints);
    if complaints.is_empty() {
        // Not in one of the shapes of its API: a gateway's, then.
        refusal.message = words(response).unwrap_or(refusal.message);
    }
    Err(refusal)
}

/// The member `data` of a body that was found sound.
fn data(response: Response) -> Option<Value> {
    match response.body {
        Body::Json(Value::Object(mut body)) => body.remove("data"),
        _ => None,
    }
}

/// One error, in whatever shape it came.
#[derive(Default)]
struct Complaint<'a> {
    code: Option<&'a str>,
    message: Option<&'a str>,
    numbers: Vec<&'a str>,
}

/// Every error that a body names: `errors` as a list, an object or a text, a lone `error`, or `status: error`.
fn complaints(body: &Value) -> Vec<Complaint<'_>> {
    match body.get("errors") {
        Some(Value::Array(items)) if !items.is_empty() => return items.iter().map(complaint).collect(),
        Some(Value::String(text)) if text.is_empty() => {}
        Some(error @ (Value::String(_) | Value::Object(_))) => return vec![complaint(error)],
        _ => {}
    }
    match body.get("error") {
        Some(error @ Value::Object(_)) => vec![complaint(error)],
        Some(Value::String(_)) => vec![complaint(body)],
        _ if text(body, "status") == Some("error") => vec![complaint(body)],
        _ => Vec::new(),
    }
}

fn complaint(error: &Value) -> Complaint<'_> {
    if let Some(words) = error.as_str() {
        return match words.split_once(':').map_or((words, None), |(code, message)| (code, Some(message.trim()))) {
            (code, message) if is_code(code) => Complaint { code: Some(code), message, numbers: Vec::new() },
            _ => Complaint { message: Some(words), ..Complaint::default() },
        };
    }
    let code = text(error, "error").or_else(|| text(error, "code"));
    let numbers = error.pointer("/details/phone_numbers_using").map(phone_numbers).unwrap_or_default();
    Complaint { code, message: text(error, "message"), numbers }
}

/// `PERSONA_IN_USE`, as against a sentence.
fn is_code(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == b'_')
}

/// A refusal by the code of its first error; by the status where the code is not known.
fn refusal(status: u16, complaints: &[Complaint<'_>]) -> Refusal {
    let words: Vec<String> = complaints
        .iter()
        .map(|complaint| match (complaint.message, complaint.code) {
            (Some(message), Some(code)) => format!("{message} ({code})"),
            (Some(words), None) | (None, Some(words)) => words.to_owned(),
            (None, None) => "no reason given".to_owned(),
        })
        .collect();
    let mut refusal =
        Refusal::by_status(status, if words.is_empty() { "no reason given".to_owned() } else { words.join("; ") });
    let kind = match complaints.iter().find_map(|complaint| complaint.code) {
        Some("PERSONA_NOT_FOUND") => Some(RefusalKind::Absent),
        Some("PERSONA_IN_USE" | "NO_DRAFT_VERSION") => Some(RefusalKind::Conflict),
        Some("AUTH_FAILURE") => Some(RefusalKind::Unauthorized),
        // A success with errors is no success, and a 404 about something else says nothing about the persona.
        _ if (200..300).contains(&status) => Some(RefusalKind::Invalid),
        Some(_) if status == 404 => Some(RefusalKind::Invalid),
        _ => None,
    };
    refusal.kind = kind.unwrap_or(refusal.kind);
    let numbers: Vec<&str> = complaints.iter().flat_map(|complaint| complaint.numbers.iter().copied()).collect();
    if !numbers.is_empty() {
        return refusal.with_help(format!("detach its phone numbers first: {}", numbers.join(", ")));
    }
    refusal
}

/// A persona as Bland shows it, if it shows at least one version.
fn live(mut persona: Value) -> Option<Live> {
    let mut version = |field: &str| match persona.get_mut(field).map(Value::take) {
        Some(Value::Object(version)) => Some(version),
        _ => None,
    };
    let (draft, production) = (version("current_draft_version"), version("current_production_version"));
    let numbers = persona.get("inbound_numbers").map(phone_numbers).unwrap_or_default();
    let fields = Document::from(document(&persona, draft.or_else(|| production.clone())?));
    // Before the first release callers hear nothing of what is versioned.
    let mut released = Document::from(document(&persona, production.unwrap_or_default()));
    released.share(&fields);
    Some(Live {
        id: id(&persona)?,
        name: text(&persona, "name").unwrap_or_default().to_owned(),
        fields,
        released: Some(released),
        unknown: BTreeSet::new(),
        used_by: numbers.into_iter().map(|number| format!("phone number {number}")).collect(),
    })
}

/// The write shape: a version's content, unknown keys included, flat beside the persona's own fields.
fn document(persona: &Value, version: Map<String, Value>) -> Map<String, Value> {
    let content = version.into_iter().filter(|(key, _)| !VERSION_MARKS.contains(&key.as_str()));
    let mut fields: Map<String, Value> = content.collect();
    for field in PERSONA_FIELDS {
        if let Some(value) = persona.get(field) {
            fields.insert(field.to_owned(), value.clone());
        }
    }
    fields
}

fn is_deleted(persona: &Value) -> bool {
    persona.get("deleted_at").is_some_and(|time| !time.is_null())
}

fn id(persona: &Value) -> Option<RemoteId> {
    text(persona, "id").filter(|id| !id.is_empty()).map(RemoteId::new)
}

/// Phone numbers, which are listed as texts or as objects.
fn phone_numbers(list: &Value) -> Vec<&str> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().or_else(|| text(item, "phone_number"))).collect()
}

fn text<'a>(object: &'a Value, member: &str) -> Option<&'a str> {
    object.get(member).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::trial::response;
    use serde_json::json;

    fn version(kind: &str, prompt: &str) -> Value {
        json!({
            "id": format!("version-{kind}"), "persona_id": "p1", "version_type": kind, "version_number": 2,
            "orchestration_prompt": null, "personality_prompt": prompt, "pathway_conditions": null, "kb_ids": [],
            "call_config": {"voice": "June"}, "default_tools": [], "skills": [{"id": "s1"}],
            "promoted_from_version_id": null, "promoted_at": null, "promoted_by": null,
            "created_at": "2025-09-23T15:13:36.390Z", "updated_at": "2025-09-23T15:13:36.390Z",
        })
    }

    fn persona() -> Value {
        json!({
            "id": "p1", "name": "Ada", "role": null, "description": "Answers", "tags": ["a"], "image_url": null,
            "created_at": "2025-09-23T15:13:36.348Z", "updated_at": "2025-09-23T15:43:49.257Z", "deleted_at": null,
            "user_id": "u1", "current_production_version_id": "version-production",
            "current_draft_version_id": "version-draft", "current_production_version": version("production", "Old."),
            "current_draft_version": version("draft", "New."),
            "inbound_numbers": ["+14155550100", {"phone_number": "+14155550101", "persona_settings": null}],
        })
    }

    fn success(data: Value) -> Response {
        response(200, json!({"data": data, "errors": null}))
    }

    fn without(member: &str) -> Value {
        let mut persona = persona();
        persona.as_object_mut().expect("an object").remove(member);
        persona
    }

    fn with(member: &str, value: Value) -> Value {
        let mut persona = persona();
        persona[member] = value;
        persona
    }

    fn patch() -> Request {
        Request::new(Method::Patch, "/v1/personas/p1")
    }

    fn delete() -> Request {
        Request::new(Method::Delete, "/v1/personas/p1")
    }

    fn refusal_of(status: u16, body: Value) -> Refusal {
        accepted(&patch(), &response(status, body)).expect_err("a refusal")
    }

    #[test]
    fn a_persona_is_its_own_fields_with_the_draft_and_beside_it_production() {
        let Ok(Seen::Present(live)) = observed(success(persona())) else { panic!("a persona") };
        let mut document = json!({
            "name": "Ada", "role": null, "description": "Answers", "tags": ["a"], "image_url": null,
            "orchestration_prompt": null, "personality_prompt": "New.", "pathway_conditions": null, "kb_ids": [],
            "call_config": {"voice": "June"}, "default_tools": [], "skills": [{"id": "s1"}],
        });
        assert_eq!(Value::Object(live.fields.into()), document);
        document["personality_prompt"] = json!("Old.");
        assert_eq!(live.released.map(|released| Value::Object(released.into())), Some(document));
        assert_eq!((live.id.as_str(), live.name.as_str()), ("p1", "Ada"));
        assert_eq!(live.used_by, ["phone number +14155550100", "phone number +14155550101"]);
    }

    #[test]
    fn callers_hear_nothing_of_a_persona_that_was_never_released() {
        let Ok(Seen::Present(live)) = observed(success(with("current_production_version", json!(null)))) else {
            panic!("a persona")
        };
        let released = live.released.expect("a document");
        assert_eq!((released.get("name"), released.get("personality_prompt")), (Some(&json!("Ada")), None));
    }

    #[test]
    fn a_persona_without_a_draft_stands_as_its_production() {
        let Ok(Seen::Present(live)) = observed(success(with("current_draft_version", json!(null)))) else {
            panic!("a persona")
        };
        assert_eq!(live.fields.get("personality_prompt"), Some(&json!("Old.")));
        assert!(live.released.is_some_and(|released| released.is(&live.fields)), "one document, held once");
    }

    #[test]
    fn a_persona_is_absent_only_where_bland_says_so() {
        let not_found = json!({"data": null, "errors": [{"error": "PERSONA_NOT_FOUND", "message": "Persona not found"}]});
        for absent in [
            response(404, not_found.clone()),
            response(400, not_found),
            response(404, json!({"status": "error", "message": "no such persona"})),
            success(with("deleted_at", json!("2026-01-01T00:00:00Z"))),
        ] {
            assert_eq!(observed(absent.clone()), Ok(Seen::Absent), "{absent:?}");
        }
        for unclear in [
            Response { status: 404, body: Body::Text("<html>".to_owned()) },
            response(404, json!({"error": {"code": "VERSION_NOT_FOUND", "message": "no such version"}})),
            success(json!(null)),
            Response { status: 200, body: Body::Empty },
            response(500, json!({"data": null, "errors": null})),
        ] {
            let refusal = observed(unclear.clone()).expect_err("a refusal");
            assert_ne!(refusal.kind, RefusalKind::Absent, "{unclear:?}");
        }
    }

    #[test]
    fn a_success_with_errors_is_a_refusal() {
        let refusal = refusal_of(200, json!({"data": null, "errors": [{"error": "BAD_VOICE", "message": "no such voice"}]}));
        assert_eq!((refusal.kind, refusal.message.as_str()), (RefusalKind::Invalid, "no such voice (BAD_VOICE)"));
        assert_eq!(refusal_of(200, json!({"data": {"id": "p1"}, "errors": "rejected"})).message, "rejected");
        assert_eq!(refusal_of(200, json!({"status": "error", "message": "rejected"})).kind, RefusalKind::Invalid);
    }

    #[test]
    fn errors_are_read_in_all_their_shapes() {
        for (body, message) in [
            (json!({"data": null, "errors": [{"message": "one"}, "two"]}), "one; two"),
            (json!({"data": null, "errors": "one"}), "one"),
            (json!({"data": null, "errors": {"error": "ONE"}}), "ONE"),
            (json!({"error": {"code": "ONE", "message": "one"}}), "one (ONE)"),
            (json!({"error": "ONE", "message": "one"}), "one (ONE)"),
            (json!({"status": "error", "message": "one"}), "one"),
            (json!({"data": null, "errors": []}), "no reason given"),
        ] {
            let refusal = refusal_of(400, body);
            assert_eq!((refusal.kind, refusal.message.as_str()), (RefusalKind::Invalid, message));
        }
    }

    #[test]
    fn codes_say_more_than_statuses() {
        let kind = |status, code: &str| refusal_of(status, json!({"data": null, "errors": [{"error": code}]})).kind;
        assert_eq!(kind(400, "NO_DRAFT_VERSION"), RefusalKind::Conflict);
        assert_eq!(kind(400, "AUTH_FAILURE"), RefusalKind::Unauthorized);
        assert_eq!(kind(401, "SOMETHING"), RefusalKind::Unauthorized);
        assert_eq!(refusal_of(429, json!({"status": "error", "message": "Rate limit exceeded"})).kind, RefusalKind::Busy);
    }

    #[test]
    fn a_page_in_front_of_the_service_is_not_the_service() {
        let page = |status| Response { status, body: Body::Text("<html>".to_owned()) };
        assert_eq!(accepted(&patch(), &page(502)).expect_err("a refusal").kind, RefusalKind::Busy);
        assert_eq!(accepted(&patch(), &page(200)).expect_err("a refusal").kind, RefusalKind::Unreadable);
        assert_eq!(accepted(&delete(), &page(404)).expect_err("a refusal").kind, RefusalKind::Unreadable);
    }

    #[test]
    fn a_delete_is_refused_with_the_numbers_that_are_in_the_way() {
        let in_use = json!({"data": null, "errors": [{
            "error": "PERSONA_IN_USE", "message": "Persona is in use", "details": {"phone_numbers_using": ["+1", "+2"]},
        }]});
        let refusal = accepted(&delete(), &response(400, in_use)).expect_err("a refusal");
        assert_eq!(refusal.kind, RefusalKind::Conflict);
        assert_eq!(refusal.help.as_deref(), Some("detach its phone numbers first: +1, +2"));
    }

    #[test]
    fn a_delete_of_what_is_gone_is_a_success() {
        let done = json!({"success": true, "message": "Persona deleted successfully"});
        let gone = json!({"data": null, "errors": [{"error": "PERSONA_NOT_FOUND", "message": "Persona not found"}]});
        assert_eq!(accepted(&delete(), &success(done)), Ok(None));
        assert_eq!(accepted(&delete(), &response(404, gone)), Ok(None));
        assert_eq!(accepted(&delete(), &Response { status: 204, body: Body::Empty }), Ok(None));
        assert!(accepted(&delete(), &success(json!({"success": false}))).is_err());
    }

    #[test]
    fn errors_given_as_a_text_are_judged_by_the_code_that_they_begin_with() {
        let kind = |status: u16, errors: &str| refusal_of(status, json!({"data": null, "errors": errors}));
        let gone = kind(200, "PERSONA_NOT_FOUND: Persona not found");
        assert_eq!((gone.kind, gone.message.as_str()), (RefusalKind::Absent, "Persona not found (PERSONA_NOT_FOUND)"));
        assert_eq!(kind(400, "PERSONA_IN_USE").kind, RefusalKind::Conflict);
        let plain = kind(400, "name: required");
        assert_eq!((plain.kind, plain.message.as_str()), (RefusalKind::Invalid, "name: required"));
    }

    #[test]
    fn only_an_answer_with_the_phone_numbers_shows_the_whole_persona() {
        assert!(accepted(&patch(), &success(persona())).expect("a success").is_some());
        assert_eq!(accepted(&patch(), &success(without("inbound_numbers"))), Ok(None));
        let deleted = success(with("deleted_at", json!("2026-01-01T00:00:00Z")));
        assert_eq!(accepted(&patch(), &deleted).expect_err("a refusal").kind, RefusalKind::Absent);
    }

    #[test]
    fn a_create_gives_an_id_under_any_status_of_success() {
        for status in [200, 201] {
            let answer = response(status, json!({"data": persona(), "errors": null}));
            assert_eq!(created(&answer), Ok(RemoteId::new("p1")));
        }
        assert_eq!(created(&success(json!({}))).expect_err("a refusal").kind, RefusalKind::Unreadable);
    }

    #[test]
    fn only_an_empty_page_ends_the_list_and_deleted_personas_are_left_out() {
        let short = listed(success(json!([persona(), with("deleted_at", json!("2026"))]))).expect("a page");
        assert_eq!((short.items.len(), short.more), (1, true));
        assert!(short.items[0].live.is_some());
        let last = listed(success(json!([]))).expect("a page");
        assert_eq!((last.items.len(), last.more), (0, false));
        assert!(listed(success(json!(null))).is_err());
        assert!(listed(success(json!([{"name": "without id"}]))).is_err());
    }
}
