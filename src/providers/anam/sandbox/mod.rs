//! Anam in miniature, after its contract sheet, warts included. Shares no code with the client beside it, so that the two
//! cannot be wrong together.

mod catalogue;
mod schema;
mod shape;
mod shelves;
mod switches;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::{Incoming, Miniature, Outgoing, Ticks};
pub use catalogue::{AVATAR_BOTH, AVATAR_CARA_3_ONLY, AVATAR_CARA_4_ONLY, LLM_THAT_RETAINS, VOICE_THAT_RETAINS};
pub use switches::{ErrorText, ModelReset, NoLlm, Nulls, Options, Switches, ToolId, UnknownKeys, Unset};

/// The service.
#[derive(Debug)]
pub struct Sandbox {
    key: String,
    switches: Switches,
    access: Access,
    /// Reads so far. Not kept: it only makes signed links differ.
    reads: u64,
    state: State,
}

/// What the key may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    #[default]
    Full,
    /// Read and list.
    ReadOnly,
    /// Nothing with personas.
    None,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    ticks: Ticks,
    /// By id, in the flat shape of writes.
    anam_personas: BTreeMap<String, Map<String, Value>>,
}

impl Sandbox {
    /// An account that this key opens. It holds nothing but the built-in personas that every account sees.
    pub fn new(key: &str) -> Self {
        Self::with(key, Switches::default())
    }

    /// The same with other answers to what the contract leaves open.
    pub fn with(key: &str, switches: Switches) -> Self {
        let mut state = State::default();
        for (id, name) in [("d0000000-0000-4000-8000-000000000001", "Cara"), ("d0000000-0000-4000-8000-000000000002", "Leo")] {
            let fields = json!({
                "id": id, "name": name, "description": "Built in", "isDefaultPersona": true, "avatarId": AVATAR_BOTH,
                "systemPrompt": "You are a built-in persona.", "llmId": catalogue::DEFAULT_LLM,
                "createdAt": "2025-01-01T00:00:00.000Z", "updatedAt": "2025-01-01T00:00:00.000Z",
            });
            state.anam_personas.insert(id.to_owned(), fields.as_object().cloned().unwrap_or_default());
        }
        Self { key: key.to_owned(), switches, access: Access::Full, reads: 0, state }
    }

    /// Hook: the key's permissions change.
    pub fn grant(&mut self, access: Access) {
        self.access = access;
    }

    /// Hook: the ids of the account's own personas, oldest first.
    pub fn ids(&self) -> Vec<String> {
        self.state.anam_personas.iter().filter(|(_, persona)| !built_in(persona)).map(|(id, _)| id.clone()).collect()
    }

    /// Hook: what is stored, in the flat shape of writes; none where there is no such persona.
    pub fn stored(&self, id: &str) -> Option<&Map<String, Value>> {
        self.state.anam_personas.get(id)
    }

    /// Hook: somebody changes a persona in the Lab, in the flat shape of writes. False where there is none.
    pub fn alter(&mut self, id: &str, change: impl FnOnce(&mut Map<String, Value>)) -> bool {
        self.state.anam_personas.get_mut(id).map(change).is_some()
    }

    fn list(&mut self, request: &Incoming) -> Result<Outgoing, Outgoing> {
        let (page, per_page) = (request.number("page", 1), request.number("perPage", 10));
        if page < 1 || !(1..=100).contains(&per_page) {
            return Err(self.error(400, "page or perPage is out of range"));
        }
        let search = request.parameter("search").unwrap_or_default().to_lowercase();
        let found = |persona: &&Map<String, Value>| {
            persona.get("name").and_then(Value::as_str).unwrap_or_default().to_lowercase().contains(&search)
        };
        let mut found: Vec<&Map<String, Value>> = self.state.anam_personas.values().filter(found).collect();
        found.sort_by_cached_key(|persona| std::cmp::Reverse(persona.get("createdAt").map(Value::to_string)));
        self.reads += 1;
        let (total, last) = (found.len(), found.len().div_ceil(per_page).max(1));
        let shown = found.into_iter().skip((page - 1).saturating_mul(per_page)).take(per_page);
        let data: Vec<Value> = shown.map(|persona| shape::summary(persona, self.reads)).collect();
        let meta = json!({
            "total": total, "lastPage": last, "currentPage": page, "perPage": per_page,
            "prev": (page > 1).then(|| page - 1), "next": (page < last).then_some(page + 1),
        });
        Ok(Outgoing::json(200, json!({ "data": data, "meta": meta })))
    }

