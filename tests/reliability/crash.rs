//! Killed at any moment, a run loses no id and makes nothing twice.
//!
//! A point is a moment of one run: when the n-th request has come and is not done, when it is done and not answered, or when the
//! state's files have changed for the n-th time. At each the process gets a SIGKILL; then somebody runs `apply` again. CI tries
//! every so many points; `PERSONAFORM_CRASH_POINTS=all` tries all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::service::{ACCOUNTS, Services, Watch, persona, recorded};
use crate::support::Project;
use personaform::sandbox::Incoming;
use serde_json::Value;

/// How many points a run without the environment variable tries.
const SHARE: usize = 40;

/// A moment to die at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    /// The n-th request has come, and the service never sees it.
    Unseen(usize),
    /// The n-th request is done, and its answer is lost.
    Unanswered(usize),
    /// The state's files have changed for the n-th time.
    Noted(usize),
}

/// What the run is about to do when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Create,
    Update,
    Delete,
    /// One is created, one updated, one deleted, one renamed.
    Mixed,
}

/// What is there before the run that is killed.
struct Start {
    stores: BTreeMap<&'static str, Value>,
    state: Option<Vec<u8>>,
}

const STATE: &str = ".personaform/state.json";

/// Puts the files in place, as they are before the work.
fn files_before(project: &Project) {
    for (key, name) in [("ada", "Ada"), ("bob", "Bob"), ("cyd", "Cyd")] {
        project.write(&format!("personas/{key}.yaml"), &persona(name, "Be kind."));
    }
}

fn files_after(project: &Project, work: Work) {
    let remove = |key: &str| fs::remove_file(project.path(&format!("personas/{key}.yaml"))).expect("removed");
    match work {
        Work::Create => {}
        Work::Update => files_with_other_prompts(project),
        Work::Delete => {
            remove("bob");
            remove("cyd");
        }
        Work::Mixed => {
            project.write("personas/ada.yaml", &persona("Ada", "Be brief."));
            remove("bob");
            remove("cyd");
            project.write("personas/dan.yaml", &format!("previously: cyd\n{}", persona("Cyd", "Be kind.")));
            project.write("personas/eve.yaml", &persona("Eve", "Be kind."));
        }
    }
}

fn files_with_other_prompts(project: &Project) {
    for (key, name) in [("ada", "Ada"), ("bob", "Bob"), ("cyd", "Cyd")] {
        project.write(&format!("personas/{key}.yaml"), &persona(name, "Be brief."));
    }
}

const APPLY: [&str; 3] = ["apply", "-y", "--allow-deletes"];

fn start(work: Work) -> Start {
    let services = Services::start();
    if work == Work::Create {
        return Start { stores: services.stores(), state: None };
    }
    let mut project = Project::new(&[]);
    services.connect(&mut project);
    files_before(&project);
    project.run(&APPLY).ends(0);
    Start { stores: services.stores(), state: Some(fs::read(project.path(STATE)).expect("a state")) }
}

/// Counts moments, and kills at one of them.
struct Killer {
    point: Option<Point>,
    child: Mutex<Option<Child>>,
    requests: AtomicUsize,
    done: AtomicUsize,
    killed: AtomicBool,
}

impl Killer {
    fn new(point: Option<Point>) -> Arc<Self> {
        Arc::new(Self {
            point,
            child: Mutex::new(None),
            requests: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            killed: AtomicBool::new(false),
        })
    }

    /// Kills unless the process has ended by itself.
    fn kill(&self) {
        let mut child = self.child.lock().expect("whole");
        let child = child.as_mut().expect("begun before anything is watched");
        if child.try_wait().expect("waited").is_none() {
            child.kill().expect("killed");
            child.wait().expect("ended");
            self.killed.store(true, Ordering::SeqCst);
        }
    }

    fn has_ended(&self) -> bool {
        self.child.lock().expect("whole").as_mut().expect("begun").try_wait().expect("waited").is_some()
    }
}

impl Watch for Killer {
    fn before(&self, _: &str, _: &Incoming) -> bool {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        if self.point == Some(Point::Unseen(number)) {
            self.kill();
        }
        // What the dead process had sent before is still on its way, and arrives; this request does not.
        self.point != Some(Point::Unseen(number))
    }

    fn after(&self, _: &str, _: &Incoming) {
        let number = self.done.fetch_add(1, Ordering::SeqCst) + 1;
        if self.point == Some(Point::Unanswered(number)) {
            self.kill();
        }
    }
}

