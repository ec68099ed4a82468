//! The screen: what is printed where, in colour or not, questions and progress. Results go to standard output, all else to standard
//! error.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle, WeakProgressBar};

use super::args::{Color, Common, Format, ReportTo, Reporting};
use super::exit::Stop;
use super::reports::{self, Rendering, Subject};
use crate::http::Redactor;
use crate::persona::problem::Problem;
use crate::plan::{Action, Address};
use crate::reconcile::{Ending, Entry, Observer};
use crate::report;

/// The last line of defence: what no output may hold, whatever went wrong before. One list for the process, for the screen and for
/// those who outlive it.
static HIDDEN: Mutex<Vec<Redactor>> = Mutex::new(Vec::new());

/// The progress display, while there is one: what is printed beside it must not land in its line.
static DISPLAY: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

/// The shortest secret that is looked for in whole outputs; a shorter one may be a word that belongs there.
const SHORTEST_HIDDEN: usize = 8;

/// A text as it may be printed.
fn printable(text: &str) -> String {
    let hidden = HIDDEN.lock().unwrap_or_else(PoisonError::into_inner);
    hidden.iter().fold(text.to_owned(), |text, redactor| if redactor.finds(&text) { redactor.text(&text) } else { text })
}

/// Standard error in this run's colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aside {
    choice: ColorChoice,
}

impl Aside {
    /// Prints something that is no result.
    pub(super) fn say(self, text: &str) {
        let text = printable(text);
        let print = || {
            let mut stream = AutoStream::new(std::io::stderr().lock(), self.choice);
            let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        };
        let display = DISPLAY.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(WeakProgressBar::upgrade);
        match display {
            Some(display) => display.suspend(print),
            None => print(),
        }
    }
}

/// How this run prints, and where it reports.
#[derive(Debug)]
pub(super) struct Screen {
    choice: ColorChoice,
    /// How the result is printed.
    pub(super) format: Format,
    /// Whether hints and progress are wanted.
    pub(super) chatty: bool,
    verbose: bool,
    may_ask: bool,
    reports: Vec<ReportTo>,
    markdown_limit: usize,
    folder: String,
    warnings: RefCell<Vec<Problem>>,
    /// Whether the result stands on the screen, and in the reports.
    told: Cell<bool>,
    is_muted: bool,
}

