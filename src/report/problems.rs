//! Problems as text for people and as JSON for machines. What a problem is, is `persona`'s; no problem is made here.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use serde_json::{Value, json};

use crate::persona::problem::{Place, Problem, Severity, SourceFile};

/// Lines of more bytes than this are shown around the place only.
const MAX_LINE: usize = 240;

/// How far apart two places may be for the lines between them to be handed to the renderer.
const MAX_LINES: usize = 2_000;

/// Renders problems for people, each with its lines, help and replacement, styled for a terminal and with a line that counts
/// them at the end. No problems, no text.
pub fn problems(problems: &[Problem]) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let renderer = Renderer::styled();
    let mut text = String::new();
    for problem in problems {
        text.push_str(&renderer.render(&groups(problem)));
        text.push_str("\n\n");
    }
    text.push_str(&count(problems));
    text.push('\n');
    text
}

/// The same as one JSON document: `{"problems": [{code, severity, message, path, line, column, end_line, end_column, help,
/// suggestion}]}`. Lines and columns count from one, columns in characters; an end is the character after the last.
pub fn problems_json(problems: &[Problem]) -> Value {
    let problems: Vec<Value> = problems
        .iter()
        .map(|problem| {
            let mut object = json!({
                "code": problem.code,
                "severity": word(problem.severity),
                "message": problem.message,
                "help": problem.help,
                "suggestion": problem.suggestion.as_ref().map(|suggestion| {
                    let mut object = location(Some(&suggestion.place));
                    object["text"] = json!(suggestion.text);
                    object
                }),
            });
            if let (Some(object), Value::Object(location)) = (object.as_object_mut(), location(problem.place.as_ref())) {
                object.extend(location);
            }
            object
        })
        .collect();
    json!({ "problems": problems })
}

fn location(place: Option<&Place>) -> Value {
    let point = |offset: fn(&Place) -> usize| place.map(|place| place.file.line_and_column(offset(place)));
    let (start, end) = (point(|place| place.span.start), point(|place| place.span.end));
    json!({
        "path": place.map(|place| slashed(&place.file)),
        "line": start.map(|(line, _)| line),
        "column": start.map(|(_, column)| column),
        "end_line": end.map(|(line, _)| line),
        "end_column": end.map(|(_, column)| column),
    })
}

/// `2 errors, 1 warning`.
fn count(problems: &[Problem]) -> String {
    let parts = [Severity::Error, Severity::Warning].map(|severity| {
        let number = problems.iter().filter(|problem| problem.severity == severity).count();
        (number > 0).then(|| format!("{number} {}{}", word(severity), if number == 1 { "" } else { "s" }))
    });
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn slashed(file: &SourceFile) -> String {
    file.path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn groups(problem: &Problem) -> Vec<Group<'_>> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&problem.message).id(problem.code));
    if let Some(place) = &problem.place {
        let (beside, apart): (Vec<_>, Vec<_>) = problem.related.iter().partition(|(related, _)| near(place, related));
        let mut marks = vec![(place, AnnotationKind::Primary, "")];
        marks.extend(beside.iter().map(|(place, label)| (place, AnnotationKind::Context, label.as_str())));
        group = shown(group, &marks);
        for (place, label) in apart {
            group = shown(group, &[(place, AnnotationKind::Context, label.as_str())]);
        }
    }
    let patch = problem.suggestion.as_ref().and_then(patch);
    match (&problem.help, patch) {
        (Some(help), Some(patch)) => vec![group, Level::HELP.secondary_title(help).element(patch)],
        (None, Some(patch)) => vec![group, Level::HELP.secondary_title("write this instead").element(patch)],
        (Some(help), None) => vec![group.element(Level::HELP.message(help))],
        (None, None) => vec![group],
    }
}

/// Whether two places can share one excerpt.
fn near(left: &Place, right: &Place) -> bool {
    let between = left.span.start.min(right.span.start)..left.span.end.max(right.span.end);
    Arc::ptr_eq(&left.file, &right.file)
        && left.file.text.get(between).is_some_and(|text| text.len() < 4 * MAX_LINE && text.lines().count() < MAX_LINES)
}

/// Adds the lines of some places of one file to a group.
fn shown<'a>(group: Group<'a>, marks: &[(&'a Place, AnnotationKind, &'a str)]) -> Group<'a> {
    let Some((first, _, first_label)) = marks.first() else { return group };
    let path = slashed(&first.file);
    if first.file.text.is_empty() {
        let group = group.element(Origin::path(path));
        return if first_label.is_empty() { group } else { group.element(Level::NOTE.message(*first_label)) };
    }
    let spans: Vec<Range<usize>> = marks.iter().map(|(place, ..)| place.span.clone()).collect();
    let excerpt = Excerpt::around(&first.file.text, &spans);
    let mut snippet = Snippet::source(excerpt.text.clone()).path(path).line_start(excerpt.line);
    for (place, kind, label) in marks {
        let mark = kind.clone().span(excerpt.within(&place.span));
        snippet = snippet.annotation(if label.is_empty() { mark } else { mark.label(*label) });
    }
    group.element(snippet)
}

/// The replacement as a patch; none where a line is too long to be shown twice.
fn patch<'a>(suggestion: &'a crate::persona::problem::Suggestion) -> Option<Snippet<'a, Patch<'a>>> {
    let Place { file, span } = &suggestion.place;
    let excerpt = Excerpt::around(&file.text, std::slice::from_ref(span));
    if excerpt.cut || excerpt.text.is_empty() {
        return None;
    }
    let patch = Patch::new(excerpt.within(span), suggestion.text.as_str());
    Some(Snippet::source(excerpt.text.clone()).path(slashed(file)).line_start(excerpt.line).patch(patch))
}

/// The lines around some stretches of a text. Handing the renderer a whole file for each of a thousand problems would take
/// minutes, and a line of 100 KB would fill the screen.
struct Excerpt {
    text: String,
    line: usize,
    start: usize,
    cut: bool,
}

impl Excerpt {
    fn around(text: &str, spans: &[Range<usize>]) -> Self {
        let start = spans.iter().map(|span| span.start).min().unwrap_or(0).min(text.len());
        let end = spans.iter().map(|span| span.end).max().unwrap_or(0).clamp(start, text.len());
        let mut from = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let mut to = text[end..].find('\n').map_or(text.len(), |length| end + length);
        let line = text[..from].matches('\n').count() + 1;
        let cut = to - from > MAX_LINE && text[from..to].lines().any(|line| line.len() > MAX_LINE);
        if cut {
            from = boundary(text, from.max(start.saturating_sub(MAX_LINE / 4)));
            to = boundary(text, to.min(end.max(start).saturating_add(MAX_LINE / 4)));
            to = to.min(boundary(text, from.saturating_add(4 * MAX_LINE))).max(from);
        }
        Self { text: text[from..to].to_owned(), line, start: from, cut }
    }

    /// A stretch of the file as a stretch of the excerpt.
    fn within(&self, span: &Range<usize>) -> Range<usize> {
        let place = |offset: usize| offset.saturating_sub(self.start).min(self.text.len());
        place(span.start)..place(span.end).max(place(span.start))
    }
}

/// The closest start of a character at or before an offset.
fn boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
