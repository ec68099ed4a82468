//! The server: one fallback handler, a mount per miniature, a log, faults. What is answered is the miniatures' business; where
//! it is kept is `folder`'s.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::folder::{Folder, FolderError};
use super::{Incoming, Miniature, Outgoing};

/// The largest request body that is taken.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// How long a stopping server waits for the requests under way.
const FAREWELL: Duration = Duration::from_secs(2);

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// One answered request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The name under which the miniature is mounted.
    pub mount: String,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path below the mount with its query, as it was sent.
    pub path: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// What went wrong inside the sandbox itself (a panic of the miniature, a disk that is full); none if all is well.
    pub trouble: Option<String>,
}

/// A disturbance that a test orders for one request of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service answers with this status and does nothing.
    Refuse {
        /// HTTP status, such as 429 or 503.
        status: u16,
        /// Value of the `Retry-After` header in seconds; none: no such header.
        retry_after: Option<u64>,
    },
    /// The service does what it was asked for, but the connection breaks before the answer is complete.
    LoseAnswer,
    /// The connection breaks, and the service has done nothing.
    Reset,
    /// No answer comes, for longer than anybody waits.
    Stall {
        /// Whether the service did what it was asked for.
        done: bool,
    },
    /// Something in front of the service answers with a page of HTML.
    Page {
        /// HTTP status, such as 200 or 502.
        status: u16,
        /// Whether the service behind it did what it was asked for.
        done: bool,
    },
    /// The service does what it was asked for and answers with success and bytes that are no JSON.
    Garble,
    /// The service does what it was asked for; its answer breaks off in the middle.
    Truncate,
    /// The service does what it was asked for; its answer comes byte by byte.
    Drip,
}

impl Fault {
    /// Whether the service does its work all the same.
    fn is_done(self) -> bool {
        match self {
            Self::Refuse { .. } | Self::Reset => false,
            Self::Stall { done } | Self::Page { done, .. } => done,
            Self::LoseAnswer | Self::Garble | Self::Truncate | Self::Drip => true,
        }
    }
}

/// How long a stalled answer takes: longer than any client waits.
const STALL: Duration = Duration::from_secs(24 * 3600);

/// Why a sandbox cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A mount's name cannot stand in a path or as a file.
    #[error("{0:?} cannot be the name of a mount: use letters, digits, `-` and `_`")]
    MountName(String),
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The listener has no address.
    #[error("cannot serve the sandbox")]
    Listener(#[source] std::io::Error),
}

/// Serves each miniature at `http://ADDRESS/<name>`, with what the folder keeps of it. Without a folder nothing is kept.
///
/// # Errors
/// A folder that is in use, cannot be written, or holds a damaged store; then nothing is served and nothing overwritten.
pub async fn serve(
    listener: TcpListener,
    miniatures: BTreeMap<String, Box<dyn Miniature>>,
    folder: Option<PathBuf>,
) -> Result<Running, ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    let folder = folder.map(Folder::open).transpose()?;
    let mut mounts = BTreeMap::new();
    for (name, miniature) in miniatures {
        let mount = Mount::open(&name, miniature, folder.as_ref())?;
        mounts.insert(name, Mutex::new(mount));
    }
    let shared = Arc::new(Shared { mounts, folder, log: Mutex::default(), closed: AtomicBool::new(false) });
    let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        // A dropped sender stops the server as well; an accept error is retried inside, so there is nothing to report.
        let _ = axum::serve(listener, router).with_graceful_shutdown(async move { drop(stopped.await) }).await;
    });
    Ok(Running { address, shared, stop: Some(stop), task })
}

impl Running {
    /// The base URL of a mount, without a slash at the end.
    pub fn base_url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// Every request answered so far, in the order of the answers.
    pub fn log(&self) -> Vec<LogEntry> {
        locked(&self.shared.log).clone()
    }

