//! The GitHub side: one comment, apply of what was reviewed and of nothing else, nothing for forks.

use serde_json::{Value, json};

use crate::stage::{Host, Stage};

fn bodies(stage: &Stage) -> Vec<String> {
    let comments = stage.json("comments.json");
    let body = |comment: &Value| comment["body"].as_str().expect("a body").to_owned();
    comments.as_array().expect("a list").iter().map(body).collect()
}

#[test]
fn the_first_plan_writes_one_comment_and_the_second_updates_it() {
    let stage = Stage::github();
    stage.run("plan.sh").ends(0);
    let first = bodies(&stage);
    assert_eq!(first.len(), 1);
    let digest = stage.json("out/reviewed.json")["digest"].as_str().expect("a digest").to_owned();
    assert!(first[0].starts_with(&format!("<!-- personaform:plan personas {digest} -->\n")), "{}", first[0]);
    assert!(first[0].contains("tavus.ada") && first[0].contains("Merging this applies exactly this plan"), "{}", first[0]);
    assert!(stage.read("summary").contains("tavus.ada"));

    stage.project.edit("personas/ada.yaml", "Be kind.", "Be kind and brief.");
    stage.run("plan.sh").ends(0);
    let second = bodies(&stage);
    assert_eq!(second.len(), 1);
    assert_ne!(first, second);
    assert_eq!(stage.recorded(), Vec::<String>::new(), "a plan applies nothing");
    let outputs = stage.read("output");
    assert!(outputs.contains("changes=3\n") && outputs.contains("reviewed=") && outputs.contains("digest="), "{outputs}");
}

#[test]
fn a_comment_of_somebody_else_is_never_taken_for_ours() {
    let stage = Stage::github();
    let forged =
        json!({"id": 3, "user": {"login": "mallory"}, "body": "<!-- personaform:plan personas sha256:0000 -->\nAll is well."});
    stage.write("comments.json", &json!([forged]).to_string());
    stage.run("plan.sh").ends(0);
    let found = bodies(&stage);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], forged["body"].as_str().expect("a body"));
}

#[test]
fn two_projects_of_one_repository_have_a_comment_each() {
    let mut stage = Stage::github();
    stage.run("plan.sh").ends(0);
    stage.set("PERSONAFORM_NAME", "personas-emea");
    stage.run("plan.sh").ends(0);
    stage.run("plan.sh").ends(0);
    let found = bodies(&stage);
    assert_eq!(found.len(), 2);
    assert!(found[1].contains("## `personas-emea`"), "{}", found[1]);
}

#[test]
fn a_plan_beyond_the_limit_is_cut_and_still_told() {
    let stage = Stage::github();
    for number in 0..900 {
        let text = format!(
            "name: Persona {number}\nprompt: {}\ntargets: {{ tavus: {{}}, bland: {{}} }}\n",
            "Be very kind to all. ".repeat(4)
        );
        stage.project.write(&format!("personas/crowd/p{number}.yaml"), &text);
    }
    stage.run("plan.sh").ends(0);
    let found = bodies(&stage);
    assert_eq!(found.len(), 1);
    let length = found[0].chars().count();
    assert!((30_000..=65_536).contains(&length), "{length} characters");
    assert!(found[0].contains("left out") && found[0].contains("Merging this applies exactly this plan"));
    let marks = found[0].lines().filter(|line| line.starts_with("```")).count();
    assert_eq!(marks % 2, 0, "a fence is left open");
}

#[test]
fn a_change_that_touches_no_persona_gets_no_comment_and_leaves_no_old_one() {
    let stage = Stage::github();
    stage.project.run(&["--sandbox", "apply", "-y"]).ends(0);
    stage.run("plan.sh").ends(0);
    assert!(!stage.calls().contains("POST"), "no comment");
    assert!(stage.json("out/reviewed.json")["digest"].is_string(), "an empty plan is a reviewed plan too");
    stage.project.edit("personas/ada.yaml", "Be kind.", "Be kind and brief.");
    stage.run("plan.sh").ends(0);
    assert_eq!(bodies(&stage).len(), 1);
    stage.project.edit("personas/ada.yaml", "Be kind and brief.", "Be kind.");
    stage.run("plan.sh").ends(0);
    assert_eq!(bodies(&stage).len(), 1);
    assert!(!bodies(&stage)[0].contains("brief"), "{}", bodies(&stage)[0]);
}

