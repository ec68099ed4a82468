//! What Anam answers: objects in the neutral form, pages of the list, and every kind of no. No request is made here.

use serde_json::{Map, Value};

use super::wire::PER_PAGE;
use super::{INHERIT, NO_LLM};
use crate::plan::{Live, Method, RemoteId, Request};
use crate::provider::{Body, Listed, Page, Refusal, RefusalKind, Response, Seen};
use crate::providers::refusal::words;

/// Fields that reads show under the name that writes use.
const ALIKE: [&str; 9] = [
    "name",
    "description",
    "avatarModel",
    "skipGreeting",
    "uninterruptibleGreeting",
    "initialMessage",
    "zeroDataRetention",
    "enableAudioPassthrough",
    "widgetConfig",
];

pub(super) fn observed(response: Response) -> Result<Seen, Refusal> {
    if !response.is_success() {
        let refusal = refusal(&response);
        return if is_plainly_absent(&response) { Ok(Seen::Absent) } else { Err(refusal) };
    }
    let unreadable = Refusal::unreadable(&response, "a persona");
    let Body::Json(Value::Object(object)) = response.body else { return Err(unreadable) };
    let Some(id) = id_of(&object) else { return Err(unreadable) };
    if is_built_in(&object) {
        let message = format!("`{id}` is a built-in persona that all organizations share");
        let refusal = Refusal { kind: RefusalKind::Forbidden, message, ..unreadable };
        return Err(refusal.with_help("make a persona of your own, or correct `$id`"));
    }
    Ok(Seen::Present(Box::new(live(id, object))))
}

/// Nested read shape to flat write shape. Names what is taken, so that read-only and volatile fields never get in.
fn live(id: RemoteId, mut object: Map<String, Value>) -> Live {
    let name = text(&object, "name");
    let mut fields: Map<String, Value> = ALIKE.iter().filter_map(|field| object.remove_entry(*field)).collect();
    let mut take = |field: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(field.to_owned(), value);
        }
    };
    take("avatarId", object.remove("avatar").and_then(|avatar| nested(avatar, "id")));
    take("voiceId", object.remove("voice").and_then(|voice| nested(voice, "id")));
    take("systemPrompt", object.remove("brain").and_then(|brain| member(brain, "systemPrompt")));
    take("llmId", object.remove("llmId").map(|id| instead_of_nothing(id, NO_LLM)));
    take("languageCode", object.remove("languageCode").map(|code| instead_of_nothing(code, INHERIT)));
    take("voiceDetectionOptions", object.remove("voiceDetectionOptions").map(options));
    take("voiceGenerationOptions", object.remove("voiceGenerationOptions").map(options));
    take("toolIds", object.get("tools").and_then(tool_ids));
    Live { name, fields: fields.into(), ..Live::empty(id) }
}

/// A member of an object that may be `null` as a whole.
fn nested(object: Value, name: &str) -> Option<Value> {
    if object.is_null() { Some(Value::Null) } else { member(object, name) }
}

fn member(object: Value, name: &str) -> Option<Value> {
    match object {
        Value::Object(mut members) => members.remove(name),
        _ => None,
    }
}

/// What can be written to the same effect, where a read shows nothing.
fn instead_of_nothing(value: Value, written: &str) -> Value {
    match value {
        Value::Null => Value::from(written),
        Value::String(text) if text.is_empty() => Value::from(written),
        value => value,
    }
}

/// Options without members that are `null`: writes take no `null` there, and it means the same as absence.
fn options(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        value => value,
    }
}

/// The sorted ids of the attached tools; none where one of them shows no id, for then the list would be a wrong one.
fn tool_ids(tools: &Value) -> Option<Value> {
    let tools = match tools {
        Value::Null => return Some(Value::Array(Vec::new())),
        tools => tools.as_array()?,
    };
    let id = |tool: &Value| match tool {
        Value::String(id) => Some(id.clone()),
        tool => ["_toolId", "id", "toolId"].iter().find_map(|member| tool.get(member)?.as_str()).map(str::to_owned),
    };
    let mut ids: Vec<String> = tools.iter().map(id).collect::<Option<_>>()?;
    ids.sort();
    ids.dedup();
    Some(Value::from(ids))
}

