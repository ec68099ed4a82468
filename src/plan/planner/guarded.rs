//! Objects that not everything may be done to: what is only observed, and guards that the files take off.

use super::{Observation, Subject, Verdict};
use crate::persona::name::Manage;
use crate::plan::change::{Observed, Settled};
use crate::plan::document::Document;
use crate::plan::resource::Resource;

impl Subject<'_> {
    /// The files only want to look at it.
    pub(super) fn observed_target(&self, resource: &Resource) -> Verdict {
        let record = self.recorded.map(|(_, record)| *record);
        let none = Document::default();
        let (id, applied) = match (&resource.bind, record) {
            (Some(id), Some(record)) if *id == record.id => (id, &record.applied),
            (Some(id), _) => (id, &none),
            (None, Some(record)) => (&record.id, &record.applied),
            (None, None) => {
                let why = "`$manage: observe` never makes anything, and there is nothing yet to observe".to_owned();
                return Verdict::Blocked { why, help: "name the object with `$id`".to_owned() };
            }
        };
        if let Some(record) = record.filter(|record| record.manage != Manage::Observe && record.id == *id) {
            return Verdict::Settled(Settled {
                address: self.address.clone(),
                source: None,
                applied: record.applied.clone(),
                prevent_destroy: record.prevent_destroy,
                force_destroy: record.force_destroy,
                manage: Manage::Observe,
            });
        }
        if !self.account.dialect.rules().read {
            let why = format!("{} cannot be read, so there is nothing to observe", self.account.title);
            return Verdict::Blocked { why, help: "remove `$manage: observe`".to_owned() };
        }
        match &*self.observation() {
            Observation::Present(live) => {
                let edits = self.differences(resource, live, applied).edits;
                if edits.is_empty() {
                    return Verdict::Unchanged;
                }
                Verdict::Observed(Observed { address: self.address.clone(), id: id.clone(), edits })
            }
            Observation::Absent => Verdict::Blocked {
                why: format!("there is no object with the id `{id}` to observe"),
                help: "correct `$id`, or remove the target".to_owned(),
            },
            Observation::Unreadable(why, help) => Verdict::Blocked { why: why.clone(), help: help.clone() },
        }
    }

    /// What state has guarded so far and the files guard no more: a change of its own, for the next plan may then do it.
    pub(super) fn freed(&self, resource: &Resource) -> Vec<String> {
        let mut freed = Vec::new();
        let Some((_, record)) = self.recorded else { return freed };
        if record.prevent_destroy && !resource.prevent_destroy {
            freed.push("`prevent_destroy` is taken off: from then on a plan may delete it".to_owned());
        }
        if !record.manage.is_full() && resource.manage.is_full() {
            freed.push(format!("`$manage: {}` is taken off: from then on a plan may delete it", record.manage.word()));
        }
        freed
    }
}
