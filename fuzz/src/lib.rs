//! What the fuzz targets do with their bytes. Each target holds what is promised of bad input: an error or a meaning, no panic, no
//! endless run; libFuzzer adds the limits of time and memory. How to run them is in `README.md`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use personaform::persona::problem::Severity;
use personaform::persona::{Vocabulary, load};
use personaform::plan::{Method, Plan, Request};
use personaform::provider::{Body, Response};
use personaform::state::StateFile;
use personaform::{providers, report};

const PERSONA: &str = include_str!("../seeds/persona/ada.yaml");
const PROJECT: &str = include_str!("../seeds/project/personaform.yaml");
const STATE: &str = include_str!("../seeds/state/state.json");
const SECRET: &str = "sk-the-value-of-a-variable";

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(providers::vocabulary);

thread_local! {
    /// One folder for all inputs, in memory where the system has such a place.
    static FOLDER: RefCell<tempfile::TempDir> = RefCell::new({
        let place = Path::new("/dev/shm");
        let folder = if place.is_dir() { tempfile::tempdir_in(place) } else { tempfile::tempdir() };
        let folder = folder.expect("a folder");
        std::fs::create_dir(folder.path().join("personas")).expect("made");
        std::fs::write(folder.path().join("personas/p.md"), "Be kind.\n").expect("written");
        folder
    });
}

fn folder() -> PathBuf {
    FOLDER.with(|folder| folder.borrow().path().to_owned())
}

/// Loads a project with these two files, compiles it, and shows its problems.
fn loaded(project: &[u8], persona: &[u8]) {
    let folder = folder();
    std::fs::write(folder.join("personaform.yaml"), project).expect("written");
    std::fs::write(folder.join("personas/ada.yaml"), persona).expect("written");
    let loaded = load(&folder, &VOCABULARY, &|_| Some(SECRET.to_owned()));
    let sound = loaded.problems.iter().all(|problem| problem.severity == Severity::Warning);
    assert_eq!(sound, loaded.project.is_some(), "a project comes without errors, and errors without a project");
    let mut problems = loaded.problems;
    if let Some(project) = &loaded.project {
        match providers::compile(project) {
            Ok(compiled) => problems.extend(compiled.warnings),
            Err(more) => problems.extend(more),
        }
    }
    let shown = report::problems::problems(&problems);
    assert!(!shown.contains(SECRET), "a secret is shown");
}

/// A persona's file.
pub fn persona(bytes: &[u8]) {
    loaded(PROJECT.as_bytes(), bytes);
}

/// A project's file.
pub fn project(bytes: &[u8]) {
    loaded(bytes, PERSONA.as_bytes());
}

fn state_with(file: &[u8], journal: Option<&[u8]>) {
    let path = folder().join("state.json");
    let beside = folder().join("state.json.journal");
    std::fs::write(&path, file).expect("written");
    match journal {
        Some(journal) => std::fs::write(&beside, journal).expect("written"),
        None => drop(std::fs::remove_file(&beside)),
    }
    if let Err(error) = StateFile::at(&path).load() {
        assert!(!error.to_string().is_empty());
        error.help();
    }
}

/// A state file.
pub fn state(bytes: &[u8]) {
    state_with(bytes, None);
}

/// A journal: the bytes as they are, and each of their lines as the body of one whose sum is right.
pub fn journal(bytes: &[u8]) {
    state_with(STATE.as_bytes(), Some(bytes));
    let (mut text, mut sum) = (Vec::new(), String::new());
    for body in bytes.split(|byte| *byte == b'\n') {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        context.update(sum.as_bytes());
        context.update(body);
        sum = context.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        text.extend([br#"{"sum":""#, sum.as_bytes(), br#"","body":"#, body, b"}\n"].concat());
    }
    state_with(STATE.as_bytes(), Some(&text));
}

/// A saved plan, shown in every form.
pub fn plan(bytes: &[u8]) {
    let Ok(plan) = serde_json::from_slice::<Plan>(bytes) else { return };
    for requests in [true, false] {
        let options = report::text::Options { requests, ..report::text::Options::default() };
        report::text::plan(&plan, &options);
    }
    report::json::plan(&plan);
}

/// A service's answer: the first byte chooses the status, the rest is the body.
pub fn answer(provider: &str, bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let status = [200, 201, 204, 400, 401, 403, 404, 409, 422, 429, 500, 503][usize::from(*first) % 12];
    let body = serde_json::from_slice(body).map_or_else(|_| Body::Text(String::from_utf8_lossy(body).into_owned()), Body::Json);
    let response = Response { status, body };
    let provider = providers::find(provider).expect("one");
    let _ = (provider.observed(&response), provider.listed(1, &response), provider.created(&response));
    for catalogue in provider.catalogues() {
        let _ = (catalogue.listed)(1, &response);
    }
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        for path in ["/v1/personas/p1", "/v1/personas/p1/versions/promote", "/v2/personas/p1/tools/t"] {
            let _ = provider.accepted(&Request::new(method, path), &response);
        }
    }
}
