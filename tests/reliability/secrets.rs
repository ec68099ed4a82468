//! Secrets: nothing prints them, whoever repeats them; they travel encrypted and only where they belong.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::panic::catch_unwind;
use std::sync::mpsc;
use std::time::Duration;

use personaform::http::{Client, Home, Patience, Redactor};
use personaform::persona::load;
use personaform::persona::name::AccountName;
use personaform::provider::Limits;
use personaform::providers;
use personaform::reconcile::Connection;
use personaform::state::Sealer;
use secrecy::{ExposeSecret, SecretString};

use crate::scripted::{Scripted, Step};
use crate::support::Project;

const KEY: &str = "sk/live+0123&4567=\"89\"";

fn project(base_url: &str, more: &str) -> Project {
    let mut accounts = String::new();
    for name in ["anam", "bland", "opengiant", "tavus"] {
        accounts += &format!("  {name}: {{ base_url: \"{base_url}\", api_key: {{ $env: THE_KEY }}{more} }}\n");
    }
    let mut project = Project::new(&[
        ("personaform.yaml", &format!("accounts:\n{accounts}")),
        (
            "personas/ada.yaml",
            "name: Ada\nprompt: Be kind.\ntargets:\n  tavus: { layers: { llm: { model: m, base_url: \"https://x.example\", api_key: { $env: LLM_SECRET } } } }\n  \
             anam: { avatarId: a, voiceId: v, llmId: l }\n  bland: {}\n  opengiant: {}\n",
        ),
    ]);
    project.set("THE_KEY", KEY);
    project.set("LLM_SECRET", "llm-secret-7654321");
    project
}

/// A text in forms in which a service may repeat it, worked out by hand.
fn forms() -> [&'static str; 5] {
    [
        KEY,
        r#"sk/live+0123&4567=\"89\""#,
        "sk%2Flive%2B0123%264567%3D%2289%22",
        // Base64 of the key, and of `Bearer ` before it.
        "c2svbGl2ZSswMTIzJjQ1Njc9Ijg5Ig==",
        "QmVhcmVyIHNrL2xpdmUrMDEyMyY0NTY3PSI4OSI=",
    ]
}

#[test]
fn a_service_that_repeats_a_key_gives_nothing_away() {
    let echoes = forms().join(" ; ");
    let json = serde_json::json!({"message": format!("bad key {echoes}"), "error": {"message": echoes, "code": KEY}, KEY: KEY})
        .to_string();
    for (status, body) in [(401, json.as_str()), (400, &json), (500, &json), (200, &json), (502, &format!("<p>{echoes}</p>"))] {
        let server = Scripted::new(vec![Step::answer(status, &format!("x-echo: {}\r\n", forms()[2]), body)]);
        let project = project(&server.base_url(), "");
        let mut printed = String::new();
        for arguments in [
            &["plan", "-v", "--retries", "1"][..],
            &["--format", "json", "plan", "-v", "--retries", "1", "-o", "plan.json"],
            &["apply", "-y", "-v", "--retries", "0", "--requests"],
            &["--format", "json", "apply", "-y", "--retries", "0"],
        ] {
            let run = project.run(arguments);
            assert_ne!(run.code, 0, "{status}: {}", run.stdout);
            printed += &format!("{}{}", run.stdout, run.stderr);
        }
        for secret in [KEY, forms()[1], forms()[2], "c2svbGl2ZSswMTIzJjQ1Njc9Ijg5", "L2xpdmUrMDEyMyY0NTY3", "llm-secret"] {
            assert!(!printed.contains(secret), "{status}: `{secret}` in\n{printed}");
        }
        assert!(status == 200 || printed.contains("(secret)"), "{status}: it did repeat it:\n{printed}");
        assert!(server.seen().iter().all(|request| request.contains(KEY)), "the key went where it belongs");
    }
}

#[test]
fn nothing_that_holds_a_secret_can_be_printed_not_even_by_a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("personas")).expect("made");
    std::fs::write(folder.path().join("personaform.yaml"), "accounts: { tavus: {} }\n").expect("written");
    let text = "name: { $env: HIDDEN }\nprompt: x\ntargets: { tavus: {} }\n";
    std::fs::write(folder.path().join("personas/ada.yaml"), text).expect("written");
    let loaded = load(folder.path(), &providers::vocabulary(), &|_| Some(KEY.to_owned()));
    let secret = SecretString::from(KEY);
    let secrets = BTreeMap::from([("HIDDEN".to_owned(), secret.clone())]);
    let sealer = Sealer::new(&"ab".repeat(32), &secrets).expect("a sealer");
    let provider = providers::find("tavus").expect("one");
    let limits = Limits { concurrency: 1, per_second: None };
    let home = Home { service: provider.service(), base_url: "http://127.0.0.1:1", insecure: false, limits };
    let client = Client::new(&home, &secret, std::slice::from_ref(&secret), Patience::default()).expect("a client");
    let mut printed = format!("{loaded:#?}{:?}{secret:?}{sealer:#?}{client:#?}{:?}", loaded.project, Redactor::new([&secret]));
    let key_variable = "KEY".to_owned();
    let connection = Connection {
        account: AccountName::new("a"),
        provider,
        client,
        base_url: String::new(),
        key_variable,
        sealer: sealer.into(),
    };
    printed += &format!("{connection:#?}");
    let panic =
        catch_unwind(std::panic::AssertUnwindSafe(|| panic!("{loaded:?} {connection:?} {secret:?}"))).expect_err("a panic");
    printed += panic.downcast_ref::<String>().expect("a text");
    assert!(printed.contains("HIDDEN") && loaded.project.is_some_and(|it| it.secrets["HIDDEN"].expose_secret() == KEY));
    for form in [KEY, "sk/live", "0123&4567"] {
        assert!(!printed.contains(form), "{printed}");
    }
}

