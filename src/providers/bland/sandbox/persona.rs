//! A persona and its versions: what a write does to which of them. No routes and no envelope here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::switches::{CallConfig, ConfigNulls, Drafts, Nulls, Switches};
use crate::sandbox::Ticks;

/// Fields of the persona itself, in effect at once, with the value they have when nobody sets them.
fn persona_fields() -> [(&'static str, Value); 4] {
    [("role", Value::Null), ("description", Value::Null), ("tags", json!([])), ("image_url", Value::Null)]
}

/// Fields of a version, in effect when it is promoted, with the value they have when nobody sets them.
fn version_fields() -> [(&'static str, Value); 7] {
    [
        ("orchestration_prompt", Value::Null),
        ("personality_prompt", json!("You are a helpful assistant")),
        ("pathway_conditions", Value::Null),
        ("kb_ids", json!([])),
        ("call_config", Value::Null),
        ("default_tools", json!([])),
        ("skills", json!([])),
    ]
}

/// A persona with all its versions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Persona {
    pub(super) fields: Map<String, Value>,
    /// Oldest first. The last of type `production` and the last of type `draft` are the current ones.
    pub(super) versions: Vec<Map<String, Value>>,
    pub(super) inbound_numbers: Vec<String>,
}

impl Persona {
    /// A new persona: production 1 and draft 2, the same in content.
    pub(super) fn create(body: &Map<String, Value>, switches: &Switches, ticks: &mut Ticks) -> Result<Self, String> {
        check(body, true)?;
        let id = ticks.uuid();
        let now = ticks.timestamp();
        let mut fields = Map::from_iter(persona_fields().map(|(name, value)| (name.to_owned(), value)));
        for (name, value) in [
            ("id", json!(id)),
            ("name", Value::Null),
            ("created_at", json!(now)),
            ("updated_at", json!(now)),
            ("deleted_at", Value::Null),
            ("user_id", json!("00000000-0000-4000-8000-000000000000")),
        ] {
            fields.insert(name.to_owned(), value);
        }
        let mut persona = Self { fields, versions: Vec::new(), inbound_numbers: Vec::new() };
        let mut content = Map::from_iter(version_fields().map(|(name, value)| (name.to_owned(), value)));
        write(&mut persona.fields, persona_fields(), body, switches)?;
        write(&mut content, version_fields(), body, switches)?;
        persona.fields.insert("name".to_owned(), body["name"].clone());
        let first = persona.add_version("production", content.clone(), None, ticks);
        persona.add_version("draft", content, Some(first), ticks);
        Ok(persona)
    }

    /// Writes what a body names: the persona's fields at once, the versioned ones into the draft.
    pub(super) fn update(&mut self, body: &Map<String, Value>, switches: &Switches, ticks: &mut Ticks) -> Result<(), String> {
        check(body, switches.name_required)?;
        write(&mut self.fields, persona_fields(), body, switches)?;
        if let Some(name) = body.get("name") {
            self.fields.insert("name".to_owned(), name.clone());
        }
        self.fields.insert("updated_at".to_owned(), json!(ticks.timestamp()));
        if !version_fields().iter().any(|(name, _)| body.contains_key(*name)) {
            return Ok(());
        }
        // Without a draft there is nowhere to put them, and the service says so no more than it says other losses.
        let Some(draft) = self.current("draft").cloned() else { return Ok(()) };
        let mut content = content(&draft);
        write(&mut content, version_fields(), body, switches)?;
        match switches.drafts {
            Drafts::InPlace => self.edit_draft(content, ticks),
            Drafts::Recreated => {
                let source = draft["promoted_from_version_id"].as_str().map(str::to_owned);
                self.archive("draft");
                self.add_version("draft", content, source, ticks);
            }
        }
        Ok(())
    }

    /// Overwrites fields of the draft as they are, unknown ones too.
    pub(super) fn edit_draft(&mut self, content: Map<String, Value>, ticks: &mut Ticks) {
        if let Some(draft) = self.versions.iter_mut().rfind(|version| version["version_type"] == "draft") {
            draft.extend(content);
            draft.insert("updated_at".to_owned(), json!(ticks.timestamp()));
        }
    }

    /// Makes the draft's content a new production version. False where there is no draft. The draft stays.
    pub(super) fn promote(&mut self, ticks: &mut Ticks) -> bool {
        let Some(draft) = self.current("draft").cloned() else { return false };
        self.archive("production");
        let source = draft["id"].as_str().map(str::to_owned);
        self.add_version("production", content(&draft), source, ticks);
        self.fields.insert("updated_at".to_owned(), json!(ticks.timestamp()));
        true
    }

    /// The current version of a type.
    pub(super) fn current(&self, version_type: &str) -> Option<&Map<String, Value>> {
        self.versions.iter().rfind(|version| version["version_type"] == version_type)
    }

    pub(super) fn archive(&mut self, version_type: &str) {
        for version in self.versions.iter_mut().filter(|version| version["version_type"] == version_type) {
            version.insert("version_type".to_owned(), json!("archived"));
        }
    }

    pub(super) fn deleted(&self) -> bool {
        !self.fields["deleted_at"].is_null()
    }

    /// The persona's own fields with the content of its current version of a type, flat.
    pub(super) fn written(&self, version_type: &str) -> Option<Map<String, Value>> {
        let mut fields = self.fields.clone();
        fields.extend(content(self.current(version_type)?));
        Some(fields)
    }

    /// The object as the service shows it. Some answers leave the numbers out.
    pub(super) fn shown(&self, with_numbers: bool) -> Value {
        let mut shown = json!(self.fields);
        for version_type in ["production", "draft"] {
            let version = self.current(version_type);
            shown[format!("current_{version_type}_version_id")] = json!(version.map(|version| &version["id"]));
            shown[format!("current_{version_type}_version")] = json!(version);
        }
        if with_numbers {
            shown["inbound_numbers"] = json!(self.inbound_numbers);
        }
        shown
    }

    fn add_version(
        &mut self,
        version_type: &str,
        content: Map<String, Value>,
        source: Option<String>,
        ticks: &mut Ticks,
    ) -> String {
        let (id, now) = (ticks.uuid(), ticks.timestamp());
        let mut version = content;
        for (name, value) in [
            ("id", json!(id)),
            ("persona_id", self.fields["id"].clone()),
            ("version_type", json!(version_type)),
            ("version_number", json!(self.versions.len() + 1)),
            ("promoted_from_version_id", json!(source)),
            ("promoted_at", if version_type == "production" { json!(now) } else { Value::Null }),
            ("promoted_by", Value::Null),
            ("created_at", json!(now)),
            ("updated_at", json!(now)),
        ] {
            version.insert(name.to_owned(), value);
        }
        self.versions.push(version);
        id
    }
}

/// What a version says, without what it is.
fn content(version: &Map<String, Value>) -> Map<String, Value> {
    let identity = [
        "id",
        "persona_id",
        "version_type",
        "version_number",
        "promoted_from_version_id",
        "promoted_at",
        "promoted_by",
        "created_at",
        "updated_at",
    ];
    version
        .iter()
        .filter(|(name, _)| !identity.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Shows fields that hold nothing as null, but for the one prompt that is never null.
pub(super) fn empties_as_null(shown: &mut Value) {
    let hollow = |value: &Value| match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    let own = persona_fields().map(|(name, _)| format!("/{name}"));
    let versioned = ["draft", "production"]
        .into_iter()
        .flat_map(|version| version_fields().map(|(name, _)| format!("/current_{version}_version/{name}")))
        .filter(|pointer| !pointer.ends_with("/personality_prompt"));
    for pointer in own.into_iter().chain(versioned) {
        if let Some(value) = shown.pointer_mut(&pointer).filter(|value| hollow(value)) {
            *value = Value::Null;
        }
    }
}

/// Puts the known fields of a body into an object.
fn write<const N: usize>(
    object: &mut Map<String, Value>,
    known: [(&'static str, Value); N],
    body: &Map<String, Value>,
    switches: &Switches,
) -> Result<(), String> {
    for (name, default) in known {
        match (body.get(name), object.get_mut(name)) {
            (None, _) => {}
            (Some(Value::Null), _) if name == "description" || name == "image_url" => {
                object.insert(name.to_owned(), Value::Null);
            }
            (Some(Value::Null), _) => match switches.nulls {
                Nulls::Cleared => drop(object.insert(name.to_owned(), default)),
                Nulls::Refused => return Err(format!("{name} must not be null")),
                Nulls::Ignored => {}
            },
            (Some(Value::Object(sent)), stored) if name == "call_config" => {
                if switches.config_nulls == ConfigNulls::Refused && sent.values().any(Value::is_null) {
                    return Err("call_config: a value must not be null".to_owned());
                }
                let merged = stored.filter(|_| switches.call_config == CallConfig::Merge);
                let mut config = merged.and_then(|stored| stored.as_object().cloned()).unwrap_or_default();
                config.extend(sent.clone());
                if switches.config_nulls == ConfigNulls::Removed {
                    config.retain(|_, value| !value.is_null());
                }
                object.insert(name.to_owned(), Value::Object(config));
            }
            (Some(value), _) => drop(object.insert(name.to_owned(), value.clone())),
        }
    }
    Ok(())
}

/// Refuses a missing name and wrong types. A null is judged elsewhere.
fn check(body: &Map<String, Value>, name_required: bool) -> Result<(), String> {
    match body.get("name") {
        Some(Value::String(name)) if !name.is_empty() => {}
        None if !name_required => {}
        _ => return Err("name is required and must be a non-empty string".to_owned()),
    }
    for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
        let (valid, wanted) = match name.as_str() {
            "role" | "description" | "image_url" | "orchestration_prompt" | "personality_prompt" => {
                (value.is_string(), "a string")
            }
            "tags" | "kb_ids" | "default_tools" | "pathway_conditions" | "skills" => (value.is_array(), "an array"),
            "call_config" => (value.is_object(), "an object"),
            _ => (true, ""),
        };
        if !valid {
            return Err(format!("{name} must be {wanted}"));
        }
    }
    for (key, value) in body.get("call_config").and_then(Value::as_object).into_iter().flatten() {
        let (valid, wanted) = match key.as_str() {
            "record" | "wait_for_greeting" => (value.is_boolean(), "boolean"),
            "max_duration" | "interruption_threshold" => (value.is_number(), "number"),
            _ => (true, ""),
        };
        if !valid && !value.is_null() {
            return Err(format!("call_config.{key}: Expected {wanted} value"));
        }
    }
    let items = |name: &str| body.get(name).and_then(Value::as_array).into_iter().flatten();
    for condition in items("pathway_conditions") {
        let keys = ["name", "prompt", "pathway_id", "pathway_version", "start_node_id"];
        if let Some(key) = keys.into_iter().find(|key| !condition[key].is_string()) {
            return Err(format!("pathway_conditions: {key} is required and must be a string"));
        }
    }
    if items("skills").any(|skill| !skill["id"].is_string()) {
        return Err("Expected union value".to_owned());
    }
    Ok(())
}
