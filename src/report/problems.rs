//! Problems as text for people and as JSON for machines. What a problem is, is `persona`'s; no problem is made here.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::persona::problem::{Place, Problem, Severity, SourceFile, Suggestion};

/// Lines of more bytes are not shown a second time with the replacement in them.
const MAX_LINE: usize = 240;

/// How many bytes may lie between two places that are shown in one excerpt.
const MAX_APART: usize = 64 * 1024;

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

/// The JSON of problems.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ProblemsDocument {
    /// Sorted by file and place.
    pub problems: Vec<ProblemEntry>,
}

/// One problem.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProblemEntry {
    /// Stable name of the kind of mistake, in kebab case.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// What to write instead.
    pub suggestion: Option<Replacement>,
    /// Where it is; null where no file can be named.
    #[serde(flatten)]
    pub location: Location,
}

/// A text that mends a problem, and what it replaces.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Replacement {
    /// The text to write.
    pub text: String,
    /// What it replaces.
    #[serde(flatten)]
    pub location: Location,
}

/// A stretch of a file. Lines and columns count from one, columns in characters.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Location {
    /// Path relative to the project's root.
    pub path: Option<String>,
    /// Line of the first character.
    pub line: Option<usize>,
    /// Column of the first character.
    pub column: Option<usize>,
    /// Line of the character after the last.
    pub end_line: Option<usize>,
    /// Column of the character after the last.
    pub end_column: Option<usize>,
}

/// The same as one JSON document.
pub fn problems_json(problems: &[Problem]) -> Value {
    let entry = |problem: &Problem| ProblemEntry {
        code: problem.code,
        severity: word(problem.severity),
        message: problem.message.clone(),
        help: problem.help.clone(),
        suggestion: problem
            .suggestion
            .as_ref()
            .map(|suggestion| Replacement { text: suggestion.text.clone(), location: location(Some(&suggestion.place)) }),
        location: location(problem.place.as_ref()),
    };
    let document = ProblemsDocument { problems: problems.iter().map(entry).collect() };
    serde_json::to_value(document).expect("problems are plain data with text keys")
}

/// Where a place is, as numbers.
pub(super) fn location(place: Option<&Place>) -> Location {
    let Some(place) = place else { return Location::default() };
    let ((line, column), (end_line, end_column)) =
        (place.file.line_and_column(place.span.start), place.file.line_and_column(place.span.end));
    Location {
        path: Some(slashed(&place.file)),
        line: Some(line),
        column: Some(column),
        end_line: Some(end_line),
        end_column: Some(end_column),
    }
}

/// Path, line and column of a problem, if it has a place.
pub(super) fn spot(problem: &Problem) -> Option<(String, usize, usize)> {
    let place = problem.place.as_ref()?;
    let (line, column) = place.line_and_column();
    Some((slashed(&place.file), line, column))
}

/// `2 errors, 1 warning`.
pub(super) fn count(problems: &[Problem]) -> String {
    let parts = [Severity::Error, Severity::Warning].map(|severity| {
        let number = problems.iter().filter(|problem| problem.severity == severity).count();
        (number > 0).then(|| format!("{number} {}{}", word(severity), if number == 1 { "" } else { "s" }))
    });
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What problems come to, in a word or two.
pub(super) fn title(problems: &[Problem]) -> &'static str {
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        "Nothing can be planned"
    } else if problems.is_empty() {
        "No problems"
    } else {
        "Warnings"
    }
}

/// `error` or `warning`.
pub(super) fn word(severity: Severity) -> &'static str {
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
    let help = problem.help.as_deref();
    match problem.suggestion.as_ref().map(|suggestion| (suggestion, patch(suggestion))) {
        Some((_, Some(patch))) => vec![group, Level::HELP.secondary_title(help.unwrap_or("write this instead")).element(patch)],
        Some((suggestion, None)) if help.is_none() && suggestion.text.len() < MAX_LINE => {
            vec![group.element(Level::HELP.message(format!("write `{}`", suggestion.text)))]
        }
        _ => match help {
            Some(help) => vec![group.element(Level::HELP.message(help))],
            None => vec![group],
        },
    }
}

/// Whether two places can share one excerpt.
fn near(left: &Place, right: &Place) -> bool {
    let between = left.span.start.min(right.span.start)..left.span.end.max(right.span.end);
    Arc::ptr_eq(&left.file, &right.file) && between.len() < MAX_APART
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
    let mut snippet = Snippet::source(excerpt.text).path(path).line_start(excerpt.line);
    for (place, kind, label) in marks {
        let mark = kind.span(excerpt.within(&place.span));
        snippet = snippet.annotation(if label.is_empty() { mark } else { mark.label(*label) });
    }
    group.element(snippet)
}

