//! What the miniature lists besides personas: stock voices, avatars with variants, LLMs and tools, some with the same name.

use serde_json::{Value, json};

use super::catalogue::{
    AVATAR_BOTH, AVATAR_CARA_3_ONLY, AVATAR_CARA_4_ONLY, DEFAULT_LLM, LLM_THAT_RETAINS, VOICE_THAT_RETAINS,
};
use crate::sandbox::{Incoming, Outgoing};

/// One page of a list; none where there is no such list.
pub(super) fn listed(shelf: &str, request: &Incoming) -> Option<Result<Outgoing, Outgoing>> {
    let (items, name) = match shelf {
        "voices" => (voices(), "displayName"),
        "avatars" => (avatars(), "displayName"),
        "llms" => (llms(request.parameter("includeDefaults") == Some("true")), "displayName"),
        "tools" => (tools(), "name"),
        _ => return None,
    };
    let (page, per_page) = (request.number("page", 1), request.number("perPage", 10));
    if page < 1 || !(1..=100).contains(&per_page) {
        return Some(Err(Outgoing::json(400, json!({ "error": "page or perPage is out of range" }))));
    }
    let search = request.parameter("search").unwrap_or_default().to_lowercase();
    let found: Vec<&Value> =
        items.iter().filter(|item| item[name].as_str().unwrap_or_default().to_lowercase().contains(&search)).collect();
    // "None found" is 404 for voices and avatars.
    if found.is_empty() && matches!(shelf, "voices" | "avatars") {
        return Some(Err(Outgoing::json(404, json!({ "error": format!("No {shelf} found") }))));
    }
    let (total, last) = (found.len(), found.len().div_ceil(per_page).max(1));
    let data: Vec<&Value> = found.into_iter().skip((page - 1).saturating_mul(per_page)).take(per_page).collect();
    let meta = json!({
        "total": total, "lastPage": last, "currentPage": page, "perPage": per_page,
        "prev": (page > 1).then(|| page - 1), "next": (page < last).then_some(page + 1),
    });
    Some(Ok(Outgoing::json(200, json!({ "data": data, "meta": meta }))))
}

fn voices() -> Vec<Value> {
    let voice = |id: &str, name: &str, gender: &str, country: &str| {
        json!({
            "id": id, "displayName": name, "provider": "ELEVENLABS", "providerVoiceId": id, "providerModelId": "eleven_flash_v2_5",
            "gender": gender, "country": country, "isZdr": id != VOICE_THAT_RETAINS,
        })
    };
    // More than one page even at the largest size.
    let mut voices: Vec<Value> = (0..120)
        .map(|number| voice(&format!("70000000-0000-4000-8000-{number:012}"), &format!("Stock {number:03}"), "FEMALE", "US"))
        .collect();
    voices.extend([
        voice("de23e340-1416-4dd8-977d-065a7ca11697", "Lucy - Fresh & Casual", "FEMALE", "GB"),
        voice("6bfbe25a-979d-40f3-a92b-5394170af54b", "Cara", "FEMALE", "US"),
        voice(VOICE_THAT_RETAINS, "June", "FEMALE", "US"),
        voice("5e5e5e5e-0000-4000-8000-000000000002", "June", "FEMALE", "AU"),
    ]);
    voices
}

fn avatars() -> Vec<Value> {
    let avatar = |id: &str, name: &str, variant: &str, versions: &[&str]| {
        json!({
            "id": id, "displayName": name, "variantName": variant, "availableVersions": versions, "activeVersion": versions.last(),
            "createdByOrganizationId": null, "renderStyle": "realistic", "displayTags": [],
        })
    };
    vec![
        avatar(AVATAR_CARA_3_ONLY, "Liv", "home", &["cara-3"]),
        avatar("071b0286-0000-4000-8000-000000000002", "Liv", "office", &["cara-3", "cara-4"]),
        avatar(AVATAR_BOTH, "Cara", "desk", &["cara-3", "cara-4"]),
        avatar(AVATAR_CARA_4_ONLY, "Quattro", "studio", &["cara-4"]),
    ]
}

fn llms(defaults: bool) -> Vec<Value> {
    let llm = |id: &str, name: &str, model: &str, own: bool| {
        json!({
            "id": id, "displayName": name, "llmFormat": "openai", "modelName": model, "isDefault": id == DEFAULT_LLM,
            "isGlobal": !own, "isZdr": id != LLM_THAT_RETAINS,
        })
    };
    let mut llms = vec![llm(LLM_THAT_RETAINS, "House model", "house-1", true)];
    if defaults {
        llms.push(llm(DEFAULT_LLM, "GPT-4o mini", "gpt-4o-mini", false));
        llms.push(llm("a7cf662c-2ace-4de1-a21e-ef0fbf144bb7", "GPT-4o", "gpt-4o", false));
        llms.push(llm("7736a22f-2d79-4720-952c-25fdca55ad40", "Llama 3.3", "llama-3.3-70b", false));
    }
    llms
}

fn tools() -> Vec<Value> {
    let tool =
        |id: &str, name: &str, kind: &str| json!({ "id": id, "name": name, "type": kind, "usageCount": 0, "config": {} });
    vec![
        tool("5b1f0c52-8f0e-4c3a-9a57-2d6f4e1b7c90", "open_ticket", "SERVER_WEBHOOK"),
        tool("c2a9d8e4-17b3-4f65-8e0d-93b6a5f1d472", "find_bike", "SERVER_RAG"),
        tool("e0000000-0000-4000-8000-000000000001", "end_call", "SYSTEM"),
        tool("e0000000-0000-4000-8000-000000000002", "find_station", "CLIENT"),
        // A live account had two tools of one name.
        tool("e0000000-0000-4000-8000-000000000003", "find_station", "CLIENT"),
    ]
}
