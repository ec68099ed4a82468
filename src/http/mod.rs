//! One transport: origin, credentials, time limits, pace, retries and redaction. Knows nothing of personas, plans or providers'
//! meanings. When to try again is decided in `retry`, how fast in `pace`, when not at all any more in `outage`; what may be printed, in
//! `redact`.

mod body;
mod brake;
mod fault;
mod outage;
mod pace;
mod redact;
mod retry;
mod trust;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};

use crate::plan::{Method, Request};
use crate::provider::{Body, Limits, Response, Service};

pub use brake::Brake;
pub use fault::Fault;
pub use redact::Redactor;
pub use retry::{Patience, Repeat};

use fault::{causes, interrupted};
use outage::{Contact, Outage};
use pace::Pacer;
use retry::{Came, Verdict};

tokio::task_local! {
    static RETRIES: Cell<u32>;
}

/// Runs a piece of work and counts how often its requests had to be sent again.
pub async fn counting_retries<T>(work: impl Future<Output = T>) -> (T, u32) {
    RETRIES
        .scope(Cell::new(0), async {
            let result = work.await;
            (result, RETRIES.with(Cell::get))
        })
        .await
}

/// A client for one account. All requests of the account go through one client, so that they share its pace.
pub struct Client {
    inner: reqwest::Client,
    base_url: String,
    redactor: Redactor,
    patience: Patience,
    pacer: Pacer,
    random: Mutex<u64>,
    watcher: Option<Arc<dyn Watcher>>,
    retries: AtomicU64,
    waited: AtomicU64,
    last_date: Mutex<Option<String>>,
    brake: Brake,
    outage: Outage,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The HTTP library's client holds the key.
        formatter.debug_struct("Client").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// Where an account is reached, and how.
#[derive(Clone, Copy, Debug)]
pub struct Home<'a> {
    /// The kind of service.
    pub service: &'a Service,
    /// The origin, possibly with a path.
    pub base_url: &'a str,
    /// Whether keys may travel unencrypted to another machine.
    pub insecure: bool,
    /// How fast.
    pub limits: Limits,
}

/// An answer, and what it means for the request.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The answer.
    pub response: Response,
    /// Whether the answer leaves open whether the request was done.
    pub doubtful: bool,
    /// What the service asks for, where that is more patience than there is.
    pub asked: Option<Duration>,
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The key cannot stand in a header.
    #[error("the key holds characters that cannot be sent: line breaks or other control characters")]
    BadKey,
    /// The address is none.
    #[error("its `base_url` is no address of a service")]
    BadAddress,
    /// The key would travel unencrypted.
    #[error("its key would travel unencrypted: plain `http` is for this machine only")]
    Insecure,
    /// The HTTP library refuses.
    #[error("no HTTPS client can be made: {0}")]
    Unusable(String),
}

/// Somebody who is told before a request is tried again.
pub trait Watcher: Send + Sync {
    /// A request will be tried again after a pause.
    fn retrying(&self, retry: &Retry<'_>);
}

/// A further try that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Retry<'a> {
    /// The request, without secrets.
    pub request: &'a Request,
    /// What happened, as a fragment without secrets (`answered 503`).
    pub why: &'a str,
    /// The pause.
    pub pause: Duration,
    /// Which further try it is, from 1.
    pub number: u32,
    /// How many there may be.
    pub of: u32,
}

/// What one try came to.
enum Tried {
    Answer { response: Response, asked: Option<Duration>, used_up: Option<Duration> },
    Nothing { fault: Fault, contact: Contact, hopeless: bool },
}

impl Tried {
    fn contact(&self) -> Contact {
        match self {
            Self::Answer { .. } => Contact::Made,
            Self::Nothing { contact, .. } => *contact,
        }
    }
}

/// The pace for an account: what it says itself, else what its provider says, without a limit of requests per second on this
/// machine.
pub fn limits(service: &Service, base_url: &str, concurrency: Option<u16>, per_second: Option<f64>) -> Limits {
    let here = Url::parse(base_url).is_ok_and(|url| is_loopback(&url));
    Limits {
        concurrency: concurrency.unwrap_or(service.limits.concurrency),
        per_second: per_second.or(service.limits.per_second.filter(|_| !here)),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    ip.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |ip| ip.is_loopback())
}

