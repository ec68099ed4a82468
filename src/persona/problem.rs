//! A problem in what people wrote: where, what, and what to write instead. How it looks on a screen is `report`'s.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One text file of the project, as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path relative to the project's root, with `/` between folders, for people.
    pub path: PathBuf,
    /// The whole text. Byte ranges of a [`Place`] point into it.
    pub text: String,
}

impl SourceFile {
    /// One-based line and one-based column (in characters) of a byte offset.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Bytes of the file's text. May be empty (a point).
    pub span: Range<usize>,
}

impl Place {
    /// The path of the file, relative to the project's root.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// One-based line and column where the stretch begins.
    pub fn line_and_column(&self) -> (usize, usize) {
        self.file.line_and_column(self.span.start)
    }
}

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is planned or applied while it stands.
    Error,
    /// Shown, and otherwise no obstacle.
    Warning,
}

/// A replacement that would mend the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What to replace.
    pub place: Place,
    /// What to write there.
    pub text: String,
}

/// One mistake, with all that a reader needs to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable name of the kind of mistake, in kebab case (`unknown-field`).
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong: a lowercase fragment without full stop.
    pub message: String,
    /// Where; none when no file can be named (an unset variable of an account, say).
    pub place: Option<Place>,
    /// Further places that belong to it, each with a short label (`first written here`).
    pub related: Vec<(Place, String)>,
    /// What to do, as a sentence fragment.
    pub help: Option<String>,
    /// What to write instead, where it is one replacement.
    pub suggestion: Option<Suggestion>,
}

impl Problem {
    /// An error at a place.
    pub fn error(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            place: Some(place),
            related: Vec::new(),
            help: None,
            suggestion: None,
        }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message) }
    }

    /// An error that no file can be named for.
    pub fn nowhere(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            related: Vec::new(),
            help: None,
            suggestion: None,
        }
    }

    /// The same with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with a replacement that would mend it.
    #[must_use]
    pub fn with_suggestion(mut self, place: Place, text: impl Into<String>) -> Self {
        self.suggestion = Some(Suggestion { place, text: text.into() });
        self
    }

    /// The same with one more place.
    #[must_use]
    pub fn with_related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push((place, label.into()));
        self
    }
}

/// Sorts problems by file, place and code, so that every run prints them in the same order.
pub fn sort(problems: &mut [Problem]) {
    problems.sort_by(|left, right| {
        let key = |problem: &Problem| problem.place.as_ref().map(|place| (place.file.path.clone(), place.span.start));
        key(left).cmp(&key(right)).then_with(|| left.code.cmp(right.code)).then_with(|| left.message.cmp(&right.message))
    });
}
