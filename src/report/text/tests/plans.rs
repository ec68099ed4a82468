//! Plans, to the letter.

use std::time::{Duration, Instant};

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::{edit, edits_shown, plain, plan_of, shown, update};
use crate::report::text::{self, Options};

const PROMPT: &str = "\
You are the support guide of a small ferry company.

## How you talk

- Be patient and warm.
- Never promise a refund.

## What you know

Timetables change on the first of every month. If a crossing is not in the timetable, say so and offer the next one. \
Do not guess prices.

## Hours

Weekdays 9 to 17.
Saturdays 10 to 14.
Sundays closed.
Ask for the booking number first.
";

#[test]
fn nothing_to_do_is_one_line_however_much_there_is() {
    let mut plan = plan_of(&[]);
    let options = Options::default();
    plan.summary.unchanged = 10_000;
    assert_eq!(plain(&text::plan(&plan, &options)), "No changes. 10,000 targets are as the files say.\n");
    plan.summary.unchanged = 1;
    assert_eq!(plain(&text::plan(&plan, &options)), "No changes. 1 target is as the files say.\n");
    plan.summary.unchanged = 0;
    assert_eq!(plain(&text::plan(&plan, &options)), "No changes. There are no targets.\n");
}

#[test]
fn an_edited_prompt_shows_its_changed_words_and_folds_the_rest() {
    let new = PROMPT
        .replace("patient and warm", "calm and warm")
        .replace("the next one", "the next two")
        .replace("Sundays closed.\n", "Sundays closed.  \nHolidays closed.\n");
    assert_eq!(
        edits_shown(json!([edit("/system_prompt", PROMPT, new)])),
        "    ~ /system_prompt
        … 2 unchanged lines
          ## How you talk

        - - Be [-patient-] and warm.
        + - Be {+calm+} and warm.
          - Never promise a refund.

          ## What you know

          Timetables change on the first of every month. …
        - … If a crossing is not in the timetable, say so and offer the next
        -   [-one-]. …
        + … If a crossing is not in the timetable, say so and offer the next
        +   {+two+}. …
          … Do not guess prices.

        … 2 unchanged lines
          Weekdays 9 to 17.
          Saturdays 10 to 14.
        - Sundays closed.
        + Sundays closed.{+··+}
        + Holidays closed.
          Ask for the booking number first.
"
    );
}

#[test]
fn short_values_stand_on_one_row_and_remarks_tell_the_odd_ones() {
    let shown = edits_shown(json!([
        edit("/default_replica_id", "r1", "r2"),
        {"path": "/layers/llm/speed", "from": 1, "to": 1.5, "reason": "drifted"},
        {"path": "/layers/stt", "from": {"engine": "a", "words": ["x"]}, "to": {"engine": "b", "words": ["x"]}, "reason": "declared", "also_drifted": true},
        {"path": "/layers/tts/voice", "from": "June", "reason": "removed"},
        {"path": "/pipeline_mode", "to": "full", "reason": "declared", "release_only": true},
    ]));
    assert_eq!(
        shown,
        "    ~ /default_replica_id: \"r1\" -> \"r2\"
    ~ /layers/llm/speed: 1 -> 1.5 (drifted: changed elsewhere, put right)
    ~ /layers/stt/engine: \"a\" -> \"b\" (also changed elsewhere)
    - /layers/tts/voice: \"June\" (cleared; removed from the file)
    + /pipeline_mode: \"full\" (in the draft already, waits for its release)
"
    );
}

