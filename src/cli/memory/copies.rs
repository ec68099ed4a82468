//! Copies of state: kept, listed, and put in the place of the present one.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::{Desk, note};
use crate::cli::args::{ByHand, Format};
use crate::cli::exit::{Stop, with_causes};
use crate::cli::other::counted;
use crate::persona::name::AccountName;
use crate::state::backup::{self, Backup};
use crate::state::restore::{Mended, lineage_of_broken, mend, mended};
use crate::state::{Difference, Entry, Memory, State, StateError, StateFile};

/// Lists the copies beside the state, the newest first.
pub(super) fn list(desk: &Desk<'_>) {
    let backups = backup::all(&desk.path);
    let present = StateFile::at(&desk.path).load().ok();
    if desk.screen.format == Format::Json {
        let backups: Vec<Value> = backups.iter().map(|backup| member(backup, present.as_ref())).collect();
        desk.screen.json(&json!({ "backups": backups }));
        return;
    }
    for backup in &backups {
        let path = shown(desk, &backup.path);
        let time = written(&backup.path);
        match &backup.state {
            Ok(state) => {
                let same = present.as_ref().is_some_and(|present| Difference::between(present, state).is_empty());
                let mut words = vec![counted(state.objects.len(), "object")];
                words.extend(same.then(|| "as now".to_owned()));
                words.extend(backup.is_kept.then(|| "kept until deleted".to_owned()));
                desk.screen.result(&format!("{path}  {time}  {}\n", words.join(", ")));
            }
            Err(error) => desk.screen.result(&format!("{path}  {time}  unusable: {}\n", with_causes(error))),
        }
    }
    let hint = match backups.is_empty() {
        true => {
            "There is no copy yet: every run that writes keeps the state that it found, and `state backup` keeps one for good."
        }
        false => "`personaform state restore FILE --dry-run` shows what one of them would change.",
    };
    desk.screen.hint(hint);
}

fn member(backup: &Backup, present: Option<&State>) -> Value {
    let mut member = json!({ "path": backup.path, "written_at": written(&backup.path), "kept": backup.is_kept });
    match &backup.state {
        Ok(state) => {
            member["serial"] = json!(state.serial);
            member["lineage"] = json!(state.lineage);
            member["objects"] = json!(state.objects.len());
            member["as_now"] = json!(present.is_some_and(|present| Difference::between(present, state).is_empty()));
        }
        Err(error) => member["unusable"] = json!(with_causes(error)),
    }
    member
}

