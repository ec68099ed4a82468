//! Tests of `load`: what a whole folder becomes. How problems look is tested in `tests/problems`.

use std::fs;

use proptest::prelude::*;
use secrecy::ExposeSecret;
use serde_json::json;
use tempfile::TempDir;

use super::super::document::{Safety, Target};
use super::super::schema::tests::vocabulary;
use super::*;

fn project(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().expect("a folder");
    fs::create_dir(root.path().join("personas")).expect("a folder");
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    }
    root
}

fn loaded(root: &TempDir) -> Loaded {
    load(root.path(), &vocabulary(), &|name| (name != "NOT_SET").then(|| format!("value of {name}")))
}

fn good(files: &[(&str, &str)]) -> Project {
    let loaded = loaded(&project(files));
    assert_eq!(loaded.problems, []);
    loaded.project.expect("a project")
}

fn codes(root: &TempDir) -> Vec<(&'static str, String)> {
    let problems = loaded(root).problems;
    let path = |problem: &Problem| problem.place.as_ref().map(|place| place.path().display().to_string()).unwrap_or_default();
    problems.iter().map(|problem| (problem.code, path(problem))).collect()
}

fn target<'a>(project: &'a Project, persona: &str) -> &'a Target {
    &project.personas[&Key::new(persona)].targets[0]
}

#[test]
fn a_project_says_what_its_files_say() {
    let project = good(&[
        (
            "personaform.yaml",
            "personas: people\naccounts:\n  face:\n  eu: { provider: phone, base_url: \"https://host/prefix/\", api_key: { $env: EU_KEY } }\nstate: { path: kept/state.json }\nsafety: { max_deletes: 2, max_share: 30% }\n",
        ),
        (
            "people/emea/ada.yml",
            "name: Ada\nprompt: { $file: ../../a.md }\ndescription: null\npreviously: eda\ntargets:\n  eu:\n    $id: p1\n    $release: draft\n    $lifecycle: { prevent_destroy: true, ignore_changes: [/number] }\n    key: { $env: LLM }\n",
        ),
        ("people/.hidden.yaml", "["),
        ("people/.git/x.yaml", "["),
        ("people/notes.md", "["),
        ("a.md", "Be kind.\n"),
    ]);
    assert_eq!(project.state_path, Path::new("kept/state.json"));
    assert_eq!(project.safety, Safety { max_deletes: 2, max_share: Some(0.3) });
    let account = &project.accounts[&AccountName::new("eu")];
    assert_eq!((account.provider.as_str(), account.base_url.as_deref()), ("phone", Some("https://host/prefix")));
    assert_eq!(account.key_variable.as_deref(), Some("EU_KEY"));
    assert_eq!(project.accounts.len(), 2);
    assert_eq!(project.personas.keys().map(Key::as_str).collect::<Vec<_>>(), ["emea/ada"]);
    let persona = &project.personas[&Key::new("emea/ada")];
    assert_eq!(persona.shared.prompt, Some(json!("Be kind.")));
    assert_eq!((&persona.shared.name, &persona.shared.description), (&Some(json!("Ada")), &Some(Value::Null)));
    assert_eq!(persona.previously, Some(Key::new("eda")));
    let target = &persona.targets[0];
    assert_eq!(Value::Object(target.fields.clone()), json!({ "key": { "$env": "LLM" } }));
    assert_eq!(
        (target.settings.id.as_deref(), target.settings.release, target.settings.prevent_destroy),
        (Some("p1"), Some(false), true)
    );
    assert_eq!(target.settings.ignore_changes, [Pointer::new(["number"])]);
    let secrets: Vec<_> = project.secrets.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    assert_eq!(secrets, [("LLM", "value of LLM")]);
}

#[test]
fn an_empty_project_is_sound() {
    let project = good(&[("personaform.yaml", "")]);
    assert_eq!((project.personas.len(), project.accounts.len()), (0, 0));
    assert_eq!(project.state_path, Path::new(".personaform/state.json"));
    assert_eq!(project.safety, Safety { max_deletes: 0, max_share: None });
}

