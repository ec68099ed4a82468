//! The section of an Anam target: every field that the create and update calls take, and how it becomes a [`Resource`].
//! No request is made here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::NO_LLM;
use crate::persona::document::{Persona, Target};
use crate::persona::name::Pointer;
use crate::persona::problem::Problem;
use crate::plan::{Address, RemoteId, Resource};
use crate::providers::field::Field;

/// A persona at Anam, in the words of its API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Section {
    /// Name at Anam, if it is not the persona's. Names need not be unique there.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
    /// Description at Anam, if it is not the persona's. Changes nothing in what the persona does.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub description: Field<String>,
    /// Id of the avatar. Required. A new avatar may reset `avatarModel`, which is therefore sent along.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub avatar_id: Field<String>,
    /// Model that renders the avatar, which must support it. New models come and old ones go; `-latest` is by invitation.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-known" = ["cara-3", "cara-4", "cara-4-latest"]))]
    pub avatar_model: Field<String>,
    /// Id of the voice. Required. A new voice resets `voiceGenerationOptions`, which are therefore sent along.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub voice_id: Field<String>,
    /// Id of the LLM, or `CUSTOMER_CLIENT_V1` for none. Required.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub llm_id: Field<String>,
    /// Prompt at Anam, if it is not the persona's.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub system_prompt: Field<String>,
    /// Whether a session begins without a greeting.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub skip_greeting: Field<bool>,
    /// Whether users cannot interrupt the greeting.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub uninterruptible_greeting: Field<bool>,
    /// What the persona says first. Empty or null: it makes up a greeting of its own.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub initial_message: Field<String>,
    /// Whether nothing of a session is stored. Wants a voice and an LLM that can do this, and an enterprise plan.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub zero_data_retention: Field<bool>,
    /// When the persona takes the user's turn for finished.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub voice_detection_options: Field<VoiceDetectionOptions>,
    /// Language of the transcription as an ISO 639-1 code. Null: the organization's setting, which reads as `inherit`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub language_code: Field<String>,
    /// How the voice sounds. Which keys and ranges hold depends on the voice's provider and model.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub voice_generation_options: Field<VoiceGenerationOptions>,
    /// Ids of the tools at hand, in any order. The whole list is replaced.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(with = "Option<Vec<String>>")]
    pub tool_ids: Field<Vec<Field<String>>>,
    /// How the web widget looks and where it may be embedded. Updates are merged: a key, once set, cannot be removed.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub widget_config: Field<WidgetConfig>,
    /// Whether audio comes from the client instead of the service. Accepted and read back, though missing from the contract.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub enable_audio_passthrough: Field<bool>,
}

/// When the persona takes the user's turn for finished.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct VoiceDetectionOptions {
    /// How readily the end of speech is heard: 0 least, 1 most.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-range" = [0, 1]))]
    pub end_of_speech_sensitivity: Field<Number>,
    /// Seconds of silence before the user's turn is skipped; 0 never. The range was 2 to 30 until May 2026.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-range" = [0, 900]))]
    pub silence_before_skip_turn_seconds: Field<Number>,
    /// Seconds of silence before the session ends; 0 never.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-range" = [0, 7200]))]
    pub silence_before_session_end_seconds: Field<Number>,
    /// Seconds of silence before the user's turn ends.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-range" = [0.5, 10]))]
    pub silence_before_auto_end_turn_seconds: Field<Number>,
    /// How much the user's speech is cleaned of noise: 0 not at all, 1 most.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-range" = [0, 1]))]
    pub speech_enhancement_level: Field<Number>,
}

/// How the voice sounds: the keys of all voice providers, since nothing in the document says which one it is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct VoiceGenerationOptions {
    /// ElevenLabs: 0 varied, 1 steady.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-range" = [0, 1]))]
    pub stability: Field<Number>,
    /// ElevenLabs: closeness to the original speaker, 0 to 1.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-range" = [0, 1]))]
    pub similarity_boost: Field<Number>,
    /// Speed as a factor: ElevenLabs 0.7 to 1.2, Cartesia 0.6 to 1.5, Fish Audio 0.5 to 2.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-range" = [0.5, 2]))]
    pub speed: Field<Number>,
    /// ElevenLabs V2: exaggeration of the speaker's style, 0 to 1. More costs time.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-range" = [0, 1]))]
    pub style: Field<Number>,
    /// ElevenLabs V2: whether likeness to the original speaker is raised further.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub use_speaker_boost: Field<bool>,
    /// ElevenLabs V2: id of the model that speaks.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub model: Field<String>,
    /// Cartesia Sonic-3 and Fish Audio: loudness as a factor, 0.5 to 2.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-range" = [0.5, 2]))]
    pub volume: Field<Number>,
    /// Cartesia Sonic-3: tone of the voice.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-known" = ["neutral", "calm", "angry", "content", "sad", "scared"]))]
    pub emotion: Field<String>,
}

