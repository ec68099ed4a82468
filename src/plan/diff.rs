//! One generic comparison of desired, applied and live, field by field. No provider has a special case here: what differs between
//! them is in their [`Rules`].

use serde_json::{Map, Value};

use super::change::{Edit, Reason};
use super::rules::{Clear, FieldRule, Reading, Rules};
use super::value::{get, is_empty, is_secret, leaves, same};
use crate::persona::name::Pointer;

/// The documents of one object and the rules they are compared by.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'a> {
    /// What the files want.
    pub desired: &'a Map<String, Value>,
    /// What we last wrote; empty if nothing.
    pub applied: &'a Map<String, Value>,
    /// What the service shows.
    pub live: &'a Map<String, Value>,
    /// How fields behave.
    pub rules: &'a Rules,
    /// Fields that are left alone.
    pub ignore: &'a [Pointer],
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Differences {
    /// Sorted by path.
    pub edits: Vec<Edit>,
    /// Fields that have left the files and cannot be cleared, with the reason: they stay, and are ours no more.
    pub abandoned: Vec<(Pointer, &'static str)>,
    /// Fields that the files want cleared (`null`) and that cannot be, with the reason.
    pub stuck: Vec<(Pointer, &'static str)>,
}

impl<'a> Comparison<'a> {
    /// Compares field by field, after the table of the design: what is declared, what drifted, what was removed.
    pub fn differences(&self) -> Differences {
        let mut found = Differences::default();
        let mut unlike = Vec::new();
        find_unlike(&mut Vec::new(), self.desired, Some(self.applied), Some(self.live), &mut unlike);
        for (path, value) in &unlike {
            if !self.ignores(path) {
                self.compare_desired(path, value, &mut found);
            }
        }
        if !std::ptr::eq(self.applied, self.desired) && self.applied != self.desired {
            self.compare_all_removed(&mut found);
        }
        found.edits.sort_by(|left, right| left.path.cmp(&right.path));
        found
    }

    fn compare_all_removed(&self, found: &mut Differences) {
        let desired = leaves(self.desired);
        for (path, applied) in leaves(self.applied) {
            let named = desired.iter().any(|(wanted, value)| {
                path.covers(wanted) || (wanted.covers(&path) && !(value.is_object() && is_empty(value)))
            });
            if !named && !self.ignores(&path) && !applied.is_null() && !is_empty_object(applied) {
                self.compare_removed(&path, found);
            }
        }
    }

    fn compare_desired(&self, path: &Pointer, wanted: &Value, found: &mut Differences) {
        let rule = self.rules.field(path);
        let live = self.shown(path, rule);
        let applied = get(self.applied, path);
        let unseen = rule.reading == Reading::Partly && applied.is_some_and(|applied| !same(applied, wanted));
        // An object that is to go and shows no member may still hold hidden ones of ours.
        let hollow = wanted.is_null() && live.is_some_and(is_empty_object) && self.hides_below(path, applied);
        // What is never shown may be there although we did not write it: an explicit `null` is written once.
        let hidden = rule.reading == Reading::Never || !self.rules.read;
        let unasked = hidden && wanted.is_null() && applied.is_none();
        if equal(rule, wanted, live) && !unseen && !hollow && !unasked {
            return;
        }
        let reason = match applied {
            Some(applied) if !unseen && equal(rule, wanted, Some(applied)) => Reason::Drifted,
            _ => Reason::Declared,
        };
        if let (Value::Null, Clear::Impossible(why)) = (wanted, rule.clear) {
            found.stuck.push((path.clone(), why));
            return;
        }
        found.edits.push(Edit {
            also_drifted: reason == Reason::Declared && applied.is_some_and(|applied| !equal(rule, applied, live)),
            ..Edit::new(path.clone(), live.cloned(), (!wanted.is_null()).then(|| wanted.clone()), reason)
        });
    }

    /// Whether something that we applied below a path is not shown by reads.
    fn hides_below(&self, path: &Pointer, applied: Option<&Value>) -> bool {
        let members = applied.and_then(Value::as_object);
        members.is_some_and(|members| {
            leaves(members).iter().any(|(below, value)| {
                let whole = Pointer::new(path.segments().iter().chain(below.segments()));
                !value.is_null() && self.rules.field(&whole).reading != Reading::Always
            })
        })
    }

    fn compare_removed(&self, path: &Pointer, found: &mut Differences) {
        let rule = self.rules.field(path);
        let live = self.shown(path, rule);
        if equal(rule, &Value::Null, live) {
            return;
        }
        match rule.clear {
            Clear::Impossible(why) => found.abandoned.push((path.clone(), why)),
            _ => found.edits.push(Edit::new(path.clone(), live.cloned(), None, Reason::Removed)),
        }
    }

    /// The live value as far as reads show the field; what we applied stands in for what they do not show.
    fn shown(&self, path: &Pointer, rule: FieldRule) -> Option<&'a Value> {
        match rule.reading {
            Reading::Always | Reading::Partly => get(self.live, path),
            Reading::MayBeOmitted => get(self.live, path).or_else(|| get(self.applied, path)),
            Reading::Never => get(self.applied, path),
        }
    }

    fn ignores(&self, path: &Pointer) -> bool {
        self.ignore.iter().any(|ignored| ignored.covers(path))
    }
}

/// The leaves of what is wanted that are not plainly the same in all three documents: only for these do the rules matter. Most
/// targets have none, so no pointer is made for what is the same.
fn find_unlike<'a>(
    at: &mut Vec<&'a str>,
    wanted: &'a Map<String, Value>,
    applied: Option<&Map<String, Value>>,
    live: Option<&Map<String, Value>>,
    found: &mut Vec<(Pointer, &'a Value)>,
) {
    for (key, value) in wanted {
        at.push(key);
        let (applied, live) = (applied.and_then(|applied| applied.get(key)), live.and_then(|live| live.get(key)));
        match value {
            Value::Object(members) if !members.is_empty() && !is_secret(value) => {
                find_unlike(at, members, applied.and_then(Value::as_object), live.and_then(Value::as_object), found);
            }
            _ => {
                // What `null` looks like once it is cleared, the rules say.
                let is_alike = |held: Option<&Value>| !value.is_null() && held.is_some_and(|held| same(value, held));
                if !is_alike(applied) || !is_alike(live) {
                    found.push((Pointer::new(at.iter().copied()), value));
                }
            }
        }
        at.pop();
    }
}

fn is_empty_object(value: &Value) -> bool {
    value.is_object() && is_empty(value)
}

/// Whether a field holds what is wanted. A wanted `null` means cleared, whatever that looks like at this service; a wanted `{}`
/// names no field and is content with anything but a scalar.
pub fn equal(rule: FieldRule, wanted: &Value, held: Option<&Value>) -> bool {
    let held = held.filter(|value| !value.is_null());
    let Some(held) = held else {
        return wanted.is_null() || is_empty_object(wanted) || (rule.empty_is_absent && is_empty(wanted));
    };
    if wanted.is_null() {
        return (rule.empty_is_absent && is_empty(held)) || rule.clear.value().is_some_and(|cleared| same(&cleared, held));
    }
    if is_empty_object(wanted) && held.is_object() {
        return true;
    }
    match rule.normal {
        Some(normal) => equal_in_form(rule, &normal(wanted), &normal(held)),
        None => equal_in_form(rule, wanted, held),
    }
}

/// The same once both are in the form in which they are compared.
fn equal_in_form(rule: FieldRule, wanted: &Value, held: &Value) -> bool {
    if rule.empty_is_absent && is_empty(wanted) && is_empty(held) {
        return true;
    }
    match (wanted, held) {
        (Value::Array(wanted), Value::Array(held)) if rule.set => same_set(wanted, held),
        _ => same(wanted, held),
    }
}

fn same_set(left: &[Value], right: &[Value]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut rest: Vec<&Value> = right.iter().collect();
    left.iter().all(|item| match rest.iter().position(|other| same(item, other)) {
        Some(at) => {
            rest.swap_remove(at);
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rules::Listing;
    use serde_json::json;

    static RULES: Rules = Rules {
        list: Listing::Whole,
        read: true,
        delete: true,
        releases: false,
        fields: &[
            FieldRule::at("/text").empty_is_absent().clear(Clear::Text("")),
            FieldRule::at("/tags").set().clear(Clear::EmptyList),
            FieldRule::at("/key").reading(Reading::Never),
            FieldRule::at("/model").reading(Reading::MayBeOmitted),
            FieldRule::at("/voice").clear(Clear::Impossible("a persona always has a voice")),
            FieldRule::at("/loud").clear(Clear::False),
            FieldRule::at("/tools").reading(Reading::Partly).normal(|_| Value::from("all alike")),
        ],
    };

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("a test wants an object, not {other}"),
        }
    }

    fn compare(desired: Value, applied: Value, live: Value) -> Differences {
        Comparison { desired: &object(desired), applied: &object(applied), live: &object(live), rules: &RULES, ignore: &[] }
            .differences()
    }

    fn reasons(found: &Differences) -> Vec<(String, Reason, bool)> {
        found.edits.iter().map(|edit| (edit.path.to_string(), edit.reason, edit.also_drifted)).collect()
    }

    #[test]
    fn a_live_value_as_desired_is_no_edit_whatever_was_applied() {
        assert_eq!(compare(json!({"a": 1}), json!({"a": 5}), json!({"a": 1.0})), Differences::default());
        assert_eq!(compare(json!({"a": 1}), json!({}), json!({"a": 1})), Differences::default());
    }

    #[test]
    fn a_change_behind_our_back_is_drift() {
        let found = compare(json!({"a": 1}), json!({"a": 1}), json!({"a": 2}));
        assert_eq!(reasons(&found), [("/a".to_owned(), Reason::Drifted, false)]);
        assert_eq!(found.edits[0].from, Some(json!(2)));
        assert_eq!(found.edits[0].to, Some(json!(1)));
    }

    #[test]
    fn a_declared_change_tells_when_it_drifted_too() {
        let untouched = compare(json!({"a": 2}), json!({"a": 1}), json!({"a": 1}));
        assert_eq!(reasons(&untouched), [("/a".to_owned(), Reason::Declared, false)]);
        let touched = compare(json!({"a": 2}), json!({"a": 1}), json!({"a": 3}));
        assert_eq!(reasons(&touched), [("/a".to_owned(), Reason::Declared, true)]);
    }

    #[test]
    fn what_we_applied_and_the_files_dropped_is_cleared_and_the_rest_is_not_ours() {
        let found = compare(json!({}), json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}}));
        assert_eq!(reasons(&found), [("/a/b".to_owned(), Reason::Removed, false)]);
        assert_eq!(found.edits[0].to, None);
        assert_eq!(compare(json!({}), json!({"a": {"b": 1}}), json!({"a": {"c": 2}})), Differences::default());
    }

    #[test]
    fn an_emptied_section_clears_what_was_below_it() {
        let found = compare(json!({"a": {}}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}}));
        assert_eq!(reasons(&found), [("/a/b".to_owned(), Reason::Removed, false)]);
    }

    #[test]
    fn a_field_that_cannot_be_cleared_is_said_not_planned() {
        let removed = compare(json!({}), json!({"voice": "v"}), json!({"voice": "v"}));
        assert_eq!(removed.edits, []);
        assert_eq!(removed.abandoned[0].1, "a persona always has a voice");
        let null = compare(json!({"voice": null}), json!({"voice": "v"}), json!({"voice": "v"}));
        assert_eq!(null.stuck.len(), 1);
    }

    #[test]
    fn cleared_looks_as_the_rule_says() {
        for live in [json!({}), json!({"text": null}), json!({"text": ""})] {
            assert_eq!(compare(json!({"text": null}), json!({}), live), Differences::default());
        }
        assert_eq!(compare(json!({"text": ""}), json!({}), json!({"text": []})), Differences::default());
        assert_eq!(compare(json!({"loud": null}), json!({}), json!({"loud": false})), Differences::default());
        assert_eq!(compare(json!({"loud": null}), json!({}), json!({"loud": true})).edits.len(), 1);
    }

    #[test]
    fn sets_have_no_order_and_lists_do() {
        assert_eq!(compare(json!({"tags": ["a", "b"]}), json!({}), json!({"tags": ["b", "a"]})), Differences::default());
        assert_eq!(compare(json!({"tags": ["a", "a"]}), json!({}), json!({"tags": ["b", "a"]})).edits.len(), 1);
        assert_eq!(compare(json!({"tags": ["a"]}), json!({}), json!({"tags": ["a", "b"]})).edits.len(), 1);
        assert_eq!(compare(json!({"list": ["a", "b"]}), json!({}), json!({"list": ["b", "a"]})).edits.len(), 1);
    }

    #[test]
    fn write_only_fields_compare_with_what_we_applied() {
        let secret = |digest: &str| json!({"key": {"$env": "K", "digest": digest}});
        assert_eq!(compare(secret("1"), secret("1"), json!({"key": "********"})), Differences::default());
        assert_eq!(compare(secret("2"), secret("1"), json!({"key": "********"})).edits.len(), 1);
        assert_eq!(compare(secret("1"), json!({}), json!({})).edits.len(), 1);
    }

    #[test]
    fn what_live_shows_as_wanted_says_nothing_of_a_write_only_field() {
        let key = |digest: &str| json!({"key": {"$env": "K", "digest": digest}});
        assert_eq!(compare(key("2"), key("1"), key("2")).edits.len(), 1);
        let tools = |tool: &str| json!({"tools": [tool]});
        assert_eq!(compare(tools("b"), tools("a"), tools("b")).edits.len(), 1);
    }

    #[test]
    fn an_object_that_is_cleared_and_shows_no_member_goes_with_its_hidden_ones() {
        let found = compare(json!({"a": null}), json!({"a": {"k": 1}}), json!({}));
        assert_eq!(found, Differences::default());
        static HIDDEN: Rules =
            Rules { fields: &[FieldRule::at("/a").empty_is_absent(), FieldRule::at("/a/k").reading(Reading::Never)], ..RULES };
        let (desired, applied, live) = (object(json!({"a": null})), object(json!({"a": {"k": 1}})), object(json!({"a": {}})));
        let found = Comparison { desired: &desired, applied: &applied, live: &live, rules: &HIDDEN, ignore: &[] }.differences();
        assert_eq!(reasons(&found), [("/a".to_owned(), Reason::Declared, true)]);
    }

    #[test]
    fn an_explicit_null_of_a_field_that_nobody_sees_is_written_once() {
        assert_eq!(compare(json!({"key": null}), json!({}), json!({})).edits.len(), 1);
        assert_eq!(compare(json!({"key": null}), json!({"key": null}), json!({})), Differences::default());
        assert_eq!(compare(json!({"other": null}), json!({}), json!({})), Differences::default());
    }

    #[test]
    fn a_value_that_reads_may_omit_is_believed_until_they_show_another() {
        assert_eq!(compare(json!({"model": "m"}), json!({"model": "m"}), json!({})), Differences::default());
        assert_eq!(compare(json!({"model": "m"}), json!({}), json!({})).edits.len(), 1);
        let drifted = compare(json!({"model": "m"}), json!({"model": "m"}), json!({"model": "n"}));
        assert_eq!(reasons(&drifted), [("/model".to_owned(), Reason::Drifted, false)]);
    }

    #[test]
    fn parts_that_reads_leave_out_are_compared_with_what_we_applied() {
        assert_eq!(compare(json!({"tools": ["a"]}), json!({"tools": ["a"]}), json!({"tools": ["?"]})), Differences::default());
        let found = compare(json!({"tools": ["b"]}), json!({"tools": ["a"]}), json!({"tools": ["?"]}));
        assert_eq!(reasons(&found), [("/tools".to_owned(), Reason::Declared, false)]);
    }

    #[test]
    fn ignored_fields_are_left_alone() {
        let desired = object(json!({"a": {"b": 1}, "c": 1}));
        let live = object(json!({"a": {"b": 2}, "c": 2}));
        let applied = Map::new();
        let ignore = [Pointer::new(["a"])];
        let found =
            Comparison { desired: &desired, applied: &applied, live: &live, rules: &RULES, ignore: &ignore }.differences();
        assert_eq!(found.edits.iter().map(|edit| edit.path.to_string()).collect::<Vec<_>>(), ["/c"]);
    }

    #[test]
    fn an_ignored_field_that_leaves_the_files_is_left_alone_too() {
        let (desired, held) = (Map::new(), object(json!({"a": {"b": 1}, "c": 1})));
        let ignore = [Pointer::new(["a"])];
        let found = Comparison { desired: &desired, applied: &held, live: &held, rules: &RULES, ignore: &ignore }.differences();
        assert_eq!(reasons(&found), [("/c".to_owned(), Reason::Removed, false)]);
    }
}
