//! Writes drafts into the project, loads the project again, and keeps only what says exactly what the service shows. A field that
//! its section does not take is left unmanaged and named; a draft that cannot be mended is taken away again, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::inventory::Found;
use super::naming::Group;
use super::tell::Report;
use crate::capture::{self, Draft, Part, Sight, Texts};
use crate::cli::exit::Stop;
use crate::cli::files::write_new;
use crate::cli::project::variable;
use crate::cli::session::Session;
use crate::persona::document::{Persona, Project};
use crate::persona::{Overlay, load_with};
use crate::persona::name::{Key, Manage, Pointer};
use crate::persona::problem::{Problem, Severity};
use crate::plan::diff::Comparison;
use crate::plan::value::{get, is_secret, leaves, remove, same};
use crate::plan::{Address, Live, Reading, RemoteId, Resource};
use crate::providers;
use crate::reconcile::Connection;

/// How often a draft is mended before it is given up.
const ROUNDS: usize = 8;

/// Objects on their way into one file.
pub(super) struct Item {
    /// What is written.
    pub(super) draft: Draft,
    /// Whose they are, in the order of the draft's parts.
    pub(super) members: Vec<Found>,
    /// What the services showed of each.
    pub(super) lives: Vec<Live>,
    /// Fields that turned out not to fit, of each.
    refused: Vec<BTreeMap<Pointer, String>>,
}

/// An object that is in a file now.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Its address.
    pub(super) address: Address,
    /// The provider's id.
    pub(super) provider: String,
    /// Its id there.
    pub(super) id: RemoteId,
    /// Its display name.
    pub(super) name: String,
    /// What state shall remember as applied.
    pub(super) applied: Map<String, Value>,
    /// Whether its target forbids a delete.
    pub(super) prevent_destroy: bool,
    /// Whether its target allows a delete although something uses it.
    pub(super) force_destroy: bool,
    /// What may be done to it.
    pub(super) manage: Manage,
    /// The persona file, relative to the root.
    pub(super) file: PathBuf,
    /// Unmanaged fields, each with the reason.
    pub(super) left: Vec<(Pointer, String)>,
}

/// What came of one batch.
#[derive(Default)]
pub(super) struct Outcome {
    /// What is in files now.
    pub(super) kept: Vec<Kept>,
    /// Why nothing more can be written.
    pub(super) stopped: Option<Stop>,
}

/// What keeping takes.
pub(super) struct Keeper {
    root: PathBuf,
    folder: PathBuf,
    schema: Option<String>,
    sections: BTreeMap<String, Value>,
    sandbox: bool,
    taken: BTreeSet<Key>,
    claimed: BTreeSet<Address>,
}

/// What is to be done with a draft.
enum Verdict {
    Good(Vec<Kept>),
    /// Fields, each by the index of its part, that have to stay out; and parts that have to name their id.
    Mend {
        fields: Vec<(usize, Pointer, String)>,
        bind: Vec<usize>,
    },
    Bad(String),
}

impl Keeper {
    /// A keeper for a project.
    pub(super) fn new(session: &Session, sections: &BTreeMap<String, Value>) -> Self {
        let (root, folder) = (session.project.root.clone(), session.project.folder.clone());
        let up = "../".repeat(folder.components().count());
        let schema = root.join("schemas/persona.schema.json").is_file().then(|| format!("{up}schemas/persona.schema.json"));
        let sandbox = session.is_sandbox();
        let sections = sections.clone();
        Self { root, folder, schema, sections, sandbox, taken: BTreeSet::new(), claimed: BTreeSet::new() }
    }

    /// A group as an item without a key.
    pub(super) fn item(&self, group: Group) -> Item {
        let mut item = Item {
            draft: Draft { key: Key::new(""), parts: Vec::new() },
            refused: vec![BTreeMap::new(); group.members.len()],
            lives: Vec::new(),
            members: Vec::new(),
        };
        for mut member in group.members {
            if let Some(live) = member.live.take() {
                item.lives.push(live);
                item.members.push(member);
            }
        }
        item
    }

    /// Makes the draft's parts anew from what the services showed and what turned out not to fit.
    pub(super) fn redraft(&self, session: &Session, item: &mut Item) {
        let bound: BTreeSet<RemoteId> = item.draft.parts.iter().filter(|part| part.bind).map(|part| part.id.clone()).collect();
        item.draft.parts.clear();
        for ((member, live), refused) in item.members.iter().zip(&item.lives).zip(&item.refused) {
            let (Some(connection), Some(account)) =
                (session.connections.get(&member.account), session.project.accounts.get(&member.account))
            else {
                continue;
            };
            let provider = connection.provider;
            let Some(schema) = self.sections.get(&account.section) else { continue };
            let section = capture::section::section(&Sight { live, rules: provider.rules(), schema, refused });
            item.draft.parts.push(Part {
                account: member.account.clone(),
                bind: bound.contains(&member.id),
                id: member.id.clone(),
                section,
                defaults: account.defaults.clone(),
                shared: provider.shared(),
            });
        }
    }

