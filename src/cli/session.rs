//! From a folder to a plan: open, refresh, plan. What every command that plans has in common. How it is opened is `opening`'s.

mod opening;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::args::{Common, Planning};
use super::aside::aside;
use super::exit::Stop;
use super::names::{self, Catalogues, Named, Unread};
use super::project::variable;
use super::screen::Screen;
use super::selection::Selection;
use crate::http;
use crate::persona::document::Project;
use crate::persona::name::AccountName;
use crate::persona::problem::Problem;
use crate::persona::{Overlay, load_with};
use crate::plan::change::Basis;
use crate::plan::gate::Limits;
use crate::plan::planner::{AccountSide, Situation, plan};
use crate::plan::{Address, Plan, Resource, Sources};
use crate::providers;
use crate::reconcile::{Ahead, Connection, Interest, Reader, Refreshed, refresh};
use crate::sandbox::Running;
use crate::state::{Lock, Sealer, State, StateFile};

/// A loaded project, ready to be planned.
pub(super) struct Session {
    /// What the files say.
    pub(super) project: Project,
    /// What they come to, per address. Secrets are sealed.
    pub(super) desired: BTreeMap<Address, Resource>,
    /// New address to old address.
    pub(super) moves: BTreeMap<Address, Address>,
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
    /// What was read of recorded objects already; taken out by the first look.
    ahead: Cell<BTreeMap<AccountName, Ahead>>,
    sealer: Arc<Sealer>,
    selection: Selection,
    _lock: Option<Lock>,
    sandbox: Option<Running>,
}

/// What a command wants of its session.
#[derive(Clone, Copy, Default)]
struct Wishes<'a> {
    /// The command, where it will write, and how long it waits for the state's lock: it then holds it.
    writing: Option<(&'a str, Duration)>,
    /// The saved plan that a state which is not there yet begins from.
    saved: Option<&'a Plan>,
    /// Accounts that are connected to even where nothing is planned or recorded there.
    besides: &'a [AccountName],
    /// The one account that is connected to.
    only: Option<&'a AccountName>,
    /// Whether every recorded object that is selected will be looked at.
    reads_ahead: bool,
    /// Whether the values that the files are compiled from will be looked at: they are let go of otherwise.
    values: bool,
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
        let wishes = Wishes { writing, saved, reads_ahead: saved.is_none(), ..Wishes::default() };
        Self::open_for(common, screen, wishes).await
    }

    /// As [`Session::open`], for those who change files: with the values that the files were compiled from.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(super) async fn open_with_values(
        common: &Common,
        screen: &Screen,
        writing: Option<(&str, Duration)>,
    ) -> Result<Self, Stop> {
        Self::open_for(common, screen, Wishes { writing, reads_ahead: true, values: true, ..Wishes::default() }).await
    }

    /// As [`Session::open_with_values`], and connected to these accounts also where nothing is planned or recorded there.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(super) async fn open_besides(
        common: &Common,
        screen: &Screen,
        writing: Option<(&str, Duration)>,
        besides: &[AccountName],
    ) -> Result<Self, Stop> {
        Self::open_for(common, screen, Wishes { writing, besides, values: true, ..Wishes::default() }).await
    }

    async fn open_for(common: &Common, screen: &Screen, wishes: Wishes<'_>) -> Result<Self, Stop> {
        let mut session = Self::begin(common, screen, wishes).await?;
        // A saved plan holds the ids, and what is destroyed needs none.
        if wishes.saved.is_none() && wishes.writing.is_none_or(|(command, _)| command != "destroy") {
            session.look_up().await?;
        }
        Ok(session)
    }

    /// Opens a project to plan it, with catalogues that were read in this run already.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(super) async fn open_knowing(common: &Common, screen: &Screen, catalogues: Catalogues) -> Result<Self, Stop> {
        let mut session = Self::begin(common, screen, Wishes { reads_ahead: true, ..Wishes::default() }).await?;
        session.catalogues = catalogues;
        session.look_up().await?;
        Ok(session)
    }

    /// Opens a project to look at one account, whether or not anything is planned there.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(super) async fn open_account(common: &Common, screen: &Screen, account: &AccountName) -> Result<Self, Stop> {
        Self::begin(common, screen, Wishes { only: Some(account), ..Wishes::default() }).await
    }

    /// From now on nothing is sent any more once this brake is pulled.
    pub(super) fn stop_with(&mut self, brake: &http::Brake) {
        self.connections.values_mut().for_each(|connection| connection.client.stopped_by(brake));
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
        self.selection.selects(address)
    }

    /// Lets go of all that a plan was made from, when it is not needed any more: at a large project most of what is held.
    pub(super) fn let_go(&mut self) {
        aside((std::mem::take(&mut self.project.personas), std::mem::take(&mut self.desired)));
    }

    /// Looks at the services and plans.
    ///
    /// # Errors
    /// When a selection matches nothing, or a plan would be wrong.
    pub(super) async fn plan(&self, planning: &Planning) -> Result<Plan, Stop> {
        let refreshed = self.look(&self.desired, &self.moves).await?;
        let plan = self.plan_seen(&self.desired, &self.moves, &refreshed, planning);
        aside(refreshed);
        plan
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
        let loaded = load_with(&self.project.root, &providers::vocabulary(), &|name| variable(common.sandbox, name), overlay);
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
        let mut refreshed = self.refresh(Interest { desired, recorded, pending, moves, scope: &scope }).await;
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

    /// Looks at some objects. Those who look are readers: they have no way to write.
    pub(super) async fn refresh(&self, interest: Interest<'_>) -> Refreshed {
        let ahead = self.ahead.take();
        let connections = self.connections.iter();
        let readers = connections.map(|(name, connection)| (name.clone(), Reader::of(connection).after(ahead.get(name))));
        refresh(&readers.collect(), interest).await
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
        let unblamed: BTreeMap<Address, Sources> = BTreeMap::new();
        let scope = |address: &Address| self.selects(address);
        let (recorded, pending) = (&self.state.objects, &self.state.pending);
        let situation = Situation {
            accounts: self.sides(),
            desired,
            sources: if desired.is_empty() { &unblamed } else { &self.project },
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

    /// Refuses a selection that matches nothing.
    ///
    /// # Errors
    /// Names the pattern.
    pub(super) fn check_selection(&self) -> Result<(), Stop> {
        let recorded = self.state.objects.keys().chain(self.state.pending.keys());
        self.selection.check(self.desired.keys().chain(recorded))
    }
}
