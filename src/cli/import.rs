//! `import`: what lives at a service comes into files and state. Lists, chooses, writes in batches, checks each batch by loading it
//! again, records it; at the end a plan has to be empty.
//!
//! A run can end anywhere and be started again: what is recorded is skipped, what was written and not recorded is recognised.

mod inventory;
mod judge;
mod keep;
mod naming;
mod parts;
mod tell;

use std::collections::BTreeSet;
use std::time::Duration;

use super::args::{Common, ImportArgs, Planning};
use super::exit::{Exit, Stop, with_causes};
use super::interrupt::Interrupt;
use super::lock::now;
use super::names::{self, Catalogues};
use super::screen::Screen;
use super::session::Session;
use crate::persona::name::AccountName;
use crate::plan::{Address, Record};
use crate::state::{Entry, Memory, StateError, StateFile};
use keep::Keeper;
use naming::Place;
use parts::{Found, Group, Kept, Report};

/// Personas that are written, checked and recorded together. An interrupted run loses no more than the reading of so many.
const BATCH: usize = 100;

/// From so many addresses on, the check at the end plans whole accounts: that reads lists instead of single objects.
const FEW: usize = 50;

/// Imports, or lists what could be imported.
///
/// # Errors
/// When the files have problems, the account or an id is not known, the service cannot be read, or state is locked.
pub(super) async fn import(common: &Common, screen: &Screen, args: &ImportArgs, interrupt: &Interrupt) -> Result<Exit, Stop> {
    if !common.targets.is_empty() {
        return Err(Stop::failed("`--target` selects targets of the files, and import is about what has none yet")
            .with_help("name ids, or use `--match`"));
    }
    let accounts = accounts(args)?;
    let chooses = args.all || args.matching.is_some() || !args.ids.is_empty();
    // Keys of other accounts need not be set.
    let scoped = Common { targets: accounts.iter().map(|account| format!("{account}.*")).collect(), ..common.clone() };
    let writing = (chooses && !args.dry_run).then_some(("import", Duration::ZERO));
    let mut session = Session::open_besides(&scoped, screen, writing, &accounts).await?;
    inventory::check_accounts(&session, &accounts, args)?;
    if let Some(unread) = session.unnamed.values().next().filter(|_| chooses) {
        let message = format!("what the files want there cannot be told: {}", unread.why);
        return Err(Stop::failed(message).with_help(unread.help.clone()));
    }
    let found = inventory::all(&session, &accounts, screen).await?;
    if !chooses {
        tell::list(screen, &session, &found, &accounts);
        return Ok(Exit::Done);
    }
    let (chosen, mut report) = inventory::chosen(&session, found, args)?;
    report.dry_run = args.dry_run;
    if args.lookups {
        learn_names(&mut session, &accounts, &mut report).await;
    }
    let groups = naming::groups(chosen, args.merge, &mut report);
    let interrupted = run(&mut session, screen, args, groups, &mut report, interrupt).await;
    let catalogues = std::mem::take(&mut session.catalogues);
    // The check needs the lock, and in a sandbox the services, for itself.
    drop(session);
    if !args.dry_run && !report.imported.is_empty() && !interrupted {
        match check(common, screen, &report, catalogues).await {
            Ok(open) => report.planned = Some(open),
            // What was imported is told all the same.
            Err(stop) => report.stopped = report.stopped.or(Some(stop)),
        }
    }
    tell::report(screen, common, &report);
    Ok(if interrupted {
        Exit::Interrupted
    } else if let Some(stop) = report.stopped.take() {
        if report.imported.is_empty() {
            return Err(stop);
        }
        screen.stop(&stop);
        Exit::Partly
    } else {
        let open = report.planned.as_ref().is_some_and(|addresses| !addresses.is_empty());
        match (report.refused.is_empty() && !open, report.imported.is_empty()) {
            (true, _) => Exit::Done,
            (false, true) => Exit::Failed,
            (false, false) => Exit::Partly,
        }
    })
}

/// The accounts that the first argument names.
fn accounts(args: &ImportArgs) -> Result<Vec<AccountName>, Stop> {
    let mut accounts: Vec<AccountName> = Vec::new();
    for name in args.accounts.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let name = AccountName::new(name);
        if !accounts.contains(&name) {
            accounts.push(name);
        }
    }
    if accounts.is_empty() {
        return Err(Stop::failed("no account is named").with_help("as in `personaform import ACCOUNT --all`"));
    }
    if accounts.len() > 1 && !args.ids.is_empty() {
        return Err(Stop::failed("ids belong to one account, and several are named")
            .with_help("name one account, or use `--all` or `--match`"));
    }
    Ok(accounts)
}

/// Reads what the ids at these accounts are called. Where that cannot be read, ids are written.
async fn learn_names(session: &mut Session, accounts: &[AccountName], report: &mut Report) {
    let connections = accounts.iter().filter_map(|account| session.connections.get(account));
    let kinds: BTreeSet<(AccountName, String)> = connections.flat_map(names::kinds).collect();
    session.learn(kinds.clone()).await;
    for unread in kinds.iter().filter_map(|key| session.catalogues.get(key)?.as_ref().err()) {
        report.notes.push(format!("{}: ids were written in their place", unread.why));
    }
}

