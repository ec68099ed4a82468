//! One transport: origin, credentials, time limits, retries and redaction. Knows nothing of personas, plans or providers' meanings.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::plan::{Method, Request};
use crate::provider::{Body, Response, Service};

/// How often and how patiently a client tries.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Further tries after the first.
    pub retries: u32,
    /// The pause before the first further try; it doubles with each.
    pub pause: Duration,
    /// The longest pause, also when a service asks for more.
    pub longest_pause: Duration,
    /// How long one try may take.
    pub timeout: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            retries: 3,
            pause: Duration::from_millis(300),
            longest_pause: Duration::from_secs(30),
            timeout: Duration::from_secs(60),
        }
    }
}

/// A client for one account.
#[derive(Debug)]
pub struct Client {
    inner: reqwest::Client,
    base_url: String,
    secrets: Vec<SecretString>,
    patience: Patience,
    last_date: Mutex<Option<String>>,
}

/// A request that got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What happened, without address and secrets.
    pub message: String,
    /// Whether the service may have done what was asked: false only if nothing can have reached it.
    pub maybe_done: bool,
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The key cannot stand in a header.
    #[error("the key holds characters that cannot be sent: line breaks or other control characters")]
    BadKey,
    /// The HTTP library refuses.
    #[error("no HTTPS client can be made: {0}")]
    Unusable(String),
}

impl Client {
    /// A client that sends to `base_url` with a key, as the service wants it. Neither the key nor `secrets` ever stand in a text
    /// that it gives.
    ///
    /// TLS is always verified, redirects are never followed, and loopback is never reached through a proxy.
    ///
    /// # Errors
    /// When the key cannot stand in a header, or the system has no trusted certificates.
    pub fn new(
        service: &Service,
        base_url: &str,
        key: &SecretString,
        secrets: &[SecretString],
        patience: Patience,
    ) -> Result<Self, ClientError> {
        let mut value = HeaderValue::from_str(&format!("{}{}", service.key_prefix, key.expose_secret()))
            .map_err(|_| ClientError::BadKey)?;
        value.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_bytes(service.key_header.as_bytes()).map_err(|_| ClientError::BadKey)?, value);
        let mut builder = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("personaform/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(patience.timeout);
        if base_url.starts_with("http://") {
            // Plain HTTP is for loopback alone: no proxy, and no certificates that the system may not even have.
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
        Ok(Self {
            inner,
            base_url: base_url.trim_end_matches('/').to_owned(),
            secrets: [std::slice::from_ref(key), secrets].concat(),
            patience,
            last_date: Mutex::default(),
        })
    }

    /// Sends a request and gives the answer, whatever its status. Reads are tried again after faults and when the service is
    /// busy; writes only when the service cannot have done anything.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn send(&self, request: &Request) -> Result<Response, Fault> {
        let mut tries = 0;
        loop {
            let (result, wait) = self.try_once(request).await;
            let again = match &result {
                Ok(response) => response.status == 429 || (request.method == Method::Get && busy(response.status)),
                Err(fault) => request.method == Method::Get || !fault.maybe_done,
            };
            if !again || tries == self.patience.retries {
                return result;
            }
            let pause = wait.unwrap_or(self.patience.pause * 2u32.pow(tries)).min(self.patience.longest_pause);
            tokio::time::sleep(pause).await;
            tries += 1;
        }
    }

    async fn try_once(&self, request: &Request) -> (Result<Response, Fault>, Option<Duration>) {
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
            Err(error) => return (Err(self.fault(error)), None),
        };
        let status = response.status().as_u16();
        let wait = retry_after(response.headers());
        if let Some(date) = response.headers().get(DATE).and_then(|date| date.to_str().ok()) {
            *self.last_date.lock().unwrap_or_else(PoisonError::into_inner) = Some(date.to_owned());
        }
        match response.bytes().await {
            Ok(bytes) => (Ok(Response { status, body: body(&bytes) }), wait),
            Err(error) => (Err(self.fault(error)), None),
        }
    }

    /// The time of day that the service named in its last answer, as the header `Date` writes it.
    pub fn last_date(&self) -> Option<String> {
        self.last_date.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fault(&self, error: reqwest::Error) -> Fault {
        let maybe_done = !(error.is_connect() || error.is_builder());
        let text = causes(&error.without_url());
        Fault { message: self.redact(&text), maybe_done }
    }

    /// A text with every occurrence of a secret replaced. Secrets of fewer than four bytes are not looked for: replacing them
    /// would garble the text and tell what they are.
    pub fn redact(&self, text: &str) -> String {
        let secrets = self.secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| secret.len() >= 4);
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "(secret)"))
    }
}

fn busy(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn body(bytes: &[u8]) -> Body {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => Body::Json(value),
        Err(_) if bytes.trim_ascii().is_empty() => Body::Empty,
        Err(_) => Body::Text(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// An error and its causes on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
