//! How a session is opened: files and state are read side by side, and what state records is asked of the services while the files
//! are still being read. What is wrong with the files is told before all else.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, OnceLock};

use secrecy::SecretString;

use super::{Session, Wishes};
use crate::cli::args::Common;
use crate::cli::exit::{Stop, with_causes};
use crate::cli::lock::lock;
use crate::cli::miniatures::{sandbox_key, start_sandbox};
use crate::cli::names::{Catalogues, Named};
use crate::cli::project::{Understood, load_state, root, state_path, understand, without_personas};
use crate::cli::retries::Retries;
use crate::cli::screen::Screen;
use crate::cli::selection::Selection;
use crate::http::{self, Client, Home, Patience};
use crate::persona::document::{Account, Persona, Project};
use crate::persona::name::AccountName;
use crate::persona::problem::Problem;
use crate::plan::{Address, Document, Resource};
use crate::provider::Service;
use crate::providers::{self, Part};
use crate::reconcile::{Ahead, Connection, read_ahead};
use crate::sandbox::Running;
use crate::state::{Lock, Sealer, State, StateFile};

impl Session {
    /// Opens a session, with names in `$lookup` as they are written.
    ///
    /// # Errors
    /// When the files have problems, state cannot be read, or an account has no key.
    pub(super) async fn begin(common: &Common, screen: &Screen, wishes: Wishes<'_>) -> Result<Self, Stop> {
        let root = root(common)?;
        let recorded = Arc::new(OnceLock::new());
        let mut files = pin!(understood_aside(&root, common.sandbox, wishes.values, Arc::clone(&recorded)));
        let mut beside = pin!(beside_the_files(common, screen, &root, wishes, recorded));
        let (files, beside) = tokio::select! {
            files = &mut files => (files?, beside.await?),
            beside = &mut beside => (files.await?, beside?),
        };
        let Understood { project, mut compiled, warnings } = files;
        if !warnings.is_empty() {
            screen.warn(warnings);
        }
        let Beside { memory, early, ahead } = match beside {
            Some(beside) => beside,
            None => Beside::only(Memory::open(common, screen, &root, &project, wishes).await?),
        };
        let Memory { lock, state_file, state } = memory;
        let state = Arc::unwrap_or_clone(state);
        let sealer = sealer(&state, &project.secrets)?;
        for (address, resource) in &mut compiled.resources {
            sealer.seal(&mut resource.fields);
            // Those that were compiled before state was known, and those that hold secrets.
            share(&mut resource.fields, address, compiled.moves.get(address), &state);
        }
        let sandbox = if common.sandbox { Some(start_sandbox(&root, &project).await?) } else { None };
        let selection = Selection::of(&common.targets);
        let connector = Connector { common, screen, sandbox: sandbox.as_ref(), secrets: &project.secrets, sealer: &sealer };
        let needed = |account: &AccountName| {
            let at = |address: &Address| address.account == *account && selection.selects(address);
            let recorded = state.objects.keys().chain(state.pending.keys());
            wishes.only.map_or_else(
                || wishes.besides.contains(account) || compiled.resources.keys().chain(recorded).any(at),
                |only| account == only,
            )
        };
        let connections = connector.connect(&project, needed, early)?;
        Ok(Self {
            desired: compiled.resources,
            moves: compiled.moves,
            state,
            state_file,
            connections,
            named: Named::default(),
            unnamed: BTreeMap::new(),
            catalogues: Catalogues::default(),
            ahead: Cell::new(ahead),
            sealer: Arc::new(sealer),
            selection,
            project,
            _lock: lock,
            sandbox,
        })
    }
}

/// State, once it is read.
type Recorded = Arc<OnceLock<Arc<State>>>;

/// Loads and compiles the files on a thread of their own. The values that they were compiled from are kept only if that is wanted.
async fn understood_aside(root: &Path, sandbox: bool, values: bool, recorded: Recorded) -> Result<Understood, Stop> {
    let root = root.to_path_buf();
    let keep = move |persona: &mut Persona, part: &mut Part| {
        if !values {
            persona.let_go_of_values();
        }
        if let Some(state) = recorded.get() {
            for Resource { address, fields, .. } in &mut part.resources {
                let former = part.previously.as_ref().map(|key| Address::new(address.account.clone(), key.clone()));
                share(fields, address, former.as_ref(), state);
            }
        }
    };
    let understood = tokio::task::spawn_blocking(move || understand(&root, sandbox, keep)).await;
    understood.unwrap_or_else(|broken| match broken.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(Stop::failed("interrupted while the files were read")),
    })
}

