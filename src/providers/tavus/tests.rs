//! What the requests of Tavus look like, wart by wart, and the law that they do what the edits say and nothing else.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::TAVUS;
use super::lists;
use super::predict::patched;
use crate::persona::name::{AccountName, Key, Pointer};
use crate::plan::value::{get, remove, same, set};
use crate::plan::{Address, Dialect, Draft, Edit, Live, Method, Reason, RemoteId, Request, Resource};
use crate::provider::Provider;

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).expect("a pointer")
}

fn resource(fields: Value) -> Resource {
    Resource {
        address: Address::new(AccountName::new("tavus"), Key::new("ada")),
        name: "Ada".to_owned(),
        fields: object(fields).into(),
        bind: None,
        release: true,
        ignore: Vec::new(),
        prevent_destroy: false,
        force_destroy: false,
        manage: Default::default(),
    }
}

fn live(fields: Value) -> Live {
    Live { fields: object(fields).into(), ..Live::empty(RemoteId::new("p1")) }
}

fn edit(path: Pointer, live: &Map<String, Value>, to: Option<Value>) -> Edit {
    let from = get(live, &path).cloned();
    Edit::new(path, from, to, Reason::Declared)
}

/// Updates a live persona; the resource wants what the edits write and what is given besides.
fn update_wanting(shown: Value, wanted: Value, edits: &[(&str, Value)]) -> Draft {
    let live = live(shown);
    let mut resource = resource(wanted);
    let mut list = Vec::new();
    for (path, to) in edits {
        let to = Some(to.clone()).filter(|to| !to.is_null());
        if let Some(value) = &to {
            set(&mut resource.fields, &pointer(path), value.clone());
        }
        list.push(edit(pointer(path), &live.fields, to));
    }
    TAVUS.update(&live, &resource, &list)
}

fn update(shown: Value, edits: &[(&str, Value)]) -> Draft {
    update_wanting(shown, json!({}), edits)
}

/// The operations of the one patch that was drafted.
fn operations(draft: &Draft) -> Value {
    match &draft.requests[..] {
        [Request { method: Method::Patch, path, body: Some(body) }] => {
            assert_eq!(path, "/v2/personas/p1");
            body.clone()
        }
        other => panic!("not one patch: {other:?}"),
    }
}

#[test]
fn a_member_that_is_shown_is_replaced_and_another_one_added() {
    let draft = update(
        json!({"system_prompt": "Be kind.", "layers": {"llm": {"model": "a"}}}),
        &[
            ("/system_prompt", json!("Be kind and brief.")),
            ("/layers/llm/base_url", json!("https://m")),
            ("/greeting", json!("Hi")),
        ],
    );
    assert_eq!(
        operations(&draft),
        json!([
            {"op": "add", "path": "/greeting", "value": "Hi"},
            {"op": "add", "path": "/layers/llm/base_url", "value": "https://m"},
            {"op": "replace", "path": "/system_prompt", "value": "Be kind and brief."},
        ])
    );
}

#[test]
fn a_field_is_removed_without_a_value() {
    let draft =
        update(json!({"layers": {"stt": {"hotwords": "Ada", "stt_engine": "e"}}}), &[("/layers/stt/hotwords", json!(null))]);
    assert_eq!(operations(&draft), json!([{"op": "remove", "path": "/layers/stt/hotwords"}]));
}

#[test]
fn everything_below_a_missing_layer_is_one_operation() {
    let edits = [
        ("/layers/tts/external_voice_id", json!("v")),
        ("/layers/tts/voice_settings/speed", json!(1.1)),
        ("/layers/tts/voice_settings/style", json!(0)),
    ];
    let voice = json!({"external_voice_id": "v", "voice_settings": {"speed": 1.1, "style": 0}});
    let draft = update(json!({"layers": {"llm": {"model": "a"}}}), &edits);
    assert_eq!(operations(&draft), json!([{"op": "add", "path": "/layers/tts", "value": voice}]));
    let draft = update(json!({}), &edits);
    assert_eq!(operations(&draft), json!([{"op": "add", "path": "/layers", "value": {"tts": voice}}]));
}

#[test]
fn a_layer_that_is_null_is_written_over() {
    let draft = update(json!({"layers": {"stt": null}}), &[("/layers/stt/hotwords", json!("Ada"))]);
    assert_eq!(operations(&draft), json!([{"op": "replace", "path": "/layers/stt", "value": {"hotwords": "Ada"}}]));
}

