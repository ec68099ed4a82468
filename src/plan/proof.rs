//! The proof of a change before anybody sees it: the provider's own prediction must reach what is wanted and touch nothing else.

use serde_json::{Map, Value};

use super::change::{Edit, Request};
use super::dialect::Dialect;
use super::diff::{Comparison, equal};
use super::resource::{Live, RemoteId, Resource};
use super::value::{get, leaves, same, set};
use crate::persona::name::Pointer;

/// What a prediction got wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Disproof {
    /// The field.
    pub path: Pointer,
    /// In what way, as a fragment.
    pub why: &'static str,
}

/// Runs requests against a copy of the live object.
pub fn predict(dialect: &dyn Dialect, live: &Live, requests: &[Request]) -> Live {
    requests.iter().fold(live.clone(), |live, request| dialect.predict(&live, request))
}

/// The managed fields that the first request of a create carries: what its object can be found by when the answer is lost.
pub fn carried(dialect: &dyn Dialect, first: &Request, applied: &Map<String, Value>) -> Map<String, Value> {
    let after = dialect.predict(&Live::empty(RemoteId::new("{id}")), first);
    let mut carried = Map::new();
    for (path, value) in leaves(applied) {
        if !value.is_null() && get(&after.fields, &path).is_some_and(|held| same(held, value)) {
            set(&mut carried, &path, value.clone());
        }
    }
    carried
}

/// Checks that the predicted object holds every managed field as wanted, and every other field as before.
///
/// # Errors
/// The first field for which that does not hold: a mistake of ours, never of a user.
pub fn prove(
    dialect: &dyn Dialect,
    before: Option<&Live>,
    after: &Live,
    resource: &Resource,
    edits: &[Edit],
) -> Result<(), Disproof> {
    let unknown = |path: &Pointer| after.unknown.iter().any(|unknown| unknown.covers(path) || path.covers(unknown));
    let documents = [Some(&after.fields), after.released.as_ref().filter(|_| resource.release)];
    for document in documents.into_iter().flatten() {
        // What reads may leave out was just written, so the desired document stands for the applied one.
        let comparison = Comparison {
            desired: &resource.fields,
            applied: &resource.fields,
            live: document,
            rules: dialect.rules(),
            ignore: if before.is_some() { &resource.ignore } else { &[] },
        };
        if let Some(edit) = comparison.differences().edits.into_iter().find(|edit| !unknown(&edit.path)) {
            return Err(Disproof { path: edit.path, why: "would not hold what the files want" });
        }
        for edit in edits.iter().filter(|edit| edit.to.is_none() && !unknown(&edit.path)) {
            if !equal(dialect.rules().field(&edit.path), &Value::Null, get(document, &edit.path)) {
                return Err(Disproof { path: edit.path.clone(), why: "would not be cleared" });
            }
        }
    }
    let Some(before) = before else { return Ok(()) };
    for (path, value) in leaves(&before.fields) {
        let edited = edits.iter().any(|edit| edit.path.covers(&path) || path.covers(&edit.path));
        // What the files name was compared above: an object that is wanted empty may come to be where `null` was.
        let ignored = resource.ignore.iter().any(|ignored| ignored.covers(&path));
        let edited = edited || (get(&resource.fields, &path).is_some() && !ignored);
        let kept = get(&after.fields, &path).is_some_and(|after| same(after, value))
            || equal(dialect.rules().field(&path), value, get(&after.fields, &path));
        if !edited && !kept && !unknown(&path) {
            return Err(Disproof { path, why: "is not in the plan and would change" });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::dialect::Draft;
    use crate::plan::{Address, Listing, Reason, Rules};
    use serde_json::json;

    /// Only its rules are asked for.
    struct Plain;

    impl Dialect for Plain {
        fn rules(&self) -> &'static Rules {
            static RULES: Rules = Rules { list: Listing::Whole, read: true, delete: true, releases: true, fields: &[] };
            &RULES
        }

        fn create(&self, _resource: &Resource) -> Draft {
            Draft::default()
        }

        fn update(&self, _live: &Live, _resource: &Resource, _edits: &[Edit]) -> Draft {
            Draft::default()
        }

        fn delete(&self, _id: &RemoteId) -> Option<Request> {
            None
        }

        fn predict(&self, live: &Live, _request: &Request) -> Live {
            live.clone()
        }
    }

    fn live(fields: Value) -> Live {
        Live { fields: fields.as_object().expect("an object").clone().into(), ..Live::empty(RemoteId::new("1")) }
    }

    fn resource(fields: Value) -> Resource {
        Resource {
            address: Address::parse("a.b").expect("an address"),
            name: String::new(),
            fields: fields.as_object().expect("an object").clone().into(),
            bind: None,
            release: true,
            ignore: Vec::new(),
            prevent_destroy: false,
            force_destroy: false,
            manage: Default::default(),
        }
    }

    fn cleared(path: &str) -> Edit {
        Edit::new(Pointer::parse(path).expect("a pointer"), None, None, Reason::Removed)
    }

    #[test]
    fn what_was_to_be_cleared_and_is_still_there_is_a_disproof() {
        let (before, wanted) = (live(json!({"a": 1, "b": 2})), resource(json!({"b": 2})));
        let edits = [cleared("/a")];
        let why = |after: &Live| prove(&Plain, Some(&before), after, &wanted, &edits).err().map(|disproof| disproof.why);
        assert_eq!(why(&before), Some("would not be cleared"));
        assert_eq!(why(&live(json!({"b": 2}))), None);
    }

    #[test]
    fn an_ignored_field_is_still_wanted_of_what_is_made_anew() {
        let mut wanted = resource(json!({"a": 1}));
        wanted.ignore.push(Pointer::new(["a"]));
        let without = live(json!({}));
        assert!(prove(&Plain, None, &without, &wanted, &[]).is_err());
        assert_eq!(prove(&Plain, Some(&without), &without, &wanted, &[]), Ok(()));
    }

    #[test]
    fn what_customers_hear_counts_only_where_it_is_to_be_released() {
        let mut after = live(json!({"a": 1}));
        after.released = Some(crate::plan::Document::default());
        let mut wanted = resource(json!({"a": 1}));
        assert!(prove(&Plain, None, &after, &wanted, &[]).is_err());
        wanted.release = false;
        assert_eq!(prove(&Plain, None, &after, &wanted, &[]), Ok(()));
    }
}
