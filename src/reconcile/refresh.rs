//! Looks at what the services hold, for every address that is planned. Only ever reads.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value};

use super::connection::Failure;
use super::reader::Reader;
use crate::persona::name::AccountName;
use crate::plan::planner::{Namesakes, Observation};
use crate::plan::{Address, Listing, Live, Pending, Record, RemoteId, Resource};
use crate::provider::Listed;

/// Reads under way at once per account.
const CONCURRENT_READS: usize = 8;

/// From this many known objects on, whole lists are read instead of single objects.
const LIST_FROM: usize = 5;

/// What the services hold.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Every recorded and every bound object, by the address it was asked for.
    pub observed: BTreeMap<Address, Observation>,
    /// For targets that nothing is known of: what has their name.
    pub namesakes: BTreeMap<Address, Namesakes>,
    /// For creates whose answer is lost: what has the name that was sent.
    pub traces: BTreeMap<Address, Namesakes>,
    /// Accounts where none of the recorded objects is found any more, with the number of these.
    pub vanished: BTreeMap<AccountName, usize>,
}

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Interest<'a> {
    /// What the files want.
    pub desired: &'a BTreeMap<Address, Resource>,
    /// What state records.
    pub recorded: &'a BTreeMap<Address, Record>,
    /// Creates whose answer nobody has seen.
    pub pending: &'a BTreeMap<Address, Pending>,
    /// New address to old address.
    pub moves: &'a BTreeMap<Address, Address>,
    /// Whether an address is planned at all.
    pub scope: &'a dyn Fn(&Address) -> bool,
}

/// An object whose id is known.
struct Known<'a> {
    /// The address that it is recorded or bound under.
    address: &'a Address,
    id: RemoteId,
    /// Whether state records it, and not only a file binds it.
    recorded: bool,
    /// The documents whose secrets it may show.
    documents: Vec<&'a Map<String, Value>>,
}

/// What is asked of one account.
struct Questions<'a> {
    known: Vec<Known<'a>>,
    /// Targets that nothing is known of, with their names.
    fresh: Vec<(&'a Address, &'a Resource)>,
    /// Creates whose answer is lost.
    pending: Vec<(&'a Address, &'a Pending)>,
    /// Recorded objects that are not among the known ones, since they are not planned.
    others: Vec<&'a RemoteId>,
    /// Ids that belong to an address already.
    taken: BTreeSet<&'a RemoteId>,
}

/// Reads everything that a plan needs, all accounts at once.
pub async fn refresh(readers: &BTreeMap<AccountName, Reader<'_>>, interest: Interest<'_>) -> Refreshed {
    let accounts = readers.iter().map(|(name, reader)| {
        let questions = Questions::of(name, interest);
        async move { questions.ask(name, *reader).await }
    });
    let mut all = Refreshed::default();
    for one in join_all(accounts).await {
        all.observed.extend(one.observed);
        all.namesakes.extend(one.namesakes);
        all.traces.extend(one.traces);
        all.vanished.extend(one.vanished);
    }
    all
}

impl<'a> Questions<'a> {
    fn of(account: &AccountName, interest: Interest<'a>) -> Self {
        let Interest { desired, recorded, moves, scope, .. } = interest;
        let ours = |address: &Address| address.account == *account;
        let moving: BTreeMap<&Address, &Address> =
            moves.iter().filter(|(new, _)| ours(new) && scope(new)).map(|(new, old)| (old, new)).collect();
        let mut known = Vec::new();
        for (address, record) in recorded.iter().filter(|(address, _)| ours(address)) {
            let new_address = moving.get(address).copied().unwrap_or(address);
            if scope(address) || scope(new_address) {
                let mut documents = vec![&record.applied];
                documents.extend(desired.get(new_address).map(|resource| &resource.fields));
                known.push(Known { address, id: record.id.clone(), recorded: true, documents });
            }
        }
        let mut fresh = Vec::new();
        let mut taken: BTreeSet<&RemoteId> =
            recorded.iter().filter(|(address, _)| ours(address)).map(|(_, record)| &record.id).collect();
        for (address, resource) in desired.iter().filter(|(address, _)| ours(address)) {
            taken.extend(resource.bind.as_ref());
            let record = recorded.get(address).or_else(|| recorded.get(moves.get(address)?));
            if !scope(address) {
                continue;
            }
            match (&resource.bind, record) {
                (Some(id), record) if record.is_none_or(|record| record.id != *id) => {
                    // A binding to another object than the recorded one: it is the one to look at.
                    known.retain(|other| other.address != address);
                    known.push(Known { address, id: id.clone(), recorded: false, documents: vec![&resource.fields] });
                }
                (None, None) => fresh.push((address, resource)),
                _ => {}
            }
        }
        let pending = interest.pending.iter().filter(|(address, _)| ours(address) && scope(address)).collect();
        let asked: BTreeSet<&Address> = known.iter().map(|known| known.address).collect();
        let others = recorded.iter().filter(|(address, _)| ours(address) && !asked.contains(address));
        let others = others.map(|(_, record)| &record.id).collect();
        Self { known, fresh, taken, pending, others }
    }

