//! From a folder to a plan: load, compile, connect, refresh, plan. What every command that plans has in common.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use secrecy::SecretString;

use super::args::{Common, Planning};
use super::exit::{Stop, with_causes};
use super::names::{self, Catalogues, Named, Unread};
use super::retries::Retries;
use super::screen::Screen;
use crate::http::{self, Client, Home, Patience};
use crate::persona::document::{Account, Project};
use crate::persona::name::AccountName;
use crate::persona::problem::{Problem, Severity};
use crate::persona::{Overlay, find_root, load, load_with};
use crate::plan::change::Basis;
use crate::plan::gate::Limits;
use crate::plan::planner::{AccountSide, Situation, plan};
use crate::plan::{Address, Plan, Resource, Sources};
use crate::provider::Provider;
use crate::providers;
use crate::reconcile::{Connection, Interest, Reader, Refreshed, refresh};
use crate::sandbox::{Running, ServeError};
use crate::state::{Held, Holder, Lock, Sealer, State, StateFile};

/// The folder below a project's root where sandbox runs keep everything.
const SANDBOX_FOLDER: &str = ".personaform/sandbox";

/// How often a held lock is asked for again.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// A loaded project, ready to be planned.
pub(super) struct Session {
    /// What the files say.
    pub(super) project: Project,
    /// What they come to, per address. Secrets are sealed.
    pub(super) desired: BTreeMap<Address, Resource>,
    /// New address to old address.
    pub(super) moves: BTreeMap<Address, Address>,
    /// Where in the files they were written.
    pub(super) sources: BTreeMap<Address, Sources>,
    /// The state as it was loaded.
    pub(super) state: State,
    /// Where it is kept; taken out by whoever writes.
    pub(super) state_file: StateFile,
    /// The accounts that are needed.
    pub(super) connections: BTreeMap<AccountName, Connection>,
    /// What the names in `$lookup` led to.
    pub(super) named: Named,
    /// Targets whose names lead nowhere, since a catalogue could not be read.
    pub(super) unnamed: BTreeMap<Address, Unread>,
    /// The catalogues that were read for them.
    pub(super) catalogues: Catalogues,
    sealer: Arc<Sealer>,
    targets: Vec<String>,
    besides: Vec<AccountName>,
    _lock: Option<Lock>,
    sandbox: Option<Running>,
}

/// Finds the project's root, or says how to begin one.
pub(super) fn root(common: &Common) -> Result<PathBuf, Stop> {
    let start =
        std::path::absolute(&common.dir).map_err(|error| Stop::failed(format!("`{}`: {error}", common.dir.display())))?;
    find_root(&start).ok_or_else(|| {
        Stop::failed(format!("there is no `personaform.yaml` in `{}` or any folder above it", common.dir.display()))
            .with_help("go to a project's folder, or name it with `-C`")
    })
}

/// Loads and compiles the files of a project. Warnings are printed; errors stop.
pub(super) fn read_project(common: &Common, screen: &Screen, root: &Path) -> Result<(Project, providers::Compiled), Stop> {
    let loaded = load(root, &providers::vocabulary(), &|name| variable(common.sandbox, name));
    let mut problems = loaded.problems;
    let mut compiled = None;
    if let Some(project) = &loaded.project {
        match providers::compile(project) {
            Ok(mut result) => {
                problems.append(&mut result.warnings);
                compiled = Some(result);
            }
            Err(more) => problems.extend(more),
        }
    }
    match (loaded.project, compiled) {
        (Some(project), Some(compiled)) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
            if !problems.is_empty() {
                screen.warn(problems);
            }
            Ok((project, compiled))
        }
        _ => {
            crate::persona::problem::sort(&mut problems);
            Err(Stop::Problems(problems))
        }
    }
}

/// The value of a variable. In the sandbox every secret is a stand-in: the miniatures keep what they get in plain files.
pub(super) fn variable(sandbox: bool, name: &str) -> Option<String> {
    if sandbox { Some(format!("sandbox-{name}")) } else { std::env::var(name).ok() }
}

/// The environment as the files see it.
fn environment(common: &Common) -> impl Fn(&str) -> Option<String> + use<> {
    let sandbox = common.sandbox;
    move |name: &str| variable(sandbox, name)
}

/// Where a project's state is: its own place, or the sandbox's.
pub(super) fn state_path(common: &Common, root: &Path, project: &Project) -> PathBuf {
    if common.sandbox { root.join(SANDBOX_FOLDER).join("state.json") } else { root.join(&project.state_path) }
}

