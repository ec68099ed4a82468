//! Plans and outcomes as JSON for machines. The shapes are those of the types themselves; no wording lives here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::plan::change::{Blocked, FORMAT_VERSION};
use crate::plan::{Address, Change, Plan, Request};
use crate::reconcile::{Ending, Entry, Outcome};

/// A plan, exactly as it is saved.
pub fn plan(plan: &Plan) -> Value {
    serde_json::to_value(plan).expect("a plan is plain data with text keys")
}

/// The JSON of an outcome.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OutcomeDocument<'a> {
    /// Version of this format: a new minor only adds fields.
    pub format_version: &'static str,
    /// How many changes ended in which way.
    pub summary: Endings,
    /// One entry per change of the plan, in the plan's order.
    pub entries: Vec<EntryDocument<'a>>,
    /// Targets of the plan that could not be planned.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub blocked: &'a [Blocked],
    /// Whether somebody interrupted the run.
    pub interrupted: bool,
    /// How long it took.
    pub milliseconds: u64,
    /// Requests that were sent once more, planning included.
    pub retries: u64,
    /// Seconds that all requests together waited before that.
    pub waited_seconds: f64,
}

/// What became of one change, and what to do next.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntryDocument<'a> {
    /// The entry.
    #[serde(flatten)]
    pub entry: &'a Entry,
    /// Every writing request that was sent, and what came back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<ExchangeDocument>,
    /// The next step, where one is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<&'a str>,
}

/// A writing request and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Exchange")]
pub struct ExchangeDocument {
    /// What was sent, with stand-ins for secrets.
    pub request: Request,
    /// HTTP status of the answer; none: no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// How many changes ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Endings {
    /// Written, read back, and as predicted.
    pub done: usize,
    /// Written, but the service made something else of it.
    pub diverged: usize,
    /// Refused, or not reached.
    pub failed: usize,
    /// Not touched, because the object is no longer as the plan saw it.
    pub stale: usize,
    /// Not begun.
    pub not_started: usize,
    /// Sent, and nobody knows whether it was done.
    pub unknown: usize,
}

/// An outcome with its counts, what was sent of the plan, and what the plan held back.
pub fn outcome(outcome: &Outcome, plan: &Plan) -> Value {
    let changes: BTreeMap<&Address, &Change> = plan.changes.iter().map(|change| (&change.address, change)).collect();
    let mut summary = Endings::default();
    for entry in &outcome.entries {
        *match entry.ending {
            Ending::Done { .. } => &mut summary.done,
            Ending::Diverged { .. } => &mut summary.diverged,
            Ending::Failed { .. } => &mut summary.failed,
            Ending::Stale { .. } => &mut summary.stale,
            Ending::NotStarted { .. } => &mut summary.not_started,
            Ending::Unknown { .. } => &mut summary.unknown,
        } += 1;
    }
    let Outcome { entries, interrupted, milliseconds, effort } = outcome;
    let document = OutcomeDocument {
        format_version: FORMAT_VERSION,
        summary,
        entries: entries
            .iter()
            .map(|entry| {
                let exchanges = exchanges(entry, changes.get(&entry.address).copied());
                EntryDocument { entry, exchanges, next: entry.next_step() }
            })
            .collect(),
        blocked: &plan.blocked,
        interrupted: *interrupted,
        milliseconds: *milliseconds,
        retries: effort.retries,
        waited_seconds: effort.waited,
    };
    serde_json::to_value(document).expect("an outcome is plain data with text keys")
}

fn exchanges(entry: &Entry, change: Option<&Change>) -> Vec<ExchangeDocument> {
    let requests = change.map_or(&[][..], |change| &change.requests);
    let sent = entry.exchanges.iter().zip(requests).map(|(exchange, request)| {
        let request = entry.id.as_ref().map_or_else(|| request.clone(), |id| request.with_id(id));
        ExchangeDocument { request, status: exchange.status }
    });
    sent.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, RemoteId};
    use crate::reconcile::Exchange;
    use serde_json::json;

    fn entry(address: &str, ending: Ending) -> Entry {
        let address = Address::parse(address).expect("an address");
        Entry {
            address,
            action: Action::Update,
            id: Some(RemoteId::new("p1")),
            requests_sent: 1,
            exchanges: Vec::new(),
            retries: 0,
            milliseconds: 0,
            ending,
        }
    }

    fn plan_of(changes: Value) -> Plan {
        let summary = json!({"create": 0, "update": 0, "delete": 0, "adopt": 0, "forget": 0, "move": 0, "unchanged": 0});
        let basis = json!({"lineage": "l", "serial": 3, "accounts": {}});
        let plan = json!({"format_version": "1.0", "summary": summary, "changes": changes, "basis": basis});
        serde_json::from_value(plan).expect("a plan")
    }

    #[test]
    fn what_was_sent_of_a_change_is_told_with_the_id_that_it_was_sent_to() {
        let made = json!({"method": "POST", "path": "/p", "body": {"name": "Ada"}});
        let later = |id: &str| json!({"method": "POST", "path": format!("/p/{id}/promote")});
        let change = json!({"address": "tavus.ada", "provider": "tavus", "action": "create", "name": "Ada", "reason": "declared",
            "edits": [], "notes": [], "requests": [made, later("{id}"), later("{id}")]});
        let exchanges = vec![Exchange { status: Some(200) }, Exchange { status: None }];
        let entry = Entry { exchanges, ..entry("tavus.ada", Ending::Done { verified: true }) };
        let value = outcome(&Outcome { entries: vec![entry], ..Outcome::default() }, &plan_of(json!([change])));
        let told = json!([{"request": made, "status": 200}, {"request": later("p1")}]);
        assert_eq!(value["entries"][0]["exchanges"], told);
    }

    #[test]
    fn an_outcome_counts_its_endings() {
        let value = outcome(
            &Outcome {
                entries: vec![
                    entry("tavus.ada", Ending::Done { verified: true }),
                    entry("tavus.bea", Ending::Done { verified: false }),
                    entry("tavus.cyd", Ending::NotStarted { message: "interrupted".into() }),
                ],
                interrupted: true,
                milliseconds: 5,
                effort: crate::reconcile::Effort { retries: 3, waited: 1.5 },
            },
            &plan_of(json!([])),
        );
        assert_eq!(
            value["summary"],
            json!({"done": 2, "diverged": 0, "failed": 0, "stale": 0, "not_started": 1, "unknown": 0})
        );
        assert_eq!(value["interrupted"], json!(true));
        assert_eq!((&value["retries"], &value["waited_seconds"]), (&json!(3), &json!(1.5)));
        assert_eq!(
            value["entries"][0],
            json!({"address": "tavus.ada", "action": "update", "id": "p1", "requests_sent": 1, "retries": 0, "milliseconds": 0,
                "ending": "done", "verified": true})
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
