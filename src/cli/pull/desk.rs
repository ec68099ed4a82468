//! Where pulled values go: which file holds each, and whether writing it there changes nothing else. Every way is tried on a
//! copy of the project before it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::written::{at, files_of, position, prune, put};
use crate::cli::args::Common;
use crate::cli::exit::Stop;
use crate::cli::names::name_of;
use crate::cli::session::Session;
use crate::edit::{self, Split};
use crate::persona::Overlay;
use crate::persona::document::{Persona, Shared, Target};
use crate::persona::name::{Key, Pointer};
use crate::persona::raw::{self, Written};
use crate::plan::value::{get, holds_secret, leaves, same};
use crate::plan::{Address, Resource};
use crate::providers;

/// Changed files: before and after.
pub(super) type Files = BTreeMap<PathBuf, (String, String)>;

/// Files with their new texts, of one way to write a value.
type Edits = BTreeMap<PathBuf, String>;

/// What the files want of each address.
type Wants = BTreeMap<Address, Map<String, Value>>;

/// A value that is to be written into the files.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    pub(super) address: Address,
    pub(super) path: Pointer,
    /// None: the field goes.
    pub(super) value: Option<Value>,
    /// What the service holds.
    pub(super) live: Option<Value>,
    /// It is a merge of both sides, not what the service holds.
    pub(super) merged: bool,
    /// It has conflict markers.
    pub(super) marked: bool,
}

/// A value that was written.
#[derive(Clone, Debug)]
pub(super) struct Pulled {
    pub(super) address: Address,
    pub(super) path: Pointer,
    pub(super) live: Option<Value>,
    pub(super) merged: bool,
}

impl Pulled {
    pub(super) fn json(&self) -> Value {
        json!({ "address": self.address, "path": self.path, "merged": self.merged })
    }
}

/// A difference that stays, and why.
#[derive(Clone, Debug)]
pub(super) struct Left {
    address: Address,
    path: Option<Pointer>,
    /// File, line and column.
    place: Option<(PathBuf, usize, usize)>,
    why: String,
}

impl Left {
    pub(super) fn json(&self) -> Value {
        let place = self.place.as_ref().map(|(file, line, column)| json!({ "file": file, "line": line, "column": column }));
        json!({ "address": self.address, "path": self.path, "why": self.why, "place": place })
    }
}

impl fmt::Display for Left {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.address)?;
        if let Some(path) = &self.path {
            write!(formatter, " {path}")?;
        }
        write!(formatter, ": {}", self.why)?;
        match &self.place {
            Some((file, line, column)) => write!(formatter, " ({}:{line}:{column})", file.display()),
            None => Ok(()),
        }
    }
}

/// Why one way does not do: where, and in words.
struct No {
    place: Option<(PathBuf, usize, usize)>,
    why: String,
}