/// When a file was last written.
fn written(path: &Path) -> String {
    let time = std::fs::metadata(path).and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// A path as somebody would type it.
fn shown(desk: &Desk<'_>, path: &Path) -> String {
    let from = std::path::absolute(&desk.common.dir).unwrap_or_default();
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.strip_prefix(from).unwrap_or(&path).display().to_string()
}

/// Keeps a copy for good.
pub(super) async fn backup(desk: &Desk<'_>, out: Option<&Path>, by_hand: &ByHand) -> Result<(), Stop> {
    let (_held, memory) = desk.begin("state backup", by_hand).await?;
    let state = memory.state();
    if state.serial == 0 {
        return Err(Stop::failed("there is no state yet, so there is nothing to keep"));
    }
    let failed = |error: std::io::Error| Stop::failed(format!("the copy cannot be written: {error}"));
    let path = match out {
        Some(out) => {
            let out = desk.common.dir.join(out);
            check_place(desk, &out)?;
            if !by_hand.dry_run {
                backup::write(&out, state).map_err(failed)?;
            }
            out
        }
        None if by_hand.dry_run => backup::folder_of(&desk.path),
        None => backup::keep_state(&desk.path, state, true).map_err(failed)?,
    };
    let verb = if by_hand.dry_run { "Would keep" } else { "Kept" };
    let place = if by_hand.dry_run && out.is_none() { "below" } else { "in" };
    let objects = counted(state.objects.len(), "object");
    let sentence = format!("{verb} {objects}, serial {}, {place} `{}`.", state.serial, shown(desk, &path));
    let members = json!({ "action": "backup", "path": path, "serial": state.serial, "objects": state.objects.len() });
    desk.tell(by_hand.dry_run, &sentence, members, &[]);
    Ok(())
}

/// A copy may take the place of an earlier copy, and of nothing else.
fn check_place(desk: &Desk<'_>, out: &Path) -> Result<(), Stop> {
    let same = |path: &Path| path.canonicalize().ok().is_some_and(|path| out.canonicalize().ok() == Some(path));
    if same(&desk.path) {
        return Err(Stop::refused(format!("`{}` is the state itself", out.display())).with_help("name another file"));
    }
    match backup::read(out) {
        Ok(_) => Ok(()),
        Err(StateError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(_) => Err(Stop::refused(format!("`{}` is there already, and is no copy of a state", out.display()))
            .with_help("name another file, or move that one away")),
    }
}

/// Puts a copy in the place of the present state.
pub(super) async fn restore(desk: &Desk<'_>, file: &str, other_lineage: bool, by_hand: &ByHand) -> Result<(), Stop> {
    let _held = desk.lock("state restore", by_hand).await?;
    let mut present_file = StateFile::at(&desk.path);
    let present = match present_file.load() {
        Ok(state) => Ok(state),
        Err(
            error @ (StateError::Damaged { .. }
            | StateError::JournalDamaged { .. }
            | StateError::Parted { .. }
            | StateError::Gone { .. }),
        ) => Err(error),
        Err(error) => return Err(Stop::failed(with_causes(&error))),
    };
    let (path, copy) = chosen(desk, file, present.as_ref().ok())?;
    let lineage = match &present {
        // A state that was never written has nothing to lose.
        Ok(state) => (state.serial > 0).then(|| state.lineage.clone()),
        Err(_) => lineage_of_broken(&desk.path),
    };
    if lineage.is_some_and(|lineage| lineage != copy.lineage) && !other_lineage {
        return Err(Stop::refused(format!(
            "`{}` is of another lineage: the state of another project, or one that was begun anew",
            shown(desk, &path)
        ))
        .with_help("if it is meant, `--other-lineage` takes it"));
    }
    for address in copy.objects.keys().chain(copy.pending.keys()) {
        known(desk, &address.account, address)?;
    }
    match present {
        Ok(present) => over(desk, present_file, present, &path, copy, by_hand),
        Err(error) => instead_of_broken(desk, &error, &path, &copy, by_hand),
    }
}

fn known(desk: &Desk<'_>, account: &AccountName, address: &crate::plan::Address) -> Result<(), Stop> {
    if desk.project.accounts.contains_key(account) {
        return Ok(());
    }
    Err(Stop::refused(format!("the copy records `{address}`, but `personaform.yaml` names no account `{account}`"))
        .with_help("put the account back first; no command plans without it"))
}

fn chosen(desk: &Desk<'_>, file: &str, present: Option<&State>) -> Result<(PathBuf, State), Stop> {
    if file == "latest" {
        let differs = |state: &State| present.is_none_or(|present| !Difference::between(present, state).is_empty());
        let found = backup::all(&desk.path).into_iter().find_map(|backup| {
            let state = backup.state.ok().filter(&differs)?;
            Some((backup.path, state))
        });
        return found.ok_or_else(|| {
            Stop::failed("there is no backup that can be read and differs from the present state")
                .with_help("`personaform state list --backups` shows all; a copy from version control is named by its file")
        });
    }
    let path = desk.common.dir.join(file);
    match backup::read(&path) {
        Ok(state) => Ok((path, state)),
        Err(error) => Err(Stop::failed(with_causes(&error).replace("the state file", "the copy"))
            .with_help("`personaform state list --backups` shows the copies beside the state")),
    }
}

/// The ordinary case: the present state is sound, is kept, and the copy is one entry of its journal.
fn over(desk: &Desk<'_>, file: StateFile, present: State, path: &Path, copy: State, by_hand: &ByHand) -> Result<(), Stop> {
    let difference = Difference::between(&present, &copy);
    let same_key = present.lineage == copy.lineage && present.digest_key == copy.digest_key;
    if difference.is_empty() && same_key {
        desk.tell(by_hand.dry_run, "Nothing to restore: the present state says the same.", told(&difference, path), &[]);
        return Ok(());
    }
    let mut notes = Vec::new();
    let mut memory = Memory::new(file, present);
    if !by_hand.dry_run {
        let kept = memory.back_up().map_err(|error| Stop::failed(with_causes(&error)))?;
        note(&mut memory, &Entry::Restored { state: Box::new(copy) })?;
        notes.extend(kept.map(|kept| format!("What was there is kept in `{}`.", shown(desk, &kept))));
    }
    notes.push("`personaform plan` shows what it means.".to_owned());
    tell(desk, by_hand, path, &difference, &notes);
    Ok(())
}

/// The bad case: what is there cannot be read. It is kept as it is, and the copy takes its place.
fn instead_of_broken(desk: &Desk<'_>, error: &StateError, path: &Path, copy: &State, by_hand: &ByHand) -> Result<(), Stop> {
    let Mended { kept, untold, state } = match by_hand.dry_run {
        true => mended(&desk.path, copy),
        false => mend(&desk.path, copy).map_err(|error| Stop::failed(with_causes(&error)))?,
    };
    let nothing = State { objects: Default::default(), pending: Default::default(), ..state.clone() };
    let mut notes = vec![format!("The present state could not be read: {}.", with_causes(error))];
    if !untold.is_empty() {
        let addresses: Vec<String> = untold.iter().map(|address| format!("`{address}`")).collect();
        notes.push(format!(
            "Its journal tells of changes that the copy does not know, of {}: look at them at the service.",
            addresses.join(", ")
        ));
    }
    let kept: Vec<String> = kept.iter().map(|path| format!("`{}`", shown(desk, path))).collect();
    if !kept.is_empty() {
        notes.push(format!("What was there is kept in {}.", kept.join(" and ")));
    }
    notes.push("`personaform plan` shows what it means.".to_owned());
    tell(desk, by_hand, path, &Difference::between(&nothing, &state), &notes);
    Ok(())
}

fn tell(desk: &Desk<'_>, by_hand: &ByHand, path: &Path, difference: &Difference, notes: &[String]) {
    let verb = if by_hand.dry_run { "Would restore" } else { "Restored" };
    let sentence = format!("{}{verb} `{}`.", lines(difference), shown(desk, path));
    desk.tell(by_hand.dry_run, &sentence, told(difference, path), notes);
}

fn told(difference: &Difference, path: &Path) -> Value {
    let Difference { gained, lost, replaced, rewritten, pending } = difference;
    let replaced: serde_json::Map<String, Value> =
        replaced.iter().map(|(address, (from, to))| (address.to_string(), json!({ "from": from, "to": to }))).collect();
    json!({
        "action": "restore", "path": path, "gained": gained, "lost": lost, "replaced": replaced, "rewritten": rewritten,
        "pending": pending,
    })
}

fn lines(difference: &Difference) -> String {
    let Difference { gained, lost, replaced, rewritten, pending } = difference;
    let mut lines = String::new();
    for (address, id) in gained {
        lines.push_str(&format!("+ {address}  {id}\n"));
    }
    for (address, id) in lost {
        lines.push_str(&format!("- {address}  {id} is forgotten and stays at the service\n"));
    }
    for (address, (from, to)) in replaced {
        lines.push_str(&format!("~ {address}  {to} in place of {from}, which is forgotten and stays at the service\n"));
    }
    for address in rewritten {
        lines.push_str(&format!("~ {address}  what was last written to it\n"));
    }
    for address in pending {
        lines.push_str(&format!("~ {address}  whether a create waits for its answer\n"));
    }
    lines
}