#[test]
fn a_target_lies_over_the_defaults_of_its_account() {
    let defaults = "accounts:\n  face:\n    defaults:\n      avatarId: a0\n      voiceId: v0\n      voice: { speed: 1, style: { $env: STYLE } }\n      tools: [{ name: one }, { name: two }]\n      mode: calm\n";
    let ada = "targets:\n  face:\n    avatarId: a1\n    voice: { speed: 2 }\n    tools: [{ name: three }]\n    mode: null\n";
    let project =
        good(&[("personaform.yaml", defaults), ("personas/ada.yaml", ada), ("personas/eda.yaml", "targets:\n  face:\n")]);
    let target = target(&project, "ada");
    let wanted = json!({
        "avatarId": "a1", "voiceId": "v0", "voice": { "speed": 2, "style": { "$env": "STYLE" } }, "tools": [{ "name": "three" }], "mode": null,
    });
    assert_eq!(Value::Object(target.fields.clone()), wanted);
    let place = |segments: &[&str]| {
        let place = target.places.of(&Pointer::new(segments.iter().copied()));
        (place.path().display().to_string(), place.line_and_column())
    };
    assert_eq!(place(&["avatarId"]), ("personas/ada.yaml".to_owned(), (3, 5)));
    assert_eq!(place(&["voice", "speed"]), ("personas/ada.yaml".to_owned(), (4, 14)));
    assert_eq!(place(&["voice", "style"]), ("personaform.yaml".to_owned(), (6, 26)));
    assert_eq!(place(&["voiceId"]), ("personaform.yaml".to_owned(), (5, 7)));
    assert_eq!(place(&["tools", "0", "name"]), ("personas/ada.yaml".to_owned(), (5, 15)));
    // The second tool of the defaults is gone, and its place with it.
    assert_eq!(place(&["tools", "1"]), ("personas/ada.yaml".to_owned(), (5, 5)));
    assert_eq!(super::tests::target(&project, "eda").fields["voiceId"], "v0");
}

#[test]
fn a_field_that_neither_target_nor_defaults_have_is_missing() {
    let root = project(&[
        ("personaform.yaml", "accounts: { face: { defaults: { voice: { style: x } } } }"),
        ("personas/ada.yaml", "targets: { face: { voice: {} } }"),
    ]);
    assert_eq!(
        codes(&root),
        [("missing-field", "personas/ada.yaml".to_owned()), ("missing-field", "personas/ada.yaml".to_owned())]
    );
}

#[test]
fn a_key_in_the_project_file_is_on_no_screen_and_in_no_problem() {
    let root = project(&[(
        "personaform.yaml",
        "x: &k sk-live-anchor\naccounts:\n  face: { api_key: sk-live-1, api_key: sk-live-2 }\n  phone:\n    api_key: *k\n",
    )]);
    let loaded = loaded(&root);
    assert_eq!(loaded.problems.iter().filter(|problem| problem.code == "literal-secret").count(), 2);
    assert!(!format!("{:?}", loaded.problems).contains("sk-live"), "{:#?}", loaded.problems);
}

#[test]
fn every_file_is_read_although_others_are_wrong() {
    let root = project(&[
        ("personaform.yaml", "nope: 1\n"),
        ("personas/a.yaml", "a: [\n"),
        ("personas/b.yaml", "targets: { fase: {} }\n"),
        ("personas/c/d.yaml", "prompt: { $file: none }\ntargets: {}\n"),
    ]);
    let found: Vec<&str> = codes(&root).into_iter().map(|(code, _)| code).collect();
    assert_eq!(found, ["unknown-field", "syntax", "unknown-account", "missing-file"]);
}

#[test]
fn sections_are_checked_even_without_a_project_file() {
    let root = project(&[("personas/a.yaml", "targets: { face: { avatarId: 1 }, mine: {} }\n")]);
    assert_eq!(codes(&root), [("missing-project", String::new()), ("wrong-type", "personas/a.yaml".to_owned())]);
}

#[test]
fn the_root_is_found_from_below() {
    let root = project(&[("personaform.yaml", ""), ("personas/a/b.yaml", "")]);
    assert_eq!(find_root(&root.path().join("personas/a")), Some(root.path().to_path_buf()));
    assert_eq!(find_root(root.path()), Some(root.path().to_path_buf()));
    assert_eq!(find_root(root.path().parent().expect("a parent")), None);
}

