//! From a YAML text and the document that it shall hold to the new text: one small change after another, each as byte splices,
//! each read again and compared before it counts.

mod block;
mod page;
mod place;

use std::ops::Range;

use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::Refusal;
use super::tree::{self, Document, Form, Node};
use crate::persona::raw;

/// More single changes than any file needs.
const MAX_STEPS: usize = 20_000;

/// Makes a text hold another document. `wanted` is the document as [`raw::read`] gives it: expressions are mappings.
///
/// Guarantees: the new text reads as `wanted`; what did not have to change keeps its bytes; no comment is lost but those of
/// keys and items that go.
///
/// # Errors
/// When a value stands behind an anchor, an alias, a merge key or a tag, or no safe change was found.
pub fn rewrite(text: &str, wanted: &Value) -> Result<String, Refusal> {
    let mut text = text.to_owned();
    for _ in 0..MAX_STEPS {
        let unreadable = || Refusal::new(0..0, "the file cannot be read");
        let old = raw::read(&text).ok_or_else(unreadable)?;
        if alike(&old, wanted) {
            return Ok(text);
        }
        let document = tree::parse(&text).ok_or_else(unreadable)?;
        let site = Site { node: &document.root, path: Vec::new(), parent: Parent::Root };
        let step = site.next(&old, wanted)?;
        text = step.done(&text, &document, &old)?;
    }
    Err(Refusal::new(0..0, "the file differs in more places than can be edited"))
}

/// Whether two documents are the same, numbers by value.
pub(super) fn alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || (left.as_f64() == right.as_f64()),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| alike(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len() && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| alike(value, other)))
        }
        _ => left == right,
    }
}

/// What holds a node.
#[derive(Clone, Copy)]
enum Parent<'a> {
    Root,
    /// The value of a key.
    Pair {
        mapping: &'a Node,
        index: usize,
    },
    /// An item.
    Item {
        list: &'a Node,
        index: usize,
    },
}

/// A node with the way to it.
struct Site<'a> {
    node: &'a Node,
    path: Vec<Segment>,
    parent: Parent<'a>,
}

#[derive(Clone)]
enum Segment {
    Key(String),
    Index(usize),
}

/// One small change.
struct Step<'a> {
    site: Site<'a>,
    change: Change,
}

enum Change {
    /// The node becomes this.
    Set(Value),
    /// The mapping gets this key.
    Add(String, Value),
    /// The key of this pair goes, with its value.
    Remove(usize),
    /// The list gets this item.
    Insert(usize, Value),
    /// This item goes.
    Drop(usize),
}

/// Bytes that give way to a text.
#[derive(Clone, Debug)]
struct Splice {
    span: Range<usize>,
    text: String,
}

impl<'a> Site<'a> {
    /// The first change on the way from the old value of this node to the new one.
    fn next(self, old: &Value, new: &Value) -> Result<Step<'a>, Refusal> {
        let node = self.node;
        let refuse = |why| Err(Refusal::new(node.span.clone(), why));
        if matches!(node.form, Form::Alias) {
            return refuse("the value comes from an anchor elsewhere, through an alias");
        }
        if node.repeated {
            return refuse("the value has an anchor and is repeated elsewhere");
        }
        if node.tagged {
            return refuse("the value has a tag");
        }
        match (&node.form, old, new) {
            (Form::Mapping { pairs, .. }, Value::Object(members), Value::Object(wanted)) => {
                for (index, pair) in pairs.iter().enumerate() {
                    let Some(value) = members.get(&pair.key) else { continue };
                    match wanted.get(&pair.key) {
                        None => return Ok(Step { site: self, change: Change::Remove(index) }),
                        Some(new) if !alike(value, new) => {
                            let path = [self.path, vec![Segment::Key(pair.key.clone())]].concat();
                            let parent = Parent::Pair { mapping: node, index };
                            return Site { node: &pair.value, path, parent }.next(value, new);
                        }
                        Some(_) => {}
                    }
                }
                for (key, value) in wanted {
                    match members.get(key) {
                        None => return Ok(Step { site: self, change: Change::Add(key.clone(), value.clone()) }),
                        Some(old) if !alike(old, value) => break,
                        Some(_) => {}
                    }
                }
                refuse("the value comes from a merge key")
            }
            (Form::List { items, .. }, Value::Array(olds), Value::Array(news)) => {
                let text = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<String>>();
                for op in capture_diff_slices(Algorithm::Myers, &text(olds), &text(news)) {
                    match op {
                        DiffOp::Equal { .. } => {}
                        DiffOp::Delete { old_index, .. } => return Ok(Step { site: self, change: Change::Drop(old_index) }),
                        DiffOp::Insert { old_index, new_index, .. } => {
                            let change = Change::Insert(old_index, news[new_index].clone());
                            return Ok(Step { site: self, change });
                        }
                        DiffOp::Replace { old_index, new_index, old_len, new_len } => {
                            let pair =
                                (0..old_len.min(new_len)).find(|at| !alike(&olds[old_index + at], &news[new_index + at]));
                            let Some(at) = pair else {
                                continue;
                            };
                            let Some(item) = items.get(old_index + at) else { break };
                            let path = [self.path, vec![Segment::Index(old_index + at)]].concat();
                            let parent = Parent::Item { list: node, index: old_index + at };
                            return Site { node: item, path, parent }.next(&olds[old_index + at], &news[new_index + at]);
                        }
                    }
                }
                refuse("the list cannot be compared")
            }
            _ => Ok(Step { site: self, change: Change::Set(new.clone()) }),
        }
    }
}

