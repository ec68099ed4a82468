//! Where pulled values go: which file holds each, and whether writing it there changes nothing else. Every way is tried on a
//! copy of the project before it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::goal::{Goal, Left, No, Pulled, reaches};
use super::written::files_of;
use crate::cli::args::Common;
use crate::cli::exit::Stop;
use crate::cli::session::Session;
use crate::persona::Overlay;
use crate::persona::document::{Persona, Target};
use crate::persona::name::{Key, Pointer};
use crate::persona::raw;
use crate::plan::value::{get, leaves, same};
use crate::plan::{Address, Document};

/// Changed files: before and after.
pub(super) type Files = BTreeMap<PathBuf, (String, String)>;

/// Files with their new texts, of one way to write a value.
pub(super) type Edits = BTreeMap<PathBuf, String>;

/// What the files want of each address.
pub(super) type Wants = BTreeMap<Address, Document>;

/// What is being written.
pub(super) struct Desk<'a> {
    common: &'a Common,
    pub(super) session: &'a Session,
    /// Which personas use a file.
    users: BTreeMap<PathBuf, BTreeSet<Key>>,
    /// What the files want by now.
    pub(super) desired: Wants,
    /// Values with conflict markers that stand in a file.
    marked: Vec<(Key, Value)>,
    pub(super) files: Files,
    pub(super) pulled: Vec<Pulled>,
    pub(super) left: Vec<Left>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(common: &'a Common, session: &'a Session) -> Result<Self, Stop> {
        let desired = session.desired.iter().map(|(address, resource)| (address.clone(), resource.fields.clone())).collect();
        let mut users: BTreeMap<PathBuf, BTreeSet<Key>> = BTreeMap::new();
        for (key, persona) in &session.project.personas {
            let path = persona.place.path();
            let text = raw::text(&session.project.root, path).map_err(|problem| Stop::Problems(vec![*problem]))?;
            let mut named = BTreeSet::from([path.to_path_buf()]);
            files_of(path, &raw::read(&text).unwrap_or_default(), &mut named);
            for file in named {
                users.entry(file).or_default().insert(key.clone());
            }
        }
        // The defaults of accounts are beneath every persona.
        let project = Path::new("personaform.yaml");
        let text = raw::text(&session.project.root, project).map_err(|problem| Stop::Problems(vec![*problem]))?;
        let mut named = BTreeSet::new();
        files_of(project, &raw::read(&text).unwrap_or_default(), &mut named);
        for file in named {
            users.entry(file).or_default().extend(session.project.personas.keys().cloned());
        }
        let (files, marked, pulled, left) = (Files::new(), Vec::new(), Vec::new(), Vec::new());
        Ok(Self { common, session, users, desired, marked, files, pulled, left })
    }

    pub(super) fn leave(&mut self, address: &Address, path: Option<&Pointer>, why: &str) {
        let place = path.and_then(|path| {
            let (_, target) = self.written(address)?;
            let place = target.places.of(path);
            let (line, column) = place.line_and_column();
            Some((place.path().to_path_buf(), line, column))
        });
        self.left.push(Left { address: address.clone(), path: path.cloned(), place, why: why.to_owned() });
    }

    pub(super) fn has_conflict_markers(&self) -> bool {
        !self.marked.is_empty()
    }

    /// Writes every value that can be written without changing anything else.
    pub(super) fn pursue(&mut self, goals: &[Goal]) {
        for goal in goals {
            let known = self.marked.iter().any(|(key, text)| *key == goal.address.key && Some(text) == goal.value.as_ref());
            if !known && !self.is_reached(goal) {
                let mut reasons = Vec::new();
                let ways = self.ways(goal);
                let found = ways.into_iter().find_map(|way| match way.and_then(|edits| self.tried(goal, goals, edits)) {
                    Ok(found) => Some(found),
                    Err(no) => {
                        reasons.push(no);
                        None
                    }
                });
                let Some((edits, desired)) = found else {
                    let no = reasons.into_iter().next();
                    let (place, why) = no.map_or((None, "it is not written in the files".to_owned()), |no| (no.place, no.why));
                    self.left.push(Left { address: goal.address.clone(), path: Some(goal.path.clone()), place, why });
                    continue;
                };
                self.accept(edits);
                self.desired.extend(desired);
                if goal.marked {
                    self.marked.extend(goal.value.clone().map(|text| (goal.address.key.clone(), text)));
                }
            }
            let Goal { address, path, live, merged, .. } = goal.clone();
            self.pulled.push(Pulled { address, path, live, merged });
        }
    }

    fn accept(&mut self, edits: Edits) {
        for (path, text) in edits {
            let before = match self.files.get(&path) {
                Some((before, _)) => before.clone(),
                None => self.text(&path).unwrap_or_default(),
            };
            if before == text {
                self.files.remove(&path);
            } else {
                self.files.insert(path, (before, text));
            }
        }
    }

    /// The text of a file as it shall be by now.
    pub(super) fn text(&self, path: &Path) -> Option<String> {
        match self.files.get(path) {
            Some((_, text)) => Some(text.clone()),
            None => raw::text(&self.session.project.root, path).ok(),
        }
    }

    pub(super) fn written(&self, address: &Address) -> Option<(&'a Persona, &'a Target)> {
        let persona = self.session.project.personas.get(&address.key)?;
        Some((persona, persona.targets.iter().find(|target| target.account == address.account)?))
    }

    fn is_reached(&self, goal: &Goal) -> bool {
        let held = self.desired.get(&goal.address).and_then(|fields| get(fields, &goal.path));
        reaches(held, goal)
    }

    /// Tries edits on a copy of the project: the goal must be reached, and whatever else changes must be another goal.
    fn tried(&self, goal: &Goal, goals: &[Goal], edits: Edits) -> Result<(Edits, Wants), No> {
        let no = |why: &str| No { place: None, why: why.to_owned() };
        if goal.marked {
            let prompts =
                edits.keys().all(|path| path.extension().is_none_or(|extension| extension != "yaml" && extension != "yml"));
            return match prompts {
                true => Ok((edits, BTreeMap::new())),
                false => Err(no(
                    "the file and the service changed the same place, and conflict markers are written only into prompt files",
                )),
            };
        }
        let mut overlay = Overlay { only: Some(BTreeSet::from([goal.address.key.clone()])), ..Overlay::default() };
        for path in edits.keys() {
            overlay.only.iter_mut().for_each(|only| only.extend(self.users.get(path).into_iter().flatten().cloned()));
        }
        overlay.files = self.files.iter().map(|(path, (_, text))| (path.clone(), text.clone())).collect();
        overlay.files.extend(edits.clone());
        let desired = self.session.desired_with(self.common, &overlay).map_err(|problems| {
            let first = problems.into_iter().next().map(|problem| problem.message).unwrap_or_default();
            no(&format!("the file would then have a problem: {first}"))
        })?;
        let desired: Wants = desired.into_iter().map(|(address, resource)| (address, resource.fields)).collect();
        let held = desired.get(&goal.address).and_then(|fields| get(fields, &goal.path));
        if !reaches(held, goal) {
            return Err(no("written there, it would not be what the service holds"));
        }
        for (address, fields) in &desired {
            let none = Document::default();
            let before = self.desired.get(address).unwrap_or(&none);
            let paths: BTreeSet<Pointer> = leaves(before).into_iter().chain(leaves(fields)).map(|(path, _)| path).collect();
            for path in paths {
                let (old, new) = (get(before, &path), get(fields, &path));
                let unchanged = match (old, new) {
                    (Some(old), Some(new)) => same(old, new),
                    (None | Some(Value::Null), None) | (None, Some(Value::Null)) => true,
                    (Some(old), None) | (None, Some(old)) => old.as_object().is_some_and(Map::is_empty),
                };
                let meant = goals.iter().any(|other| {
                    other.address == *address
                        && (other.path.covers(&path) || path.covers(&other.path))
                        && reaches(get(fields, &other.path), other)
                });
                if !unchanged && !meant {
                    return Err(no(&format!("the text is shared: `{address}` uses it too and is not changed like this")));
                }
            }
        }
        Ok((edits, desired))
    }
}
