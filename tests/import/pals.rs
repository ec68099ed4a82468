//! Accounts at Tavus that speak of PALs: everything between a living account and Git goes in the newer words.

use serde_json::{Value, json};

use crate::services::{Services, locked};
use crate::support::Project;

fn project(services: &Services) -> Project {
    services.project(&[("tavus", ", api: pals")])
}

/// A PAL as older and newer clients left it.
fn ada(services: &Services) -> String {
    services.at_tavus(json!({
        "persona_name": "Ada", "system_prompt": "Be kind.\nBe brief.\n", "default_replica_id": "r90bbd427f71",
        "layers": {"conversational_flow": {"replica_interruptibility": "low", "turn_detection_model": "sparrow-1"}},
    }))
}

#[test]
fn pals_are_imported_edited_elsewhere_and_pulled_in_their_words() {
    let services = Services::start();
    let id = ada(&services);
    services.at_tavus(json!({"persona_name": "Bare", "system_prompt": "Hi.", "default_replica_id": "r-unknown", "layers": {}}));
    let project = project(&services);
    let listed = project.run(&["import", "tavus"]).ends(0).stdout;
    assert!(listed.contains(&format!("{id}  Ada\n")) && listed.lines().count() == 2, "{listed}");
    let report = project.run(&["--format", "json", "import", "tavus", "--all", "--lookups"]).ends(0).json();
    assert_eq!(
        (&report["plan"], &report["refused"], &report["imported"][0]["not_managed"]),
        (&json!({"empty": true, "open": []}), &json!([]), &json!([])),
        "{report:#}"
    );
    let wanted = "\
name: Ada
prompt: { $file: prompts/ada.md }
targets:
  tavus:
    default_face_id: { $lookup: { face: Rio } }
    layers:
      conversational_flow:
        pal_interruptibility: low
        turn_detection_model: sparrow-1
";
    assert_eq!(project.read("personas/ada.yaml"), wanted);
    assert!(project.read("personas/bare.yaml").contains("default_face_id: r-unknown\n"));
    project.run(&["plan", "--detailed-exitcode"]).ends(0);

    let change = |pal: &mut Value| {
        pal["layers"]["conversational_flow"]["replica_interruptibility"] = json!("high");
        pal["default_replica_id"] = json!("r79e1c033f");
        pal["persona_name"] = json!("Ada Lovelace");
    };
    assert!(locked(&services.tavus).alter(&id, change));
    let drift = project.run(&["--format", "json", "drift"]).ends(2).json();
    let paths: Vec<&str> =
        drift["drifted"][0]["fields"].as_array().expect("a list").iter().filter_map(|field| field["path"].as_str()).collect();
    assert_eq!(paths, ["/default_face_id", "/layers/conversational_flow/pal_interruptibility", "/pal_name"]);
    project.run(&["pull", "-y"]).ends(0);
    let pulled = wanted
        .replace("name: Ada\n", "name: Ada Lovelace\n")
        .replace("face: Rio", "face: Support desk")
        .replace("interruptibility: low", "interruptibility: high");
    assert_eq!(project.read("personas/ada.yaml"), pulled);
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
    assert!(services.log().iter().all(|entry| entry.method == "GET" && !entry.path.contains("replica")));
}

#[test]
fn what_pals_can_name_is_listed_as_faces() {
    let services = Services::start();
    let project = project(&services);
    let faces = project.run(&["list", "tavus", "faces"]).ends(0).stdout;
    assert_eq!(faces.lines().count(), 4);
    assert!(faces.contains("Rio           r90bbd427f71  system, completed"), "{faces}");
    let stderr = project.run(&["list", "tavus", "replica"]).ends(1).stderr;
    assert!(stderr.contains("kinds are `face`"), "{stderr}");
    project.write(
        "personas/ada.yaml",
        "name: Ada\nprompt: Hi.\ntargets: { tavus: { default_face_id: { $lookup: { replica: Rio } } } }\n",
    );
    let stderr = project.run(&["validate"]).ends(5).stderr;
    assert!(stderr.contains("unknown-kind") && stderr.contains("kinds are `face`"), "{stderr}");
}

#[test]
fn an_account_that_is_switched_to_pals_says_what_to_rename_and_which_schema_is_stale() {
    let services = Services::start();
    let project = project(&services);
    let accounts = project.read("personaform.yaml");
    std::fs::remove_file(project.path("personaform.yaml")).expect("removed");
    project.run(&["init", "--provider", "tavus"]).ends(0);
    project.write("personaform.yaml", &accounts);
    let stderr = project.run(&["validate"]).ends(5).stderr;
    assert!(stderr.contains("`default_replica_id`") && stderr.contains("`default_face_id`"), "{stderr}");
    project.edit("personas/ada.yaml", "default_replica_id: r79e1c033f", "default_face_id: r79e1c033f");
    let doctor = project.run(&["doctor"]).ends(1).stdout;
    assert!(doctor.contains("personaform schema persona > schemas/persona.schema.json"), "{doctor}");
    let schema = project.run(&["schema", "persona"]).ends(0).stdout;
    project.write("schemas/persona.schema.json", &schema);
    assert!(schema.contains("default_face_id") && schema.contains("pal_interruptibility"));
    let doctor = project.run(&["--format", "json", "doctor"]).ends(0).json();
    let checks = doctor["checks"].as_array().expect("a list");
    assert!(
        checks.iter().any(|check| check["subject"] == "account tavus"
            && check["found"] == "GET /v2/pals?limit=100&page=1&persona_type=user was answered"),
        "{doctor:#}"
    );
    project.run(&["apply", "-y"]).ends(0);
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}
