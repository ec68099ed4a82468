//! From edits to the fewest RFC 6902 operations with the smallest bodies, and the requests that carry them.
//!
//! One principle keeps what is not ours: **an object that exists is never replaced or removed for the sake of its members**,
//! since reads hide some of them (keys, values equal to a default). Members are written one by one; only below a member that
//! does not exist is everything put together into one `add`. A list is a value that we own as a whole.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::api::Api;
use super::rules::{CONFERENCING, FLOW, FUNCTIONS, LLM_HEADERS, RULES, TOOL_IDS};
use super::{guard, lists, predict, wire};
use crate::persona::name::Pointer;
use crate::plan::value::{get, is_empty, leaves, remove, set};
use crate::plan::{Draft, Edit, Live, Method, Reading, Request, Resource};

/// What a field shall be; none: removed.
type Wish = (Pointer, Option<Value>);

/// Inline functions, deprecated in favour of the registry.
const INLINE_TOOLS: [&str; 4] = ["tools", "visual_tools", "audio_tools", "perception_tools"];

/// The call that makes a persona, and where it joins meetings a second one for that.
pub(super) fn create(api: Api, resource: &Resource) -> Draft {
    let mut body = without_nulls(&resource.fields);
    let conferencing = remove(&mut body, &Pointer::new(CONFERENCING));
    let mut draft = Draft { requests: Vec::new(), notes: Vec::new() };
    let written: Vec<Wish> = leaves(&body).into_iter().map(|(path, value)| (path, Some(value.clone()))).collect();
    note_side_effects(&Map::new(), &written, &mut draft.notes);
    let llm = get(&body, &Pointer::new(["layers", "llm"])).and_then(Value::as_object);
    if llm.is_some_and(|llm| llm.contains_key("base_url") && !(llm.contains_key("model") && llm.contains_key("api_key"))) {
        draft.notes.push("`/layers/llm/base_url` is set without `model` and `api_key`: Tavus asks for all three".to_owned());
    }
    draft.requests.push(Request::new(Method::Post, api.path()).with_body(Value::Object(body)));
    if let Some(conferencing) = conferencing {
        draft.notes.push(CONFERENCING_NOTE.to_owned());
        let operation = lists::add(&Pointer::new(CONFERENCING), &conferencing);
        draft.requests.push(patch_request(format!("{}/{{id}}", api.path()), vec![operation]));
    }
    draft
}

const CONFERENCING_NOTE: &str = "`/layers/conferencing` is sent in a request of its own and takes effect at once";

/// The calls that carry out all edits. Guarded, each patch first tests that what it replaces or removes is as it was read.
pub(super) fn update(api: Api, guarded: bool, live: &Live, resource: &Resource, edits: &[Edit]) -> Draft {
    let mut draft = Draft::default();
    let mut wishes = wishes(resource, edits, &mut draft.notes);
    let tool_ids = Pointer::new([TOOL_IDS]);
    wishes.retain(|(path, _)| !tool_ids.covers(path));
    let conferencing = Pointer::new(CONFERENCING);
    let (apart, together): (Vec<Wish>, Vec<Wish>) = wishes.into_iter().partition(|(path, _)| conferencing.covers(path));

    note_side_effects(&live.fields, &together, &mut draft.notes);
    let operations = operations(&live.fields, resource, &together, &mut draft.notes);
    let after = predict::patched(&live.fields, &Value::Array(operations.clone()));
    let path = wire::persona(api, &live.id);
    let patch = |operations: Vec<Value>| {
        let tests = if guarded { guard::tests(&live.fields, &operations) } else { Vec::new() };
        patch_request(path.clone(), [tests, operations].concat())
    };
    if !operations.is_empty() {
        draft.requests.push(patch(operations));
    }
    let tool_edits = edits.iter().filter(|edit| tool_ids.covers(&edit.path));
    draft.requests.extend(tool_edits.flat_map(|edit| tool_requests(&path, live, edit)));
    let operations = self::operations(after.as_ref().unwrap_or(&live.fields), resource, &apart, &mut draft.notes);
    if !operations.is_empty() {
        draft.notes.push(CONFERENCING_NOTE.to_owned());
        draft.requests.push(patch(operations));
    }
    draft
}

