//! Completions as a shell makes them, and manual pages.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::support::Project;

/// Where shells find this binary first.
fn path() -> OsString {
    let binary = Path::new(env!("CARGO_BIN_EXE_personaform"));
    let folder = binary.parent().expect("a folder").to_path_buf();
    let others = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&others))).expect("a path")
}

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
    let output = Command::new("bash")
        .args(["--norc", "-c", &program])
        .current_dir(project.folder.path())
        .env_clear()
        .env("PATH", path())
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(|line| line.trim().to_owned()).collect()
}

/// What another shell offers, told by its own program text; none where it is not installed. `WORDS` in the text stands for the
/// command line so far.
#[expect(clippy::print_stderr, reason = "a test that was not tried must say so")]
fn offered_by(shell: &str, project: &Project, program: &str) -> Option<Vec<String>> {
    let script = project.run(&["completions", shell]).ends(0).stdout;
    // Only the editor of elvish has a table of completers; the function itself is the same.
    let script = script.replace("set edit:completion:arg-completer[personaform] =", "var complete =");
    project.write(&format!("completion.{shell}"), &script);
    let arguments: &[&str] = match shell {
        "zsh" => &["-f", "-c"],
        "fish" => &["--no-config", "-c"],
        _ => &["-norc", "-c"],
    };
    let program = program.replace("SCRIPT", &script);
    let output = Command::new(shell)
        .args(arguments)
        .arg(program)
        .current_dir(project.folder.path())
        .env_clear()
        .env("PATH", path())
        .env("HOME", project.folder.path())
        .output();
    let Ok(output) = output else {
        eprintln!("there is no `{shell}` here: not tried");
        return None;
    };
    assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    let offered = String::from_utf8(output.stdout).expect("UTF-8");
    // What stands behind a tab or a colon tells about the word.
    Some(offered.lines().map(|line| line.split(['\t', ':']).next().unwrap_or_default().to_owned()).collect())
}

#[test]
fn zsh_fish_and_elvish_complete_the_same() {
    let project = Project::example();
    for (words, wanted) in [
        (&["personaform", "plan", "--target", "tavus.support-g"][..], &["tavus.support-guide"][..]),
        (&["personaform", "import", "bland"], &["bland", "bland-eu"]),
        (&["personaform", "--format", "gitlab-"], &["gitlab-plan", "gitlab-codequality"]),
    ] {
        let line = words.join(" ");
        for (shell, program) in [
            // The functions of zsh's own that a key would call; `words` and `CURRENT` are what it hands over.
            (
                "zsh",
                format!(
                    "compdef() {{ }}; _describe() {{ print -rl -- ${{(P)3}} }}; source ./completion.zsh; words=({line}); CURRENT={}; _clap_dynamic_completer_personaform",
                    words.len()
                ),
            ),
            ("fish", format!("source ./completion.fish; complete -C '{line}'")),
            ("elvish", format!("SCRIPT\n$complete {line}")),
        ] {
            if let Some(offered) = offered_by(shell, &project, &program) {
                assert_eq!(offered, wanted, "{shell}: {line}");
            }
        }
    }
}

#[test]
fn kinds_formats_backups_and_providers_are_completed() {
    let project = Project::example();
    let formats = offered(&project, &["personaform", "plan", "--format", ""]);
    assert!(formats.contains(&"markdown".to_owned()) && formats.contains(&"sarif".to_owned()), "{formats:?}");
    assert_eq!(offered(&project, &["personaform", "list", "bland-eu", ""]), ["knowledge_base", "tool", "voice"]);
    assert_eq!(offered(&project, &["personaform", "list", "anam", "av"]), ["avatar"]);
    assert_eq!(offered(&project, &["personaform", "list", "an"]), ["anam"]);
    assert_eq!(offered(&project, &["personaform", "init", "--provider", "o"]), ["opengiant"]);
    assert_eq!(offered(&project, &["personaform", "pull", "anam.support-g"]), ["anam.support-guide"]);
    assert_eq!(offered(&project, &["personaform", "man", "imp"]), ["import"]);
    project.run(&["--sandbox", "apply", "-y", "--target", "anam.support-guide"]).ends(0);
    project.run(&["--sandbox", "state", "backup"]).ends(0);
    assert_eq!(offered(&project, &["personaform", "--sandbox", "state", "mv", "anam.s"]), ["anam.support-guide"]);
    let copies =
        offered(&project, &["personaform", "--sandbox", "state", "restore", ".personaform/sandbox/state.json.backups/"]);
    assert!(copies.iter().any(|path| path.ends_with(".kept.json")), "{copies:?}");
    assert_eq!(offered(&project, &["personaform", "--sandbox", "state", "restore", "lat"]), ["latest"]);
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
    assert!(project.run(&["man", "state", "mv"]).ends(0).stdout.contains(".TH personaform-state-mv 1"));
    let unknown = project.run(&["man", "state", "mvv"]).ends(1).stderr;
    assert!(unknown.contains("`personaform state` has no command `mvv`"), "{unknown}");
    project.run(&["man", "--out", "pages"]).ends(0);
    let help = project.run(&["--help"]).ends(0).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A name stands two columns in; what is said of it further.
    let names = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    assert!(names.len() > 15, "{help}");
    for name in names {
        let page = project.read(&format!("pages/personaform-{name}.1"));
        assert!(page.contains(&format!(".TH personaform-{name} 1")) && page.contains(".SH SYNOPSIS"), "{page}");
    }
}