#[test]
fn problems_in_the_files_end_with_their_code_and_replace_the_old_plan() {
    let stage = Stage::github();
    stage.run("plan.sh").ends(0);
    std::fs::remove_dir_all(stage.at("out")).expect("removed");
    stage.project.edit("personas/ada.yaml", "role: Guide", "rolle: Guide");
    let run = stage.run("plan.sh").ends(5);
    assert!(format!("{}{}", run.stdout, run.stderr).contains("rolle"), "{}", run.stderr);
    let found = bodies(&stage);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("**No plan:** the files have problems") && !found[0].contains("tavus.ada"), "{}", found[0]);
    assert!(!stage.at("out/reviewed.json").exists(), "nothing to apply");
}

#[test]
fn an_incomplete_plan_is_told_and_is_not_to_be_applied() {
    let stage = Stage::github();
    let served = crate::support::Served::start(&stage.project);
    let (status, _) = served.request("bland", "POST", "/v1/personas", Some(json!({"name": "Ada", "role": "Old"})));
    assert!(status < 300);
    drop(served);
    stage.run("plan.sh").ends(1);
    assert!(bodies(&stage)[0].contains("incomplete: it will not be applied"), "{}", bodies(&stage)[0]);
    assert!(!stage.at("out/reviewed.json").exists());
}

#[test]
fn a_missing_permission_is_named() {
    let stage = Stage::github();
    stage.write("forbidden", "POST issues");
    let run = stage.run("plan.sh").ends(1);
    assert!(run.stderr.contains("pull-requests: write"), "{}", run.stderr);
}

/// A binary that notes its environment and arguments before it goes on as the real one.
fn watched(stage: &mut Stage) {
    let text = "#!/usr/bin/env bash\n{ env; printf 'arguments %s\\n' \"$*\"; } >>WORLD/watched\nexec REAL \"$@\"\n";
    let text = text.replace("WORLD", &stage.at("").display().to_string()).replace("REAL", stage.get("PERSONAFORM_BINARY"));
    stage.executable("bin/watched", &text);
    stage.set("PERSONAFORM_BINARY", &stage.at("bin/watched").display().to_string());
}

#[test]
fn a_fork_is_checked_without_any_key_and_nothing_else_is_done() {
    for (source, author) in [("mallory/cast", "mallory"), ("", "mallory"), ("octo/cast", "dependabot[bot]")] {
        let mut stage = Stage::github();
        watched(&mut stage);
        stage.on_pull_request(source, author);
        let run = stage.run("plan.sh").ends(0);
        let watched = stage.read("watched");
        for (name, value) in crate::stage::SECRETS {
            assert!(!watched.contains(name) && !watched.contains(value), "{name} reached the run:\n{watched}");
        }
        let commands: Vec<&str> = watched.lines().filter(|line| line.starts_with("arguments ")).collect();
        assert!(commands.len() == 1 && commands[0].contains("--sandbox validate"), "{commands:?}");
        assert_eq!(stage.calls(), "", "nothing is asked of GitHub");
        assert!(!stage.at("out/reviewed.json").exists());
        assert!(run.stderr.contains("fork"), "{}", run.stderr);

        let applied = stage.run("apply.sh").ends(4);
        assert!(applied.stderr.contains("nothing is applied on `pull_request`"), "{}", applied.stderr);
        assert_eq!(stage.read("watched"), watched, "nothing was run");
    }
}

#[test]
fn the_token_of_the_job_never_reaches_the_run() {
    let mut stage = Stage::github();
    watched(&mut stage);
    for name in ["GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "CI_JOB_TOKEN"] {
        stage.set(name, "a-token-that-nobody-may-see");
    }
    stage.run("plan.sh").ends(0);
    let watched = stage.read("watched");
    for hidden in ["ghs_token_that_nobody_may_see", "glpat-for-tests", "a-token-that-nobody-may-see"] {
        assert!(!watched.contains(hidden), "{hidden} reached the run");
    }
    assert!(watched.contains("tavus-key-that-nobody-may-see"), "the accounts' keys do");
}

#[test]
fn events_that_give_a_fork_the_keys_are_refused() {
    for event in ["pull_request_target", "workflow_run"] {
        for script in ["plan.sh", "apply.sh", "drift.sh"] {
            let mut stage = Stage::github();
            stage.set("GITHUB_EVENT_NAME", event);
            let run = stage.run(script).ends(4);
            assert!(run.stderr.contains("use `pull_request`"), "{}", run.stderr);
            assert_eq!(stage.calls(), "");
        }
    }
}