/// How the web widget looks and where it may be embedded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct WidgetConfig {
    /// Text that invites to a conversation.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub call_to_action: Field<String>,
    /// Origins that may embed the widget, in any order. A bare domain becomes an https origin.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(with = "Option<Vec<String>>")]
    pub allowed_origins: Field<Vec<Field<String>>>,
    /// Whether every origin may embed the widget; `allowedOrigins` then means nothing.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub allow_everywhere: Field<bool>,
    /// Place in the host page: `inline` or `floating`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-known" = ["inline", "floating"]))]
    pub layout: Field<String>,
    /// How a floating widget begins: `minimized` or `expanded`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    #[schemars(extend("x-known" = ["minimized", "expanded"]))]
    pub initial_state: Field<String>,
    /// Corner of the screen for a floating widget, as in `bottom-right`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub position: Field<String>,
    /// Whether users may type as well.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub show_text_input: Field<bool>,
    /// Whether there is a mute button.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub show_mute_button: Field<bool>,
    /// Whether a transcript can be opened during a call. True by default.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub show_transcript: Field<bool>,
}

/// Turns a target into what is wanted of one persona: shared fields go where Anam keeps them, the target's own win.
///
/// # Errors
/// A missing or emptied `name`, `avatarId`, `voiceId` or `llmId`: the service would put a default of its own there, and those
/// defaults change. All of them are reported.
pub(super) fn compile(address: &Address, persona: &Persona, target: &Target) -> Result<Resource, Vec<Problem>> {
    let mut section = Section::deserialize(&target.fields).map_err(|error| invalid(target, &error))?;
    section.name = section.name.or(shared(persona.shared.name.as_ref()));
    section.description = section.description.or(shared(persona.shared.description.as_ref()));
    section.system_prompt = section.system_prompt.or(shared(persona.shared.prompt.as_ref()));

    let no_llm = format!("write `llmId: {NO_LLM}` for a persona without LLM");
    let problems: Vec<Problem> = [
        ("name", &section.name, "write `name` at the top of the file, or here for Anam alone"),
        ("avatarId", &section.avatar_id, "write the id of an avatar of the account"),
        ("voiceId", &section.voice_id, "write the id of a voice of the account"),
        ("llmId", &section.llm_id, no_llm.as_str()),
    ]
    .into_iter()
    .filter_map(|(field, value, help)| required(target, field, value, help))
    .collect();
    let problems: Vec<Problem> = problems.into_iter().chain(secret_origin(target, &section)).collect();
    if !problems.is_empty() {
        return Err(problems);
    }

    let name = match &section.name {
        Field::Value(name) => name.clone(),
        Field::Absent | Field::Null | Field::Secret(_) => String::new(),
    };
    Ok(Resource {
        address: address.clone(),
        name,
        fields: fields(&section).map_err(|error| invalid(target, &error))?.into(),
        bind: target.settings.id.as_ref().map(RemoteId::new),
        release: true,
        ignore: target.settings.ignore_changes.clone(),
        prevent_destroy: target.settings.prevent_destroy,
        force_destroy: target.settings.force_destroy,
        manage: target.settings.manage,
    })
}

/// A bare domain is rewritten by the service, which cannot be foreseen of one that nobody may see: it would never settle.
fn secret_origin(target: &Target, section: &Section) -> Option<Problem> {
    let Field::Value(widget) = &section.widget_config else { return None };
    let Field::Value(origins) = &widget.allowed_origins else { return None };
    let index = origins.iter().position(|origin| matches!(origin, Field::Secret(_)))?;
    let place = target.places.of(&Pointer::new(["widgetConfig".to_owned(), "allowedOrigins".to_owned(), index.to_string()]));
    let problem = Problem::error("secret-origin", place, "an origin is shown to every visitor and cannot be a secret");
    Some(problem.with_help("write the origin itself"))
}

fn shared(value: Option<&Value>) -> Field<String> {
    match value {
        None => Field::Absent,
        Some(Value::Null) => Field::Null,
        Some(Value::String(text)) => Field::Value(text.clone()),
        Some(other) => Field::Secret(other.clone()),
    }
}

fn required(target: &Target, field: &'static str, value: &Field<String>, help: &str) -> Option<Problem> {
    let place = || target.places.of(&Pointer::new([field]));
    let problem = match value {
        Field::Absent => Problem::error("missing-field", target.places.section.clone(), format!("`{field}` is missing")),
        Field::Null => Problem::error("not-clearable", place(), format!("`{field}` cannot be cleared")),
        Field::Value(text) if text.is_empty() => Problem::error("empty-field", place(), format!("`{field}` is empty")),
        Field::Value(_) | Field::Secret(_) => return None,
    };
    Some(problem.with_help(help))
}

fn fields(section: &Section) -> Result<Map<String, Value>, serde_json::Error> {
    match serde_json::to_value(section)? {
        Value::Object(fields) => Ok(fields),
        other => serde_json::from_value(other),
    }
}

fn invalid(target: &Target, error: &serde_json::Error) -> Vec<Problem> {
    vec![Problem::error("invalid-section", target.places.section.clone(), format!("not a section for Anam: {error}"))]
}