/// What can be seen of the state's files from outside.
fn traces(state: &Path) -> Vec<(PathBuf, u64, Option<std::time::SystemTime>)> {
    let mut found = Vec::new();
    for path in [state.to_owned(), PathBuf::from(format!("{}.journal", state.display()))] {
        if let Ok(file) = fs::metadata(&path) {
            found.push((path, file.len(), file.modified().ok()));
        }
    }
    found
}

struct Stage {
    project: Project,
    services: Services,
}

fn stage(start: &Start, work: Work) -> Stage {
    let services = Services::holding(&start.stores);
    let mut project = Project::new(&[]);
    services.connect(&mut project);
    files_before(&project);
    files_after(&project, work);
    if let Some(state) = &start.state {
        fs::create_dir_all(project.path(".personaform")).expect("made");
        fs::write(project.path(STATE), state).expect("written");
    }
    Stage { project, services }
}

/// Runs an apply that is killed at a point. None: it ended by itself before that.
fn killed(stage: &Stage, point: Option<Point>) -> (Arc<Killer>, usize) {
    killed_in(stage, point, &APPLY)
}

/// The same with these arguments.
fn killed_in(stage: &Stage, point: Option<Point>, arguments: &[&str]) -> (Arc<Killer>, usize) {
    let killer = Killer::new(point);
    let mut slot = killer.child.lock().expect("whole");
    stage.services.watched_by(Arc::clone(&killer) as Arc<dyn Watch>);
    let mut command = stage.project.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    *slot = Some(command.spawn().expect("the binary runs"));
    drop(slot);
    let state = stage.project.path(STATE);
    let mut changes = 0;
    let mut before = traces(&state);
    while !killer.has_ended() {
        let now = traces(&state);
        if now != before {
            before = now;
            changes += 1;
            if point == Some(Point::Noted(changes)) {
                killer.kill();
            }
        }
        std::thread::yield_now();
    }
    stage.services.watched_by(Arc::new(crate::service::Nobody));
    (killer, changes)
}

/// Somebody runs `apply` again, and does what it says where it cannot know: an honest report instead of a guess.
fn mended(stage: &Stage, context: &str) -> bool {
    let Stage { project, services } = stage;
    let run = project.run(&["apply", "-y", "--allow-deletes", "--format", "json"]);
    if run.code == 0 {
        return false;
    }
    let outcome: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{context}: {run:?}"));
    let blocked = outcome["blocked"].as_array().unwrap_or_else(|| panic!("{context}: {run:?}"));
    assert!(!blocked.is_empty() && outcome["summary"]["failed"] == 0, "{context}: {outcome:#}");
    let owned: BTreeSet<String> = ids(&recorded(project), "opengiant");
    for entry in blocked {
        let address = entry["address"].as_str().expect("an address");
        assert!(address.starts_with("opengiant."), "{context}: only OpenGiant has no list: {entry}");
        let help = entry["help"].as_str().expect("help");
        assert!(help.contains(&format!("state resolve {address} --id ID")) && help.contains("--absent"), "{context}: {help}");
        // Somebody asks the service, which shows its personas to nobody but its own people.
        let name = if address.ends_with("eve") { "Eve".to_owned() } else { capital(address) };
        let made: Vec<String> = services
            .ids("opengiant")
            .into_iter()
            .filter(|id| !owned.contains(id) && services.opengiant(id)["name"] == *name)
            .collect();
        match made.as_slice() {
            [] => project.run(&["state", "resolve", address, "--absent"]).ends(0),
            [id] => project.run(&["state", "resolve", address, "--id", id]).ends(0),
            several => panic!("{context}: made twice: {several:?}"),
        };
    }
    let run = project.run(&APPLY);
    assert_eq!(run.code, 0, "{context}: {run:?}");
    true
}

fn capital(address: &str) -> String {
    let key = address.split('.').next_back().expect("a key");
    format!("{}{}", key[..1].to_uppercase(), &key[1..])
}

fn ids(state: &Value, account: &str) -> BTreeSet<String> {
    let objects = state["objects"].as_object().expect("objects").iter();
    let here = objects.filter(|(address, _)| address.starts_with(&format!("{account}.")));
    here.map(|(_, record)| record["id"].as_str().expect("an id").to_owned()).collect()
}

