//! Random documents of a provider, made from the schema of its sections: a document is a few picks, each of one field and one of
//! the values that the field's type makes interesting. Picks shrink well and cost little.

use personaform::persona::name::Pointer;
use personaform::plan::value::{get, remove, set};
use personaform::provider::Provider;
use proptest::prelude::*;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// One field and one of its values, both by number.
pub(crate) type Pick = (u16, u8);

/// Every field of a section with the values that it is tried with.
#[derive(Debug)]
pub(crate) struct Fields(Vec<(Pointer, Vec<Value>)>);

impl Fields {
    /// The fields of a provider. `special` names those whose values the service checks, with values that it takes.
    pub(crate) fn of(provider: &dyn Provider, special: &[(&str, Value)]) -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let schema = provider.section(&mut settings.into_generator()).to_value();
        let mut fields = Vec::new();
        walk(&Pointer::root(), &schema, &mut fields);
        for (path, values) in special {
            let path = pointer(path);
            fields.retain(|(known, _): &(Pointer, Vec<Value>)| *known != path);
            let values = values.as_array().expect("a list of values").clone();
            if !values.is_empty() {
                fields.push((path, values));
            }
        }
        Self(fields)
    }

    /// The field and the value of a pick.
    pub(crate) fn picked(&self, pick: Pick) -> (&Pointer, &Value) {
        let (path, values) = &self.0[usize::from(pick.0) % self.0.len()];
        (path, &values[usize::from(pick.1) % values.len()])
    }

    /// Lays picks over a document; later ones win, and what stands below a picked field goes.
    pub(crate) fn lay(&self, document: &mut Map<String, Value>, picks: &[Pick]) {
        for pick in picks {
            let (path, value) = self.picked(*pick);
            remove(document, path);
            // Nothing can be written below what is no object.
            let blocked = (1..path.segments().len())
                .map(|length| Pointer::new(&path.segments()[..length]))
                .any(|above| get(document, &above).is_some_and(|value| !value.is_object()));
            if !blocked {
                set(document, path, value.clone());
            }
        }
    }
}

pub(crate) fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).expect("a pointer")
}

fn walk(at: &Pointer, schema: &Value, fields: &mut Vec<(Pointer, Vec<Value>)>) {
    let Some(Value::Object(properties)) = schema.get("properties") else { return };
    for (name, property) in properties {
        let path = at.child(name);
        let kinds = kinds(property);
        if kinds.contains(&"object") {
            walk(&path, property, fields);
            fields.push((path.clone(), vec![json!({}), json!(null)]));
            if property.get("additionalProperties").is_none_or(|open| open != &Value::Bool(false)) {
                let texts = property.get("additionalProperties").is_some_and(|open| kinds_of(open).contains(&"string"));
                for (name, values) in open_members(texts) {
                    fields.push((path.child(name), values));
                }
            }
        } else {
            fields.push((path, values(&kinds, property)));
        }
    }
}

fn kinds(schema: &Value) -> Vec<&str> {
    let own = kinds_of(schema);
    if own.is_empty() {
        let parts = ["anyOf", "oneOf"].into_iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten();
        return parts.flat_map(kinds_of).collect();
    }
    own
}

