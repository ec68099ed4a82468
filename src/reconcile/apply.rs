//! Carries out a plan: concurrent per account, each write read back and compared with its prediction, and every step noted before
//! the next: a create before it is sent, its id as soon as it is known, and what was applied once it is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value};

use super::connection::{Connection, Failure, label};
use super::doubt;
use super::outcome::{Difference, Effort, Ending, Entry, Exchange, Outcome};
use super::seen::{Sight, sight};
use super::verify;
use crate::http::counting_retries;
use crate::persona::name::{AccountName, Pointer};
use crate::plan::{Action, Address, Change, Live, Pending, Plan, Record, RemoteId, Request, proof};
use crate::provider::Response;
use crate::state::{Entry as Note, Memory, StateError};

/// What an apply needs besides the plan.
pub struct Applier<'a> {
    /// The accounts of the plan's changes.
    pub connections: &'a BTreeMap<AccountName, Connection>,
    /// The state and where it is kept.
    pub memory: Mutex<Memory>,
    /// Changes under way at once per account.
    pub parallelism: usize,
    /// Set by an interrupt: no further request is sent.
    pub stop: &'a AtomicBool,
    /// The time of day, RFC 3339, UTC.
    pub now: &'a (dyn Fn() -> String + Sync),
    /// Is told what happens.
    pub observer: &'a dyn Observer,
}

/// Somebody who watches an apply.
pub trait Observer: Sync {
    /// A change begins.
    fn begun(&self, address: &Address, action: Action);
    /// A change has ended.
    fn ended(&self, entry: &Entry);
}

/// How one change went wrong, or how it went.
type Step<T> = Result<T, Ending>;

