//! Requests that read, list and delete, and what Tavus's answers mean. How writes are made is `patch`'s matter.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::api::Api;
use super::rules::WRITE_ONLY;
use crate::plan::value::remove_at;
use crate::plan::{Live, Method, RemoteId, Request};
use crate::provider::{Body, Listed, Page, Refusal, RefusalKind, Response, Seen};
use crate::providers::refusal::words;

/// Personas per page; Tavus's own client asks for as many.
const PAGE_SIZE: usize = 100;

/// What Tavus says instead of 404, also of stock personas that are not ours to write.
const NO_SUCH_PERSONA: [&str; 2] = ["Invalid persona_id", "Invalid pal_id"];

/// Members of a persona that no write changes, or that change by themselves.
const READ_ONLY: [&str; 17] = [
    "conferencing_email",
    "created_at",
    "discarded_maker_changes",
    "has_unpublished_changes",
    "is_draft",
    "is_draft_view",
    "is_published",
    "owner_id",
    "pal_id",
    "persona_id",
    "persona_settings_id",
    "publish_url",
    "registration_id",
    "session_id",
    "source_template_id",
    "updated_at",
    "uuid",
];

/// All but RFC 3986's unreserved characters.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}

/// The end of the path of one attached tool.
pub(super) fn tool_path(tool: &str) -> String {
    format!("/tools/{}", segment(tool))
}

/// The path of one persona.
pub(super) fn persona(api: Api, id: &RemoteId) -> String {
    format!("{}/{}", api.path(), segment(id.as_str()))
}

/// One page of our own personas; without the filter, Tavus's stock ones are among them.
pub(super) fn list(api: Api, page: u32) -> Request {
    Request::new(Method::Get, format!("{}?limit={PAGE_SIZE}&page={page}&persona_type=user", api.path()))
}

/// The call that reads one persona.
pub(super) fn read(api: Api, id: &RemoteId) -> Request {
    Request::new(Method::Get, persona(api, id))
}

/// The call that deletes one persona.
pub(super) fn delete(api: Api, id: &RemoteId) -> Request {
    Request::new(Method::Delete, persona(api, id))
}

/// What a page of the list shows. Lists show whole personas.
pub(super) fn listed(api: Api, page: u32, response: Response) -> Result<Page, Refusal> {
    if !response.is_success() {
        return Err(refusal(&response));
    }
    let unreadable = Refusal::unreadable(&response, "a list of personas");
    let Body::Json(Value::Object(mut answer)) = response.body else { return Err(unreadable) };
    let Some(Value::Array(personas)) = answer.remove("data") else { return Err(unreadable) };
    let mut items = Vec::with_capacity(personas.len());
    for persona in personas {
        let Some(live) = live(api, persona) else { return Err(unreadable) };
        items.push(Listed { id: live.id.clone(), name: live.name.clone(), live: Some(live) });
    }
    // Should Tavus cap pages below what was asked for, the count of those before is not known: then only an empty page or the
    // exact total ends the list.
    let seen = (page.max(1) as usize - 1) * PAGE_SIZE + items.len();
    let total = answer.get("total_count").and_then(Value::as_u64);
    let more = match total {
        Some(total) => !items.is_empty() && seen as u64 != total,
        None => items.len() >= PAGE_SIZE,
    };
    // A first page that is not full says nothing about how long the others are.
    let full = items.len() == PAGE_SIZE;
    let pages = total.filter(|_| full).and_then(|total| u32::try_from(total.div_ceil(PAGE_SIZE as u64)).ok());
    Ok(Page { items, more, pages })
}

/// What a read shows: documented as `{"data": [{…}]}`, in practice the bare persona.
pub(super) fn observed(api: Api, response: Response) -> Result<Seen, Refusal> {
    if is_gone(&response) {
        return Ok(Seen::Absent);
    }
    if !response.is_success() {
        return Err(refusal(&response));
    }
    let unreadable = Refusal::unreadable(&response, "a persona");
    let Body::Json(mut answer) = response.body else { return Err(unreadable) };
    let enveloped = match answer.get_mut("data") {
        Some(Value::Array(data)) if data.len() == 1 => data.pop(),
        _ => None,
    };
    let live = live(api, enveloped.unwrap_or(answer));
    live.map(|live| Seen::Present(Box::new(live))).ok_or(unreadable)
}

