//! What is particular to Tavus, from the files to the service and back: the newer generation, guarded patches, related calls.

use serde_json::{Value, json};

use crate::support::{Project, Served};

const PERSONA: &str = "name: Ada\nprompt: Be kind.\ntargets:\n  tavus:\n    greeting: Hi\n";

fn project(account: &str, persona: &str) -> Project {
    Project::new(&[("personaform.yaml", &format!("accounts:\n  tavus: {account}\n")), ("personas/ada.yaml", persona)])
}

fn requests(project: &Project) -> Vec<Value> {
    let plan = project.run(&["--sandbox", "plan", "--format", "json"]).ends(0).json();
    plan["changes"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|change| change["requests"].as_array().cloned().unwrap_or_default())
        .collect()
}

#[test]
fn an_account_of_the_newer_generation_writes_pals_in_their_own_words() {
    let persona = "name: Ada\nprompt: Be kind.\ntargets:\n  tavus:\n    default_face_id: r1\n    layers: { conversational_flow: { pal_interruptibility: low } }\n";
    let project = project("{ api: pals }", persona);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert_eq!(requests(&project), Vec::<Value>::new());
    project.edit("personas/ada.yaml", "default_face_id: r1", "default_face_id: r2");
    let wanted = json!([{"op": "replace", "path": "/default_face_id", "value": "r2"}]);
    let planned = requests(&project);
    assert_eq!((planned.len(), &planned[0]["body"]), (1, &wanted));
    assert!(planned[0]["path"].as_str().is_some_and(|path| path.starts_with("/v2/pals/p")), "{planned:?}");
    project.run(&["--sandbox", "apply", "-y"]).ends(0);

    // The same object in the older words, from the same files respelled: nothing to do.
    project.write("personaform.yaml", "accounts:\n  tavus: {}\n");
    let older = persona.replace("default_face_id: r1", "default_replica_id: r2").replace("pal_inter", "replica_inter");
    project.write("personas/ada.yaml", &older);
    assert_eq!(requests(&project), Vec::<Value>::new());
}

#[test]
fn each_generation_refuses_the_others_words() {
    let pals = project("{ api: pals }", "prompt: x\ntargets:\n  tavus: { default_replica_id: r1 }\n");
    let run = pals.run(&["--sandbox", "validate"]).ends(5);
    assert!(run.stderr.contains("default_face_id"), "{}", run.stderr);
    project("{}", "prompt: x\ntargets:\n  tavus: { default_face_id: r1 }\n").run(&["--sandbox", "validate"]).ends(5);
}

#[test]
fn settings_that_a_provider_does_not_know_are_problems() {
    let files = [
        ("personaform.yaml", "accounts:\n  bland: { guard: true }\n"),
        ("personas/ada.yaml", "name: Ada\ntargets: { bland: {} }\n"),
    ];
    let run = Project::new(&files).run(&["--sandbox", "validate"]).ends(5);
    assert!(run.stderr.contains("`guard` means nothing at bland") && run.stderr.contains("`tavus`"), "{}", run.stderr);
    let run = project("{ api: palz }", PERSONA).run(&["--sandbox", "validate"]).ends(5);
    assert!(run.stderr.contains("pals"), "{}", run.stderr);
}

#[test]
fn a_guarded_update_is_planned_with_its_tests_and_applied() {
    let project = project("{ guard: true }", PERSONA);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project.edit("personas/ada.yaml", "greeting: Hi", "greeting: Hello");
    let wanted = json!([
        {"op": "test", "path": "/greeting", "value": "Hi"},
        {"op": "replace", "path": "/greeting", "value": "Hello"},
    ]);
    assert_eq!(requests(&project)[0]["body"], wanted);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert_eq!(requests(&project), Vec::<Value>::new());
}

#[test]
fn inline_functions_are_warned_about_where_they_stand_and_applied_all_the_same() {
    let persona = format!("{PERSONA}    layers: {{ llm: {{ tools: [{{ type: function, function: {{ name: f }} }}] }} }}\n");
    let project = project("{}", &persona);
    let run = project.run(&["--sandbox", "validate"]).ends(0);
    assert!(run.stderr.contains("tool_ids") && run.stderr.contains("ada.yaml:6"), "{}", run.stderr);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert_eq!(requests(&project), Vec::<Value>::new());
}

#[test]
fn a_context_is_refused_with_the_reason() {
    let run = project("{}", &format!("{PERSONA}    context: A shop.\n")).run(&["--sandbox", "validate"]).ends(5);
    assert!(run.stderr.contains("withdrawn by Tavus") && run.stderr.contains("write it into the prompt"), "{}", run.stderr);
}

#[test]
fn conferencing_is_never_mixed_with_other_paths() {
    let project = project("{}", PERSONA);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project.write(
        "personas/ada.yaml",
        &format!(
            "{}    default_replica_id: r1\n    layers: {{ conferencing: {{ username: ada }} }}\n",
            PERSONA.replace("Hi", "Hello")
        ),
    );
    let planned = requests(&project);
    assert_eq!(planned.len(), 2);
    for request in planned {
        let paths: Vec<bool> = request["body"]
            .as_array()
            .expect("operations")
            .iter()
            .map(|operation| operation["path"].as_str().is_some_and(|path| path.starts_with("/layers/conferencing")))
            .collect();
        assert!(paths.iter().all(|apart| *apart == paths[0]), "{request}");
    }
}

#[test]
fn a_refused_key_is_told_by_its_account_and_variable_and_never_shown() {
    let mut project = project("{}", PERSONA);
    let served = Served::start(&project);
    let account = format!("{{ base_url: \"{}\", api_key: {{ $env: SOME_KEY }} }}", served.base_url("tavus"));
    project.write("personaform.yaml", &format!("accounts:\n  tavus: {account}\n"));
    project.set("SOME_KEY", "sk-not-the-right-one");
    let run = project.run(&["plan"]);
    let shown = format!("{}{}", run.stdout, run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["GET /v2/personas", "401", "Invalid access token", "account `tavus`", "`$SOME_KEY`"] {
        assert!(shown.contains(part), "{part} is not in:\n{shown}");
    }
    assert!(!shown.contains("sk-not-the-right-one"), "{shown}");
}
