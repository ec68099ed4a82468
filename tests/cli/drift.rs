//! `drift`: what somebody changed elsewhere, told apart from what the files declare, and never a write.

use std::path::Path;

use crate::support::{Project, Run, Served};
use serde_json::{Value, json};

/// Two personas at a service with drafts and one without; one at a service that shows nothing.
fn applied() -> Project {
    let project = Project::new(&[
        ("personaform.yaml", "accounts: { tavus: {}, bland: {}, opengiant: {} }\n"),
        (
            "personas/ada.yaml",
            "name: Ada\nprompt: Be kind.\ntargets:\n  tavus: { layers: { tts: { tts_engine: cartesia } } }\n  bland: { $release: production, role: Guide }\n  opengiant: { attributes: { tone: warm } }\n",
        ),
        (
            "personas/bea.yaml",
            "name: Bea\nprompt: Be brief.\ntargets:\n  tavus: {}\n  bland: { $release: draft, role: Clerk }\n",
        ),
    ]);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project
}

fn state(project: &Project) -> Value {
    serde_json::from_str(&project.read(".personaform/sandbox/state.json")).expect("JSON")
}

fn id(project: &Project, address: &str) -> String {
    state(project)["objects"][address]["id"].as_str().expect("an id").to_owned()
}

/// What a colleague does in a dashboard.
#[track_caller]
fn elsewhere(project: &Project, address: &str, method: &str, path: &str, body: Option<Value>) {
    let account = address.split('.').next().expect("an account");
    let served = Served::start(project);
    let path = path.replace("{id}", &id(project, address));
    let (status, answer) = served.request(account, method, &path, body);
    assert!(status < 300, "{status} {answer}");
}

fn reworded(project: &Project, address: &str, prompt: &str) {
    let patch = json!([{"op": "replace", "path": "/system_prompt", "value": prompt}]);
    elsewhere(project, address, "PATCH", "/v2/personas/{id}", Some(patch));
}

/// What `drift` says as JSON; that it follows the published schema is held with every use.
fn drift(project: &Project, arguments: &[&str]) -> Run {
    let run = project.run(&[&["--sandbox", "--format", "json", "drift"], arguments].concat());
    if matches!(run.code, 0 | 2) {
        let validator = jsonschema::validator_for(&personaform::schemas::drift()).expect("a schema");
        let errors: Vec<String> = validator.iter_errors(&run.json()).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", run.stdout);
    }
    run
}

#[test]
fn what_was_just_applied_has_not_drifted() {
    let project = applied();
    let found = drift(&project, &[]).ends(0).json();
    assert_eq!(found["summary"], json!({"changed": 0, "gone": 0, "unchanged": 4, "unverified": 1, "unreadable": 0}));
    assert_eq!(found["drifted"], json!([]));
    assert_eq!(found["unverified"][0]["address"], "opengiant.ada");
    let text = project.run(&["--sandbox", "drift"]).ends(0).stdout;
    assert_eq!(
        text,
        "Not verified: 1 target, since OpenGiant cannot be read.\n\nNo drift. 4 targets as last written, 1 not verified.\n"
    );
}

#[test]
fn an_edit_elsewhere_is_told_with_its_age_and_the_ways_out() {
    let project = applied();
    let patch = json!([
        {"op": "replace", "path": "/system_prompt", "value": "Be rude."},
        {"op": "replace", "path": "/layers/tts/tts_engine", "value": "elevenlabs"},
        {"op": "add", "path": "/default_replica_id", "value": "r79e1c033f"},
    ]);
    elsewhere(&project, "tavus.ada", "PATCH", "/v2/personas/{id}", Some(patch));
    let found = drift(&project, &[]).ends(2).json();
    assert_eq!(found["summary"]["changed"], 1);
    let target = &found["drifted"][0];
    assert_eq!(
        (&target["address"], &target["what"], &target["wanted"]),
        (&json!("tavus.ada"), &json!("changed"), &json!(true))
    );
    assert_eq!(target["written_at"], state(&project)["objects"]["tavus.ada"]["written_at"]);
    assert_eq!(
        target["fields"],
        json!([
            {"path": "/layers/tts/tts_engine", "written": "cartesia", "live": "elevenlabs", "file": "written"},
            {"path": "/system_prompt", "written": "Be kind.", "live": "Be rude.", "file": "written"},
        ])
    );
    let text = project.run(&["--sandbox", "drift"]).ends(2).stdout;
    let written_at = target["written_at"].as_str().expect("a time");
    for part in [
        "changed elsewhere tavus.ada",
        written_at,
        "`personaform apply` writes",
        "`personaform pull tavus.ada` keeps",
        "Drift: 1 target",
    ] {
        assert!(text.contains(part), "`{part}` in:\n{text}");
    }
    assert!(!text.contains("replica"), "{text}");
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    drift(&project, &[]).ends(0);
}

