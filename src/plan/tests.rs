//! The planner against a plain dialect: one test per row of the design's tables.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::change::{Action, Basis, Edit, Method, Plan, Reason, Request};
use super::gate::Limits;
use super::planner::{AccountSide, Namesakes, Observation, Situation, Unproven, plan};
use super::*;
use crate::persona::name::{AccountName, Key, Manage, Pointer};

/// A service that stores what it is sent: whole fields, `null` removes.
struct Plain {
    rules: &'static Rules,
    /// Predicts that writes change nothing: a dialect with a bug.
    broken: bool,
}

const READABLE: Rules = Rules { list: Listing::Whole, read: true, delete: true, releases: false, fields: &[] };
static PLAIN_RULES: Rules = READABLE;
static STAGED_RULES: Rules = Rules { releases: true, ..READABLE };
static WRITE_ONLY_RULES: Rules = Rules { list: Listing::None, read: false, delete: false, ..READABLE };
static FIXED_RULES: Rules =
    Rules { fields: &[FieldRule::at("/voice").clear(Clear::Impossible("it always has one"))], ..READABLE };

impl Dialect for Plain {
    fn rules(&self) -> &'static Rules {
        self.rules
    }

    fn create(&self, resource: &Resource) -> Draft {
        let body = Value::Object(resource.fields.clone().into());
        Draft { requests: vec![Request::new(Method::Post, "/things").with_body(body)], notes: Vec::new() }
    }

    fn update(&self, live: &Live, resource: &Resource, edits: &[Edit]) -> Draft {
        let mut requests = Vec::new();
        let body: Map<String, Value> = edits
            .iter()
            .filter(|edit| !edit.release_only)
            .map(|edit| (edit.path.segments()[0].clone(), edit.to.clone().unwrap_or_default()))
            .collect();
        if !body.is_empty() {
            requests.push(Request::new(Method::Patch, format!("/things/{}", live.id)).with_body(Value::Object(body)));
        }
        if live.released.is_some() && resource.release {
            requests.push(Request::new(Method::Post, format!("/things/{}/release", live.id)));
        }
        Draft { requests, notes: Vec::new() }
    }

    fn delete(&self, id: &RemoteId) -> Option<Request> {
        self.rules.delete.then(|| Request::new(Method::Delete, format!("/things/{id}")))
    }

    fn predict(&self, live: &Live, request: &Request) -> Live {
        let mut live = live.clone();
        if self.broken {
            return live;
        }
        match request.body.as_ref().and_then(Value::as_object) {
            Some(body) => {
                live.fields.extend(body.clone());
                live.fields.retain(|_, value| !value.is_null());
            }
            None => live.released = Some(live.fields.clone()),
        }
        live
    }
}

/// A situation with one account `a`, built up by a test.
struct Scene {
    dialect: Plain,
    desired: BTreeMap<Address, Resource>,
    sources: BTreeMap<Address, Sources>,
    moves: BTreeMap<Address, Address>,
    recorded: BTreeMap<Address, Record>,
    observed: BTreeMap<Address, Observation>,
    namesakes: BTreeMap<Address, Namesakes>,
    pending: BTreeMap<Address, Pending>,
    traces: BTreeMap<Address, Namesakes>,
    vanished: BTreeMap<AccountName, usize>,
    scope: Option<BTreeSet<Address>>,
    adopt: bool,
    limits: Limits,
}

