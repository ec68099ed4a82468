//! `state`: by hand, each command with its dry run, also where the state is damaged, and killed anywhere in the middle.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::Project;

const STATE: &str = ".personaform/sandbox/state.json";

const ACCOUNTS: &str = "accounts:\n  bland: {}\n  bland-eu: { provider: bland }\n  anam: {}\n";

fn persona(name: &str) -> String {
    format!("name: {name}\nprompt: Be kind.\ntargets: {{ bland: {{}} }}\n")
}

/// Two personas at Bland; `cyd` was there too and has been forgotten.
fn scene() -> Project {
    let project = Project::new(&[
        ("personaform.yaml", ACCOUNTS),
        ("personas/ada.yaml", &persona("Ada")),
        ("personas/bob.yaml", &persona("Bob")),
        ("personas/cyd.yaml", &persona("Cyd")),
    ]);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project.run(&["--sandbox", "state", "rm", "bland.cyd"]).ends(0);
    std::fs::remove_file(project.path("personas/cyd.yaml")).expect("removed");
    project
}

fn recorded(project: &Project) -> Value {
    project.run(&["--sandbox", "--format", "json", "state", "list"]).ends(0).json()["objects"].clone()
}

fn serial(project: &Project) -> u64 {
    let state: Value = serde_json::from_str(&project.read(STATE)).expect("a state");
    state["serial"].as_u64().expect("a serial")
}

/// All files but the lock's.
fn files(project: &Project) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = project.everything();
    files.retain(|(path, _)| !path.ends_with("state.json.lock"));
    files.sort();
    files
}

#[test]
fn dry_runs_tell_the_same_and_write_nothing() {
    let project = scene();
    project.run(&["--sandbox", "state", "backup", "-o", "copy.json"]).ends(0);
    let before = files(&project);
    for (arguments, told) in [
        (&["mv", "bland.ada", "bland.eve"][..], "Would move `bland.ada` to `bland.eve`; the object"),
        (&["rm", "bland.ada"], "Would forget `bland.ada`; the object"),
        (&["backup"], "Would keep 2 objects, serial "),
        (&["backup", "-o", "other.json"], "`other.json`"),
        (&["restore", "latest"], "+ bland.cyd  "),
        (&["unlock"], "The state is not locked."),
    ] {
        let run = project.run(&[&["--sandbox", "state"], arguments, &["--dry-run"]].concat()).ends(0);
        assert!(run.stdout.contains(told), "{arguments:?}: {run:?}");
        let json =
            project.run(&[&["--sandbox", "--format", "json", "state"], arguments, &["--dry-run"]].concat()).ends(0).json();
        assert_eq!((&json["action"], &json["dry_run"]), (&json!(arguments[0]), &json!(true)), "{json}");
        assert_eq!(files(&project), before, "{arguments:?} wrote something");
    }
}

#[test]
fn a_moved_record_is_found_again_where_the_file_says_it() {
    let project = scene();
    let id = recorded(&project)["bland.ada"]["id"].clone();
    let run = project.run(&["--sandbox", "state", "mv", "bland.ada", "bland.emea/eve"]).ends(0);
    for words in ["Rename personas/ada.yaml to personas/emea/eve.yaml too", "`previously: ada`"] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    assert_eq!(recorded(&project)["bland.emea/eve"]["id"], id);
    project.write("personas/emea/eve.yaml", &persona("Ada"));
    std::fs::remove_file(project.path("personas/ada.yaml")).expect("removed");
    project.run(&["--sandbox", "plan", "--detailed-exitcode"]).ends(0);
    // A second account of the same provider takes it too, and is told that it must have the object.
    let run = project.run(&["--sandbox", "state", "mv", "bland.bob", "bland-eu.bob"]).ends(0);
    assert!(run.stderr.contains("Move the section `bland` of personas/bob.yaml to `bland-eu`"), "{}", run.stderr);
    assert!(run.stderr.contains("plan --target bland-eu.bob"), "{}", run.stderr);
}

