//! THE PEN: changes of persona YAML and prompt files that keep every byte that need not change. Pure: a text and what it shall
//! say in, the new text or a refusal out. What files there are, and who may write them, is not known here.
//!
//! Nothing is trusted: every edited text is read again with the loader's own reader and compared with what was wanted, and no
//! comment may be lost but those of what is removed.

mod layout;
mod merge;
mod prompt;
mod rewrite;
mod tree;
mod write;

use std::ops::Range;

pub use layout::{Page, Tidied, tidy};
pub use merge::{Merged, merge};
pub use prompt::{Split, file_text, split};
pub use rewrite::rewrite;
pub use tree::locate;

/// Why a text was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    /// Where, in bytes of the text.
    pub span: Range<usize>,
    /// Why, as a fragment.
    pub why: &'static str,
}

impl Refusal {
    fn new(span: Range<usize>, why: &'static str) -> Self {
        Self { span, why }
    }
}