#[test]
fn a_prompt_cannot_give_the_runner_commands() {
    let stage = Stage::github();
    stage.project.run(&["--sandbox", "apply", "-y"]).ends(0);
    stage.project.edit(
        "personas/ada.yaml",
        "prompt: Be kind.",
        "prompt: |\n  Be kind.\n\n  ::error::forged\n\n  ::add-mask::a",
    );
    let run = stage.run("plan.sh").ends(0);
    let (before, rest) = run.stdout.split_once("::stop-commands::").expect("commands are stopped");
    assert!(!before.contains("forged"));
    for part in std::iter::once(rest).chain(rest.split("::stop-commands::").skip(1)) {
        let token = part.lines().next().expect("a token");
        assert!(token.len() >= 32, "{token}");
        let (_, after) = part.split_once(&format!("\n::{token}::\n")).expect("commands go on");
        let free = after.split("::stop-commands::").next().expect("a part");
        assert!(!free.contains("forged"), "{free}");
    }
    assert!(rest.contains("::error::forged"), "the prompt is shown");
}

#[test]
fn only_a_reviewed_plan_of_this_workflow_on_the_merged_commit_counts() {
    type Change = fn(&mut Stage);
    let cases: &[(&str, Change)] = &[
        ("came from a fork", |stage| stage.edit("pulls.json", |it| it[0]["head"]["repo"]["full_name"] = json!("mallory/cast"))),
        ("came from a fork", |stage| stage.edit("pulls.json", |it| it[0]["head"]["repo"] = Value::Null)),
        ("no merged pull request", |stage| stage.write("pulls.json", "[]")),
        ("no merged pull request", |stage| stage.edit("pulls.json", |it| it[0]["merged_at"] = Value::Null)),
        ("no merged pull request", |stage| stage.edit("pulls.json", |it| it[0]["merge_commit_sha"] = json!("3333"))),
        ("no merged pull request", |stage| stage.edit("pulls.json", |it| it[0]["base"]["ref"] = json!("old"))),
        ("no finished plan", |stage| stage.write("runs.json", "[]")),
        ("no finished plan", |stage| stage.edit("runs.json", |it| it[0]["path"] = json!(".github/workflows/other.yml"))),
        ("no finished plan", |stage| stage.edit("runs.json", |it| it[0]["event"] = json!("push"))),
        ("no finished plan", |stage| stage.edit("runs.json", |it| it[0]["conclusion"] = json!("failure"))),
        ("no finished plan", |stage| stage.edit("runs.json", |it| it[0]["head_sha"] = json!("4444"))),
        ("no finished plan", |stage| {
            stage.edit("runs.json", |it| it[0]["head_repository"]["full_name"] = json!("mallory/cast"));
        }),
        ("no finished plan", |stage| std::fs::remove_dir_all(stage.at("artifacts")).expect("removed")),
        ("no finished plan", |stage| {
            stage.edit("artifacts/31/personaform-personas/reviewed.json", |it| it["head"] = json!("4444"));
        }),
        ("no finished plan", |stage| {
            stage.edit("artifacts/31/personaform-personas/reviewed.json", |it| it["proposal"] = json!(8));
        }),
        ("nothing is applied from", |stage| stage.set("GITHUB_REF", "refs/heads/topic")),
        ("nothing is applied from", |stage| stage.set("GITHUB_REF", "refs/tags/main")),
        ("nothing is applied on `schedule`", |stage| stage.set("GITHUB_EVENT_NAME", "schedule")),
        ("nothing is applied on `pull_request`", |stage| stage.set("GITHUB_EVENT_NAME", "pull_request")),
    ];
    let mut stage = Stage::with_merge(Host::GitHub);
    for (words, change) in cases {
        let run = stage.after(*change, "apply.sh").ends(4);
        assert!(run.stderr.contains(words), "`{words}` in: {}", run.stderr);
        assert_eq!(stage.recorded(), Vec::<String>::new(), "{words}");
    }
    // And with nothing changed it does apply: each refusal had its own reason.
    stage.run("apply.sh").ends(0);
}

#[test]
fn a_digest_that_is_none_never_reaches_the_command_line() {
    let stage = Stage::with_merge(Host::GitHub);
    let name = "artifacts/31/personaform-personas/reviewed.json";
    for forged in ["--allow-deletes --target x", "$(touch pwned)", ""] {
        stage.edit(name, |it| it["digest"] = json!(forged));
        stage.run("apply.sh").ends(1);
        assert_eq!(stage.recorded(), Vec::<String>::new());
    }
    assert!(!stage.project.path("pwned").exists());
}