    /// Orders a fault for the next request of a mount; several are used up one by one. An unknown mount takes none.
    pub fn inject(&self, name: &str, fault: Fault) {
        if let Some(mount) = self.shared.mounts.get(name) {
            locked(mount).faults.push_back(Some(fault));
        }
    }

    /// Orders what happens to the next requests of a mount, one by one; none: nothing. An unknown mount takes none.
    pub fn schedule(&self, name: &str, faults: impl IntoIterator<Item = Option<Fault>>) {
        if let Some(mount) = self.shared.mounts.get(name) {
            locked(mount).faults.extend(faults);
        }
    }

    /// Takes back every fault that was ordered and has not happened yet.
    pub fn relent(&self) {
        for mount in self.shared.mounts.values() {
            locked(mount).faults.clear();
        }
    }

    /// Finishes the requests under way and stops. When this returns, the folder is free.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // The receiver is gone only where the server is.
            let _ = stop.send(());
        }
        if tokio::time::timeout(FAREWELL, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.close();
        self.task.abort();
    }
}

/// What all requests share.
#[derive(Debug)]
struct Shared {
    mounts: BTreeMap<String, Mutex<Mount>>,
    folder: Option<Folder>,
    log: Mutex<Vec<LogEntry>>,
    closed: AtomicBool,
}

impl Shared {
    /// Ends all writing, then frees the folder: connections that outlive the server must not write where another one does.
    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for mount in self.mounts.values() {
            drop(locked(mount));
        }
        if let Some(folder) = &self.folder {
            folder.release();
        }
    }
}

/// A panic of a miniature is caught and undone, so what a poisoned lock guards is whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A miniature under its name.
struct Mount {
    miniature: Box<dyn Miniature>,
    kept: Value,
    faults: VecDeque<Option<Fault>>,
}

impl std::fmt::Debug for Mount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What a miniature holds may be a secret.
        formatter.debug_struct("Mount").field("faults", &self.faults).finish_non_exhaustive()
    }
}

