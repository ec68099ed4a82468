//! Support for the providers' tests: resources, and the edits that a plain comparison finds. Nothing that the program uses.

use std::path::PathBuf;
use std::sync::Arc;

use schemars::SchemaGenerator;
use serde_json::{Map, Value};

use crate::persona::document::{Persona, Places, Settings, Shared, Target};
use crate::persona::name::{AccountName, Key, Pointer};
use crate::persona::problem::{Place, SourceFile};
use crate::plan::value::{get, is_empty, leaves, same};
use crate::plan::{Address, Clear, Dialect, Draft, Edit, FieldRule, Live, Reason, Resource};
use crate::provider::{Body, Provider, Response};

/// The members of a JSON object.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

/// An address.
pub(crate) fn address() -> Address {
    Address::parse("account.persona").expect("an address")
}

/// A response with a JSON body.
pub(crate) fn response(status: u16, body: Value) -> Response {
    Response { status, body: Body::Json(body) }
}

fn place() -> Place {
    Place { file: Arc::new(SourceFile { path: PathBuf::from("personas/persona.yaml"), text: String::new() }), span: 0..0 }
}

/// A persona that says only what is shared.
pub(crate) fn persona(shared: Shared) -> Persona {
    let places = Places::new(place());
    Persona { key: Key::new("persona"), shared, previously: None, targets: Vec::new(), places, place: place() }
}

/// A target with these fields and settings.
pub(crate) fn target(fields: Value, settings: Settings) -> Target {
    let places = Places::new(place());
    Target { account: AccountName::new("account"), fields: object(fields), settings, places }
}

/// A provider's section schema, checked to say something about every field.
pub(crate) fn schema(provider: &dyn Provider) -> Value {
    fn walk(at: &str, schema: &Value) {
        for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let description = field.get("description").and_then(Value::as_str);
            assert!(description.is_some_and(|text| text.ends_with('.')), "{at}/{name} is not described");
            walk(&format!("{at}/{name}"), field);
        }
        if let Some(items) = schema.get("items") {
            walk(&format!("{at}/*"), items);
        }
    }
    let mut generator = SchemaGenerator::default();
    let schema = provider.section(&mut generator).to_value();
    assert!(generator.definitions().is_empty(), "the section refers to definitions outside of it");
    walk("", &schema);
    schema
}

/// A resource with these fields, released.
pub(crate) fn resource(fields: Value) -> Resource {
    let fields = object(fields);
    Resource {
        address: address(),
        name: fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        fields: fields.into(),
        bind: None,
        release: true,
        ignore: Vec::new(),
        prevent_destroy: false,
        force_destroy: false,
        manage: Default::default(),
    }
}

/// Whether two values of a field are one by its rule.
pub(crate) fn equal(rule: FieldRule, left: Option<&Value>, right: Option<&Value>) -> bool {
    let (left, right) = (left.unwrap_or(&Value::Null), right.unwrap_or(&Value::Null));
    same(left, right) || rule.empty_is_absent && is_empty(left) && is_empty(right)
}

/// The edits between live and desired, and those that clear what was applied and is no longer desired.
pub(crate) fn edits(dialect: &dyn Dialect, live: &Live, resource: &Resource, applied: &Map<String, Value>) -> Vec<Edit> {
    let desired = leaves(&resource.fields);
    let mut wanted: Vec<(Pointer, Option<Value>, Reason)> = desired
        .iter()
        .map(|(path, value)| (path.clone(), (!value.is_null()).then(|| (*value).clone()), Reason::Declared))
        .collect();
    for (path, _) in leaves(applied) {
        if !desired.iter().any(|(other, _)| other.covers(&path) || path.covers(other)) {
            wanted.push((path, None, Reason::Removed));
        }
    }
    wanted.sort_by(|left, right| left.0.cmp(&right.0));
    let mut found = Vec::new();
    for (path, to, reason) in wanted {
        let rule = dialect.rules().field(&path);
        if to.is_none() && matches!(rule.clear, Clear::Impossible(_)) {
            continue;
        }
        let goal = to.clone().or_else(|| rule.clear.value());
        let is_reached = |fields: &Map<String, Value>| equal(rule, get(fields, &path), goal.as_ref());
        let (draft, released) = (is_reached(&live.fields), live.released.as_ref().is_none_or(|released| is_reached(released)));
        if draft && (released || !resource.release) {
            continue;
        }
        let from = if draft { live.released.as_ref() } else { Some(&live.fields) };
        let from = from.and_then(|fields| get(fields, &path)).cloned();
        found.push(Edit { release_only: draft, ..Edit::new(path, from, to, reason) });
    }
    found
}

/// The live object after all requests of a draft.
pub(crate) fn outcome(dialect: &dyn Dialect, live: &Live, draft: &Draft) -> Live {
    draft.requests.iter().fold(live.clone(), |live, request| dialect.predict(&live, request))
}
