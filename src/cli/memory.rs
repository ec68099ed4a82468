//! `state`: looks at what is remembered, forgets an object, settles what an interrupted run has left.

use serde_json::{Map, json};

use super::args::{Common, Format, StateCommand, Waiting};
use super::exit::{Exit, Stop, with_causes};
use super::lock::{lock, now};
use super::other::counted;
use super::project::{load_state, read_project, root, state_path};
use super::screen::Screen;
use crate::persona::name::Manage;
use crate::plan::{Address, Record, RemoteId};
use crate::providers;
use crate::state::{Entry, Held, Lock, Memory, State, StateFile};

/// Looks at what state records, or changes it by hand.
///
/// # Errors
/// When the files have problems, there is no such record, or another run holds the lock.
pub(super) async fn state(common: &Common, screen: &Screen, command: &StateCommand) -> Result<Exit, Stop> {
    let root = root(common)?;
    let (project, _) = read_project(common, screen, &root)?;
    let path = state_path(common, &root, &project);
    let mut file = StateFile::at(&path);
    match command {
        StateCommand::List => list(screen, &load_state(&mut file)?, &file),
        StateCommand::Show { address } => {
            let address = parsed(address)?;
            let state = load_state(&mut file)?;
            let record = state.objects.get(&address).ok_or_else(|| missing(&address))?;
            screen.json(&json!(record));
        }
        StateCommand::Rm { address, waiting } => {
            let address = parsed(address)?;
            let (_held, mut memory) = opened(screen, file, "state rm", waiting).await?;
            let record = memory.state().objects.get(&address).cloned().ok_or_else(|| missing(&address))?;
            note(&mut memory, &Entry::Removed { address: address.clone() })?;
            screen.result(&format!("Forgot `{address}`; the object `{}` stays at the service.\n", record.id));
        }
        StateCommand::Resolve { address, id, waiting, .. } => {
            let address = parsed(address)?;
            let (_held, mut memory) = opened(screen, file, "state resolve", waiting).await?;
            resolve(screen, &mut memory, &address, id.as_deref())?;
        }
        StateCommand::Unlock => unlock(screen, &path)?,
    }
    Ok(Exit::Done)
}

async fn opened(screen: &Screen, mut file: StateFile, command: &str, waiting: &Waiting) -> Result<(Lock, Memory), Stop> {
    let held = lock(screen, file.path(), command, waiting.lock_timeout).await?;
    let state = load_state(&mut file)?;
    Ok((held, Memory::new(file, state)))
}

fn note(memory: &mut Memory, entry: &Entry) -> Result<(), Stop> {
    let noted = memory.note(entry).and_then(|()| memory.settle());
    noted.map_err(|error| Stop::failed(with_causes(&error)))
}

fn list(screen: &Screen, state: &State, file: &StateFile) {
    if screen.format == Format::Json {
        screen.json(&json!({ "objects": state.objects, "pending": state.pending }));
        return;
    }
    let addresses = state.objects.keys().chain(state.pending.keys());
    let width = addresses.map(|address| address.to_string().len()).max().unwrap_or_default();
    for (address, record) in &state.objects {
        screen.result(&format!("{:width$}  {}  {}\n", address.to_string(), record.id, record.written_at));
    }
    for (address, pending) in &state.pending {
        screen.result(&format!("{:width$}  (sent, the answer is lost)  {}\n", address.to_string(), pending.sent_at));
    }
    screen.hint(&format!("{} recorded in {}", counted(state.objects.len(), "object"), file.path().display()));
}

/// Takes somebody's word for what became of a create.
fn resolve(screen: &Screen, memory: &mut Memory, address: &Address, id: Option<&str>) -> Result<(), Stop> {
    let pending = memory.state().pending.get(address).cloned().ok_or_else(|| {
        Stop::failed(format!("no create of `{address}` is waiting for its answer"))
            .with_help("`personaform state list` shows those that are")
    })?;
    let Some(id) = id else {
        note(memory, &Entry::Dropped { address: address.clone() })?;
        screen.result(&format!("`{address}` was not made: the next plan makes it.\n"));
        return Ok(());
    };
    let id = RemoteId::new(id);
    let owner = memory.state().objects.iter().find(|(other, record)| other.account == address.account && record.id == id);
    if let Some((owner, _)) = owner {
        return Err(Stop::failed(format!("the object `{id}` belongs to `{owner}`")).with_help("look for another id"));
    }
    // Where the object can be read, the next plan compares it; elsewhere what was sent is all that is known of it.
    let readable = providers::find(&pending.provider).is_some_and(|provider| provider.rules().read);
    let record = Record {
        provider: pending.provider.clone(),
        id: id.clone(),
        name: pending.name.clone(),
        applied: if readable { Map::new() } else { pending.sent.clone() },
        prevent_destroy: false,
        force_destroy: false,
        resisted: Vec::new(),
        manage: Manage::Full,
        written_at: now(),
    };
    note(memory, &Entry::Created { address: address.clone(), record })?;
    screen.result(&format!("`{address}` is `{id}`: the next plan compares it with the files.\n"));
    Ok(())
}

/// Takes away the words of a holder that is gone.
fn unlock(screen: &Screen, path: &std::path::Path) -> Result<(), Stop> {
    match Lock::clear(path) {
        Ok(Some(holder)) => screen.result(&format!("Took away the lock of {holder}.\n")),
        Ok(None) => screen.result("The state is not locked.\n"),
        Err(error @ Held::Other(_)) => {
            return Err(Stop::refused(with_causes(&error)).with_help("that run lives: wait for it, or end its process"));
        }
        Err(error) => return Err(Stop::failed(with_causes(&error))),
    }
    Ok(())
}

fn parsed(text: &str) -> Result<Address, Stop> {
    Address::parse(text).map_err(Stop::failed)
}

fn missing(address: &Address) -> Stop {
    Stop::failed(format!("state does not record `{address}`")).with_help("`personaform state list` shows what it records")
}
