//! Ctrl-C and SIGTERM, for real: once ends in good order, twice at once.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crate::service::{Nobody, Services, Watch, persona, recorded};
use crate::support::Project;
use personaform::sandbox::Incoming;
use serde_json::Value;

/// Holds up one request until it is let go.
#[derive(Default)]
struct Gatekeeper {
    /// Which kind of request is held up.
    method: &'static str,
    state: Mutex<(bool, bool)>,
    changed: Condvar,
    /// Requests that came after the one that is held up.
    later: AtomicUsize,
    /// Requests that came, and requests that were done.
    begun: AtomicUsize,
    finished: AtomicUsize,
}

impl Gatekeeper {
    fn of(method: &'static str) -> Arc<Self> {
        Arc::new(Self { method, ..Self::default() })
    }

    fn wait_for_arrival(&self) {
        let state = self.state.lock().expect("whole");
        drop(self.changed.wait_while(state, |(arrived, _)| !*arrived).expect("whole"));
    }

    fn let_go(&self) {
        self.state.lock().expect("whole").1 = true;
        self.changed.notify_all();
    }

    /// Waits until everything that has come is done.
    fn wait_for_quiet(&self) {
        while self.begun.load(Ordering::SeqCst) != self.finished.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
    }
}

impl Watch for Gatekeeper {
    fn before(&self, _: &str, request: &Incoming) -> bool {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let mut state = self.state.lock().expect("whole");
        if state.0 {
            self.later.fetch_add(1, Ordering::SeqCst);
        } else if request.method == self.method {
            state.0 = true;
            self.changed.notify_all();
            drop(self.changed.wait_while(state, |(_, free)| !*free).expect("whole"));
        }
        true
    }
    fn after(&self, _: &str, _: &Incoming) {
        self.finished.fetch_add(1, Ordering::SeqCst);
    }
    fn end(&self) {
        self.let_go();
    }
}

pub(crate) fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

/// Waits until a run says that it has heard a signal.
fn has_heard(child: &mut Child) -> BufReader<ChildStderr> {
    let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("Interrupted") {
        line.clear();
        assert!(errors.read_line(&mut line).expect("a line") > 0, "it ended without a word");
    }
    errors
}

fn scene() -> (Services, Project) {
    let services = Services::start();
    let mut project = Project::new(&[]);
    for (key, name) in [("ada", "Ada"), ("bob", "Bob"), ("cyd", "Cyd")] {
        project.write(&format!("personas/{key}.yaml"), &persona(name, "Be kind."));
    }
    services.connect(&mut project);
    (services, project)
}

pub(crate) fn started(project: &Project, arguments: &[&str]) -> Child {
    let mut command = project.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
}

#[test]
fn one_signal_ends_a_run_in_good_order() {
    for signal in ["-INT", "-TERM"] {
        let (services, project) = scene();
        let keeper = Gatekeeper::of("POST");
        services.watched_by(Arc::clone(&keeper) as Arc<dyn Watch>);
        let mut child = started(&project, &["apply", "-y", "--parallelism", "1", "--target", "tavus.*", "--format", "json"]);
        keeper.wait_for_arrival();
        send(&child, signal);
        let _errors = has_heard(&mut child);
        keeper.let_go();
        let output = child.wait_with_output().expect("ended");
        assert_eq!(output.status.code(), Some(130), "{signal}: {output:?}");
        let outcome: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(outcome["interrupted"], true);
        assert_eq!(keeper.later.load(Ordering::SeqCst), 0, "{signal}: no new request");
        let endings: Vec<&str> = outcome["entries"]
            .as_array()
            .expect("entries")
            .iter()
            .map(|entry| entry["ending"].as_str().expect("one"))
            .collect();
        assert_eq!(endings, ["unknown", "not_started", "not_started"], "{outcome:#}");
        let state = recorded(&project);
        assert_eq!(state["objects"].as_object().map(serde_json::Map::len), Some(1), "what was under way is recorded");
        assert_eq!(project.read(".personaform/state.json.lock"), "", "the lock is let go");
        assert!(!project.path(".personaform/state.json.journal").exists());
        services.watched_by(Arc::new(Nobody));
        project.run(&["apply", "-y"]).ends(0);
        assert_eq!(services.ids("tavus").len(), 3);
        project.run(&["plan", "--detailed-exitcode"]).ends(0);
    }
}

