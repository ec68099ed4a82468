//! The law of every update: what is predicted holds the wish, keeps the rest, and is what a service of either temper makes of it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{edit, live, object, resource};
use crate::persona::name::Pointer;
use crate::plan::value::{get, leaves, remove, same, set};
use crate::plan::{Clear, Dialect, Edit, Live};
use crate::providers::anam::ANAM;

/// Whether options that are sent take the place of the old ones. The contract does not say.
#[derive(Clone, Copy, Debug)]
enum Temper {
    Replaces,
    Merges,
}

/// An update as the documentation tells it, written without a look at the prediction.
fn serve(before: &Map<String, Value>, body: &Map<String, Value>, temper: Temper) -> Map<String, Value> {
    let mut after = before.clone();
    let changes = |field: &str| body.get(field).is_some_and(|value| before.get(field) != Some(value));
    if changes("avatarId") {
        after.insert("avatarModel".to_owned(), json!("cara-of-the-avatar"));
    }
    if changes("voiceId") {
        after.insert("voiceGenerationOptions".to_owned(), json!({"speed": 42}));
        if body.contains_key("voiceGenerationOptions") {
            after.remove("voiceGenerationOptions");
        }
    }
    for (field, value) in body {
        let merges = field == "widgetConfig" || (field.ends_with("Options") && matches!(temper, Temper::Merges));
        match (after.get_mut(field), value) {
            (Some(Value::Object(held)), Value::Object(sent)) if merges => held.extend(sent.clone()),
            _ => {
                after.insert(field.clone(), value.clone());
            }
        }
    }
    after
}

/// The edits that lead from live to desired, and those that take `removed` away.
fn edits(desired: &Map<String, Value>, live: &Map<String, Value>, removed: &[Pointer]) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for (path, value) in leaves(desired) {
        let held = get(live, &path).filter(|held| !held.is_null());
        match (value, ANAM.rules().field(&path).clear) {
            (Value::Null, Clear::Impossible(_)) => {}
            (Value::Null, clear) if held.is_some() && held != clear.value().as_ref() => {
                edits.push(edit(&path.to_string(), None))
            }
            (Value::Null, _) => {}
            (value, _) if names_nothing(value) => {}
            (value, _) if held.is_some_and(|held| same(held, value)) => {}
            (value, _) => edits.push(edit(&path.to_string(), Some(value.clone()))),
        }
    }
    edits.extend(removed.iter().map(|path| edit(&path.to_string(), None)));
    edits.sort_by(|left, right| left.path.cmp(&right.path));
    edits
}

/// A wanted `{}` is content with whatever is there.
fn names_nothing(value: &Value) -> bool {
    *value == json!({})
}

fn touches(paths: &BTreeSet<Pointer>, path: &Pointer) -> bool {
    paths.iter().any(|other| other.covers(path) || path.covers(other))
}

/// A field that is absent, or one of some values.
fn one_of(values: &[Value]) -> BoxedStrategy<Option<Value>> {
    proptest::option::of(proptest::sample::select(values.to_vec())).boxed()
}

