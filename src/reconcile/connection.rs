//! An account that can be talked to: a provider that knows what to ask, a client that asks, and secrets kept out of the answers.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::http::{Answer, Client, Fault, Repeat};
use crate::persona::name::AccountName;
use crate::plan::value::remove_at;
use crate::plan::{Live, Method, Reading, RemoteId, Request};
use crate::provider::{Page, Provider, Refusal, RefusalKind, Response, Seen};
use crate::state::Sealer;

/// The most pages of a list that are read. The largest account then has 1,000,000 personas.
const MOST_PAGES: u32 = 10_000;

/// An account that can be talked to.
pub struct Connection {
    /// Its name.
    pub account: AccountName,
    /// The kind of service.
    pub provider: &'static dyn Provider,
    /// The way to it.
    pub client: Client,
    /// Where it lives, for the plan's basis.
    pub base_url: String,
    /// The name of the variable that holds its key, for advice.
    pub key_variable: String,
    /// Keeps secrets out of what is read, and puts them into what is sent.
    pub sealer: Arc<Sealer>,
}

/// A request that did not do what it should.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Method and path.
    pub request: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The service's words or the fault.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Whether the service may have done what was asked although there was no good answer.
    pub maybe_done: bool,
    /// Whether the service plainly says that there is no such object.
    pub absent: bool,
    /// Whether it was never sent, since the run was interrupted or the service cannot be reached.
    pub unsent: bool,
}

impl Connection {
    /// Sends a request, with secrets put in, and gives the answer whatever its status.
    ///
    /// # Errors
    /// When there is no answer, or one that leaves open whether the request was done, or that puts it off for longer than is
    /// waited.
    pub async fn send(&self, request: &Request) -> Result<Response, Failure> {
        let label = label(request);
        let mut filled = Request::new(request.method, request.path.clone());
        if let Some(body) = &request.body {
            filled.body = Some(self.sealer.unseal(body).map_err(|unsendable| Failure {
                request: label.clone(),
                status: None,
                message: unsendable.to_string(),
                help: Some(unsendable.help().to_owned()),
                maybe_done: false,
                absent: false,
                unsent: false,
            })?);
        }
        let repeat = if self.provider.repeatable(request) { Repeat::Freely } else { Repeat::OnlyIfRefused };
        let answer =
            self.client.send(&filled, request, repeat).await.map_err(|Fault { message, help, maybe_done, unsent }| {
                Failure {
                    request: label,
                    status: None,
                    message,
                    help,
                    maybe_done: maybe_done && request.method != Method::Get,
                    absent: false,
                    unsent,
                }
            })?;
        let Answer { response, doubtful, asked } = answer;
        if !doubtful && asked.is_none() {
            return Ok(response);
        }
        let refusal = self.provider.accepted(request, &response).err();
        let refusal = refusal.unwrap_or_else(|| Refusal::unreadable(&response, "what the service answers"));
        let mut failure = self.refused(request, &refusal);
        if doubtful {
            failure.maybe_done = true;
            failure.message = format!("answered {}: {}", response.status, failure.message);
        }
        if let Some(asked) = asked {
            let words = if asked.as_secs() >= 60 {
                format!("{} min", asked.as_secs().div_ceil(60))
            } else {
                format!("{} s", asked.as_secs())
            };
            failure.help = Some(format!("the service asks to wait {words}: run the same command again after that"));
        }
        Err(failure)
    }