#[test]
fn a_layer_that_exists_is_never_replaced_even_when_it_is_shown_empty() {
    let edits = [("/layers/llm/base_url", json!("https://m")), ("/layers/llm/model", json!("m"))];
    let draft = update(json!({"layers": {"llm": {}}}), &edits);
    assert_eq!(
        operations(&draft),
        json!([
            {"op": "add", "path": "/layers/llm/base_url", "value": "https://m"},
            {"op": "add", "path": "/layers/llm/model", "value": "m"},
        ])
    );
}

#[test]
fn a_missing_layer_comes_with_the_key_and_the_hidden_fields_that_the_files_want() {
    let key = json!({"$env": "KEY", "digest": "d"});
    let wanted = json!({"layers": {
        "llm": {"api_key": key, "model": "m", "headers": {"X": key, "Y": null}},
        "tts": {"api_key": key},
    }});
    let draft = update_wanting(json!({"layers": {}}), wanted, &[("/layers/llm/base_url", json!("https://m"))]);
    let layer = json!({"api_key": key, "model": "m", "headers": {"X": key}, "base_url": "https://m"});
    assert_eq!(operations(&draft), json!([{"op": "add", "path": "/layers/llm", "value": layer}]));
}

#[test]
fn an_ignored_field_does_not_come_with_its_layer() {
    let mut resource = resource(json!({"layers": {"llm": {"base_url": "https://m", "model": "m"}}}));
    resource.ignore = vec![pointer("/layers/llm/model")];
    let live = live(json!({"layers": {}}));
    let edits = [edit(pointer("/layers/llm/base_url"), &live.fields, Some(json!("https://m")))];
    let draft = TAVUS.update(&live, &resource, &edits);
    assert_eq!(operations(&draft), json!([{"op": "add", "path": "/layers/llm", "value": {"base_url": "https://m"}}]));
}

#[test]
fn a_key_is_added_whether_it_is_there_or_not_and_cleared_by_an_empty_text() {
    let key = json!({"$env": "KEY", "digest": "d"});
    let shown = json!({"layers": {"llm": {"model": "m"}}});
    let draft = update(shown.clone(), &[("/layers/llm/api_key", key.clone())]);
    assert_eq!(operations(&draft), json!([{"op": "add", "path": "/layers/llm/api_key", "value": key}]));
    let draft = update(shown, &[("/layers/llm/api_key", json!(null))]);
    assert_eq!(operations(&draft), json!([{"op": "add", "path": "/layers/llm/api_key", "value": ""}]));
}

#[test]
fn headers_are_sent_as_a_whole_and_the_plan_says_what_that_costs() {
    let wanted = json!({"layers": {"llm": {"headers": {"A": "1", "Old": null}}}});
    let edits = [("/layers/llm/headers/B", json!("2")), ("/layers/llm/headers/Old", json!(null))];
    let mut wanted_resource = wanted;
    wanted_resource["layers"]["llm"]["headers"]["B"] = json!("2");
    let draft = update_wanting(json!({"layers": {"llm": {"model": "m"}}}), wanted_resource, &edits);
    assert_eq!(operations(&draft), json!([{"op": "add", "path": "/layers/llm/headers", "value": {"A": "1", "B": "2"}}]));
    assert!(draft.notes[0].contains("sent whole"), "{:?}", draft.notes);

    let draft = update(json!({"layers": {"llm": {}}}), &[("/layers/llm/headers/B", json!(null))]);
    assert_eq!(operations(&draft), json!([{"op": "add", "path": "/layers/llm/headers", "value": {}}]));
}

#[test]
fn a_hidden_field_cannot_be_removed_and_the_plan_says_so() {
    let draft = update(json!({"layers": {"llm": {}}}), &[("/layers/llm/model", json!(null))]);
    assert_eq!(draft.requests, []);
    assert_eq!(
        draft.notes,
        ["`/layers/llm/model` may stay as it is: Tavus does not show it, and what is not shown cannot be removed"]
    );
}

