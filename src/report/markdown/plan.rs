//! A plan as Markdown.

use std::collections::{BTreeMap, BTreeSet};

use super::budget::{self, Section};
use super::{LEAST, Options, diff, escape, mark, word};
use crate::persona::name::{AccountName, Key};
use crate::plan::change::Blocked;
use crate::plan::{Action, Change, Plan};
use crate::report::shown::blocked::{Group, groups};
use crate::report::shown::leaves::Seen;
use crate::report::shown::{count, has_drifted, place, secret, summary, visible, why};

/// More accounts than this do not fit beside each other.
const MOST_COLUMNS: usize = 8;

/// A plan for review.
pub fn plan(plan: &Plan, options: &Options) -> String {
    let limit = options.limit.max(LEAST);
    let (lead, counts) = summary(plan);
    let title = format!("## personaform plan\n\n**{lead}** {counts}\n");
    // What must not be missed and the table may take half of the room, so that there is some left for what changes.
    let alerts = alerts(plan, limit / 4);
    let mut personas: BTreeMap<&Key, Vec<&Change>> = BTreeMap::new();
    for change in &plan.changes {
        personas.entry(&change.address.key).or_default().push(change);
    }
    let table = table(&personas, limit / 4);
    let sections: Vec<Section> = personas.iter().map(|(key, changes)| section(key, changes, options.requests)).collect();
    let head = format!("{title}{alerts}{table}");
    budget::document(&head, &sections, limit, "All of it: `personaform show PLAN-FILE`, or a report in HTML.")
}

/// Gates, blocked targets and deletions: each in a box of its own.
fn alerts(plan: &Plan, room: usize) -> String {
    let mut text = String::new();
    let gates = plan.gates.iter().map(|gate| {
        let open = escape::words(&gate.opened_by);
        let open = if gate.opened_by.starts_with("--") { escape::code(&gate.opened_by) } else { open };
        format!("> - {}: {}. To open it: {open}\n", escape::code(&gate.name), escape::words(&gate.why))
    });
    text.push_str(&alert("CAUTION", "Gate closed, nothing will be applied", &gates.collect::<Vec<_>>(), room / 3));
    text.push_str(&blocked(plan, room / 3));
    let gone: Vec<&Change> =
        plan.changes.iter().filter(|change| matches!(change.action, Action::Delete | Action::Forget)).collect();
    let title = format!("{} to be taken away", count(gone.len(), "object"));
    let gone = gone.into_iter().map(|change| {
        let (action, address) = (change.action, escape::code(&change.address.to_string()));
        format!("> - {} {} {address} {}\n", mark(action), word(action), object(change))
    });
    text.push_str(&alert("CAUTION", &title, &gone.collect::<Vec<_>>(), room / 3));
    let observed = plan.observed.iter().map(|observed| {
        let paths: Vec<String> = observed.edits.iter().map(|edit| escape::code(&edit.path.to_string())).collect();
        format!("> - {}: {}\n", escape::code(&observed.address.to_string()), paths.join(", "))
    });
    let title = "Observed, not as the files say, and never written";
    text.push_str(&alert("NOTE", title, &observed.collect::<Vec<_>>(), room / 6));
    if !plan.settled.is_empty() {
        let targets = count(plan.settled.len(), "target");
        text.push_str(&format!("\nState will be brought up to date for {targets}: nothing else is to be done there.\n"));
    }
    text
}

/// Targets that could not be planned.
pub(super) fn blocked(plan: &Plan, room: usize) -> String {
    alert("WARNING", "Blocked, not planned", &rows(&plan.blocked), room)
}

/// Rows for targets that could not be planned or looked at; many with one reason as one.
pub(super) fn rows(blocked: &[Blocked]) -> Vec<String> {
    let row = |group: Group<'_>| {
        let first = group.first();
        let (why, help) = (escape::words(&first.why), escape::words(&first.help));
        if group.is_alone() {
            let at = first.source.as_ref().map(|source| format!(" ({})", escape::code(&place(source)))).unwrap_or_default();
            return format!("> - {}: {why}{at}. Next: {help}\n", escape::code(&first.address.to_string()));
        }
        let (account, addresses) = (escape::code(first.address.account.as_str()), group.addresses(escape::code));
        format!("> - **{} at** {account}: {why}. Next: {help} ({addresses})\n", group.counted())
    };
    groups(blocked).into_iter().map(row).collect()
}

/// A box of its own; nothing where there is nothing to say.
pub(super) fn alert(kind: &str, title: &str, rows: &[String], room: usize) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head = format!("\n> [!{kind}]\n> **{title}**\n");
    budget::rows(&head, rows, room, |left| format!("> - … {left} more\n"))
}

