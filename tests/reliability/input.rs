//! Bad files: persona, project, state, journal and plan, damaged at random. What is not what it should be gives an error with its
//! place or means what it meant, and never a panic. What is expensive, and what is no file, is in `files`.

use std::path::Path;
use std::sync::LazyLock;

use personaform::persona::load;
use personaform::persona::name::Manage;
use personaform::persona::problem::Severity;
use personaform::plan::{Address, Document, Pending, Plan, Record, RemoteId};
use personaform::state::{Entry, Memory, State, StateFile};
use personaform::{providers, report};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::damage::{cases, damage, damaged};
use crate::support::Project;

pub(crate) const PROJECT: &str = "accounts:\n  anam: { defaults: { llmId: l } }\n  bland: {}\n  opengiant: {}\n  tavus: { limits: { concurrency: 2 } }\n\
                       state: { path: s.json }\nsafety: { max_deletes: 0, max_share: 30% }\n";
const PERSONA: &str = "name: &n Ada\ndescription: |\n  Two\n  lines\nprompt:\n  $join: [ { $file: p.md }, \"x\" ]\ntargets:\n  tavus:\n    layers: { llm: { model: m, \
                       api_key: { $env: A_KEY } }, tts: { voice_settings: { speed: 1.5 } } }\n  anam: { avatarId: a, voiceId: v, name: *n }\n  \
                       bland:\n    $release: draft\n    tags: [a, b]\n    call_config: { record: true }\n  opengiant: { attributes: { tone: warm } }\n";

/// Loads a project with these two files, and shows its problems as a person would see them.
pub(crate) fn loaded(project: &[u8], persona: &[u8]) -> (bool, Vec<String>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("personas")).expect("made");
    std::fs::write(folder.path().join("personas/p.md"), "Be kind.\n").expect("written");
    std::fs::write(folder.path().join("personaform.yaml"), project).expect("written");
    std::fs::write(folder.path().join("personas/ada.yaml"), persona).expect("written");
    let loaded = load(folder.path(), &VOCABULARY, &|_| Some("sk-the-value-of-a-variable".to_owned()));
    let shown = report::problems::problems(&loaded.problems);
    let sound = loaded.problems.iter().all(|problem| problem.severity == Severity::Warning);
    assert_eq!(sound, loaded.project.is_some(), "a project comes without errors, and errors without a project");
    if let Some(project) = &loaded.project {
        let _ = providers::compile(project).map_err(|problems| report::problems::problems(&problems));
    }
    assert!(!shown.contains("sk-the-value"), "{shown}");
    (sound, loaded.problems.iter().map(|problem| problem.code.to_owned()).collect(), shown)
}

static VOCABULARY: LazyLock<personaform::persona::Vocabulary> = LazyLock::new(providers::vocabulary);

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_damaged_persona_file_is_reported(damages in damage()) {
        loaded(PROJECT.as_bytes(), &damaged(PERSONA, &damages));
    }

    #[test]
    fn a_damaged_project_file_is_reported(damages in damage()) {
        loaded(&damaged(PROJECT, &damages), PERSONA.as_bytes());
    }

    #[test]
    fn any_bytes_are_no_reason_to_panic(bytes in vec(any::<u8>(), 0..300), text in "[-:{}\\[\\]&*!|>'\"%@`#,?\\n\\t a-z0-9$<]{0,200}") {
        loaded(PROJECT.as_bytes(), &bytes);
        loaded(text.as_bytes(), text.as_bytes());
    }

    #[test]
    fn a_damaged_state_is_reported_or_is_a_state(damages in damage()) {
        let text = r#"{"version": 1, "lineage": "ab", "serial": 3, "digest_key": "abab", "objects": {"tavus.ada": {"provider": "tavus", "id": "p1", "name": "Ada",
            "applied": {"system_prompt": "x", "n": 1.5}, "prevent_destroy": true, "written_at": "2026-06-01T00:00:00Z"}}}"#;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let bytes = damaged(text, &damages);
        std::fs::write(&path, &bytes).expect("written");
        if let Err(error) = StateFile::at(&path).load() {
            prop_assert!(!error.to_string().is_empty());
        }
        prop_assert_eq!(std::fs::read(&path).expect("there"), bytes, "looking changes nothing");
    }

    #[test]
    fn a_damaged_plan_is_no_plan_or_can_be_shown(damages in damage()) {
        if let Ok(text) = String::from_utf8(damaged(&SAVED, &damages))
            && let Ok(plan) = serde_json::from_str::<Plan>(&text)
        {
            for requests in [true, false] {
                let options = report::text::Options { requests, ..report::text::Options::default() };
                report::text::plan(&plan, &options);
            }
            report::json::plan(&plan);
        }
    }
}

static SAVED: LazyLock<String> = LazyLock::new(|| {
    let project = Project::new(&[
        ("personaform.yaml", "accounts: { bland: {}, tavus: {} }\n"),
        ("personas/ada.yaml", "name: Ada\nprompt: Be kind.\ntargets: { tavus: { greeting: Hi }, bland: { tags: [a] } }\n"),
    ]);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project.edit("personas/ada.yaml", "Be kind.", "Be brief.");
    project.run(&["--sandbox", "--format", "json", "plan"]).ends(0).stdout
});

