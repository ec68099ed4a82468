//! Tavus: personas below `/v2/personas`, created with JSON and updated by JSON Patch (RFC 6902). Only its row stands here; what
//! it wants and how it answers is told in `spec`, `rules`, `patch` and `wire`.

mod catalogue;
mod compile;
mod lists;
mod patch;
mod predict;
mod rules;
pub mod sandbox;
pub mod spec;
mod wire;

#[cfg(test)]
mod tests;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::persona::document::{Persona, Target};
use crate::persona::problem::Problem;
use crate::plan::{Address, Dialect, Draft, Edit, Live, RemoteId, Request, Resource, Rules};
use crate::provider::{Catalogue, Page, Provider, Refusal, Response, Seen, Service};

/// Tavus.
#[derive(Clone, Copy, Debug)]
pub struct Tavus;

/// The one instance, for the list of providers.
pub static TAVUS: Tavus = Tavus;

static SERVICE: Service = Service {
    title: "Tavus",
    update: "JSON Patch of the changed paths",
    base_url: "https://tavusapi.com",
    key_variable: "TAVUS_API_KEY",
    key_header: "x-api-key",
    key_prefix: "",
    documentation: "https://docs.tavus.io/api-reference/personas/patch-persona",
};

impl Dialect for Tavus {
    fn rules(&self) -> &'static Rules {
        &rules::RULES
    }

    fn create(&self, resource: &Resource) -> Draft {
        patch::create(resource)
    }

    fn update(&self, live: &Live, resource: &Resource, edits: &[Edit]) -> Draft {
        patch::update(live, resource, edits)
    }

    fn delete(&self, id: &RemoteId) -> Option<Request> {
        Some(wire::delete(id))
    }

    fn predict(&self, live: &Live, request: &Request) -> Live {
        predict::predict(live, request)
    }
}

impl Provider for Tavus {
    fn id(&self) -> &'static str {
        "tavus"
    }

    fn service(&self) -> &'static Service {
        &SERVICE
    }

    fn section(&self, generator: &mut SchemaGenerator) -> Schema {
        spec::Section::json_schema(generator)
    }

    fn compile(&self, address: &Address, persona: &Persona, target: &Target) -> Result<Resource, Vec<Problem>> {
        compile::compile(address, persona, target)
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

    fn listed(&self, page: u32, response: &Response) -> Result<Page, Refusal> {
        wire::listed(page, response)
    }

    fn observed(&self, response: &Response) -> Result<Seen, Refusal> {
        wire::observed(response)
    }

    fn created(&self, response: &Response) -> Result<RemoteId, Refusal> {
        wire::created(response)
    }

    fn accepted(&self, request: &Request, response: &Response) -> Result<Option<Live>, Refusal> {
        wire::accepted(request, response)
    }
}
