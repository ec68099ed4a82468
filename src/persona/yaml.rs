//! The only file that knows the YAML parser: text in, a [`Node`] tree and the problems of the text out.
//!
//! The decisions, each with its code: one document per file (`several-documents`); keys are text (`key-not-text`) and stand
//! once (`duplicate-key`, the first one counts); `<<` merges, own keys win, and what is merged keeps its anchor's place
//! (`merge-key`); aliases are expanded within a budget (`alias-budget`) and never into themselves (`alias-loop`); nesting ends
//! at [`MAX_DEPTH`] (`too-deep`) and files at [`MAX_VALUES`] values (`too-many-values`); tags other than the core schema's are refused (`unknown-tag`); what plain scalars mean is
//! decided in `scalar`. A byte order mark is skipped. All else that the parser refuses is `syntax`, or `tab` where a tab is
//! the cause.

mod entries;
mod scalars;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span, Tag};

use entries::Entries;

use super::node::{Entry, Kind, Node};
use super::problem::{Place, Problem, SourceFile};
use super::scalar::{self, Scalar};

/// How deep lists and mappings may be nested, aliases expanded.
pub(super) const MAX_DEPTH: usize = 64;

/// How much the aliases of one file may expand to: one for a value, and one more for every 16 bytes of its text.
const ALIAS_BUDGET: usize = 1_000_000;

/// The most values that a file may hold, keys included. A large persona has some hundred; every value costs a hundred times the
/// memory of the letter that it may be written with.
const MAX_VALUES: usize = 200_000;

/// Reads one document. `file` is what the places point into; its text may be a masked copy of `text`, of the same length.
///
/// The tree is there as far as it could be read, also beside problems; none for an empty file or broken syntax.
pub(super) fn parse(text: &str, file: &Arc<SourceFile>) -> (Option<Arc<Node>>, Vec<Problem>) {
    let mut composer =
        Composer { file, text, frames: Vec::new(), anchors: BTreeMap::new(), spent: 0, root: None, problems: Vec::new() };
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r'));
    let forbidden = if is_plain { None } else { text.char_indices().find(|(_, character)| is_forbidden(*character)) };
    if let Some((offset, character)) = forbidden {
        let place = composer.place(offset..offset + character.len_utf8());
        let message = format!("the character U+{:04X} may not stand in YAML", u32::from(character));
        let help = "remove it, or write it as an escape in a double-quoted text";
        return (None, vec![Problem::error("control-character", place, message).with_help(help)]);
    }
    composer.run();
    (composer.root.map(|measured| measured.node), composer.problems)
}