impl Applier<'_> {
    /// Looks at every object that a plan will touch, and names those that are no longer as the plan saw them.
    pub async fn stale(&self, plan: &Plan) -> Vec<(Address, String)> {
        let looks = plan.changes.iter().filter_map(|change| {
            let connection = self.connections.get(&change.address.account)?;
            Some(async move {
                let failed = self.look_again(connection, change).await.err()?;
                let why = match failed {
                    Ending::Stale { message } => message,
                    Ending::Failed { request, status, message, help } => {
                        let request = request.unwrap_or_default();
                        let status = status.map(|status| format!(" was answered with {status}")).unwrap_or_default();
                        let help = help.map(|help| format!("; {help}")).unwrap_or_default();
                        format!("{request}{status}: {message}{help}")
                    }
                    _ => return None,
                };
                Some((change.address.clone(), why))
            })
        });
        let found: Vec<Option<(Address, String)>> = stream::iter(looks).buffer_unordered(self.parallelism).collect().await;
        let mut stale: Vec<(Address, String)> = found.into_iter().flatten().collect();
        stale.sort();
        stale
    }

    /// Carries out every change; one that fails does not stop the others.
    ///
    /// # Errors
    /// When state cannot be saved before anything is sent.
    pub async fn apply(&self, plan: &Plan) -> Result<Outcome, StateError> {
        let begun = Instant::now();
        self.correct(plan)?;
        let mut by_account: BTreeMap<&AccountName, Vec<&Change>> = BTreeMap::new();
        for change in &plan.changes {
            by_account.entry(&change.address.account).or_default().push(change);
        }
        let accounts = by_account.into_iter().map(|(account, changes)| async move {
            let work = changes.into_iter().map(|change| self.entry(account, change));
            stream::iter(work).buffer_unordered(self.parallelism).collect::<Vec<Entry>>().await
        });
        let mut entries: Vec<Entry> = join_all(accounts).await.into_iter().flatten().collect();
        entries.sort_by(|left, right| left.address.cmp(&right.address));
        let effort = Effort::of(self.connections.values().map(|connection| connection.client.effort()));
        Ok(Outcome { entries, interrupted: self.stopped(), milliseconds: since(begun), effort })
    }

    /// Writes the state file anew, with all that was noted.
    ///
    /// # Errors
    /// When it cannot be written; the journal then holds what the file does not.
    pub fn settle(&self) -> Result<(), StateError> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).settle()
    }

    /// Corrects what state remembers of objects that are as they should be.
    fn correct(&self, plan: &Plan) -> Result<(), StateError> {
        for settled in &plan.settled {
            self.note(&Note::Settled {
                address: settled.address.clone(),
                applied: settled.applied.clone(),
                prevent_destroy: settled.prevent_destroy,
                force_destroy: settled.force_destroy,
                manage: settled.manage,
            })?;
        }
        Ok(())
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    async fn entry(&self, account: &AccountName, change: &Change) -> Entry {
        let begun = Instant::now();
        let mut retries = 0;
        let mut work = Work { applier: self, change, id: change.id.clone(), sent: 0, exchanges: Vec::new() };
        let ending = if self.stopped() {
            interrupted()
        } else if let Some(connection) = self.connections.get(account) {
            self.observer.begun(&change.address, change.action);
            let (ending, repeated) = counting_retries(work.carry_out(connection)).await;
            retries = repeated;
            ending.unwrap_or_else(|ending| ending)
        } else {
            Ending::NotStarted { message: format!("there is no account `{account}`") }
        };
        let entry = Entry {
            address: change.address.clone(),
            action: change.action,
            id: work.id,
            requests_sent: work.sent,
            exchanges: work.exchanges,
            retries,
            milliseconds: since(begun),
            ending,
        };
        self.observer.ended(&entry);
        entry
    }

    /// Reads the object of a change once more. None: there is nothing to compare with, or nothing that can be read.
    ///
    /// # Errors
    /// When it is no longer what the plan depends on, or cannot be read.
    async fn look_again(&self, connection: &Connection, change: &Change) -> Step<Option<(Live, Sight)>> {
        let (Some(id), Some(_)) = (&change.id, &change.live_digest) else {
            return Ok(None);
        };
        // The same documents as when the plan was made, in the same order: equal objects have equal digests.
        let recorded = self.recorded_as(change);
        let documents: Vec<&Map<String, Value>> = recorded.iter().chain([&change.applied]).collect();
        match connection.read(id, &documents).await {
            Ok(Some(live)) => match sight(change, &live, connection.provider) {
                Sight::Changed(message) => Err(Ending::Stale { message }),
                sight => Ok(Some((live, sight))),
            },
            Ok(None) => Err(Ending::Stale { message: "it was deleted elsewhere after the plan was made".to_owned() }),
            Err(failure) => Err(failed(failure)),
        }
    }

    /// What state remembers as applied to the object of a change.
    fn recorded_as(&self, change: &Change) -> Option<Map<String, Value>> {
        let address = change.moved_from.as_ref().unwrap_or(&change.address);
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let state = memory.state();
        // An adopted object that an interrupted create made was found with what that create sent.
        let pending = state.pending.get(address).map(|pending| pending.sent.clone());
        let record = state.objects.get(address).filter(|record| Some(&record.id) == change.id.as_ref());
        record.map(|record| record.applied.clone()).or(pending)
    }

    fn note(&self, note: &Note) -> Result<(), StateError> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).note(note)
    }
}

fn since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// One change on its way.
struct Work<'a> {
    applier: &'a Applier<'a>,
    change: &'a Change,
    id: Option<RemoteId>,
    sent: usize,
    exchanges: Vec<Exchange>,
}

