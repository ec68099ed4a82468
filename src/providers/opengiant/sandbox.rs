//! OpenGiant in miniature, after its contract sheet: create and update, no read, no list, no delete. Shares no code with the
//! client beside it, so that the two cannot be wrong together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::{Incoming, Miniature, Outgoing, Ticks};

/// How `attributes` of an update meet the stored ones. Not documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attributes {
    /// The object sent becomes the object stored.
    #[default]
    Replace,
    /// Keys sent overwrite, keys left out stay, a null is stored as null.
    Merge,
    /// RFC 7396: as a merge, nested, and a null removes.
    MergePatch,
}

/// What the contract leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Merge or replace.
    pub attributes: Attributes,
    /// Whether an update of nothing (`{}`) is accepted, so that it could serve as a read. Default: yes.
    pub empty_update: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self { attributes: Attributes::default(), empty_update: true }
    }
}

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
    opengiant_personas: BTreeMap<String, Persona>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Persona {
    name: String,
    attributes: Map<String, Value>,
}

impl Sandbox {
    /// An empty account that this key opens.
    pub fn new(key: &str) -> Self {
        Self::with(key, Switches::default())
    }

    /// The same with other answers to what the contract leaves open.
    pub fn with(key: &str, switches: Switches) -> Self {
        Self { key: key.to_owned(), switches, state: State::default() }
    }

    /// Hook: what the service holds under an id, as it would answer it if it had a read.
    pub fn persona(&self, id: &str) -> Option<Value> {
        self.state.opengiant_personas.get(id).map(|persona| shown(id, persona))
    }

    /// Hook: every id held.
    pub fn ids(&self) -> Vec<String> {
        self.state.opengiant_personas.keys().cloned().collect()
    }

    /// Hook: somebody deletes a persona where the API shows no way to.
    pub fn lose(&mut self, id: &str) {
        self.state.opengiant_personas.remove(id);
    }

    fn create(&mut self, request: &Incoming) -> Result<Outgoing, Outgoing> {
        let mut persona = Persona::default();
        self.write(&mut persona, read_body(request)?)?;
        let id = self.state.ticks.uuid();
        let answer = Outgoing::json(200, shown(&id, &persona));
        self.state.opengiant_personas.insert(id, persona);
        Ok(answer)
    }

    fn update(&mut self, id: &str, request: &Incoming) -> Result<Outgoing, Outgoing> {
        let mut persona = self.state.opengiant_personas.get(id).cloned().ok_or_else(|| refused("Persona not found"))?;
        let body = read_body(request)?;
        if body.is_empty() && !self.switches.empty_update {
            return Err(refused("Nothing to update"));
        }
        self.write(&mut persona, body)?;
        let answer = Outgoing::json(200, shown(id, &persona));
        self.state.opengiant_personas.insert(id.to_owned(), persona);
        Ok(answer)
    }

    /// Puts what a body names into a persona; what it leaves out stays.
    fn write(&self, persona: &mut Persona, mut body: Map<String, Value>) -> Result<(), Outgoing> {
        match body.remove("name") {
            None => {}
            Some(Value::String(name)) => persona.name = name,
            Some(_) => return Err(refused("name must be a string")),
        }
        match (body.remove("attributes"), self.switches.attributes) {
            (None, _) => {}
            (Some(Value::Object(sent)), Attributes::Replace) => persona.attributes = sent,
            (Some(Value::Object(sent)), Attributes::Merge) => persona.attributes.extend(sent),
            (Some(sent @ Value::Object(_)), Attributes::MergePatch) => {
                let mut merged = Value::Object(std::mem::take(&mut persona.attributes));
                json_patch::merge(&mut merged, &sent);
                if let Value::Object(merged) = merged {
                    persona.attributes = merged;
                }
            }
            (Some(_), _) => return Err(refused("attributes must be an object")),
        }
        Ok(())
    }
}

