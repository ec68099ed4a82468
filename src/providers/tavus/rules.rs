//! What Tavus can do and how its fields behave, as data, with the reason for every row that is not as usual.

use serde_json::Value;

use crate::plan::{Clear, FieldRule, Listing, Reading, Rules};

/// The list call shows whole personas; reading and deleting work by id; drafts belong to the dashboard, not to the API.
pub(super) static RULES: Rules = Rules { list: Listing::Whole, read: true, delete: true, releases: false, fields: FIELDS };

/// Lists of inline functions; reads leave out their descriptions. Seen of those in the language model's layer, and taken to be so
/// of the others.
pub(super) const FUNCTIONS: [&str; 4] = [
    "/layers/llm/tools",
    "/layers/perception/visual_tools",
    "/layers/perception/audio_tools",
    "/layers/perception/perception_tools",
];

/// Headers for one's own model endpoint; write-only as a whole, names included.
pub(super) const LLM_HEADERS: &str = "/layers/llm/headers";

/// What a read may show of a secret is never kept: whether keys come back in clear, masked or not at all is not documented.
pub(super) const WRITE_ONLY: [&str; 3] = ["/layers/llm/api_key", LLM_HEADERS, "/layers/tts/api_key"];

/// Joining meetings: lives apart from the rest at Tavus, and a patch may not mix the two.
pub(super) const CONFERENCING: [&str; 2] = ["layers", "conferencing"];

/// The layer whose fields Tavus fills with defaults as soon as one is set.
pub(super) const FLOW: [&str; 2] = ["layers", "conversational_flow"];

/// Tools of the registry are attached and detached by calls of their own.
pub(super) const TOOL_IDS: &str = "tool_ids";

const FIELDS: &[FieldRule] = &[
    FieldRule::at("")
        .empty_is_absent()
        .because("old personas carry empty members (`base_url`, `default_query`, `guardrails_id`) that nobody wrote"),
    FieldRule::at("/persona_name").empty_is_absent().clear(Clear::Impossible("a persona keeps its name")),
    FieldRule::at("/pal_name").empty_is_absent().clear(Clear::Impossible("a PAL keeps its name")),
    FieldRule::at("/system_prompt").empty_is_absent().clear(Clear::Impossible("a persona always keeps its prompt")),
    FieldRule::at("/pipeline_mode")
        .empty_is_absent()
        .reading(Reading::MayBeOmitted)
        .clear(Clear::Text("full"))
        .because("it is not in the documented read, and `full` is what it is without one"),
    FieldRule::at("/document_ids").empty_is_absent().set(),
    FieldRule::at("/document_tags").empty_is_absent().set(),
    FieldRule::at("/guardrail_ids").empty_is_absent().set(),
    // Fields that can be written, while no read that shows them is documented or was seen. Lists are cleared by an empty one,
    // which works whether the list is hidden or absent; removing a hidden member cannot be planned.
    FieldRule::at("/guardrail_tags")
        .empty_is_absent()
        .set()
        .reading(Reading::MayBeOmitted)
        .clear(Clear::EmptyList)
        .because("no read that shows it is documented"),
    FieldRule::at("/tool_ids")
        .empty_is_absent()
        .set()
        .reading(Reading::MayBeOmitted)
        .clear(Clear::EmptyList)
        .because("no read that shows it is documented"),
    FieldRule::at("/memories").empty_is_absent().reading(Reading::MayBeOmitted).clear(Clear::EmptyList),
    FieldRule::at("/languages").empty_is_absent().reading(Reading::MayBeOmitted).clear(Clear::EmptyList),
    FieldRule::at("/is_template").empty_is_absent().reading(Reading::MayBeOmitted).clear(Clear::False),
    FieldRule::at("/disclosure_type").empty_is_absent().reading(Reading::MayBeOmitted),
    FieldRule::at("/verbal_disclosure").empty_is_absent().reading(Reading::MayBeOmitted),
    FieldRule::at("/visual_disclosure").empty_is_absent().reading(Reading::MayBeOmitted),
    FieldRule::at("/layers/transport").empty_is_absent().reading(Reading::MayBeOmitted),
    FieldRule::at("/layers/sts").empty_is_absent().reading(Reading::MayBeOmitted),
    FieldRule::at("/layers/capabilities").empty_is_absent().reading(Reading::MayBeOmitted),
    FieldRule::at("/layers/knowledge_base").empty_is_absent().reading(Reading::MayBeOmitted),
    FieldRule::at("/layers/llm/model")
        .empty_is_absent()
        .reading(Reading::MayBeOmitted)
        .because("new personas leave out what equals a default"),
    FieldRule::at("/layers/llm/speculative_inference")
        .empty_is_absent()
        .reading(Reading::MayBeOmitted)
        .because("new personas leave out what equals a default"),
    functions(FUNCTIONS[0]),
    functions(FUNCTIONS[1]),
    functions(FUNCTIONS[2]),
    functions(FUNCTIONS[3]),
    FieldRule::at("/layers/tts/tts_emotion_control")
        .empty_is_absent()
        .normal(word_as_boolean)
        .because("older personas hold the words `true` and `false`"),
    // An empty text overwrites a key whether it is there or not; a removal fails where none is shown, and none ever is.
    FieldRule::at("/layers/llm/api_key")
        .empty_is_absent()
        .reading(Reading::Never)
        .clear(Clear::Text(""))
        .because("how keys are read back is not documented"),
    FieldRule::at("/layers/tts/api_key")
        .empty_is_absent()
        .reading(Reading::Never)
        .clear(Clear::Text(""))
        .because("how keys are read back is not documented"),
    FieldRule::at(LLM_HEADERS).empty_is_absent().reading(Reading::Never).because("headers may hold secrets"),
    // Tavus refills the fields of this layer that have a default, and which those are it does not say; these two have none.
    FieldRule::at("/layers/conversational_flow/*").clear(Clear::Impossible(
        "Tavus refills this layer with its defaults; `conversational_flow: null` turns all of it off",
    )),
    FieldRule::at("/layers/conversational_flow/wake_phrase").empty_is_absent(),
    FieldRule::at("/layers/conversational_flow/sleep_phrase").empty_is_absent(),
    // Below an open map, empty values mean what the model's or the voice's maker says they mean.
    FieldRule::at("/layers/llm/extra_body/*"),
    FieldRule::at("/layers/llm/default_query/*"),
    FieldRule::at("/layers/tts/voice_settings/*"),
    FieldRule::at("/layers/transport/*").reading(Reading::MayBeOmitted),
    FieldRule::at("/layers/sts/*").reading(Reading::MayBeOmitted),
];

