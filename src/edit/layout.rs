//! The layout of YAML files: order, indentation, quotes, blocks. What the files say and every comment stay; a file that uses anchors
//! or tags is left alone.
//!
//! One pass after another, each a proposal: it counts only if the result is read as before and no comment is lost, so that a
//! layout that nobody thought of costs tidiness and never a value.

mod bytes;
mod indent;
mod order;
mod style;

use std::ops::Range;

use serde_json::Value;

use super::tree;
use crate::persona::raw;

/// Which document is tidied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// A persona: its keys have an order.
    Persona,
    /// The project file, in the order of its author.
    Project,
}

/// What came of tidying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tidied {
    /// It is tidy.
    Already,
    /// The tidy text, which loads to the same values.
    Changed(String),
    /// It was left alone, and why.
    Left(&'static str),
}

/// Bytes that give way to texts.
type Splices = Vec<(Range<usize>, String)>;

/// More rounds than a layout needs to come to rest.
const ROUNDS: usize = 6;

/// Tidies the text of a file.
///
/// Guarantees: the tidy text reads as the given one, has the same comments, and is `Already` tidy.
pub fn tidy(text: &str, page: Page) -> Tidied {
    let Some(document) = raw::read(text) else { return Tidied::Left("it cannot be read") };
    let Some(parsed) = tree::parse(text) else { return Tidied::Left("it holds no persona") };
    if parsed.has_properties {
        return Tidied::Left("it uses anchors, aliases or tags");
    }
    let Some(comments) = comments(text) else { return Tidied::Left("it cannot be read") };
    let tidier = Tidier { document, comments, page };
    let mut tidied = text.to_owned();
    for _ in 0..ROUNDS {
        let next = tidier.round(&tidied);
        if next == tidied {
            return match (tidied == text, tidier.accepts(&tidied)) {
                (true, _) => Tidied::Already,
                (false, true) => Tidied::Changed(tidied),
                (false, false) => Tidied::Left("its layout is unusual"),
            };
        }
        tidied = next;
    }
    Tidied::Left("its layout is unusual")
}

/// What a text must say, whatever it looks like.
struct Tidier {
    document: Value,
    comments: Vec<String>,
    page: Page,
}

impl Tidier {
    fn accepts(&self, text: &str) -> bool {
        raw::read(text).is_some_and(|document| same(&document, &self.document))
            && comments(text).as_ref() == Some(&self.comments)
    }

    /// The proposal, if it says the same.
    fn pass(&self, text: String, pass: impl Fn(&str) -> Option<String>) -> String {
        match pass(&text) {
            Some(next) if next == text || self.accepts(&next) => next,
            _ => text,
        }
    }

    fn round(&self, text: &str) -> String {
        let text = self.pass(text.to_owned(), bytes::unquoted);
        let text = self.pass(text, bytes::trimmed);
        let text = self.pass(text, bytes::ended);
        let text = self.pass(text, indent::indented);
        let text = self.restyled(text);
        match self.page {
            Page::Persona => self.pass(text, order::sorted),
            Page::Project => text,
        }
    }

    fn restyled(&self, text: String) -> String {
        let changes = style::restyled(&text, &self.document).unwrap_or_default();
        let all = spliced(&text, changes.concat());
        if self.accepts(&all) {
            return all;
        }
        // One of them is not to be had; from the last to the first, so that the places of the others stay.
        changes.into_iter().rev().fold(text, |text, change| self.pass(text, |text| Some(spliced(text, change.clone()))))
    }
}

/// Whether two documents are the same to the letter of their numbers: `1` is not `1.0` here.
fn same(left: &Value, right: &Value) -> bool {
    left == right && left.to_string() == right.to_string()
}

fn comments(text: &str) -> Option<Vec<String>> {
    let parsed = tree::parse(text)?;
    let mut comments: Vec<String> = parsed.comments.iter().map(|span| text[span.clone()].trim_end().to_owned()).collect();
    comments.sort_unstable();
    Some(comments)
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn spliced(text: &str, mut splices: Splices) -> String {
    splices.sort_by_key(|(span, _)| (span.start, span.end));
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (span, new) in splices {
        result.push_str(text.get(at..span.start).unwrap_or_default());
        result.push_str(&new);
        at = span.end;
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

#[cfg(test)]
#[path = "layout/tests.rs"]
mod tests;