fn kinds_of(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Members of an open map: anything where anything may stand, else texts.
fn open_members(texts: bool) -> Vec<(&'static str, Vec<Value>)> {
    let secret = json!({"$env": "TOKEN"});
    if texts {
        return vec![("X-One", vec![json!("1"), json!("2"), json!(null), secret]), ("a/b~c", vec![json!("ü"), json!(null)])];
    }
    vec![
        ("speed", vec![json!(1), json!(1.0), json!(0), json!(0.5), json!("normal"), json!(null)]),
        ("a/b~c", vec![json!([]), json!([1, {"x": null}]), json!(""), json!(false), json!(null), secret]),
        ("deep", vec![json!({"x": {"y": 1}}), json!({"x": {"y": 2, "z": []}}), json!({}), json!(null)]),
    ]
}

fn values(kinds: &[&str], schema: &Value) -> Vec<Value> {
    let mut values = vec![json!(null)];
    if schema.get("x-secret").is_some() {
        values.extend([json!({"$env": "KEY"}), json!({"$env": "OTHER_KEY"})]);
        return values;
    }
    if kinds.is_empty() {
        values.extend([json!("text"), json!({"text": "a"}), json!([1])]);
    }
    for kind in kinds {
        match *kind {
            "string" => {
                values.extend([json!(""), json!("one"), json!("zwei – 二 🐚"), json!({"$env": "TOKEN"})]);
                values.extend(schema.get("x-known").and_then(Value::as_array).into_iter().flatten().take(3).cloned());
            }
            "boolean" => values.extend([json!(true), json!(false)]),
            "number" | "integer" => {
                let range = schema.get("x-range").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                values.extend(range.iter().filter(|bound| bound.is_number()).cloned());
                values.extend(range.is_empty().then(|| [json!(0), json!(1), json!(1.0), json!(12.5)]).into_iter().flatten());
                values.push(json!(1));
            }
            "array" => {
                let texts = schema.get("items").is_some_and(|items| kinds_of(items).contains(&"string"));
                values.extend(if texts { text_lists().to_vec() } else { object_lists(schema) });
            }
            _ => {}
        }
    }
    values
}

fn text_lists() -> [Value; 8] {
    [
        json!([]),
        json!(["a1"]),
        json!(["b2"]),
        json!(["a1", "b2"]),
        json!(["b2", "a1"]),
        json!(["a1", "c3", "b2"]),
        json!(["a1", "a1"]),
        json!(["d4", {"$env": "TOKEN"}]),
    ]
}

/// Lists of what the items' schema requires, or of functions where it is open.
fn object_lists(schema: &Value) -> Vec<Value> {
    let required: Vec<&str> =
        schema.pointer("/items/required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let item = |word: &str| match required.as_slice() {
        [] => {
            json!({"type": "function", "function": {"name": word, "description": format!("what {word} does"), "parameters": {"type": "object"}}})
        }
        names => Value::Object(names.iter().map(|name| ((*name).to_owned(), json!(word))).collect()),
    };
    let mut again = item("one");
    match again.get_mut("function") {
        Some(function) => function["description"] = json!("another description"),
        None => again[required[0]] = json!("again"),
    }
    vec![
        json!([]),
        json!([item("one")]),
        json!([again]),
        json!([item("one"), item("two")]),
        json!([item("two"), item("one")]),
        json!([item("one"), item("three"), item("two")]),
    ]
}

/// The whole life of one object, by numbers.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    /// The fields of the first document.
    pub(crate) first: Vec<Pick>,
    /// What somebody changes elsewhere.
    pub(crate) drift: Vec<Pick>,
    /// What the service holds besides: unknown members, old keys, a draft.
    pub(crate) strangers: u8,
    /// Which of the first picks are in the second document still.
    pub(crate) kept: u16,
    /// What the second document says besides.
    pub(crate) second: Vec<Pick>,
    /// Fields that the second document leaves alone.
    pub(crate) ignored: Option<u16>,
    /// Whether the second document is released.
    pub(crate) release: bool,
    /// Ways in which the account and the service are set up.
    pub(crate) setup: u64,
}

impl Story {
    /// The picks of the second document.
    pub(crate) fn later(&self) -> Vec<Pick> {
        let kept = self.first.iter().enumerate().filter(|(index, _)| self.kept >> (index % 16) & 1 == 1);
        kept.map(|(_, pick)| *pick).chain(self.second.iter().copied()).collect()
    }
}

/// Random stories.
pub(crate) fn stories() -> impl Strategy<Value = Story> {
    let picks = |most: usize| proptest::collection::vec(any::<Pick>(), 0..=most);
    (
        picks(8),
        picks(4),
        any::<u8>(),
        any::<u16>(),
        picks(5),
        proptest::option::weighted(0.15, any::<u16>()),
        any::<bool>(),
        any::<u64>(),
    )
        .prop_map(|(first, drift, strangers, kept, second, ignored, release, setup)| Story {
            first,
            drift,
            strangers,
            kept,
            second,
            ignored,
            release,
            setup,
        })
}
