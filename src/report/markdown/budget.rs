//! The limit of the host: which parts of a document fit, whole or not at all. Nothing is ever cut inside a part.

use std::collections::BTreeMap;

/// A part that may be left out.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// All of it, and shorter forms of it, best first, each with what it lacks.
    pub(super) forms: Vec<(String, &'static str)>,
    /// What it is called where it is left out.
    pub(super) name: String,
    /// How many changes it holds.
    pub(super) changes: usize,
    /// Less is more important.
    pub(super) rank: usize,
}

/// What is said of all that did not fit.
const FOOTER: usize = 700;

/// How long a text is for a host: in UTF-16 units, which are never fewer than characters.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// As many rows of a list as fit, with a sentence about the rest.
pub(super) fn rows(head: &str, rows: &[String], room: usize, rest: impl Fn(usize) -> String) -> String {
    let mut text = head.to_owned();
    let mut used = length(head);
    for (index, row) in rows.iter().enumerate() {
        let left = rest(rows.len() - index);
        let last = index + 1 == rows.len();
        if used + length(row) + if last { 0 } else { length(&left) } > room {
            text.push_str(&left);
            return text;
        }
        used += length(row);
        text.push_str(row);
    }
    text
}

/// The head and the sections that fit below it, in their order; the most important ones are placed first.
pub(super) fn document(head: &str, sections: &[Section], limit: usize, whole: &str) -> String {
    let whole_length: usize = sections.iter().filter_map(|section| section.forms.first()).map(|(form, _)| length(form)).sum();
    if length(head) + whole_length <= limit {
        let forms = sections.iter().filter_map(|section| section.forms.first());
        return forms.fold(head.to_owned(), |text, (form, _)| text + form);
    }
    let mut left = limit.saturating_sub(length(head) + FOOTER);
    let mut chosen: Vec<Option<usize>> = vec![None; sections.len()];
    let mut order: Vec<usize> = (0..sections.len()).collect();
    order.sort_by_key(|index| sections[*index].rank);
    // First every section in its shortest form, so that none is left out for another's details; then the details.
    for index in &order {
        let forms = &sections[*index].forms;
        let Some(shortest) = forms.last().map(|(form, _)| length(form)) else { continue };
        if shortest <= left {
            left -= shortest;
            chosen[*index] = Some(forms.len() - 1);
        }
    }
    for index in &order {
        let Some(form) = chosen[*index] else { continue };
        let forms = &sections[*index].forms;
        let now = length(&forms[form].0);
        let more = |better: usize| length(&forms[better].0).saturating_sub(now);
        if let Some(better) = (0..form).find(|better| more(*better) <= left) {
            left -= more(better);
            chosen[*index] = Some(better);
        }
    }
    let mut text = head.to_owned();
    for (section, form) in sections.iter().zip(&chosen) {
        if let Some(form) = form {
            text.push_str(&section.forms[*form].0);
        }
    }
    let gone: Vec<&Section> =
        sections.iter().zip(&chosen).filter(|(_, form)| form.is_none()).map(|(section, _)| section).collect();
    let mut shortened: BTreeMap<&str, usize> = BTreeMap::new();
    for (section, form) in sections.iter().zip(&chosen) {
        if let Some((_, lacks)) = form.filter(|form| *form > 0).and_then(|form| section.forms.get(form)) {
            *shortened.entry(lacks).or_default() += 1;
        }
    }
    let personas = |number: usize| super::super::shown::count(number, "persona");
    let mut said: Vec<String> =
        shortened.into_iter().map(|(lacks, number)| format!("{lacks} of {} are left out", personas(number))).collect();
    if !gone.is_empty() {
        let changes = super::super::shown::count(gone.iter().map(|section| section.changes).sum(), "change");
        let mut names = String::new();
        for section in gone.iter().take(5) {
            if length(&names) + length(&section.name) < 200 {
                names.push_str(if names.is_empty() { ": " } else { ", " });
                names.push_str(&section.name);
            }
        }
        said.push(format!("{} with {changes} are left out whole{names}", personas(gone.len())));
    }
    if said.is_empty() {
        return text;
    }
    text.push_str(&format!("\n> [!NOTE]\n> Cut to what fits here: {}. {whole}\n", said.join(", and ")));
    text
}
