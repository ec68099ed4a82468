//! One field of a target section: left out, cleared, given, or a secret. No provider's own field lives here.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::plan::value::{is_secret, lookup};

/// What a section says about one field.
///
/// Fields of this type carry `#[serde(default, skip_serializing_if = "Field::is_absent")]`, so that a section written back
/// is the section that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Field<T> {
    /// It is not named: not ours.
    #[default]
    Absent,
    /// `null`: it shall be cleared.
    Null,
    /// It shall hold this.
    Value(T),
    /// It shall hold what is not known yet: a secret, which stands here as `{"$env": NAME}`, or the id behind a name,
    /// `{"$lookup": {KIND: NAME}}`.
    Secret(Value),
}

impl<T> Field<T> {
    /// Whether the section does not name it.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// This field, or the other where this one is absent.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Absent => other,
            named => named,
        }
    }
}

/// A shared field of a persona: a text, `null`, or the stand-in for a secret.
impl From<Option<&Value>> for Field<String> {
    fn from(shared: Option<&Value>) -> Self {
        match shared {
            None => Self::Absent,
            Some(Value::Null) => Self::Null,
            Some(Value::String(text)) => Self::Value(text.clone()),
            Some(stand_in) => Self::Secret(stand_in.clone()),
        }
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent | Self::Null => serializer.serialize_none(),
            Self::Value(value) => value.serialize(serializer),
            Self::Secret(stand_in) => stand_in.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self::Null),
            stand_in if is_secret(&stand_in) || lookup(&stand_in).is_some() => Ok(Self::Secret(stand_in)),
            value => T::deserialize(value).map(Self::Value).map_err(D::Error::custom),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        <Option<T>>::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        <Option<T>>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        <Option<T>>::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <Option<T>>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Number, json};

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    struct Sample {
        #[serde(default, skip_serializing_if = "Field::is_absent")]
        text: Field<String>,
        #[serde(default, skip_serializing_if = "Field::is_absent")]
        number: Field<Number>,
    }

    fn read(value: Value) -> Sample {
        serde_json::from_value(value).expect("a sample")
    }

    #[test]
    fn absent_null_value_and_secret_are_four_things_and_survive_a_round_trip() {
        for (written, text) in [
            (json!({}), Field::Absent),
            (json!({"text": null}), Field::Null),
            (json!({"text": ""}), Field::Value(String::new())),
            (json!({"text": {"$env": "KEY"}}), Field::Secret(json!({"$env": "KEY"}))),
        ] {
            let sample = read(written.clone());
            assert_eq!(sample.text, text);
            assert_eq!(serde_json::to_value(&sample).expect("JSON"), written);
        }
    }

    #[test]
    fn numbers_keep_their_digits() {
        assert_eq!(serde_json::to_value(read(json!({"number": 0.7}))).expect("JSON").to_string(), r#"{"number":0.7}"#);
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        assert!(serde_json::from_value::<Sample>(json!({"text": 1})).is_err());
        assert!(serde_json::from_value::<Sample>(json!({"text": {"env": "KEY"}})).is_err());
    }

    #[test]
    fn the_first_field_that_is_named_wins_also_when_it_clears() {
        assert_eq!(Field::Absent.or(Field::Value(1)), Field::Value(1));
        assert_eq!(Field::Null.or(Field::Value(1)), Field::Null);
    }

    #[test]
    fn the_schema_is_that_of_an_optional_value() {
        let schema = SchemaGenerator::default().into_root_schema_for::<Sample>();
        assert_eq!(schema.pointer("/properties/text"), Some(&json!({"type": ["string", "null"]})));
        assert_eq!(schema.pointer("/required"), None);
    }
}
