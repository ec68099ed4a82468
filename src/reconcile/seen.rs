//! Whether an object is still what a plan saw, as far as the plan depends on it. Pure.
//!
//! An object that is the very same is. Of another one, every managed field and everything that the requests would change must be
//! as the plan saw it; what nobody manages and no request touches may differ. A field that already holds what is planned for it is
//! no reason to stop.

use serde_json::{Map, Value};

use crate::persona::name::Pointer;
use crate::plan::diff::equal;
use crate::plan::value::{get, leaves, same};
use crate::plan::{Action, Change, Dialect, Edit, Live, Reading, Rules, proof};

/// How an object stands to the plan that is about to change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// As the plan saw it, where it matters.
    AsPlanned,
    /// It holds everything already: there is nothing to write.
    Already,
    /// It differs where it matters: how, as a fragment.
    Changed(String),
}

/// Compares an object that was just read with what the plan saw. `applied` is what the change will have applied.
pub(super) fn sight(change: &Change, applied: &Map<String, Value>, live: &Live, dialect: &dyn Dialect) -> Sight {
    if change.live_digest.as_deref() == Some(live.digest().as_str()) {
        return Sight::AsPlanned;
    }
    if change.action == Action::Delete {
        return Sight::Changed("it was changed elsewhere after the plan was made, and a delete takes all of it".to_owned());
    }
    let rules = dialect.rules();
    let after = proof::predict(dialect, live, &change.requests);
    let elsewhere = |path: &Pointer| Sight::Changed(format!("`{path}` was changed elsewhere after the plan was made"));
    for edit in &change.edits {
        if rules.field(&edit.path).reading != Reading::Never && !as_planned(edit, live, rules) {
            return elsewhere(&edit.path);
        }
    }
    let edited = |path: &Pointer| change.edits.iter().any(|edit| edit.path.covers(path) || path.covers(&edit.path));
    for (path, value) in leaves(applied) {
        if !edited(&path) && !holds(rules, &path, value, get(&live.fields, &path)) {
            return elsewhere(&path);
        }
    }
    let managed = |path: &Pointer| edited(path) || get(applied, path).is_some();
    let documents = [(Some(&live.fields), Some(&after.fields)), (live.released.as_ref(), after.released.as_ref())];
    for (before, after_it) in documents {
        let (Some(before), Some(after_it)) = (before, after_it) else { continue };
        // What nobody can predict, the requests may write as well.
        let unknown = |path: &Pointer| after.unknown.iter().any(|unknown| unknown.covers(path));
        let open = leaves(before).into_iter().map(|(path, _)| path).filter(unknown);
        if let Some(path) = touched(before, after_it, rules).into_iter().chain(open).find(|path| !managed(path)) {
            return Sight::Changed(format!(
                "the object was changed elsewhere after the plan was made, and the planned requests would also write `{path}`"
            ));
        }
    }
    if let Some(edit) = change.edits.iter().find(|edit| !reached(edit, &after, rules) && !is_hidden(edit, &after, rules)) {
        return elsewhere(&edit.path);
    }
    let unchanged = after.fields == live.fields && after.released == live.released && after.unknown == live.unknown;
    if unchanged && !change.requests.is_empty() { Sight::Already } else { Sight::AsPlanned }
}

/// Whether an edited field still holds what the plan saw, or already what it plans.
fn as_planned(edit: &Edit, live: &Live, rules: &Rules) -> bool {
    let document = match &live.released {
        Some(released) if edit.release_only => released,
        _ => &live.fields,
    };
    let current = get(document, &edit.path);
    let unseen = current.is_none() && rules.field(&edit.path).reading == Reading::MayBeOmitted;
    let as_seen = match (&edit.from, current) {
        (Some(from), Some(current)) => same(from, current),
        (None, None) => true,
        _ => false,
    };
    unseen || as_seen || equal(rules.field(&edit.path), edit.to.as_ref().unwrap_or(&Value::Null), current)
}

fn reached(edit: &Edit, after: &Live, rules: &Rules) -> bool {
    equal(rules.field(&edit.path), edit.to.as_ref().unwrap_or(&Value::Null), get(&after.fields, &edit.path))
}

/// Whether the prediction leaves open what the field will be, or nobody can see it.
fn is_hidden(edit: &Edit, after: &Live, rules: &Rules) -> bool {
    rules.field(&edit.path).reading == Reading::Never
        || after.unknown.iter().any(|unknown| unknown.covers(&edit.path) || edit.path.covers(unknown))
}

/// Whether a managed field that is not edited holds what it should, as far as a read can tell.
fn holds(rules: &Rules, path: &Pointer, wanted: &Value, current: Option<&Value>) -> bool {
    let rule = rules.field(path);
    match rule.reading {
        Reading::Never => true,
        Reading::MayBeOmitted if current.is_none() => true,
        _ => equal(rule, wanted, current),
    }
}

