//! Markdown, to the letter for a small plan, and by its properties for whatever files and services may write.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{GITHUB, LEAST, Options, outcome, plan};
use crate::plan::{Action, Plan};
use crate::reconcile::{Difference, Ending, Entry, Outcome};

fn plan_of(changes: &[Value]) -> Plan {
    let changes: Vec<Value> = changes
        .iter()
        .map(|change| {
            let mut whole =
                json!({"provider": "tavus", "name": "", "reason": "declared", "edits": [], "requests": [], "notes": []});
            whole.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
            whole
        })
        .collect();
    let summary =
        json!({"create": 0, "update": changes.len(), "delete": 0, "adopt": 0, "forget": 0, "move": 0, "unchanged": 3});
    let basis = json!({"lineage": "l", "serial": 1, "accounts": {}});
    serde_json::from_value(json!({"format_version": "1.0", "summary": summary, "changes": changes, "basis": basis}))
        .expect("a plan")
}

fn source(line: usize) -> Value {
    json!({"path": "personas/ada.yaml", "line": line, "column": 3})
}

#[test]
fn what_needs_attention_comes_first_and_every_change_tells_its_line() {
    let mut small = plan_of(&[
        json!({"address": "tavus.ada", "action": "update", "id": "p1", "source": source(7), "edits": [
            {"path": "/prompt", "from": "Be kind.\nBye.\n", "to": "Be calm.\nBye.\n", "reason": "declared", "source": source(4)},
            {"path": "/voice", "from": "June", "to": "Maya", "reason": "drifted"},
        ]}),
        json!({"address": "anam.bea", "action": "delete", "id": "p|2", "name": "Bea `x` | @team", "reason": "removed"}),
    ]);
    small.gates = serde_json::from_value(
        json!([{"name": "safety.max_deletes", "why": "1 deletion, at most 0 allowed", "opened_by": "--allow-deletes"}]),
    )
    .expect("gates");
    assert_eq!(
        plan(&small, &Options::default()),
        "\
## personaform plan

**Plan:** 0 to create, 2 to update, 0 to delete, 3 unchanged; 1 drifted.

> [!CAUTION]
> **Gate closed, nothing will be applied**
> - `safety.max_deletes`: 1 deletion, at most 0 allowed. To open it: `--allow-deletes`

> [!CAUTION]
> **1 object to be taken away**
> - 🔴 **DELETE** `anam.bea` ``Bea `x` | @team``, `p|2`

| persona | `anam` | `tavus` |
|---|---|---|
| `ada` |  | 🟡 update, 2 fields, **drifted** |
| `bea` | 🔴 **DELETE** |  |

<details>
<summary><b><code>ada</code></b>: 🟡 update <code>tavus</code></summary>

🟡 update `tavus.ada` (`p1`): declared in the files, `personas/ada.yaml:7`

```diff
@@ /prompt @@ personas/ada.yaml:4
- Be [-kind-].
+ Be {+calm+}.
  Bye.
@@ /voice @@ drifted: changed elsewhere, put right
- \"June\"
+ \"Maya\"
```


</details>

<details>
<summary><b><code>bea</code></b>: 🔴 <b>DELETE</b> <code>anam</code></summary>

🔴 **DELETE** `anam.bea` ``Bea `x` | @team``, `p|2`: removed from the files

```diff
- anam.bea \"Bea `x` | @team\" (p|2)
```


</details>
"
    );
}

#[test]
fn many_blocked_targets_with_one_reason_are_one_row() {
    let mut made = plan_of(&[]);
    let blocked: Vec<Value> = (0..2_000)
        .map(|number| json!({"address": format!("tavus.p{number}"), "why": "not sent: no way", "help": "is `x` right?"}))
        .collect();
    made.blocked = serde_json::from_value(json!(blocked)).expect("blocked");
    let text = plan(&made, &Options { requests: false, limit: GITHUB });
    let row = "> - **2,000 targets at** `tavus`: not sent: no way. Next: is `x` right? \
               (`tavus.p0`, `tavus.p1`, `tavus.p2`, `tavus.p3`, `tavus.p4`, and 1,995 more)\n";
    assert!(text.contains(row) && text.lines().count() < 20, "{text}");
}

