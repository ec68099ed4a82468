//! An account that can only be read. What plans gets this and nothing else, so that a plan cannot write, by type.

use serde_json::{Map, Value};

use super::connection::{Connection, Failure};
use crate::plan::{Live, RemoteId, Rules};
use crate::provider::Page;

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
}

impl<'a> Reader<'a> {
    /// The reading half of a connection.
    pub fn of(connection: &'a Connection) -> Self {
        Self { connection }
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
        self.connection.read(id, ours).await
    }

    /// Reads one page of the list, numbered from 1.
    ///
    /// # Errors
    /// When there is no answer, or one that is no list.
    pub async fn page(&self, number: u32) -> Result<Page, Failure> {
        self.connection.page(number).await
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
