//! Holds OpenGiant's words, requests and responses to their promises.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::OPENGIANT;
use crate::persona::document::{Settings, Shared};
use crate::persona::name::Pointer;
use crate::plan::value::{get, leaves};
use crate::plan::{Dialect, Draft, Edit, Live, Method, Reason, RemoteId, Request, Resource};
use crate::provider::{Body, Provider, RefusalKind, Response};
use crate::providers::trial::{address, edits, object, outcome, persona, resource, response, schema, target};

fn shared() -> Shared {
    Shared { name: Some(json!("Ada")), description: Some(json!("Answers")), prompt: Some(json!("Be kind.")) }
}

fn compiled(shared: Shared, section: Value) -> Resource {
    let target = target(section, Settings::default());
    OPENGIANT.compile(&address(), &persona(shared), &target).expect("a resource")
}

fn live(fields: Value) -> Live {
    Live { fields: object(fields).into(), ..Live::empty(RemoteId::new("p-1/2")) }
}

fn planned(live: &Live, resource: &Resource, applied: Value) -> Draft {
    OPENGIANT.update(live, resource, &edits(&OPENGIANT, live, resource, &object(applied)))
}

fn patch(body: Value) -> Request {
    Request::new(Method::Patch, "/v1/personas/p-1%2F2").with_body(body)
}

#[test]
fn shared_fields_go_where_opengiant_keeps_them_and_a_description_nowhere() {
    let resource = compiled(shared(), json!({"attributes": {"tone": "warm"}}));
    let fields = json!({"name": "Ada", "attributes": {"prompt": "Be kind.", "tone": "warm"}});
    assert_eq!((Value::Object(resource.fields.into()), resource.name.as_str()), (fields, "Ada"));
    let resource = compiled(shared(), json!({}));
    assert_eq!(Value::Object(resource.fields.into()), json!({"name": "Ada", "attributes": {"prompt": "Be kind."}}));
}

#[test]
fn own_fields_win_over_shared_ones_also_when_they_clear() {
    for own in [
        json!({"name": null, "attributes": null}),
        json!({"name": "Bea", "attributes": {"prompt": null, "deep": {"any": [1, null, {"a": 0.7}]}, "none": null}}),
        json!({"name": "Bea", "attributes": {"prompt": {"$env": "PROMPT"}}}),
    ] {
        assert_eq!(Value::Object(compiled(shared(), own.clone()).fields.into()), own);
    }
}

#[test]
fn a_persona_needs_neither_name_nor_attributes() {
    let resource = compiled(Shared::default(), json!({}));
    assert_eq!((resource.fields.len(), resource.name.as_str()), (0, ""));
}

#[test]
fn a_name_is_no_secret() {
    let target = target(json!({"name": {"$env": "NAME"}}), Settings::default());
    let problems = OPENGIANT.compile(&address(), &persona(Shared::default()), &target).expect_err("a problem");
    assert_eq!(problems[0].code, "secret-name");
}

#[test]
fn the_schema_is_closed_but_for_attributes_and_describes_every_field() {
    let validator = jsonschema::validator_for(&schema(&OPENGIANT)).expect("a schema");
    for section in [json!({}), json!({"name": null, "attributes": null}), json!({"attributes": {"prompt": null, "x": [{}]}})] {
        assert!(validator.is_valid(&section), "{section}");
    }
    for section in [json!({"attribute": {}}), json!({"attributes": []}), json!({"attributes": {"prompt": {"file": "a.md"}}})] {
        assert!(!validator.is_valid(&section), "{section}");
    }
}

#[test]
fn what_is_not_documented_is_not_asked() {
    let rules = OPENGIANT.rules();
    assert_eq!((rules.read, rules.delete, rules.releases), (false, false, false));
    let id = RemoteId::new("p1");
    assert_eq!((OPENGIANT.list(1), OPENGIANT.read(&id), OPENGIANT.delete(&id)), (None, None, None));
}

#[test]
fn the_key_is_sent_as_a_bearer_token() {
    let service = OPENGIANT.service();
    assert_eq!((service.key_prefix, service.base_url), ("Bearer ", "https://api.opengiant.com"));
}

#[test]
fn a_create_leaves_out_what_is_cleared() {
    let draft = OPENGIANT.create(&resource(json!({"name": "Ada", "attributes": {"tone": "warm", "prompt": null}})));
    let body = json!({"name": "Ada", "attributes": {"tone": "warm"}});
    assert_eq!(draft.requests, [Request::new(Method::Post, "/v1/personas").with_body(body)]);
}

#[test]
fn one_changed_attribute_sends_all_of_them_and_no_name() {
    let live = live(json!({"name": "Ada", "attributes": {"tone": "warm", "prompt": "Be kind.", "old": null}}));
    let desired = resource(json!({"name": "Ada", "attributes": {"tone": "cool", "prompt": "Be kind."}}));
    let draft = planned(&live, &desired, json!({}));
    assert_eq!(draft.requests, [patch(json!({"attributes": {"tone": "cool", "prompt": "Be kind."}}))]);
    assert!(draft.notes.is_empty());
}

#[test]
fn a_changed_name_sends_no_attributes() {
    let live = live(json!({"name": "Ada", "attributes": {"tone": "warm"}}));
    let draft = planned(&live, &resource(json!({"name": "Bea", "attributes": {"tone": "warm"}})), json!({}));
    assert_eq!(draft.requests, [patch(json!({"name": "Bea"}))]);
}

