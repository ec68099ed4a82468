//! The four expressions, `$file`, `$join`, `$env` and `$lookup`: recognised, checked in form, and replaced by what they stand for.
//!
//! Texts come out byte for byte, but for one newline at the end of a `$file`. Between the pieces of a `$join` stands one blank
//! line: a piece that ends with a newline, as block scalars do, gives it up, the last piece keeps it. Secrets are collected
//! and never put into a document. A `$lookup` stays in the document: only the service knows the id behind a name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::Environment;
use super::name::{escaped, is_variable};
use super::node::{Kind, Node};
use super::places::Piece;
use super::problem::{Place, Problem, SourceFile};
use super::source::{self, Unreadable};
use super::suggest;
use super::yaml;

/// The keys of the expressions.
pub(super) const NAMES: [&str; 4] = ["$file", "$join", "$env", "$lookup"];

/// An expression's parts.
#[derive(Clone, Copy)]
pub(super) enum Expression<'a> {
    /// The text of a file.
    File(&'a Node),
    /// Several texts.
    Join(&'a Node),
    /// A secret.
    Env(&'a Node),
    /// The id behind a name at the service.
    Lookup(&'a Node),
}

/// Reads a mapping whose only key is one of [`NAMES`].
pub(super) fn recognise(node: &Node) -> Option<Expression<'_>> {
    let [entry] = node.entries() else { return None };
    match entry.key.as_str() {
        "$file" => Some(Expression::File(&entry.value)),
        "$join" => Some(Expression::Join(&entry.value)),
        "$env" => Some(Expression::Env(&entry.value)),
        "$lookup" => Some(Expression::Lookup(&entry.value)),
        _ => None,
    }
}

/// Checks the form of a mapping that stands where a text is wanted and looks like an expression.
pub(super) fn check(node: &Node, problems: &mut Vec<Problem>) {
    let Some(expression) = recognise(node) else {
        for entry in node.entries() {
            if NAMES.contains(&entry.key.as_str()) {
                let message = format!("`{}` stands beside other keys", entry.key);
                let help = format!("a mapping with `{}` has no other key", entry.key);
                problems.push(Problem::error("wrong-expression", entry.place.clone(), message).with_help(help));
                continue;
            }
            let problem = Problem::error(
                "unknown-expression",
                entry.place.clone(),
                format!("`{}` is no expression", yaml::brief(&entry.key)),
            );
            problems.push(match suggest::closest(&entry.key, NAMES) {
                Some(meant) => {
                    problem.with_help(format!("did you mean `{meant}`?")).with_suggestion(entry.place.clone(), meant)
                }
                None => problem.with_help("expressions are `$file`, `$join`, `$env` and `$lookup`"),
            });
        }
        return;
    };
    match expression {
        Expression::File(path) => match path.text() {
            Some(text) if !text.is_empty() => {}
            _ => problems.push(wrong(path, "`$file` wants the path of a text file, relative to this one")),
        },
        Expression::Env(name) => match name.text() {
            Some(text) if is_variable(text) => {}
            // The name is not repeated: people write the key itself here.
            _ => problems.push(
                wrong(name, "`$env` wants the name of an environment variable")
                    .with_help("letters, digits and `_`, as in `{ $env: SUPPORT_LLM_KEY }`"),
            ),
        },
        Expression::Lookup(what) => match what.entries() {
            [only] if !only.key.is_empty() && only.value.text().is_some_and(|name| !name.is_empty()) => {}
            _ => problems.push(
                wrong(what, "`$lookup` wants one kind of thing and its name")
                    .with_help("as in `{ $lookup: { voice: \"Lucy\" } }`"),
            ),
        },
        Expression::Join(pieces) => match &pieces.kind {
            Kind::List(items) if !items.is_empty() => items.iter().for_each(|item| check_piece(item, problems)),
            _ => problems.push(wrong(pieces, "`$join` wants a list of texts")),
        },
    }
}

fn check_piece(piece: &Arc<Node>, problems: &mut Vec<Problem>) {
    match &piece.kind {
        Kind::Text(_) => {}
        Kind::Mapping(_) => {
            if let Some(Expression::Env(_)) = recognise(piece) {
                let help = "a text is shown in plans and kept in state; pass the secret in a field of its own";
                problems.push(
                    Problem::error("secret-in-text", piece.place.clone(), "a secret cannot be part of a text").with_help(help),
                );
            } else if let Some(Expression::Lookup(_)) = recognise(piece) {
                problems.push(wrong(piece, "a piece of `$join` is text, `$file` or `$join`"));
            } else if piece.entries().iter().any(|entry| entry.key.starts_with('$')) {
                check(piece, problems);
            } else {
                problems.push(wrong(piece, "a piece of `$join` is text, `$file` or `$join`"));
            }
        }
        _ => problems.push(wrong(piece, "a piece of `$join` is text, `$file` or `$join`")),
    }
}

fn wrong(node: &Node, message: &str) -> Problem {
    let message = match node.kind {
        Kind::Text(_) => message.to_owned(),
        _ => format!("{message}, not {}", node.noun()),
    };
    Problem::error("wrong-expression", node.place.clone(), message)
}

/// Replaces expressions, and collects the secrets and problems on the way.
pub(super) struct Resolver<'a> {
    root: &'a Path,
    files: source::Files<'a>,
    environment: Environment<'a>,
    /// The values of every variable that was named and is set.
    pub(super) secrets: BTreeMap<String, SecretString>,
    /// What could not be resolved. Wrong forms are not among them: [`check`] reports those.
    pub(super) problems: Vec<Problem>,
    /// The pointer of the value that is looked at, in text form.
    at: String,
    /// What the texts of several lines or files are made of, by pointer.
    made: Vec<(Box<str>, Vec<Piece>)>,
}

/// A part of a text, with where it stands.
struct Part {
    text: String,
    path: Arc<Path>,
    at: usize,
    by_line: bool,
}

impl<'a> Resolver<'a> {
    /// A resolver for one project.
    pub(super) fn new(root: &'a Path, instead: &'a BTreeMap<PathBuf, String>, environment: Environment<'a>) -> Self {
        let files = source::Files::new(root, instead);
        let (secrets, problems) = (BTreeMap::new(), Vec::new());
        Self { root, files, environment, secrets, problems, at: String::new(), made: Vec::new() }
    }

    /// The value of a field of a section; what its texts are made of is kept for [`Resolver::made`].
    pub(super) fn field(&mut self, name: &str, node: &Node) -> Value {
        let above = self.at.len();
        self.at.push('/');
        self.at.push_str(&escaped(name));
        let value = self.value(node);
        self.at.truncate(above);
        value
    }

    /// What the texts of the fields since the last call are made of, those that have several lines or files.
    pub(super) fn made(&mut self) -> Vec<(Box<str>, Vec<Piece>)> {
        std::mem::take(&mut self.made)
    }

    /// The value of a node; `null` in place of what could not be resolved.
    pub(super) fn value(&mut self, node: &Node) -> Value {
        match (recognise(node), &node.kind) {
            (Some(Expression::Env(name)), _) => self.secret(name).unwrap_or_default(),
            (Some(Expression::Lookup(what)), _) => lookup(what).unwrap_or_default(),
            (Some(_), _) => self.text(node).map_or(Value::Null, Value::String),
            (None, Kind::List(items)) => {
                // A list is one value to a plan, whose texts are not told apart.
                let made = self.made.len();
                let items = items.iter().map(|item| self.value(item)).collect();
                self.made.truncate(made);
                items
            }
            (None, Kind::Mapping(entries)) => {
                let mut members = Map::new();
                for entry in entries {
                    members.insert(entry.key.clone(), self.field(&entry.key, &entry.value));
                }
                Value::Object(members)
            }
            (None, Kind::Text(text)) => {
                if let Some(line) = first_line(node, text) {
                    let piece = Piece { line: 1, path: Arc::from(node.place.path()), at: line, by_line: true };
                    self.made.push((self.at.as_str().into(), vec![piece]));
                }
                Value::String(text.clone())
            }
            (None, _) => node.scalar().unwrap_or_default(),
        }
    }

    /// The stand-in for a secret.
    pub(super) fn secret(&mut self, name: &Node) -> Option<Value> {
        let variable = name.text().filter(|name| is_variable(name))?;
        match (self.environment)(variable).filter(|value| !value.is_empty()) {
            Some(value) => {
                self.secrets.insert(variable.to_owned(), SecretString::from(value));
            }
            None => self.problems.push(
                Problem::error("unset-variable", name.place.clone(), format!("the variable `{variable}` is not set, or empty"))
                    .with_help(format!("set `{variable}` in the environment of this command")),
            ),
        }
        Some(json!({ "$env": variable }))
    }

    /// The text that an expression makes; what it is made of is noted.
    fn text(&mut self, node: &Node) -> Option<String> {
        let parts = self.parts(node)?;
        let mut pieces = Vec::with_capacity(parts.len());
        let mut whole = String::new();
        let mut line = 1;
        for Part { text, path, at, by_line } in parts {
            if pieces.is_empty() {
                whole = text;
            } else {
                whole.push_str("\n\n");
                line = 1 + whole.matches('\n').count();
                whole.push_str(&text);
            }
            pieces.push(Piece { line, path, at, by_line });
        }
        self.made.push((self.at.as_str().into(), pieces));
        Some(whole)
    }

    fn parts(&mut self, node: &Node) -> Option<Vec<Part>> {
        match recognise(node) {
            None => {
                let text = node.text()?.to_owned();
                let (at, by_line) = match first_line(node, &text) {
                    Some(line) => (line, true),
                    None => (node.place.line_and_column().0, false),
                };
                Some(vec![Part { text, path: Arc::from(node.place.path()), at, by_line }])
            }
            Some(Expression::Env(_) | Expression::Lookup(_)) => None,
            Some(Expression::File(path)) => {
                let (path, text) = self.file(path)?;
                Some(vec![Part { text, path: Arc::from(path), at: 1, by_line: true }])
            }
            Some(Expression::Join(pieces)) => {
                let Kind::List(pieces) = &pieces.kind else { return None };
                let parts: Vec<Option<Vec<Part>>> = pieces.iter().map(|piece| self.parts(piece)).collect();
                let mut parts = parts.into_iter().collect::<Option<Vec<Vec<Part>>>>()?;
                if let Some((_, others)) = parts.split_last_mut() {
                    others.iter_mut().filter_map(|parts| parts.last_mut()).for_each(|part| drop_newline(&mut part.text));
                }
                Some(parts.into_iter().flatten().collect())
            }
        }
    }

    /// The path of a file, as it is from the root, and its text.
    fn file(&mut self, node: &Node) -> Option<(PathBuf, String)> {
        let written = node.text().filter(|path| !path.is_empty())?;
        let base = node.place.path().parent().unwrap_or(Path::new(""));
        let read = match source::inside(base, written) {
            Some(path) => self.files.read(&path).map(|text| {
                self.problems.extend(conflict_markers(&path, &text));
                (path, text)
            }),
            None => Err(Unreadable::Outside),
        };
        match read {
            Ok((path, mut text)) => {
                drop_newline(&mut text);
                Some((path, text))
            }
            Err(unreadable) => {
                let (code, message) = unreadable.words(&format!("the file `{}`", yaml::brief(written)));
                let problem = Problem::error(code, node.place.clone(), message);
                self.problems.push(match unreadable {
                    Unreadable::Missing => self.nearest(problem, node, base, written),
                    Unreadable::Outside => {
                        problem.with_help("only files of the project can be named, without `..` above its root")
                    }
                    Unreadable::NotText { valid, lossy } => problem.with_help(format!(
                        "save it as UTF-8; the first wrong byte is on line {}",
                        lossy[..valid].matches('\n').count() + 1
                    )),
                    _ => problem,
                });
                None
            }
        }
    }

    /// Adds the existing file whose name is closest to the one that was written.
    fn nearest(&self, problem: Problem, node: &Node, base: &Path, written: &str) -> Problem {
        let (folder, name) = written.rsplit_once('/').map_or(("", written), |(folder, name)| (folder, name));
        let neighbours: Vec<String> = source::inside(base, folder)
            .and_then(|folder| source::resolved(self.root, &folder).ok())
            .and_then(|folder| std::fs::read_dir(folder).ok())
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_file())?.file_name().into_string().ok())
            .collect();
        match suggest::closest(name, neighbours.iter().map(String::as_str)) {
            Some(meant) => {
                let path = if folder.is_empty() { meant.to_owned() } else { format!("{folder}/{meant}") };
                let help = format!("did you mean `{path}`?");
                problem.with_help(help).with_suggestion(node.place.clone(), yaml::quoted(&path))
            }
            None => {
                problem.with_help(format!("paths are relative to `{}`, the file that names them", node.place.path().display()))
            }
        }
    }
}

