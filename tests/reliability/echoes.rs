//! A service that repeats secrets in the middle of what it stores: no file of ours takes them up, and what is sent is never masked.

use std::fs;

use serde_json::{Value, json};

use crate::scripted::{Scripted, Step};
use crate::service::{Services, id_of};
use crate::support::Project;

const KEY: &str = "key-for-tests";
const SECRET: &str = "llm-secret-7654321";

/// One persona at three accounts, applied, with a secret in one of its fields.
fn scene() -> (Services, Project) {
    let services = Services::start();
    let mut project = Project::new(&[]);
    services.connect(&mut project);
    project.write(
        "personas/ada.yaml",
        "name: Ada\nprompt: Be kind.\ntargets:\n  \
         tavus: { layers: { llm: { model: m, base_url: \"https://x.example\", api_key: { $env: LLM_SECRET } } } }\n  \
         anam: { avatarId: a, voiceId: v, llmId: l, voiceGenerationOptions: { speed: 1.0 } }\n  \
         bland: { call_config: { voice: June } }\n",
    );
    project.set("LLM_SECRET", SECRET);
    project.run(&["apply", "-y"]).ends(0);
    (services, project)
}

/// The service, or somebody at it, repeats both secrets within longer texts, managed and not, at every account.
fn repeat_everywhere(services: &Services, project: &Project) {
    let text = |what: &str| json!(format!("{what}: Bearer {KEY}, then {SECRET}{SECRET}."));
    let tavus = id_of(project, "tavus.ada");
    services.alter_tavus(&tavus, "system_prompt", text("managed"));
    services.alter_tavus(&tavus, "context", text("not managed"));
    services.alter_anam(&id_of(project, "anam.ada"), "systemPrompt", text("managed"));
    services.alter_anam(&id_of(project, "anam.ada"), "initialMessage", text("not managed"));
    services.alter_bland(&id_of(project, "bland.ada"), "personality_prompt", text("managed"));
    services.alter_bland(&id_of(project, "bland.ada"), "description", text("not managed"));
}

/// Fails if any file of the project, or anything that was printed in it, holds a secret.
#[track_caller]
fn nothing_leaks(project: &Project, what: &str) {
    assert_eq!(project.leaks(), Vec::<String>::new(), "{what}");
}

#[test]
fn a_secret_within_a_longer_text_reaches_no_plan_state_journal_or_report() {
    let (services, project) = scene();
    repeat_everywhere(&services, &project);
    let plan = project.run(&["plan", "-o", "plan.json", "--requests", "--format", "json"]).ends(0).json();
    let from = plan["changes"].as_array().expect("changes").iter().map(|change| change["edits"][0]["from"].clone());
    for from in from.collect::<Vec<Value>>() {
        let from = from.as_str().expect("a text");
        assert!(from.starts_with("managed: Bearer (secret $") && from.contains("(secret $LLM_SECRET "), "{from}");
    }
    nothing_leaks(&project, "a saved plan");
    project.run(&["drift", "-o", "drift.json"]).ends(2);
    nothing_leaks(&project, "drift");
    project.run(&["apply", "-y", "plan.json", "--report", "json=outcome.json", "--report", "html=outcome.html"]).ends(0);
    nothing_leaks(&project, "an apply");
    repeat_everywhere(&services, &project);
    let run = project.run(&["pull", "-y"]);
    nothing_leaks(&project, "a pull");
    assert!(!project.read("personas/ada.yaml").contains("(secret"), "no stand-in in a file: {run:?}");
    fs::remove_dir_all(project.path("personas")).expect("removed");
    fs::remove_dir_all(project.path(".personaform")).expect("removed");
    fs::create_dir(project.path("personas")).expect("made");
    for account in ["tavus", "anam", "bland"] {
        let run = project.run(&["import", account, "--all"]);
        assert!([0, 3].contains(&run.code), "{run:?}");
    }
    nothing_leaks(&project, "an import");
    for (path, bytes) in project.everything() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let is_persona = path.extension().is_some_and(|extension| extension == "yaml");
        assert!(!is_persona || !text.contains("(secret $"), "a stand-in in {}:\n{text}", path.display());
    }
}