/// Takes one batch after another. True: somebody interrupted.
async fn run(
    session: &mut Session,
    screen: &Screen,
    args: &ImportArgs,
    groups: Vec<Group>,
    report: &mut Report,
    interrupt: &Interrupt,
) -> bool {
    if !interrupt.begin_orderly() {
        return true;
    }
    let stop = &interrupt.stop;
    session.stop_with(stop);
    let progress = screen.progress(groups.iter().map(|group| group.members.len()).sum());
    let file = StateFile::at(session.state_file.path());
    let mut memory = Memory::new(std::mem::replace(&mut session.state_file, file), session.state.clone());
    let mut keeper = Keeper::new(session, args.lookups);
    let mut rest = groups.into_iter().peekable();
    while rest.peek().is_some() && !stop.is_pulled() {
        let mut batch: Vec<Group> = Vec::new();
        while batch.len() < BATCH
            && let Some(group) = rest.next()
        {
            batch.push(group);
        }
        let batch = inventory::read(session, batch, &progress, stop, report).await;
        let result = one_batch(session, &mut memory, &mut keeper, args, batch, report);
        if let Err(stop) = result {
            report.stopped = Some(stop);
            break;
        }
    }
    if !args.dry_run
        && let Err(error) = memory.settle()
    {
        report.stopped.get_or_insert(unsaved(&error));
    }
    progress.finish();
    stop.is_pulled()
}

/// Names, writes, checks and records one batch.
fn one_batch(
    session: &mut Session,
    memory: &mut Memory,
    keeper: &mut Keeper,
    args: &ImportArgs,
    batch: Vec<Group>,
    report: &mut Report,
) -> Result<(), Stop> {
    let mut drafts = Vec::new();
    let mut records = Vec::new();
    for group in batch {
        let mut item = keeper.item(group);
        match naming::place(session, keeper, &mut item, args.merge) {
            Place::Free => drafts.push(item),
            Place::WrittenBefore(resources) => records.extend(resources),
            Place::Beside { persona } => report.sections.extend(tell::sections(session, &item, &persona)),
        }
    }
    if args.dry_run {
        report.files.extend(drafts.iter().flat_map(|draft| keeper.texts(draft)));
        report.imported.extend(records);
        return Ok(());
    }
    let outcome = keeper.keep(session, drafts, report);
    records.extend(outcome.kept);
    record(session, memory, records, report)?;
    outcome.stopped.map_or(Ok(()), Err)
}

/// Records what is in files now. State is saved before anything of it is reported.
fn record(session: &mut Session, memory: &mut Memory, kept: Vec<Kept>, report: &mut Report) -> Result<(), Stop> {
    if kept.is_empty() {
        return Ok(());
    }
    let now = now();
    for one in &kept {
        let record = Record {
            provider: one.provider.clone(),
            id: one.id.clone(),
            name: one.name.clone(),
            applied: one.applied.clone(),
            prevent_destroy: one.prevent_destroy,
            force_destroy: one.force_destroy,
            resisted: Vec::new(),
            manage: one.manage,
            written_at: now.clone(),
        };
        memory
            .note(&Entry::Applied { address: one.address.clone(), record: record.clone() })
            .map_err(|error| unsaved(&error))?;
        session.state.objects.insert(one.address.clone(), record);
    }
    report.imported.extend(kept);
    Ok(())
}

fn unsaved(error: &StateError) -> Stop {
    Stop::failed(with_causes(error)).with_help("the files were written; run the same import again once state can be saved")
}

/// Plans what was imported, as the next run would, and gives the addresses where something would change.
async fn check(
    common: &Common,
    screen: &Screen,
    report: &Report,
    catalogues: Catalogues,
) -> Result<Vec<(Address, String)>, Stop> {
    let addresses: BTreeSet<&Address> = report.imported.iter().map(|kept| &kept.address).collect();
    let targets = if addresses.len() <= FEW {
        addresses.iter().map(ToString::to_string).collect()
    } else {
        let accounts: BTreeSet<&AccountName> = addresses.iter().map(|address| &address.account).collect();
        accounts.into_iter().map(|account| format!("{account}.*")).collect()
    };
    // Doubts about values are for `validate`: here they would drown the result.
    let session = Session::open_knowing(&Common { targets, ..common.clone() }, &screen.muted(), catalogues).await?;
    let plan = session.plan(&Planning::default()).await?;
    let changes = plan.changes.iter().filter(|change| addresses.contains(&change.address)).map(|change| {
        let paths: Vec<String> = change.edits.iter().map(|edit| format!("`{}`", edit.path)).collect();
        (change.address.clone(), format!("{}: {}", change.action.word(), paths.join(", ")))
    });
    let blocked = plan.blocked.iter().filter(|blocked| addresses.contains(&blocked.address));
    Ok(changes.chain(blocked.map(|blocked| (blocked.address.clone(), blocked.why.clone()))).collect())
}

/// The name of an object for people: what it is called, or what it has for a name.
fn called(found: &Found) -> String {
    if found.name.is_empty() { format!("`{}` (without a name)", found.id) } else { format!("{:?} ({})", found.name, found.id) }
}
