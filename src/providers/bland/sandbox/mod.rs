//! Bland in miniature, after its contract sheet, warts included. Shares no code with the client beside it, so that the two
//! cannot be wrong together.

mod persona;
mod shelves;
mod switches;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::{Incoming, Miniature, Outgoing, Ticks};
use persona::Persona;
pub use switches::{CallConfig, ConfigNulls, Deleted, Drafts, Empties, Errors, Nulls, Switches};

/// The service.
#[derive(Debug)]
pub struct Sandbox {
    key: String,
    switches: Switches,
    /// Accidents that hooks have ordered, for one request each. Not kept.
    failing: Option<String>,
    losing: Vec<String>,
    state: State,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    ticks: Ticks,
    bland_personas: BTreeMap<String, Persona>,
}

impl Sandbox {
    /// An empty organization that this key opens.
    pub fn new(key: &str) -> Self {
        Self::with(key, Switches::default())
    }

    /// The same with other answers to what the contract leaves open.
    pub fn with(key: &str, switches: Switches) -> Self {
        Self { key: key.to_owned(), switches, failing: None, losing: Vec::new(), state: State::default() }
    }

    /// Hook: the ids of all personas that are not deleted, oldest first.
    pub fn ids(&self) -> Vec<String> {
        self.state.bland_personas.iter().filter(|(_, persona)| !persona.deleted()).map(|(id, _)| id.clone()).collect()
    }

    /// Hook: a persona in the flat shape of writes, with the current version of a type (`draft`, `production`).
    pub fn written(&self, id: &str, version_type: &str) -> Option<Map<String, Value>> {
        self.state.bland_personas.get(id).and_then(|persona| persona.written(version_type))
    }

    /// Hook: the next request with a valid key gets a 200 that carries this error and does nothing.
    pub fn fail_next(&mut self, code: &str) {
        self.failing = Some(code.to_owned());
    }

    /// Hook: the next update answers 200 as ever, but stores null in this field where the update names it.
    pub fn lose_next(&mut self, field: &str) {
        self.losing.push(field.to_owned());
    }

    /// Hook: somebody edits a field of the draft in the dashboard and does not promote. False where there is no such persona.
    pub fn edit_draft(&mut self, id: &str, field: &str, value: Value) -> bool {
        let content = Map::from_iter([(field.to_owned(), value)]);
        let ticks = &mut self.state.ticks;
        self.state.bland_personas.get_mut(id).map(|persona| persona.edit_draft(content, ticks)).is_some()
    }

    /// Hook: somebody promotes the draft in the dashboard. False where there is no such persona or draft.
    pub fn promote_draft(&mut self, id: &str) -> bool {
        let ticks = &mut self.state.ticks;
        self.state.bland_personas.get_mut(id).is_some_and(|persona| persona.promote(ticks))
    }

    /// Hook: the draft is gone. False where there is no such persona.
    pub fn drop_draft(&mut self, id: &str) -> bool {
        self.state.bland_personas.get_mut(id).map(|persona| persona.archive("draft")).is_some()
    }

    /// Hook: somebody changes a field of the persona itself in the dashboard. False where there is no such persona.
    pub fn alter(&mut self, id: &str, field: &str, value: Value) -> bool {
        let persona = self.state.bland_personas.get_mut(id);
        persona.map(|persona| persona.fields.insert(field.to_owned(), value)).is_some()
    }

    /// Hook: a phone number is attached. False where there is no such persona.
    pub fn attach_number(&mut self, id: &str, number: &str) -> bool {
        let persona = self.state.bland_personas.get_mut(id);
        persona.map(|persona| persona.inbound_numbers.push(number.to_owned())).is_some()
    }

    fn list(&self, request: &Incoming) -> Outgoing {
        let limit = request.number("limit", 20).clamp(1, self.switches.max_limit);
        let skipped = (request.number("page", 1).max(1) - 1).saturating_mul(limit);
        let active =
            self.state.bland_personas.values().rev().filter(|persona| self.switches.lists_deleted || !persona.deleted());
        let page: Vec<Value> = active.skip(skipped).take(limit).map(|persona| self.shown(persona, true)).collect();
        success(200, json!(page))
    }

    fn create(&mut self, request: &Incoming) -> Result<Outgoing, Outgoing> {
        let body = self.body(request)?;
        let created = Persona::create(&body, &self.switches, &mut self.state.ticks);
        let persona = created.map_err(|message| self.invalid(&message))?;
        let answer = success(self.switches.create_status, self.shown(&persona, false));
        let id = persona.fields["id"].as_str().unwrap_or_default().to_owned();
        self.state.bland_personas.insert(id, persona);
        Ok(answer)
    }

    fn read(&self, id: &str) -> Result<Outgoing, Outgoing> {
        match self.state.bland_personas.get(id) {
            Some(persona) if self.switches.deleted == Deleted::Body => Ok(success(200, self.shown(persona, true))),
            _ => Ok(success(200, self.shown(self.find(id)?, true))),
        }
    }

    fn update(&mut self, id: &str, request: &Incoming) -> Result<Outgoing, Outgoing> {
        let mut persona = self.find(id)?.clone();
        let mut body = self.body(request)?;
        let updated = persona.update(&body, &self.switches, &mut self.state.ticks);
        updated.map_err(|message| self.invalid(&message))?;
        body.retain(|field, _| self.losing.contains(field));
        self.losing.clear();
        if !body.is_empty() {
            let nulls = Map::from_iter(body.into_iter().map(|(field, _)| (field, Value::Null)));
            let (own, versioned): (Map<_, _>, Map<_, _>) =
                nulls.into_iter().partition(|(field, _)| persona.fields.contains_key(field));
            persona.fields.extend(own);
            persona.edit_draft(versioned, &mut self.state.ticks);
        }
        let answer = success(200, self.shown(&persona, true));
        self.state.bland_personas.insert(id.to_owned(), persona);
        Ok(answer)
    }

