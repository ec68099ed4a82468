//! The stage: a project, the environment of a code host's job, and stand-ins for `gh` and `curl` that record what they are asked.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Project, Run, Served};

/// What stands in the environment of every job and must never be seen anywhere.
pub(crate) const SECRETS: &[(&str, &str)] = &[
    ("TAVUS_API_KEY", "tavus-key-that-nobody-may-see"),
    ("BLAND_API_KEY", "bland-key-that-nobody-may-see"),
    ("SUPPORT_LLM_KEY", "llm-key-that-nobody-may-see"),
    ("GH_TOKEN", "ghs_token_that_nobody_may_see"),
    ("PERSONAFORM_GITLAB_TOKEN", "glpat-for-tests"),
];

const HEAD: &str = "1111111111111111111111111111111111111111";
const MERGED: &str = "2222222222222222222222222222222222222222";

/// The code hosts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Host {
    GitHub,
    GitLab,
}

/// A job of a code host.
pub(crate) struct Stage {
    host: Host,
    pub(crate) project: Project,
    world: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

/// Where the repository's own files are.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Stage {
    /// A job on a proposed change of this repository.
    pub(crate) fn on(host: Host) -> Self {
        match host {
            Host::GitHub => Self::github(),
            Host::GitLab => Self::gitlab(),
        }
    }

    /// A stage on which change 7 was planned and merged.
    pub(crate) fn with_merge(host: Host) -> Self {
        let mut stage = Self::on(host);
        stage.run("plan.sh").ends(0);
        stage.merged();
        stage.calls();
        stage
    }

    /// A project of two personas at two services, kept in the sandbox.
    fn bare(host: Host) -> Self {
        let project = Project::new(&[
            ("personaform.yaml", "accounts: { tavus: {}, bland: {} }\n"),
            ("personas/ada.yaml", "name: Ada\nprompt: Be kind.\ntargets: { tavus: {}, bland: { role: Guide } }\n"),
            ("personas/bea.yaml", "name: Bea\nprompt: Be brief.\ntargets: { tavus: {} }\n"),
        ]);
        let mut stage = Self { host, project, world: tempfile::tempdir().expect("a folder"), environment: BTreeMap::new() };
        for (name, script) in [
            ("gh", include_str!("stubs/gh")),
            ("curl", include_str!("stubs/curl")),
            ("world.sh", include_str!("stubs/world.sh")),
        ] {
            stage.executable(&format!("bin/{name}"), script);
        }
        for (name, value) in SECRETS {
            stage.set(name, value);
        }
        let bin = stage.world.path().join("bin");
        stage.set("PATH", &format!("{}:{}", bin.display(), std::env::var("PATH").expect("a PATH")));
        stage.set("HOME", &stage.world.path().display().to_string());
        stage.set("STUB_WORLD", &stage.world.path().display().to_string());
        stage.set("PERSONAFORM_BINARY", env!("CARGO_BIN_EXE_personaform"));
        stage.set("PERSONAFORM_FLAGS", "--sandbox");
        stage.set("PERSONAFORM_STATE_PATH", ".personaform/sandbox/state.json");
        stage.set("PERSONAFORM_OUT", &stage.world.path().join("out").display().to_string());
        stage.write("calls", "");
        stage
    }

