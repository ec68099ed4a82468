//! However a value is written, a pull changes what had to change, or says where it could not.

use serde_json::{Value, json};

use crate::places::{at_bland, project, pulled};
use crate::support::Project;
use crate::{id, planned_empty};

/// A persona, what a colleague changes at `bland`, and the lines of the files that change.
#[track_caller]
fn pulls(persona: &str, fields: Value, diff: &str) {
    let project = project(persona, "");
    at_bland(&project, "bland", fields);
    let (changed, run) = pulled(&project, &[]);
    assert_eq!(changed, diff, "{run:?}");
    planned_empty(&project);
}

#[test]
fn every_style_is_kept() {
    pulls(
        "name: Ada\nprompt: Hi.\ntargets: { bland: { role: A, tags: [a] } } # flow\n",
        json!({ "role": "B, c", "tags": ["a", "b"] }),
        "-targets: { bland: { role: A, tags: [a] } } # flow\n+targets: { bland: { role: \"B, c\", tags: [a, b] } } # flow\n",
    );
    pulls(
        "name: Ada\nprompt: Hi.\ndescription: >-  # d\n  It goes on\n  over lines.\n\n  Second.\ntargets:\n  bland:\n",
        json!({ "description": "It goes on over many lines.\nSecond." }),
        "-  over lines.\n+  over many lines.\n",
    );
    pulls(
        "name: Ada\nprompt: |\n    Be kind.\n\n      - always\n    Be brief.\ntargets:\n  bland:\n",
        json!({ "personality_prompt": "Be kind.\n\n  - never late\nBe brief.\n" }),
        "-      - always\n+      - never late\n",
    );
    pulls(
        "name: Ada\nprompt: Hi.\ntargets:\n  bland:\n    role: 'it''s' # r\n    description: \"a\\tb\"\n",
        json!({ "role": "it's new", "description": "c\td" }),
        "-    role: 'it''s' # r\n-    description: \"a\\tb\"\n+    role: 'it''s new' # r\n+    description: \"c\\td\"\n",
    );
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_stay_around_blocks() {
    let persona = "\u{feff}name: Ada\r\nprompt: |\r\n  Be kind.\r\n  Be brief.\r\ntargets:\r\n  bland:\r\n    tags:\r\n      - a # first\r\n";
    let project = project(persona, "");
    at_bland(&project, "bland", json!({ "personality_prompt": "Be kind.\nBe calm.\nBe brief.\n", "tags": ["a", "b"] }));
    pulled(&project, &[]).1.ends(0);
    let wanted = persona.replace("kind.\r\n", "kind.\r\n  Be calm.\r\n").replace("# first\r\n", "# first\r\n      - b\r\n");
    assert_eq!(project.read("personas/ada.yaml"), wanted);
    planned_empty(&project);
}

#[test]
fn what_a_merge_key_brings_is_reported_and_what_stands_beside_it_is_pulled() {
    let persona = "name: Ada\nprompt: Hi.\ntargets:\n  bland-eu: &base\n    role: A\n    tags: [x]\n  bland:\n    <<: *base\n    role: B\n";
    let project = project(persona, "");
    at_bland(&project, "bland", json!({ "role": "C", "tags": ["y"] }));
    let (diff, run) = pulled(&project, &[]);
    assert_eq!(diff, "-    role: B\n+    role: C\n");
    let run = run.ends(3);
    assert!(run.stdout.contains("bland.ada /tags: the value comes from a merge key (personas/ada.yaml:"), "{}", run.stdout);
    // The anchored side cannot change either: the other one would change with it.
    at_bland(&project, "bland-eu", json!({ "tags": ["z"] }));
    let (diff, run) = pulled(&project, &["bland-eu.*"]);
    assert_eq!(diff, "");
    let words = "bland-eu.ada /tags: the value has an anchor and is repeated elsewhere (personas/ada.yaml:4:";
    assert!(run.ends(1).stdout.contains(words));
}

fn recorded(project: &Project, address: &str) -> Value {
    let state: Value = serde_json::from_str(&project.read(".personaform/sandbox/state.json")).expect("a state");
    state["objects"][address].clone()
}

#[test]
fn a_renamed_persona_is_pulled_under_its_old_record_and_the_move_stays_on_the_plan() {
    let project = project("name: Ada\nprompt: Hi.\ntargets:\n  bland: { role: A, tags: [a] }\n", "");
    let object = id(&project, "bland.ada");
    at_bland(&project, "bland", json!({ "role": "B" }));
    std::fs::remove_file(project.path("personas/ada.yaml")).expect("removed");
    // In the same commit, somebody renamed the file and changed another field.
    let renamed = "previously: ada\nname: Ada\nprompt: Hi.\ntargets:\n  bland: { role: A, tags: [b] }\n";
    project.write("personas/eve.yaml", renamed);
    project.run(&["--sandbox", "pull", "-y"]).ends(0);
    assert_eq!(project.read("personas/eve.yaml"), renamed.replace("role: A", "role: B"));
    let record = recorded(&project, "bland.ada");
    assert_eq!(
        (&record["id"], &record["applied"]["role"], &record["applied"]["tags"]),
        (&json!(object), &json!("B"), &json!(["a"]))
    );
    assert_eq!(recorded(&project, "bland.eve"), Value::Null);
    let plan = project.run(&["--sandbox", "--format", "json", "plan"]).ends(0).json();
    let change = &plan["changes"][0];
    assert_eq!((&change["address"], &change["moved_from"]), (&json!("bland.eve"), &json!("bland.ada")));
    let edits: Vec<(&Value, &Value)> =
        change["edits"].as_array().expect("edits").iter().map(|edit| (&edit["path"], &edit["reason"])).collect();
    assert_eq!(edits, [(&json!("/tags"), &json!("declared"))]);
    // What is changed in the file now is known for a change of the file, since the pull was remembered.
    project.edit("personas/eve.yaml", "role: B", "role: C");
    let plan = project.run(&["--sandbox", "--format", "json", "plan"]).ends(0).json();
    let role = plan["changes"][0]["edits"].as_array().expect("edits").iter().find(|edit| edit["path"] == "/role").cloned();
    let role = role.expect("an edit");
    assert_eq!((&role["reason"], &role["also_drifted"]), (&json!("declared"), &Value::Null));
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert_eq!(id(&project, "bland.eve"), object);
    planned_empty(&project);
}
