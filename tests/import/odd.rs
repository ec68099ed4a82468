//! `import` used wrongly, interrupted, and started again.

use std::fs;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::mpsc::channel;

use serde_json::{Value, json};

use crate::services::{Gate, Services, locked};

fn three() -> (Services, Vec<String>) {
    let services = Services::start();
    let ids = ["Ada", "Bea", "Cyd"].map(|name| {
        services.at_tavus(json!({"persona_name": name, "system_prompt": format!("{name}.\nBe kind."), "layers": {}}))
    });
    (services, ids.to_vec())
}

#[test]
fn alone_it_lists_what_is_ours_and_writes_nothing() {
    let (services, ids) = three();
    let project = services.project(&[]);
    let before = project.everything();
    let run = project.run(&["import", "tavus"]).ends(0);
    assert_eq!(run.stdout, format!("{}  Ada\n{}  Bea\n{}  Cyd\n", ids[0], ids[1], ids[2]));
    assert!(run.stderr.contains("personaform import tavus --all"), "{}", run.stderr);
    project.run(&["import", "tavus", "--all", "--dry-run"]).ends(0);
    assert_eq!(project.everything(), before);
}

#[test]
fn wrong_uses_say_what_to_do_and_write_nothing() {
    let (services, ids) = three();
    let project = services.project(&[]);
    let before = project.everything();
    let cases: [(&[&str], i32, &str, &str); 9] = [
        (&["import", "tavsu", "--all"], 1, "names no account `tavsu`", "did you mean `tavus`?"),
        (&["import", ",", "--all"], 1, "no account is named", "import ACCOUNT --all"),
        (&["import", "tavus", "p-nobody"], 1, "no persona of yours with the id `p-nobody`", "import tavus"),
        (&["import", "tavus", "pstock000001"], 1, "no persona of yours with the id", "stock and built-in personas cannot"),
        (&["import", "anam", "d0000000-0000-4000-8000-000000000001"], 1, "no persona of yours", "built-in"),
        (&["import", "tavus", "--match", "Zed*"], 1, "matches no name and no id", "stands for any characters"),
        (&["import", "tavus,anam", &ids[0]], 1, "ids belong to one account", "--all"),
        (&["import", "opengiant", "og1"], 4, "no call that lists or reads", "`$id: og1`"),
        (&["import", "tavus", "--all", "--target", "tavus.ada"], 1, "`--target` selects targets of the files", "--match"),
    ];
    for (arguments, code, message, help) in cases {
        let run = project.run(arguments).ends(code);
        assert!(run.stderr.contains(message) && run.stderr.contains(help), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "");
    }
    // A run that would write takes the lock, which leaves its file.
    let after: Vec<_> = project.everything().into_iter().filter(|(path, _)| !path.ends_with("state.json.lock")).collect();
    assert_eq!(after, before);
}

#[test]
fn a_pattern_takes_names_and_ids() {
    let (services, ids) = three();
    let project = services.project(&[]);
    project.run(&["import", "tavus", "--match", "B*"]).ends(0);
    assert!(project.path("personas/bea.yaml").is_file() && !project.path("personas/ada.yaml").exists());
    project.run(&["import", "tavus", &ids[2], &ids[2]]).ends(0);
    assert!(project.path("personas/cyd.yaml").is_file() && !project.path("personas/ada.yaml").exists());
}

#[test]
fn existing_files_are_never_overwritten() {
    let (services, ids) = three();
    let project = services.project(&[]);
    project.write("personas/ada.yaml", "name: Somebody else\ntargets: {}\n");
    project.write("personas/Bea.yml", "name: Bea\ntargets: {}\n");
    project.write("personas/prompts/cyd.md", "notes of somebody\n");
    let before = project.everything();
    project.run(&["import", "tavus", "--all"]).ends(0);
    for (path, bytes) in before {
        assert_eq!(fs::read(&path).expect("still there"), bytes, "{}", path.display());
    }
    for (key, id) in [("ada-2", &ids[0]), ("bea-2", &ids[1]), ("cyd-2", &ids[2])] {
        let record = project.run(&["state", "show", &format!("tavus.{key}")]).ends(0).json();
        assert_eq!(record["id"], id.as_str());
    }
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn what_was_written_and_not_recorded_is_recognised() {
    let (services, ids) = three();
    // A twin: the same in everything but the id.
    let twin = services.at_tavus(json!({"persona_name": "Ada", "system_prompt": "Ada.\nBe kind.", "layers": {}}));
    let project = services.project(&[]);
    project.run(&["import", "tavus", "--all"]).ends(0);
    let before: Vec<_> = project
        .everything()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|it| it == "yaml" || it == "md"))
        .collect();
    // As if the run had been killed before its state was saved, and before the last file was written.
    fs::remove_file(project.path(".personaform/state.json")).expect("removed");
    fs::remove_file(project.path("personas/cyd.yaml")).expect("removed");
    let run = project.run(&["import", "tavus", "--all"]).ends(0);
    assert!(run.stdout.contains("Imported 4 personas into 4 files."), "{}", run.stdout);
    let after: Vec<_> = project
        .everything()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|it| it == "yaml" || it == "md"))
        .collect();
    assert_eq!(after, before);
    for (key, id) in [("ada", &ids[0]), ("ada-2", &twin)] {
        assert_eq!(project.run(&["state", "show", &format!("tavus.{key}")]).ends(0).json()["id"], id.as_str());
    }
}

