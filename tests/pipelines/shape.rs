//! What the code hosts read: the files parse, name what exists, ask for no permission too many, and are what the page shows.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::stage::{Stage, root};
use crate::support::Project;

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn steps() -> Vec<Value> {
    yaml("action.yml")["runs"]["steps"].as_array().expect("steps").clone()
}

/// The scripts that a text names, as in `$HOME/ci/plan.sh`.
fn scripts(text: &str) -> BTreeSet<String> {
    let names = text.match_indices("/ci/").map(|(at, word)| {
        let rest = &text[at + word.len()..];
        rest[..rest.find(|letter: char| !(letter.is_alphanumeric() || "-_.".contains(letter))).unwrap_or(rest.len())].to_owned()
    });
    names.collect()
}

#[test]
fn every_step_names_scripts_that_exist_and_can_be_run() {
    let mut named = BTreeSet::new();
    for step in steps() {
        if let Some(run) = step["run"].as_str() {
            assert_eq!(step["shell"], "bash", "{run}");
            named.extend(scripts(run));
        }
    }
    let gitlab = yaml("templates/gitlab/personaform.yml");
    for (name, job) in gitlab.as_object().expect("jobs") {
        for line in ["before_script", "script"].iter().filter_map(|part| job[part].as_array()).flatten() {
            named.extend(scripts(line.as_str().unwrap_or_else(|| panic!("{name}: a line is no text: {line}"))));
        }
    }
    assert_eq!(named.iter().map(String::as_str).collect::<Vec<_>>(), ["apply.sh", "drift.sh", "install.sh", "plan.sh"]);
    for name in named {
        let mode = fs::metadata(root().join("ci").join(&name)).expect("there").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{name} can be run");
    }
}

#[test]
fn no_expression_is_pasted_into_a_shell() {
    for step in steps() {
        assert!(!step["run"].as_str().unwrap_or_default().contains("${{"), "{step}");
    }
    for line in text("templates/github/personaform.yml").lines() {
        assert!(!line.trim_start().starts_with("run:") && !line.contains("github.event.pull_request"), "{line}");
    }
}

#[test]
fn every_input_is_declared_and_used_and_every_variable_is_read() {
    let action = yaml("action.yml");
    let declared: BTreeSet<&str> = action["inputs"].as_object().expect("inputs").keys().map(String::as_str).collect();
    let source = text("action.yml");
    let used: BTreeSet<&str> = source
        .match_indices("inputs.")
        .map(|(at, word)| {
            let rest = &source[at + word.len()..];
            &rest[..rest.find(|letter: char| !(letter.is_ascii_lowercase() || letter == '-')).unwrap_or(rest.len())]
        })
        .collect();
    assert_eq!(declared, used);
    let scripts: String = ["lib", "github", "gitlab", "plan", "apply", "drift", "install"]
        .iter()
        .map(|name| text(&format!("ci/{name}.sh")))
        .collect();
    let step = steps().into_iter().find(|step| step["id"] == "run").expect("the step");
    let run = step["run"].as_str().expect("a script");
    for name in step["env"].as_object().expect("variables").keys() {
        assert!(scripts.contains(name.as_str()) || run.contains(name.as_str()), "{name} is read nowhere");
    }
}

#[test]
fn actions_of_others_are_pinned_by_commit() {
    let mut count = 0;
    for path in ["action.yml", "templates/github/personaform.yml"] {
        for line in text(path).lines().filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix("uses: ")) {
            let (_, version) = line.split_once('@').expect("a version");
            let commit = version.split(' ').next().expect("a commit");
            let pinned = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(pinned || line == "OWNER/personaform@FULL-COMMIT-HASH", "{path}: {line}");
            count += 1;
        }
    }
    assert_eq!(count, 9);
}

#[test]
fn each_job_has_the_permissions_that_it_needs_and_no_other() {
    let workflow = yaml("templates/github/personaform.yml");
    assert_eq!(workflow["permissions"], json!({}));
    let permissions = |job: &str| workflow["jobs"][job]["permissions"].clone();
    assert_eq!(permissions("plan"), json!({"contents": "read", "pull-requests": "write"}));
    assert_eq!(permissions("apply"), json!({"contents": "write", "pull-requests": "read", "actions": "read"}));
    assert_eq!(permissions("drift"), json!({"contents": "read", "issues": "write"}));
    let page = text("docs/pipelines.md");
    for job in ["plan", "apply", "drift"] {
        for (name, level) in permissions(job).as_object().expect("a table") {
            let row = format!("| {job} | `{name}: {}` |", level.as_str().expect("a level"));
            assert!(page.contains(&row), "docs/pipelines.md lacks {row}");
        }
    }
    let events: Vec<&String> = workflow["on"].as_object().expect("events").keys().collect();
    assert!(!events.iter().any(|event| *event == "pull_request_target" || *event == "workflow_run"), "{events:?}");
}

