//! From a live object to the section that would manage it: what belongs into a file, and what stays out with the reason.
//!
//! Left out in silence: `null`, and whatever looks as the provider's rules say a cleared field looks (defaults, empty texts). Left
//! out with a word: fields that no section knows, that reads show in part or never, and everything that may be a secret.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::secret::{hides_secret, holds, is_masked, stand_in};
use super::shape::{Member, at, fits, member, object_shape};
use crate::persona::name::Pointer;
use crate::plan::diff::{Comparison, equal};
use crate::plan::value::{get, holds_secret, is_empty, sounds_secret};
use crate::plan::{Live, Reading, Rules};

/// What is needed to see an object as a section.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// What the service showed.
    pub live: &'a Live,
    /// How the provider's fields behave.
    pub rules: &'a Rules,
    /// The JSON Schema of the provider's sections, self-contained.
    pub schema: &'a Value,
    /// Fields that turned out not to fit into a section, with the reason.
    pub refused: &'a BTreeMap<Pointer, String>,
}

/// An object as its section will manage it.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The managed fields, in the provider's spelling. Secrets stand as `{"$env": NAME}`.
    pub fields: Map<String, Value>,
    /// What the service shows, or may hold, and the section does not manage.
    pub left: Vec<Left>,
    /// Whether the draft holds managed values that customers do not hear yet.
    pub unreleased: bool,
}

/// A field that stays unmanaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The field.
    pub path: Pointer,
    /// The reason.
    pub why: Why,
}

/// Why a field stays unmanaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The section has no such field.
    Unknown,
    /// The section has it, but not with a value like this.
    Misfit,
    /// It can be written and never read; `secret`: only `$env` may stand there.
    WriteOnly {
        /// Whether it is a secret.
        secret: bool,
    },
    /// Reads leave out parts of it, which writing it back would lose.
    Partly,
    /// It looks like a secret in clear.
    Secret,
    /// Stars stand in its place.
    Masked,
    /// The section was refused with it, in these words.
    Refused(String),
}

impl Why {
    /// The reason for people, as a fragment.
    pub fn words(&self) -> String {
        match self {
            Self::Unknown => "personaform does not know this field".to_owned(),
            Self::Misfit => "its value has a form that personaform does not know".to_owned(),
            Self::WriteOnly { .. } => "it can be written and never read".to_owned(),
            Self::Partly => "reads leave out parts of it, and writing it back would lose them".to_owned(),
            Self::Secret => "it looks like a secret, which never stands in a file".to_owned(),
            Self::Masked => "the service hides it behind stars".to_owned(),
            Self::Refused(why) => why.clone(),
        }
    }

    /// Whether a secret belongs there.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret | Self::Masked | Self::WriteOnly { secret: true })
    }
}

/// Sees a live object as a section.
pub fn section(sight: &Sight<'_>) -> Section {
    let mut left = Vec::new();
    let fields = below(sight, &sight.live.fields, Some(sight.schema), &Pointer::root(), &mut left);
    for rule in sight.rules.fields.iter().filter(|rule| rule.reading == Reading::Never) {
        let Ok(path) = Pointer::parse(rule.path) else { continue };
        let beside = path.parent().filter(|parent| !parent.is_root()).and_then(|parent| get(&fields, &parent).cloned());
        if beside.is_some_and(|beside| !is_empty(&beside)) && get(&fields, &path).is_none() {
            let secret = at(sight.schema, &path).is_some_and(|schema| schema.get("x-secret").is_some());
            left.push(Left { path, why: Why::WriteOnly { secret } });
        }
    }
    left.sort_by(|one, other| one.path.cmp(&other.path));
    left.dedup_by(|one, other| one.path == other.path);
    let unreleased = sight.live.released.as_ref().is_some_and(|released| {
        let heard = Comparison { desired: &fields, applied: &fields, live: released, rules: sight.rules, ignore: &[] };
        !heard.differences().edits.is_empty()
    });
    Section { fields, left, unreleased }
}

/// The members of one object that a section manages. No schema: everything is allowed there.
fn below(
    sight: &Sight<'_>,
    object: &Map<String, Value>,
    schema: Option<&Value>,
    at: &Pointer,
    left: &mut Vec<Left>,
) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in object {
        let path = at.child(name);
        match judged(sight, name, value, schema, &path, left) {
            Ok(Some(value)) => drop(kept.insert(name.clone(), value)),
            Ok(None) => {}
            Err(why) => left.push(Left { path, why }),
        }
    }
    kept
}

