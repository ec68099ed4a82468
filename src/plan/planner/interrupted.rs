//! Creates whose answer an interrupted run has never seen: taken where they are plainly found, planned again where they plainly were
//! not made, and never guessed at.

use super::{Namesakes, Subject, Unproven, Verdict};
use crate::plan::change::{Action, Change, Reason};
use crate::plan::diff::{Comparison, Differences};
use crate::plan::resource::{Live, Pending, Resource};
use crate::plan::rules::Listing;

impl Subject<'_> {
    /// An interrupted run sent a create for this address. None: the list shows plainly that nothing was made.
    pub(super) fn pending_create(&self, desired: Option<&Resource>, pending: &Pending) -> Result<Option<Verdict>, Unproven> {
        let sent = format!("an interrupted run sent `{}` for `{}` at {}", pending.request, pending.name, pending.sent_at);
        let resolve = format!(
            "`personaform state resolve {0} --id ID` if it was made, `personaform state resolve {0} --absent` if not",
            self.address
        );
        let blocked = |why: String, help: String| Ok(Some(Verdict::Blocked { why, help }));
        let title = &self.account.title;
        let found = match self.situation.traces.get(self.address) {
            _ if self.account.dialect.rules().list == Listing::None => {
                let why = format!("{sent}, the answer is lost, and {title} has no list to find it in");
                return blocked(
                    why,
                    format!("ask {title} whether there is a persona named `{}`; then {resolve}", pending.name),
                );
            }
            None => return blocked(format!("{sent}, and the list was not read"), "run the same command again".to_owned()),
            Some(Namesakes::Unreadable(why, help)) => return blocked(format!("{sent}, and {why}"), help.clone()),
            Some(Namesakes::Found(found)) => found.iter(),
        };
        // Without a name, only an object that holds all that was sent is worth a thought.
        let found: Vec<&Live> = found.filter(|live| !pending.name.is_empty() || self.was_sent(pending, live)).collect();
        let twin = self.situation.pending.iter().find(|(other, it)| {
            *other != self.address
                && other.account == self.address.account
                && it.name == pending.name
                && it.sent == pending.sent
        });
        match (found.as_slice(), desired, twin) {
            ([], Some(_), _) => Ok(None),
            ([], None, _) => {
                let note = "an interrupted run was about to make it, and it was not made: only the trace of that goes";
                let outline = self.outline(&pending.name, Action::Forget, None, Reason::Drifted);
                Ok(Some(Verdict::change(Change { notes: vec![note.to_owned()], ..outline })))
            }
            ([live], Some(resource), None) if self.was_sent(pending, live) => {
                let note = format!("{sent}: `{}` is what it made, and is taken", live.id);
                self.existing(resource, live, &pending.sent, Action::Adopt, vec![note]).map(Some)
            }
            (found, _, _) => {
                let ids: Vec<String> = found.iter().map(|live| format!("`{}`", live.id)).collect();
                let why = match (found.len(), desired) {
                    (_, None) => format!("{sent}, it has left the files, and {title} shows {}", ids.join(", ")),
                    (1, _) if twin.is_none() => {
                        format!("{sent}, and {title} shows {}, which is not quite what was sent", ids[0])
                    }
                    _ => format!("{sent}, and which of these it made cannot be told: {}", ids.join(", ")),
                };
                let bind = if desired.is_some() { "bind the target with `$id`, or say " } else { "say " };
                blocked(why, format!("{bind}{resolve}"))
            }
        }
    }

    /// Whether an object holds everything that a create sent.
    fn was_sent(&self, pending: &Pending, live: &Live) -> bool {
        let comparison = Comparison {
            desired: &pending.sent,
            applied: &pending.sent,
            live: &live.fields,
            rules: self.account.dialect.rules(),
            ignore: &[],
        };
        comparison.differences() == Differences::default()
    }
}
