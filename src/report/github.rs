//! Annotations of GitHub Actions (workflow commands): problems, changes and endings at the file and line that cause them.
//!
//! GitHub shows ten of each level per step, so changes that one line causes share an annotation, and what matters comes first.

use std::collections::BTreeMap;

use super::problems::location;
use super::shown::drift::{counts as drift_counts, ways_out, what};
use super::shown::endings::{List, counts, said};
use super::shown::fields::{Body, Field, each};
use super::shown::hunks::stretches;
use super::shown::leaves::Seen;
use super::shown::units::Row;
use super::shown::words::{self, Stretch};
use super::shown::{reason, summary, visible};
use crate::persona::problem::{Problem, Severity};
use crate::plan::{Action, Change, Drift, Plan, Source};
use crate::reconcile::{Ending, Outcome};

/// How a workflow command is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Error,
    Warning,
    Notice,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// Where an annotation stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    path: String,
    line: usize,
    column: usize,
    end: Option<(usize, usize)>,
}

impl Spot {
    fn of(source: &Source) -> Self {
        Self { path: source.path.clone(), line: source.line, column: source.column, end: None }
    }
}

/// Longer messages are cut: an annotation is a pointer, not the review.
const LONGEST: usize = 1_000;

/// How many annotations of a level GitHub shows per step; it drops the rest without a word.
const MOST: usize = 10;

/// One annotation.
#[derive(Clone, Debug)]
struct Annotation {
    level: Level,
    spot: Option<Spot>,
    title: String,
    message: String,
}

/// Problems. `folder` leads from the repository's root to the project's, with `/` at the end, or is empty.
pub fn problems(problems: &[Problem], folder: &str) -> String {
    written(&annotations(problems), folder)
}

fn annotations(problems: &[Problem]) -> Vec<Annotation> {
    let annotation = |problem: &Problem| {
        let level = match problem.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        };
        let found = location(problem.place.as_ref());
        let spot = found.path.map(|path| Spot {
            path,
            line: found.line.unwrap_or(1),
            column: found.column.unwrap_or(1),
            end: found.end_line.zip(found.end_column),
        });
        let mut message = problem.message.clone();
        if let Some(help) = &problem.help {
            message.push_str(&format!("\nhelp: {help}"));
        }
        if let Some(suggestion) = problem.suggestion.as_ref().filter(|suggestion| suggestion.text.len() < 200) {
            message.push_str(&format!("\nwrite: {}", suggestion.text));
        }
        Annotation { level, spot, title: problem.code.to_owned(), message }
    };
    problems.iter().map(annotation).collect()
}

/// A plan: closed gates and blocked targets as errors, what is taken away as warnings, every other change as a notice at the
/// lines that ask for it, and the counts as the last line, which is no annotation. Warnings about the files stand beside it.
pub fn plan(plan: &Plan, warnings: &[Problem], folder: &str) -> String {
    let mut found = Vec::new();
    for gate in &plan.gates {
        let message = format!("{}\nto open it: {}", gate.why, gate.opened_by);
        found.push(Annotation { level: Level::Error, spot: None, title: format!("gate closed: {}", gate.name), message });
    }
    for blocked in &plan.blocked {
        let spot = blocked.source.as_ref().map(Spot::of);
        let message = format!("{}\nnext: {}", blocked.why, blocked.help);
        found.push(Annotation { level: Level::Error, spot, title: format!("blocked: {}", blocked.address), message });
    }
    let (gone, others): (Vec<&Change>, Vec<&Change>) =
        plan.changes.iter().partition(|change| matches!(change.action, Action::Delete | Action::Forget));
    for change in gone {
        let title = format!("{} {}", change.action.word(), change.address);
        let id = change.id.as_ref().map(|id| format!(" ({})", id.as_str())).unwrap_or_default();
        let message = format!("{} {}{id}", reason(change), visible::quoted(&change.name, false));
        let spot = change.source.as_ref().map(Spot::of);
        found.push(Annotation { level: Level::Warning, spot, title, message });
    }
    found.extend(annotations(warnings));
    for ((spot, message), titles) in notices(&others) {
        found.push(Annotation { level: Level::Notice, spot, title: titles.join(", "), message });
    }
    let (lead, counts) = summary(plan);
    let mut text = written(&found, folder);
    text.push_str(&format!("{}\n", plain(&format!("{lead} {counts}"))));
    text
}