/// Holds a document that is wanted as it was applied once, not twice; also where the target had another address then.
fn share(fields: &mut Document, address: &Address, former: Option<&Address>, state: &State) {
    let mut recorded = std::iter::once(address).chain(former).filter_map(|address| state.objects.get(address));
    recorded.any(|record| fields.share(&record.applied));
}

/// What is read while the files are.
struct Beside {
    memory: Memory,
    /// Connections that know no secrets of the files yet.
    early: BTreeMap<AccountName, Connection>,
    ahead: BTreeMap<AccountName, Ahead>,
}

impl Beside {
    fn only(memory: Memory) -> Self {
        Self { memory, early: BTreeMap::new(), ahead: BTreeMap::new() }
    }
}

/// Reads state, and asks for what it records. None where there is nothing to ask for, or the project file, which tells where state
/// is, has problems.
async fn beside_the_files(
    common: &Common,
    screen: &Screen,
    root: &Path,
    wishes: Wishes<'_>,
    known: Recorded,
) -> Result<Option<Beside>, Stop> {
    if common.sandbox || !wishes.reads_ahead {
        return Ok(None);
    }
    let Ok(project) = without_personas(root) else { return Ok(None) };
    if !state_path(common, root, &project).exists() {
        return Ok(None);
    }
    let memory = Memory::open(common, screen, root, &project, wishes).await?;
    // Set once, here.
    let _ = known.set(Arc::clone(&memory.state));
    let selection = Selection::of(&common.targets);
    let recorded = &memory.state.objects;
    let needed =
        |account: &AccountName| recorded.keys().any(|address| address.account == *account && selection.selects(address));
    let no_secrets = BTreeMap::new();
    let sealer = sealer(&memory.state, &no_secrets)?;
    let connector = Connector { common, screen, sandbox: None, secrets: &no_secrets, sealer: &sealer };
    // An account without a key is told of later, after what is wrong with the files.
    let Ok(early) = connector.connect(&project, needed, BTreeMap::new()) else { return Ok(Some(Beside::only(memory))) };
    let ahead = read_ahead(&early, recorded, |address| selection.selects(address)).await;
    Ok(Some(Beside { memory, early, ahead }))
}

fn sealer(state: &State, secrets: &BTreeMap<String, SecretString>) -> Result<Sealer, Stop> {
    Sealer::new(&state.digest_key, secrets).map_err(|error| Stop::failed(with_causes(&error)))
}

/// State, and the right to write it.
struct Memory {
    lock: Option<Lock>,
    state_file: StateFile,
    state: Arc<State>,
}

impl Memory {
    async fn open(common: &Common, screen: &Screen, root: &Path, project: &Project, wishes: Wishes<'_>) -> Result<Self, Stop> {
        let mut state_file = StateFile::at(state_path(common, root, project));
        let lock = match wishes.writing {
            Some((command, timeout)) => Some(lock(screen, state_file.path(), command, timeout).await?),
            None => None,
        };
        let mut state = load_state(&mut state_file)?;
        let basis = wishes.saved.map(|plan| &plan.basis);
        if let Some((basis, key)) = basis.and_then(|basis| Some((basis, basis.digest_key.as_ref()?)))
            && state.serial == 0
        {
            state.lineage.clone_from(&basis.lineage);
            state.digest_key.clone_from(key);
        }
        for address in state.objects.keys().chain(state.pending.keys()).filter(|_| wishes.only.is_none()) {
            if !project.accounts.contains_key(&address.account) {
                return Err(Stop::refused(format!(
                    "state records `{address}`, but `personaform.yaml` names no account `{}`",
                    address.account
                ))
                .with_help(format!("put the account back, or forget the object with `personaform state rm {address}`")));
            }
        }
        Ok(Self { lock, state_file, state: Arc::new(state) })
    }
}

/// Connects to accounts.
struct Connector<'a> {
    common: &'a Common,
    screen: &'a Screen,
    sandbox: Option<&'a Running>,
    secrets: &'a BTreeMap<String, SecretString>,
    sealer: &'a Sealer,
}

