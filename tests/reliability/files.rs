//! Files that are expensive, huge, or no files at all: refused soon, in little memory, and never waited for.

use std::time::{Duration, Instant};

use crate::input::{PROJECT, loaded};
use crate::support::Project;

/// Fails unless it ends in time.
fn in_time<T>(seconds: u64, what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = work();
    assert!(begun.elapsed() < Duration::from_secs(seconds), "{what} took {:?}", begun.elapsed());
    result
}

#[test]
fn of_a_file_with_many_problems_the_first_are_told_and_warnings_stay_warnings() {
    let doubtful: String = (0..300).map(|number| format!("    k{number}: yes\n")).collect();
    let persona = format!("name: Ada\ntargets:\n  opengiant:\n   attributes:\n{doubtful}");
    let (sound, codes, shown) = loaded(PROJECT.as_bytes(), persona.as_bytes());
    assert!(
        sound && codes.len() == 101 && shown.contains("this file has 200 more problems"),
        "{sound} {}\n{shown}",
        codes.len()
    );
    let (sound, codes, _) = loaded(PROJECT.as_bytes(), format!("{persona}x: 1\n").as_bytes());
    assert!(!sound && codes.iter().any(|code| code == "unknown-field"), "errors are told before warnings");
}

#[test]
fn files_made_to_be_expensive_are_refused_soon() {
    let anchors: String =
        (1..40).map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}, *a{0}]\n", level - 1)).collect();
    let merges: String =
        (1..30).map(|level| format!("m{level}: &m{level} {{ <<: [*m{0}, *m{0}], k{level}: 1 }}\n", level - 1)).collect();
    let many = "x".repeat(200);
    for (name, text, code) in [
        ("alias bomb", format!("a0: &a0 [x]\n{anchors}"), Some("alias-budget")),
        ("merge bomb", format!("m0: &m0 {{ a: 1 }}\n{merges}"), None),
        ("deep flow", "[".repeat(100_000), Some("too-deep")),
        ("deep block", (0..3000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(), Some("too-deep")),
        ("deep list", "- ".repeat(100_000), Some("too-deep")),
        ("many unknown keys", (0..5000).map(|number| format!("k{number}: {number}\n")).collect(), Some("unknown-field")),
        ("the same key", "name: a\n".repeat(20_000), Some("more-problems")),
        ("one long line", format!("name: {}\ntargets: {{ tavus: {{}} }}\n", many.repeat(20_000)), None),
        ("many documents", "---\n".repeat(100_000), Some("several-documents")),
        ("many values", format!("name: [{}]\n", "a,".repeat(500_000)), Some("too-many-values")),
        ("one quote", format!("name: \"{}", "a\n".repeat(200_000)), None),
        ("NUL", "name: a\u{0}b\n".to_owned(), Some("control-character")),
    ] {
        let (_, codes, _) = in_time(20, name, || loaded(PROJECT.as_bytes(), text.as_bytes()));
        assert!(code.is_none_or(|code| codes.iter().any(|found| found == code)), "{name}: {:?}", codes.first());
        assert!(!codes.is_empty() || name == "one long line", "{name}");
    }
    let (_, codes, _) = loaded(PROJECT.as_bytes(), b"name: a\xff\xfe\n");
    assert_eq!(codes, ["invalid-utf8"]);
}

#[cfg(target_os = "linux")]
mod on_linux {
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use super::*;

    /// Runs the binary with so many MiB of memory and 30 seconds of the processor; one that only waits is stopped after two minutes.
    fn limited(project: &Project, mebibytes: usize, arguments: &str) -> (Option<i32>, String) {
        let script = format!(
            "ulimit -v {}; ulimit -t 30; exec timeout -s KILL 120 {} {arguments}",
            mebibytes * 1024,
            env!("CARGO_BIN_EXE_personaform")
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(project.folder.path())
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    /// What is done to a good project.
    type Breaking<'a> = &'a dyn Fn(&Project);

    fn project() -> Project {
        Project::new(&[
            ("personaform.yaml", "accounts: { tavus: {} }\n"),
            ("personas/ada.yaml", "name: Ada\ntargets: { tavus: {} }\n"),
        ])
    }

    #[test]
    fn a_file_of_100_mb_is_refused_without_being_read() {
        for path in ["personas/big.yaml", "personaform.yaml", "personas/p.md"] {
            let project = project();
            project.write("personas/ada.yaml", "name: Ada\nprompt: { $file: p.md }\ntargets: { tavus: {} }\n");
            project.write("personas/p.md", "x");
            std::fs::File::create(project.path(path)).and_then(|file| file.set_len(100 << 20)).expect("made");
            let (code, text) = limited(&project, 300, "validate");
            assert_eq!(code, Some(5), "{text}");
            assert!(text.contains("too-large") && text.contains(path.rsplit('/').next().expect("a name")), "{text}");
            std::fs::remove_file(project.path(path)).expect("removed");
        }
    }

    #[test]
    fn memory_stays_a_small_multiple_of_the_input() {
        let bomb: String =
            (1..12).map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}, *a{0}]\n", level - 1)).collect();
        for (name, text) in [
            ("4 MB of small values", format!("name: [{}]\n", "a,".repeat(2_000_000))),
            ("8 MB of small entries", (0..800_000).map(|number| format!("k{number}: 1\n")).collect::<String>()),
            ("8 MB of text", format!("name: \"{}\"\n", "a b ".repeat(2_000_000))),
            ("a bomb below its budget", format!("a0: &a0 x\n{bomb}")),
        ] {
            let project = project();
            project.write("personas/ada.yaml", &text);
            let (code, printed) = limited(&project, 600, "validate");
            let cut: String = printed.chars().take(600).collect();
            assert_eq!(code, Some(5), "{name}: {cut}");
        }
    }