/// What each line asks for, and of which targets.
fn notices(changes: &[&Change]) -> BTreeMap<(Option<Spot>, String), Vec<String>> {
    let mut found: BTreeMap<(Option<Spot>, String), Vec<String>> = BTreeMap::new();
    let mut add = |spot: Option<Spot>, message: String, change: &Change| {
        let title = format!("{} {}", change.action.word(), change.address);
        let titles = found.entry((spot, message)).or_default();
        if !titles.contains(&title) {
            titles.push(title);
        }
    };
    for change in changes {
        let section = change.source.as_ref().map(Spot::of);
        if change.action == Action::Create || change.edits.is_empty() {
            add(section, reason(change), change);
            continue;
        }
        // A text that several targets share is told for each of them, so nothing counts as seen.
        for edit in &change.edits {
            let single = Change { edits: vec![edit.clone()], ..(*change).clone() };
            let at = edit.source.as_ref().map(Spot::of).or_else(|| section.clone());
            each(&single, &mut Seen::default(), |field| {
                for (spot, message) in told(field) {
                    add(spot.or_else(|| at.clone()), message, change);
                }
            });
        }
    }
    found
}

/// What a field becomes, stretch by stretch of a long text.
fn told(field: &Field<'_>) -> Vec<(Option<Spot>, String)> {
    let remark = if field.remark.is_empty() { String::new() } else { format!(" ({})", field.remark) };
    match &field.body {
        Body::Values { old, new } => {
            let sides = [old.as_deref().unwrap_or("nothing"), new.as_deref().unwrap_or("nothing")];
            vec![(None, format!("{}: {} -> {}{remark}", field.path, sides[0], sides[1]))]
        }
        Body::Words(words) => vec![(None, format!("{}: {words}{remark}", field.path))],
        Body::Whole { text, comes } => {
            let verb = if *comes { "new text" } else { "text goes" };
            vec![(None, format!("{}: {verb}, {}{remark}", field.path, super::shown::hunks::size(text)))]
        }
        Body::Text { old, new } => {
            let found = stretches(old, new, field.pieces);
            let lines = found.into_iter().map(|(source, rows)| {
                // The name of the field differs from service to service, the line does not.
                let rows: Vec<String> = rows.iter().map(shown).collect();
                (source.as_ref().map(Spot::of), format!("{}{}", rows.join("\n"), remark.replacen(' ', "\n", 1)))
            });
            lines.collect()
        }
    }
}

/// One changed line with its marks.
fn shown(row: &Row<'_>) -> String {
    let side = |line: &[Stretch<'_>], revealed: bool, (open, close): (&str, &str)| -> String {
        let spell = |stretch: &Stretch<'_>| match stretch.marked {
            true => format!("{open}{}{close}", visible::changed(stretch.text.trim_end_matches('\n'), revealed)),
            false => visible::safe(stretch.text.trim_end_matches('\n')).into_owned(),
        };
        line.iter().map(spell).collect()
    };
    match row {
        Row::Changed(old, new) => {
            let (old, new) = words::stretches(old.text, new.text);
            let revealed = words::alike(&old, &new);
            format!("- {}\n+ {}", side(&old, revealed, ("[-", "-]")), side(&new, revealed, ("{+", "+}")))
        }
        Row::Removed(unit) => format!("- {}", visible::whole_line(unit.text)),
        Row::Added(unit) => format!("+ {}", visible::whole_line(unit.text)),
        Row::Same(unit) => unit.text.to_owned(),
    }
}

/// An outcome: what did not end well, at its target's section, and the counts as the last line.
pub fn outcome(outcome: &Outcome, plan: &Plan, warnings: &[Problem], folder: &str) -> String {
    let mut found = Vec::new();
    for entry in &outcome.entries {
        let list = List::of(&entry.ending);
        let level = match list {
            List::Done => continue,
            List::NotStarted | List::Stale => Level::Warning,
            List::Diverged | List::Failed | List::Unknown => Level::Error,
        };
        let source =
            plan.changes.iter().find(|change| change.address == entry.address).and_then(|change| change.source.as_ref());
        let mut message = said(&entry.ending).map(|(lead, words)| format!("{lead}{words}")).unwrap_or_default();
        if let Ending::Diverged { differences } = &entry.ending {
            let paths: Vec<String> = differences.iter().map(|difference| format!("`{}`", difference.path)).collect();
            message = format!("the service made something else of {}", paths.join(", "));
        }
        if let Some(next) = entry.next_step() {
            message.push_str(&format!("\nnext: {next}"));
        }
        let title = format!("{}: {} {}", list.word(), entry.action.word(), entry.address);
        found.push(Annotation { level, spot: source.map(Spot::of), title, message });
    }
    found.extend(annotations(warnings));
    let (lead, words) = counts(outcome);
    let mut text = written(&found, folder);
    text.push_str(&format!("{}\n", plain(format!("{lead} {words}").trim_end())));
    text
}

