//! A JSON Schema made ready for the walk: what the walk asks at every value of every file is looked up once, here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields;

/// A schema where anything may stand.
const ANYTHING: &Value = &Value::Null;

/// The shapes of a schema and of all that it leads to.
pub(in crate::persona) struct Shapes<'a> {
    /// The whole that references lead into.
    pub(in crate::persona) document: &'a Value,
    shapes: Vec<Shape<'a>>,
    /// Those that a `$ref` has led to. A schema may lead back to itself.
    referred: BTreeMap<&'a str, ShapeId>,
}

/// Names one of [`Shapes`].
#[derive(Clone, Copy, Debug)]
pub(in crate::persona) struct ShapeId(usize);

/// One schema. The keywords are explained in `check`.
#[derive(Clone)]
pub(in crate::persona) struct Shape<'a> {
    /// The schema itself, for what is told of it.
    pub(in crate::persona) schema: &'a Value,
    /// What its `$ref` leads to.
    pub(in crate::persona) target: Option<ShapeId>,
    /// Whether nothing may stand here (`false`).
    pub(in crate::persona) never: bool,
    /// `x-secret`.
    pub(in crate::persona) secret: bool,
    /// `x-deferred`.
    pub(in crate::persona) deferred: bool,
    /// Whether a text is neither `x-plain` nor one of a few fixed ones.
    pub(in crate::persona) free: bool,
    /// Whether a number, a text or a list has bounds.
    pub(in crate::persona) bounded: bool,
    /// Whether it has `x-known` or `x-range`.
    pub(in crate::persona) known: bool,
    /// `x-known-unless`.
    pub(in crate::persona) unless: Option<&'a str>,
    /// The types that it admits, references followed; empty where anything goes.
    pub(in crate::persona) types: Vec<&'a str>,
    /// The values that it lists, if it does.
    pub(in crate::persona) options: Option<Vec<&'a Value>>,
    /// `allOf`.
    pub(in crate::persona) all: Vec<ShapeId>,
    /// `anyOf`, or else `oneOf`.
    pub(in crate::persona) variants: Option<Vec<ShapeId>>,
    /// `items`.
    pub(in crate::persona) items: ShapeId,
    /// `required`.
    pub(in crate::persona) required: Vec<&'a str>,
    /// `properties`, sorted by name.
    properties: Vec<(&'a str, ShapeId)>,
    /// `additionalProperties`.
    rest: ShapeId,
}

impl<'a> Shapes<'a> {
    /// The shapes of a schema that is a part of `document`.
    pub(in crate::persona) fn new(document: &'a Value, schema: &'a Value) -> (Self, ShapeId) {
        let mut shapes = Self { document, shapes: Vec::new(), referred: BTreeMap::new() };
        let anything = shapes.shape(ANYTHING);
        shapes.shapes.push(anything);
        let root = shapes.add(schema);
        (shapes, root)
    }

    /// One of them.
    pub(in crate::persona) fn get(&self, id: ShapeId) -> &Shape<'a> {
        &self.shapes[id.0]
    }

    /// The shape itself, or what its references lead to.
    pub(in crate::persona) fn reached(&self, id: ShapeId) -> &Shape<'a> {
        let mut shape = self.get(id);
        // A bound, lest two references that name each other spin for ever.
        for _ in 0..16 {
            match shape.target {
                Some(target) => shape = self.get(target),
                None => break,
            }
        }
        shape
    }

    /// The section of an account, in the shapes of a persona; none where it has none.
    pub(in crate::persona) fn section(&self, persona: ShapeId, account: &str) -> Option<ShapeId> {
        self.get(self.get(persona).property("targets")?).property(account)
    }

    fn add(&mut self, schema: &'a Value) -> ShapeId {
        let id = ShapeId(self.shapes.len());
        let mut shape = self.shape(schema);
        // Holds the place while what is below is added.
        self.shapes.push(self.shapes[0].clone());
        if let (Some(target), Some(reference)) = (fields::target(self.document, schema), schema["$ref"].as_str()) {
            shape.target = Some(match self.referred.get(reference) {
                Some(target) => *target,
                None => {
                    self.referred.insert(reference, ShapeId(self.shapes.len()));
                    self.add(target)
                }
            });
        }
        let mut one_of = None;
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            match (keyword.as_str(), value) {
                ("x-secret", _) => shape.secret = true,
                ("x-deferred", _) => shape.deferred = true,
                ("x-plain", _) => shape.free = false,
                ("x-known" | "x-range", _) => shape.known = true,
                ("x-known-unless", _) => shape.unless = value.as_str(),
                ("allOf", Value::Array(parts)) => shape.all = self.add_all(parts),
                ("anyOf", Value::Array(parts)) => shape.variants = Some(self.add_all(parts)),
                ("oneOf", Value::Array(parts)) => one_of = Some(self.add_all(parts)),
                ("items", _) => shape.items = self.add(value),
                ("additionalProperties", _) => shape.rest = self.add(value),
                ("properties", Value::Object(below)) => {
                    shape.properties = below.iter().map(|(name, below)| (name.as_str(), self.add(below))).collect();
                    shape.properties.sort_unstable_by_key(|(name, _)| *name);
                }
                ("required", Value::Array(names)) => shape.required = names.iter().filter_map(Value::as_str).collect(),
                ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum", _)
                | ("minLength" | "maxLength" | "minItems" | "maxItems", _) => shape.bounded = true,
                _ => {}
            }
        }
        shape.variants = shape.variants.or(one_of);
        self.shapes[id.0] = shape;
        id
    }

    fn add_all(&mut self, schemas: &'a [Value]) -> Vec<ShapeId> {
        schemas.iter().map(|schema| self.add(schema)).collect()
    }

    /// A schema without what is below it.
    fn shape(&self, schema: &'a Value) -> Shape<'a> {
        let options = fields::options(schema);
        Shape {
            schema,
            target: None,
            never: schema == &Value::Bool(false),
            secret: false,
            deferred: false,
            free: options.is_none(),
            bounded: false,
            known: false,
            unless: None,
            types: fields::types(self.document, schema),
            options,
            all: Vec::new(),
            variants: None,
            items: ShapeId(0),
            required: Vec::new(),
            properties: Vec::new(),
            rest: ShapeId(0),
        }
    }
}

impl Shape<'_> {
    /// The shape of a field by its name; none where it is not one of the named ones.
    pub(in crate::persona) fn property(&self, name: &str) -> Option<ShapeId> {
        let at = self.properties.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        Some(self.properties[at].1)
    }

    /// The shape of what stands at a key, whether it is one of the named ones or not.
    pub(in crate::persona) fn below(&self, name: &str) -> ShapeId {
        self.property(name).unwrap_or(self.rest)
    }
}
