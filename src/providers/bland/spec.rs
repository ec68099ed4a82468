//! What people write below `targets.bland`, and how it becomes a resource. Nothing that is sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::persona::document::{Persona, Target};
use crate::persona::name::Pointer;
use crate::persona::problem::Problem;
use crate::plan::{Address, RemoteId, Resource};
use crate::providers::field::Field;

/// This persona at Bland. Fields are spelled as in Bland's API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Section {
    /// Display name; the persona's `name` unless written here. Takes effect at once, without a release.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
    /// The persona's role, such as `Customer Support`. Takes effect at once.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub role: Field<String>,
    /// What the persona is for; the persona's `description` unless written here. Takes effect at once.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub description: Field<String>,
    /// Labels for finding it in the dashboard. The list replaces the one at Bland, and takes effect at once.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(with = "Option<Vec<String>>")]
    pub tags: Field<Vec<Field<String>>>,
    /// Address of the profile picture. Takes effect at once.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub image_url: Field<String>,
    /// Who the persona is and how it speaks; the persona's `prompt` unless written here. Cleared, it is Bland's default text.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub personality_prompt: Field<String>,
    /// How the persona steers a call: when to use which tool or pathway.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub orchestration_prompt: Field<String>,
    /// Settings of calls. Keys that are not written here stay as they are at Bland.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub call_config: Field<CallConfig>,
    /// Ids of tools that are always at hand (`TL-…`). The list replaces the one at Bland.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(with = "Option<Vec<String>>")]
    pub default_tools: Field<Vec<Field<String>>>,
    /// When to leave for which pathway. The list replaces the one at Bland.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub pathway_conditions: Field<Vec<PathwayCondition>>,
    /// Ids of knowledge bases. The list replaces the one at Bland.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(with = "Option<Vec<String>>")]
    pub kb_ids: Field<Vec<Field<String>>>,
}

/// Settings of calls: the documented keys, and any other that Bland understands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CallConfig {
    /// The voice: an id (unambiguous) or the name of a curated voice.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub voice: Field<String>,
    /// Whether calls are recorded.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub record: Field<bool>,
    /// Language code, such as `en-US` or `babel-en`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub language: Field<String>,
    /// Background sound.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-known" = ["office", "cafe", "restaurant", "none"]))]
    pub background: Field<String>,
    /// Background sound under its other name; Bland's own pages use both, and it is sent as written.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-known" = ["office", "cafe", "restaurant", "none"]))]
    pub background_track: Field<String>,
    /// Longest call, in minutes.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub max_duration: Field<Number>,
    /// Whether the persona lets the caller speak first.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub wait_for_greeting: Field<bool>,
    /// Patience before an interruption counts, in milliseconds.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub interruption_threshold: Field<Number>,
    /// Any other key, as it is.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// One way out of the conversation into a pathway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct PathwayCondition {
    /// Name of the condition.
    #[schemars(with = "String")]
    pub name: Field<String>,
    /// When to take it, in words.
    #[schemars(with = "String")]
    pub prompt: Field<String>,
    /// The pathway's id.
    #[schemars(with = "String")]
    pub pathway_id: Field<String>,
    /// The pathway's version: a text, so `"1"` with quotes.
    #[schemars(with = "String")]
    pub pathway_version: Field<String>,
    /// The node of the pathway where it begins.
    #[schemars(with = "String")]
    pub start_node_id: Field<String>,
}

/// Turns a target into what is wanted at Bland.
pub(super) fn compile(address: &Address, persona: &Persona, target: &Target) -> Result<Resource, Vec<Problem>> {
    let section = read_section(persona, target)?;
    let name = display_name(&section.name, target)?;
    let Ok(Value::Object(fields)) = serde_json::to_value(&section) else {
        return Err(vec![Problem::error("invalid-section", target.places.section.clone(), "this section cannot be read")]);
    };
    Ok(Resource {
        address: address.clone(),
        name,
        fields: fields.into(),
        bind: target.settings.id.as_ref().map(RemoteId::new),
        release: target.settings.release.unwrap_or(true),
        ignore: target.settings.ignore_changes.clone(),
        prevent_destroy: target.settings.prevent_destroy,
        force_destroy: target.settings.force_destroy,
        manage: target.settings.manage,
    })
}

/// The section with the shared fields beneath it.
fn read_section(persona: &Persona, target: &Target) -> Result<Section, Vec<Problem>> {
    let section = Section::deserialize(&target.fields)
        .map_err(|error| vec![Problem::error("invalid-section", target.places.section.clone(), error.to_string())])?;
    let shared = &persona.shared;
    Ok(Section {
        name: section.name.or(shared.name.as_ref().into()),
        description: section.description.or(shared.description.as_ref().into()),
        personality_prompt: section.personality_prompt.or(shared.prompt.as_ref().into()),
        ..section
    })
}

/// The name as people see it. Bland refuses to create or to update a persona without one.
fn display_name(name: &Field<String>, target: &Target) -> Result<String, Vec<Problem>> {
    let place = || target.places.of(&Pointer::new(["name"]));
    let problem = match name {
        Field::Value(name) if !name.is_empty() => return Ok(name.clone()),
        Field::Secret(_) => Problem::error("secret-name", place(), "a name is shown in every plan and cannot be a secret")
            .with_help("write the name itself"),
        Field::Absent | Field::Null | Field::Value(_) => Problem::error("missing-name", place(), "Bland requires a name")
            .with_help("write `name:` at the top of the persona or in this section"),
    };
    Err(vec![problem])
}

