//! What the file of a draft comes to, held against what the services show: the judge of every import. A field that its section does
//! not take is to be mended; what cannot be mended is no import.

use std::path::Path;

use super::parts::{Item, Kept};
use crate::capture::Part;
use crate::cli::names::{self, Catalogues};
use crate::cli::session::Session;
use crate::persona::document::{Persona, Project};
use crate::persona::name::Pointer;
use crate::persona::problem::{Problem, Severity};
use crate::plan::diff::Comparison;
use crate::plan::value::{get, is_secret, leaves, remove, same};
use crate::plan::{Address, Live, Reading, Resource};
use crate::reconcile::Connection;

/// What is to be done with a draft.
pub(super) enum Verdict {
    Good(Vec<Kept>),
    /// Fields, each by the index of its part, that have to stay out; and parts that have to name their id.
    Mend {
        fields: Vec<(usize, Pointer, String)>,
        bind: Vec<usize>,
    },
    Bad(String),
}

/// Compares what an item's file comes to with what the services showed.
pub(super) fn judge(session: &Session, item: &Item, file: &Path, project: &Project) -> Option<Verdict> {
    let Some(persona) = project.personas.get(&item.draft.key) else {
        return Some(Verdict::Bad("its file was not loaded".to_owned()));
    };
    let (mut kept, mut fields, mut bind) = (Vec::new(), Vec::new(), Vec::new());
    for (index, part) in item.draft.parts.iter().enumerate() {
        let connection = session.connections.get(&part.account)?;
        let live = &item.lives[index];
        let resource = match compiled(connection, &session.catalogues, persona, part) {
            Ok(resource) => resource,
            Err(problems) => {
                let culprits = culprits(persona, part, &problems);
                if culprits.is_empty() && part.bind {
                    return Some(Verdict::Bad(words(&problems)));
                }
                if culprits.is_empty() {
                    bind.push(index);
                }
                fields.extend(culprits.into_iter().map(|(path, why)| (index, path, why)));
                continue;
            }
        };
        match mismatch(connection, &resource, live, part) {
            None => kept.push(kept_part(connection, &resource, live, part, file)),
            Some(path) if get(&part.section.fields, &path).is_some() && !item.refused[index].contains_key(&path) => {
                fields.push((index, path, "its section does not take it together with the other fields".to_owned()));
            }
            Some(path) => {
                let why = format!("its file would come to something else than the service shows, at `{path}`");
                return Some(Verdict::Bad(why));
            }
        }
    }
    Some(if fields.is_empty() && bind.is_empty() { Verdict::Good(kept) } else { Verdict::Mend { fields, bind } })
}

/// What the target of a part comes to, with ids in the place of names.
fn compiled(
    connection: &Connection,
    catalogues: &Catalogues,
    persona: &Persona,
    part: &Part,
) -> Result<Resource, Vec<Problem>> {
    let Some(target) = persona.targets.iter().find(|target| target.account == part.account) else {
        return Err(vec![Problem::nowhere("no-target", "its section was not loaded")]);
    };
    let address = Address::new(part.account.clone(), persona.key.clone());
    let mut resource = connection.provider.compile(&address, persona, target)?;
    connection.sealer.seal(&mut resource.fields);
    names::settle(catalogues, &part.account, &mut resource.fields);
    Ok(resource)
}

/// The first field in which a compiled section is not what was seen; none: all is as it should be.
fn mismatch(connection: &Connection, resource: &Resource, live: &Live, part: &Part) -> Option<Pointer> {
    let wanted = &part.section.fields;
    if resource.name != live.name && !live.name.is_empty() {
        return part.shared.iter().find(|(shared, _)| *shared == "name").and_then(|(_, path)| Pointer::parse(path).ok());
    }
    if let Some(path) = disagreement(connection, resource, live) {
        return Some(path);
    }
    let lost = leaves(wanted).into_iter().find(|(path, value)| {
        !get(&resource.fields, path).is_some_and(|compiled| same(compiled, value) || is_secret(compiled) && is_secret(value))
    });
    let added = leaves(&resource.fields).into_iter().find(|(path, value)| {
        let from_defaults = get(&part.defaults, path).is_some_and(is_secret);
        !value.is_null() && get(wanted, path).is_none() && !from_defaults
    });
    lost.or(added).map(|(path, _)| path)
}

/// Whether a resource wants exactly what the service shows.
pub(super) fn agrees(connection: &Connection, resource: &Resource, live: &Live) -> bool {
    disagreement(connection, resource, live).is_none()
}

/// What is remembered of a resource.
pub(super) fn kept(connection: &Connection, resource: &Resource, live: &Live, file: &Path) -> Kept {
    let mut applied = resource.fields.clone();
    // Nobody can see whether these are set as the file says, so the next apply writes them.
    for rule in connection.provider.rules().fields.iter().filter(|rule| rule.reading == Reading::Never) {
        if let Ok(path) = Pointer::parse(rule.path) {
            remove(&mut applied, &path);
        }
    }
    Kept {
        address: resource.address.clone(),
        provider: connection.provider.id().to_owned(),
        id: live.id.clone(),
        name: resource.name.clone(),
        applied,
        prevent_destroy: resource.prevent_destroy,
        force_destroy: resource.force_destroy,
        manage: resource.manage,
        file: file.to_path_buf(),
        left: Vec::new(),
    }
}

fn kept_part(connection: &Connection, resource: &Resource, live: &Live, part: &Part, file: &Path) -> Kept {
    let left = part.section.left.iter().map(|left| (left.path.clone(), left.why.words())).collect();
    Kept { left, ..kept(connection, resource, live, file) }
}

/// What the problems of a project that does not load say against an item; none: they are about others.
pub(super) fn blame(file: &Path, problems: &[Problem]) -> Option<Verdict> {
    let errors: Vec<&Problem> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    let about = |problem: &&&Problem| problem.place.as_ref().is_some_and(|place| place.path() == file);
    let ours: Vec<Problem> = errors.iter().filter(about).map(|problem| (*problem).clone()).collect();
    (!ours.is_empty()).then(|| Verdict::Bad(words(&ours)))
}

/// The first field in which a plan would find something to do.
fn disagreement(connection: &Connection, resource: &Resource, live: &Live) -> Option<Pointer> {
    let documents = std::iter::once(&live.fields).chain(live.released.as_ref().filter(|_| resource.release));
    for document in documents {
        let found = Comparison {
            desired: &resource.fields,
            applied: &resource.fields,
            live: document,
            rules: connection.provider.rules(),
            ignore: &resource.ignore,
        }
        .differences();
        let path = found.edits.into_iter().map(|edit| edit.path).chain(found.stuck.into_iter().map(|(path, _)| path)).next();
        if path.is_some() {
            return path;
        }
    }
    None
}

/// The fields of a section that problems point at.
fn culprits(persona: &Persona, part: &Part, problems: &[Problem]) -> Vec<(Pointer, String)> {
    let target = persona.targets.iter().find(|target| target.account == part.account);
    let mut found = Vec::new();
    for problem in problems {
        let (Some(place), Some(target)) = (&problem.place, target) else { continue };
        let pointed = target.places.fields().filter(|(_, at)| *at == place).filter_map(|(path, _)| Pointer::parse(path).ok());
        let leaf = pointed.filter(|path| !path.is_root()).max_by_key(|path| path.segments().len());
        if let Some(path) = leaf.filter(|path| get(&part.section.fields, path).is_some()) {
            found.push((path, problem.message.clone()));
        }
    }
    found
}

fn words(problems: &[Problem]) -> String {
    problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; ")
}
