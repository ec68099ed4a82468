//! What can be looked up at Tavus: replicas (faces of PALs), documents, objectives and guardrails. One envelope, but pages of documents count
//! from 0 and the others from 1.

use serde_json::Value;

use super::api::Api;
use crate::plan::{Method, Request};
use crate::provider::{Catalogue, Named, Refusal, Response, Shelf};

/// A size that all of these lists give.
const PAGE_SIZE: u32 = 100;

const REPLICA: Catalogue = Catalogue {
    kind: "replica",
    fields: &["/default_replica_id"],
    list: |page| paged("replicas", page, ""),
    listed: |page, response| shelf(page, response, replica),
};

/// What PALs call a replica.
const FACE: Catalogue = Catalogue {
    kind: "face",
    fields: &["/default_face_id"],
    list: |page| paged("faces", page, ""),
    listed: |page, response| shelf(page, response, replica),
};

const DOCUMENT: Catalogue = Catalogue {
    kind: "document",
    fields: &["/document_ids/*"],
    list: |page| paged("documents", page.saturating_sub(1), ""),
    listed: |page, response| shelf(page, response, document),
};

const OBJECTIVES: Catalogue = Catalogue {
    kind: "objectives",
    fields: &["/objectives_id"],
    list: |page| paged("objectives", page, ""),
    listed: |page, response| shelf(page, response, objectives),
};

/// A list of guardrails must say whether sets (the older form) are meant: what it shows otherwise is in dispute.
const GUARDRAIL: Catalogue = Catalogue {
    kind: "guardrail",
    fields: &["/guardrail_ids/*"],
    list: |page| paged("guardrails", page, "&legacy=false"),
    listed: |page, response| shelf(page, response, guardrail),
};

const GUARDRAIL_SET: Catalogue = Catalogue {
    kind: "guardrail_set",
    fields: &["/guardrails_id"],
    list: |page| paged("guardrails", page, "&legacy=true"),
    listed: |page, response| shelf(page, response, guardrail_set),
};

static OF_PERSONAS: [Catalogue; 5] = [REPLICA, DOCUMENT, OBJECTIVES, GUARDRAIL, GUARDRAIL_SET];
static OF_PALS: [Catalogue; 5] = [FACE, DOCUMENT, OBJECTIVES, GUARDRAIL, GUARDRAIL_SET];

/// By kind, in the words of a generation.
pub(super) fn catalogues(api: Api) -> &'static [Catalogue] {
    match api {
        Api::Personas => &OF_PERSONAS,
        Api::Pals => &OF_PALS,
    }
}

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

/// Each generation documents its own names, and each still takes and may show the other's.
fn replica(item: &Value) -> Option<Named> {
    let about = ["replica_type", "face_type", "status"];
    named(item, &["replica_id", "face_id"], &["replica_name", "face_name"], &about)
}

fn document(item: &Value) -> Option<Named> {
    named(item, &["document_id", "uuid"], &["document_name"], &["status"])
}

/// `objectives_id` and `objective_name` are documented for this list, beside fields of a single objective, though what has an id
/// and is attached is a set. The other names stand in answers as code of other clients reads them, and in what a create sends.
fn objectives(item: &Value) -> Option<Named> {
    named(item, &["objectives_id", "uuid"], &["objective_name", "objectives_name", "name"], &["status"])
}

fn guardrail(item: &Value) -> Option<Named> {
    named(item, &["uuid", "guardrail_id"], &["guardrail_name"], &["modality"])
}

/// The list documents the id alone; the name is called so in the answer to a create.
fn guardrail_set(item: &Value) -> Option<Named> {
    named(item, &["guardrails_id"], &["guardrails_name", "name"], &["status"])
}