#[test]
fn the_page_shows_the_workflow_as_it_is() {
    let block = format!("```yaml\n{}```\n", text("templates/github/personaform.yml"));
    assert!(text("docs/pipelines.md").contains(&block), "the example in docs/pipelines.md is stale");
    for input in yaml("action.yml")["inputs"].as_object().expect("inputs").values() {
        assert!(input["description"].as_str().is_some_and(|words| words.len() > 20), "{input}");
    }
}

/// Runs the text of the action's last script step, as the runner does.
#[test]
fn the_action_dispatches_its_command() {
    let mut stage = Stage::github();
    stage.on_pull_request("mallory/cast", "mallory");
    let step = steps().into_iter().find(|step| step["id"] == "run").expect("the step");
    for (command, code) in [("plan", 0), ("apply", 4), ("drift", 4), ("destroy", 1), ("", 1)] {
        let output = Command::new("bash")
            .args(["-e", "-c", step["run"].as_str().expect("a script")])
            .env_clear()
            .envs(stage.environment())
            .env("GITHUB_ACTION_PATH", root())
            .env("PERSONAFORM_COMMAND", command)
            .current_dir(stage.project.folder.path())
            .output()
            .expect("bash runs");
        assert_eq!(output.status.code(), Some(code), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Runs the lines of a GitLab job, as the runner does: fetched at a commit, and begun there.
#[test]
fn the_gitlab_jobs_run_from_a_pinned_commit() {
    let mut stage = Stage::gitlab();
    let checkout = stage.at("personaform");
    for name in ["lib", "github", "gitlab", "plan", "apply", "drift", "install"] {
        stage.executable(&format!("personaform/ci/{name}.sh"), &text(&format!("ci/{name}.sh")));
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@localhost"])
            .args(arguments)
            .current_dir(&checkout)
            .output();
        let output = output.expect("git runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "one"]);
    let commit = git(&["rev-parse", "HEAD"]);
    stage.set("PERSONAFORM_REPOSITORY", checkout.to_str().expect("UTF-8"));
    stage.set("PERSONAFORM_HOME", stage.at("home").to_str().expect("UTF-8"));
    let template = yaml("templates/gitlab/personaform.yml");
    let lines = |job: &str, part: &str| -> String {
        template[job][part]
            .as_array()
            .expect("lines")
            .iter()
            .map(|line| format!("{}\n", line.as_str().expect("a line")))
            .collect()
    };
    let script = lines(".personaform", "before_script") + &lines("personaform:plan", "script");
    for (revision, code) in [("main", 1), (commit.as_str(), 0)] {
        stage.set("PERSONAFORM_REVISION", revision);
        let output = Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", &script])
            .env_clear()
            .envs(stage.environment())
            .current_dir(stage.project.folder.path())
            .output()
            .expect("bash runs");
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(stage.json("notes.json").as_array().map(Vec::len), Some(1));
}

#[test]
fn the_gitlab_jobs_run_only_where_they_should() {
    let template = yaml("templates/gitlab/personaform.yml");
    let rules = |job: &str| template[job]["rules"].to_string();
    assert!(rules("personaform:plan").contains("merge_request_event") && !rules("personaform:plan").contains("push"));
    assert!(
        !rules("personaform:apply").contains("merge_request")
            && rules("personaform:apply").contains("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH")
    );
    assert_eq!(template["personaform:apply"]["environment"]["name"], "personas");
    assert_eq!(template["personaform:apply"]["resource_group"], "personas");
    assert_eq!(template["personaform:plan"]["artifacts"]["reports"]["terraform"], "personaform-ci/report.json");
    assert_eq!(template["personaform:plan"]["artifacts"]["paths"], json!(["personaform-ci/reviewed.json"]));
}

#[test]
fn the_hooks_check_what_is_committed_without_secrets() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    let project = Project::example();
    let mistaken = Project::example();
    mistaken.edit("personas/support-guide.yaml", "    voiceId: de23e340", "    voiceid: de23e340");
    for hook in hooks.as_array().expect("hooks") {
        let entry: Vec<&str> = hook["entry"].as_str().expect("an entry").split(' ').collect();
        assert_eq!((entry[0], &hook["pass_filenames"]), ("personaform", &json!(false)));
        let before = project.everything().len();
        project.run(&entry[1..]).ends(0);
        assert_eq!(project.everything().len(), before, "a check leaves nothing behind");
        mistaken.run(&entry[1..]).ends(5);
        let pattern = hook["files"].as_str().expect("a pattern");
        for (path, wanted) in [
            ("personaform.yaml", true),
            ("cast/personaform.yml", true),
            ("personas/prompts/a.md", true),
            ("personaform.yaml.md", false),
            ("src/main.rs", false),
        ] {
            let matched =
                Command::new("bash").args(["-c", "[[ $1 =~ $2 ]]", "bash", path, pattern]).status().expect("bash runs");
            assert_eq!(matched.success(), wanted, "{path}");
        }
    }
}