#[test]
fn what_does_not_fit_is_left_out_whole_and_counted() {
    let long: String = (0..200).map(|line| format!("Rule {line}: be brief and kind to everybody who calls.\n")).collect();
    let change = |index: usize| {
        let edits = json!([{"path": "/prompt", "from": long.replace("kind", &format!("calm{index}")), "to": long, "reason": "declared"}]);
        json!({"address": format!("tavus.p{index:03}"), "action": "update", "id": format!("p{index}"), "edits": edits})
    };
    let mut changes: Vec<Value> = (0..150).map(change).collect();
    changes.push(json!({"address": "tavus.zoe", "action": "delete", "id": "z", "name": "Zoe", "reason": "removed"}));
    let large = plan_of(&changes);
    let whole = plan(&large, &Options { limit: usize::MAX, ..Options::default() });
    assert!(whole.encode_utf16().count() > 1_000_000 && !whole.contains("Cut to what fits"));
    let cut = plan(&large, &Options::default());
    assert!(cut.encode_utf16().count() <= GITHUB && cut.encode_utf16().count() > GITHUB * 3 / 4, "{}", cut.len());
    let sections = cut.matches("<details>").count();
    let shortened = cut.matches("The details are left out for their length.").count();
    assert_eq!(cut.matches("</details>").count(), sections);
    assert!(cut.contains(&format!("the details of {shortened} personas are left out")), "{}", &cut[cut.len() - 500..]);
    if sections < 151 {
        assert!(cut.contains(&format!("{} personas with {} changes are left out whole: `p", 151 - sections, 151 - sections)));
    }
    assert!(cut.contains("<code>zoe</code>"), "a deletion is the last to be left out");
    let tiny = plan(&large, &Options { limit: 1, ..Options::default() });
    assert!(tiny.encode_utf16().count() <= LEAST, "{}", tiny.len());
}

#[test]
fn a_document_that_just_fits_is_whole_and_one_character_less_cuts_it() {
    // Letters of one to four bytes; a host counts characters.
    let line = "Grüß 丁寧に 👩‍👧 אורח كن لطيفًا.\n";
    let edits = json!([{"path": "/prompt", "from": line.repeat(40).replace("Grüß", "Gruß"), "to": line.repeat(40), "reason": "declared"}]);
    let change = |key: usize| {
        json!({"address": format!("tavus.p{key}"), "action": "update", "id": "p", "edits": edits,
        "requests": [{"method": "PATCH", "path": "/p", "body": {"prompt": line.repeat(40)}}]})
    };
    let large = plan_of(&(0..60).map(change).collect::<Vec<_>>());
    for requests in [false, true] {
        let whole = plan(&large, &Options { requests, limit: usize::MAX });
        let characters = whole.encode_utf16().count();
        assert!(whole.len() > characters && whole.chars().count() < characters && characters > GITHUB, "{characters}");
        assert_eq!(plan(&large, &Options { requests, limit: characters }), whole);
        let cut = plan(&large, &Options { requests, limit: characters - 1 });
        assert!(cut.encode_utf16().count() < characters && cut.contains("> Cut to what fits here: "), "{}", cut.len());
        let lacks = if requests { "the requests of 1 persona are left out" } else { "the details of 1 persona are left out" };
        assert!(cut.contains(lacks), "{}", &cut[cut.len() - 300..]);
        // At the hosts' own limits.
        for limit in [GITHUB, super::GITLAB] {
            let fitting = plan(&large, &Options { requests, limit });
            assert!(fitting.encode_utf16().count() <= limit);
            assert_eq!(fitting.contains("> Cut to what fits here: "), characters > limit, "{limit}");
        }
    }
}

#[test]
fn what_differs_and_is_never_written_is_told() {
    let mut odd = plan_of(&[]);
    let observed = json!([{"address": "tavus.ada", "provider": "tavus", "id": "p1", "edits": [{"path": "/voice", "from": 1, "to": 2, "reason": "declared"}]}]);
    odd.observed = serde_json::from_value(observed).expect("observed");
    let text = plan(&odd, &Options::default());
    assert!(text.contains("> **Observed, not as the files say, and never written**\n> - `tavus.ada`: `/voice`\n"), "{text}");
    let page = crate::report::html::plan(&odd, false);
    assert!(page.contains("Observed, not as the files say") && page.contains("tavus.ada"), "{page}");
}

const NASTY: &[&str] = &[
    "`",
    "``",
    "```",
    "~~~",
    "\n",
    "\r",
    "\n\n",
    "|",
    "<script>",
    "</details>",
    "<details>",
    "<!--",
    "-->",
    "@everyone",
    "#123",
    "&lt;",
    "deadbeef1234",
    "**",
    "__",
    "[x](y)",
    "![i](j)",
    "http://x.example",
    "\\",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{1b}[31m",
    "\u{0}",
    "---",
    "- ",
    "> ",
    "# ",
    "    ",
    "\t",
    "::error::x",
    "語",
    "👩‍👧",
    "ש",
    "a",
    "b c",
    "<b>",
    "</summary>",
    "$x$",
    ":tada:",
];

fn nasty() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(NASTY), 0..14).prop_map(|parts| parts.concat())
}