/// Name and id of an object.
fn object(change: &Change) -> String {
    let id = change.id.as_ref().map(|id| escape::code(id.as_str()));
    let name = (!change.name.is_empty()).then(|| escape::code(&change.name));
    [name, id].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What changes where.
fn table(personas: &BTreeMap<&Key, Vec<&Change>>, room: usize) -> String {
    if personas.is_empty() {
        return String::new();
    }
    let accounts: BTreeSet<_> = personas.values().flatten().map(|change| &change.address.account).collect();
    let wide = accounts.len() > MOST_COLUMNS;
    let names: Vec<String> = match wide {
        true => vec!["changes".to_owned()],
        false => accounts.iter().map(|account| escape::cell(account.as_str())).collect(),
    };
    let head = format!("\n| persona | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    let rows: Vec<String> = personas
        .iter()
        .map(|(key, changes)| {
            let of = |account: &AccountName| {
                let there = changes.iter().filter(|change| change.address.account == *account);
                there.map(|change| told(change)).collect::<Vec<_>>().join("<br>")
            };
            let cells: Vec<String> = if wide {
                let all =
                    changes.iter().map(|change| format!("{} {}", escape::cell(change.address.account.as_str()), told(change)));
                vec![all.collect::<Vec<_>>().join("<br>")]
            } else {
                accounts.iter().map(|account| of(account)).collect()
            };
            format!("| {} | {} |\n", escape::cell(key.as_str()), cells.join(" | "))
        })
        .collect();
    budget::rows(&head, &rows, room, |left| format!("\n… and {} more.\n", count(left, "persona")))
}

/// One change in a few words.
fn told(change: &Change) -> String {
    let edits = match change.action {
        Action::Update | Action::Adopt if !change.edits.is_empty() => format!(", {}", count(change.edits.len(), "field")),
        _ => String::new(),
    };
    let drifted = if has_drifted(change) { ", **drifted**" } else { "" };
    format!("{} {}{edits}{drifted}", mark(change.action), word(change.action))
}

/// All changes of one persona.
fn section(key: &Key, changes: &[&Change], requests: bool) -> Section {
    let gone = changes.iter().any(|change| matches!(change.action, Action::Delete | Action::Forget));
    let mut actions: BTreeMap<Action, Vec<&str>> = BTreeMap::new();
    for change in changes {
        actions.entry(change.action).or_default().push(change.address.account.as_str());
    }
    let told: Vec<String> = actions
        .iter()
        .map(|(action, accounts)| {
            let accounts: Vec<String> =
                accounts.iter().map(|account| format!("<code>{}</code>", escape::html(account))).collect();
            let strong = matches!(action, Action::Delete | Action::Forget);
            let word = if strong { format!("<b>{}</b>", action.word().to_uppercase()) } else { action.word().to_owned() };
            format!("{} {word} {}", mark(*action), accounts.join(" "))
        })
        .collect();
    let summary = format!("<b><code>{}</code></b>: {}", escape::html(key.as_str()), told.join(", "));
    let frame = |body: &str| format!("\n<details>\n<summary>{summary}</summary>\n\n{body}\n</details>\n");
    let whole = |requests: bool| -> String {
        let mut seen = Seen::default();
        changes.iter().map(|change| told_whole(change, &mut seen, requests)).collect()
    };
    let short: String = changes.iter().map(|change| format!("{}\n", heading(change))).collect();
    let short = frame(&format!("{short}The details are left out for their length.\n"));
    let mut forms = vec![(frame(&whole(false)), "the requests"), (short, "the details")];
    if requests {
        forms.insert(0, (frame(&whole(true)), ""));
    }
    Section { forms, name: escape::code(key.as_str()), changes: changes.len(), rank: usize::from(!gone) }
}

/// `🟡 update `tavus.ada` (`p1`): declared in the files, `personas/ada.yaml:12``
fn heading(change: &Change) -> String {
    let address = escape::code(&change.address.to_string());
    let object = match change.action {
        Action::Delete | Action::Forget | Action::Adopt => format!(" {}", object(change)),
        _ => change.id.as_ref().map(|id| format!(" ({})", escape::code(id.as_str()))).unwrap_or_default(),
    };
    let moved = change.moved_from.as_ref().map(|old| format!("; moved from {}", escape::code(&old.to_string())));
    let reason = format!("{}{}", why(change), moved.unwrap_or_default());
    let source = change.source.as_ref().map(|source| format!(", {}", escape::code(&place(source)))).unwrap_or_default();
    format!("{} {} {address}{object}: {reason}{source}\n", mark(change.action), word(change.action))
}

fn told_whole(change: &Change, seen: &mut Seen, requests: bool) -> String {
    let mut text = format!("{}\n", heading(change));
    let lines = diff::lines(change, seen);
    if !lines.is_empty() {
        text.push_str(&escape::fenced("diff", &lines));
        text.push('\n');
    }
    for note in &change.notes {
        text.push_str(&format!("Note: {}\n\n", escape::words(note)));
    }
    if requests && !change.requests.is_empty() {
        let mut lines = Vec::new();
        for request in &change.requests {
            lines.push(visible::safe(&format!("{} {}", request.method, request.path)).into_owned());
            if let Some(body) = &request.body {
                lines.extend(visible::json(&format!("{:#}", secret::body(body))).lines().map(str::to_owned));
            }
            lines.push(String::new());
        }
        lines.pop();
        let summary = count(change.requests.len(), "request");
        let block = escape::fenced("http", &lines);
        text.push_str(&format!("<details>\n<summary>{summary}</summary>\n\n{block}\n</details>\n\n"));
    }
    text
}
