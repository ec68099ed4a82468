//! The page in what it holds and in what it never holds; how it looks in a browser is tested in `tests/browser`.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{outcome, plan};
use crate::plan::{Action, Plan};
use crate::reconcile::{Ending, Entry, Outcome};

fn plan_of(changes: Value) -> Plan {
    let summary = json!({"create": 0, "update": 1, "delete": 0, "adopt": 0, "forget": 0, "move": 0, "unchanged": 3});
    let basis = json!({"lineage": "l", "serial": 1, "accounts": {}});
    serde_json::from_value(json!({"format_version": "1.0", "summary": summary, "changes": changes, "basis": basis}))
        .expect("a plan")
}

fn hostile(text: &str) -> Plan {
    let edits = json!([
        {"path": format!("/{}", text.replace('~', "")), "from": text, "to": format!("{text} b"), "reason": "drifted",
            "source": {"path": text, "line": 1, "column": 1}},
        {"path": "/prompt", "from": format!("a\n{text}\nb"), "to": format!("b\n{text} c\nd"), "reason": "declared"},
        {"path": "/new", "to": {text: [text]}, "reason": "declared"},
    ]);
    let change = |address: String, action: &str| {
        json!({"address": address, "provider": text, "action": action, "id": text, "name": text, "reason": "declared",
            "edits": edits, "notes": [text], "requests": [{"method": "PATCH", "path": text, "body": {text: text}}]})
    };
    plan_of(json!([change(format!("tavus.{text}x"), "update"), change("anam.ada".to_owned(), "delete")]))
}

/// The names of all tags, in order; an attribute that was not closed would show as an odd name.
fn tags(page: &str) -> Vec<String> {
    let body = &page[page.find("<body").expect("a body")..];
    body.split('<').skip(1).map(|rest| rest.split([' ', '>', '\n']).next().unwrap_or_default().to_owned()).collect()
}

const KNOWN: &[&str] = &[
    "a", "article", "b", "bdi", "body", "code", "del", "details", "div", "fieldset", "form", "h1", "h2", "h3", "h4", "h5",
    "header", "html", "input", "ins", "label", "legend", "li", "main", "mark", "p", "pre", "section", "span", "summary",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
];

const NASTY: &[&str] = &[
    "<script>alert(1)</script>",
    "</style>",
    "<!--",
    "\"",
    "'",
    ">",
    "&",
    "&lt;",
    " onload=",
    "javascript:",
    "\u{202e}",
    "\u{0}",
    "`",
    "\n",
    "{",
    "}",
    "a",
    "語",
    "ש",
    "👩‍👧",
    "</article>",
    "\u{1b}[31m",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_content_becomes_markup(parts in prop::collection::vec(prop::sample::select(NASTY), 1..10)) {
        let text = parts.concat();
        let made = hostile(&text);
        let ending = Ending::Failed { request: Some(text.clone()), status: None, message: text.clone(), help: Some(text.clone()) };
        let entry = Entry {
            address: made.changes[0].address.clone(), action: Action::Update, id: None, requests_sent: 0, exchanges: Vec::new(), retries: 0, milliseconds: 0, ending,
        };
        let ended = Outcome { entries: vec![entry], interrupted: false, ..Outcome::default() };
        for page in [plan(&made, true), outcome(&ended, &made, true)] {
            let mut open = Vec::new();
            for tag in tags(&page) {
                let name = tag.trim_start_matches('/');
                prop_assert!(KNOWN.contains(&name), "{:?} in {}", tag, page);
                if tag.starts_with('/') {
                    let last = open.pop();
                    prop_assert!(last.as_deref() == Some(name) || (name == "html" && last.is_none()), "{} closes {:?}", tag, last);
                } else if name != "input" {
                    open.push(name.to_owned());
                }
            }
            prop_assert!(open.is_empty(), "{:?} stay open", open);
            prop_assert_eq!(page.matches("</style>").count(), 1);
            for char in ['\u{202e}', '\u{0}', '\u{1b}'] {
                prop_assert!(!page.contains(char), "{:?}", char);
            }
        }
    }
}

#[test]
fn many_blocked_targets_with_one_reason_are_one_item_that_holds_all_addresses() {
    let mut made = plan_of(json!([]));
    let blocked: Vec<Value> =
        (0..20).map(|number| json!({"address": format!("tavus.p{number}"), "why": "not sent", "help": "try again"})).collect();
    made.blocked = serde_json::from_value(json!(blocked)).expect("blocked");
    let page = plan(&made, false);
    assert_eq!(page.matches("not sent").count(), 1);
    assert!(page.contains("<b>20 targets at tavus</b>"), "{page}");
    assert!((0..20).all(|number| page.contains(&format!("<code>tavus.p{number}</code>"))), "{page}");
}

#[test]
fn a_page_loads_nothing_and_runs_nothing() {
    let page = plan(&hostile("x"), true);
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"));
    for word in ["<script", "src=", "url(", "@import", "http://", "https://", "<link", " style=", " on"] {
        let found = page.match_indices(word).next().map(|(at, _)| &page[at.saturating_sub(40)..at + 20]);
        let prose = word == " on" && found.is_some_and(|found| !found.contains('='));
        assert!(found.is_none() || prose, "{word}: {found:?}");
    }
}

#[test]
fn a_text_that_several_targets_share_is_shown_once() {
    let edit = |path: &str| json!([{"path": path, "from": "Be kind.\nBye.", "to": "Be calm.\nBye.", "reason": "declared"}]);
    let change = |account: &str, path: &str| {
        json!({"address": format!("{account}.ada"), "provider": account, "action": "update", "id": "p", "name": "Ada",
            "reason": "declared", "edits": edit(path), "notes": [], "requests": []})
    };
    let page = plan(&plan_of(json!([change("anam", "/systemPrompt"), change("tavus", "/system_prompt")])), false);
    assert_eq!(page.matches("<ins>calm</ins>").count(), 1);
    assert!(page.contains("the same change as /systemPrompt of anam.ada"), "{page}");
}

#[test]
fn a_secret_is_named_and_never_shown() {
    let secret = json!({"$env": "LLM_KEY", "digest": "digest-1"});
    let edits = json!([{"path": "/key", "from": "sk-live-1", "to": secret, "reason": "declared"}]);
    let change = json!({"address": "tavus.ada", "provider": "tavus", "action": "update", "id": "p", "name": "Ada", "reason": "declared",
        "edits": edits, "notes": [], "requests": [{"method": "PATCH", "path": "/p", "body": {"key": secret}}]});
    let made = plan_of(json!([change]));
    for text in [
        plan(&made, true),
        crate::report::markdown::plan(&made, &crate::report::markdown::Options::default()),
        crate::report::github::plan(&made, &[], ""),
    ] {
        assert!(text.contains("LLM_KEY") && !text.contains("sk-live") && !text.contains("digest-1"), "{text}");
    }
}