/// Everything outside of fences and code spans, as a CommonMark reader would find it.
fn outside(text: &str) -> Result<String, TestCaseError> {
    let mut rest = String::new();
    let mut fence: Option<String> = None;
    for line in text.lines() {
        let run = line.len() - line.trim_start_matches('`').len();
        match &fence {
            Some(open) if line.trim_end() == open => fence = None,
            Some(_) => {}
            None if run >= 3 && !line[run..].contains('`') => fence = Some("`".repeat(run)),
            None => {
                rest.push_str(line);
                rest.push('\n');
            }
        }
    }
    prop_assert!(fence.is_none(), "a fence stays open:\n{}", text);
    let mut plain = String::new();
    let mut left = rest.as_str();
    while let Some(at) = left.find('`') {
        plain.push_str(&left[..at]);
        let run: String = left[at..].chars().take_while(|char| *char == '`').collect();
        let after = &left[at + run.len()..];
        let line_end = after.find('\n').unwrap_or(after.len());
        let mut search = 0;
        let close = loop {
            let Some(found) = after[search..line_end].find(&run).map(|found| found + search) else { break None };
            let longer = after[found..].chars().take_while(|char| *char == '`').count();
            if longer == run.len() {
                break Some(found);
            }
            search = found + longer;
        };
        match close {
            Some(close) => left = &after[close + run.len()..],
            None => return Err(TestCaseError::fail(format!("a code span stays open: {left}"))),
        }
    }
    plain.push_str(left);
    Ok(plain)
}

fn check(text: &str, limit: usize) -> Result<(), TestCaseError> {
    prop_assert!(text.encode_utf16().count() <= limit.max(LEAST), "{} of {}", text.encode_utf16().count(), limit);
    let plain = outside(text)?;
    prop_assert_eq!(plain.matches("<details").count(), plain.matches("</details>").count(), "{}", plain);
    prop_assert_eq!(plain.matches("<summary>").count(), plain.matches("</summary>").count(), "{}", plain);
    let bare = ["<details>", "<details open>", "</details>", "<summary>", "</summary>", "<b>", "</b>", "<br>"]
        .iter()
        .fold(plain.clone(), |text, tag| text.replace(tag, ""));
    // Inside `<code>` of a summary hosts look for no mentions.
    let mut bare_of_code = String::new();
    for (index, part) in bare.split("<code>").enumerate() {
        bare_of_code.push_str(if index == 0 { part } else { part.split_once("</code>").map_or("<", |(_, after)| after) });
    }
    for word in ["<", "@", "#1", "deadbeef", "http:", "](", "\u{202e}", "\u{1b}", "\u{0}", "\u{200b}", "$x$", ":tada:"] {
        prop_assert!(!bare_of_code.contains(word), "{:?} in {}", word, bare_of_code);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn no_content_becomes_markup_and_no_document_is_too_long(
        texts in prop::collection::vec(nasty(), 6),
        limit in prop_oneof![Just(GITHUB), 2_000..9_000_usize],
        times in 1..12_usize,
    ) {
        let [name, old, new, path, note, key] = texts.try_into().expect("six");
        let mut changes = Vec::new();
        for index in 0..times {
            let address = |account: &str| format!("{account}.{key}{index}");
            let edits = json!([
                {"path": format!("/{}", path.replace('~', "")), "from": old, "to": new, "reason": "drifted"},
                {"path": "/prompt", "from": format!("{old}\n{name}\n{new}"), "to": format!("{new}\n{name}\n{old}"), "reason": "declared",
                    "source": {"path": format!("personas/{name}"), "line": 1, "column": 1}},
                {"path": "/list", "to": [old, {&name: new}], "reason": "declared"},
            ]);
            changes.push(json!({"address": address("tavus"), "action": "update", "id": name, "name": name, "notes": [note], "edits": edits}));
            changes.push(json!({"address": address("anam"), "action": "delete", "id": name, "name": name, "notes": [note], "reason": "removed"}));
        }
        let mut made = plan_of(&changes);
        made.gates = serde_json::from_value(json!([{"name": name, "why": note, "opened_by": old}])).expect("gates");
        made.blocked = serde_json::from_value(json!([{"address": format!("tavus.x{key}"), "why": note, "help": new}])).expect("blocked");
        let options = Options { requests: true, limit };
        check(&plan(&made, &options), limit)?;
        let entry = |ending| Entry {
            address: made.changes[0].address.clone(),
            action: Action::Update,
            id: None,
            requests_sent: 1, exchanges: Vec::new(),
            retries: 1,
            milliseconds: 5,
            ending,
        };
        let difference = Difference {
            path: crate::persona::name::Pointer::new([path.as_str()]),
            expected: Some(json!(old)),
            found: Some(json!(new)),
        };
        let failed = Ending::Failed { request: Some(name.clone()), status: Some(422), message: note.clone(), help: Some(old.clone()) };
        let entries = vec![entry(Ending::Diverged { differences: vec![difference] }), entry(failed)];
        check(&outcome(&Outcome { entries, interrupted: true, milliseconds: 9, ..Outcome::default() }, &made, &options), limit)?;
    }
}
