//! Resources and edits become requests, and requests a prediction. What responses mean is in `answer`.

use serde_json::{Map, Value, json};

use super::{DEFAULT_PROMPT, PERSONA_FIELDS, RULES};
use crate::persona::name::Pointer;
use crate::plan::value::{get, is_empty, is_secret, leaves, remove, same, sounds_secret};
use crate::plan::{Clear, Draft, Edit, Live, Method, RemoteId, Request, Resource};
use crate::providers::open_object::{complete, without_nulls};

/// How many personas one page of the list holds; the most that Bland allows.
const PAGE_SIZE: usize = 100;

/// How many characters of a value a note shows.
const BRIEF: usize = 60;

/// Stands for a value that may be a secret.
const HIDDEN: &str = "a value not shown";

const PERSONAS: &str = "/v1/personas";
const PROMOTE: &str = "/versions/promote";
fn persona(id: &RemoteId) -> String {
    format!("{PERSONAS}/{}", id.in_path())
}

pub(super) fn list(page: u32) -> Request {
    Request::new(Method::Get, format!("{PERSONAS}?page={page}&limit={PAGE_SIZE}"))
}

pub(super) fn read(id: &RemoteId) -> Request {
    Request::new(Method::Get, persona(id))
}

/// Without `force`, Bland refuses while phone numbers use the persona; with it, they are disconnected.
pub(super) fn delete(id: &RemoteId, force: bool) -> Request {
    let query = if force { "?force=true" } else { "" };
    Request::new(Method::Delete, format!("{}{query}", persona(id)))
}

pub(super) fn create(resource: &Resource) -> Draft {
    let body = Value::Object(without_nulls(&resource.fields));
    let mut notes = Vec::new();
    if !resource.release {
        notes.push("Bland releases a new persona at once: `$release: draft` holds back later changes only".to_owned());
    }
    Draft { requests: vec![Request::new(Method::Post, PERSONAS).with_body(body)], notes }
}

pub(super) fn update(live: &Live, resource: &Resource, edits: &[Edit]) -> Draft {
    let writes: Vec<Edit> = edits.iter().filter(|edit| !edit.release_only && is_possible(edit)).cloned().collect();
    let mut draft = Draft::default();
    let mut after = live.clone();
    if !writes.is_empty() {
        let request = patch(live, resource, &writes);
        after = predict(live, &request);
        draft.requests.push(request);
        draft.notes = write_notes(resource, &writes);
    }
    if resource.release && waits_for_release(live, &after, resource, edits) {
        draft.requests.push(Request::new(Method::Post, format!("{}{PROMOTE}", persona(&live.id))).with_body(json!({})));
        draft.notes.extend(release_note(&after, resource, edits));
    }
    draft
}

fn is_possible(edit: &Edit) -> bool {
    edit.to.is_some() || !matches!(RULES.field(&edit.path).clear, Clear::Impossible(_))
}

/// One PATCH with the changed top-level fields. The name is always among them, since Bland calls it required.
fn patch(live: &Live, resource: &Resource, writes: &[Edit]) -> Request {
    let mut body = Map::new();
    body.insert("name".to_owned(), live.fields.get("name").cloned().unwrap_or_else(|| Value::from(live.name.as_str())));
    for edit in writes {
        let Some(field) = edit.path.segments().first() else { continue };
        let value = if field == "call_config" {
            // Whether Bland merges or replaces this object is not documented; sent whole, it comes out the same.
            Value::Object(complete(field, live, resource, writes))
        } else {
            edit.to.clone().or_else(|| RULES.field(&edit.path).clear.value()).unwrap_or(Value::Null)
        };
        body.insert(field.clone(), value);
    }
    Request::new(Method::Patch, persona(&live.id)).with_body(Value::Object(body))
}

fn write_notes(resource: &Resource, writes: &[Edit]) -> Vec<String> {
    let mut notes = Vec::new();
    let is_cleared = |edit: &Edit| edit.to.as_ref().is_none_or(Value::is_null);
    if writes.iter().any(|edit| is_cleared(edit) && edit.path == Pointer::new(["personality_prompt"])) {
        notes.push(format!("`personality_prompt` cannot be empty and goes back to Bland's default, \"{DEFAULT_PROMPT}\""));
    }
    if writes.iter().any(|edit| is_cleared(edit) && Pointer::new(["call_config"]).covers(&edit.path)) {
        notes.push(
            "whether Bland drops keys left out of `call_config` is not documented; checked against its answer".to_owned(),
        );
    }
    if !resource.release {
        let (held, at_once): (Vec<_>, Vec<_>) = writes.iter().map(|edit| &edit.path).partition(|path| is_versioned(path));
        if !held.is_empty() {
            notes.push("stays in the draft: callers go on hearing the released version".to_owned());
        }
        if !at_once.is_empty() {
            notes.push(format!("takes effect at once, having no draft: {}", listing(&at_once)));
        }
    }
    notes
}

/// Whether something that the files manage is, or will be, in the draft and not in production.
fn waits_for_release(live: &Live, after: &Live, resource: &Resource, edits: &[Edit]) -> bool {
    let Some(released) = &live.released else { return edits.iter().any(|edit| is_versioned(&edit.path)) };
    managed(resource, edits).iter().filter(|path| is_versioned(path)).any(|path| {
        // Where nothing is written, the draft as it was read decides: the prediction may hold a secret's stand-in there.
        let is_edited = edits.iter().any(|edit| edit.path.covers(path));
        let draft = if is_edited { &after.fields } else { &live.fields };
        differs(path, draft, released)
    }) || edits.iter().any(|edit| edit.release_only)
}