    fn create(&mut self, request: &Incoming) -> Result<Outgoing, Outgoing> {
        let mut body = self.body(request)?;
        for stranger in schema::unknown_keys(&body) {
            body.remove(&stranger);
        }
        // The schema of a create knows neither of these, and does not forbid what it does not know.
        body.remove("widgetConfig");
        body.remove("enableAudioPassthrough");
        let mut persona = Map::new();
        for (key, default) in [
            ("name", json!("")),
            ("llmId", json!(catalogue::DEFAULT_LLM)),
            ("systemPrompt", json!("You are a helpful assistant.")),
        ] {
            persona.insert(key.to_owned(), default);
        }
        self.write(&mut persona, body)?;
        let id = self.state.ticks.uuid();
        let now = json!(self.state.ticks.timestamp());
        for (key, value) in [("id", json!(id)), ("createdAt", now.clone()), ("updatedAt", now)] {
            persona.insert(key.to_owned(), value);
        }
        let answer = self.shown(&persona);
        self.state.anam_personas.insert(id, persona);
        Ok(Outgoing::json(201, answer))
    }

    fn read(&mut self, id: &str) -> Result<Outgoing, Outgoing> {
        let persona = self.find(id)?;
        Ok(Outgoing::json(200, self.shown(&persona)))
    }

    fn update(&mut self, id: &str, request: &Incoming) -> Result<Outgoing, Outgoing> {
        let mut persona = self.find_own(id)?;
        let mut body = self.body(request)?;
        let issues = schema::refuse_unknown(&body);
        if !issues.is_empty() && self.switches.unknown_keys == UnknownKeys::Refused {
            return Err(Outgoing::json(400, schema::refusal(&issues)));
        }
        for stranger in schema::unknown_keys(&body) {
            body.remove(&stranger);
        }
        self.write(&mut persona, body)?;
        persona.insert("updatedAt".to_owned(), json!(self.state.ticks.timestamp()));
        let answer = self.shown(&persona);
        self.state.anam_personas.insert(id.to_owned(), persona);
        Ok(Outgoing::json(200, answer))
    }

    fn delete(&mut self, id: &str) -> Result<Outgoing, Outgoing> {
        self.find_own(id)?;
        self.state.anam_personas.remove(id);
        Ok(Outgoing::json(200, json!({ "message": "Persona deleted" })))
    }

    /// Puts what a body names into a persona, with the side effects that the service documents; the rest stays.
    fn write(&self, persona: &mut Map<String, Value>, mut body: Map<String, Value>) -> Result<(), Outgoing> {
        let issues = schema::check(&body, self.switches.nulls, self.switches.inherit_writable);
        if !issues.is_empty() {
            return Err(Outgoing::json(400, schema::refusal(&issues)));
        }
        if body.get("languageCode").is_some_and(|code| code == "inherit") {
            body.insert("languageCode".to_owned(), Value::Null);
        }
        let changes = |key: &str| body.get(key).is_some_and(|value| persona.get(key).unwrap_or(&Value::Null) != value);
        let (new_avatar, new_voice) = (changes("avatarId"), changes("voiceId"));
        if new_voice {
            persona.remove("voiceGenerationOptions");
        }
        let names_model = body.contains_key("avatarModel");
        for (key, value) in body {
            let merges = key == "widgetConfig" || (key.ends_with("Options") && self.switches.options == Options::Merge);
            let value = match key.as_str() {
                "widgetConfig" => with_origins(value),
                "voiceDetectionOptions" if self.switches.options == Options::Defaulted => with_defaults(value),
                _ => value,
            };
            match (persona.get_mut(&key), value) {
                (Some(Value::Object(stored)), Value::Object(sent)) if merges => stored.extend(sent),
                (_, value) => drop(persona.insert(key, value)),
            }
        }
        if new_avatar || names_model {
            self.settle_model(persona, !names_model)?;
        }
        self.check_retention(persona)
    }

    /// A model that the avatar does not support is refused, or reset where only the avatar has changed.
    fn settle_model(&self, persona: &mut Map<String, Value>, reset: bool) -> Result<(), Outgoing> {
        let models = catalogue::models(persona.get("avatarId").and_then(Value::as_str).unwrap_or_default());
        let Some(model) = persona.get("avatarModel").and_then(Value::as_str) else { return Ok(()) };
        if models.contains(&model) {
            return Ok(());
        }
        if !reset {
            return Err(self.error(400, "avatarModel is not supported by the avatar"));
        }
        let model = match self.switches.model_reset {
            ModelReset::Null => Value::Null,
            ModelReset::AvatarDefault => json!(models.last()),
        };
        persona.insert("avatarModel".to_owned(), model);
        Ok(())
    }

