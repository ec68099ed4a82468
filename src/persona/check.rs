//! One walk over a document and its JSON Schema, side by side, that reports everything that does not fit.
//!
//! Of JSON Schema it knows what the derived schemas use: `type`, `properties`, `additionalProperties`, `required`, `enum`,
//! `const`, `items`, `anyOf`, `oneOf`, `allOf`, `$ref` into `$defs`, and the bounds of numbers, texts and lists. Other keywords
//! hold for editors only. Keywords of ours:
//!
//! | keyword | meaning |
//! |---|---|
//! | `x-known`, `x-range` | a value outside is a warning |
//! | `x-known-unless` | the field beside this one that makes any value a known one |
//! | `x-plain` | no expression may stand in for this text |
//! | `x-secret` | only `$env` may stand here |
//! | `x-deferred` | only the outermost kind is checked; the loader checks the inside in its own time |
//!
//! Two rules hold everywhere: `null` stands for a field that is not there (or is to be cleared), and where a text is wanted an
//! expression will do, unless the text is one of a few fixed ones.

mod variants;

use std::borrow::Cow;

use serde_json::Value;

use super::expression::{self, NAMES};
use super::node::{Entry, Kind, Node};
use super::problem::{Place, Problem};
use super::schema::fields;
use super::schema::shape::{Shape, ShapeId, Shapes};
use super::suggest;
use super::yaml::brief;

/// Checks a node against one of a schema's shapes. `path` leads to the node, for telling where a field belongs.
pub(super) fn check(node: &Node, shapes: &Shapes<'_>, shape: ShapeId, path: &[&str], key: Option<&Place>) -> Vec<Problem> {
    let path = path.iter().map(|&segment| Cow::Borrowed(segment)).collect();
    let mut checker = Checker { shapes, path, problems: Vec::new() };
    checker.walk(node, shape, key);
    checker.problems
}