/// Says what else a promotion carries to callers: promoting knows no single fields.
fn release_note(after: &Live, resource: &Resource, edits: &[Edit]) -> Option<String> {
    let released = after.released.as_ref()?;
    let managed = managed(resource, edits);
    let mut carried: Vec<Pointer> = leaves(&after.fields)
        .into_iter()
        .chain(leaves(released))
        .filter(|(path, _)| differs(path, &after.fields, released))
        .map(|(path, _)| path)
        .filter(|path| !managed.iter().any(|ours| ours.covers(path) || path.covers(ours)))
        .collect();
    carried.sort();
    carried.dedup();
    let edits = match carried.len() {
        0 => return None,
        1 => "1 edit".to_owned(),
        count => format!("{count} edits"),
    };
    let shown = |path: &Pointer| {
        let (old, new) = (brief(path, get(released, path)), brief(path, get(&after.fields, path)));
        format!("`{}` ({old} to {new})", path.segments().join("."))
    };
    let list = carried.iter().map(shown).collect::<Vec<_>>().join(", ");
    Some(format!("promotes the draft; it also carries {edits} made in the dashboard: {list}"))
}

/// A value in few words: long texts are cut, and of what is or may be a key only that it is there is told. Nobody has said of what
/// was written in the dashboard whether it is one; its name may.
fn brief(path: &Pointer, value: Option<&Value>) -> String {
    let cut = |text: &str| match text.char_indices().nth(BRIEF) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(secret) if is_secret(secret) => "a secret".to_owned(),
        Some(value) if !is_empty(value) && path.segments().iter().any(|name| sounds_secret(name)) => HIDDEN.to_owned(),
        Some(Value::String(text)) if carries_key(text) => HIDDEN.to_owned(),
        Some(Value::String(text)) => format!("{:?}", cut(text)),
        Some(other) => cut(&without_secrets(other).to_string()),
    }
}

/// A value with words in place of what is or may be a secret.
fn without_secrets(value: &Value) -> Value {
    match value {
        secret if is_secret(secret) => Value::from("(secret)"),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let hidden = sounds_secret(name) && !is_empty(value) && !is_secret(value);
                (name.clone(), if hidden { Value::from(HIDDEN) } else { without_secrets(value) })
            })
            .collect(),
        Value::String(text) if carries_key(text) => Value::from(HIDDEN),
        Value::Array(items) => items.iter().map(without_secrets).collect(),
        other => other.clone(),
    }
}

/// Whether a text is an address that says more than where: a query, or a user, may hold a token.
fn carries_key(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains(['?', '@']))
}

/// The fields that are ours: those that the files name, without the ignored ones, and those that are cleared.
fn managed(resource: &Resource, edits: &[Edit]) -> Vec<Pointer> {
    let mut desired = resource.fields.clone();
    for pointer in &resource.ignore {
        remove(&mut desired, pointer);
    }
    let edited = edits.iter().map(|edit| edit.path.clone());
    leaves(&desired).into_iter().map(|(path, _)| path).chain(edited).collect()
}

pub(super) fn is_versioned(path: &Pointer) -> bool {
    path.segments().first().is_some_and(|field| !PERSONA_FIELDS.contains(&field.as_str()))
}

fn differs(path: &Pointer, draft: &Map<String, Value>, released: &Map<String, Value>) -> bool {
    let draft = get(draft, path).unwrap_or(&Value::Null);
    let released = get(released, path).unwrap_or(&Value::Null);
    !(same(draft, released) || RULES.field(path).empty_is_absent && is_empty(draft) && is_empty(released))
}

fn listing(paths: &[&Pointer]) -> String {
    paths.iter().map(|path| format!("`{}`", path.segments().join("."))).collect::<Vec<_>>().join(", ")
}

/// Whether a request has the same effect when Bland receives it twice. A second promotion adds a version with the same content
/// to the history, which callers do not hear.
pub(super) fn repeatable(request: &Request) -> bool {
    request.method != Method::Post || request.path.ends_with(PROMOTE)
}

/// What Bland would make of a request.
///
/// A create fills draft and production alike; an update reaches the draft, and production only with the fields that are not
/// versioned; a promotion copies the draft. `call_config` is taken to be replaced.
pub(super) fn predict(live: &Live, request: &Request) -> Live {
    let mut after = live.clone();
    let members = request.body.as_ref().and_then(Value::as_object);
    match (request.method, members) {
        (Method::Post, _) if request.path.ends_with(PROMOTE) => after.released = Some(after.fields.clone()),
        (Method::Post, Some(members)) => {
            after.fields = new_persona().into();
            after.fields.extend(members.clone());
            after.released = Some(after.fields.clone());
        }
        (Method::Patch, Some(members)) => {
            for (field, value) in members {
                after.fields.insert(field.clone(), value.clone());
                if let (Some(released), true) = (&mut after.released, PERSONA_FIELDS.contains(&field.as_str())) {
                    released.insert(field.clone(), value.clone());
                }
            }
        }
        _ => {}
    }
    if let Some(name) = after.fields.get("name").and_then(Value::as_str) {
        after.name = name.to_owned();
    }
    after
}

/// What Bland fills in where a create says nothing.
fn new_persona() -> Map<String, Value> {
    Map::from_iter([
        ("role".to_owned(), Value::Null),
        ("description".to_owned(), Value::Null),
        ("tags".to_owned(), json!([])),
        ("image_url".to_owned(), Value::Null),
        ("personality_prompt".to_owned(), Value::from(DEFAULT_PROMPT)),
        ("orchestration_prompt".to_owned(), Value::Null),
        ("call_config".to_owned(), Value::Null),
        ("default_tools".to_owned(), json!([])),
        ("pathway_conditions".to_owned(), Value::Null),
        ("kb_ids".to_owned(), json!([])),
    ])
}
