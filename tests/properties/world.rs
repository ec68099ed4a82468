//! The services in miniature as the laws see them: requests go in, and what is stored can be looked at and changed by hand.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use personaform::persona::name::Pointer;
use personaform::plan::value::{get, remove, set};
use personaform::plan::{Live, Method, Reading, RemoteId, Request};
use personaform::provider::{Body, Provider, Response, Seen};
use personaform::providers::{anam, bland, find, opengiant, tavus};
use personaform::sandbox::{Incoming, Miniature};
use personaform::state::Sealer;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::documents::{Fields, pointer};

/// A provider with its miniature.
pub(crate) struct World {
    pub(crate) provider: &'static dyn Provider,
    pub(crate) sealer: &'static Sealer,
    service: Service,
}

enum Service {
    Tavus { sandbox: Box<tavus::sandbox::Sandbox>, pals: bool },
    Anam { sandbox: Box<anam::sandbox::Sandbox>, options: anam::sandbox::Options },
    Bland { sandbox: Box<bland::sandbox::Sandbox>, merges: bool },
    OpenGiant { sandbox: Box<opengiant::sandbox::Sandbox>, merges: bool },
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

/// Tavus as an account with these settings speaks with it.
fn usual_tavus(pals: bool, guard: bool) -> &'static dyn Provider {
    static ALL: LazyLock<[&'static dyn Provider; 4]> = LazyLock::new(|| {
        [(false, false), (false, true), (true, false), (true, true)].map(|(pals, guard)| {
            let options = json!({"api": if pals { "pals" } else { "personas" }, "guard": guard});
            tavus::TAVUS.configured(&object(options)).expect("a provider")
        })
    });
    ALL[usize::from(pals) * 2 + usize::from(guard)]
}

/// A number from which choices are drawn, one after the other.
struct Lot(u64);

impl Lot {
    fn draw<T: Copy, const N: usize>(&mut self, choices: [T; N]) -> T {
        let chosen = self.0 % N as u64;
        self.0 /= N as u64;
        choices[usize::try_from(chosen).expect("a small number")]
    }
}

/// The secrets of every run.
static SEALER: LazyLock<Sealer> = LazyLock::new(|| {
    let secrets = ["KEY", "OTHER_KEY", "TOKEN"].map(|name| (name.to_owned(), SecretString::from(format!("secret of {name}"))));
    Sealer::new("00112233445566778899aabbccddeeff", &BTreeMap::from(secrets)).expect("a sealer")
});