#[test]
fn a_run_that_fails_half_way_is_taken_up_where_it_stopped() {
    let services = Services::start();
    let ids: Vec<String> = ["Ada", "Bea", "Cyd"].iter().map(|name| services.at_anam(name, json!({}))).collect();
    let project = services.project(&[]);
    services.refuse("anam", 403);
    let failed = project.run(&["import", "anam", "--all"]);
    assert_eq!(failed.code, 1, "a list that cannot be read is no empty list: {}", failed.stderr);
    let gone = ids[1].clone();
    let mut kept = Value::Null;
    locked(&services.anam).alter(&gone, |persona| {
        kept = json!(persona["avatarId"]);
        persona.remove("avatarId");
    });
    let run = project.run(&["import", "anam", "--all"]).ends(3);
    assert!(run.stderr.contains("not imported: \"Bea\"") && run.stderr.contains("`avatarId` is missing"), "{}", run.stderr);
    assert!(run.stdout.contains("Imported 2 personas into 2 files, 1 not imported."), "{}", run.stdout);
    assert!(!project.path("personas/bea.yaml").exists());
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
    locked(&services.anam).alter(&gone, |persona| drop(persona.insert("avatarId".to_owned(), kept)));
    let run = project.run(&["import", "anam", "--all"]).ends(0);
    assert!(run.stdout.contains("Imported 1 persona into 1 file, 2 managed already."), "{}", run.stdout);
}

