//! Single records changed by hand: another address, forgotten, settled; and the lock of a run that has died.

use serde_json::json;

use super::{Desk, missing, note};
use crate::cli::args::ByHand;
use crate::cli::exit::{Stop, with_causes};
use crate::cli::lock::now;
use crate::persona::document::Project;
use crate::persona::name::Manage;
use crate::plan::{Address, Document, Record, RemoteId};
use crate::providers;
use crate::state::{Entry, Held, Lock, State};

/// Gives an object another address.
pub(super) async fn mv(desk: &Desk<'_>, from: &Address, to: &Address, by_hand: &ByHand) -> Result<(), Stop> {
    let (_held, mut memory) = desk.begin("state mv", by_hand).await?;
    let state = memory.state();
    let id = movable(desk, state, from, to)?.id.clone();
    let notes = advice(desk, state, from, to);
    if !by_hand.dry_run {
        note(&mut memory, &Entry::Moved { from: from.clone(), to: to.clone() })?;
    }
    let verb = if by_hand.dry_run { "Would move" } else { "Moved" };
    let sentence = format!("{verb} `{from}` to `{to}`; the object `{id}` stays as it is.");
    desk.tell(by_hand.dry_run, &sentence, json!({ "action": "mv", "from": from, "to": to, "id": id }), &notes);
    Ok(())
}

/// The record that moves, if it can.
fn movable<'a>(desk: &Desk<'_>, state: &'a State, from: &Address, to: &Address) -> Result<&'a Record, Stop> {
    if state.pending.contains_key(from) {
        return Err(Stop::failed(format!("a create of `{from}` waits for its answer"))
            .with_help(format!("say what became of it first: `personaform state resolve {from} --id ID`, or `… --absent`")));
    }
    let record = state.objects.get(from).ok_or_else(|| missing(from))?;
    if from == to {
        return Err(Stop::failed(format!("`{from}` has this address already")));
    }
    if state.objects.contains_key(to) || state.pending.contains_key(to) {
        let what = if state.objects.contains_key(to) { "is another object's" } else { "is that of a create without an answer" };
        return Err(Stop::failed(format!("the address `{to}` {what}"))
            .with_help(format!("move or forget that one first: `personaform state show {to}`")));
    }
    let Some(account) = desk.project.accounts.get(&to.account) else {
        let known: Vec<&str> = desk.project.accounts.keys().map(|name| name.as_str()).collect();
        return Err(Stop::failed(format!("`personaform.yaml` names no account `{}`", to.account))
            .with_help(format!("accounts are {}", known.join(", "))));
    };
    if account.provider != record.provider {
        return Err(Stop::failed(format!(
            "`{from}` is an object of the provider `{}`, and the account `{}` is one of `{}`",
            record.provider, to.account, account.provider
        ))
        .with_help("an object stays with its provider: name an account of the same one"));
    }
    Ok(record)
}

/// What the files must say besides, so that the next plan finds the object where it is looked for.
fn advice(desk: &Desk<'_>, state: &State, from: &Address, to: &Address) -> Vec<String> {
    let mut notes = Vec::new();
    let Some(project) = desk.whole_project() else {
        return vec!["The persona files have problems, so it is not known whether they say the new address.".to_owned()];
    };
    let has = |address: &Address| target(&project, address);
    let file = |address: &Address| match project.personas.get(&address.key) {
        Some(persona) => persona.place.path().display().to_string(),
        None => project.folder.join(format!("{}.yaml", address.key)).display().to_string(),
    };
    match (has(from), has(to)) {
        (_, true) if from.key != to.key && from.account == to.account && previously(&project, to, from) => {
            notes.push(format!("`previously: {}` in {} says the same: `apply` would have moved it.", from.key, file(to)));
        }
        (false, true) => {}
        (true, true) => notes.push(format!("{} still says `{from}`: the next plan makes an object for it anew.", file(from))),
        (true, false) if from.account == to.account => notes.push(format!(
            "Rename {} to {} too: until then, the next plan makes `{from}` anew and deletes `{to}`. `previously: {}` in the renamed \
             file, in place of this command, moves it for everybody.",
            file(from),
            file(to),
            from.key
        )),
        (true, false) => notes.push(format!(
            "Move the section `{}` of {} to `{}` in {} too: until then, the next plan makes `{from}` anew and deletes `{to}`.",
            from.account,
            file(from),
            to.account,
            file(to)
        )),
        (false, false) => notes.push(format!("No file says `{to}`: the next plan deletes it, unless you write {}.", file(to))),
    }
    if from.account != to.account {
        notes.push(format!("`personaform plan --target {to}` shows whether the object lives at `{}`.", to.account));
    }
    let others = state.objects.keys().filter(|other| from.key != to.key && other.key == from.key && *other != from);
    let others: Vec<String> = others.map(|other| format!("`{other}`")).collect();
    if !others.is_empty() {
        notes.push(format!("Also recorded under the key `{}`: {}.", from.key, others.join(", ")));
    }
    notes
}

