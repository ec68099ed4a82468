//! Tavus's patches against an exhaustive search: on small documents nothing does the same with fewer operations, and no single
//! operation does it with a shorter one.
//!
//! Searched are `add`, `remove` and `replace`; the contract names `move` and `copy` too, but documents no `from` for them. As
//! in the planner, an object that exists is never replaced or removed, since it may hold what reads do not show.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use personaform::persona::name::Pointer;
use personaform::plan::diff::{Comparison, equal};
use personaform::plan::value::{get, leaves, same, set};
use personaform::plan::{Address, Dialect, FieldRule, Live, RemoteId, Resource};
use personaform::providers::tavus::TAVUS;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::config;
use crate::documents::pointer;

/// Fields of every kind: texts, lists, sets, functions, members of an open map.
static FIELDS: LazyLock<Vec<(Pointer, Vec<Value>)>> = LazyLock::new(|| {
    let lists = json!([
        [],
        ["a"],
        ["b"],
        ["a", "b"],
        ["b", "a"],
        ["a", "a"],
        ["a", "c", "b"],
        ["a", "long enough to matter"],
        ["b", "a", "long enough to matter"],
        ["a", "a", "long enough to matter"],
        ["c", "long enough to matter"]
    ]);
    let objects = json!([
        [{"x": 1, "y": "long enough to matter"}], [{"x": 2, "y": "long enough to matter"}], [{"y": "long enough to matter"}],
        [{"x": 1, "y": "long enough to matter"}, {"z": [1, 2]}], [{"z": [1, 2]}, {"z": [2]}], [{"z": [1, 3, 2]}]
    ]);
    let fields = [
        ("/greeting", json!(["Hi", "Hello", ""])),
        ("/layers/stt/hotwords", json!(["Ada", "Bea"])),
        ("/layers/stt/stt_engine", json!(["tavus-auto", "tavus-soniox"])),
        ("/layers/tts/voice_settings/speed", json!([1, 1.0, 2, "normal"])),
        ("/layers/tts/voice_settings/list", objects),
        ("/layers/perception/visual_awareness_queries", lists.clone()),
        ("/document_ids", lists.clone()),
        ("/layers/perception/audio_awareness_queries", lists),
    ];
    fields.into_iter().map(|(path, values)| (pointer(path), values.as_array().expect("values").clone())).collect()
});

type Pick = (u8, u8);

fn document(picks: &[Pick]) -> Map<String, Value> {
    let mut document = Map::new();
    for (field, value) in picks {
        let (path, values) = &FIELDS[usize::from(*field) % FIELDS.len()];
        set(&mut document, path, values[usize::from(*value) % values.len()].clone());
    }
    document
}

