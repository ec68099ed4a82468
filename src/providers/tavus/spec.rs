//! The typed target section of a Tavus persona: every field that can be written, spelled as in the API, each with what a
//! writer should know. What the fields mean to a plan stands in `rules`; nothing here sends or compares.
//!
//! Closed where the contract is closed, open maps where it is open. Names and ranges that the vendor keeps moving are plain
//! strings and numbers with `x-known` or `x-range`, which only warn.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::persona::name::Pointer;
use crate::providers::field::Field;

/// A list of texts, any of which may be a secret.
type Texts = Vec<Field<String>>;

/// A map of texts, any of which may be cleared or a secret.
type TextMap = BTreeMap<String, Field<String>>;

/// An object whose members are the vendor's, or another vendor's, business.
type Open = Map<String, Value>;

/// Makes every member a [`Field`] that is left out where the file does not name it, and closes the struct.
macro_rules! closed {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$field_about:meta])* pub $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(inline)]
        pub struct $name {
            $($(#[$field_about])*
            #[serde(default, skip_serializing_if = "Field::is_absent")]
            pub $field: Field<$kind>,)*
        }
    };
}

closed! {
    /// A persona at Tavus, as in the body of its create call.
    pub struct Section {
        /// Display name, shown in the call. Default: the persona's `name`. Need not be unique.
        pub persona_name: String,
        /// What the language model is told. Default: the persona's `prompt`. Best below 5,000 tokens; hosted models take at
        /// most 32,000. Required unless `pipeline_mode` is `echo` or `speech-to-speech`, which have none.
        pub system_prompt: String,
        /// `full` (default): hear, think, speak. `echo`: only speak what is sent. `speech-to-speech` is undocumented.
        #[schemars(extend("x-known" = ["full", "echo", "speech-to-speech"]))]
        pub pipeline_mode: String,
        /// Withdrawn by Tavus on 12 February 2026 and refused here: write it into the prompt.
        #[schemars(extend("deprecated" = true))]
        pub context: String,
        /// Id (`r…`) of the replica, stock or own, that a conversation shows unless it names another.
        pub default_replica_id: String,
        /// Ids of the documents that it can look things up in. Order means nothing.
        #[schemars(with = "Option<Vec<String>>")]
        pub document_ids: Texts,
        /// Tags of such documents; each must be on at least one document. Order means nothing.
        #[schemars(with = "Option<Vec<String>>")]
        pub document_tags: Texts,
        /// Id (`o…`) of the one set of objectives that it follows.
        pub objectives_id: String,
        /// Id (`g…`) of a guardrail set, the form before May 2026; see `guardrail_ids`.
        pub guardrails_id: String,
        /// Ids of single guardrails. Order means nothing. Tavus drops an id when its guardrail is deleted.
        #[schemars(with = "Option<Vec<String>>")]
        pub guardrail_ids: Texts,
        /// Tags by which guardrails are attached. Order means nothing.
        #[schemars(with = "Option<Vec<String>>")]
        pub guardrail_tags: Texts,
        /// First words of every conversation. Not documented, but stored.
        pub greeting: String,
        /// Memories that it starts out with. Known from Tavus's own client only.
        #[schemars(with = "Option<Vec<String>>")]
        pub memories: Texts,
        /// Whether it is a template for others. Known from Tavus's own client only.
        pub is_template: bool,
        /// Ids (`t…`) of tools in the tools registry, at most 50. Order means nothing. They are attached and detached one by
        /// one; a persona does not show them.
        #[schemars(with = "Option<Vec<String>>", extend("maxItems" = 50))]
        pub tool_ids: Texts,
        /// Languages that it speaks. A newer field, moving.
        #[schemars(with = "Option<Vec<String>>")]
        pub languages: Texts,
        /// When it says that it is an AI. A newer field, moving.
        #[schemars(extend("x-known" = ["always", "auto", "off"]))]
        pub disclosure_type: String,
        /// The spoken disclosure. A newer field whose form is not documented.
        pub verbal_disclosure: Value,
        /// The shown disclosure. A newer field whose form is not documented.
        pub visual_disclosure: Value,
        /// Settings of the stages of the pipeline.
        pub layers: Layers,
    }
}

