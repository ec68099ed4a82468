//! Bland's row: names, rules, where it lives. What people write is in `spec`, what is sent in `wire`, what comes back in
//! `answer`.
//!
//! A Bland persona has two halves. Name, role, description, tags and image belong to the persona and change at once; the rest
//! is versioned: writes go to the draft, callers hear production, and only a promotion copies the one to the other.

mod answer;
mod catalogue;
pub(super) mod remarks;
pub mod sandbox;
pub mod spec;
#[cfg(test)]
mod tests;
pub mod wire;

use schemars::{Schema, SchemaGenerator};

use crate::persona::document::{Persona, Target};
use crate::persona::problem::Problem;
use crate::plan::{Address, Clear, Dialect, Draft, Edit, FieldRule, Listing, Live, RemoteId, Request, Resource, Rules};
use crate::provider::{Catalogue, Limits, Page, Provider, Refusal, Response, Seen, Service};

/// Bland, <https://www.bland.ai>.
#[derive(Clone, Copy, Debug)]
pub struct Bland;

/// The one value of [`Bland`].
pub static BLAND: Bland = Bland;

static SERVICE: Service = Service {
    title: "Bland",
    update: "PATCH of the draft, then promotion",
    base_url: "https://api.bland.ai",
    key_variable: "BLAND_API_KEY",
    key_header: "authorization",
    key_prefix: "",
    documentation: "https://docs.bland.ai/api-v1/patch/personas-id",
    // `org_rate_limit` is 5 by default, without a unit.
    limits: Limits { concurrency: 2, per_second: Some(5.0) },
};

/// What a persona's prompt is when nobody wrote one; it cannot be empty.
const DEFAULT_PROMPT: &str = "You are a helpful assistant";

/// The fields that belong to the persona itself. All others are versioned.
const PERSONA_FIELDS: [&str; 5] = ["name", "role", "description", "tags", "image_url"];

/// Only `description` and `image_url` are known to take `null`; the others get the empty value of their type, which reads
/// back as the same thing.
static RULES: Rules = Rules {
    list: Listing::Whole,
    read: true,
    delete: true,
    releases: true,
    fields: &[
        FieldRule::at("/name").clear(Clear::Impossible("a persona always has a name")),
        FieldRule::at("/role").empty_is_absent().clear(Clear::Text("")),
        FieldRule::at("/description").empty_is_absent().clear(Clear::Null),
        FieldRule::at("/tags").empty_is_absent().clear(Clear::EmptyList),
        FieldRule::at("/image_url").empty_is_absent().clear(Clear::Null),
        FieldRule::at("/personality_prompt").clear(Clear::Text(DEFAULT_PROMPT)),
        FieldRule::at("/orchestration_prompt").empty_is_absent().clear(Clear::Text("")),
        FieldRule::at("/call_config").empty_is_absent().clear(Clear::EmptyObject),
        FieldRule::at("/call_config/*"),
        FieldRule::at("/default_tools").empty_is_absent().clear(Clear::EmptyList),
        FieldRule::at("/pathway_conditions").empty_is_absent().clear(Clear::EmptyList),
        FieldRule::at("/kb_ids").empty_is_absent().clear(Clear::EmptyList),
    ],
};

impl Dialect for Bland {
    fn rules(&self) -> &'static Rules {
        &RULES
    }

    fn create(&self, resource: &Resource) -> Draft {
        wire::create(resource)
    }

    fn update(&self, live: &Live, resource: &Resource, edits: &[Edit]) -> Draft {
        wire::update(live, resource, edits)
    }

    fn delete(&self, id: &RemoteId) -> Option<Request> {
        Some(wire::delete(id, false))
    }

    fn force_delete(&self, id: &RemoteId) -> Option<Request> {
        Some(wire::delete(id, true))
    }

    fn predict(&self, live: &Live, request: &Request) -> Live {
        wire::predict(live, request)
    }
}

impl Provider for Bland {
    fn id(&self) -> &'static str {
        "bland"
    }

    fn service(&self) -> &'static Service {
        &SERVICE
    }

    fn section(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<spec::Section>()
    }

    fn shared(&self) -> &'static [(&'static str, &'static str)] {
        &[("name", "/name"), ("description", "/description"), ("prompt", "/personality_prompt")]
    }

    fn compile(&self, address: &Address, persona: &Persona, target: &Target) -> Result<Resource, Vec<Problem>> {
        spec::compile(address, persona, target)
    }

    fn catalogues(&self) -> &'static [Catalogue] {
        &catalogue::CATALOGUES
    }

    fn list(&self, page: u32) -> Option<Request> {
        Some(wire::list(page))
    }

    fn read(&self, id: &RemoteId) -> Option<Request> {
        Some(wire::read(id))
    }

    fn listed(&self, _page: u32, response: Response) -> Result<Page, Refusal> {
        answer::listed(response)
    }

    fn observed(&self, response: Response) -> Result<Seen, Refusal> {
        answer::observed(response)
    }

    fn created(&self, response: &Response) -> Result<RemoteId, Refusal> {
        answer::created(response)
    }

    fn accepted(&self, request: &Request, response: &Response) -> Result<Option<Live>, Refusal> {
        answer::accepted(request, response)
    }

    fn repeatable(&self, request: &Request) -> bool {
        wire::repeatable(request)
    }
}