impl Mount {
    fn open(name: &str, mut miniature: Box<dyn Miniature>, folder: Option<&Folder>) -> Result<Self, ServeError> {
        let plain = |character: char| character.is_ascii_alphanumeric() || character == '-' || character == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(ServeError::MountName(name.to_owned()));
        }
        if let Some(folder) = folder
            && let Some(store) = folder.load(name)?
        {
            miniature.restore(store).map_err(|reason| FolderError::Damaged { file: folder.file(name), reason })?;
        }
        let kept = miniature.store();
        Ok(Self { miniature, kept, faults: VecDeque::new() })
    }

    /// Answers, and keeps what changed. On trouble the miniature is as it was before, and the answer says 500.
    fn answer(&mut self, name: &str, request: &Incoming, folder: Option<&Folder>) -> Result<Outgoing, String> {
        let outcome = match catch_unwind(AssertUnwindSafe(|| self.miniature.handle(request))) {
            Ok(answer) => self.keep(name, folder).map(|()| answer),
            Err(payload) => Err(format!("the miniature panicked: {}", panic_text(payload.as_ref()))),
        };
        outcome.map_err(|trouble| match self.miniature.restore(self.kept.clone()) {
            Ok(()) => trouble,
            Err(reason) => format!("{trouble}; then it did not take back its own store: {reason}"),
        })
    }

    fn keep(&mut self, name: &str, folder: Option<&Folder>) -> Result<(), String> {
        let store = self.miniature.store();
        if store == self.kept {
            return Ok(());
        }
        if let Some(folder) = folder {
            folder.save(name, &store).map_err(|error| match std::error::Error::source(&error) {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            })?;
        }
        self.kept = store;
        Ok(())
    }
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// How an answer travels.
struct Delivery {
    outgoing: Outgoing,
    fault: Option<Fault>,
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let (name, below) = target[1..].split_at(target[1..].find(['/', '?']).unwrap_or(target.len() - 1));
    let (name, below) = (name.to_owned(), if below.starts_with('/') { below.to_owned() } else { format!("/{below}") });
    let mut incoming = Incoming::new(parts.method.as_str(), &below);
    for (header, value) in &parts.headers {
        incoming.headers.insert(header.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let delivery = match to_bytes(body, BODY_LIMIT).await {
        Ok(bytes) => {
            incoming.body = bytes.into();
            // Keeping a store waits for the disk, which must not hold up other connections.
            let answered = tokio::task::spawn_blocking(move || deliver(&shared, name, below, &incoming)).await;
            answered.unwrap_or_else(|error| plain(500, &error.to_string()))
        }
        Err(_) => {
            let delivery = plain(413, "the body is too large or broke off");
            record(&shared, name, &incoming.method, below, &delivery, None);
            delivery
        }
    };
    respond(delivery).await
}

fn deliver(shared: &Shared, name: String, target: String, incoming: &Incoming) -> Delivery {
    let Some(mount) = shared.mounts.get(&name) else {
        let delivery = plain(404, "no miniature is mounted here");
        record(shared, name, &incoming.method, target, &delivery, None);
        return delivery;
    };
    let mut mount = locked(mount);
    if shared.closed.load(Ordering::SeqCst) {
        return plain(503, "the sandbox has stopped");
    }
    let fault = mount.faults.pop_front().flatten();
    let (delivery, trouble) = if fault.is_none_or(Fault::is_done) {
        match mount.answer(&name, incoming, shared.folder.as_ref()) {
            Ok(outgoing) => (Delivery { outgoing, fault }, None),
            Err(trouble) => (plain(500, &format!("the sandbox failed: {trouble}")), Some(trouble)),
        }
    } else {
        let status = if let Some(Fault::Refuse { status, .. }) = fault { status } else { 500 };
        (Delivery { fault, ..plain(status, "ordered by a test") }, None)
    };
    // Logged while the mount is held, so that the log has the order in which one service did its work.
    record(shared, name, &incoming.method, target, &delivery, trouble);
    delivery
}

fn record(shared: &Shared, mount: String, method: &str, path: String, delivery: &Delivery, trouble: Option<String>) {
    let entry = LogEntry { mount, method: method.to_owned(), path, status: delivery.outgoing.status, trouble };
    locked(&shared.log).push(entry);
}

fn plain(status: u16, message: &str) -> Delivery {
    Delivery { outgoing: Outgoing::json(status, json!({ "error": message })), fault: None }
}

/// The page of something that stands in front of a service.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>\n";

async fn respond(delivery: Delivery) -> Response {
    let Delivery { outgoing, fault } = delivery;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(outgoing.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = outgoing.body.map(|body| body.to_string());
    if text.is_some() {
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    }
    let text = text.unwrap_or_default();
    let broken = || Err(std::io::Error::other("ordered by a test"));
    let body = match fault {
        None => Body::from(text),
        Some(Fault::Refuse { retry_after, .. }) => {
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            Body::from(text)
        }
        Some(Fault::LoseAnswer | Fault::Reset) => Body::from_stream(stream::iter([broken() as Result<Vec<u8>, _>])),
        Some(Fault::Stall { .. }) => {
            tokio::time::sleep(STALL).await;
            Body::empty()
        }
        Some(Fault::Page { status, .. }) => {
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html"));
            Body::from(PAGE)
        }
        Some(Fault::Garble) => Body::from(b"\x00\xff\xfe{\"id\": \"".to_vec()),
        Some(Fault::Truncate) => {
            let half = text.as_bytes()[..text.len() / 2].to_vec();
            Body::from_stream(stream::iter([Ok(half), broken()]))
        }
        Some(Fault::Drip) => {
            let bytes = text.into_bytes().into_iter().map(|byte| Ok::<_, std::io::Error>(vec![byte]));
            Body::from_stream(stream::iter(bytes).then(|byte| async {
                tokio::task::yield_now().await;
                byte
            }))
        }
    };
    *response.body_mut() = body;
    response
}
