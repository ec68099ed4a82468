//! What lives at the accounts, what of it is chosen, and how it looks as a whole. Only reads.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};

use super::parts::{Found, Group, Report, Skipped};
use crate::capture::key;
use crate::cli::args::ImportArgs;
use crate::cli::exit::Stop;
use crate::cli::screen::{Progress, Screen};
use crate::cli::selection::matches;
use crate::cli::session::Session;
use crate::http::Brake;
use crate::persona::name::AccountName;
use crate::plan::{Address, Listing, RemoteId};
use crate::providers;
use crate::reconcile::connection::Failure;
use crate::reconcile::{Connection, Reader};

/// Refuses accounts that are not configured, and services that cannot be listed.
///
/// # Errors
/// The first such account.
pub(super) fn check_accounts(session: &Session, accounts: &[AccountName], args: &ImportArgs) -> Result<(), Stop> {
    for name in accounts {
        let Some(account) = session.project.accounts.get(name) else {
            let known: Vec<String> = session.project.accounts.keys().map(|name| format!("`{name}`")).collect();
            let nearest = session
                .project
                .accounts
                .keys()
                .map(|known| (strsim::jaro_winkler(name.as_str(), known.as_str()), known))
                .max_by(|left, right| left.0.total_cmp(&right.0))
                .filter(|(likeness, _)| *likeness > 0.8);
            let stop = Stop::failed(format!("`personaform.yaml` names no account `{name}`"));
            return Err(match nearest {
                Some((_, meant)) => stop.with_help(format!("did you mean `{meant}`?")),
                None if known.is_empty() => stop.with_help("it has no accounts; add one below `accounts`"),
                None => stop.with_help(format!("it names {}", known.join(", "))),
            });
        };
        let Some(provider) = providers::configured(account) else { continue };
        if provider.rules().list == Listing::None || !provider.rules().read {
            let id = args.ids.first().map_or("ID", String::as_str);
            let title = provider.service().title;
            return Err(Stop::refused(format!("{title} has no call that lists or reads personas, so nothing can be imported"))
                .with_help(format!(
                    "write the persona by hand, and bind its target with `$id: {id}`: the next apply then writes what the file says"
                )));
        }
    }
    Ok(())
}

/// Everything of our own that lives at the accounts, in the order of accounts and ids.
///
/// # Errors
/// When a list cannot be read.
pub(super) async fn all(session: &Session, accounts: &[AccountName], screen: &Screen) -> Result<Vec<Found>, Stop> {
    let progress = screen.progress(0);
    let mut found = Vec::new();
    for account in accounts {
        let Some(connection) = session.connections.get(account) else { continue };
        progress.advance(0, &format!("listing {account}"));
        found.extend(list(connection, account).await.map_err(|failure| stop(account, &failure))?);
    }
    progress.finish();
    Ok(found)
}

async fn list(connection: &Connection, account: &AccountName) -> Result<Vec<Found>, Failure> {
    let items = Reader::of(connection).list_all().await?;
    let found = items.into_iter().map(|mut item| {
        if let Some(live) = &mut item.live {
            connection.conceal(live, &[]);
        }
        connection.sealer.conceal_text(&mut item.name);
        Found { account: account.clone(), id: item.id, name: item.name, live: item.live, rank: 0 }
    });
    let mut found: Vec<Found> = found.collect();
    found.sort_by(|left, right| left.id.cmp(&right.id));
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for one in &mut found {
        let count = wanted.entry(key::slug(&one.name, one.id.as_str())).or_default();
        one.rank = *count;
        *count += 1;
    }
    Ok(found)
}

fn stop(account: &AccountName, failure: &Failure) -> Stop {
    let status = failure.status.map(|status| format!(" answered {status}")).unwrap_or_default();
    let stop =
        Stop::failed(format!("the list of `{account}` cannot be read: {}{status}: {}", failure.request, failure.message));
    match &failure.help {
        Some(help) => stop.with_help(help.clone()),
        None => stop.with_help("`personaform doctor` looks at each account"),
    }
}

