//! The gates: a plan that does more than was meant stops with exit 4, naming the gate, the numbers and the flag.

use std::fs;

use crate::service::{ACCOUNTS, Services, id_of, persona, recorded};
use crate::support::{Project, Run};
use serde_json::{Value, json};

fn applied(keys: &[&str]) -> (Services, Project) {
    let services = Services::start();
    let mut project = Project::new(&[]);
    for key in keys {
        project.write(&format!("personas/{key}.yaml"), &persona(key, "Be kind."));
    }
    services.connect(&mut project);
    project.run(&["apply", "-y"]).ends(0);
    (services, project)
}

/// Fails unless a run was refused by a gate, in these words.
#[track_caller]
fn refused(run: Run, words: &[&str]) {
    let run = run.ends(4);
    for word in words {
        assert!(run.stderr.contains(word), "`{word}` is not in:\n{}", run.stderr);
    }
}

fn changes(project: &Project, arguments: &[&str]) -> Vec<Value> {
    let plan = project.run(&[&["plan", "--format", "json"], arguments].concat());
    plan.json()["changes"].as_array().expect("changes").clone()
}

#[test]
fn an_emptied_folder_deletes_nothing() {
    let (services, project) = applied(&["ada", "bob"]);
    fs::remove_dir_all(project.path("personas")).expect("removed");
    fs::create_dir(project.path("personas")).expect("made");
    refused(project.run(&["apply", "-y"]), &["safety.max_deletes", "8 deletions, at most 0 allowed", "--allow-deletes"]);
    assert_eq!(services.ids("tavus").len(), 2);
}

#[test]
fn a_wrong_directory_deletes_nothing() {
    let (services, project) = applied(&["ada", "bob"]);
    // The folder of another team, under the same state.
    project.write("others/zoe.yaml", &persona("zoe", "Be kind."));
    project.edit("personaform.yaml", "accounts:\n", "personas: others\naccounts:\n");
    refused(project.run(&["apply", "-y"]), &["safety.max_deletes", "8 deletions", "--allow-deletes"]);
    for account in ACCOUNTS {
        assert_eq!(services.ids(account).len(), 2, "{account}");
    }
}

#[test]
fn a_plan_that_changes_too_much_is_stopped() {
    let (_services, project) = applied(&["ada", "bob"]);
    project.edit("personaform.yaml", "accounts:\n", "safety: { max_share: 30% }\naccounts:\n");
    for key in ["ada", "bob"] {
        project.edit(&format!("personas/{key}.yaml"), "Be kind.", "Be brief.");
    }
    refused(
        project.run(&["apply", "-y"]),
        &["safety.max_share", "8 of 8 managed objects would change or go, at most 30% allowed", "--allow-changes"],
    );
    project.run(&["apply", "-y", "--allow-changes"]).ends(0);
}

#[test]
fn in_the_wrong_account_nothing_is_made_and_nothing_forgotten() {
    let (services, mut project) = applied(&["ada", "bob"]);
    let before = recorded(&project);
    let others = Services::start();
    others.connect(&mut project);
    let words = ["wrong_account", "none of the 2 objects recorded at `anam` is found there any more", "--allow-vanished"];
    refused(project.run(&["apply", "-y"]), &words);
    refused(project.run(&["apply", "-y", "--target", "anam.ada"]), &words);
    refused(project.run(&["destroy", "-y"]), &words);
    for account in ACCOUNTS {
        assert_eq!((others.ids(account).len(), services.ids(account).len()), (0, 2), "{account}");
    }
    assert_eq!(recorded(&project), before);
    project.run(&["apply", "-y", "--allow-vanished"]).ends(0);
    assert_eq!(others.ids("tavus").len(), 2);
}

#[test]
fn one_object_that_is_gone_does_not_make_an_account_the_wrong_one() {
    let (services, project) = applied(&["ada", "bob"]);
    let id = id_of(&project, "bland.ada");
    let stores = services.stores();
    assert!(stores["bland"]["bland_personas"].get(&id).is_some(), "{:#}", stores["bland"]);
    let mut gone = stores.clone();
    gone.get_mut("bland").expect("there")["bland_personas"].as_object_mut().expect("an object").remove(&id);
    let services = Services::holding(&gone);
    let mut project = project;
    services.connect(&mut project);
    // Whether all are selected or only the one that is gone: the other one is still there.
    assert_eq!(changes(&project, &["--target", "bland.ada"])[0]["action"], "create");
    project.run(&["apply", "-y", "--target", "bland.ada"]).ends(0);
    assert_eq!(services.ids("bland").len(), 2);
}

