//! Where a value is written in the files decides what becomes of it: each kind of place, before and after.

use serde_json::{Value, json};

use crate::support::{Project, Run};
use crate::{changed, elsewhere, id, planned_empty};

const ACCOUNTS: &str = "accounts:\n  bland: {}\n  bland-eu: { provider: bland }\n  anam: { defaults: { llmId: l1 } }\n";

pub(crate) fn project(persona: &str, prompt: &str) -> Project {
    let files = [("personaform.yaml", ACCOUNTS), ("personas/ada.yaml", persona), ("personas/prompts/ada.md", prompt)];
    let project = Project::new(&files);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project
}

/// A colleague changes fields at Bland and promotes them.
pub(crate) fn at_bland(project: &Project, account: &str, fields: Value) {
    let path = format!("/v1/personas/{}", id(project, &format!("{account}.ada")));
    let mut body = json!({ "name": "Ada" });
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    elsewhere(project, &[(account, "PATCH", &path, body), (account, "POST", &format!("{path}/versions/promote"), json!({}))]);
}

/// What a pull made of the persona's two files.
pub(crate) fn pulled(project: &Project, arguments: &[&str]) -> (String, Run) {
    let names = ["personas/ada.yaml", "personas/prompts/ada.md"];
    let before = names.map(|name| project.read(name));
    let run = project.run(&[&["--sandbox", "pull", "-y"], arguments].concat());
    let diffs = names.iter().zip(before).map(|(name, before)| changed(&before, &project.read(name)));
    (diffs.collect(), run)
}

#[test]
fn a_shared_field_is_changed_only_where_all_its_targets_agree() {
    let persona = "name: Ada\ndescription: Helps # with bikes\nprompt: Be kind.\ntargets:\n  bland:\n    role: Support # r\n  bland-eu:\n";
    let project = project(persona, "");
    at_bland(&project, "bland", json!({ "description": "Sells", "personality_prompt": "Be kind.\nBe brief." }));
    let (diff, run) = pulled(&project, &[]);
    assert_eq!(diff, "+    description: Sells\n+    personality_prompt: |-\n+      Be kind.\n+      Be brief.\n", "{run:?}");
    planned_empty(&project);
    // Both targets now say the same, one of them with a field of its own; that one is reached already.
    at_bland(&project, "bland-eu", json!({ "description": "Sells" }));
    let (diff, _) = pulled(&project, &[]);
    assert_eq!(diff, "-description: Helps # with bikes\n+description: Sells # with bikes\n");
    planned_empty(&project);
}

#[test]
fn what_cannot_be_written_back_is_reported_with_its_place_and_the_rest_is_pulled() {
    let persona = "name: Ada\nprompt: Be kind.\ntargets:\n  bland:\n    role: { $env: ROLE }\n    call_config: &call { voice: June, record: true }\n    tags: [a]\n  bland-eu:\n    call_config: *call\n  anam: { avatarId: a1, voiceId: v1 }\n";
    let project = project(persona, "");
    at_bland(
        &project,
        "bland",
        json!({ "role": "Sales", "call_config": { "voice": "Maya", "record": true }, "tags": ["a", "b"] }),
    );
    let path = format!("/v1/personas/{}", id(&project, "anam.ada"));
    elsewhere(&project, &[("anam", "PUT", &path, json!({ "llmId": "l2" }))]);
    let (diff, run) = pulled(&project, &[]);
    assert_eq!(diff, "-    tags: [a]\n+    tags: [a, b]\n");
    let run = run.ends(3);
    for place in [
        "anam.ada /llmId: the value comes from the defaults of the account (personaform.yaml:4:",
        "bland.ada /call_config/voice: the value has an anchor and is repeated elsewhere (personas/ada.yaml:6:",
        "bland.ada /role: the value is a secret from `$env`, which a file never holds (personas/ada.yaml:5:5)",
    ] {
        assert!(run.stdout.contains(place), "{place}\n{}", run.stdout);
    }
}

#[test]
fn files_keep_their_line_ends_and_the_way_they_end() {
    let persona = "name: Ada\r\nprompt: { $file: prompts/ada.md } # p\r\ntargets:\r\n  bland: { role: Support }";
    let project = project(persona, "# Role\r\nBe kind.\r\nBe 🙂 brief.");
    at_bland(
        &project,
        "bland",
        json!({ "role": "no", "personality_prompt": "# Role\r\nBe very kind.\r\nBe 🙂 brief.", "tags": [] }),
    );
    pulled(&project, &[]).1.ends(0);
    assert_eq!(project.read("personas/ada.yaml"), persona.replace("Support", "\"no\""));
    assert_eq!(project.read("personas/prompts/ada.md"), "# Role\r\nBe very kind.\r\nBe 🙂 brief.");
    planned_empty(&project);
}

