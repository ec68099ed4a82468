//! One YAML document as a tree in which every node knows its bytes, its style and its comments. What values mean is `persona`'s.

use std::collections::BTreeSet;
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StructureStyle};

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) root: Node,
    /// The stretches of all comments, from `#` to the end of the line.
    pub(super) comments: Vec<Range<usize>>,
    /// Whether anchors, aliases or tags are used anywhere.
    pub(super) has_properties: bool,
}

/// A value.
#[derive(Debug)]
pub(super) struct Node {
    /// Its bytes. Of a block scalar: from the first character of the content, without the header, to the last line's end and the
    /// blank lines after it. Of a block collection: from its first key or item (without its dash) to the end of its last.
    pub(super) span: Range<usize>,
    pub(super) form: Form,
    /// It has an anchor that an alias repeats.
    pub(super) repeated: bool,
    /// It has a tag.
    pub(super) tagged: bool,
    anchor: usize,
}

#[derive(Debug)]
pub(super) enum Form {
    Scalar(ScalarStyle),
    Alias,
    List { flow: bool, items: Vec<Node> },
    Mapping { flow: bool, pairs: Vec<Pair> },
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn is_block(&self) -> bool {
        match &self.form {
            Form::Scalar(style) => matches!(style, ScalarStyle::Literal | ScalarStyle::Folded),
            Form::List { flow, .. } | Form::Mapping { flow, .. } => !flow,
            Form::Alias => false,
        }
    }

    fn settle(&mut self, repeated: &BTreeSet<usize>) {
        self.repeated = self.anchor != 0 && repeated.contains(&self.anchor);
        match &mut self.form {
            Form::List { items, .. } => items.iter_mut().for_each(|item| item.settle(repeated)),
            Form::Mapping { pairs, .. } => pairs.iter_mut().for_each(|pair| pair.value.settle(repeated)),
            Form::Scalar(_) | Form::Alias => {}
        }
    }
}

/// A collection that is being read.
struct Frame {
    node: Node,
    key: Option<(String, Range<usize>)>,
}

/// Reads a text that the loader has read before; none where it holds what cannot be edited (no document, keys that are no
/// scalars).
pub(super) fn parse(text: &str) -> Option<Document> {
    let mut options = Options::default();
    options.set_emit_comments(true);
    let mut frames: Vec<Frame> = Vec::new();
    let mut comments = Vec::new();
    let mut repeated = BTreeSet::new();
    let mut has_properties = false;
    let mut root = None;
    for step in Parser::new_from_str_with_options(text, options) {
        let (event, span) = step.ok()?;
        let bytes = range(&span)?;
        let node = match event {
            Event::Comment(..) => {
                comments.push(bytes);
                continue;
            }
            Event::Scalar(value, style, anchor, tag) => {
                has_properties |= anchor != 0 || tag.is_some();
                if let Some(Frame { node: Node { form: Form::Mapping { .. }, .. }, key: key @ None }) = frames.last_mut() {
                    *key = Some((value.into_owned(), bytes));
                    continue;
                }
                let mut bytes = bytes;
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    // The parser has looked at the indentation of the next line already.
                    bytes.end = text[..bytes.end].trim_end_matches(' ').len().max(bytes.start);
                    if bytes.end < text.len() && !text[..bytes.end].ends_with('\n') {
                        bytes.end = range(&span)?.end;
                    }
                }
                Node { span: bytes, form: Form::Scalar(style), repeated: false, tagged: tag.is_some(), anchor }
            }
            Event::Alias(anchor) => {
                has_properties = true;
                repeated.insert(anchor);
                if let Some(Frame { node: Node { form: Form::Mapping { .. }, .. }, key: None }) = frames.last() {
                    return None;
                }
                Node { span: bytes, form: Form::Alias, repeated: false, tagged: false, anchor: 0 }
            }
            Event::SequenceStart(style, anchor, tag) => {
                has_properties |= anchor != 0 || tag.is_some();
                let form = Form::List { flow: style == StructureStyle::Flow, items: Vec::new() };
                frames.push(Frame {
                    node: Node { span: bytes, form, repeated: false, tagged: tag.is_some(), anchor },
                    key: None,
                });
                continue;
            }
            Event::MappingStart(style, anchor, tag) => {
                has_properties |= anchor != 0 || tag.is_some();
                let form = Form::Mapping { flow: style == StructureStyle::Flow, pairs: Vec::new() };
                frames.push(Frame {
                    node: Node { span: bytes, form, repeated: false, tagged: tag.is_some(), anchor },
                    key: None,
                });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let mut node = frames.pop()?.node;
                let last = match &node.form {
                    Form::List { flow: false, items } => items.last().map(|item| item.span.end),
                    Form::Mapping { flow: false, pairs } => pairs.last().map(|pair| pair.value.span.end.max(pair.key_span.end)),
                    _ => Some(bytes.end),
                };
                node.span.end = last.unwrap_or(node.span.end);
                node
            }
            Event::UnresolvedAlias(_) => return None,
            _ => continue,
        };
        match frames.last_mut() {
            None => root = Some(node),
            Some(Frame { node: Node { form: Form::List { items, .. }, .. }, .. }) => items.push(node),
            Some(Frame { node: Node { form: Form::Mapping { pairs, .. }, .. }, key }) => {
                let (key, key_span) = key.take()?;
                pairs.push(Pair { key, key_span, value: node });
            }
            Some(_) => return None,
        }
    }
    comments.sort_by_key(|comment: &Range<usize>| comment.start);
    let mut root = root?;
    root.settle(&repeated);
    Some(Document { root, comments, has_properties })
}

/// Where a value or the closest thing above it was written: its key, or the item.
pub fn locate(text: &str, path: &[String]) -> Option<Range<usize>> {
    let document = parse(text)?;
    let mut node = &document.root;
    let mut place = None;
    for segment in path {
        match &node.form {
            Form::Mapping { pairs, .. } => {
                let Some(pair) = pairs.iter().find(|pair| pair.key == *segment) else { break };
                place = Some(pair.key_span.clone());
                node = &pair.value;
            }
            Form::List { items, .. } => {
                let Some(item) = segment.parse::<usize>().ok().and_then(|index| items.get(index)) else { break };
                place = Some(item.span.clone());
                node = item;
            }
            Form::Scalar(_) | Form::Alias => break,
        }
    }
    place
}

fn range(span: &Span) -> Option<Range<usize>> {
    span.byte_range()
}