#[test]
fn two_signals_end_it_at_once_and_the_journal_tells_the_rest() {
    let (services, project) = scene();
    let keeper = Gatekeeper::of("POST");
    services.watched_by(Arc::clone(&keeper) as Arc<dyn Watch>);
    let mut child = started(&project, &["apply", "-y", "--parallelism", "1"]);
    keeper.wait_for_arrival();
    send(&child, "-INT");
    let _errors = has_heard(&mut child);
    // What else was under way is finished first, so that nothing but the request that is held up can be done later.
    let pending = || recorded(&project)["pending"].as_object().map_or(0, serde_json::Map::len);
    while pending() != 1 {
        std::thread::yield_now();
    }
    send(&child, "-INT");
    // It ends although the request that it waits for is never answered.
    let output = child.wait_with_output().expect("ended");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(project.path(".personaform/state.json.journal").exists());
    assert_eq!(pending(), 1, "a create is waiting for its answer");
    keeper.let_go();
    // What was sent before the end is done only now; "absent" would be said too early.
    keeper.wait_for_quiet();
    services.watched_by(Arc::new(Nobody));
    for _ in 0..3 {
        let run = project.run(&["apply", "-y", "--format", "json"]);
        if run.code == 0 {
            break;
        }
        for entry in run.json()["blocked"].as_array().expect("blocked") {
            let address = entry["address"].as_str().expect("an address");
            let taken = recorded(&project);
            // Another service may have given the same id to an object of its own.
            let objects = taken["objects"].as_object().expect("objects");
            let owned = |id: &String| objects.iter().any(|(at, it)| at.starts_with("opengiant.") && it["id"] == **id);
            let name = format!("{}{}", address[10..11].to_uppercase(), &address[11..]);
            let mut left = services.ids("opengiant").into_iter().filter(|id| !owned(id));
            match left.find(|id| services.opengiant(id)["name"] == *name) {
                Some(id) => project.run(&["state", "resolve", address, "--id", &id]).ends(0),
                None => project.run(&["state", "resolve", address, "--absent"]).ends(0),
            };
        }
    }
    for account in crate::service::ACCOUNTS {
        assert_eq!(services.ids(account).len(), 3, "{account}");
    }
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn a_plan_is_left_where_it_stands() {
    let (services, project) = scene();
    for arguments in [&["plan"][..], &["apply", "-y"]] {
        let keeper = Gatekeeper::of("GET");
        services.watched_by(Arc::clone(&keeper) as Arc<dyn Watch>);
        let child = started(&project, arguments);
        keeper.wait_for_arrival();
        send(&child, "-INT");
        let output = child.wait_with_output().expect("ended");
        keeper.let_go();
        assert_eq!(output.status.code(), Some(130), "{arguments:?}: {output:?}");
    }
    assert_eq!(project.read(".personaform/state.json.lock"), "", "the lock is let go");
    assert!(!project.path(".personaform/state.json").exists());
}

/// `script` gives the binary a terminal; without one it never asks.
#[test]
#[expect(clippy::print_stderr, reason = "a test that was not tried must say so")]
fn a_question_is_left_unanswered() {
    let (services, project) = scene();
    let typescript = project.path("typescript");
    let binary = env!("CARGO_BIN_EXE_personaform");
    let mut command = Command::new("script");
    command.args(["-q", "-f", "-e", "-c", &format!("exec {binary} apply --target tavus.ada")]).arg(&typescript);
    command.current_dir(project.folder.path()).env("TAVUS_API_KEY", "key-for-tests");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        eprintln!("there is no `script` here to make a terminal with: not tried");
        return;
    };
    while !std::fs::read_to_string(&typescript).unwrap_or_default().contains("Type `yes`") {
        assert!(child.try_wait().expect("waited").is_none(), "{}", std::fs::read_to_string(&typescript).unwrap_or_default());
        std::thread::yield_now();
    }
    // The terminal turns this character into the signal.
    use std::io::Write;
    child.stdin.as_mut().expect("a pipe").write_all(b"\x03").expect("typed");
    let status = child.wait().expect("ended");
    assert_eq!(status.code(), Some(130), "{}", std::fs::read_to_string(&typescript).unwrap_or_default());
    assert!(services.ids("tavus").is_empty(), "nothing was applied");
    assert_eq!(project.read(".personaform/state.json.lock"), "", "the lock is let go");
}
