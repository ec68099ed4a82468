//! The services in miniature, served in this process so that tests reach their hooks, and a project whose accounts they are.

use std::sync::{Arc, Mutex, MutexGuard};

use personaform::providers::{anam, bland, opengiant, tavus};
use personaform::sandbox::{Incoming, LogEntry, Miniature, Running, serve};
use serde_json::{Map, Value, json};

use crate::support::Project;

const KEY: &str = "key-of-the-tests";

pub(crate) struct Services {
    pub(crate) tavus: Arc<Mutex<tavus::sandbox::Sandbox>>,
    pub(crate) anam: Arc<Mutex<anam::sandbox::Sandbox>>,
    pub(crate) bland: Arc<Mutex<bland::sandbox::Sandbox>>,
    pub(crate) opengiant: Arc<Mutex<opengiant::sandbox::Sandbox>>,
    running: Running,
    _runtime: tokio::runtime::Runtime,
}

impl Services {
    pub(crate) fn start() -> Self {
        Self::with(|anam| Box::new(anam))
    }

    /// The same with something in front of Anam.
    pub(crate) fn with(front: impl FnOnce(Arc<Mutex<anam::sandbox::Sandbox>>) -> Box<dyn Miniature>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let tavus = Arc::new(Mutex::new(tavus::sandbox::Sandbox::new(KEY)));
        let anam = Arc::new(Mutex::new(anam::sandbox::Sandbox::new(KEY)));
        let bland = Arc::new(Mutex::new(bland::sandbox::Sandbox::new(KEY)));
        let opengiant = Arc::new(Mutex::new(opengiant::sandbox::Sandbox::new(KEY)));
        let mounts: Vec<(&str, Box<dyn Miniature>)> = vec![
            ("tavus", Box::new(Arc::clone(&tavus))),
            ("anam", front(Arc::clone(&anam))),
            ("bland", Box::new(Arc::clone(&bland))),
            ("opengiant", Box::new(Arc::clone(&opengiant))),
        ];
        let mounts = mounts.into_iter().map(|(name, miniature)| (name.to_owned(), miniature)).collect();
        let running = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            serve(listener, mounts, None).await.expect("served")
        });
        Self { tavus, anam, bland, opengiant, running, _runtime: runtime }
    }

    /// A project with an account at each service; `extra` goes into the accounts.
    pub(crate) fn project(&self, extra: &[(&str, &str)]) -> Project {
        let mut accounts = String::new();
        for name in ["tavus", "anam", "bland", "opengiant"] {
            let more = extra.iter().find(|(account, _)| *account == name).map_or("", |(_, more)| more);
            accounts.push_str(&format!("  {name}: {{ base_url: \"{}\"{more} }}\n", self.running.base_url(name)));
        }
        let mut project = Project::new(&[("personaform.yaml", &format!("accounts:\n{accounts}")), ("personas/.keep", "")]);
        for name in ["TAVUS", "ANAM", "BLAND", "OPENGIANT"] {
            project.set(&format!("{name}_API_KEY"), KEY);
        }
        project
    }

    pub(crate) fn log(&self) -> Vec<LogEntry> {
        self.running.log()
    }

    pub(crate) fn refuse(&self, account: &str, status: u16) {
        self.running.inject(account, personaform::sandbox::Fault::Refuse { status, retry_after: None });
    }

    /// Somebody makes a persona at Tavus in the dashboard; gives its id.
    pub(crate) fn at_tavus(&self, persona: Value) -> String {
        locked(&self.tavus).seed(persona)
    }

    /// Somebody makes a persona at Anam; gives its id.
    pub(crate) fn at_anam(&self, name: &str, more: Value) -> String {
        let mut body = json!({
            "name": name, "avatarId": "071b0286-4cce-4808-bee2-e642f1062de3",
            "voiceId": "de23e340-1416-4dd8-977d-065a7ca11697", "llmId": "a7cf662c-2ace-4de1-a21e-ef0fbf144bb7",
        });
        extend(&mut body, more);
        let request = Incoming::new("POST", "/v1/personas").with_header("authorization", &format!("Bearer {KEY}"));
        let answer = locked(&self.anam).handle(&request.with_json(&body));
        let made = answer.body.unwrap_or_default();
        assert_eq!(answer.status, 201, "{made}");
        made["id"].as_str().expect("an id").to_owned()
    }

    /// Somebody makes a persona at Bland; gives its id.
    pub(crate) fn at_bland(&self, name: &str, more: Value) -> String {
        let mut body = json!({ "name": name });
        extend(&mut body, more);
        let request = Incoming::new("POST", "/v1/personas").with_header("authorization", KEY);
        let answer = locked(&self.bland).handle(&request.with_json(&body));
        let made = answer.body.unwrap_or_default();
        assert_eq!(answer.status, 200, "{made}");
        made["data"]["id"].as_str().expect("an id").to_owned()
    }

    /// What the services hold, for comparing.
    pub(crate) fn stores(&self) -> [Value; 4] {
        [locked(&self.tavus).store(), locked(&self.anam).store(), locked(&self.bland).store(), locked(&self.opengiant).store()]
    }
}

fn extend(body: &mut Value, more: Value) {
    let more: Map<String, Value> = more.as_object().cloned().expect("an object");
    body.as_object_mut().expect("an object").extend(more);
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics")
}

/// Stops at one read until it is told to go on, and says when it has got there.
pub(crate) struct Gate {
    pub(crate) inner: Arc<Mutex<anam::sandbox::Sandbox>>,
    pub(crate) reads_until: usize,
    pub(crate) arrived: std::sync::mpsc::Sender<()>,
    pub(crate) go_on: std::sync::mpsc::Receiver<()>,
}

impl Miniature for Gate {
    fn handle(&mut self, request: &Incoming) -> personaform::sandbox::Outgoing {
        if request.segments().len() == 3 && self.reads_until > 0 {
            self.reads_until -= 1;
            if self.reads_until == 0 {
                self.arrived.send(()).expect("somebody waits");
                self.go_on.recv().expect("somebody lets go");
            }
        }
        self.inner.handle(request)
    }

    fn store(&self) -> Value {
        self.inner.store()
    }

    fn restore(&mut self, store: Value) -> Result<(), String> {
        self.inner.restore(store)
    }
}
