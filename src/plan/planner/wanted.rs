//! What an object needs to be as the files want it: made, or edited where it differs. Every answer is proven by the provider's own
//! prediction before it becomes a change.

use serde_json::{Map, Value};

use super::{Subject, Unproven, Verdict};
use crate::persona::name::Pointer;
use crate::plan::change::{Action, Change, Edit, Reason, Settled};
use crate::plan::dialect::Draft;
use crate::plan::diff::{Comparison, Differences};
use crate::plan::document::Document;
use crate::plan::proof;
use crate::plan::resource::{Live, Record, RemoteId, Resource};
use crate::plan::value;

impl Subject<'_> {
    pub(super) fn create(&self, resource: &Resource, reason: Reason, mut notes: Vec<String>) -> Result<Verdict, Unproven> {
        let dialect = self.account.dialect;
        let draft = dialect.create(resource);
        notes.extend(draft.notes);
        notes.extend(self.unverified());
        let after = proof::predict(dialect, &Live::empty(RemoteId::new("{id}")), &draft.requests);
        self.proven(proof::prove(dialect, None, &after, resource, &[]))?;
        let leaves = value::leaves(&resource.fields);
        // As many as there are, for there may be many such changes.
        let mut edits = Vec::with_capacity(leaves.len());
        let wanted = leaves.into_iter().filter(|(_, value)| !value.is_null());
        edits.extend(wanted.map(|(path, value)| Edit::new(path, None, Some(value.clone()), reason)));
        let (requests, applied) = (draft.requests, resource.fields.clone());
        Ok(Verdict::change(Change { edits, requests, notes, applied, ..self.wanted(resource, Action::Create, None, reason) }))
    }

    /// The object exists: what has to change for it to be as wanted?
    pub(super) fn existing(
        &self,
        resource: &Resource,
        live: &Live,
        applied: &Document,
        action: Action,
        mut notes: Vec<String>,
    ) -> Result<Verdict, Unproven> {
        let dialect = self.account.dialect;
        let mut found = self.differences(resource, live, applied);
        self.hold_resisted(resource, live, &mut found);
        if let Some((path, why)) = found.stuck.first() {
            return Ok(Verdict::Blocked {
                why: format!("`{path}` cannot be cleared through this API: {why}"),
                help: "give it a value, or remove the line to leave it unmanaged".to_owned(),
            });
        }
        let mut draft = Draft::default();
        if !found.edits.is_empty() {
            draft = dialect.update(live, resource, &found.edits);
            let after = proof::predict(dialect, live, &draft.requests);
            self.proven(proof::prove(dialect, Some(live), &after, resource, &found.edits))?;
        }
        for (path, why) in &found.abandoned {
            notes.push(format!(
                "`{path}` cannot be cleared through this API: {why}; it stays as it is and is no longer managed"
            ));
        }
        notes.extend(draft.notes);
        let freed = self.freed(resource);
        notes.extend(freed.iter().cloned());
        let next = applied_afterwards(resource, applied);
        let moved = self.recorded.is_some_and(|(address, _)| *address != self.address);
        let action = match action {
            Action::Update if found.edits.is_empty() && found.abandoned.is_empty() && moved => Action::Move,
            Action::Update if found.edits.is_empty() && found.abandoned.is_empty() && freed.is_empty() => {
                let Resource { prevent_destroy, force_destroy, manage, .. } = *resource;
                let kept = |record: &Record| {
                    (record.prevent_destroy, record.force_destroy, record.manage) == (prevent_destroy, force_destroy, manage)
                };
                if next == *applied && self.recorded.is_none_or(|(_, record)| kept(record)) {
                    return Ok(Verdict::Unchanged);
                }
                let address = self.address.clone();
                return Ok(Verdict::Settled(Settled {
                    address,
                    source: None,
                    applied: next,
                    prevent_destroy,
                    force_destroy,
                    manage,
                }));
            }
            action => action,
        };
        notes.extend(self.unverified());
        let reason = overall(&found);
        Ok(Verdict::change(Change {
            edits: found.edits,
            requests: draft.requests,
            notes,
            applied: next,
            live_digest: dialect.rules().read.then(|| live.digest()),
            ..self.wanted(resource, action, Some(live.id.clone()), reason)
        }))
    }

    /// What differs where writes go, and what only waits for a release.
    pub(super) fn differences(&self, resource: &Resource, live: &Live, applied: &Map<String, Value>) -> Differences {
        let rules = self.account.dialect.rules();
        let against =
            |live| Comparison { desired: &resource.fields, applied, live, rules, ignore: &resource.ignore }.differences();
        let mut found = against(&live.fields);
        if let Some(released) = live.released.as_ref().filter(|released| resource.release && !released.is(&live.fields)) {
            for mut edit in against(released).edits {
                if !found.edits.iter().any(|known| known.path == edit.path) {
                    edit.release_only = true;
                    found.edits.push(edit);
                }
            }
            found.edits.sort_by(|left, right| left.path.cmp(&right.path));
        }
        found
    }

    /// What the service has kept, though it was asked to clear it, is not asked for again and again.
    fn hold_resisted(&self, resource: &Resource, live: &Live, found: &mut Differences) {
        let Some((_, record)) = self.recorded.filter(|(_, record)| record.id == live.id) else { return };
        found.edits.retain(|edit| {
            let asked = value::get(&resource.fields, &edit.path).is_some_and(Value::is_null);
            let resists = asked && record.resisted.contains(&edit.path);
            if resists && !found.stuck.iter().any(|(path, _)| *path == edit.path) {
                found.stuck.push((edit.path.clone(), "it was not cleared when the service was last asked to"));
            }
            !resists
        });
    }

    fn unverified(&self) -> Option<String> {
        let unreadable = !self.account.dialect.rules().read;
        unreadable.then(|| format!("not verified: {} cannot be read", self.account.title))
    }

    fn proven(&self, proof: Result<(), proof::Disproof>) -> Result<(), Unproven> {
        proof.map_err(|proof::Disproof { path, why }| Unproven { address: self.address.clone(), path, why })
    }

    /// A change of a target that the files want, with everything but what has to be done.
    fn wanted(&self, resource: &Resource, action: Action, id: Option<RemoteId>, reason: Reason) -> Change {
        Change {
            moved_from: self.recorded.map(|(address, _)| (*address).clone()).filter(|address| address != self.address),
            prevent_destroy: resource.prevent_destroy,
            force_destroy: resource.force_destroy,
            manage: resource.manage,
            ..self.outline(&resource.name, action, id, reason)
        }
    }
}

