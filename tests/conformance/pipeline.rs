//! The library's own pipeline over real HTTP: a project in a folder, one account, a miniature behind it. Every run begins at
//! the files and the stored state, as a run of the binary does.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::time::Duration;

use personaform::http::{Client, Home, Patience, limits};
use personaform::persona::name::AccountName;
use personaform::persona::problem::{Problem, Severity};
use personaform::persona::{Vocabulary, load};
use personaform::plan::change::Basis;
use personaform::plan::gate::Limits;
use personaform::plan::planner::{AccountSide, Situation, plan};
use personaform::plan::{Action, Address, Plan, Resource};
use personaform::provider::Provider;
use personaform::providers;
use personaform::reconcile::{Applier, Connection, Entry, Interest, Observer, Outcome, Reader, refresh};
use personaform::sandbox::{Miniature, Running, serve};
use personaform::state::{Memory, Sealer, State, StateFile};
use secrecy::SecretString;
use serde_json::Value;

/// The key that every miniature here takes.
pub(crate) const KEY: &str = "conformance-key";

/// The value of every variable that a file names.
pub(crate) fn secret(name: &str) -> String {
    format!("the value of {name}")
}

/// All providers' words, made once.
pub(crate) fn words() -> &'static Vocabulary {
    static WORDS: OnceLock<Vocabulary> = OnceLock::new();
    WORDS.get_or_init(providers::vocabulary)
}

/// One provider's words; the others' schemas only cost time here.
fn words_of(id: &str) -> &'static Vocabulary {
    static EACH: LazyLock<BTreeMap<String, Vocabulary>> = LazyLock::new(|| {
        let ids = words().providers.keys().cloned();
        ids.map(|id| {
            let mut own = words().clone();
            own.providers.retain(|provider, _| *provider == id);
            (id, own)
        })
        .collect()
    });
    &EACH[id]
}

/// A project with one account, named like its provider.
pub(crate) struct Pipeline {
    folder: tempfile::TempDir,
    vocabulary: &'static Vocabulary,
    provider: &'static dyn Provider,
    connections: BTreeMap<AccountName, Connection>,
    /// Every request is answered by it.
    pub(crate) server: Running,
}

/// What the files come to.
pub(crate) struct Read {
    pub(crate) desired: BTreeMap<Address, Resource>,
    moves: BTreeMap<Address, Address>,
    sealer: Arc<Sealer>,
    pub(crate) state: State,
}

struct Nobody;

impl Observer for Nobody {
    fn begun(&self, _address: &Address, _action: Action) {}
    fn ended(&self, _entry: &Entry) {}
}

