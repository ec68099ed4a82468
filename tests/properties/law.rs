//! The law of one object's life: made, changed elsewhere, wanted otherwise, planned, carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use personaform::persona::document::{Persona, Places, Settings, Shared, Target};
use personaform::persona::name::{AccountName, Key, Pointer};
use personaform::persona::problem::{Place, SourceFile};
use personaform::plan::change::Basis;
use personaform::plan::diff::equal;
use personaform::plan::gate::Limits;
use personaform::plan::planner::{AccountSide, Namesakes, Observation, Situation, plan};
use personaform::plan::value::{get, is_empty, leaves, same};
use personaform::plan::{
    Action, Address, Change, Clear, Document, Live, Method, Plan, Reading, Record, RemoteId, Request, Resource, proof,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value, json};

use crate::config;
use crate::documents::{Fields, Story, stories};
use crate::world::{World, holds_secret};

pub(crate) type Checked<T> = Result<T, TestCaseError>;

fn address() -> Address {
    Address::parse("account.ada").expect("an address")
}

fn place() -> Place {
    Place { file: Arc::new(SourceFile { path: PathBuf::from("ada.yaml"), text: String::new() }), span: 0..0 }
}

/// A section as what is wanted; none where it is refused.
pub(crate) fn compiled(world: &World, section: &Map<String, Value>, release: bool, ignore: Vec<Pointer>) -> Option<Resource> {
    let settings = Settings { release: Some(release), ignore_changes: ignore, ..Settings::default() };
    let places = || Places::new(place());
    let target = Target { account: AccountName::new("account"), fields: section.clone(), settings, places: places() };
    let persona = Persona {
        key: Key::new("ada"),
        shared: Shared::default(),
        previously: None,
        targets: Vec::new(),
        places: places(),
        place: place(),
    };
    let mut resource = world.provider.compile(&address(), &persona, &target).ok()?;
    world.sealer.seal(&mut resource.fields);
    Some(resource)
}

/// What is remembered of the object, and what it is read as.
pub(crate) struct Known {
    pub(crate) id: RemoteId,
    pub(crate) applied: Document,
}

pub(crate) fn planned(world: &mut World, resource: &Resource, known: Option<&Known>) -> Checked<(Plan, Option<Live>)> {
    let live = known.and_then(|known| world.read(&known.id, &[&known.applied, &resource.fields]));
    let record = known.map(|known| Record {
        provider: world.provider.id().to_owned(),
        id: known.id.clone(),
        name: resource.name.clone(),
        applied: known.applied.clone(),
        prevent_destroy: false,
        force_destroy: false,
        resisted: Vec::new(),
        manage: Default::default(),
        written_at: String::new(),
    });
    let side = AccountSide {
        provider: world.provider.id().to_owned(),
        title: world.provider.service().title.to_owned(),
        base_url: String::new(),
        dialect: world.provider,
    };
    let situation = Situation {
        accounts: BTreeMap::from([(AccountName::new("account"), side)]),
        desired: &BTreeMap::from([(address(), resource.clone())]),
        moves: &BTreeMap::new(),
        recorded: &record.into_iter().map(|record| (address(), record)).collect(),
        observed: &live.iter().map(|live| (address(), Observation::Present(Box::new(live.clone())))).collect(),
        namesakes: &BTreeMap::from([(address(), Namesakes::Found(Vec::new()))]),
        pending: &BTreeMap::new(),
        traces: &BTreeMap::new(),
        vanished: &BTreeMap::new(),
        sources: &BTreeMap::<personaform::plan::Address, personaform::plan::Sources>::new(),
        scope: &|_| true,
        adopt: false,
        limits: Limits { max_deletes: 0, max_share: None, allow_deletes: false, allow_changes: true, allow_vanished: false },
        basis: Basis::default(),
    };
    let plan = plan(&situation).map_err(|unproven| TestCaseError::fail(unproven.to_string()))?;
    Ok((plan, live))
}

/// The one change of a plan; none where there is nothing to do. Nothing here may be held up.
fn only(plan: &Plan) -> Checked<Option<&Change>> {
    prop_assert!(plan.blocked.is_empty(), "blocked: {:?}", plan.blocked);
    Ok(plan.changes.first())
}

pub(crate) fn created(world: &mut World, change: &Change) -> Checked<Known> {
    prop_assert_eq!(change.action, Action::Create);
    let (first, rest) = change.requests.split_first().expect("a request");
    let response = world.send(first);
    let id = world.provider.created(&response).map_err(|refusal| TestCaseError::fail(format!("{refusal:?} to {first:?}")))?;
    for request in rest {
        let request = Request { path: request.path.replace("{id}", id.as_str()), ..request.clone() };
        sent(world, &request)?;
    }
    Ok(Known { id, applied: change.applied.clone() })
}

