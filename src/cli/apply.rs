//! `apply` and `destroy`: plan, gate, ask, carry out, tell.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::args::{ApplyArgs, Common, DestroyArgs, Format};
use super::exit::{Exit, Stop, with_causes};
use super::plan::{print, read};
use super::screen::Screen;
use super::session::Session;
use crate::plan::Plan;
use crate::reconcile::{Applier, Ending, Outcome};
use crate::report;

/// Applies what the files want, or a saved plan.
///
/// # Errors
/// When the files have problems, a gate is closed, the state is locked, or a saved plan no longer holds.
pub(super) async fn apply(common: &Common, screen: &Screen, args: &ApplyArgs) -> Result<Exit, Stop> {
    let saved = args.plan_file.as_deref().map(read).transpose()?;
    let session = Session::open(common, screen, Some("apply"), saved.as_ref()).await?;
    let is_saved = saved.is_some();
    let mut plan = match saved {
        None => session.plan(&args.planning).await?,
        Some(plan) => {
            check_basis(&session, &plan)?;
            plan
        }
    };
    if args.planning.allow_deletes {
        plan.gates.retain(|gate| gate.opened_by != "--allow-deletes");
    }
    if args.planning.allow_changes {
        plan.gates.retain(|gate| gate.opened_by != "--allow-changes");
    }
    carry_out(common, screen, session, &plan, &Going { yes: args.yes, requests: args.planning.requests, saved: is_saved }).await
}

/// Deletes everything that state records.
///
/// # Errors
/// As [`apply`].
pub(super) async fn destroy(common: &Common, screen: &Screen, args: &DestroyArgs) -> Result<Exit, Stop> {
    let session = Session::open(common, screen, Some("destroy"), None).await?;
    let plan = session.plan_destroy().await?;
    carry_out(common, screen, session, &plan, &Going { yes: args.yes, requests: false, saved: false }).await
}

/// How a plan is gone about.
struct Going {
    yes: bool,
    requests: bool,
    /// Whether it was saved earlier, so that it may be stale as a whole.
    saved: bool,
}

async fn carry_out(common: &Common, screen: &Screen, session: Session, plan: &Plan, going: &Going) -> Result<Exit, Stop> {
    if screen.format == Format::Text {
        print(common, screen, plan, going.requests);
    }
    if let Some(gate) = plan.gates.first() {
        let others = plan.gates.len() - 1;
        let more = if others == 0 { String::new() } else { format!(" (and {others} more)") };
        return Err(Stop::refused(format!("nothing was applied, the gate `{}` is closed: {}{more}", gate.name, gate.why))
            .with_help(format!("if that is meant: {}", gate.opened_by)));
    }
    let stop = AtomicBool::new(false);
    let progress = screen.progress(plan.changes.len());
    let now = || humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let Session { state, state_file, connections, .. } = &session;
    let applier = Applier {
        connections,
        memory: Mutex::new((crate::state::StateFile::at(state_file.path()), state.clone())),
        parallelism: usize::from(common.parallelism),
        stop: &stop,
        now: &now,
        observer: &progress,
    };
    if plan.changes.is_empty() {
        applier.apply(plan).await.map_err(|error| Stop::failed(with_causes(&error)))?;
        if screen.format == Format::Json {
            screen.json(&report::json::outcome(&Outcome::default()));
        }
        return Ok(if plan.blocked.is_empty() { Exit::Done } else { Exit::Failed });
    }
    if !going.yes && !screen.confirm("\nApply these changes?")? {
        return Err(Stop::refused("nothing was applied"));
    }
    if going.saved {
        refuse_if_stale(&applier, plan).await?;
    }
    let result = until_interrupted(&stop, applier.apply(plan)).await;
    progress.finish();
    let outcome = result.map_err(|error| Stop::failed(with_causes(&error)))?;
    match screen.format {
        Format::Json => screen.json(&report::json::outcome(&outcome)),
        Format::Text => {
            let options = report::text::Options { width: screen.width(), requests: going.requests, verbose: common.verbose };
            screen.result(&format!("\n{}", report::text::outcome(&outcome, plan, &options)));
        }
    }
    Ok(exit(&outcome, plan))
}

/// Runs an apply to its end. The first interrupt lets the requests under way finish; a second one ends the process.
async fn until_interrupted<T>(stop: &AtomicBool, apply: impl Future<Output = T>) -> T {
    tokio::pin!(apply);
    loop {
        tokio::select! {
            result = &mut apply => return result,
            Ok(()) = tokio::signal::ctrl_c(), if !stop.load(Ordering::Relaxed) => {
                stop.store(true, Ordering::Relaxed);
                tokio::spawn(end_at_the_next_interrupt());
            }
        }
    }
}

/// Ends the process at once, whatever is under way.
#[expect(clippy::exit, reason = "somebody who interrupts twice does not want to wait for anything")]
pub(super) async fn end_at_the_next_interrupt() {
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(i32::from(Exit::Interrupted.code()));
    }
}

fn exit(outcome: &Outcome, plan: &Plan) -> Exit {
    if outcome.interrupted {
        return Exit::Interrupted;
    }
    let done = outcome.entries.iter().filter(|entry| matches!(entry.ending, Ending::Done { .. })).count();
    let stale = outcome.entries.iter().filter(|entry| matches!(entry.ending, Ending::Stale { .. })).count();
    let touched = outcome.entries.iter().any(|entry| entry.requests_sent > 0 || matches!(entry.ending, Ending::Done { .. }));
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
    for change in &plan.changes {
        let Some(connection) = session.connections.get(&change.address.account) else { continue };
        for body in change.requests.iter().filter_map(|request| request.body.as_ref()) {
            if let Err(name) = connection.sealer.unseal(body) {
                return stale(format!("the secret from `${name}` is not the one that the plan was made with"));
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