#[test]
fn the_files_that_are_damaged_were_good() {
    let (sound, codes, shown) = loaded(PROJECT.as_bytes(), PERSONA.as_bytes());
    assert!(sound, "{codes:?}\n{shown}");
}

/// A state file, and a journal beside it with an entry of every kind, as the binary leaves them when it is killed; and the states
/// that the journal tells of, one after each of its lines.
struct Left {
    file: Vec<u8>,
    journal: Vec<u8>,
    states: Vec<State>,
}

static LEFT: LazyLock<Left> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let mut memory = {
        let mut file = StateFile::at(&path);
        let state = file.load().expect("a new state");
        Memory::new(file, state)
    };
    let address = |text: &str| Address::parse(text).expect("an address");
    let applied = |text: &str| json!({ "system_prompt": text, "n": 1.5 }).as_object().cloned().expect("an object");
    let record = |id: &str| Record {
        provider: "tavus".to_owned(),
        id: RemoteId::new(id),
        name: "Ada".to_owned(),
        applied: applied("x").into(),
        prevent_destroy: true,
        force_destroy: false,
        resisted: Vec::new(),
        manage: Manage::Full,
        written_at: "2026-06-01T00:00:00Z".to_owned(),
    };
    let pending = Pending {
        provider: "tavus".to_owned(),
        name: "Bob".to_owned(),
        request: "POST /v2/personas".to_owned(),
        digest: "00".repeat(32),
        sent: Document::default(),
        sent_at: "2026-06-01T00:00:00Z".to_owned(),
    };
    memory.note(&Entry::Applied { address: address("tavus.ada"), record: record("p1") }).expect("noted");
    memory.settle().expect("settled");
    let file = std::fs::read(&path).expect("there");
    let mut states = vec![memory.state().clone()];
    for entry in [
        Entry::Intent { address: address("tavus.bob"), pending },
        Entry::Created { address: address("tavus.bob"), record: record("p2") },
        Entry::Applied { address: address("tavus.bob"), record: record("p2") },
        Entry::Moved { from: address("tavus.bob"), to: address("tavus.cyd") },
        Entry::Settled {
            address: address("tavus.ada"),
            applied: applied("y").into(),
            prevent_destroy: false,
            force_destroy: true,
            manage: Manage::Full,
        },
        Entry::Dropped { address: address("tavus.dan") },
        Entry::Removed { address: address("tavus.ada") },
    ] {
        memory.note(&entry).expect("noted");
        states.push(memory.state().clone());
    }
    let journal = std::fs::read(folder.path().join("state.json.journal")).expect("there");
    Left { file, journal, states }
});

/// What the next run makes of a state file and a journal, which it leaves as they are.
fn found(file: &[u8], journal: &[u8]) -> Result<State, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, beside) = (folder.path().join("state.json"), folder.path().join("state.json.journal"));
    std::fs::write(&path, file).expect("written");
    std::fs::write(&beside, journal).expect("written");
    let found = StateFile::at(&path).load().map_err(|error| format!("{error} {}", error.help().unwrap_or_default()));
    let kept = |path: &Path| std::fs::read(path).expect("there");
    assert!(kept(&path) == file && kept(&beside) == journal, "looking changes nothing");
    found
}

/// Lines as the journal writes them, with sums that are right, whatever stands in them.
fn summed(bodies: &[Vec<u8>]) -> Vec<u8> {
    let (mut text, mut sum) = (Vec::new(), String::new());
    for body in bodies {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        context.update(sum.as_bytes());
        context.update(body);
        sum = context.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        text.extend([br#"{"sum":""#, sum.as_bytes(), br#"","body":"#, body, b"}\n"].concat());
    }
    text
}

fn bodies() -> Vec<Vec<u8>> {
    let text = String::from_utf8(LEFT.journal.clone()).expect("UTF-8");
    text.lines().map(|line| line[r#"{"sum":"0123456789abcdef","body":"#.len()..line.len() - 1].into()).collect()
}

#[test]
fn the_journal_that_is_damaged_was_good() {
    assert_eq!(found(&LEFT.file, &LEFT.journal).as_ref(), Ok(LEFT.states.last().expect("some")));
    assert_eq!(summed(&bodies()), LEFT.journal, "the sums of this test are those of the journal");
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_damaged_journal_is_reported_or_tells_what_it_told_up_to_some_line(damages in damage()) {
        let text = String::from_utf8(LEFT.journal.clone()).expect("UTF-8");
        match found(&LEFT.file, &damaged(&text, &damages)) {
            Ok(state) => prop_assert!(LEFT.states.contains(&state), "it tells something else: {:?}", state),
            Err(error) => prop_assert!(error.contains("state.json.journal` is damaged at line "), "{}", error),
        }
    }

    #[test]
    fn a_journal_whose_sums_are_right_and_words_are_not_is_no_reason_to_panic(damages in damage(), which in any::<usize>()) {
        let mut bodies = bodies();
        let at = which % bodies.len();
        let text = String::from_utf8(bodies[at].clone()).expect("UTF-8");
        bodies[at] = damaged(&text, &damages).into_iter().filter(|byte| *byte != b'\n').collect();
        if let Err(error) = found(&LEFT.file, &summed(&bodies)) {
            prop_assert!(error.contains("state.json.journal"), "{}", error);
        }
    }
}