pub(super) struct Checker<'a> {
    pub(super) shapes: &'a Shapes<'a>,
    pub(super) path: Vec<Cow<'a, str>>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    /// Checks one node; `key` is the place of its key, none for the items of a list.
    pub(super) fn walk(&mut self, node: &'a Node, shape: ShapeId, key: Option<&Place>) {
        if node.is_null() && (key.is_some() || self.path.is_empty()) {
            return;
        }
        let shape = self.shapes.get(shape);
        if let Some(target) = shape.target {
            self.walk(node, target, key);
            self.known(node, shape);
            return;
        }
        if shape.secret {
            return self.secret(node, key);
        }
        for part in &shape.all {
            self.walk(node, *part, key);
        }
        if let Some(variants) = &shape.variants {
            return variants::walk(self, node, variants, key);
        }
        let types = &shape.types;
        let wants_text = types.is_empty() || types.contains(&"string");
        // One of a few fixed values is a choice, not a text.
        if wants_text && shape.free && self.expression(node, !types.is_empty()) {
            return;
        }
        if !types.is_empty() && !types.iter().any(|wanted| is_of_type(node, wanted)) {
            return self.wrong_type(node, types, key);
        }
        if shape.deferred {
            return;
        }
        self.options(node, shape);
        self.bounds(node, shape);
        self.known(node, shape);
        match &node.kind {
            Kind::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.below(index.to_string().into(), |checker| checker.walk(item, shape.items, None));
                }
            }
            Kind::Mapping(entries) => self.mapping(node, entries, shape, key),
            _ => {}
        }
    }

    fn below(&mut self, segment: Cow<'a, str>, walk: impl FnOnce(&mut Self)) {
        self.path.push(segment);
        walk(self);
        self.path.pop();
    }

    /// Whether the node is an expression, which is then checked. Where anything may stand (`text` is false), a foreign `$` key
    /// such as `$ref` is the provider's, unless it is a slip of one of ours.
    fn expression(&mut self, node: &Node, text: bool) -> bool {
        let ours = match node.entries() {
            _ if expression::recognise(node).is_some() => true,
            entries if text => entries.iter().any(|entry| entry.key.starts_with('$')),
            [only] if only.key.starts_with('$') => NAMES.iter().any(|name| strsim::damerau_levenshtein(name, &only.key) == 1),
            _ => false,
        };
        if ours {
            expression::check(node, &mut self.problems);
        }
        ours
    }

    fn mapping(&mut self, node: &Node, entries: &'a [Entry], shape: &Shape<'_>, key: Option<&Place>) {
        for entry in entries {
            let below = shape.below(&entry.key);
            let found = self.shapes.get(below);
            if found.never {
                self.unknown_field(entry, entries, shape.schema);
            } else {
                let before = self.problems.len();
                self.below(Cow::Borrowed(&entry.key), |checker| checker.walk(&entry.value, below, Some(&entry.place)));
                if found.unless.is_some_and(|sibling| entries.iter().any(|entry| entry.key == sibling)) {
                    let mut fresh = self.problems.split_off(before);
                    fresh.retain(|problem| problem.code != "unknown-value");
                    self.problems.append(&mut fresh);
                }
            }
        }
        for &wanted in &shape.required {
            if !entries.iter().any(|entry| entry.key == wanted) {
                let place = key.unwrap_or(&node.place).clone();
                self.problems.push(
                    Problem::error("missing-field", place, format!("the field `{wanted}` is missing"))
                        .with_help(format!("add `{wanted}:`{}", fields::explanation(&shape.schema["properties"][wanted]))),
                );
            }
        }
    }

    fn unknown_field(&mut self, entry: &Entry, entries: &[Entry], schema: &Value) {
        let absent = |name: &&str| !entries.iter().any(|entry| entry.key == *name);
        let names = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let candidates: Vec<&str> = names.collect();
        let problem =
            Problem::error("unknown-field", entry.place.clone(), format!("there is no field `{}` here", brief(&entry.key)));
        if NAMES.contains(&entry.key.as_str()) {
            let help = "an expression gives a text; here stands a mapping";
            return self.problems.push(problem.with_help(help));
        }
        // The same name elsewhere is a better guess than another name here, unless that differs in case and dashes only.
        let meant = suggest::closest(&entry.key, candidates.iter().copied().filter(absent));
        let present = suggest::closest(&entry.key, candidates.iter().copied());
        let elsewhere = fields::homes(self.shapes.document, &entry.key, &self.path);
        let same = |meant: &str| suggest::fold(meant) == suggest::fold(&entry.key);
        self.problems.push(match (meant, elsewhere) {
            (Some(meant), elsewhere) if elsewhere.is_none() || same(meant) => {
                problem.with_help(format!("did you mean `{meant}`?")).with_suggestion(entry.place.clone(), meant)
            }
            (_, Some(home)) => problem.with_help(format!("`{}` belongs {home}", entry.key)),
            _ if present.is_some() => {
                problem.with_help(format!("is it `{}`, which stands here already?", present.unwrap_or_default()))
            }
            _ if candidates.is_empty() => problem.with_help("this mapping has no fields"),
            _ => problem.with_help(format!("fields here are {}", suggest::listed(candidates).replace(" or ", " and "))),
        });
    }

    fn secret(&mut self, node: &Node, key: Option<&Place>) {
        match expression::recognise(node) {
            Some(expression::Expression::Env(_)) => expression::check(node, &mut self.problems),
            _ => {
                let place = key.unwrap_or(&node.place).clone();
                let help = "name the variable that holds it, `{ $env: NAME }`; a key that was committed must be replaced";
                self.problems.push(Problem::error("literal-secret", place, "a secret cannot stand in a file").with_help(help));
            }
        }
    }

    pub(super) fn wrong_type(&mut self, node: &Node, types: &[&str], key: Option<&Place>) {
        let mut wanted: Vec<&str> = types.iter().filter(|name| **name != "null").map(|name| fields::noun(name)).collect();
        wanted.dedup();
        let place = match &node.kind {
            Kind::Mapping(_) | Kind::List(_) => key.unwrap_or(&node.place),
            _ => &node.place,
        };
        let place = if place.span.is_empty() { key.unwrap_or(place) } else { place };
        let found = match &node.kind {
            Kind::Number(_) if types.contains(&"integer") => "a decimal number",
            _ => node.noun(),
        };
        let message = format!("{} is wanted here, not {found}", wanted.join(" or "));
        let problem = Problem::error("wrong-type", place.clone(), message);
        let raw = node.place.file.text.get(node.place.span.clone()).unwrap_or_default();
        let instead = match &node.kind {
            _ if raw.is_empty() => None,
            Kind::Text(text) => types.iter().find_map(|wanted| from_text(text, wanted)),
            Kind::Number(_) | Kind::Bool(_) if types.contains(&"string") => Some(format!("\"{raw}\"")),
            Kind::Number(number) if types.contains(&"integer") => number.to_string().strip_suffix(".0").map(str::to_owned),
            _ => None,
        };
        let instead = instead.or_else(|| {
            let scalar = node.scalar().is_some() && !raw.is_empty() && types == ["array"];
            scalar.then(|| format!("[{raw}]"))
        });
        self.problems.push(match (instead, &node.kind) {
            (Some(text), _) => problem.with_suggestion(node.place.clone(), text),
            (None, Kind::List(_)) if types.contains(&"string") => {
                problem.with_help("several texts become one with `{ $join: [...] }`")
            }
            (None, Kind::Mapping(_)) if types.contains(&"string") => {
                problem.with_help("write the text itself; `$file`, `$join` and `$lookup` make one too")
            }
            (None, _) => problem,
        });
    }

    fn options(&mut self, node: &Node, shape: &Shape<'_>) {
        if let Some(options) = &shape.options {
            self.one_of(node, options);
        }
    }

    pub(super) fn one_of(&mut self, node: &Node, options: &[&Value]) {
        let Some(value) = node.scalar() else { return };
        if options.contains(&&value) {
            return;
        }
        let texts: Vec<String> = options.iter().filter(|option| !option.is_null()).map(|option| fields::text(option)).collect();
        let listed = suggest::listed(texts.iter().map(String::as_str));
        let shown = brief(&fields::text(&value));
        let problem = Problem::error("not-one-of", node.place.clone(), format!("`{shown}` is none of the possible values"))
            .with_help(format!("write {listed}"));
        self.problems.push(match suggest::closest(&fields::text(&value), texts.iter().map(String::as_str)) {
            Some(meant) => problem.with_suggestion(node.place.clone(), meant),
            None => problem,
        });
    }

    fn bounds(&mut self, node: &Node, shape: &Shape<'_>) {
        if !shape.bounded {
            return;
        }
        let (size, least, most, unit) = match &node.kind {
            Kind::Number(number) => (number.as_f64().unwrap_or_default(), "minimum", "maximum", ""),
            Kind::Text(text) => (text.chars().count() as f64, "minLength", "maxLength", " characters"),
            Kind::List(items) => (items.len() as f64, "minItems", "maxItems", " items"),
            _ => return,
        };
        let bound = |name: &str| shape.schema[name].as_f64();
        let number = matches!(node.kind, Kind::Number(_));
        let too_small = bound(least).filter(|least| size < *least).map(|least| format!("at least {least}{unit}"));
        let too_large = bound(most).filter(|most| size > *most).map(|most| format!("at most {most}{unit}"));
        let not_above =
            bound("exclusiveMinimum").filter(|least| number && size <= *least).map(|least| format!("more than {least}"));
        let not_below =
            bound("exclusiveMaximum").filter(|most| number && size >= *most).map(|most| format!("less than {most}"));
        if let Some(wanted) = too_small.or(too_large).or(not_above).or(not_below) {
            let message = format!("{size}{unit} is out of range: {wanted}");
            self.problems.push(Problem::error("out-of-range", node.place.clone(), message));
        }
    }

    /// Warns of values outside `x-known` and `x-range`; of a list, each item counts.
    fn known(&mut self, node: &Node, shape: &Shape<'_>) {
        if !shape.known {
            return;
        }
        if let Kind::List(items) = &node.kind {
            return items.iter().for_each(|item| self.known(item, shape));
        }
        let Some(value) = node.scalar() else { return };
        if let Some(known) = shape.schema["x-known"].as_array()
            && !known.contains(&value)
            && !node.is_null()
        {
            let texts: Vec<String> = known.iter().map(fields::text).collect();
            let shown = brief(&fields::text(&value));
            let problem = Problem::warning("unknown-value", node.place.clone(), format!("`{shown}` is no value known here"));
            // Another number in a name is another version, not a slip.
            let letters = |text: &str| text.replace(|letter: char| letter.is_ascii_digit(), "");
            let slip = |meant: &&str| letters(meant) != letters(&shown);
            self.problems.push(match suggest::closest(&fields::text(&value), texts.iter().map(String::as_str)).filter(slip) {
                Some(meant) => problem.with_help(format!("did you mean `{meant}`?")).with_suggestion(node.place.clone(), meant),
                None => problem.with_help(format!("known are {}", suggest::listed(texts.iter().map(String::as_str)))),
            });
        }
        if let (Some([least, most]), Some(number)) = (shape.schema["x-range"].as_array().map(Vec::as_slice), value.as_f64()) {
            let below = least.as_f64().is_some_and(|least| number < least);
            let above = most.as_f64().is_some_and(|most| number > most);
            if below || above {
                let range = match (least.as_f64(), most.as_f64()) {
                    (Some(least), Some(most)) => format!("{least} to {most}"),
                    (Some(least), None) => format!("{least} or more"),
                    (None, Some(most)) => format!("{most} or less"),
                    (None, None) => return,
                };
                let message = format!("{number} is outside the known range");
                let problem = Problem::warning("unusual-value", node.place.clone(), message);
                self.problems.push(problem.with_help(format!("known to work: {range}")));
            }
        }
    }
}

/// Whether a node is of a JSON Schema type.
pub(super) fn is_of_type(node: &Node, wanted: &str) -> bool {
    match &node.kind {
        Kind::Null => wanted == "null",
        Kind::Bool(_) => wanted == "boolean",
        Kind::Text(_) => wanted == "string",
        Kind::List(_) => wanted == "array",
        Kind::Mapping(_) => wanted == "object",
        Kind::Number(number) => wanted == "number" || (wanted == "integer" && !number.is_f64()),
    }
}

/// What a text would be as another type.
fn from_text(text: &str, wanted: &str) -> Option<String> {
    match wanted {
        "boolean" => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some("true".to_owned()),
            "false" | "no" | "off" | "n" => Some("false".to_owned()),
            _ => None,
        },
        "integer" => text.replace('_', "").parse::<i64>().ok().map(|number| number.to_string()),
        "number" => {
            let number = text.replace('_', "").parse::<f64>().ok().filter(|number| number.is_finite())?;
            Some(number.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
