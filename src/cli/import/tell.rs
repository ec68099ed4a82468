//! What an import tells: a list, or what became of each object.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::called;
use super::inventory::Managed;
use super::parts::{Found, Item, Report, Section};
use crate::capture;
use crate::cli::args::{Common, Format};
use crate::cli::screen::Screen;
use crate::cli::session::Session;
use crate::persona::name::{AccountName, Key};

/// The sections of an item for the file of its persona, each binding its object.
pub(super) fn sections(session: &Session, item: &Item, (key, shared): &(Key, Map<String, Value>)) -> Vec<Section> {
    let file = session.project.folder.join(format!("{key}.yaml"));
    let parts = item.members.iter().zip(&item.draft.parts);
    parts
        .map(|(member, part)| {
            let part = capture::Part { bind: true, ..part.clone() };
            Section { found: member.clone(), file: file.clone(), text: capture::file::pasted(key, &part, shared) }
        })
        .collect()
}

/// Lists what lives at the accounts.
pub(super) fn list(screen: &Screen, session: &Session, found: &[Found], accounts: &[AccountName]) {
    let managed = Managed::of(session);
    match screen.format {
        Format::Json => {
            let objects: Vec<Value> = found
                .iter()
                .map(|found| {
                    let address = managed.find(found).map(|(address, _)| address);
                    json!({ "account": found.account, "id": found.id, "name": found.name, "address": address })
                })
                .collect();
            screen.json(&json!({ "objects": objects }));
        }
        _ => {
            let width = found.iter().map(|found| found.id.as_str().len()).max().unwrap_or_default();
            for found in found {
                let address = managed.find(found).map(|(address, _)| format!("  ({address})")).unwrap_or_default();
                let account = if accounts.len() > 1 { format!("{}  ", found.account) } else { String::new() };
                screen.result(&format!("{account}{:width$}  {}{address}\n", found.id.as_str(), shown(&found.name)));
            }
            let names = accounts.iter().map(AccountName::as_str).collect::<Vec<_>>().join(",");
            screen.hint(&match found.len() {
                0 => format!("No persona of yours lives at {names}."),
                count => format!(
                    "\n{} of yours. Nothing was imported: name ids, `--match GLOB`, or `--all`, as in `personaform import {names} --all`.",
                    counted(count, "persona")
                ),
            });
        }
    }
}

/// Tells what became of everything.
pub(super) fn report(screen: &Screen, common: &Common, report: &Report) {
    match screen.format {
        Format::Json => screen.json(&as_json(report)),
        _ => as_text(screen, common, report),
    }
}

fn as_json(report: &Report) -> Value {
    let object = |found: &Found| json!({ "account": found.account, "id": found.id, "name": found.name });
    let with = |mut value: Value, name: &str, member: Value| {
        value[name] = member;
        value
    };
    let imported: Vec<Value> = report
        .imported
        .iter()
        .map(|kept| {
            let left: Vec<Value> = kept.left.iter().map(|(path, why)| json!({ "path": path, "why": why })).collect();
            json!({ "address": kept.address, "id": kept.id, "name": kept.name, "file": kept.file, "not_managed": left })
        })
        .collect();
    let open: Option<Vec<Value>> = report
        .planned
        .as_ref()
        .map(|planned| planned.iter().map(|(address, what)| json!({ "address": address, "what": what })).collect());
    json!({
        "dry_run": report.dry_run,
        "imported": imported,
        "skipped": report.skipped.iter().map(|skipped| {
            with(with(object(&skipped.found), "address", json!(skipped.address)), "why", json!(skipped.why))
        }).collect::<Vec<_>>(),
        "refused": report.refused.iter().map(|(found, why)| with(object(found), "why", json!(why))).collect::<Vec<_>>(),
        "sections": report.sections.iter().map(|section| {
            with(with(object(&section.found), "file", json!(section.file)), "text", json!(section.text))
        }).collect::<Vec<_>>(),
        "files": report.files.iter().map(|(path, text)| json!({ "path": path, "text": text })).collect::<Vec<_>>(),
        "notes": report.notes,
        "plan": open.map(|open| json!({ "empty": open.is_empty(), "open": open })),
    })
}

fn as_text(screen: &Screen, common: &Common, report: &Report) {
    for (path, text) in &report.files {
        screen.result(&format!("would write {}\n", path.display()));
        if common.verbose {
            let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
            screen.result(&indented);
        }
    }
    for kept in &report.imported {
        screen.result(&format!("{}  {}  {}\n", kept.address, kept.id, kept.file.display()));
        for (path, why) in kept.left.iter().filter(|_| common.verbose) {
            screen.result(&format!("    not managed: {path}: {why}\n"));
        }
    }
    for skipped in report.skipped.iter().filter(|_| common.verbose) {
        screen.aside(&format!("skipped {}: {} as {}\n", called(&skipped.found), skipped.why, skipped.address));
    }
    for section in &report.sections {
        let (file, found) = (section.file.display(), called(&section.found));
        screen.aside(&format!("\n{file} is there already and was not touched. To manage {found} with it, add this to it:\n\n"));
        screen.result(&section.text);
    }
    for (found, why) in &report.refused {
        screen.aside(&format!("not imported: {} of {}: {}\n", called(found), found.account, shown(why)));
    }
    for note in &report.notes {
        screen.aside(&format!("note: {note}\n"));
    }
    let files: BTreeSet<&PathBuf> = report.imported.iter().map(|kept| &kept.file).collect();
    let mut said = if report.dry_run {
        format!("Would import into {}", counted(report.files.len(), "file"))
    } else {
        format!("Imported {} into {}", counted(report.imported.len(), "persona"), counted(files.len(), "file"))
    };
    for (count, what) in [
        (report.skipped.len(), "managed already"),
        (report.sections.len(), "to be added by hand"),
        (report.refused.len(), "not imported"),
    ] {
        if count > 0 {
            said.push_str(&format!(", {count} {what}"));
        }
    }
    screen.result(&format!("\n{said}.\n"));
    let left: usize = report.imported.iter().map(|kept| kept.left.len()).sum();
    if left > 0 && !common.verbose {
        screen.hint(&format!("{} not managed: comments in the files say which and why.", counted(left, "field")));
    }
    match &report.planned {
        None => {}
        Some(open) if open.is_empty() => screen.result("A plan finds nothing to change in them.\n"),
        Some(open) => {
            screen.result("A plan would still change:\n");
            for (address, what) in open {
                screen.result(&format!("  {address}: {what}\n"));
            }
        }
    }
}

/// A text of a service on one line, without what moves cursors.
fn shown(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '·' } else { letter }).collect()
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
