//! The stored persona: what the service refuses, what it makes of what was written, and what it shows. No routes here.

use json_patch::PatchOperation;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::switches::{Atomicity, Context, Descriptions, Secrets, Switches, UnknownFields};

/// Fields that belong to the service; what is written to them has no effect.
pub(super) const SERVER_OWNED: [&str; 3] = ["persona_id", "created_at", "updated_at"];

const STRINGS: [&str; 10] = [
    "persona_name",
    "system_prompt",
    "pipeline_mode",
    "context",
    "default_replica_id",
    "objectives_id",
    "guardrails_id",
    "greeting",
    "disclosure_type",
    "verbal_disclosure",
];

const LISTS: [&str; 7] =
    ["document_ids", "document_tags", "guardrail_ids", "guardrail_tags", "memories", "tool_ids", "languages"];

const OTHERS: [&str; 3] = ["is_template", "visual_disclosure", "layers"];

const LAYERS: [&str; 9] =
    ["llm", "tts", "stt", "perception", "conversational_flow", "transport", "sts", "capabilities", "knowledge_base"];

const LLM_FIELDS: [&str; 13] = [
    "model",
    "base_url",
    "api_key",
    "speculative_inference",
    "tools",
    "headers",
    "extra_body",
    "default_query",
    "disable_vision",
    "enable_llm_proxy",
    "model_name",
    "is_custom",
    "endpoint",
];

/// Where inline tools stand, those of the language model first.
const TOOL_LISTS: [&str; 4] = [
    "/layers/llm/tools",
    "/layers/perception/visual_tools",
    "/layers/perception/audio_tools",
    "/layers/perception/perception_tools",
];

/// Joining meetings, which has requests of its own.
const CONFERENCING: &str = "/layers/conferencing";

/// Whether an operation is about joining meetings.
pub(super) fn is_conferencing(operation: &PatchOperation) -> bool {
    let path = operation.path().as_str();
    path.strip_prefix(CONFERENCING).is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// Where keys stand.
const SECRETS: [&str; 2] = ["/layers/llm", "/layers/tts"];

const MASK: &str = "********";

/// Marks a key that is stored as its digest.
const SEALED: &str = "sha256:";

/// Why a write is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// 400 with these words.
    Invalid(String),
    /// The service breaks: 500.
    Broken,
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::Invalid(message.into())
}

/// Refuses what the service refuses. `before` is the stored object that a patch started from.
pub(super) fn check(before: Option<&Value>, after: &Value, switches: &Switches) -> Result<(), Fault> {
    let Value::Object(fields) = after else { return Err(invalid("The persona must be an object")) };
    for (name, value) in fields {
        let name = name.as_str();
        if STRINGS.contains(&name) && !(value.is_string() || value.is_null()) {
            return Err(invalid(format!("{name} must be a string")));
        }
        if LISTS.contains(&name) && !(value.is_array() || value.is_null()) {
            return Err(invalid(format!("{name} must be an array")));
        }
    }
    check_unknown(before, after, switches)?;
    let replica = text(after, "/default_replica_id");
    if !replica.is_empty() && !replica.starts_with('r') {
        return Err(invalid("Invalid replica_uuid"));
    }
    if written(before, after, "/system_prompt") || written(before, after, "/pipeline_mode") {
        check_mode(before, after, switches)?;
    }
    if written(before, after, CONFERENCING)
        && after.pointer(CONFERENCING).is_some_and(|set| !set.is_null())
        && replica.is_empty()
    {
        return Err(invalid("conferencing needs a default replica"));
    }
    // A custom LLM was named by its address; its key is not carried over when the whole node is written anew.
    let keyless =
        |persona: &Value| !text(persona, "/layers/llm/base_url").is_empty() && text(persona, "/layers/llm/api_key").is_empty();
    if keyless(after) && !before.is_some_and(keyless) {
        return Err(invalid("api_key is required for a custom LLM"));
    }
    Ok(())
}

fn check_unknown(before: Option<&Value>, after: &Value, switches: &Switches) -> Result<(), Fault> {
    if let Some(layers) = after.get("layers")
        && !(layers.is_object() || layers.is_null())
    {
        return Err(invalid("layers must be an object"));
    }
    if let Some(before) = before
        && let Some(Value::Object(llm)) = after.pointer("/layers/llm")
        && llm.keys().any(|key| {
            !LLM_FIELDS.contains(&key.as_str()) && before.pointer("/layers/llm").is_none_or(|old| old.get(key).is_none())
        })
    {
        return Err(Fault::Broken);
    }
    if switches.unknown_fields == UnknownFields::Refused
        && let Some(name) = unknown_fields(after).into_iter().next()
    {
        return Err(invalid(format!("Unknown field {name}")));
    }
    Ok(())
}