/// What must hold afterwards.
struct Goal<'a> {
    live: &'a Map<String, Value>,
    desired: &'a Map<String, Value>,
    cleared: Vec<(Pointer, FieldRule)>,
    wanted: Vec<(Pointer, &'a Value, FieldRule)>,
    /// What is there and not ours.
    theirs: Vec<(Pointer, &'a Value)>,
    objects: Vec<Pointer>,
}

impl<'a> Goal<'a> {
    fn new(live: &'a Map<String, Value>, desired: &'a Map<String, Value>, cleared: &[Pointer]) -> Self {
        let rule = |path: &Pointer| TAVUS.rules().field(path);
        let wanted: Vec<_> = leaves(desired).into_iter().map(|(path, value)| (path.clone(), value, rule(&path))).collect();
        let cleared: Vec<_> = cleared.iter().map(|path| (path.clone(), rule(path))).collect();
        let mut goal = Self { live, desired, cleared, wanted, theirs: Vec::new(), objects: objects(live) };
        goal.theirs = leaves(live).into_iter().filter(|(path, _)| !goal.is_ours(path)).collect();
        goal
    }

    fn is_ours(&self, path: &Pointer) -> bool {
        self.wanted.iter().any(|(ours, ..)| ours.covers(path)) || self.cleared.iter().any(|(ours, _)| ours.covers(path))
    }

    fn holds(&self, after: &Map<String, Value>) -> bool {
        self.faults(after).next().is_none()
    }

    /// Every path at which a document is not as it shall be.
    fn faults<'b>(&'b self, after: &'b Map<String, Value>) -> impl Iterator<Item = Pointer> + 'b {
        let wanted = self.wanted.iter().filter(|(path, wanted, rule)| !equal(*rule, wanted, get(after, path)));
        let cleared = self.cleared.iter().filter(|(path, rule)| !equal(*rule, &Value::Null, get(after, path)));
        let theirs = self.theirs.iter().filter(|(path, value)| {
            let held = get(after, path);
            !(held.is_some_and(|held| same(value, held)) || value.as_object().is_some_and(Map::is_empty) && held.is_some())
        });
        let objects = self.objects.iter().filter(|path| !get(after, path).is_some_and(Value::is_object));
        let new = leaves(after).into_iter().filter(|(path, value)| {
            !(get(self.live, path).is_some() || value.as_object().is_some_and(Map::is_empty) || self.is_ours(path))
        });
        (wanted.map(|(path, ..)| path.clone()))
            .chain(cleared.map(|(path, _)| path.clone()))
            .chain(theirs.map(|(path, _)| path.clone()))
            .chain(objects.cloned())
            .chain(new.map(|(path, _)| path))
    }

    /// The places that are to be written, no two of them within one another: where a document has a fault, the topmost pointer
    /// on the way that holds no object. One operation writes at one place and below, and none writes over an object; so there are
    /// at least as many operations to come as there are places, and those anywhere else are of no use.
    fn places(&self, current: &Map<String, Value>) -> BTreeSet<Pointer> {
        let topmost = |path: Pointer| {
            let above = (1..path.segments().len()).map(|length| Pointer::new(&path.segments()[..length]));
            above.into_iter().find(|above| !get(current, above).is_some_and(Value::is_object)).unwrap_or(path)
        };
        self.faults(current).map(topmost).collect()
    }

    /// Every operation that could be of use, on a document on the way.
    fn operations(&self, current: &Map<String, Value>) -> Vec<Value> {
        let whole = Value::Object(current.clone());
        let desired = Value::Object(self.desired.clone());
        let mut operations = Vec::new();
        for path in pointers(&whole) {
            let held = whole.pointer(&path).expect("it was walked");
            let in_a_list = path.rsplit_once('/').and_then(|(above, _)| whole.pointer(above)).is_some_and(Value::is_array);
            if !held.is_object() || in_a_list || path_in_list(&whole, &path) {
                operations.push(json!({"op": "remove", "path": path}));
            }
            if let Value::Array(items) = held {
                for value in every_element(&desired) {
                    operations.extend(
                        (0..items.len()).map(|at| json!({"op": "add", "path": format!("{path}/{at}"), "value": value})),
                    );
                    operations.extend(
                        (0..items.len()).map(|at| json!({"op": "replace", "path": format!("{path}/{at}"), "value": value})),
                    );
                    operations.push(json!({"op": "add", "path": format!("{path}/-"), "value": value}));
                }
            }
        }
        for path in pointers(&desired) {
            let value = desired.pointer(&path).expect("it was walked");
            let held = whole.pointer(&path);
            if !(value.is_object() && held.is_some_and(Value::is_object)) || path_in_list(&whole, &path) {
                let op = if held.is_some() { "replace" } else { "add" };
                operations.push(json!({"op": op, "path": path, "value": value}));
            }
        }
        // What clearing may write.
        for (path, rule) in &self.cleared {
            if let Some(value) = rule.clear.value().filter(|value| !value.is_null()) {
                operations.push(json!({"op": "add", "path": path, "value": value}));
            }
        }
        operations
    }

    /// Whether some list of so many operations does it. A thorough search tries every one; else those are passed over of which
    /// [`Goal::places`] tells beforehand that they lead nowhere.
    fn within(&self, current: &Map<String, Value>, steps: usize, thorough: bool) -> bool {
        if self.holds(current) || steps == 0 {
            return self.holds(current);
        }
        let places = self.places(current);
        if !thorough && places.len() > steps {
            return false;
        }
        let of_use = |operation: &&Value| {
            let path = pointer(operation["path"].as_str().expect("a path"));
            thorough || places.iter().any(|place| place.covers(&path))
        };
        self.operations(current).iter().filter(of_use).any(|operation| {
            patched(current, std::slice::from_ref(operation)).is_some_and(|next| self.within(&next, steps - 1, thorough))
        })
    }
}

fn path_in_list(document: &Value, path: &str) -> bool {
    path.match_indices('/').skip(1).any(|(at, _)| document.pointer(&path[..at]).is_some_and(Value::is_array))
}

/// Every element of every list.
fn every_element(document: &Value) -> Vec<Value> {
    let lists = pointers(document).into_iter().filter_map(|path| document.pointer(&path)?.as_array().cloned());
    let mut elements: Vec<Value> = lists.flatten().collect();
    elements.sort_by_key(Value::to_string);
    elements.dedup();
    elements
}

fn pointers(document: &Value) -> Vec<String> {
    fn walk(at: &str, value: &Value, found: &mut Vec<String>) {
        let below: Vec<(String, &Value)> = match value {
            Value::Object(members) => {
                members.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
            }
            Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
            _ => return,
        };
        for (key, value) in below {
            let path = format!("{at}/{key}");
            found.push(path.clone());
            walk(&path, value, found);
        }
    }
    let mut found = Vec::new();
    walk("", document, &mut found);
    found
}

fn objects(fields: &Map<String, Value>) -> Vec<Pointer> {
    let whole = Value::Object(fields.clone());
    let paths = pointers(&whole).into_iter().filter(|path| !path_in_list(&whole, path));
    paths.filter(|path| whole.pointer(path).is_some_and(Value::is_object)).map(|path| pointer(&path)).collect()
}

fn patched(fields: &Map<String, Value>, operations: &[Value]) -> Option<Map<String, Value>> {
    let patch: json_patch::Patch = serde_json::from_value(Value::from(operations)).ok()?;
    let mut document = Value::Object(fields.clone());
    json_patch::patch(&mut document, &patch).ok()?;
    document.as_object().cloned()
}

/// The length of an operation; whether a value that is there is replaced or added makes no difference.
fn length(operation: &Value) -> usize {
    operation.to_string().replacen("replace", "add", 1).len()
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn no_patch_is_shorter(
        live in proptest::collection::vec(any::<Pick>(), 0..5),
        applied in proptest::collection::vec(any::<Pick>(), 0..2),
        desired in proptest::collection::vec(any::<Pick>(), 0..4),
        // What the short search passes over is tried as well, now and then.
        thorough in (0u8..64).prop_map(|lot| lot == 0),
    ) {
        let (live, applied, desired) = (document(&live), document(&applied), document(&desired));
        let found = Comparison { desired: &desired, applied: &applied, live: &live, rules: TAVUS.rules(), ignore: &[] }.differences();
        let resource = Resource {
            address: Address::parse("tavus.ada").expect("an address"),
            name: "Ada".to_owned(),
            fields: desired.clone().into(),
            bind: None,
            release: true,
            ignore: Vec::new(),
            prevent_destroy: false,
            force_destroy: false,
            manage: Default::default(),
        };
        let seen = Live { fields: live.clone().into(), ..Live::empty(RemoteId::new("p1")) };
        let draft = TAVUS.update(&seen, &resource, &found.edits);
        prop_assert!(draft.requests.len() <= 1);
        let body = draft.requests.first().and_then(|request| request.body.as_ref()?.as_array().cloned());
        let planned = body.unwrap_or_default();
        let cleared: Vec<Pointer> =
            found.edits.iter().filter(|edit| edit.to.is_none()).map(|edit| edit.path.clone()).collect();
        let goal = Goal::new(&live, &desired, &cleared);
        let after = patched(&live, &planned);
        // What is hidden cannot be removed, which the plan says.
        if !draft.notes.is_empty() {
            return Ok(());
        }
        prop_assert!(after.as_ref().is_some_and(|after| goal.holds(after)), "{planned:?} on {live:?}");
        let thorough = thorough && planned.len() <= 3;
        if let Some(fewer) = planned.len().checked_sub(1) {
            prop_assert!(!goal.within(&live, fewer, thorough), "{planned:?} on {live:?}");
        }
        if let [only] = &planned[..] {
            for other in goal.operations(&live).iter().filter(|other| length(other) < length(only)) {
                // A field that is wanted, if only empty, is written and not taken away.
                if other["op"] == "remove" && other["path"].as_str().is_some_and(|path| get(&desired, &pointer(path)).is_some()) {
                    continue;
                }
                let does = patched(&live, std::slice::from_ref(other)).is_some_and(|after| goal.holds(&after));
                prop_assert!(!does, "{other} instead of {only} on {live:?}");
            }
        }
    }
}
