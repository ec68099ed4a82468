//! What flags may say: the words, and how each is read.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use crate::persona::name::Pointer;
use crate::report::markdown;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For a comment below a pull request.
    Markdown,
    /// One page for a browser.
    Html,
    /// Annotations of GitHub Actions.
    Github,
    /// Code scanning (SARIF 2.1.0).
    Sarif,
    /// The counts for GitLab's merge request widget.
    GitlabPlan,
    /// GitLab's code quality report.
    GitlabCodequality,
}

impl Format {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Github => "github",
            Self::Sarif => "sarif",
            Self::GitlabPlan => "gitlab-plan",
            Self::GitlabCodequality => "gitlab-codequality",
        }
    }
}

/// A file that a result is written to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTo {
    /// The format.
    pub format: Format,
    /// The file.
    pub file: PathBuf,
}

/// When colour is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A duration of at least a tenth of a second, as in `90s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    // A bare number is meant as seconds.
    let seconds = text.parse::<u64>().map(Duration::from_secs).ok();
    let duration = seconds.map_or_else(|| humantime::parse_duration(text), Ok).map_err(|error| error.to_string())?;
    let allowed = Duration::from_millis(100)..=Duration::from_secs(3600);
    if allowed.contains(&duration) { Ok(duration) } else { Err("possible is anything from 100ms to 1h".to_owned()) }
}

/// A field of an object, by its pointer.
pub(super) fn field(text: &str) -> Result<Pointer, String> {
    match Pointer::parse(text)? {
        pointer if pointer.is_root() => Err("it names no field: write one, as in `/layers/tts`".to_owned()),
        pointer => Ok(pointer),
    }
}

/// Reads `FORMAT=FILE`.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn report_to(text: &str) -> Result<ReportTo, String> {
    let (format, file) = text.split_once('=').ok_or("write FORMAT=FILE, as in `markdown=plan.md`")?;
    let format = Format::from_str(format, false).map_err(|_| {
        let known: Vec<&str> = Format::value_variants().iter().map(|format| format.word()).collect();
        format!("there is no format `{format}`; there are {}", known.join(", "))
    })?;
    if file.is_empty() {
        return Err("it names no file".to_owned());
    }
    Ok(ReportTo { format, file: file.into() })
}

/// Reads a limit of characters, by number or by host.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn characters(text: &str) -> Result<usize, String> {
    match text {
        "github" => Ok(markdown::GITHUB),
        "gitlab" => Ok(markdown::GITLAB),
        _ => match text.parse() {
            Ok(number) if number >= markdown::LEAST => Ok(number),
            _ => Err(format!("write `github`, `gitlab`, or a number of at least {}", markdown::LEAST)),
        },
    }
}
