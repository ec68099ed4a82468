//! One run at a time, and a state that is refused rather than guessed at.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use crate::service::{Services, persona};
use crate::support::Project;

fn applied() -> Project {
    let project = Project::new(&[
        ("personaform.yaml", "accounts: { tavus: {}, anam: {} }\n"),
        ("personas/ada.yaml", "name: Ada\nprompt: Be kind.\ntargets: { tavus: { default_replica_id: r1 } }\n"),
    ]);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project
}

const STATE: &str = ".personaform/sandbox/state.json";
const LOCK: &str = ".personaform/sandbox/state.json.lock";

fn words(host: &str, process: u32) -> String {
    format!(r#"{{"owner":"ann","host":"{host}","process":{process},"command":"apply","since":"2026-11-22T06:00:00Z"}}"#)
}

fn host() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| fs::read_to_string("/etc/hostname"));
    text.expect("a host name").trim().to_owned()
}

fn held(project: &Project) -> File {
    let mut lock = File::options().write(true).truncate(true).open(project.path(LOCK)).expect("there");
    lock.lock().expect("locked");
    lock.write_all(words("ci-7", 42).as_bytes()).expect("written");
    lock
}

#[test]
fn a_second_run_is_refused_and_told_who_holds_the_lock() {
    let project = applied();
    let _lock = held(&project);
    for command in [
        &["apply", "-y"][..],
        &["destroy", "-y"],
        &["import", "tavus", "--all"],
        &["state", "rm", "tavus.ada"],
        &["state", "resolve", "tavus.ada", "--absent"],
        &["state", "unlock"],
    ] {
        let run = project.run(&[&["--sandbox"], command].concat()).ends(4);
        let holder = "`personaform apply` of ann on ci-7, process 42, since 2026-11-22T06:00:00Z";
        assert!(run.stderr.contains(holder), "{}", run.stderr);
    }
    project.run(&["--sandbox", "plan"]).ends(0);
}

#[test]
fn what_is_wrong_with_the_files_is_told_before_what_is_wrong_beside_them() {
    let services = Services::start();
    let mut project = Project::new(&[("personas/ada.yaml", &persona("Ada", "Be kind."))]);
    services.connect(&mut project);
    project.run(&["apply", "-y"]).ends(0);
    let lock = File::options().write(true).open(project.path(".personaform/state.json.lock")).expect("there");
    lock.lock().expect("locked");
    project.write("personas/ada.yaml", "name: [");
    for (what, state) in [("a held lock", None), ("a damaged state", Some("{"))] {
        if let Some(text) = state {
            project.write(".personaform/state.json", text);
        }
        let run = project.run(&["apply", "-y"]).ends(5);
        assert!(run.stderr.contains("personas/ada.yaml") && !run.stderr.contains("state.json"), "{what}: {}", run.stderr);
    }
}

#[test]
fn a_second_run_waits_as_long_as_it_is_told() {
    let project = applied();
    let lock = held(&project);
    let begun = Instant::now();
    project.run(&["--sandbox", "apply", "-y", "--lock-timeout", "300ms"]).ends(4);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let mut waiting = project.command(&["--sandbox", "apply", "-y", "--lock-timeout", "60s"]);
    let mut child = waiting.stderr(std::process::Stdio::piped()).spawn().expect("the binary runs");
    // It says that it waits; only then is the lock let go.
    let mut line = String::new();
    let mut errors = std::io::BufReader::new(child.stderr.take().expect("a pipe"));
    std::io::BufRead::read_line(&mut errors, &mut line).expect("a line");
    assert!(line.contains("Waiting") && line.contains("ci-7"), "{line}");
    lock.set_len(0).expect("cleared");
    drop(lock);
    assert_eq!(child.wait().expect("ended").code(), Some(0));
}