impl Pipeline {
    /// Serves a miniature and makes an empty project for it.
    pub(crate) async fn start(id: &str, miniature: Box<dyn Miniature>) -> Self {
        let provider = providers::find(id).expect("a provider");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = serve(listener, BTreeMap::from([(id.to_owned(), miniature)]), None).await.expect("it serves");
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("personas")).expect("made");
        let project = serde_json::json!({"accounts": {id: {}}, "safety": {"max_deletes": 1000}});
        fs::write(folder.path().join("personaform.yaml"), project.to_string()).expect("written");
        let none = Duration::from_millis(1);
        let patience = Patience { retries: 0, pause: none, longest_pause: none, timeout: Duration::from_secs(60) };
        let key = SecretString::from(KEY);
        let base_url = server.base_url(id);
        let service = provider.service();
        let limits = limits(service, &base_url, None, None);
        let home = Home { service, base_url: &base_url, insecure: false, limits };
        let client = Client::new(&home, &key, &[], patience).expect("a client");
        let sealer = Arc::new(Sealer::new(&"00".repeat(32), &BTreeMap::new()).expect("a sealer"));
        let key_variable = provider.service().key_variable.to_owned();
        let account = AccountName::new(id);
        let connection = Connection { account: account.clone(), provider, client, base_url, key_variable, sealer };
        let connections = BTreeMap::from([(account, connection)]);
        Self { folder, vocabulary: words_of(id), provider, connections, server }
    }

    /// Writes, or removes, a persona's file.
    pub(crate) fn write(&self, key: &str, file: Option<&Value>) {
        let path = self.folder.path().join("personas").join(format!("{key}.yaml"));
        match file {
            Some(document) => fs::write(path, document.to_string()).expect("written"),
            None if path.exists() => fs::remove_file(path).expect("removed"),
            None => {}
        }
    }

    fn state_file(&self) -> StateFile {
        StateFile::at(self.folder.path().join(".personaform/state.json"))
    }

    /// The state as it is stored.
    pub(crate) fn state(&self) -> State {
        self.state_file().load().expect("a state")
    }

    /// Stores another state.
    pub(crate) fn remember(&self, state: &State) {
        fs::write(self.state_file().path(), serde_json::to_vec(state).expect("JSON")).expect("written");
    }

    /// Loads and compiles the files.
    ///
    /// # Errors
    /// Every problem that is no mere warning.
    pub(crate) fn read(&self) -> Result<Read, Vec<Problem>> {
        let loaded = load(self.folder.path(), self.vocabulary, &|name| Some(secret(name)));
        let errors = |problems: Vec<Problem>| -> Vec<Problem> {
            problems.into_iter().filter(|problem| problem.severity == Severity::Error).collect()
        };
        let problems = errors(loaded.problems);
        let Some(project) = loaded.project else { return Err(problems) };
        let mut compiled = providers::compile(&project).map_err(errors)?;
        let state = self.state();
        let sealer = Sealer::new(&state.digest_key, &project.secrets).expect("a sealer");
        for resource in compiled.resources.values_mut() {
            sealer.seal(&mut resource.fields);
        }
        Ok(Read { desired: compiled.resources, moves: compiled.moves, sealer: Arc::new(sealer), state })
    }

    /// The same files with the state as it is stored by now.
    pub(crate) fn read_again(&self, read: Read) -> Read {
        Read { state: self.state(), ..read }
    }

    /// Looks at the service and plans.
    pub(crate) async fn plan(&mut self, read: &Read) -> Plan {
        for connection in self.connections.values_mut() {
            connection.sealer = Arc::clone(&read.sealer);
        }
        let everywhere = |_: &Address| true;
        let recorded = &read.state.objects;
        let pending = &read.state.pending;
        let readers = self.connections.iter().map(|(name, connection)| (name.clone(), Reader::of(connection))).collect();
        let interest = Interest { desired: &read.desired, recorded, pending, moves: &read.moves, scope: &everywhere };
        let refreshed = refresh(&readers, interest).await;
        let side = AccountSide {
            provider: self.provider.id().to_owned(),
            title: self.provider.service().title.to_owned(),
            base_url: String::new(),
            dialect: self.provider,
        };
        let situation = Situation {
            accounts: BTreeMap::from([(AccountName::new(self.provider.id()), side)]),
            desired: &read.desired,
            moves: &read.moves,
            recorded,
            observed: &refreshed.observed,
            namesakes: &refreshed.namesakes,
            pending,
            traces: &refreshed.traces,
            vanished: &refreshed.vanished,
            sources: &BTreeMap::<personaform::plan::Address, personaform::plan::Sources>::new(),
            scope: &everywhere,
            adopt: false,
            limits: Limits {
                max_deletes: 1000,
                max_share: None,
                allow_deletes: true,
                allow_changes: true,
                allow_vanished: true,
            },
            basis: Basis::default(),
        };
        plan(&situation).unwrap_or_else(|unproven| panic!("a plan disproves itself: {unproven}"))
    }

    /// Carries a plan out and stores the state.
    pub(crate) async fn apply(&self, read: &Read, plan: &Plan) -> Outcome {
        let stop = AtomicBool::new(false);
        // A journal goes on where the loaded one ended.
        let mut file = self.state_file();
        file.load().expect("a state");
        let applier = Applier {
            connections: &self.connections,
            memory: Mutex::new(Memory::new(file, read.state.clone())),
            parallelism: 4,
            stop: &stop,
            now: &|| "2026-06-01T00:00:00Z".to_owned(),
            observer: &Nobody,
        };
        let outcome = applier.apply(&mut plan.clone()).await.expect("the journal can be written");
        applier.settle().expect("the state can be written");
        outcome
    }
}