#[test]
fn hidden_lists_and_the_pipeline_mode_are_cleared_by_a_value() {
    let draft = update(json!({}), &[("/memories", json!(null)), ("/pipeline_mode", json!(null))]);
    assert_eq!(
        operations(&draft),
        json!([{"op": "add", "path": "/memories", "value": []}, {"op": "add", "path": "/pipeline_mode", "value": "full"}])
    );
}

#[test]
fn a_prompt_is_never_removed() {
    let draft = update(json!({"system_prompt": "Be kind."}), &[("/system_prompt", json!(null))]);
    assert_eq!(draft.requests, []);
}

#[test]
fn functions_shown_without_descriptions_are_all_sent_again() {
    let function = |name: &str| json!({"type": "function", "function": {"name": name, "description": "a long description"}});
    let bare = |name: &str| json!({"type": "function", "function": {"name": name}});
    let wanted = json!([function("a"), function("b"), function("c")]);
    let hidden =
        update(json!({"layers": {"llm": {"tools": [bare("a"), bare("b")]}}}), &[("/layers/llm/tools", wanted.clone())]);
    assert_eq!(operations(&hidden), json!([{"op": "replace", "path": "/layers/llm/tools", "value": wanted}]));
    assert!(hidden.notes[0].contains("deprecated"), "{:?}", hidden.notes);
    let shown = json!({"layers": {"llm": {"tools": [function("a"), function("b")]}}});
    let shown = update(shown, &[("/layers/llm/tools", wanted)]);
    assert_eq!(operations(&shown), json!([{"op": "add", "path": "/layers/llm/tools/2", "value": function("c")}]));
}

#[test]
fn the_order_of_documents_means_nothing_to_a_patch() {
    let draft = update(
        json!({"document_ids": ["d1234567890", "d2468101214"]}),
        &[("/document_ids", json!(["d1357911131", "d2468101214", "d1234567890"]))],
    );
    assert_eq!(operations(&draft), json!([{"op": "add", "path": "/document_ids/-", "value": "d1357911131"}]));
}

#[test]
fn conferencing_is_patched_alone_and_last() {
    let edits = [("/layers/conferencing/username", json!("ada")), ("/layers/stt/hotwords", json!("Ada"))];
    let draft = update(json!({}), &edits);
    let bodies: Vec<&Value> = draft.requests.iter().filter_map(|request| request.body.as_ref()).collect();
    assert_eq!(
        bodies,
        [
            &json!([{"op": "add", "path": "/layers", "value": {"stt": {"hotwords": "Ada"}}}]),
            &json!([{"op": "add", "path": "/layers/conferencing", "value": {"username": "ada"}}]),
        ]
    );
}

#[test]
fn a_create_leaves_nulls_out_and_gives_conferencing_its_own_request() {
    let draft = TAVUS.create(&resource(json!({
        "persona_name": "Ada", "greeting": null,
        "layers": {"stt": {"hotwords": null}, "conferencing": {"username": "ada", "whitelabel": null}},
    })));
    let create = Request::new(Method::Post, "/v2/personas").with_body(json!({"persona_name": "Ada", "layers": {}}));
    let operation = json!({"op": "add", "path": "/layers/conferencing", "value": {"username": "ada"}});
    let patch = Request::new(Method::Patch, "/v2/personas/{id}").with_body(json!([operation]));
    assert_eq!(draft.requests, [create, patch]);

    let predicted = draft.requests.iter().fold(Live::empty(RemoteId::new("p1")), |live, request| TAVUS.predict(&live, request));
    let fields = json!({"persona_name": "Ada", "layers": {"conferencing": {"username": "ada"}}});
    assert_eq!(Value::Object(predicted.fields.into()), fields);
}

#[test]
fn a_model_of_ones_own_without_a_key_is_remarked_upon() {
    let fields = json!({"layers": {"llm": {"base_url": "https://m", "model": "m"}}});
    assert_eq!(TAVUS.create(&resource(fields)).notes.len(), 1);
    let fields = json!({"layers": {"llm": {"base_url": "https://m", "model": "m", "api_key": {"$env": "KEY"}}}});
    assert_eq!(TAVUS.create(&resource(fields)).notes, Vec::<String>::new());
}