/// Pointers to the fields that the service does not know: at the top, among the layers, and in the LLM layer.
fn unknown_fields(persona: &Value) -> Vec<String> {
    let strangers = |parent: &str, known: &dyn Fn(&str) -> bool| -> Vec<String> {
        let fields = persona.pointer(parent).and_then(Value::as_object);
        let names = fields.into_iter().flat_map(Map::keys).filter(|name| !known(name));
        names.map(|name| format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))).collect()
    };
    let at_top = |name: &str| [&STRINGS[..], &LISTS, &OTHERS, &SERVER_OWNED].iter().any(|names| names.contains(&name));
    let mut unknown = strangers("", &at_top);
    unknown.extend(strangers("/layers", &|name| LAYERS.contains(&name) || name == "conferencing"));
    unknown.extend(strangers("/layers/llm", &|name| LLM_FIELDS.contains(&name)));
    unknown
}

fn check_mode(before: Option<&Value>, after: &Value, switches: &Switches) -> Result<(), Fault> {
    let mode = |persona: &Value| match text(persona, "/pipeline_mode") {
        "" => "full".to_owned(),
        mode => mode.to_owned(),
    };
    let (prompt, now) = (text(after, "/system_prompt"), mode(after));
    if !["full", "echo", "speech-to-speech"].contains(&now.as_str()) {
        return Err(invalid("Invalid pipeline_mode"));
    }
    if now == "full" && prompt.is_empty() {
        return Err(invalid("system_prompt is required"));
    }
    if now != "full" && !prompt.is_empty() && !switches.prompt_without_llm {
        return Err(invalid(format!("system_prompt is not allowed when pipeline_mode is {now}")));
    }
    if !switches.pipeline_mode_mutable && before.is_some_and(|before| mode(before) != now) {
        return Err(invalid("pipeline_mode cannot be changed"));
    }
    Ok(())
}

/// Turns what was written into what the service stores. What a patch did not touch stays as it was, however old its form.
pub(super) fn settle(before: Option<&Value>, persona: &mut Value, switches: &Switches) {
    if switches.unknown_fields == UnknownFields::Ignored {
        for pointer in
            unknown_fields(persona).into_iter().filter(|pointer| written(before, persona, pointer)).collect::<Vec<_>>()
        {
            remove(persona, &pointer);
        }
    }
    if switches.context == Context::Folded && written(before, persona, "/context") {
        fold_context(persona);
    }
    let tool_lists: Vec<&str> = TOOL_LISTS.into_iter().filter(|list| written(before, persona, list)).collect();
    if tool_lists.iter().any(|list| !persona.pointer(list).is_none_or(valid_tools)) {
        // The write is accepted, and with the bad tool the whole of the layers goes.
        remove(persona, "/layers");
    }
    let loses = |list: &str| match switches.descriptions {
        Descriptions::LostForTheModel => list == TOOL_LISTS[0],
        Descriptions::Lost => true,
        Descriptions::Kept => false,
    };
    for list in tool_lists.into_iter().filter(|list| loses(list)) {
        for tool in persona.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            remove(tool, "/function/description");
        }
    }
    if written(before, persona, "/layers/conversational_flow") {
        fill_flow(persona);
    }
    if switches.llm_defaults_omitted {
        for (field, default) in [("model", json!(switches.default_model)), ("speculative_inference", json!(true))] {
            let pointer = format!("/layers/llm/{field}");
            if persona.pointer(&pointer) == Some(&default) && written(before, persona, &pointer) {
                remove(persona, &pointer);
            }
        }
    }
    if switches.secrets != Secrets::Plain {
        seal(persona);
    }
}

/// Whether this write gave the field another value than the stored object has.
fn written(before: Option<&Value>, persona: &Value, pointer: &str) -> bool {
    before.is_none_or(|before| before.pointer(pointer) != persona.pointer(pointer))
}

fn fold_context(persona: &mut Value) {
    let context = text(persona, "/context").to_owned();
    remove(persona, "/context");
    if !context.is_empty() {
        let prompt = text(persona, "/system_prompt");
        persona["system_prompt"] = json!(if prompt.is_empty() { context } else { format!("{prompt}\n\n{context}") });
    }
}

