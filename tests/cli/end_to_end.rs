//! The whole job through the binary, on the example cast and the embedded miniatures over real HTTP.

use crate::support::{Project, Served};
use serde_json::{Value, json};

/// Applies the example cast in the sandbox.
fn applied() -> Project {
    let project = Project::example();
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project
}

fn plan(project: &Project, arguments: &[&str]) -> Value {
    project.run(&[&["--sandbox", "--format", "json", "plan"], arguments].concat()).ends(0).json()
}

fn changes(plan: &Value) -> Vec<(&str, &str)> {
    let text = |change: &'_ Value, field: &str| change[field].as_str().expect("a text").to_owned().leak() as &str;
    plan["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| (text(change, "address"), text(change, "action")))
        .collect()
}

#[test]
fn the_first_command_makes_the_cast_and_the_second_changes_nothing() {
    let project = Project::example();
    let first = project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert!(first.stdout.contains("Plan: 20 to create"), "{}", first.stdout);
    let plan = plan(&project, &[]);
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(plan["settled"], Value::Null, "state remembers just what was applied");
    assert_eq!(plan["summary"]["unchanged"], 20);
    let before = project.read(".personaform/sandbox/state.json");
    let second = project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert!(second.stdout.contains("No changes"), "{}", second.stdout);
    assert_eq!(project.read(".personaform/sandbox/state.json"), before);
}

#[test]
fn one_word_of_a_prompt_is_one_small_request_per_provider_that_carries_it() {
    let project = applied();
    project.edit("personas/prompts/support-guide.md", "Tidewheel", "Tidewheels");
    let plan = plan(&project, &["--target", "*.support-guide"]);
    let requests = |at: usize| plan["changes"][at]["requests"].as_array().expect("requests").clone();
    let addresses: Vec<&str> = changes(&plan).iter().map(|(address, _)| *address).collect();
    assert_eq!(addresses, ["anam.support-guide", "bland.support-guide", "opengiant.support-guide", "tavus.support-guide"]);

    let anam = requests(0);
    assert_eq!((anam.len(), anam[0]["method"].as_str()), (1, Some("PUT")));
    assert_eq!(anam[0]["body"].as_object().expect("a body").keys().collect::<Vec<_>>(), ["systemPrompt"]);

    // Bland keeps a draft: one request writes it, and one promotes it, for callers hear the promoted version.
    let bland = requests(1);
    assert_eq!((bland.len(), bland[0]["method"].as_str(), bland[1]["method"].as_str()), (2, Some("PATCH"), Some("POST")));
    assert_eq!(bland[0]["body"].as_object().expect("a body").keys().collect::<Vec<_>>(), ["name", "personality_prompt"]);
    assert!(bland[1]["path"].as_str().expect("a path").ends_with("/versions/promote"));

    let opengiant = requests(2);
    assert_eq!((opengiant.len(), opengiant[0]["method"].as_str()), (1, Some("PATCH")));
    assert_eq!(opengiant[0]["body"].as_object().expect("a body").keys().collect::<Vec<_>>(), ["attributes"]);

    let tavus = requests(3);
    assert_eq!((tavus.len(), tavus[0]["method"].as_str()), (1, Some("PATCH")));
    let operations = tavus[0]["body"].as_array().expect("a patch");
    assert_eq!(operations.len(), 1);
    assert_eq!((&operations[0]["op"], &operations[0]["path"]), (&json!("replace"), &json!("/system_prompt")));

    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert_eq!(self::plan(&project, &[])["changes"], json!([]));
}

#[test]
fn a_draft_is_written_and_not_promoted() {
    let project = applied();
    project.edit("personas/sales-qualifier.yaml", "max_duration: 12", "max_duration: 13");
    let plan = plan(&project, &[]);
    assert_eq!(changes(&plan), [("bland.sales-qualifier", "update")]);
    assert_eq!(plan["changes"][0]["requests"].as_array().expect("requests").len(), 1);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert_eq!(self::plan(&project, &[])["changes"], json!([]));
    project.edit("personas/sales-qualifier.yaml", "$release: draft ", "$release: production ");
    let released = self::plan(&project, &[]);
    assert_eq!(released["changes"][0]["requests"].as_array().expect("requests").len(), 1);
    assert_eq!(released["changes"][0]["edits"][0]["release_only"], true);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert_eq!(self::plan(&project, &[])["changes"], json!([]));
}

#[test]
fn a_removed_field_is_cleared_at_each_provider() {
    let project = applied();
    project.edit("personas/support-guide.yaml", "      stt:\n        stt_engine: tavus-auto\n        hotwords: \"Tidewheel is the company; City and Cargo are its bikes.\"\n", "");
    project.edit(
        "personas/support-guide.yaml",
        "    initialMessage: \"Hello, I'm the Support Guide. What can I look up for you?\"\n",
        "",
    );
    project.edit("personas/support-guide.yaml", "    tags: [support, app]\n", "");
    project.edit("personas/support-guide.yaml", "      tone: warm\n", "");
    let plan = plan(&project, &[]);
    let edits: Vec<(&Value, &Value, &Value)> = plan["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .flat_map(|change| change["edits"].as_array().expect("edits"))
        .map(|edit| (&edit["path"], &edit["to"], &edit["reason"]))
        .collect();
    let removed = |path: &'static str| (json!(path), Value::Null, json!("removed"));
    let expected =
        ["/initialMessage", "/tags", "/attributes/tone", "/layers/stt/hotwords", "/layers/stt/stt_engine"].map(removed);
    assert_eq!(edits, expected.iter().map(|(path, to, reason)| (path, to, reason)).collect::<Vec<_>>());
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert_eq!(self::plan(&project, &[])["changes"], json!([]));

    let served = Served::start(&project);
    let state: Value = serde_json::from_str(&project.read(".personaform/sandbox/state.json")).expect("JSON");
    let id = |address: &str| state["objects"][address]["id"].as_str().expect("an id").to_owned();
    let (_, tavus) = served.request("tavus", "GET", &format!("/v2/personas/{}", id("tavus.support-guide")), None);
    assert_eq!((&tavus["layers"]["stt"]["hotwords"], &tavus["layers"]["stt"]["stt_engine"]), (&Value::Null, &Value::Null));
    let (_, anam) = served.request("anam", "GET", &format!("/v1/personas/{}", id("anam.support-guide")), None);
    assert_eq!(anam["initialMessage"], Value::Null);
    let (_, bland) = served.request("bland", "GET", &format!("/v1/personas/{}", id("bland.support-guide")), None);
    assert_eq!(bland["data"]["tags"], json!([]));
}

#[test]
fn a_change_behind_our_back_is_drift_and_is_put_right() {
    let project = applied();
    let state: Value = serde_json::from_str(&project.read(".personaform/sandbox/state.json")).expect("JSON");
    let id = |address: &str| state["objects"][address]["id"].as_str().expect("an id").to_owned();
    let served = Served::start(&project);
    let patch = json!([{"op": "replace", "path": "/system_prompt", "value": "Be rude."}]);
    let (status, _) = served.request("tavus", "PATCH", &format!("/v2/personas/{}", id("tavus.support-guide")), Some(patch));
    assert_eq!(status, 200);
    let put = json!({"skipGreeting": true, "description": "Somebody was here"});
    let (status, _) = served.request("anam", "PUT", &format!("/v1/personas/{}", id("anam.support-guide")), Some(put));
    assert_eq!(status, 200);
    drop(served);

    let plan = plan(&project, &[]);
    assert_eq!(changes(&plan), [("anam.support-guide", "update"), ("tavus.support-guide", "update")]);
    assert_eq!((&plan["changes"][0]["reason"], &plan["changes"][1]["reason"]), (&json!("drifted"), &json!("drifted")));
    // `skipGreeting` is not in the file: it is not ours.
    assert_eq!(plan["changes"][0]["edits"].as_array().expect("edits").len(), 1);
    let text = project.run(&["--sandbox", "plan"]).ends(0).stdout;
    assert!(text.contains("drifted"), "{text}");
    assert!(project.run(&["--sandbox", "plan", "--detailed-exitcode"]).ends(2).stderr.is_empty());
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert_eq!(self::plan(&project, &[])["changes"], json!([]));
}

#[test]
fn a_wrong_file_stops_everything_with_its_line() {
    let project = Project::example();
    project.edit("personas/support-guide.yaml", "    voiceId: de23e340", "    voiceid: de23e340");
    project.edit("personas/workshop-line.yaml", "record: false", "record: \"false\"");
    for command in [["--sandbox", "validate"], ["--sandbox", "plan"], ["--sandbox", "apply"]] {
        let run = project.run(&command).ends(5);
        assert!(run.stderr.contains("personas/support-guide.yaml:57"), "{}", run.stderr);
        assert!(run.stderr.contains("voiceId"), "{}", run.stderr);
        assert!(run.stderr.contains("personas/workshop-line.yaml"), "{}", run.stderr);
    }
    assert!(!project.path(".personaform/sandbox").exists(), "nothing was begun");
}

#[test]
fn a_saved_plan_is_applied_exactly_or_refused() {
    let project = Project::example();
    project.run(&["--sandbox", "plan", "-o", "plan.json"]).ends(0);
    let shown = project.run(&["show", "plan.json"]).ends(0).stdout;
    assert_eq!(shown, project.run(&["--sandbox", "plan"]).ends(0).stdout);
    project.run(&["--sandbox", "apply", "-y", "plan.json"]).ends(0);
    assert_eq!(plan(&project, &[])["changes"], json!([]));
    // The same plan a second time would make everything twice.
    let again = project.run(&["--sandbox", "apply", "-y", "plan.json"]).ends(4);
    assert!(again.stderr.contains("stale"), "{}", again.stderr);

    project.edit("personas/support-guide.yaml", "max_duration: 20", "max_duration: 25");
    project.run(&["--sandbox", "plan", "-o", "plan.json"]).ends(0);
    let state: Value = serde_json::from_str(&project.read(".personaform/sandbox/state.json")).expect("JSON");
    let id = state["objects"]["bland.support-guide"]["id"].as_str().expect("an id").to_owned();
    let served = Served::start(&project);
    let patch = json!({"name": "Support Guide", "role": "Somebody else's"});
    served.request("bland", "PATCH", &format!("/v1/personas/{id}"), Some(patch));
    let (_, before) = served.request("bland", "GET", &format!("/v1/personas/{id}"), None);
    drop(served);
    let stale = project.run(&["--sandbox", "apply", "-y", "plan.json"]).ends(4);
    assert!(stale.stderr.contains("bland.support-guide"), "{}", stale.stderr);
    let served = Served::start(&project);
    let (_, after) = served.request("bland", "GET", &format!("/v1/personas/{id}"), None);
    assert_eq!(before, after, "nothing was sent");
}

#[test]
fn deleting_needs_a_flag_and_a_protected_persona_stays() {
    let project = applied();
    std::fs::remove_file(project.path("personas/showroom-host.yaml")).expect("removed");
    let refused = project.run(&["--sandbox", "apply", "-y"]).ends(4);
    assert!(refused.stderr.contains("--allow-deletes"), "{}", refused.stderr);
    project.run(&["--sandbox", "apply", "-y", "--allow-deletes"]).ends(0);
    assert_eq!(plan(&project, &[])["changes"], json!([]));

    std::fs::remove_file(project.path("personas/workshop-line.yaml")).expect("removed");
    let guarded = project.run(&["--sandbox", "apply", "-y", "--allow-deletes"]).ends(4);
    assert!(guarded.stderr.contains("prevent_destroy"), "{}", guarded.stderr);
}

#[test]
fn destroy_removes_what_state_records_and_nothing_else() {
    let project = applied();
    project.edit("personas/workshop-line.yaml", "prevent_destroy: true", "prevent_destroy: false");
    let served = Served::start(&project);
    let (status, made) = served.request("anam", "POST", "/v1/personas", Some(json!({"name": "Not ours"})));
    assert_eq!(status, 201);
    drop(served);
    // State still records the protection: it goes with an apply of the file that takes it off.
    project.run(&["--sandbox", "destroy", "-y"]).ends(4);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project.run(&["--sandbox", "destroy", "-y"]).ends(0);
    let listed = project.run(&["--sandbox", "--format", "json", "state", "list"]).ends(0).json();
    assert_eq!(listed["objects"], json!({}));
    let served = Served::start(&project);
    let (_, left) = served.request("anam", "GET", "/v1/personas?perPage=100", None);
    let own: Vec<&Value> =
        left["data"].as_array().expect("data").iter().filter(|persona| persona["isDefaultPersona"] != true).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["id"], made["id"]);
}

#[test]
fn a_renamed_file_keeps_its_objects() {
    let project = applied();
    let ids = |project: &Project, key: &str| {
        let state: Value = serde_json::from_str(&project.read(".personaform/sandbox/state.json")).expect("JSON");
        state["objects"][format!("tavus.{key}")]["id"].clone()
    };
    let before = ids(&project, "japanese-tutor");
    let text = project.read("personas/japanese-tutor.yaml");
    std::fs::remove_file(project.path("personas/japanese-tutor.yaml")).expect("removed");
    project.write(
        "personas/tokyo/tutor.yaml",
        &format!("previously: japanese-tutor\n{}", text.replace("prompts/", "../prompts/")),
    );
    let plan = plan(&project, &[]);
    assert_eq!(changes(&plan), [("anam.tokyo/tutor", "move"), ("tavus.tokyo/tutor", "move")]);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert_eq!(ids(&project, "tokyo/tutor"), before);
    assert_eq!(self::plan(&project, &[])["changes"], json!([]));
}

#[test]
fn what_exists_already_is_not_made_twice_and_can_be_adopted() {
    let project = Project::new(&[
        ("personaform.yaml", "accounts: { bland: {} }\n"),
        ("personas/ada.yaml", "name: Ada\nprompt: Be kind.\ntargets: { bland: { role: Guide } }\n"),
    ]);
    let served = Served::start(&project);
    let (status, made) = served.request("bland", "POST", "/v1/personas", Some(json!({"name": "Ada", "role": "Old"})));
    assert!(status < 300);
    drop(served);
    let blocked = project.run(&["--sandbox", "plan"]).ends(1);
    assert!(blocked.stdout.contains("--adopt"), "{}", blocked.stdout);
    let adopted = plan(&project, &["--adopt"]);
    assert_eq!(changes(&adopted), [("bland.ada", "adopt")]);
    assert_eq!(adopted["changes"][0]["id"], made["data"]["id"]);
    project.run(&["--sandbox", "apply", "-y", "--adopt"]).ends(0);
    assert_eq!(plan(&project, &[])["changes"], json!([]));
}

#[test]
fn everything_holds_at_a_server_that_is_not_the_embedded_one() {
    let server = Project::example();
    let served = Served::start(&server);
    let mut client = Project::example();
    let accounts = ["tavus", "anam", "bland", "opengiant", "bland-eu"];
    let mut text = String::from("accounts:\n");
    for account in accounts {
        text += &format!("  {account}:\n    base_url: \"{}\"\n", served.base_url(account));
        text += &format!("    api_key: {{ $env: KEY_OF_{} }}\n", account.replace('-', "_").to_uppercase());
        if account == "bland-eu" {
            text += "    provider: bland\n";
        }
        if account == "anam" {
            text += "    defaults: { llmId: a7cf662c-2ace-4de1-a21e-ef0fbf144bb7 }\n";
        }
        client.set(&format!("KEY_OF_{}", account.replace('-', "_").to_uppercase()), &served.key(account));
    }
    client.write("personaform.yaml", &text);
    let secret = "sk-a-secret-that-nobody-may-see";
    client.set("SUPPORT_LLM_KEY", secret);

    let mut printed = String::new();
    let mut keep = |run: crate::support::Run| {
        printed += &run.stdout;
        printed += &run.stderr;
        run
    };
    keep(client.run(&["validate"]).ends(0));
    keep(client.run(&["plan", "-o", "plan.json", "--requests", "-v"]).ends(0));
    keep(client.run(&["apply", "-y", "plan.json", "-v"]).ends(0));
    keep(client.run(&["plan", "--detailed-exitcode"]).ends(0));
    client.edit("personas/prompts/house-rules.md", "Smoke, a hissing battery", "Smoke, a warm battery");
    let plan = keep(client.run(&["--format", "json", "plan"]).ends(0)).json();
    assert_eq!(plan["summary"]["update"], 13, "six personas carry the house rules");
    keep(client.run(&["apply", "-y"]).ends(0));
    keep(client.run(&["plan", "--detailed-exitcode"]).ends(0));

    // A changed secret is a change, and is still not shown.
    let other = "sk-another-secret-that-nobody-may-see";
    client.set("SUPPORT_LLM_KEY", other);
    let changed = keep(client.run(&["--format", "json", "plan"]).ends(0)).json();
    assert_eq!(changes(&changed), [("tavus.support-guide", "update")]);
    keep(client.run(&["apply", "-y"]).ends(0));
    keep(client.run(&["plan", "--detailed-exitcode"]).ends(0));

    let keys: Vec<String> = accounts.iter().map(|account| served.key(account)).collect();
    let secrets: Vec<&str> = keys.iter().map(String::as_str).chain([secret, other]).collect();
    for hidden in &secrets {
        assert!(!printed.contains(hidden), "a secret was printed");
    }
    for (path, bytes) in client.everything() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!secrets.iter().any(|hidden| text.contains(hidden)), "{} holds a secret", path.display());
    }
}