/// Each address exactly once, state equal to live, and nothing more to do.
fn check(stage: &Stage, work: Work, context: &str) {
    let Stage { project, services } = stage;
    let state = recorded(project);
    let personas = if work == Work::Delete { 1 } else { 3 };
    for account in ACCOUNTS {
        let recorded = ids(&state, account);
        assert_eq!(recorded.len(), personas, "{context}: {account}: {state:#}");
        let live = services.ids(account);
        if account == "opengiant" && matches!(work, Work::Delete | Work::Mixed) {
            // It has no delete: what left the files stays there, and is forgotten.
            assert!(recorded.is_subset(&live) && live.len() == if work == Work::Delete { 3 } else { 4 }, "{context}: {live:?}");
        } else {
            assert_eq!(recorded, live, "{context}: {account}");
        }
    }
    for (address, record) in state["objects"].as_object().expect("objects") {
        if address.starts_with("opengiant.") {
            let live = services.opengiant(record["id"].as_str().expect("an id"));
            assert_eq!(record["applied"]["attributes"], live["attributes"], "{context}: {address}");
        }
    }
    assert!(state["pending"].as_object().is_some_and(serde_json::Map::is_empty), "{context}: {state:#}");
    let plan = project.run(&["plan", "--detailed-exitcode", "--format", "json"]);
    assert_eq!(plan.code, 0, "{context}: {}", plan.stdout);
    let plan = plan.json();
    assert_eq!((&plan["settled"], &plan["blocked"]), (&Value::Null, &Value::Null), "{context}");
    let left: Vec<PathBuf> = project.everything().into_iter().map(|(path, _)| path).collect();
    assert!(!left.iter().any(|path| path.ends_with("state.json.journal")), "{context}: {left:?}");
}

#[test]
fn what_was_answered_is_on_disk_before_anything_else_is_sent() {
    // OpenGiant shows its personas to nobody, so an id that is not kept at once is lost.
    let stage = stage(&start(Work::Create), Work::Create);
    let arguments = ["apply", "-y", "--target", "opengiant.*", "--parallelism", "1"];
    let (killer, _) = killed_in(&stage, Some(Point::Unseen(2)), &arguments);
    assert!(killer.killed.load(Ordering::SeqCst), "it died");
    let state = recorded(&stage.project);
    assert_eq!(ids(&state, "opengiant"), stage.services.ids("opengiant"), "{state:#}");
    assert_eq!(ids(&state, "opengiant").len(), 1);
    let pending: Vec<&String> = state["pending"].as_object().expect("pending").keys().collect();
    assert_eq!(pending, ["opengiant.bob"], "and what was being sent is known");
}

#[test]
#[expect(clippy::print_stderr, reason = "the figures of docs/reliability.md are printed here")]
fn killed_at_any_moment_nothing_is_lost_and_nothing_made_twice() {
    let begun = Instant::now();
    let works = [Work::Create, Work::Update, Work::Delete, Work::Mixed];
    let starts: Vec<(Work, Start)> = works.into_iter().map(|work| (work, start(work))).collect();
    let mut points: Vec<(usize, Point)> = Vec::new();
    for (index, (work, start)) in starts.iter().enumerate() {
        let stage = stage(start, *work);
        let (killer, changes) = killed(&stage, None);
        check(&stage, *work, "nobody is killed");
        let requests = killer.requests.load(Ordering::SeqCst);
        points.extend((1..=requests).flat_map(|n| [(index, Point::Unseen(n)), (index, Point::Unanswered(n))]));
        points.extend((1..=changes).map(|n| (index, Point::Noted(n))));
    }
    let all = std::env::var("PERSONAFORM_CRASH_POINTS").is_ok_and(|wanted| wanted == "all");
    let stride = if all { 1 } else { points.len().div_ceil(SHARE) };
    // The share begins elsewhere in each of the four works, so that it is not the same kind of moment everywhere.
    let chosen: Vec<(usize, Point)> =
        points.iter().enumerate().filter(|(at, (work, _))| (at + work) % stride == 0).map(|(_, point)| *point).collect();
    let (next, died, asked) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((index, point)) = chosen.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let (work, start) = &starts[*index];
                    let context = format!("{work:?}, {point:?}");
                    let stage = stage(start, *work);
                    let (killer, _) = killed(&stage, Some(*point));
                    died.fetch_add(usize::from(killer.killed.load(Ordering::SeqCst)), Ordering::SeqCst);
                    asked.fetch_add(usize::from(mended(&stage, &context)), Ordering::SeqCst);
                    check(&stage, *work, &context);
                }
            });
        }
    });
    let (died, asked) = (died.into_inner(), asked.into_inner());
    eprintln!(
        "{} points in all, {} tried, {died} died, {asked} asked somebody, {:.0} s",
        points.len(),
        chosen.len(),
        begun.elapsed().as_secs_f64()
    );
    assert!(died * 10 >= chosen.len() * 8, "only {died} of {} processes were killed at their point", chosen.len());
    assert!(points.len() >= 200, "{} points", points.len());
}
