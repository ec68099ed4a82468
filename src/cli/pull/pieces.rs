//! What to write where a value is written through expressions: into the file that `$file` names, into one piece of a `$join`, as the
//! name of a `$lookup`, and never over a secret.

use std::path::Path;

use serde_json::{Map, Value, json};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::desk::{Desk, Edits};
use super::goal::Goal;
use crate::cli::names::name_of;
use crate::edit::{self, Split};
use crate::persona::raw::{self, Written};
use crate::plan::value::{holds_secret, same};

/// A value on its way into one persona file and the prompt files that it names.
pub(super) struct Writing<'a> {
    pub(super) goal: &'a Goal,
    pub(super) file: &'a Path,
    pub(super) edits: &'a mut Edits,
}

impl Desk<'_> {
    /// What to write where `written` stands for `old` and shall stand for `new`. Prompt files are changed on the way.
    pub(super) fn value(&self, writing: &mut Writing<'_>, written: &Value, old: &Value, new: &Value) -> Result<Value, String> {
        if same(old, new) {
            return Ok(written.clone());
        }
        match raw::recognise(written) {
            Written::Secret => return Err("the value is a secret from `$env`, which a file never holds".to_owned()),
            Written::Lookup(kind, _) => {
                let account = &writing.goal.address.account;
                let name = new.as_str().and_then(|id| name_of(&self.session.catalogues, account, kind, id));
                return match name {
                    Some(name) => Ok(json!({ "$lookup": { kind: name } })),
                    None => Err(format!("it is looked up, and no name of the kind `{kind}` leads to the new value")),
                };
            }
            Written::File(path) => {
                let text = new.as_str().ok_or_else(|| "the value stands in a file, and the new one is no text".to_owned())?;
                let path = raw::named_by(writing.file, path).ok_or_else(|| "the file lies outside the project".to_owned())?;
                let before = self.text(&path).unwrap_or_default();
                writing.edits.insert(path, edit::file_text(&before, text));
                return Ok(written.clone());
            }
            Written::Join(pieces) => return self.joined(writing, pieces, new),
            Written::Plain => {}
        }
        if holds_secret(new) {
            return Err("the service shows a secret here, which a file never holds".to_owned());
        }
        match (written, old, new) {
            (Value::Object(members), Value::Object(old), Value::Object(new)) => {
                let mut merged = Map::new();
                for (key, new) in new {
                    let value = match members.get(key).zip(old.get(key)) {
                        Some((written, old)) => self.value(writing, written, old, new)?,
                        None => new.clone(),
                    };
                    merged.insert(key.clone(), value);
                }
                Ok(Value::Object(merged))
            }
            (Value::Array(items), Value::Array(old), Value::Array(new)) if items.len() == old.len() => {
                let text = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<String>>();
                let mut merged = Vec::new();
                for op in capture_diff_slices(Algorithm::Myers, &text(old), &text(new)) {
                    match op {
                        DiffOp::Equal { old_index, len, .. } => merged.extend_from_slice(&items[old_index..old_index + len]),
                        DiffOp::Delete { .. } => {}
                        DiffOp::Insert { new_index, new_len, .. } => {
                            merged.extend_from_slice(&new[new_index..new_index + new_len]);
                        }
                        DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                            for at in 0..new_len {
                                let value = &new[new_index + at];
                                merged.push(match at < old_len {
                                    true => self.value(writing, &items[old_index + at], &old[old_index + at], value)?,
                                    false => value.clone(),
                                });
                            }
                        }
                    }
                }
                Ok(Value::Array(merged))
            }
            _ => Ok(new.clone()),
        }
    }

    fn joined(&self, writing: &mut Writing<'_>, pieces: &[Value], new: &Value) -> Result<Value, String> {
        let new = new.as_str().ok_or_else(|| "the value is joined from pieces, and the new one is no text".to_owned())?;
        let unreadable = || "a piece of the text cannot be read".to_owned();
        let texts: Vec<String> =
            pieces.iter().map(|piece| self.resolved(writing.file, piece)).collect::<Option<_>>().ok_or_else(unreadable)?;
        let last = texts.len().saturating_sub(1);
        let parts: Vec<&str> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| if index < last { raw::file_value(text) } else { text.as_str() })
            .collect();
        match edit::split(&parts, new) {
            Split::Piece(index, part) => {
                // A piece gives up one line end, so one that has it gets it back.
                let ending = &texts[index][parts[index].len()..];
                let keeps = ending.is_empty() && index < last && raw::file_value(&part) != part;
                let part = if keeps { format!("{part}\n") } else { format!("{part}{ending}") };
                let piece = self.value(writing, &pieces[index], &Value::from(texts[index].clone()), &Value::from(part))?;
                let mut pieces = pieces.to_vec();
                pieces[index] = piece;
                Ok(json!({ "$join": pieces }))
            }
            Split::Ambiguous => {
                Err("the text is joined from pieces, and the change could belong to more than one of them".to_owned())
            }
            Split::Several => Err("the text is joined from pieces, and more than one of them would change".to_owned()),
        }
    }

    /// The text that a piece stands for.
    fn resolved(&self, file: &Path, written: &Value) -> Option<String> {
        match raw::recognise(written) {
            Written::File(path) => {
                let text = self.text(&raw::named_by(file, path)?)?;
                Some(raw::file_value(&text).to_owned())
            }
            Written::Join(pieces) => {
                let mut texts: Vec<String> = pieces.iter().map(|piece| self.resolved(file, piece)).collect::<Option<_>>()?;
                if let Some((_, others)) = texts.split_last_mut() {
                    others.iter_mut().for_each(|text| *text = raw::file_value(text).to_owned());
                }
                Some(texts.join("\n\n"))
            }
            Written::Plain => written.as_str().map(str::to_owned),
            Written::Secret | Written::Lookup(..) => None,
        }
    }
}