#[test]
fn a_wrong_key_names_the_account_and_never_the_key() {
    let server = Project::new(&[("personaform.yaml", "accounts: { bland: {} }\n"), ("personas/.keep", "")]);
    let served = Served::start(&server);
    let mut client = Project::new(&[("personas/ada.yaml", "name: Ada\nprompt: Hi.\ntargets: { bland: {} }\n")]);
    client.write("personaform.yaml", &format!("accounts: {{ bland: {{ base_url: \"{}\" }} }}\n", served.base_url("bland")));
    let unset = client.run(&["plan"]).ends(5);
    assert!(unset.stderr.contains("BLAND_API_KEY"), "{}", unset.stderr);
    client.set("BLAND_API_KEY", "a-wrong-key-to-look-for");
    let wrong = client.run(&["plan"]).ends(1);
    let text = format!("{}{}", wrong.stdout, wrong.stderr);
    assert!(text.contains("401") && text.contains("BLAND_API_KEY") && !text.contains("a-wrong-key"), "{text}");
}

#[test]
fn prompts_keep_every_byte_on_their_way() {
    let prompt = format!(
        "Trailing spaces:   \r\nTabs\tand {{{{mustache}}}} and ${{dollar}} \u{1F469}\u{200D}\u{1F680} e\u{301} \u{5E9}\u{5DC}\u{5D5}\u{5DD}\n\n{}\n\n",
        "All work and no play. ".repeat(4700)
    );
    let project = Project::new(&[
        ("personaform.yaml", "accounts: { tavus: {}, anam: {}, bland: {}, opengiant: {} }\n"),
        ("personas/p.md", &prompt),
        (
            "personas/ada.yaml",
            "name: Ada\nprompt: { $file: p.md }\ntargets:\n  tavus: {}\n  anam: { avatarId: a, voiceId: v, llmId: l }\n  bland: {}\n  opengiant: {}\n",
        ),
    ]);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert_eq!(plan(&project, &[])["changes"], json!([]));
    let stored = prompt.strip_suffix('\n').expect("one trailing newline is dropped");
    let served = Served::start(&project);
    let state: Value = serde_json::from_str(&project.read(".personaform/sandbox/state.json")).expect("JSON");
    let id = |address: &str| state["objects"][address]["id"].as_str().expect("an id").to_owned();
    let (_, tavus) = served.request("tavus", "GET", &format!("/v2/personas/{}", id("tavus.ada")), None);
    assert_eq!(tavus["system_prompt"], stored);
    let (_, anam) = served.request("anam", "GET", &format!("/v1/personas/{}", id("anam.ada")), None);
    assert_eq!(anam["brain"]["systemPrompt"], stored);
    let (_, bland) = served.request("bland", "GET", &format!("/v1/personas/{}", id("bland.ada")), None);
    assert_eq!(bland["data"]["current_production_version"]["personality_prompt"], stored);
}