#[test]
fn the_first_field_of_the_conversational_flow_fills_the_others_and_the_plan_says_so() {
    let edits = [("/layers/conversational_flow/wake_phrase", json!("Ada"))];
    let first = update(json!({"layers": {"conversational_flow": null}}), &edits);
    assert_eq!(first.notes, ["Tavus fills the other fields of `/layers/conversational_flow` with its defaults"]);
    let later = update(json!({"layers": {"conversational_flow": {"voice_isolation": "near"}}}), &edits);
    assert_eq!(later.notes, Vec::<String>::new());
}

#[test]
fn tools_of_the_registry_are_attached_and_detached_by_calls_of_their_own() {
    let live = live(json!({}));
    let change =
        Edit { from: Some(json!(["t1", "t2"])), ..edit(pointer("/tool_ids"), &live.fields, Some(json!(["t2", "t3"]))) };
    let draft = TAVUS.update(&live, &resource(json!({"tool_ids": ["t2", "t3"]})), &[change]);
    let detach = Request::new(Method::Delete, "/v2/personas/p1/tools/t1");
    let attach = Request::new(Method::Post, "/v2/personas/p1/tools").with_body(json!({"tool_ids": ["t3"]}));
    assert_eq!(draft.requests, [detach, attach]);
}

fn guarded(shown: Value, edits: &[(&str, Value)]) -> Value {
    let options = json!({"guard": true});
    let provider = TAVUS.configured(options.as_object().expect("an object")).expect("a provider");
    let live = live(shown);
    let edits: Vec<Edit> =
        edits.iter().map(|(path, to)| edit(pointer(path), &live.fields, Some(to.clone()).filter(|to| !to.is_null()))).collect();
    operations(&provider.update(&live, &resource(json!({})), &edits))
}

#[test]
fn a_guard_tests_what_is_written_over_as_it_was_shown_and_nothing_that_is_new() {
    let shown = json!({"greeting": "Hi", "layers": {"stt": {"hotwords": "Ada"}, "tts": {"voice_settings": {"speed": 1.0}}}});
    let edits = [
        ("/greeting", json!("Hello")),
        ("/layers/stt/hotwords", json!(null)),
        ("/layers/tts/voice_settings/speed", json!(2)),
        ("/objectives_id", json!("o1")),
    ];
    let operations = guarded(shown, &edits);
    let tests = json!([
        {"op": "test", "path": "/greeting", "value": "Hi"},
        {"op": "test", "path": "/layers/stt/hotwords", "value": "Ada"},
        {"op": "test", "path": "/layers/tts/voice_settings/speed", "value": 1.0},
    ]);
    assert_eq!(Value::from(&operations.as_array().expect("operations")[..3]), tests);
    assert_eq!(operations.as_array().map(Vec::len), Some(7));
}

#[test]
fn a_guard_tests_the_whole_list_in_which_one_element_changes() {
    let ids = json!(["d1234567890", "d2468101214"]);
    let edit = ("/document_ids", json!(["d1234567890", "d2468101214", "d1357911131"]));
    let operations = guarded(json!({"document_ids": ids}), &[edit]);
    assert_eq!(operations[0], json!({"op": "test", "path": "/document_ids", "value": ids}));
    assert_eq!(operations[1]["op"], "add");
}

#[test]
fn a_guard_tests_an_object_member_by_member_since_reads_hide_some() {
    let shown = json!({"layers": {"llm": {"base_url": "", "default_query": {}, "extra_body": {"top_p": 1.0}}}});
    let operations = guarded(shown, &[("/layers/llm", json!(null))]);
    assert_eq!(
        operations,
        json!([
            {"op": "test", "path": "/layers/llm/base_url", "value": ""},
            {"op": "test", "path": "/layers/llm/extra_body/top_p", "value": 1.0},
            {"op": "remove", "path": "/layers/llm"},
        ])
    );
}

#[test]
fn tools_that_are_only_detached_are_not_followed_by_an_empty_attachment() {
    let live = live(json!({"tool_ids": ["t1", "t2"]}));
    let change = edit(pointer("/tool_ids"), &live.fields, Some(json!(["t2"])));
    let draft = TAVUS.update(&live, &resource(json!({"tool_ids": ["t2"]})), &[change]);
    assert_eq!(draft.requests, [Request::new(Method::Delete, "/v2/personas/p1/tools/t1")]);
    let after = TAVUS.predict(&live, &draft.requests[0]);
    assert_eq!(after.fields["tool_ids"], json!(["t2"]), "a read that shows them shows this");
}