/// Drift: what could not be read as errors, every target that differs as a warning, and the counts as the last line.
pub fn drift(drift: &Drift, folder: &str) -> String {
    let mut found = Vec::new();
    for blocked in &drift.unreadable {
        let spot = blocked.source.as_ref().map(Spot::of);
        let message = format!("{}\nnext: {}", blocked.why, blocked.help);
        found.push(Annotation { level: Level::Error, spot, title: format!("not readable: {}", blocked.address), message });
    }
    for target in &drift.drifted {
        let fields: Vec<String> = target.fields.iter().map(|field| format!("`{}`", field.path)).collect();
        let fields = if fields.is_empty() { String::new() } else { format!("{}\n", fields.join(", ")) };
        let message = format!("{fields}next: {}", ways_out(target));
        let title = format!("{}: {}", what(target.what), target.address);
        found.push(Annotation { level: Level::Warning, spot: None, title, message });
    }
    let (lead, words) = drift_counts(&drift.summary);
    format!("{}{}\n", written(&found, folder), plain(&format!("{lead} {words}")))
}

/// Annotations, errors first. Of each level as many as GitHub shows: the last one tells how many more there are, and the log has
/// them as plain lines.
fn written(found: &[Annotation], folder: &str) -> String {
    let mut text = String::new();
    for level in [Level::Error, Level::Warning, Level::Notice] {
        let all: Vec<&Annotation> = found.iter().filter(|annotation| annotation.level == level).collect();
        let (shown, rest) = all.split_at(if all.len() > MOST { MOST - 1 } else { all.len() });
        for annotation in shown {
            text.push_str(&command(level, annotation.spot.as_ref(), &annotation.title, &annotation.message, folder));
        }
        if !rest.is_empty() {
            let titles: Vec<&str> = rest.iter().map(|annotation| annotation.title.as_str()).collect();
            let title = format!("{} more {}s", rest.len(), level.word());
            text.push_str(&command(level, None, &title, &format!("the log has all of them: {}", titles.join("; ")), folder));
        }
        for Annotation { spot, title, message, .. } in rest {
            let at = spot.as_ref().map(|spot| format!("{folder}{}:{}: ", spot.path, spot.line)).unwrap_or_default();
            let words: Vec<&str> = message.lines().collect();
            text.push_str(&format!("{}\n", plain(&format!("{}: {at}{title}: {}", level.word(), words.join(" / ")))));
        }
    }
    text
}

/// One line of the log that is no command, whatever it says.
fn plain(text: &str) -> String {
    let text = visible::safe(text);
    if text.starts_with("::") || text.starts_with("##[") { format!(" {text}") } else { text.into_owned() }
}

fn command(level: Level, spot: Option<&Spot>, title: &str, message: &str, folder: &str) -> String {
    let word = level.word();
    let mut properties = Vec::new();
    if let Some(Spot { path, line, column, end }) = spot {
        properties.push(format!("file={}", property(&format!("{folder}{path}"))));
        properties.push(format!("line={line}"));
        match end {
            // Columns mean something on one line only.
            Some((end_line, end_column)) if end_line == line => {
                let last = (*end_column).max(column + 1) - 1;
                properties.push(format!("endLine={end_line},col={column},endColumn={last}"));
            }
            Some((end_line, _)) => properties.push(format!("endLine={end_line}")),
            None => properties.push(format!("col={column}")),
        }
    }
    properties.push(format!("title={}", property(title)));
    let lines: Vec<String> = message.lines().map(|line| visible::safe(line).into_owned()).collect();
    let mut message = lines.join("\n");
    if let Some((at, _)) = message.char_indices().nth(LONGEST) {
        message.truncate(at);
        message.push('…');
    }
    format!("::{word} {}::{}\n", properties.join(","), data(&message))
}

/// A message, as the runner reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command.
fn property(text: &str) -> String {
    data(&visible::safe(text)).replace(':', "%3A").replace(',', "%2C")
}
