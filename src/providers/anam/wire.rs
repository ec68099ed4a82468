//! Edits of an Anam persona as requests, and what those would do. What the service answers is read in `answer`.

use serde_json::{Map, Value};

use super::{INHERIT, RULES};
use crate::persona::name::Pointer;
use crate::plan::value::{is_empty, is_secret, remove, same, set};
use crate::plan::{Draft, Edit, Live, Method, RemoteId, Request, Resource};

/// The path of all personas.
const PERSONAS: &str = "/v1/personas";

/// The most that one page of the list may hold.
pub(super) const PER_PAGE: usize = 100;

/// Fields that the update call takes and the create call does not.
const UPDATE_ONLY: [&str; 2] = ["enableAudioPassthrough", "widgetConfig"];

/// Objects of which nobody knows whether an update replaces or merges them: they are always sent whole, so that both do the same.
const OPTIONS: [&str; 2] = ["voiceDetectionOptions", "voiceGenerationOptions"];

/// An object that updates are merged into key by key.
const WIDGET: &str = "widgetConfig";

pub(super) fn list(page: u32) -> Request {
    Request::new(Method::Get, format!("{PERSONAS}?page={page}&perPage={PER_PAGE}"))
}

pub(super) fn read(id: &RemoteId) -> Request {
    Request::new(Method::Get, path_of(id))
}

pub(super) fn delete(id: &RemoteId) -> Request {
    Request::new(Method::Delete, path_of(id))
}

fn path_of(id: &RemoteId) -> String {
    format!("{PERSONAS}/{}", id.in_path())
}

/// One request, and a second one for what the create call does not take.
pub(super) fn create(resource: &Resource) -> Draft {
    let mut first = without_nulls(&resource.fields);
    // Left out, the prompt would become a text of the service's own.
    if resource.fields.get("systemPrompt").is_some_and(Value::is_null) {
        first.insert("systemPrompt".to_owned(), Value::from(""));
    }
    let second: Map<String, Value> =
        UPDATE_ONLY.iter().filter_map(|field| first.remove_entry(*field)).filter(|(_, value)| !is_hollow(value)).collect();
    let mut draft = Draft::default();
    draft.requests.push(Request::new(Method::Post, PERSONAS).with_body(Value::Object(first)));
    if !second.is_empty() {
        for field in second.keys() {
            draft.notes.push(format!("sends `{field}` in a second request: the create call does not take it"));
        }
        draft.notes.extend(undocumented(&second));
        draft.requests.push(Request::new(Method::Put, format!("{PERSONAS}/{{id}}")).with_body(Value::Object(second)));
    }
    draft
}

/// One request with the changed top-level fields and those that they would reset.
pub(super) fn update(live: &Live, resource: &Resource, edits: &[Edit]) -> Draft {
    let mut body = Map::new();
    for edit in edits {
        carry_out(edit, live, &mut body);
    }
    body.retain(|field, value| field != WIDGET || !is_hollow(value));
    let mut notes = Vec::new();
    carry_avatar_model(live, resource, &mut body, &mut notes);
    carry_voice_options(live, resource, edits, &mut body, &mut notes);
    notes.extend(removed_options(edits, &body));
    notes.extend(undocumented(&body));
    if cleared(edits, "languageCode") {
        notes.push(format!("clears `languageCode` by writing `{INHERIT}`, which is how reads show it: not documented"));
    }
    if body.is_empty() {
        return Draft::default();
    }
    Draft { requests: vec![Request::new(Method::Put, path_of(&live.id)).with_body(Value::Object(body))], notes }
}

/// Puts one edit into the body: a plain field as its new value, options as the whole object, widget settings key by key.
fn carry_out(edit: &Edit, live: &Live, body: &mut Map<String, Value>) {
    let Some((field, below)) = edit.path.segments().split_first() else { return };
    let whole = OPTIONS.contains(&field.as_str());
    if !whole && field != WIDGET {
        let value = edit.to.clone().filter(|value| !value.is_null());
        if let Some(value) = value.or_else(|| RULES.field(&edit.path).clear.value()) {
            body.insert(field.clone(), value);
        }
        return;
    }
    let held = || live.fields.get(field).filter(|held| whole && held.is_object()).cloned();
    let entry = body.entry(field.clone()).or_insert_with(|| held().unwrap_or_else(|| Value::Object(Map::new())));
    let Value::Object(object) = entry else { return };
    match (below.is_empty(), &edit.to) {
        (true, Some(Value::Object(wanted))) if !wanted.is_empty() => object.extend(wanted.clone()),
        (true, _) => object.clear(),
        (false, Some(value)) if !value.is_null() => set(object, &Pointer::new(below), value.clone()),
        (false, _) => {
            remove(object, &Pointer::new(below));
        }
    }
}

/// A new avatar may reset the model that renders it.
fn carry_avatar_model(live: &Live, resource: &Resource, body: &mut Map<String, Value>, notes: &mut Vec<String>) {
    if !body.contains_key("avatarId") || body.contains_key("avatarModel") {
        return;
    }
    if let Some(model) = declared(resource, "avatarModel") {
        body.insert("avatarModel".to_owned(), model);
        notes.push("also sends `avatarModel`: changing the avatar may reset it".to_owned());
    } else if live.fields.get("avatarModel").is_some_and(|model| !is_empty(model)) {
        notes.push("changing the avatar may reset `avatarModel`: not in the file".to_owned());
    }
}

