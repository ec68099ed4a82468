//! OpenGiant's row: names, rules, where it lives. What people write is in `spec`, requests and responses are in `wire`.
//!
//! OpenGiant documents two calls, create and update. What else it can do, nobody outside knows; so a plan compares with what
//! was last applied, and an object that goes from the files is forgotten.

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
use crate::provider::{Limits, Page, Provider, Refusal, Response, Seen, Service};

/// OpenGiant, <https://opengiant.com>.
#[derive(Clone, Copy, Debug)]
pub struct OpenGiant;

/// The one value of [`OpenGiant`].
pub static OPENGIANT: OpenGiant = OpenGiant;

static SERVICE: Service = Service {
    title: "OpenGiant",
    update: "PATCH with the whole `attributes`",
    base_url: "https://api.opengiant.com",
    key_variable: "OPENGIANT_API_KEY",
    key_header: "authorization",
    key_prefix: "Bearer ",
    documentation: "https://docs.opengiant.com/api-reference/endpoints/personas/update",
    // Nothing is documented.
    limits: Limits { concurrency: 4, per_second: Some(10.0) },
};

static RULES: Rules = Rules {
    list: Listing::None,
    read: false,
    delete: false,
    releases: false,
    fields: &[
        FieldRule::at("/name").clear(Clear::Impossible("OpenGiant documents no way to take a name away")),
        FieldRule::at("/attributes").empty_is_absent().clear(Clear::EmptyObject),
        FieldRule::at("/attributes/*"),
    ],
};

impl Dialect for OpenGiant {
    fn rules(&self) -> &'static Rules {
        &RULES
    }

    fn create(&self, resource: &Resource) -> Draft {
        wire::create(resource)
    }

    fn update(&self, live: &Live, resource: &Resource, edits: &[Edit]) -> Draft {
        wire::update(live, resource, edits)
    }

    fn delete(&self, _id: &RemoteId) -> Option<Request> {
        None
    }

    fn predict(&self, live: &Live, request: &Request) -> Live {
        wire::predict(live, request)
    }
}

impl Provider for OpenGiant {
    fn id(&self) -> &'static str {
        "opengiant"
    }

    fn service(&self) -> &'static Service {
        &SERVICE
    }

    fn section(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<spec::Section>()
    }

    fn shared(&self) -> &'static [(&'static str, &'static str)] {
        &[("name", "/name"), ("prompt", "/attributes/prompt")]
    }

    fn compile(&self, address: &Address, persona: &Persona, target: &Target) -> Result<Resource, Vec<Problem>> {
        spec::compile(address, persona, target)
    }

    fn list(&self, _page: u32) -> Option<Request> {
        None
    }

    fn read(&self, _id: &RemoteId) -> Option<Request> {
        None
    }

    fn listed(&self, _page: u32, response: Response) -> Result<Page, Refusal> {
        Err(Refusal::unreadable(&response, "a list, a call that OpenGiant does not document"))
    }

    fn observed(&self, response: Response) -> Result<Seen, Refusal> {
        Err(Refusal::unreadable(&response, "a read, a call that OpenGiant does not document"))
    }

    fn created(&self, response: &Response) -> Result<RemoteId, Refusal> {
        wire::created(response)
    }

    fn accepted(&self, _request: &Request, response: &Response) -> Result<Option<Live>, Refusal> {
        wire::accepted(response)
    }
}