#[test]
fn a_change_between_two_pieces_is_not_guessed_at() {
    let persona = "name: Ada\nprompt:\n  $join:\n    - Be kind.\n    - { $file: prompts/ada.md }\ntargets:\n  bland: {}\n";
    let project = project(persona, "Be brief.\n");
    at_bland(&project, "bland", json!({ "personality_prompt": "Be kind.\n\nBe new.\n\nBe brief." }));
    let (diff, run) = pulled(&project, &[]);
    assert_eq!(diff, "");
    assert!(run.ends(1).stdout.contains("could belong to more than one of them (personas/ada.yaml:2:1)"));
    at_bland(&project, "bland", json!({ "personality_prompt": "Be very kind.\n\nBe brief." }));
    assert_eq!(pulled(&project, &[]).0, "-    - Be kind.\n+    - Be very kind.\n");
    planned_empty(&project);
}

#[test]
fn changes_of_both_sides_are_merged_where_they_do_not_meet() {
    let persona = "name: Ada\nprompt: { $file: prompts/ada.md }\ntargets:\n  bland: {}\n";
    let project = project(persona, "one\ntwo\nthree\n");
    project.write("personas/prompts/ada.md", "ONE\ntwo\nthree\n");
    at_bland(&project, "bland", json!({ "personality_prompt": "one\ntwo\nTHREE" }));
    assert_eq!(pulled(&project, &[]).0, "-three\n+THREE\n");
    let plan = project.run(&["--sandbox", "--format", "json", "plan"]).json();
    assert_eq!(plan["changes"][0]["edits"][0]["to"], "ONE\ntwo\nTHREE");
    assert_eq!(plan["changes"][0]["edits"][0]["also_drifted"], Value::Null);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    planned_empty(&project);
}

#[test]
fn a_conflict_is_marked_only_when_asked_for_and_never_reaches_a_customer() {
    let persona = "name: Ada\nprompt: { $file: prompts/ada.md }\ntargets:\n  bland: {}\n";
    let project = project(persona, "one\ntwo\nthree\n");
    project.write("personas/prompts/ada.md", "one\nours\nthree\n");
    at_bland(&project, "bland", json!({ "personality_prompt": "one\ntheirs\nthree" }));
    let (diff, run) = pulled(&project, &[]);
    assert_eq!((diff.as_str(), run.code), ("", 1));
    let (diff, run) = pulled(&project, &["--merge"]);
    assert_eq!(diff, "+<<<<<<< file\n+=======\n+theirs\n+>>>>>>> live\n", "{run:?}");
    for command in [&["validate"][..], &["--sandbox", "apply", "-y"]] {
        let refused = project.run(command).ends(5);
        assert!(refused.stderr.contains("conflict-markers") && refused.stderr.contains("ada.md:2"), "{}", refused.stderr);
    }
    project.write("personas/prompts/ada.md", "one\nboth\nthree\n");
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    planned_empty(&project);
}

#[test]
fn nothing_is_written_in_a_dry_run_or_when_nobody_agrees() {
    let project = project("name: Ada\nprompt: Be kind.\ntargets:\n  bland: { tags: [a] }\n", "");
    at_bland(&project, "bland", json!({ "tags": ["b"] }));
    let before = project.everything();
    let shown = project.run(&["--sandbox", "pull", "bland.*", "--dry-run"]).ends(0);
    assert!(shown.stdout.contains("-  bland: { tags: [a] }\n+  bland: { tags: [b] }\n"), "{}", shown.stdout);
    project.run(&["--sandbox", "pull"]).ends(4);
    let same = |(path, bytes): &(std::path::PathBuf, Vec<u8>)| {
        path.ends_with("state.json.lock") || before.contains(&(path.clone(), bytes.clone()))
    };
    assert!(project.everything().iter().all(same));
    let json = project.run(&["--sandbox", "--format", "json", "pull", "-y"]).ends(0).json();
    assert_eq!((&json["written"], &json["pulled"][0]["path"]), (&json!(true), &json!("/tags")));
    project.run(&["--sandbox", "pull"]).ends(0);
}
