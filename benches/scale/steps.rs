//! The commands that are measured, one after another on one cast, each beside its floor.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::measure::{Taken, run};
use crate::server::{Asked, KEY};
use crate::{cast, floor};

/// One persona in a hundred, of each provider in turn.
const ONE_IN_A_HUNDRED: usize = 101;

/// One command at one size and latency.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Targets of the cast.
    pub(crate) size: usize,
    /// Of every answer, in milliseconds.
    pub(crate) latency: u64,
    /// What was run.
    pub(crate) step: &'static str,
    /// What it took.
    pub(crate) taken: Taken,
    /// What the bare client took; none where nothing is sent.
    pub(crate) floor: Option<Taken>,
    /// Requests.
    pub(crate) requests: usize,
    /// Bytes of the requests' bodies.
    pub(crate) sent: usize,
    /// Bytes of the answers' bodies.
    pub(crate) answered: usize,
    /// Bytes of the cast's files.
    pub(crate) cast: usize,
    /// Round trips that had to wait for each other: the fewest of all runs, and the fewest of the floor's.
    pub(crate) rounds: (usize, usize),
}

impl Row {
    /// The wall time over that of the floor.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.floor.map(|floor| self.taken.wall.as_secs_f64() / floor.wall.as_secs_f64())
    }
}

/// The served miniatures; end with this value.
pub(crate) struct Services {
    child: Child,
    origin: String,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl Drop for Services {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Services {
    fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let mut child = Command::new(std::env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
        let mut port = String::new();
        BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut port)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { child, origin: format!("http://127.0.0.1:{}", port.trim()), runtime, client })
    }

    fn order(&self, order: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        self.runtime.block_on(async {
            let response = self.client.post(format!("{}/control/{order}", self.origin)).send().await?;
            Ok(response.error_for_status()?.bytes().await?.to_vec())
        })
    }

    fn log(&self) -> Result<Vec<Asked>, Box<dyn std::error::Error>> {
        Ok(serde_json::from_slice(&self.order("log")?)?)
    }
}

/// A cast at its services.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    services: Services,
    size: usize,
    latency: u64,
    concurrency: usize,
    cast: usize,
}

impl Stage {
    /// Writes a cast and serves it.
    pub(crate) fn new(size: usize, latency: u64, concurrency: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let services = Services::start()?;
        services.order(&format!("latency/{latency}"))?;
        cast::project(&folder.path().join("made"), &services.origin, concurrency)?;
        cast::project(&folder.path().join("imported"), &services.origin, concurrency)?;
        let cast = cast::personas(&folder.path().join("made"), size)?;
        Ok(Self { folder, services, size, latency, concurrency, cast })
    }

    /// Changes every so many personas.
    pub(crate) fn change(&self, step: usize) -> Result<(), Box<dyn std::error::Error>> {
        Ok(cast::change(&self.folder.path().join("made"), self.size, step)?)
    }

    /// Runs a command, which has to end with a code, and its floor, each so many times, in turns.
    pub(crate) fn step(
        &self,
        step: &'static str,
        arguments: &[&str],
        code: i32,
        repeat: usize,
    ) -> Result<(Row, Vec<Asked>), Box<dyn std::error::Error>> {
        let project = self.folder.path().join(if arguments[0] == "import" { "imported" } else { "made" });
        let parallelism = self.concurrency.to_string();
        let (mut taken, mut floors, mut log) = (Vec::new(), Vec::new(), Vec::new());
        let rounds = |log: &[Asked]| log.iter().map(|asked| asked.round).max().unwrap_or_default();
        let mut fewest = (usize::MAX, usize::MAX);
        for _ in 0..repeat {
            self.services.order("keep/before")?;
            self.services.log()?;
            taken.push(run(personaform(&project).args(arguments).args(["--parallelism", &parallelism, "--quiet"]), code)?);
            log = self.services.log()?;
            let score = floor::score(&self.services.origin, self.concurrency, &log);
            if log.is_empty() {
                continue;
            }
            let file = self.folder.path().join("score.json");
            fs::write(&file, serde_json::to_vec(&score)?)?;
            self.services.order("keep/after")?;
            self.services.order("put-back/before")?;
            floors.push(run(Command::new(std::env::current_exe()?).arg("floor").arg(&file), 0)?);
            let replayed = self.services.log()?;
            let bad = |log: &[Asked]| log.iter().filter(|asked| asked.status >= 400).count();
            if (replayed.len(), bad(&replayed)) != (log.len(), bad(&log)) {
                return Err(format!("the floor of `{step}` is not what was recorded").into());
            }
            fewest = (fewest.0.min(rounds(&log)), fewest.1.min(rounds(&replayed)));
            self.services.order("put-back/after")?;
        }
        let row = Row {
            size: self.size,
            latency: self.latency,
            step,
            taken: Taken::of(taken),
            floor: (!floors.is_empty()).then(|| Taken::of(floors)),
            requests: log.len(),
            sent: log.iter().map(|asked| asked.body.len()).sum(),
            answered: log.iter().map(|asked| asked.answered).sum(),
            cast: self.cast,
            rounds: fewest,
        };
        Ok((row, log))
    }
}

/// The binary in a project, with the keys of its accounts and nothing else.
fn personaform(project: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_personaform"));
    command.env_clear().current_dir(project);
    for account in cast::ACCOUNTS {
        command.env(format!("{}_API_KEY", account.to_uppercase()), KEY);
    }
    command
}

/// All steps at one size and latency.
#[expect(clippy::print_stderr, reason = "a bench tells how far it is")]
pub(crate) fn all(
    size: usize,
    latency: u64,
    concurrency: usize,
    repeat: usize,
) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    let stage = Stage::new(size, latency, concurrency)?;
    let mut rows = Vec::new();
    let mut step = |name, arguments: &[&str], code, repeat| {
        let (row, _) = stage.step(name, arguments, code, repeat)?;
        let floor = row.floor.map(|floor| floor.wall.as_secs_f64()).unwrap_or_default();
        eprintln!(
            "{size:>7} targets, {latency:>2} ms: {name:<20} {:>8.3} s, floor {floor:>8.3} s, CPU {:>7.2} s, {:>7} kB, {:>6} requests",
            row.taken.wall.as_secs_f64(),
            row.taken.cpu.as_secs_f64(),
            row.taken.peak,
            row.requests
        );
        rows.push(row);
        Ok::<(), Box<dyn std::error::Error>>(())
    };
    step("validate", &["validate"], 0, repeat)?;
    step("first apply", &["apply", "-y"], 0, 1)?;
    step("plan, no change", &["plan", "--detailed-exitcode"], 0, repeat)?;
    stage.change(ONE_IN_A_HUNDRED)?;
    step("plan, 1% changed", &["plan", "--detailed-exitcode"], 2, repeat)?;
    step("apply of that", &["apply", "-y"], 0, 1)?;
    step("import --all", &["import", cast::LISTED, "--all"], 0, 1)?;
    Ok(rows)
}

/// The wall time of `--version`: the median of many.
pub(crate) fn start_up() -> Result<Duration, Box<dyn std::error::Error>> {
    let runs: Result<Vec<Taken>, _> = (0..51).map(|_| run(personaform(Path::new(".")).arg("--version"), 0)).collect();
    Ok(Taken::of(runs?).wall)
}