    fn check_retention(&self, persona: &Map<String, Value>) -> Result<(), Outgoing> {
        if persona.get("zeroDataRetention") != Some(&json!(true)) {
            return Ok(());
        }
        if !self.switches.zero_data_retention_plan {
            return Err(self.error(400, "zeroDataRetention needs an enterprise plan"));
        }
        for (key, thing) in [("voiceId", "voice"), ("llmId", "LLM")] {
            if persona.get(key).and_then(Value::as_str).is_some_and(|id| !catalogue::retains_nothing(id)) {
                return Err(self.error(400, &format!("zeroDataRetention needs a {thing} that supports it")));
            }
        }
        Ok(())
    }

    fn body(&self, request: &Incoming) -> Result<Map<String, Value>, Outgoing> {
        match request.json() {
            Some(Value::Object(body)) => Ok(body),
            _ => Err(self.error(400, "the body must be a JSON object")),
        }
    }

    fn find(&self, id: &str) -> Result<Map<String, Value>, Outgoing> {
        self.state.anam_personas.get(id).cloned().ok_or_else(|| self.error(404, "No personas found"))
    }

    fn find_own(&self, id: &str) -> Result<Map<String, Value>, Outgoing> {
        let persona = self.find(id)?;
        if built_in(&persona) { Err(self.error(403, "Account does not have access")) } else { Ok(persona) }
    }

    fn shown(&mut self, persona: &Map<String, Value>) -> Value {
        self.reads += 1;
        shape::full(persona, self.reads, &self.switches)
    }

    fn error(&self, status: u16, text: &str) -> Outgoing {
        let key = match self.switches.error_text {
            ErrorText::Error => "error",
            ErrorText::Message => "message",
        };
        Outgoing::json(status, json!({ key: text }))
    }
}

impl Miniature for Sandbox {
    fn handle(&mut self, request: &Incoming) -> Outgoing {
        if request.header("authorization") != Some(&format!("Bearer {}", self.key)) {
            return self.error(401, "Invalid or missing API key");
        }
        let method = request.method.as_str();
        let allowed = match self.access {
            Access::Full => true,
            Access::ReadOnly => method == "GET",
            Access::None => false,
        };
        if !allowed {
            return self.error(403, "API key lacks the required permission");
        }
        let outcome = match (method, request.segments().as_slice()) {
            ("GET", ["v1", "personas"]) => self.list(request),
            ("POST", ["v1", "personas"]) => self.create(request),
            ("GET", ["v1", "personas", id]) => self.read(id),
            ("PUT", ["v1", "personas", id]) => self.update(id, request),
            ("DELETE", ["v1", "personas", id]) => self.delete(id),
            ("GET", ["v1", shelf]) => shelves::listed(shelf, request).unwrap_or_else(|| Err(self.error(404, "Not found"))),
            _ => Err(self.error(404, "Not found")),
        };
        outcome.unwrap_or_else(|refusal| refusal)
    }

    fn store(&self) -> Value {
        json!(self.state)
    }

    fn restore(&mut self, store: Value) -> Result<(), String> {
        self.state = serde_json::from_value(store).map_err(|error| error.to_string())?;
        Ok(())
    }
}

fn built_in(persona: &Map<String, Value>) -> bool {
    persona.get("isDefaultPersona") == Some(&json!(true))
}

/// Detection has a value for every number.
fn with_defaults(mut options: Value) -> Value {
    for (key, default) in [
        ("endOfSpeechSensitivity", json!(0.5)),
        ("silenceBeforeSkipTurnSeconds", json!(5)),
        ("silenceBeforeSessionEndSeconds", json!(0)),
        ("silenceBeforeAutoEndTurnSeconds", json!(5)),
        ("speechEnhancementLevel", json!(0.8)),
    ] {
        if options.is_object() && options[key].is_null() {
            options[key] = default;
        }
    }
    options
}

/// Bare domains become origins.
fn with_origins(mut widget: Value) -> Value {
    for origin in widget.get_mut("allowedOrigins").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(domain) = origin.as_str().filter(|domain| !domain.contains("://")) {
            *origin = json!(format!("https://{domain}"));
        }
    }
    widget
}
