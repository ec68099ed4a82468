//! Plans and outcomes as text for people: in a terminal with or without colour, at any width, through a screen reader.
//!
//! Colour is SGR sequences inside the text, which the face strips where there is none; every meaning that a colour carries is
//! also a sign or a word. What came from a file or a service never reaches the text unescaped (see `shown::visible`).

mod diff;
mod drift;
mod edit;
mod marks;
mod outcome;
mod page;
mod plan;
mod style;
#[cfg(test)]
mod tests;

pub use drift::drift;
pub use outcome::outcome;
pub use plan::plan;

/// How a text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Columns of the screen; fewer than 40 count as 40.
    pub width: usize,
    /// Shows each request of a plan exactly. Bodies are not wrapped, so that they can be copied.
    pub requests: bool,
    /// Shows new and removed texts and the words of a service whole.
    pub verbose: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 80, requests: false, verbose: false }
    }
}