/// A proxy that keeps the head of the first request it gets and closes the connection.
fn proxy() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (heads, received) = mpsc::channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { return };
            let mut buffer = [0; 4096];
            let count = connection.read(&mut buffer).unwrap_or(0);
            let _ = connection.write_all(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
            if heads.send(String::from_utf8_lossy(&buffer[..count]).into_owned()).is_err() {
                return;
            }
        }
    });
    (format!("http://{address}"), received)
}

#[test]
fn https_goes_through_the_proxy_that_the_system_names_and_the_proxy_sees_no_key() {
    let (proxy, heads) = proxy();
    let mut project = project("https://personas.invalid", "");
    project.set("HTTPS_PROXY", &proxy);
    let run = project.run(&["plan", "--retries", "0", "--timeout", "10s"]);
    assert_ne!(run.code, 0);
    let head = heads.recv_timeout(Duration::from_secs(20)).expect("it arrived at the proxy");
    assert!(head.starts_with("CONNECT personas.invalid:443 "), "{head}");
    assert!(!head.contains(KEY) && !head.to_lowercase().contains("authorization:"), "{head}");
}

#[test]
fn this_machine_is_never_reached_through_a_proxy() {
    let (proxy, heads) = proxy();
    let server = Scripted::new(vec![Step::answer(401, "", "{}")]);
    let mut project = project(&server.base_url(), "");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        project.set(name, &proxy);
    }
    project.run(&["plan", "--retries", "0"]);
    assert!(!server.seen().is_empty());
    assert!(heads.try_recv().is_err(), "nothing went to the proxy");
}

#[test]
fn a_redirect_is_reported_with_what_to_do_and_nothing_is_sent_there() {
    let other = Scripted::new(vec![Step::answer(200, "", "{}")]);
    let place = format!("location: {}/elsewhere\r\n", other.base_url());
    let server = Scripted::new(vec![Step::answer(308, &place, "")]);
    let run = project(&server.base_url(), "").run(&["plan"]).ends(1);
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(text.contains("redirects are never followed") && text.contains("base_url"), "{text}");
    assert_eq!(other.seen(), Vec::<String>::new());
}

#[test]
fn an_unencrypted_way_to_another_machine_is_refused_unless_the_account_allows_it() {
    let refused = project("http://192.0.2.1:9", "").run(&["validate"]).ends(5);
    assert!(refused.stderr.contains("insecure-url") && refused.stderr.contains("insecure: true"), "{}", refused.stderr);
    let (proxy, heads) = proxy();
    let mut allowed = project("http://personas.invalid", ", insecure: true");
    allowed.run(&["validate"]).ends(0);
    allowed.set("HTTP_PROXY", &proxy);
    allowed.set("http_proxy", &proxy);
    allowed.run(&["plan", "--retries", "0"]);
    assert!(heads.recv_timeout(Duration::from_secs(20)).is_ok_and(|head| head.starts_with("GET http://personas.invalid/")));
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    // Whatever this is, it is no trusted TLS: the client must give up before it sends its request.
    let server = Scripted::new(vec![Step::answer(200, "", "{}")]);
    let run =
        project(&server.base_url().replace("http://", "https://"), "").run(&["plan", "--retries", "0", "--timeout", "5s"]);
    assert_ne!(run.code, 0, "{}", run.stdout);
    assert!(server.seen().iter().all(|request| !request.contains(KEY)));
}

#[cfg(unix)]
#[test]
fn state_and_saved_plans_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::example();
    project.run(&["--sandbox", "plan", "-o", "plan.json"]).ends(0);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project.edit("personas/support-guide.yaml", "record: true", "record: false");
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    let below = project.path(".personaform");
    let mut seen = 0;
    for (path, _) in
        project.everything().into_iter().filter(|(path, _)| path.starts_with(&below) || path.ends_with("plan.json"))
    {
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains("lock")) {
            continue;
        }
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {:o}", path.display(), mode & 0o777);
        seen += 1;
    }
    assert!(seen >= 3);
}

#[test]
fn the_check_that_ends_every_test_finds_what_it_looks_for() {
    let mut project = Project::new(&[("notes.txt", "the key is a-key-to-find\n")]);
    assert_eq!(project.leaks(), Vec::<String>::new());
    project.set("SOME_KEY", "a-key-to-find");
    assert_eq!(project.leaks().len(), 1);
    project.run(&["--help", "a-key-to-find"]);
    std::fs::remove_file(project.path("notes.txt")).expect("removed");
    assert_eq!(project.leaks().len(), 1, "the arguments stand above an output");
    // Without its folder the project is not checked when it goes.
    std::fs::remove_dir_all(project.folder.path()).expect("removed");
}