    /// The texts of an item, at their paths below the root.
    pub(super) fn texts(&self, item: &Item) -> Vec<(PathBuf, String)> {
        let Texts { yaml, prompts } = capture::file::texts(&item.draft, self.schema.as_deref());
        let mut texts: Vec<(PathBuf, String)> =
            prompts.into_iter().map(|(path, text)| (self.folder.join(path), text)).collect();
        // The persona file comes last: as long as it is not there, nothing is.
        texts.push((self.file(&item.draft.key), yaml));
        texts
    }

    fn file(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{key}.yaml"))
    }

    /// Whether an item's key and files are free. A prompt file that says the same already is no obstacle.
    pub(super) fn is_free(&self, item: &Item) -> bool {
        if self.taken.contains(&item.draft.key) {
            return false;
        }
        let other = self.folder.join(format!("{}.yml", item.draft.key));
        let is_there = |path: &Path| self.root.join(path).symlink_metadata().is_ok();
        !is_there(&other)
            && self.texts(item).iter().all(|(path, text)| !is_there(path) || (!is_yaml(path) && self.holds(path, text)))
    }

    fn holds(&self, path: &Path, text: &str) -> bool {
        fs::read(self.root.join(path)).is_ok_and(|bytes| bytes == text.as_bytes())
    }

    /// Gives a key away.
    pub(super) fn take(&mut self, key: &Key) {
        self.taken.insert(key.clone());
    }

    /// Whether an address was given to an object in this run.
    pub(super) fn is_claimed(&self, address: &Address) -> bool {
        self.claimed.contains(address)
    }

    /// Gives an address to an object.
    pub(super) fn claim(&mut self, address: &Address) {
        self.claimed.insert(address.clone());
    }

    /// Writes items, checks them, and takes away what cannot be kept.
    pub(super) fn keep(&self, session: &Session, items: Vec<Item>, report: &mut Report) -> Outcome {
        let mut outcome = Outcome::default();
        let mut open = items;
        let vocabulary = providers::vocabulary();
        for _ in 0..ROUNDS {
            if open.is_empty() || outcome.stopped.is_some() {
                break;
            }
            let mut written: Vec<Vec<PathBuf>> = Vec::new();
            for item in &open {
                match self.write(item) {
                    Ok(paths) => written.push(paths),
                    Err(stop) => {
                        outcome.stopped = Some(stop);
                        break;
                    }
                }
            }
            // Those behind a failed write have no files, and come again with the next run.
            open.truncate(written.len());
            // Only what was just written: the whole project would be loaded as often as there are batches.
            let only = Some(open.iter().map(|item| item.draft.key.clone()).collect());
            let overlay = Overlay { only, ..Overlay::default() };
            let loaded = load_with(&self.root, &vocabulary, &|name| self.variable(name), &overlay);
            let mut again = Vec::new();
            for (mut item, paths) in open.into_iter().zip(written) {
                let verdict = match &loaded.project {
                    Some(project) => self.judge(session, &item, project),
                    None => self.blame(&item, &loaded.problems),
                };
                match verdict {
                    Some(Verdict::Good(kept)) => {
                        outcome.kept.extend(kept);
                        report.notes.extend(self.texts(&item).iter().filter_map(|(path, text)| fragile(path, text)));
                        continue;
                    }
                    Some(Verdict::Mend { fields, bind }) => {
                        for (index, path, why) in fields {
                            item.refused[index].insert(path, why);
                        }
                        for index in bind {
                            item.draft.parts[index].bind = true;
                        }
                        self.redraft(session, &mut item);
                        again.push(item);
                    }
                    Some(Verdict::Bad(why)) => {
                        report.refused.extend(item.members.iter().map(|member| (member.clone(), why.clone())));
                    }
                    None => again.push(item),
                }
                for path in paths {
                    // A file that cannot be taken away is found by the next `validate`.
                    let _ = fs::remove_file(self.root.join(path));
                }
            }
            open = again;
        }
        for item in open {
            let why = "its file does not come to what the service shows, however it is written".to_owned();
            report.refused.extend(item.members.into_iter().map(|member| (member, why.clone())));
        }
        outcome
    }

    fn variable(&self, name: &str) -> Option<String> {
        variable(self.sandbox, name)
    }

    /// Writes the files of an item, all or none, and gives those that were not there before.
    fn write(&self, item: &Item) -> Result<Vec<PathBuf>, Stop> {
        let mut written: Vec<PathBuf> = Vec::new();
        for (path, text) in self.texts(item) {
            if !is_yaml(&path) && self.holds(&path, &text) {
                continue;
            }
            if let Err(error) = write_new(&self.root.join(&path), &text) {
                for path in written {
                    let _ = fs::remove_file(self.root.join(path));
                }
                return Err(Stop::failed(format!("`{}` cannot be written: {error}", path.display()))
                    .with_help("mend that and run the same import again: it goes on where it stopped"));
            }
            written.push(path);
        }
        Ok(written)
    }

