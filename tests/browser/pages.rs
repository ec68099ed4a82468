//! Pages to look at: together they hold everything that a page may hold.

use personaform::persona::name::Pointer;
use personaform::persona::problem::{Place, Problem, SourceFile};
use personaform::plan::Drift;
use personaform::reconcile::{Difference, Ending, Entry, Outcome};
use personaform::report;
use serde_json::{Value, json};

use crate::{change, plan_of};

/// Pages with everything that a page may hold: all actions and endings, gates, what is blocked, drift, problems.
pub(crate) fn all_pages() -> Vec<String> {
    let long: String = (0..40).map(|line| format!("Line {line} of the prompt.\n")).collect();
    let prompt = json!([
        {"path": "/prompt", "from": long, "to": long.replace("Line 7 ", "Line seven ").replace("Line 30 of the prompt.\n", ""), "reason": "declared",
            "source": {"path": "personas/ada.yaml", "line": 3, "column": 1}, "also_drifted": true},
        {"path": "/voice", "from": "June", "to": "Maya", "reason": "drifted"},
    ]);
    let new = json!([{"path": "/prompt", "to": long, "reason": "declared"}]);
    let mut changes: Vec<Value> = ["create", "update", "delete", "adopt", "forget", "move"]
        .iter()
        .map(|action| {
            change("tavus", action, action, "declared", if *action == "create" { new.clone() } else { prompt.clone() })
        })
        .collect();
    changes.push(change("anam", "ada", "update", "drifted", prompt));
    for change in &mut changes {
        change["notes"] = json!(["not verified: `x` cannot be read"]);
        change["requests"] = json!([{"method": "PATCH", "path": "/p", "body": {"prompt": long}}]);
    }
    let mut plan = plan_of(changes);
    plan.gates =
        serde_json::from_value(json!([{"name": "safety.max_deletes", "why": "1 deletion", "opened_by": "--allow-deletes"}]))
            .expect("gates");
    plan.blocked = serde_json::from_value(json!([{"address": "bland.x", "why": "it cannot be read", "help": "try `again`",
        "source": {"path": "personas/x.yaml", "line": 3, "column": 1}}]))
    .expect("blocked");
    let (message, help) = ("no answer".to_owned(), "try `again`".to_owned());
    let difference = Difference { path: Pointer::new(["voice"]), expected: Some(json!("a b")), found: Some(json!("a c")) };
    let endings = [
        Ending::Done { verified: false },
        Ending::Diverged { differences: vec![difference] },
        Ending::Failed {
            request: Some("PATCH /p".into()),
            status: Some(422),
            message: message.clone(),
            help: Some(help.clone()),
        },
        Ending::Stale { message: message.clone() },
        Ending::NotStarted { message: message.clone() },
        Ending::Unknown { request: "PATCH /p".into(), message, help },
    ];
    let entries = plan.changes.iter().zip(endings).map(|(change, ending)| Entry {
        address: change.address.clone(),
        action: change.action,
        id: change.id.clone(),
        requests_sent: 1,
        exchanges: Vec::new(),
        retries: 1,
        milliseconds: 5,
        ending,
    });
    let outcome = Outcome { entries: entries.collect(), interrupted: true, milliseconds: 9, ..Outcome::default() };
    let drift: Drift = serde_json::from_value(json!({"format_version": "1.0",
        "summary": {"changed": 1, "gone": 1, "unchanged": 2, "unverified": 1, "unreadable": 1},
        "drifted": [
            {"address": "tavus.ada", "provider": "tavus", "id": "p", "name": "Ada", "written_at": "2026-01-01T00:00:00Z", "what": "changed",
                "wanted": true, "fields": [{"path": "/prompt", "written": long, "live": long.replace("Line 7 ", "7 "), "file": "changed"}]},
            {"address": "tavus.bea", "provider": "tavus", "id": "p", "name": "Bea", "written_at": "2026-01-01T00:00:00Z", "what": "gone",
                "wanted": true, "fields": []},
        ],
        "unverified": [{"address": "opengiant.ada", "service": "OpenGiant", "written_at": "2026-01-01T00:00:00Z"}],
        "unreadable": [{"address": "bland.x", "why": "it cannot be read", "help": "try `again`"}]}))
    .expect("drift");
    let file = SourceFile { path: "personas/ada.yaml".into(), text: "nam: Ada\n".to_owned() };
    let place = Place { file: std::sync::Arc::new(file), span: 0..3 };
    let problems = [
        Problem::error("unknown-field", place.clone(), "no field `nam`").with_help("`name`"),
        Problem::warning("odd", place, "odd"),
    ];
    vec![
        report::html::plan(&plan, true),
        report::html::outcome(&outcome, &plan, true),
        report::html::drift(&drift),
        report::html::problems(&problems),
    ]
}