/// Takes the lock of a state, and waits for it for a while.
pub(super) async fn lock(screen: &Screen, path: &Path, command: &str, timeout: Duration) -> Result<Lock, Stop> {
    let holder =
        Holder { owner: owner(), host: host(), process: std::process::id(), command: command.to_owned(), since: now() };
    let until = Instant::now() + timeout;
    let mut waiting = false;
    loop {
        match Lock::take(path, &holder) {
            Ok(lock) => {
                if let Some(dead) = &lock.taken_over {
                    screen.hint(&format!("Took over the lock of {dead}, which has died."));
                }
                return Ok(lock);
            }
            Err(error @ Held::Other(_)) if Instant::now() < until => {
                if !waiting {
                    screen.hint(&format!("Waiting: {error}"));
                    waiting = true;
                }
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(error) => {
                let stop = Stop::refused(with_causes(&error));
                return Err(match error {
                    Held::Other(_) => stop.with_help("wait until it has ended, as with `--lock-timeout 5m`"),
                    Held::Elsewhere(_) => stop.with_help("if that run has died: `personaform state unlock`"),
                    Held::Unusable { .. } => stop,
                });
            }
        }
    }
}

/// The time of day, RFC 3339, UTC.
pub(super) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

fn owner() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "somebody".to_owned())
}

/// The name of this machine.
pub(super) fn host() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"].into_iter().find_map(|path| std::fs::read_to_string(path).ok());
    let asked = || {
        let output = std::process::Command::new("hostname").output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    let name = files.or_else(|| std::env::var("COMPUTERNAME").ok()).or_else(asked).unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "an unnamed host".to_owned() } else { name.to_owned() }
}

/// Reads a state.
pub(super) fn load_state(file: &mut StateFile) -> Result<State, Stop> {
    file.load().map_err(|error| {
        let stop = Stop::failed(with_causes(&error));
        match error.help() {
            Some(help) => stop.with_help(help),
            None => stop,
        }
    })
}

impl Session {
    /// Opens a project. `writing` names the command where it will write: it then holds the state's lock. A state that is not there
    /// yet begins as the one that `saved` was made against.
    ///
    /// # Errors
    /// When the files have problems, state cannot be read, or an account has no key.
    pub(super) async fn open(
        common: &Common,
        screen: &Screen,
        writing: Option<(&str, Duration)>,
        saved: Option<&Plan>,
    ) -> Result<Self, Stop> {
        Self::open_besides(common, screen, writing, saved, &[]).await
    }

