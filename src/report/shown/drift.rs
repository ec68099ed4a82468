//! Drift in the words of every format: the ways out, what is to be said about a field, the counts.

use std::collections::BTreeSet;

use super::count;
use crate::plan::Drift;
use crate::plan::drift::{Drifted, Field, FileSays, Tally, What};

/// What was found.
pub(in crate::report) fn what(what: What) -> &'static str {
    match what {
        What::Changed => "changed elsewhere",
        What::Gone => "deleted elsewhere",
    }
}

/// What the values of a field do not say; possibly nothing.
pub(in crate::report) fn remarks(field: &Field) -> String {
    let mut remarks = Vec::new();
    if field.release_only {
        remarks.push("only in production, the draft is as written");
    }
    match field.file {
        FileSays::Written => {}
        FileSays::Changed => remarks.push("the file has changed it too"),
        FileSays::Removed => remarks.push("the files name it no more"),
    }
    remarks.join("; ")
}

/// What is to be known beside the fields.
pub(in crate::report) fn notes(target: &Drifted) -> Vec<String> {
    let stuck = target.fields.iter().filter_map(|field| {
        let why = field.stuck.as_ref()?;
        Some(format!("`{}` cannot be cleared through this API: {why}", field.path))
    });
    stuck.collect()
}

/// What can be done about it.
pub(in crate::report) fn ways_out(target: &Drifted) -> String {
    let released = target.fields.iter().all(|field| field.release_only);
    match (target.what, target.wanted) {
        (What::Gone, _) => "`personaform apply` makes it anew; to leave it gone, remove the target from its file".to_owned(),
        (What::Changed, false) => {
            "its target has left the files, so `personaform apply` deletes it; to keep it, put the target back".to_owned()
        }
        (What::Changed, true) if released => {
            "somebody released another version, or a release still waits: `personaform apply` releases what was written; to \
             keep what is there, write it into the file"
                .to_owned()
        }
        (What::Changed, true) => {
            let address = &target.address;
            format!(
                "`personaform apply` writes what the file says; `personaform pull {address}` keeps what is there, in the file"
            )
        }
    }
}

/// What could not be looked at by the nature of its service; none where there is nothing of that kind.
pub(in crate::report) fn unverified(drift: &Drift) -> Option<String> {
    let services: BTreeSet<&str> = drift.unverified.iter().map(|target| target.service.as_str()).collect();
    let services: Vec<&str> = services.into_iter().collect();
    let number = count(drift.unverified.len(), "target");
    (!services.is_empty()).then(|| format!("Not verified: {number}, since {} cannot be read.", services.join(" and ")))
}

/// The counts: a lead (`Drift:`) and what follows it.
pub(in crate::report) fn counts(tally: &Tally) -> (&'static str, String) {
    let mut words = match (tally.changed, tally.gone) {
        (0, 0) => String::new(),
        (changed, 0) => format!("{} changed elsewhere, ", count(changed, "target")),
        (0, gone) => format!("{} deleted elsewhere, ", count(gone, "target")),
        (changed, gone) => format!("{} changed and {gone} deleted elsewhere, ", count(changed, "target")),
    };
    words.push_str(&format!("{} as last written", count(tally.unchanged, "target")));
    for (number, what) in [(tally.unverified, "not verified"), (tally.unreadable, "not readable")] {
        if number > 0 {
            words.push_str(&format!(", {number} {what}"));
        }
    }
    words.push('.');
    let title = match tally {
        Tally { changed: 0, gone: 0, unreadable: 0, .. } => "No drift.",
        Tally { changed: 0, gone: 0, .. } => "No drift found.",
        _ => "Drift:",
    };
    (title, words)
}