/// The same text in a form that YAML reads as text again: bare where that is safe, else double-quoted.
pub(super) fn quoted(text: &str) -> String {
    let safe = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '/' | '$');
    let inner = |character: char| safe(character) || character == '-';
    let bare = text.starts_with(safe) && text.chars().all(inner) && scalar::read(text) == (Scalar::Text, None);
    if bare { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// Whether YAML forbids a character: the control characters but tab, line feed, carriage return and next line.
fn is_forbidden(character: char) -> bool {
    (character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{85}'))
        || matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// A node with what its expansion costs.
#[derive(Clone)]
struct Measured {
    node: Arc<Node>,
    depth: usize,
    weight: usize,
}

/// A list or mapping that is being read.
struct Frame {
    span: Range<usize>,
    anchor: usize,
    depth: usize,
    weight: usize,
    content: Content,
}

enum Content {
    List(Vec<Arc<Node>>),
    Mapping { entries: Entries, merges: Vec<Arc<Node>>, key: Key },
}

/// What the next node of a mapping is.
enum Key {
    /// A key.
    Awaited,
    /// The value of this key.
    Text(String, Place),
    /// The value of a merge key.
    Merge(Place),
    /// The value of a key that was refused.
    Refused,
}

struct Composer<'a> {
    file: &'a Arc<SourceFile>,
    text: &'a str,
    frames: Vec<Frame>,
    anchors: BTreeMap<usize, Measured>,
    spent: usize,
    root: Option<Measured>,
    problems: Vec<Problem>,
}

impl Composer<'_> {
    fn run(&mut self) {
        let mut options = Options::default();
        options.emit_unresolved_aliases = true;
        options.flow_nesting_limit = MAX_DEPTH;
        options.block_nesting_limit = MAX_DEPTH;
        options.set_emit_comments(false);
        let mut documents = 0;
        let mut values = 0;
        for step in Parser::new_from_str_with_options(self.text, options) {
            match step {
                Ok((Event::DocumentStart(..), span)) => {
                    documents += 1;
                    if documents > 1 {
                        let place = self.place(range(&span));
                        let help = "keep one document per file: move what follows to a file of its own";
                        self.problems
                            .push(Problem::error("several-documents", place, "a second document begins here").with_help(help));
                        return;
                    }
                }
                Ok((event, span)) => {
                    values += 1;
                    if values > MAX_VALUES {
                        let place = self.place(range(&span));
                        let message = format!("this file holds more than {MAX_VALUES} values");
                        let problem = Problem::error("too-many-values", place, message);
                        self.problems.push(problem.with_help("no persona is as large as this: was something else meant?"));
                        self.root = None;
                        return;
                    }
                    if !self.event(event, &span) {
                        self.root = None;
                        return;
                    }
                }
                Err(error) => {
                    self.root = None;
                    let problem = self.broken(&error);
                    self.problems.push(problem);
                    return;
                }
            }
        }
    }

    /// Takes one event; false when reading must end.
    fn event(&mut self, event: Event<'_>, span: &Span) -> bool {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if self.awaits_key() {
                    self.key(text.into_owned(), style, tag.as_deref(), span, anchor);
                    return true;
                }
                let weight = 1 + text.len() / 16;
                let kind = self.scalar(text, style, tag.as_deref(), span);
                let node = Arc::new(Node { place: self.place(range(span)), kind });
                self.complete(Measured { node, depth: 0, weight }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", span);
                self.open(span, anchor, Content::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", span);
                let content = Content::Mapping { entries: Entries::default(), merges: Vec::new(), key: Key::Awaited };
                self.open(span, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                let place = self.place(range(span));
                let help = format!("write `&{name}` before the value that is meant, above this line");
                self.problems.push(
                    Problem::error("unknown-anchor", place, format!("there is no anchor `&{name}` above")).with_help(help),
                );
                self.complete(self.nothing(span), 0)
            }
            _ => true,
        }
    }

    fn awaits_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { content: Content::Mapping { key: Key::Awaited, .. }, .. }))
    }

    fn open(&mut self, span: &Span, anchor: usize, content: Content) -> bool {
        self.frames.push(Frame { span: range(span), anchor, depth: 0, weight: 1, content });
        if self.frames.len() > MAX_DEPTH {
            let problem = too_deep(self.place(range(span)));
            self.problems.push(problem);
        }
        self.frames.len() <= MAX_DEPTH
    }

    fn close(&mut self, span: &Span) -> bool {
        let Some(frame) = self.frames.pop() else { return true };
        // Only a flow collection has an end of its own; a block collection stays the point where it begins.
        let end = if frame.span.is_empty() { frame.span.end } else { range(span).end };
        let place = self.place(frame.span.start..end);
        let kind = match frame.content {
            Content::List(items) => Kind::List(items),
            Content::Mapping { mut entries, merges, .. } => {
                for merged in merges.iter().flat_map(|node| node.entries()) {
                    if entries.get(&merged.key).is_none() {
                        entries.push(merged.clone());
                    }
                }
                Kind::Mapping(entries.list)
            }
        };
        let node = Arc::new(Node { place, kind });
        self.complete(Measured { node, depth: frame.depth + 1, weight: frame.weight }, frame.anchor)
    }

    /// Puts a finished node where it belongs.
    fn complete(&mut self, measured: Measured, anchor: usize) -> bool {
        if anchor != 0 {
            self.anchors.insert(anchor, measured.clone());
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(measured);
            return true;
        };
        frame.depth = frame.depth.max(measured.depth);
        frame.weight = frame.weight.saturating_add(measured.weight);
        let node = measured.node;
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Mapping { entries, merges, key } => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => {
                    *key = Key::Refused;
                    let message = format!("{} cannot be a key", node.noun());
                    self.problems.push(Problem::error("key-not-text", node.place.clone(), message));
                }
                Key::Text(key, place) => entries.push(Entry { key, place, value: node }),
                Key::Merge(place) => match &node.kind {
                    Kind::Mapping(_) => merges.push(node),
                    Kind::List(items) if items.iter().all(|item| matches!(item.kind, Kind::Mapping(_))) => {
                        merges.extend(items.iter().cloned());
                    }
                    _ => {
                        let message = format!("`<<` merges a mapping or a list of mappings, not {}", node.noun());
                        let help = "quote the key if `<<` is a field: `\"<<\"`";
                        self.problems.push(Problem::error("merge-key", place, message).with_help(help));
                    }
                },
                Key::Refused => {}
            },
        }
        true
    }

    /// Takes a scalar as a key of the innermost mapping.
    fn key(&mut self, text: String, style: ScalarStyle, tag: Option<&Tag>, span: &Span, anchor: usize) {
        let place = self.place(range(span));
        let next = if style == ScalarStyle::Plain && text == "<<" && tag.is_none() {
            Key::Merge(place)
        } else {
            let value = match self.scalar_value(&text, style, tag, span) {
                // What is doubtful as a value is harmless as a key: every service takes keys as text.
                Ok((value, _)) => value,
                Err(problem) => {
                    self.problems.push(*problem);
                    Scalar::Text
                }
            };
            if anchor != 0 {
                let node = Arc::new(Node { place: place.clone(), kind: Kind::Text(text.clone()) });
                self.anchors.insert(anchor, Measured { node, depth: 0, weight: 1 + text.len() / 16 });
            }
            match value {
                Scalar::Text => self.text_key(text, place),
                other => {
                    let noun = Node { place: place.clone(), kind: scalars::kind(other, "".into()) }.noun();
                    let mut problem = Problem::error("key-not-text", place.clone(), format!("{noun} cannot be a key"));
                    if !place.span.is_empty() {
                        problem = problem.with_suggestion(place, format!("\"{text}\""));
                    }
                    self.problems.push(problem);
                    Key::Refused
                }
            }
        };
        self.expect(next);
    }

    /// A key that is text, unless the mapping has it already.
    fn text_key(&mut self, text: String, place: Place) -> Key {
        let Some(Frame { content: Content::Mapping { entries, .. }, .. }) = self.frames.last() else {
            return Key::Refused;
        };
        match entries.get(&text) {
            Some(first) => {
                let problem = Problem::error("duplicate-key", place, format!("the key `{}` stands here twice", brief(&text)))
                    .with_related(first.place.clone(), "first written here")
                    .with_help("keep one of them");
                self.problems.push(problem);
                Key::Refused
            }
            None => Key::Text(text, place),
        }
    }

    fn expect(&mut self, next: Key) {
        if let Some(Frame { content: Content::Mapping { key, .. }, .. }) = self.frames.last_mut() {
            *key = next;
        }
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> bool {
        let place = self.place(range(span));
        let Some(measured) = self.anchors.get(&anchor).cloned() else {
            self.problems.push(Problem::error("alias-loop", place, "this alias stands inside the value that it repeats"));
            return self.complete(self.nothing(span), 0);
        };
        if self.awaits_key() {
            let key = match measured.node.text() {
                Some(text) => self.text_key(text.to_owned(), place),
                None => {
                    let message = format!("{} cannot be a key", measured.node.noun());
                    self.problems.push(Problem::error("key-not-text", place, message));
                    Key::Refused
                }
            };
            self.expect(key);
            return true;
        }
        self.spent = self.spent.saturating_add(measured.weight);
        if self.spent > ALIAS_BUDGET {
            let message = "the aliases of this file expand to more than a file may hold";
            self.problems
                .push(Problem::error("alias-budget", place, message).with_help("write the values out, or use `$file`"));
            return false;
        }
        if self.frames.len() + measured.depth > MAX_DEPTH {
            self.problems.push(too_deep(place));
            return false;
        }
        self.complete(measured, 0)
    }

    fn nothing(&self, span: &Span) -> Measured {
        Measured { node: Arc::new(Node { place: self.place(range(span)), kind: Kind::Null }), depth: 0, weight: 1 }
    }

    /// Turns the parser's refusal into a problem.
    fn broken(&self, error: &ScanError) -> Problem {
        let offset = error.marker().byte_offset().unwrap_or(0).min(self.text.len());
        let end = self.text[offset..].chars().next().map_or(offset, |next| offset + next.len_utf8());
        let point = self.place(if self.text[offset..].starts_with('\n') { offset..offset } else { offset..end });
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            return too_deep(point);
        }
        // The tab that disturbs indentation may stand on the line of the refusal or on the one before it.
        let line = self.text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let before = self.text[..line.saturating_sub(1)].rfind('\n').map_or(0, |newline| newline + 1);
        for start in [line, before] {
            let indentation = self.text[start..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let indentation = start..start + indentation;
            if self.text[indentation.clone()].contains('\t') {
                let place = self.place(indentation.clone());
                let spaces = self.text[indentation].replace('\t', "  ");
                let help = "indent with spaces; YAML does not know how wide a tab is";
                let problem = Problem::error("tab", place.clone(), "a tab cannot indent YAML").with_help(help);
                return problem.with_suggestion(place, spaces);
            }
        }
        let problem = Problem::error("syntax", point, format!("this is not YAML: {}", error.info()));
        match error.kind() {
            ErrorKind::MappingValueNotAllowed => {
                problem.with_help("keys of one mapping stand in one column, and a text with `: ` in it wants quotes")
            }
            ErrorKind::InvalidQuotedScalarIndent => problem.with_help("a quote that is opened above is not closed on its line"),
            _ => problem,
        }
    }

    /// A place; a stretch over several lines is cut after the first, so that a long text does not fill the screen.
    fn place(&self, span: Range<usize>) -> Place {
        let end = span.end.min(self.text.len()).max(span.start);
        let written = self.text.as_bytes().get(span.start..end).unwrap_or_default();
        let line = written.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        Place { file: Arc::clone(self.file), span: span.start..line.map_or(end, |length| span.start + length) }
    }
}

fn range(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or(0..0)
}

fn too_deep(place: Place) -> Problem {
    Problem::error("too-deep", place, format!("lists and mappings are nested more than {MAX_DEPTH} deep"))
}

/// A text short enough for a message.
pub(super) fn brief(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
