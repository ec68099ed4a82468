//! The screen: what is printed where, in colour or not, questions and progress. Results go to standard output, all else to standard
//! error.

use std::io::{BufRead, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::{Color, Common, Format};
use super::exit::Stop;
use crate::plan::{Action, Address};
use crate::reconcile::{Ending, Entry, Observer};
use crate::report;

/// How this run prints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    choice: ColorChoice,
    /// Text or JSON.
    pub(super) format: Format,
    /// Whether hints and progress are wanted.
    pub(super) chatty: bool,
    may_ask: bool,
    is_muted: bool,
}

impl Screen {
    /// A screen after the flags.
    pub(super) fn new(common: &Common) -> Self {
        let choice = match common.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        };
        Self { choice, format: common.format, chatty: !common.quiet, may_ask: !common.no_input, is_muted: false }
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
        let mut stream = AutoStream::new(std::io::stderr().lock(), self.choice);
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }

    /// The same screen without asides and progress.
    pub(super) fn muted(self) -> Self {
        Self { chatty: false, is_muted: true, ..self }
    }

    /// Prints a hint, unless nobody wants one.
    pub(super) fn hint(&self, text: &str) {
        if self.chatty && self.format == Format::Text {
            self.aside(&format!("{text}\n"));
        }
    }

    /// Prints why a command stopped.
    pub(super) fn stop(&self, stop: &Stop) {
        let red = AnsiColor::Red.on_default().bold();
        let bold = Style::new().bold();
        match stop {
            Stop::Problems(problems) if self.format == Format::Json => self.json(&report::problems::problems_json(problems)),
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
    pub(super) fn confirm(&self, question: &str) -> Result<bool, Stop> {
        if !self.may_ask || !std::io::stdin().is_terminal() {
            return Err(Stop::refused("there is nobody to ask whether to go on")
                .with_help("review the plan, then run it again with `-y`"));
        }
        self.aside(&format!("{question} Type `yes` to go on: "));
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        Ok(read.is_ok() && answer.trim() == "yes")
    }

    /// Asks for one line; none where nobody can be asked.
    pub(super) fn ask(&self, question: &str) -> Option<String> {
        if !self.may_ask || !std::io::stdin().is_terminal() {
            return None;
        }
        self.aside(question);
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned())
    }

    /// A progress display for so many changes; invisible where standard error is no terminal.
    pub(super) fn progress(&self, changes: usize) -> Progress {
        if !self.chatty || self.format == Format::Json {
            return Progress { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::new(u64::try_from(changes).unwrap_or(u64::MAX));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} {wide_msg}") {
            bar.set_style(style);
        }
        Progress { bar }
    }
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
            self.bar.println(format!("{}: {message}", entry.address));
        }
        self.bar.inc(1);
    }
}
