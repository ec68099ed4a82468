//! `init`: a new project works at once, and nothing that is there is touched.

use crate::support::Project;

#[test]
fn a_new_project_applies_and_validates_and_its_schemas_are_fresh() {
    for providers in ["tavus", "anam", "bland", "opengiant", "tavus,anam,bland,opengiant"] {
        let project = Project::new(&[(".gitignore", "/target")]);
        project.run(&["init", "--provider", providers, "--name", "Zoë: \"the\" guide"]).ends(0);
        project.run(&["--sandbox", "validate"]).ends(0);
        project.run(&["--sandbox", "apply", "-y"]).ends(0);
        project.run(&["--sandbox", "plan", "--detailed-exitcode"]).ends(0);
        let doctor = project.run(&["--sandbox", "doctor", "--format", "json"]).ends(0).json();
        let checks = doctor["checks"].as_array().expect("a list");
        assert!(checks.iter().any(|check| check["aspect"] == "schemas" && check["verdict"] == "ok"), "{doctor:#}");
        assert!(project.read("personas/zo-the-guide.yaml").contains("name: \"Zoë: \\\"the\\\" guide\""));
        assert_eq!(
            project.read(".gitignore"),
            "/target\n/.personaform/sandbox/\n/.personaform/*.lock\n/.personaform/*.backup\n"
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
