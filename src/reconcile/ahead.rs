//! Reads recorded objects before it is known what the files want of them, so that the answers travel while files are read. What
//! came of it waits here as the service sent it: a [`Reader`](super::Reader) takes each answer out once, and hides secrets as
//! always. Only ever reads.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};

use super::connection::{Connection, Failure};
use super::pages::{self, LIST_FROM, Purpose};
use crate::persona::name::AccountName;
use crate::plan::{Address, Listing, Live, Record, RemoteId};
use crate::provider::Page;

/// Answers of one account that nobody has asked for yet. They hold whatever the service sent, secrets too.
#[derive(Default)]
pub struct Ahead {
    pages: RefCell<BTreeMap<u32, Result<Page, Failure>>>,
    objects: RefCell<BTreeMap<RemoteId, Result<Option<Live>, Failure>>>,
}

impl std::fmt::Debug for Ahead {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Ahead").finish_non_exhaustive()
    }
}

/// Reads what is sure to be asked for: of every account the recorded objects in `scope`, as [`refresh`](super::refresh()) would.
pub async fn read_ahead(
    connections: &BTreeMap<AccountName, Connection>,
    recorded: &BTreeMap<Address, Record>,
    scope: impl Fn(&Address) -> bool,
) -> BTreeMap<AccountName, Ahead> {
    let accounts = connections.iter().map(|(name, connection)| {
        let ours = recorded.iter().filter(|(address, _)| address.account == *name && scope(address));
        let ids: BTreeSet<&RemoteId> = ours.map(|(_, record)| &record.id).collect();
        async move { (name.clone(), Ahead::read(connection, ids).await) }
    });
    join_all(accounts).await.into_iter().collect()
}

impl Ahead {
    async fn read(connection: &Connection, ids: BTreeSet<&RemoteId>) -> Self {
        let ahead = Self::default();
        let rules = connection.provider.rules();
        if !rules.read {
            return ahead;
        }
        let at_once = connection.client.concurrency();
        if rules.list == Listing::Whole && ids.len() >= LIST_FROM {
            let page = |number| ahead.read_page(connection, number);
            // What is wrong with a page waits beside the others for who asks for it.
            let _ = pages::walk(page, at_once, ids, Purpose::Wanted, |number, page| {
                ahead.pages.borrow_mut().insert(number, Ok(page));
            })
            .await;
        } else {
            let reads = ids.into_iter().map(|id| async {
                let answer = connection.read_as_sent(id).await;
                ahead.objects.borrow_mut().insert(id.clone(), answer);
            });
            stream::iter(reads).buffer_unordered(at_once).collect::<()>().await;
        }
        ahead
    }

    async fn read_page(&self, connection: &Connection, number: u32) -> Result<Page, Failure> {
        let answer = connection.page(number).await;
        if let Err(failure) = &answer {
            self.pages.borrow_mut().insert(number, Err(failure.clone()));
        }
        answer
    }

    /// Takes out a page, if it was read.
    pub(super) fn page(&self, number: u32) -> Option<Result<Page, Failure>> {
        self.pages.borrow_mut().remove(&number)
    }

    /// Takes out what a read of an object gave, if there was one.
    pub(super) fn object(&self, id: &RemoteId) -> Option<Result<Option<Live>, Failure>> {
        self.objects.borrow_mut().remove(id)
    }
}