impl Connector<'_> {
    /// A connection to each account that is needed. An early one goes on, and knows the secrets from now on.
    fn connect(
        &self,
        project: &Project,
        needed: impl Fn(&AccountName) -> bool,
        mut early: BTreeMap<AccountName, Connection>,
    ) -> Result<BTreeMap<AccountName, Connection>, Stop> {
        let mut connections = BTreeMap::new();
        let mut problems = Vec::new();
        for account in project.accounts.values().filter(|account| needed(&account.name)) {
            let Some(provider) = providers::configured(account) else { continue };
            let service = provider.service();
            let key_variable = account.key_variable.clone().unwrap_or_else(|| service.key_variable.to_owned());
            let Some((base_url, key)) = self.home_and_key(account, service, &key_variable) else {
                problems.push(
                    Problem::error(
                        "unset-variable",
                        account.place.clone(),
                        format!("the account `{}` has no key: `${key_variable}` is not set", account.name),
                    )
                    .with_help("set the variable, or try without an account: `personaform --sandbox …`"),
                );
                continue;
            };
            let client = match early.remove(&account.name) {
                Some(early) => early.client.hiding(self.secrets.values()),
                None => self.client(account, service, &base_url, &key)?,
            };
            self.screen.hide(client.redactor());
            let name = account.name.clone();
            let sealer = Arc::new(self.sealer.and(&key_variable, &key));
            connections.insert(name.clone(), Connection { account: name, provider, client, base_url, key_variable, sealer });
        }
        if problems.is_empty() { Ok(connections) } else { Err(Stop::Problems(problems)) }
    }

    /// Where an account is, and its key; none where that is not set.
    fn home_and_key(&self, account: &Account, service: &Service, key_variable: &str) -> Option<(String, SecretString)> {
        match self.sandbox {
            Some(running) => Some((running.base_url(account.name.as_str()), SecretString::from(sandbox_key(account)))),
            None => {
                let base_url = account.base_url.clone().unwrap_or_else(|| service.base_url.to_owned());
                let key = std::env::var(key_variable).ok().filter(|key| !key.is_empty())?;
                Some((base_url, SecretString::from(key)))
            }
        }
    }

    fn client(&self, account: &Account, service: &Service, base_url: &str, key: &SecretString) -> Result<Client, Stop> {
        let Common { retries, timeout, verbose, .. } = *self.common;
        let patience = Patience { retries, timeout, ..Patience::default() };
        let limits = http::limits(service, base_url, account.limits.concurrency, account.limits.per_second);
        let home = Home { service, base_url, insecure: account.insecure, limits };
        let secrets: Vec<SecretString> = self.secrets.values().cloned().collect();
        let client = Client::new(&home, key, &secrets, patience)
            .map_err(|error| Stop::failed(format!("the account `{}`: {error}", account.name)))?;
        Ok(client.watched_by(Arc::new(Retries::of(&account.name, self.screen, verbose))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(value: &Value) -> Document {
        value.as_object().cloned().expect("an object").into()
    }

    fn address(text: &str) -> Address {
        Address::parse(text).expect("an address")
    }

    #[test]
    fn what_is_wanted_as_it_was_applied_is_held_once_also_where_it_has_moved() {
        let fields = json!({"name": "Ada", "voice": {"speed": 1}});
        let record = json!({
            "provider": "plain", "id": "p1", "name": "Ada", "applied": fields, "written_at": "2026-11-22T06:00:00Z",
        });
        let mut state = State::new().expect("a state");
        state.objects.insert(address("a.ada"), serde_json::from_value(record).expect("a record"));
        let applied = &state.objects[&address("a.ada")].applied;
        let shared = |at: &str, wanted: &Value, former: Option<&str>| {
            let mut fields = document(wanted);
            share(&mut fields, &address(at), former.map(address).as_ref(), &state);
            assert_eq!(fields, document(wanted));
            fields.is(applied)
        };
        assert!(shared("a.ada", &fields, None));
        assert!(shared("a.eve", &fields, Some("a.ada")), "moved");
        assert!(!shared("a.eve", &fields, None), "another object");
        assert!(!shared("a.ada", &json!({"name": "Eve", "voice": {"speed": 1}}), Some("a.bob")), "changed");

        let mut changed = document(&fields);
        share(&mut changed, &address("a.ada"), None, &state);
        changed["voice"]["speed"] = json!(2);
        assert_eq!(applied["voice"]["speed"], 1);
    }
}