/// The fields that a prediction changes.
fn touched(before: &Map<String, Value>, after: &Map<String, Value>, rules: &Rules) -> Vec<Pointer> {
    let differs = |path: &Pointer| {
        let (before, after) = (get(before, path), get(after, path));
        let alike = match (before, after) {
            (Some(before), Some(after)) => same(before, after) || equal(rules.field(path), before, Some(after)),
            (Some(only), None) | (None, Some(only)) => equal(rules.field(path), only, None),
            (None, None) => true,
        };
        !alike
    };
    let paths = leaves(before).into_iter().chain(leaves(after)).map(|(path, _)| path);
    paths.filter(differs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persona::name::Manage;
    use crate::plan::{Address, Draft, Listing, Method, Reason, RemoteId, Request, Resource};
    use serde_json::json;

    /// A service that stores whole fields, and copies all of them on a release.
    struct Plain;

    static RULES: Rules = Rules { list: Listing::Whole, read: true, delete: true, releases: true, fields: &[] };

    impl Dialect for Plain {
        fn rules(&self) -> &'static Rules {
            &RULES
        }
        fn create(&self, _: &Resource) -> Draft {
            Draft::default()
        }
        fn update(&self, _: &Live, _: &Resource, _: &[Edit]) -> Draft {
            Draft::default()
        }
        fn delete(&self, _: &RemoteId) -> Option<Request> {
            None
        }
        fn predict(&self, live: &Live, request: &Request) -> Live {
            let mut live = live.clone();
            match request.body.as_ref().and_then(Value::as_object) {
                Some(body) => live.fields.extend(body.clone()),
                None => live.released = Some(live.fields.clone()),
            }
            live
        }
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    fn live(fields: Value) -> Live {
        Live { fields: object(fields).into(), ..Live::empty(RemoteId::new("1")) }
    }

    /// `x` goes from 1 to 2, `m` is managed and stays 1; the request also carries what it must of `config`.
    fn change(action: Action, requests: Vec<Request>) -> Change {
        let edit = Edit::new(Pointer::new(["x"]), Some(json!(1)), Some(json!(2)), Reason::Declared);
        Change {
            address: Address::parse("a.ada").expect("an address"),
            provider: "plain".to_owned(),
            action,
            id: Some(RemoteId::new("1")),
            name: String::new(),
            reason: Reason::Declared,
            moved_from: None,
            source: None,
            edits: vec![edit],
            requests,
            notes: Vec::new(),
            applied: object(json!({"x": 2, "m": 1})).into(),
            prevent_destroy: false,
            force_destroy: false,
            manage: Manage::Full,
            live_digest: Some(live(json!({"x": 1, "m": 1, "y": 1, "config": {"echo": 1}})).digest()),
        }
    }

    fn seen(now: Value) -> Sight {
        let body = json!({"x": 2, "config": {"echo": 1}});
        let request = Request::new(Method::Patch, "/1").with_body(body);
        sighted(&change(Action::Update, vec![request]), &live(now))
    }

    fn sighted(change: &Change, live: &Live) -> Sight {
        sight(change, &change.applied, live, &Plain)
    }

    fn is_changed(sight: Sight, path: &str) -> bool {
        matches!(&sight, Sight::Changed(why) if why.contains(path))
    }

    #[test]
    fn the_same_object_and_one_that_differs_elsewhere_are_as_planned() {
        assert_eq!(seen(json!({"x": 1, "m": 1, "y": 1, "config": {"echo": 1}})), Sight::AsPlanned);
        assert_eq!(seen(json!({"x": 1, "m": 1, "y": 9, "config": {"echo": 1}})), Sight::AsPlanned);
    }

    #[test]
    fn an_edited_or_managed_field_that_somebody_changed_is_not() {
        assert!(is_changed(seen(json!({"x": 7, "m": 1, "y": 1, "config": {"echo": 1}})), "`/x`"));
        assert!(is_changed(seen(json!({"x": 1, "m": 7, "y": 1, "config": {"echo": 1}})), "`/m`"));
    }

    #[test]
    fn what_the_requests_would_put_back_is_touched_though_nobody_manages_it() {
        assert!(is_changed(seen(json!({"x": 1, "m": 1, "y": 1, "config": {"echo": 7}})), "`/config/echo`"));
        assert!(is_changed(seen(json!({"x": 1, "m": 1, "y": 1, "config": {"echo": 1, "new": 1}})), "`/config/new`"));
    }

    #[test]
    fn what_is_as_planned_already_needs_no_write() {
        assert_eq!(seen(json!({"x": 2, "m": 1, "y": 1, "config": {"echo": 1}})), Sight::Already);
    }

    #[test]
    fn a_release_that_would_carry_somebody_elses_draft_is_refused() {
        let requests = vec![Request::new(Method::Patch, "/1").with_body(json!({"x": 2})), Request::new(Method::Post, "/1/r")];
        let change = change(Action::Update, requests);
        let with = |draft: i32| Live {
            released: Some(object(json!({"x": 1, "m": 1, "y": 1})).into()),
            ..live(json!({"x": 1, "m": 1, "y": draft}))
        };
        assert_eq!(sighted(&change, &with(1)), Sight::AsPlanned);
        assert!(is_changed(sighted(&change, &with(5)), "`/y`"));
    }

    #[test]
    fn a_delete_wants_the_very_same_object() {
        let now = live(json!({"x": 1, "m": 1, "y": 9, "config": {"echo": 1}}));
        assert!(is_changed(sighted(&change(Action::Delete, Vec::new()), &now), "takes all of it"));
    }
}