fn sent(world: &mut World, request: &Request) -> Checked<()> {
    let response = world.send(request);
    let accepted = world.provider.accepted(request, &response);
    prop_assert!(accepted.is_ok(), "{:?} to {:?}", accepted, request);
    Ok(())
}

/// A second look finds nothing to do, and nothing but state to correct.
fn settled(world: &mut World, resource: &Resource, known: &Known) -> Checked<()> {
    let (again, live) = planned(world, resource, Some(known))?;
    prop_assert!(
        again.changes.is_empty(),
        "planned again: {}\nlive: {}",
        json!(again.changes),
        json!(live.map(|live| live.fields))
    );
    prop_assert!(again.blocked.is_empty(), "blocked: {:?}", again.blocked);
    Ok(())
}

/// Whether a plan tells that a field changes on the side, by its pointer, its name or the name of what it is part of.
fn told(change: &Change, path: &Pointer) -> bool {
    let mut names: Vec<String> = path.segments().iter().map(|name| format!("`{name}`")).collect();
    names.push(format!("`{path}`"));
    names.push(format!("`{}`", path.segments().join(".")));
    names.extend((1..path.segments().len()).map(|length| format!("`{}`", Pointer::new(&path.segments()[..length]))));
    change.notes.iter().any(|note| names.iter().any(|name| note.contains(name.as_str())))
}

/// What is stored afterwards holds what is wanted, lacks what was cleared, and is otherwise what it was.
fn nothing_else(
    world: &mut World,
    (resource, change, known): (&Resource, &Change, &Known),
    before: &Map<String, Value>,
    predicted: &Live,
) -> Checked<()> {
    let after = world.stored(&known.id);
    let live = world.read(&known.id, &[&known.applied]);
    let rules = world.provider.rules();
    let ignored = |path: &Pointer| resource.ignore.iter().any(|ignored| ignored.covers(path));
    let documents = [world.stores_as_written().then_some(&after), live.as_ref().map(|live| &*live.fields)];
    let released = live.as_ref().and_then(|live| live.released.as_deref()).filter(|_| resource.release);
    for document in documents.into_iter().flatten().chain(released) {
        for (path, wanted) in leaves(&resource.fields) {
            let rule = rules.field(&path);
            let held = get(document, &path);
            let hidden = rule.reading == Reading::Never || (rule.reading == Reading::MayBeOmitted && held.is_none());
            if !ignored(&path) && !hidden && !holds_secret(wanted) {
                prop_assert!(equal(rule, wanted, held), "`{}` is {:?} and not {} after {}", path, held, wanted, json!(change));
            }
        }
        for edit in change.edits.iter().filter(|edit| edit.to.is_none()) {
            let rule = rules.field(&edit.path);
            let held = get(document, &edit.path);
            let gone = equal(rule, &Value::Null, held);
            prop_assert!(gone || told(change, &edit.path), "`{}` is still {:?} after {}", edit.path, held, json!(change));
        }
    }
    let ours: BTreeSet<Pointer> = leaves(&resource.fields)
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| !ignored(path))
        .chain(change.edits.iter().map(|edit| edit.path.clone()))
        .collect();
    let is_ours = |path: &Pointer| {
        let shown = path.segments().first().is_some_and(|first| first == "in production");
        let path = if shown { Pointer::new(&path.segments()[1..]) } else { path.clone() };
        ours.iter().any(|ours| ours.covers(&path) || (path.covers(ours) && !path.is_root()))
    };
    let foreseen = |path: &Pointer| predicted.unknown.iter().any(|unknown| unknown.covers(path) || path.covers(unknown));
    let promoted = change.requests.iter().any(|request| request.method == Method::Post && request.path.ends_with("promote"));
    for (path, value) in leaves(before) {
        let draft_goes_out = promoted && path.segments().first().is_some_and(|first| first == "in production");
        let held = get(&after, &path);
        let kept = held.is_some_and(|held| same(held, value)) || (is_empty(value) && held.is_none_or(is_empty));
        let told = told(change, &path)
            || (draft_goes_out
                && get(&after, &Pointer::new(&path.segments()[1..])).or(Some(&Value::Null)) == held.or(Some(&Value::Null)));
        prop_assert!(
            kept || is_ours(&path) || told,
            "`{}` was {} and is {:?} without a word, after {}",
            path,
            value,
            held,
            json!(change)
        );
    }
    for (path, value) in leaves(&after) {
        let draft_goes_out = promoted && path.segments().first().is_some_and(|first| first == "in production");
        let new = get(before, &path).is_none() && !is_empty(value);
        prop_assert!(
            !new || is_ours(&path) || foreseen(&path) || told(change, &path) || draft_goes_out || world.fills(&path),
            "`{}` is {} and was not there, after {}",
            path,
            value,
            json!(change)
        );
    }
    Ok(())
}

