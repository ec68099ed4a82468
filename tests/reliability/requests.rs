//! How many requests a look at the services takes, counted in their own logs, and how these share time and connections.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use personaform::http::{Client, Home, Patience};
use personaform::persona::name::{AccountName, Manage};
use personaform::plan::planner::Observation;
use personaform::plan::{Address, Document, Record, RemoteId, Resource};
use personaform::provider::Limits;
use personaform::providers::{self, tavus};
use personaform::reconcile::{Connection, Interest, Reader, Refreshed, read_ahead, refresh};
use personaform::sandbox::{Incoming, Miniature, Running, serve};
use personaform::state::Sealer;
use secrecy::SecretString;
use serde_json::{Value, json};

const KEY: &str = "key-for-tests";

fn connection(provider: &str, base_url: &str) -> Connection {
    let provider = providers::find(provider).expect("one");
    let limits = Limits { concurrency: 4, per_second: None };
    let home = Home { service: provider.service(), base_url, insecure: false, limits };
    let patience = Patience { retries: 0, timeout: Duration::from_secs(20), ..Patience::default() };
    let client = Client::new(&home, &SecretString::from(KEY), &[], patience).expect("a client");
    let sealer = Arc::new(Sealer::new(&"ab".repeat(32), &BTreeMap::new()).expect("a sealer"));
    let account = AccountName::new(provider.id());
    Connection { account, provider, client, base_url: base_url.to_owned(), key_variable: "KEY".to_owned(), sealer }
}

fn address(provider: &str, number: usize) -> Address {
    Address::parse(&format!("{provider}.p{number:04}")).expect("an address")
}

fn recorded(provider: &str, ids: &[String]) -> BTreeMap<Address, Record> {
    let record = |id: &String| Record {
        provider: provider.to_owned(),
        id: RemoteId::new(id.clone()),
        name: String::new(),
        applied: Document::default(),
        prevent_destroy: false,
        force_destroy: false,
        resisted: Vec::new(),
        manage: Manage::Full,
        written_at: "2026-11-22T00:00:00Z".to_owned(),
    };
    ids.iter().enumerate().map(|(number, id)| (address(provider, number), record(id))).collect()
}

/// Looks at what is recorded and at what is wanted besides.
async fn look(
    connection: &Connection,
    recorded: &BTreeMap<Address, Record>,
    desired: &BTreeMap<Address, Resource>,
) -> Refreshed {
    let readers = BTreeMap::from([(connection.account.clone(), Reader::of(connection))]);
    let (pending, moves) = (BTreeMap::new(), BTreeMap::new());
    refresh(&readers, Interest { desired, recorded, pending: &pending, moves: &moves, scope: &|_| true }).await
}

fn present(refreshed: &Refreshed) -> usize {
    refreshed.observed.values().filter(|seen| matches!(seen, Observation::Present(_))).count()
}

