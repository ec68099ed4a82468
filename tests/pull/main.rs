//! From a service back into the files: `pull`, names instead of ids, `fmt`. Every test runs the binary.

mod cast;
mod fmt;
mod lookup;
mod places;
mod property;
mod styles;
#[path = "../cli/support.rs"]
#[expect(dead_code, reason = "what only other test crates use")]
mod support;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use support::{Project, Served};

/// The lines that went and came, without context.
pub(crate) fn changed(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let changes = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal);
    changes.map(|change| format!("{}{}\n", change.tag(), change.value().trim_end_matches('\n'))).collect()
}

/// The id of an object that state records.
pub(crate) fn id(project: &Project, address: &str) -> String {
    let state: Value = serde_json::from_str(&project.read(".personaform/sandbox/state.json")).expect("a state");
    state["objects"][address]["id"].as_str().unwrap_or_else(|| panic!("{address} is recorded")).to_owned()
}

/// What a colleague does in a dashboard: requests of another client.
pub(crate) fn elsewhere(project: &Project, requests: &[(&str, &str, &str, Value)]) {
    let served = Served::start(project);
    for (account, method, path, body) in requests {
        let body = if body.is_null() { None } else { Some(body.clone()) };
        let (status, answer) = served.request(account, method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
    }
}

/// Fails unless a plan is empty.
#[track_caller]
pub(crate) fn planned_empty(project: &Project) {
    project.run(&["--sandbox", "plan", "--detailed-exitcode"]).ends(0);
}
