//! Plans, outcomes, drift and problems as Markdown for a comment below a pull request: what needs attention first, a table of what
//! changes where, one collapsible section per persona, and never more than the host takes.

mod budget;
mod diff;
mod drift;
mod escape;
mod outcome;
mod plan;
#[cfg(test)]
mod tests;

pub use drift::drift;
pub use outcome::outcome;
pub use plan::plan;

use super::problems::spot;
use crate::persona::problem::{Problem, Severity};
use crate::plan::Action;

/// The longest comment at GitHub, in characters, less the little that a pipeline may add.
pub const GITHUB: usize = 65_536 - 536;
/// The longest comment at GitLab, likewise.
pub const GITLAB: usize = 1_000_000 - 536;
/// The lowest limit: below this nothing useful would be left.
pub const LEAST: usize = 2_000;

/// How a document is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Shows each request of a plan exactly, folded.
    pub requests: bool,
    /// The most characters; fewer than [`LEAST`] count as [`LEAST`].
    pub limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { requests: false, limit: GITHUB }
    }
}

/// Problems that keep a plan from being made, for the same comment.
pub fn problems(problems: &[Problem], options: &Options) -> String {
    let title = super::problems::title(problems);
    let head = match problems.is_empty() {
        true => format!("## personaform: {title}\n"),
        false => format!("## personaform: {title}\n\n{}\n\n", super::problems::count(problems)),
    };
    let rows: Vec<String> = problems
        .iter()
        .map(|problem| {
            let (mark, word) = match problem.severity {
                Severity::Error => ("🔴", "error"),
                Severity::Warning => ("🟡", "warning"),
            };
            let place = spot(problem).map(|(path, line, _)| format!(" {}", escape::code(&format!("{path}:{line}"))));
            let mut row = format!("- {mark} **{word}**{}: {}", place.unwrap_or_default(), escape::words(&problem.message));
            if let Some(help) = &problem.help {
                row.push_str(&format!("<br>help: {}", escape::words(help)));
            }
            if let Some(suggestion) = problem.suggestion.as_ref().filter(|suggestion| suggestion.text.len() < 200) {
                row.push_str(&format!("<br>write: {}", escape::code(&suggestion.text)));
            }
            row + "\n"
        })
        .collect();
    budget::rows(&head, &rows, options.limit.max(LEAST), |left| format!("- … {} more\n", left))
}

/// The colour of an action, for the eye; the word always stands beside it.
fn mark(action: Action) -> &'static str {
    match action {
        Action::Create => "🟢",
        Action::Update => "🟡",
        Action::Delete => "🔴",
        Action::Adopt => "🔵",
        Action::Forget => "🟣",
        Action::Move => "⚪",
    }
}

/// The word of an action; one that takes something away cannot be overlooked.
fn word(action: Action) -> String {
    match action {
        Action::Delete | Action::Forget => format!("**{}**", action.word().to_uppercase()),
        _ => action.word().to_owned(),
    }
}
