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
    let run = project.run(&["validate", "--report", "gitlab-plan=x.json"]).ends(1);
    assert!(run.stderr.contains("`--report gitlab-plan` means nothing to this command") && run.stdout.is_empty());
    assert!(!project.path("x.json").exists());
    let run = project.run(&["--sandbox", "plan", "--report", "markdown=x", "--report", "html=x"]).ends(1);
    assert!(run.stderr.contains("two reports would be written to `x`"), "{}", run.stderr);
    let run = project.run(&["--sandbox", "plan", "--report", "pdf=x"]);
    assert!(run.code == 1 && run.stderr.contains("there is no format `pdf`"), "{}", run.stderr);
    let run = project.run(&["--sandbox", "plan", "--report", "html=missing/x.html"]).ends(1);
    assert!(run.stderr.contains("`missing/x.html` cannot be written"), "{}", run.stderr);
}

#[test]
fn requests_are_told_in_markdown_where_they_are_wanted() {
    let project = changed();
    let plan = project.run(&["--sandbox", "plan", "-o", "saved.json", "--requests", "--format", "markdown"]).ends(0).stdout;
    let shown = project.run(&["show", "saved.json", "--requests", "--format", "markdown"]).ends(0).stdout;
    assert_eq!(plan, shown);
    let (_, tavus) = plan.split_once("🟡 update `tavus.support-guide`").expect("the change");
    let (_, folded) = tavus.split_once("<summary>1 request</summary>\n\n```http\nPATCH /v2/personas/").expect("its request");
    let (body, _) = folded.split_once("\n```\n").expect("an end");
    assert!(body.contains("\"path\": \"/greeting\""), "{body}");
    let without = project.run(&["show", "saved.json", "--format", "markdown"]).ends(0).stdout;
    assert!(!without.contains("request</summary>"));
}

#[test]
fn drift_is_told_in_every_format() {
    let project = changed();
    let run = project.run(&[
        "--sandbox",
        "drift",
        "--format",
        "markdown",
        "--report",
        "html=drift.html",
        "--report",
        "github=drift.log",
        "--report",
        "text=drift.txt",
        "-o",
        "drift.json",
    ]);
    let markdown = run.ends(2).stdout;
    for words in [
        "**Drift:** 1 target changed elsewhere, ",
        "<summary><b><code>support-guide</code></b>: 🟠 changed elsewhere <code>tavus</code></summary>",
        "@@ /greeting @@",
        "Heyyy",
        "Next: `personaform apply` writes what the file says; ",
    ] {
        assert!(markdown.contains(words), "{words} in\n{markdown}");
    }
    let page = project.read("drift.html");
    assert!(page.contains("<h1>Drift</h1>") && page.contains("Heyyy") && page.contains("tavus.support-guide"), "{page}");
    let log = project.read("drift.log");
    assert!(log.starts_with("::warning title=changed elsewhere%3A tavus.support-guide::`/greeting`%0Anext: "), "{log}");
    assert!(project.read("drift.txt").contains("~ changed elsewhere tavus.support-guide"));
    let json: Value = serde_json::from_str(&project.read("drift.json")).expect("JSON");
    assert_eq!(json["summary"]["changed"], 1);
}

#[test]
fn a_check_of_the_files_is_a_page_too() {
    let project = mistaken();
    let run = project.run(&["-C", "böts 1", "validate", "--format", "html", "--report", "markdown=problems.md"]).ends(5);
    assert!(run.stdout.contains("<h1>Nothing can be planned</h1>"), "{}", run.stdout);
    assert!(run.stdout.contains("<pre class=\"excerpt\" dir=\"auto\">    <mark>voice_Id</mark>: v</pre>"), "{}", run.stdout);
    assert!(project.read("problems.md").contains("`voice_Id`"));
    let page = Project::example().run(&["--sandbox", "validate", "--format", "html"]).ends(0).stdout;
    assert!(page.contains("<h1>No problems</h1>") || page.contains("<h1>Warnings</h1>"), "{page}");
}

#[test]
fn more_annotations_than_github_shows_are_summed_up() {
    let many: String = (0..14).map(|number| format!("    odd{number}: 1\n")).collect();
    let project = Project::new(&[
        ("personaform.yaml", "accounts:\n  anam: {}\n"),
        ("personas/ada.yaml", &format!("name: Ada\ntargets:\n  anam:\n{many}")),
    ]);
    let log = project.run(&["validate", "--format", "github"]).ends(5).stdout;
    let commands: Vec<&str> = log.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(commands.len(), 10, "{log}");
    let plain: Vec<&str> = log.lines().filter(|line| line.starts_with("error: personas/ada.yaml:")).collect();
    assert_eq!(commands[9].split("::").nth(1).expect("a title"), format!("error title={} more errors", plain.len()));
    assert!(plain.len() >= 5 && log.contains("odd13"), "the log has all of them: {log}");
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

/// What the published schema of SARIF 2.1.0 has against a document.
fn against_published_schema(sarif: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(include_str!("published/sarif-schema-2.1.0.json")).expect("JSON");
    assert_eq!(sarif["$schema"], schema["id"], "the document names the schema that it follows");
    let validator = validator_for(&schema).expect("a schema");
    validator.iter_errors(sarif).map(|error| format!("{error} at {}", error.instance_path())).collect()
}

#[test]
fn every_kind_of_problem_makes_a_document_of_the_published_schema() {
    let sarif = |project: &Project, code: i32| -> Value {
        serde_json::from_str(&project.run(&["--sandbox", "validate", "--format", "sarif"]).ends(code).stdout).expect("JSON")
    };
    assert_eq!(against_published_schema(&sarif(&Project::example(), 0)), Vec::<String>::new());
    // One of each: without a place, with related places, with a replacement, with odd names and hidden characters, a warning.
    let project = Project::new(&[
        ("personaform.yaml", "accounts: { anam: {}, tavus: {} }\n"),
        (
            "personas/ada.yaml",
            "name: \u{201c}Ada\u{200b}\u{201d}\nname: Bea\ntargets:\n  anam: { voice_Id: v, avatarModel: cara-99 }\n",
        ),
        ("personas/b%#?é.yaml", "name: B\nprompt: { $file: ../../etc/passwd }\ntargets: { anm: {} }\n"),
        ("personas/bea.yaml", "name: B\nprompt: { $file: ../../etc/passwd }\ntargets: { anm: {} }\n"),
        ("personas/c.yaml", "\tname: C\n"),
        ("personas/d.yaml", ""),
    ]);
    let found = sarif(&project, 5);
    assert!(found["runs"][0]["results"].as_array().expect("results").len() >= 7, "{found:#}");
    for member in ["relatedLocations", "fixes"] {
        assert!(found["runs"][0]["results"].as_array().expect("results").iter().any(|it| it[member].is_array()), "no {member}");
    }
    assert_eq!(against_published_schema(&found), Vec::<String>::new());
    // The check can fail: what the schema does not know is found.
    let mut wrong = found;
    wrong["runs"][0]["results"][0]["level"] = json!("fatal");
    wrong["runs"][0]["tool"]["driver"]["nme"] = json!("x");
    assert_eq!(against_published_schema(&wrong).len(), 2);
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
    assert_eq!(against_published_schema(&sarif), Vec::<String>::new());
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
    assert!(run.stdout.starts_with("## personaform: Nothing can be planned\n"), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("**error** `personas/bea.yaml:3`: the account `anm` is not configured<br>help: did you mean `anam`?")
    );
    assert!(project.read("plan.html").contains("<h1>Nothing can be planned</h1>"));
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
