//! Looks at what the services hold, for every address that is planned. Only ever reads.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value};

use super::connection::Failure;
use super::pages::{LIST_FROM, Purpose};
use super::reader::Reader;
use crate::persona::name::AccountName;
use crate::plan::planner::{Namesakes, Observation};
use crate::plan::{Address, Listing, Pending, Record, RemoteId, Resource};
use crate::provider::Listed;

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
        let mut known = BTreeMap::new();
        for (address, record) in recorded.iter().filter(|(address, _)| ours(address)) {
            let new_address = moving.get(address).copied().unwrap_or(address);
            if scope(address) || scope(new_address) {
                let mut documents = vec![&*record.applied];
                documents.extend(desired.get(new_address).map(|resource| &*resource.fields));
                known.insert(address, Known { address, id: record.id.clone(), recorded: true, documents });
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
                    let documents = vec![&*resource.fields];
                    known.insert(address, Known { address, id: id.clone(), recorded: false, documents });
                }
                (None, None) => fresh.push((address, resource)),
                _ => {}
            }
        }
        let pending = interest.pending.iter().filter(|(address, _)| ours(address) && scope(address)).collect();
        let others = recorded.iter().filter(|(address, _)| ours(address) && !known.contains_key(address));
        let others = others.map(|(_, record)| &record.id).collect();
        Self { known: known.into_values().collect(), fresh, taken, pending, others }
    }

    async fn ask(self, account: &AccountName, reader: Reader<'_>) -> Refreshed {
        let rules = reader.rules();
        let mut refreshed = Refreshed::default();
        if !rules.read {
            return refreshed;
        }
        let by_list = rules.list == Listing::Whole && self.known.len() >= LIST_FROM;
        let by_name = !self.fresh.is_empty() || !self.pending.is_empty();
        let listed =
            if rules.list != Listing::None && (by_list || by_name) { Some(self.list(reader, by_name).await) } else { None };
        let wanted = self.wanted();
        let (mut from_list, mut strangers) = (BTreeMap::new(), Vec::new());
        let failed = match listed {
            Some(Ok(items)) => {
                for item in items {
                    match (wanted.contains_key(&item.id), item.live) {
                        (true, Some(live)) => drop(from_list.insert(item.id, live)),
                        (true, None) => {}
                        (false, live) => strangers.push(Listed { live, ..item }),
                    }
                }
                None
            }
            Some(Err(failure)) => Some(failure),
            None => None,
        };
        // What the list does not show is read by itself: only a plain answer to that is absence.
        let mut unlisted = Vec::new();
        for known in &self.known {
            let Known { address, id, documents, .. } = known;
            // More than one address may be bound to an object; the last of its answers need not be copied.
            let shared = wanted.get(id).is_some_and(|addresses| *addresses > 1);
            match if shared { from_list.get(id).cloned() } else { from_list.remove(id) } {
                Some(mut live) => {
                    reader.conceal(&mut live, documents);
                    refreshed.observed.insert((*address).clone(), Observation::Present(Box::new(live)));
                }
                None => unlisted.push(known),
            }
        }
        // Each begins only when it is its turn: as something that waits, a read is larger than what it reads.
        let reads = unlisted.into_iter().map(|Known { address, id, documents, .. }| async move {
            let observation = match reader.read(id, documents).await {
                Ok(Some(live)) => Observation::Present(Box::new(live)),
                Ok(None) => Observation::Absent,
                Err(failure) => unreadable(&failure),
            };
            ((*address).clone(), observation)
        });
        let mut reads = stream::iter(reads).buffer_unordered(reader.at_once());
        while let Some((address, observation)) = reads.next().await {
            refreshed.observed.insert(address, observation);
        }
        drop(reads);
        let strangers = match failed {
            Some(failure) => Err(failure),
            None => Ok(Strangers::of(strangers.into_iter().filter(|item| !self.taken.contains(&item.id)).collect())),
        };
        let strangers = strangers.as_ref();
        let namesakes = self.fresh.iter().map(|(address, resource)| async move {
            let found = strangers.map(|strangers| strangers.called(&resource.name));
            ((*address).clone(), candidates(reader, &[&resource.fields], found).await)
        });
        refreshed.namesakes = stream::iter(namesakes).buffer_unordered(reader.at_once()).collect().await;
        let traces = self.pending.iter().map(|(address, pending)| async move {
            // What was sent without a name is looked for under any.
            let found = strangers.map(|strangers| match pending.name.as_str() {
                "" => strangers.items.iter().collect(),
                name => strangers.called(name),
            });
            ((*address).clone(), candidates(reader, &[&pending.sent], found).await)
        });
        refreshed.traces = stream::iter(traces).buffer_unordered(reader.at_once()).collect().await;
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

    /// The objects whose ids are known, each with the number of addresses that it is known under.
    fn wanted(&self) -> BTreeMap<&RemoteId, usize> {
        let mut wanted = BTreeMap::new();
        for known in &self.known {
            *wanted.entry(&known.id).or_default() += 1;
        }
        wanted
    }

    /// Reads the list: of what is known, and where names are looked for also of what has one of these.
    async fn list(&self, reader: Reader<'_>, by_name: bool) -> Result<Vec<Listed>, Failure> {
        let known: BTreeSet<&RemoteId> = self.known.iter().map(|known| &known.id).collect();
        let fresh = self.fresh.iter().map(|(_, resource)| resource.name.as_str());
        let names: BTreeSet<&str> = fresh.chain(self.pending.iter().map(|(_, pending)| pending.name.as_str())).collect();
        let nameless = self.pending.iter().any(|(_, pending)| pending.name.is_empty());
        let purpose = if by_name { Purpose::All } else { Purpose::Wanted };
        let kept = |item: &Listed| known.contains(&item.id) || nameless || names.contains(item.name.as_str());
        reader.list(known.clone(), purpose, kept).await
    }
}

/// Listed objects that belong to nobody, and how they are called.
struct Strangers {
    items: Vec<Listed>,
    by_name: BTreeMap<String, Vec<usize>>,
}

impl Strangers {
    fn of(items: Vec<Listed>) -> Self {
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        // Nobody is called nothing.
        for (at, item) in items.iter().enumerate().filter(|(_, item)| !item.name.is_empty()) {
            by_name.entry(item.name.clone()).or_default().push(at);
        }
        Self { items, by_name }
    }

    fn called(&self, name: &str) -> Vec<&Listed> {
        self.by_name.get(name).into_iter().flatten().map(|at| &self.items[*at]).collect()
    }
}

/// Objects that may be the wanted one, as the list shows them or as a read does.
async fn candidates(
    reader: Reader<'_>,
    documents: &[&Map<String, Value>],
    strangers: Result<Vec<&Listed>, &Failure>,
) -> Namesakes {
    let items = match strangers {
        Ok(items) => items,
        Err(failure) => {
            return Namesakes::Unreadable(
                explained("the list of personas cannot be read", failure),
                failure.help.clone().unwrap_or_default(),
            );
        }
    };
    let mut found = Vec::new();
    for item in items {
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

fn unreadable(failure: &Failure) -> Observation {
    Observation::Unreadable(explained("it cannot be read", failure), failure.help.clone().unwrap_or_default())
}

/// What could not be done, with the request and the answer. What was not sent is the same for thousands, and told alike.
fn explained(what: &str, failure: &Failure) -> String {
    if failure.unsent {
        return format!("{what}: {}", failure.message);
    }
    let status = failure.status.map(|status| format!(" answered {status}")).unwrap_or_default();
    format!("{what}: {}{status}: {}", failure.request, failure.message)
}
