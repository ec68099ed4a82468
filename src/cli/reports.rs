//! One result in every format: to standard output in the one of `--format`, to files in those of `--report`. What fits which
//! command is decided here; how it looks is `report`'s.

use std::io::Write;
use std::path::Path;

use super::args::{Command, Common, Format};
use super::exit::{Stop, with_causes};
use crate::persona::find_root;
use crate::persona::problem::Problem;
use crate::plan::{Drift, Plan};
use crate::reconcile::Outcome;
use crate::report;

/// A result of a command.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    /// What is wrong with the files, or warnings about them.
    Problems(&'a [Problem]),
    /// What would change; whether requests are wanted.
    Plan(&'a Plan, bool),
    /// What became of a plan; whether requests are wanted.
    Outcome(&'a Outcome, &'a Plan, bool),
    /// What somebody changed elsewhere.
    Drift(&'a Drift),
}

/// What all renderings of one run share.
#[derive(Clone, Copy)]
pub(super) struct Rendering<'a> {
    /// Columns.
    pub(super) width: usize,
    /// Whether everything is shown.
    pub(super) verbose: bool,
    /// The most characters of a Markdown document.
    pub(super) markdown_limit: usize,
    /// Leads from the repository's root to the project's, with `/` at the end, or is empty.
    pub(super) folder: &'a str,
    /// Warnings about the files; annotations show them beside the result.
    pub(super) warnings: &'a [Problem],
}

impl Rendering<'_> {
    /// A result in a format; none where the format cannot say it.
    pub(super) fn render(&self, subject: Subject<'_>, format: Format) -> Option<String> {
        let folder = self.folder;
        let text = |requests| report::text::Options { width: self.width, requests, verbose: self.verbose };
        let markdown = |requests| report::markdown::Options { requests, limit: self.markdown_limit };
        let warnings = self.warnings;
        Some(match (subject, format) {
            (Subject::Problems(problems), Format::Text) => report::problems::problems(problems),
            (Subject::Problems(problems), Format::Json) => pretty(&report::problems::problems_json(problems)),
            (Subject::Problems(problems), Format::Markdown) => report::markdown::problems(problems, &markdown(false)),
            (Subject::Problems(problems), Format::Html) => report::html::problems(problems),
            (Subject::Problems(problems), Format::Github) => report::github::problems(problems, folder),
            (Subject::Problems(problems), Format::Sarif) => pretty(&report::sarif::problems(problems, folder)),
            (Subject::Problems(problems), Format::GitlabCodequality) => pretty(&report::gitlab::quality(problems, folder)),
            (Subject::Plan(plan, requests), Format::Text) => report::text::plan(plan, &text(requests)),
            (Subject::Plan(plan, _), Format::Json) => pretty(&report::json::plan(plan)),
            (Subject::Plan(plan, requests), Format::Markdown) => report::markdown::plan(plan, &markdown(requests)),
            (Subject::Plan(plan, requests), Format::Html) => report::html::plan(plan, requests),
            (Subject::Plan(plan, _), Format::Github) => report::github::plan(plan, warnings, folder),
            (Subject::Plan(plan, _) | Subject::Outcome(_, plan, _), Format::GitlabPlan) => pretty(&report::gitlab::plan(plan)),
            (Subject::Outcome(outcome, plan, requests), Format::Text) => report::text::outcome(outcome, plan, &text(requests)),
            (Subject::Outcome(outcome, plan, _), Format::Json) => pretty(&report::json::outcome(outcome, plan)),
            (Subject::Outcome(outcome, plan, _), Format::Markdown) => {
                report::markdown::outcome(outcome, plan, &markdown(false))
            }
            (Subject::Outcome(outcome, plan, requests), Format::Html) => report::html::outcome(outcome, plan, requests),
            (Subject::Outcome(outcome, plan, _), Format::Github) => report::github::outcome(outcome, plan, warnings, folder),
            (Subject::Drift(drift), Format::Text) => report::text::drift(drift, &text(false)),
            (Subject::Drift(drift), Format::Json) => pretty(&serde_json::json!(drift)),
            (Subject::Drift(drift), Format::Markdown) => report::markdown::drift(drift, &markdown(false)),
            (Subject::Drift(drift), Format::Html) => report::html::drift(drift),
            (Subject::Drift(drift), Format::Github) => report::github::drift(drift, folder),
            (Subject::Problems(_) | Subject::Drift(_), Format::GitlabPlan)
            | (Subject::Drift(_) | Subject::Plan(..) | Subject::Outcome(..), Format::Sarif | Format::GitlabCodequality) => {
                return None;
            }
        })
    }
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// Refuses a format that a command has no result for.
///
/// # Errors
/// Names the formats that fit.
pub(super) fn check(command: &Command, common: &Common) -> Result<(), Stop> {
    let fitting = formats(command);
    let wanted = command.reporting().map_or(&[][..], |reporting| &reporting.reports);
    let flags = wanted.iter().map(|report| (report.format, "--report")).chain([(common.format, "--format")]);
    for (format, flag) in flags {
        if !fitting.contains(&format) {
            let names: Vec<String> = fitting.iter().map(|format| format!("`{}`", format.word())).collect();
            return Err(Stop::failed(format!("`{flag} {}` means nothing to this command", format.word()))
                .with_help(format!("it knows {}", names.join(", "))));
        }
    }
    let mut files: Vec<&Path> = wanted.iter().map(|report| report.file.as_path()).collect();
    files.sort_unstable();
    match files.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Stop::failed(format!("two reports would be written to `{}`", pair[0].display()))
            .with_help("give each a file of its own")),
        None => Ok(()),
    }
}

fn formats(command: &Command) -> &'static [Format] {
    match command {
        Command::Validate(_) => &[
            Format::Text,
            Format::Json,
            Format::Markdown,
            Format::Html,
            Format::Github,
            Format::Sarif,
            Format::GitlabCodequality,
        ],
        Command::Drift(_) => &[Format::Text, Format::Json, Format::Markdown, Format::Html, Format::Github],
        Command::Plan(_) | Command::Show(_) | Command::Apply(_) | Command::Destroy(_) => {
            &[Format::Text, Format::Json, Format::Markdown, Format::Html, Format::Github, Format::GitlabPlan]
        }
        _ => &[Format::Text, Format::Json],
    }
}

/// Writes a report, whole or not at all.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(text: &str, path: &Path) -> Result<(), Stop> {
    let failed =
        |error: std::io::Error| Stop::failed(format!("`{}` cannot be written: {}", path.display(), with_causes(&error)));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".report-").tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    readable(file.as_file()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Reports are for others, a web server among them; temporary files are not.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

/// How the project's root is reached from the root of its repository: annotations and code scanning count paths from there.
pub(super) fn folder(common: &Common) -> String {
    let Some(root) = find_root(&common.dir) else { return String::new() };
    let Some(repository) = root.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok()) else {
        return String::new();
    };
    let below = root.strip_prefix(repository).unwrap_or(Path::new(""));
    below.iter().map(|part| format!("{}/", part.to_string_lossy())).collect()
}