#[test]
fn a_guard_tests_conferencing_only_in_the_patch_that_is_about_it() {
    let shown = json!({"layers": {"conferencing": {"username": "ada"}, "stt": {"hotwords": "Ada"}}});
    assert_eq!(
        guarded(shown.clone(), &[("/layers", json!(null))]),
        json!([{"op": "test", "path": "/layers/stt/hotwords", "value": "Ada"}, {"op": "remove", "path": "/layers"}])
    );
    assert_eq!(
        guarded(shown, &[("/layers/conferencing/username", json!("bea"))]),
        json!([
            {"op": "test", "path": "/layers/conferencing/username", "value": "ada"},
            {"op": "replace", "path": "/layers/conferencing/username", "value": "bea"},
        ])
    );
}

#[test]
fn a_guard_tests_nothing_that_reads_show_otherwise_than_it_is_stored() {
    let secret = json!({"$env": "KEY", "digest": "d"});
    let shown = json!({"layers": {"llm": {
        "tools": [{"type": "function", "function": {"name": "f"}}], "default_query": {"token": secret},
    }}});
    let edits = [("/layers/llm/tools", json!([])), ("/layers/llm/default_query/token", json!("t"))];
    let operations = guarded(shown, &edits);
    assert!(operations.as_array().expect("operations").iter().all(|operation| operation["op"] != "test"), "{operations}");
}

// The law, on small documents of members without rules: a patch applies, does exactly what the edits say, and there is none
// with fewer operations.

fn value_strategy(depth: u32) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(1)),
        Just(json!("a/b~c")),
        proptest::collection::vec(
            prop_oneof![Just(json!("x")), Just(json!("y")), Just(json!({"k": "long enough to matter"}))],
            0..4
        )
        .prop_map(Value::Array),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    prop_oneof![2 => leaf, 3 => object_strategy(depth - 1).prop_map(Value::Object)].boxed()
}

fn object_strategy(depth: u32) -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map(prop_oneof![Just("a"), Just("b/~"), Just("c")], value_strategy(depth), 0..4)
        .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Edits as the planner makes them: at leaves, none above another, each a difference; what replaces an object is no object.
