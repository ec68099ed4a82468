//! Carries out a plan: concurrent per account, each write read back and compared with its prediction, state saved after each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value};

use super::connection::{Connection, Failure, label};
use super::doubt;
use super::outcome::{Difference, Effort, Ending, Entry, Outcome};
use super::verify;
use crate::persona::name::AccountName;
use crate::plan::{Action, Address, Change, Live, Plan, Record, RemoteId, Request, proof};
use crate::state::{State, StateError, StateFile};

/// What an apply needs besides the plan.
pub struct Applier<'a> {
    /// The accounts of the plan's changes.
    pub connections: &'a BTreeMap<AccountName, Connection>,
    /// The state and where it is kept.
    pub memory: Mutex<(StateFile, State)>,
    /// Changes under way at once per account.
    pub parallelism: usize,
    /// Set by an interrupt: nothing new is begun.
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
                    Ending::Stale { message } | Ending::Failed { message, .. } => message,
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
        self.settle(plan)?;
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
        Ok(Outcome { entries, interrupted: self.stop.load(Ordering::Relaxed), effort })
    }

    /// Corrects what state remembers of objects that are as they should be.
    fn settle(&self, plan: &Plan) -> Result<(), StateError> {
        if plan.settled.is_empty() {
            return Ok(());
        }
        self.remember(|state| {
            for settled in &plan.settled {
                if let Some(record) = state.objects.get_mut(&settled.address) {
                    record.applied = settled.applied.clone();
                    record.prevent_destroy = settled.prevent_destroy;
                }
            }
        })
    }

    async fn entry(&self, account: &AccountName, change: &Change) -> Entry {
        let mut work = Work { applier: self, change, id: change.id.clone(), sent: 0 };
        let ending = if self.stop.load(Ordering::Relaxed) {
            Ending::NotStarted { message: "the run was interrupted".to_owned() }
        } else if let Some(connection) = self.connections.get(account) {
            self.observer.begun(&change.address, change.action);
            work.carry_out(connection).await.unwrap_or_else(|ending| ending)
        } else {
            Ending::NotStarted { message: format!("there is no account `{account}`") }
        };
        let entry =
            Entry { address: change.address.clone(), action: change.action, id: work.id, requests_sent: work.sent, ending };
        self.observer.ended(&entry);
        entry
    }

    /// Reads the object of a change once more.
    ///
    /// # Errors
    /// When it is no longer as the plan saw it, or cannot be read.
    async fn look_again(&self, connection: &Connection, change: &Change) -> Step<Option<Live>> {
        let (Some(id), Some(digest)) = (&change.id, &change.live_digest) else {
            return Ok(None);
        };
        // The same documents as when the plan was made, in the same order: equal objects have equal digests.
        let recorded = self.recorded_as(change);
        let documents: Vec<&Map<String, Value>> = recorded.iter().chain([&change.applied]).collect();
        match connection.read(id, &documents).await {
            Ok(Some(live)) if live.digest() == *digest => Ok(Some(live)),
            Ok(Some(_)) => Err(Ending::Stale { message: "it was changed elsewhere after the plan was made".to_owned() }),
            Ok(None) => Err(Ending::Stale { message: "it was deleted elsewhere after the plan was made".to_owned() }),
            Err(failure) => Err(failed(failure)),
        }
    }

    /// What state remembers as applied to the object of a change.
    fn recorded_as(&self, change: &Change) -> Option<Map<String, Value>> {
        let address = change.moved_from.as_ref().unwrap_or(&change.address);
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let record = memory.1.objects.get(address).filter(|record| Some(&record.id) == change.id.as_ref());
        record.map(|record| record.applied.clone())
    }

    fn remember(&self, edit: impl FnOnce(&mut State)) -> Result<(), StateError> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, state) = &mut *memory;
        edit(state);
        file.save(state)
    }
}

/// One change on its way.
struct Work<'a> {
    applier: &'a Applier<'a>,
    change: &'a Change,
    id: Option<RemoteId>,
    sent: usize,
}

