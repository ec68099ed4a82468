//! The form of what is written by hand about a provider, for its page in the documentation.

/// What neither schema nor rules can say, as sentences without full stop.
#[derive(Debug)]
pub struct Remarks {
    /// What changes besides what was asked for.
    pub side_effects: &'static [&'static str],
    /// What cannot be done.
    pub impossible: &'static [&'static str],
    /// What nobody outside the service knows, and what is done about it.
    pub unknown: &'static [&'static str],
}