#[test]
fn lists_are_shown_by_element() {
    let tools = |url: &str| json!([{"name": "clock"}, {"name": "crm", "url": url}, {"name": "old"}]);
    let mut new = tools("https://b");
    new[2] = json!({"name": "weather", "parameters": {"city": "text"}});
    assert_eq!(
        edits_shown(json!([edit("/tools", tools("https://a"), new), edit("/words", json!(["a", "b"]), json!(["a", "c"]))])),
        "    ~ /tools/1/url: \"https://a\" -> \"https://b\"
    + /tools/2/name: \"weather\"
    + /tools/2/parameters/city: \"text\"
    - /tools/2/name: \"old\"
    ~ /words: [\"a\", \"b\"] -> [\"a\", \"c\"]
"
    );
}

#[test]
fn a_secret_is_named_and_never_shown() {
    let secret = |digest: &str| json!({"$env": "LLM_KEY", "digest": digest});
    let mut plan = plan_of(&[update(json!([
        edit("/a", secret("digest-1"), secret("digest-2")),
        edit("/b", "sk-live-1", secret("digest-2")),
        {"path": "/c", "to": {"headers": {"token": secret("digest-2")}}, "reason": "declared"},
        edit("/d", json!([{"key": "sk-live-2"}]), json!([{"key": secret("digest-1")}])),
    ]))]);
    plan.changes[0].requests = serde_json::from_value(
        json!([{"method": "PATCH", "path": "/v2/personas/p1", "body": [{"op": "replace", "path": "/a", "value": secret("digest-2")}]}]),
    )
    .expect("requests");
    let text = plain(&text::plan(&plan, &Options { requests: true, ..Options::default() }));
    assert_eq!(
        text,
        "ada
  ~ update tavus.ada (p1): declared in the files
    ~ /a: (secret from $LLM_KEY, changed)
    ~ /b: (a value not shown) -> (secret from $LLM_KEY)
    + /c/headers/token: (secret from $LLM_KEY)
    ~ /d/0/key: (a value not shown) -> (secret from $LLM_KEY)
    requests:
      PATCH /v2/personas/p1
        [
          {
            \"op\": \"replace\",
            \"path\": \"/a\",
            \"value\": \"$LLM_KEY\"
          }
        ]

Plan: 0 to create, 1 to update, 0 to delete, 11 unchanged.
"
    );
}

#[test]
fn every_action_has_a_sign_a_word_and_a_reason() {
    let long_id = "071b0286-4cce-4808-bee2-e642f1062de3";
    let prompt = "One.\nTwo.\nThree.\nFour.\nFive.\nSix.\nSeven.\nEight.\n";
    let create = |address: &str| {
        let edits = json!([{"path": "/name", "to": "Ada", "reason": "declared"}, {"path": "/prompt", "to": prompt, "reason": "declared"}]);
        json!({"address": address, "action": "create", "name": "Ada", "edits": edits})
    };
    let changes = [
        create("bland.ada"),
        create("anam.ada"),
        json!({"address": "tavus.bea", "action": "adopt", "id": "p2", "name": "Bea"}),
        json!({"address": "tavus.cyd", "action": "move", "id": "p3", "moved_from": "tavus.kid"}),
        json!({"address": "tavus.dan", "action": "delete", "id": "p4", "name": "Dan \"D\"", "reason": "removed", "notes": ["a phone number uses it"]}),
        json!({"address": "opengiant.eve", "action": "forget", "id": "p5", "name": "Eve", "reason": "removed"}),
        json!({"address": "anam.fay", "action": "update", "id": long_id, "reason": "drifted"}),
    ];
    assert_eq!(
        shown(&changes),
        "ada
  + create anam.ada: declared in the files
    + /name: \"Ada\"
    + /prompt: 8 lines, 48 characters
        + One.
        + Two.
        + Three.
        + Four.
        + Five.
        + Six.
        … 2 more lines

  + create bland.ada: declared in the files
    + /name: \"Ada\"
    + /prompt: 8 lines, 48 characters, the same as /prompt of anam.ada

bea
  = adopt tavus.bea \"Bea\" (p2): declared in the files, exists already

cyd
  > move tavus.cyd (p3)
    renamed, the object stays as it is; moved from tavus.kid

dan
  - delete tavus.dan \"Dan \\\"D\\\"\" (p4): removed from the files
    note: a phone number uses it

eve
  x forget opengiant.eve \"Eve\" (p5)
    removed from the files, the object stays at the service

fay
  ~ update anam.fay (071b0286-4cce-4808-bee2-e642f1062de3)
    drifted: changed elsewhere, put right

Plan: 2 to create, 1 to update, 1 to delete, 1 to adopt, 1 to forget, 1 to move,
11 unchanged; 1 drifted.
"
    );
    let verbose = Options { verbose: true, ..Options::default() };
    assert!(plain(&text::plan(&plan_of(&changes[..1]), &verbose)).contains("        + Seven.\n        + Eight.\n\nPlan"));
}

#[test]
fn what_stands_in_the_way_stands_beside_the_counts() {
    let mut plan = plan_of(&[json!({"address": "tavus.ada", "action": "delete", "id": "p1", "reason": "removed"})]);
    plan.blocked =
        serde_json::from_value(json!([{"address": "tavus.bea", "why": "could not be read: HTTP 500", "help": "try again"}]))
            .expect("blocked");
    plan.gates = serde_json::from_value(
        json!([{"name": "safety.max_deletes", "why": "1 deletion, at most 0 are allowed", "opened_by": "--allow-deletes"}]),
    )
    .expect("gates");
    assert_eq!(
        plain(&text::plan(&plan, &Options::default())),
        "ada
  - delete tavus.ada (p1): removed from the files

Blocked, not planned:
  ! tavus.bea: could not be read: HTTP 500
    next: try again

Gate closed, nothing will be applied:
  ! safety.max_deletes: 1 deletion, at most 0 are allowed
    to open it: --allow-deletes

Plan: 0 to create, 0 to update, 1 to delete, 11 unchanged, 1 blocked.
"
    );
}

#[test]
fn many_targets_with_one_reason_are_one_remark_for_each_account() {
    let mut plan = plan_of(&[]);
    let blocked = |account: &str, number: usize, why: &str| {
        json!({"address": format!("{account}.p{number}"), "why": why, "help": "try again",
            "source": {"path": "a.yaml", "line": number + 1, "column": 1}})
    };
    let mut all: Vec<_> = (0..4).map(|number| blocked("anam", number, "not sent")).collect();
    all.extend((0..3).map(|number| blocked("bland", number, "not sent")));
    all.extend((0..1_207).map(|number| blocked("tavus", number, if number == 1 { "refused" } else { "not sent" })));
    plan.blocked = serde_json::from_value(json!(all)).expect("blocked");
    let shown = plain(&text::plan(&plan, &Options::default()));
    assert!(
        shown.starts_with(
            "Blocked, not planned:
  ! 4 targets at anam: not sent
    next: try again
    anam.p0, anam.p1, anam.p2, anam.p3
  ! bland.p0: not sent
    next: try again
    a.yaml:1
  ! bland.p1: not sent
    next: try again
    a.yaml:2
  ! bland.p2: not sent
    next: try again
    a.yaml:3
  ! 1,206 targets at tavus: not sent
    next: try again
    tavus.p0, tavus.p2, tavus.p3, tavus.p4, tavus.p5, and 1,201 more
  ! tavus.p1: refused
"
        ),
        "{shown}"
    );
}

#[test]
fn line_ends_alone_are_told_in_words() {
    let lines = "One.\nTwo.\nThree.\nFour.\n";
    assert_eq!(
        edits_shown(json!([edit("/prompt", lines.replace('\n', "\r\n"), lines)])),
        "    ~ /prompt\n        only the line ends change, from CRLF to LF, in 4 lines\n"
    );
}

#[test]
fn one_word_in_a_hundred_kilobytes_is_found_at_once() {
    let lines: String =
        (0..1_500).map(|number| format!("Rule {number}: answer briefly, and ask whether it helped the caller.\n")).collect();
    let one_line = "answer briefly and ask whether it helped ".repeat(2_500);
    for old in [lines, one_line] {
        assert!(old.len() > 90_000);
        let middle = old.len() / 2;
        let at = middle + old[middle..].find("briefly").expect("the word");
        let new = format!("{}gently{}", &old[..at], &old[at + "briefly".len()..]);
        let start = Instant::now();
        let shown = edits_shown(json!([edit("/prompt", old, new)]));
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        assert!(shown.contains("answer [-briefly-]") && shown.contains("answer {+gently+}"), "{shown}");
        assert!(shown.lines().count() < 12, "{shown}");
    }
}

#[test]
fn every_script_stays_inside_the_screen() {
    let texts = [
        ("あなたは丁寧な案内係です。".repeat(12), "案内係", "相談係", "{+相談+}係"),
        ("אתה מדריך אדיב של חברת מעבורות קטנה. ".repeat(8), "אדיב", "רגוע", "{+רגוע+}"),
        ("Greet families 👨‍👩‍👧‍👦 and crews 🧑🏽‍🚀 alike 🏳️‍🌈. ".repeat(8), "🧑🏽‍🚀", "🧑🏽‍🚒", "{+🧑🏽‍🚒+}"),
        ("https://example.org/".to_owned() + &"path/".repeat(60) + "old", "old", "new", "{+new+}"),
    ];
    for (old, from, to, mark) in texts {
        let shown =
            edits_shown(json!([edit("/prompt", old.clone(), old.replacen(from, to, 1)), edit("/copy", old, "-".repeat(200))]));
        assert!(shown.contains(mark), "{shown}");
        for line in shown.lines() {
            assert!(line.width() <= 80, "{} columns: {line}", line.width());
            assert_eq!(line, line.trim_end());
        }
    }
}

#[test]
fn texts_made_to_be_slow_are_not() {
    let hostile = [
        (".".repeat(100_000) + "a", ".".repeat(100_000) + "b"),
        ("a b ".repeat(25_000), "b c ".repeat(25_000)),
        (" ".repeat(100_000) + "x", "\u{301}".repeat(50_000)),
        ("a.\n".repeat(30_000), "b. a\n".repeat(20_000)),
    ];
    for (old, new) in hostile {
        let start = Instant::now();
        edits_shown(json!([edit("/prompt", old, new)]));
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
}

#[test]
fn drift_is_counted_by_target() {
    let also = json!({"path": "/a", "from": 1, "to": 2, "reason": "declared", "also_drifted": true});
    let drifted = json!({"path": "/b", "from": 1, "to": 2, "reason": "drifted"});
    let only_also = json!({"address": "tavus.bea", "action": "update", "edits": [also]});
    assert!(shown(&[update(json!([also, drifted])), only_also]).ends_with("11 unchanged; 2 drifted.\n"));
}
