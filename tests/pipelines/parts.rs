//! Single parts of the scripts: cutting a text, the branch that keeps the state, a job that is cancelled, finding the binary.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::stage::{SECRETS, Stage, root};

/// Gives a text to a function of `ci/lib.sh`.
fn through(call: &str, text: &str) -> String {
    let stage = Stage::github();
    let script = format!("source '{}/ci/lib.sh'; {call}", root().display());
    let mut command = Command::new("bash");
    command.args(["-c", &script]).env_clear().envs(stage.environment());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bash runs");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_cut_text_closes_what_is_open() {
    let long = "x".repeat(90);
    let rows = |number: usize| format!("{long}\n").repeat(number);
    // In a fence, a shorter fence and markup are content.
    let text = format!("<details>\n<summary>Ada</summary>\n\n````diff\n```\n<details>\n{}", rows(20));
    let cut = through("fit 1000 Cut.", &text);
    assert!(cut.chars().count() <= 1000);
    assert!(cut.starts_with("<details>\n<summary>Ada</summary>\n\n````diff\n```\n<details>\nxxx"), "{cut}");
    assert!(cut.ends_with("x\n````\n\n</details>\n\nCut.\n"), "{cut}");
    // What was closed is not closed again.
    let text = format!("<details>\n\n```diff\n+ a\n```\n\n</details>\n{}", rows(20));
    assert!(through("fit 1000 Cut.", &text).ends_with("x\n\nCut.\n"));
    // Characters count, not bytes; and what fits is not touched.
    let japanese = "丁寧に話す。".repeat(150);
    assert_eq!(through("fit 1000 Cut.", &japanese), japanese);
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A merged stage whose project is a clone, with a branch for its state.
fn with_state_branch() -> Stage {
    let mut stage = Stage::github();
    std::fs::create_dir(stage.at("origin")).expect("made");
    git(&stage.at("origin"), &["init", "--bare", "--quiet"]);
    let folder = stage.project.folder.path();
    git(folder, &["init", "--quiet"]);
    git(folder, &["remote", "add", "origin", &stage.at("origin").display().to_string()]);
    stage.set("PERSONAFORM_STATE_BRANCH", "personaform-state");
    stage.run("plan.sh").ends(0);
    stage.merged();
    stage
}

const STATE: &str = ".personaform/sandbox/state.json";

#[test]
fn the_state_comes_from_its_branch_and_goes_back_there() {
    let stage = with_state_branch();
    stage.run("apply.sh").ends(0);
    let origin = stage.at("origin");
    let kept = git(&origin, &["show", "personaform-state:personas/state.json"]);
    assert_eq!(kept, stage.project.read(STATE));
    assert_eq!(git(&origin, &["branch", "--list"]).trim(), "personaform-state", "no other branch is written");

    // The next job begins with a checkout that has no state.
    std::fs::remove_file(stage.project.path(STATE)).expect("removed");
    stage.run("drift.sh").ends(0);
    assert_eq!(stage.project.read(STATE), kept);
    std::fs::remove_file(stage.project.path(STATE)).expect("removed");
    let mut stage = stage;
    stage.on_pull_request("octo/cast", "ada");
    stage.project.edit("personas/ada.yaml", "Be kind.", "Be kind and brief.");
    stage.run("plan.sh").ends(0);
    assert!(stage.json("comments.json")[0]["body"].as_str().expect("a body").contains("2 to update"));
    stage.merged();
    stage.run("apply.sh").ends(0);
    assert_eq!(git(&origin, &["rev-list", "--count", "personaform-state"]).trim(), "2", "history is kept");
    assert!(git(folder(&stage), &["status", "--short"]).contains("personas/"), "the index of the checkout is not touched");
}

fn folder(stage: &Stage) -> &Path {
    stage.project.folder.path()
}

#[test]
fn a_journal_travels_with_its_state() {
    let mut stage = with_state_branch();
    let journal = format!("{STATE}.journal");
    let script = |lines: &str| format!("#!/usr/bin/env bash\nmkdir -p .personaform/sandbox\n{lines}\n");
    stage.executable("bin/stopped", &script(&format!("echo one >{STATE}; echo since >{journal}; exit 130")));
    stage.executable("bin/goes-on", &script(&format!("cat {STATE} {journal} >seen; echo two >{STATE}; rm {journal}")));
    let origin = stage.at("origin");
    let run = |stage: &mut Stage, binary: &str, code: i32| {
        for path in [STATE, journal.as_str()] {
            let _ = std::fs::remove_file(stage.project.path(path));
        }
        stage.set("PERSONAFORM_BINARY", &stage.at(binary).display().to_string());
        stage.run("apply.sh").ends(code);
    };
    run(&mut stage, "bin/stopped", 130);
    assert_eq!(git(&origin, &["show", "personaform-state:personas/state.json.journal"]), "since\n");
    run(&mut stage, "bin/goes-on", 0);
    assert_eq!(stage.project.read("seen"), "one\nsince\n");
    assert_eq!(git(&origin, &["ls-tree", "-r", "--name-only", "personaform-state"]).trim(), "personas/state.json");
    assert_eq!(git(&origin, &["show", "personaform-state:personas/state.json"]), "two\n");
}

#[test]
fn a_state_branch_that_cannot_be_read_is_not_an_empty_one() {
    let stage = with_state_branch();
    std::fs::rename(stage.at("origin"), stage.at("elsewhere")).expect("moved");
    let run = stage.run("apply.sh").ends(1);
    assert!(run.stderr.contains("cannot be looked at"), "{}", run.stderr);
    assert_eq!(stage.recorded(), Vec::<String>::new());
}

#[test]
fn a_state_that_cannot_be_pushed_is_kept_and_the_job_fails() {
    let stage = with_state_branch();
    stage.executable("origin/hooks/pre-receive", "#!/bin/sh\necho protected >&2\nexit 1\n");
    let run = stage.run("apply.sh").ends(1);
    assert!(run.stderr.contains("kept as an artifact"), "{}", run.stderr);
    assert_eq!(stage.read("out/unsaved/state.json"), stage.project.read(STATE));
    assert!(stage.read("output").contains("unsaved="));
    assert_eq!(stage.recorded().len(), 3, "it was applied");
}

#[test]
fn a_cancelled_job_lets_the_run_end_and_saves_the_state() {
    let mut stage = with_state_branch();
    // A run that records an id only once it is interrupted, as a run does with the requests under way.
    let text = format!(
        "#!/usr/bin/env bash\ntrap 'mkdir -p .personaform/sandbox; echo late >{STATE}; exit 130' INT\necho begun >'{}'\nfor _ in {{1..200}}; do sleep 0.05; done\n",
        stage.at("begun").display()
    );
    // An interrupt is ignored in what bash starts in the background, unless it is asked for again, as personaform does.
    let python = format!(
        "#!/usr/bin/env python3\nimport signal, os\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nos.execv('{0}', ['{0}'])\n",
        stage.at("bin/slow").display()
    );
    stage.executable("bin/slow", &text);
    stage.executable("bin/ready", &python);
    stage.set("PERSONAFORM_BINARY", &stage.at("bin/ready").display().to_string());
    let fifo = stage.at("begun");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    let child = stage.command("apply.sh").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash runs");
    let mut line = String::new();
    BufReader::new(std::fs::File::open(&fifo).expect("opened")).read_line(&mut line).expect("begun");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs").success());
    let output = child.wait_with_output().expect("ended");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(git(&stage.at("origin"), &["show", "personaform-state:personas/state.json"]), "late\n");
}

#[test]
fn the_binary_is_built_without_the_secrets_of_the_job() {
    let mut stage = Stage::github();
    // A copy of the script's folder, so that no real build is found or begun.
    let copy = stage.at("checkout/ci/install.sh");
    stage.write("checkout/ci/install.sh", &std::fs::read_to_string(root().join("ci/install.sh")).expect("readable"));
    stage.write("checkout/Cargo.toml", "");
    let cargo = "#!/usr/bin/env bash\nenv >'ENV'\nmkdir -p 'OUT'\ncp 'BIN' 'OUT/personaform'\n"
        .replace("ENV", &stage.at("env").display().to_string())
        .replace("OUT", &stage.at("checkout/target/release").display().to_string())
        .replace("BIN", env!("CARGO_BIN_EXE_personaform"));
    stage.executable("bin/cargo", &cargo);
    stage.unset("PERSONAFORM_BINARY");
    let run = |stage: &Stage| {
        let output = Command::new("bash").arg(&copy).env_clear().envs(stage.environment()).output().expect("bash runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, path) = run(&stage);
    assert_eq!((code, path.trim()), (Some(0), stage.at("checkout/target/release/personaform").to_str().expect("UTF-8")));
    let seen = stage.read("env");
    for (name, value) in SECRETS {
        assert!(!seen.contains(name) && !seen.contains(value), "{name}");
    }
    // A second run finds it.
    std::fs::remove_file(stage.at("env")).expect("removed");
    assert_eq!(run(&stage).0, Some(0));
    assert!(!stage.at("env").exists(), "nothing was built");
    stage.set("PERSONAFORM_BINARY", "no-such-binary");
    assert_eq!(run(&stage).0, Some(1));
}

#[test]
fn the_cache_key_follows_the_sources() {
    let stage = Stage::github();
    let key = || {
        let output = Command::new("bash").arg(stage.at("checkout/ci/install.sh")).arg("--key").output().expect("bash runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    stage.write("checkout/ci/install.sh", &std::fs::read_to_string(root().join("ci/install.sh")).expect("readable"));
    for name in ["Cargo.toml", "Cargo.lock", "src/main.rs", "schemas/plan.schema.json"] {
        stage.write(&format!("checkout/{name}"), name);
    }
    let before = key();
    assert_eq!((before.trim().len(), &key()), (64, &before));
    stage.write("checkout/src/main.rs", "changed");
    assert_ne!(key(), before);
}