fn at(key: &str) -> Address {
    Address::new(AccountName::new("a"), Key::new(key))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn live(id: &str, fields: Value) -> Live {
    Live { name: "Ada".to_owned(), fields: object(fields).into(), ..Live::empty(RemoteId::new(id)) }
}

impl Scene {
    fn new() -> Self {
        Self::with(&PLAIN_RULES)
    }

    fn with(rules: &'static Rules) -> Self {
        Self {
            dialect: Plain { rules, broken: false },
            desired: BTreeMap::new(),
            sources: BTreeMap::new(),
            moves: BTreeMap::new(),
            recorded: BTreeMap::new(),
            observed: BTreeMap::new(),
            namesakes: BTreeMap::new(),
            pending: BTreeMap::new(),
            traces: BTreeMap::new(),
            vanished: BTreeMap::new(),
            scope: None,
            adopt: false,
            limits: Limits {
                max_deletes: 0,
                max_share: None,
                allow_deletes: false,
                allow_changes: false,
                allow_vanished: false,
            },
        }
    }

    fn wants(mut self, key: &str, fields: Value) -> Self {
        let resource = Resource {
            address: at(key),
            name: "Ada".to_owned(),
            fields: object(fields).into(),
            bind: None,
            release: true,
            ignore: Vec::new(),
            prevent_destroy: false,
            force_destroy: false,
            manage: Manage::Full,
        };
        self.desired.insert(at(key), resource);
        self
    }

    fn bound_to(mut self, key: &str, id: &str) -> Self {
        self.desired.get_mut(&at(key)).expect("wanted").bind = Some(RemoteId::new(id));
        self
    }

    fn records(mut self, key: &str, id: &str, applied: Value) -> Self {
        let record = Record {
            provider: "plain".to_owned(),
            id: RemoteId::new(id),
            name: "Ada".to_owned(),
            applied: object(applied).into(),
            prevent_destroy: false,
            force_destroy: false,
            resisted: Vec::new(),
            manage: Manage::Full,
            written_at: "2026-11-22T00:00:00Z".to_owned(),
        };
        self.recorded.insert(at(key), record);
        self
    }

    fn shows(mut self, key: &str, live: Live) -> Self {
        self.observed.insert(at(key), Observation::Present(Box::new(live)));
        self
    }

    fn observes(mut self, key: &str, observation: Observation) -> Self {
        self.observed.insert(at(key), observation);
        self
    }

    fn try_plan(&self) -> Result<Plan, Unproven> {
        let side = AccountSide {
            provider: "plain".to_owned(),
            title: "Plain".to_owned(),
            base_url: "https://x".to_owned(),
            dialect: &self.dialect,
        };
        plan(&Situation {
            accounts: BTreeMap::from([(AccountName::new("a"), side)]),
            desired: &self.desired,
            sources: &self.sources,
            moves: &self.moves,
            recorded: &self.recorded,
            observed: &self.observed,
            namesakes: &self.namesakes,
            pending: &self.pending,
            traces: &self.traces,
            vanished: &self.vanished,
            scope: &|address| self.scope.as_ref().is_none_or(|scope| scope.contains(address)),
            adopt: self.adopt,
            limits: self.limits.clone(),
            basis: Basis::default(),
        })
    }

    fn plan(&self) -> Plan {
        self.try_plan().expect("proven")
    }
}

fn actions(plan: &Plan) -> Vec<(String, Action, Reason)> {
    plan.changes.iter().map(|change| (change.address.to_string(), change.action, change.reason)).collect()
}

#[test]
fn a_new_target_is_created_with_the_exact_request() {
    let plan = Scene::new().wants("ada", json!({"x": 1})).plan();
    assert_eq!(actions(&plan), [("a.ada".to_owned(), Action::Create, Reason::Declared)]);
    assert_eq!(plan.changes[0].requests, [Request::new(Method::Post, "/things").with_body(json!({"x": 1}))]);
    assert_eq!(plan.summary.create, 1);
}

#[test]
fn nothing_to_do_is_an_empty_plan() {
    let scene = Scene::new()
        .wants("ada", json!({"x": 1}))
        .records("ada", "1", json!({"x": 1}))
        .shows("ada", live("1", json!({"x": 1, "y": 2})));
    let plan = scene.plan();
    assert_eq!((plan.changes.len(), plan.settled.len(), plan.summary.unchanged), (0, 0, 1));
}

#[test]
fn a_change_that_somebody_made_already_only_corrects_state() {
    let scene = Scene::new()
        .wants("ada", json!({"x": 2}))
        .records("ada", "1", json!({"x": 1}))
        .shows("ada", live("1", json!({"x": 2})));
    let plan = scene.plan();
    assert_eq!(plan.changes, []);
    assert_eq!(plan.settled[0].applied, object(json!({"x": 2})).into());
}

#[test]
fn drift_is_told_from_declared_changes() {
    let scene = Scene::new()
        .wants("ada", json!({"x": 1}))
        .records("ada", "1", json!({"x": 1}))
        .shows("ada", live("1", json!({"x": 9})));
    assert_eq!(actions(&scene.plan()), [("a.ada".to_owned(), Action::Update, Reason::Drifted)]);
}

#[test]
fn an_object_that_is_gone_is_made_anew_and_an_unreadable_one_is_not() {
    let scene = || Scene::new().wants("ada", json!({"x": 1})).records("ada", "1", json!({"x": 1}));
    let gone = scene().observes("ada", Observation::Absent).plan();
    assert_eq!(actions(&gone), [("a.ada".to_owned(), Action::Create, Reason::Drifted)]);
    let unreadable = scene().observes("ada", Observation::Unreadable("500".to_owned(), String::new())).plan();
    assert_eq!((unreadable.changes.len(), unreadable.blocked.len()), (0, 1));
}

#[test]
fn one_unreadable_object_does_not_hold_up_the_others() {
    let scene = Scene::new()
        .wants("ada", json!({"x": 1}))
        .wants("bob", json!({"x": 1}))
        .records("ada", "1", json!({"x": 1}))
        .observes("ada", Observation::Unreadable("500".to_owned(), String::new()));
    let plan = scene.plan();
    assert_eq!(actions(&plan), [("a.bob".to_owned(), Action::Create, Reason::Declared)]);
}

#[test]
fn a_name_that_exists_blocks_unless_it_is_adopted() {
    let mut scene = Scene::new().wants("ada", json!({"x": 1}));
    scene.namesakes.insert(at("ada"), Namesakes::Found(vec![live("7", json!({"x": 0}))]));
    let blocked = scene.plan();
    assert!(blocked.blocked[0].help.contains("$id: 7"), "{:?}", blocked.blocked);
    scene.adopt = true;
    let adopted = scene.plan();
    assert_eq!(actions(&adopted), [("a.ada".to_owned(), Action::Adopt, Reason::Declared)]);
    assert_eq!(adopted.changes[0].requests[0].path, "/things/7");
    scene.namesakes.insert(at("ada"), Namesakes::Found(vec![live("7", json!({})), live("8", json!({}))]));
    assert_eq!(scene.plan().blocked.len(), 1);
}

#[test]
fn two_targets_never_take_one_object() {
    let mut scene = Scene::new().wants("ada", json!({"x": 1})).wants("bob", json!({"x": 1}));
    scene.adopt = true;
    for key in ["ada", "bob"] {
        scene.namesakes.insert(at(key), Namesakes::Found(vec![live("7", json!({}))]));
    }
    let plan = scene.plan();
    assert_eq!((plan.changes.len(), plan.blocked.len(), plan.summary.adopt), (0, 2, 0));
}

#[test]
fn a_binding_adopts_and_a_wrong_one_blocks() {
    let scene = || Scene::new().wants("ada", json!({"x": 1})).bound_to("ada", "7");
    let adopted = scene().shows("ada", live("7", json!({"x": 1}))).plan();
    assert_eq!(actions(&adopted), [("a.ada".to_owned(), Action::Adopt, Reason::Declared)]);
    assert_eq!(adopted.changes[0].requests, []);
    assert_eq!(scene().observes("ada", Observation::Absent).plan().blocked.len(), 1);
}

#[test]
fn a_renamed_file_moves_and_is_not_made_anew() {
    let mut scene = Scene::new()
        .wants("new", json!({"x": 1}))
        .records("old", "1", json!({"x": 1}))
        .shows("old", live("1", json!({"x": 1})));
    scene.moves.insert(at("new"), at("old"));
    let plan = scene.plan();
    assert_eq!(actions(&plan), [("a.new".to_owned(), Action::Move, Reason::Declared)]);
    assert_eq!(plan.changes[0].moved_from, Some(at("old")));
    let changed = scene.wants("new", json!({"x": 2})).plan();
    assert_eq!(actions(&changed), [("a.new".to_owned(), Action::Update, Reason::Declared)]);
    assert_eq!(changed.changes[0].moved_from, Some(at("old")));
}

#[test]
fn a_delete_needs_an_open_gate() {
    let mut scene = Scene::new().records("ada", "1", json!({"x": 1})).shows("ada", live("1", json!({"x": 1})));
    let closed = scene.plan();
    assert_eq!(actions(&closed), [("a.ada".to_owned(), Action::Delete, Reason::Removed)]);
    assert_eq!(closed.gates[0].opened_by, "--allow-deletes");
    scene.limits.allow_deletes = true;
    assert_eq!(scene.plan().gates, []);
    scene.recorded.get_mut(&at("ada")).expect("recorded").prevent_destroy = true;
    assert_eq!(scene.plan().gates[0].name, "prevent_destroy");
}

#[test]
fn what_is_in_use_is_not_deleted() {
    let used = Live { used_by: vec!["+14155550100".to_owned()], ..live("1", json!({})) };
    let plan = Scene::new().records("ada", "1", json!({})).shows("ada", used).plan();
    assert!(plan.blocked[0].why.contains("+14155550100"));
}

#[test]
fn a_share_gate_counts_what_changes() {
    let mut scene = Scene::new();
    for key in ["ada", "bob"] {
        scene = scene.wants(key, json!({"x": 2})).records(key, key, json!({"x": 1})).shows(key, live(key, json!({"x": 1})));
    }
    scene.limits.max_share = Some(0.5);
    assert_eq!(scene.plan().gates[0].name, "safety.max_share");
    scene.limits.max_share = Some(1.0);
    assert_eq!(scene.plan().gates, []);
}

#[test]
fn a_service_that_cannot_be_read_is_planned_from_what_was_applied() {
    let scene = || Scene::with(&WRITE_ONLY_RULES).records("ada", "1", json!({"x": 1}));
    assert_eq!(scene().wants("ada", json!({"x": 1})).plan().summary.unchanged, 1);
    let changed = scene().wants("ada", json!({"x": 2})).plan();
    assert_eq!(changed.changes[0].notes, ["not verified: Plain cannot be read"]);
    assert_eq!(changed.changes[0].live_digest, None);
    let removed = scene().plan();
    assert_eq!(actions(&removed), [("a.ada".to_owned(), Action::Forget, Reason::Removed)]);
    assert_eq!(removed.changes[0].requests, []);
}

#[test]
fn a_draft_that_waits_is_released_and_nothing_is_written_twice() {
    let waiting = Live { released: Some(object(json!({"x": 1})).into()), ..live("1", json!({"x": 2})) };
    let scene =
        Scene::with(&STAGED_RULES).wants("ada", json!({"x": 2})).records("ada", "1", json!({"x": 1})).shows("ada", waiting);
    let plan = scene.plan();
    assert!(plan.changes[0].edits[0].release_only);
    assert_eq!(plan.changes[0].requests, [Request::new(Method::Post, "/things/1/release")]);
    let mut draft_only = scene;
    draft_only.desired.get_mut(&at("ada")).expect("wanted").release = false;
    assert_eq!(draft_only.plan().changes, []);
}

#[test]
fn a_field_that_cannot_be_cleared_is_said_and_then_let_go() {
    let scene =
        || Scene::with(&FIXED_RULES).records("ada", "1", json!({"voice": "v"})).shows("ada", live("1", json!({"voice": "v"})));
    let removed = scene().wants("ada", json!({})).plan();
    assert!(removed.changes[0].notes[0].contains("cannot be cleared through this API: it always has one"));
    assert_eq!((removed.changes[0].requests.len(), removed.changes[0].applied.len()), (0, 0));
    assert_eq!(scene().wants("ada", json!({"voice": null})).plan().blocked.len(), 1);
}

#[test]
fn requests_that_would_not_do_it_are_never_shown() {
    let mut scene = Scene::new()
        .wants("ada", json!({"x": 2}))
        .records("ada", "1", json!({"x": 1}))
        .shows("ada", live("1", json!({"x": 1})));
    scene.dialect.broken = true;
    let error = scene.try_plan().expect_err("disproved");
    assert_eq!(error.to_string(), "the requests planned for `a.ada` are wrong: `/x` would not hold what the files want");
}

#[test]
fn the_json_of_a_plan_comes_back_as_the_same_plan() {
    let scene = Scene::new()
        .wants("ada", json!({"x": null, "y": [1, {"z": "t"}]}))
        .records("ada", "1", json!({"x": 1}))
        .shows("ada", live("1", json!({"x": 1, "y": null})));
    let plan = scene.plan();
    let text = serde_json::to_string(&plan).expect("serialised");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("parsed"), plan);
}