impl Work<'_> {
    async fn carry_out(&mut self, connection: &Connection) -> Step<Ending> {
        let change = self.change;
        match change.action {
            Action::Forget => {
                self.note(&Note::Removed { address: change.address.clone() })?;
                Ok(Ending::Done { verified: connection.provider.rules().read })
            }
            Action::Delete => {
                let seen = self.applier.look_again(connection, change).await?;
                let before = seen.map_or_else(|| self.assumed(), |(before, _)| before);
                for request in &change.requests {
                    self.write(connection, request, (&before, &before)).await?;
                }
                self.note(&Note::Removed { address: change.address.clone() })?;
                self.deleted(connection).await
            }
            Action::Create => self.create(connection).await,
            Action::Update | Action::Adopt | Action::Move => match self.applier.look_again(connection, change).await? {
                Some((_, Sight::Already)) => {
                    // Somebody else has done it: nothing is written, and it is ours as planned.
                    self.record(change.applied.clone(), Vec::new())?;
                    Ok(Ending::Done { verified: true })
                }
                Some((before, _)) => self.update(connection, before).await,
                None => self.update(connection, self.assumed()).await,
            },
        }
    }

    async fn create(&mut self, connection: &Connection) -> Step<Ending> {
        let Some((first, rest)) = self.change.requests.split_first() else {
            return Err(Ending::NotStarted { message: "the plan holds no request for it".to_owned() });
        };
        if self.applier.stopped() {
            return Err(interrupted());
        }
        self.moved()?;
        self.note(&Note::Intent { address: self.change.address.clone(), pending: self.pending(connection, first) })?;
        let answer = self.send(connection, first).await;
        let created = answer.and_then(|response| match connection.provider.created(&response) {
            Ok(id) => Ok((id, response)),
            Err(refusal) => Err(connection.refused(first, &refusal)),
        });
        let (id, response) = match created {
            Ok(created) => created,
            Err(failure) => {
                if !failure.maybe_done {
                    self.note(&Note::Dropped { address: self.change.address.clone() })?;
                }
                return Err(failed(failure));
            }
        };
        self.sent += 1;
        self.id = Some(id.clone());
        // The id is kept at once, with nothing applied yet: whatever happens next, the next plan goes on from here.
        self.note(&Note::Created {
            address: self.change.address.clone(),
            record: self.recorded(id.clone(), Map::new(), Vec::new()),
        })?;
        let mut answered = connection.provider.accepted(first, &response).ok().flatten();
        let empty = Live::empty(RemoteId::new("{id}"));
        let mut expected = connection.provider.predict(&empty, first);
        for request in rest {
            let later = connection.provider.predict(&expected, request);
            let earlier = std::mem::replace(&mut expected, later);
            answered = self.write(connection, &with_id(request, &id), (&earlier, &expected)).await?.or(answered);
        }
        let predicted = proof::predict(connection.provider, &empty, &self.change.requests);
        self.verified(connection, None, predicted, answered).await
    }

    /// What is noted before a create is sent, and found again should its answer be lost.
    fn pending(&self, connection: &Connection, first: &Request) -> Pending {
        let body = first.body.as_ref().map(ToString::to_string).unwrap_or_default();
        let digest = ring::digest::digest(&ring::digest::SHA256, body.as_bytes());
        Pending {
            provider: self.change.provider.clone(),
            name: self.change.name.clone(),
            request: label(first),
            digest: digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
            sent: proof::carried(connection.provider, first, &self.change.applied),
            sent_at: (self.applier.now)(),
        }
    }

    async fn update(&mut self, connection: &Connection, before: Live) -> Step<Ending> {
        let mut answered = None;
        let mut expected = before.clone();
        for request in &self.change.requests {
            let later = connection.provider.predict(&expected, request);
            let earlier = std::mem::replace(&mut expected, later);
            answered = self.write(connection, request, (&earlier, &expected)).await?.or(answered);
        }
        let predicted = proof::predict(connection.provider, &before, &self.change.requests);
        self.verified(connection, Some(before), predicted, answered).await
    }

    /// Reads the object back, compares it with the prediction, and remembers what was applied.
    async fn verified(
        &mut self,
        connection: &Connection,
        before: Option<Live>,
        predicted: Live,
        answered: Option<Live>,
    ) -> Step<Ending> {
        let readable = connection.provider.rules().read;
        let Some(id) = self.id.clone() else {
            return Err(Ending::NotStarted { message: "it has no id".to_owned() });
        };
        let looks = readable && !self.change.requests.is_empty();
        if looks && self.applier.stopped() {
            self.record(self.change.applied.clone(), Vec::new())?;
            return Err(Ending::Unknown {
                request: self.change.requests.last().map(label).unwrap_or_default(),
                message: "the service accepted it, and it was not read back: the run was interrupted".to_owned(),
                help: "run `personaform plan` to see whether it is as wanted".to_owned(),
            });
        }
        let found = if looks {
            connection.read(&id, &[&self.change.applied]).await
        } else {
            Ok(answered.map(|mut live| {
                connection.conceal(&mut live, &[&self.change.applied]);
                live
            }))
        };
        let rules = connection.provider.rules();
        let (applied, differences) = match &found {
            Ok(Some(live)) => {
                let differences = verify::differences(self.change, before.as_ref(), &predicted, live, rules);
                let applied =
                    if readable { self.change.applied.clone() } else { verify::held(&self.change.applied, live, rules) };
                (applied, differences)
            }
            _ => (self.change.applied.clone(), Vec::new()),
        };
        self.record(applied, verify::resisted(self.change, &differences))?;
        match found {
            Ok(Some(_)) if !differences.is_empty() => Ok(Ending::Diverged { differences }),
            Ok(None) if looks => Ok(Ending::Diverged {
                differences: vec![Difference { path: Pointer::root(), expected: Some(Value::from("the object")), found: None }],
            }),
            Ok(_) => Ok(Ending::Done { verified: readable }),
            Err(failure) => Err(Ending::Unknown {
                request: failure.request,
                message: match failure.status {
                    Some(status) => {
                        format!("it was written, but reading it back was answered with {status}: {}", failure.message)
                    }
                    None => format!("it was written, but could not be read back: {}", failure.message),
                },
                help: "run `personaform plan` to see whether it is as wanted".to_owned(),
            }),
        }
    }

    /// Makes sure that a deleted object is gone.
    async fn deleted(&self, connection: &Connection) -> Step<Ending> {
        let looks = connection.provider.rules().read && !self.applier.stopped();
        let Some(id) = self.id.as_ref().filter(|_| looks) else {
            return Ok(Ending::Done { verified: false });
        };
        match connection.read(id, &[]).await {
            Ok(None) => Ok(Ending::Done { verified: true }),
            Ok(Some(_)) => Err(Ending::Unknown {
                request: self.change.requests.last().map(label).unwrap_or_default(),
                message: format!("the service accepted the deletion, and still shows `{id}`"),
                help: "look at it in the provider's dashboard".to_owned(),
            }),
            Err(_) => Ok(Ending::Done { verified: false }),
        }
    }

    /// Sends one writing request and judges the answer; where there is none, the object as it is now, beside what it was before
    /// the request and what it would be after it.
    async fn write(&mut self, connection: &Connection, request: &Request, expected: (&Live, &Live)) -> Step<Option<Live>> {
        if self.applier.stopped() {
            return Err(self.cut_short(request));
        }
        let answer = self.send(connection, request).await;
        let judged = answer.and_then(|response| {
            connection.provider.accepted(request, &response).map_err(|refusal| connection.refused(request, &refusal))
        });
        let live = match judged {
            Err(failure) => doubt::settled(connection, self.change, self.id.as_ref(), request, failure, expected).await,
            written => written,
        };
        let live = live.map_err(|failure| if failure.unsent { self.cut_short(request) } else { failed(failure) })?;
        self.sent += 1;
        Ok(live)
    }

    /// The ending of a change that an interrupt came before, or between two of its requests.
    fn cut_short(&self, request: &Request) -> Ending {
        match self.sent {
            0 => interrupted(),
            sent => Ending::Failed {
                request: Some(label(request)),
                status: None,
                message: format!("not sent: the run was interrupted after {sent} of {} requests", self.change.requests.len()),
                help: Some("run `personaform apply` again: it goes on from there".to_owned()),
            },
        }
    }

    /// Sends a request and keeps what was sent and what came back.
    async fn send(&mut self, connection: &Connection, request: &Request) -> Result<Response, Failure> {
        let answer = connection.send(request).await;
        let status = answer.as_ref().ok().map(|response| response.status);
        if !answer.as_ref().is_err_and(|failure| failure.unsent) {
            self.exchanges.push(Exchange { request: request.clone(), status });
        }
        answer
    }

    /// What stands for the live object where it cannot be read.
    fn assumed(&self) -> Live {
        let address = self.change.moved_from.as_ref().unwrap_or(&self.change.address);
        let memory = self.applier.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut live = Live::empty(self.id.clone().unwrap_or_else(|| RemoteId::new("")));
        if let Some(record) = memory.state().objects.get(address) {
            live.name.clone_from(&record.name);
            live.fields.clone_from(&record.applied);
        }
        live
    }

    /// Remembers what was applied, and which fields were not cleared although that was asked.
    fn record(&self, applied: Map<String, Value>, resisted: Vec<Pointer>) -> Step<()> {
        let Some(id) = self.id.clone() else { return Ok(()) };
        self.moved()?;
        self.note(&Note::Applied { address: self.change.address.clone(), record: self.recorded(id, applied, resisted) })
    }

    fn recorded(&self, id: RemoteId, applied: Map<String, Value>, resisted: Vec<Pointer>) -> Record {
        Record {
            provider: self.change.provider.clone(),
            id,
            name: self.change.name.clone(),
            applied,
            prevent_destroy: self.change.prevent_destroy,
            force_destroy: self.change.force_destroy,
            resisted,
            manage: self.change.manage,
            written_at: (self.applier.now)(),
        }
    }

    /// Moves the record of an object that had another address.
    fn moved(&self) -> Step<()> {
        let Some(from) = &self.change.moved_from else { return Ok(()) };
        let memory = self.applier.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let moves = memory.state().objects.contains_key(from);
        drop(memory);
        if moves { self.note(&Note::Moved { from: from.clone(), to: self.change.address.clone() }) } else { Ok(()) }
    }

    fn note(&self, note: &Note) -> Step<()> {
        self.applier.note(note).map_err(|error| {
            let mut message = error.to_string();
            if let Some(cause) = std::error::Error::source(&error) {
                message = format!("{message}: {cause}");
            }
            Ending::Failed {
                request: None,
                status: None,
                message: match &self.id {
                    Some(id) => format!("the service holds `{id}`, but {message}"),
                    None => message,
                },
                help: Some(match &self.id {
                    Some(id) => format!("mend that, then bind the target with `$id: {id}`"),
                    None => "mend that, and run the same command again".to_owned(),
                }),
            }
        })
    }
}

/// The ending of a change that an interrupt came before.
fn interrupted() -> Ending {
    Ending::NotStarted { message: "the run was interrupted".to_owned() }
}

/// The ending for a request that failed.
fn failed(failure: Failure) -> Ending {
    if failure.unsent {
        return interrupted();
    }
    if failure.maybe_done {
        let help = "run `personaform plan` to see whether it was done before you try again";
        return Ending::Unknown {
            request: failure.request,
            message: match failure.status {
                Some(status) => format!("answered with {status}: {}", failure.message),
                None => failure.message,
            },
            help: match failure.help {
                Some(more) if failure.status.is_some() => format!("{help}; {more}"),
                _ => help.to_owned(),
            },
        };
    }
    Ending::Failed { request: Some(failure.request), status: failure.status, message: failure.message, help: failure.help }
}

fn with_id(request: &Request, id: &RemoteId) -> Request {
    Request { path: request.path.replace("{id}", &id.in_path()), ..request.clone() }
}