fn valid_tools(tools: &Value) -> bool {
    let valid_name = |name: &str| {
        let mut characters = name.chars();
        characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && name.len() <= 64
            && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
    };
    let valid = |tool: &Value| {
        tool["type"] == "function"
            && tool["function"]["name"].as_str().is_some_and(valid_name)
            && tool["function"].get("parameters").is_none_or(Value::is_object)
    };
    tools.is_null() || tools.as_array().is_some_and(|tools| tools.iter().all(valid))
}

/// One field of the layer set, and the others are there as well.
fn fill_flow(persona: &mut Value) {
    let flow = persona.pointer_mut("/layers/conversational_flow").and_then(Value::as_object_mut);
    let Some(flow) = flow.filter(|flow| !flow.is_empty()) else { return };
    for (field, default) in [
        ("turn_detection_model", "sparrow-1"),
        ("turn_taking_patience", "medium"),
        ("replica_interruptibility", "medium"),
        ("voice_isolation", "near"),
        ("idle_engagement", "off"),
    ] {
        flow.entry(field).or_insert_with(|| json!(default));
    }
}

/// The miniature's folder is no place for keys: a digest tells as well whether one has changed.
fn seal(persona: &mut Value) {
    for layer in SECRETS {
        if let Some(Value::String(key)) = persona.pointer_mut(&format!("{layer}/api_key"))
            && !key.is_empty()
            && !key.starts_with(SEALED)
        {
            let hash = digest(&SHA256, key.as_bytes());
            *key = hash.as_ref().iter().fold(SEALED.to_owned(), |text, byte| format!("{text}{byte:02x}"));
        }
    }
}

/// The object as reads and lists show it.
pub(super) fn shown(persona: &Value, switches: &Switches) -> Value {
    let mut persona = persona.clone();
    if !switches.tool_ids_shown {
        remove(&mut persona, "/tool_ids");
    }
    for layer in SECRETS {
        let pointer = format!("{layer}/api_key");
        if text(&persona, &pointer).is_empty() {
            continue;
        }
        match switches.secrets {
            Secrets::Plain => {}
            Secrets::Omitted => remove(&mut persona, &pointer),
            Secrets::Masked => persona.pointer_mut(&pointer).into_iter().for_each(|key| *key = json!(MASK)),
        }
    }
    persona
}

/// Why a patch leaves no object, or only part of what it asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inapplicable;

/// Runs operations on a copy. A failure comes with what is kept nevertheless.
pub(super) fn patched(
    persona: &Value,
    operations: &[PatchOperation],
    switches: &Switches,
) -> (Value, Result<(), Inapplicable>) {
    let mut after = persona.clone();
    let mut outcome = Ok(());
    for operation in operations {
        if matches!(operation, PatchOperation::Test(_)) && !switches.test_guards {
            continue;
        }
        if json_patch::patch(&mut after, std::slice::from_ref(operation)).is_err() {
            outcome = Err(Inapplicable);
            break;
        }
    }
    if outcome.is_err() && switches.atomicity == Atomicity::Whole {
        return (persona.clone(), outcome);
    }
    for field in SERVER_OWNED {
        match persona.get(field) {
            Some(value) => after[field] = value.clone(),
            None => remove(&mut after, &format!("/{field}")),
        }
    }
    (after, outcome)
}

/// The empty and outdated keys that old personas carry.
pub(super) fn age(persona: &mut Value) {
    for (layer, field, value) in [
        ("llm", "base_url", json!("")),
        ("llm", "api_key", json!("")),
        ("llm", "headers", json!({})),
        ("llm", "default_query", json!({})),
        ("tts", "playht_user_id", json!("")),
        ("stt", "smart_turn_detection", json!(false)),
        ("perception", "perception_tools", json!([])),
    ] {
        if !persona["layers"][layer].is_object() {
            persona["layers"][layer] = json!({});
        }
        if persona["layers"][layer].get(field).is_none() {
            persona["layers"][layer][field] = value;
        }
    }
}

fn text<'a>(persona: &'a Value, pointer: &str) -> &'a str {
    persona.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn remove(persona: &mut Value, pointer: &str) {
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Value::Object(fields)) = persona.pointer_mut(parent)
    {
        fields.remove(&name.replace("~1", "/").replace("~0", "~"));
    }
}