#[test]
fn ignored_fields_keep_what_was_applied_before() {
    let mut scene = Scene::new()
        .wants("ada", json!({"x": 2, "y": 5}))
        .records("ada", "1", json!({"x": 1, "y": 4}))
        .shows("ada", live("1", json!({"x": 1, "y": 9})));
    scene.desired.get_mut(&at("ada")).expect("wanted").ignore = vec![crate::persona::name::Pointer::new(["y"])];
    let plan = scene.plan();
    assert_eq!(plan.changes[0].requests[0].body, Some(json!({"x": 2})));
    assert_eq!(plan.changes[0].applied, object(json!({"x": 2, "y": 4})).into());
}

#[test]
fn what_is_written_over_an_ignored_field_is_remembered_as_written() {
    let mut scene = Scene::new()
        .wants("ada", json!({"x": null}))
        .records("ada", "1", json!({"x": {"y": 1}}))
        .shows("ada", live("1", json!({"x": {"y": 1}})));
    scene.desired.get_mut(&at("ada")).expect("wanted").ignore = vec![crate::persona::name::Pointer::new(["x", "y"])];
    assert_eq!(scene.plan().changes[0].applied, object(json!({"x": null})).into());
}

#[test]
fn an_object_that_is_wanted_empty_may_come_where_null_was() {
    let resource = Scene::new().wants("ada", json!({"x": {}})).desired.remove(&at("ada")).expect("wanted");
    let (before, after) = (live("1", json!({"x": null, "z": 1})), live("1", json!({"x": {}, "z": 1})));
    let dialect = Scene::new().dialect;
    assert_eq!(super::proof::prove(&dialect, Some(&before), &after, &resource, &[]), Ok(()));
    let lost = live("1", json!({"x": {}}));
    assert!(super::proof::prove(&dialect, Some(&before), &lost, &resource, &[]).is_err());
}