impl World {
    /// A fresh service. `setup` chooses among the ways in which it and the account may be set up; 0 is the usual one.
    ///
    /// Left at their defaults are switches under which something that a document asks for is refused by the service, which a
    /// plan cannot know; the transitions of the conformance suite go through those.
    pub(crate) fn new(id: &str, setup: u64) -> Self {
        let provider = find(id).expect("a provider");
        let mut lot = Lot(setup);
        let (provider, service) = match id {
            "tavus" => {
                use tavus::sandbox::{
                    Atomicity, Descriptions, Inapplicable, PatchAnswer, ReadEnvelope, Sandbox, Secrets, Switches, UnknownFields,
                };
                let pals = lot.draw([false, true]);
                let provider = usual_tavus(pals, lot.draw([false, true]));
                let switches = Switches {
                    secrets: lot.draw([Secrets::Masked, Secrets::Omitted, Secrets::Plain]),
                    read_envelope: lot.draw([ReadEnvelope::Bare, ReadEnvelope::Data]),
                    patch_answer: lot.draw([PatchAnswer::Persona, PatchAnswer::Brief, PatchAnswer::Empty]),
                    llm_defaults_omitted: lot.draw([true, false]),
                    default_model: lot.draw(["tavus-gemma-4", "tavus-glm-4.7", "one"]).to_owned(),
                    inapplicable: lot.draw([Inapplicable::Unprocessable, Inapplicable::BadRequest]),
                    atomicity: lot.draw([Atomicity::Whole, Atomicity::Stepwise]),
                    unknown_fields: lot.draw([UnknownFields::Ignored, UnknownFields::Stored]),
                    tool_ids_shown: lot.draw([true, false]),
                    descriptions: lot.draw([Descriptions::LostForTheModel, Descriptions::Lost, Descriptions::Kept]),
                    ..Switches::default()
                };
                (provider, Service::Tavus { sandbox: Box::new(Sandbox::with("key", switches)), pals })
            }
            "anam" => {
                use anam::sandbox::{
                    ErrorText, ModelReset, NoLlm, Nulls, Options, Sandbox, Switches, ToolId, UnknownKeys, Unset,
                };
                let switches = Switches {
                    options: lot.draw([Options::Replace, Options::Merge, Options::Defaulted]),
                    no_llm: lot.draw([NoLlm::Null, NoLlm::Sentinel]),
                    nulls: lot.draw([Nulls::Refused, Nulls::Cleared]),
                    unknown_keys: lot.draw([UnknownKeys::Refused, UnknownKeys::Ignored]),
                    undocumented_reads: lot.draw([true, false]),
                    model_reset: lot.draw([ModelReset::Null, ModelReset::AvatarDefault]),
                    tool_id: lot.draw([ToolId::Underscored, ToolId::Plain, ToolId::Named, ToolId::Hidden]),
                    error_text: lot.draw([ErrorText::Error, ErrorText::Message]),
                    unset: lot.draw([Unset::Null, Unset::Empty]),
                    ..Switches::default()
                };
                let options = switches.options;
                (provider, Service::Anam { sandbox: Box::new(Sandbox::with("key", switches)), options })
            }
            "bland" => {
                use bland::sandbox::{CallConfig, ConfigNulls, Deleted, Drafts, Empties, Errors, Nulls, Sandbox, Switches};
                let switches = Switches {
                    create_status: lot.draw([200, 201]),
                    name_required: lot.draw([true, false]),
                    drafts: lot.draw([Drafts::InPlace, Drafts::Recreated]),
                    call_config: lot.draw([CallConfig::Replace, CallConfig::Merge]),
                    nulls: lot.draw([Nulls::Cleared, Nulls::Refused, Nulls::Ignored]),
                    errors_inside_success: lot.draw([false, true]),
                    deleted: lot.draw([Deleted::NotFound, Deleted::Body]),
                    empties: lot.draw([Empties::AsWritten, Empties::Null]),
                    config_nulls: lot.draw([ConfigNulls::Stored, ConfigNulls::Removed]),
                    errors: lot.draw([Errors::List, Errors::Text]),
                    ..Switches::default()
                };
                let merges = switches.call_config == CallConfig::Merge;
                (provider, Service::Bland { sandbox: Box::new(Sandbox::with("key", switches)), merges })
            }
            "opengiant" => {
                use opengiant::sandbox::{Attributes, Sandbox, Switches};
                let attributes = lot.draw([Attributes::Replace, Attributes::Merge, Attributes::MergePatch]);
                let switches = Switches { attributes, empty_update: lot.draw([true, false]) };
                let merges = attributes != Attributes::Replace;
                (provider, Service::OpenGiant { sandbox: Box::new(Sandbox::with("key", switches)), merges })
            }
            other => panic!("no miniature of {other}"),
        };
        Self { provider, sealer: &SEALER, service }
    }

    /// Whether the service is set up not to obey a `null` here, so that the next plan is held up with a reason.
    pub(crate) fn resists(&self, path: &Pointer) -> bool {
        let under = |objects: &[&str]| path.segments().first().is_some_and(|first| objects.contains(&first.as_str()));
        match &self.service {
            Service::Anam { options, .. } => {
                *options != anam::sandbox::Options::Replace && under(&["voiceDetectionOptions", "voiceGenerationOptions"])
            }
            Service::Bland { merges, .. } => *merges && path.segments().len() == 1 && under(&["call_config"]),
            Service::OpenGiant { merges, .. } => *merges && path.segments().len() == 1 && under(&["attributes"]),
            Service::Tavus { .. } => false,
        }
    }

    /// Whether the service is set up to put values of its own here as soon as something beside it is written.
    pub(crate) fn fills(&self, path: &Pointer) -> bool {
        matches!(&self.service, Service::Anam { options: anam::sandbox::Options::Defaulted, .. })
            && path.segments().first().is_some_and(|first| first == "voiceDetectionOptions")
    }