    /// As [`Session::open`], and connected to these accounts also where nothing is planned or recorded there.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(super) async fn open_besides(
        common: &Common,
        screen: &Screen,
        writing: Option<(&str, Duration)>,
        saved: Option<&Plan>,
        besides: &[AccountName],
    ) -> Result<Self, Stop> {
        let mut session = Self::begin(common, screen, writing, saved, besides, None).await?;
        // A saved plan holds the ids, and what is destroyed needs none.
        if saved.is_none() && writing.is_none_or(|(command, _)| command != "destroy") {
            session.look_up().await?;
        }
        Ok(session)
    }

    /// Opens a project to plan it, with catalogues that were read in this run already.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(super) async fn open_knowing(common: &Common, screen: &Screen, catalogues: Catalogues) -> Result<Self, Stop> {
        let mut session = Self::begin(common, screen, None, None, &[], None).await?;
        session.catalogues = catalogues;
        session.look_up().await?;
        Ok(session)
    }

    /// Opens a project to look at one account, whether or not anything is planned there.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(super) async fn open_account(common: &Common, screen: &Screen, account: &AccountName) -> Result<Self, Stop> {
        Self::begin(common, screen, None, None, &[], Some(account)).await
    }

    async fn begin(
        common: &Common,
        screen: &Screen,
        writing: Option<(&str, Duration)>,
        saved: Option<&Plan>,
        besides: &[AccountName],
        only: Option<&AccountName>,
    ) -> Result<Self, Stop> {
        let root = root(common)?;
        let (project, mut compiled) = read_project(common, screen, &root)?;
        let mut state_file = StateFile::at(state_path(common, &root, &project));
        let lock = match writing {
            Some((command, timeout)) => Some(lock(screen, state_file.path(), command, timeout).await?),
            None => None,
        };
        let mut state = load_state(&mut state_file)?;
        if let Some((basis, key)) = saved.map(|plan| &plan.basis).and_then(|basis| Some((basis, basis.digest_key.as_ref()?)))
            && state.serial == 0
        {
            state.lineage.clone_from(&basis.lineage);
            state.digest_key.clone_from(key);
        }
        for address in state.objects.keys().chain(state.pending.keys()).filter(|_| only.is_none()) {
            if !project.accounts.contains_key(&address.account) {
                return Err(Stop::refused(format!(
                    "state records `{address}`, but `personaform.yaml` names no account `{}`",
                    address.account
                ))
                .with_help(format!("put the account back, or forget the object with `personaform state rm {address}`")));
            }
        }
        let sealer = Sealer::new(&state.digest_key, &project.secrets).map_err(|error| Stop::failed(with_causes(&error)))?;
        for resource in compiled.resources.values_mut() {
            sealer.seal(&mut resource.fields);
        }
        let sandbox = if common.sandbox { Some(start_sandbox(&root, &project).await?) } else { None };
        let mut session = Self {
            desired: compiled.resources,
            moves: compiled.moves,
            sources: compiled.sources,
            state,
            state_file,
            connections: BTreeMap::new(),
            named: Named::default(),
            unnamed: BTreeMap::new(),
            catalogues: Catalogues::default(),
            sealer: Arc::new(sealer),
            targets: common.targets.clone(),
            besides: besides.to_vec(),
            project,
            _lock: lock,
            sandbox: None,
        };
        session.connections = session.connect(sandbox.as_ref(), only, common, screen)?;
        session.sandbox = sandbox;
        Ok(session)
    }

    /// A client for each account that something is planned or recorded at.
    fn connect(
        &self,
        sandbox: Option<&Running>,
        only: Option<&AccountName>,
        common: &Common,
        screen: &Screen,
    ) -> Result<BTreeMap<AccountName, Connection>, Stop> {
        let patience = Patience { retries: common.retries, timeout: common.timeout, ..Patience::default() };
        let mut connections = BTreeMap::new();
        let mut problems = Vec::new();
        let secrets: Vec<SecretString> = self.project.secrets.values().cloned().collect();
        for account in self
            .project
            .accounts
            .values()
            .filter(|account| only.map_or_else(|| self.needs(&account.name), |only| account.name == *only))
        {
            let Some(provider) = providers::configured(account) else { continue };
            let service = provider.service();
            let key_variable = account.key_variable.clone().unwrap_or_else(|| service.key_variable.to_owned());
            let (base_url, key) = match sandbox {
                Some(running) => (running.base_url(account.name.as_str()), Some(SecretString::from(sandbox_key(account)))),
                None => {
                    let base_url = account.base_url.clone().unwrap_or_else(|| service.base_url.to_owned());
                    (base_url, std::env::var(&key_variable).ok().filter(|key| !key.is_empty()).map(SecretString::from))
                }
            };
            let Some(key) = key else {
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
            let limits = http::limits(service, &base_url, account.limits.concurrency, account.limits.per_second);
            let home = Home { service, base_url: &base_url, insecure: account.insecure, limits };
            let client = Client::new(&home, &key, &secrets, patience)
                .map_err(|error| Stop::failed(format!("the account `{}`: {error}", account.name)))?
                .watched_by(Arc::new(Retries::of(&account.name, screen, common.verbose)));
            screen.hide(client.redactor());
            let name = account.name.clone();
            let connection =
                Connection { account: name, provider, client, base_url, key_variable, sealer: Arc::clone(&self.sealer) };
            connections.insert(account.name.clone(), connection);
        }
        if problems.is_empty() { Ok(connections) } else { Err(Stop::Problems(problems)) }
    }

    fn needs(&self, account: &AccountName) -> bool {
        let at = |address: &Address| address.account == *account && self.selects(address);
        self.besides.contains(account)
            || self.desired.keys().chain(self.state.objects.keys()).chain(self.state.pending.keys()).any(at)
    }

    /// Where an account lives, for a plan's basis. The sandbox has another port in every run.
    pub(super) fn home_of(&self, connection: &Connection) -> String {
        if self.sandbox.is_some() { "sandbox".to_owned() } else { connection.base_url.clone() }
    }

    /// Whether the accounts are miniatures.
    pub(super) fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Whether `--target` selects an address; without the flag all are.
    pub(super) fn selects(&self, address: &Address) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|pattern| matches(pattern, &address.to_string()))
    }

    /// Looks at the services and plans.
    ///
    /// # Errors
    /// When a selection matches nothing, or a plan would be wrong.
    pub(super) async fn plan(&self, planning: &Planning) -> Result<Plan, Stop> {
        let refreshed = self.look(&self.desired, &self.moves).await?;
        self.plan_seen(&self.desired, &self.moves, &refreshed, planning)
    }

    /// Finds the ids behind the names of the selected targets.
    ///
    /// # Errors
    /// When a name is unknown or not unique.
    async fn look_up(&mut self) -> Result<(), Stop> {
        let wanted = names::wanted(&self.desired, |address| self.selects(address));
        self.learn(wanted).await;
        let mut desired = std::mem::take(&mut self.desired);
        let resolution = names::resolve(&self.project, &mut desired, &self.catalogues, |address| self.selects(address));
        self.desired = desired;
        self.named = resolution.named;
        self.unnamed = resolution.unnamed;
        if resolution.problems.is_empty() { Ok(()) } else { Err(Stop::Problems(resolution.problems)) }
    }

    /// Reads catalogues that were not read yet.
    pub(super) async fn learn(&mut self, mut wanted: BTreeSet<(AccountName, String)>) {
        wanted.retain(|key| !self.catalogues.contains_key(key));
        let read = names::fetch(&self.connections, &wanted).await;
        self.catalogues.extend(read);
    }

    /// What the files would want if some of them were others; names lead to what they led to before.
    ///
    /// # Errors
    /// Every problem that these files would have.
    pub(super) fn desired_with(&self, common: &Common, overlay: &Overlay) -> Result<BTreeMap<Address, Resource>, Vec<Problem>> {
        let loaded = load_with(&self.project.root, &providers::vocabulary(), &environment(common), overlay);
        let Some(project) = loaded.project else { return Err(loaded.problems) };
        let mut desired = providers::compile(&project)?.resources;
        for resource in desired.values_mut() {
            self.sealer.seal(&mut resource.fields);
        }
        let resolution = names::resolve(&project, &mut desired, &self.catalogues, |address| self.selects(address));
        if resolution.problems.is_empty() { Ok(desired) } else { Err(resolution.problems) }
    }

    /// Plans the end of everything that state records.
    ///
    /// # Errors
    /// As [`Session::plan`].
    pub(super) async fn plan_destroy(&self, allow_vanished: bool) -> Result<Plan, Stop> {
        let planning = Planning { allow_deletes: true, allow_changes: true, allow_vanished, ..Planning::default() };
        let none = BTreeMap::new();
        let refreshed = self.look(&none, &BTreeMap::new()).await?;
        self.plan_seen(&none, &BTreeMap::new(), &refreshed, &planning)
    }

    /// Looks at the services.
    ///
    /// # Errors
    /// When a selection matches nothing.
    pub(super) async fn look(
        &self,
        desired: &BTreeMap<Address, Resource>,
        moves: &BTreeMap<Address, Address>,
    ) -> Result<Refreshed, Stop> {
        self.check_selection()?;
        let scope = |address: &Address| self.selects(address);
        let (recorded, pending) = (&self.state.objects, &self.state.pending);
        let mut refreshed = refresh(&self.readers(), Interest { desired, recorded, pending, moves, scope: &scope }).await;
        names::hold_up(&self.unnamed, &mut refreshed);
        Ok(refreshed)
    }

    /// The accounts as the planner sees them.
    pub(super) fn sides(&self) -> BTreeMap<AccountName, AccountSide<'_>> {
        let accounts = self.connections.iter().map(|(name, connection)| {
            let side = AccountSide {
                provider: connection.provider.id().to_owned(),
                title: connection.provider.service().title.to_owned(),
                base_url: self.home_of(connection),
                dialect: connection.provider,
            };
            (name.clone(), side)
        });
        accounts.collect()
    }

    /// The accounts as those see them who only look: readers have no way to write.
    pub(super) fn readers(&self) -> BTreeMap<AccountName, Reader<'_>> {
        self.connections.iter().map(|(name, connection)| (name.clone(), Reader::of(connection))).collect()
    }

    /// Plans from what was seen.
    ///
    /// # Errors
    /// When the plan would be wrong.
    pub(super) fn plan_seen(
        &self,
        desired: &BTreeMap<Address, Resource>,
        moves: &BTreeMap<Address, Address>,
        refreshed: &Refreshed,
        planning: &Planning,
    ) -> Result<Plan, Stop> {
        let unblamed = BTreeMap::new();
        let scope = |address: &Address| self.selects(address);
        let (recorded, pending) = (&self.state.objects, &self.state.pending);
        let situation = Situation {
            accounts: self.sides(),
            desired,
            sources: if desired.is_empty() { &unblamed } else { &self.sources },
            moves,
            recorded,
            observed: &refreshed.observed,
            namesakes: &refreshed.namesakes,
            pending,
            traces: &refreshed.traces,
            vanished: &refreshed.vanished,
            scope: &scope,
            adopt: planning.adopt,
            limits: Limits {
                max_deletes: self.project.safety.max_deletes,
                max_share: self.project.safety.max_share,
                allow_deletes: planning.allow_deletes,
                allow_changes: planning.allow_changes,
                allow_vanished: planning.allow_vanished,
            },
            basis: Basis {
                lineage: self.state.lineage.clone(),
                serial: self.state.serial,
                digest_key: (self.state.serial == 0).then(|| self.state.digest_key.clone()),
                accounts: BTreeMap::new(),
            },
        };
        let planned = plan(&situation).map_err(|unproven| {
            Stop::failed(format!("a mistake of personaform, nothing was changed: {unproven}"))
                .with_help("please report it, with the target's section and the provider's answer to a read")
        });
        planned.map(|plan| names::annotated(plan, &self.named))
    }

    /// A pattern that matches nothing is a typing mistake, not an empty plan.
    pub(super) fn check_selection(&self) -> Result<(), Stop> {
        let recorded = self.state.objects.keys().chain(self.state.pending.keys());
        let known: Vec<String> = self.desired.keys().chain(recorded).map(ToString::to_string).collect();
        for pattern in &self.targets {
            if !known.iter().any(|address| matches(pattern, address)) {
                let nearest = known
                    .iter()
                    .map(|address| (strsim::jaro_winkler(pattern, address), address))
                    .max_by(|left, right| left.0.total_cmp(&right.0))
                    .filter(|(likeness, _)| *likeness > 0.7);
                let stop = Stop::failed(format!("`--target {pattern}` matches no address"));
                return Err(match nearest {
                    Some((_, address)) => stop.with_help(format!("did you mean `{address}`?")),
                    None => stop.with_help("addresses look like `tavus.support-guide`; `*` stands for any characters"),
                });
            }
        }
        Ok(())
    }
}