    #[test]
    fn pipes_devices_folders_and_links_out_of_the_project_are_refused() {
        let outside = tempfile::tempdir().expect("a folder");
        std::fs::write(outside.path().join("secret.yaml"), "name: stolen\n").expect("written");
        let persona = "name: Ada\nprompt: { $file: p.md }\ntargets: { tavus: {} }\n";
        let fifo = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
        let cases: [(&str, Breaking<'_>, &str); 10] = [
            ("a pipe as a persona", &|it| fifo(&it.path("personas/pipe.yaml")), "not-a-file"),
            (
                "a pipe as a prompt",
                &|it| {
                    it.write("personas/ada.yaml", persona);
                    fifo(&it.path("personas/p.md"))
                },
                "no regular file",
            ),
            (
                "a pipe as the project",
                &|it| {
                    std::fs::remove_file(it.path("personaform.yaml")).expect("removed");
                    fifo(&it.path("personaform.yaml"))
                },
                "not-a-file",
            ),
            ("a device", &|it| symlink("/dev/zero", it.path("personas/zero.yaml")).expect("linked"), "outside-project"),
            ("a folder", &|it| std::fs::create_dir(it.path("personas/dir.yaml")).expect("made"), "not-a-file"),
            (
                "a folder as the project",
                &|it| {
                    std::fs::remove_file(it.path("personaform.yaml")).expect("removed");
                    std::fs::create_dir(it.path("personaform.yaml")).expect("made")
                },
                "not-a-file",
            ),
            (
                "a link outside",
                &|it| symlink(outside.path().join("secret.yaml"), it.path("personas/link.yaml")).expect("linked"),
                "outside-project",
            ),
            ("a folder outside", &|it| symlink(outside.path(), it.path("personas/out")).expect("linked"), "outside"),
            (
                "a prompt outside",
                &|it| {
                    it.write("personas/ada.yaml", persona);
                    symlink(outside.path().join("secret.yaml"), it.path("personas/p.md")).expect("linked")
                },
                "outside",
            ),
            ("a circle of links", &|it| symlink("../personas", it.path("personas/again")).expect("linked"), "link-loop"),
        ];
        for (name, break_it, wanted) in cases {
            let project = project();
            break_it(&project);
            let (code, text) = limited(&project, 400, "validate");
            assert_eq!(code, Some(5), "{name}: {text}");
            assert!(text.contains(wanted) && !text.contains("stolen"), "{name}: {text}");
            // What the check at the end of every test would read must be a file.
            for path in [
                "personas/pipe.yaml",
                "personas/p.md",
                "personaform.yaml",
                "personas/zero.yaml",
                "personas/again",
                "personas/out",
            ] {
                let _ = std::fs::remove_file(project.path(path));
            }
        }
    }

    /// The same project with a state, in a sandbox.
    fn applied() -> Project {
        let project = project();
        project.edit("personas/ada.yaml", "name: Ada\n", "name: Ada\nprompt: Hi.\n");
        project.run(&["--sandbox", "apply", "-y"]).ends(0);
        project.edit("personas/ada.yaml", "Hi.", "Hello.");
        project
    }

    const STATE: &str = ".personaform/sandbox/state.json";

    type Make = fn(&Path);

    #[test]
    fn what_is_kept_between_runs_is_a_file_or_refused_at_once() {
        let fifo = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
        let folder = |path: &Path| std::fs::create_dir(path).expect("made");
        let device = |path: &Path| symlink("/dev/zero", path).expect("linked");
        let kinds: [(&str, Make); 3] = [("pipe", fifo), ("folder", folder), ("device", device)];
        for (below, only_writers) in [("", false), (".journal", false), (".lock", true)] {
            for (kind, make) in kinds {
                let project = applied();
                let path = project.path(&format!("{STATE}{below}"));
                if path.exists() {
                    std::fs::remove_file(&path).expect("removed");
                }
                make(&path);
                for (arguments, writes) in [("plan", false), ("apply -y", true), ("state list", false)] {
                    // One that waits is stopped, and ends with another code.
                    let (code, text) = limited(&project, 1500, &format!("--sandbox {arguments}"));
                    if only_writers && !writes {
                        assert_eq!(code, Some(0), "{kind} {below}: {arguments}: {text}");
                        continue;
                    }
                    assert_eq!(code, Some(if only_writers { 4 } else { 1 }), "{kind} {below}: {arguments}: {text}");
                    let name = format!("state.json{below}`");
                    assert!(text.contains(&name) && text.contains(kind) && text.contains("must be a regular file"), "{text}");
                }
                // What the check at the end of every test would read must be a file.
                let _ = std::fs::remove_file(&path);
            }
        }
    }

    #[test]
    fn a_pipe_among_the_backups_is_passed_over() {
        let project = applied();
        project.run(&["--sandbox", "apply", "-y"]).ends(0);
        let pipe = project.path(&format!("{STATE}.backups/99999999.json"));
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        project.write(STATE, "{");
        let (code, text) = limited(&project, 1500, "--sandbox plan");
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("state.json.backups/0000"), "the newest that can be read: {text}");
        std::fs::remove_file(pipe).expect("removed");
    }

