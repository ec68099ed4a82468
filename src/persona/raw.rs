//! Documents as they were written, for those who change files: expressions stay mappings, nothing is merged or resolved.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::node::{Kind, Node};
use super::problem::{Problem, SourceFile};
use super::scalar::{self, Scalar};
use super::{source, yaml};

/// Reads one YAML document as plain JSON; none where the loader would find more in it than doubts.
pub fn read(text: &str) -> Option<Value> {
    let file = Arc::new(SourceFile { path: PathBuf::new(), text: String::new() });
    let (node, problems) = yaml::parse(text, &file);
    let sound = problems.iter().all(|problem| problem.severity == super::problem::Severity::Warning);
    sound.then(|| node.map_or(Value::Null, |node| plain(&node)))
}

fn plain(node: &Node) -> Value {
    match &node.kind {
        Kind::List(items) => items.iter().map(|item| plain(item)).collect(),
        Kind::Mapping(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), plain(&entry.value))).collect::<Map<_, _>>())
        }
        _ => node.scalar().unwrap_or_default(),
    }
}

/// Whether a plain scalar is read as exactly this text, here and by every other reader of YAML.
pub fn is_plain_text(text: &str) -> bool {
    scalar::read(text) == (Scalar::Text, None)
}

/// The text of a file of the project, byte for byte.
///
/// # Errors
/// Why it cannot be read, as a problem.
pub fn text(root: &Path, path: &Path) -> Result<String, Box<Problem>> {
    source::read(root, path).map_err(|unreadable| Box::new(source::problem(path, &unreadable)))
}

/// Where a file of the project really is, every link followed; none outside of the project.
pub fn real_path(root: &Path, path: &Path) -> Option<PathBuf> {
    source::resolved(root, path).ok()
}

/// The path, relative to the root, of a file that `base` (relative to the root) names; none outside of the project.
pub fn named_by(base: &Path, written: &str) -> Option<PathBuf> {
    source::inside(base.parent().unwrap_or(Path::new("")), written)
}

/// What a written value stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Written<'a> {
    /// Itself.
    Plain,
    /// The text of the file at this path.
    File(&'a str),
    /// The texts of these pieces.
    Join(&'a [Value]),
    /// A secret.
    Secret,
    /// The id behind this name of this kind.
    Lookup(&'a str, &'a str),
}

/// Recognises an expression in a document that [`read`] gave.
pub fn recognise(value: &Value) -> Written<'_> {
    let Some(members) = value.as_object().filter(|members| members.len() == 1) else { return Written::Plain };
    let Some((key, inner)) = members.iter().next() else { return Written::Plain };
    match (key.as_str(), inner) {
        ("$file", Value::String(path)) => Written::File(path),
        ("$join", Value::Array(pieces)) => Written::Join(pieces),
        ("$env", _) => Written::Secret,
        ("$lookup", Value::Object(members)) => match members.iter().next() {
            Some((kind, Value::String(name))) => Written::Lookup(kind, name),
            _ => Written::Plain,
        },
        _ => Written::Plain,
    }
}

/// The value of a `$file` of this text.
pub fn file_value(text: &str) -> &str {
    text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text))
}
