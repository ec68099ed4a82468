//! The GitLab side: one note, the plan widget, apply of what was reviewed and of nothing else.

use serde_json::{Value, json};

use crate::stage::{Host, Stage};

#[test]
fn the_first_plan_writes_one_note_and_the_second_updates_it() {
    let stage = Stage::gitlab();
    // More notes than one page, one of them forged.
    let chatter: Vec<Value> = (1..=130)
        .map(|id| json!({"id": id, "system": id % 2 == 0, "author": {"username": "mallory"}, "body": "<!-- personaform:plan personas x -->"}))
        .collect();
    stage.write("notes.json", &json!(chatter).to_string());
    stage.run("plan.sh").ends(0);
    stage.project.edit("personas/ada.yaml", "Be kind.", "Be kind and brief.");
    stage.run("plan.sh").ends(0);
    let notes = stage.json("notes.json");
    let ours: Vec<&Value> =
        notes.as_array().expect("a list").iter().filter(|note| note["author"]["username"] != "mallory").collect();
    assert_eq!(ours.len(), 1);
    assert!(ours[0]["body"].as_str().expect("a body").contains("tavus.ada"), "{}", ours[0]["body"]);
    assert_eq!(notes.as_array().expect("a list").len(), 131);
    assert_eq!(stage.json("out/report.json"), json!({"create": 3, "update": 0, "delete": 0}));
    assert!(!stage.calls().contains("glpat"), "the token is no argument");
}

#[test]
fn a_merge_request_from_a_fork_is_only_checked() {
    for (here, target, source) in [("42", "42", "666"), ("666", "42", "666"), ("42", "42", "")] {
        let mut stage = Stage::gitlab();
        stage.set("CI_PROJECT_ID", here);
        stage.set("CI_MERGE_REQUEST_PROJECT_ID", target);
        stage.set("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", source);
        let run = stage.run("plan.sh").ends(0);
        assert!(run.stderr.contains("fork") && run.stdout.contains("No problems"), "{}{}", run.stdout, run.stderr);
        assert_eq!(stage.calls(), "");
        assert!(!stage.at("out/reviewed.json").exists());
        stage.run("apply.sh").ends(4);
    }
}

#[test]
fn only_a_reviewed_plan_of_the_plan_job_on_the_merged_commit_counts() {
    type Change = fn(&mut Stage);
    let cases: &[(&str, Change)] = &[
        ("came from a fork", |stage| stage.edit("merges.json", |it| it[0]["source_project_id"] = json!(666))),
        ("no merge request", |stage| stage.edit("merges.json", |it| it[0]["state"] = json!("opened"))),
        ("no merge request", |stage| stage.edit("merges.json", |it| it[0]["merge_commit_sha"] = json!("4444"))),
        ("no merge request", |stage| stage.edit("merges.json", |it| it[0]["target_branch"] = json!("old"))),
        ("no finished plan", |stage| stage.edit("pipelines.json", |it| it[0]["source"] = json!("push"))),
        ("no finished plan", |stage| stage.edit("pipelines.json", |it| it[0]["project_id"] = json!(666))),
        ("no finished plan", |stage| stage.edit("jobs.json", |it| it[0]["name"] = json!("other"))),
        ("no finished plan", |stage| stage.edit("artifacts/77/personaform-ci/reviewed.json", |it| it["head"] = json!("4444"))),
        ("no finished plan", |stage| std::fs::remove_dir_all(stage.at("artifacts")).expect("removed")),
        ("protect `main`", |stage| stage.set("CI_COMMIT_REF_PROTECTED", "false")),
        ("nothing is applied from", |stage| stage.set("CI_COMMIT_BRANCH", "topic")),
        ("nothing is applied on `schedule`", |stage| stage.set("CI_PIPELINE_SOURCE", "schedule")),
    ];
    let mut stage = Stage::with_merge(Host::GitLab);
    for (words, change) in cases {
        let run = stage.after(*change, "apply.sh").ends(4);
        assert!(run.stderr.contains(words), "`{words}` in: {}", run.stderr);
        assert_eq!(stage.recorded(), Vec::<String>::new(), "{words}");
    }
    // And with nothing changed it does apply: each refusal had its own reason.
    stage.run("apply.sh").ends(0);
}

#[test]
fn a_squashed_and_a_fast_forwarded_merge_request_are_found_too() {
    for (name, commit) in [("squash_commit_sha", "merge_commit_sha"), ("sha", "merge_commit_sha")] {
        let mut stage = Stage::with_merge(Host::GitLab);
        let merged = stage.json("merges.json")[0]["merge_commit_sha"].clone();
        stage.edit("merges.json", |it| it[0][commit] = Value::Null);
        if name == "sha" {
            let head = stage.json("merges.json")[0]["sha"].as_str().expect("a hash").to_owned();
            stage.set("CI_COMMIT_SHA", &head);
        } else {
            stage.edit("merges.json", |it| it[0][name] = merged);
        }
        stage.run("apply.sh").ends(0);
    }
}

#[test]
fn a_token_that_may_not_write_is_named() {
    let mut stage = Stage::gitlab();
    stage.write("forbidden", "POST projects/42/merge_requests");
    let run = stage.run("plan.sh").ends(1);
    assert!(run.stderr.contains("scope `api`"), "{}", run.stderr);
    stage.unset("PERSONAFORM_GITLAB_TOKEN");
    assert_ne!(stage.run("plan.sh").code, 0);
}