/// What is being written.
pub(super) struct Desk<'a> {
    common: &'a Common,
    session: &'a Session,
    /// Which personas use a file.
    users: BTreeMap<PathBuf, BTreeSet<Key>>,
    /// What the files want by now.
    desired: Wants,
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
    fn text(&self, path: &Path) -> Option<String> {
        match self.files.get(path) {
            Some((_, text)) => Some(text.clone()),
            None => raw::text(&self.session.project.root, path).ok(),
        }
    }

    fn written(&self, address: &Address) -> Option<(&'a Persona, &'a Target)> {
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
            let none = Map::new();
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

    /// Ways to write a value, best first.
    fn ways(&self, goal: &Goal) -> Vec<Result<Edits, No>> {
        let Some((persona, target)) = self.written(&goal.address) else { return Vec::new() };
        let file = persona.place.path();
        let Some(document) = self.text(file).and_then(|text| raw::read(&text)) else { return Vec::new() };
        let section = ["targets".to_owned(), goal.address.account.to_string()];
        let own: Vec<String> = section.iter().chain(goal.path.segments()).cloned().collect();
        if at(&document, &own).is_some() {
            let mut ways = vec![self.rewritten(goal, file, &document, &own)];
            if goal.value.is_none() {
                ways.push(self.placed(file, &document, &own, Some(Value::Null)));
            }
            return ways;
        }
        if let Some(shared) = self.shared(goal, persona, target) {
            let mut ways = Vec::new();
            let whole = self.rewritten(goal, file, &document, &[shared.to_owned()]);
            // Where the pieces of a text cannot be told apart, its place is named; a copy of the whole would be a guess.
            let ambiguous = whole.is_err();
            ways.push(whole);
            if !ambiguous && !goal.marked {
                ways.push(self.placed(file, &document, &own, Some(goal.value.clone().unwrap_or_default())));
            }
            return ways;
        }
        let place = target.places.of(&goal.path);
        if place.path() != file {
            let (line, column) = place.line_and_column();
            let why = "the value comes from the defaults of the account".to_owned();
            return vec![Err(No { place: Some((place.path().to_path_buf(), line, column)), why })];
        }
        Vec::new()
    }

    /// The shared field that a target's field comes from: the one whose change changes it.
    fn shared(&self, goal: &Goal, persona: &Persona, target: &Target) -> Option<&'static str> {
        let provider = providers::configured(self.session.project.accounts.get(&goal.address.account)?)?;
        let compiled = |shared: Shared| {
            let Persona { key, place, places, .. } = persona;
            let probe = Persona {
                key: key.clone(),
                shared,
                previously: None,
                targets: Vec::new(),
                place: place.clone(),
                places: places.clone(),
            };
            provider.compile(&goal.address, &probe, target).ok()
        };
        let before = compiled(persona.shared.clone())?;
        let probe = || Some(Value::from("a text that nobody has written"));
        let Shared { name, description, prompt } = &persona.shared;
        let probes = [
            ("name", name.is_some(), Shared { name: probe(), ..persona.shared.clone() }),
            ("description", description.is_some(), Shared { description: probe(), ..persona.shared.clone() }),
            ("prompt", prompt.is_some(), Shared { prompt: probe(), ..persona.shared.clone() }),
        ];
        let moves = |after: Resource| get(&after.fields, &goal.path) != get(&before.fields, &goal.path);
        probes
            .into_iter()
            .find(|(_, named, shared)| *named && compiled(shared.clone()).is_some_and(moves))
            .map(|(name, ..)| name)
    }

    /// A value in the place where it is written now, through the expressions there.
    fn rewritten(&self, goal: &Goal, file: &Path, document: &Value, path: &[String]) -> Result<Edits, No> {
        let Some(new) = &goal.value else { return self.placed(file, document, path, None) };
        let old = self.desired.get(&goal.address).and_then(|fields| get(fields, &goal.path)).cloned().unwrap_or_default();
        let mut edits = Edits::new();
        let written = at(document, path).cloned().unwrap_or_default();
        let value = self.value(&mut Writing { goal, file, edits: &mut edits }, &written, &old, new).map_err(|why| {
            let place = self.place(file, path);
            No { place, why }
        })?;
        if value != written {
            edits.extend(self.placed(file, document, path, Some(value))?);
        }
        Ok(edits)
    }

    /// The document with another value at a path, or without it and what it leaves empty.
    fn placed(&self, file: &Path, document: &Value, path: &[String], value: Option<Value>) -> Result<Edits, No> {
        let mut wanted = document.clone();
        match value {
            Some(value) => put(&mut wanted, path, value),
            None => prune(&mut wanted, path),
        }
        let text = self.text(file).unwrap_or_default();
        let new = edit::rewrite(&text, &wanted).map_err(|refusal| {
            let span = if refusal.span.is_empty() { edit::locate(&text, path) } else { Some(refusal.span) };
            let place = span.map(|span| position(file, &text, span.start));
            No { place, why: refusal.why.to_owned() }
        })?;
        Ok(Edits::from([(file.to_path_buf(), new)]))
    }

    fn place(&self, file: &Path, path: &[String]) -> Option<(PathBuf, usize, usize)> {
        let text = self.text(file)?;
        let span = edit::locate(&text, path)?;
        Some(position(file, &text, span.start))
    }

    /// What to write where `written` stands for `old` and shall stand for `new`. Prompt files are changed on the way.
    fn value(&self, writing: &mut Writing<'_>, written: &Value, old: &Value, new: &Value) -> Result<Value, String> {
        if same(old, new) {
            return Ok(written.clone());
        }
        match raw::recognise(written) {
            Written::Secret => return Err("the value is a secret from `$env`, which a file never holds".to_owned()),
            Written::Lookup(kind, _) => {
                let account = &writing.goal.address.account;
                let name = new.as_str().and_then(|id| name_of(&self.session.catalogues, account, kind, id));
                return match name {
                    Some(name) => Ok(json!({ "$lookup": { kind: name } })),
                    None => Err(format!("it is looked up, and no name of the kind `{kind}` leads to the new value")),
                };
            }
            Written::File(path) => {
                let text = new.as_str().ok_or_else(|| "the value stands in a file, and the new one is no text".to_owned())?;
                let path = raw::named_by(writing.file, path).ok_or_else(|| "the file lies outside the project".to_owned())?;
                let before = self.text(&path).unwrap_or_default();
                writing.edits.insert(path, edit::file_text(&before, text));
                return Ok(written.clone());
            }
            Written::Join(pieces) => return self.joined(writing, pieces, new),
            Written::Plain => {}
        }
        if holds_secret(new) {
            return Err("the service shows a secret here, which a file never holds".to_owned());
        }
        match (written, old, new) {
            (Value::Object(members), Value::Object(old), Value::Object(new)) => {
                let mut merged = Map::new();
                for (key, new) in new {
                    let value = match members.get(key).zip(old.get(key)) {
                        Some((written, old)) => self.value(writing, written, old, new)?,
                        None => new.clone(),
                    };
                    merged.insert(key.clone(), value);
                }
                Ok(Value::Object(merged))
            }
            (Value::Array(items), Value::Array(old), Value::Array(new)) if items.len() == old.len() => {
                let text = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<String>>();
                let mut merged = Vec::new();
                for op in capture_diff_slices(Algorithm::Myers, &text(old), &text(new)) {
                    match op {
                        DiffOp::Equal { old_index, len, .. } => merged.extend_from_slice(&items[old_index..old_index + len]),
                        DiffOp::Delete { .. } => {}
                        DiffOp::Insert { new_index, new_len, .. } => {
                            merged.extend_from_slice(&new[new_index..new_index + new_len]);
                        }
                        DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                            for at in 0..new_len {
                                let value = &new[new_index + at];
                                merged.push(match at < old_len {
                                    true => self.value(writing, &items[old_index + at], &old[old_index + at], value)?,
                                    false => value.clone(),
                                });
                            }
                        }
                    }
                }
                Ok(Value::Array(merged))
            }
            _ => Ok(new.clone()),
        }
    }

    fn joined(&self, writing: &mut Writing<'_>, pieces: &[Value], new: &Value) -> Result<Value, String> {
        let new = new.as_str().ok_or_else(|| "the value is joined from pieces, and the new one is no text".to_owned())?;
        let unreadable = || "a piece of the text cannot be read".to_owned();
        let texts: Vec<String> =
            pieces.iter().map(|piece| self.resolved(writing.file, piece)).collect::<Option<_>>().ok_or_else(unreadable)?;
        let last = texts.len().saturating_sub(1);
        let parts: Vec<&str> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| if index < last { raw::file_value(text) } else { text.as_str() })
            .collect();
        match edit::split(&parts, new) {
            Split::Piece(index, part) => {
                // A piece gives up one line end, so one that has it gets it back.
                let ending = &texts[index][parts[index].len()..];
                let keeps = ending.is_empty() && index < last && raw::file_value(&part) != part;
                let part = if keeps { format!("{part}\n") } else { format!("{part}{ending}") };
                let piece = self.value(writing, &pieces[index], &Value::from(texts[index].clone()), &Value::from(part))?;
                let mut pieces = pieces.to_vec();
                pieces[index] = piece;
                Ok(json!({ "$join": pieces }))
            }
            Split::Ambiguous => {
                Err("the text is joined from pieces, and the change could belong to more than one of them".to_owned())
            }
            Split::Several => Err("the text is joined from pieces, and more than one of them would change".to_owned()),
        }
    }

    /// The text that a piece stands for.
    fn resolved(&self, file: &Path, written: &Value) -> Option<String> {
        match raw::recognise(written) {
            Written::File(path) => {
                let text = self.text(&raw::named_by(file, path)?)?;
                Some(raw::file_value(&text).to_owned())
            }
            Written::Join(pieces) => {
                let mut texts: Vec<String> = pieces.iter().map(|piece| self.resolved(file, piece)).collect::<Option<_>>()?;
                if let Some((_, others)) = texts.split_last_mut() {
                    others.iter_mut().for_each(|text| *text = raw::file_value(text).to_owned());
                }
                Some(texts.join("\n\n"))
            }
            Written::Plain => written.as_str().map(str::to_owned),
            Written::Secret | Written::Lookup(..) => None,
        }
    }
}

/// A value on its way into one persona file and the prompt files that it names.
struct Writing<'a> {
    goal: &'a Goal,
    file: &'a Path,
    edits: &'a mut Edits,
}

fn reaches(held: Option<&Value>, goal: &Goal) -> bool {
    match (held.filter(|held| !held.is_null()), &goal.value) {
        (None, None) => true,
        (Some(held), Some(value)) => same(held, value),
        _ => false,
    }
}
