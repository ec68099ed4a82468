//! What remembering costs: the CPU time of loading a state, and what one change in it takes, at any number of records.

use std::fs;
use std::path::Path;
use std::time::Duration;

use personaform::persona::name::Manage;
use personaform::plan::{Address, Record, RemoteId};
use personaform::state::{Entry, Memory, State, StateFile};
use serde_json::json;

use crate::measure::own;

/// A state of one size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remembered {
    /// Records in it.
    pub(crate) records: usize,
    /// Bytes of its file.
    pub(crate) bytes: u64,
    /// CPU time of loading it.
    pub(crate) load: Duration,
    /// CPU time of one change, from the first write to the last, with the state loaded.
    pub(crate) change: Duration,
    /// Bytes that this change wrote to disk.
    pub(crate) written: u64,
}

/// Measures states of some sizes.
pub(crate) fn all(sizes: &[usize]) -> Result<Vec<Remembered>, Box<dyn std::error::Error>> {
    sizes.iter().map(|size| one(*size)).collect()
}

fn record(number: usize, prompt: &str) -> Record {
    let applied = json!({
        "persona_name": format!("Persona {number:06}"), "default_replica_id": "r79e1c033f", "pipeline_mode": "full",
        "system_prompt": prompt, "layers": { "llm": { "model": "tavus-gpt-oss" }, "tts": { "tts_engine": "cartesia" } },
    });
    Record {
        provider: "tavus".to_owned(),
        id: RemoteId::new(format!("p{number:011x}")),
        name: format!("Persona {number:06}"),
        applied: applied.as_object().cloned().unwrap_or_default().into(),
        prevent_destroy: false,
        force_destroy: false,
        resisted: Vec::new(),
        manage: Manage::Full,
        written_at: "2026-11-22T00:00:00Z".to_owned(),
    }
}

fn address(number: usize) -> Result<Address, String> {
    Address::parse(&format!("tavus.team-{:04}/p-{number:06}", number / 100))
}

fn one(records: usize) -> Result<Remembered, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("state.json");
    let mut state = State::new()?;
    state.serial = 1;
    let prompt = "Answer what was asked, calmly, and offer to transfer the caller.\n".repeat(32);
    for number in 0..records {
        state.objects.insert(address(number)?, record(number, &prompt));
    }
    fs::write(&path, serde_json::to_vec_pretty(&state)?)?;
    drop(state);
    let bytes = fs::metadata(&path)?.len();
    let before = own();
    let mut file = StateFile::at(&path);
    let state = file.load()?;
    let load = own() - before;
    let mut memory = Memory::new(file, state);
    let (before, written) = (own(), written_so_far()?);
    memory.note(&Entry::Applied { address: address(0)?, record: record(0, "Be kind.") })?;
    memory.settle()?;
    let (change, written) = (own() - before, written_so_far()? - written);
    Ok(Remembered { records, bytes, load, change, written })
}

/// The bytes that this process has written.
fn written_so_far() -> Result<u64, Box<dyn std::error::Error>> {
    let io = fs::read_to_string(Path::new("/proc/self/io"))?;
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: ")).ok_or("no `wchar` in /proc/self/io")?;
    Ok(line.trim().parse()?)
}
