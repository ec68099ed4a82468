//! Faults on the wire, each provoked for real on a socket: what is tried again, what is not, and what is said of it.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use personaform::http::{Answer, Client, ClientError, Fault, Home, Patience, Repeat, Retry, Watcher};
use personaform::plan::{Method, Request};
use personaform::provider::{Body, Limits};
use personaform::providers;
use personaform::sandbox::{Fault as Ordered, serve};
use secrecy::SecretString;
use serde_json::json;

use crate::scripted::{Scripted, Step};
use crate::support::{Project, Served};

const KEY: &str = "sk-the-key-of-this-account";

fn quick() -> Patience {
    let pause = Duration::from_millis(2);
    Patience { retries: 3, pause, longest_pause: Duration::from_secs(2), timeout: Duration::from_secs(5) }
}

fn client(base_url: &str, patience: Patience) -> Client {
    let service = providers::find("tavus").expect("one").service();
    let home = Home { service, base_url, insecure: false, limits: Limits { concurrency: 4, per_second: None } };
    Client::new(&home, &SecretString::from(KEY), &[], patience).expect("a client")
}

fn get() -> Request {
    Request::new(Method::Get, "/v2/personas/p1")
}

fn post() -> Request {
    Request::new(Method::Post, "/v2/personas").with_body(json!({"persona_name": "Ada"}))
}

fn patch() -> Request {
    Request::new(Method::Patch, "/v2/personas/p1").with_body(json!([{"op": "replace", "path": "/a", "value": 1}]))
}

fn ok() -> Step {
    Step::answer(200, "content-type: application/json\r\n", r#"{"persona_id": "p1"}"#)
}

fn send(client: &Client, request: &Request, repeat: Repeat) -> Result<Answer, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(client.send(request, request, repeat))
}

