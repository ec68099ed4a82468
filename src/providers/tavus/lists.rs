//! The smallest single operation that turns one list into another. Always one: where several elements differ, the whole list
//! is replaced, since fewer operations go before fewer bytes.

use serde_json::{Value, json};

use crate::persona::name::Pointer;
use crate::plan::value::{is_secret, same};

/// One operation on a list in its order: the change of one element where that is smaller than the whole list.
pub(super) fn operation(at: &Pointer, live: &Value, wanted: &Value) -> Value {
    narrow(at, live, wanted).unwrap_or_else(|| replace(at, wanted))
}

/// The same for a list whose order means nothing.
pub(super) fn set_operation(at: &Pointer, live: &[Value], wanted: &[Value]) -> Value {
    let whole = replace(at, &Value::Array(wanted.to_vec()));
    // Twins count: what is there once more than wanted goes once.
    let mut new: Vec<&Value> = wanted.iter().collect();
    let mut gone = Vec::new();
    for (index, value) in live.iter().enumerate() {
        match new.iter().position(|other| same(other, value)) {
            Some(at) => drop(new.remove(at)),
            None => gone.push(index),
        }
    }
    match (gone[..].first(), new[..].first()) {
        (Some(&index), None) if gone.len() == 1 => shorter(remove(&at.child(index.to_string())), whole),
        (None, Some(value)) if new.len() == 1 => shorter(add(&at.child("-"), value), whole),
        (Some(&index), Some(value)) if gone.len() == 1 && new.len() == 1 => {
            shorter(replace(&at.child(index.to_string()), value), whole)
        }
        _ => whole,
    }
}

/// `add`: makes a member, or writes over it.
pub(super) fn add(at: &Pointer, value: &Value) -> Value {
    json!({"op": "add", "path": at, "value": value})
}

/// `replace`: fails where there is no such member.
pub(super) fn replace(at: &Pointer, value: &Value) -> Value {
    json!({"op": "replace", "path": at, "value": value})
}

/// `remove`, without a `value`: fails where there is no such member.
pub(super) fn remove(at: &Pointer) -> Value {
    json!({"op": "remove", "path": at})
}

/// The one operation inside a value that we own as a whole; none where it is no shorter than replacing the value, or not one.
fn narrow(at: &Pointer, live: &Value, wanted: &Value) -> Option<Value> {
    let inner = match (live, wanted) {
        (Value::Array(live), Value::Array(wanted)) => narrow_list(at, live, wanted)?,
        (Value::Object(live), Value::Object(members)) if !is_secret(wanted) => {
            let mut names: Vec<&String> = live.keys().chain(members.keys()).collect();
            names.sort();
            names.dedup();
            names.retain(|&name| match (live.get(name), members.get(name)) {
                (Some(live), Some(wanted)) => !same(live, wanted),
                _ => true,
            });
            let [name] = names[..] else { return None };
            match (live.get(name), members.get(name)) {
                (Some(live), Some(wanted)) => operation(&at.child(name), live, wanted),
                (None, Some(wanted)) => add(&at.child(name), wanted),
                (Some(_), None) => remove(&at.child(name)),
                (None, None) => return None,
            }
        }
        _ => return None,
    };
    let whole = replace(at, wanted);
    (length(&inner) < length(&whole)).then_some(inner)
}

fn narrow_list(at: &Pointer, live: &[Value], wanted: &[Value]) -> Option<Value> {
    let head = live.iter().zip(wanted).take_while(|(live, wanted)| same(live, wanted)).count();
    let (live, wanted) = (&live[head..], &wanted[head..]);
    let tail = live.iter().rev().zip(wanted.iter().rev()).take_while(|(live, wanted)| same(live, wanted)).count();
    let element = at.child(head.to_string());
    match (&live[..live.len() - tail], &wanted[..wanted.len() - tail]) {
        ([], [wanted]) => Some(add(&element, wanted)),
        ([_], []) => Some(remove(&element)),
        ([live], [wanted]) => Some(operation(&element, live, wanted)),
        _ => None,
    }
}

fn shorter(inner: Value, whole: Value) -> Value {
    if length(&inner) < length(&whole) { inner } else { whole }
}

fn length(operation: &Value) -> usize {
    operation.to_string().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Pointer {
        Pointer::new(["list"])
    }

    const LONG: &str = "Does the participant look as if an answer had confused them?";

    #[test]
    fn one_new_element_is_inserted_where_it_belongs() {
        let live = json!([LONG, "b"]);
        assert_eq!(
            operation(&at(), &live, &json!([LONG, "new", "b"])),
            json!({"op": "add", "path": "/list/1", "value": "new"})
        );
    }

    #[test]
    fn one_element_that_is_gone_is_removed() {
        assert_eq!(operation(&at(), &json!([LONG, "b", "c"]), &json!([LONG, "c"])), json!({"op": "remove", "path": "/list/1"}));
    }

    #[test]
    fn a_change_deep_inside_one_element_is_made_there() {
        let live = json!([{"function": {"name": "f", "parameters": {"required": ["a"], "title": LONG}}}]);
        let wanted = json!([{"function": {"name": "f", "parameters": {"required": ["a", "b"], "title": LONG}}}]);
        assert_eq!(
            operation(&at(), &live, &wanted),
            json!({"op": "add", "path": "/list/0/function/parameters/required/1", "value": "b"})
        );
    }

    #[test]
    fn a_short_list_is_replaced_where_that_is_no_longer() {
        assert_eq!(operation(&at(), &json!([1]), &json!([2])), replace(&at(), &json!([2])));
    }

    #[test]
    fn a_number_that_is_only_written_differently_is_no_difference() {
        let wanted = json!([1.0, LONG, "new"]);
        assert_eq!(operation(&at(), &json!([1, LONG]), &wanted), add(&at().child("2"), &json!("new")));
    }

    #[test]
    fn several_changes_replace_the_whole_list_in_one_operation() {
        let wanted = json!(["x", LONG, "y"]);
        assert_eq!(operation(&at(), &json!(["a", LONG, "b"]), &wanted), replace(&at(), &wanted));
    }

    #[test]
    fn a_set_grows_at_its_end_wherever_the_file_lists_the_new_element() {
        let live = [json!("d1234567890"), json!("d2468101214")];
        let wanted = [json!("d1357911131"), json!("d2468101214"), json!("d1234567890")];
        assert_eq!(set_operation(&at(), &live, &wanted), json!({"op": "add", "path": "/list/-", "value": "d1357911131"}));
    }

    #[test]
    fn one_element_of_a_set_is_exchanged_in_place() {
        let live = [json!("d1234567890"), json!("d2468101214")];
        let wanted = [json!("d2468101214"), json!("d1357911131")];
        assert_eq!(set_operation(&at(), &live, &wanted), json!({"op": "replace", "path": "/list/0", "value": "d1357911131"}));
        assert_eq!(set_operation(&at(), &live, &wanted[..1]), json!({"op": "remove", "path": "/list/0"}));
        let twins = [json!("d1234567890"), json!("d1234567890")];
        assert_eq!(set_operation(&at(), &twins, &twins[..1]), json!({"op": "remove", "path": "/list/1"}));
    }
}