#[cfg(test)]
mod tests {
    use super::super::BLAND;
    use super::*;
    use crate::persona::document::{Settings, Shared};
    use crate::provider::Provider;
    use crate::providers::trial::{address, persona, schema, target};
    use serde_json::json;

    fn compiled(shared: Shared, section: Value) -> Result<Resource, Vec<Problem>> {
        compile(&address(), &persona(shared), &target(section, Settings::default()))
    }

    fn shared() -> Shared {
        Shared { name: Some(json!("Ada")), description: Some(json!("Answers")), prompt: Some(json!("Be kind.")) }
    }

    fn code(result: Result<Resource, Vec<Problem>>) -> &'static str {
        result.expect_err("a problem")[0].code
    }

    #[test]
    fn shared_fields_go_where_bland_keeps_them() {
        let resource = compiled(shared(), json!({"role": "Support"})).expect("a resource");
        let fields = json!({"name": "Ada", "role": "Support", "description": "Answers", "personality_prompt": "Be kind."});
        assert_eq!((Value::Object(resource.fields.into()), resource.name.as_str()), (fields, "Ada"));
    }

    #[test]
    fn own_fields_win_over_shared_ones_also_when_they_clear() {
        let own = json!({"name": "Bea", "description": null, "personality_prompt": "Be brief."});
        let resource = compiled(shared(), own.clone()).expect("a resource");
        assert_eq!(Value::Object(resource.fields.into()), own);
    }

    #[test]
    fn a_section_survives_with_open_keys_nulls_secrets_and_numbers() {
        let own = json!({
            "name": "Ada",
            "tags": ["a", {"$env": "TAG"}],
            "call_config": {
                "voice": null, "max_duration": 12.5, "language": {"$env": "LANGUAGE"},
                "pronunciation_guide": [{"word": "x", "spaced": false}], "first_sentence": null,
            },
            "pathway_conditions": [
                {"name": "", "prompt": "", "pathway_id": {"$env": "PATHWAY"}, "pathway_version": "1", "start_node_id": ""},
            ],
            "kb_ids": [],
        });
        let resource = compiled(Shared::default(), own.clone()).expect("a resource");
        assert_eq!(Value::Object(resource.fields.into()), own);
    }

    #[test]
    fn a_persona_without_a_name_is_a_problem() {
        assert_eq!(code(compiled(Shared::default(), json!({}))), "missing-name");
        assert_eq!(code(compiled(shared(), json!({"name": null}))), "missing-name");
        assert_eq!(code(compiled(shared(), json!({"name": ""}))), "missing-name");
        assert_eq!(code(compiled(shared(), json!({"name": {"$env": "NAME"}}))), "secret-name");
    }

    #[test]
    fn a_release_is_wanted_unless_the_target_says_draft() {
        let release = |release| {
            let settings = Settings { release, ..Settings::default() };
            compile(&address(), &persona(shared()), &target(json!({}), settings)).expect("a resource").release
        };
        assert_eq!((release(None), release(Some(true)), release(Some(false))), (true, true, false));
    }

    #[test]
    fn settings_reach_the_resource() {
        let settings = Settings {
            id: Some("p1".to_owned()),
            prevent_destroy: true,
            force_destroy: true,
            ignore_changes: vec![Pointer::new(["role"])],
            manage: Default::default(),
            release: None,
        };
        let resource = compile(&address(), &persona(shared()), &target(json!({}), settings)).expect("a resource");
        assert_eq!(resource.bind, Some(RemoteId::new("p1")));
        assert_eq!((resource.prevent_destroy, resource.ignore), (true, vec![Pointer::new(["role"])]));
    }

    #[test]
    fn the_schema_is_closed_but_for_call_config_and_describes_every_field() {
        let schema = schema(&BLAND);
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let condition = json!({"name": "", "prompt": "", "pathway_id": "", "pathway_version": "1", "start_node_id": ""});
        for section in [
            json!({}),
            json!({"role": null, "call_config": null, "tags": null, "pathway_conditions": null}),
            json!({"call_config": {"voice": "June", "record": null, "first_sentence": "Hi", "guide": [{}]}}),
            json!({"pathway_conditions": [condition]}),
        ] {
            assert!(validator.is_valid(&section), "{section}");
        }
        for section in [
            json!({"personalityPrompt": "x"}),
            json!({"call_config": {"record": "true"}}),
            json!({"call_config": {"max_duration": "30"}}),
            json!({"tags": [null]}),
            json!({"pathway_conditions": [{"name": "", "prompt": "", "pathway_id": "", "start_node_id": ""}]}),
            json!({"pathway_conditions": [{
                "name": "", "prompt": "", "pathway_id": "", "pathway_version": 1, "start_node_id": "",
            }]}),
            json!({"pathway_conditions": [{
                "name": "", "prompt": null, "pathway_id": "", "pathway_version": "1", "start_node_id": "",
            }]}),
        ] {
            assert!(!validator.is_valid(&section), "{section}");
        }
        assert!(schema.pointer("/properties/call_config/properties/background/x-known").is_some());
    }

    #[test]
    fn what_the_schema_refuses_is_no_section_either() {
        assert_eq!(
            code(BLAND.compile(&address(), &persona(shared()), &target(json!({"rolle": 1}), Settings::default()))),
            "invalid-section"
        );
    }
}