/// What state records is asked for while the files are being read, so before it is known which variables they name.
#[test]
fn a_secret_that_only_a_persona_names_is_not_told_when_the_service_repeats_it_in_an_early_answer() {
    let (services, project) = scene();
    let body = json!({ "error": { "message": format!("voice {SECRET} is unknown") }, "message": SECRET }).to_string();
    for status in [400, 500] {
        let server = Scripted::new(vec![Step::answer(status, "", &body)]);
        let accounts = ["tavus", "anam", "bland"].map(|name| format!("  {name}: {{ base_url: \"{}\" }}\n", server.base_url()));
        project.write("personaform.yaml", &format!("accounts:\n{}", accounts.concat()));
        let run = project.run(&["plan", "-v", "--retries", "1", "-o", "plan.json"]).ends(1);
        assert!(run.stdout.contains("(secret)"), "{status}: it did repeat it:\n{}{}", run.stdout, run.stderr);
        nothing_leaks(&project, "a plan");
    }
    drop(services);
}

#[test]
fn an_object_that_is_taken_over_as_it_is_leaves_no_secret_in_state() {
    let (services, project) = scene();
    repeat_everywhere(&services, &project);
    // Adopted by its name, with the state gone.
    fs::remove_dir_all(project.path(".personaform")).expect("removed");
    project.run(&["plan", "--adopt", "-o", "plan.json"]).ends(0);
    let first = project.run(&["plan", "--adopt", "--format", "json"]).ends(0).json();
    let second = project.run(&["plan", "--adopt", "--format", "json"]).ends(0).json();
    assert_eq!(first["digest"], second["digest"], "also where each run has another digest key");
    project.run(&["apply", "--adopt", "-y"]).ends(0);
    nothing_leaks(&project, "an adoption");
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn what_is_sent_is_never_masked() {
    let (services, project) = scene();
    let id = id_of(&project, "anam.ada");
    // Anam's options are sent whole, so what nobody manages in them goes back as it came.
    let note = format!("Bearer {KEY} and {SECRET}");
    services.alter_anam(&id, "voiceGenerationOptions", json!({ "speed": 1.0, "note": note }));
    project.edit("personas/ada.yaml", "speed: 1.0", "speed: 1.1");
    let plan = project.run(&["plan", "--format", "json", "-o", "plan.json"]).ends(0).json();
    let sent = plan["changes"][0]["requests"][0]["body"]["voiceGenerationOptions"]["note"].as_str().expect("it is sent along");
    assert!(sent.starts_with("Bearer (secret $ANAM_API_KEY "), "{sent}");
    project.run(&["apply", "-y", "plan.json"]).ends(0);
    let stored = services.stores()["anam"].to_string();
    assert!(stored.contains(&note) && !stored.contains("(secret"), "{stored}");
    nothing_leaks(&project, "an update that echoes");
}

#[test]
fn a_secret_that_is_also_an_ordinary_word_corrupts_nothing() {
    for secret in ["kind", "Be kind.", "Be kind. Always be kind.", "June", "x"] {
        let services = Services::start();
        let mut project = Project::new(&[]);
        services.connect(&mut project);
        let persona = "name: Ada\nprompt: Be kind. Always be kind.\ntargets:\n  \
                       tavus: { layers: { llm: { model: m, base_url: \"https://x.example\", api_key: { $env: LLM_WORD } } } }\n  \
                       bland: { call_config: { voice: June }, tags: [kind, x] }\n";
        project.write("personas/ada.yaml", persona);
        project.set("LLM_WORD", secret);
        project.run(&["apply", "-y"]).ends(0);
        project.run(&["plan", "--detailed-exitcode"]).ends(0);
        project.run(&["drift"]).ends(0);
        project.edit("personas/ada.yaml", "Always be kind.", "Always.");
        project.run(&["apply", "-y"]).ends(0);
        project.run(&["plan", "--detailed-exitcode"]).ends(0);
        let stores = services.stores();
        for account in ["tavus", "bland"] {
            let stored = stores[account].to_string();
            assert!(stored.contains("Be kind. Always.") && !stored.contains("(secret"), "`{secret}` at {account}: {stored}");
        }
    }
}