/// The law, with the documents themselves where it is broken.
pub(crate) fn live_a_life(id: &str, fields: &Fields, story: &Story) -> Checked<()> {
    check(id, fields, story).map_err(|error| match error {
        TestCaseError::Fail(why) => {
            let world = World::new(id, story.setup);
            let laid = |picks: &[_]| {
                let mut document = world.base();
                fields.lay(&mut document, picks);
                json!(document)
            };
            let drift: Vec<_> = story.drift.iter().map(|pick| fields.picked(*pick)).collect();
            let ignored = story.ignored.map(|pick| fields.picked((pick, 0)).0);
            let (first, second) = (laid(&story.first), laid(&story.later()));
            TestCaseError::fail(format!("{why}\nfirst: {first}\ndrift: {drift:?}\nsecond: {second}\nignored: {ignored:?}"))
        }
        rejected => rejected,
    })
}

fn check(id: &str, fields: &Fields, story: &Story) -> Checked<()> {
    let mut world = World::new(id, story.setup);
    let mut first = world.base();
    fields.lay(&mut first, &story.first);
    let Some(resource) = compiled(&world, &first, true, Vec::new()) else { return Ok(()) };
    let (plan, _) = planned(&mut world, &resource, None)?;
    let change = only(&plan)?.expect("a create").clone();
    let mut known = created(&mut world, &change)?;
    // Fields that the files want cleared, and that cannot be, hold up a plan with a reason.
    let stuck = |world: &World, fields: &Map<String, Value>| {
        let cannot = |path: &Pointer| matches!(world.provider.rules().field(path).clear, Clear::Impossible(_));
        leaves(fields).iter().any(|(path, value)| value.is_null() && (cannot(path) || world.resists(path)))
    };
    if stuck(&world, &resource.fields) {
        return Ok(());
    }
    settled(&mut world, &resource, &known)?;

    world.strangers(&known.id, story.strangers);
    for pick in &story.drift {
        let (path, value) = fields.picked(*pick);
        world.drift(&known.id, path, value);
    }

    let mut second = world.base();
    fields.lay(&mut second, &story.later());
    let ignore = story.ignored.map(|pick| fields.picked((pick, 0)).0.clone()).into_iter().collect();
    let Some(resource) = compiled(&world, &second, story.release, ignore) else { return Ok(()) };
    if stuck(&world, &resource.fields) {
        return Ok(());
    }
    let before = world.stored(&known.id);
    let (plan, live) = planned(&mut world, &resource, Some(&known))?;
    let Some(change) = only(&plan)?.cloned() else {
        for entry in &plan.settled {
            known.applied.clone_from(&entry.applied);
        }
        return settled(&mut world, &resource, &known);
    };
    prop_assert_eq!(change.action, Action::Update);
    let unread = || Live { fields: known.applied.clone(), ..Live::empty(known.id.clone()) };
    let predicted = proof::predict(world.provider, &live.clone().unwrap_or_else(unread), &change.requests);
    for request in &change.requests {
        sent(&mut world, request)?;
    }
    known.applied.clone_from(&change.applied);
    nothing_else(&mut world, (&resource, &change, &known), &before, &predicted)?;
    settled(&mut world, &resource, &known)
}

static TAVUS: LazyLock<[Fields; 2]> = LazyLock::new(|| [World::fields("tavus", 0), World::fields("tavus", 1)]);
static ANAM: LazyLock<Fields> = LazyLock::new(|| World::fields("anam", 0));
static BLAND: LazyLock<Fields> = LazyLock::new(|| World::fields("bland", 0));
static OPENGIANT: LazyLock<Fields> = LazyLock::new(|| World::fields("opengiant", 0));

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn tavus(story in stories()) {
        live_a_life("tavus", &TAVUS[usize::from(story.setup & 1 == 1)], &story)?;
    }

    #[test]
    fn anam(story in stories()) {
        live_a_life("anam", &ANAM, &story)?;
    }

    #[test]
    fn bland(story in stories()) {
        live_a_life("bland", &BLAND, &story)?;
    }

    #[test]
    fn opengiant(story in stories()) {
        live_a_life("opengiant", &OPENGIANT, &story)?;
    }
}