#[test]
fn what_cannot_be_moved_is_said_and_nothing_moves() {
    let project = scene();
    project.write("personas/ada.yaml", "name: [broken\n");
    let before = files(&project);
    for (from, to, words) in [
        ("bland.ada", "bland.bob", "the address `bland.bob` is another object's"),
        ("bland.ada", "bland.ada", "`bland.ada` has this address already"),
        ("bland.eve", "bland.fay", "state does not record `bland.eve`"),
        ("bland.ada", "tavus.ada", "accounts are anam, bland, bland-eu"),
        ("bland.ada", "anam.ada", "is an object of the provider `bland`, and the account `anam` is one of `anam`"),
        ("bland.ada", "ada", "`ada` is no address"),
    ] {
        let run = project.run(&["--sandbox", "state", "mv", from, to]).ends(1);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    assert_eq!(files(&project), before);
    // The files need not be sound for what needs only the state.
    project.run(&["--sandbox", "state", "mv", "bland.ada", "bland.eve"]).ends(0);
}

#[test]
fn a_copy_comes_back_the_present_state_is_kept_and_the_serial_rises() {
    let project = scene();
    let copy = project.run(&["--sandbox", "--format", "json", "state", "backup"]).ends(0).json();
    let path = copy["path"].as_str().expect("a path").to_owned();
    assert!(path.ends_with(".kept.json"), "{path}");
    let then = recorded(&project);
    project.run(&["--sandbox", "state", "mv", "bland.ada", "bland.eve"]).ends(0);
    project.run(&["--sandbox", "state", "rm", "bland.bob"]).ends(0);
    let before = (serial(&project), recorded(&project));
    let run = project.run(&["--sandbox", "state", "restore", &path]).ends(0);
    for line in ["+ bland.ada  ", "+ bland.bob  ", "- bland.eve  ", "Restored `"] {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    assert_eq!(recorded(&project), then);
    assert!(serial(&project) > before.0);
    // What gave way is the newest copy that differs.
    project.run(&["--sandbox", "state", "restore", "latest"]).ends(0);
    assert_eq!(recorded(&project), before.1);
    let same = project.run(&["--sandbox", "state", "restore", STATE]).ends(0);
    assert!(same.stdout.contains("Nothing to restore"), "{}", same.stdout);
    let list = project.run(&["--sandbox", "--format", "json", "state", "list", "--backups"]).ends(0).json();
    let backups = list["backups"].as_array().expect("a list");
    assert!(backups.iter().any(|backup| backup["kept"] == true && backup["objects"] == 2), "{list:#}");
    let text = project.run(&["--sandbox", "state", "list", "--backups"]).ends(0).stdout;
    assert!(text.contains("2 objects, kept until deleted\n"), "{text}");
}

#[test]
fn another_lineage_needs_a_flag_and_other_files_are_refused() {
    let project = scene();
    let other = scene();
    let foreign = other.path(STATE).display().to_string();
    let before = files(&project);
    let run = project.run(&["--sandbox", "state", "restore", &foreign]).ends(4);
    assert!(run.stderr.contains("of another lineage") && run.stderr.contains("--other-lineage"), "{}", run.stderr);
    for (file, code, words) in [("nothing.json", 1, "cannot be read"), ("personaform.yaml", 1, "is damaged at line 1")] {
        let run = project.run(&["--sandbox", "state", "restore", file]).ends(code);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let run = project.run(&["--sandbox", "state", "backup", "-o", "personaform.yaml"]).ends(4);
    assert!(run.stderr.contains("is no copy of a state"), "{}", run.stderr);
    project.run(&["--sandbox", "state", "backup", "-o", STATE]).ends(4);
    assert_eq!(files(&project), before);
    project.run(&["--sandbox", "state", "restore", &foreign, "--other-lineage"]).ends(0);
    let lineage = |text: &str| serde_json::from_str::<Value>(text).expect("a state")["lineage"].clone();
    assert_eq!(lineage(&project.read(STATE)), lineage(&other.read(STATE)));
    // An account that the project does not have would stop every plan.
    project.write("personaform.yaml", "accounts: { anam: {} }\n");
    let run = project.run(&["--sandbox", "state", "restore", &foreign]).ends(4);
    assert!(run.stderr.contains("names no account `bland`"), "{}", run.stderr);
}

#[test]
fn a_damaged_state_is_restored_and_the_damage_is_kept() {
    let project = scene();
    let before = (serial(&project), recorded(&project));
    project.run(&["--sandbox", "state", "backup"]).ends(0);
    for damage in ["", "{ \"version\": 2, nonsense"] {
        project.write(STATE, damage);
        let refused = project.run(&["--sandbox", "plan"]).ends(1);
        assert!(refused.stderr.contains("personaform state restore FILE"), "{}", refused.stderr);
        let shown = project.run(&["--sandbox", "state", "restore", "latest", "--dry-run"]).ends(0);
        assert_eq!(project.read(STATE), damage);
        let run = project.run(&["--sandbox", "state", "restore", "latest"]).ends(0);
        assert_eq!(shown.stdout.replace("Would restore", "Restored"), run.stdout);
        assert!(run.stderr.contains("could not be read") && run.stderr.contains("state.json.damaged-"), "{}", run.stderr);
        assert_eq!(recorded(&project), before.1);
        assert!(serial(&project) > before.0);
    }
    std::fs::remove_file(project.path(STATE)).expect("removed");
    project.run(&["--sandbox", "state", "restore", "latest"]).ends(0);
    assert_eq!(recorded(&project), before.1);
    let kept = |number: u32| project.read(&format!("{STATE}.backups/state.json.damaged-{number}"));
    assert_eq!((kept(1).as_str(), kept(2).as_str()), ("", "{ \"version\": 2, nonsense"));
}

/// `strace` kills the process at each of its calls that touch files, one after the other.
#[test]
#[expect(clippy::print_stderr, reason = "a test that was not tried must say so")]
fn killed_at_any_call_the_state_is_the_old_one_or_the_new_one() {
    let works = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) {
        eprintln!("there is no usable `strace` here to kill a process at a certain call with: not tried");
        return;
    }
    let project = scene();
    project.run(&["--sandbox", "state", "backup", "-o", "copy.json"]).ends(0);
    project.run(&["--sandbox", "state", "rm", "bland.ada"]).ends(0);
    let start = files(&project);
    let put_back = || {
        std::fs::remove_dir_all(project.path(".personaform/sandbox")).expect("removed");
        for (path, bytes) in &start {
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, bytes).expect("written");
        }
    };
    let old = recorded(&project);
    for command in [&["restore", "copy.json"][..], &["mv", "bland.bob", "bland.eve"]] {
        let arguments = [&["--sandbox", "state"], command].concat();
        project.run(&arguments).ends(0);
        let new = recorded(&project);
        assert_ne!(old, new);
        let mut seen = (0, 0);
        for call in ["fsync", "fdatasync", "rename", "unlink", "ftruncate"] {
            for number in 1.. {
                put_back();
                let plain = project.command(&arguments);
                let mut killed = Command::new("strace");
                killed.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e"]);
                killed.arg(format!("inject={call}:signal=KILL:when={number}")).arg(plain.get_program()).args(plain.get_args());
                killed.current_dir(project.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
                if killed.status().expect("strace runs").success() {
                    assert_eq!(recorded(&project), new, "{command:?}: nobody was killed");
                    break;
                }
                let left = recorded(&project);
                assert!(left == old || left == new, "{command:?}, {call} {number}: {left:#}");
                if left == old {
                    seen.0 += 1
                } else {
                    seen.1 += 1
                }
                // The next writer goes on from there.
                project.run(&["--sandbox", "state", "mv", "bland.bob", "bland.fay"]);
                recorded(&project);
            }
        }
        assert!(seen.0 > 0 && seen.1 > 0, "{command:?}: died before it counted {} times, and {} times after", seen.0, seen.1);
        eprintln!("{command:?}: died before it counted {} times, and {} times after", seen.0, seen.1);
        put_back();
    }
}