fn sent(name: &str, fields: Value) -> Pending {
    Pending {
        provider: "plain".to_owned(),
        name: name.to_owned(),
        request: "POST /things".to_owned(),
        digest: "d".to_owned(),
        sent: object(fields).into(),
        sent_at: "2026-11-22T06:00:00Z".to_owned(),
    }
}

/// An interrupted create of `ada`, and what the list shows under the name that was sent.
fn interrupted(found: Vec<Live>) -> Scene {
    let mut scene = Scene::new().wants("ada", json!({"x": 1}));
    scene.pending.insert(at("ada"), sent("Ada", json!({"x": 1})));
    scene.namesakes.insert(at("ada"), Namesakes::Found(found.clone()));
    scene.traces.insert(at("ada"), Namesakes::Found(found));
    scene
}

#[test]
fn what_an_interrupted_create_made_is_taken_without_a_flag() {
    let plan = interrupted(vec![live("7", json!({"x": 1, "y": 1}))]).plan();
    assert_eq!(actions(&plan), [("a.ada".to_owned(), Action::Adopt, Reason::Declared)]);
    assert_eq!((plan.changes[0].id.clone(), plan.changes[0].requests.len()), (Some(RemoteId::new("7")), 0));
    assert!(plan.changes[0].notes[0].contains("interrupted run"), "{:?}", plan.changes[0].notes);
}

