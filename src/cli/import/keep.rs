//! Writes drafts into the project, loads the project again, and keeps only what says exactly what the service shows. A field that
//! its section does not take is left unmanaged and named; a draft that cannot be mended is taken away again, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::judge::{Verdict, blame, judge};
use super::parts::{Group, Item, Kept, Report};
use crate::capture::{self, Draft, Part, Sight, Texts};
use crate::cli::exit::Stop;
use crate::cli::files::write_new;
use crate::cli::names::called;
use crate::cli::project::variable;
use crate::cli::session::Session;
use crate::persona::name::Key;
use crate::persona::{Overlay, Vocabulary, load_with};
use crate::plan::{Address, RemoteId};
use crate::providers;

/// How often a draft is mended before it is given up.
const ROUNDS: usize = 8;

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
    vocabulary: Vocabulary,
    sections: BTreeMap<String, Value>,
    /// The keys of the project's personas, by how they look where case means nothing.
    known: BTreeMap<String, Key>,
    sandbox: bool,
    /// Whether names are written in the place of ids.
    lookups: bool,
    taken: BTreeSet<Key>,
    claimed: BTreeSet<Address>,
}

impl Keeper {
    /// A keeper for a project.
    pub(super) fn new(session: &Session, lookups: bool) -> Self {
        let (root, folder) = (session.project.root.clone(), session.project.folder.clone());
        let up = "../".repeat(folder.components().count());
        let schema = root.join("schemas/persona.schema.json").is_file().then(|| format!("{up}schemas/persona.schema.json"));
        let sandbox = session.is_sandbox();
        let vocabulary = providers::vocabulary();
        let mut sections = BTreeMap::new();
        for (id, words) in &vocabulary.providers {
            sections.insert(id.clone(), words.section.schema());
            sections.extend(words.sections.iter().map(|(value, section)| (format!("{id}-{value}"), section.schema())));
        }
        let known = session.project.personas.keys().map(|key| (key.as_str().to_ascii_lowercase(), key.clone())).collect();
        Self {
            root,
            folder,
            schema,
            vocabulary,
            sections,
            known,
            sandbox,
            lookups,
            taken: BTreeSet::new(),
            claimed: BTreeSet::new(),
        }
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
                defaults: account.defaults.clone(),
                shared: provider.shared(),
                called: if self.lookups { called(&session.catalogues, connection, &section.fields) } else { BTreeMap::new() },
                section,
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

    pub(super) fn file(&self, key: &Key) -> PathBuf {
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

    /// The key of a persona that has a file already and would share it with this one.
    pub(super) fn existing(&self, key: &Key) -> Option<&Key> {
        self.known.get(&key.as_str().to_ascii_lowercase())
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
            // Only what was just written is judged; what the whole project comes to is looked at once, at the end.
            let only = open.iter().map(|item| item.draft.key.clone()).collect();
            let overlay = Overlay { only: Some(only), ..Overlay::default() };
            let loaded = load_with(&self.root, &self.vocabulary, &|name| variable(self.sandbox, name), &overlay);
            let mut again = Vec::new();
            for (mut item, paths) in open.into_iter().zip(written) {
                let verdict = match &loaded.project {
                    Some(project) => judge(session, &item, &self.file(&item.draft.key), project),
                    None => blame(&self.file(&item.draft.key), &loaded.problems),
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