impl Miniature for Sandbox {
    fn handle(&mut self, request: &Incoming) -> Outgoing {
        if request.header("authorization") != Some(&format!("Bearer {}", self.key)) {
            return failed(401, "Unauthorized");
        }
        let outcome = match (request.method.as_str(), request.segments().as_slice()) {
            ("POST", ["v1", "personas"]) => self.create(request),
            ("PATCH", ["v1", "personas", id]) => self.update(id, request),
            _ => Err(failed(404, "Not found")),
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

fn read_body(request: &Incoming) -> Result<Map<String, Value>, Outgoing> {
    match request.json() {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(refused("the body must be a JSON object")),
    }
}

fn shown(id: &str, persona: &Persona) -> Value {
    json!({ "id": id, "name": persona.name, "attributes": persona.attributes })
}

/// The one failure that the contract lists.
fn refused(message: &str) -> Outgoing {
    failed(400, message)
}

fn failed(status: u16, message: &str) -> Outgoing {
    Outgoing::json(status, json!({ "error": status, "message": message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(sandbox: &mut Sandbox, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let answer = sandbox.handle(&Incoming::new(method, path).with_header("authorization", "Bearer key").with_json(body));
        (answer.status, answer.body.unwrap_or_default())
    }

    fn updated(attributes: Attributes, sent: &Value) -> Value {
        let mut sandbox = Sandbox::with("key", Switches { attributes, ..Switches::default() });
        let first = json!({ "name": "Ada", "attributes": { "tone": "warm", "style": { "pace": 1, "pitch": 2 } } });
        let (_, created) = send(&mut sandbox, "POST", "/v1/personas", &first);
        let path = format!("/v1/personas/{}", created["id"].as_str().expect("an id"));
        let (status, answer) = send(&mut sandbox, "PATCH", &path, &json!({ "attributes": sent }));
        assert_eq!((status, &answer["name"]), (200, &json!("Ada")));
        assert_eq!(sandbox.persona(created["id"].as_str().expect("an id")), Some(answer.clone()));
        answer["attributes"].clone()
    }

    #[test]
    fn create_answers_200_with_the_whole_persona() {
        let (status, body) = send(&mut Sandbox::new("key"), "POST", "/v1/personas", &json!({}));
        assert_eq!(status, 200);
        assert_eq!(body, json!({ "id": body["id"], "name": "", "attributes": {} }));
    }

    #[test]
    fn attributes_are_replaced_unless_the_switch_says_merge() {
        let sent = json!({ "style": { "pace": 3, "pitch": null } });
        assert_eq!(updated(Attributes::Replace, &sent), sent);
        assert_eq!(updated(Attributes::Merge, &sent), json!({ "tone": "warm", "style": { "pace": 3, "pitch": null } }));
        assert_eq!(updated(Attributes::MergePatch, &sent), json!({ "tone": "warm", "style": { "pace": 3 } }));
    }

    #[test]
    fn an_empty_update_is_accepted_unless_switched_off() {
        for (empty_update, wanted) in [(true, 200), (false, 400)] {
            let mut sandbox = Sandbox::with("key", Switches { empty_update, ..Switches::default() });
            let (_, created) = send(&mut sandbox, "POST", "/v1/personas", &json!({ "name": "Ada" }));
            let path = format!("/v1/personas/{}", created["id"].as_str().expect("an id"));
            assert_eq!(send(&mut sandbox, "PATCH", &path, &json!({})).0, wanted);
        }
    }

    #[test]
    fn wrong_requests_get_400_with_a_number_and_a_message() {
        let mut sandbox = Sandbox::new("key");
        for (method, path, body) in [
            ("POST", "/v1/personas", json!([])),
            ("POST", "/v1/personas", json!({ "name": null })),
            ("POST", "/v1/personas", json!({ "attributes": "warm" })),
            ("PATCH", "/v1/personas/nobody", json!({ "name": "Ada" })),
        ] {
            let (status, answer) = send(&mut sandbox, method, path, &body);
            assert_eq!((status, &answer["error"]), (400, &json!(400)), "{body}");
            assert!(answer["message"].is_string());
        }
        assert!(sandbox.ids().is_empty());
    }

    #[test]
    fn there_is_no_read_list_or_delete() {
        let mut sandbox = Sandbox::new("key");
        let (_, created) = send(&mut sandbox, "POST", "/v1/personas", &json!({}));
        let path = format!("/v1/personas/{}", created["id"].as_str().expect("an id"));
        for (method, path) in
            [("GET", "/v1/personas"), ("GET", &path), ("DELETE", &path), ("PUT", &path), ("PATCH", "/v1/personas")]
        {
            assert_eq!(send(&mut sandbox, method, path, &json!({})).0, 404, "{method} {path}");
        }
        assert_eq!(sandbox.ids().len(), 1);
    }

    #[test]
    fn a_bare_key_is_refused() {
        let request = Incoming::new("POST", "/v1/personas").with_header("authorization", "key").with_json(&json!({}));
        assert_eq!(Sandbox::new("key").handle(&request).status, 401);
    }

    #[test]
    fn the_store_outlives_the_sandbox() {
        let mut sandbox = Sandbox::new("key");
        send(&mut sandbox, "POST", "/v1/personas", &json!({ "name": "Ada" }));
        let mut next = Sandbox::new("key");
        next.restore(sandbox.store()).expect("a store is taken back");
        let (_, second) = send(&mut next, "POST", "/v1/personas", &json!({}));
        assert_eq!(next.ids().len(), 2, "{second}");
        assert!(next.restore(json!({ "ticks": 1 })).is_err());
        assert_eq!(next.ids().len(), 2);
    }
}
