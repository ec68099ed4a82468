//! `pull`: what was changed elsewhere goes back into the files. Services are only read.

mod desk;
mod goal;
mod pieces;
mod ways;
mod written;

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use self::desk::Desk;
use self::goal::{Goal, Left, Pulled};
use super::args::{Common, Format, Planning, PullArgs};
use super::exit::{Exit, Stop, with_causes};
use super::project::load_state;
use super::screen::Screen;
use super::session::Session;
use crate::edit::{Merged, merge};
use crate::persona::Overlay;
use crate::persona::raw;
use crate::plan::value;
use crate::plan::{Action, Address, Change, Edit, Plan, Reason};
use crate::reconcile::Refreshed;
use crate::report;
use crate::state::{Entry, Memory, StateFile};

/// Writes drifted values back into the files.
///
/// # Errors
/// When the files have problems, the services cannot be read, or nobody agrees.
pub(super) async fn pull(common: &Common, screen: &Screen, args: &PullArgs) -> Result<Exit, Stop> {
    let mut common = common.clone();
    common.targets.extend(args.addresses.iter().cloned());
    let writing = (!args.dry_run).then_some(("pull", args.waiting.lock_timeout));
    let session = Session::open_with_values(&common, screen, writing).await?;
    let seen = session.look(&session.desired, &session.moves).await?;
    let planning = Planning { allow_deletes: true, allow_changes: true, ..Planning::default() };
    let plan = session.plan_seen(&session.desired, &session.moves, &seen, &planning)?;

    let mut desk = Desk::new(&common, &session)?;
    let goals = goals(&session, &plan, args.merge, &mut desk);
    desk.pursue(&goals);
    let marked = desk.has_conflict_markers();
    let Desk { files, pulled, left, .. } = desk;
    let after = match marked {
        // Nothing can be planned while somebody has to decide.
        true => None,
        false => Some(prove(&common, &session, &seen, &planning, &plan, &files, &pulled)?),
    };

    let diffs: Vec<(String, String)> = files
        .iter()
        .map(|(path, (before, after))| {
            let path = path.display().to_string();
            let diff = report::files::diff(&path, before, after);
            (path, diff)
        })
        .collect();
    if screen.format != Format::Json {
        for (_, diff) in &diffs {
            screen.result(diff);
        }
        tell_left(screen, &left);
    }
    let written = !diffs.is_empty() && !args.dry_run;
    if written && !args.yes && !screen.confirm("\nWrite these changes?").await? {
        return Err(Stop::refused("nothing was written"));
    }
    if written {
        write_all(&session.project.root, &files)?;
    }
    if !args.dry_run {
        remember(&session, after.as_ref(), &pulled)?;
    }
    match screen.format {
        Format::Json => screen.json(&json!({
            "written": written,
            "files": diffs.iter().map(|(path, diff)| json!({ "path": path, "diff": diff })).collect::<Vec<Value>>(),
            "pulled": pulled.iter().map(Pulled::json).collect::<Vec<Value>>(),
            "left": left.iter().map(Left::json).collect::<Vec<Value>>(),
        })),
        _ => tell(screen, &pulled, files.len(), &left, args.dry_run, marked),
    }
    Ok(match (left.is_empty(), pulled.is_empty()) {
        (true, _) => Exit::Done,
        (false, false) => Exit::Partly,
        (false, true) => Exit::Failed,
    })
}

/// What is to be written: the live values of what drifted, and merges of what changed on both sides. What cannot be is left.
fn goals(session: &Session, plan: &Plan, merging: bool, desk: &mut Desk<'_>) -> Vec<Goal> {
    let mut goals = Vec::new();
    for blocked in &plan.blocked {
        desk.leave(&blocked.address, None, &blocked.why);
    }
    for change in &plan.changes {
        match change.action {
            Action::Update => {}
            Action::Create if change.reason == Reason::Drifted => {
                desk.leave(
                    &change.address,
                    None,
                    "the object is gone at the service; remove the target, or let `apply` make it anew",
                );
                continue;
            }
            _ => continue,
        }
        for edit in &change.edits {
            goals.extend(goal(session, change, edit, merging, desk));
        }
    }
    goals
}

fn goal(session: &Session, change: &Change, edit: &Edit, merging: bool, desk: &mut Desk<'_>) -> Option<Goal> {
    let drifted = edit.reason == Reason::Drifted;
    if edit.release_only && (drifted || edit.also_drifted) {
        let why = "only what is released differs: the draft is as the files say, and `apply` releases it";
        desk.leave(&change.address, Some(&edit.path), why);
        return None;
    }
    // Some services show a field that somebody cleared as `null`.
    let live = edit.from.clone().filter(|live| !live.is_null());
    let goal = |value, marked| Goal {
        address: change.address.clone(),
        path: edit.path.clone(),
        value,
        live: live.clone(),
        merged: !drifted,
        marked,
    };
    if drifted {
        return Some(goal(live.clone(), false));
    }
    if !edit.also_drifted {
        return None;
    }
    let record = session.state.objects.get(recorded_as(session, &change.address));
    let base = record.and_then(|record| value::get(&record.applied, &edit.path)).and_then(Value::as_str);
    let texts = base.zip(edit.to.as_ref().and_then(Value::as_str)).zip(edit.from.as_ref().and_then(Value::as_str));
    match texts.map(|((base, file), live)| merge(base, file, live)) {
        Some(Merged::Clean(text)) => Some(goal(Some(Value::from(text)), false)),
        Some(Merged::Conflict(text)) if merging => Some(goal(Some(Value::from(text)), true)),
        Some(Merged::Conflict(_)) => {
            let why = "the file and the service changed the same place; `--merge` writes both versions into a prompt file";
            desk.leave(&change.address, Some(&edit.path), why);
            None
        }
        None => {
            let why = "the file and the service both changed it; write what is meant, then apply";
            desk.leave(&change.address, Some(&edit.path), why);
            None
        }
    }
}