/// The id that a create gives; the rest of the answer is too short to be of use.
pub(super) fn created(response: &Response) -> Result<RemoteId, Refusal> {
    if !response.is_success() {
        return Err(refusal(response));
    }
    let persona = response.json().and_then(Value::as_object);
    persona.and_then(id).ok_or_else(|| Refusal::unreadable(response, "a new persona with its `persona_id`"))
}

/// Whether a write succeeded. No answer to one shows the persona in a documented form.
pub(super) fn accepted(request: &Request, response: &Response) -> Result<Option<Live>, Refusal> {
    // 304: the persona is as the patch wants it already.
    let unchanged = request.method == Method::Patch && response.status == 304;
    let gone = request.method == Method::Delete && (is_gone(response) || is_detached(request, response));
    if response.is_success() || unchanged || gone {
        return Ok(None);
    }
    let refusal = refusal(response);
    if tests(request) && matches!(response.status, 400 | 409 | 412 | 422) && refusal.help.is_none() {
        // What a failed test is answered with is not documented, so that another fault of the patch cannot be told from it.
        let refusal = Refusal { kind: RefusalKind::Conflict, ..refusal };
        return Err(refusal.with_help(
            "a value that the patch guards was probably changed elsewhere in the meantime, or the patch is refused: plan again",
        ));
    }
    Err(match (request.method, response.status) {
        (Method::Patch, 422) => refusal.with_help("the persona may have changed its shape since it was read: plan again"),
        (Method::Patch, 500) => refusal.with_help("Tavus is known to answer 500 to a field that it does not recognise"),
        _ => refusal,
    })
}

/// Whether a patch begins with a guard.
fn tests(request: &Request) -> bool {
    let operations = request.body.as_ref().and_then(Value::as_array);
    operations.is_some_and(|operations| operations.iter().any(|operation| operation["op"] == "test"))
}

/// A persona as Tavus shows it, without what no write changes and without secrets.
fn live(api: Api, persona: Value) -> Option<Live> {
    let Value::Object(persona) = persona else { return None };
    let id = id(&persona)?;
    let mut fields: Map<String, Value> = persona.into_iter().filter(|(key, _)| !READ_ONLY.contains(&key.as_str())).collect();
    for path in WRITE_ONLY {
        remove_at(&mut fields, path);
    }
    api.adopt_spelling(&mut fields);
    Some(Live { name: name(&fields), fields: fields.into(), ..Live::empty(id) })
}

fn id(persona: &Map<String, Value>) -> Option<RemoteId> {
    let text = |key: &str| persona.get(key)?.as_str().filter(|id| !id.is_empty());
    text("persona_id").or_else(|| text("pal_id")).map(RemoteId::new)
}

