//! Whole texts, as a reader without colour sees them, compared to the letter.

mod hostile;
mod outcomes;
mod plans;

use serde_json::{Value, json};

use super::Options;
use crate::plan::Plan;

/// A plan of these changes; what tests do not care about is filled in.
fn plan_of(changes: &[Value]) -> Plan {
    let mut summary = json!({"create": 0, "update": 0, "delete": 0, "adopt": 0, "forget": 0, "move": 0, "unchanged": 11});
    let changes: Vec<Value> = changes
        .iter()
        .map(|change| {
            let mut whole =
                json!({"provider": "tavus", "name": "", "reason": "declared", "edits": [], "requests": [], "notes": []});
            for (key, value) in change.as_object().expect("an object") {
                whole[key] = value.clone();
            }
            let action = whole["action"].as_str().expect("an action").to_owned();
            summary[&action] = json!(summary[&action].as_u64().expect("a count") + 1);
            whole
        })
        .collect();
    let basis = json!({"lineage": "l", "serial": 1, "accounts": {}});
    let plan = json!({"format_version": "1.0", "summary": summary, "changes": changes, "basis": basis});
    serde_json::from_value(plan).expect("a plan")
}

/// An update of `tavus.ada` with these edits.
fn update(edits: Value) -> Value {
    json!({"address": "tavus.ada", "action": "update", "id": "p1", "name": "Ada", "edits": edits})
}

/// An edit, declared.
fn edit(path: &str, from: impl Into<Value>, to: impl Into<Value>) -> Value {
    json!({"path": path, "from": from.into(), "to": to.into(), "reason": "declared"})
}

/// What is left without colour.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn shown(changes: &[Value]) -> String {
    plain(&super::plan(&plan_of(changes), &Options::default()))
}

/// The text of a plan with one update, without its header and its counts.
fn edits_shown(edits: Value) -> String {
    let text = shown(&[update(edits)]);
    let body = text.strip_prefix("ada\n  ~ update tavus.ada (p1): declared in the files\n").expect("the header");
    let (body, _) = body.split_once("\nPlan: ").expect("the counts");
    body.to_owned()
}