    async fn ask(self, account: &AccountName, reader: Reader<'_>) -> Refreshed {
        let rules = reader.rules();
        let mut refreshed = Refreshed::default();
        if !rules.read {
            return refreshed;
        }
        let by_list = rules.list == Listing::Whole && self.known.len() >= LIST_FROM;
        let by_name = !self.fresh.is_empty() || !self.pending.is_empty();
        let listed = if rules.list != Listing::None && (by_list || by_name) {
            let wanted: BTreeSet<&RemoteId> = self.known.iter().map(|known| &known.id).collect();
            Some(list(reader, &wanted, !by_name).await)
        } else {
            None
        };
        let known_from_list: BTreeMap<&RemoteId, &Live> = match &listed {
            Some(Ok(items)) => items.iter().filter_map(|item| Some((&item.id, item.live.as_ref()?))).collect(),
            _ => BTreeMap::new(),
        };
        // What the list does not show is read by itself: only a plain answer to that is absence.
        let reads = self.known.iter().map(|Known { address, id, documents, .. }| {
            let from_list = known_from_list.get(id).map(|live| (*live).clone());
            async move {
                let observation = match from_list {
                    Some(mut live) => {
                        reader.conceal(&mut live, documents);
                        Observation::Present(Box::new(live))
                    }
                    None => match reader.read(id, documents).await {
                        Ok(Some(live)) => Observation::Present(Box::new(live)),
                        Ok(None) => Observation::Absent,
                        Err(failure) => unreadable(&failure),
                    },
                };
                ((*address).clone(), observation)
            }
        });
        refreshed.observed = stream::iter(reads).buffer_unordered(CONCURRENT_READS).collect().await;
        for (address, resource) in &self.fresh {
            let found = self
                .candidates(reader, &[&resource.fields], &listed, |item| {
                    !resource.name.is_empty() && item.name == resource.name
                })
                .await;
            refreshed.namesakes.insert((*address).clone(), found);
        }
        for (address, pending) in &self.pending {
            let found = self
                .candidates(reader, &[&pending.sent], &listed, |item| {
                    // What was sent without a name is looked for under any.
                    pending.name.is_empty() || item.name == pending.name
                })
                .await;
            refreshed.traces.insert((*address).clone(), found);
        }
        let recorded = self.known.iter().filter(|known| known.recorded).count() + self.others.len();
        let gone = self
            .known
            .iter()
            .filter(|known| known.recorded)
            .all(|known| matches!(refreshed.observed.get(known.address), Some(Observation::Absent)));
        if recorded > 0 && gone && self.known.iter().any(|known| known.recorded) && self.others_are_gone(reader).await {
            refreshed.vanished.insert(account.clone(), recorded);
        }
        refreshed
    }

    /// Whether the recorded objects that are not planned are gone too; a single one that is there, or cannot be read, says no.
    async fn others_are_gone(&self, reader: Reader<'_>) -> bool {
        for id in &self.others {
            if !matches!(reader.read(id, &[]).await, Ok(None)) {
                return false;
            }
        }
        true
    }

    /// The objects that belong to nobody and may be the wanted one, as the list shows them.
    async fn candidates(
        &self,
        reader: Reader<'_>,
        documents: &[&Map<String, Value>],
        listed: &Option<Result<Vec<Listed>, Failure>>,
        wanted: impl Fn(&Listed) -> bool,
    ) -> Namesakes {
        let items = match listed {
            None => return Namesakes::Found(Vec::new()),
            Some(Err(failure)) => {
                return Namesakes::Unreadable(
                    explained("the list of personas cannot be read", failure),
                    failure.help.clone().unwrap_or_default(),
                );
            }
            Some(Ok(items)) => items,
        };
        let mut found = Vec::new();
        for item in items.iter().filter(|item| wanted(item) && !self.taken.contains(&item.id)) {
            match &item.live {
                Some(live) => {
                    let mut live = live.clone();
                    reader.conceal(&mut live, documents);
                    found.push(live);
                }
                None => match reader.read(&item.id, documents).await {
                    Ok(Some(live)) => found.push(live),
                    Ok(None) => {}
                    Err(failure) => {
                        return Namesakes::Unreadable(
                            explained("a persona of the same name cannot be read", &failure),
                            failure.help.unwrap_or_default(),
                        );
                    }
                },
            }
        }
        Namesakes::Found(found)
    }
}

/// Reads list pages, all of them, or (where that is enough) until every wanted id was seen.
async fn list(reader: Reader<'_>, wanted: &BTreeSet<&RemoteId>, enough: bool) -> Result<Vec<Listed>, Failure> {
    let mut items: Vec<Listed> = Vec::new();
    let mut seen = BTreeSet::new();
    for number in 1.. {
        let (page, more) = reader.page(number).await?;
        let before = seen.len();
        for item in page {
            if seen.insert(item.id.clone()) {
                items.push(item);
            }
        }
        // A page with nothing new on it ends the list too: some services answer beyond the last page with the last page.
        if !more || seen.len() == before || (enough && wanted.iter().all(|id| seen.contains(*id))) {
            break;
        }
    }
    Ok(items)
}

fn unreadable(failure: &Failure) -> Observation {
    Observation::Unreadable(explained("it cannot be read", failure), failure.help.clone().unwrap_or_default())
}

/// What could not be done, with the request and the answer.
fn explained(what: &str, failure: &Failure) -> String {
    let status = failure.status.map(|status| format!(" answered {status}")).unwrap_or_default();
    format!("{what}: {}{status}: {}", failure.request, failure.message)
}
