//! What can be looked up at Tavus: replicas, documents, objectives and guardrails. One envelope, but pages of documents count
//! from 0 and the others from 1.

use serde_json::Value;

use crate::plan::{Method, Request};
use crate::provider::{Catalogue, Named, Refusal, Response, Shelf};

/// A size that all of these lists give.
const PAGE_SIZE: u32 = 100;

/// By kind. A list of guardrails must say whether sets (the older form) are meant: what it shows otherwise is in dispute.
pub(super) static CATALOGUES: [Catalogue; 5] = [
    Catalogue {
        kind: "replica",
        list: |page| paged("replicas", page, ""),
        listed: |page, response| shelf(page, response, replica),
    },
    Catalogue {
        kind: "document",
        list: |page| paged("documents", page.saturating_sub(1), ""),
        listed: |page, response| shelf(page, response, document),
    },
    Catalogue {
        kind: "objectives",
        list: |page| paged("objectives", page, ""),
        listed: |page, response| shelf(page, response, objectives),
    },
    Catalogue {
        kind: "guardrail",
        list: |page| paged("guardrails", page, "&legacy=false"),
        listed: |page, response| shelf(page, response, guardrail),
    },
    Catalogue {
        kind: "guardrail_set",
        list: |page| paged("guardrails", page, "&legacy=true"),
        listed: |page, response| shelf(page, response, guardrail_set),
    },
];

fn paged(path: &str, page: u32, more: &str) -> Request {
    Request::new(Method::Get, format!("/v2/{path}?limit={PAGE_SIZE}&page={page}{more}"))
}

fn shelf(page: u32, response: &Response, read: fn(&Value) -> Option<Named>) -> Result<Shelf, Refusal> {
    if !response.is_success() {
        return Err(super::wire::refusal(response));
    }
    let body = response.json();
    let Some(items) = body.and_then(|body| body.get("data")).and_then(Value::as_array) else {
        return Err(Refusal::unreadable(response, "a list with `data`"));
    };
    let total = body.and_then(|body| body.get("total_count")).and_then(Value::as_u64);
    let short = items.len() < usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX);
    let complete = total.is_some_and(|total| u64::from(page) * u64::from(PAGE_SIZE) >= total);
    let more = !items.is_empty() && if total.is_some() { !complete } else { !short };
    Ok(Shelf { items: items.iter().filter_map(read).collect(), more })
}

fn named(item: &Value, id: &[&str], name: &[&str], about: &[&str]) -> Option<Named> {
    let text = |key: &&str| item.get(*key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let about: Vec<&str> = about.iter().filter_map(text).collect();
    Some(Named {
        id: id.iter().find_map(text)?.to_owned(),
        name: name.iter().find_map(text)?.to_owned(),
        also: None,
        about: about.join(", "),
    })
}

/// Replicas are called faces in newer answers.
fn replica(item: &Value) -> Option<Named> {
    named(item, &["replica_id", "face_id"], &["replica_name", "face_name"], &["replica_type", "status"])
}

fn document(item: &Value) -> Option<Named> {
    named(item, &["document_id", "uuid"], &["document_name"], &["status"])
}

fn objectives(item: &Value) -> Option<Named> {
    named(item, &["objectives_id", "uuid"], &["objectives_name", "objective_name", "name"], &["status"])
}

fn guardrail(item: &Value) -> Option<Named> {
    named(item, &["uuid", "guardrail_id"], &["guardrail_name"], &["modality"])
}

fn guardrail_set(item: &Value) -> Option<Named> {
    named(item, &["guardrails_id"], &["guardrails_name", "name"], &["status"])
}
