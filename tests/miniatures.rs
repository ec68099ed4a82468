//! The miniatures over real HTTP: mounts, log, faults, panics, and the folder that outlives the server. What each service
//! answers is tested beside its miniature.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use personaform::providers::{anam, bland, opengiant, tavus};
use personaform::sandbox::{Fault, FolderError, Incoming, Miniature, Outgoing, Running, ServeError, serve};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

fn all() -> BTreeMap<String, Box<dyn Miniature>> {
    BTreeMap::from([
        ("tavus".to_owned(), Box::new(tavus::sandbox::Sandbox::new("key")) as Box<dyn Miniature>),
        ("anam".to_owned(), Box::new(anam::sandbox::Sandbox::new("key"))),
        ("bland-eu".to_owned(), Box::new(bland::sandbox::Sandbox::new("key"))),
        ("opengiant".to_owned(), Box::new(opengiant::sandbox::Sandbox::new("key"))),
    ])
}

fn one(name: &str, miniature: impl Miniature + 'static) -> BTreeMap<String, Box<dyn Miniature>> {
    BTreeMap::from([(name.to_owned(), Box::new(miniature) as Box<dyn Miniature>)])
}

async fn started(miniatures: BTreeMap<String, Box<dyn Miniature>>, folder: Option<&Path>) -> Result<Running, ServeError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    serve(listener, miniatures, folder.map(Path::to_owned)).await
}

fn client() -> reqwest::Client {
    // A second call finds the provider installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

async fn send(client: &reqwest::Client, method: Method, url: String, header: (&str, &str), body: Value) -> (u16, String) {
    let request = client.request(method, url).header(header.0, header.1).body(body.to_string());
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

#[tokio::test]
async fn every_mount_answers_in_its_own_manner_and_is_logged() {
    let server = started(all(), None).await.expect("it serves");
    let client = client();
    let prompt = json!({ "name": "Ada", "system_prompt": "Be kind." });
    for (name, path, header, wanted) in [
        ("tavus", "/v2/personas?a=b", ("x-api-key", "key"), 200),
        ("anam", "/v1/personas", ("authorization", "Bearer key"), 201),
        ("bland-eu", "/v1/personas", ("authorization", "key"), 200),
        ("opengiant", "/v1/personas", ("authorization", "Bearer key"), 200),
        ("tavus", "/v2/personas", ("authorization", "key"), 401),
        ("nobody", "/v1/personas", ("authorization", "key"), 404),
    ] {
        let url = format!("{}{path}", server.base_url(name));
        let (status, body) = send(&client, Method::POST, url, header, prompt.clone()).await;
        assert_eq!(status, wanted, "{name}: {body}");
        let entry = server.log().pop().expect("an entry");
        assert_eq!((entry.mount.as_str(), entry.method.as_str(), entry.path.as_str()), (name, "POST", path));
        assert_eq!((entry.status, entry.trouble), (wanted, None));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_304_travels_without_a_body() {
    let miniature = Arc::new(Mutex::new(tavus::sandbox::Sandbox::new("key")));
    let id = miniature.lock().expect("nobody panics").seed(json!({ "persona_name": "Ada", "system_prompt": "Be kind." }));
    let server = started(one("tavus", miniature), None).await.expect("it serves");
    let url = format!("{}/v2/personas/{id}", server.base_url("tavus"));
    let answer = send(&client(), Method::PATCH, url, ("x-api-key", "key"), json!([])).await;
    assert_eq!(answer, (304, String::new()));
}

#[tokio::test]
async fn the_folder_outlives_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = client();
    let header = ("authorization", "key");
    let body = json!({ "name": "Ada" });
    let server = started(all(), Some(folder.path())).await.expect("it serves");
    send(&client, Method::POST, format!("{}/v1/personas", server.base_url("bland-eu")), header, body.clone()).await;
    let read = format!("{}/v2/personas", server.base_url("tavus"));
    assert_eq!(send(&client, Method::GET, read, ("x-api-key", "key"), Value::Null).await.0, 200);
    server.stop().await;

    let kept = fs::read(folder.path().join("bland-eu.json")).expect("a store");
    assert!(!folder.path().join("tavus.json").exists(), "a read writes nothing");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.path().join("bland-eu.json")).expect("a store").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let server = started(all(), Some(folder.path())).await.expect("it serves again");
    let list = format!("{}/v1/personas", server.base_url("bland-eu"));
    let (_, page) = send(&client, Method::GET, list.clone(), header, Value::Null).await;
    let page: Value = serde_json::from_str(&page).expect("JSON");
    assert_eq!((page["data"].as_array().map(Vec::len), &page["data"][0]["name"]), (Some(1), &json!("Ada")));
    assert_eq!(fs::read(folder.path().join("bland-eu.json")).expect("a store"), kept);
    send(&client, Method::POST, list.clone(), header, body).await;
    let (_, page) = send(&client, Method::GET, list, header, Value::Null).await;
    let page: Value = serde_json::from_str(&page).expect("JSON");
    assert_ne!(page["data"][0]["id"], page["data"][1]["id"], "ids go on where they stopped");
}

#[tokio::test]
async fn a_folder_in_use_is_refused_until_its_server_has_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = started(all(), Some(folder.path())).await.expect("it serves");
    // A connection that is kept alive must not keep the lock alive.
    let client = client();
    send(&client, Method::GET, server.base_url("tavus"), ("x-api-key", "key"), Value::Null).await;
    let refusal = started(all(), Some(folder.path())).await.expect_err("it is in use");
    assert!(matches!(&refusal, ServeError::Folder(FolderError::InUse(path)) if path == folder.path()), "{refusal}");
    drop(server);
    started(all(), Some(folder.path())).await.expect("it is free");
}

#[tokio::test]
async fn a_damaged_store_is_named_and_left_alone() {
    for damage in ["{ \"ticks\": ", "{ \"ticks\": 1, \"somebody_elses\": {} }"] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("anam.json");
        fs::write(&file, damage).expect("it is written");
        let refusal = started(all(), Some(folder.path())).await.expect_err("it is damaged");
        assert!(refusal.to_string().contains(&file.display().to_string()), "{refusal}");
        assert_eq!(fs::read_to_string(&file).expect("a store"), damage);
        fs::remove_file(&file).expect("it is removed");
        started(all(), Some(folder.path())).await.expect("the refusal has left no lock");
    }
}

