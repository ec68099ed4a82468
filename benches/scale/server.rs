//! The services in another process: the miniatures of all four providers on loopback, with a latency, a log of what was asked, and a
//! way to put back what they held. Nothing is kept on disk, and nothing is copied per request, unlike in `personaform sandbox`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use personaform::providers;
use personaform::sandbox::{Incoming, Miniature, Outgoing};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cast::ACCOUNTS;

/// The key of every account.
pub(crate) const KEY: &str = "key-of-the-bench";

/// One request that was answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The account.
    pub(crate) account: String,
    /// `GET`, `POST`, …
    pub(crate) method: String,
    /// Path and query below the account's base URL.
    pub(crate) path: String,
    /// The body; empty if none.
    pub(crate) body: String,
    /// Status of the answer.
    pub(crate) status: u16,
    /// Bytes of the answer's body.
    pub(crate) answered: usize,
    /// One more than that of any request that was answered before this one came: what needs no answer shares a round.
    pub(crate) round: usize,
}

struct Shared {
    miniatures: BTreeMap<&'static str, Mutex<Box<dyn Miniature>>>,
    kept: Mutex<BTreeMap<String, BTreeMap<&'static str, Value>>>,
    log: Mutex<Vec<Asked>>,
    latency: Mutex<Duration>,
    /// The highest round that was answered.
    rounds: Mutex<usize>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until the process is ended; prints the port.
#[expect(clippy::print_stdout, reason = "the port is this process's answer")]
pub(crate) fn run() -> Result<(), Box<dyn std::error::Error>> {
    let miniatures =
        ACCOUNTS.into_iter().filter_map(|account| Some((account, Mutex::new(providers::miniature(account, KEY)?)))).collect();
    let shared = Arc::new(Shared {
        miniatures,
        kept: Mutex::default(),
        log: Mutex::default(),
        latency: Mutex::default(),
        rounds: Mutex::default(),
    });
    // One thread: the other core is for the one who asks.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?.port());
        axum::serve(listener, Router::new().fallback(answer).with_state(shared)).await?;
        Ok(())
    })
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let (account, below) = target[1..].split_at(target[1..].find('/').unwrap_or(target.len() - 1));
    if account == "control" {
        return control(&shared, below);
    }
    let mut incoming = Incoming::new(parts.method.as_str(), below);
    for name in ["authorization", "x-api-key", "content-type"] {
        if let Some(value) = parts.headers.get(name).and_then(|value| value.to_str().ok()) {
            incoming.headers.insert(name.to_owned(), value.to_owned());
        }
    }
    incoming.body = body.to_vec();
    let round = *locked(&shared.rounds) + 1;
    let Some(miniature) = shared.miniatures.get(account) else { return respond(404, String::new()) };
    let Outgoing { status, body: answer } = locked(miniature).handle(&incoming);
    let text = answer.map(|answer| answer.to_string()).unwrap_or_default();
    locked(&shared.log).push(Asked {
        account: account.to_owned(),
        method: parts.method.to_string(),
        path: below.to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
        status,
        answered: text.len(),
        round,
    });
    let latency = *locked(&shared.latency);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut rounds = locked(&shared.rounds);
    *rounds = round.max(*rounds);
    respond(status, text)
}

/// What the bench orders: `/latency/50`, `/keep/NAME`, `/put-back/NAME`, and `/log`, which gives the log and begins a new one.
fn control(shared: &Shared, order: &str) -> Response {
    match order.split('/').skip(1).collect::<Vec<_>>().as_slice() {
        ["latency", milliseconds] => {
            *locked(&shared.latency) = Duration::from_millis(milliseconds.parse().unwrap_or_default());
        }
        ["keep", name] => {
            let all = shared.miniatures.iter().map(|(account, miniature)| (*account, locked(miniature).store())).collect();
            locked(&shared.kept).insert((*name).to_owned(), all);
        }
        ["put-back", name] => {
            for (account, store) in locked(&shared.kept).remove(*name).unwrap_or_default() {
                if let Err(reason) = locked(&shared.miniatures[account]).restore(store) {
                    return respond(500, reason);
                }
            }
        }
        ["log"] => {
            let log = std::mem::take(&mut *locked(&shared.log));
            *locked(&shared.rounds) = 0;
            return respond(200, serde_json::to_string(&log).unwrap_or_default());
        }
        _ => return respond(404, String::new()),
    }
    respond(200, String::new())
}

fn respond(status: u16, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