impl Client {
    /// A client that sends with a key, as the service wants it. Neither the key nor `secrets` ever stand in a text that it gives.
    ///
    /// TLS is always verified, redirects are never followed, and a proxy that the system names is used, except to this machine.
    ///
    /// # Errors
    /// When the key cannot stand in a header, would travel unencrypted, or the system has no trusted certificates.
    pub fn new(home: &Home<'_>, key: &SecretString, secrets: &[SecretString], patience: Patience) -> Result<Self, ClientError> {
        let url = Url::parse(home.base_url).map_err(|_| ClientError::BadAddress)?;
        let (plain, here) = (url.scheme() != "https", is_loopback(&url));
        if plain && !here && !home.insecure {
            return Err(ClientError::Insecure);
        }
        let prefix = home.service.key_prefix;
        let mut value = HeaderValue::from_str(&format!("{prefix}{}", key.expose_secret())).map_err(|_| ClientError::BadKey)?;
        value.set_sensitive(true);
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_bytes(home.service.key_header.as_bytes()).map_err(|_| ClientError::BadKey)?;
        headers.insert(name, value);
        let mut builder = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("personaform/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience.connecting())
            .timeout(patience.timeout)
            // A connection that a service has closed in the meantime looks like a lost answer.
            .pool_idle_timeout(Duration::from_secs(15));
        if plain && here {
            // No proxy, and no certificates that the system may not even have.
            let empty = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .map_err(|error| ClientError::Unusable(error.to_string()))?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            builder = builder.no_proxy().tls_backend_preconfigured(empty);
        } else {
            // A provider that is installed already is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let inner = builder.build().map_err(|error| ClientError::Unusable(causes(&error)))?;
        let redactor = Redactor::new(std::iter::once(key).chain(secrets));
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = redactor.text(&format!("{}{port}", url.host_str().unwrap_or_default()));
        let mut seed = [0; 8];
        // Without randomness the pauses are only less varied.
        let _ = SystemRandom::new().fill(&mut seed);
        Ok(Self {
            inner,
            base_url: home.base_url.trim_end_matches('/').to_owned(),
            redactor,
            patience,
            pacer: Pacer::new(home.limits),
            random: Mutex::new(u64::from_le_bytes(seed)),
            watcher: None,
            retries: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            last_date: Mutex::default(),
            brake: Brake::default(),
            outage: Outage::of(host),
        })
    }

    /// From now on sends nothing once this brake is pulled.
    pub fn stopped_by(&mut self, brake: &Brake) {
        self.brake = brake.clone();
    }

    /// The same with somebody who is told of further tries.
    #[must_use]
    pub fn watched_by(mut self, watcher: Arc<dyn Watcher>) -> Self {
        self.watcher = Some(watcher);
        self
    }

    /// The same with more secrets that never stand in a text that it gives.
    #[must_use]
    pub fn hiding<'a>(mut self, secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        self.redactor = self.redactor.and(secrets);
        self
    }

    /// How many further tries there were so far, and how long all requests together waited for them.
    pub fn effort(&self) -> (u64, Duration) {
        (self.retries.load(Ordering::Relaxed), Duration::from_millis(self.waited.load(Ordering::Relaxed)))
    }

    /// How many requests may be under way at once; more than that only wait here.
    pub fn concurrency(&self) -> usize {
        self.pacer.most()
    }

    /// The time of day that the service named in its last answer, as the header `Date` writes it.
    pub fn last_date(&self) -> Option<String> {
        self.last_date.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What takes this account's key and the project's secrets out of texts.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Sends a request and gives the answer, whatever its status. `shown` is the request as it may be printed. It is tried again
    /// where that may help and can do no harm. Once the brake is pulled, what came of the last try is what there is. Once the service
    /// could not be reached by some requests in a row, further ones are not sent.
    ///
    /// # Errors
    /// When there was no answer, or one that is not taken: too long, or a redirect.
    pub async fn send(&self, request: &Request, shown: &Request, repeat: Repeat) -> Result<Answer, Fault> {
        self.send_by(|| self.try_once(request), request, shown, repeat).await
    }

    /// The same with another way to make one try.
    async fn send_by<F: Future<Output = Tried>>(
        &self,
        try_once: impl Fn() -> F,
        request: &Request,
        shown: &Request,
        repeat: Repeat,
    ) -> Result<Answer, Fault> {
        let is_read = request.method == Method::Get;
        let mut tries = 0;
        // Once an answer was lost, no later refusal tells that nothing was done.
        let mut lost = false;
        let mut sent = false;
        let mut last: Option<(Tried, Verdict)> = None;
        loop {
            let permit = match self.unless_ended(self.pacer.permit()).await {
                Ok(permit) => permit,
                Err(why) => return self.cut_off(last, lost, sent, why),
            };
            let tried = try_once().await;
            if tried.contact() == Contact::Made {
                sent = true;
                self.outage.reached();
            }
            let (came, asked, hopeless) = match &tried {
                Tried::Answer { response, asked, used_up } => {
                    if let Some(wait) = used_up {
                        self.pacer.hold((*wait).min(self.patience.longest_pause));
                    }
                    let odd = match response.body {
                        Body::Json(_) => false,
                        Body::Empty => is_read,
                        Body::Text(_) => true,
                    };
                    (Came::Answer { status: response.status, odd, asked: *asked }, *asked, false)
                }
                Tried::Nothing { fault, hopeless, .. } => (Came::Nothing { maybe_done: fault.maybe_done }, None, *hopeless),
            };
            let verdict = retry::judge(repeat, is_read, came);
            lost |= verdict.doubtful;
            let pause = retry::pause(&self.patience, tries, asked, self.random());
            match came {
                Came::Answer { status: 429, .. } => {
                    self.pacer.too_much(&permit, pause.unwrap_or_default());
                }
                Came::Answer { status: 200..=299, .. } => self.pacer.fine(),
                Came::Answer { .. } | Came::Nothing { .. } => {}
            }
            drop(permit);
            let again = verdict.again && !hopeless && tries < self.patience.retries && !self.brake.is_pulled();
            let (true, Some(pause)) = (again, pause) else {
                if let Tried::Nothing { fault, contact: Contact::Missed, .. } = &tried
                    && !self.brake.is_pulled()
                {
                    self.outage.missed(fault);
                }
                return self.ended(tried, verdict, lost, pause.is_none());
            };
            tries += 1;
            let waited = self.unless_ended(self.wait(shown, &tried, pause, tries)).await;
            last = Some((tried, verdict));
            if let Err(why) = waited {
                return self.cut_off(last, lost, sent, why);
            }
        }
    }

    /// Waits, unless nothing is sent any more: then the waiting ends at once.
    async fn unless_ended<T>(&self, waiting: impl Future<Output = T>) -> Result<T, Fault> {
        self.brake.unless_pulled(self.outage.unless_declared(waiting)).await.unwrap_or_else(|| Err(interrupted()))
    }

    /// What is said of a request that is not sent, or not once more: what came of its last try. Where nothing of it ever came to a
    /// service that nobody else reaches either, that alone.
    fn cut_off(&self, last: Option<(Tried, Verdict)>, lost: bool, sent: bool, why: Fault) -> Result<Answer, Fault> {
        match last {
            Some((tried, verdict)) if sent || self.brake.is_pulled() => self.ended(tried, verdict, lost, false),
            _ => Err(why),
        }
    }

    /// What is said of the last try. `lost`: the answer to this or an earlier one is missing. `put_off`: the service asks for more
    /// patience than there is.
    fn ended(&self, tried: Tried, verdict: Verdict, lost: bool, put_off: bool) -> Result<Answer, Fault> {
        match tried {
            Tried::Answer { mut response, asked, .. } => {
                self.redactor.response(&mut response);
                let doubtful = verdict.doubtful || lost && !response.is_success();
                Ok(Answer { response, doubtful, asked: asked.filter(|_| verdict.again && put_off) })
            }
            Tried::Nothing { fault, .. } => Err(Fault { maybe_done: fault.maybe_done || lost, ..fault }),
        }
    }

    async fn wait(&self, shown: &Request, tried: &Tried, pause: Duration, number: u32) {
        let why = match tried {
            Tried::Answer { response, .. } if response.is_success() => "answered with something that is no JSON".to_owned(),
            Tried::Answer { response, .. } => format!("answered {}", response.status),
            Tried::Nothing { fault, .. } => fault.message.clone(),
        };
        if let Some(watcher) = &self.watcher {
            watcher.retrying(&Retry { request: shown, why: &why, pause, number, of: self.patience.retries });
        }
        self.retries.fetch_add(1, Ordering::Relaxed);
        // Nobody counts outside of an apply.
        let _ = RETRIES.try_with(|retries| retries.set(retries.get() + 1));
        self.waited.fetch_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        tokio::time::sleep(pause).await;
    }

    /// A number from 0 to 1. The quality of chance is no matter here (splitmix64).
    fn random(&self) -> f64 {
        let mut state = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    async fn try_once(&self, request: &Request) -> Tried {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.inner.request(method, format!("{}{}", self.base_url, request.path));
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let response = match builder.send().await {
            Ok(response) => response,
            Err(error) => {
                let contact = match () {
                    () if error.is_connect() => Contact::Missed,
                    () if error.is_builder() => Contact::Untried,
                    () => Contact::Made,
                };
                let untrusted = trust::refused(&error).map(|why| self.untrusted(&why));
                let hopeless = untrusted.is_some();
                return Tried::Nothing { fault: untrusted.unwrap_or_else(|| self.fault(error)), contact, hopeless };
            }
        };
        if let Some(date) = response.headers().get(DATE).and_then(|date| date.to_str().ok()) {
            *self.last_date.lock().unwrap_or_else(PoisonError::into_inner) = Some(date.to_owned());
        }
        let status = response.status();
        if status.is_redirection() && status.as_u16() != 304 {
            let fault = self.redirected(status.as_u16(), response.headers());
            return Tried::Nothing { fault, contact: Contact::Made, hopeless: true };
        }
        let (asked, used_up) = (retry::asked(response.headers()), retry::used_up(response.headers()));
        match body::read(response).await {
            Ok(body) => Tried::Answer { response: Response { status: status.as_u16(), body }, asked, used_up },
            Err(body::Unread::TooLarge) => {
                let message = format!("answered with more than {} MiB, which is not read", body::MOST >> 20);
                let fault = Fault { message, help: None, maybe_done: true, unsent: false };
                Tried::Nothing { fault, contact: Contact::Made, hopeless: true }
            }
            Err(body::Unread::Broken(error)) => {
                Tried::Nothing { fault: self.fault(error), contact: Contact::Made, hopeless: false }
            }
        }
    }
}
