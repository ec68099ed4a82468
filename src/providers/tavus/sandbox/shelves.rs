//! What the miniature lists besides personas: replicas, documents, objectives, and guardrails in both forms. Documents count their
//! pages from 0.

use serde_json::{Value, json};

use crate::sandbox::{Incoming, Outgoing};

/// One page of a list; none where there is no such list.
pub(super) fn listed(shelf: &str, request: &Incoming) -> Option<Outgoing> {
    let (items, first_page) = match shelf {
        "replicas" => (replicas("replica"), 1),
        "faces" => (replicas("face"), 1),
        "documents" => (documents(), 0),
        "objectives" => (objectives(), 1),
        // Which form is meant is in dispute where nobody says it.
        "guardrails" if request.parameter("legacy") == Some("false") => (guardrails(), 1),
        "guardrails" => (guardrail_sets(), 1),
        _ => return None,
    };
    let limit = request.number("limit", 10).clamp(1, 100);
    let skipped = request.number("page", first_page).saturating_sub(first_page).saturating_mul(limit);
    let total = items.len();
    let data: Vec<Value> = items.into_iter().skip(skipped).take(limit).collect();
    Some(Outgoing::json(200, json!({ "data": data, "total_count": total })))
}

/// The same things under the older and the newer word.
fn replicas(word: &str) -> Vec<Value> {
    let replica = |id: &str, name: &str, kind: &str| {
        let member = |of: &str| format!("{word}_{of}");
        json!({ member("id"): id, member("name"): name, member("type"): kind, "status": "completed" })
    };
    vec![
        replica("r79e1c033f", "Support desk", "user"),
        replica("r90bbd427f71", "Rio", "system"),
        replica("rf4e9d9790f0", "Anna", "system"),
        replica("rf4e9d9790f1", "Anna", "user"),
    ]
}

fn documents() -> Vec<Value> {
    // More than one page even at the largest size.
    (0..110)
        .map(|number| json!({ "document_id": format!("d{number:011x}"), "document_name": format!("Manual {number:03}"), "status": "ready" }))
        .collect()
}

fn objectives() -> Vec<Value> {
    vec![json!({ "objectives_id": "o1234567890ab", "objective_name": "qualify_lead", "status": "active" })]
}

fn guardrails() -> Vec<Value> {
    vec![
        json!({ "uuid": "g1234567890ab", "guardrail_name": "no_medical_advice", "guardrail_prompt": "…", "modality": "verbal" }),
        json!({ "uuid": "g1234567890ac", "guardrail_name": "no_discounts", "guardrail_prompt": "…", "modality": "verbal" }),
    ]
}

fn guardrail_sets() -> Vec<Value> {
    vec![json!({ "guardrails_id": "gset000000001", "guardrails_name": "house rules", "status": "active" })]
}
