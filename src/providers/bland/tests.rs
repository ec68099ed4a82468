//! Holds Bland's requests to their promises: small, complete, released only where that changes something.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{BLAND, RULES};
use crate::persona::name::Pointer;
use crate::plan::value::{get, leaves};
use crate::plan::{Clear, Dialect, Draft, Edit, Live, Method, Reason, RemoteId, Request, Resource};
use crate::provider::Provider;
use crate::providers::trial::{edits, equal, object, outcome, resource};

fn live(draft: Value, production: Value) -> Live {
    let persona = json!({"name": "Ada", "role": null, "description": "Answers", "tags": [], "image_url": null});
    let document = |version: Value| object(persona.clone()).into_iter().chain(object(version)).collect::<Map<_, _>>();
    Live {
        name: "Ada".to_owned(),
        fields: document(draft).into(),
        released: Some(document(production).into()),
        ..Live::empty(RemoteId::new("p1"))
    }
}

fn planned(live: &Live, resource: &Resource) -> Draft {
    BLAND.update(live, resource, &edits(&BLAND, live, resource, &Map::new()))
}

fn removed(path: &str) -> Edit {
    let path = Pointer::parse(path).expect("a pointer");
    Edit::new(path, None, None, Reason::Removed)
}

fn patch(body: Value) -> Request {
    Request::new(Method::Patch, "/v1/personas/p1").with_body(body)
}

fn promote() -> Request {
    Request::new(Method::Post, "/v1/personas/p1/versions/promote").with_body(json!({}))
}

#[test]
fn an_update_sends_the_name_and_the_changed_fields_and_promotes() {
    let both = json!({"personality_prompt": "Be kind.", "kb_ids": ["KB-1"]});
    let resource = resource(json!({"name": "Ada", "role": "Support", "personality_prompt": "Be brief.", "kb_ids": ["KB-1"]}));
    let draft = planned(&live(both.clone(), both), &resource);
    let body = json!({"name": "Ada", "role": "Support", "personality_prompt": "Be brief."});
    assert_eq!(draft, Draft { requests: vec![patch(body), promote()], notes: Vec::new() });
}

#[test]
fn fields_of_the_persona_itself_need_no_promotion() {
    let both = json!({"personality_prompt": "Be kind."});
    let resource = resource(json!({"name": "Bea", "description": null, "tags": ["a"], "personality_prompt": "Be kind."}));
    let draft = planned(&live(both.clone(), both), &resource);
    assert_eq!(draft.requests, [patch(json!({"name": "Bea", "description": null, "tags": ["a"]}))]);
}

#[test]
fn unmanaged_drafts_of_others_are_not_promoted_for_a_change_that_needs_no_promotion() {
    let live = live(json!({"personality_prompt": "Theirs."}), json!({"personality_prompt": "Live."}));
    let draft = planned(&live, &resource(json!({"name": "Ada", "role": "Support"})));
    assert_eq!(draft.requests, [patch(json!({"name": "Ada", "role": "Support"}))]);
}

#[test]
fn what_the_draft_holds_already_is_only_promoted() {
    let live = live(json!({"personality_prompt": "New."}), json!({"personality_prompt": "Old."}));
    let draft = planned(&live, &resource(json!({"name": "Ada", "personality_prompt": "New."})));
    assert_eq!(draft.requests, [promote()]);
}

#[test]
fn an_edit_that_only_waits_is_promoted_even_where_the_values_look_alike() {
    let both = json!({"call_config": {"token": "in-clear"}});
    let secret = json!({"$env": "TOKEN", "digest": "d"});
    let edit = Edit { to: Some(secret.clone()), release_only: true, ..removed("/call_config/token") };
    let desired = resource(json!({"name": "Ada", "call_config": {"token": secret}}));
    assert_eq!(BLAND.update(&live(both.clone(), both), &desired, &[edit]).requests, [promote()]);
}

#[test]
fn an_empty_text_below_call_config_is_a_value() {
    let both = json!({"call_config": null});
    let draft = planned(&live(both.clone(), both), &resource(json!({"name": "Ada", "call_config": {"first_sentence": ""}})));
    assert_eq!(draft.requests, [patch(json!({"name": "Ada", "call_config": {"first_sentence": ""}})), promote()]);
}

