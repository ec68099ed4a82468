//! The read shape: nested where the write shape is flat. Nothing is decided here.

use serde_json::{Map, Value, json};

use super::catalogue;
use super::schema::NO_LLM;
use super::switches::{NoLlm, Switches, ToolId, Unset};

/// The full shape. `signature` makes the expiring links differ from read to read.
pub(super) fn full(persona: &Map<String, Value>, signature: u64, switches: &Switches) -> Value {
    let get = |key: &str| persona.get(key).cloned().unwrap_or_default();
    let flag = |key: &str| persona.get(key).cloned().unwrap_or(json!(false));
    let llm = match persona.get("llmId") {
        Some(id) if id == NO_LLM && switches.no_llm == NoLlm::Null => Value::Null,
        _ => get("llmId"),
    };
    let mut shape = json!({
        "id": get("id"), "name": get("name"), "description": get("description"), "personaPreset": "",
        "avatar": avatar(persona, signature), "avatarModel": get("avatarModel"), "voice": voice(persona),
        "voiceSpeed": 1, "llmId": llm, "brain": { "personality": null, "systemPrompt": get("systemPrompt") },
        "tools": tools(persona, switches), "knowledge": [], "shareLinks": null, "primaryShareLink": null,
        "enableAudioPassthrough": flag("enableAudioPassthrough"), "skipGreeting": flag("skipGreeting"),
        "zeroDataRetention": flag("zeroDataRetention"), "voiceDetectionOptions": get("voiceDetectionOptions"),
        "voiceGenerationOptions": get("voiceGenerationOptions"),
        "widgetConfig": persona.get("widgetConfig").cloned().unwrap_or(json!({})),
        "createdAt": get("createdAt"), "updatedAt": get("updatedAt"),
    });
    if switches.unset == Unset::Empty {
        for (field, empty) in
            [("description", json!("")), ("voiceDetectionOptions", json!({})), ("voiceGenerationOptions", json!({}))]
        {
            if shape[field].is_null() {
                shape[field] = empty;
            }
        }
    }
    if switches.undocumented_reads {
        shape["initialMessage"] = get("initialMessage");
        shape["uninterruptibleGreeting"] = flag("uninterruptibleGreeting");
        shape["languageCode"] = language(persona);
        shape["directorNotes"] = Value::Null;
        shape["publishedAt"] = get("updatedAt");
        shape["isDefaultPersona"] = flag("isDefaultPersona");
    }
    shape
}

/// The trimmed shape of lists.
pub(super) fn summary(persona: &Map<String, Value>, signature: u64) -> Value {
    let get = |key: &str| persona.get(key).cloned().unwrap_or_default();
    json!({
        "id": get("id"), "name": get("name"),
        "description": persona.get("description").filter(|text| text.is_string()).cloned().unwrap_or(json!("")),
        "personaPreset": "", "avatar": avatar(persona, signature), "voice": voice(persona), "voiceSpeed": 1,
        "isDefaultPersona": persona.get("isDefaultPersona").cloned().unwrap_or(json!(false)),
        "languageCode": language(persona), "createdAt": get("createdAt"), "updatedAt": get("updatedAt"),
    })
}

fn language(persona: &Map<String, Value>) -> Value {
    persona.get("languageCode").filter(|code| code.is_string()).cloned().unwrap_or(json!("inherit"))
}

fn avatar(persona: &Map<String, Value>, signature: u64) -> Value {
    let Some(id) = persona.get("avatarId").and_then(Value::as_str) else { return Value::Null };
    let (name, variant) = catalogue::avatar_names(id);
    let models = catalogue::models(id);
    let link = |file: &str| format!("https://avatars.example/{id}/{file}.mp4?X-Amz-Signature={signature:016x}");
    json!({
        "id": id, "displayName": name, "variantName": variant, "imageUrl": format!("https://avatars.example/{id}.png"),
        "videoUrl": link("video"), "idleVideoUrl": link("idle"), "availableVersions": models,
        "activeVersion": models.last(), "createdByOrganizationId": null,
        "createdAt": "2025-01-01T00:00:00.000Z", "updatedAt": "2025-01-01T00:00:00.000Z",
    })
}

fn voice(persona: &Map<String, Value>) -> Value {
    let Some(id) = persona.get("voiceId").and_then(Value::as_str) else { return Value::Null };
    json!({
        "id": id, "displayName": "Voice", "provider": "ELEVENLABS", "isZdr": catalogue::retains_nothing(id),
        "createdByOrganizationId": null,
        "createdAt": "2025-01-01T00:00:00.000Z", "updatedAt": "2025-01-01T00:00:00.000Z",
    })
}

/// Tools as the engine sees them, by id: their order in the write is not kept.
fn tools(persona: &Map<String, Value>, switches: &Switches) -> Vec<Value> {
    let key = match switches.tool_id {
        ToolId::Underscored => "_toolId",
        ToolId::Plain => "id",
        ToolId::Named => "toolId",
        ToolId::Hidden => "hidden",
    };
    let ids = persona.get("toolIds").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let ids: std::collections::BTreeSet<&str> = ids.collect();
    ids.into_iter()
        .map(|id| {
            let mut tool = json!({ "name": format!("tool-{id}"), "type": "client", "awaitResult": false });
            if key != "hidden" {
                tool[key] = json!(id);
            }
            tool
        })
        .collect()
}