#[tokio::test]
async fn a_mount_name_that_is_no_file_name_is_refused() {
    for name in ["", "../tavus", "a.b"] {
        let refusal = started(one(name, tavus::sandbox::Sandbox::new("key")), None).await.expect_err("no such name");
        assert!(matches!(refusal, ServeError::MountName(_)), "{name}");
    }
}

/// Counts requests, and panics half-way through the one that asks for it.
#[derive(Default)]
struct Fragile {
    count: u64,
}

impl Miniature for Fragile {
    fn handle(&mut self, request: &Incoming) -> Outgoing {
        self.count += 1;
        assert!(request.path != "/panic", "something is wrong");
        Outgoing::json(200, json!({ "count": self.count, "bytes": request.body.len() }))
    }

    fn store(&self) -> Value {
        json!(self.count)
    }

    fn restore(&mut self, store: Value) -> Result<(), String> {
        self.count = store.as_u64().ok_or("not a number")?;
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_is_answered_logged_and_undone() {
    let server = started(one("fragile", Fragile::default()), None).await.expect("it serves");
    let client = client();
    let url = |path: &str| format!("{}{path}", server.base_url("fragile"));
    send(&client, Method::GET, url("/"), ("a", "b"), Value::Null).await;
    let (status, body) = send(&client, Method::GET, url("/panic"), ("a", "b"), Value::Null).await;
    assert!(status == 500 && body.contains("something is wrong"), "{status} {body}");
    assert!(server.log()[1].trouble.as_ref().is_some_and(|trouble| trouble.contains("something is wrong")));
    let (status, body) = send(&client, Method::GET, url("/"), ("a", "b"), json!("")).await;
    assert_eq!((status, body.as_str()), (200, r#"{"bytes":2,"count":2}"#));
}

#[tokio::test]
async fn a_store_that_cannot_be_kept_is_a_failure_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("inner");
    let server = started(one("fragile", Fragile::default()), Some(&inner)).await.expect("it serves");
    fs::remove_dir_all(&inner).expect("the folder goes");
    let client = client();
    let (status, _) = send(&client, Method::GET, server.base_url("fragile"), ("a", "b"), Value::Null).await;
    assert_eq!(status, 500);
    assert!(server.log()[0].trouble.as_ref().is_some_and(|trouble| trouble.contains("fragile.json")));
    fs::create_dir(&inner).expect("the folder comes back");
    let (_, body) = send(&client, Method::GET, server.base_url("fragile"), ("a", "b"), Value::Null).await;
    assert!(body.contains(r#""count":1"#), "{body}");
}

#[tokio::test]
async fn bodies_are_taken_up_to_32_mebibytes() {
    let server = started(one("fragile", Fragile::default()), None).await.expect("it serves");
    let client = client();
    for (size, wanted) in [(32 << 20, Some(200)), ((32 << 20) + 1, Some(413))] {
        // A refused upload may break off before the answer is read.
        let sent = client.post(server.base_url("fragile")).body(vec![b' '; size]).send().await;
        assert!(sent.as_ref().map_or(size > 32 << 20, |answer| Some(answer.status().as_u16()) == wanted), "{sent:?}");
    }
    let statuses: Vec<u16> = server.log().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [200, 413]);
}

#[tokio::test]
async fn faults_strike_once_each() {
    let server = started(one("fragile", Fragile::default()), None).await.expect("it serves");
    let client = client();
    server.inject("fragile", Fault::Refuse { status: 429, retry_after: Some(7) });
    server.inject("fragile", Fault::LoseAnswer);
    let answer = client.get(server.base_url("fragile")).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()), (429, &b"7"[..]));
    let lost = client.get(server.base_url("fragile")).send().await;
    if let Ok(answer) = lost {
        answer.bytes().await.expect_err("the body breaks off");
    }
    let (_, body) = send(&client, Method::GET, server.base_url("fragile"), ("a", "b"), Value::Null).await;
    assert!(body.contains(r#""count":2"#), "the refused request did nothing, the lost one did: {body}");
}