#[test]
fn an_attribute_that_left_the_files_is_left_out_and_one_cleared_by_name_is_sent_as_null() {
    let fields = json!({"name": "Ada", "attributes": {"tone": "warm", "old": {"deep": 1}, "cleared": 1}});
    let live = live(fields.clone());
    let desired = resource(json!({"name": "Ada", "attributes": {"tone": "warm", "cleared": null}}));
    let draft = planned(&live, &desired, fields);
    assert_eq!(draft.requests, [patch(json!({"attributes": {"tone": "warm", "cleared": null}}))]);
    assert_eq!(
        draft.notes,
        ["whether OpenGiant drops what is left out of `attributes` is not documented; checked against its answer"]
    );
    let after = outcome(&OPENGIANT, &live, &draft);
    assert_eq!(after.fields.get("attributes"), Some(&json!({"tone": "warm", "cleared": null})));
}

#[test]
fn an_ignored_attribute_goes_along_as_it_is() {
    let mut desired = resource(json!({"name": "Ada", "attributes": {"tone": "cool", "prompt": "New."}}));
    desired.ignore = vec![Pointer::new(["attributes", "tone"])];
    let path = Pointer::new(["attributes", "prompt"]);
    let to = Some(json!("New."));
    let edit = Edit::new(path, None, to, Reason::Declared);
    let draft = OPENGIANT.update(&live(json!({"attributes": {"tone": "warm"}})), &desired, &[edit]);
    assert_eq!(draft.requests, [patch(json!({"attributes": {"tone": "warm", "prompt": "New."}}))]);
}

#[test]
fn no_empty_update_is_ever_sent() {
    let live = live(json!({"name": "Ada"}));
    assert_eq!(OPENGIANT.update(&live, &resource(json!({})), &[]).requests, []);
    let edit = Edit::new(Pointer::new(["name"]), None, None, Reason::Removed);
    assert_eq!(OPENGIANT.update(&live, &resource(json!({})), &[edit]).requests, []);
}

#[test]
fn the_answer_to_an_update_shows_the_persona() {
    let request = patch(json!({}));
    let answer = response(200, json!({"id": "p1", "name": "Ada", "attributes": {"tone": "warm"}}));
    let live = OPENGIANT.accepted(&request, &answer).expect("a success").expect("a persona");
    assert_eq!((live.id.as_str(), live.name.as_str(), live.released), ("p1", "Ada", None));
    assert_eq!(Value::Object(live.fields.into()), json!({"name": "Ada", "attributes": {"tone": "warm"}}));
    assert_eq!(OPENGIANT.created(&answer), Ok(RemoteId::new("p1")));
    for partial in [json!({"id": "p1", "name": "Ada"}), json!({})] {
        assert_eq!(OPENGIANT.accepted(&request, &response(200, partial)), Ok(None));
    }
}

#[test]
fn refusals_carry_opengiants_words() {
    let request = patch(json!({}));
    let refused = |response: &Response| OPENGIANT.accepted(&request, response).expect_err("a refusal");
    let refusal = refused(&response(400, json!({"error": 17, "message": "bad attributes"})));
    assert_eq!((refusal.kind, refusal.message.as_str()), (RefusalKind::Invalid, "bad attributes (error 17)"));
    assert_eq!(refused(&response(200, json!({"error": 17, "message": "no"}))).kind, RefusalKind::Invalid);
    assert_eq!(refused(&response(401, json!({}))).kind, RefusalKind::Unauthorized);
    assert_eq!(refused(&Response { status: 503, body: Body::Text("<html>".to_owned()) }).kind, RefusalKind::Busy);
    assert_eq!(refused(&Response { status: 404, body: Body::Text("<html>".to_owned()) }).kind, RefusalKind::Unreadable);
    assert_eq!(OPENGIANT.created(&response(200, json!({}))).expect_err("a refusal").kind, RefusalKind::Unreadable);
    assert_eq!(
        OPENGIANT.created(&Response { status: 200, body: Body::Empty }).expect_err("a refusal").kind,
        RefusalKind::Unreadable
    );
}

/// Attributes two levels deep; `null` only where asked for.
fn attributes(nulls: bool) -> impl Strategy<Value = Map<String, Value>> {
    let null = if nulls { Value::Null } else { json!("") };
    let scalar = prop_oneof![Just(json!(1)), Just(json!("x")), Just(json!([1, null])), Just(json!({})), Just(null)];
    let key = || prop_oneof![Just("a"), Just("b"), Just("c")];
    let deep = proptest::collection::btree_map(key(), scalar.clone(), 1..3).prop_map(|members| json!(members));
    proptest::collection::btree_map(key(), prop_oneof![scalar, deep], 0..4)
        .prop_map(|members| object(json!({"attributes": members})))
}

proptest! {
    #[test]
    fn an_update_reaches_what_is_desired_and_leaves_the_rest(
        before in attributes(false), desired in attributes(true), applied in attributes(true), name in "[ab]",
    ) {
        let live = Live { fields: before.into(), ..Live::empty(RemoteId::new("p1")) };
        let mut desired = resource(Value::Object(desired));
        desired.fields.insert("name".to_owned(), json!(name));
        let found = edits(&OPENGIANT, &live, &desired, &applied);
        let draft = OPENGIANT.update(&live, &desired, &found);
        let after = outcome(&OPENGIANT, &live, &draft);
        prop_assert_eq!(draft.requests.len(), usize::from(!found.is_empty()));
        prop_assert_eq!(edits(&OPENGIANT, &after, &desired, &applied), []);
        for (path, value) in leaves(&live.fields) {
            let mut ours = leaves(&desired.fields).into_iter().chain(leaves(&applied)).map(|(path, _)| path);
            if !ours.any(|ours| ours.covers(&path) || path.covers(&ours)) {
                prop_assert_eq!(get(&after.fields, &path), Some(value), "{}", path);
            }
        }
    }
}