/// The line of the file at which a text of several lines begins, where its lines stand there one by one, as those of a block
/// scalar do.
fn first_line(node: &Node, text: &str) -> Option<usize> {
    if !text.trim_end().contains('\n') {
        return None;
    }
    let start = node.place.line_and_column().0;
    [start, start + 1].into_iter().find(|start| {
        let mut lines = node.place.file.text.lines().skip(start - 1);
        text.lines().all(|line| lines.next().is_some_and(|written| written.trim() == line.trim()))
    })
}

/// The stand-in for a lookup, which the service resolves.
fn lookup(what: &Node) -> Option<Value> {
    let [only] = what.entries() else { return None };
    let name = only.value.text().filter(|name| !name.is_empty())?;
    Some(json!({ "$lookup": { &only.key: name } }))
}

/// What a line begins with that an unfinished merge left.
const MARKERS: [&str; 3] = ["<<<<<<<", "|||||||", ">>>>>>>"];

/// What an unfinished merge left in a text; it must never reach a customer.
fn conflict_markers(path: &Path, text: &str) -> Option<Problem> {
    // Most texts have no byte that begins a marker. Stretches are looked at whole, since no byte of them then waits for another.
    let begins = |bytes: &[u8]| bytes.iter().fold(false, |found, byte| found | matches!(byte, b'<' | b'|' | b'>'));
    if !text.as_bytes().chunks(64).any(begins) {
        return None;
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let marker = MARKERS
            .into_iter()
            .any(|marker| line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n', '\r'])));
        if marker {
            let file = Arc::new(SourceFile { path: path.to_path_buf(), text: text.to_owned() });
            let place = Place { file, span: start..start + line.trim_end().len() };
            let problem = Problem::error("conflict-markers", place, "this text holds the marks of an unfinished merge");
            return Some(
                problem
                    .with_help("decide what the text shall say, and remove the lines with `<<<<<<<`, `=======` and `>>>>>>>`"),
            );
        }
        start += line.len();
    }
    None
}

/// Drops one newline at the end, `\n` or `\r\n`.
fn drop_newline(text: &mut String) {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
}

#[cfg(test)]
#[path = "expression_tests.rs"]
mod tests;