const fn functions(path: &'static str) -> FieldRule {
    FieldRule::at(path)
        .empty_is_absent()
        .normal(without_function_descriptions)
        .reading(Reading::Partly)
        .because("reads leave out the functions' descriptions")
}

/// A list of functions without the descriptions of the functions themselves; those of parameters stay.
fn without_function_descriptions(tools: &Value) -> Value {
    let mut tools = tools.clone();
    for tool in tools.as_array_mut().into_iter().flatten() {
        if let Some(function) = tool.get_mut("function").and_then(Value::as_object_mut) {
            function.remove("description");
        }
    }
    tools
}

/// Older personas hold the words `"true"` and `"false"`.
fn word_as_boolean(switch: &Value) -> Value {
    match switch.as_str() {
        Some("true") => Value::Bool(true),
        Some("false") => Value::Bool(false),
        Some(_) | None => switch.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::api;
    use super::super::spec::PATHS;
    use super::*;
    use crate::persona::name::Pointer;

    fn rule(path: &str) -> FieldRule {
        RULES.field(&Pointer::parse(path).expect("a pointer"))
    }

    #[test]
    fn every_rule_names_a_field_of_the_section() {
        for rule in FIELDS {
            let field = Pointer::parse(rule.path.trim_end_matches("/*")).expect("a pointer");
            assert!(
                field.is_root() || PATHS.contains(&field) || api::renamed().any(|renamed| renamed == field),
                "{}",
                rule.path
            );
        }
    }

    #[test]
    fn secrets_are_never_read() {
        for path in WRITE_ONLY {
            assert_eq!(rule(path).reading, Reading::Never, "{path}");
        }
        assert_eq!(rule("/layers/llm/headers/Authorization").reading, Reading::Never);
        assert_eq!(rule("/layers/llm/base_url").reading, Reading::Always);
    }

    #[test]
    fn only_fields_of_the_model_that_have_a_default_may_be_omitted() {
        assert_eq!(rule("/layers/llm/model").reading, Reading::MayBeOmitted);
        assert_eq!(rule("/layers/llm/tools").reading, Reading::Partly);
        assert_eq!(rule("/layers/llm/extra_body/temperature").reading, Reading::Always);
        assert_eq!(rule("/layers/tts/tts_engine").reading, Reading::Always);
    }

    #[test]
    fn empty_legacy_members_are_absent_but_not_those_of_open_maps() {
        assert!(rule("/layers/llm/default_query").empty_is_absent);
        assert!(rule("/guardrails_id").empty_is_absent);
        assert!(!rule("/layers/llm/extra_body/stop").empty_is_absent);
    }

    #[test]
    fn tools_are_compared_without_the_functions_descriptions() {
        let normal = rule(FUNCTIONS[0]).normal.expect("a normal form");
        let written = json!([{"type": "function", "function": {
            "name": "f", "description": "does f", "parameters": {"properties": {"x": {"description": "an x"}}},
        }}]);
        let read = json!([{"function": {
            "parameters": {"properties": {"x": {"description": "an x"}}}, "name": "f",
        }, "type": "function"}]);
        assert_eq!(normal(&written), normal(&read));
        assert_eq!(normal(&read), read);
    }

    #[test]
    fn functions_of_every_layer_are_read_without_their_descriptions() {
        for path in FUNCTIONS {
            assert_eq!(rule(path).reading, Reading::Partly, "{path}");
        }
    }

    #[test]
    fn fields_of_the_flow_that_tavus_refills_cannot_be_cleared_one_by_one() {
        assert!(matches!(rule("/layers/conversational_flow/idle_engagement").clear, Clear::Impossible(_)));
        assert!(!rule("/layers/conversational_flow/idle_engagement").empty_is_absent, "an empty text would be refilled");
        assert_eq!(rule("/layers/conversational_flow/wake_phrase").clear, Clear::Remove);
        assert_eq!(rule("/layers/conversational_flow").clear, Clear::Remove);
    }

    #[test]
    fn a_switch_that_is_a_word_is_the_same_switch() {
        let normal = rule("/layers/tts/tts_emotion_control").normal.expect("a normal form");
        assert_eq!(normal(&json!("true")), json!(true));
        assert_eq!(normal(&json!(false)), json!(false));
    }

    #[test]
    fn a_persona_keeps_its_name_and_its_prompt() {
        assert!(matches!(rule("/persona_name").clear, Clear::Impossible(_)));
        assert!(matches!(rule("/system_prompt").clear, Clear::Impossible(_)));
        assert_eq!(rule("/pipeline_mode").clear.value(), Some(json!("full")));
    }
}
