//! Drift in words: by persona, then by target, when it was last written and the ways out; what could not be looked at, and the
//! counts last. A `-` is what was last written, a `+` what is there now: the change that somebody made.

use std::collections::BTreeMap;

use super::super::shown::drift::{counts, notes, remarks, unverified, ways_out, what};
use super::Options;
use super::edit::About;
use super::edit::Editor;
use super::page::{Gutter, Page, Span};
use super::plan::blocked;
use super::style::Tone;
use crate::persona::name::Key;
use crate::plan::Drift;
use crate::plan::drift::{Drifted, What};

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
        blocked(&mut page, &drift.unreadable);
    }
    if let Some(words) = unverified(drift) {
        page.gap();
        page.line(Gutter::indent(0), &[Span::plain(words)]);
    }
    page.gap();
    let (lead, words) = counts(&drift.summary);
    page.line(Gutter::indent(0), &[Span::new(Tone::Strong, lead), Span::plain(format!(" {words}"))]);
    page.finish()
}

fn print(page: &mut Page, target: &Drifted, editor: &mut Editor<'_>) {
    let address = target.address.to_string();
    let (sign, tone) = match target.what {
        What::Changed => ('~', Tone::Warning),
        What::Gone => ('-', Tone::Bad),
    };
    let header = [
        Span::new(tone, what(target.what)),
        Span::plain(" "),
        Span::new(Tone::Strong, address.as_str()),
        Span::new(Tone::Faint, format!(" ({})", target.id)),
        Span::plain(format!(", since we last wrote it at {}", target.written_at)),
    ];
    page.line(Gutter::sign(2, sign, tone), &header);
    for field in &target.fields {
        let remark = remarks(field);
        let remark = if remark.is_empty() { remark } else { format!(" ({remark})") };
        let about = About { address: &address, remark: &remark, source: None, pieces: &[] };
        editor.values(page, 4, &field.path, (field.written.as_ref(), field.live.as_ref()), about);
    }
    for note in notes(target) {
        page.line(Gutter::indent(4).hang(6), &[Span::new(Tone::Warning, "note: "), Span::plain(note)]);
    }
    page.line(Gutter::indent(4).hang(2), &[Span::plain(format!("next: {}", ways_out(target)))]);
}