#[test]
fn one_failed_change_does_not_stop_the_others() {
    let project = applied();
    // An avatar that does not support the model is refused by the service.
    project.edit("personas/support-guide.yaml", "avatarModel: cara-3", "avatarModel: cara-2");
    project.edit("personas/prompts/support-guide.md", "Tidewheel", "Tidewheels");
    let run = project.run(&["--sandbox", "--format", "json", "apply", "-y"]).ends(3);
    let outcome = run.json();
    assert_eq!((&outcome["summary"]["failed"], &outcome["summary"]["done"]), (&json!(1), &json!(3)));
    let failed = outcome["entries"].as_array().expect("entries").iter().find(|entry| entry["ending"] == "failed").expect("one");
    assert_eq!((&failed["address"], &failed["status"]), (&json!("anam.support-guide"), &json!(400)));
    assert_eq!(changes(&plan(&project, &[])), [("anam.support-guide", "update")]);
}

#[test]
fn nobody_to_ask_is_a_refusal() {
    let project = Project::example();
    let run = project.run(&["--sandbox", "apply"]).ends(4);
    assert!(run.stderr.contains("-y"), "{}", run.stderr);
}

#[test]
fn a_selection_plans_only_what_it_names_and_a_wrong_one_says_so() {
    let project = Project::example();
    project.run(&["--sandbox", "apply", "-y", "--target", "tavus.*"]).ends(0);
    let rest = plan(&project, &[]);
    assert!(changes(&rest).iter().all(|(address, _)| !address.starts_with("tavus.")));
    let wrong = project.run(&["--sandbox", "plan", "--target", "tavus.support-giude"]).ends(1);
    assert!(wrong.stderr.contains("did you mean `tavus.support-guide`?"), "{}", wrong.stderr);
}

#[test]
fn a_command_line_that_is_not_understood_is_no_change() {
    let project = Project::example();
    let run = project.run(&["plan", "--detailed-exitcodes"]).ends(1);
    assert!(run.stderr.contains("--detailed-exitcode"), "{}", run.stderr);
    project.run(&[]).ends(1);
    assert!(project.run(&["--version"]).ends(0).stdout.starts_with("personaform "));
}
