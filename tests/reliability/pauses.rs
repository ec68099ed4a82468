//! Ctrl-C while a run only waits: for another try, or for its turn. Nothing is sent any more, and nobody waits to the end.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use personaform::providers::tavus::sandbox::Sandbox;
use personaform::sandbox::{Fault, LogEntry, Miniature, Running, serve};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::interrupts::{send, started};
use crate::support::Project;

/// What a service asks for: longer than any of these tests takes, and as long as a client waits.
const PAUSE: u64 = 25;

/// Tavus, and a project with personas there.
pub(crate) struct Scene {
    pub(crate) running: Running,
    pub(crate) tavus: Arc<Mutex<Sandbox>>,
    _runtime: Runtime,
    pub(crate) project: Project,
}

pub(crate) fn scene(personas: &[&str], limits: &str) -> Scene {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let tavus = Arc::new(Mutex::new(Sandbox::new("key-for-tests")));
    let miniature: Box<dyn Miniature> = Box::new(Arc::clone(&tavus));
    let running = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        serve(listener, [("tavus".to_owned(), miniature)].into(), None).await.expect("it serves")
    });
    let mut project = Project::new(&[]);
    let base_url = running.base_url("tavus");
    project.write("personaform.yaml", &format!("accounts: {{ tavus: {{ base_url: \"{base_url}\"{limits} }} }}\n"));
    for key in personas {
        project.write(
            &format!("personas/{key}.yaml"),
            &format!("name: {key}\nprompt: Be kind.\ntargets: {{ tavus: {{ greeting: Hi }} }}\n"),
        );
    }
    project.set("TAVUS_API_KEY", "key-for-tests");
    Scene { running, tavus, _runtime: runtime, project }
}

impl Scene {
    /// Orders answers for the next requests; none: as usual.
    fn orders(&self, statuses: &[Option<u16>]) {
        let refuse = |status: &u16| Fault::Refuse { status: *status, retry_after: Some(PAUSE) };
        self.running.schedule("tavus", statuses.iter().map(|status| status.as_ref().map(refuse)));
    }

    /// Runs until somebody waits to try again, sends the signal, and gives what came of it and what the service then saw.
    fn interrupted(&self, arguments: &[&str]) -> (Output, Vec<LogEntry>) {
        let mut child = started(&self.project, arguments);
        let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        while !line.contains("trying again in") {
            line.clear();
            assert!(errors.read_line(&mut line).expect("a line") > 0, "it ended without a pause");
        }
        let before = self.running.log().len();
        let begun = Instant::now();
        send(&child, "-INT");
        // Whoever writes to a pipe that nobody reads would wait.
        let mut rest = String::new();
        errors.read_to_string(&mut rest).expect("text");
        let output = child.wait_with_output().expect("ended");
        assert!(begun.elapsed() < Duration::from_secs(PAUSE / 2), "it waited: {:?}: {rest}", begun.elapsed());
        assert_eq!(output.status.code(), Some(130), "{arguments:?}: {rest}{output:?}");
        let later = self.running.log()[before..].to_vec();
        if self.project.path(".personaform").exists() {
            assert_eq!(self.project.read(".personaform/state.json.lock"), "", "the lock is let go");
        }
        (output, later)
    }

    fn entries(output: &Output) -> Vec<Value> {
        let outcome: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(outcome["interrupted"], true);
        outcome["entries"].as_array().expect("entries").clone()
    }

    /// The faults end, and the next apply makes everything as wanted, each object once.
    pub(crate) fn converges(&self, objects: usize) {
        self.running.relent();
        self.project.run(&["apply", "-y"]).ends(0);
        self.project.run(&["plan", "--detailed-exitcode"]).ends(0);
        let state = crate::service::recorded(&self.project);
        assert_eq!(state["objects"].as_object().map(serde_json::Map::len), Some(objects));
        assert_eq!(state["pending"], json!({}));
    }
}

const APPLY: [&str; 5] = ["apply", "-y", "-v", "--format", "json"];