#[test]
fn what_the_files_declare_is_no_drift() {
    let project = applied();
    project.edit("personas/ada.yaml", "Be kind.", "Be kind and brief.");
    project.edit("personas/bea.yaml", "name: Bea\n", "name: Beatrice\n");
    project.write("personas/cyd.yaml", "name: Cyd\nprompt: Hi.\ntargets: { tavus: {} }\n");
    assert_ne!(project.run(&["--sandbox", "--format", "json", "plan"]).ends(0).json()["changes"], json!([]));
    drift(&project, &[]).ends(0);

    // Changed on both sides: it is drift, and apply will write what the file says now.
    reworded(&project, "tavus.ada", "Be rude.");
    let found = drift(&project, &[]).ends(2).json();
    let field = json!({"path": "/system_prompt", "written": "Be kind.", "live": "Be rude.", "file": "changed"});
    assert_eq!(found["drifted"][0]["fields"], json!([field]));
    assert!(project.run(&["--sandbox", "drift"]).ends(2).stdout.contains("the file has changed it too"));

    // A file that says what is live has taken the edit over.
    project.edit("personas/ada.yaml", "Be kind and brief.", "Be rude.");
    drift(&project, &[]).ends(0);
}

#[test]
fn a_field_that_left_the_file_is_still_watched_until_that_is_applied() {
    let project = applied();
    project.edit("personas/ada.yaml", "{ layers: { tts: { tts_engine: cartesia } } }", "{}");
    drift(&project, &[]).ends(0);
    let patch = json!([{"op": "replace", "path": "/layers/tts/tts_engine", "value": "elevenlabs"}]);
    elsewhere(&project, "tavus.ada", "PATCH", "/v2/personas/{id}", Some(patch));
    assert_eq!(drift(&project, &[]).ends(2).json()["drifted"][0]["fields"][0]["file"], "removed");
}

#[test]
fn an_object_deleted_elsewhere_is_gone_until_its_target_goes_too() {
    let project = applied();
    elsewhere(&project, "tavus.bea", "DELETE", "/v2/personas/{id}", None);
    let found = drift(&project, &[]).ends(2).json();
    assert_eq!((&found["summary"]["gone"], &found["drifted"][0]["what"]), (&json!(1), &json!("gone")));
    let text = project.run(&["--sandbox", "drift"]).ends(2).stdout;
    assert!(text.contains("deleted elsewhere tavus.bea") && text.contains("makes it anew"), "{text}");
    project.edit("personas/bea.yaml", "  tavus: {}\n", "");
    drift(&project, &[]).ends(0);
}

#[test]
fn an_edit_of_an_object_that_is_about_to_go_is_told() {
    let project = applied();
    reworded(&project, "tavus.bea", "Be rude.");
    project.edit("personas/bea.yaml", "  tavus: {}\n", "");
    let found = drift(&project, &[]).ends(2).json();
    assert_eq!(found["drifted"][0]["wanted"], false);
    let text = project.run(&["--sandbox", "drift"]).ends(2).stdout;
    assert!(text.contains("`personaform apply` deletes it"), "{text}");
}

#[test]
fn a_renamed_file_does_not_lose_sight_of_its_objects() {
    let project = applied();
    let text = project.read("personas/bea.yaml");
    std::fs::remove_file(project.path("personas/bea.yaml")).expect("removed");
    project.write("personas/beatrice.yaml", &format!("previously: bea\n{text}"));
    drift(&project, &[]).ends(0);
    reworded(&project, "tavus.bea", "Be rude.");
    for selection in ["tavus.bea", "tavus.beatrice"] {
        let found = drift(&project, &["--target", selection]).ends(2).json();
        assert_eq!((&found["drifted"][0]["address"], &found["drifted"][0]["wanted"]), (&json!("tavus.bea"), &json!(true)));
    }
}

