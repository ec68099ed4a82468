//! Where the fields of a document were written, and what its texts are made of. All of a project's are held as long as it is, so
//! they are kept small: pointers in their text form, one after the other, and no map.

use std::path::Path;
use std::sync::Arc;

use super::name::{Pointer, escaped};
use super::node::{Kind, Node};
use super::problem::Place;

/// A stretch of a text that stands in one file: from its first line to where the next piece begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The line of the text at which the piece begins, from 1.
    pub line: usize,
    /// The file that it stands in, relative to the project's root.
    pub path: Arc<Path>,
    /// The line of that file, from 1.
    pub at: usize,
    /// Whether the lines that follow in the text follow in the file too.
    pub by_line: bool,
}

/// Tells where the fields of a target were written, so that a provider can point at a mistake.
#[derive(Clone, Debug)]
pub struct Places {
    /// The place of the section itself.
    pub section: Place,
    /// The pointers of all fields in their text form, without anything between them.
    pointers: String,
    /// Where each pointer ends in that text, and the place of its field; keys and values alike begin there.
    fields: Vec<(usize, Place)>,
    /// What the texts among the fields are made of, where that is known by line.
    pieces: Vec<(Box<str>, Vec<Piece>)>,
}

impl Places {
    /// The places of a section of which no field is known.
    pub fn new(section: Place) -> Self {
        // Room for most sections at once; what is left of it is given back when all are known.
        Self { section, pointers: String::with_capacity(256), fields: Vec::with_capacity(16), pieces: Vec::new() }
    }

    /// The same with one more field.
    #[must_use]
    pub fn with(mut self, pointer: &Pointer, place: Place) -> Self {
        self.push(&pointer.to_string(), place);
        self
    }

    /// Every field with its pointer in text form, in the order of writing.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Place)> {
        let mut start = 0;
        self.fields.iter().map(move |(end, place)| {
            let pointer = &self.pointers[start..*end];
            start = *end;
            (pointer, place)
        })
    }

    /// What the texts among the fields are made of, by pointer in text form.
    pub fn pieces(&self) -> impl Iterator<Item = (&str, &[Piece])> {
        self.pieces.iter().map(|(pointer, pieces)| (pointer.as_ref(), pieces.as_slice()))
    }

    /// The place of a field, or of the closest ancestor that was written, or of the section.
    pub fn of(&self, pointer: &Pointer) -> Place {
        let text = pointer.to_string();
        let mut wanted = text.as_str();
        while !wanted.is_empty() {
            if let Some((_, place)) = self.fields().find(|(written, _)| *written == wanted) {
                return place.clone();
            }
            wanted = wanted.rsplit_once('/').map_or("", |(above, _)| above);
        }
        self.section.clone()
    }

    /// Adds a field, without what is below it, by its pointer in text form.
    pub(super) fn push(&mut self, pointer: &str, place: Place) {
        self.pointers.push_str(pointer);
        self.fields.push((self.pointers.len(), place));
    }

    /// Adds a field, and all that is below it.
    pub(super) fn add(&mut self, name: &str, field: Place, value: &Node) {
        self.add_below(&mut String::new(), name, field, value);
    }

    fn add_below(&mut self, at: &mut String, segment: &str, place: Place, value: &Node) {
        let above = at.len();
        at.push('/');
        at.push_str(&escaped(segment));
        self.push(at, place);
        match &value.kind {
            Kind::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.add_below(at, &index.to_string(), item.place.clone(), item);
                }
            }
            Kind::Mapping(entries) => {
                for entry in entries {
                    self.add_below(at, &entry.key, entry.field_place(), &entry.value);
                }
            }
            _ => {}
        }
        at.truncate(above);
    }

    /// Adds what texts are made of, and gives back what room is left: nothing is added any more.
    pub(super) fn finished(mut self, pieces: Vec<(Box<str>, Vec<Piece>)>) -> Self {
        self.pieces = pieces;
        self.pieces.shrink_to_fit();
        self.pointers.shrink_to_fit();
        self.fields.shrink_to_fit();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::SourceFile;
    use super::*;

    fn place(start: usize) -> Place {
        Place { file: Arc::new(SourceFile { path: "x.yaml".into(), text: String::new() }), span: start..start }
    }

    #[test]
    fn a_field_that_was_not_written_is_at_the_closest_ancestor_that_was() {
        let (layers, odd) = (Pointer::new(["layers"]), Pointer::new(["layers", "a/b~c"]));
        let places =
            Places::new(place(0)).with(&layers, place(1)).with(&odd, place(2)).with(&Pointer::new(["layer"]), place(3));
        let start = |segments: &[&str]| places.of(&Pointer::new(segments.iter().copied())).span.start;
        assert_eq!((start(&["layers", "a/b~c", "0"]), start(&["layers", "a"]), start(&["layers"])), (2, 1, 1));
        assert_eq!((start(&["layer", "x"]), start(&["lay"]), start(&[])), (3, 0, 0));
    }
}