#[test]
fn sections_that_their_provider_refuses_are_mended() {
    let services = Services::start();
    let echo = services
        .at_tavus(json!({"persona_name": "Echo", "system_prompt": "Left over.", "pipeline_mode": "echo", "layers": {}}));
    services.at_tavus(json!({"persona_name": "Old", "system_prompt": "Be kind.", "context": "A shop.", "layers": {}}));
    let bare = services.at_tavus(json!({"persona_name": "Bare", "layers": {}}));
    let project = services.project(&[]);
    let report = project.run(&["--format", "json", "import", "tavus", "--all"]).ends(0).json();
    assert_eq!(report["plan"]["empty"], true, "{report:#}");
    let echo_file = project.read("personas/echo.yaml");
    assert!(echo_file.contains("pipeline_mode: echo") && echo_file.contains("# not managed: system_prompt:"), "{echo_file}");
    assert!(project.read("personas/old.yaml").contains("# not managed: context: `context` was withdrawn"));
    assert!(project.read("personas/bare.yaml").contains(&format!("$id: {bare}")), "{}", project.read("personas/bare.yaml"));
    assert_ne!(echo, bare);
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn a_forged_stand_in_does_not_make_us_name_a_variable() {
    let services = Services::start();
    services.at_tavus(json!({
        "persona_name": "Ada", "system_prompt": "Be kind.", "greeting": {"$env": "TAVUS_API_KEY", "digest": "hmac-sha256:00"},
        "layers": {"llm": {"extra_body": {"x": {"$file": "../secrets.txt"}, "y": {"$env": "TAVUS_API_KEY"}}}},
    }));
    let project = services.project(&[]);
    project.run(&["import", "tavus", "--all"]).ends(0);
    let text = project.read("personas/ada.yaml");
    assert!(!text.contains("TAVUS_API_KEY") && !text.contains("secrets.txt"), "{text}");
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn odd_bytes_of_a_prompt_survive() {
    let services = Services::start();
    let prompts = ["a\r", "a\r\n", "a\n\n\n", "\u{feff}a\nb", "a\u{0}b\nc", "\n", " ", "a\u{2028}b", "---\n...\n# x\n"];
    let ids: Vec<String> = prompts
        .iter()
        .enumerate()
        .map(|(index, prompt)| {
            services.at_tavus(json!({"persona_name": format!("P{index}"), "system_prompt": prompt, "layers": {}}))
        })
        .collect();
    let project = services.project(&[]);
    let told = project.run(&["import", "tavus", "--all"]).ends(0).stderr;
    for note in ["`personas/prompts/p0.md -text` in `.gitattributes`", "`personas/prompts/p4.md` holds a NUL"] {
        assert!(told.contains(note), "{told}");
    }
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
    for (index, id) in ids.iter().enumerate() {
        let record = project.run(&["state", "show", &format!("tavus.p{index}")]).ends(0).json();
        assert_eq!(
            (record["id"].as_str(), record["applied"]["system_prompt"].as_str()),
            (Some(id.as_str()), Some(prompts[index]))
        );
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_stops_it_and_nothing_is_recorded() {
    let (services, _) = three();
    let project = services.project(&[]);
    // Where a folder is wanted stands a file: that stops also those who may write everywhere.
    project.write("personas/prompts", "no folder\n");
    let run = project.run(&["import", "tavus", "--all"]).ends(1);
    assert!(run.stderr.contains("`personas/prompts/ada.md` cannot be written"), "{}", run.stderr);
    assert!(run.stderr.contains("it goes on where it stopped"), "{}", run.stderr);
    assert!(!project.path("personas/ada.yaml").exists() && !project.path(".personaform/state.json").exists());
    fs::remove_file(project.path("personas/prompts")).expect("removed");
    project.run(&["import", "tavus", "--all"]).ends(0);
}

#[cfg(unix)]
#[test]
fn an_interrupt_finishes_the_batch_and_the_next_run_takes_the_rest() {
    let (arrived, arrival) = channel();
    let (go, go_on) = channel();
    let services = Services::with(|inner| Box::new(Gate { inner, reads_until: 5, arrived, go_on }));
    for number in 0..110 {
        services.at_anam(&format!("Guide {number}"), json!({}));
    }
    let project = services.project(&[]);
    let mut command = project.command(&["import", "anam", "--all"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    arrival.recv().expect("the import reads");
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
    let mut said = String::new();
    BufReader::new(child.stderr.take().expect("a pipe")).read_line(&mut said).expect("a line");
    assert!(said.starts_with("Interrupted"), "{said}");
    go.send(()).expect("the import goes on");
    assert_eq!(child.wait().expect("ended").code(), Some(130));
    let mut told = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut told).expect("UTF-8");
    // What was read is kept, what was not is no failure.
    let taken = told.lines().filter(|line| line.starts_with("anam.guide-")).count();
    assert!((1..100).contains(&taken), "{told}");
    assert!(told.contains(&format!("Imported {taken} persona")) && !told.contains("not imported"), "{told}");
    let run = project.run(&["import", "anam", "--all"]).ends(0);
    assert!(run.stdout.contains(&format!("files, {taken} managed already.")), "{}", run.stdout);
    assert!(run.stdout.contains(&format!("Imported {} personas", 110 - taken)), "{}", run.stdout);
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn keys_do_not_depend_on_what_is_taken_first() {
    let services = Services::start();
    let names = ["Ada", "ada!", "Bea", "Ada", "bea"];
    let ids: Vec<String> = names
        .iter()
        .map(|name| services.at_tavus(json!({"persona_name": name, "system_prompt": "Be kind.", "layers": {}})))
        .collect();
    let keys = |project: &crate::support::Project| -> Vec<String> {
        let state: Value = serde_json::from_str(&project.read(".personaform/state.json")).expect("JSON");
        let objects = state["objects"].as_object().expect("objects");
        let at =
            |id: &String| objects.iter().find(|(_, record)| record["id"] == id.as_str()).map(|(address, _)| address.clone());
        ids.iter().map(|id| at(id).expect("recorded")).collect()
    };
    let at_once = services.project(&[]);
    at_once.run(&["import", "tavus", "--all"]).ends(0);
    assert_eq!(keys(&at_once), ["tavus.ada", "tavus.ada-2", "tavus.bea", "tavus.ada-3", "tavus.bea-2"]);
    let by_and_by = services.project(&[]);
    by_and_by.run(&["import", "tavus", &ids[3], &ids[4]]).ends(0);
    by_and_by.run(&["import", "tavus", "--match", "ada!"]).ends(0);
    by_and_by.run(&["import", "tavus", "--all"]).ends(0);
    assert_eq!(keys(&by_and_by), keys(&at_once));
}

#[cfg(unix)]
#[test]
fn a_killed_run_is_taken_up_and_nothing_is_read_or_written_twice() {
    let (arrived, arrival) = channel();
    let (go, go_on) = channel();
    let services = Services::with(|inner| Box::new(Gate { inner, reads_until: 105, arrived, go_on }));
    for number in 0..110 {
        services.at_anam(&format!("Guide {number}"), json!({}));
    }
    let project = services.project(&[]);
    let mut command = project.command(&["import", "anam", "--all"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
    arrival.recv().expect("the import reads the second batch");
    child.kill().expect("killed");
    child.wait().expect("ended");
    go.send(()).expect("the service goes on");
    let written = project.everything();
    let before = services.log().len();
    let run = project.run(&["import", "anam", "--all"]).ends(0);
    assert!(run.stdout.contains("Imported 10 personas into 10 files, 100 managed already."), "{}", run.stdout);
    let log = services.log();
    // What was under way at the kill may be logged late: those are among the ten that were not done.
    let reads: std::collections::BTreeSet<&str> =
        log[before..].iter().map(|entry| entry.path.as_str()).filter(|path| !path.contains('?')).collect();
    assert_eq!(reads.len(), 10, "what is done is not read again: {reads:?}");
    for (path, bytes) in written.into_iter().filter(|(path, _)| path.extension().is_some_and(|it| it == "yaml" || it == "md")) {
        assert_eq!(fs::read(&path).expect("still there"), bytes, "{}", path.display());
    }
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}
