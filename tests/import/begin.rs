//! `init`: a new project works at once, and nothing that is there is touched.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::Project;

#[test]
fn a_new_project_applies_and_validates_and_its_schemas_are_fresh() {
    for providers in ["tavus", "anam", "bland", "opengiant", "tavus,anam,bland,opengiant"] {
        let project = Project::new(&[(".gitignore", "/target")]);
        project.run(&["init", "--provider", providers, "--name", "Zoë: \"the\" guide"]).ends(0);
        let again = project.run(&["init", "--provider", providers, "--name", "Zoë: \"the\" guide"]).ends(0);
        assert_eq!(again.stdout, "Everything is there already.\n");
        project.run(&["--sandbox", "validate"]).ends(0);
        project.run(&["--sandbox", "apply", "-y"]).ends(0);
        project.run(&["--sandbox", "plan", "--detailed-exitcode"]).ends(0);
        let doctor = project.run(&["--sandbox", "doctor", "--format", "json"]).ends(0).json();
        let checks = doctor["checks"].as_array().expect("a list");
        assert!(checks.iter().any(|check| check["aspect"] == "schemas" && check["verdict"] == "ok"), "{doctor:#}");
        assert!(project.read("personas/zo-the-guide.yaml").contains("name: \"Zoë: \\\"the\\\" guide\""));
        assert_eq!(
            project.read(".gitignore"),
            "/target\n/.personaform/sandbox/\n/.personaform/*.lock\n/.personaform/*.backups/\n"
        );
    }
}

#[test]
fn a_file_in_the_way_is_named_and_nothing_is_written() {
    let project = Project::new(&[("personaform.yaml", "accounts: {}\n"), ("personas/ada.yaml", "x\n")]);
    let before = project.everything();
    let run = project.run(&["init", "--provider", "tavus", "--name", "Ada"]).ends(4);
    assert!(run.stderr.contains("`personaform.yaml`, `personas/ada.yaml` stand in the way"), "{}", run.stderr);
    assert_eq!(project.everything(), before);
}

#[test]
fn without_a_terminal_the_providers_must_be_named() {
    let project = Project::new(&[]);
    let run = project.run(&["init"]).ends(4);
    assert!(run.stderr.contains("`--provider tavus`"), "{}", run.stderr);
    let run = project.run(&["init", "--provider", "tavsu"]).ends(1);
    assert!(run.stderr.contains("`tavsu` is no provider"), "{}", run.stderr);
    assert_eq!(project.everything(), []);
}

#[test]
fn a_dry_run_tells_and_writes_nothing() {
    let project = Project::new(&[]);
    let run = project.run(&["init", "--provider", "bland", "--dry-run"]).ends(0);
    assert!(run.stdout.contains("would write personaform.yaml\n") && run.stdout.contains("would write .gitignore\n"));
    assert_eq!(project.everything(), []);
}

#[test]
fn other_editors_settings_stay_and_a_second_init_in_another_folder_works() {
    let project = Project::new(&[(".vscode/extensions.json", "{}\n"), (".gitignore", ".personaform/sandbox/\n")]);
    project.run(&["init", "--provider", "bland", "-C", "."]).ends(0);
    assert_eq!(project.read(".vscode/extensions.json"), "{}\n");
    assert_eq!(project.read(".gitignore").matches("sandbox").count(), 1);
    project.run(&["init", "--provider", "bland", "-C", "deep/below"]).ends(0);
    assert!(project.path("deep/below/personaform.yaml").is_file());
}

/// Runs `init` on a terminal that `script` makes, and types once the question is there. Gives the exit code and what was shown; none
/// where there is no `script`.
#[expect(clippy::print_stderr, reason = "a test that was not tried must say so")]
fn on_a_terminal(project: &Project, typed: &[u8]) -> Option<(i32, String)> {
    let beside = tempfile::tempdir().expect("a folder");
    let typescript = beside.path().join("typescript");
    let shown = || std::fs::read_to_string(&typescript).unwrap_or_default();
    let mut command = Command::new("script");
    command.args(["-q", "-f", "-e", "-c", &format!("exec {} init", env!("CARGO_BIN_EXE_personaform"))]).arg(&typescript);
    command.current_dir(project.folder.path()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        eprintln!("there is no `script` here to make a terminal with: not tried");
        return None;
    };
    while !shown().contains("Which providers?") {
        assert!(child.try_wait().expect("waited").is_none(), "{}", shown());
        std::thread::yield_now();
    }
    let mut keyboard = child.stdin.take().expect("a pipe");
    keyboard.write_all(typed).expect("typed");
    // The keyboard stays until the end: letting go of it would be an answer of its own.
    let code = child.wait().expect("ended").code().unwrap_or(-1);
    drop(keyboard);
    Some((code, shown()))
}

#[test]
fn on_a_terminal_it_asks_and_takes_the_answer() {
    let project = Project::new(&[]);
    let Some((code, shown)) = on_a_terminal(&project, b"Bland, anam\r") else { return };
    assert_eq!(code, 0, "{shown}");
    let file = project.read("personaform.yaml");
    assert!(file.contains("  anam: {}") && file.contains("  bland: {}") && !file.contains("  tavus: {}"), "{file}");
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    // An answer that means nothing is said to, and nothing is there.
    let project = Project::new(&[]);
    let Some((code, shown)) = on_a_terminal(&project, b"blnad\r") else { return };
    assert!(code == 1 && shown.contains("`blnad` is no provider"), "{code} {shown}");
    assert_eq!(project.everything(), []);
}

#[test]
fn whoever_leaves_the_question_leaves_nothing_behind() {
    for (typed, wanted, words) in [(&b"\x03"[..], 130, ""), (b"bla\x03", 130, ""), (b"\x04", 4, "there was no answer")] {
        let project = Project::new(&[]);
        let Some((code, shown)) = on_a_terminal(&project, typed) else { return };
        assert!(code == wanted && shown.contains(words), "{typed:?}: {code} {shown}");
        assert_eq!(project.everything(), [], "{typed:?}");
    }
}
