//! What the end-to-end tests share: a project in a folder of its own, the binary run in it, and a served sandbox in another process.
//!
//! Every test is a test of secrecy as well: when a project goes, nothing that was printed in it and none of its files may hold a
//! key or secret that was set for it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A project in a temporary folder.
pub(crate) struct Project {
    pub(crate) folder: tempfile::TempDir,
    environment: BTreeMap<String, String>,
    /// Values that nobody may see: of every variable that was ever set and names a key, a token or a secret.
    secrets: BTreeSet<String>,
    printed: RefCell<Vec<String>>,
}

/// What the sandbox uses in place of secrets. Its own stores hold them, being the services.
const SANDBOX_SECRETS: [&str; 2] = ["sandbox-key-of-", "sandbox-SUPPORT_LLM_KEY"];

/// What a run of the binary gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The result as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// Fails unless the run ended with a code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

impl Project {
    /// A project with these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().expect("a folder"),
            environment: BTreeMap::new(),
            secrets: BTreeSet::new(),
            printed: RefCell::default(),
        };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// A copy of the repository's example cast.
    pub(crate) fn example() -> Self {
        let project = Self::new(&[]);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::copy(root.join("personaform.yaml"), project.path("personaform.yaml")).expect("copied");
        copy(&root.join("personas"), &project.path("personas"));
        project
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    }

    pub(crate) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
    }

    /// Replaces a text that stands exactly once in a file.
    #[track_caller]
    pub(crate) fn edit(&self, below: &str, old: &str, new: &str) {
        let text = self.read(below);
        assert_eq!(text.matches(old).count(), 1, "`{old}` in {below}");
        self.write(below, &text.replace(old, new));
    }

    /// Sets a variable for all further runs.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let names_a_secret = ["KEY", "TOKEN", "SECRET"].iter().any(|word| name.contains(word));
        if names_a_secret && value.len() >= 8 {
            self.secrets.insert(value.to_owned());
        }
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Runs the binary, with nothing in its environment but what was set.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().expect("the binary runs");
        let run = Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        };
        self.printed.borrow_mut().push(format!("{arguments:?}\n{}{}", run.stdout, run.stderr));
        run
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_personaform"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().envs(&self.environment).stdin(Stdio::null());
        command
    }

    /// Every byte of every file below the project.
    pub(crate) fn everything(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        collect(self.folder.path(), &mut found);
        found
    }
}

impl Project {
    /// Where a secret can be seen: what was printed, and every file but the stores of the sandbox.
    pub(crate) fn leaks(&self) -> Vec<String> {
        let hidden: Vec<&str> = self.secrets.iter().map(String::as_str).chain(SANDBOX_SECRETS).collect();
        let holds = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            hidden.iter().any(|secret| text.contains(secret))
        };
        let store = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            path.parent().is_some_and(|folder| folder.ends_with(".personaform/sandbox")) && !name.starts_with("state")
        };
        let files = self.everything().into_iter().filter(|(path, bytes)| !store(path) && holds(bytes));
        let files = files.map(|(path, _)| format!("the file {}", path.display()));
        let printed = self.printed.borrow();
        let runs = printed.iter().filter(|text| holds(text.as_bytes()));
        runs.map(|text| format!("the output of {}", text.lines().next().unwrap_or_default())).chain(files).collect()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if !std::thread::panicking() && self.folder.path().exists() {
            let leaks = self.leaks();
            assert!(leaks.is_empty(), "a secret can be seen: {leaks:?}");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(drop).expect("copied") }
    }
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            let bytes = fs::read(&path).expect("readable");
            found.push((path, bytes));
        }
    }
}

/// `personaform sandbox` in a process of its own; ends with this value.
pub(crate) struct Served {
    child: Child,
    /// By account: base URL, header, variable and key, as the command prints them.
    pub(crate) accounts: Value,
}

impl Served {
    /// Serves a project's accounts on a free port.
    pub(crate) fn start(project: &Project) -> Self {
        let mut child = project
            .command(&["sandbox", "--listen", "127.0.0.1:0", "--format", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut text = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        while serde_json::from_str::<Value>(&text).is_err() {
            let Some(Ok(line)) = lines.next() else {
                let _ = child.kill();
                let output = child.wait_with_output().expect("ended");
                panic!("the sandbox did not start: {}", String::from_utf8_lossy(&output.stderr));
            };
            text.push_str(&line);
        }
        let printed: Value = serde_json::from_str(&text).expect("JSON");
        Self { child, accounts: printed["accounts"].clone() }
    }

    pub(crate) fn base_url(&self, account: &str) -> String {
        self.accounts[account]["base_url"].as_str().expect("a base URL").to_owned()
    }

    pub(crate) fn key(&self, account: &str) -> String {
        self.accounts[account]["key"].as_str().expect("a key").to_owned()
    }

    /// Sends one request as another client would, and gives status and body.
    pub(crate) fn request(&self, account: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let header = self.accounts[account]["header"].as_str().expect("a header");
        let (name, value) = header.split_once(": ").expect("a header line");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().no_proxy().build().expect("a client");
            let method = method.parse::<reqwest::Method>().expect("a method");
            let mut request = client.request(method, format!("{}{path}", self.base_url(account))).header(name, value);
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            let response = request.send().await.expect("an answer");
            let status = response.status().as_u16();
            let bytes = response.bytes().await.expect("a body");
            (status, serde_json::from_slice(&bytes).unwrap_or_default())
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