/// The smallest patch that fulfils all wishes and leaves everything else as it is. Its operations are independent of each
/// other, and sorted by path.
pub(super) fn operations(
    live: &Map<String, Value>,
    resource: &Resource,
    wishes: &[Wish],
    notes: &mut Vec<String>,
) -> Vec<Value> {
    let mut operations = BTreeMap::new();
    let mut missing: BTreeMap<Pointer, Map<String, Value>> = BTreeMap::new();
    for (path, wish) in wishes {
        let Some(value) = wish else {
            if get(live, path).is_some() {
                operations.insert(path.clone(), lists::remove(path));
            } else if RULES.field(path).reading == Reading::MayBeOmitted {
                notes.push(format!(
                    "`{path}` may stay as it is: Tavus does not show it, and what is not shown cannot be removed"
                ));
            }
            continue;
        };
        let root = topmost_missing(live, path);
        if root == *path {
            operations.insert(root, write(path, get(live, path), value));
        } else {
            let below = Pointer::new(&path.segments()[root.segments().len()..]);
            let subtree = missing.entry(root.clone()).or_insert_with(|| hidden_below(&root, resource));
            set(subtree, &below, value.clone());
        }
    }
    for (root, subtree) in missing {
        let operation = write(&root, get(live, &root), &Value::Object(subtree));
        operations.insert(root, operation);
    }
    operations.into_values().collect()
}

/// Edits as wishes: what clearing means is spelled out, and headers become one wish for all of them.
fn wishes(resource: &Resource, edits: &[Edit], notes: &mut Vec<String>) -> Vec<Wish> {
    let headers = Pointer::new(LLM_HEADERS.split('/').skip(1));
    let mut wishes = BTreeMap::new();
    for edit in edits {
        if headers.covers(&edit.path) {
            // A read shows no header, so there is no telling whether one can be added to those that are there.
            let wanted = get(&resource.fields, &headers).and_then(Value::as_object).map(without_nulls).unwrap_or_default();
            wishes.insert(headers.clone(), Some(Value::Object(wanted)));
            continue;
        }
        let wish = match &edit.to {
            Some(value) if !value.is_null() => Some(value.clone()),
            _ => match RULES.field(&edit.path).clear.value() {
                Some(cleared) => Some(cleared).filter(|value| !value.is_null()),
                None => continue,
            },
        };
        wishes.insert(edit.path.clone(), wish);
    }
    if wishes.contains_key(&headers) {
        notes.push(format!("`{headers}` is sent whole, since Tavus does not show it: headers set elsewhere are lost"));
    }
    wishes.into_iter().collect()
}

/// One operation that writes a value where all objects above it exist.
fn write(path: &Pointer, live: Option<&Value>, value: &Value) -> Value {
    match (live, value) {
        (None, _) => lists::add(path, value),
        (Some(Value::Array(items)), Value::Array(wanted)) if RULES.field(path).set => lists::set_operation(path, items, wanted),
        (Some(live @ Value::Array(items)), Value::Array(_)) if !hides_descriptions(path, items) => {
            lists::operation(path, live, value)
        }
        (Some(_), _) => lists::replace(path, value),
    }
}

/// Whether functions are shown without their descriptions: which of them are as wanted is then not known, so that all are
/// sent again.
fn hides_descriptions(path: &Pointer, functions: &[Value]) -> bool {
    FUNCTIONS.contains(&path.to_string().as_str())
        && functions
            .iter()
            .filter_map(|tool| tool.get("function").and_then(Value::as_object))
            .any(|function| !function.contains_key("description"))
}

