//! Bad input: what is not what it should be gives an error or nothing, and never a panic, an endless run, or a run that eats the
//! machine's memory. Random inputs are made by proptest, from nothing and by damaging good ones.
//!
//! `PROPTEST_CASES=100000` tries as many inputs per test.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use personaform::persona::load;
use personaform::persona::problem::Severity;
use personaform::plan::{Method, Plan, RemoteId, Request};
use personaform::provider::{Body, Provider, Response};
use personaform::sandbox::Incoming;
use personaform::state::StateFile;
use personaform::{providers, report};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::support::Project;

const PROJECT: &str = "accounts:\n  anam: { defaults: { llmId: l } }\n  bland: {}\n  opengiant: {}\n  tavus: { limits: { concurrency: 2 } }\n\
                       state: { path: s.json }\nsafety: { max_deletes: 0, max_share: 30% }\n";
const PERSONA: &str = "name: &n Ada\ndescription: |\n  Two\n  lines\nprompt:\n  $join: [ { $file: p.md }, \"x\" ]\ntargets:\n  tavus:\n    layers: { llm: { model: m, \
                       api_key: { $env: A_KEY } }, tts: { voice_settings: { speed: 1.5 } } }\n  anam: { avatarId: a, voiceId: v, name: *n }\n  \
                       bland:\n    $release: draft\n    tags: [a, b]\n    call_config: { record: true }\n  opengiant: { attributes: { tone: warm } }\n";

/// Damage to a text: bytes taken out, put in, doubled; pieces that mean something to a parser.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize, usize),
    Put(usize, String),
    Double(usize, usize),
    Byte(usize, u8),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ": ",
            "- ",
            "\n",
            "\t",
            "&a ",
            "*a",
            "<<: ",
            "!!int ",
            "---\n",
            "...\n",
            "|\n",
            "\"",
            "'",
            "#",
            "%",
            "? ",
            "null",
            "~",
            "1e999",
            "-0",
            "0x",
            "$env",
            "$file",
            "$join",
            "$id: ",
            "\u{feff}",
            "\u{0}",
            "\u{85}",
            "\u{202e}",
            "é",
            "\u{10ffff}",
            "\\u0000",
            "\\ud800",
            "99999999999999999999",
            "true",
            ",",
            "..",
            "/",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    let one = prop_oneof![
        (any::<usize>(), 0..40usize).prop_map(|(at, length)| Damage::Cut(at, length)),
        (any::<usize>(), piece).prop_map(|(at, text)| Damage::Put(at, text)),
        (any::<usize>(), 0..80usize).prop_map(|(at, length)| Damage::Double(at, length)),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
    ];
    vec(one, 1..6)
}

fn damaged(text: &str, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for damage in damages {
        let length = bytes.len();
        let stretch = |at: usize, count: usize| (at % (length + 1), (at % (length + 1)).saturating_add(count).min(length));
        match damage {
            Damage::Cut(at, count) => {
                let (from, to) = stretch(*at, *count);
                bytes.drain(from..to);
            }
            Damage::Put(at, text) => {
                let (at, _) = stretch(*at, 0);
                bytes.splice(at..at, text.bytes());
            }
            Damage::Double(at, count) => {
                let (from, to) = stretch(*at, *count);
                let copy = bytes[from..to].to_vec();
                bytes.splice(to..to, copy);
            }
            Damage::Byte(at, byte) => {
                if length > 0 {
                    bytes[at % length] = *byte;
                }
            }
        }
    }
    bytes
}

/// Loads a project with these two files, and shows its problems as a person would see them.
fn loaded(project: &[u8], persona: &[u8]) -> (bool, Vec<String>, String) {
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

/// JSON of any shape, with the member names that the services use.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "id",
        "data",
        "error",
        "errors",
        "message",
        "persona_id",
        "pal_id",
        "name",
        "persona_name",
        "total_count",
        "meta",
        "attributes",
        "success",
        "layers",
        "current_draft_version",
        "current_production_version",
        "deleted_at",
        "inbound_numbers",
        "brain",
        "avatar",
        "voice",
        "details",
        "conflict",
        "llm",
        "tts",
        "code",
        "status",
        "personality_prompt",
        "call_config",
        "lastPage",
        "total",
        "page",
        "perPage",
    ]);
    let name = prop_oneof![names.prop_map(str::to_owned), "\\PC{0,6}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!("Invalid persona_id")),
        Just(json!("PERSONA_NOT_FOUND")),
        Just(json!("")),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        let list = vec(inner.clone(), 0..6).prop_map(Value::from);
        let object = vec((name.clone(), inner), 0..8).prop_map(|members| Value::Object(members.into_iter().collect()));
        prop_oneof![list, object]
    })
}

