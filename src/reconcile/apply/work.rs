//! One change on its way: its requests in order, each noted before and after it, and the object read back at the end.

use std::sync::PoisonError;

use serde_json::Value;

use super::notes::Notes;
use super::{Applier, Step, failed, interrupted};
use crate::persona::name::Pointer;
use crate::plan::{Action, Change, Document, Live, Pending, Record, RemoteId, Request, proof};
use crate::provider::Response;
use crate::reconcile::connection::{Connection, Failure, label};
use crate::reconcile::doubt;
use crate::reconcile::outcome::{Difference, Ending, Exchange};
use crate::reconcile::seen::Sight;
use crate::reconcile::verify;
use crate::state::Entry as Note;

/// One change on its way.
pub(super) struct Work<'a> {
    /// Whose plan it is part of.
    pub(super) applier: &'a Applier<'a>,
    /// Where its notes go.
    pub(super) notes: &'a Notes<'a>,
    /// What shall be done.
    pub(super) change: &'a Change,
    /// What state will remember as applied; taken out of the change.
    pub(super) applied: Document,
    /// The object, as soon as it is known.
    pub(super) id: Option<RemoteId>,
    /// Writing requests that the service took.
    pub(super) sent: usize,
    /// What came of the requests that were sent.
    pub(super) exchanges: Vec<Exchange>,
}