#[cfg(unix)]
#[test]
fn folders_pipes_and_links_named_like_personas_are_problems() {
    let root = project(&[("personaform.yaml", ""), ("other/x.yaml", "targets: {}\n")]);
    let elsewhere = project(&[("x.yaml", "targets: {}\n")]);
    let personas = root.path().join("personas");
    let link = |to: &Path, from: &str| std::os::unix::fs::symlink(to, personas.join(from)).expect("a link");
    fs::create_dir(personas.join("a.yaml")).expect("a folder");
    assert!(std::process::Command::new("mkfifo").arg(personas.join("b.yaml")).status().expect("mkfifo").success());
    link(&elsewhere.path().join("x.yaml"), "c.yaml");
    link(elsewhere.path(), "d");
    link(Path::new("."), "e");
    link(Path::new("nothing"), "f.yaml");
    link(Path::new("../other"), "g");
    let large = fs::File::create(personas.join("h.yaml")).expect("a file");
    large.set_len(17 * 1024 * 1024).expect("a large file");
    let wanted = [
        ("not-a-file", "personas/a.yaml"),
        ("not-a-file", "personas/b.yaml"),
        ("outside-project", "personas/c.yaml"),
        ("outside-project", "personas/d"),
        ("link-loop", "personas/e"),
        ("missing-file", "personas/f.yaml"),
        ("too-large", "personas/h.yaml"),
    ];
    assert_eq!(codes(&root), wanted.map(|(code, path)| (code, path.to_owned())));
}

#[test]
fn every_problem_is_said_once_however_many_targets_inherit_it() {
    let root = project(&[
        ("personaform.yaml", "accounts: { face: { defaults: { avatarId: { $file: none }, limit: x } } }"),
        ("personas/a.yaml", "targets: { face: {} }\n"),
        ("personas/b.yaml", "targets: { face: {} }\n"),
    ]);
    let found: Vec<&str> = codes(&root).into_iter().map(|(code, _)| code).collect();
    assert_eq!(found, ["missing-file", "wrong-type"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_loading_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), words in "[a-z{}\\[\\]:,$&*!<>|\"'#0-9 \n-]{0,60}") {
        let root = project(&[("personaform.yaml", "accounts: { face: {} }")]);
        fs::write(root.path().join("personas/a.yaml"), &bytes).expect("a file");
        fs::write(root.path().join("personas/b.yaml"), format!("targets: {{ face: {{ {words}")).expect("a file");
        fs::write(root.path().join("personas/c.yaml"), format!("{words}\ntargets:\n  face: {words}\n")).expect("a file");
        for problem in loaded(&root).problems {
            if let Some(place) = problem.place {
                prop_assert!(place.file.text.get(place.span.clone()).is_some(), "{place:?}");
            }
        }
    }
}

#[test]
fn something_is_made_of_each_persona_without_a_known_error_and_its_values_can_go_at_once() {
    let root = project(&[
        ("personaform.yaml", "accounts:\n  face:\n"),
        ("personas/ada.yaml", "name: Ada\ntargets:\n  face:\n"),
        ("personas/bob.yaml", "name: [1]\n"),
        ("personas/cyd.yaml", "name: { $env: NOT_SET }\n"),
        ("personas/dan.yaml", "name: Dan\ntargets:\n  face:\n"),
        ("personas/eve.yaml", "name: Eve\nname: Eva\n"),
    ]);
    let environment = |name: &str| (name != "NOT_SET").then(String::new);
    let make = |accounts: &BTreeMap<AccountName, Account>, persona: &mut Persona| {
        let name = persona.shared.name.clone();
        persona.let_go_of_values();
        (accounts.len(), persona.key.as_str().to_owned(), name)
    };
    let made = |root: &TempDir| load_each(root.path(), &vocabulary(), &environment, &Overlay::default(), make);
    let known = |key: &str, name: &str| (1, key.to_owned(), Some(json!(name)));
    let (loaded, all) = made(&root);
    assert!(loaded.project.is_none());
    assert_eq!(all, [known("ada", "Ada"), known("dan", "Dan")]);
    for key in ["bob", "cyd", "eve"] {
        fs::remove_file(root.path().join(format!("personas/{key}.yaml"))).expect("removed");
    }
    let project = made(&root).0.project.expect("a project");
    assert!(project.personas.values().all(|persona| persona.shared.name.is_none() && persona.targets[0].fields.is_empty()));
    assert_eq!(project.personas[&Key::new("ada")].targets[0].places.section.line_and_column().0, 3);
}