#[test]
fn a_create_that_waits_to_be_sent_again_is_not() {
    let scene = scene(&["ada"], "");
    scene.orders(&[None, Some(503)]);
    let (output, later) = scene.interrupted(&APPLY);
    assert_eq!(later, [], "no new request");
    let entries = Scene::entries(&output);
    assert_eq!((&entries[0]["ending"], &entries[0]["status"]), (&json!("failed"), &json!(503)), "{entries:#?}");
    assert_eq!(entries[0]["exchanges"].as_array().map(Vec::len), Some(1), "it was sent once");
    let state = crate::service::recorded(&scene.project);
    assert_eq!((&state["objects"], &state["pending"]), (&json!({}), &json!({})), "a plain refusal leaves nothing open");
    scene.converges(1);
}

#[test]
fn an_update_of_which_nobody_knows_is_called_unknown() {
    let scene = scene(&["ada"], "");
    scene.project.run(&["apply", "-y"]).ends(0);
    scene.project.edit("personas/ada.yaml", "Be kind.", "Be brief.");
    scene.orders(&[None, None, Some(502)]);
    let (output, later) = scene.interrupted(&APPLY);
    assert_eq!(later, [], "neither another try nor a look");
    let entries = Scene::entries(&output);
    assert_eq!(entries[0]["ending"], "unknown", "{entries:#?}");
    assert!(entries[0]["message"].as_str().expect("words").contains("502"), "{entries:#?}");
    scene.converges(1);
}

#[test]
fn what_waits_for_its_turn_is_not_begun() {
    let scene = scene(&["ada", "bob", "cyd"], ", limits: { concurrency: 1 }");
    scene.orders(&[None, Some(429)]);
    let (output, later) = scene.interrupted(&APPLY);
    assert_eq!(later, [], "no new request");
    let mut endings: Vec<String> = Scene::entries(&output).iter().map(|entry| entry["ending"].to_string()).collect();
    endings.sort();
    assert_eq!(endings, ["\"failed\"", "\"not_started\"", "\"not_started\""]);
    let state = crate::service::recorded(&scene.project);
    assert_eq!(state["pending"], json!({}), "what was never sent is not waited for");
    scene.converges(3);
}

#[test]
fn a_read_before_a_write_that_waits_ends_the_change_before_it_begins() {
    let scene = scene(&["ada"], "");
    scene.project.run(&["apply", "-y"]).ends(0);
    scene.project.edit("personas/ada.yaml", "Be kind.", "Be brief.");
    scene.orders(&[None, Some(503)]);
    let (output, later) = scene.interrupted(&APPLY);
    assert_eq!(later, []);
    let entries = Scene::entries(&output);
    assert_eq!((&entries[0]["ending"], &entries[0]["requests_sent"]), (&json!("failed"), &json!(0)), "{entries:#?}");
    scene.converges(1);
}

#[test]
fn a_read_back_that_waits_leaves_what_was_written_recorded() {
    let scene = scene(&["ada"], "");
    scene.orders(&[None, None, Some(503)]);
    let (output, later) = scene.interrupted(&APPLY);
    assert_eq!(later, []);
    let entries = Scene::entries(&output);
    assert_eq!((&entries[0]["ending"], &entries[0]["requests_sent"]), (&json!("unknown"), &json!(1)), "{entries:#?}");
    assert!(entries[0]["id"].is_string(), "{entries:#?}");
    let state = crate::service::recorded(&scene.project);
    assert_eq!(state["objects"]["tavus.ada"]["id"], entries[0]["id"]);
    scene.converges(1);
}

#[test]
fn who_only_looks_leaves_at_once() {
    for arguments in [
        &["plan", "-v"][..],
        &["drift", "-v"],
        &["import", "tavus", "--all", "-v"],
        &["pull", "-v"],
        &["destroy", "-y", "-v"],
        &["apply", "-y", "-v"],
    ] {
        let scene = scene(&["ada"], "");
        scene.project.run(&["apply", "-y"]).ends(0);
        scene.orders(&[Some(503), Some(503)]);
        let (_, later) = scene.interrupted(arguments);
        assert_eq!(later, [], "{arguments:?}");
        scene.converges(1);
    }
}
