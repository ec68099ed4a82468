//! Blame: where in the files of the project something is asked for. Plain data; who finds the places is not known here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::Address;
use super::change::{Change, Edit};
use crate::persona::name::Pointer;

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

/// Where a line of a text stands, after its pieces.
pub fn line_of(pieces: &[Piece], line: usize) -> Option<Source> {
    let piece = pieces.iter().rev().find(|piece| piece.line <= line)?;
    let step = if piece.by_line { line - piece.line } else { 0 };
    let column = if step == 0 { piece.source.column } else { 1 };
    Some(Source { path: piece.source.path.clone(), line: piece.source.line + step, column })
}

/// Writes into a change and its edits where they are asked for. What has left the files points at what is left of them: the
/// persona's file, if there still is one.
pub fn blame(change: &mut Change, sources: &BTreeMap<Address, Sources>) {
    let Some(sources) = sources.get(&change.address) else {
        change.source = persona(&change.address, sources);
        return;
    };
    change.source = Some(sources.section.clone());
    for edit in &mut change.edits {
        edit.pieces = sources.pieces.get(&edit.path).cloned().unwrap_or_default();
        let line = first_changed_line(edit).and_then(|line| line_of(&edit.pieces, line));
        edit.source = Some(line.unwrap_or_else(|| sources.of(&edit.path).clone()));
    }
}

/// The file of a persona, if any of its targets is wanted.
pub fn persona(address: &Address, sources: &BTreeMap<Address, Sources>) -> Option<Source> {
    sources.iter().find(|(other, _)| other.key == address.key).map(|(_, sources)| sources.persona.clone())
}

/// The first line of the new text that the old one does not have at that place; none where there is no old text.
fn first_changed_line(edit: &Edit) -> Option<usize> {
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    let (old, new) = (text(&edit.from)?, text(&edit.to)?);
    let same = old.lines().zip(new.lines()).take_while(|(old, new)| old == new).count();
    Some((same + 1).min(new.lines().count().max(1)))
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

    #[test]
    fn the_first_changed_line_is_inside_the_new_text() {
        let line = |from: &str, to: &str| {
            first_changed_line(&Edit {
                path: Pointer::root(),
                from: Some(Value::from(from)),
                to: Some(Value::from(to)),
                reason: crate::plan::Reason::Declared,
                also_drifted: false,
                release_only: false,
                source: None,
                pieces: Vec::new(),
            })
        };
        assert_eq!(line("a\nb\nc", "a\nB\nc"), Some(2));
        assert_eq!(line("a\nb\nc", "a\nb"), Some(2));
        assert_eq!(line("a", "a\nb"), Some(2));
        assert_eq!(line("a", ""), Some(1));
    }
}
