//! Sending an open object whole, where a service may replace what it is sent. Which fields those are, the providers know.

use serde_json::{Map, Value};

use crate::persona::name::Pointer;
use crate::plan::value::{get, is_empty, is_secret, remove, set};
use crate::plan::{Edit, Live, Resource};

/// The whole of one open top-level object as it shall be: the live one, with what is desired laid over it, without what the
/// edits clear. What the files clear by an explicit `null` is sent as `null`: where a service merges, that alone clears it, and
/// where it replaces, a stored `null` is as good as nothing.
///
/// Members that nobody manages stay. Desired members are written anew even if they did not change, since only they name the
/// secrets of today.
pub fn complete(field: &str, live: &Live, resource: &Resource, edits: &[Edit]) -> Map<String, Value> {
    let mut desired = resource.fields.clone();
    for pointer in &resource.ignore {
        remove(&mut desired, pointer);
    }
    let mut whole = Map::new();
    if let Some(members @ Value::Object(_)) = live.fields.get(field) {
        whole.insert(field.to_owned(), members.clone());
    }
    if let Some(members @ Value::Object(_)) = desired.get(field) {
        overlay(&mut whole, &Map::from_iter([(field.to_owned(), members.clone())]));
    }
    let root = Pointer::new([field]);
    for edit in edits.iter().filter(|edit| root.covers(&edit.path)) {
        let is_desired = get(&desired, &edit.path).is_some_and(|value| !value.is_null());
        match &edit.to {
            // Laid over something, an empty object changes nothing; but it was asked for.
            Some(Value::Object(members)) if members.is_empty() => set(&mut whole, &edit.path, Value::Object(Map::new())),
            None | Some(Value::Null) if edit.path != root && get(&desired, &edit.path).is_some() && !is_desired => {
                set(&mut whole, &edit.path, Value::Null);
            }
            None | Some(Value::Null) if !is_desired => clear(&mut whole, &desired, &edit.path),
            _ => {}
        }
    }
    match whole.remove(field) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// The same fields without `null` members, at any depth outside lists: where nothing is there yet, nothing is to be cleared.
#[must_use]
pub fn without_nulls(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    overlay(&mut kept, fields);
    kept
}

/// Lays one object over another, member by member; `null` removes.
fn overlay(base: &mut Map<String, Value>, top: &Map<String, Value>) {
    for (key, value) in top {
        match value {
            Value::Null => {
                base.remove(key);
            }
            Value::Object(members) if !is_secret(value) => {
                let below = base.entry(key.clone()).or_insert(Value::Null);
                if !below.is_object() || is_secret(below) {
                    *below = Value::Object(Map::new());
                }
                if let Value::Object(below) = below {
                    overlay(below, members);
                }
            }
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Removes a member, and the objects above it that hold nothing else unless the files name them.
fn clear(whole: &mut Map<String, Value>, desired: &Map<String, Value>, path: &Pointer) {
    if remove(whole, path).is_none() {
        return;
    }
    let mut above = path.parent();
    while let Some(pointer) = above {
        let empty = get(whole, &pointer).is_some_and(is_empty);
        if !empty || get(desired, &pointer).is_some() {
            return;
        }
        remove(whole, &pointer);
        above = pointer.parent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Address, Reason, RemoteId};
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    fn cleared(path: &str) -> Edit {
        let path = Pointer::parse(path).expect("a pointer");
        Edit::new(path, None, None, Reason::Removed)
    }

    fn completed(live: Value, desired: Value, ignore: &[&str], edits: &[Edit]) -> Value {
        let live = Live { fields: object(json!({"open": live})).into(), ..Live::empty(RemoteId::new("p1")) };
        let resource = Resource {
            address: Address::parse("service.persona").expect("an address"),
            name: String::new(),
            fields: object(json!({"open": desired})).into(),
            bind: None,
            release: true,
            ignore: ignore.iter().map(|path| Pointer::parse(path).expect("a pointer")).collect(),
            prevent_destroy: false,
            force_destroy: false,
            manage: Default::default(),
        };
        Value::Object(complete("open", &live, &resource, edits))
    }

    #[test]
    fn unmanaged_members_stay_at_every_depth() {
        let whole = completed(json!({"theirs": 1, "deep": {"theirs": 2, "ours": 3}}), json!({"deep": {"ours": 4}}), &[], &[]);
        assert_eq!(whole, json!({"theirs": 1, "deep": {"theirs": 2, "ours": 4}}));
    }

    #[test]
    fn cleared_members_go_with_the_objects_that_held_nothing_else() {
        let live = json!({"deep": {"deeper": {"ours": 1}}, "kept": {"ours": 2}, "theirs": {}});
        let edits = [cleared("/open/deep/deeper/ours"), cleared("/open/kept/ours")];
        assert_eq!(completed(live, json!({"kept": {}}), &[], &edits), json!({"kept": {}, "theirs": {}}));
    }

    #[test]
    fn what_the_files_clear_by_name_is_sent_as_null() {
        let live = json!({"deep": {"ours": 1, "theirs": 2}});
        let desired = json!({"deep": {"ours": null}, "never": null});
        assert_eq!(completed(live, desired, &[], &[cleared("/open/deep/ours")]), json!({"deep": {"ours": null, "theirs": 2}}));
    }

    #[test]
    fn an_object_that_is_cleared_whole_holds_nothing() {
        assert_eq!(completed(json!({"theirs": 1}), json!(null), &[], &[cleared("/open")]), json!({}));
    }

    #[test]
    fn an_object_that_is_wanted_empty_loses_its_members() {
        let edit = Edit { to: Some(json!({})), ..cleared("/open/deep") };
        assert_eq!(completed(json!({"deep": {"ours": 1}}), json!({"deep": {}}), &[], &[edit]), json!({"deep": {}}));
    }

    #[test]
    fn ignored_members_keep_their_live_values() {
        let whole = completed(json!({"tone": "live"}), json!({"tone": "desired", "new": 1}), &["/open/tone"], &[]);
        assert_eq!(whole, json!({"tone": "live", "new": 1}));
    }

    #[test]
    fn an_unchanged_secret_is_written_by_its_name_of_today() {
        let today = json!({"token": {"$env": "NEW", "digest": "d"}});
        assert_eq!(completed(json!({"token": {"$env": "OLD", "digest": "d"}}), today.clone(), &[], &[]), today);
    }

    #[test]
    fn a_secret_is_one_value_and_never_laid_over_an_object_or_under_one() {
        let secret = json!({"secret": {"$env": "KEY", "digest": "d"}});
        let plain = json!({"secret": {"plain": true}});
        assert_eq!(completed(plain.clone(), secret.clone(), &[], &[]), secret);
        assert_eq!(completed(secret, plain.clone(), &[], &[]), plain);
    }

    #[test]
    fn nulls_are_left_out_of_what_is_new_but_not_out_of_lists() {
        let fields = object(json!({"a": null, "b": {"c": null, "d": 1}, "e": [null]}));
        assert_eq!(Value::Object(without_nulls(&fields)), json!({"b": {"d": 1}, "e": [null]}));
    }
}