#[test]
fn a_draft_put_back_to_what_callers_hear_needs_no_promotion() {
    let live = live(json!({"personality_prompt": "Drifted."}), json!({"personality_prompt": "Be kind."}));
    let draft = planned(&live, &resource(json!({"name": "Ada", "personality_prompt": "Be kind."})));
    assert_eq!(draft.requests, [patch(json!({"name": "Ada", "personality_prompt": "Be kind."}))]);
}

#[test]
fn a_promotion_names_what_else_it_carries() {
    let draft = json!({
        "personality_prompt": "Old.", "orchestration_prompt": "Theirs.", "kb_ids": [], "default_tools": ["TL-1"],
        "call_config": {"voice": "June", "record": true},
    });
    let production = json!({
        "personality_prompt": "Old.", "orchestration_prompt": null, "kb_ids": null, "default_tools": ["TL-1"],
        "call_config": {"voice": "June"},
    });
    let desired = resource(json!({"name": "Ada", "personality_prompt": "New.", "call_config": {"voice": "June"}}));
    let notes = planned(&live(draft, production), &desired).notes;
    assert_eq!(
        notes,
        ["promotes the draft; it also carries 2 edits made in the dashboard: `call_config.record` (nothing to true), \
          `orchestration_prompt` (nothing to \"Theirs.\")"]
    );
}

#[test]
fn a_target_that_stays_in_the_draft_is_not_promoted_and_says_what_happens_at_once() {
    let both = json!({"personality_prompt": "Be kind."});
    let mut desired = resource(json!({"name": "Ada", "role": "Support", "personality_prompt": "Be brief."}));
    desired.release = false;
    let draft = planned(&live(both.clone(), both), &desired);
    assert_eq!(draft.requests.len(), 1);
    assert_eq!(
        draft.notes,
        ["stays in the draft: callers go on hearing the released version", "takes effect at once, having no draft: `role`"]
    );
}

#[test]
fn call_config_is_sent_whole_so_that_other_keys_stay() {
    let both = json!({"call_config": {"voice": "June", "record": true, "webhook": {"url": "theirs"}}});
    let draft = planned(&live(both.clone(), both), &resource(json!({"name": "Ada", "call_config": {"record": false}})));
    let whole = json!({"voice": "June", "record": false, "webhook": {"url": "theirs"}});
    assert_eq!(draft.requests, [patch(json!({"name": "Ada", "call_config": whole})), promote()]);
}

#[test]
fn a_removed_key_of_call_config_is_left_out_with_a_note() {
    let both = json!({"call_config": {"voice": "June", "record": true}});
    let live = live(both.clone(), both);
    let draft = BLAND.update(&live, &resource(json!({"name": "Ada"})), &[removed("/call_config/record")]);
    assert_eq!(draft.requests, [patch(json!({"name": "Ada", "call_config": {"voice": "June"}})), promote()]);
    assert!(draft.notes[0].contains("left out of `call_config`"), "{:?}", draft.notes);
    let after = outcome(&BLAND, &live, &draft);
    assert_eq!(after.released.as_ref(), Some(&after.fields));
}

#[test]
fn an_unchanged_secret_in_call_config_is_sent_by_name_and_promotes_nothing() {
    let config = |note: &str| json!({"call_config": {"token": "in-clear", "note": note}});
    let secret = json!({"$env": "TOKEN", "digest": "d"});
    let desired = resource(json!({"name": "Ada", "call_config": {"token": secret, "note": "released"}}));
    let edit = Edit { to: Some(json!("released")), ..removed("/call_config/note") };
    let draft = BLAND.update(&live(config("drifted"), config("released")), &desired, &[edit]);
    let body = json!({"name": "Ada", "call_config": {"token": secret, "note": "released"}});
    assert_eq!(draft.requests, [patch(body)]);
}

