//! An account that can only be read. What plans gets this and nothing else, so that a plan cannot write, by type.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::ahead::Ahead;
use super::connection::{Connection, Failure};
use super::pages::{Purpose, walk};
use crate::plan::{Live, RemoteId, Rules};
use crate::provider::{Listed, Page};

/// The reading half of a [`Connection`].
///
/// It reads:
///
/// ```
/// async fn first_page(reader: personaform::reconcile::Reader<'_>) {
///     let _ = reader.page(1).await;
/// }
/// ```
///
/// and it has no way to send anything else:
///
/// ```compile_fail
/// async fn first_page(reader: personaform::reconcile::Reader<'_>, request: personaform::plan::Request) {
///     let _ = reader.send(&request).await;
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    connection: &'a Connection,
    ahead: Option<&'a Ahead>,
}

impl<'a> Reader<'a> {
    /// The reading half of a connection.
    pub fn of(connection: &'a Connection) -> Self {
        Self { connection, ahead: None }
    }

    /// The same, with answers to take before the service is asked.
    #[must_use]
    pub fn after(self, ahead: Option<&'a Ahead>) -> Self {
        Self { ahead, ..self }
    }

    /// What the service can do.
    pub fn rules(&self) -> &'static Rules {
        self.connection.provider.rules()
    }

    /// Reads one object; none: the service says that there is none. `ours` are documents whose secrets are hidden.
    ///
    /// # Errors
    /// When there is no answer, or one that is neither an object nor its plain absence.
    pub async fn read(&self, id: &RemoteId, ours: &[&Map<String, Value>]) -> Result<Option<Live>, Failure> {
        match self.ahead.and_then(|ahead| ahead.object(id)) {
            Some(Ok(live)) => Ok(self.connection.concealed(live, ours)),
            Some(Err(failure)) => Err(self.connection.without_secrets(failure)),
            None => self.connection.read(id, ours).await,
        }
    }

    /// Reads one page of the list, numbered from 1.
    ///
    /// # Errors
    /// When there is no answer, or one that is no list.
    pub async fn page(&self, number: u32) -> Result<Page, Failure> {
        match self.ahead.and_then(|ahead| ahead.page(number)) {
            Some(page) => page.map_err(|failure| self.connection.without_secrets(failure)),
            None => self.connection.page(number).await,
        }
    }

    /// Reads the whole list of the account: each object once, in the order of the pages.
    ///
    /// # Errors
    /// When a page of it cannot be read.
    pub async fn list_all(&self) -> Result<Vec<Listed>, Failure> {
        self.list(BTreeSet::new(), Purpose::All, |_| true).await
    }

    /// Reads the list. `wanted` are objects that are believed to be on it; what `keep` does not want is dropped as soon as it was seen.
    ///
    /// Each object comes once, in the order of the pages.
    ///
    /// # Errors
    /// When a page that belongs to the list cannot be read: a part of a list is no list.
    pub(super) async fn list(
        &self,
        wanted: BTreeSet<&RemoteId>,
        purpose: Purpose,
        keep: impl Fn(&Listed) -> bool,
    ) -> Result<Vec<Listed>, Failure> {
        let mut items = Vec::new();
        let take = |_, page: Page| items.extend(page.items.into_iter().filter(&keep));
        walk(|number| self.page(number), self.at_once(), wanted, purpose, take).await?;
        Ok(items)
    }

    /// How many reads are worth having under way: as many as the account's pace lets through.
    pub fn at_once(&self) -> usize {
        self.connection.client.concurrency()
    }

    /// Takes write-only fields out of what was read, and hides secrets.
    pub fn conceal(&self, live: &mut Live, ours: &[&Map<String, Value>]) {
        self.connection.conceal(live, ours);
    }
}