#[test]
fn the_edited_comment_is_no_place_to_forge_a_digest() {
    let stage = Stage::with_merge(Host::GitHub);
    stage.edit("comments.json", |it| it[0]["body"] = json!("<!-- personaform:plan personas sha256:forged -->\nforged"));
    stage.run("apply.sh").ends(0);
    assert!(!stage.calls().contains("comments"), "comments are not even read");
}

#[test]
fn by_hand_only_the_digest_that_was_given_is_applied() {
    let mut stage = Stage::github();
    stage.on_main("workflow_dispatch");
    stage.run("plan.sh").ends(0);
    assert!(stage.read("summary").contains("run it by hand with the digest"), "{}", stage.read("summary"));
    assert!(!stage.at("out/reviewed.json").exists(), "no pull request, no review");
    let digest =
        stage.read("output").lines().find_map(|line| line.strip_prefix("digest=").map(str::to_owned)).expect("a digest");
    assert_eq!(stage.calls(), "");

    let refused = stage.run("apply.sh").ends(4);
    assert!(refused.stderr.contains("needs the digest"), "{}", refused.stderr);
    stage.set("PERSONAFORM_EXPECT", "sha256:00000000000000000000");
    stage.run("apply.sh").ends(4);
    assert_eq!(stage.recorded(), Vec::<String>::new());
    stage.set("PERSONAFORM_EXPECT", &digest);
    stage.set("GITHUB_EVENT_NAME", "push");
    stage.run("apply.sh").ends(4);
    assert_eq!(stage.recorded(), Vec::<String>::new());
    stage.set("GITHUB_EVENT_NAME", "workflow_dispatch");
    stage.run("apply.sh").ends(0);
    assert_eq!(stage.recorded().len(), 3);
}

#[test]
fn a_part_that_fails_ends_with_its_code() {
    let mut stage = Stage::github();
    stage
        .project
        .write("personas/cyd.yaml", "name: Cyd\nprompt: Hi.\ntargets: { tavus: { default_replica_id: no-such-replica } }\n");
    stage.run("plan.sh").ends(0);
    stage.merged();
    stage.run("apply.sh").ends(3);
    assert_eq!(stage.recorded(), ["bland.ada", "tavus.ada", "tavus.bea"]);
}

#[test]
fn the_keys_that_are_used_are_seen_nowhere() {
    let server = crate::support::Project::new(&[("personaform.yaml", "accounts: { tavus: {} }\n"), ("personas/.keep", "")]);
    let served = crate::support::Served::start(&server);
    let mut stage = Stage::github();
    let key = served.key("tavus");
    let secret = "llm-key-that-nobody-may-see";
    stage
        .project
        .write("personaform.yaml", &format!("accounts: {{ tavus: {{ base_url: \"{}\" }} }}\n", served.base_url("tavus")));
    stage.project.write("personas/ada.yaml", "name: Ada\nprompt: Be kind.\ntargets:\n  tavus: { layers: { llm: { model: m, base_url: \"https://llm.example/v1\", api_key: { $env: SUPPORT_LLM_KEY } } } }\n");
    stage.project.write("personas/bea.yaml", "name: Bea\nprompt: Be brief.\ntargets: { tavus: {} }\n");
    stage.set("PERSONAFORM_FLAGS", "--target tavus.*");
    stage.set("PERSONAFORM_STATE_PATH", ".personaform/state.json");
    stage.set("TAVUS_API_KEY", &key);
    let mut printed = String::new();
    let mut keep = |run: crate::support::Run| printed += &format!("{}{}", run.stdout, run.stderr);
    keep(stage.run("plan.sh").ends(0));
    stage.merged();
    keep(stage.run("apply.sh").ends(0));
    stage.on_main("schedule");
    keep(stage.run("drift.sh").ends(0));
    stage.set("TAVUS_API_KEY", "a-wrong-key-that-nobody-may-see");
    keep(stage.run("drift.sh").ends(1));
    for name in ["calls", "output", "summary", "comments.json", "out/reviewed.json", "out/report.json"] {
        printed += &stage.read(name);
    }
    for (path, bytes) in stage.project.everything() {
        printed += &format!("{}: {}", path.display(), String::from_utf8_lossy(&bytes));
    }
    for hidden in [key.as_str(), secret, "a-wrong-key-that-nobody-may-see"] {
        assert!(!printed.contains(hidden), "{hidden} is seen");
    }
    assert!(printed.contains("tavus.ada"));
}
