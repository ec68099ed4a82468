//! The fields of a change in the browser: texts side by side with their changed words marked, values as values.

use std::collections::VecDeque;

use super::markup::Html;
use crate::plan::Source;
use crate::report::shown::fields::{Body, Field};
use crate::report::shown::hunks::{Step, folded_words, line_ends, size, steps};
use crate::report::shown::units::{Row, Unit};
use crate::report::shown::words::{Stretch, alike, stretches};
use crate::report::shown::{place, visible};

/// Changed lines that are wider than this are compared by sentences.
const WIDTH: usize = 160;
/// A text of fewer lines is shown at once.
const FEW_LINES: usize = 8;

/// Where something is asked for.
pub(super) fn source(html: &mut Html, source: Option<&Source>) {
    if let Some(source) = source {
        html.leaf("span", &[("class", "source")], &place(source));
    }
}

/// One field.
pub(super) fn field(html: &mut Html, field: &Field<'_>) {
    html.element("div", &[("class", "field")], |html| {
        html.element("h5", &[], |html| {
            html.leaf("code", &[], &field.path);
            if !field.remark.is_empty() {
                let drifted = field.remark.contains("drifted") || field.remark.contains("elsewhere");
                html.raw(" ");
                html.leaf("span", &[("class", if drifted { "remark drift" } else { "remark" })], &field.remark);
            }
            html.raw(" ");
            source(html, field.source);
        });
        match &field.body {
            Body::Words(words) => html.leaf("p", &[("class", "words")], words),
            Body::Values { old, new } => values(html, old.as_deref(), new.as_deref()),
            Body::Whole { text, comes } => whole(html, text, *comes),
            Body::Text { old, new } => match line_ends(old, new) {
                Some(words) => html.leaf("p", &[("class", "words")], &words),
                None => text(html, old, new, field),
            },
        }
    });
}

fn values(html: &mut Html, old: Option<&str>, new: Option<&str>) {
    html.element("div", &[("class", "values")], |html| {
        if let Some(old) = old {
            html.element("del", &[("dir", "auto")], |html| html.exact(&visible::safe(old)));
        }
        if old.is_some() && new.is_some() {
            html.raw("<span class=\"arrow\" aria-label=\"becomes\">→</span>");
        }
        if let Some(new) = new {
            html.element("ins", &[("dir", "auto")], |html| html.exact(&visible::safe(new)));
        }
    });
}