    /// The fields that documents are made of; those whose values this service checks have values that it takes.
    pub(crate) fn fields(id: &str, setup: u64) -> Fields {
        let world = Self::new(id, setup);
        let special: Vec<(&str, Value)> = match &world.service {
            Service::Tavus { .. } => vec![
                // Always there, so that every document can be made.
                ("/context", json!([])),
                ("/system_prompt", json!(["Be kind.", "Be kind and brief."])),
                ("/persona_name", json!(["Ada", "Bea", ""])),
                ("/pal_name", json!(["Ada", "Bea", ""])),
                ("/default_replica_id", json!(["r1", "r2"])),
                ("/default_face_id", json!(["r1", "r2"])),
                // Its values decide whether there may be a prompt, which is tested elsewhere.
                ("/pipeline_mode", json!(["full", null])),
                ("/verbal_disclosure", json!(["an AI speaks", "", null])),
                // Attached by calls that this miniature does not have.
                ("/tool_ids", json!([])),
                // A custom model must be named as a whole, or the service refuses it.
                ("/layers/llm/base_url", json!([])),
            ],
            Service::Anam { .. } => vec![
                ("/name", json!(["Ada", "Bea"])),
                ("/avatarId", json!([anam::sandbox::AVATAR_BOTH, "avatar-1"])),
                ("/avatarModel", json!(["cara-3", "cara-4"])),
                ("/voiceId", json!(["voice-1", "voice-2"])),
                ("/llmId", json!(["llm-1", "CUSTOMER_CLIENT_V1"])),
                ("/languageCode", json!(["en", "de", null])),
                ("/voiceGenerationOptions/emotion", json!(["calm", "sad", null])),
                ("/widgetConfig/layout", json!(["inline", "floating"])),
                ("/widgetConfig/initialState", json!(["minimized", "expanded"])),
            ],
            Service::Bland { .. } => vec![("/name", json!(["Ada", "Bea"]))],
            Service::OpenGiant { .. } => vec![("/name", json!(["Ada", "Bea"]))],
        };
        let mut fields: Vec<(&str, Value)> = special;
        if let Service::Tavus { pals, .. } = &world.service {
            let foreign: &[&str] =
                if *pals { &["/persona_name", "/default_replica_id"] } else { &["/pal_name", "/default_face_id"] };
            fields.retain(|(path, _)| !foreign.contains(path));
        }
        Fields::of(world.provider, &fields)
    }

    /// What every document of a provider holds, so that it can be made at all.
    pub(crate) fn base(&self) -> Map<String, Value> {
        object(match &self.service {
            Service::Tavus { pals: true, .. } => {
                json!({"pal_name": "Ada", "system_prompt": "Be kind.", "default_face_id": "r1"})
            }
            Service::Tavus { .. } => {
                // Who joins meetings needs a replica.
                json!({"persona_name": "Ada", "system_prompt": "Be kind.", "default_replica_id": "r1"})
            }
            Service::Anam { .. } => json!({"name": "Ada", "avatarId": "avatar-1", "voiceId": "voice-1", "llmId": "llm-1"}),
            Service::Bland { .. } | Service::OpenGiant { .. } => json!({"name": "Ada"}),
        })
    }

    /// Sends a request with its secrets put in.
    pub(crate) fn send(&mut self, request: &Request) -> Response {
        let service = self.provider.service();
        let mut incoming = Incoming::new(&request.method.to_string(), &request.path)
            .with_header(service.key_header, &format!("{}key", service.key_prefix));
        if let Some(body) = &request.body {
            match self.sealer.unseal(body) {
                Ok(body) => incoming = incoming.with_json(&body),
                Err(unsendable) => return Response { status: 499, body: Body::Text(format!("{unsendable}: {body}")) },
            }
        }
        let answer = match &mut self.service {
            Service::Tavus { sandbox, .. } => sandbox.handle(&incoming),
            Service::Anam { sandbox, .. } => sandbox.handle(&incoming),
            Service::Bland { sandbox, .. } => sandbox.handle(&incoming),
            Service::OpenGiant { sandbox, .. } => sandbox.handle(&incoming),
        };
        Response { status: answer.status, body: answer.body.map_or(Body::Empty, Body::Json) }
    }