/// Plans with the new files against what was seen: what was pulled must be gone, and nothing may be new.
fn prove(
    common: &Common,
    session: &Session,
    seen: &Refreshed,
    planning: &Planning,
    before: &Plan,
    files: &desk::Files,
    pulled: &[Pulled],
) -> Result<Plan, Stop> {
    let overlay = Overlay { files: files.iter().map(|(path, (_, text))| (path.clone(), text.clone())).collect(), only: None };
    let desired = session.desired_with(common, &overlay).map_err(Stop::Problems)?;
    let after = session.plan_seen(&desired, &session.moves, seen, planning)?;
    let has = |plan: &Plan, change: &Change, edit: &Edit| {
        plan.changes
            .iter()
            .any(|other| other.address == change.address && other.edits.iter().any(|known| known.path == edit.path))
    };
    for change in after.changes.iter().filter(|change| change.action == Action::Update) {
        for edit in &change.edits {
            let done = pulled.iter().any(|pulled| {
                pulled.address == change.address && pulled.path == edit.path && !pulled.merged && !edit.release_only
            });
            if done || (!has(before, change, edit) && !edit.release_only) {
                return Err(Stop::failed(format!(
                    "a mistake of personaform, nothing was written: with the new files, `{}` of `{}` would differ",
                    edit.path, change.address
                )));
            }
        }
    }
    Ok(after)
}

/// Puts the new texts in the files' places: all are written beside them first, so that a full disk changes nothing.
fn write_all(root: &Path, files: &desk::Files) -> Result<(), Stop> {
    let mut ready = Vec::new();
    for (path, (before, after)) in files {
        let failed = |error: std::io::Error| Stop::failed(format!("`{}` cannot be written: {error}", path.display()));
        let real = raw::real_path(root, path)
            .ok_or_else(|| Stop::failed(format!("`{}` is no longer a file of the project", path.display())))?;
        if std::fs::read_to_string(&real).map_err(failed)? != *before {
            return Err(Stop::refused(format!("`{}` changed in the meantime, so nothing was written", path.display()))
                .with_help("run the same command again"));
        }
        let folder = real.parent().unwrap_or(root);
        let mut file = tempfile::Builder::new().prefix(".pull-").tempfile_in(folder).map_err(failed)?;
        file.write_all(after.as_bytes()).map_err(failed)?;
        file.as_file().set_permissions(std::fs::metadata(&real).map_err(failed)?.permissions()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        ready.push((path, real, file));
    }
    for (path, real, file) in ready {
        file.persist(&real)
            .map_err(|error| Stop::failed(format!("`{}` cannot be written: {}", path.display(), error.error)))?;
    }
    Ok(())
}

/// The address that state has for an object: of a renamed persona the old one, until `apply` moves it. A pull brings back what was
/// changed elsewhere; what the files ask for, a move among it, stays on the plan.
fn recorded_as<'a>(session: &'a Session, address: &'a Address) -> &'a Address {
    if session.state.objects.contains_key(address) {
        return address;
    }
    session.moves.get(address).unwrap_or(address)
}

/// Records what was pulled as applied, so that the next change in the files is known for one.
fn remember(session: &Session, after: Option<&Plan>, pulled: &[Pulled]) -> Result<(), Stop> {
    let mut state = session.state.clone();
    for settled in after.iter().flat_map(|plan| &plan.settled) {
        if let Some(record) = state.objects.get_mut(&settled.address) {
            record.applied = settled.applied.clone();
            record.prevent_destroy = settled.prevent_destroy;
            record.force_destroy = settled.force_destroy;
            record.manage = settled.manage;
        }
    }
    for pulled in pulled {
        let Some(record) = state.objects.get_mut(recorded_as(session, &pulled.address)) else { continue };
        match pulled.live.clone() {
            Some(live) => value::set(&mut record.applied, &pulled.path, live),
            None => drop(value::remove(&mut record.applied, &pulled.path)),
        }
    }
    if state == session.state {
        return Ok(());
    }
    let mut file = StateFile::at(session.state_file.path());
    let before = load_state(&mut file)?;
    let mut memory = Memory::new(file, before);
    for (address, record) in state.objects {
        if session.state.objects.get(&address) != Some(&record) {
            let noted = memory.note(&Entry::Applied { address, record });
            noted.map_err(|error| Stop::failed(with_causes(&error)))?;
        }
    }
    memory.settle().map_err(|error| Stop::failed(with_causes(&error)))
}

fn tell_left(screen: &Screen, left: &[Left]) {
    for left in left {
        screen.result(&format!("! {left}\n"));
    }
}

fn tell(screen: &Screen, pulled: &[Pulled], files: usize, left: &[Left], dry_run: bool, marked: bool) {
    let counted = |count: usize, noun: &str| if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") };
    if pulled.is_empty() && left.is_empty() {
        screen.result("Nothing to pull: no value was changed elsewhere.\n");
        return;
    }
    let verb = if dry_run { "Would pull" } else { "Pulled" };
    let rest = if left.is_empty() { String::new() } else { format!("; {} left as it is", counted(left.len(), "difference")) };
    screen.result(&format!("{verb} {} into {}{rest}.\n", counted(pulled.len(), "value"), counted(files, "file")));
    if marked {
        screen.hint("Conflict markers were written: decide what the prompt shall say. Until then no command plans.");
    } else if pulled.iter().any(|pulled| pulled.merged) {
        screen.hint("Changes of both sides were merged: `personaform plan` shows what `apply` will send.");
    }
}