#[test]
fn drafts_are_watched_where_writes_go_and_production_where_it_is_ours() {
    let project = applied();
    let change = |name: &str| Some(json!({"name": name, "personality_prompt": "Be rude."}));
    elsewhere(&project, "bland.bea", "PATCH", "/v1/personas/{id}", change("Bea"));
    elsewhere(&project, "bland.ada", "PATCH", "/v1/personas/{id}", change("Ada"));
    let found = drift(&project, &[]).ends(2).json();
    assert_eq!(found["summary"]["changed"], 2);
    for target in found["drifted"].as_array().expect("targets") {
        assert_eq!(
            (&target["fields"][0]["path"], &target["fields"][0]["release_only"]),
            (&json!("/personality_prompt"), &Value::Null)
        );
    }
    // Somebody promotes it, and puts only the draft back: callers of Ada still hear it, Bea's production is not ours.
    for (address, name, prompt) in [("bland.ada", "Ada", "Be kind."), ("bland.bea", "Bea", "Be brief.")] {
        let served = Served::start(&project);
        let path = format!("/v1/personas/{}", id(&project, address));
        let (status, promoted) = served.request("bland", "POST", &format!("{path}/versions/promote"), Some(json!({})));
        assert!(status < 300, "{promoted}");
        let (status, answer) =
            served.request("bland", "PATCH", &path, Some(json!({"name": name, "personality_prompt": prompt})));
        assert!(status < 300, "{answer}");
    }
    let found = drift(&project, &[]).ends(2).json();
    assert_eq!(found["summary"]["changed"], 1);
    let field = json!({"path": "/personality_prompt", "written": "Be kind.", "live": "Be rude.", "file": "written", "release_only": true});
    assert_eq!(found["drifted"][0]["fields"], json!([field]));
    let text = project.run(&["--sandbox", "drift"]).ends(2).stdout;
    assert!(text.contains("only in production") && text.contains("released another version"), "{text}");
}

#[test]
fn ignored_fields_are_left_out_for_one_run_and_for_good() {
    let project = applied();
    let patch = json!([
        {"op": "replace", "path": "/system_prompt", "value": "Be rude."},
        {"op": "replace", "path": "/layers/tts/tts_engine", "value": "elevenlabs"},
    ]);
    elsewhere(&project, "tavus.ada", "PATCH", "/v2/personas/{id}", Some(patch));
    let one = drift(&project, &["--ignore", "/system_prompt"]).ends(2).json();
    assert_eq!(one["drifted"][0]["fields"].as_array().expect("fields").len(), 1);
    assert_eq!(drift(&project, &["--ignore", "/system_prompt", "--ignore", "/layers"]).ends(0).stderr, "");
    drift(&project, &["--target", "bland.*"]).ends(0);
    project.edit("personas/ada.yaml", "tavus: { layers", "tavus: { $lifecycle: { ignore_changes: [/system_prompt] }, layers");
    let lasting = drift(&project, &["--ignore", "/layers/tts"]).ends(0);
    assert_eq!(lasting.json()["summary"]["changed"], 0);
}

#[test]
fn typing_mistakes_are_told() {
    let project = applied();
    let wrong = project.run(&["--sandbox", "drift", "--ignore", "system_prompt"]);
    assert_ne!(wrong.code, 0);
    assert!(wrong.stderr.contains("write `/system_prompt`"), "{}", wrong.stderr);
    let idle = project.run(&["--sandbox", "drift", "--ignore", "/systemPrompt"]).ends(0);
    assert!(idle.stderr.contains("`--ignore /systemPrompt` names no field"), "{}", idle.stderr);
    let nobody = project.run(&["--sandbox", "drift", "--target", "tavus.adda"]).ends(1);
    assert!(nobody.stderr.contains("did you mean `tavus.ada`?"), "{}", nobody.stderr);
}