#[test]
fn what_the_files_want_since_an_interrupted_create_is_an_edit_of_what_it_made() {
    let plan = interrupted(vec![live("7", json!({"x": 1}))]).wants("ada", json!({"x": 2})).plan();
    assert_eq!((plan.changes[0].action, plan.changes[0].edits.len()), (Action::Adopt, 1));
    assert_eq!(plan.changes[0].requests[0].path, "/things/7");
}

#[test]
fn an_interrupted_create_that_made_nothing_is_planned_again() {
    assert_eq!(actions(&interrupted(Vec::new()).plan()), [("a.ada".to_owned(), Action::Create, Reason::Declared)]);
    // Its target has gone as well: only the trace goes, and no gate asks about that.
    let mut scene = interrupted(Vec::new());
    scene.desired.clear();
    let plan = scene.plan();
    assert_eq!(actions(&plan), [("a.ada".to_owned(), Action::Forget, Reason::Drifted)]);
    assert_eq!((plan.changes[0].requests.len(), plan.gates.len()), (0, 0));
}

#[test]
fn what_cannot_be_told_apart_is_never_guessed() {
    let one = || live("7", json!({"x": 1}));
    let mut twins = interrupted(vec![one()]).wants("bob", json!({"x": 1}));
    twins.pending.insert(at("bob"), sent("Ada", json!({"x": 1})));
    twins.traces.insert(at("bob"), Namesakes::Found(vec![one()]));
    let mut gone = interrupted(vec![one()]);
    gone.desired.clear();
    let mut unlisted = Scene::with(&WRITE_ONLY_RULES).wants("ada", json!({"x": 1}));
    unlisted.pending.insert(at("ada"), sent("Ada", json!({"x": 1})));
    let mut unread = interrupted(Vec::new());
    unread.traces.insert(at("ada"), Namesakes::Unreadable("it answered 500".to_owned(), String::new()));
    let scenes = [
        interrupted(vec![one(), live("8", json!({"x": 1}))]),
        interrupted(vec![live("7", json!({"x": 9}))]),
        twins,
        gone,
        unlisted,
        unread,
    ];
    for (number, scene) in scenes.iter().enumerate() {
        let plan = scene.plan();
        assert_eq!((plan.changes.len(), plan.blocked.is_empty()), (0, false), "scene {number}: {plan:?}");
        let Some(blocked) = plan.blocked.iter().find(|blocked| blocked.address == at("ada")) else { panic!("scene {number}") };
        let ways = ["state resolve a.ada --id ID", "state resolve a.ada --absent"];
        assert!(number == 5 || ways.iter().all(|way| blocked.help.contains(way)), "scene {number}: {}", blocked.help);
    }
}

