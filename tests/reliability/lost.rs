//! A create whose answer was lost is found again, or reported with what is known and a command for each way out; never guessed. And
//! what every apply ends with, also when a part of it failed.
#![cfg(unix)]

use personaform::sandbox::Fault;
use serde_json::{Value, json};

use crate::pauses::{Scene, scene};
use crate::service::recorded;

/// A persona that was made, of which nobody knows.
fn lost() -> (Scene, String) {
    let scene = scene(&["ada"], "");
    scene.running.schedule("tavus", [None, Some(Fault::LoseAnswer)]);
    let run = scene.project.run(&["apply", "-y", "--format", "json"]).ends(1);
    let entry = run.json()["entries"][0].clone();
    assert_eq!(entry["ending"], "unknown", "{entry:#}");
    assert!(entry["next"].as_str().expect("a next step").contains("personaform plan"), "{entry:#}");
    let ids = scene.tavus.lock().expect("whole").ids();
    assert_eq!(ids.len(), 1, "it was made, and sent once");
    assert_eq!(recorded(&scene.project)["pending"]["tavus.ada"]["name"], "ada");
    (scene, ids[0].clone())
}

/// Fails unless the next run leaves everything as it is and names both ways out.
fn is_asked(scene: &Scene, words: &str) {
    let before = scene.tavus.lock().expect("whole").ids();
    let outcome = scene.project.run(&["apply", "-y", "--format", "json"]).ends(1).json();
    let blocked = &outcome["blocked"][0];
    assert_eq!(blocked["address"], "tavus.ada", "{outcome:#}");
    assert!(blocked["why"].as_str().expect("words").contains(words), "{blocked:#}");
    let help = blocked["help"].as_str().expect("help");
    for way in ["state resolve tavus.ada --id ", "state resolve tavus.ada --absent"] {
        assert!(help.contains(way), "`{way}` is not in {help}");
    }
    assert_eq!(scene.tavus.lock().expect("whole").ids(), before, "nothing was made or taken");
    assert_eq!(recorded(&scene.project)["pending"]["tavus.ada"]["name"], "ada");
}

#[test]
fn a_create_whose_answer_was_lost_is_found_by_what_was_sent_and_taken() {
    let (scene, id) = lost();
    let plan = scene.project.run(&["plan", "--format", "json"]).ends(0).json();
    assert_eq!((&plan["changes"][0]["action"], &plan["changes"][0]["id"]), (&json!("adopt"), &json!(id)), "{plan:#}");
    scene.converges(1);
    assert_eq!(crate::service::id_of(&scene.project, "tavus.ada"), id);
}

#[test]
fn where_several_match_somebody_is_asked() {
    let (scene, id) = lost();
    let mut tavus = scene.tavus.lock().expect("whole");
    let mut twin = tavus.stored(&id).expect("stored").clone();
    twin.as_object_mut().expect("an object").remove("persona_id");
    let other = tavus.seed(twin);
    assert_ne!(other, id);
    drop(tavus);
    is_asked(&scene, "2");
    scene.project.run(&["state", "resolve", "tavus.ada", "--id", &id]).ends(0);
    scene.project.run(&["apply", "-y"]).ends(0);
    assert_eq!(scene.tavus.lock().expect("whole").ids().len(), 2, "the twin is nobody's");
    scene.project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn one_that_is_not_quite_what_was_sent_is_not_taken() {
    let (scene, id) = lost();
    let altered = scene.tavus.lock().expect("whole").alter(&id, |persona| persona["system_prompt"] = json!("Another's."));
    assert!(altered);
    is_asked(&scene, "");
    // It was somebody else's after all.
    scene.project.run(&["state", "resolve", "tavus.ada", "--absent"]).ends(0);
    let run = scene.project.run(&["plan", "--format", "json"]);
    assert_eq!(run.json()["changes"].as_array().map(Vec::len), Some(0), "its name is taken: {run:?}");
}

#[test]
fn every_apply_ends_with_what_was_done_failed_and_is_unknown() {
    let personas = ["ada", "bob", "cyd"];
    let orders = [None, None, None, Some(Fault::Refuse { status: 422, retry_after: None }), Some(Fault::LoseAnswer)];
    let scene_of = || {
        let scene = scene(&personas, "");
        scene.running.schedule("tavus", orders);
        scene
    };
    let text = scene_of().project.run(&["apply", "-y", "--parallelism", "1", "--no-input"]).ends(3).stdout;
    let after = text.split("Apply").last().unwrap_or(&text).split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["tavus.ada", "tavus.bob", "422", "tavus.cyd", "POST /v2/personas", "next:"] {
        assert!(after.contains(words), "`{words}` is not in {text}");
    }
    let scene = scene_of();
    let outcome = scene.project.run(&["apply", "-y", "--parallelism", "1", "--format", "json"]).ends(3).json();
    let said = |index: usize| {
        let entry = &outcome["entries"][index];
        let first = &entry["exchanges"][0];
        (entry["address"].clone(), entry["ending"].clone(), first["request"]["path"].clone(), first["status"].clone())
    };
    let wanted =
        |key: &str, ending: &str, status: Value| (json!(format!("tavus.{key}")), json!(ending), json!("/v2/personas"), status);
    assert_eq!(said(0), wanted("ada", "done", json!(200)), "{outcome:#}");
    assert_eq!(said(1), wanted("bob", "failed", json!(422)), "{outcome:#}");
    assert_eq!(said(2), wanted("cyd", "unknown", Value::Null), "{outcome:#}");
    assert!(outcome["entries"][0]["next"].is_null() && outcome["entries"][1]["next"].is_string(), "{outcome:#}");
    assert_eq!(
        (&outcome["summary"]["done"], &outcome["summary"]["failed"], &outcome["summary"]["unknown"]),
        (&json!(1), &json!(1), &json!(1))
    );
    scene.converges(3);
}