/// A new voice resets how it sounds. Only the file's own options go along: what is live may not suit another voice.
fn carry_voice_options(
    live: &Live,
    resource: &Resource,
    edits: &[Edit],
    body: &mut Map<String, Value>,
    notes: &mut Vec<String>,
) {
    const VOICE_OPTIONS: &str = "voiceGenerationOptions";
    if !body.contains_key("voiceId") {
        return;
    }
    let edited = body.remove(VOICE_OPTIONS).is_some();
    let ours = declared(resource, VOICE_OPTIONS).filter(|options| !is_empty(options));
    let kept = |key: &str| ours.as_ref().is_some_and(|ours| ours.get(key).is_some());
    let wanted_gone = |key: &str| {
        let path = Pointer::new([VOICE_OPTIONS, key]);
        edits.iter().any(|edit| edit.to.is_none() && edit.path.covers(&path))
    };
    let lost: Vec<String> = live
        .fields
        .get(VOICE_OPTIONS)
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::keys)
        .filter(|key| !kept(key) && !wanted_gone(key))
        .map(|key| format!("`{key}`"))
        .collect();
    match ours {
        None if lost.is_empty() => {}
        None => notes
            .push("changing the voice resets `voiceGenerationOptions` to the provider's default: not in the file".to_owned()),
        Some(options) => {
            body.insert(VOICE_OPTIONS.to_owned(), options);
            if !edited {
                notes.push("also sends `voiceGenerationOptions`: changing the voice resets it".to_owned());
            }
            if !lost.is_empty() {
                let lost = lost.join(", ");
                notes.push(format!(
                    "changing the voice resets {lost} of `voiceGenerationOptions` to the provider's default: not in the file"
                ));
            }
        }
    }
}

/// A top-level field as the file sets it, without `null` and without what is ignored.
fn declared(resource: &Resource, field: &str) -> Option<Value> {
    let at = Pointer::new([field]);
    if resource.ignore.iter().any(|ignored| ignored.covers(&at)) {
        return None;
    }
    let mut fields = Map::new();
    fields.insert(field.to_owned(), resource.fields.get(field)?.clone());
    for ignored in &resource.ignore {
        remove(&mut fields, ignored);
    }
    without_nulls(&fields).remove(field)
}

/// Notes on options that the body leaves out, where nobody knows whether leaving out removes.
fn removed_options<'a>(edits: &'a [Edit], body: &'a Map<String, Value>) -> impl Iterator<Item = String> + 'a {
    let voice_changes = body.contains_key("voiceId");
    edits.iter().filter(|edit| edit.to.is_none()).filter_map(move |edit| {
        let field = edit.path.segments().first()?;
        let asked = OPTIONS.contains(&field.as_str()) && !(voice_changes && field == "voiceGenerationOptions");
        asked.then(|| {
            let path = &edit.path;
            format!("clears `{path}` by sending `{field}` without it: whether the service then forgets it is not documented")
        })
    })
}

fn undocumented(body: &Map<String, Value>) -> Option<String> {
    body.contains_key("enableAudioPassthrough")
        .then(|| "sends `enableAudioPassthrough`, which works and is not in the documented update call".to_owned())
}

fn cleared(edits: &[Edit], field: &str) -> bool {
    edits.iter().any(|edit| edit.to.is_none() && edit.path == Pointer::new([field]))
}

/// The document without members that are `null`, and without objects that then hold nothing.
fn without_nulls(fields: &Map<String, Value>) -> Map<String, Value> {
    fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(key, value)| match value {
            Value::Object(members) if !is_secret(value) => {
                let members = without_nulls(members);
                (!members.is_empty()).then(|| (key.clone(), Value::Object(members)))
            }
            _ => Some((key.clone(), value.clone())),
        })
        .collect()
}

fn is_hollow(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

/// What a create or an update would make of an object; anything else leaves it as it is.
pub(super) fn predict(live: &Live, request: &Request) -> Live {
    let mut after = live.clone();
    let Some(Value::Object(body)) = &request.body else { return after };
    match request.method {
        Method::Post => after.fields = body.clone().into(),
        Method::Put => {
            reset(live, body, &mut after);
            for (field, value) in body {
                write(field, value, &mut after);
            }
        }
        Method::Get | Method::Patch | Method::Delete => return after,
    }
    if let Some(name) = body.get("name") {
        after.name = name.as_str().unwrap_or_default().to_owned();
    }
    after
}

/// The documented side effects: the service may put values of its own where a new avatar or voice makes the old ones void.
fn reset(live: &Live, body: &Map<String, Value>, after: &mut Live) {
    let changes =
        |field: &str| body.get(field).is_some_and(|value| !live.fields.get(field).is_some_and(|held| same(held, value)));
    if changes("avatarId") && !body.contains_key("avatarModel") {
        after.unknown.insert(Pointer::new(["avatarModel"]));
    }
    if changes("voiceId") && !body.contains_key("voiceGenerationOptions") {
        after.fields.insert("voiceGenerationOptions".to_owned(), Value::Null);
        after.unknown.insert(Pointer::new(["voiceGenerationOptions"]));
    }
}

fn write(field: &str, value: &Value, after: &mut Live) {
    let before = after.fields.get(field).and_then(Value::as_object).cloned().unwrap_or_default();
    let value = match value {
        Value::Object(members) if field == WIDGET => {
            let mut merged = before;
            merged.extend(members.clone());
            Value::Object(merged)
        }
        Value::Object(members) if OPTIONS.contains(&field) => {
            // Replaced or merged: only the keys that are left out tell the difference.
            let open = before.keys().filter(|key| !members.contains_key(*key)).map(|key| Pointer::new([field, key]));
            after.unknown.extend(open);
            value.clone()
        }
        _ => value.clone(),
    };
    after.fields.insert(field.to_owned(), value);
}