fn edits(live: &Map<String, Value>, raw: Vec<(Vec<&'static str>, Option<Value>)>) -> Vec<Edit> {
    let mut chosen: Vec<Edit> = Vec::new();
    for (segments, to) in raw {
        let path = Pointer::new(segments);
        let shown = get(live, &path);
        let clashes = chosen.iter().any(|other| other.path.covers(&path) || path.covers(&other.path));
        let differs = match (shown, &to) {
            (Some(shown), Some(to)) => !same(shown, to),
            (None, None) => false,
            _ => true,
        };
        if !clashes && differs {
            chosen.push(edit(path, live, to));
        }
    }
    chosen.sort_by(|left, right| left.path.cmp(&right.path));
    chosen
}

fn wanted(live: &Map<String, Value>, edits: &[Edit]) -> Map<String, Value> {
    let mut fields = live.clone();
    for edit in edits {
        match &edit.to {
            Some(to) => set(&mut fields, &edit.path, to.clone()),
            None => drop(remove(&mut fields, &edit.path)),
        }
    }
    fields
}

/// Every pointer of a document, objects and what is in them.
fn pointers(fields: &Map<String, Value>) -> Vec<Pointer> {
    fn walk(at: &Pointer, members: &Map<String, Value>, found: &mut Vec<Pointer>) {
        for (key, value) in members {
            found.push(at.child(key));
            if let Value::Object(members) = value {
                walk(&at.child(key), members, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Pointer::root(), fields, &mut found);
    found
}

/// Whether some patch of so many operations, which replaces no object by another, makes one document of the other.
fn reachable(from: &Map<String, Value>, goal: &Map<String, Value>, operations: usize) -> bool {
    if from == goal {
        return true;
    }
    if operations == 0 {
        return false;
    }
    let gone = pointers(from).into_iter().filter(|path| get(goal, path).is_none()).map(|path| lists::remove(&path));
    let written = pointers(goal).into_iter().filter_map(|path| {
        let value = get(goal, &path)?;
        let keeps = value.is_object() && get(from, &path).is_some_and(Value::is_object);
        (!keeps).then(|| lists::add(&path, value))
    });
    gone.chain(written)
        .filter_map(|operation| patched(from, &json!([operation])))
        .any(|next| reachable(&next, goal, operations - 1))
}

fn raw_edits(objects: bool) -> impl Strategy<Value = Vec<(Vec<&'static str>, Option<Value>)>> {
    let path = proptest::collection::vec(prop_oneof![Just("a"), Just("b/~"), Just("c")], 1..4);
    let value = value_strategy(0).prop_filter("null means removal", |value| !value.is_null());
    let value = if objects { prop_oneof![value, Just(json!({}))].boxed() } else { value.boxed() };
    proptest::collection::vec((path, proptest::option::weighted(0.7, value)), 1..6)
}

fn body(draft: &Draft) -> Vec<Value> {
    match &draft.requests[..] {
        [] => Vec::new(),
        [request] => request.body.as_ref().and_then(Value::as_array).expect("operations").clone(),
        more => panic!("more than one request: {more:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_patch_does_what_the_edits_say_and_nothing_else(fields in object_strategy(2), raw in raw_edits(true)) {
        let live = Live { fields: fields.into(), ..Live::empty(RemoteId::new("p1")) };
        let edits = edits(&live.fields, raw);
        let draft = TAVUS.update(&live, &resource(json!({})), &edits);
        let operations = body(&draft);
        let after = patched(&live.fields, &Value::Array(operations.clone()));
        prop_assert_eq!(after, Some(wanted(&live.fields, &edits)), "{:?}", operations);
        prop_assert!(operations.len() <= edits.len());
    }

    #[test]
    fn no_patch_has_fewer_operations(fields in object_strategy(2), raw in raw_edits(false)) {
        let live = Live { fields: fields.into(), ..Live::empty(RemoteId::new("p1")) };
        let edits: Vec<Edit> = edits(&live.fields, raw).into_iter().take(3).collect();
        let draft = TAVUS.update(&live, &resource(json!({})), &edits);
        let operations = body(&draft);
        let goal = wanted(&live.fields, &edits);
        prop_assert!(reachable(&live.fields, &goal, operations.len()));
        prop_assert!(operations.is_empty() || !reachable(&live.fields, &goal, operations.len() - 1), "{:?}", operations);
    }

    #[test]
    fn a_set_holds_what_is_wanted_after_one_operation(
        shown in proptest::collection::vec("[a-e]{1,2}", 0..5),
        wanted in proptest::collection::vec("[a-e]{1,2}", 0..5),
    ) {
        prop_assume!(!shown.is_empty());
        let before = live(json!({"document_ids": shown}));
        let change = edit(pointer("/document_ids"), &before.fields, Some(json!(wanted)));
        let draft = TAVUS.update(&before, &resource(json!({})), &[change]);
        let operations = body(&draft);
        prop_assert_eq!(operations.len(), 1);
        let after = patched(&before.fields, &Value::Array(operations)).expect("it applies");
        let sorted = |list: &Value| {
            let mut list: Vec<String> = list.as_array().expect("a list").iter().map(Value::to_string).collect();
            list.sort();
            list
        };
        prop_assert_eq!(sorted(&after["document_ids"]), sorted(&json!(wanted)));
    }
}

#[test]
fn only_a_patch_of_whole_values_at_names_is_sent_twice() {
    let patch = |operations: Value| TAVUS.repeatable(&Request::new(Method::Patch, "/v2/personas/p1").with_body(operations));
    assert!(patch(
        json!([{"op": "replace", "path": "/document_tags/0", "value": "a"}, {"op": "add", "path": "/greeting", "value": "Hi"}])
    ));
    for operation in [
        json!({"op": "add", "path": "/document_tags/-", "value": "a"}),
        json!({"op": "add", "path": "/document_tags/0", "value": "a"}),
        json!({"op": "remove", "path": "/greeting"}),
        json!({"op": "test", "path": "/greeting", "value": "Hi"}),
        json!({}),
    ] {
        assert!(!patch(json!([{"op": "replace", "path": "/greeting", "value": "Hi"}, operation])), "{operation}");
    }
    assert!(TAVUS.repeatable(&Request::new(Method::Delete, "/v2/personas/p1")));
    assert!(!TAVUS.repeatable(&Request::new(Method::Post, "/v2/personas/p1/tools")));
}
