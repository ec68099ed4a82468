//! ALL: the list of providers, and what is done with each of them alike.

pub mod anam;
pub mod bland;
pub mod docs;
pub mod field;
pub mod open_object;
pub mod opengiant;
pub mod refusal;
pub mod remarks;
pub mod starter;
pub mod tavus;
#[cfg(test)]
mod trial;

use std::collections::BTreeMap;
use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::persona::document::{self, Account, Persona, Project, Target};
use crate::persona::name::{AccountName, Key, Pointer};
use crate::persona::problem::{Place, Problem};
use crate::persona::{ProviderWords, Section, Vocabulary, in_parts};
use crate::plan::value::lookups;
use crate::plan::{Address, Piece, Resource, Source, Sources, Whereabouts};
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

/// The provider of an account, as the account's settings make it.
pub fn configured(account: &Account) -> Option<&'static dyn Provider> {
    let provider = find(&account.provider)?;
    Some(provider.configured(&account.options).unwrap_or(provider))
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
        section: Section::new(move || section(provider)),
        releases: provider.rules().releases,
        key_variable: provider.service().key_variable,
        options: provider.options(),
        sections: sections(provider),
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

/// The section schemas that differ by an account's settings, by the setting's value.
fn sections(provider: &'static dyn Provider) -> BTreeMap<String, Section> {
    let mut sections = BTreeMap::new();
    for (name, schema) in provider.options().iter().filter(|(_, schema)| schema.get("x-section").is_some()) {
        for value in schema["enum"].as_array().into_iter().flatten() {
            let options = Map::from_iter([(name.clone(), value.clone())]);
            let other = provider.configured(&options).filter(|other| !std::ptr::addr_eq(*other, provider));
            if let (Some(value), Some(other)) = (value.as_str(), other) {
                sections.insert(value.to_owned(), Section::new(move || section(other)));
            }
        }
    }
    sections
}

/// What the files of a project come to.
#[derive(Debug, Default)]
pub struct Compiled {
    /// What is wanted, per address. Secrets stand as `{"$env": NAME}`.
    pub resources: BTreeMap<Address, Resource>,
    /// New address to old address (`previously`).
    pub moves: BTreeMap<Address, Address>,
    /// What is no obstacle, and worth knowing.
    pub warnings: Vec<Problem>,
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

/// What one persona comes to.
#[derive(Debug)]
pub struct Part {
    /// The key that it had before (`previously`).
    pub previously: Option<Key>,
    /// What is wanted, by target. Secrets stand as `{"$env": NAME}`.
    pub resources: Vec<Resource>,
    warnings: Vec<Problem>,
    problems: Vec<Problem>,
}

/// Compiles every target of a persona.
pub fn compile_persona(accounts: &BTreeMap<AccountName, Account>, persona: &Persona) -> Part {
    let resources = Vec::with_capacity(persona.targets.len());
    let mut part = Part { previously: persona.previously.clone(), resources, warnings: Vec::new(), problems: Vec::new() };
    for target in &persona.targets {
        let provider = accounts.get(&target.account).and_then(configured);
        let Some(provider) = provider else { continue };
        let address = Address::new(target.account.clone(), persona.key.clone());
        match provider.compile(&address, persona, target) {
            Ok(resource) => {
                part.problems.extend(unknown_kinds(provider, target, &resource));
                part.warnings.extend(provider.advice(target));
                part.resources.push(resource);
            }
            Err(more) => part.problems.extend(more),
        }
    }
    part
}

impl Compiled {
    /// What personas come to together.
    ///
    /// # Errors
    /// All problems of all targets.
    pub fn of(parts: Vec<Part>) -> Result<Self, Vec<Problem>> {
        let mut compiled = Self::default();
        let mut problems = Vec::new();
        let mut resources = Vec::with_capacity(parts.len());
        for mut part in parts {
            for resource in part.resources {
                let address = resource.address.clone();
                let former = part.previously.clone().map(|old| Address::new(address.account.clone(), old));
                compiled.moves.extend(former.map(|old| (address.clone(), old)));
                resources.push((address, resource));
            }
            compiled.warnings.append(&mut part.warnings);
            problems.append(&mut part.problems);
        }
        // At once, since a map that grows in order keeps half of its room empty.
        compiled.resources = resources.into_iter().collect();
        if problems.is_empty() { Ok(compiled) } else { Err(problems) }
    }
}

/// Compiles every target of every persona.
///
/// # Errors
/// All problems of all targets.
pub fn compile(project: &Project) -> Result<Compiled, Vec<Problem>> {
    let personas: Vec<&Persona> = project.personas.values().collect();
    let parts = in_parts(&personas, |personas| {
        personas.iter().map(|persona| compile_persona(&project.accounts, persona)).collect::<Vec<_>>()
    });
    Compiled::of(parts.into_iter().flatten().collect())
}

impl Whereabouts for Project {
    fn of_target(&self, address: &Address) -> Option<Sources> {
        let persona = self.personas.get(&address.key)?;
        let target = persona.targets.iter().find(|target| target.account == address.account)?;
        let provider = configured(self.accounts.get(&address.account)?)?;
        Some(sources(provider, persona, target))
    }

    fn of_persona(&self, key: &Key) -> Option<Source> {
        let persona = self.personas.get(key).filter(|persona| !persona.targets.is_empty())?;
        Some(file_of(persona))
    }
}

fn file_of(persona: &Persona) -> Source {
    Source { line: 1, column: 1, ..source(&persona.place) }
}

/// Where the fields of a target were written: in its section, or where the persona says for all targets what the section does not.
fn sources(provider: &dyn Provider, persona: &Persona, target: &Target) -> Sources {
    let mut fields: BTreeMap<Pointer, Source> = BTreeMap::new();
    let mut pieces: BTreeMap<Pointer, Vec<Piece>> = BTreeMap::new();
    for (shared, here) in provider.shared() {
        let shared = format!("/{shared}");
        let Ok(here) = Pointer::parse(here) else { continue };
        let from = persona.places.fields().find(|(at, _)| *at == shared);
        let made = persona.places.pieces().find(|(at, _)| *at == shared);
        fields.extend(from.map(|(_, place)| (here.clone(), source(place))));
        pieces.extend(made.map(|(_, made)| (here, made.iter().map(piece).collect())));
    }
    // What the section says itself takes the place of what is shared, whole.
    for (at, place) in target.places.fields().filter_map(|(at, place)| Some((Pointer::parse(at).ok()?, place))) {
        pieces.remove(&at);
        fields.insert(at, source(place));
    }
    let own = target.places.pieces().filter_map(|(at, made)| Some((Pointer::parse(at).ok()?, made)));
    pieces.extend(own.map(|(at, made)| (at, made.iter().map(piece).collect())));
    Sources { persona: file_of(persona), section: source(&target.places.section), fields, pieces }
}

fn source(place: &Place) -> Source {
    let (line, column) = place.line_and_column();
    Source { path: slashed(place.path()), line, column }
}

fn piece(piece: &document::Piece) -> Piece {
    let source = Source { path: slashed(&piece.path), line: piece.at, column: 1 };
    Piece { line: piece.line, source, by_line: piece.by_line }
}

fn slashed(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_a_section_has_a_section_of_its_own() {
        for (id, words) in vocabulary().providers {
            let usual = words.section.schema();
            for (value, section) in &words.sections {
                assert_ne!(section.schema(), usual, "{id} {value}");
            }
            let names: Vec<&str> = words.sections.keys().map(String::as_str).collect();
            assert_eq!(names, if id == "tavus" { vec!["pals"] } else { vec![] });
        }
    }
}
