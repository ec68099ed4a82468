//! Completions as a shell makes them, and manual pages.

use std::path::Path;
use std::process::Command;

use crate::support::Project;

/// What bash offers for a half-written command line.
fn offered(project: &Project, words: &[&str]) -> Vec<String> {
    let script = project.run(&["completions", "bash"]).ends(0).stdout;
    project.write("completion.bash", &script);
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let last = words.len() - 1;
    let program = format!(
        "source completion.bash; COMP_WORDS=({}); COMP_CWORD={last}; COMP_TYPE=9; \
         _clap_complete_personaform personaform '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words[last],
        words[last - 1],
    );
    let binary = Path::new(env!("CARGO_BIN_EXE_personaform"));
    let path = std::env::join_paths(
        std::iter::once(binary.parent().expect("a folder").to_path_buf())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let output = Command::new("bash")
        .args(["--norc", "-c", &program])
        .current_dir(project.folder.path())
        .env_clear()
        .env("PATH", path.expect("a path"))
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn bash_completes_addresses_accounts_and_commands() {
    let project = Project::example();
    assert_eq!(offered(&project, &["personaform", "plan", "--target", "tavus.support-g"]), ["tavus.support-guide"]);
    assert_eq!(offered(&project, &["personaform", "import", "bland"]), ["bland", "bland-eu"]);
    assert_eq!(offered(&project, &["personaform", "valid"]), ["validate"]);
    project.run(&["--sandbox", "apply", "-y", "--target", "anam.support-guide"]).ends(0);
    assert_eq!(offered(&project, &["personaform", "--sandbox", "state", "show", "a"]), ["anam.support-guide"]);
}

#[test]
fn another_folder_is_completed_from_and_none_is_no_error() {
    let project = Project::example();
    let outside = Project::new(&[]);
    let folder = project.folder.path().display().to_string();
    let words = ["personaform", "-C", &folder, "plan", "--target", "opengiant.support-g"];
    assert_eq!(offered(&outside, &words), ["opengiant.support-guide"]);
    assert_eq!(offered(&outside, &["personaform", "plan", "--target", "t"]), [""]);
}

#[test]
fn every_shell_has_a_script_and_every_command_a_page() {
    let project = Project::new(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = project.run(&["completions", shell]).ends(0).stdout;
        assert!(script.contains("PERSONAFORM_COMPLETE"), "{shell}: {script}");
    }
    let page = project.run(&["man"]).ends(0).stdout;
    assert!(page.contains(".TH personaform 1") && page.contains("import"), "{page}");
    assert!(project.run(&["man", "import"]).ends(0).stdout.contains(".TH personaform-import 1"));
    project.run(&["man", "imprt"]).ends(1);
}
