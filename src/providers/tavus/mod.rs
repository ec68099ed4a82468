//! Tavus: personas below `/v2/personas`, created with JSON and updated by JSON Patch (RFC 6902). Only its row stands here; what
//! it wants and how it answers is told in `spec`, `rules`, `patch` and `wire`.

mod api;
mod catalogue;
mod compile;
mod guard;
mod lists;
mod patch;
mod predict;
pub(super) mod remarks;
mod rules;
pub mod sandbox;
pub mod spec;
mod wire;

#[cfg(test)]
mod tests;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use api::Api;

use crate::persona::document::{Persona, Target};
use crate::persona::problem::Problem;
use crate::plan::{Address, Dialect, Draft, Edit, Live, RemoteId, Request, Resource, Rules};
use crate::provider::{Catalogue, Limits, Page, Provider, Refusal, Response, Seen, Service};

/// Tavus as an account is set up to speak with it.
#[derive(Clone, Copy, Debug)]
pub struct Tavus {
    api: Api,
    guard: bool,
}

/// Tavus as accounts speak with it that say nothing else, for the list of providers.
pub static TAVUS: Tavus = Tavus { api: Api::Personas, guard: false };

/// Every other way to speak with it.
static OTHERS: [Tavus; 3] =
    [Tavus { api: Api::Personas, guard: true }, Tavus { api: Api::Pals, guard: false }, Tavus { api: Api::Pals, guard: true }];

static SERVICE: Service = Service {
    title: "Tavus",
    update: "JSON Patch of the changed paths",
    base_url: "https://tavusapi.com",
    key_variable: "TAVUS_API_KEY",
    key_header: "x-api-key",
    key_prefix: "",
    documentation: "https://docs.tavus.io/api-reference/personas/patch-persona",
    // No limit is documented; this is what a careful client does.
    limits: Limits { concurrency: 4, per_second: Some(10.0) },
};

impl Dialect for Tavus {
    fn rules(&self) -> &'static Rules {
        &rules::RULES
    }

    fn create(&self, resource: &Resource) -> Draft {
        patch::create(self.api, resource)
    }

    fn update(&self, live: &Live, resource: &Resource, edits: &[Edit]) -> Draft {
        patch::update(self.api, self.guard, live, resource, edits)
    }

    fn delete(&self, id: &RemoteId) -> Option<Request> {
        Some(wire::delete(self.api, id))
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
        let mut schema = spec::Section::json_schema(generator).to_value();
        self.api.respell_schema(&mut schema);
        Schema::try_from(schema).unwrap_or_default()
    }

    fn options(&self) -> Map<String, Value> {
        let options = json!({
            "api": {
                "description": "The generation of the API that this account speaks: `personas` (default), or `pals` with its \
                                newer paths and names. Sections are spelled as in that generation.",
                "type": "string", "x-plain": true, "x-section": true, "enum": [Api::Personas.word(), Api::Pals.word()],
            },
            "guard": {
                "description": "Whether every update first tests that what it writes over has not been changed elsewhere since \
                                it was read, and fails as a whole if it has; false by default.",
                "type": "boolean",
            },
        });
        options.as_object().cloned().unwrap_or_default()
    }

    fn configured(&self, options: &Map<String, Value>) -> Option<&'static dyn Provider> {
        let pals = options.get("api").and_then(Value::as_str) == Some(Api::Pals.word());
        let api = if pals { Api::Pals } else { Api::Personas };
        let guard = options.get("guard").and_then(Value::as_bool).unwrap_or(false);
        let other = OTHERS.iter().find(|other| other.api == api && other.guard == guard);
        Some(other.map_or(&TAVUS as &'static dyn Provider, |other| other))
    }

    fn advice(&self, target: &Target) -> Vec<Problem> {
        compile::advice(target)
    }

    fn shared(&self) -> &'static [(&'static str, &'static str)] {
        match self.api {
            Api::Personas => &[("name", "/persona_name"), ("prompt", "/system_prompt")],
            Api::Pals => &[("name", "/pal_name"), ("prompt", "/system_prompt")],
        }
    }

    fn compile(&self, address: &Address, persona: &Persona, target: &Target) -> Result<Resource, Vec<Problem>> {
        compile::compile(self.api, address, persona, target)
    }

    fn catalogues(&self) -> &'static [Catalogue] {
        catalogue::catalogues(self.api)
    }

    fn list(&self, page: u32) -> Option<Request> {
        Some(wire::list(self.api, page))
    }

    fn read(&self, id: &RemoteId) -> Option<Request> {
        Some(wire::read(self.api, id))
    }

    fn listed(&self, page: u32, response: Response) -> Result<Page, Refusal> {
        wire::listed(self.api, page, response)
    }

    fn observed(&self, response: Response) -> Result<Seen, Refusal> {
        wire::observed(self.api, response)
    }

    fn created(&self, response: &Response) -> Result<RemoteId, Refusal> {
        wire::created(response)
    }

    fn accepted(&self, request: &Request, response: &Response) -> Result<Option<Live>, Refusal> {
        wire::accepted(request, response)
    }

    fn repeatable(&self, request: &Request) -> bool {
        patch::repeatable(request)
    }
}
