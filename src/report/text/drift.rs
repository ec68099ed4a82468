//! Drift in words: by persona, then by target, when it was last written and the ways out; what could not be looked at, and the
//! counts last. A `-` is what was last written, a `+` what is there now: the change that somebody made.

use std::collections::{BTreeMap, BTreeSet};

use super::super::shown::count;
use super::Options;
use super::edit::About;
use super::edit::Editor;
use super::page::{Gutter, Page, Span};
use super::style::Tone;
use crate::persona::name::Key;
use crate::plan::Drift;
use crate::plan::drift::{Drifted, Field, FileSays, Tally, What};

/// Drift as text for people.
pub fn drift(drift: &Drift, options: &Options) -> String {
    let mut page = Page::new(options.width);
    let mut personas: BTreeMap<&Key, Vec<&Drifted>> = BTreeMap::new();
    for target in &drift.drifted {
        personas.entry(&target.address.key).or_default().push(target);
    }
    for (key, targets) in personas {
        page.gap();
        page.line(Gutter::indent(0), &[Span::new(Tone::Strong, key.as_str())]);
        let mut editor = Editor::new(options);
        for (index, target) in targets.into_iter().enumerate() {
            if index > 0 {
                page.gap();
            }
            print(&mut page, target, &mut editor);
        }
    }
    if !drift.unreadable.is_empty() {
        page.gap();
        page.line(Gutter::indent(0), &[Span::new(Tone::Bad, "Could not be read, so whether they drifted is not known:")]);
        for blocked in &drift.unreadable {
            let subject = [Span::new(Tone::Strong, blocked.address.to_string()), Span::plain(format!(": {}", blocked.why))];
            page.line(Gutter::sign(2, '!', Tone::Bad), &subject);
            page.line(Gutter::indent(4).hang(2), &[Span::plain(format!("next: {}", blocked.help))]);
        }
    }
    if !drift.unverified.is_empty() {
        let services: BTreeSet<&str> = drift.unverified.iter().map(|target| target.service.as_str()).collect();
        let services: Vec<&str> = services.into_iter().collect();
        let number = count(drift.unverified.len(), "target");
        page.gap();
        let words = format!("Not verified: {number}, since {} cannot be read.", services.join(" and "));
        page.line(Gutter::indent(0), &[Span::plain(words)]);
    }
    page.gap();
    page.line(Gutter::indent(0), &summary(&drift.summary));
    page.finish()
}

fn print(page: &mut Page, target: &Drifted, editor: &mut Editor<'_>) {
    let address = target.address.to_string();
    let (sign, tone, words) = match target.what {
        What::Changed => ('~', Tone::Warning, "changed elsewhere"),
        What::Gone => ('-', Tone::Bad, "deleted elsewhere"),
    };
    let header = [
        Span::new(tone, words),
        Span::plain(" "),
        Span::new(Tone::Strong, address.as_str()),
        Span::new(Tone::Faint, format!(" ({})", target.id)),
        Span::plain(format!(", since we last wrote it at {}", target.written_at)),
    ];
    page.line(Gutter::sign(2, sign, tone), &header);
    for field in &target.fields {
        let about = About { address: &address, remark: &remark(field), source: None, pieces: &[] };
        editor.values(page, 4, &field.path, (field.written.as_ref(), field.live.as_ref()), about);
    }
    for field in &target.fields {
        if let Some(why) = &field.stuck {
            let words = format!("`{}` cannot be cleared through this API: {why}", field.path);
            page.line(Gutter::indent(4).hang(6), &[Span::new(Tone::Warning, "note: "), Span::plain(words)]);
        }
    }
    page.line(Gutter::indent(4).hang(2), &[Span::plain(format!("next: {}", ways_out(target)))]);
}

fn remark(field: &Field) -> String {
    let mut remarks = Vec::new();
    if field.release_only {
        remarks.push("only in production, the draft is as written");
    }
    match field.file {
        FileSays::Written => {}
        FileSays::Changed => remarks.push("the file has changed it too"),
        FileSays::Removed => remarks.push("the files name it no more"),
    }
    if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join("; ")) }
}

fn ways_out(target: &Drifted) -> String {
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

/// The last line: the counts.
fn summary(tally: &Tally) -> Vec<Span> {
    let mut words = match (tally.changed, tally.gone) {
        (0, 0) => String::new(),
        (changed, 0) => format!(" {} changed elsewhere,", count(changed, "target")),
        (0, gone) => format!(" {} deleted elsewhere,", count(gone, "target")),
        (changed, gone) => format!(" {} changed and {gone} deleted elsewhere,", count(changed, "target")),
    };
    let unchanged = count(tally.unchanged, "target");
    words.push_str(&format!(" {unchanged} as last written"));
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
    vec![Span::new(Tone::Strong, title), Span::plain(words)]
}