/// A text that comes or goes.
fn whole(html: &mut Html, text: &str, comes: bool) {
    let open: &[(&'static str, &str)] =
        if text.lines().count() <= FEW_LINES { &[("class", "whole"), ("open", "")] } else { &[("class", "whole")] };
    html.element("details", open, |html| {
        html.leaf("summary", &[], &format!("{}, {}", if comes { "new text" } else { "text goes" }, size(text)));
        html.element("div", &[("class", if comes { "sheet new" } else { "sheet old" })], |html| {
            for line in text.lines() {
                html.element("div", &[("class", "t"), ("dir", "auto")], |html| {
                    html.exact(&visible::safe(&visible::whole_line(line)))
                });
            }
        });
    });
}

/// Line numbers on both sides.
struct Numbers {
    old: usize,
    new: usize,
}

fn text(html: &mut Html, old: &str, new: &str, field: &Field<'_>) {
    let mut numbers = Numbers { old: 0, new: 0 };
    let mut begun = false;
    html.element("div", &[("class", "diff")], |html| {
        // What goes waits for what comes: where neither is the other's new self, they still stand beside each other.
        let mut waiting = VecDeque::new();
        for step in steps(old, new, WIDTH, field.pieces) {
            let comes = matches!(step, Step::Row(Row::Added(_)));
            if !comes && !matches!(step, Step::Row(Row::Removed(_))) {
                waiting.drain(..).for_each(|unit| beside(html, Some(unit), None, &mut numbers));
            }
            begun |= !matches!(step, Step::Fold(..) | Step::Row(Row::Same(_)));
            match step {
                Step::Row(Row::Removed(unit)) => waiting.push_back(unit),
                Step::Row(Row::Added(unit)) => beside(html, waiting.pop_front(), Some(unit), &mut numbers),
                Step::Row(Row::Same(unit)) => same(html, unit, &mut numbers),
                Step::Row(Row::Changed(old, new)) => edited(html, old, new, &mut numbers),
                Step::Fold(rows, next) => html.element("details", &[("class", "fold")], |html| {
                    html.element("summary", &[], |html| {
                        html.text(&folded_words(&rows));
                        // The heading of the field tells where the first change stands.
                        if let Some(next) = next.as_ref().filter(|_| begun) {
                            html.raw(" <span class=\"then\">then</span> ");
                            source(html, Some(next));
                        }
                    });
                    // Both sides are the same here: one element per line keeps a page with many prompts light.
                    html.element("div", &[("class", "sheet")], |html| {
                        rows.iter().for_each(|step| folded(html, step, &mut numbers))
                    });
                }),
            }
        }
        waiting.drain(..).for_each(|unit| beside(html, Some(unit), None, &mut numbers));
    });
}

/// A row inside a fold.
fn folded(html: &mut Html, row: &Row<'_>, numbers: &mut Numbers) {
    if let Row::Same(unit) = row {
        numbers.old += usize::from(unit.starts);
        numbers.new += usize::from(unit.starts);
        let line = visible::safe(visible::context_line(unit.text)).into_owned();
        html.element("p", &[("dir", "auto")], |html| html.exact(&line));
    }
}

/// Which side of a row.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Old,
    New,
}

fn same(html: &mut Html, unit: Unit<'_>, numbers: &mut Numbers) {
    let line = visible::safe(visible::context_line(unit.text)).into_owned();
    html.element("div", &[("class", "row same")], |html| {
        cell(html, Side::Old, &unit, numbers, |html| html.exact(&line));
        cell(html, Side::New, &unit, numbers, |html| html.exact(&line));
    });
}

/// A line and what it became.
fn edited(html: &mut Html, old: Unit<'_>, new: Unit<'_>, numbers: &mut Numbers) {
    let (before, after) = stretches(old.text, new.text);
    let revealed = alike(&before, &after);
    html.element("div", &[("class", "row edit")], |html| {
        cell(html, Side::Old, &old, numbers, |html| marked(html, &before, revealed, "del"));
        cell(html, Side::New, &new, numbers, |html| marked(html, &after, revealed, "ins"));
    });
}

/// A line that goes and one that comes, or one of them.
fn beside(html: &mut Html, old: Option<Unit<'_>>, new: Option<Unit<'_>>, numbers: &mut Numbers) {
    html.element("div", &[("class", "row swap")], |html| {
        let mut side = |side: Side, unit: Option<Unit<'_>>, tag: &'static str| match unit {
            Some(unit) => cell(html, side, &unit, numbers, |html| html.element(tag, &[], |html| html.exact(&shown(&unit)))),
            None => html.raw("<div class=\"cell none\"></div>"),
        };
        side(Side::Old, old, "del");
        side(Side::New, new, "ins");
    });
}

fn shown(unit: &Unit<'_>) -> String {
    let line = if unit.ends { visible::whole_line(unit.text) } else { unit.text.trim_end().to_owned() };
    visible::safe(&line).into_owned()
}

fn cell(html: &mut Html, side: Side, unit: &Unit<'_>, numbers: &mut Numbers, inner: impl FnOnce(&mut Html)) {
    let (class, number) = match side {
        Side::Old => ("cell old", &mut numbers.old),
        Side::New => ("cell new", &mut numbers.new),
    };
    *number += usize::from(unit.starts);
    let number = if unit.starts { number.to_string() } else { "⋯".to_owned() };
    html.element("div", &[("class", class)], |html| {
        html.leaf("span", &[("class", "n"), ("aria-hidden", "true")], &number);
        html.element("span", &[("class", "t"), ("dir", "auto")], inner);
    });
}

/// A line with its marks; what only one side has stands in an element that says so without colour.
fn marked(html: &mut Html, line: &[Stretch<'_>], revealed: bool, tag: &'static str) {
    for (index, stretch) in line.iter().enumerate() {
        if stretch.marked {
            let bare = stretch.text.trim_end_matches('\n');
            let text = if bare.trim().is_empty() { stretch.text } else { bare };
            html.element(tag, &[], |html| html.exact(&visible::changed(text, revealed)));
        } else {
            let last = index + 1 == line.len();
            html.exact(&visible::safe(if last { visible::context_line(stretch.text) } else { stretch.text }));
        }
    }
}
