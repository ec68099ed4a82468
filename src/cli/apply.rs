//! `apply` and `destroy`: plan, gate, ask, carry out, tell.

use std::sync::Mutex;

use super::args::{ApplyArgs, Common, DestroyArgs, Format, Planning};
use super::exit::{Exit, Stop, with_causes};
use super::interrupt::Interrupt;
use super::lock::now;
use super::plan::read;
use super::reports::Subject;
use super::screen::Screen;
use super::session::Session;
use crate::plan::Plan;
use crate::reconcile::{Applier, Ending, Outcome};
use crate::state::{Memory, State, StateFile};

/// Applies what the files want, or a saved plan.
///
/// # Errors
/// When the files have problems, a gate is closed, the state is locked, or a saved plan no longer holds.
pub(super) async fn apply(common: &Common, screen: &Screen, args: &ApplyArgs, interrupt: &Interrupt) -> Result<Exit, Stop> {
    let saved = args.plan_file.as_deref().map(read).transpose()?;
    let session = Session::open(common, screen, Some(("apply", args.waiting.lock_timeout)), saved.as_ref()).await?;
    let is_saved = saved.is_some();
    let mut plan = match saved {
        None => session.plan(&args.planning).await?,
        Some(plan) => {
            check_basis(&session, &plan)?;
            plan
        }
    };
    let Planning { allow_deletes, allow_changes, allow_vanished, .. } = args.planning;
    let flags = [("--allow-deletes", allow_deletes), ("--allow-changes", allow_changes), ("--allow-vanished", allow_vanished)];
    for (flag, _) in flags.into_iter().filter(|(_, given)| *given) {
        plan.gates.retain(|gate| gate.opened_by != flag);
    }
    let going =
        Going { yes: args.yes, requests: args.planning.requests, saved: is_saved, expected: args.expect.clone(), interrupt };
    carry_out(common, screen, session, plan, &going).await
}

/// Deletes everything that state records.
///
/// # Errors
/// As [`apply`].
pub(super) async fn destroy(common: &Common, screen: &Screen, args: &DestroyArgs, interrupt: &Interrupt) -> Result<Exit, Stop> {
    let session = Session::open(common, screen, Some(("destroy", args.waiting.lock_timeout)), None).await?;
    let plan = session.plan_destroy(args.allow_vanished).await?;
    let going = Going { yes: args.yes, requests: false, saved: false, expected: None, interrupt };
    carry_out(common, screen, session, plan, &going).await
}

/// How a plan is gone about.
struct Going<'a> {
    yes: bool,
    requests: bool,
    /// Whether it was saved earlier, so that it may be stale as a whole.
    saved: bool,
    /// The digest that the plan must have.
    expected: Option<String>,
    interrupt: &'a Interrupt,
}

async fn carry_out(
    common: &Common,
    screen: &Screen,
    mut session: Session,
    mut plan: Plan,
    going: &Going<'_>,
) -> Result<Exit, Stop> {
    session.let_go();
    let planned = Subject::Plan(&plan, going.requests);
    if screen.format == Format::Text {
        screen.show(planned);
    }
    if let Some(expected) = going.expected.as_ref().filter(|expected| **expected != plan.digest) {
        let message = format!("nothing was applied: the plan's digest is {}, and {expected} was expected", plan.digest);
        return Err(Stop::refused(message).with_help("something has changed since that plan: review the new one"));
    }
    if let Some(gate) = plan.gates.first() {
        screen.publish_plan(planned)?;
        let others = plan.gates.len() - 1;
        let more = if others == 0 { String::new() } else { format!(" (and {others} more)") };
        return Err(Stop::refused(format!("nothing was applied, the gate `{}` is closed: {}{more}", gate.name, gate.why))
            .with_help(format!("if that is meant: {}", gate.opened_by)));
    }
    // Before there is a progress bar, which would be drawn over the question.
    let asks = !plan.changes.is_empty() && !going.yes && going.expected.is_none();
    if asks && !screen.confirm("\nApply these changes?").await? {
        return Err(Stop::refused("nothing was applied"));
    }
    session.stop_with(&going.interrupt.stop);
    let progress = screen.progress(plan.changes.len());
    let file = std::mem::replace(&mut session.state_file, StateFile::at(""));
    let (objects, pending) = (std::mem::take(&mut session.state.objects), std::mem::take(&mut session.state.pending));
    let state = State { objects, pending, ..session.state.clone() };
    let applier = Applier {
        connections: &session.connections,
        memory: Mutex::new(Memory::new(file, state)),
        parallelism: usize::from(common.parallelism),
        stop: going.interrupt.stop.flag(),
        now: &now,
        observer: &progress,
    };
    if going.saved && !plan.changes.is_empty() {
        refuse_if_stale(&applier, &plan).await?;
        check_secrets(&session, &plan)?;
    }
    if !going.interrupt.begin_orderly() {
        return Ok(Exit::Interrupted);
    }
    let result = applier.apply(&mut plan).await;
    progress.finish();
    let outcome = result.map_err(|error| Stop::failed(with_causes(&error)))?;
    let settled = applier.settle();
    screen.publish_after_plan(Subject::Outcome(&outcome, &plan, going.requests), "\n")?;
    settled.map_err(|error| {
        Stop::failed(with_causes(&error))
            .with_help("nothing is lost: the journal beside it holds what was done, and is read with it")
    })?;
    Ok(exit(&outcome, &plan))
}

