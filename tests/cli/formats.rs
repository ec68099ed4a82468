//! One result in every format, through the binary: `--format`, `--report`, `show`, blame, and what machines read.

use jsonschema::validator_for;
use serde_json::{Value, json};

use crate::support::{Project, Served};

/// The example after one realistic change: a prompt edited, a voice changed, a persona removed, and a greeting that somebody
/// changed in a dashboard.
fn changed() -> Project {
    let project = Project::example();
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    {
        let served = Served::start(&project);
        let state: Value = serde_json::from_str(&project.read(".personaform/sandbox/state.json")).expect("JSON");
        let id = state["objects"]["tavus.support-guide"]["id"].as_str().expect("an id").to_owned();
        let patch = json!([{"op": "replace", "path": "/greeting", "value": "Heyyy!"}]);
        let (status, _) = served.request("tavus", "PATCH", &format!("/v2/personas/{id}"), Some(patch));
        assert_eq!(status, 200);
    }
    project.edit("personas/prompts/support-guide.md", "for 1 to 3 months", "for 1 to 6 months");
    project.edit("personas/support-guide.yaml", "voice: June", "voice: Maya");
    std::fs::remove_file(project.path("personas/sales-qualifier.yaml")).expect("removed");
    project
}

#[test]
fn one_plan_is_written_in_every_format_and_shown_again_the_same() {
    let project = changed();
    let formats =
        [("text", "txt"), ("json", "json"), ("markdown", "md"), ("html", "html"), ("github", "log"), ("gitlab-plan", "gl")];
    let mut arguments = vec!["--sandbox".to_owned(), "plan".into(), "-o".into(), "saved.json".into()];
    for (format, ending) in formats {
        arguments.extend(["--report".to_owned(), format!("{format}=plan.{ending}")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = project.run(&arguments).ends(0);
    assert_eq!(run.stdout, project.read("plan.txt"));
    for (format, ending) in formats {
        let shown = project.run(&["show", "saved.json", "--format", format]).ends(0).stdout;
        assert_eq!(shown, project.read(&format!("plan.{ending}")), "{format}");
    }
    assert_eq!(
        serde_json::from_str::<Value>(&project.read("plan.gl")).expect("JSON"),
        json!({"create": 0, "update": 4, "delete": 3})
    );
    let log = project.read("plan.log");
    for line in [
        "::warning title=delete tavus.sales-qualifier::",
        "::notice file=personas/prompts/support-guide.md,line=27,col=1,title=update anam.support-guide%2C update bland.support-guide",
        "::notice file=personas/support-guide.yaml,line=74,col=7,title=update bland.support-guide::/call_config/voice: \"June\" -> \"Maya\"\n",
        "::notice file=personas/support-guide.yaml,line=22,col=5,title=update tavus.support-guide::",
    ] {
        assert!(log.contains(line), "{line} in\n{log}");
    }
    assert!(log.ends_with("Plan: 0 to create, 4 to update, 2 to delete, 1 to forget, 13 unchanged; 1 drifted.\n"), "{log}");
}

#[test]
fn a_change_points_through_join_and_file_at_the_line_that_asks_for_it() {
    let project = changed();
    let plan = project.run(&["--sandbox", "plan", "--format", "json"]).ends(0).json();
    let find = |address: &str, path: &str| {
        let changes = plan["changes"].as_array().expect("changes");
        let change = changes.iter().find(|change| change["address"] == address).expect("a change");
        let edits = change["edits"].as_array().expect("edits");
        edits.iter().find(|edit| edit["path"] == path).map(|edit| edit["source"].clone()).expect("an edit")
    };
    let prompt = json!({"path": "personas/prompts/support-guide.md", "line": 27, "column": 1});
    assert_eq!(find("anam.support-guide", "/systemPrompt"), prompt);
    assert_eq!(find("opengiant.support-guide", "/attributes/prompt"), prompt);
    assert_eq!(
        find("bland.support-guide", "/call_config/voice"),
        json!({"path": "personas/support-guide.yaml", "line": 74, "column": 7})
    );
}

#[test]
fn what_apply_did_is_told_in_every_format() {
    let project = changed();
    let refused = project.run(&["--sandbox", "apply", "-y", "--format", "markdown", "--report", "github=gate.log"]).ends(4);
    assert!(refused.stdout.contains("**Gate closed, nothing will be applied**"), "{}", refused.stdout);
    assert!(project.read("gate.log").starts_with("::error title=gate closed%3A safety.max_deletes::"));
    let done = project.run(&[
        "--sandbox",
        "apply",
        "-y",
        "--allow-deletes",
        "--format",
        "json",
        "--report",
        "markdown=out.md",
        "--report",
        "html=out.html",
        "--report",
        "github=out.log",
    ]);
    let outcome = done.ends(0).json();
    let validator = validator_for(&personaform::schemas::outcome()).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&outcome).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(outcome["summary"]["done"], 7);
    let markdown = project.read("out.md");
    assert!(
        markdown.contains("**Applied:** 7 done, in ")
            && markdown.contains("| `tavus.sales-qualifier` | **DELETE** | ✅ done |")
    );
    assert!(project.read("out.html").contains("<h1>What was applied</h1>"));
    assert!(project.read("out.log").starts_with("Applied: 7 done, in "));
}

#[test]
fn a_format_that_means_nothing_to_a_command_is_refused_before_anything_is_done() {
    let project = Project::example();
    let run = project.run(&["--sandbox", "plan", "--format", "sarif"]).ends(1);
    assert!(run.stderr.contains("`--format sarif` means nothing to this command"), "{}", run.stderr);
    assert!(run.stderr.contains("it knows `text`, `json`, `markdown`, `html`, `github`, `gitlab-plan`"), "{}", run.stderr);
    let run = project.run(&["validate", "--report", "html=x.html"]).ends(1);
    assert!(run.stderr.contains("`--report html` means nothing to this command") && run.stdout.is_empty());
    assert!(!project.path("x.html").exists());
    let run = project.run(&["--sandbox", "plan", "--report", "markdown=x", "--report", "html=x"]).ends(1);
    assert!(run.stderr.contains("two reports would be written to `x`"), "{}", run.stderr);
    let run = project.run(&["--sandbox", "plan", "--report", "pdf=x"]);
    assert!(run.code == 1 && run.stderr.contains("there is no format `pdf`"), "{}", run.stderr);
    let run = project.run(&["--sandbox", "plan", "--report", "html=missing/x.html"]).ends(1);
    assert!(run.stderr.contains("`missing/x.html` cannot be written"), "{}", run.stderr);
}

/// Mistakes of several kinds, one with a replacement, in a project below the root of its repository.
fn mistaken() -> Project {
    let project = Project::new(&[
        (".git/HEAD", "ref: refs/heads/main\n"),
        ("böts 1/personaform.yaml", "accounts:\n  anam: {}\n"),
        (
            "böts 1/personas/ada.yaml",
            "name: Ada\nprompt: { $file: missing.md }\ntargets:\n  anam:\n    avatarId: a\n    voice_Id: v\n    avatarModel: cara-99\n",
        ),
    ]);
    project.write("böts 1/personas/bea.yaml", "name: Bea\ntargets:\n  anm: {}\n");
    project
}

#[test]
fn problems_reach_code_scanning_annotations_and_code_quality() {
    let project = mistaken();
    let run = |format: &str| project.run(&["-C", "böts 1", "validate", "--format", format]).ends(5).stdout;
    let sarif: Value = serde_json::from_str(&run("sarif")).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let run_ = &sarif["runs"][0];
    let rules: Vec<&str> = run_["tool"]["driver"]["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|rule| rule["id"].as_str().expect("an id"))
        .collect();
    let results = run_["results"].as_array().expect("results");
    assert!(results.len() >= 2 && rules.len() >= 2, "{sarif:#}");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
        assert_eq!(result["ruleId"], rules[index]);
        let place = &result["locations"][0]["physicalLocation"];
        assert!(
            place["artifactLocation"]["uri"].as_str().is_some_and(|uri| uri.starts_with("b%C3%B6ts%201/") && uri.is_ascii()),
            "{place}"
        );
        assert!(place["region"]["endColumn"].as_u64() >= place["region"]["startColumn"].as_u64());
    }
    let misspelled = results.iter().find(|result| result["ruleId"] == "unknown-field").expect("the misspelled field");
    let change = &misspelled["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], "b%C3%B6ts%201/personas/ada.yaml");
    assert_eq!(
        change["replacements"][0],
        json!({"deletedRegion": {"startLine": 6, "startColumn": 5, "endLine": 6, "endColumn": 13}, "insertedContent": {"text": "voiceId"}})
    );
    // The published schema is not ours to copy; where a copy is at hand, the whole document is held against it.
    if let Some(path) = std::env::var_os("SARIF_SCHEMA") {
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("the schema")).expect("JSON");
        let validator = validator_for(&schema).expect("a schema");
        let errors: Vec<String> =
            validator.iter_errors(&sarif).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    let log = run("github");
    assert!(
        log.contains("::error file=böts 1/personas/ada.yaml,line=6,endLine=6,col=5,endColumn=12,title=unknown-field::"),
        "{log}"
    );
    let quality: Value = serde_json::from_str(&run("gitlab-codequality")).expect("JSON");
    let entry =
        quality.as_array().expect("a list").iter().find(|entry| entry["check_name"] == "unknown-field").expect("an entry");
    assert_eq!(entry["location"], json!({"path": "böts 1/personas/ada.yaml", "lines": {"begin": 6}}));
    let problems: Value = serde_json::from_str(&run("json")).expect("JSON");
    let validator = validator_for(&personaform::schemas::problems()).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&problems).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn a_plan_that_cannot_be_made_is_reported_too() {
    let project = mistaken();
    let run = project.run(&["-C", "böts 1", "--sandbox", "plan", "--format", "markdown", "--report", "html=plan.html"]).ends(5);
    assert!(run.stdout.starts_with("## personaform: nothing was planned\n"), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("**error** `personas/bea.yaml:3`: the account `anm` is not configured<br>help: did you mean `anam`?")
    );
    assert!(project.read("plan.html").contains("<h1>Nothing was planned</h1>"));
}

#[test]
fn colour_is_where_it_is_wanted_and_nowhere_else() {
    let coloured = |variables: &[(&str, &str)], flags: &[&str]| {
        let mut project = Project::example();
        for (name, value) in variables {
            project.set(name, value);
        }
        project.run(&[&["--sandbox", "plan"], flags].concat()).ends(0).stdout.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "no terminal");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
    assert!(!coloured(&[("TERM", "dumb")], &[]));
    assert!(coloured(&[("NO_COLOR", "1")], &["--color", "always"]), "a flag is stronger than the environment");
    assert!(!coloured(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1")], &["--format", "markdown"]));
}