    /// Reads an object as the engine does; none where the service has no read.
    pub(crate) fn read(&mut self, id: &RemoteId, ours: &[&Map<String, Value>]) -> Option<Live> {
        let request = self.provider.read(id)?;
        let response = self.send(&request);
        let Ok(Seen::Present(mut live)) = self.provider.observed(response.clone()) else { panic!("unreadable: {response:?}") };
        for document in std::iter::once(&mut live.fields).chain(live.released.as_mut()) {
            for rule in self.provider.rules().fields.iter().filter(|rule| rule.reading == Reading::Never) {
                remove(document, &pointer(rule.path));
            }
            self.sealer.conceal(document, ours);
        }
        Some(*live)
    }

    /// Everything that is stored, in the account's own spelling and without what changes with every write.
    pub(crate) fn stored(&mut self, id: &RemoteId) -> Map<String, Value> {
        let mut stored = match &mut self.service {
            Service::Tavus { sandbox, pals } => {
                let mut stored = object(sandbox.stored(id.as_str()).expect("stored").clone());
                if *pals {
                    spell_as_pal(&mut stored);
                }
                stored
            }
            Service::Anam { sandbox, .. } => sandbox.stored(id.as_str()).expect("stored").clone(),
            Service::OpenGiant { sandbox, .. } => object(sandbox.persona(id.as_str()).expect("stored")),
            Service::Bland { .. } => {
                let request = Request::new(Method::Get, format!("/v1/personas/{id}"));
                let response = self.send(&request);
                let mut persona = object(response.json().expect("JSON")["data"].clone());
                let versions = [persona.remove("current_draft_version"), persona.remove("current_production_version")];
                persona.retain(|field, _| !field.starts_with("current_"));
                let [draft, production] = versions.map(|version| {
                    let mut version = version.and_then(|version| version.as_object().cloned()).unwrap_or_default();
                    for mark in [
                        "id",
                        "version_number",
                        "promoted_from_version_id",
                        "promoted_at",
                        "created_at",
                        "updated_at",
                        "version_type",
                    ] {
                        version.remove(mark);
                    }
                    version
                });
                persona.extend(draft);
                persona.insert("in production".to_owned(), Value::Object(production));
                persona
            }
        };
        for volatile in ["updated_at", "updatedAt"] {
            stored.remove(volatile);
        }
        stored
    }

    /// Somebody changes one field elsewhere. What nobody can see is not changed, nor is anything where nothing can be read.
    pub(crate) fn drift(&mut self, id: &RemoteId, path: &Pointer, value: &Value) {
        let rule = self.provider.rules().field(path);
        let hollow = value.is_null() || value.as_object().is_some_and(Map::is_empty);
        let hides =
            matches!(rule.reading, Reading::Never | Reading::Partly) || (rule.reading == Reading::MayBeOmitted && hollow);
        if hides || holds_secret(value) {
            return;
        }
        let change = |document: &mut Map<String, Value>| {
            let blocked = (1..path.segments().len())
                .map(|length| Pointer::new(&path.segments()[..length]))
                .any(|above| get(document, &above).is_some_and(|value| !value.is_object()));
            if value.is_null() {
                remove(document, path);
            } else if !(blocked || value.is_object() && get(document, path).is_some()) {
                set(document, path, value.clone());
            }
        };
        match &mut self.service {
            Service::Tavus { sandbox, .. } => {
                let path = persona_spelling(path);
                sandbox.alter(id.as_str(), |persona| {
                    let mut document = object(persona.clone());
                    if value.is_null() {
                        remove(&mut document, &path);
                    } else if !(value.is_object() && get(&document, &path).is_some()) {
                        set(&mut document, &path, value.clone());
                    }
                    *persona = Value::Object(document);
                });
            }
            Service::Anam { sandbox, .. } => {
                if !value.is_null() || path.segments().len() > 1 {
                    sandbox.alter(id.as_str(), change);
                }
            }
            Service::Bland { .. } => self.drift_bland(id, path, change),
            Service::OpenGiant { .. } => {}
        }
    }

