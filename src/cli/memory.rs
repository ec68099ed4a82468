//! `state`: looks at what is remembered, changes it by hand, keeps copies and brings them back. The services are never asked, and
//! neither secrets nor sound persona files are needed: these commands are for bad days too.

mod change;
mod copies;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::args::{ByHand, Common, Format, StateCommand};
use super::exit::{Exit, Stop, with_causes};
use super::lock::lock;
use super::other::counted;
use super::project::{load_state, root, state_path, without_personas, without_secrets};
use super::screen::Screen;
use crate::persona::document::Project;
use crate::plan::Address;
use crate::state::{Entry, Lock, Memory, State, StateFile};

/// Looks at what state records, or changes it by hand.
///
/// # Errors
/// When `personaform.yaml` has problems, there is no such record, or another run holds the lock.
pub(super) async fn state(common: &Common, screen: &Screen, command: &StateCommand) -> Result<Exit, Stop> {
    let desk = Desk::open(common, screen)?;
    match command {
        StateCommand::List { backups: true } => copies::list(&desk),
        StateCommand::List { backups: false } => list(&desk)?,
        StateCommand::Show { address } => {
            let address = parsed(address)?;
            let state = desk.state()?;
            let record = state.objects.get(&address).ok_or_else(|| missing(&address))?;
            screen.json(&json!(record));
        }
        StateCommand::Mv { from, to, by_hand } => change::mv(&desk, &parsed(from)?, &parsed(to)?, by_hand).await?,
        StateCommand::Rm { address, by_hand } => change::rm(&desk, &parsed(address)?, by_hand).await?,
        StateCommand::Backup { out, by_hand } => copies::backup(&desk, out.as_deref(), by_hand).await?,
        StateCommand::Restore { file, other_lineage, by_hand } => {
            copies::restore(&desk, file, *other_lineage, by_hand).await?;
        }
        StateCommand::Resolve { address, id, by_hand, .. } => {
            change::resolve(&desk, &parsed(address)?, id.as_deref(), by_hand).await?;
        }
        StateCommand::Unlock { dry_run } => change::unlock(&desk, *dry_run)?,
    }
    Ok(Exit::Done)
}

/// A project's state, and where is said what becomes of it.
struct Desk<'a> {
    common: &'a Common,
    screen: &'a Screen,
    root: PathBuf,
    /// Without its personas.
    project: Project,
    path: PathBuf,
}

impl<'a> Desk<'a> {
    fn open(common: &'a Common, screen: &'a Screen) -> Result<Self, Stop> {
        let root = root(common)?;
        let project = without_personas(&root)?;
        let path = state_path(common, &root, &project);
        Ok(Self { common, screen, root, project, path })
    }

    /// The project with its personas; none where their files have problems.
    fn whole_project(&self) -> Option<Project> {
        without_secrets(&self.root).ok()
    }

    fn state(&self) -> Result<State, Stop> {
        load_state(&mut StateFile::at(&self.path))
    }

    /// Takes the lock and reads the state. In a dry run nobody is kept from writing, and nothing is touched.
    async fn begin(&self, command: &str, by_hand: &ByHand) -> Result<(Option<Lock>, Memory), Stop> {
        let held = self.lock(command, by_hand).await?;
        let mut file = StateFile::at(&self.path);
        let state = load_state(&mut file)?;
        Ok((held, Memory::new(file, state)))
    }

    async fn lock(&self, command: &str, by_hand: &ByHand) -> Result<Option<Lock>, Stop> {
        if by_hand.dry_run {
            return Ok(None);
        }
        lock(self.screen, &self.path, command, by_hand.waiting.lock_timeout).await.map(Some)
    }

    /// Tells what was done, or would be: a sentence for people, the same as members for machines, and what else to know.
    fn tell(&self, dry_run: bool, sentence: &str, mut members: Value, notes: &[String]) {
        if self.screen.format == Format::Json {
            members["dry_run"] = json!(dry_run);
            members["notes"] = json!(notes);
            self.screen.json(&members);
            return;
        }
        self.screen.result(&format!("{sentence}\n"));
        notes.iter().for_each(|note| self.screen.hint(note));
    }
}

fn note(memory: &mut Memory, entry: &Entry) -> Result<(), Stop> {
    let noted = memory.note(entry).and_then(|()| memory.settle());
    noted.map_err(|error| Stop::failed(with_causes(&error)))
}

fn list(desk: &Desk<'_>) -> Result<(), Stop> {
    let (screen, state) = (desk.screen, desk.state()?);
    if screen.format == Format::Json {
        screen.json(&json!({ "objects": state.objects, "pending": state.pending }));
        return Ok(());
    }
    let addresses = state.objects.keys().chain(state.pending.keys());
    let width = addresses.map(|address| address.to_string().len()).max().unwrap_or_default();
    for (address, record) in &state.objects {
        screen.result(&format!("{:width$}  {}  {}\n", address.to_string(), record.id, record.written_at));
    }
    for (address, pending) in &state.pending {
        screen.result(&format!("{:width$}  (sent, the answer is lost)  {}\n", address.to_string(), pending.sent_at));
    }
    screen.hint(&format!("{} recorded in {}", counted(state.objects.len(), "object"), desk.path.display()));
    Ok(())
}

fn parsed(text: &str) -> Result<Address, Stop> {
    Address::parse(text).map_err(Stop::failed)
}

fn missing(address: &Address) -> Stop {
    Stop::failed(format!("state does not record `{address}`")).with_help("`personaform state list` shows what it records")
}