#[test]
fn protection_outlives_its_file_and_is_taken_off_by_a_change_of_its_own() {
    let (_services, project) = applied(&["bob"]);
    let guarded = persona("Ada", "Be kind.").replace("tavus: { ", "tavus: { $lifecycle: { prevent_destroy: true }, ");
    project.write("personas/ada.yaml", &guarded);
    project.run(&["apply", "-y"]).ends(0);
    fs::remove_file(project.path("personas/ada.yaml")).expect("removed");
    refused(project.run(&["apply", "-y", "--allow-deletes"]), &["prevent_destroy", "`tavus.ada`"]);

    project.write("personas/ada.yaml", &persona("Ada", "Be kind."));
    let planned = changes(&project, &[]);
    assert_eq!(planned.len(), 1, "{planned:#?}");
    assert_eq!((&planned[0]["address"], &planned[0]["action"]), (&json!("tavus.ada"), &json!("update")));
    assert_eq!(planned[0]["requests"], json!([]));
    assert!(planned[0]["notes"][0].as_str().expect("a note").contains("`prevent_destroy` is taken off"), "{planned:#?}");
    project.run(&["apply", "-y"]).ends(0);
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
    fs::remove_file(project.path("personas/ada.yaml")).expect("removed");
    project.run(&["apply", "-y", "--allow-deletes"]).ends(0);
}

#[test]
fn what_may_not_be_deleted_is_forgotten() {
    let (services, project) = applied(&["bob"]);
    project.write("personas/ada.yaml", &persona("Ada", "Be kind.").replace("tavus: { ", "tavus: { $manage: no-delete, "));
    project.run(&["apply", "-y"]).ends(0);
    project.edit("personas/ada.yaml", "Be kind.", "Be brief.");
    project.run(&["apply", "-y"]).ends(0);
    fs::remove_file(project.path("personas/ada.yaml")).expect("removed");
    let planned = changes(&project, &["--target", "tavus.ada"]);
    assert_eq!((&planned[0]["action"], &planned[0]["requests"]), (&json!("forget"), &json!([])));
    project.run(&["apply", "-y", "--allow-deletes"]).ends(0);
    assert_eq!((services.ids("tavus").len(), services.ids("bland").len()), (2, 1));
}

#[test]
fn what_is_observed_is_shown_and_never_written() {
    let (services, project) = applied(&["ada"]);
    let id = id_of(&project, "tavus.ada");
    // Another project only looks at the object of this one.
    let mut watching = Project::new(&[]);
    services.connect(&mut watching);
    let section = |prompt: &str| {
        format!(
            "name: ada\nprompt: {prompt}\ntargets: {{ tavus: {{ $id: {id}, $manage: observe, default_replica_id: r1 }} }}\n"
        )
    };
    watching.write("personas/ada.yaml", &section("Be kind."));
    let plan = watching.run(&["plan", "--format", "json"]).ends(0).json();
    assert_eq!((&plan["changes"], &plan["observed"]), (&json!([]), &Value::Null));
    watching.write("personas/ada.yaml", &section("Be brief."));
    let plan = watching.run(&["plan", "--format", "json"]).ends(0).json();
    assert_eq!(plan["observed"][0]["edits"][0]["path"], "/system_prompt");
    let text = watching.run(&["plan"]).ends(0).stdout;
    assert!(text.contains("never written") && text.contains("/system_prompt"), "{text}");
    let before = services.stores();
    watching.run(&["apply", "-y"]).ends(0);
    fs::remove_file(watching.path("personas/ada.yaml")).expect("removed");
    watching.run(&["apply", "-y", "--allow-deletes"]).ends(0);
    assert_eq!(services.stores(), before);

    watching.write("personas/bob.yaml", "name: Bob\nprompt: Hi.\ntargets: { tavus: { $manage: observe } }\n");
    let run = watching.run(&["apply", "-y"]).ends(1);
    assert!(run.stdout.contains("`$id`"), "{}", run.stdout);
    assert_eq!(services.stores(), before, "nothing is made to be observed");
}

#[test]
fn a_selection_never_widens_a_plan() {
    let (services, project) = applied(&["ada", "bob"]);
    let text = project.read("personas/ada.yaml");
    fs::remove_file(project.path("personas/ada.yaml")).expect("removed");
    project.write("personas/eve.yaml", &format!("previously: ada\n{text}"));
    let whole = changes(&project, &[]);
    assert!(whole.iter().all(|change| change["action"] == "move"), "{whole:#?}");
    for pattern in ["*.ada", "*.eve", "tavus.*", "tavus.ada", "*"] {
        for change in changes(&project, &["--target", pattern]) {
            assert!(whole.contains(&change), "`--target {pattern}` plans what the whole plan does not: {change:#}");
        }
    }
    let run = project.run(&["apply", "-y", "--allow-deletes", "--target", "*.ada"]).ends(1);
    assert!(run.stdout.contains("--target tavus.eve"), "{}", run.stdout);
    assert_eq!(services.ids("tavus").len(), 2);
    project.run(&["apply", "-y", "--target", "tavus.eve"]).ends(0);
    assert!(recorded(&project)["objects"].get("tavus.eve").is_some());
}