    #[test]
    fn a_plan_may_come_through_a_pipe_and_a_device_without_end_is_no_plan() {
        let project = applied();
        project.run(&["--sandbox", "plan", "-o", "plan.json"]).ends(0);
        let binary = env!("CARGO_BIN_EXE_personaform");
        let output = Command::new("sh")
            .args(["-c", &format!("cat plan.json | {binary} show /dev/stdin")])
            .current_dir(project.folder.path())
            .output()
            .expect("a shell");
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("tavus.ada"), "{output:?}");
        let large = std::fs::File::create(project.path("large.json")).expect("a file");
        large.set_len((256 << 20) + 1).expect("a file with a hole");
        for (place, why) in [
            ("large.json", "larger than 256 MiB"),
            ("/dev/zero", "no saved plan: it does not begin as a JSON object"),
            ("personas", "cannot be read"),
            ("/dev/null", "no saved plan"),
        ] {
            let (code, text) = limited(&project, 900, &format!("show {place}"));
            assert_eq!(code, Some(1), "{place}: {text}");
            assert!(text.contains(place) && text.contains(why), "{text}");
        }
    }

    #[test]
    fn large_state_journal_and_plan_take_a_small_multiple_of_their_size() {
        let project = applied();
        let numbers = "0,".repeat(2_000_000);
        let state = project.read(STATE);
        let digest = "\"applied\": {";
        assert!(state.contains(digest), "{state}");
        let big = state.replacen(digest, &format!("{digest} \"big\": [{}0],", numbers), 1);
        project.write(STATE, &big);
        let (code, text) = limited(&project, 900, "--sandbox state list");
        assert_eq!(code, Some(0), "4 MB of state: {text}");
        project.write(STATE, &big[..big.len() - 2]);
        let (code, text) = limited(&project, 900, "--sandbox state list");
        assert_eq!(code, Some(1), "4 MB of damaged state: {text}");
        project.write(STATE, &state);
        for line in [format!("{{\"sum\":\"0000000000000000\",\"body\":[{numbers}0]}}\n"), "{}\n".repeat(2_000_000)] {
            project.write(&format!("{STATE}.journal"), &line);
            let (code, text) = limited(&project, 900, "--sandbox state list");
            assert_eq!(code, Some(1), "4 MB of journal: {text}");
            assert!(text.contains("state.json.journal` is damaged at line 1"), "{text}");
        }
        let plan = project.run(&["--sandbox", "show", "/dev/null"]);
        assert_eq!(plan.code, 1);
        std::fs::remove_file(project.path(&format!("{STATE}.journal"))).expect("removed");
        project.run(&["--sandbox", "plan", "-o", "plan.json"]).ends(0);
        let plan = project.read("plan.json");
        project.write("plan.json", &plan.replacen("\"notes\": []", &format!("\"big\": [{numbers}0], \"notes\": []"), 1));
        let (code, text) = limited(&project, 900, "show plan.json");
        assert!(code == Some(0) || code == Some(1) && text.contains("no saved plan"), "{code:?} {text}");
        project.write("plan.json", &format!("{}{}", "[".repeat(2_000_000), "]".repeat(2_000_000)));
        let (code, text) = limited(&project, 900, "show plan.json");
        assert_eq!(code, Some(1), "{text}");
    }
}
