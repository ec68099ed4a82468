//! `doctor`: each fault is found, told apart from the others, and comes with what to do.

use std::fs;

use personaform::providers::anam::sandbox::Access;
use serde_json::Value;

use crate::services::{Services, locked};
use crate::support::Project;

/// The verdict and the help of one check.
#[track_caller]
fn check(report: &Value, subject: &str, aspect: &str) -> (String, String) {
    let checks = report["checks"].as_array().expect("a list");
    let found = checks.iter().find(|check| check["subject"] == subject && check["aspect"] == aspect);
    let found = found.unwrap_or_else(|| panic!("{subject}, {aspect}: {report:#}"));
    let text = |member: &str| found[member].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("help"))
}

fn doctor(project: &Project, code: i32) -> Value {
    project.run(&["doctor", "--format", "json"]).ends(code).json()
}

#[test]
fn a_healthy_project_has_no_faults_and_honest_gaps() {
    let services = Services::start();
    let project = services.project(&[]);
    let before = project.everything();
    let report = doctor(&project, 0);
    assert_eq!(check(&report, "account tavus", "key valid").0, "ok");
    assert_eq!(check(&report, "account tavus", "clock").0, "ok");
    assert_eq!(check(&report, "account tavus", "may write").0, "not_checked");
    assert_eq!(check(&report, "account opengiant", "key valid").0, "not_checked");
    assert_eq!(check(&report, "editors", "schemas").0, "not_checked");
    assert_eq!(project.everything(), before, "it leaves nothing behind");
    assert!(services.log().iter().all(|entry| entry.method == "GET"));
}

#[test]
fn keys_that_are_missing_wrong_or_too_weak_are_told_apart() {
    let services = Services::start();
    let mut project = services.project(&[]);
    project.set("TAVUS_API_KEY", "a-wrong-key");
    project.set("BLAND_API_KEY", "");
    locked(&services.anam).grant(Access::None);
    let report = doctor(&project, 1);
    let (verdict, help) = check(&report, "account tavus", "key valid");
    assert!(verdict == "failed" && help.contains("$TAVUS_API_KEY"), "{help}");
    assert_eq!(check(&report, "account bland", "key set").0, "failed");
    assert_eq!(check(&report, "account bland", "reachable").0, "ok");
    let (verdict, help) = check(&report, "account anam", "may read");
    assert!(verdict == "failed" && help.contains("permission"), "{help}");
    assert!(!report.to_string().contains("a-wrong-key"));
}

#[test]
fn faults_of_files_state_lock_schemas_and_network_are_found() {
    let services = Services::start();
    let mut project = services.project(&[]);
    project.write("personaform.yaml", "accounts: { tavus: { base_url: \"http://127.0.0.1:9\" } }\n");
    project.write("personas/ada.yaml", "name: Ada\ntargets: { tavus: { greeting: { $env: UNSET } } }\n");
    project.write(".personaform/state.json", "{");
    project.write("schemas/project.schema.json", "{}\n");
    project.set("HTTPS_PROXY", "http://user:hunter2@proxy.example:8080");
    let holder =
        fs::OpenOptions::new().create(true).append(true).open(project.path(".personaform/state.json.lock")).expect("opened");
    holder.lock().expect("locked");
    let report = doctor(&project, 1);
    for (subject, aspect, help) in [
        ("files", "valid", "personaform validate"),
        ("editors", "schemas", "personaform schema project > schemas/project.schema.json"),
        ("state", "readable", "restore it"),
        ("state", "lock", "wait until"),
        ("account tavus", "reachable", "base_url"),
    ] {
        let (verdict, said) = check(&report, subject, aspect);
        assert!(verdict == "failed" && said.contains(help), "{subject}, {aspect}: {verdict}: {said}");
    }
    assert!(!report.to_string().contains("hunter2") && report.to_string().contains("proxy.example:8080"));
    let text = project.run(&["doctor"]).ends(1).stdout;
    assert!(text.contains("  failed       lock: ") && text.ends_with("5 checks failed.\n"), "{text}");
}
