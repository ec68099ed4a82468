//! A service that is not there at all: a few requests find out, the others are not sent, and what is said of thousands can be read.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use personaform::providers;
use personaform::sandbox::{Running, serve};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::Project;

const KEY: &str = "key-of-the-miniature";

/// Requests under way at once, as the account says.
const AT_ONCE: usize = 4;

/// How many requests in a row find out.
const ROW: usize = 3;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// Tavus and Bland at an address.
fn services(runtime: &Runtime, address: SocketAddr) -> Running {
    let miniatures = ["tavus", "bland"].map(|name| (name.to_owned(), providers::miniature(name, KEY).expect("one")));
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.expect("a port");
        serve(listener, miniatures.into(), None).await.expect("it serves")
    })
}

fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address")
}

fn accounts(tavus: &str, bland: &str) -> String {
    let limits = format!("limits: {{ concurrency: {AT_ONCE} }}");
    format!("accounts:\n  tavus: {{ base_url: \"{tavus}\", {limits} }}\n  bland: {{ base_url: \"{bland}\", {limits} }}\n")
}

fn persona(account: &str, name: &str) -> String {
    format!("name: {name}\nprompt: Be kind.\ntargets: {{ {account}: {{}} }}\n")
}

fn project(running: &Running, tavus: usize, bland: usize) -> Project {
    let mut project = Project::new(&[]);
    project.write("personaform.yaml", &accounts(&running.base_url("tavus"), &running.base_url("bland")));
    for (account, number) in (0..tavus).map(|number| ("tavus", number)).chain((0..bland).map(|number| ("bland", number))) {
        project.write(&format!("personas/{account}{number:03}.yaml"), &persona(account, &format!("P{number:03}")));
    }
    project.set("TAVUS_API_KEY", KEY);
    project.set("BLAND_API_KEY", KEY);
    project
}

/// A text without the line breaks that a narrow page makes.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Listens, and closes every connection at once; counts them.
fn slams() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, seen)
}

#[test]
fn two_hundred_targets_of_an_account_that_is_not_there_take_a_few_requests_and_one_remark() {
    let runtime = runtime();
    let running = services(&runtime, nowhere());
    let mut project = project(&running, 200, 5);
    project.run(&["apply", "-y"]).ends(0);
    let closed = nowhere();
    project.write("personaform.yaml", &accounts(&format!("http://{closed}"), &running.base_url("bland")));
    (0..5).for_each(|number| project.edit(&format!("personas/bland{number:03}.yaml"), "Be kind.", "Be brief."));

    let begun = Instant::now();
    let run = project.run(&["plan", "--format", "json", "-v", "--retries", "1"]).ends(1);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let plan = run.json();
    let changed: Vec<&Value> = plan["changes"].as_array().expect("changes").iter().map(|change| &change["address"]).collect();
    assert_eq!(changed, ["bland.bland000", "bland.bland001", "bland.bland002", "bland.bland003", "bland.bland004"]);
    let blocked = plan["blocked"].as_array().expect("blocked");
    assert_eq!(blocked.len(), 200);
    let unsent = format!("it cannot be read: not sent: `{closed}` could not be reached by 3 requests in a row: ");
    let next = json!(format!("is `http://{closed}` right, and reachable from here?"));
    let (mut together, mut alone) = (0, 0);
    for target in blocked {
        let why = target["why"].as_str().expect("a reason");
        assert!(why.contains("Connection refused") && target["help"] == next, "{target}");
        if why.starts_with(&unsent) { together += 1 } else { alone += 1 }
    }
    // The list was the first to find out.
    assert!((ROW - 1..ROW + AT_ONCE).contains(&alone), "{alone} of {blocked:#?}");
    let again = run.stderr.lines().filter(|line| line.starts_with("tavus: ") && line.contains("trying again")).count();
    assert!((ROW..=ROW + AT_ONCE).contains(&again), "{}", run.stderr);

    let run = project.run(&["plan", "--retries", "0"]).ends(1);
    let text = flat(&run.stdout);
    let (_, remark) = text.split_once(" targets at tavus: ").unwrap_or_else(|| panic!("{}", run.stdout));
    assert!(remark.starts_with(&unsent) && remark.contains(", and 1"), "{remark}");
    assert!(text.contains("update bland.bland004") && text.contains(", 200 blocked."), "{text}");
    assert!(run.stdout.lines().count() < 120, "it can be read: {}", run.stdout);
    assert!(together > 190);
    let drift = project.run(&["drift", "--retries", "0"]);
    assert!(flat(&drift.stdout).contains(" targets at tavus: ") && drift.stdout.lines().count() < 120, "{drift:?}");

    // Attempts, as the other side sees them: nobody gets as far as TLS here.
    let (address, seen) = slams();
    project.write("personaform.yaml", &accounts(&format!("https://{address}"), &running.base_url("bland")));
    let authority = rcgen::generate_simple_self_signed(["nobody.example".to_owned()]).expect("a certificate");
    project.write("authority.pem", &authority.cert.pem());
    let trusted = project.path("authority.pem").display().to_string();
    project.set("SSL_CERT_FILE", &trusted);
    let plan = project.run(&["plan", "--format", "json", "--retries", "0"]).ends(1).json();
    assert_eq!(plan["blocked"].as_array().map(Vec::len), Some(200));
    let attempts = seen.load(Ordering::SeqCst);
    assert!((ROW..ROW + AT_ONCE).contains(&attempts), "{attempts}");
}

