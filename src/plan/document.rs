//! A document that may stand in several places and is held once: what the files want and what state remembers are mostly equal, and
//! a large project would hold each of them twice.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The fields of one object. A copy costs nothing and shares them; whoever changes a shared one gets fields of their own by it, so no
/// change ever shows in another copy.
#[derive(Clone, Debug, Default)]
pub struct Document(Arc<Map<String, Value>>);

impl Document {
    /// Takes an equal document's fields in place of its own, which are let go. Gives whether the two were equal.
    pub fn share(&mut self, other: &Self) -> bool {
        let equal = self == other;
        if equal {
            self.0 = Arc::clone(&other.0);
        }
        equal
    }

    /// Whether the fields of both are held once: they are equal then, and were not looked at.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Document {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Document {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(&mut self.0)
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || self.0 == other.0
    }
}

impl From<Map<String, Value>> for Document {
    fn from(fields: Map<String, Value>) -> Self {
        Self(Arc::new(fields))
    }
}

impl From<Document> for Map<String, Value> {
    fn from(document: Document) -> Self {
        Arc::unwrap_or_clone(document.0)
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::from)
    }
}

impl JsonSchema for Document {
    fn inline_schema() -> bool {
        Map::<String, Value>::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        Map::<String, Value>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Map::<String, Value>::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Map::<String, Value>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(value: Value) -> Document {
        value.as_object().cloned().expect("an object").into()
    }

    #[test]
    fn equal_documents_become_one_and_a_change_of_one_never_shows_in_the_other() {
        let recorded = document(json!({"name": "Ada", "voice": {"speed": 1}}));
        let mut desired = document(json!({"name": "Ada", "voice": {"speed": 1}}));
        assert!(!desired.is(&recorded));
        assert!(desired.share(&recorded) && desired.is(&recorded));
        desired["voice"]["speed"] = json!(2);
        assert_eq!(recorded["voice"]["speed"], 1);
        assert!(!desired.share(&recorded));
        assert_eq!(desired["voice"]["speed"], 2);
    }

    #[test]
    fn a_document_is_written_and_described_as_its_fields_are() {
        let text = r#"{"a":null,"b":[1.0,1]}"#;
        let read: Document = serde_json::from_str(text).expect("a document");
        assert_eq!(serde_json::to_string(&read).expect("a text"), text);
        let schema = |of: fn(&mut SchemaGenerator) -> Schema| of(&mut SchemaGenerator::default());
        assert_eq!(schema(|it| it.subschema_for::<Document>()), schema(|it| it.subschema_for::<Map<String, Value>>()));
    }
}
