//! Tavus in miniature, after its contract sheet, warts included. Shares no code with the client beside it, so that the two
//! cannot be wrong together.

mod document;
mod pals;
mod shelves;
mod switches;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use json_patch::PatchOperation;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::{Incoming, Miniature, Outgoing, Ticks};
use document::Fault;
pub use switches::{
    Atomicity, Context, Descriptions, Inapplicable, PatchAnswer, ReadEnvelope, Secrets, Switches, UnknownFields,
};

/// The service.
#[derive(Debug)]
pub struct Sandbox {
    key: String,
    switches: Switches,
    state: State,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    ticks: Ticks,
    tavus_personas: BTreeMap<String, Held>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    owner: Owner,
    document: Value,
    /// Unpublished edits of the dashboard are waiting.
    maker_changes: bool,
}

/// Whose a persona is. Lists without a filter show all three kinds; two of them a filter can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Owner {
    User,
    System,
    Other,
}

impl Sandbox {
    /// An account that this key opens. It holds nothing but the stock personas that every account sees.
    pub fn new(key: &str) -> Self {
        Self::with(key, Switches::default())
    }

    /// The same with other answers to what the contract leaves open.
    pub fn with(key: &str, switches: Switches) -> Self {
        let mut state = State::default();
        for (id, name, owner) in [
            ("pstock000001", "Sales Coach", Owner::System),
            ("pstock000002", "Life Coach", Owner::System),
            ("pstock000003", "Interviewer", Owner::System),
            ("pshared00001", "Demo Guide", Owner::Other),
        ] {
            let document = json!({
                "persona_id": id, "persona_name": name, "system_prompt": "You are one of the stock personas.",
                "pipeline_mode": "full", "layers": {},
                "created_at": "2025-01-01T00:00:00.000Z", "updated_at": "2025-01-01T00:00:00.000Z",
            });
            state.tavus_personas.insert(id.to_owned(), Held { owner, document, maker_changes: false });
        }
        Self { key: key.to_owned(), switches, state }
    }

    /// Hook: the stored object, keys of other services as digests; none where there is no such persona.
    pub fn stored(&self, id: &str) -> Option<&Value> {
        self.state.tavus_personas.get(id).map(|held| &held.document)
    }

    /// Hook: the ids of the account's own personas, oldest first.
    pub fn ids(&self) -> Vec<String> {
        let own = self.state.tavus_personas.iter().filter(|(_, held)| held.owner == Owner::User);
        own.map(|(id, _)| id.clone()).collect()
    }

    /// Hook: somebody makes a persona elsewhere; it is stored as given, but for its id and times.
    pub fn seed(&mut self, persona: Value) -> String {
        let id = format!("p{:011x}", self.state.ticks.tick());
        let mut document = persona;
        document["persona_id"] = json!(id);
        document["created_at"] = json!(self.state.ticks.timestamp());
        document["updated_at"] = document["created_at"].clone();
        self.state.tavus_personas.insert(id.clone(), Held { owner: Owner::User, document, maker_changes: false });
        id
    }

