//! Tells on standard error that a request is tried again: every time with `-v`, else only before a pause that a person would
//! wonder about.

use std::time::Duration;

use super::args::Format;
use super::screen::{Aside, Screen};
use crate::http::{Retry, Watcher};
use crate::persona::name::AccountName;

/// A pause from here on is told without being asked.
const LONG: Duration = Duration::from_secs(2);

/// Watches one account.
#[derive(Debug)]
pub(super) struct Retries {
    account: AccountName,
    aside: Aside,
    /// Whether long pauses are told.
    chatty: bool,
    verbose: bool,
}

impl Retries {
    /// A watcher of an account.
    pub(super) fn of(account: &AccountName, screen: &Screen, verbose: bool) -> Self {
        let chatty = screen.chatty && screen.format == Format::Text;
        Self { account: account.clone(), aside: screen.asides(), chatty, verbose }
    }
}

impl Watcher for Retries {
    fn retrying(&self, retry: &Retry<'_>) {
        if self.verbose || (self.chatty && retry.pause >= LONG) {
            self.aside.say(&line(&self.account, retry));
        }
    }
}

/// What is printed of a further try.
fn line(account: &AccountName, retry: &Retry<'_>) -> String {
    let Retry { request, why, pause, number, of } = retry;
    format!(
        "{account}: {} {}: {why}; trying again in {:.1} s ({number} of {of})\n",
        request.method,
        request.path,
        pause.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Method, Request};

    #[test]
    fn a_line_names_account_request_reason_and_pause() {
        let request = Request::new(Method::Get, "/v1/personas?page=1");
        let retry = Retry { request: &request, why: "answered 503", pause: Duration::from_millis(1540), number: 2, of: 3 };
        assert_eq!(
            line(&AccountName::new("anam"), &retry),
            "anam: GET /v1/personas?page=1: answered 503; trying again in 1.5 s (2 of 3)\n"
        );
    }
}