#[test]
fn an_account_that_shows_none_of_its_objects_is_the_wrong_one() {
    let mut scene =
        Scene::new().wants("ada", json!({"x": 1})).records("ada", "1", json!({"x": 1})).observes("ada", Observation::Absent);
    scene.vanished.insert(AccountName::new("a"), 1);
    assert_eq!(
        (scene.plan().gates[0].name.as_str(), scene.plan().gates[0].opened_by.as_str()),
        ("wrong_account", "--allow-vanished")
    );
    scene.limits.allow_vanished = true;
    assert_eq!(scene.plan().gates, []);
}

#[test]
fn taking_a_guard_off_is_a_change_of_its_own() {
    let scene = || {
        Scene::new().wants("ada", json!({"x": 1})).records("ada", "1", json!({"x": 1})).shows("ada", live("1", json!({"x": 1})))
    };
    let mut guarded = scene();
    guarded.recorded.get_mut(&at("ada")).expect("recorded").prevent_destroy = true;
    let mut kept = scene();
    kept.recorded.get_mut(&at("ada")).expect("recorded").manage = Manage::NoDelete;
    for scene in [guarded, kept] {
        let plan = scene.plan();
        assert_eq!(actions(&plan), [("a.ada".to_owned(), Action::Update, Reason::Declared)]);
        assert!(plan.changes[0].notes[0].contains("is taken off"));
    }
    let mut guarding = scene();
    guarding.desired.get_mut(&at("ada")).expect("wanted").prevent_destroy = true;
    let plan = guarding.plan();
    assert_eq!((plan.changes.len(), plan.settled[0].prevent_destroy), (0, true), "putting one on needs no review");
}

/// Every selection of a scene in which much depends on other addresses plans a part of what the whole scene plans.
#[test]
fn a_selection_never_widens_a_plan() {
    let mut scene = Scene::new()
        .wants("new", json!({"x": 1}))
        .records("old", "1", json!({"x": 1}))
        .shows("old", live("1", json!({"x": 1})))
        .wants("twin-one", json!({"x": 1}))
        .wants("twin-two", json!({"x": 1}))
        .records("left", "2", json!({}))
        .shows("left", live("2", json!({})))
        .wants("lost-one", json!({"x": 5}))
        .wants("lost-two", json!({"x": 5}));
    scene.moves.insert(at("new"), at("old"));
    scene.adopt = true;
    for key in ["twin-one", "twin-two"] {
        scene.namesakes.insert(at(key), Namesakes::Found(vec![live("7", json!({}))]));
    }
    for key in ["lost-one", "lost-two"] {
        scene.pending.insert(at(key), sent("Ada", json!({"x": 5})));
        scene.traces.insert(at(key), Namesakes::Found(vec![live("8", json!({"x": 5}))]));
    }
    let keys = ["new", "old", "twin-one", "twin-two", "left", "lost-one", "lost-two"];
    let whole = scene.plan().changes;
    assert_eq!(whole.len(), 2, "a move and a delete: {whole:?}");
    for selection in 0..1u32 << keys.len() {
        let chosen = keys.iter().enumerate().filter(|(index, _)| selection >> index & 1 == 1).map(|(_, key)| at(key));
        scene.scope = Some(chosen.collect());
        for change in scene.plan().changes {
            assert!(whole.contains(&change), "{:?} also plans {change:?}", scene.scope);
        }
    }
}