/// Every fault that may hide that the request was done.
fn doubtful() -> Vec<(&'static str, Step)> {
    let page = "<html><h1>Bad gateway</h1></html>";
    vec![
        ("closed", Step::Close),
        ("half a head", Step::Bytes(b"HTTP/1.1 200 O".to_vec())),
        ("half a body", Step::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"persona".to_vec())),
        ("half a chunk", Step::Bytes(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{\"pers".to_vec())),
        ("no HTTP", Step::Bytes(b"\x00\xff\x16\x03 hello\r\n\r\n".to_vec())),
        ("garbage", Step::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\x00\xff{".to_vec())),
        ("a page", Step::answer(200, "content-type: text/html\r\n", page)),
        ("408", Step::answer(408, "", "")),
        ("500", Step::answer(500, "", r#"{"message": "oops"}"#)),
        ("502", Step::answer(502, "content-type: text/html\r\n", page)),
        ("503", Step::answer(503, "", "")),
        ("504", Step::answer(504, "", "")),
    ]
}

/// Every plain refusal.
fn refusals() -> Vec<(&'static str, Step)> {
    let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    vec![
        ("425", Step::answer(425, "", "")),
        ("429", Step::answer(429, "", "")),
        ("429 in seconds", Step::answer(429, "retry-after: 0\r\n", "")),
        ("429 by date", Step::answer(429, date, "")),
        ("429 with limits", Step::answer(429, "ratelimit-remaining: 0\r\nratelimit-reset: 0\r\n", "")),
        ("503 with a time", Step::answer(503, "retry-after: 0\r\n", "")),
    ]
}

#[test]
fn reads_and_whole_values_are_tried_again_after_every_fault() {
    for (name, step) in doubtful().into_iter().chain(refusals()) {
        for request in [get(), patch()] {
            let server = Scripted::new(vec![step.clone(), step.clone(), ok()]);
            let client = client(&server.base_url(), quick());
            let answer = send(&client, &request, Repeat::Freely).unwrap_or_else(|fault| panic!("{name}: {fault}"));
            assert_eq!((answer.response.status, answer.doubtful), (200, false), "{name}");
            assert_eq!((server.seen().len(), client.effort().0), (3, 2), "{name}");
        }
    }
}

#[test]
fn a_create_is_never_sent_again_when_it_may_have_been_done() {
    for (name, step) in doubtful() {
        let server = Scripted::new(vec![step, ok()]);
        let open = match send(&client(&server.base_url(), quick()), &post(), Repeat::OnlyIfRefused) {
            Ok(answer) => answer.doubtful,
            Err(fault) => fault.maybe_done,
        };
        assert!(open, "{name}: it is left open whether it was done");
        assert_eq!(server.seen().len(), 1, "{name}: sent once");
    }
}

#[test]
fn a_create_is_sent_again_when_it_was_plainly_refused() {
    for (name, step) in refusals() {
        let server = Scripted::new(vec![step, ok()]);
        let answer = send(&client(&server.base_url(), quick()), &post(), Repeat::OnlyIfRefused).expect(name);
        assert_eq!((answer.response.status, server.seen().len()), (200, 2), "{name}");
    }
}

#[test]
fn a_refused_connection_leaves_nothing_open() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let client = client(&format!("http://{closed}"), quick());
    let fault = send(&client, &post(), Repeat::OnlyIfRefused).expect_err("a fault");
    assert!(!fault.maybe_done, "{fault:?}");
    assert_eq!(client.effort().0, 3, "nothing can have reached it, so even a create is tried again");
}

#[test]
fn an_answer_that_takes_too_long_is_given_up_also_byte_by_byte() {
    let patience = Patience { retries: 0, timeout: Duration::from_millis(300), ..quick() };
    let Step::Bytes(bytes) = ok() else { panic!("bytes") };
    for step in [Step::Silence(Duration::from_secs(20)), Step::Slowly(bytes, Duration::from_millis(30))] {
        let server = Scripted::new(vec![step]);
        let begun = Instant::now();
        let fault = send(&client(&server.base_url(), patience), &post(), Repeat::OnlyIfRefused).expect_err("a fault");
        assert!(
            fault.maybe_done && fault.message.contains("300ms") && fault.help.is_some_and(|help| help.contains("--timeout"))
        );
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_slow_answer_within_the_time_is_taken() {
    let Step::Bytes(bytes) = ok() else { panic!("bytes") };
    let server = Scripted::new(vec![Step::Slowly(bytes, Duration::from_millis(1))]);
    let answer = send(&client(&server.base_url(), quick()), &get(), Repeat::Freely).expect("an answer");
    assert_eq!(answer.response.body, Body::Json(json!({"persona_id": "p1"})));
}

#[test]
fn tries_end_at_the_limit_and_the_last_answer_is_given() {
    let server = Scripted::new(vec![Step::answer(503, "", r#"{"message": "later"}"#)]);
    for retries in [0, 2] {
        let before = server.seen().len();
        let patience = Patience { retries, ..quick() };
        let answer = send(&client(&server.base_url(), patience), &get(), Repeat::Freely).expect("an answer");
        assert_eq!((answer.response.status, server.seen().len() - before), (503, retries as usize + 1));
    }
}

#[test]
fn a_service_that_asks_for_more_patience_than_there_is_is_left_alone() {
    let server = Scripted::new(vec![Step::answer(429, "retry-after: 3600\r\n", ""), ok()]);
    let answer = send(&client(&server.base_url(), quick()), &get(), Repeat::Freely).expect("an answer");
    assert_eq!((answer.response.status, answer.asked), (429, Some(Duration::from_secs(3600))));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn what_a_service_asks_for_is_waited() {
    let server = Scripted::new(vec![Step::answer(429, "retry-after: 1\r\n", ""), ok()]);
    let begun = Instant::now();
    send(&client(&server.base_url(), quick()), &get(), Repeat::Freely).expect("an answer");
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[test]
fn clear_answers_are_not_tried_again() {
    for status in [200, 201, 204, 304, 400, 401, 403, 404, 409, 422, 501] {
        let server = Scripted::new(vec![Step::answer(status, "", if status == 204 || status == 304 { "" } else { "{}" })]);
        let answer = send(&client(&server.base_url(), quick()), &patch(), Repeat::Freely).expect("an answer");
        assert_eq!((answer.response.status, answer.doubtful, server.seen().len()), (status, false, 1));
    }
}

#[test]
fn a_refusal_after_a_lost_answer_does_not_prove_that_nothing_was_done() {
    let server = Scripted::new(vec![Step::Close, Step::answer(422, "", "{}")]);
    let answer = send(&client(&server.base_url(), quick()), &patch(), Repeat::Freely).expect("an answer");
    assert_eq!((answer.response.status, answer.doubtful), (422, true));
}

#[test]
fn an_answer_without_end_is_not_read() {
    for head in ["HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"] {
        let server = Scripted::new(vec![Step::Endless(head.into())]);
        let patience = Patience { timeout: Duration::from_secs(60), ..quick() };
        let fault = send(&client(&server.base_url(), patience), &get(), Repeat::Freely).expect_err("a fault");
        assert!(fault.message.contains("more than 64 MiB"), "{fault}");
        assert_eq!(server.seen().len(), 1, "and not asked for again");
    }
}

#[test]
fn a_long_refusal_is_cut() {
    let server = Scripted::new(vec![Step::Endless(b"HTTP/1.1 400 No\r\nconnection: close\r\n\r\nno".to_vec())]);
    let answer = send(&client(&server.base_url(), quick()), &post(), Repeat::OnlyIfRefused).expect("an answer");
    assert_eq!(answer.response.status, 400);
}

#[test]
fn a_redirect_is_not_followed_and_the_key_stays_here() {
    let other = Scripted::new(vec![ok()]);
    for status in [301, 302, 303, 307, 308] {
        let place = format!("location: {}/v2/personas?echo={KEY}\r\n", other.base_url());
        let server = Scripted::new(vec![Step::answer(status, &place, "")]);
        for (request, repeat) in [(get(), Repeat::Freely), (post(), Repeat::OnlyIfRefused)] {
            let fault = send(&client(&server.base_url(), quick()), &request, repeat).expect_err("a fault");
            assert!(fault.message.contains(&format!("answered {status}, a redirect to {}", other.base_url())), "{fault}");
            assert!(fault.help.as_ref().is_some_and(|help| help.contains("`base_url`")) && !fault.maybe_done);
            assert!(!format!("{fault:?}").contains(KEY));
        }
    }
    assert_eq!(other.seen(), Vec::<String>::new(), "nothing reached the other host");
}

#[test]
fn retries_are_told_before_they_are_made() {
    #[derive(Default)]
    struct Log(Mutex<Vec<String>>);
    impl Watcher for Log {
        fn retrying(&self, retry: &Retry<'_>) {
            let line =
                format!("{} {}: {} ({} of {})", retry.request.method, retry.request.path, retry.why, retry.number, retry.of);
            self.0.lock().expect("nobody panics").push(line);
        }
    }
    let server = Scripted::new(vec![Step::answer(503, "", ""), Step::answer(429, "", ""), ok()]);
    let log = Arc::new(Log::default());
    let client = client(&server.base_url(), quick()).watched_by(log.clone());
    send(&client, &get(), Repeat::Freely).expect("an answer");
    let lines = log.0.lock().expect("nobody panics").clone();
    assert_eq!(lines, ["GET /v2/personas/p1: answered 503 (1 of 3)", "GET /v2/personas/p1: answered 429 (2 of 3)"]);
}

#[test]
fn plain_http_is_for_this_machine_or_for_who_says_so() {
    let service = providers::find("tavus").expect("one").service();
    let limits = Limits { concurrency: 1, per_second: None };
    let made = |base_url: &str, insecure| {
        let home = Home { service, base_url, insecure, limits };
        Client::new(&home, &SecretString::from(KEY), &[], quick()).map(drop)
    };
    for url in
        ["http://api.example.com", "HTTP://10.0.0.1:80/x", "http://localhost.example.com", "http://127.0.0.1.example.com"]
    {
        assert!(matches!(made(url, false), Err(ClientError::Insecure)), "{url}");
    }
    assert!(matches!(made("no address", true), Err(ClientError::BadAddress)));
    for url in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "HTTP://LOCALHOST"] {
        assert!(made(url, false).is_ok(), "{url}");
    }
}

const ADA: &str = "name: Ada\nprompt: Be kind.\ntargets: { tavus: { greeting: Hi } }\n";

/// A project whose one account is at this address.
fn at(base_url: &str, more: &str) -> Project {
    let account = format!("accounts: {{ tavus: {{ base_url: \"{base_url}\"{more} }} }}\n");
    let mut project = Project::new(&[("personaform.yaml", &account), ("personas/ada.yaml", ADA)]);
    project.set("TAVUS_API_KEY", "key-of-the-miniature");
    project
}

#[test]
fn retrying_is_shown_and_its_totals_are_in_the_outcome() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let running = runtime.block_on(async {
        let miniature = providers::miniature("tavus", "key-of-the-miniature").expect("one");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        serve(listener, [("tavus".to_owned(), miniature)].into(), None).await.expect("it serves")
    });
    let refuse = |status| Some(Ordered::Refuse { status, retry_after: Some(0) });
    let project = at(&running.base_url("tavus"), "");
    running.schedule("tavus", [refuse(503), None, refuse(429)]);
    let run = project.run(&["--format", "json", "apply", "-y", "-v"]).ends(0);
    assert_eq!(run.json()["retries"], json!(2));
    assert!(run.json()["waited_seconds"].as_f64().is_some_and(|waited| waited > 0.0));
    assert!(
        run.stderr.contains("GET /v2/personas?limit=100&page=1&persona_type=user: answered 503; trying again in"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("POST /v2/personas: answered 429; trying again in") && run.stderr.contains("(1 of 3)"),
        "{}",
        run.stderr
    );

    project.edit("personas/ada.yaml", "Be kind.", "Be brief.");
    running.schedule("tavus", [None, Some(Ordered::LoseAnswer)]);
    let run = project.run(&["apply", "-y"]).ends(0);
    assert!(run.stdout.contains("Tried again once, after "), "{}", run.stdout);
    assert!(!run.stderr.contains("trying again"), "only with -v: {}", run.stderr);

    project.edit("personas/ada.yaml", "Be brief.", "Be kind.");
    running.schedule("tavus", [refuse(503)]);
    project.run(&["plan", "--retries", "0"]).ends(1);
    running.relent();

    // An insertion into a list is not sent twice: the object tells that it was done.
    project.edit("personas/ada.yaml", "greeting: Hi", "greeting: Hi, document_tags: [a, b]");
    project.run(&["apply", "-y"]).ends(0);
    project.edit("personas/ada.yaml", "[a, b]", "[a, b, c]");
    let plan = project.run(&["--format", "json", "plan"]).ends(0).json();
    assert_eq!(plan["changes"][0]["requests"][0]["body"][0]["op"], "add", "{plan:#}");
    running.schedule("tavus", [None, None, Some(Ordered::LoseAnswer)]);
    let before = running.log().len();
    project.run(&["apply", "-y"]).ends(0);
    let patches = running.log()[before..].iter().filter(|entry| entry.method == "PATCH").count();
    assert_eq!(patches, 1);
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn the_pace_of_an_account_is_kept() {
    let server = Project::new(&[("personaform.yaml", "accounts: { tavus: {} }\n"), ("personas/.keep", "")]);
    let served = Served::start(&server);
    let mut project = at(&served.base_url("tavus"), ", limits: { concurrency: 2, per_second: 4 }");
    project.set("TAVUS_API_KEY", &served.key("tavus"));
    for key in ["bea", "cyd", "dan"] {
        project.write(&format!("personas/{key}.yaml"), &ADA.replace("Ada", key));
    }
    let begun = Instant::now();
    let outcome = project.run(&["--format", "json", "apply", "-y"]).ends(0).json();
    // One list, four creates, four reads: nine requests, of which four may go out at once.
    assert!(begun.elapsed() >= Duration::from_millis(1200), "{:?}", begun.elapsed());
    assert_eq!((&outcome["summary"]["done"], &outcome["retries"]), (&json!(4), &json!(0)));
    let (_, list) = served.request("tavus", "GET", "/v2/personas?persona_type=user", None);
    assert_eq!(list["data"].as_array().map(Vec::len), Some(4));
}

#[test]
fn limits_are_checked_where_they_are_written() {
    let project = at("https://x.example", ", limits: { concurrency: 0, per_second: fast, burst: 3 }, insecure: maybe");
    let run = project.run(&["validate"]).ends(5);
    for wrong in ["concurrency", "per_second", "burst", "insecure"] {
        assert!(run.stderr.contains(wrong), "{wrong}: {}", run.stderr);
    }
    for timeout in ["0s", "5 parsecs", "2h"] {
        let run = project.run(&["plan", "--timeout", timeout]);
        assert!(run.code == 1 && run.stderr.contains("--timeout"), "{}", run.stderr);
    }
}
