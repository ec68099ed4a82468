//! The palette: what each kind of text looks like on a screen with colour. Nothing may be said by colour alone.

use anstyle::{AnsiColor, Style};

use crate::plan::Action;

/// The kind of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// Headings and addresses.
    Strong,
    /// What may be skipped.
    Faint,
    /// Notes, closed gates, what wants attention.
    Warning,
    Bad,
    Good,
    /// A line that goes, and the words in it that do.
    Removed,
    RemovedWord,
    /// A line that comes, and the words in it that do.
    Added,
    AddedWord,
    Action(Action),
}

impl Tone {
    /// The style in a terminal.
    pub(super) fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Warning => colour(AnsiColor::Yellow).bold(),
            Self::Bad => colour(AnsiColor::Red).bold(),
            Self::Good => colour(AnsiColor::Green).bold(),
            Self::Removed => colour(AnsiColor::Red),
            Self::RemovedWord => colour(AnsiColor::Red).bold().invert(),
            Self::Added => colour(AnsiColor::Green),
            Self::AddedWord => colour(AnsiColor::Green).bold().invert(),
            Self::Action(Action::Create) => colour(AnsiColor::Green).bold(),
            Self::Action(Action::Update) => colour(AnsiColor::Yellow).bold(),
            Self::Action(Action::Delete) => colour(AnsiColor::Red).bold(),
            Self::Action(Action::Adopt) => colour(AnsiColor::Cyan).bold(),
            Self::Action(Action::Forget) => colour(AnsiColor::Magenta).bold(),
            Self::Action(Action::Move) => colour(AnsiColor::Blue).bold(),
        }
    }
}
