//! Outcomes, to the letter.

use serde_json::json;

use super::{plain, plan_of};
use crate::persona::name::Pointer;
use crate::plan::{Action, Address, RemoteId};
use crate::reconcile::{Difference, Ending, Entry, Outcome};
use crate::report::text::{self, Options};

fn entry(address: &str, action: Action, requests_sent: usize, ending: Ending) -> Entry {
    let address = Address::parse(address).expect("an address");
    Entry {
        address,
        action,
        id: Some(RemoteId::new("p1")),
        requests_sent,
        exchanges: Vec::new(),
        retries: 0,
        milliseconds: 0,
        ending,
    }
}

fn shown(entries: Vec<Entry>, interrupted: bool) -> String {
    let request = json!({"method": "PATCH", "path": "/p1"});
    let plan = plan_of(&[json!({"address": "bland.eve", "action": "update", "requests": [request, request]})]);
    plain(&text::outcome(&Outcome { entries, interrupted, ..Outcome::default() }, &plan, &Options::default()))
}

#[test]
fn success_is_one_row_per_change() {
    let done = |verified| Ending::Done { verified };
    let entries = vec![
        entry("tavus.ada", Action::Create, 1, done(true)),
        entry("opengiant.ada", Action::Update, 1, done(false)),
        entry("opengiant.bea", Action::Forget, 0, done(false)),
    ];
    assert_eq!(
        shown(entries, false),
        "+ create tavus.ada (p1)
~ update opengiant.ada (p1), not verified: the service cannot be read
x forget opengiant.bea (p1)

Applied: 3 done.
"
    );
    assert_eq!(shown(Vec::new(), false), "Nothing to apply.\n");
}

#[test]
fn every_other_ending_tells_what_came_back_and_the_next_step() {
    let difference = |path: &str, expected, found| Difference { path: Pointer::new([path]), expected, found };
    let entries = vec![
        entry("tavus.ada", Action::Update, 1, Ending::Done { verified: true }),
        entry(
            "anam.bea",
            Action::Update,
            1,
            Ending::Diverged {
                differences: vec![
                    difference("voiceId", Some(json!("june")), Some(json!("default"))),
                    difference("token", Some(json!({"$env": "KEY", "digest": "d"})), Some(json!("sk-live"))),
                    difference("tags", Some(json!(["a"])), None),
                ],
            },
        ),
        entry(
            "bland.eve",
            Action::Update,
            1,
            Ending::Failed {
                request: Some("PATCH /v1/personas/p1".into()),
                status: Some(422),
                message: "no such voice\nuse one of: June, Maya".into(),
                help: None,
            },
        ),
        entry(
            "bland.kim",
            Action::Create,
            0,
            Ending::Unknown {
                request: "POST /v1/personas".into(),
                message: "the connection was closed".into(),
                help: "look for it with `personaform plan`".into(),
            },
        ),
        entry("tavus.lou", Action::Update, 0, Ending::Stale { message: "`/system_prompt` has changed".into() }),
        entry("tavus.max", Action::Update, 0, Ending::NotStarted { message: "interrupted".into() }),
    ];
    assert_eq!(
        shown(entries, true),
        "Done:
  ~ update tavus.ada (p1)

Not started:
  ~ update tavus.max (p1)
    interrupted
    next: run `personaform apply` again

Stale, not touched: changed since the plan was made:
  ~ update tavus.lou (p1)
    `/system_prompt` has changed
    next: look at a new plan with `personaform plan`

Diverged: written, but the service made something else of it:
  ~ update anam.bea (p1)
    ~ /voiceId: \"june\" -> \"default\" (expected -> found)
    ~ /token: (secret from $KEY) -> (a value not shown) (expected -> found)
    - /tags: [\"a\"] (expected, not found)
    next: see what is left with `personaform plan`; what the service does not
          keep must leave the file

Failed:
  ~ update bland.eve (p1)
    PATCH /v1/personas/p1 was answered with 422: no such voice
    use one of: June, Maya
    1 of 2 requests had been done before that
    next: mend the cause, then run `personaform apply` again: what is done stays
          done

Unknown: sent, and nobody knows whether it was done:
  + create bland.kim (p1)
    POST /v1/personas: the connection was closed
    next: look for it with `personaform plan`

Interrupted: requests under way were finished and recorded.
Applied: 1 done, 1 diverged, 1 failed, 1 unknown, 1 stale, 1 not started.
"
    );
}

#[test]
fn a_gateways_page_is_cut_and_cannot_command_the_terminal() {
    let message = format!("<html>\u{1b}]0;owned\u{7}\u{1b}[2J{}", "x".repeat(5_000));
    let failed = Ending::Failed { request: None, status: Some(502), message, help: Some("try again".into()) };
    let text = shown(vec![entry("tavus.ada", Action::Update, 0, failed)], false);
    assert!(text.contains("answered with 502:\n      <html>\\u{1b}]0;owned\\u{7}\\u{1b}[2Jxx"), "{text}");
    assert!(text.contains("\n    … 4,620 more characters\n    next: try again\n"), "{text}");
    assert!(text.ends_with("Applied: 0 done, 1 failed, 0 not started.\n"), "{text}");
}

#[test]
fn time_and_retries_stand_beside_the_counts() {
    let mut entries = vec![entry("tavus.ada", Action::Update, 1, Ending::Done { verified: true })];
    entries[0].retries = 2;
    let text = |milliseconds| {
        let outcome = Outcome { entries: entries.clone(), interrupted: false, milliseconds, ..Outcome::default() };
        plain(&text::outcome(&outcome, &plan_of(&[]), &Options::default()))
    };
    assert!(text(1_240).ends_with("\nApplied: 1 done, in 1.2 s, with 2 retries.\n"));
    assert!(text(125_000).ends_with("\nApplied: 1 done, in 2 min 5 s, with 2 retries.\n"));
}
