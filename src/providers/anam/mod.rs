//! Anam: its row in the table of providers, and how its fields behave. The section is in `spec`, requests and predictions in
//! `wire`, responses in `answer`.

pub mod answer;
mod catalogue;
pub(super) mod remarks;
pub mod sandbox;
pub mod spec;
#[cfg(test)]
mod tests;
pub mod wire;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use crate::persona::document::{Persona, Target};
use crate::persona::problem::Problem;
use crate::plan::{
    Address, Clear, Dialect, Draft, Edit, FieldRule, Listing, Live, Reading, RemoteId, Request, Resource, Rules,
};
use crate::provider::{Catalogue, Limits, Page, Provider, Refusal, Response, Seen, Service};

/// The provider `anam`.
#[derive(Debug)]
pub struct Anam;

/// The one value of [`Anam`].
pub static ANAM: Anam = Anam;

static SERVICE: Service = Service {
    title: "Anam",
    update: "partial PUT of the changed fields",
    base_url: "https://api.anam.ai",
    key_variable: "ANAM_API_KEY",
    key_header: "Authorization",
    key_prefix: "Bearer ",
    documentation: "https://anam.ai/docs",
    // No limit is documented for personas, only that 429 and `RateLimit-*` exist elsewhere.
    limits: Limits { concurrency: 4, per_second: Some(10.0) },
};

/// What `languageCode` reads as while a persona has none of its own.
const INHERIT: &str = "inherit";

/// What `llmId` holds while a persona has no LLM. Reads document a UUID or `null`, so `null` is taken for it.
const NO_LLM: &str = "CUSTOMER_CLIENT_V1";

const MERGED: Clear =
    Clear::Impossible("updates are merged into the widget's settings key by key, so write the value you want");

static RULES: Rules = Rules {
    list: Listing::Summaries,
    read: true,
    delete: true,
    releases: false,
    fields: &[
        FieldRule::at("/name").clear(Clear::Impossible("a persona always has a name")),
        FieldRule::at("/description").empty_is_absent().clear(Clear::Text("")),
        FieldRule::at("/avatarId").clear(Clear::Impossible("a persona always has an avatar")),
        FieldRule::at("/avatarModel").clear(Clear::Impossible("there is no documented way back to the avatar's own model")),
        FieldRule::at("/voiceId").clear(Clear::Impossible("a persona always has a voice")),
        FieldRule::at("/llmId").clear(Clear::Impossible("`CUSTOMER_CLIENT_V1` is the value for no LLM")),
        FieldRule::at("/systemPrompt").empty_is_absent().clear(Clear::Text("")),
        FieldRule::at("/skipGreeting").clear(Clear::False),
        FieldRule::at("/zeroDataRetention").clear(Clear::False),
        // The next three are read back by everyone who tried, and appear in no documented read.
        FieldRule::at("/initialMessage").empty_is_absent().reading(Reading::MayBeOmitted).clear(Clear::Null),
        FieldRule::at("/uninterruptibleGreeting").reading(Reading::MayBeOmitted).clear(Clear::False),
        FieldRule::at("/languageCode")
            .empty_is_absent()
            .normal(language)
            .reading(Reading::MayBeOmitted)
            .clear(Clear::Text(INHERIT))
            .because("everyone who tried reads it back, and no documented read has it"),
        FieldRule::at("/enableAudioPassthrough").reading(Reading::MayBeOmitted).clear(Clear::False),
        FieldRule::at("/voiceDetectionOptions").empty_is_absent().clear(Clear::EmptyObject),
        FieldRule::at("/voiceDetectionOptions/*"),
        FieldRule::at("/voiceGenerationOptions").empty_is_absent().clear(Clear::EmptyObject),
        FieldRule::at("/voiceGenerationOptions/*"),
        // Left out by `answer` when a tool shows no id at all.
        FieldRule::at("/toolIds")
            .empty_is_absent()
            .set()
            .normal(without_repetition)
            .reading(Reading::MayBeOmitted)
            .clear(Clear::EmptyList)
            .because("a read that shows a tool without its id tells nothing of the list"),
        FieldRule::at("/widgetConfig").empty_is_absent().clear(MERGED),
        FieldRule::at("/widgetConfig/*").clear(MERGED),
        FieldRule::at("/widgetConfig/allowedOrigins")
            .empty_is_absent()
            .set()
            .normal(origins)
            .clear(MERGED)
            .because("a bare domain becomes an https origin"),
    ],
};

/// An empty code is the code of inheritance.
fn language(value: &Value) -> Value {
    match value.as_str() {
        Some("") => Value::from(INHERIT),
        _ => value.clone(),
    }
}

/// The service attaches a tool once, however often it is named.
fn without_repetition(value: &Value) -> Value {
    let Some(items) = value.as_array() else { return value.clone() };
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        if !kept.contains(item) {
            kept.push(item.clone());
        }
    }
    Value::Array(kept)
}

/// The service writes a bare domain as an https origin.
fn origins(value: &Value) -> Value {
    let Some(items) = value.as_array() else { return value.clone() };
    let origin = |item: &Value| match item.as_str() {
        Some(text) if !text.contains("://") && text != "*" => Value::from(format!("https://{text}")),
        _ => item.clone(),
    };
    without_repetition(&items.iter().map(origin).collect())
}

impl Dialect for Anam {
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
        Some(wire::delete(id))
    }

    fn predict(&self, live: &Live, request: &Request) -> Live {
        wire::predict(live, request)
    }
}

impl Provider for Anam {
    fn id(&self) -> &'static str {
        "anam"
    }

    fn service(&self) -> &'static Service {
        &SERVICE
    }

    fn section(&self, generator: &mut SchemaGenerator) -> Schema {
        spec::Section::json_schema(generator)
    }

    fn shared(&self) -> &'static [(&'static str, &'static str)] {
        &[("name", "/name"), ("description", "/description"), ("prompt", "/systemPrompt")]
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

    fn listed(&self, page: u32, response: Response) -> Result<Page, Refusal> {
        answer::listed(page, &response)
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
}