/// A service with so many personas, and their ids.
async fn served(provider: &str, personas: usize) -> (Running, Vec<String>) {
    let call = |method: &str, path: &str, body: &Value| {
        let incoming = Incoming::new(method, path).with_json(body).with_header("x-api-key", KEY);
        incoming.with_header("authorization", if provider == "anam" { "Bearer key-for-tests" } else { KEY })
    };
    let mut ids = Vec::new();
    let miniature: Box<dyn Miniature> = match provider {
        "tavus" => {
            let mut service = tavus::sandbox::Sandbox::new(KEY);
            ids.extend((0..personas).map(|number| service.seed(json!({ "persona_name": format!("Persona {number}") }))));
            Box::new(service)
        }
        _ => {
            let mut service = providers::miniature(provider, KEY).expect("one");
            for number in 0..personas {
                let body = json!({ "name": format!("Persona {number}"), "personality_prompt": "Be kind." });
                let body = if provider == "anam" { json!({ "name": body["name"], "systemPrompt": "Be kind." }) } else { body };
                let answer = service.handle(&call("POST", "/v1/personas", &body));
                let body = answer.body.unwrap_or_default();
                let id = body["id"].as_str().or(body["data"]["id"].as_str());
                ids.push(id.unwrap_or_else(|| panic!("no id: {body}")).to_owned());
            }
            service
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let miniatures = BTreeMap::from([(provider.to_owned(), miniature)]);
    (serve(listener, miniatures, None).await.expect("it serves"), ids)
}

/// The list pages and the single reads that a service was asked for; none of these twice.
fn asked(running: &Running) -> (usize, usize) {
    let log = running.log();
    let paths: BTreeSet<&str> = log.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths.len(), log.len(), "nothing is asked twice: {log:?}");
    assert!(log.iter().all(|entry| entry.method == "GET" && entry.status == 200), "{log:?}");
    let pages = paths.iter().filter(|path| path.contains("page=")).count();
    (pages, log.len() - pages)
}

#[tokio::test]
async fn whole_lists_take_one_request_per_page_and_no_single_read() {
    for (provider, pages) in [("tavus", 3), ("bland", 3)] {
        let (running, ids) = served(provider, 250).await;
        let connection = connection(provider, &running.base_url(provider));
        let refreshed = look(&connection, &recorded(provider, &ids), &BTreeMap::new()).await;
        assert_eq!((present(&refreshed), asked(&running)), (250, (pages, 0)), "{provider}");
    }
}

#[tokio::test]
async fn what_was_read_ahead_is_taken_over_and_not_asked_again() {
    // Of how many objects, and how many requests of it are made before the files are known.
    for (provider, personas, early) in [("tavus", 250, 3), ("bland", 250, 3), ("anam", 120, 120), ("tavus", 3, 3)] {
        let (running, ids) = served(provider, personas).await;
        let connections = BTreeMap::from([(AccountName::new(provider), connection(provider, &running.base_url(provider)))]);
        let connection = &connections[&AccountName::new(provider)];
        let recorded = recorded(provider, &ids);
        let ahead = read_ahead(&connections, &recorded, |_| true).await;
        assert_eq!(running.log().len(), early, "{provider}");
        let (desired, pending, moves) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let interest = Interest { desired: &desired, recorded: &recorded, pending: &pending, moves: &moves, scope: &|_| true };
        let reader = Reader::of(connection).after(ahead.get(&connection.account));
        let seen = refresh(&BTreeMap::from([(connection.account.clone(), reader)]), interest).await;
        let _ = asked(&running);
        let asked_in_all = running.log().len();
        let plainly = look(connection, &recorded, &desired).await;
        assert_eq!(running.log().len(), 2 * asked_in_all, "{provider}: as many as without reading ahead");
        assert_eq!((present(&seen), seen.observed), (personas, plainly.observed), "{provider}");
        // Each answer is given out once: who looks again sees what is there then.
        let _ = refresh(&BTreeMap::from([(connection.account.clone(), reader)]), interest).await;
        assert_eq!(running.log().len(), 3 * asked_in_all, "{provider}");
    }
}

#[tokio::test]
async fn summaries_are_no_objects_so_each_is_read_once_and_no_list() {
    let (running, ids) = served("anam", 120).await;
    let connection = connection("anam", &running.base_url("anam"));
    let refreshed = look(&connection, &recorded("anam", &ids), &BTreeMap::new()).await;
    assert_eq!((present(&refreshed), asked(&running)), (120, (0, 120)));
}

#[tokio::test]
async fn a_few_objects_of_a_large_account_are_not_searched_for_page_by_page() {
    for (provider, ours, most) in [("tavus", 6, (1, 6)), ("bland", 6, (6, 6)), ("tavus", 3, (0, 3))] {
        let (running, mut ids) = served(provider, 750).await;
        // They are on the last page: one list begins with the oldest, the other with the newest.
        let begin = if provider == "tavus" { 740 } else { 0 };
        let ids: Vec<String> = ids.drain(begin..begin + ours).collect();
        let connection = connection(provider, &running.base_url(provider));
        let refreshed = look(&connection, &recorded(provider, &ids), &BTreeMap::new()).await;
        assert_eq!((present(&refreshed), asked(&running)), (ours, most), "{provider}");
    }
}

#[tokio::test]
async fn a_name_is_looked_for_on_every_page_while_what_is_known_is_taken_from_them() {
    for (provider, pages, reads) in [("tavus", 3, 0), ("bland", 4, 0), ("anam", 3, 250)] {
        let (running, ids) = served(provider, 250).await;
        let connection = connection(provider, &running.base_url(provider));
        let mut wanted = Resource {
            address: address(provider, 900),
            name: "Somebody new".to_owned(),
            fields: Document::default(),
            bind: None,
            release: true,
            ignore: Vec::new(),
            prevent_destroy: false,
            force_destroy: false,
            manage: Manage::Full,
        };
        let desired = BTreeMap::from([(address(provider, 900), wanted.clone())]);
        let refreshed = look(&connection, &recorded(provider, &ids), &desired).await;
        assert_eq!((present(&refreshed), asked(&running)), (250, (pages, reads)), "{provider}");
        wanted.name = "Persona 7".to_owned();
        let desired = BTreeMap::from([(address(provider, 900), wanted)]);
        let refreshed = look(&connection, &BTreeMap::new(), &desired).await;
        let found = format!("{:?}", refreshed.namesakes[&address(provider, 900)]);
        assert!(found.contains(ids[7].as_str()), "{provider}: {found}");
    }
}

/// Answers requests on connections that stay open, one thread each; counts the connections.
struct Kept {
    address: SocketAddr,
    connections: Arc<Mutex<usize>>,
}

impl Kept {
    fn serving(answer: impl Fn(&str) -> Value + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (connections, answer) = (Arc::new(Mutex::new(0)), Arc::new(answer));
        let count = Arc::clone(&connections);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let Ok(mut connection) = connection else { return };
                *count.lock().expect("whole") += 1;
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || {
                    let mut lines = BufReader::new(connection.try_clone().expect("a handle").take(u64::MAX));
                    loop {
                        let mut head = String::new();
                        while !head.ends_with("\r\n\r\n") {
                            if lines.read_line(&mut head).is_ok_and(|read| read == 0) {
                                return;
                            }
                        }
                        let body = answer(head.split(' ').nth(1).unwrap_or_default()).to_string();
                        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                        if connection.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, connections }
    }
}

#[test]
fn pages_whose_number_is_known_are_asked_for_at_once() {
    // Each further page is answered when all four of them have been asked for.
    let together = Barrier::new(4);
    let service = Kept::serving(move |path| {
        let page: usize = path.split("page=").nth(1).and_then(|rest| rest.split('&').next()?.parse().ok()).expect("a page");
        if page > 1 {
            together.wait();
        }
        let persona =
            |number: usize| json!({ "persona_id": format!("p{:04}", (page - 1) * 100 + number), "persona_name": "Ada" });
        json!({ "data": (0..100).map(persona).collect::<Vec<_>>(), "total_count": 500 })
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let connection = connection("tavus", &format!("http://{}", service.address));
    let ids: Vec<String> = (0..500).map(|number| format!("p{number:04}")).collect();
    let refreshed = runtime.block_on(look(&connection, &recorded("tavus", &ids), &BTreeMap::new()));
    assert_eq!(present(&refreshed), 500, "asked for one after the other, they are never answered");
}

#[test]
fn connections_are_used_again() {
    let service = Kept::serving(|path| {
        let id = path.rsplit('/').next().unwrap_or_default();
        json!({ "id": id, "name": "Ada", "systemPrompt": "Be kind." })
    });
    // As the program has it: with more threads, a fifth request may begin before it is known that a connection is free.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let connection = connection("anam", &format!("http://{}", service.address));
    let ids: Vec<String> = (0..200).map(|number| format!("d0000000-0000-4000-8000-{number:012}")).collect();
    let refreshed = runtime.block_on(look(&connection, &recorded("anam", &ids), &BTreeMap::new()));
    let connections = *service.connections.lock().expect("whole");
    assert_eq!(present(&refreshed), 200, "{:?}", refreshed.observed.values().next());
    assert!(connections <= 4, "{connections} connections for 200 requests, four at a time");
}