#[test]
fn every_field_is_cleared_in_its_own_way() {
    let both = json!({
        "personality_prompt": "Ours.", "orchestration_prompt": "Ours.", "kb_ids": ["KB-1"], "default_tools": ["TL-1"],
        "pathway_conditions": [{"name": "a"}], "call_config": {"voice": "June"},
    });
    let mut live = live(both.clone(), both);
    live.fields.extend(object(json!({"role": "Support", "image_url": "https://example.com/a.png"})));
    let nothing = json!({
        "name": "Ada", "role": null, "description": null, "tags": null, "image_url": null, "personality_prompt": null,
        "orchestration_prompt": null, "call_config": null, "default_tools": null, "pathway_conditions": null, "kb_ids": null,
    });
    let desired = resource(nothing);
    let draft = planned(&live, &desired);
    let body = json!({
        "name": "Ada", "role": "", "description": null, "image_url": null,
        "personality_prompt": "You are a helpful assistant", "orchestration_prompt": "", "call_config": {},
        "default_tools": [], "pathway_conditions": [], "kb_ids": [],
    });
    assert_eq!(draft.requests, [patch(body), promote()]);
    assert!(draft.notes[0].contains("goes back to Bland's default"), "{:?}", draft.notes);
    assert_eq!(planned(&outcome(&BLAND, &live, &draft), &desired).requests, []);
}

#[test]
fn a_name_cannot_be_cleared() {
    let both = json!({"personality_prompt": "Be kind."});
    assert!(matches!(RULES.field(&Pointer::new(["name"])).clear, Clear::Impossible(_)));
    assert_eq!(BLAND.update(&live(both.clone(), both), &resource(json!({})), &[removed("/name")]), Draft::default());
}

#[test]
fn an_ignored_field_is_neither_sent_nor_released() {
    let live = live(
        json!({"personality_prompt": "Be kind.", "call_config": {"voice": "Theirs", "record": true}}),
        json!({"personality_prompt": "Be kind.", "call_config": {"voice": "June", "record": true}}),
    );
    let mut desired = resource(json!({"name": "Ada", "role": "Support", "call_config": {"voice": "June", "record": true}}));
    desired.ignore = vec![Pointer::new(["call_config", "voice"])];
    let all = edits(&BLAND, &live, &desired, &Map::new());
    let kept: Vec<Edit> = all.into_iter().filter(|edit| edit.path != desired.ignore[0]).collect();
    assert_eq!(BLAND.update(&live, &desired, &kept).requests, [patch(json!({"name": "Ada", "role": "Support"}))]);
}

#[test]
fn a_create_leaves_out_what_is_cleared_and_is_live_at_once() {
    let mut desired = resource(json!({"name": "Ada", "role": null, "call_config": {"voice": "June", "record": null}}));
    let draft = BLAND.create(&desired);
    let body = json!({"name": "Ada", "call_config": {"voice": "June"}});
    assert_eq!(draft, Draft { requests: vec![Request::new(Method::Post, "/v1/personas").with_body(body)], notes: Vec::new() });
    let made = outcome(&BLAND, &Live::empty(RemoteId::new("new")), &draft);
    assert_eq!(made.name, "Ada");
    assert_eq!(made.released.as_ref(), Some(&made.fields));
    assert_eq!(made.fields.get("personality_prompt"), Some(&json!("You are a helpful assistant")));
    desired.release = false;
    assert!(BLAND.create(&desired).notes[0].starts_with("Bland releases a new persona at once"));
}

#[test]
fn requests_that_read_and_delete() {
    let id = RemoteId::new("a-1/b c");
    assert_eq!(BLAND.list(3).map(|request| request.path).as_deref(), Some("/v1/personas?page=3&limit=100"));
    assert_eq!(BLAND.read(&id), Some(Request::new(Method::Get, "/v1/personas/a-1%2Fb%20c")));
    assert_eq!(BLAND.delete(&id), Some(Request::new(Method::Delete, "/v1/personas/a-1%2Fb%20c")));
}

#[test]
fn the_key_is_sent_raw() {
    let service = BLAND.service();
    assert_eq!((service.key_header, service.key_prefix, service.base_url), ("authorization", "", "https://api.bland.ai"));
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Null), Just(json!("")), Just(json!("a")), Just(json!("b"))]
}

fn list() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Null), Just(json!([])), Just(json!(["a"])), Just(json!(["b", "a"]))]
}