/// Starts a miniature for every account of a project.
///
/// # Errors
/// When the sandbox's folder is in use or damaged.
pub(super) async fn start_sandbox(root: &Path, project: &Project) -> Result<Running, Stop> {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener = listener.map_err(|error| Stop::failed(format!("no loopback port for the sandbox: {error}")))?;
    serve_sandbox(listener, root, project).await
}

/// As [`start_sandbox`], on a listener of the caller's.
///
/// # Errors
/// As [`start_sandbox`].
pub(super) async fn serve_sandbox(listener: tokio::net::TcpListener, root: &Path, project: &Project) -> Result<Running, Stop> {
    let miniatures = project
        .accounts
        .values()
        .filter_map(|account| Some((account.name.to_string(), providers::miniature(&account.provider, &sandbox_key(account))?)))
        .collect();
    let folder = root.join(SANDBOX_FOLDER);
    let running = crate::sandbox::serve(listener, miniatures, Some(folder)).await;
    running.map_err(|error: ServeError| Stop::failed(with_causes(&error)))
}

/// The key that an account's miniature takes.
pub(super) fn sandbox_key(account: &Account) -> String {
    format!("sandbox-key-of-{}", account.name)
}

/// The provider of an account, known since the project was loaded.
pub(super) fn provider_of(account: &Account) -> Option<&'static dyn Provider> {
    providers::configured(account)
}

/// Whether a text matches a pattern in which `*` stands for any characters.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text
            .strip_prefix(start)
            .is_some_and(|text| (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        assert!(matches("tavus.*", "tavus.emea/ada"));
        assert!(matches("*.support-*", "bland-eu.support-guide"));
        assert!(!matches("tavus.*", "tavus-eu.ada"));
        assert!(!matches("tavus.ada", "tavus.ada2"));
    }
}