    fn drift_bland(&mut self, id: &RemoteId, path: &Pointer, change: impl Fn(&mut Map<String, Value>)) {
        let field = path.segments()[0].clone();
        let mut stored = self.stored(id);
        change(&mut stored);
        let value = stored.remove(&field).unwrap_or_default();
        let Service::Bland { sandbox, .. } = &mut self.service else { return };
        if ["name", "role", "description", "tags", "image_url"].contains(&field.as_str()) {
            if field != "name" || value.is_string() {
                sandbox.alter(id.as_str(), &field, value);
            }
        } else {
            sandbox.edit_draft(id.as_str(), &field, value);
        }
    }

    /// Somebody writes over a value of a Tavus persona in the meantime.
    pub(crate) fn change_elsewhere(&mut self, id: &RemoteId, path: &str, value: Value) {
        let Service::Tavus { sandbox, .. } = &mut self.service else { panic!("only of Tavus") };
        let path = persona_spelling(&pointer(path)).to_string();
        sandbox.alter(id.as_str(), |persona| *persona.pointer_mut(&path).expect("it is there") = value);
    }

    /// The service comes to hold what no file names.
    pub(crate) fn strangers(&mut self, id: &RemoteId, which: u8) {
        let extra = json!({"kept": [1, {"deep": null}], "a/b~c": "x"});
        match &mut self.service {
            Service::Tavus { sandbox, .. } => {
                if which & 1 == 1 {
                    sandbox.age(id.as_str());
                }
                sandbox.alter(id.as_str(), |persona| {
                    if which & 2 == 2 {
                        persona["of_tomorrow"] = extra.clone();
                    }
                    for (bit, layer) in [(4, "llm"), (8, "perception"), (16, "layer_of_tomorrow")] {
                        if which & bit == bit {
                            if !persona["layers"][layer].is_object() {
                                persona["layers"][layer] = json!({});
                            }
                            persona["layers"][layer]["of_tomorrow"] = extra.clone();
                        }
                    }
                    if which & 32 == 32 && persona["layers"]["stt"].is_null() {
                        persona["layers"]["stt"] = Value::Null;
                    }
                });
            }
            Service::Anam { sandbox, .. } => {
                sandbox.alter(id.as_str(), |persona| {
                    if which & 1 == 1 {
                        persona.insert("of_tomorrow".to_owned(), extra.clone());
                    }
                    for (bit, field) in [(2, "widgetConfig"), (4, "voiceDetectionOptions")] {
                        if which & bit == bit {
                            let options = persona.entry(field).or_insert(json!({}));
                            if !options.is_object() {
                                *options = json!({});
                            }
                            options["ofTomorrow"] = json!(0.25);
                        }
                    }
                });
            }
            Service::Bland { sandbox, .. } => {
                if which & 1 == 1 {
                    sandbox.edit_draft(id.as_str(), "skills", json!([{"id": "s1"}]));
                }
                if which & 2 == 2 {
                    sandbox.edit_draft(id.as_str(), "of_tomorrow", extra.clone());
                }
                if which & 4 == 4 {
                    sandbox.promote_draft(id.as_str());
                }
                if which & 8 == 8 {
                    sandbox.attach_number(id.as_str(), "+4930123456");
                }
            }
            Service::OpenGiant { .. } => {}
        }
    }

    /// Whether what is stored can be compared with what is wanted as it is.
    pub(crate) fn stores_as_written(&self) -> bool {
        matches!(self.service, Service::Tavus { .. } | Service::OpenGiant { .. })
    }
}

const SPELLINGS: [(&str, &str); 3] = [
    ("/persona_name", "/pal_name"),
    ("/default_replica_id", "/default_face_id"),
    ("/layers/conversational_flow/replica_interruptibility", "/layers/conversational_flow/pal_interruptibility"),
];

fn persona_spelling(path: &Pointer) -> Pointer {
    let text = path.to_string();
    SPELLINGS.iter().find(|(_, pal)| *pal == text).map_or_else(|| path.clone(), |(persona, _)| pointer(persona))
}

fn spell_as_pal(stored: &mut Map<String, Value>) {
    for (persona, pal) in SPELLINGS {
        if let Some(value) = remove(stored, &pointer(persona)) {
            set(stored, &pointer(pal), value);
        }
    }
}

pub(crate) fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_secret),
        Value::Object(members) => members.contains_key("$env") || members.values().any(holds_secret),
        _ => false,
    }
}
