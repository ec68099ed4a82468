//! What `cargo test` holds of all this, on a small cast: the number of requests, exactly; that no object is read twice unless it is
//! written; and the ratio to the floor in what can be counted, the round trips that wait for each other. Never seconds, and no ratio
//! of seconds: on a busy machine that is chance.

use std::collections::BTreeMap;

use crate::server::Asked;
use crate::steps::{Row, Stage};

/// Targets, ten at each account.
const TARGETS: usize = 40;

/// Long enough that a busy machine does not tear apart what was sent together.
const LATENCY: u64 = 100;

/// Requests under way at once: ten objects take two rounds.
const CONCURRENCY: usize = 8;

/// Commands, the code that each ends with, and the requests that it takes.
///
/// A look at the ten objects of each account takes one list page at Tavus and at Bland, ten reads at Anam, and nothing at OpenGiant. For
/// names, Anam's list is read as well. A create takes two requests, being read back; at OpenGiant one. Four prompts are changed: three
/// requests at Tavus and Anam (read again, written, read back), a promotion more at Bland, one at OpenGiant. An import reads lists to
/// their end, one more page at Bland, and plans what it has imported.
const COMMANDS: [(&str, &[&str], i32, usize); 6] = [
    ("validate", &["validate"], 0, 0),
    ("first apply", &["apply", "-y"], 0, 3 + 40 + 30),
    ("plan, no change", &["plan", "--detailed-exitcode"], 0, 12),
    ("plan, some changed", &["plan", "--detailed-exitcode"], 2, 12),
    ("apply of that", &["apply", "-y"], 0, 12 + 3 + 3 + 4 + 1),
    ("import --all", &["import", crate::cast::LISTED, "--all"], 0, 14 + 12),
];

/// Runs a small cast.
pub(crate) fn run() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::new(TARGETS, LATENCY, CONCURRENCY)?;
    for (step, arguments, code, requests) in COMMANDS {
        if step == "plan, some changed" {
            stage.change(11)?;
        }
        let reads_only = arguments[0] == "plan";
        let (row, log) = stage.step(step, arguments, code, if reads_only { 3 } else { 1 })?;
        if row.requests != requests {
            let asked: Vec<String> =
                log.iter().map(|asked| format!("{} {}{}", asked.method, asked.account, asked.path)).collect();
            return Err(format!("`{step}` takes {} requests, and not {requests}:\n{}", row.requests, asked.join("\n")).into());
        }
        if arguments[0] != "import" {
            nothing_twice(step, &log)?;
        }
        if reads_only {
            close_to_the_floor(&row)?;
        }
    }
    Ok(())
}

/// Only what is written may be read again: just before, and after.
fn nothing_twice(step: &str, log: &[Asked]) -> Result<(), String> {
    let mut reads: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for asked in log.iter().filter(|asked| asked.method == "GET") {
        *reads.entry((&asked.account, &asked.path)).or_default() += 1;
    }
    let written = |account: &str, path: &str| {
        log.iter().any(|asked| asked.method != "GET" && asked.account == account && asked.path.starts_with(path))
    };
    match reads.into_iter().find(|((account, path), times)| *times > if written(account, path) { 3 } else { 1 }) {
        Some(((account, path), times)) => Err(format!("`{step}` reads {account}{path} {times} times")),
        None => Ok(()),
    }
}

fn close_to_the_floor(row: &Row) -> Result<(), String> {
    let (ours, floor) = row.rounds;
    if ours > floor {
        return Err(format!("`{}` takes {ours} round trips that wait for each other, and {floor} would do", row.step));
    }
    Ok(())
}