#[test]
fn a_service_that_goes_away_before_an_apply_leaves_the_rest_not_started_and_nothing_open() {
    let runtime = runtime();
    let address = nowhere();
    let running = services(&runtime, address);
    let project = project(&running, 30, 1);
    project.run(&["plan", "-o", "plan.json"]).ends(0);
    runtime.block_on(running.stop());
    let outcome = project.run(&["apply", "plan.json", "-y", "--format", "json", "--retries", "0"]);
    let entries = outcome.json()["entries"].as_array().expect("entries").clone();
    let tavus = entries.iter().filter(|entry| entry["address"].as_str().is_some_and(|address| address.starts_with("tavus.")));
    let (failed, waiting): (Vec<&Value>, Vec<&Value>) = tavus.partition(|entry| entry["ending"] == "failed");
    assert!((ROW..ROW + AT_ONCE).contains(&failed.len()), "{entries:#?}");
    assert_eq!(failed.len() + waiting.len(), 30);
    for entry in waiting {
        let message = entry["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(&format!("not sent: `{address}` could not be reached by 3 requests")), "{entry}");
        assert_eq!((&entry["ending"], &entry["requests_sent"]), (&json!("not_started"), &json!(0)));
        assert_eq!(entry["exchanges"].as_array().map_or(0, Vec::len), 0, "{entry}");
    }
    assert_eq!(crate::service::recorded(&project)["pending"], json!({}), "nothing can have been made");
    let running = services(&runtime, address);
    project.run(&["apply", "-y"]).ends(0);
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
    assert_eq!(running.log().iter().filter(|entry| entry.method == "POST" && entry.path.contains("/v2/")).count(), 30);
}

/// The system answers for a listener until so many connections wait, and not at all from then on.
#[cfg(target_os = "linux")]
#[test]
fn packets_that_are_swallowed_are_failures_to_connect() {
    use personaform::http::{Client, Home, Patience, Repeat};
    use personaform::plan::{Method, Request};
    use personaform::provider::Limits;
    use secrecy::SecretString;

    runtime().block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("bound");
        let listener = socket.listen(1).expect("it listens");
        let address = listener.local_addr().expect("an address");
        let mut waiting = Vec::new();
        while let Ok(one) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            waiting.push(one);
            assert!(waiting.len() < 64, "it never ends");
        }
        let limits = Limits { concurrency: 1, per_second: None };
        let service = providers::find("tavus").expect("one").service();
        let base_url = format!("http://{address}");
        let home = Home { service, base_url: &base_url, insecure: false, limits };
        let patience = Patience { retries: 0, timeout: Duration::from_millis(600), ..Patience::default() };
        let client = Client::new(&home, &SecretString::from(KEY), &[], patience).expect("a client");
        let create = Request::new(Method::Post, "/v2/personas").with_body(json!({}));
        for _ in 0..ROW {
            let fault = client.send(&create, &create, Repeat::OnlyIfRefused).await.expect_err("no answer");
            assert!(fault.message.starts_with("no connection within 300ms: ") && !fault.maybe_done, "{fault:?}");
        }
        let begun = Instant::now();
        let fault = client.send(&create, &create, Repeat::OnlyIfRefused).await.expect_err("no answer");
        assert!(fault.unsent && !fault.maybe_done && fault.message.contains("no connection within 300ms"), "{fault:?}");
        assert!(begun.elapsed() < Duration::from_millis(200));
    });
}