    /// Whatever a body says about which version: the draft is promoted.
    fn promote(&mut self, id: &str) -> Result<Outgoing, Outgoing> {
        let mut persona = self.find(id)?.clone();
        if !persona.promote(&mut self.state.ticks) {
            let message = "There is no draft version to promote";
            return Err(self.refusal(self.switches.refusal_status, "NO_DRAFT_VERSION", message, None));
        }
        let answer = success(200, self.shown(&persona, false));
        self.state.bland_personas.insert(id.to_owned(), persona);
        Ok(answer)
    }

    fn versions(&self, id: &str) -> Result<Outgoing, Outgoing> {
        Ok(success(200, self.find(id)?.versions.iter().rev().map(|version| json!(version)).collect()))
    }

    fn version(&self, id: &str, version: &str) -> Result<Outgoing, Outgoing> {
        let persona = self.find(id)?;
        let by_id = persona.versions.iter().find(|candidate| candidate["id"] == version);
        let found = by_id.or_else(|| persona.current(version).filter(|_| version == "draft" || version == "production"));
        found.map(|found| success(200, json!(found))).ok_or_else(|| {
            // The one refusal that is documented in a shape of its own.
            let error =
                json!({ "code": "VERSION_NOT_FOUND", "message": "Version not found", "details": { "version_id": version } });
            Outgoing::json(404, json!({ "error": error }))
        })
    }

    fn delete(&mut self, id: &str, request: &Incoming) -> Result<Outgoing, Outgoing> {
        let numbers = &self.find(id)?.inbound_numbers;
        if !numbers.is_empty() && request.parameter("force") != Some("true") {
            let details = json!({ "phone_numbers_using": numbers });
            let message = "The persona is used by phone numbers";
            return Err(self.refusal(self.switches.refusal_status, "PERSONA_IN_USE", message, Some(details)));
        }
        let now = json!(self.state.ticks.timestamp());
        if let Some(persona) = self.state.bland_personas.get_mut(id) {
            persona.fields.insert("deleted_at".to_owned(), now);
            persona.inbound_numbers.clear();
        }
        Ok(success(200, json!({ "success": true, "message": "Persona deleted successfully" })))
    }

    /// A persona as answers show it.
    fn shown(&self, persona: &Persona, with_numbers: bool) -> Value {
        let mut shown = persona.shown(with_numbers);
        if self.switches.empties == Empties::Null {
            persona::empties_as_null(&mut shown);
        }
        shown
    }

    fn find(&self, id: &str) -> Result<&Persona, Outgoing> {
        let persona = self.state.bland_personas.get(id).filter(|persona| !persona.deleted());
        persona.ok_or_else(|| self.refusal(404, "PERSONA_NOT_FOUND", "Persona not found", None))
    }

    fn body(&self, request: &Incoming) -> Result<Map<String, Value>, Outgoing> {
        match request.json() {
            Some(Value::Object(body)) => Ok(body),
            _ => Err(self.invalid("the body must be a JSON object")),
        }
    }

    fn invalid(&self, message: &str) -> Outgoing {
        self.refusal(400, "VALIDATION_ERROR", message, None)
    }

    fn refusal(&self, status: u16, code: &str, message: &str, details: Option<Value>) -> Outgoing {
        let mut error = json!({ "error": code, "message": message });
        if let Some(details) = details {
            error["details"] = details;
        }
        let status = if self.switches.errors_inside_success { 200 } else { status };
        let errors = match self.switches.errors {
            Errors::List => json!([error]),
            Errors::Text => json!(format!("{code}: {message}")),
        };
        Outgoing::json(status, json!({ "data": null, "errors": errors }))
    }
}

impl Miniature for Sandbox {
    fn handle(&mut self, request: &Incoming) -> Outgoing {
        if request.header("authorization") != Some(&self.key) {
            return Outgoing { status: 401, ..self.refusal(401, "AUTH_FAILURE", "Invalid API key", None) };
        }
        if let Some(code) = self.failing.take() {
            return Outgoing { status: 200, ..self.refusal(200, &code, "ordered by a test", None) };
        }
        let outcome = match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["v1", "personas"]) => Ok(self.list(request)),
            ("POST", ["v1", "personas"]) => self.create(request),
            ("GET", ["v1", "personas", id]) => self.read(id),
            ("PATCH", ["v1", "personas", id]) => self.update(id, request),
            ("DELETE", ["v1", "personas", id]) => self.delete(id, request),
            ("POST", ["v1", "personas", id, "versions", "promote"]) => self.promote(id),
            ("GET", ["v1", "personas", id, "versions"]) => self.versions(id),
            ("GET", ["v1", "personas", id, "versions", version]) => self.version(id, version),
            ("GET", ["v1", shelf]) => {
                shelves::listed(shelf, request).ok_or_else(|| self.refusal(404, "NOT_FOUND", "Not found", None))
            }
            _ => Err(self.refusal(404, "NOT_FOUND", "Not found", None)),
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

fn success(status: u16, data: Value) -> Outgoing {
    Outgoing::json(status, json!({ "data": data, "errors": null }))
}