    /// Compares what an item's file comes to with what the services showed.
    fn judge(&self, session: &Session, item: &Item, project: &Project) -> Option<Verdict> {
        let Some(persona) = project.personas.get(&item.draft.key) else {
            return Some(Verdict::Bad("its file was not loaded".to_owned()));
        };
        let (mut kept, mut fields, mut bind) = (Vec::new(), Vec::new(), Vec::new());
        for (index, part) in item.draft.parts.iter().enumerate() {
            let connection = session.connections.get(&part.account)?;
            let live = &item.lives[index];
            let resource = match self.compiled(connection, persona, part) {
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
            match self.mismatch(connection, &resource, live, part) {
                None => kept.push(self.kept_part(connection, &resource, live, part)),
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

    fn compiled(&self, connection: &Connection, persona: &Persona, part: &Part) -> Result<Resource, Vec<Problem>> {
        let Some(target) = persona.targets.iter().find(|target| target.account == part.account) else {
            return Err(vec![Problem::nowhere("no-target", "its section was not loaded")]);
        };
        let address = Address::new(part.account.clone(), persona.key.clone());
        let mut resource = connection.provider.compile(&address, persona, target)?;
        connection.sealer.seal(&mut resource.fields);
        Ok(resource)
    }

    /// The first field in which a compiled section is not what was seen; none: all is as it should be.
    fn mismatch(&self, connection: &Connection, resource: &Resource, live: &Live, part: &Part) -> Option<Pointer> {
        let wanted = &part.section.fields;
        if resource.name != live.name && !live.name.is_empty() {
            return part.shared.iter().find(|(shared, _)| *shared == "name").and_then(|(_, path)| Pointer::parse(path).ok());
        }
        if let Some(path) = disagreement(connection, resource, live) {
            return Some(path);
        }
        let lost = leaves(wanted).into_iter().find(|(path, value)| {
            !get(&resource.fields, path)
                .is_some_and(|compiled| same(compiled, value) || is_secret(compiled) && is_secret(value))
        });
        let added = leaves(&resource.fields).into_iter().find(|(path, value)| {
            let from_defaults = get(&part.defaults, path).is_some_and(is_secret);
            !value.is_null() && get(wanted, path).is_none() && !from_defaults
        });
        lost.or(added).map(|(path, _)| path)
    }

    /// Whether a resource wants exactly what the service shows.
    pub(super) fn agrees(&self, connection: &Connection, resource: &Resource, live: &Live) -> bool {
        disagreement(connection, resource, live).is_none()
    }

    /// What is remembered of a resource.
    pub(super) fn kept(&self, connection: &Connection, resource: &Resource, live: &Live) -> Kept {
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
            file: self.file(&resource.address.key),
            left: Vec::new(),
        }
    }

    fn kept_part(&self, connection: &Connection, resource: &Resource, live: &Live, part: &Part) -> Kept {
        let left = part.section.left.iter().map(|left| (left.path.clone(), left.why.words())).collect();
        Kept { left, ..self.kept(connection, resource, live) }
    }

    /// What the problems of a project that does not load say against an item; none: they are about others.
    fn blame(&self, item: &Item, problems: &[Problem]) -> Option<Verdict> {
        let errors: Vec<&Problem> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        let file = self.file(&item.draft.key);
        let about = |problem: &&&Problem| problem.place.as_ref().is_some_and(|place| place.path() == file);
        let ours: Vec<Problem> = errors.iter().filter(about).map(|problem| (*problem).clone()).collect();
        (!ours.is_empty()).then(|| Verdict::Bad(words(&ours)))
    }
}

/// What git or an editor would do to a prompt file whose bytes they do not leave alone.
fn fragile(path: &Path, text: &str) -> Option<String> {
    let path = path.display();
    if text.contains('\0') {
        return Some(format!("`{path}` holds a NUL, as the service does: git and editors take it for binary"));
    }
    text.contains('\r').then(|| {
        format!("`{path}` holds carriage returns, as the service does: `{path} -text` in `.gitattributes` keeps git from changing them")
    })
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml")
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
        let pointed = target.places.fields.iter().filter(|(_, at)| *at == place).map(|(path, _)| path);
        let leaf = pointed.filter(|path| !path.is_root()).max_by_key(|path| path.segments().len());
        if let Some(path) = leaf.filter(|path| get(&part.section.fields, path).is_some()) {
            found.push((path.clone(), problem.message.clone()));
        }
    }
    found
}

fn words(problems: &[Problem]) -> String {
    problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; ")
}