#[test]
fn the_lock_of_a_dead_process_is_taken_over_on_this_host_and_asked_about_on_another() {
    let project = applied();
    fs::write(project.path(LOCK), words(&host(), 42)).expect("written");
    let run = project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert!(run.stderr.contains("Took over the lock of `personaform apply` of ann"), "{}", run.stderr);
    assert_eq!(project.read(LOCK), "", "nobody is named in a lock that is let go");

    fs::write(project.path(LOCK), words("another-host", 42)).expect("written");
    let run = project.run(&["--sandbox", "apply", "-y"]).ends(4);
    assert!(run.stderr.contains("another-host") && run.stderr.contains("state unlock"), "{}", run.stderr);
    assert!(project.read(LOCK).contains("another-host"), "a refusal takes nothing away");
    let run = project.run(&["--sandbox", "state", "unlock"]).ends(0);
    assert!(run.stdout.contains("another-host"), "{}", run.stdout);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
}

#[test]
fn of_many_runs_at_once_one_writes_and_the_others_wait() {
    let services = Services::start();
    let mut project = Project::new(&[("personas/ada.yaml", &persona("Ada", "Be kind."))]);
    services.connect(&mut project);
    let children: Vec<_> = (0..6)
        .map(|_| project.command(&["apply", "-y", "-q", "--lock-timeout", "60s"]).spawn().expect("the binary runs"))
        .collect();
    for child in children {
        assert!(child.wait_with_output().expect("ended").status.success());
    }
    for account in crate::service::ACCOUNTS {
        assert_eq!(services.ids(account).len(), 1, "{account}");
    }
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn damage_is_reported_with_its_place_and_the_newest_backup_and_nothing_is_replaced() {
    let project = applied();
    project.edit("personas/ada.yaml", "Be kind.", "Be brief.");
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    let whole = project.read(STATE);
    let half = &whole[..whole.len() / 2];
    for text in ["", half] {
        project.write(STATE, text);
        for command in [&["plan"][..], &["apply", "-y"], &["state", "list"]] {
            let run = project.run(&[&["--sandbox"], command].concat()).ends(1);
            assert!(run.stderr.contains("damaged at line") && run.stderr.contains("state.json.backups/"), "{}", run.stderr);
        }
        assert_eq!(project.read(STATE), text);
    }
    fs::remove_file(project.path(STATE)).expect("removed");
    let run = project.run(&["--sandbox", "apply", "-y"]).ends(1);
    assert!(run.stderr.contains("is gone") && run.stderr.contains("state.json.backups/"), "{}", run.stderr);
    assert!(!project.path(STATE).exists());
    project.write(STATE, &whole);
    project.run(&["--sandbox", "plan", "--detailed-exitcode"]).ends(0);

    let journal = format!("{STATE}.journal");
    project.write(&journal, "{\"sum\":\"0000000000000000\",\"body\":{}}\n");
    let run = project.run(&["--sandbox", "plan"]).ends(1);
    assert!(run.stderr.contains("state.json.journal` is damaged at line 1"), "{}", run.stderr);
    assert!(project.path(&journal).exists());
}

#[test]
fn a_newer_state_is_refused_and_an_older_one_is_migrated_with_a_backup() {
    let project = applied();
    let whole = project.read(STATE);
    project.write(STATE, &whole.replacen("\"version\": 2", "\"version\": 3", 1));
    let run = project.run(&["--sandbox", "plan"]).ends(1);
    assert!(run.stderr.contains("has version 3"), "{}", run.stderr);

    // Version 1 had no journal and so did not name one.
    let mut old: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    old["version"] = 1.into();
    old.as_object_mut().expect("an object").remove("journal");
    let old = old.to_string();
    project.write(STATE, &old);
    project.run(&["--sandbox", "plan", "--detailed-exitcode"]).ends(0);
    project.edit("personas/ada.yaml", "Be kind.", "Be brief.");
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    assert!(project.read(STATE).contains("\"version\": 2"));
    assert_eq!(project.read(&format!("{STATE}.version-1")), old);
    project.run(&["--sandbox", "plan", "--detailed-exitcode"]).ends(0);
}