#[test]
fn looking_writes_nothing_and_needs_no_lock() {
    let project = applied();
    reworded(&project, "tavus.ada", "Be rude.");
    let lock = std::fs::File::options().write(true).open(project.path(".personaform/sandbox/state.json.lock")).expect("there");
    lock.lock().expect("locked");
    let before = project.everything();
    drift(&project, &[]).ends(2);
    assert!(project.everything() == before, "a file has changed");
    drift(&project, &["-o", "drift.json"]).ends(2);
    let saved: Value = serde_json::from_str(&project.read("drift.json")).expect("JSON");
    assert_eq!(saved["summary"]["changed"], 1);
}

/// A project whose accounts live at another process, as real services do.
fn client(served: &Served) -> Project {
    let mut client = Project::new(&[(
        "personas/ada.yaml",
        "name: Ada\nprompt: Be kind.\ntargets:\n  tavus: { layers: { llm: { model: m, base_url: \"https://llm.example/v1\", api_key: { $env: LLM_KEY } } } }\n  bland: {}\n",
    )]);
    let mut text = String::from("accounts:\n");
    for account in ["tavus", "bland"] {
        text += &format!("  {account}: {{ base_url: \"{}\" }}\n", served.base_url(account));
        client.set(&format!("{}_API_KEY", account.to_uppercase()), &served.key(account));
    }
    client.write("personaform.yaml", &text);
    client.set("LLM_KEY", "sk-first-secret");
    client
}

fn server() -> Project {
    Project::new(&[("personaform.yaml", "accounts: { tavus: {}, bland: {} }\n"), ("personas/.keep", "")])
}

#[test]
fn what_cannot_be_read_is_a_failure_and_hides_no_drift_elsewhere() {
    let server = server();
    let served = Served::start(&server);
    let mut client = client(&served);
    client.run(&["apply", "-y"]).ends(0);
    let recorded: Value = serde_json::from_str(&client.read(".personaform/state.json")).expect("JSON");
    let bland = recorded["objects"]["bland.ada"]["id"].as_str().expect("an id");
    let patch = json!({"name": "Ada", "personality_prompt": "Be rude."});
    let (status, _) = served.request("bland", "PATCH", &format!("/v1/personas/{bland}"), Some(patch));
    assert_eq!(status, 200);
    client.set("TAVUS_API_KEY", "a-wrong-key-to-look-for");
    let run = client.run(&["drift", "-o", "drift.json"]).ends(1);
    assert!(run.stdout.contains("Could not be read") && run.stdout.contains("401"), "{}", run.stdout);
    assert!(
        run.stdout.contains("check that the key of the account `tavus`") && !run.stdout.contains("a-wrong-key"),
        "{}",
        run.stdout
    );
    let found: Value = serde_json::from_str(&client.read("drift.json")).expect("JSON");
    assert_eq!((&found["summary"]["unreadable"], &found["summary"]["changed"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&found["unreadable"][0]["address"], &found["drifted"][0]["address"]),
        (&json!("tavus.ada"), &json!("bland.ada"))
    );
    let nothing_else = client.run(&["drift", "--target", "tavus.*"]).ends(1).stdout;
    assert!(nothing_else.contains("No drift found."), "{nothing_else}");
    assert!(!Path::new(&client.path(".personaform/state.json.backup")).exists(), "state was written once, by apply");
}

#[test]
fn a_new_secret_is_no_drift_and_no_secret_is_printed() {
    let server = server();
    let served = Served::start(&server);
    let mut client = client(&served);
    client.run(&["apply", "-y"]).ends(0);
    client.set("LLM_KEY", "sk-second-secret");
    let run = client.run(&["drift", "-v", "-o", "drift.json"]).ends(0);
    let recorded: Value = serde_json::from_str(&client.read(".personaform/state.json")).expect("JSON");
    let tavus = recorded["objects"]["tavus.ada"]["id"].as_str().expect("an id");
    let patch = json!([{"op": "replace", "path": "/layers/llm/api_key", "value": "sk-of-somebody-else"}]);
    let (status, _) = served.request("tavus", "PATCH", &format!("/v2/personas/{tavus}"), Some(patch));
    assert_eq!(status, 200);
    let changed = client.run(&["drift", "-v", "--format", "json"]);
    assert!(changed.stdout.contains("summary"), "{}", changed.stderr);
    let printed = format!("{}{}{}{}", run.stdout, run.stderr, changed.stdout, changed.stderr) + &client.read("drift.json");
    for secret in ["sk-first-secret", "sk-second-secret", "sk-of-somebody-else", &served.key("tavus")] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