impl Work<'_> {
    /// Does it, up to reading the object back.
    ///
    /// # Errors
    /// The ending of a change that was not done, or of which that is not known.
    pub(super) async fn carry_out(&mut self, connection: &Connection) -> Step<Ending> {
        let change = self.change;
        match change.action {
            Action::Forget => {
                self.note(Note::Removed { address: change.address.clone() }).await?;
                Ok(Ending::Done { verified: connection.provider.rules().read })
            }
            Action::Delete => {
                let seen = self.applier.look_again(connection, change, &self.applied).await?;
                let before = seen.map_or_else(|| self.assumed(), |(before, _)| before);
                for request in &change.requests {
                    self.write(connection, request, (&before, &before)).await?;
                }
                self.note(Note::Removed { address: change.address.clone() }).await?;
                self.deleted(connection).await
            }
            Action::Create => self.create(connection).await,
            Action::Update | Action::Adopt | Action::Move => {
                match self.applier.look_again(connection, change, &self.applied).await? {
                    Some((_, Sight::Already)) => {
                        // Somebody else has done it: nothing is written, and it is ours as planned.
                        self.record_applied(Vec::new()).await?;
                        Ok(Ending::Done { verified: true })
                    }
                    Some((before, _)) => self.update(connection, before).await,
                    None => self.update(connection, self.assumed()).await,
                }
            }
        }
    }

    async fn create(&mut self, connection: &Connection) -> Step<Ending> {
        let Some((first, rest)) = self.change.requests.split_first() else {
            return Err(Ending::NotStarted { message: "the plan holds no request for it".to_owned() });
        };
        if self.applier.stopped() {
            return Err(interrupted());
        }
        self.moved().await?;
        self.note(Note::Intent { address: self.change.address.clone(), pending: self.pending(connection, first) }).await?;
        let answer = self.send(connection, first).await;
        let created = answer.and_then(|response| match connection.provider.created(&response) {
            Ok(id) => Ok((id, response)),
            Err(refusal) => Err(connection.refused(first, &refusal)),
        });
        let (id, response) = match created {
            Ok(created) => created,
            Err(failure) => {
                if !failure.maybe_done {
                    self.note(Note::Dropped { address: self.change.address.clone() }).await?;
                }
                return Err(failed(failure));
            }
        };
        self.sent += 1;
        self.id = Some(id.clone());
        // The id is kept at once, with nothing applied yet: whatever happens next, the next plan goes on from here.
        let record = self.recorded(id.clone(), Document::default(), Vec::new());
        self.note(Note::Created { address: self.change.address.clone(), record }).await?;
        let mut answered = connection.provider.accepted(first, &response).ok().flatten();
        let empty = Live::empty(RemoteId::new("{id}"));
        let mut expected = connection.provider.predict(&empty, first);
        for request in rest {
            let later = connection.provider.predict(&expected, request);
            let earlier = std::mem::replace(&mut expected, later);
            answered = self.write(connection, &request.with_id(&id), (&earlier, &expected)).await?.or(answered);
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
            sent: proof::carried(connection.provider, first, &self.applied).into(),
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
            self.record_applied(Vec::new()).await?;
            return Err(Ending::Unknown {
                request: self.change.requests.last().map(label).unwrap_or_default(),
                message: "the service accepted it, and it was not read back: the run was interrupted".to_owned(),
                help: "run `personaform plan` to see whether it is as wanted".to_owned(),
            });
        }
        let found = if looks {
            connection.read(&id, &[&self.applied]).await
        } else {
            Ok(answered.map(|mut live| {
                connection.conceal(&mut live, &[&self.applied]);
                live
            }))
        };
        let rules = connection.provider.rules();
        let differences = match &found {
            Ok(Some(live)) => verify::differences(self.change, &self.applied, before.as_ref(), &predicted, live, rules),
            _ => Vec::new(),
        };
        let resisted = verify::resisted(self.change, &self.applied, &differences);
        if let (Ok(Some(live)), false) = (&found, readable) {
            self.applied = verify::held(&self.applied, live, rules).into();
        }
        self.record_applied(resisted).await?;
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
            return Err(self.cut_short(request, None));
        }
        let answer = self.send(connection, request).await;
        let judged = answer.and_then(|response| {
            connection.provider.accepted(request, &response).map_err(|refusal| connection.refused(request, &refusal))
        });
        let live = match judged {
            Err(failure) => {
                let change = (self.change, &*self.applied);
                doubt::settled(connection, change, self.id.as_ref(), request, failure, expected).await
            }
            written => written,
        };
        let live = live.map_err(|failure| match failure.unsent {
            true => self.cut_short(request, Some(failure.message).filter(|_| !self.applier.stopped())),
            false => failed(failure),
        })?;
        self.sent += 1;
        Ok(live)
    }

    /// The ending of a change before which, or between two requests of which, the sending ended: for a reason, or by an interrupt.
    fn cut_short(&self, request: &Request, why: Option<String>) -> Ending {
        match self.sent {
            0 => why.map_or_else(interrupted, |message| Ending::NotStarted { message }),
            sent => Ending::Failed {
                request: Some(label(request)),
                status: None,
                message: format!(
                    "{} after {sent} of {} requests",
                    why.as_deref().unwrap_or("not sent: the run was interrupted"),
                    self.change.requests.len()
                ),
                help: Some("run `personaform apply` again: it goes on from there".to_owned()),
            },
        }
    }

    /// Sends the next request and keeps what came back.
    async fn send(&mut self, connection: &Connection, request: &Request) -> Result<Response, Failure> {
        let answer = connection.send(request).await;
        let status = answer.as_ref().ok().map(|response| response.status);
        if !answer.as_ref().is_err_and(|failure| failure.unsent) {
            self.exchanges.push(Exchange { status });
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
    async fn record_applied(&mut self, resisted: Vec<Pointer>) -> Step<()> {
        let Some(id) = self.id.clone() else { return Ok(()) };
        self.moved().await?;
        let applied = std::mem::take(&mut self.applied);
        let record = self.recorded(id, applied, resisted);
        self.note(Note::Applied { address: self.change.address.clone(), record }).await
    }

    fn recorded(&self, id: RemoteId, applied: Document, resisted: Vec<Pointer>) -> Record {
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
    async fn moved(&self) -> Step<()> {
        let Some(from) = &self.change.moved_from else { return Ok(()) };
        let is_there = {
            let memory = self.applier.memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.state().objects.contains_key(from)
        };
        if is_there { self.note(Note::Moved { from: from.clone(), to: self.change.address.clone() }).await } else { Ok(()) }
    }

    async fn note(&self, note: Note) -> Step<()> {
        self.notes.note(note).await.map_err(|error| {
            let mut message = error.to_string();
            if let Some(cause) = std::error::Error::source(&*error) {
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