/// What the flags choose, without what is managed already.
///
/// # Errors
/// When an id or a pattern names nothing of our own.
pub(super) fn chosen(session: &Session, found: Vec<Found>, args: &ImportArgs) -> Result<(Vec<Found>, Report), Stop> {
    let ids: BTreeSet<&str> = args.ids.iter().map(String::as_str).collect();
    for id in &ids {
        if !found.iter().any(|found| found.id.as_str() == *id) {
            return Err(Stop::failed(format!(
                "nothing was imported: `{}` has no persona of yours with the id `{id}`",
                args.accounts
            ))
            .with_help(format!(
                "`personaform import {}` lists those that can be taken; stock and built-in personas cannot",
                args.accounts
            )));
        }
    }
    let wanted = |found: &Found| match &args.matching {
        Some(pattern) => matches(pattern, &found.name) || matches(pattern, found.id.as_str()),
        None => args.all || ids.contains(found.id.as_str()),
    };
    let found: Vec<Found> = found.into_iter().filter(wanted).collect();
    if let Some(pattern) = args.matching.as_ref().filter(|_| found.is_empty()) {
        return Err(Stop::failed(format!("`--match {pattern}` matches no name and no id"))
            .with_help(format!("`personaform import {}` lists them; `*` stands for any characters", args.accounts)));
    }
    let mut report = Report::default();
    let mut chosen = Vec::new();
    let managed = Managed::of(session);
    for found in found {
        match managed.find(&found) {
            Some((address, why)) => report.skipped.push(Skipped { found, address, why }),
            None => chosen.push(found),
        }
    }
    Ok((chosen, report))
}

/// What is managed already: by account and id the address, and how.
pub(super) struct Managed<'a>(BTreeMap<(&'a AccountName, &'a RemoteId), (&'a Address, &'static str)>);

impl<'a> Managed<'a> {
    pub(super) fn of(session: &'a Session) -> Self {
        let bound = session.desired.iter().filter_map(|(address, resource)| {
            Some(((&address.account, resource.bind.as_ref()?), (address, "bound by `$id`; an apply records it")))
        });
        let recorded = session.state.objects.iter();
        let recorded = recorded.map(|(address, record)| ((&address.account, &record.id), (address, "recorded")));
        Self(bound.chain(recorded).collect())
    }

    /// The address that manages an object, or will, and how.
    pub(super) fn find(&self, found: &Found) -> Option<(Address, &'static str)> {
        self.0.get(&(&found.account, &found.id)).map(|(address, how)| ((*address).clone(), *how))
    }
}

/// Reads the objects that the list only named. Those that cannot be read leave their groups; what an interrupt leaves unread is
/// nobody's fault, and stays with its whole group for the next run.
pub(super) async fn read(
    session: &Session,
    groups: Vec<Group>,
    progress: &Progress,
    stop: &Brake,
    report: &mut Report,
) -> Vec<Group> {
    let mut read = Vec::new();
    for group in groups {
        read.push(async move {
            let mut members = Vec::new();
            let mut failed = Vec::new();
            for mut member in group.members {
                let Some(connection) = session.connections.get(&member.account) else { continue };
                if member.live.is_none() {
                    match connection.read(&member.id, &[]).await {
                        Ok(Some(live)) => member.live = Some(live),
                        Ok(None) => {
                            failed.push((member, "it is gone: somebody deleted it while this ran".to_owned()));
                            continue;
                        }
                        Err(failure) => {
                            failed.push((member, format!("it cannot be read: {}: {}", failure.request, failure.message)));
                            continue;
                        }
                    }
                }
                members.push(member);
            }
            progress.advance(members.len() + failed.len(), "importing");
            (Group { members }, failed)
        });
    }
    let mut groups = Vec::new();
    // Each account's pace decides how many of these are under way there.
    let at_once = session.connections.values().map(|connection| connection.client.concurrency()).sum::<usize>().max(1);
    let mut read = stream::iter(read).buffered(at_once);
    while let Some((group, failed)) = read.next().await {
        if !failed.is_empty() && stop.is_pulled() {
            continue;
        }
        for (found, why) in failed {
            report.refused.push((found, why));
        }
        if !group.members.is_empty() {
            groups.push(group);
        }
    }
    groups
}