fn exit(outcome: &Outcome, plan: &Plan) -> Exit {
    if outcome.interrupted {
        return Exit::Interrupted;
    }
    let done = outcome.entries.iter().filter(|entry| matches!(entry.ending, Ending::Done { .. })).count();
    let stale = outcome.entries.iter().filter(|entry| matches!(entry.ending, Ending::Stale { .. })).count();
    let touched = outcome.entries.iter().any(|entry| entry.requests_sent > 0 || matches!(entry.ending, Ending::Done { .. }));
    if outcome.entries.is_empty() {
        return if plan.blocked.is_empty() { Exit::Done } else { Exit::Failed };
    }
    if done == outcome.entries.len() && plan.blocked.is_empty() {
        Exit::Done
    } else if touched {
        Exit::Partly
    } else if stale == outcome.entries.len() {
        Exit::Refused
    } else {
        Exit::Failed
    }
}

/// A saved plan holds only for the state and the accounts that it was made against.
fn check_basis(session: &Session, plan: &Plan) -> Result<(), Stop> {
    let stale = |message: String| Err(Stop::refused(message).with_help("make a new plan and review it"));
    if plan.basis.lineage != session.state.lineage {
        return stale("the plan was made with another state file".to_owned());
    }
    if plan.basis.serial != session.state.serial {
        return stale(format!(
            "the plan is stale: it was made at serial {} of the state, which is now at {}",
            plan.basis.serial, session.state.serial
        ));
    }
    for (name, basis) in &plan.basis.accounts {
        match session.connections.get(name) {
            Some(connection) if session.home_of(connection) == basis.base_url => {}
            Some(connection) => {
                return stale(format!(
                    "the plan was made for the account `{name}` at {}, which is now at {}",
                    basis.base_url,
                    session.home_of(connection)
                ));
            }
            None => return stale(format!("the plan changes objects at the account `{name}`, which is not in use here")),
        }
    }
    Ok(())
}

/// Every secret that a saved plan sends must be known here; what is sent back as it was is known once it was read.
fn check_secrets(session: &Session, plan: &Plan) -> Result<(), Stop> {
    for change in &plan.changes {
        let Some(connection) = session.connections.get(&change.address.account) else { continue };
        for body in change.requests.iter().filter_map(|request| request.body.as_ref()) {
            if let Err(unsendable) = connection.sealer.unseal(body) {
                return Err(Stop::refused(unsendable.to_string()).with_help(unsendable.help()));
            }
        }
    }
    Ok(())
}

async fn refuse_if_stale(applier: &Applier<'_>, plan: &Plan) -> Result<(), Stop> {
    let stale = applier.stale(plan).await;
    let Some((address, why)) = stale.first() else { return Ok(()) };
    let more = if stale.len() == 1 { String::new() } else { format!(" ({} objects in all)", stale.len()) };
    Err(Stop::refused(format!("nothing was applied, the plan is stale: `{address}`: {why}{more}"))
        .with_help("make a new plan and review it"))
}
