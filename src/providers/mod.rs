//! ALL: the list of providers, and what is done with each of them alike.

pub mod anam;
pub mod bland;
pub mod field;
pub mod open_object;
pub mod opengiant;
pub mod tavus;
#[cfg(test)]
mod trial;

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::persona::document::{Project, Target};
use crate::persona::problem::Problem;
use crate::persona::{ProviderWords, Vocabulary};
use crate::plan::value::lookups;
use crate::plan::{Address, Resource};
use crate::provider::Provider;
use crate::sandbox::Miniature;

/// Every provider, in the order of the provider table.
pub fn all() -> [&'static dyn Provider; 4] {
    [&tavus::TAVUS, &anam::ANAM, &bland::BLAND, &opengiant::OPENGIANT]
}

/// The provider with an id.
pub fn find(id: &str) -> Option<&'static dyn Provider> {
    all().into_iter().find(|provider| provider.id() == id)
}

/// A fresh miniature of a provider's service that takes one key.
pub fn miniature(id: &str, key: &str) -> Option<Box<dyn Miniature>> {
    match id {
        "tavus" => Some(Box::new(tavus::sandbox::Sandbox::new(key))),
        "anam" => Some(Box::new(anam::sandbox::Sandbox::new(key))),
        "bland" => Some(Box::new(bland::sandbox::Sandbox::new(key))),
        "opengiant" => Some(Box::new(opengiant::sandbox::Sandbox::new(key))),
        _ => None,
    }
}

/// What the loader must know of the providers.
pub fn vocabulary() -> Vocabulary {
    let words = |provider: &'static dyn Provider| ProviderWords {
        section: section(provider),
        releases: provider.rules().releases,
        key_variable: provider.service().key_variable,
    };
    Vocabulary { providers: all().into_iter().map(|provider| (provider.id().to_owned(), words(provider))).collect() }
}

/// The schema of a provider's target section, with nothing to look up elsewhere.
fn section(provider: &dyn Provider) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    provider.section(&mut settings.into_generator()).to_value()
}

/// What the files of a project come to.
#[derive(Debug)]
pub struct Compiled {
    /// What is wanted, per address. Secrets stand as `{"$env": NAME}`.
    pub resources: BTreeMap<Address, Resource>,
    /// New address to old address (`previously`).
    pub moves: BTreeMap<Address, Address>,
}

/// Lookups of kinds that the provider does not have.
fn unknown_kinds(provider: &dyn Provider, target: &Target, resource: &Resource) -> Vec<Problem> {
    let kinds: Vec<&str> = provider.catalogues().iter().map(|catalogue| catalogue.kind).collect();
    let unknown = lookups(&resource.fields).into_iter().filter(|(_, kind, _)| !kinds.contains(kind));
    unknown
        .map(|(path, kind, _)| {
            let title = provider.service().title;
            let message = format!("{title} has nothing of the kind `{kind}` that could be looked up");
            let problem = Problem::error("unknown-kind", target.places.of(&path), message);
            let listed: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
            problem.with_help(match listed.is_empty() {
                true => "write the id".to_owned(),
                false => format!("kinds are {}", listed.join(", ")),
            })
        })
        .collect()
}

/// Compiles every target of every persona.
///
/// # Errors
/// All problems of all targets.
pub fn compile(project: &Project) -> Result<Compiled, Vec<Problem>> {
    let mut compiled = Compiled { resources: BTreeMap::new(), moves: BTreeMap::new() };
    let mut problems = Vec::new();
    for persona in project.personas.values() {
        for target in &persona.targets {
            let provider = project.accounts.get(&target.account).and_then(|account| find(&account.provider));
            let Some(provider) = provider else { continue };
            let address = Address::new(target.account.clone(), persona.key.clone());
            match provider.compile(&address, persona, target) {
                Ok(resource) => {
                    problems.extend(unknown_kinds(provider, target, &resource));
                    if let Some(old) = &persona.previously {
                        compiled.moves.insert(address.clone(), Address::new(target.account.clone(), old.clone()));
                    }
                    compiled.resources.insert(address, resource);
                }
                Err(more) => problems.extend(more),
            }
        }
    }
    if problems.is_empty() { Ok(compiled) } else { Err(problems) }
}