/// What of one member is managed; nothing of it, or an error with the reason where somebody should know.
fn judged(
    sight: &Sight<'_>,
    name: &str,
    value: &Value,
    schema: Option<&Value>,
    path: &Pointer,
    left: &mut Vec<Left>,
) -> Result<Option<Value>, Why> {
    let rule = sight.rules.field(path);
    if value.is_null() || equal(rule, &Value::Null, Some(value)) {
        return Ok(None);
    }
    if let Some(why) = sight.refused.get(path) {
        return Err(Why::Refused(why.clone()));
    }
    let inner = match member(schema, name) {
        Member::Unknown if is_empty(value) => return Ok(None),
        Member::Unknown => return Err(Why::Unknown),
        Member::Free => None,
        Member::Known(inner) => Some(inner),
    };
    // The loader would take such names for its own.
    if name.starts_with('$') || name == "<<" {
        return Err(Why::Misfit);
    }
    let secret_field = inner.is_some_and(|inner| inner.get("x-secret").is_some());
    match rule.reading {
        Reading::Never => return Err(Why::WriteOnly { secret: secret_field }),
        Reading::Partly => return Err(Why::Partly),
        Reading::Always | Reading::MayBeOmitted => {}
    }
    if let Some(variable) = stand_in(value) {
        return Ok(Some(serde_json::json!({ "$env": variable })));
    }
    if !value.is_object() && holds_secret(value) {
        return Err(Why::Secret);
    }
    if holds(value, &is_masked) {
        return Err(Why::Masked);
    }
    if secret_field || sounds_secret(name) && value.is_string() {
        return Err(Why::Secret);
    }
    match value {
        Value::Object(members) => {
            let shape = inner.map(object_shape);
            if shape.is_some_and(|shape| shape.is_none()) {
                return Err(Why::Misfit);
            }
            let kept = below(sight, members, shape.flatten(), path, left);
            Ok((!kept.is_empty()).then_some(Value::Object(kept)))
        }
        _ if hides_secret(value) => Err(Why::Secret),
        _ if inner.is_some_and(|inner| !fits(value, inner)) || has_our_words(value) => Err(Why::Misfit),
        _ => Ok(Some(value.clone())),
    }
}