    /// The same in a job of GitHub Actions, on a pull request of this repository.
    pub(crate) fn github() -> Self {
        let mut stage = Self::bare(Host::GitHub);
        for (name, value) in [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "octo/cast"),
            ("GITHUB_SERVER_URL", "https://github.example"),
            ("GITHUB_RUN_ID", "555"),
            ("GITHUB_SHA", MERGED),
            ("GITHUB_WORKFLOW_REF", "octo/cast/.github/workflows/personas.yml@refs/heads/main"),
        ] {
            stage.set(name, value);
        }
        stage.set("GITHUB_EVENT_PATH", &stage.at("event.json").display().to_string());
        stage.set("GITHUB_OUTPUT", &stage.at("output").display().to_string());
        stage.set("GITHUB_STEP_SUMMARY", &stage.at("summary").display().to_string());
        stage.on_pull_request("octo/cast", "ada");
        stage
    }

    /// Turns the job into one on pull request 7.
    pub(crate) fn on_pull_request(&mut self, source: &str, author: &str) {
        self.set("GITHUB_EVENT_NAME", "pull_request");
        self.set("GITHUB_REF", "refs/pull/7/merge");
        let event = json!({"repository": {"default_branch": "main"}, "pull_request": {"number": 7, "user": {"login": author},
            "head": {"sha": HEAD, "repo": {"full_name": source}}}});
        self.write("event.json", &event.to_string());
    }

    /// Turns the job into one on the default branch: `push`, `schedule`, or by hand (`workflow_dispatch`, `web`).
    pub(crate) fn on_main(&mut self, event: &str) {
        match self.host {
            Host::GitHub => self.github_on_main(event),
            Host::GitLab => self.gitlab_on_main(event),
        }
    }

    /// Merges change 7.
    pub(crate) fn merged(&mut self) {
        match self.host {
            Host::GitHub => self.github_merged(),
            Host::GitLab => self.gitlab_merged(),
        }
    }

    fn github_on_main(&mut self, event: &str) {
        self.set("GITHUB_EVENT_NAME", event);
        self.set("GITHUB_REF", "refs/heads/main");
        self.write("event.json", &json!({"repository": {"default_branch": "main"}}).to_string());
    }

    /// Merges pull request 7: what the plan job left becomes the artifact of its run.
    fn github_merged(&mut self) {
        let pull = json!({"number": 7, "merged_at": "2026-01-01T00:00:00Z", "merge_commit_sha": MERGED, "base": {"ref": "main"},
            "head": {"sha": HEAD, "repo": {"full_name": "octo/cast"}}});
        self.write("pulls.json", &json!([pull]).to_string());
        let run = json!({"id": 31, "run_number": 4, "head_sha": HEAD, "event": "pull_request", "conclusion": "success",
            "path": ".github/workflows/personas.yml", "head_repository": {"full_name": "octo/cast"}});
        self.write("runs.json", &json!([run]).to_string());
        let reviewed = self.read("out/reviewed.json");
        self.write("artifacts/31/personaform-personas/reviewed.json", &reviewed);
        self.on_main("push");
    }

    /// The same in a job of GitLab CI, on a merge request of this project.
    pub(crate) fn gitlab() -> Self {
        let mut stage = Self::bare(Host::GitLab);
        for (name, value) in [
            ("GITLAB_CI", "true"),
            ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
            ("CI_SERVER_URL", "https://gitlab.example"),
            ("CI_PROJECT_ID", "42"),
            ("CI_PIPELINE_URL", "https://gitlab.example/octo/cast/-/pipelines/31"),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_PROJECT_ID", "42"),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "42"),
            ("CI_COMMIT_SHA", HEAD),
        ] {
            stage.set(name, value);
        }
        stage
    }

    /// Merges merge request 7.
    fn gitlab_merged(&mut self) {
        let merge = json!({"iid": 7, "state": "merged", "target_branch": "main", "merge_commit_sha": MERGED, "squash_commit_sha": null,
            "sha": HEAD, "source_project_id": 42});
        self.write("merges.json", &json!([merge]).to_string());
        self.write("pipelines.json", &json!([{"id": 31, "source": "merge_request_event", "project_id": 42}]).to_string());
        self.write("jobs.json", &json!([{"id": 77, "name": "personaform:plan", "pipeline": 31}]).to_string());
        let reviewed = self.read("out/reviewed.json");
        self.write("artifacts/77/personaform-ci/reviewed.json", &reviewed);
        self.gitlab_on_main("push");
    }

    /// Turns the job into one on the default branch: `push`, `web` or `schedule`.
    fn gitlab_on_main(&mut self, source: &str) {
        for name in ["CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_PROJECT_ID", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID"] {
            self.environment.remove(name);
        }
        for (name, value) in [
            ("CI_PIPELINE_SOURCE", source),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_COMMIT_REF_PROTECTED", "true"),
            ("CI_COMMIT_SHA", MERGED),
        ] {
            self.set(name, value);
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        &self.environment[name]
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.environment.remove(name);
    }

    pub(crate) fn at(&self, below: &str) -> PathBuf {
        self.world.path().join(below)
    }

    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.at(below);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    }

    pub(crate) fn executable(&self, below: &str, text: &str) {
        self.write(below, text);
        fs::set_permissions(self.at(below), fs::Permissions::from_mode(0o755)).expect("made executable");
    }

    pub(crate) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.at(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
    }

    pub(crate) fn json(&self, below: &str) -> Value {
        serde_json::from_str(&self.read(below)).expect("JSON")
    }

    /// Runs a script after a change, and takes the change back.
    pub(crate) fn after(&mut self, change: fn(&mut Self), script: &str) -> Run {
        let environment = self.environment.clone();
        let names = ["pulls.json", "runs.json", "merges.json", "pipelines.json", "jobs.json"];
        let artifacts = ["artifacts/31/personaform-personas/reviewed.json", "artifacts/77/personaform-ci/reviewed.json"];
        let files: Vec<(&str, String)> = names
            .into_iter()
            .chain(artifacts)
            .filter_map(|name| Some((name, fs::read_to_string(self.at(name)).ok()?)))
            .collect();
        change(self);
        let run = self.run(script);
        self.environment = environment;
        for (name, text) in files {
            self.write(name, &text);
        }
        run
    }

    pub(crate) fn edit(&self, below: &str, change: impl FnOnce(&mut Value)) {
        let mut value = self.json(below);
        change(&mut value);
        self.write(below, &value.to_string());
    }

    /// Runs one of the scripts in the project's folder.
    pub(crate) fn run(&self, script: &str) -> Run {
        let output = self.command(script).output().expect("bash runs");
        let run = Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        };
        self.no_secret_is_seen(&run);
        run
    }

    pub(crate) fn command(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command.arg(root().join("ci").join(script)).current_dir(self.project.folder.path());
        command.env_clear().envs(&self.environment).stdin(Stdio::null());
        command
    }

    /// After every run: neither what was printed, nor a call, nor anything that the job leaves may hold a secret.
    fn no_secret_is_seen(&self, run: &Run) {
        let mut seen = vec![run.stdout.clone(), run.stderr.clone()];
        for path in ["calls", "output", "summary", "out/reviewed.json", "out/report.json"] {
            seen.extend(fs::read_to_string(self.at(path)));
        }
        for text in seen {
            for (name, value) in SECRETS {
                assert!(!text.contains(value), "{name} is seen in:\n{text}");
            }
        }
    }

    /// What was asked of the code host so far, which is then forgotten.
    pub(crate) fn calls(&self) -> String {
        let calls = self.read("calls");
        self.write("calls", "");
        calls
    }

    /// The ids of the objects that state records.
    pub(crate) fn recorded(&self) -> Vec<String> {
        let Ok(text) = fs::read_to_string(self.project.path(".personaform/sandbox/state.json")) else { return Vec::new() };
        let state: Value = serde_json::from_str(&text).expect("JSON");
        state["objects"].as_object().expect("objects").keys().cloned().collect()
    }

    /// Rewords a prompt as somebody does in a dashboard.
    pub(crate) fn reworded_elsewhere(&self, address: &str, prompt: &str) {
        let state: Value = serde_json::from_str(&self.project.read(".personaform/sandbox/state.json")).expect("JSON");
        let id = state["objects"][address]["id"].as_str().expect("an id");
        let served = Served::start(&self.project);
        let patch = json!([{"op": "replace", "path": "/system_prompt", "value": prompt}]);
        let (status, answer) = served.request("tavus", "PATCH", &format!("/v2/personas/{id}"), Some(patch));
        assert_eq!(status, 200, "{answer}");
    }
}