fn any_response() -> impl Strategy<Value = Response> {
    let status = prop_oneof![
        prop::sample::select(vec![200u16, 201, 204, 304, 400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503]),
        100u16..1000
    ];
    let body = prop_oneof![
        4 => any_json().prop_map(Body::Json),
        1 => "[<>a-z/ \\PC]{0,60}".prop_map(Body::Text),
        1 => Just(Body::Empty)
    ];
    (status, body).prop_map(|(status, body)| Response { status, body })
}

/// Good answers of every miniature: to a list, a read, a create.
fn good(provider: &dyn Provider) -> Vec<Value> {
    let mut miniature = providers::miniature(provider.id(), "key").expect("one");
    let service = provider.service();
    let mut ask = |request: &Request| {
        let mut incoming = Incoming::new(&request.method.to_string(), &request.path)
            .with_header(service.key_header, &format!("{}key", service.key_prefix));
        if let Some(body) = &request.body {
            incoming = incoming.with_json(body);
        }
        miniature.handle(&incoming).body
    };
    let path = if provider.id() == "tavus" { "/v2/personas" } else { "/v1/personas" };
    let body =
        json!({ "name": "Ada", "persona_name": "Ada", "system_prompt": "x", "avatarId": "a", "voiceId": "v", "llmId": "l" });
    let body = if provider.id() == "tavus" { json!({"persona_name": "Ada", "system_prompt": "x"}) } else { body };
    let created = ask(&Request::new(Method::Post, path).with_body(body)).unwrap_or_default();
    let id =
        ["id", "persona_id"].iter().find_map(|name| created.get(name).or_else(|| created.get("data")?.get(name))?.as_str());
    let read = provider.read(&RemoteId::new(id.unwrap_or("x"))).and_then(|request| ask(&request));
    let list = provider.list(1).and_then(|request| ask(&request));
    [Some(created), read, list].into_iter().flatten().collect()
}

/// Everything that is made of an answer.
fn understood(provider: &dyn Provider, response: &Response) {
    let read = provider.observed(response);
    let pages = provider.listed(1, response).map(|page| page.items.len());
    let _ = (pages, provider.created(response));
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        for path in ["/v1/personas/p1", "/v1/personas/p1/versions/promote", "/v2/personas/p1/tools/t"] {
            let _ = provider.accepted(&Request::new(method, path), response);
        }
    }
    if let Err(refusal) = read {
        assert!(refusal.message.len() < 2_000_000);
    }
}

fn cases(usual: u32) -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    Config { failure_persistence: None, ..Config::with_cases(cases) }
}

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

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_answer_of_a_service_is_understood_or_refused(response in any_response()) {
        for provider in providers::all() {
            understood(provider, &response);
        }
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_damaged_answer_of_a_service_is_understood_or_refused(damages in damage(), status in 200u16..600, which in 0..12usize) {
        let (provider, answers) = &GOOD[which % 4];
        let text = answers[which % answers.len()].to_string();
        let bytes = damaged(&text, &damages);
        let body = serde_json::from_slice(&bytes).map_or_else(|_| Body::Text(String::from_utf8_lossy(&bytes).into_owned()), Body::Json);
        for status in [status, 200] {
            understood(*provider, &Response { status, body: body.clone() });
        }
    }
}

static GOOD: LazyLock<Vec<(&'static dyn Provider, Vec<Value>)>> =
    LazyLock::new(|| providers::all().into_iter().map(|provider| (provider, good(provider))).collect());

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
fn the_answers_that_are_damaged_were_good() {
    for (provider, answers) in GOOD.iter() {
        let answer = |body: &Value| Response { status: 200, body: Body::Json(body.clone()) };
        assert!(provider.created(&answer(&answers[0])).is_ok(), "{}: {}", provider.id(), answers[0]);
        if provider.rules().read {
            assert!(provider.observed(&answer(&answers[1])).is_ok(), "{}", provider.id());
            assert_eq!(provider.listed(1, &answer(&answers[2])).map(|page| page.items.len()), Ok(1), "{}", provider.id());
        }
    }
    let (sound, codes, shown) = loaded(PROJECT.as_bytes(), PERSONA.as_bytes());
    assert!(sound, "{codes:?}\n{shown}");
}

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
    use std::process::{Command, Stdio};

    use super::*;

    /// Runs the binary with so many MiB of memory and 30 seconds.
    fn limited(project: &Project, mebibytes: usize, arguments: &str) -> (Option<i32>, String) {
        let script =
            format!("ulimit -v {}; exec timeout 30 {} {arguments}", mebibytes * 1024, env!("CARGO_BIN_EXE_personaform"));
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
}
