//! What an apply did, address by address, as a value that `report` prints.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::persona::name::Pointer;
use crate::plan::{Action, Address, RemoteId};

/// What became of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Outcome {
    /// One entry per change of the plan, in the plan's order.
    pub entries: Vec<Entry>,
    /// Whether somebody interrupted the run.
    pub interrupted: bool,
    /// How long it took.
    pub milliseconds: u64,
    /// How much trying it took.
    pub effort: Effort,
}

/// How much trying a run took, planning included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Effort {
    /// Requests that were sent once more.
    pub retries: u64,
    /// Seconds that all requests together waited before that.
    pub waited: f64,
}

impl Effort {
    /// The sum of what each account took.
    pub(super) fn of(accounts: impl Iterator<Item = (u64, std::time::Duration)>) -> Self {
        accounts.fold(Self::default(), |sum, (retries, waited)| Self {
            retries: sum.retries + retries,
            waited: sum.waited + waited.as_secs_f64(),
        })
    }
}

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Entry {
    /// The target.
    #[schemars(with = "String")]
    pub address: Address,
    /// What was to happen.
    pub action: Action,
    /// The object's id, where known by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub id: Option<RemoteId>,
    /// How many writing requests were answered with success.
    pub requests_sent: usize,
    /// What came of the writing requests that were sent: of the plan's first requests for the target, in their order.
    #[serde(skip)]
    pub exchanges: Vec<Exchange>,
    /// How often a request had to be sent again.
    pub retries: u32,
    /// How long the change took.
    pub milliseconds: u64,
    /// How it ended.
    #[serde(flatten)]
    pub ending: Ending,
}

/// What came of a writing request. What was sent the plan holds: with a long prompt in each, two of them would be felt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// HTTP status of the answer; none: no answer came.
    pub status: Option<u16>,
}

impl Entry {
    /// What to do next, as a fragment; none where nothing is left to do.
    pub fn next_step(&self) -> Option<&str> {
        match &self.ending {
            Ending::Done { .. } => None,
            Ending::Diverged { .. } => {
                Some("see what is left with `personaform plan`; what the service does not keep must leave the file")
            }
            Ending::Failed { help, .. } => {
                let usual = "mend the cause, then run `personaform apply` again: what is done stays done";
                Some(help.as_deref().unwrap_or(usual))
            }
            Ending::Stale { .. } => Some("look at a new plan with `personaform plan`"),
            Ending::NotStarted { .. } => Some("run `personaform apply` again"),
            Ending::Unknown { help, .. } => Some(help),
        }
    }
}

/// How a change ended.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum Ending {
    /// Written, read back, and as predicted.
    Done {
        /// Whether it was read back (not at services that cannot be read).
        verified: bool,
    },
    /// Written, but the service made something else of it than was predicted.
    Diverged {
        /// Every field that differs.
        differences: Vec<Difference>,
    },
    /// The service, or the way to it, said no.
    Failed {
        /// Method and path of the request, where one was sent.
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<String>,
        /// HTTP status, where there was an answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// The service's words or the fault.
        message: String,
        /// What to do next, as a fragment.
        #[serde(skip_serializing_if = "Option::is_none")]
        help: Option<String>,
    },
    /// Not touched, because the live object is no longer what the plan saw.
    Stale {
        /// What changed, as a fragment.
        message: String,
    },
    /// Not begun.
    NotStarted {
        /// Why, as a fragment (`interrupted`).
        message: String,
    },
    /// It was sent, and nobody knows whether the service did it.
    Unknown {
        /// Method and path of the request.
        request: String,
        /// The fault.
        message: String,
        /// What to do next, as a fragment.
        help: String,
    },
}

/// A field that is not as predicted.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// The field.
    #[schemars(with = "String")]
    pub path: Pointer,
    /// What was predicted; none: absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// What was read back; none: absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
}