/// The first pointer on the way to a path that holds no object, or the path itself.
fn topmost_missing(live: &Map<String, Value>, path: &Pointer) -> Pointer {
    let segments = path.segments();
    (1..segments.len())
        .map(|length| Pointer::new(&segments[..length]))
        .find(|above| !get(live, above).is_some_and(Value::is_object))
        .unwrap_or_else(|| path.clone())
}

/// What the files want below a member that is not shown and that a read may hide: a write of the whole member would lose it.
fn hidden_below(root: &Pointer, resource: &Resource) -> Map<String, Value> {
    let mut subtree = Map::new();
    for (path, value) in leaves(&resource.fields) {
        let hidden = root.covers(&path) && path != *root && RULES.field(&path).reading != Reading::Always;
        if hidden && !value.is_null() && !resource.ignore.iter().any(|ignored| ignored.covers(&path)) {
            set(&mut subtree, &Pointer::new(&path.segments()[root.segments().len()..]), value.clone());
        }
    }
    subtree
}

/// What a reader of the plan could not know from the edits.
fn note_side_effects(live: &Map<String, Value>, wishes: &[Wish], notes: &mut Vec<String>) {
    let flow = Pointer::new(FLOW);
    let is_set = |path: &Pointer| get(live, path).is_some_and(|value| !is_empty(value));
    let mut written = wishes.iter().filter(|(_, wish)| wish.is_some()).map(|(path, _)| path);
    if written.clone().any(|path| flow.covers(path)) && !is_set(&flow) {
        notes.push(format!("Tavus fills the other fields of `{flow}` with its defaults"));
    }
    if let Some(path) = written.find(|path| path.last().is_some_and(|name| INLINE_TOOLS.contains(&name))) {
        notes.push(format!("`{path}`: Tavus has deprecated inline functions in favour of `{TOOL_IDS}`"));
    }
}

/// The calls that attach and detach tools of the registry.
fn tool_requests(persona: &str, live: &Live, edit: &Edit) -> Vec<Request> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let before = list(live.fields.get(TOOL_IDS).or(edit.from.as_ref()));
    let after = list(edit.to.as_ref());
    let tools = format!("{persona}/tools");
    let attached: Vec<&Value> = after.iter().filter(|tool| !before.contains(tool)).collect();
    let detached = before.iter().filter(|tool| !after.contains(tool)).filter_map(Value::as_str);
    let detach = detached.map(|tool| Request::new(Method::Delete, format!("{tools}/{}", wire::segment(tool))));
    let attach = Request::new(Method::Post, tools.clone()).with_body(json!({TOOL_IDS: attached}));
    // Detached first, so that an exchange does not pass the limit of 50.
    detach.chain((!attached.is_empty()).then_some(attach)).collect()
}

fn patch_request(path: String, operations: Vec<Value>) -> Request {
    Request::new(Method::Patch, path).with_body(Value::Array(operations))
}

/// Whether a request has the same effect when Tavus receives it twice. A patch has where every operation writes a whole value at a
/// name: an insertion into a list inserts again, and a removal finds nothing to remove, or the next item.
pub(super) fn repeatable(request: &Request) -> bool {
    let whole = |operation: &Value| {
        let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        let in_list = last == "-" || last.bytes().all(|letter| letter.is_ascii_digit());
        match operation.get("op").and_then(Value::as_str) {
            Some("replace") => true,
            Some("add") => !in_list,
            _ => false,
        }
    };
    match (request.method, &request.body) {
        (Method::Get | Method::Delete, _) => true,
        (Method::Patch, Some(Value::Array(operations))) => operations.iter().all(whole),
        _ => false,
    }
}

/// The fields without those that are cleared: a persona that does not exist yet has nothing to clear.
fn without_nulls(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    for (path, value) in leaves(fields) {
        if !value.is_null() {
            set(&mut kept, &path, value.clone());
        }
    }
    kept
}