impl Screen {
    /// A screen after the flags.
    pub(super) fn new(common: &Common, reporting: Option<&Reporting>) -> Self {
        let choice = match common.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        };
        Self {
            choice,
            format: common.format,
            chatty: !common.quiet,
            verbose: common.verbose,
            may_ask: !common.no_input,
            reports: reporting.map(|reporting| reporting.reports.clone()).unwrap_or_default(),
            markdown_limit: reporting.map_or(report::markdown::GITHUB, |reporting| reporting.markdown_limit),
            folder: reports::folder(common),
            warnings: RefCell::default(),
            told: Cell::new(false),
            is_muted: false,
        }
    }

    /// Shows warnings about the files at once, and keeps them for the reports.
    pub(super) fn warn(&self, problems: Vec<Problem>) {
        self.aside(&report::problems::problems(&problems));
        self.warnings.borrow_mut().extend(problems);
    }

    /// A result in a format; none where the format cannot say it.
    fn rendered(&self, subject: Subject<'_>, format: Format, width: usize) -> Option<String> {
        let warnings = self.warnings.borrow();
        let (verbose, markdown_limit) = (self.verbose, self.markdown_limit);
        Rendering { width, verbose, markdown_limit, folder: &self.folder, warnings: &warnings }.render(subject, format)
    }

    /// Prints a result in the wanted format.
    pub(super) fn show(&self, subject: Subject<'_>) {
        match self.rendered(subject, self.format, self.width()) {
            Some(text) if self.format == Format::Text => self.result(&text),
            // What is no text of ours for a terminal is printed to the letter.
            Some(text) => self.raw(&text),
            None => {}
        }
    }

    /// Prints a result and writes the reports.
    ///
    /// # Errors
    /// When a report cannot be written.
    pub(super) fn publish(&self, subject: Subject<'_>) -> Result<(), Stop> {
        self.show(subject);
        self.write_reports(subject)
    }

    /// The same for a run that shows its plan as text before.
    ///
    /// # Errors
    /// As [`Screen::publish`].
    pub(super) fn publish_after_plan(&self, subject: Subject<'_>, gap: &str) -> Result<(), Stop> {
        let nothing = matches!(subject, Subject::Outcome(outcome, ..) if outcome.entries.is_empty());
        if self.format != Format::Text || !nothing {
            self.result(if self.format == Format::Text { gap } else { "" });
            self.show(subject);
        }
        self.write_reports(subject)
    }

    /// The plan of a run that ends before anything is applied; as text it was shown, and its JSON would be taken for an outcome.
    ///
    /// # Errors
    /// As [`Screen::publish`].
    pub(super) fn publish_plan(&self, subject: Subject<'_>) -> Result<(), Stop> {
        if !matches!(self.format, Format::Text | Format::Json) {
            self.show(subject);
        }
        self.write_reports(subject)
    }

    /// The warnings as the result.
    ///
    /// # Errors
    /// As [`Screen::publish`].
    pub(super) fn publish_warnings(&self) -> Result<(), Stop> {
        let warnings = self.warnings.take();
        if self.format != Format::Text {
            self.show(Subject::Problems(&warnings));
        }
        self.write_reports(Subject::Problems(&warnings))
    }

    fn write_reports(&self, subject: Subject<'_>) -> Result<(), Stop> {
        self.told.set(true);
        for ReportTo { format, file } in &self.reports {
            if let Some(text) = self.rendered(subject, *format, 100) {
                reports::write(&anstream::adapter::strip_str(&text).to_string(), file)?;
            }
        }
        Ok(())
    }

    /// From now on prints nothing that a redactor finds.
    pub(super) fn hide(&self, redactor: &Redactor) {
        let mut hidden = HIDDEN.lock().unwrap_or_else(PoisonError::into_inner);
        hidden.push(redactor.clone().at_least(SHORTEST_HIDDEN));
    }

    /// Columns of the terminal; 100 where there is none.
    pub(super) fn width(&self) -> usize {
        match terminal_size::terminal_size() {
            Some((terminal_size::Width(columns), _)) if columns > 20 => usize::from(columns).min(140),
            _ => 100,
        }
    }

    /// Prints a result. A reader who hung up (`| head`) is no failure.
    pub(super) fn result(&self, text: &str) {
        let mut stream = AutoStream::new(std::io::stdout().lock(), self.choice);
        let _ = stream.write_all(printable(text).as_bytes()).and_then(|()| stream.flush());
    }

    /// Prints a result that is not for a terminal.
    fn raw(&self, text: &str) {
        let mut stream = std::io::stdout().lock();
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }

    /// Prints a JSON result.
    pub(super) fn json(&self, value: &serde_json::Value) {
        self.result(&format!("{value:#}\n"));
    }

    /// Prints something that is no result.
    pub(super) fn aside(&self, text: &str) {
        if self.is_muted {
            return;
        }
        self.asides().say(text);
    }

    /// The way for what is no result, for those who outlive this value.
    pub(super) fn asides(&self) -> Aside {
        Aside { choice: self.choice }
    }

    /// The same screen without asides and progress.
    pub(super) fn muted(&self) -> Self {
        Self {
            choice: self.choice,
            format: self.format,
            chatty: false,
            verbose: false,
            may_ask: self.may_ask,
            reports: Vec::new(),
            markdown_limit: self.markdown_limit,
            folder: self.folder.clone(),
            warnings: RefCell::default(),
            told: Cell::new(false),
            is_muted: true,
        }
    }

    /// Prints a hint, unless nobody wants one.
    pub(super) fn hint(&self, text: &str) {
        if self.chatty && self.format == Format::Text {
            self.aside(&format!("{text}\n"));
        }
    }

    /// Prints why a command stopped, and reports it where nothing else was.
    pub(super) fn stop(&self, stop: &Stop) {
        self.explain(stop);
        if self.told.get() {
            return;
        }
        let problems = match stop {
            Stop::Problems(problems) => problems.clone(),
            Stop::Because { message, help, .. } => {
                let problem = Problem::nowhere("stopped", message.clone());
                vec![help.iter().fold(problem, |problem, help| problem.with_help(help.clone()))]
            }
        };
        let subject = Subject::Problems(&problems);
        let is_problems = matches!(stop, Stop::Problems(_));
        match self.format {
            Format::Text => {}
            // A reader of JSON finds a failure that is no problem of the files in the exit code.
            Format::Json if !is_problems => {}
            _ => self.show(subject),
        }
        if let Err(Stop::Because { message, .. }) = self.write_reports(subject) {
            self.aside(&format!("{message}\n"));
        }
    }

    /// Prints what is wrong with the command line.
    pub(super) fn misuse(&self, stop: &Stop) {
        self.explain(stop);
    }

    fn explain(&self, stop: &Stop) {
        let red = AnsiColor::Red.on_default().bold();
        let bold = Style::new().bold();
        match stop {
            Stop::Problems(_) if self.format == Format::Json => {}
            Stop::Problems(problems) => self.aside(&report::problems::problems(problems)),
            Stop::Because { message, help, .. } => {
                self.aside(&format!("{red}error{red:#}{bold}: {message}{bold:#}\n"));
                if let Some(help) = help {
                    self.aside(&format!("  {bold}help{bold:#}: {help}\n"));
                }
            }
        }
    }

    /// Asks for a typed `yes`.
    ///
    /// # Errors
    /// When nobody can be asked.
    pub(super) async fn confirm(&self, question: &str) -> Result<bool, Stop> {
        if !self.may_ask || !std::io::stdin().is_terminal() {
            return Err(Stop::refused("there is nobody to ask whether to go on")
                .with_help("review the plan, then run it again with `-y`"));
        }
        self.aside(&format!("{question} Type `yes` to go on: "));
        Ok(line_of_input().await.is_some_and(|answer| answer.trim() == "yes"))
    }

    /// Asks for one line; none where nobody can be asked.
    ///
    /// # Errors
    /// When the input ends instead (Ctrl-D): that is no answer, not even an empty one.
    pub(super) async fn ask(&self, question: &str) -> Result<Option<String>, Stop> {
        if !self.may_ask || !std::io::stdin().is_terminal() {
            return Ok(None);
        }
        self.aside(question);
        match line_of_input().await {
            Some(answer) if !answer.is_empty() => Ok(Some(answer.trim().to_owned())),
            _ => {
                self.aside("\n");
                Err(Stop::refused("there was no answer, and nothing was done"))
            }
        }
    }

    /// A progress display for so many changes; invisible where standard error is no terminal.
    pub(super) fn progress(&self, changes: usize) -> Progress {
        if !self.chatty || self.format != Format::Text {
            return Progress { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::new(u64::try_from(changes).unwrap_or(u64::MAX));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} {wide_msg}") {
            bar.set_style(style);
        }
        *DISPLAY.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.downgrade());
        Progress { bar }
    }
}

/// What somebody types; nothing at the end of the input. On a thread of its own, so that an interrupt is heard while nobody answers.
async fn line_of_input() -> Option<String> {
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    line.await.ok()?.ok()
}

/// Progress on a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows that so much more is done.
    pub(super) fn advance(&self, done: usize, message: &str) {
        self.bar.set_message(message.to_owned());
        self.bar.inc(u64::try_from(done).unwrap_or_default());
    }

    /// Takes the display away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Progress {
    fn begun(&self, address: &Address, action: Action) {
        self.bar.set_message(format!("{} {address}", action.word()));
    }

    fn ended(&self, entry: &Entry) {
        if let Ending::Failed { message, .. } | Ending::Unknown { message, .. } = &entry.ending {
            self.bar.println(printable(&format!("{}: {message}", entry.address)));
        }
        self.bar.inc(1);
    }
}