impl Step<'_> {
    /// Carries the change out in the first way that proves right.
    fn done(&self, text: &str, document: &Document, old: &Value) -> Result<String, Refusal> {
        let mut wanted = old.clone();
        self.apply(&mut wanted);
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        for (splices, gone) in self.candidates(text) {
            let edited = spliced(text, splices, newline);
            let right = raw::read(&edited).is_some_and(|read| alike(&read, &wanted));
            if right && keeps_comments(text, &edited, document, &gone) {
                return Ok(edited);
            }
        }
        Err(Refusal::new(self.site.node.span.clone(), "no safe way was found to write the value here"))
    }

    /// The change in the document.
    fn apply(&self, document: &mut Value) {
        let mut value = document;
        for segment in &self.site.path {
            value = match segment {
                Segment::Key(key) => &mut value[key.as_str()],
                Segment::Index(index) => &mut value[*index],
            };
        }
        match (&self.change, &self.site.node.form, value) {
            (Change::Set(new), _, value) => *value = new.clone(),
            (Change::Add(key, new), _, Value::Object(members)) => {
                members.insert(key.clone(), new.clone());
            }
            (Change::Remove(index), Form::Mapping { pairs, .. }, Value::Object(members)) => {
                members.remove(&pairs[*index].key);
            }
            (Change::Insert(index, new), _, Value::Array(items)) => items.insert(*index, new.clone()),
            (Change::Drop(index), _, Value::Array(items)) => {
                items.remove(*index);
            }
            _ => {}
        }
    }

    /// Ways to write it, best first, each with the stretch whose comments may go.
    fn candidates(&self, text: &str) -> Vec<(Vec<Splice>, Range<usize>)> {
        let nothing = 0..0;
        let page = page::Page { text };
        match &self.change {
            Change::Set(new) => {
                let inside = self.site.node.span.clone();
                page.set(&self.site, new).into_iter().map(|splices| (splices, inside.clone())).collect()
            }
            Change::Add(key, new) => {
                page.add(&self.site, key, new).into_iter().map(|splices| (splices, nothing.clone())).collect()
            }
            Change::Remove(index) => page.remove(&self.site, *index),
            Change::Insert(index, new) => {
                page.insert(&self.site, *index, new).into_iter().map(|splices| (splices, nothing.clone())).collect()
            }
            Change::Drop(index) => page.drop_item(&self.site, *index),
        }
    }
}

/// A text with splices carried out; their line ends become the file's.
fn spliced(text: &str, mut splices: Vec<Splice>, newline: &str) -> String {
    splices.sort_by_key(|splice| (splice.span.start, splice.span.end));
    let mut edited = String::with_capacity(text.len());
    let mut at = 0;
    for Splice { span, text: new } in splices {
        edited.push_str(text.get(at..span.start).unwrap_or_default());
        edited.push_str(&if newline == "\n" { new } else { new.replace('\n', newline) });
        at = span.end;
    }
    edited.push_str(text.get(at..).unwrap_or_default());
    edited
}

/// Whether every comment outside of what went is still there, in order.
fn keeps_comments(before: &str, after: &str, document: &Document, gone: &Range<usize>) -> bool {
    let Some(edited) = tree::parse(after) else { return false };
    let mut there = edited.comments.iter().map(|span| after[span.clone()].trim_end());
    document
        .comments
        .iter()
        .filter(|span| !(gone.start <= span.start && span.start < gone.end))
        .all(|span| there.any(|comment| comment == before[span.clone()].trim_end()))
}

#[cfg(test)]
#[path = "rewrite/tests.rs"]
mod tests;
