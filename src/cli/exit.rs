//! How a run ends: exit codes, and what stops a command early.

use crate::persona::problem::Problem;

/// The documented exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Failed.
    Failed,
    /// `plan --detailed-exitcode`: there are changes; `drift`: there is some.
    Changes,
    /// Applied in part, or something diverged.
    Partly,
    /// A gate is closed, the state is locked, the plan is stale.
    Refused,
    /// The files have problems.
    Problems,
    /// Somebody interrupted the run.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Changes => 2,
            Self::Partly => 3,
            Self::Refused => 4,
            Self::Problems => 5,
            Self::Interrupted => 130,
        }
    }
}

/// What ends a command before its work is done.
#[derive(Debug)]
pub(super) enum Stop {
    /// The files have problems, errors among them.
    Problems(Vec<Problem>),
    /// Anything else: how it ends, what happened, what to do.
    Because {
        /// The exit code.
        exit: Exit,
        /// A lowercase fragment.
        message: String,
        /// What to do, as a fragment.
        help: Option<String>,
    },
}

impl Stop {
    /// A failure.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::Because { exit: Exit::Failed, message: message.into(), help: None }
    }

    /// A refusal.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::Because { exit: Exit::Refused, message: message.into(), help: None }
    }

    /// The same with advice.
    #[must_use]
    pub(super) fn with_help(self, advice: impl Into<String>) -> Self {
        match self {
            Self::Because { exit, message, .. } => Self::Because { exit, message, help: Some(advice.into()) },
            problems @ Self::Problems(_) => problems,
        }
    }
}

/// An error with its causes on one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
