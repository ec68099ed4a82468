//! What the miniature lists besides personas: voices, custom tools and knowledge bases, each in its own envelope.

use serde_json::{Value, json};

use crate::sandbox::{Incoming, Outgoing};

/// A list; none where there is no such list.
pub(super) fn listed(shelf: &str, request: &Incoming) -> Option<Outgoing> {
    let body = match shelf {
        "voices" => json!({ "voices": voices() }),
        "tools" => json!({ "status": "success", "tools": tools() }),
        "knowledge" => knowledge(request),
        _ => return None,
    };
    Some(Outgoing::json(200, body))
}

/// Names are not unique.
fn voices() -> Vec<Value> {
    let voice = |id: &str, name: &str, description: &str| json!({ "id": id, "name": name, "description": description, "public": true, "tags": ["english"], "voice_id": id, "service": "bland" });
    vec![
        voice("0e6f2f3a-0000-4000-8000-000000000001", "June", "American female"),
        voice("0e6f2f3a-0000-4000-8000-000000000002", "June", "Made by somebody else"),
        voice("0e6f2f3a-0000-4000-8000-000000000003", "Maya", "Young American female"),
        voice("0e6f2f3a-0000-4000-8000-000000000004", "Florian", "German male"),
    ]
}

/// The name is nested in the definition.
fn tools() -> Vec<Value> {
    let tool = |id: &str, label: &str, name: &str| json!({ "tool_id": id, "label": label, "public": false, "tool": { "name": name, "description": label, "url": "https://tidewheel.example" } });
    vec![
        tool("TL-5da8347d-0ab7-415d-b156-a7fc5c6074dc", "Open a ticket", "OpenTicket"),
        tool("TL-00000000-0000-4000-8000-000000000002", "Find a workshop", "FindWorkshop"),
    ]
}

fn knowledge(request: &Incoming) -> Value {
    let base = |id: String, name: String, status: &str| json!({ "id": id, "name": name, "status": status, "type": "TEXT" });
    // More than one page even at the largest size.
    let mut bases: Vec<Value> =
        (0..105).map(|number| base(format!("kb_01H{number:04}"), format!("Archive {number:03}"), "COMPLETED")).collect();
    bases.push(base("KB-old".to_owned(), "Plans 2026".to_owned(), "DELETED"));
    bases.push(base("KB-plans2026".to_owned(), "Plans 2026".to_owned(), "COMPLETED"));
    let limit = request.number("limit", 20).clamp(1, 100);
    let skipped = (request.number("page", 1).max(1) - 1).saturating_mul(limit);
    let total = bases.len();
    let page: Vec<Value> = bases.into_iter().skip(skipped).take(limit).collect();
    json!({ "data": { "kbs": page, "total": total }, "errors": null })
}