    /// A service's no, as a failure with advice and without secrets.
    pub fn refused(&self, request: &Request, refusal: &Refusal) -> Failure {
        let (account, variable, home) = (&self.account, &self.key_variable, &self.base_url);
        let usual = match refusal.kind {
            RefusalKind::Unauthorized => {
                Some(format!("check that the key of the account `{account}`, in `${variable}`, is valid for {home}"))
            }
            RefusalKind::Forbidden if matches!(refusal.status, 401 | 403) => {
                Some(format!("the key of the account `{account}`, in `${variable}`, lacks the permission for this"))
            }
            RefusalKind::Busy => Some("run the same command again later".to_owned()),
            RefusalKind::Conflict => Some("look at the object as it is now with `personaform plan`".to_owned()),
            RefusalKind::Invalid => {
                Some("correct what the service complains of, in the persona's section or its account".to_owned())
            }
            RefusalKind::Absent => Some("it may have been deleted elsewhere: plan again".to_owned()),
            RefusalKind::Unreadable => Some(format!("check the `base_url` of the account `{account}`, {home}")),
            RefusalKind::Forbidden => None,
        };
        // Which key was refused is never left out; elsewhere the provider knows better.
        let help = match (usual, &refusal.help) {
            (Some(usual), Some(own)) if matches!(refusal.status, 401 | 403) => Some(format!("{usual}; {own}")),
            (usual, own) => own.clone().or(usual),
        };
        self.without_secrets(Failure {
            request: label(request),
            status: Some(refusal.status),
            message: refusal.message.clone(),
            help,
            // A success that cannot be understood is no refusal. Other statuses that leave it open are judged by `send`.
            maybe_done: request.method != Method::Get && refusal.kind == RefusalKind::Unreadable && refusal.status < 400,
            absent: refusal.kind == RefusalKind::Absent,
            unsent: false,
        })
    }

    /// A failure whose texts show no secret that is known by now.
    pub(super) fn without_secrets(&self, failure: Failure) -> Failure {
        let clean = |text: &str| self.sealer.without_hidden(&self.client.redactor().text(text));
        Failure { message: clean(&failure.message), help: failure.help.as_deref().map(clean), ..failure }
    }

    /// Reads one object; none: the service says that there is none. `ours` are documents whose secrets are hidden.
    pub async fn read(&self, id: &RemoteId, ours: &[&Map<String, Value>]) -> Result<Option<Live>, Failure> {
        Ok(self.concealed(self.read_as_sent(id).await?, ours))
    }

    /// What was read as it was sent, if anything, with secrets hidden.
    pub(super) fn concealed(&self, mut live: Option<Live>, ours: &[&Map<String, Value>]) -> Option<Live> {
        live.iter_mut().for_each(|live| self.conceal(live, ours));
        live
    }

    /// The same, with whatever secrets the service shows.
    pub(super) async fn read_as_sent(&self, id: &RemoteId) -> Result<Option<Live>, Failure> {
        let Some(request) = self.provider.read(id) else {
            return Ok(None);
        };
        let response = self.send(&request).await?;
        match self.provider.observed(response).map_err(|refusal| self.refused(&request, &refusal))? {
            Seen::Present(live) => Ok(Some(*live)),
            Seen::Absent => Ok(None),
        }
    }

    /// Reads one page of the list.
    pub async fn page(&self, number: u32) -> Result<Page, Failure> {
        let Some(request) = self.provider.list(number) else {
            return Ok(Page { items: Vec::new(), more: false, pages: None });
        };
        if number > MOST_PAGES {
            return Err(Failure {
                request: label(&request),
                status: None,
                message: format!("the list has no end after {MOST_PAGES} pages"),
                help: Some(format!("is `{}` right?", self.base_url)),
                maybe_done: false,
                absent: false,
                unsent: false,
            });
        }
        let response = self.send(&request).await?;
        self.provider.listed(number, response).map_err(|refusal| self.refused(&request, &refusal))
    }

    /// Takes write-only fields out of what was read, and hides secrets.
    pub fn conceal(&self, live: &mut Live, ours: &[&Map<String, Value>]) {
        self.sealer.conceal_text(&mut live.name);
        live.used_by.iter_mut().for_each(|user| self.sealer.conceal_text(user));
        live.change_documents(|document| {
            for rule in self.provider.rules().fields.iter().filter(|rule| rule.reading == Reading::Never) {
                remove_at(document, rule.path);
            }
            self.sealer.conceal(document, ours);
        });
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Connection").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// Method and path of a request, for people.
pub fn label(request: &Request) -> String {
    format!("{} {}", request.method, request.path)
}