pub(super) fn listed(page: u32, response: &Response) -> Result<Page, Refusal> {
    if !response.is_success() {
        let refusal = refusal(response);
        // Lists of this service say so when there is nothing to list.
        return if is_plainly_absent(response) {
            Ok(Page { items: Vec::new(), more: false, pages: None })
        } else {
            Err(refusal)
        };
    }
    let unreadable = || Refusal::unreadable(response, "a page of personas");
    let body = response.json().ok_or_else(unreadable)?;
    let data = body.get("data").and_then(Value::as_array).ok_or_else(unreadable)?;
    let mut items = Vec::new();
    for item in data {
        let object = item.as_object().ok_or_else(unreadable)?;
        let id = id_of(object).ok_or_else(unreadable)?;
        if !is_built_in(object) {
            items.push(Listed { id, name: text(object, "name"), live: None });
        }
    }
    let meta = body.get("meta");
    let pages = meta.and_then(|meta| meta.get("lastPage")?.as_u64()).and_then(|last| u32::try_from(last).ok());
    Ok(Page { items, more: !data.is_empty() && goes_on(page, data.len(), meta), pages })
}

/// Whether another page follows: the last page is named, `next` is not `null` and not 0. Without either, a full page goes on.
fn goes_on(page: u32, length: usize, meta: Option<&Value>) -> bool {
    let member = |name: &str| meta.and_then(|meta| meta.get(name));
    let next = member("next").map(|next| next.as_u64().unwrap_or(0) > 0);
    let below_last = member("lastPage").and_then(Value::as_u64).map(|last| u64::from(page) < last);
    match (next, below_last) {
        (None, None) => length >= PER_PAGE,
        (next, below_last) => next.unwrap_or(true) && below_last.unwrap_or(true),
    }
}

pub(super) fn created(response: &Response) -> Result<RemoteId, Refusal> {
    if !response.is_success() {
        return Err(refusal(response));
    }
    let object = response.json().and_then(Value::as_object);
    object.and_then(id_of).ok_or_else(|| Refusal::unreadable(response, "the new persona with its id"))
}

/// Never shows the object, though an update answers with one: what the contract leaves out of that shape is seen in a read only.
pub(super) fn accepted(request: &Request, response: &Response) -> Result<Option<Live>, Refusal> {
    let gone_already = request.method == Method::Delete && is_plainly_absent(response);
    if response.is_success() || gone_already { Ok(None) } else { Err(refusal(response)) }
}

/// A 404 of the service, not of a gateway or a wrong address on the way, which answers with a page.
fn is_plainly_absent(response: &Response) -> bool {
    response.status == 404 && !matches!(response.body, Body::Text(_))
}

fn id_of(object: &Map<String, Value>) -> Option<RemoteId> {
    object.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(RemoteId::new)
}

fn is_built_in(object: &Map<String, Value>) -> bool {
    object.get("isDefaultPersona").and_then(Value::as_bool).unwrap_or(false)
}

fn text(object: &Map<String, Value>, member: &str) -> String {
    object.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The service's words, wherever it put them.
pub(super) fn refusal(response: &Response) -> Refusal {
    let message = words(response).unwrap_or_else(|| format!("no explanation with status {}", response.status));
    let refusal = Refusal::by_status(response.status, message);
    match refusal.kind {
        RefusalKind::Forbidden => {
            refusal.with_help("it needs the permission for personas, and the organization access to what is named")
        }
        RefusalKind::Absent if !is_plainly_absent(response) => {
            let refusal = Refusal { kind: RefusalKind::Unreadable, ..refusal };
            refusal.with_help("check `base_url` of this account")
        }
        _ => refusal,
    }
}
