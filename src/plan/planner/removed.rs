//! Objects that the files want no more: deleted where that is allowed and possible, else forgotten with a word about what stays.

use super::{Observation, Subject, Verdict};
use crate::persona::name::Manage;
use crate::plan::address::Address;
use crate::plan::change::{Action, Change, Reason};
use crate::plan::resource::Record;

impl Subject<'_> {
    /// State knows it and the files do not want it any more.
    pub(super) fn removed_target(&self, record: &Record) -> Verdict {
        let outline = |action, reason| self.outline(&record.name, action, Some(record.id.clone()), reason);
        let forgotten = |reason, note| Verdict::change(Change { notes: vec![note], ..outline(Action::Forget, reason) });
        if let Some(new) = self.moved_away() {
            return Verdict::Blocked {
                why: format!("it is renamed to `{new}`, which is not among the targets of this run"),
                help: format!("add `--target {new}`"),
            };
        }
        if record.manage != Manage::Full {
            let note = format!("`$manage: {}`: `{}` stays there and is no longer managed", record.manage.word(), record.id);
            return forgotten(Reason::Removed, note);
        }
        let dialect = self.account.dialect;
        let request = if record.force_destroy { dialect.force_delete(&record.id) } else { dialect.delete(&record.id) };
        let request = request.filter(|_| dialect.rules().delete);
        let Some(request) = request else {
            let note = format!("{} has no delete: `{}` stays there and is no longer managed", self.account.title, record.id);
            return forgotten(Reason::Removed, note);
        };
        let deleted = Change { requests: vec![request], ..outline(Action::Delete, Reason::Removed) };
        if !self.account.dialect.rules().read {
            return Verdict::change(deleted);
        }
        match &*self.observation() {
            Observation::Present(live) if live.used_by.is_empty() => {
                Verdict::change(Change { live_digest: Some(live.digest()), ..deleted })
            }
            Observation::Present(live) if record.force_destroy => {
                let note = format!("deletes it although it is used by {}", live.used_by.join(", "));
                Verdict::change(Change { notes: vec![note], live_digest: Some(live.digest()), ..deleted })
            }
            Observation::Present(live) => Verdict::Blocked {
                why: format!("`{}` cannot be deleted while it is used by {}", record.id, live.used_by.join(", ")),
                help: "detach these first; or restore the target with `$lifecycle: { force_destroy: true }`, apply that, and \
                       remove it then"
                    .to_owned(),
            },
            Observation::Absent => {
                let note = format!("`{}` is gone already: only the record goes", record.id);
                forgotten(Reason::Drifted, note)
            }
            Observation::Unreadable(why, help) => Verdict::Blocked { why: why.clone(), help: help.clone() },
        }
    }

    /// The new address of a recorded object whose move is out of this run's scope: it moves, so it is not deleted.
    fn moved_away(&self) -> Option<&Address> {
        let (new, _) = self.situation.moves.iter().find(|(new, old)| {
            *old == self.address && self.situation.desired.contains_key(*new) && !self.situation.recorded.contains_key(*new)
        })?;
        (!(self.situation.scope)(new)).then_some(new)
    }
}