/// The replacement as a patch; none where a line is too long to be shown twice.
fn patch(suggestion: &Suggestion) -> Option<Snippet<'_, Patch<'_>>> {
    let Place { file, span } = &suggestion.place;
    let excerpt = Excerpt::around(&file.text, std::slice::from_ref(span));
    if excerpt.text.is_empty() || excerpt.text.lines().any(|line| line.len() > MAX_LINE) {
        return None;
    }
    let patch = Patch::new(excerpt.within(span), suggestion.text.as_str());
    Some(Snippet::source(excerpt.text).path(slashed(file)).line_start(excerpt.line).patch(patch))
}

/// The lines that some stretches of a text touch. The renderer reads all that it is given, and a whole file for each of a
/// thousand problems would take it minutes.
struct Excerpt<'a> {
    text: &'a str,
    line: usize,
    start: usize,
}

impl<'a> Excerpt<'a> {
    fn around(text: &'a str, spans: &[Range<usize>]) -> Self {
        let first = spans.iter().map(|span| span.start).min().unwrap_or(0).min(text.len());
        let last = spans.iter().map(|span| span.end).max().unwrap_or(0).clamp(first, text.len());
        let start = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[last..].find('\n').map_or(text.len(), |length| last + length);
        Self { text: &text[start..end], line: text[..start].matches('\n').count() + 1, start }
    }

    /// A stretch of the file as a stretch of the excerpt.
    fn within(&self, span: &Range<usize>) -> Range<usize> {
        let place = |offset: usize| offset.saturating_sub(self.start).min(self.text.len());
        place(span.start)..place(span.end).max(place(span.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn place(text: &str, span: Range<usize>) -> Place {
        Place { file: Arc::new(SourceFile { path: "personas/ada.yaml".into(), text: text.to_owned() }), span }
    }

    fn plain(problem: Problem) -> String {
        anstream::adapter::strip_str(&problems(&[problem])).to_string()
    }

    #[test]
    fn a_line_of_100_kb_does_not_flood_the_screen() {
        let text = format!("a: 1\n{}voice_id: \"{}\"\n", "x".repeat(50_000), "y".repeat(50_000));
        let key = place(&text, 50_005..50_013);
        let shown = plain(Problem::error("unknown-field", key.clone(), "no").with_suggestion(key, "voiceId"));
        assert!(shown.len() < 2_000, "{}", shown.len());
        assert!(shown.contains("personas/ada.yaml:2:50001") && shown.contains("voice_id") && shown.contains("write `voiceId`"));
    }

    #[test]
    fn marks_stand_under_what_they_mean_also_beside_wide_characters() {
        let text = "prompt: 🙂 e\u{301} voice_id";
        let start = text.find("voice_id").expect("the word");
        let shown = plain(Problem::error("unknown-field", place(text, start..text.len()), "no"));
        let lines: Vec<&str> = shown.lines().collect();
        // The emoji is two columns wide, the combining accent none: as many bytes less as there are columns.
        assert_eq!(lines[4].find('^'), lines[3].find("voice_id").map(|at| at - 2 - 2), "{shown}");
    }

    #[test]
    fn places_outside_of_their_text_are_no_reason_to_panic() {
        let shown = plain(Problem::error("odd", place("a: 1", 90..100), "no").with_related(place("", 3..9), "there"));
        assert!(shown.contains("error[odd]"), "{shown}");
    }

    #[test]
    fn json_counts_lines_and_characters_from_one() {
        let key = place("ä: 1\nb: 2\n", 6..7);
        let found = problems_json(&[
            Problem::warning("odd", key.clone(), "no").with_suggestion(key, "c"),
            Problem::nowhere("none", "no"),
        ]);
        let wanted = json!({ "problems": [
            {
                "code": "odd", "severity": "warning", "message": "no", "help": null, "path": "personas/ada.yaml",
                "line": 2, "column": 1, "end_line": 2, "end_column": 2,
                "suggestion": { "path": "personas/ada.yaml", "line": 2, "column": 1, "end_line": 2, "end_column": 2, "text": "c" },
            },
            {
                "code": "none", "severity": "error", "message": "no", "help": null, "path": null,
                "line": null, "column": null, "end_line": null, "end_column": null, "suggestion": null,
            },
        ]});
        assert_eq!(found, wanted);
    }
}