closed! {
    /// The stages of the pipeline.
    pub struct Layers {
        /// The language model.
        pub llm: Llm,
        /// The voice.
        pub tts: Tts,
        /// Transcription of what the participant says.
        pub stt: Stt,
        /// What it sees, and hears besides words.
        pub perception: Perception,
        /// Turn taking. Off as a whole until one field is set; then Tavus fills all others with its defaults.
        pub conversational_flow: ConversationalFlow,
        /// Where media flows, for `echo` (`transport_type: livekit`). Open.
        pub transport: Open,
        /// Speech to speech. Open.
        pub sts: Open,
        /// Switches such as `mcp_enabled` and `search_enabled`. Open, known from Tavus's own client only.
        pub capabilities: Open,
        /// How documents are searched, such as `rag_n_chunks` and `rag_score_threshold`. Open, known from Tavus's own client
        /// only.
        pub knowledge_base: Open,
        /// Joining meetings. Takes effect at once, needs `default_replica_id`, and is always sent in a request of its own.
        pub conferencing: Conferencing,
    }
}

closed! {
    /// The language model.
    pub struct Llm {
        /// Model name. Default: Tavus's choice, which changes over time; a persona need not show it then. With `base_url`, the
        /// name at that endpoint.
        #[schemars(extend("x-known" = [
            "tavus-gemma-4", "tavus-glm-4.7", "tavus-gpt-oss", "tavus-gemini-2.5-flash", "tavus-gemini-3-flash",
            "tavus-claude-haiku-4.5", "tavus-gpt-5.2", "tavus-gpt-4.1", "tavus-gpt-4o", "tavus-gpt-4o-mini",
        ], "x-known-unless" = "base_url"))]
        pub model: String,
        /// Your own endpoint that speaks OpenAI's protocol, without `/chat/completions`. Wants `model` and `api_key` too.
        pub base_url: String,
        /// Key of that endpoint. A secret; never read back.
        #[schemars(extend("x-secret" = true))]
        pub api_key: String,
        /// Whether thinking begins before the participant has finished. Default: true.
        pub speculative_inference: bool,
        /// Functions in OpenAI's form, `{type: function, function: {name, description, parameters}}`. Deprecated in favour of
        /// `tool_ids`. Reads leave out the functions' descriptions.
        #[schemars(extend("deprecated" = true))]
        pub tools: Vec<Open>,
        /// Headers sent to your own endpoint. May hold secrets; never read back, so always sent as a whole.
        pub headers: TextMap,
        /// Members added to every request to the model. Hosted models know `temperature` (0.0 to 2.0) and `top_p` (0.0 to
        /// 1.0); your own endpoint may take anything.
        #[schemars(extend("properties" = {
            "temperature": {"description": "Randomness, 0.0 to 2.0 for hosted models.", "x-range": [0.0, 2.0]},
            "top_p": {"description": "Nucleus sampling, 0.0 to 1.0 for hosted models.", "x-range": [0.0, 1.0]},
        }))]
        pub extra_body: Open,
        /// Query parameters added to every request to your own endpoint.
        pub default_query: Open,
    }
}

closed! {
    /// The voice.
    pub struct Tts {
        /// Voice engine. Default while the whole layer is absent: `cartesia`.
        #[schemars(extend("x-known" = ["cartesia", "elevenlabs", "azure"]))]
        pub tts_engine: String,
        /// Your key at the engine, for private voices. A secret; never read back. With ElevenLabs and a dictionary it needs
        /// the scope `pronunciation_dictionaries_write`.
        #[schemars(extend("x-secret" = true))]
        pub api_key: String,
        /// Id of the voice at the engine.
        pub external_voice_id: String,
        /// The engine's model, such as `sonic-3` (default) or `eleven_turbo_v2_5`. Moving.
        pub tts_model_name: String,
        /// Whether Tavus prompts for emotions in the voice. Default: true.
        pub tts_emotion_control: bool,
        /// The engine's own settings. ElevenLabs: `speed` 0.7 to 1.2, `stability`, `similarity_boost` and `style` 0.0 to 1.0,
        /// `use_speaker_boost`. Cartesia: `speed` (number or word), `emotion` (list).
        pub voice_settings: Open,
        /// Id (`pd_…`) of a pronunciation dictionary. Tavus nulls it when the dictionary is deleted.
        pub pronunciation_dictionary_id: String,
        /// Left over from PlayHT, removed on 8 January 2026.
        #[schemars(extend("deprecated" = true))]
        pub playht_user_id: String,
    }
}