    /// Hook: somebody changes a persona elsewhere, or the vendor migrates it. False where there is none.
    pub fn alter(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> bool {
        let held = self.state.tavus_personas.get_mut(id);
        held.map(|held| change(&mut held.document)).is_some()
    }

    /// Hook: a persona gets the empty and outdated keys that old ones carry. False where there is none.
    pub fn age(&mut self, id: &str) -> bool {
        self.alter(id, document::age)
    }

    /// Hook: somebody leaves unpublished edits in the dashboard. False where there is no such persona.
    pub fn leave_maker_changes(&mut self, id: &str) -> bool {
        let held = self.state.tavus_personas.get_mut(id);
        held.map(|held| held.maker_changes = true).is_some()
    }

    fn list(&self, request: &Incoming) -> Outgoing {
        let wanted = |held: &&Held| match request.parameter("persona_type") {
            Some("user") => held.owner == Owner::User,
            Some("system") => held.owner == Owner::System,
            _ => true,
        };
        let mut all: Vec<&Held> = self.state.tavus_personas.values().filter(wanted).collect();
        let created = |held: &&Held| held.document["created_at"].as_str().map(str::to_owned);
        all.sort_by_cached_key(created);
        if request.parameter("sort") == Some("desc") {
            all.reverse();
        }
        let limit = request.number("limit", 10).clamp(1, self.switches.max_limit);
        let skipped = (request.number("page", 1).max(1) - 1).saturating_mul(limit);
        let total = all.len();
        let page: Vec<Value> = all.into_iter().skip(skipped).take(limit).map(|held| self.shown(held)).collect();
        Outgoing::json(200, json!({ "data": page, "total_count": total }))
    }

    fn create(&mut self, request: &Incoming) -> Result<Outgoing, Outgoing> {
        let Some(mut persona @ Value::Object(_)) = request.json() else { return Err(error("Invalid JSON body")) };
        document::check(None, &persona, &self.switches)?;
        document::settle(None, &mut persona, &self.switches);
        for (field, default) in [("persona_name", json!("")), ("pipeline_mode", json!("full")), ("layers", json!({}))] {
            // Layers that a bad tool took away stay away.
            let dropped = field == "layers" && request.json().is_some_and(|sent| sent["layers"].is_object());
            if persona[field].is_null() && !dropped {
                persona[field] = default;
            }
        }
        let id = self.seed(persona);
        Ok(Outgoing::json(200, brief(&self.state.tavus_personas[&id].document)))
    }

    fn read(&self, id: &str) -> Result<Outgoing, Outgoing> {
        let held = self.state.tavus_personas.get(id).ok_or_else(invalid_id)?;
        let persona = self.shown(held);
        Ok(Outgoing::json(
            200,
            match self.switches.read_envelope {
                ReadEnvelope::Bare => persona,
                ReadEnvelope::Data => json!({ "data": [persona] }),
            },
        ))
    }

    fn patch(&mut self, id: &str, request: &Incoming) -> Result<Outgoing, Outgoing> {
        let held = self.own(id)?;
        let operations = operations(request).ok_or_else(malformed)?;
        let apart = operations.iter().filter(|operation| document::is_conferencing(operation)).count();
        if apart != 0 && apart != operations.len() {
            return Err(error("conferencing must be updated in a request of its own"));
        }
        let forced = request.parameter("force") == Some("true");
        if held.maker_changes && !forced {
            let body = json!({ "conflict": "maker_changes", "message": "The persona has unpublished changes" });
            return Err(Outgoing::json(409, body));
        }
        let discarded = held.maker_changes;
        let before = held.document.clone();
        let (mut after, outcome) = document::patched(&before, &operations, &self.switches);
        document::check(Some(&before), &after, &self.switches)?;
        document::settle(Some(&before), &mut after, &self.switches);
        let changed = after != before;
        if changed {
            after["updated_at"] = json!(self.state.ticks.timestamp());
        }
        let mut body = match self.switches.patch_answer {
            PatchAnswer::Persona => document::shown(&after, &self.switches),
            PatchAnswer::Brief => brief(&after),
            PatchAnswer::Empty => Value::Null,
        };
        let held = Held { owner: Owner::User, document: after, maker_changes: discarded && outcome.is_err() };
        self.state.tavus_personas.insert(id.to_owned(), held);
        if outcome.is_err() {
            return Err(match self.switches.inapplicable {
                Inapplicable::Unprocessable => malformed(),
                Inapplicable::BadRequest => error("The patch cannot be applied to the persona"),
            });
        }
        if !changed {
            return Ok(Outgoing::empty(304));
        }
        if discarded && body.is_object() {
            body["discarded_maker_changes"] = json!(true);
        }
        Ok(if body.is_null() { Outgoing::empty(200) } else { Outgoing::json(200, body) })
    }

    /// Attaches tools of the registry, each once, at most 50.
    fn attach(&mut self, id: &str, request: &Incoming) -> Result<Outgoing, Outgoing> {
        self.own(id)?;
        let body = request.json().unwrap_or_default();
        let Some(new) = body["tool_ids"].as_array().filter(|ids| ids.iter().all(Value::is_string)) else {
            return Err(error("tool_ids must be an array of strings"));
        };
        let mut tools = self.tools(id);
        tools.extend(new.iter().filter(|tool| !tools.contains(tool)).cloned().collect::<Vec<_>>());
        if tools.len() > 50 {
            return Err(error("A persona can have at most 50 tools"));
        }
        let answer = json!({ "tool_ids": tools });
        self.alter(id, |persona| persona["tool_ids"] = json!(tools));
        Ok(Outgoing::json(200, answer))
    }

    fn detach(&mut self, id: &str, tool: &str) -> Result<Outgoing, Outgoing> {
        self.own(id)?;
        let mut tools = self.tools(id);
        let count = tools.len();
        tools.retain(|attached| attached != tool);
        if tools.len() == count {
            return Err(Outgoing::json(404, json!({ "message": "Tool is not attached" })));
        }
        self.alter(id, |persona| persona["tool_ids"] = json!(tools));
        Ok(Outgoing::empty(204))
    }

    fn tools(&self, id: &str) -> Vec<Value> {
        let stored = self.stored(id).and_then(|persona| persona["tool_ids"].as_array());
        stored.cloned().unwrap_or_default()
    }

    fn delete(&mut self, id: &str) -> Result<Outgoing, Outgoing> {
        self.own(id)?;
        self.state.tavus_personas.remove(id);
        Ok(Outgoing::empty(204))
    }

    /// A persona that the account may change: stock ones are as good as unknown.
    fn own(&self, id: &str) -> Result<&Held, Outgoing> {
        let held = self.state.tavus_personas.get(id);
        held.filter(|held| held.owner == Owner::User).ok_or_else(invalid_id)
    }

    fn shown(&self, held: &Held) -> Value {
        document::shown(&held.document, &self.switches)
    }
}

impl Miniature for Sandbox {
    fn handle(&mut self, request: &Incoming) -> Outgoing {
        if request.header("x-api-key") != Some(&self.key) {
            return Outgoing::json(401, json!({ "message": "Invalid access token" }));
        }
        if let Some(translated) = pals::translated(request) {
            return pals::answered(translated.map_or_else(|refusal| refusal, |older| self.handle(&older)));
        }
        let outcome = match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["v2", "personas"]) => Ok(self.list(request)),
            ("POST", ["v2", "personas"]) => self.create(request),
            ("GET", ["v2", "personas", id]) => self.read(id),
            ("PATCH", ["v2", "personas", id]) => self.patch(id, request),
            ("DELETE", ["v2", "personas", id]) => self.delete(id),
            ("GET", ["v2", "personas", id, "tools"]) => self.own(id).map(|_| Outgoing::json(200, json!(self.tools(id)))),
            ("POST", ["v2", "personas", id, "tools"]) => self.attach(id, request),
            ("DELETE", ["v2", "personas", id, "tools", tool]) => self.detach(id, tool),
            ("GET", ["v2", shelf]) => {
                shelves::listed(shelf, request).ok_or_else(|| Outgoing::json(404, json!({ "message": "Not found" })))
            }
            _ => Err(Outgoing::json(404, json!({ "message": "Not found" }))),
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

impl From<Fault> for Outgoing {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Invalid(message) => error(&message),
            Fault::Broken => Outgoing::json(500, json!({ "message": "Internal server error" })),
        }
    }
}

/// The patch of a request; none where it is not one. The whole document is no target of it.
fn operations(request: &Incoming) -> Option<Vec<PatchOperation>> {
    let operations: Vec<PatchOperation> = serde_json::from_value(request.json()?).ok()?;
    operations.iter().all(|operation| !operation.path().is_root()).then_some(operations)
}

/// All that a create answers.
fn brief(persona: &Value) -> Value {
    json!({
        "persona_id": persona["persona_id"], "persona_name": persona["persona_name"], "created_at": persona["created_at"],
    })
}

fn error(message: &str) -> Outgoing {
    Outgoing::json(400, json!({ "error": message }))
}

fn invalid_id() -> Outgoing {
    error("Invalid persona_id")
}

fn malformed() -> Outgoing {
    Outgoing::json(422, json!({ "message": "Invalid JSON patch format" }))
}
