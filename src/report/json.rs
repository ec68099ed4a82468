//! Plans and outcomes as JSON for machines. The shapes are those of the types themselves; no wording lives here.

use serde_json::{Value, json};

use crate::plan::Plan;
use crate::plan::change::FORMAT_VERSION;
use crate::reconcile::{Ending, Outcome};

/// A plan, exactly as it is saved.
pub fn plan(plan: &Plan) -> Value {
    serde_json::to_value(plan).expect("a plan is plain data with text keys")
}

/// An outcome: `format_version`, `summary` (how many entries ended in which way), `entries`, `interrupted`.
pub fn outcome(outcome: &Outcome) -> Value {
    let mut summary = json!({"done": 0, "diverged": 0, "failed": 0, "stale": 0, "not_started": 0, "unknown": 0});
    for entry in &outcome.entries {
        let name = match entry.ending {
            Ending::Done { .. } => "done",
            Ending::Diverged { .. } => "diverged",
            Ending::Failed { .. } => "failed",
            Ending::Stale { .. } => "stale",
            Ending::NotStarted { .. } => "not_started",
            Ending::Unknown { .. } => "unknown",
        };
        summary[name] = json!(summary[name].as_u64().unwrap_or(0) + 1);
    }
    json!({
        "format_version": FORMAT_VERSION,
        "summary": summary,
        "entries": outcome.entries,
        "interrupted": outcome.interrupted,
        "retries": outcome.effort.retries,
        "waited_seconds": outcome.effort.waited,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, Address, RemoteId};
    use crate::reconcile::Entry;

    fn entry(address: &str, ending: Ending) -> Entry {
        let address = Address::parse(address).expect("an address");
        Entry { address, action: Action::Update, id: Some(RemoteId::new("p1")), requests_sent: 1, ending }
    }

    #[test]
    fn an_outcome_counts_its_endings() {
        let value = outcome(&Outcome {
            entries: vec![
                entry("tavus.ada", Ending::Done { verified: true }),
                entry("tavus.bea", Ending::Done { verified: false }),
                entry("tavus.cyd", Ending::NotStarted { message: "interrupted".into() }),
            ],
            interrupted: true,
            effort: crate::reconcile::Effort { retries: 3, waited: 1.5 },
        });
        assert_eq!(
            value["summary"],
            json!({"done": 2, "diverged": 0, "failed": 0, "stale": 0, "not_started": 1, "unknown": 0})
        );
        assert_eq!(value["interrupted"], json!(true));
        assert_eq!((&value["retries"], &value["waited_seconds"]), (&json!(3), &json!(1.5)));
        assert_eq!(
            value["entries"][0],
            json!({"address": "tavus.ada", "action": "update", "id": "p1", "requests_sent": 1, "ending": "done", "verified": true})
        );
    }

    #[test]
    fn a_plan_is_written_as_it_is_saved() {
        let text = r#"{"format_version": "1.0",
            "summary": {"create": 0, "update": 1, "delete": 0, "adopt": 0, "forget": 0, "move": 0, "unchanged": 11},
            "changes": [{"address": "tavus.ada", "provider": "tavus", "action": "update", "id": "p1", "name": "Ada",
                "reason": "declared", "applied": {}, "notes": [],
                "edits": [{"path": "/system_prompt", "from": "Be kind.", "to": null, "reason": "declared"}],
                "requests": [{"method": "PATCH", "path": "/v2/personas/p1", "body": null}]}],
            "basis": {"lineage": "l", "serial": 3, "accounts": {}}}"#;
        let value: Value = serde_json::from_str(text).expect("JSON");
        let read: Plan = serde_json::from_value(value.clone()).expect("a plan");
        assert_eq!(plan(&read), value);
    }
}