impl Work<'_> {
    async fn carry_out(&mut self, connection: &Connection) -> Step<Ending> {
        let change = self.change;
        match change.action {
            Action::Forget => {
                self.save(|state, address| {
                    state.objects.remove(address);
                })?;
                Ok(Ending::Done { verified: connection.provider.rules().read })
            }
            Action::Delete => {
                let before = self.applier.look_again(connection, change).await?.unwrap_or_else(|| self.assumed());
                for request in &change.requests {
                    self.write(connection, request, (&before, &before)).await?;
                }
                self.save(|state, address| {
                    state.objects.remove(address);
                })?;
                self.deleted(connection).await
            }
            Action::Create => self.create(connection).await,
            Action::Update | Action::Adopt | Action::Move => {
                let seen = self.applier.look_again(connection, change).await?;
                let before = seen.unwrap_or_else(|| self.assumed());
                self.update(connection, before).await
            }
        }
    }

    async fn create(&mut self, connection: &Connection) -> Step<Ending> {
        let Some((first, rest)) = self.change.requests.split_first() else {
            return Err(Ending::NotStarted { message: "the plan holds no request for it".to_owned() });
        };
        let response = connection.send(first).await.map_err(failed)?;
        let id = connection.provider.created(&response).map_err(|refusal| failed(connection.refused(first, &refusal)))?;
        self.sent += 1;
        self.id = Some(id.clone());
        // The id is kept at once, with nothing applied yet: whatever happens next, the next plan goes on from here.
        self.record(Map::new())?;
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
        let found = if readable && !self.change.requests.is_empty() {
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
        self.record(applied)?;
        match found {
            Ok(Some(_)) if !differences.is_empty() => Ok(Ending::Diverged { differences }),
            Ok(None) if readable && !self.change.requests.is_empty() => Ok(Ending::Diverged {
                differences: vec![Difference {
                    path: crate::persona::name::Pointer::root(),
                    expected: Some(Value::from("the object")),
                    found: None,
                }],
            }),
            Ok(_) => Ok(Ending::Done { verified: readable }),
            Err(failure) => Err(Ending::Unknown {
                request: failure.request,
                message: format!("it was written, but could not be read back: {}", failure.message),
                help: "run `personaform plan` to see whether it is as wanted".to_owned(),
            }),
        }
    }

    /// Makes sure that a deleted object is gone.
    async fn deleted(&self, connection: &Connection) -> Step<Ending> {
        let Some(id) = self.id.as_ref().filter(|_| connection.provider.rules().read) else {
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
        let live = match connection.write(request).await {
            Err(failure) => doubt::settled(connection, self.change, self.id.as_ref(), request, failure, expected).await,
            written => written,
        };
        let live = live.map_err(failed)?;
        self.sent += 1;
        Ok(live)
    }

    /// What stands for the live object where it cannot be read.
    fn assumed(&self) -> Live {
        let address = self.change.moved_from.as_ref().unwrap_or(&self.change.address);
        let memory = self.applier.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut live = Live::empty(self.id.clone().unwrap_or_else(|| RemoteId::new("")));
        if let Some(record) = memory.1.objects.get(address) {
            live.name.clone_from(&record.name);
            live.fields.clone_from(&record.applied);
        }
        live
    }

    fn record(&self, applied: Map<String, Value>) -> Step<()> {
        let Some(id) = self.id.clone() else { return Ok(()) };
        let record = Record {
            provider: self.change.provider.clone(),
            id,
            name: self.change.name.clone(),
            applied,
            prevent_destroy: self.change.prevent_destroy,
            written_at: (self.applier.now)(),
        };
        let moved_from = self.change.moved_from.clone();
        self.save(move |state, address| {
            if let Some(old) = moved_from {
                state.objects.remove(&old);
            }
            state.objects.insert(address.clone(), record);
        })
    }

    fn save(&self, edit: impl FnOnce(&mut State, &Address)) -> Step<()> {
        let address = &self.change.address;
        self.applier.remember(|state| edit(state, address)).map_err(|error| Ending::Failed {
            request: None,
            status: None,
            message: match &self.id {
                Some(id) => format!("the service holds `{id}`, but {error}"),
                None => error.to_string(),
            },
            help: Some(match &self.id {
                Some(id) => format!("mend that, then bind the target with `$id: {id}`"),
                None => "mend that, and run the same command again".to_owned(),
            }),
        })
    }
}

/// The ending for a request that failed.
fn failed(failure: Failure) -> Ending {
    if failure.maybe_done {
        return Ending::Unknown {
            request: failure.request,
            message: failure.message,
            help: "run `personaform plan` to see whether it was done before you try again".to_owned(),
        };
    }
    Ending::Failed { request: Some(failure.request), status: failure.status, message: failure.message, help: failure.help }
}

fn with_id(request: &Request, id: &RemoteId) -> Request {
    let escaped = percent_encoding::utf8_percent_encode(id.as_str(), percent_encoding::NON_ALPHANUMERIC).to_string();
    // Ids are mostly unreserved characters already; those stay as they are, so that logs show the id.
    let escaped = escaped.replace("%2D", "-").replace("%5F", "_").replace("%2E", ".").replace("%7E", "~");
    Request { path: request.path.replace("{id}", &escaped), ..request.clone() }
}
