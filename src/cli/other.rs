//! The small commands: `validate`, `schema`, `sandbox`.

use std::collections::BTreeMap;

use serde_json::json;

use super::args::{Common, Document, Format, SandboxArgs, SchemaArgs};
use super::aside::aside;
use super::exit::{Exit, Stop};
use super::interrupt::Interrupt;
use super::miniatures::{sandbox_key, serve_sandbox};
use super::project::{read_project, root};
use super::screen::Screen;
use crate::persona::{find_root, schema};
use crate::providers;
use crate::schemas;

/// Checks all files.
///
/// # Errors
/// When they have problems.
pub(super) fn validate(common: &Common, screen: &Screen) -> Result<Exit, Stop> {
    let root = root(common)?;
    let (project, targets) = read_project(common, screen, &root)?;
    if screen.format == Format::Text {
        let (personas, targets) = (counted(project.personas.len(), "persona"), counted(targets, "target"));
        screen.result(&format!("No problems in {personas} with {targets}.\n"));
    }
    aside(project);
    screen.publish_warnings()?;
    Ok(Exit::Done)
}

/// Prints a JSON Schema.
///
/// # Errors
/// When the project's files have problems.
pub(super) fn schema(common: &Common, screen: &Screen, args: &SchemaArgs) -> Result<Exit, Stop> {
    let document = match args.document {
        Document::Project => schemas::project(),
        Document::Persona => match project_root(common).filter(|_| !args.general) {
            Some(root) => {
                let loaded = crate::persona::load_accounts(&root, &providers::vocabulary());
                schema::persona_schema(&providers::vocabulary(), &loaded.map_err(Stop::Problems)?)
            }
            None => schemas::persona(),
        },
        Document::State => schemas::state(),
        Document::Plan => schemas::plan(),
        Document::Outcome => schemas::outcome(),
        Document::Drift => schemas::drift(),
        Document::Problems => schemas::problems(),
    };
    screen.result(&format!("{document:#}\n"));
    Ok(Exit::Done)
}

fn project_root(common: &Common) -> Option<std::path::PathBuf> {
    find_root(&std::path::absolute(&common.dir).ok()?)
}

/// Serves the miniatures until somebody interrupts.
///
/// # Errors
/// When the address is not loopback or in use.
pub(super) async fn sandbox(common: &Common, screen: &Screen, args: &SandboxArgs, interrupt: &Interrupt) -> Result<Exit, Stop> {
    let common = Common { sandbox: true, ..common.clone() };
    let root = root(&common)?;
    let (project, _) = read_project(&common, screen, &root)?;
    if !args.listen.ip().is_loopback() {
        return Err(Stop::refused(format!("`{}` is not a loopback address", args.listen))
            .with_help("the miniatures are for this machine alone: listen on 127.0.0.1 or [::1]"));
    }
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .map_err(|error| Stop::failed(format!("cannot listen on {}: {error}", args.listen)))?;
    let running = serve_sandbox(listener, &root, &project).await?;
    let mut served = BTreeMap::new();
    for account in project.accounts.values() {
        let Some(provider) = providers::configured(account) else { continue };
        let service = provider.service();
        let url = running.base_url(account.name.as_str());
        let header = format!("{}: {}{}", service.key_header, service.key_prefix, sandbox_key(account));
        let variable = account.key_variable.clone().unwrap_or_else(|| service.key_variable.to_owned());
        served.insert(account.name.to_string(), (url, header, variable, sandbox_key(account)));
    }
    match screen.format {
        Format::Json => {
            let accounts: BTreeMap<&String, serde_json::Value> = served
                .iter()
                .map(|(name, (url, header, variable, key))| {
                    (name, json!({"base_url": url, "header": header, "key_variable": variable, "key": key}))
                })
                .collect();
            screen.json(&json!({ "accounts": accounts }));
        }
        _ => {
            for (name, (url, header, variable, key)) in &served {
                screen.result(&format!("{name}\n  base_url  {url}\n  header    {header}\n  key       {variable}={key}\n"));
            }
            screen.hint("\nServing until interrupted.");
        }
    }
    if interrupt.begin_orderly() {
        interrupt.signalled().await;
    }
    drop(running);
    Ok(Exit::Done)
}

pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
