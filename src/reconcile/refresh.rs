//! Looks at what the services hold, for every address that is planned. Only ever reads.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value};

use super::connection::{Connection, Failure};
use crate::persona::name::AccountName;
use crate::plan::planner::{Namesakes, Observation};
use crate::plan::{Address, Listing, Live, Record, RemoteId, Resource};
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
}

/// An object whose id is known.
struct Known<'a> {
    /// The address that it is recorded or bound under.
    address: &'a Address,
    id: RemoteId,
    /// The documents whose secrets it may show.
    documents: Vec<&'a Map<String, Value>>,
}

/// What is asked of one account.
struct Questions<'a> {
    known: Vec<Known<'a>>,
    /// Targets that nothing is known of, with their names.
    fresh: Vec<(&'a Address, &'a Resource)>,
    /// Ids that belong to an address already.
    taken: BTreeSet<&'a RemoteId>,
}

/// Reads everything that a plan needs, all accounts at once.
pub async fn refresh(
    connections: &BTreeMap<AccountName, Connection>,
    desired: &BTreeMap<Address, Resource>,
    recorded: &BTreeMap<Address, Record>,
    moves: &BTreeMap<Address, Address>,
    scope: &dyn Fn(&Address) -> bool,
) -> Refreshed {
    let accounts = connections.iter().map(|(name, connection)| {
        let questions = Questions::of(name, desired, recorded, moves, scope);
        async move { questions.ask(connection).await }
    });
    let mut all = Refreshed::default();
    for one in join_all(accounts).await {
        all.observed.extend(one.observed);
        all.namesakes.extend(one.namesakes);
    }
    all
}

impl<'a> Questions<'a> {
    fn of(
        account: &AccountName,
        desired: &'a BTreeMap<Address, Resource>,
        recorded: &'a BTreeMap<Address, Record>,
        moves: &'a BTreeMap<Address, Address>,
        scope: &dyn Fn(&Address) -> bool,
    ) -> Self {
        let ours = |address: &Address| address.account == *account;
        let moving: BTreeSet<&Address> = moves.iter().filter(|(new, _)| ours(new) && scope(new)).map(|(_, old)| old).collect();
        let mut known = Vec::new();
        for (address, record) in recorded.iter().filter(|(address, _)| ours(address)) {
            let new_address = moving.get(address).copied().unwrap_or(address);
            if scope(address) || scope(new_address) {
                let mut documents = vec![&record.applied];
                documents.extend(desired.get(new_address).map(|resource| &resource.fields));
                known.push(Known { address, id: record.id.clone(), documents });
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
                    known.push(Known { address, id: id.clone(), documents: vec![&resource.fields] });
                }
                (None, None) => fresh.push((address, resource)),
                _ => {}
            }
        }
        Self { known, fresh, taken }
    }

    async fn ask(self, connection: &Connection) -> Refreshed {
        let rules = connection.provider.rules();
        let mut refreshed = Refreshed::default();
        if !rules.read {
            return refreshed;
        }
        let by_list = rules.list == Listing::Whole && self.known.len() >= LIST_FROM;
        let listed = if rules.list != Listing::None && (by_list || !self.fresh.is_empty()) {
            let wanted: BTreeSet<&RemoteId> = self.known.iter().map(|known| &known.id).collect();
            Some(list(connection, &wanted, self.fresh.is_empty()).await)
        } else {
            None
        };
        let known_from_list: BTreeMap<&RemoteId, &Live> = match &listed {
            Some(Ok(items)) => items.iter().filter_map(|item| Some((&item.id, item.live.as_ref()?))).collect(),
            _ => BTreeMap::new(),
        };
        // What the list does not show is read by itself: only a plain answer to that is absence.
        let reads = self.known.iter().map(|Known { address, id, documents }| {
            let from_list = known_from_list.get(id).map(|live| (*live).clone());
            async move {
                let observation = match from_list {
                    Some(mut live) => {
                        connection.conceal(&mut live, documents);
                        Observation::Present(Box::new(live))
                    }
                    None => match connection.read(id, documents).await {
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
            let found = match &listed {
                None => Namesakes::Found(Vec::new()),
                Some(Err(failure)) => Namesakes::Unreadable(
                    explained("the list of personas cannot be read", failure),
                    failure.help.clone().unwrap_or_default(),
                ),
                Some(Ok(items)) => self.namesakes(connection, resource, items).await,
            };
            refreshed.namesakes.insert((*address).clone(), found);
        }
        refreshed
    }

    async fn namesakes(&self, connection: &Connection, resource: &Resource, items: &[Listed]) -> Namesakes {
        let same = items
            .iter()
            .filter(|item| !resource.name.is_empty() && item.name == resource.name && !self.taken.contains(&item.id));
        let mut found = Vec::new();
        for item in same {
            match &item.live {
                Some(live) => {
                    let mut live = live.clone();
                    connection.conceal(&mut live, &[&resource.fields]);
                    found.push(live);
                }
                None => match connection.read(&item.id, &[&resource.fields]).await {
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
async fn list(connection: &Connection, wanted: &BTreeSet<&RemoteId>, enough: bool) -> Result<Vec<Listed>, Failure> {
    let mut items: Vec<Listed> = Vec::new();
    let mut seen = BTreeSet::new();
    for number in 1.. {
        let (page, more) = connection.page(number).await?;
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