fn target(project: &Project, address: &Address) -> bool {
    let persona = project.personas.get(&address.key);
    persona.is_some_and(|persona| persona.targets.iter().any(|target| target.account == address.account))
}

fn previously(project: &Project, to: &Address, from: &Address) -> bool {
    project.personas.get(&to.key).is_some_and(|persona| persona.previously.as_ref() == Some(&from.key))
}

/// Forgets an object.
pub(super) async fn rm(desk: &Desk<'_>, address: &Address, by_hand: &ByHand) -> Result<(), Stop> {
    let (_held, mut memory) = desk.begin("state rm", by_hand).await?;
    let record = memory.state().objects.get(address).cloned().ok_or_else(|| missing(address))?;
    if !by_hand.dry_run {
        note(&mut memory, &Entry::Removed { address: address.clone() })?;
    }
    let verb = if by_hand.dry_run { "Would forget" } else { "Forgot" };
    let sentence = format!("{verb} `{address}`; the object `{}` stays at the service.", record.id);
    let wanted = desk.whole_project().is_some_and(|project| target(&project, address));
    let notes = wanted.then(|| {
        format!(
            "The files still say `{address}`: `$id: {}` in its section binds it again, `apply --adopt` takes it by its name.",
            record.id
        )
    });
    let members = json!({ "action": "rm", "address": address, "id": record.id });
    desk.tell(by_hand.dry_run, &sentence, members, &Vec::from_iter(notes));
    Ok(())
}

/// Takes somebody's word for what became of a create.
pub(super) async fn resolve(desk: &Desk<'_>, address: &Address, id: Option<&str>, by_hand: &ByHand) -> Result<(), Stop> {
    let (_held, mut memory) = desk.begin("state resolve", by_hand).await?;
    let pending = memory.state().pending.get(address).cloned().ok_or_else(|| {
        Stop::failed(format!("no create of `{address}` is waiting for its answer"))
            .with_help("`personaform state list` shows those that are")
    })?;
    let would = if by_hand.dry_run { "Would record: " } else { "" };
    let Some(id) = id else {
        if !by_hand.dry_run {
            note(&mut memory, &Entry::Dropped { address: address.clone() })?;
        }
        let sentence = format!("{would}`{address}` was not made: the next plan makes it.");
        let members = json!({ "action": "resolve", "address": address, "id": null });
        desk.tell(by_hand.dry_run, &sentence, members, &[]);
        return Ok(());
    };
    let id = RemoteId::new(id);
    let owner = memory.state().objects.iter().find(|(other, record)| other.account == address.account && record.id == id);
    if let Some((owner, _)) = owner {
        return Err(Stop::failed(format!("the object `{id}` belongs to `{owner}`")).with_help("look for another id"));
    }
    // Where the object can be read, the next plan compares it; elsewhere what was sent is all that is known of it.
    let readable = providers::find(&pending.provider).is_some_and(|provider| provider.rules().read);
    let record = Record {
        provider: pending.provider.clone(),
        id: id.clone(),
        name: pending.name.clone(),
        applied: if readable { Document::default() } else { pending.sent.clone() },
        prevent_destroy: false,
        force_destroy: false,
        resisted: Vec::new(),
        manage: Manage::Full,
        written_at: now(),
    };
    if !by_hand.dry_run {
        note(&mut memory, &Entry::Created { address: address.clone(), record })?;
    }
    let sentence = format!("{would}`{address}` is `{id}`: the next plan compares it with the files.");
    let members = json!({ "action": "resolve", "address": address, "id": id });
    desk.tell(by_hand.dry_run, &sentence, members, &[]);
    Ok(())
}

/// Takes away the words of a holder that is gone.
pub(super) fn unlock(desk: &Desk<'_>, dry_run: bool) -> Result<(), Stop> {
    let holder = match if dry_run { Lock::left(&desk.path) } else { Lock::clear(&desk.path) } {
        Ok(holder) => holder,
        Err(error @ Held::Other(_)) => {
            return Err(Stop::refused(with_causes(&error)).with_help("that run lives: wait for it, or end its process"));
        }
        Err(error) => return Err(Stop::failed(with_causes(&error))),
    };
    let sentence = match &holder {
        Some(holder) if dry_run => format!("Would take away the lock of {holder}."),
        Some(holder) => format!("Took away the lock of {holder}."),
        None => "The state is not locked.".to_owned(),
    };
    desk.tell(dry_run, &sentence, json!({ "action": "unlock", "holder": holder }), &[]);
    Ok(())
}
