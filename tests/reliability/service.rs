//! The four services in this process, with a hand on every request: what it sees, it may hold up, refuse, or use as the moment to
//! kill somebody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use crate::support::Project;
use personaform::providers::{anam, bland, opengiant, tavus};
use personaform::sandbox::{Incoming, Miniature, Outgoing, Running, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(crate) const ACCOUNTS: [&str; 4] = ["anam", "bland", "opengiant", "tavus"];

/// Somebody who watches every request of every service.
pub(crate) trait Watch: Send + Sync {
    /// A request has come. False: the service never sees it.
    fn before(&self, account: &str, request: &Incoming) -> bool;
    /// The service has done what was asked, and nobody knows yet.
    fn after(&self, account: &str, request: &Incoming);
    /// The test is over, perhaps by a panic: whatever is held up must go.
    fn end(&self) {}
}

/// Lets everything pass.
pub(crate) struct Nobody;

impl Watch for Nobody {
    fn before(&self, _: &str, _: &Incoming) -> bool {
        true
    }
    fn after(&self, _: &str, _: &Incoming) {}
}

type Shared<M> = Arc<Mutex<M>>;
type Watcher = Arc<Mutex<Arc<dyn Watch>>>;

struct Watched {
    account: &'static str,
    inner: Box<dyn Miniature>,
    watcher: Watcher,
}

impl Miniature for Watched {
    fn handle(&mut self, request: &Incoming) -> Outgoing {
        let watch = Arc::clone(&self.watcher.lock().expect("nobody panics"));
        if !watch.before(self.account, request) {
            return Outgoing::json(503, json!({"message": "nobody hears this"}));
        }
        let answer = self.inner.handle(request);
        watch.after(self.account, request);
        answer
    }

    fn store(&self) -> Value {
        self.inner.store()
    }

    fn restore(&mut self, store: Value) -> Result<(), String> {
        self.inner.restore(store)
    }
}

/// The services, each at the account of its name.
pub(crate) struct Services {
    running: Option<Running>,
    runtime: Option<Runtime>,
    watcher: Watcher,
    anam: Shared<anam::sandbox::Sandbox>,
    bland: Shared<bland::sandbox::Sandbox>,
    opengiant: Shared<opengiant::sandbox::Sandbox>,
    tavus: Shared<tavus::sandbox::Sandbox>,
}

impl Services {
    /// Empty services.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let watcher: Watcher = Arc::new(Mutex::new(Arc::new(Nobody)));
        let anam = Arc::new(Mutex::new(anam::sandbox::Sandbox::new("key-for-tests")));
        let bland = Arc::new(Mutex::new(bland::sandbox::Sandbox::new("key-for-tests")));
        let opengiant = Arc::new(Mutex::new(opengiant::sandbox::Sandbox::new("key-for-tests")));
        let tavus = Arc::new(Mutex::new(tavus::sandbox::Sandbox::new("key-for-tests")));
        let inner: [(&'static str, Box<dyn Miniature>); 4] = [
            ("anam", Box::new(Arc::clone(&anam))),
            ("bland", Box::new(Arc::clone(&bland))),
            ("opengiant", Box::new(Arc::clone(&opengiant))),
            ("tavus", Box::new(Arc::clone(&tavus))),
        ];
        let watched = inner.into_iter().map(|(account, inner)| {
            let watched = Watched { account, inner, watcher: Arc::clone(&watcher) };
            (account.to_owned(), Box::new(watched) as Box<dyn Miniature>)
        });
        let watched = watched.collect();
        let running = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            serve(listener, watched, None).await.expect("it serves")
        });
        Self { running: Some(running), runtime: Some(runtime), watcher, anam, bland, opengiant, tavus }
    }

    /// Services that hold what others hold.
    pub(crate) fn holding(stores: &BTreeMap<&'static str, Value>) -> Self {
        let services = Self::start();
        services.anam.lock().expect("whole").restore(stores["anam"].clone()).expect("restored");
        services.bland.lock().expect("whole").restore(stores["bland"].clone()).expect("restored");
        services.opengiant.lock().expect("whole").restore(stores["opengiant"].clone()).expect("restored");
        services.tavus.lock().expect("whole").restore(stores["tavus"].clone()).expect("restored");
        services
    }

    /// Everything that they hold.
    pub(crate) fn stores(&self) -> BTreeMap<&'static str, Value> {
        BTreeMap::from([
            ("anam", self.anam.store()),
            ("bland", self.bland.store()),
            ("opengiant", self.opengiant.store()),
            ("tavus", self.tavus.store()),
        ])
    }

    /// Who watches from now on.
    pub(crate) fn watched_by(&self, watch: Arc<dyn Watch>) {
        *self.watcher.lock().expect("nobody panics") = watch;
    }

    /// The ids of the objects at an account.
    pub(crate) fn ids(&self, account: &str) -> BTreeSet<String> {
        let ids = match account {
            "anam" => self.anam.lock().expect("whole").ids(),
            "bland" => self.bland.lock().expect("whole").ids(),
            "opengiant" => self.opengiant.lock().expect("whole").ids(),
            _ => self.tavus.lock().expect("whole").ids(),
        };
        ids.into_iter().collect()
    }

    /// The attributes that OpenGiant holds, which no API shows.
    pub(crate) fn opengiant(&self, id: &str) -> Value {
        self.opengiant.lock().expect("whole").persona(id).expect("held")
    }

    /// Somebody changes a Tavus persona elsewhere.
    pub(crate) fn alter_tavus(&self, id: &str, field: &str, value: Value) {
        assert!(self.tavus.lock().expect("whole").alter(id, |persona| persona[field] = value), "there is no `{id}`");
    }

    /// Somebody changes an Anam persona elsewhere.
    pub(crate) fn alter_anam(&self, id: &str, field: &str, value: Value) {
        let mut anam = self.anam.lock().expect("whole");
        let altered = anam.alter(id, |persona| drop(persona.insert(field.to_owned(), value)));
        assert!(altered, "there is no `{id}`");
    }

    /// Somebody changes a Bland persona elsewhere, draft and production alike.
    pub(crate) fn alter_bland(&self, id: &str, field: &str, value: Value) {
        let mut bland = self.bland.lock().expect("whole");
        assert!(bland.edit_draft(id, field, value) && bland.promote_draft(id), "there is no `{id}`");
    }

    /// Writes the project file, and sets the keys.
    pub(crate) fn connect(&self, project: &mut Project) {
        let running = self.running.as_ref().expect("it runs");
        let accounts: String = ACCOUNTS
            .iter()
            .map(|account| format!("  {account}: {{ base_url: \"{}\" }}\n", running.base_url(account)))
            .collect();
        project.write("personaform.yaml", &format!("accounts:\n{accounts}"));
        for account in ACCOUNTS {
            project.set(&format!("{}_API_KEY", account.to_uppercase()), "key-for-tests");
        }
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.watcher.lock().expect("nobody panics").end();
        drop(self.running.take());
        // A request that a failed test still holds up must not hold up the end of the test as well.
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// A persona at all four accounts.
pub(crate) fn persona(name: &str, prompt: &str) -> String {
    format!(
        "name: {name}\nprompt: {prompt}\ntargets:\n  tavus: {{ default_replica_id: r1, layers: {{ llm: {{ model: tavus-gpt-oss }} }} }}\n  \
         anam: {{ avatarId: a, voiceId: v, llmId: l, widgetConfig: {{ layout: floating }} }}\n  \
         bland: {{ call_config: {{ voice: June }} }}\n  opengiant: {{ attributes: {{ tone: warm }} }}\n"
    )
}

/// The state with its journal, as the binary reads it.
pub(crate) fn recorded(project: &Project) -> Value {
    project.run(&["state", "list", "--format", "json"]).ends(0).json()
}

/// The id that state records for an address.
pub(crate) fn id_of(project: &Project, address: &str) -> String {
    recorded(project)["objects"][address]["id"].as_str().unwrap_or_else(|| panic!("`{address}` is not recorded")).to_owned()
}
