//! Runs a command to its end and tells what it took: wall and CPU time, and the most memory it held. Linux only: it reads `/proc`.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Clock ticks of `/proc` in a second, as Linux shows them to programs on every architecture.
const TICKS: u64 = 100;

/// How often the memory of a running process is looked at. What it takes in its last moments only is not seen.
const GLANCE: Duration = Duration::from_millis(2);

/// What a command took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    /// From the start of the process to its end.
    pub(crate) wall: Duration,
    /// User and system time, in steps of 10 ms.
    pub(crate) cpu: Duration,
    /// The peak of resident memory, in kB.
    pub(crate) peak: u64,
}

impl Taken {
    /// The median of the times and the largest memory of several runs.
    pub(crate) fn of(mut runs: Vec<Self>) -> Self {
        let peak = runs.iter().map(|run| run.peak).max().unwrap_or_default();
        runs.sort_by_key(|run| run.wall);
        let wall = runs.get(runs.len() / 2).copied().unwrap_or_default().wall;
        runs.sort_by_key(|run| run.cpu);
        let cpu = runs.get(runs.len() / 2).copied().unwrap_or_default().cpu;
        Self { wall, cpu, peak }
    }
}

/// Runs a command that has to end with a code.
///
/// # Errors
/// When it does not, with what it said.
pub(crate) fn run(command: &mut Command, wanted: i32) -> Result<Taken, Box<dyn std::error::Error>> {
    let words = tempfile::NamedTempFile::new()?;
    let before = children()?;
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words.reopen()?).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let glances = std::thread::spawn(move || {
        let mut peak = 0;
        while let Some(now) = fs::read_to_string(&status).ok().and_then(|status| peak_of(&status)) {
            peak = now;
            std::thread::sleep(GLANCE);
        }
        peak
    });
    let ended = child.wait()?;
    let wall = begun.elapsed();
    let cpu = Duration::from_millis((children()? - before) * 1000 / TICKS);
    let peak = glances.join().unwrap_or_default();
    if ended.code() != Some(wanted) {
        let words = fs::read_to_string(words.path())?;
        return Err(format!("{command:?} ended with {ended} and not with {wanted}: {words}").into());
    }
    Ok(Taken { wall, cpu, peak })
}

/// The high-water mark of a process; none once it has ended.
fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// The ticks of all children that have ended.
fn children() -> Result<u64, Box<dyn std::error::Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name of the program may hold anything, and ends with the last parenthesis.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    Ok(ticks(13) + ticks(14))
}

/// The nanoseconds that this thread has run for.
pub(crate) fn own() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or_default())
}