/// Whether an object in a list has a member whose name the loader would take for its own.
fn has_our_words(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_our_words),
        Value::Object(members) => {
            members.iter().any(|(name, value)| name.starts_with('$') || name == "<<" || has_our_words(value))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Clear, FieldRule, Listing, RemoteId};
    use serde_json::json;

    static RULES: Rules = Rules {
        list: Listing::Whole,
        read: true,
        delete: true,
        releases: false,
        fields: &[
            FieldRule::at("").empty_is_absent(),
            FieldRule::at("/mode").clear(Clear::Text("full")),
            FieldRule::at("/model/key").reading(Reading::Never),
            FieldRule::at("/tools").reading(Reading::Partly),
            FieldRule::at("/model/extra/*"),
        ],
    };

    fn schema() -> Value {
        let text = json!({"type": ["string", "null"]});
        json!({"type": "object", "additionalProperties": false, "properties": {
            "name": text, "mode": text, "greeting": text, "tools": {"type": "array"},
            "steps": {"type": ["array", "null"], "maxItems": 2, "items": {
                "type": "object", "additionalProperties": false, "required": ["name"], "properties": {"name": {"type": "string"}},
            }},
            "model": {"anyOf": [{"type": "object", "additionalProperties": false, "properties": {
                "name": text, "key": {"type": ["string", "null"], "x-secret": true}, "extra": {"type": ["object", "null"], "additionalProperties": true},
            }}, {"type": "null"}]},
        }})
    }

    fn seen(fields: Value) -> Section {
        let live = Live { fields: fields.as_object().cloned().expect("an object").into(), ..Live::empty(RemoteId::new("p1")) };
        section(&Sight { live: &live, rules: &RULES, schema: &schema(), refused: &BTreeMap::new() })
    }

    fn reasons(section: &Section) -> Vec<(String, Why)> {
        section.left.iter().map(|left| (left.path.to_string(), left.why.clone())).collect()
    }

    #[test]
    fn defaults_nulls_and_empty_values_are_left_out_in_silence() {
        let found =
            seen(json!({"name": "Ada", "mode": "full", "greeting": "", "model": {"name": null, "extra": {}}, "new": null}));
        assert_eq!(Value::Object(found.fields), json!({"name": "Ada"}));
        assert_eq!(found.left, []);
    }

    #[test]
    fn empty_values_that_mean_something_are_kept() {
        let found = seen(json!({"model": {"extra": {"stop": [], "deep": {"on": false}}}}));
        assert_eq!(Value::Object(found.fields), json!({"model": {"extra": {"stop": [], "deep": {"on": false}}}}));
    }

    #[test]
    fn unknown_fields_and_unknown_forms_are_named() {
        let found =
            seen(json!({"greeting": 5, "of_tomorrow": {"x": 1}, "model": {"speed": 2, "extra": {"$env": 1, "a": "b"}}}));
        assert_eq!(Value::Object(found.fields.clone()), json!({"model": {"extra": {"a": "b"}}}));
        let wanted = [("/greeting", Why::Misfit), ("/model/extra/$env", Why::Misfit)];
        for (path, why) in wanted {
            assert!(reasons(&found).contains(&(path.to_owned(), why)), "{path}: {:?}", found.left);
        }
        assert!(reasons(&found).contains(&("/of_tomorrow".to_owned(), Why::Unknown)));
        assert!(reasons(&found).contains(&("/model/speed".to_owned(), Why::Unknown)));
    }

    #[test]
    fn a_list_is_managed_whole_or_not_at_all() {
        assert_eq!(seen(json!({"steps": [{"name": "a"}]})).left, []);
        for steps in
            [json!([{"name": "a", "id": 1}]), json!([{}]), json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]), json!(["a"])]
        {
            assert_eq!(reasons(&seen(json!({ "steps": steps }))), [("/steps".to_owned(), Why::Misfit)], "{steps}");
        }
    }

    #[test]
    fn nothing_that_may_be_a_secret_is_kept() {
        let found = seen(json!({
            "name": "****", "model": {"key": "sk-1", "extra": {"x-api-key": "sk-2", "access_token": "t", "max_tokens": 5, "list": [{"password": "p"}]}},
        }));
        let text = format!("{:?}", found.fields);
        assert!(!text.contains("sk-") && !text.contains("\"t\"") && !text.contains("\"p\""), "{text}");
        assert_eq!(found.fields["model"]["extra"]["max_tokens"], 5);
        let wanted = [
            ("/model/extra/access_token", Why::Secret),
            ("/model/extra/list", Why::Secret),
            ("/model/extra/x-api-key", Why::Secret),
            ("/model/key", Why::WriteOnly { secret: true }),
            ("/name", Why::Masked),
        ];
        assert_eq!(reasons(&found), wanted.map(|(path, why)| (path.to_owned(), why)));
    }

    #[test]
    fn a_known_secret_is_named_by_its_variable_without_digest() {
        let found = seen(json!({"greeting": {"$env": "KEY", "digest": "d"}}));
        assert_eq!(Value::Object(found.fields), json!({"greeting": {"$env": "KEY"}}));
    }

    #[test]
    fn a_field_that_is_read_in_part_is_not_taken_over() {
        assert_eq!(reasons(&seen(json!({"tools": [{"name": "f"}]}))), [("/tools".to_owned(), Why::Partly)]);
    }

    #[test]
    fn a_write_only_field_is_mentioned_where_its_neighbours_are_set() {
        let found = seen(json!({"model": {"name": "m"}}));
        assert_eq!(reasons(&found), [("/model/key".to_owned(), Why::WriteOnly { secret: true })]);
        assert_eq!(seen(json!({"name": "Ada"})).left, []);
    }

    #[test]
    fn what_waits_for_a_release_is_noticed() {
        let live = |released: Value| Live {
            fields: json!({"name": "Ada", "of_tomorrow": 1}).as_object().cloned().expect("an object").into(),
            released: released.as_object().cloned().map(Into::into),
            ..Live::empty(RemoteId::new("p1"))
        };
        let unreleased = |released: Value| {
            let none = BTreeMap::new();
            section(&Sight { live: &live(released), rules: &RULES, schema: &schema(), refused: &none }).unreleased
        };
        assert!(unreleased(json!({"name": "Old"})));
        assert!(!unreleased(json!({"name": "Ada", "of_tomorrow": 2})), "only what is managed counts");
    }
}