closed! {
    /// Transcription.
    pub struct Stt {
        /// Engine. Default: `tavus-auto`, chosen by language.
        #[schemars(extend("x-known" = [
            "tavus-auto", "tavus-parakeet", "tavus-soniox", "tavus-whisper", "tavus-deepgram-medical", "tavus-advanced",
        ]))]
        pub stt_engine: String,
        /// One text (not a list) with names and rare words that it should recognise.
        pub hotwords: String,
        /// Moved to `conversational_flow`; still on old personas.
        #[schemars(extend("deprecated" = true, "x-known" = ["low", "medium", "high"]))]
        pub participant_pause_sensitivity: String,
        /// Moved to `conversational_flow`; still on old personas.
        #[schemars(extend("deprecated" = true, "x-known" = ["low", "medium", "high"]))]
        pub participant_interrupt_sensitivity: String,
        /// Moved to `conversational_flow`; still on old personas.
        #[schemars(extend("deprecated" = true))]
        pub smart_turn_detection: bool,
    }
}

closed! {
    /// What it sees, and hears besides words.
    pub struct Perception {
        /// Model. Default: `raven-1`. `off` turns the layer off.
        #[schemars(extend("x-known" = ["raven-2", "raven-1", "raven-0", "off", "basic"]))]
        pub perception_model: String,
        /// Questions asked of the picture all the time.
        #[schemars(with = "Option<Vec<String>>")]
        pub visual_awareness_queries: Texts,
        /// Questions asked of the sound all the time; `raven-1` or later.
        #[schemars(with = "Option<Vec<String>>")]
        pub audio_awareness_queries: Texts,
        /// Questions answered once, at the end of the call.
        #[schemars(with = "Option<Vec<String>>")]
        pub perception_analysis_queries: Texts,
        /// When and how `visual_tools` are used.
        pub visual_tool_prompt: String,
        /// When and how `audio_tools` are used.
        pub audio_tool_prompt: String,
        /// Functions called for what is seen, in OpenAI's form. Deprecated in favour of `tool_ids`.
        #[schemars(extend("deprecated" = true))]
        pub visual_tools: Vec<Open>,
        /// Functions called for what is heard, in OpenAI's form. Deprecated in favour of `tool_ids`.
        #[schemars(extend("deprecated" = true))]
        pub audio_tools: Vec<Open>,
        /// Recognition of emotions. A newer field, moving.
        #[schemars(extend("x-known" = ["auto", "full", "limited"]))]
        pub emotion_recognition: String,
        /// Name of `visual_awareness_queries` before `raven-1`.
        #[schemars(with = "Option<Vec<String>>", extend("deprecated" = true))]
        pub ambient_awareness_queries: Texts,
        /// Name of `visual_tool_prompt` before `raven-1`.
        #[schemars(extend("deprecated" = true))]
        pub perception_tool_prompt: String,
        /// Name of `visual_tools` before `raven-1`.
        #[schemars(extend("deprecated" = true))]
        pub perception_tools: Vec<Open>,
        /// An older name of the tools' prompt.
        #[schemars(extend("deprecated" = true))]
        pub tool_prompt: String,
    }
}

closed! {
    /// Turn taking.
    pub struct ConversationalFlow {
        /// Model that hears when a turn ends. Default: Tavus's newest, which changes over time.
        #[schemars(extend("x-known" = ["sparrow-2", "sparrow-1", "sparrow-0", "time-based"]))]
        pub turn_detection_model: String,
        /// How long it waits before it speaks. Default: `medium`.
        #[schemars(extend("x-known" = ["low", "medium", "high"]))]
        pub turn_taking_patience: String,
        /// How firmly it keeps a turn that it has begun. Its values are not documented.
        pub turn_commitment: String,
        /// How easily it stops when it is interrupted. Default: `medium`.
        #[schemars(extend("x-known" = ["low", "medium", "high"]))]
        pub replica_interruptibility: String,
        /// Separation of the participant's voice from noise. Default: `near`.
        #[schemars(extend("x-known" = ["near", "far", "off"]))]
        pub voice_isolation: String,
        /// It stays silent until it hears this phrase.
        pub wake_phrase: String,
        /// It falls silent when it hears this phrase; wants a `wake_phrase`.
        pub sleep_phrase: String,
        /// How soon it breaks a silence. Default: `off`.
        #[schemars(extend("x-known" = ["off", "patient", "eager"]))]
        pub idle_engagement: String,
        /// What happens when the participant stays silent. A newer field, moving.
        #[schemars(extend("x-known" = ["wait", "end_conversation"]))]
        pub idle_end_behavior: String,
        /// Known from Tavus's own client only.
        pub active_listening: String,
        /// Known from Tavus's own client only.
        pub noise_cancellation: String,
    }
}

closed! {
    /// Joining meetings.
    pub struct Conferencing {
        /// Name in its e-mail address. Unique among all customers of Tavus.
        pub username: String,
        /// Who may invite it.
        #[schemars(with = "Option<Vec<String>>")]
        pub allowlist: Texts,
        /// Whether Tavus's name is hidden.
        pub whitelabel: bool,
    }
}

