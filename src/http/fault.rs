//! Requests that got no answer: what happened, in words without address and secrets, and whether the service may have done them.

use reqwest::Url;
use reqwest::header::{HeaderMap, LOCATION};

use super::Client;

/// A request that got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What happened, without address and secrets.
    pub message: String,
    /// What to do, where something is known that helps.
    pub help: Option<String>,
    /// Whether the service may have done what was asked: false only if nothing can have reached it.
    pub maybe_done: bool,
    /// Whether it was never sent, since somebody had pulled the brake, or since the service cannot be reached.
    pub unsent: bool,
}

impl Client {
    /// What a request met that got no answer.
    pub(super) fn fault(&self, error: reqwest::Error) -> Fault {
        let (unconnected, timed_out) = (error.is_connect(), error.is_timeout());
        let maybe_done = !(unconnected || error.is_builder());
        let text = causes(&error.without_url());
        let text = match (timed_out, unconnected) {
            (true, true) => format!("no connection within {:?}: {text}", self.patience.connecting()),
            (true, false) => format!("no whole answer within {:?}: {text}", self.patience.timeout),
            (false, _) => text,
        };
        let help = match (maybe_done, timed_out) {
            (false, _) => Some(format!("is `{}` right, and reachable from here?", self.base_url)),
            (true, true) => Some("give it more time with `--timeout`".to_owned()),
            (true, false) => None,
        };
        Fault { message: self.redactor.text(&text), help, maybe_done, unsent: false }
    }

    /// A certificate that is not accepted: nothing was sent, and another try would meet the same one.
    pub(super) fn untrusted(&self, why: &str) -> Fault {
        let host = Url::parse(&self.base_url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        Fault {
            message: self.redactor.text(&format!("the certificate of `{host}` is refused: {why}")),
            help: Some(
                "check the account's `base_url`; where a company's own authority signs, this machine must trust it (on Linux also by `SSL_CERT_FILE`)"
                    .to_owned(),
            ),
            maybe_done: false,
            unsent: false,
        }
    }

    /// A redirect is no answer: followed, it would carry the key and the request elsewhere.
    pub(super) fn redirected(&self, status: u16, headers: &HeaderMap) -> Fault {
        let place = headers.get(LOCATION).and_then(|place| place.to_str().ok()).unwrap_or_default();
        // Only where, not the path: a place may repeat what was sent.
        let base = Url::parse(&self.base_url).ok();
        let target = base.as_ref().and_then(|base| base.join(place).ok()).filter(|target| target.has_host());
        let origin = target.as_ref().map(|target| self.redactor.text(&target.origin().ascii_serialization()));
        let elsewhere = target.zip(base).is_some_and(|(target, base)| target.origin() != base.origin());
        let message = match origin {
            Some(origin) => format!("answered {status}, a redirect to {origin}, and redirects are never followed"),
            None => format!("answered {status}, a redirect, and redirects are never followed"),
        };
        let help = match elsewhere {
            true => "if the service has moved, write its new address as the account's `base_url`",
            false => "check the path of the account's `base_url`",
        };
        Fault { message, help: Some(help.to_owned()), maybe_done: false, unsent: false }
    }
}

/// A request that the brake came before.
pub(super) fn interrupted() -> Fault {
    Fault { message: "the run was interrupted".to_owned(), help: None, maybe_done: false, unsent: true }
}

/// An error and its causes on one line.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
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