/// One word for a change: drift if all of it is, removal if all of it is, else declared.
fn overall(found: &Differences) -> Reason {
    let all = |reason| !found.edits.is_empty() && found.edits.iter().all(|edit| edit.reason == reason);
    if all(Reason::Drifted) {
        Reason::Drifted
    } else if all(Reason::Removed) || (found.edits.is_empty() && !found.abandoned.is_empty()) {
        Reason::Removed
    } else {
        Reason::Declared
    }
}

/// What state will remember: the desired document, with ignored fields as they were applied before. Something other than an
/// object that the files want above an ignored field is written over it, and wins.
fn applied_afterwards(resource: &Resource, before: &Map<String, Value>) -> Document {
    if resource.ignore.is_empty() {
        return resource.fields.clone();
    }
    let mut applied = resource.fields.clone();
    let wins = |path: &Pointer| {
        let mut above = path.parent();
        while let Some(pointer) = above {
            if value::get(&resource.fields, &pointer).is_some_and(|value| !value.is_object() || value::is_secret(value)) {
                return true;
            }
            above = pointer.parent();
        }
        false
    };
    for path in resource.ignore.iter().filter(|path| !wins(path)) {
        match value::get(before, path) {
            Some(old) => value::set(&mut applied, path, old.clone()),
            None => {
                value::remove(&mut applied, path);
            }
        }
    }
    applied
}