fn document(fields: Vec<(&'static str, BoxedStrategy<Option<Value>>)>) -> BoxedStrategy<Map<String, Value>> {
    let (paths, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    values
        .prop_map(move |values| {
            let mut fields = Map::new();
            for (path, value) in paths.iter().zip(values) {
                if let Some(value) = value {
                    set(&mut fields, &Pointer::parse(path).expect("a pointer"), value);
                }
            }
            fields
        })
        .boxed()
}

/// Documents over few values, so that wish and fact often agree. `extra` is what only one side may hold.
fn documents(extra: &[Value]) -> BoxedStrategy<Map<String, Value>> {
    let with = |values: &[Value]| one_of(&[values, extra].concat());
    document(vec![
        ("/avatarId", one_of(&[json!("a-1"), json!("a-2")])),
        ("/avatarModel", one_of(&[json!("cara-3"), json!("cara-4")])),
        ("/voiceId", one_of(&[json!("v-1"), json!("v-2")])),
        ("/systemPrompt", with(&[json!("Be kind."), json!("Be brief.")])),
        ("/skipGreeting", with(&[json!(true), json!(false)])),
        ("/initialMessage", with(&[json!("Hi"), json!("Hello")])),
        ("/toolIds", with(&[json!([]), json!(["t-1"]), json!(["t-1", "t-2"])])),
        ("/voiceDetectionOptions/endOfSpeechSensitivity", with(&[json!(0.5), json!(1)])),
        ("/voiceDetectionOptions/speechEnhancementLevel", with(&[json!(0.5), json!(1)])),
        ("/voiceGenerationOptions/speed", with(&[json!(0.9), json!(1)])),
        ("/voiceGenerationOptions/stability", with(&[json!(0.5), json!(1)])),
        ("/widgetConfig/layout", one_of(&[json!("inline"), json!("floating")])),
        ("/widgetConfig/showTranscript", one_of(&[json!(true), json!(false)])),
    ])
}

fn check(before: &Live, desired: &Map<String, Value>, removed: &[Pointer], temper: Temper) -> Result<(), TestCaseError> {
    let edits = edits(desired, &before.fields, removed);
    let draft = ANAM.update(before, &resource(Value::Object(desired.clone())), &edits);
    prop_assert_eq!(draft.requests.len(), usize::from(!edits.is_empty()), "one request at most, and none for nothing");
    let after = draft.requests.iter().fold(before.clone(), |live, request| ANAM.predict(&live, request));
    let edited: BTreeSet<Pointer> = edits.iter().map(|edit| edit.path.clone()).collect();

    for (path, value) in leaves(desired).into_iter().filter(|(_, value)| !value.is_null() && !names_nothing(value)) {
        prop_assert!(get(&after.fields, &path).is_some_and(|held| same(held, value)), "{} is not as wanted", path);
        prop_assert!(!after.unknown.iter().any(|unknown| unknown.covers(&path)), "{} is wanted and not promised", path);
    }
    for edit in edits.iter().filter(|edit| edit.to.is_none()) {
        let held = get(&after.fields, &edit.path).filter(|held| !held.is_null());
        let cleared = ANAM.rules().field(&edit.path).clear.value();
        prop_assert!(held.is_none() || held == cleared.as_ref(), "{} is not cleared", edit.path);
    }
    for (path, value) in leaves(&before.fields) {
        let kept = get(&after.fields, &path).is_some_and(|held| same(held, value));
        prop_assert!(kept || touches(&edited, &path) || touches(&after.unknown, &path), "{} is lost", path);
    }

    let body = draft.requests.first().and_then(|request| request.body.clone()).unwrap_or_else(|| json!({}));
    let body = object(body);
    let made = serve(&before.fields, &body, temper);
    for (one, other) in [(&made, &*after.fields), (&*after.fields, &made)] {
        for (path, value) in leaves(one).into_iter().filter(|(_, value)| !value.is_null() && !names_nothing(value)) {
            let agreed = get(other, &path).is_some_and(|held| same(held, value));
            prop_assert!(agreed || touches(&after.unknown, &path), "{} is not as predicted", path);
        }
    }
    let companions = [("avatarModel", "avatarId"), ("voiceGenerationOptions", "voiceId")];
    for field in body.keys() {
        let asked = touches(&edited, &Pointer::new([field]));
        let carried = companions.iter().any(|(companion, cause)| companion == field && body.contains_key(*cause));
        prop_assert!(asked || carried, "{} is sent for no reason", field);
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_update_reaches_the_wish_and_keeps_or_doubts_the_rest(
        at in documents(&[]),
        wanted in documents(&[Value::Null]),
        drop in proptest::collection::vec(any::<proptest::sample::Index>(), 0..3),
        temper in proptest::sample::select(vec![Temper::Replaces, Temper::Merges]),
    ) {
        let before = live(Value::Object(at));
        let mut desired = wanted;
        let mut removed = BTreeSet::new();
        let all: Vec<Pointer> = leaves(&before.fields).into_iter().map(|(path, _)| path).collect();
        for index in drop.iter().filter(|_| !all.is_empty()) {
            let path = index.get(&all);
            let held = get(&before.fields, path);
            let clear = ANAM.rules().field(path).clear;
            if !matches!(clear, Clear::Impossible(_)) && held != clear.value().as_ref() {
                remove(&mut desired, path);
                removed.insert(path.clone());
            }
        }
        let removed: Vec<Pointer> = removed.into_iter().collect();
        check(&before, &desired, &removed, temper)?;
    }
}
