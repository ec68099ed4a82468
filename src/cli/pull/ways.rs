//! Where a value can be written: in the target's own section, in the shared field that it comes from, or beside that. Best first.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::desk::{Desk, Edits};
use super::goal::{Goal, No};
use super::pieces::Writing;
use super::written::{at, position, prune, put};
use crate::edit;
use crate::persona::document::{Persona, Shared, Target};
use crate::persona::raw;
use crate::plan::Resource;
use crate::plan::value::get;
use crate::providers;

impl Desk<'_> {
    /// Ways to write a value, best first.
    pub(super) fn ways(&self, goal: &Goal) -> Vec<Result<Edits, No>> {
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
}