/// Every field of the section by pointer, parents before children. Members of open maps are not among them.
pub(super) static PATHS: LazyLock<Vec<Pointer>> = LazyLock::new(|| {
    fn walk(at: &Pointer, schema: &Schema, paths: &mut Vec<Pointer>) {
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        let Some(Value::Object(properties)) = schema.get("properties").filter(|_| closed) else { return };
        for (name, property) in properties {
            let path = at.child(name);
            paths.push(path.clone());
            if let Ok(property) = Schema::try_from(property.clone()) {
                walk(&path, &property, paths);
            }
        }
    }
    let mut paths = Vec::new();
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Section>();
    walk(&Pointer::root(), &schema, &mut paths);
    paths
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Section>().to_value()
    }

    fn valid(section: &Value) -> bool {
        jsonschema::validator_for(&schema()).expect("the schema compiles").is_valid(section)
    }

    fn undescribed(at: &Pointer, schema: &Value, found: &mut Vec<String>) {
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let path = at.child(name);
            if !property.get("description").is_some_and(Value::is_string) {
                found.push(path.to_string());
            }
            undescribed(&path, property, found);
        }
    }

    #[test]
    fn every_field_is_described() {
        let mut found = Vec::new();
        undescribed(&Pointer::root(), &schema(), &mut found);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn the_schema_refers_to_nothing_outside_itself() {
        assert!(!schema().to_string().contains("$ref"));
    }

    #[test]
    fn a_misspelled_field_is_refused_and_an_open_map_takes_any() {
        assert!(!valid(&json!({"persona_nam": "Ada"})));
        assert!(!valid(&json!({"layers": {"llm": {"modle": "m"}}})));
        assert!(!valid(&json!({"layers": {"document_ids": ["d1"]}})));
        assert!(valid(&json!({"layers": {"llm": {"extra_body": {"anything": [1]}}, "transport": {"a": {"b": 1}}}})));
    }

    #[test]
    fn every_field_may_be_null_and_nothing_is_required() {
        assert!(valid(&json!({})));
        for path in PATHS.iter() {
            let mut section = Map::new();
            crate::plan::value::set(&mut section, path, Value::Null);
            assert!(valid(&Value::Object(section.clone())), "{path}");
            let typed: Section = serde_json::from_value(Value::Object(section.clone())).expect("a section");
            assert_eq!(serde_json::to_value(typed).expect("JSON"), Value::Object(section), "{path}");
        }
    }

    #[test]
    fn hotwords_are_a_text_and_queries_a_list() {
        assert!(!valid(&json!({"layers": {"stt": {"hotwords": ["Ada"]}}})));
        assert!(!valid(&json!({"layers": {"perception": {"visual_awareness_queries": "Who?"}}})));
        assert!(!valid(&json!({"document_ids": [null]})));
    }

    #[test]
    fn moving_names_are_known_but_not_enforced() {
        assert!(valid(&json!({"layers": {"llm": {"model": "tavus-of-tomorrow"}}})));
        let known = schema().pointer("/properties/layers/properties/llm/properties/model/x-known").cloned();
        assert!(known.is_some_and(|known| known.as_array().is_some_and(|known| known.contains(&json!("tavus-gpt-oss")))));
    }

    #[test]
    fn a_section_keeps_secrets_numbers_and_nulls_as_written() {
        let section = json!({
            "memories": ["one", {"$env": "MEMORY"}],
            "layers": {
                "llm": {
                    "api_key": {"$env": "KEY", "digest": "d"},
                    "headers": {"Authorization": {"$env": "TOKEN"}, "X-Old": null},
                    "extra_body": {"temperature": 1, "top_p": 1.0},
                },
                "tts": {"voice_settings": {"speed": "normal"}},
                "stt": null,
            },
        });
        let typed: Section = serde_json::from_value(section.clone()).expect("a section");
        assert_eq!(serde_json::to_value(typed).expect("JSON").to_string(), section.to_string());
    }

    #[test]
    fn paths_name_every_layer_field_and_stop_at_open_maps() {
        let paths: Vec<String> = PATHS.iter().map(ToString::to_string).collect();
        assert!(paths.contains(&"/layers/conversational_flow/wake_phrase".to_owned()));
        assert!(paths.contains(&"/layers/llm/extra_body".to_owned()));
        assert!(!paths.contains(&"/layers/llm/extra_body/temperature".to_owned()));
    }
}
