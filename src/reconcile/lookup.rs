//! Names at a service: whole catalogues are read once, and names found in them. Only ever reads.

use std::collections::BTreeSet;

use super::connection::{Connection, Failure};
use crate::provider::{Catalogue, Named};

/// More pages than any catalogue has; ends a service that always says there is more.
const MAX_PAGES: u32 = 1_000;

/// Reads all pages of a catalogue, in the order of names.
///
/// # Errors
/// When a page cannot be read: a part of a catalogue would make a name look unique or unknown that is not.
pub async fn catalogue(connection: &Connection, catalogue: &Catalogue) -> Result<Vec<Named>, Failure> {
    let mut items: Vec<Named> = Vec::new();
    let mut seen = BTreeSet::new();
    for number in 1..=MAX_PAGES {
        let request = (catalogue.list)(number);
        let response = connection.send(&request).await?;
        let shelf = (catalogue.listed)(number, &response).map_err(|refusal| connection.refused(&request, &refusal))?;
        let before = items.len();
        for item in shelf.items {
            if seen.insert(item.id.clone()) {
                items.push(item);
            }
        }
        if !shelf.more || items.len() == before {
            break;
        }
    }
    items.sort_by(|left, right| (&left.name, &left.id).cmp(&(&right.name, &right.id)));
    Ok(items)
}

/// What a name leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<'a> {
    /// One thing.
    One(&'a Named),
    /// None; the nearest names.
    Nothing(Vec<&'a Named>),
    /// More than one.
    Several(Vec<&'a Named>),
}

/// Finds a thing by its exact name.
pub fn find<'a>(items: &'a [Named], name: &str) -> Found<'a> {
    let exact: Vec<&Named> = items.iter().filter(|item| item.name == name).collect();
    let exact = match exact.is_empty() {
        true => items.iter().filter(|item| item.also.as_deref() == Some(name)).collect(),
        false => exact,
    };
    match exact.as_slice() {
        [one] => Found::One(one),
        [] => {
            let folded = name.to_lowercase();
            let likeness = |item: &Named| {
                let known = item.name.to_lowercase();
                let within = if known.contains(&folded) { 0.3 } else { 0.0 };
                strsim::jaro_winkler(&folded, &known) + within
            };
            let mut near: Vec<(f64, &Named)> = items.iter().map(|item| (likeness(item), item)).collect();
            near.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.1.name.cmp(&right.1.name)));
            Found::Nothing(near.into_iter().filter(|(likeness, _)| *likeness > 0.6).take(3).map(|(_, item)| item).collect())
        }
        _ => Found::Several(exact),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: &str, name: &str, also: Option<&str>) -> Named {
        Named { id: id.to_owned(), name: name.to_owned(), also: also.map(str::to_owned), about: String::new() }
    }

    #[test]
    fn names_are_exact_and_variants_tell_twins_apart() {
        let items = [
            named("1", "Liv/home", Some("Liv")),
            named("2", "Liv/office", Some("Liv")),
            named("3", "Cara/desk", Some("Cara")),
            named("4", "June", None),
            named("5", "June", None),
        ];
        assert_eq!(find(&items, "Liv/office"), Found::One(&items[1]));
        assert_eq!(find(&items, "Cara"), Found::One(&items[2]));
        assert_eq!(find(&items, "Liv"), Found::Several(vec![&items[0], &items[1]]));
        assert_eq!(find(&items, "June"), Found::Several(vec![&items[3], &items[4]]));
        assert_eq!(find(&items, "june"), Found::Nothing(vec![&items[3], &items[4]]));
        assert_eq!(find(&items, "Xqz"), Found::Nothing(vec![]));
    }
}
