//! Carries out a plan: concurrent per account, each write read back and compared with its prediction, and every step noted before
//! the next: a create before it is sent, its id as soon as it is known, and what was applied once it is.

mod notes;
mod work;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use notes::Notes;
use serde_json::{Map, Value};
use work::Work;

use super::connection::{Connection, Failure};
use super::outcome::{Effort, Ending, Entry, Outcome};
use super::seen::{Sight, sight};
use crate::http::counting_retries;
use crate::persona::name::AccountName;
use crate::plan::change::Settled;
use crate::plan::{Action, Address, Change, Document, Live, Plan};
use crate::state::{Entry as Note, Memory, StateError};

/// Corrections of state that are written together; all of them at once would be held a second time.
const CORRECTED_AT_ONCE: usize = 100;

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
                let failed = self.look_again(connection, change, &change.applied).await.err()?;
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

    /// Carries out every change; one that fails does not stop the others. What state will remember as applied is moved out of the
    /// plan: two copies of every document would be felt.
    ///
    /// # Errors
    /// When state cannot be saved before anything is sent.
    pub async fn apply(&self, plan: &mut Plan) -> Result<Outcome, StateError> {
        let begun = Instant::now();
        self.correct(&mut plan.settled)?;
        let applied: Vec<_> = plan.changes.iter_mut().map(|change| std::mem::take(&mut change.applied)).collect();
        let notes = &Notes::of(&self.memory);
        let mut by_account: BTreeMap<&AccountName, Vec<Work<'_>>> = BTreeMap::new();
        for (change, applied) in plan.changes.iter().zip(applied) {
            let id = change.id.clone();
            let work = Work { applier: self, notes, change, applied, id, sent: 0, exchanges: Vec::new() };
            by_account.entry(&change.address.account).or_default().push(work);
        }
        let accounts = by_account.into_iter().map(|(account, works)| async move {
            let entries = works.into_iter().map(|work| self.entry(account, work));
            stream::iter(entries).buffer_unordered(self.parallelism).collect::<Vec<Entry>>().await
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
    fn correct(&self, settled: &mut [Settled]) -> Result<(), StateError> {
        for some in settled.chunks_mut(CORRECTED_AT_ONCE) {
            let notes = some.iter_mut().map(|settled| Note::Settled {
                address: settled.address.clone(),
                applied: std::mem::take(&mut settled.applied),
                prevent_destroy: settled.prevent_destroy,
                force_destroy: settled.force_destroy,
                manage: settled.manage,
            });
            let notes: Vec<Note> = notes.collect();
            self.memory.lock().unwrap_or_else(PoisonError::into_inner).note_all(&notes)?;
        }
        Ok(())
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    async fn entry(&self, account: &AccountName, mut work: Work<'_>) -> Entry {
        let begun = Instant::now();
        let mut retries = 0;
        let change = work.change;
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

    /// Reads the object of a change, with what is to be applied to it, once more. None: there is nothing to compare with, or nothing
    /// that can be read.
    ///
    /// # Errors
    /// When it is no longer what the plan depends on, or cannot be read.
    async fn look_again(
        &self,
        connection: &Connection,
        change: &Change,
        applied: &Map<String, Value>,
    ) -> Step<Option<(Live, Sight)>> {
        let (Some(id), Some(_)) = (&change.id, &change.live_digest) else {
            return Ok(None);
        };
        // The same documents as when the plan was made, in the same order: equal objects have equal digests.
        let recorded = self.recorded_as(change);
        let documents: Vec<&Map<String, Value>> = recorded.as_deref().into_iter().chain([applied]).collect();
        match connection.read(id, &documents).await {
            Ok(Some(live)) => match sight(change, applied, &live, connection.provider) {
                Sight::Changed(message) => Err(Ending::Stale { message }),
                sight => Ok(Some((live, sight))),
            },
            Ok(None) => Err(Ending::Stale { message: "it was deleted elsewhere after the plan was made".to_owned() }),
            Err(failure) => Err(failed(failure)),
        }
    }

    /// What state remembers as applied to the object of a change.
    fn recorded_as(&self, change: &Change) -> Option<Document> {
        let address = change.moved_from.as_ref().unwrap_or(&change.address);
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let state = memory.state();
        // An adopted object that an interrupted create made was found with what that create sent.
        let pending = state.pending.get(address).map(|pending| pending.sent.clone());
        let record = state.objects.get(address).filter(|record| Some(&record.id) == change.id.as_ref());
        record.map(|record| record.applied.clone()).or(pending)
    }
}

fn since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The ending of a change that an interrupt came before.
fn interrupted() -> Ending {
    Ending::NotStarted { message: "the run was interrupted".to_owned() }
}

/// The ending for a request that failed.
fn failed(failure: Failure) -> Ending {
    if failure.unsent {
        return Ending::NotStarted { message: failure.message };
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