#[test]
fn the_digest_names_what_a_plan_would_do_and_nothing_else() {
    let scene = |fields: Value| {
        Scene::new().wants("ada", json!({"x": 2})).records("ada", "1", json!({"x": 1})).shows("ada", live("1", fields))
    };
    let digest = scene(json!({"x": 1})).plan().digest;
    assert_eq!(digest.len(), 32);
    assert_eq!(scene(json!({"x": 1, "unmanaged": 1})).plan().digest, digest);
    assert_ne!(scene(json!({"x": 3})).plan().digest, digest);
    assert_ne!(scene(json!({"x": 1})).wants("ada", json!({"x": 4})).plan().digest, digest);
}

#[test]
fn the_digest_is_that_of_one_document_although_it_is_never_held_as_one() {
    let mut plan = Scene::new()
        .wants("ada", json!({"x": {"$env": "KEY", "digest": "d"}}))
        .wants("bea", json!({"x": 2}))
        .records("bea", "1", json!({"x": 1}))
        .shows("bea", live("1", json!({"x": 1})))
        .records("cia", "2", json!({"x": 1}))
        .plan();
    assert_eq!((plan.changes.len(), plan.gates.len()), (2, 0), "{plan:?}");
    plan.basis.digest_key = None;
    let mut document = json!({
        "changes": plan.changes, "settled": plan.settled, "blocked": plan.blocked, "accounts": plan.basis.accounts,
    });
    for change in document["changes"].as_array_mut().expect("a list") {
        change.as_object_mut().expect("an object").remove("live_digest");
    }
    let whole = ring::digest::digest(&ring::digest::SHA256, document.to_string().as_bytes());
    let whole: String = whole.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(plan.content_digest(), whole);
}

fn source(path: &str, line: usize) -> Source {
    Source { path: path.to_owned(), line, column: 1 }
}

#[test]
fn a_change_points_at_the_lines_that_ask_for_it() {
    let mut scene = Scene::new()
        .wants("ada", json!({"prompt": "Be kind.\n\nBe brief.\nBye.", "voice": "june"}))
        .records("ada", "p1", json!({"prompt": "Be kind.\n\nBe long.\nBye.", "voice": "may", "role": "guide"}))
        .shows("ada", live("p1", json!({"prompt": "Be kind.\n\nBe long.\nBye.", "voice": "may", "role": "guide"})))
        .records("bea", "p2", json!({"role": "guide"}))
        .shows("bea", live("p2", json!({"role": "guide"})));
    let piece = |line, path: &str| Piece { line, source: source(path, 1), by_line: true };
    let sources = Sources {
        persona: source("personas/ada.yaml", 1),
        section: source("personas/ada.yaml", 7),
        fields: BTreeMap::from([
            (Pointer::new(["prompt"]), source("personas/ada.yaml", 2)),
            (Pointer::new(["voice"]), source("personas/ada.yaml", 8)),
        ]),
        pieces: BTreeMap::from([(Pointer::new(["prompt"]), vec![piece(1, "rules.md"), piece(3, "ada.md")])]),
    };
    scene.sources.insert(at("ada"), sources);
    let plan = scene.plan();
    let change = &plan.changes[0];
    assert_eq!(change.source, Some(source("personas/ada.yaml", 7)));
    let asked: Vec<(String, Option<Source>)> =
        change.edits.iter().map(|edit| (edit.path.to_string(), edit.source.clone())).collect();
    assert_eq!(
        asked,
        [
            ("/prompt".to_owned(), Some(source("ada.md", 1))),
            ("/role".to_owned(), Some(source("personas/ada.yaml", 7))),
            ("/voice".to_owned(), Some(source("personas/ada.yaml", 8))),
        ]
    );
    assert_eq!(plan.changes[1].source, None, "no file asks for the end of bea");
}

#[test]
fn a_target_that_left_its_persona_points_at_the_file_that_is_left() {
    let other = Address::new(AccountName::new("b"), Key::new("ada"));
    let mut scene = Scene::new().records("ada", "p1", json!({})).shows("ada", live("p1", json!({})));
    let (persona, section) = (source("personas/ada.yaml", 1), source("personas/ada.yaml", 7));
    scene
        .sources
        .insert(other, Sources { persona: persona.clone(), section, fields: BTreeMap::new(), pieces: BTreeMap::new() });
    assert_eq!(scene.plan().changes[0].source, Some(persona));
}
