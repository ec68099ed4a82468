//! What people write below `targets.opengiant`, and how it becomes a resource. Nothing that is sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::persona::document::{Persona, Target};
use crate::persona::name::Pointer;
use crate::persona::problem::Problem;
use crate::plan::{Address, RemoteId, Resource};
use crate::providers::field::Field;

/// This persona at OpenGiant. Fields are spelled as in OpenGiant's API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Section {
    /// Display name; the persona's `name` unless written here.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
    /// What makes the persona: any names with any values. Always sent whole; `null` here drops all of them.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub attributes: Field<Attributes>,
}

/// A persona's attributes. OpenGiant lets them be anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Attributes {
    /// The prompt; the persona's `prompt` unless written here.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub prompt: Field<String>,
    /// Any other attribute, as it is.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// Turns a target into what is wanted at OpenGiant.
pub(super) fn compile(address: &Address, persona: &Persona, target: &Target) -> Result<Resource, Vec<Problem>> {
    let invalid = |message: String| vec![Problem::error("invalid-section", target.places.section.clone(), message)];
    let mut section = Section::deserialize(&target.fields).map_err(|error| invalid(error.to_string()))?;
    section.name = section.name.or(persona.shared.name.as_ref().into());
    section.attributes = with_prompt(section.attributes, persona.shared.prompt.as_ref().into());
    let name = match &section.name {
        Field::Value(name) => name.clone(),
        Field::Absent | Field::Null => String::new(),
        Field::Secret(_) => {
            let place = target.places.of(&Pointer::new(["name"]));
            let problem = Problem::error("secret-name", place, "a name is shown in every plan and cannot be a secret");
            return Err(vec![problem.with_help("write the name itself")]);
        }
    };
    let Ok(Value::Object(fields)) = serde_json::to_value(&section) else {
        return Err(invalid("this section cannot be read".to_owned()));
    };
    Ok(Resource {
        address: address.clone(),
        name,
        fields: fields.into(),
        bind: target.settings.id.as_ref().map(RemoteId::new),
        release: true,
        ignore: target.settings.ignore_changes.clone(),
        prevent_destroy: target.settings.prevent_destroy,
        force_destroy: target.settings.force_destroy,
        manage: target.settings.manage,
    })
}

/// The attributes with the shared prompt beneath them. A section that drops all attributes drops the prompt too.
fn with_prompt(attributes: Field<Attributes>, shared: Field<String>) -> Field<Attributes> {
    match attributes {
        Field::Absent if shared.is_absent() => Field::Absent,
        Field::Absent => Field::Value(Attributes { prompt: shared, others: Map::new() }),
        Field::Value(attributes) => Field::Value(Attributes { prompt: attributes.prompt.or(shared), ..attributes }),
        named => named,
    }
}