fn config() -> impl Strategy<Value = Value> {
    let value = prop_oneof![Just(Value::Null), Just(json!(1)), Just(json!(1.0)), Just(json!({"deep": 1})), Just(json!("x"))];
    let open = proptest::collection::btree_map(prop_oneof![Just("voice"), Just("record"), Just("other")], value, 0..3);
    prop_oneof![1 => Just(Value::Null), 6 => open.prop_map(|members| json!(members))]
}

/// A document with some of the versioned fields and some of the persona's own.
fn document() -> impl Strategy<Value = Map<String, Value>> {
    let fields = (text(), text(), list(), text(), text(), config(), list(), list());
    (fields, proptest::collection::vec(any::<bool>(), 8)).prop_map(|(fields, kept)| {
        let (role, description, tags, prompt, orchestration, config, tools, bases) = fields;
        let all = [
            ("role", role),
            ("description", description),
            ("tags", tags),
            ("personality_prompt", prompt),
            ("orchestration_prompt", orchestration),
            ("call_config", config),
            ("default_tools", tools),
            ("kb_ids", bases),
        ];
        let kept = all.into_iter().zip(kept).filter(|(_, kept)| *kept);
        kept.map(|((field, value), _)| (field.to_owned(), value)).collect()
    })
}

/// Whether `path` is ours: it, something above it or something below it is desired or was applied.
fn is_ours(path: &Pointer, desired: &Map<String, Value>, applied: &Map<String, Value>) -> bool {
    let mut ours = leaves(desired).into_iter().chain(leaves(applied)).map(|(path, _)| path);
    ours.any(|ours| ours.covers(path) || path.covers(&ours))
}

proptest! {
    #[test]
    fn an_update_reaches_what_is_desired_and_leaves_the_rest(
        draft in document(), production in document(), desired in document(), applied in document(), release: bool,
    ) {
        let mut live = live(Value::Object(draft), Value::Object(production));
        if let Some(released) = &mut live.released {
            for field in super::PERSONA_FIELDS {
                released.insert(field.to_owned(), live.fields.get(field).cloned().unwrap_or_default());
            }
        }
        let mut desired = resource(Value::Object(desired));
        desired.fields.insert("name".to_owned(), json!("Ada"));
        desired.release = release;
        let found = edits(&BLAND, &live, &desired, &applied);
        let written = BLAND.update(&live, &desired, &found);
        let after = outcome(&BLAND, &live, &written);

        prop_assert!(written.requests.len() <= 2);
        prop_assert_eq!(found.is_empty(), written.requests.is_empty());
        prop_assert_eq!(edits(&BLAND, &after, &desired, &applied), []);
        prop_assert_eq!(BLAND.update(&after, &desired, &[]).requests, []);
        for (path, value) in leaves(&live.fields) {
            if !is_ours(&path, &desired.fields, &applied) {
                prop_assert_eq!(get(&after.fields, &path), Some(value), "{}", path);
            }
        }
        let (before, now) = (live.released.expect("production"), after.released.expect("production"));
        for (path, value) in leaves(&desired.fields).into_iter().filter(|(_, value)| release && !value.is_null()) {
            prop_assert!(equal(RULES.field(&path), get(&now, &path), Some(value)), "{} is not released", path);
        }
        let promoted = written.requests.iter().any(|request| request.method == Method::Post);
        if !promoted {
            for (path, value) in leaves(&before).into_iter().filter(|(path, _)| super::wire::is_versioned(path)) {
                prop_assert_eq!(get(&now, &path), Some(value), "{} changed without a promotion", path);
            }
        }
    }

    #[test]
    fn a_create_reaches_what_is_desired(desired in document()) {
        let mut desired = resource(Value::Object(desired));
        desired.fields.insert("name".to_owned(), json!("Ada"));
        let made = outcome(&BLAND, &Live::empty(RemoteId::new("new")), &BLAND.create(&desired));
        prop_assert_eq!(edits(&BLAND, &made, &desired, &Map::new()), []);
    }
}

#[test]
fn a_promotion_may_be_sent_twice_and_a_create_may_not() {
    assert!(BLAND.repeatable(&Request::new(Method::Post, "/v1/personas/p1/versions/promote")));
    assert!(!BLAND.repeatable(&Request::new(Method::Post, "/v1/personas")));
    assert!(BLAND.repeatable(&Request::new(Method::Patch, "/v1/personas/p1")));
}