/// The display name among a persona's fields; empty if none.
pub(super) fn name(fields: &Map<String, Value>) -> String {
    let name = fields.get("persona_name").or_else(|| fields.get("pal_name"));
    name.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Whether Tavus plainly says that there is no such persona. A bare 404 does not: it may come from a wrong origin.
fn is_gone(response: &Response) -> bool {
    let said = response.json().and_then(|_| words(response)).unwrap_or_default();
    matches!(response.status, 400 | 404 | 410) && NO_SUCH_PERSONA.iter().any(|words| said.contains(words))
}

/// Whether a tool that was to be detached is not attached.
fn is_detached(request: &Request, response: &Response) -> bool {
    request.path.contains("/tools/") && response.status == 404 && response.json().is_some()
}

/// Tavus's no, in its own words and with what is known to help.
pub(super) fn refusal(response: &Response) -> Refusal {
    let said = words(response).unwrap_or_else(|| format!("answered {} without a word", response.status));
    let refusal = Refusal::by_status(response.status, said);
    let conflict = response.json().and_then(|answer| answer.get("conflict")?.as_str());
    if conflict == Some("maker_changes") {
        let refusal = Refusal { kind: RefusalKind::Conflict, ..refusal };
        return refusal.with_help(
            "somebody has unpublished edits in the Tavus dashboard: publish or discard them there, then plan again",
        );
    }
    match response.status {
        _ if is_gone(response) => Refusal { kind: RefusalKind::Absent, ..refusal }
            .with_help("the persona was deleted, or is a stock one, or belongs to another account"),
        401 => refusal.with_help("a key may be limited to certain IP addresses"),
        404 | 410 => Refusal { kind: RefusalKind::Invalid, ..refusal }
            .with_help("Tavus says 400 of a persona that does not exist: check the account's `base_url`"),
        _ => refusal,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(page: u32, response: &Response) -> Result<Page, Refusal> {
        super::listed(Api::Personas, page, response.clone())
    }

    fn observed(response: &Response) -> Result<Seen, Refusal> {
        super::observed(Api::Personas, response.clone())
    }

    fn answer(status: u16, body: Value) -> Response {
        Response { status, body: Body::Json(body) }
    }

    fn text(status: u16, body: &str) -> Response {
        Response { status, body: Body::Text(body.to_owned()) }
    }

    fn empty(status: u16) -> Response {
        Response { status, body: Body::Empty }
    }

    fn invalid_id() -> Response {
        answer(400, json!({"error": "Invalid persona_id"}))
    }

    fn seen(response: &Response) -> Live {
        match observed(response).expect("an answer") {
            Seen::Present(live) => *live,
            Seen::Absent => panic!("absent"),
        }
    }

    #[test]
    fn a_read_takes_the_bare_persona_and_the_documented_envelope() {
        let persona = json!({"persona_id": "p1", "persona_name": "Ada", "greeting": "Hi"});
        let bare = seen(&answer(200, persona.clone()));
        assert_eq!(bare, seen(&answer(200, json!({"data": [persona]}))));
        assert_eq!((bare.id.as_str(), bare.name.as_str()), ("p1", "Ada"));
        assert_eq!(Value::Object(bare.fields.into()), json!({"persona_name": "Ada", "greeting": "Hi"}));
    }

    #[test]
    fn an_answer_in_the_other_generations_words_is_taken_in_the_accounts_own() {
        let answer = answer(200, json!({"persona_id": "p1", "persona_name": "Ada", "default_replica_id": "r1"}));
        let Ok(Seen::Present(pal)) = super::observed(Api::Pals, answer) else { panic!("absent") };
        assert_eq!(Value::Object(pal.fields.into()), json!({"pal_name": "Ada", "default_face_id": "r1"}));
    }

    #[test]
    fn secrets_and_read_only_members_are_left_out_and_unknown_ones_kept() {
        let live = seen(&answer(
            200,
            json!({
                "persona_id": "p1", "created_at": "2026", "updated_at": "2026", "uuid": "u", "owner_id": 1,
                "of_tomorrow": {"x": 1},
                "layers": {
                    "llm": {"api_key": "********", "headers": {"Authorization": "Bearer x"}, "is_custom": true},
                    "tts": {"api_key": "sk"},
                    "stt": null,
                },
            }),
        ));
        let kept = json!({"of_tomorrow": {"x": 1}, "layers": {"llm": {"is_custom": true}, "tts": {}, "stt": null}});
        assert_eq!(Value::Object(live.fields.into()), kept);
    }

    #[test]
    fn a_persona_is_absent_only_where_tavus_says_so() {
        assert_eq!(observed(&invalid_id()), Ok(Seen::Absent));
        let kind = |response: &Response| observed(response).expect_err("a refusal").kind;
        assert_eq!(kind(&answer(400, json!({"error": "Bad day"}))), RefusalKind::Invalid);
        assert_eq!(kind(&answer(404, json!({"message": "no route"}))), RefusalKind::Invalid);
        assert_eq!(kind(&answer(401, json!({"message": "Invalid access token"}))), RefusalKind::Unauthorized);
        assert_eq!(kind(&answer(200, json!({"data": []}))), RefusalKind::Unreadable);
        assert_eq!(kind(&text(200, "<html>")), RefusalKind::Unreadable);
        assert_eq!(kind(&empty(502)), RefusalKind::Busy);
    }

    #[test]
    fn a_patch_that_changes_nothing_is_a_success() {
        let patch = Request::new(Method::Patch, "/v2/personas/p1");
        for status in [200, 304] {
            assert_eq!(accepted(&patch, &empty(status)), Ok(None));
        }
        assert!(accepted(&Request::new(Method::Delete, "/v2/personas/p1"), &empty(304)).is_err());
    }

    #[test]
    fn unpublished_edits_in_the_dashboard_are_a_conflict_for_people() {
        let patch = Request::new(Method::Patch, "/v2/personas/p1");
        let refusal = accepted(&patch, &answer(409, json!({"conflict": "maker_changes"}))).expect_err("a refusal");
        assert_eq!(refusal.kind, RefusalKind::Conflict);
        assert_eq!(refusal.message, "conflict: maker_changes");
        assert!(refusal.help.is_some_and(|help| help.contains("publish or discard them there")));
    }

    #[test]
    fn a_guarded_patch_that_is_refused_is_a_conflict_and_another_one_is_not() {
        let test = json!({"op": "test", "path": "/greeting", "value": "Hi"});
        let replace = json!({"op": "replace", "path": "/greeting", "value": "Hello"});
        let patch = |body: Value| Request::new(Method::Patch, "/v2/personas/p1").with_body(body);
        let guarded = patch(json!([test, replace]));
        for response in
            [answer(422, json!({"message": "Invalid JSON patch format"})), answer(400, json!({"error": "test failed"}))]
        {
            let refusal = accepted(&guarded, &response).expect_err("a refusal");
            assert_eq!(refusal.kind, RefusalKind::Conflict);
            assert!(refusal.help.is_some_and(|help| help.contains("plan again")));
            let refusal = accepted(&patch(json!([replace])), &response).expect_err("a refusal");
            assert_eq!(refusal.kind, RefusalKind::Invalid);
        }
        assert_eq!(accepted(&guarded, &invalid_id()).expect_err("a refusal").kind, RefusalKind::Absent);
    }

    #[test]
    fn only_a_delete_is_done_when_the_persona_is_gone() {
        let delete = Request::new(Method::Delete, "/v2/personas/p1");
        assert_eq!(accepted(&delete, &empty(204)), Ok(None));
        assert_eq!(accepted(&delete, &invalid_id()), Ok(None));
        assert!(accepted(&delete, &text(404, "Not Found")).is_err());
        let patch = Request::new(Method::Patch, "/v2/personas/p1");
        assert_eq!(accepted(&patch, &invalid_id()).expect_err("a refusal").kind, RefusalKind::Absent);
    }

    #[test]
    fn a_tool_that_is_detached_already_is_no_failure() {
        let detach = Request::new(Method::Delete, "/v2/personas/p1/tools/t1");
        assert_eq!(accepted(&detach, &answer(404, json!({"message": "not attached"}))), Ok(None));
    }

    #[test]
    fn a_new_persona_gives_its_id_in_either_vocabulary() {
        assert_eq!(created(&answer(200, json!({"persona_id": "p1"}))), Ok(RemoteId::new("p1")));
        assert_eq!(created(&answer(201, json!({"pal_id": "p2"}))), Ok(RemoteId::new("p2")));
        let refusal = created(&answer(200, json!({"persona_name": "Ada"}))).expect_err("a refusal");
        assert_eq!(refusal.kind, RefusalKind::Unreadable);
    }

    #[test]
    fn the_list_asks_for_our_own_personas_and_ends_with_the_total() {
        assert_eq!(list(Api::Personas, 2).path, "/v2/personas?limit=100&page=2&persona_type=user");
        let page = |items: usize, total: Option<u64>| {
            let data: Vec<Value> = (0..items).map(|item| json!({"persona_id": format!("p{item}")})).collect();
            answer(200, json!({"data": data, "total_count": total}))
        };
        let more = |number: u32, response: &Response| listed(number, response).expect("a page").more;
        assert!(more(1, &page(100, Some(130))));
        assert!(!more(2, &page(30, Some(130))));
        assert!(more(1, &page(50, Some(130))), "Tavus caps its pages");
        assert!(more(3, &page(50, Some(180))), "Tavus caps its pages, and only an empty one tells");
        assert!(!more(4, &page(0, Some(130))));
        assert!(more(1, &page(100, None)));
        assert!(!more(1, &page(99, None)));
    }

    #[test]
    fn a_list_with_something_else_in_it_is_unreadable() {
        for body in [json!({"data": [1]}), json!({"data": [{"persona_name": "Ada"}]}), json!([])] {
            assert_eq!(listed(1, &answer(200, body)).expect_err("a refusal").kind, RefusalKind::Unreadable);
        }
    }

    #[test]
    fn an_answer_without_a_word_says_so() {
        assert_eq!(refusal(&answer(400, json!({}))).message, "answered 400 without a word");
        assert_eq!(refusal(&answer(400, json!({"error": "Invalid replica_uuid"}))).message, "Invalid replica_uuid");
    }

    #[test]
    fn an_id_is_one_segment_of_a_path() {
        assert_eq!(persona(Api::Personas, &RemoteId::new("p1/../x?y")), "/v2/personas/p1%2F..%2Fx%3Fy");
    }
}
