//! Blame: where in the files of the project something is asked for. Plain data; who finds the places is not known here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::Address;
use crate::persona::name::{Key, Pointer};

/// A point in a file of the project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// Path relative to the project's root, with `/` between folders.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// A stretch of a text that stands in one file: from its first line to where the next piece begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Piece {
    /// The line of the text at which the piece begins, from 1.
    pub line: usize,
    /// Where that line stands.
    pub source: Source,
    /// Whether the lines that follow in the text follow in the file too; if not, all of them come from the one place.
    pub by_line: bool,
}

/// Where one target and its fields are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// The persona's file.
    pub persona: Source,
    /// The target's section.
    pub section: Source,
    /// The fields, in the provider's write shape.
    pub fields: BTreeMap<Pointer, Source>,
    /// The pieces of texts that are made of several lines or files.
    pub pieces: BTreeMap<Pointer, Vec<Piece>>,
}

impl Sources {
    /// Where a field is asked for, or the closest field above it, or the section.
    pub fn of(&self, path: &Pointer) -> &Source {
        let mut at = Some(path.clone());
        while let Some(current) = at {
            if let Some(source) = self.fields.get(&current) {
                return source;
            }
            at = current.parent();
        }
        &self.section
    }
}

/// Tells where in the files a target is asked for. Only few targets change, so that it is asked of few.
pub trait Whereabouts {
    /// Where a target and its fields stand; none where the files do not want it.
    fn of_target(&self, address: &Address) -> Option<Sources>;
    /// The file of a persona; none where the files want none of its targets.
    fn of_persona(&self, key: &Key) -> Option<Source>;
}

impl Whereabouts for BTreeMap<Address, Sources> {
    fn of_target(&self, address: &Address) -> Option<Sources> {
        self.get(address).cloned()
    }

    fn of_persona(&self, key: &Key) -> Option<Source> {
        self.iter().find(|(address, _)| address.key == *key).map(|(_, sources)| sources.persona.clone())
    }
}

/// Where a line of a text stands, after its pieces.
pub fn line_of(pieces: &[Piece], line: usize) -> Option<Source> {
    let piece = pieces.iter().rev().find(|piece| piece.line <= line)?;
    let step = if piece.by_line { line - piece.line } else { 0 };
    let column = if step == 0 { piece.source.column } else { 1 };
    Some(Source { path: piece.source.path.clone(), line: piece.source.line + step, column })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(line: usize, path: &str, at: usize, by_line: bool) -> Piece {
        Piece { line, source: Source { path: path.to_owned(), line: at, column: 3 }, by_line }
    }

    #[test]
    fn a_line_belongs_to_the_last_piece_that_begins_before_it() {
        let pieces = [piece(1, "rules.md", 1, true), piece(5, "ada.yaml", 9, false), piece(8, "ada.md", 1, true)];
        let at = |line| line_of(&pieces, line).map(|source| format!("{}:{}:{}", source.path, source.line, source.column));
        assert_eq!(at(3).as_deref(), Some("rules.md:3:1"));
        assert_eq!(at(5).as_deref(), Some("ada.yaml:9:3"));
        assert_eq!(at(6).as_deref(), Some("ada.yaml:9:3"));
        assert_eq!(at(10).as_deref(), Some("ada.md:3:1"));
        assert_eq!(line_of(&[], 1), None);
    }
}
