//! The plan in words: by persona, then by target, what stands in its way, and the counts last.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use super::super::shown::blocked::groups;
use super::super::shown::{count, place, reason, secret, sign, summary, visible};
use super::Options;
use super::edit::Editor;
use super::page::{Gutter, Page, Span};
use super::style::Tone;
use crate::persona::name::Key;
use crate::plan::change::Blocked;
use crate::plan::{Action, Change, Plan, Request};

/// A plan as text for review.
pub fn plan(plan: &Plan, options: &Options) -> String {
    let mut page = Page::new(options.width);
    let mut personas: BTreeMap<&Key, Vec<&Change>> = BTreeMap::new();
    for change in &plan.changes {
        personas.entry(&change.address.key).or_default().push(change);
    }
    for (key, mut changes) in personas {
        changes.sort_by(|left, right| left.address.cmp(&right.address));
        page.gap();
        page.line(Gutter::indent(0), &[Span::new(Tone::Strong, key.as_str())]);
        let mut editor = Editor::new(options);
        for (index, change) in changes.into_iter().enumerate() {
            if index > 0 {
                page.gap();
            }
            print(&mut page, change, &mut editor, options);
        }
    }
    obstacles(&mut page, plan);
    page.gap();
    let (lead, counts) = summary(plan);
    page.line(Gutter::indent(0), &[Span::new(Tone::Strong, lead), Span::plain(format!(" {counts}"))]);
    if !plan.changes.is_empty() && !plan.digest.is_empty() {
        page.line(Gutter::indent(0), &[Span::new(Tone::Faint, format!("Digest: {}", plan.digest))]);
    }
    page.finish()
}

fn print(page: &mut Page, change: &Change, editor: &mut Editor<'_>, options: &Options) {
    let mut header =
        heading(change.action, &change.address.to_string(), change.id.as_ref().map(|id| id.as_str()), &change.name);
    let gutter = Gutter::sign(2, sign(change.action), Tone::Action(change.action));
    let reason = reason(change);
    let width: usize = header.iter().map(|span| span.text.width()).sum();
    // A reason that does not fit beside a long id is easier to find in a row of its own.
    if width + 2 + reason.width() <= page.room(gutter) {
        header.push(Span::plain(format!(": {reason}")));
        page.line(gutter, &header);
    } else {
        page.line(gutter, &header);
        page.line(Gutter::indent(4).hang(2), &[Span::plain(reason)]);
    }
    let whole = change.edits.is_empty() || change.action == Action::Create;
    if let Some(source) = change.source.as_ref().filter(|_| whole) {
        page.line(Gutter::indent(4), &[Span::new(Tone::Faint, place(source))]);
    }
    editor.edits(page, 4, change);
    for note in &change.notes {
        let spans = [Span::new(Tone::Warning, "note: "), Span::plain(note.as_str())];
        page.line(Gutter::indent(4).hang(6), &spans);
    }
    if options.requests {
        requests(page, &change.requests);
    }
}

/// `update tavus.ada (p1)`; with the name where the object is only known by it.
pub(super) fn heading(action: Action, address: &str, id: Option<&str>, name: &str) -> Vec<Span> {
    let mut spans = vec![Span::new(Tone::Action(action), action.word()), Span::plain(" "), Span::new(Tone::Strong, address)];
    if !name.is_empty() && matches!(action, Action::Delete | Action::Forget | Action::Adopt) {
        spans.push(Span::plain(format!(" {}", visible::quoted(name, false))));
    }
    if let Some(id) = id {
        spans.push(Span::new(Tone::Faint, format!(" ({id})")));
    }
    spans
}

fn requests(page: &mut Page, requests: &[Request]) {
    if requests.is_empty() {
        page.line(Gutter::indent(4), &[Span::new(Tone::Faint, "requests: none")]);
        return;
    }
    page.line(Gutter::indent(4), &[Span::new(Tone::Faint, "requests:")]);
    for request in requests {
        page.verbatim(6, &format!("{} {}", request.method, request.path));
        if let Some(body) = &request.body {
            page.verbatim(8, &visible::json(&format!("{:#}", secret::body(body))));
        }
    }
}

/// Blocked targets and closed gates: what a reader must not miss stands next to the counts.
fn obstacles(page: &mut Page, plan: &Plan) {
    if !plan.blocked.is_empty() {
        page.gap();
        page.line(Gutter::indent(0), &[Span::new(Tone::Bad, "Blocked, not planned:")]);
        blocked(page, &plan.blocked);
    }
    if !plan.gates.is_empty() {
        page.gap();
        page.line(Gutter::indent(0), &[Span::new(Tone::Bad, "Gate closed, nothing will be applied:")]);
        for gate in &plan.gates {
            obstacle(page, &gate.name, &gate.why, format!("to open it: {}", gate.opened_by));
        }
    }
    if !plan.observed.is_empty() {
        page.gap();
        page.line(Gutter::indent(0), &[Span::new(Tone::Warning, "Observed, not as the files say, and never written:")]);
        for observed in &plan.observed {
            let paths: Vec<String> = observed.edits.iter().map(|edit| format!("`{}`", edit.path)).collect();
            let address = observed.address.to_string();
            page.line(
                Gutter::indent(2).hang(2),
                &[Span::new(Tone::Strong, &*address), Span::plain(format!(" ({}): {}", observed.id, paths.join(", ")))],
            );
        }
    }
    if !plan.settled.is_empty() {
        let targets = count(plan.settled.len(), "target");
        page.gap();
        let words = format!("State will be brought up to date for {targets}: nothing else is to be done there.");
        page.line(Gutter::indent(0), &[Span::plain(words)]);
    }
}

/// Targets that could not be planned or looked at, with the next step; many with one reason as one.
pub(super) fn blocked(page: &mut Page, blocked: &[Blocked]) {
    for group in groups(blocked) {
        let first = group.first();
        let next = format!("next: {}", first.help);
        if group.is_alone() {
            obstacle(page, &first.address.to_string(), &first.why, next);
            if let Some(source) = &first.source {
                page.line(Gutter::indent(4), &[Span::new(Tone::Faint, place(source))]);
            }
            continue;
        }
        obstacle(page, &format!("{} at {}", group.counted(), first.address.account), &first.why, next);
        page.line(Gutter::indent(4).hang(2), &[Span::new(Tone::Faint, group.addresses(str::to_owned))]);
    }
}

fn obstacle(page: &mut Page, subject: &str, why: &str, next: String) {
    let spans = [Span::new(Tone::Strong, subject), Span::plain(format!(": {why}"))];
    page.line(Gutter::sign(2, '!', Tone::Bad), &spans);
    page.line(Gutter::indent(4).hang(2), &[Span::plain(next)]);
}
