//! The newer front of the same store: `/v2/pals`, where a persona is a PAL and its replica a face. Names of the older front are
//! taken as well, as the service does for backward compatibility; answers speak the newer ones alone.

use serde_json::{Value, json};

use crate::sandbox::{Incoming, Outgoing};

/// Where a member stands at the older front, and its name at the newer one.
const RENAMED: [(&str, &str); 4] = [
    ("/persona_id", "pal_id"),
    ("/persona_name", "pal_name"),
    ("/default_replica_id", "default_face_id"),
    ("/layers/conversational_flow/replica_interruptibility", "pal_interruptibility"),
];

/// The request as the older front takes it; none where it is for that one anyway.
///
/// # Errors
/// The answer to a PAL without a face.
pub(super) fn translated(request: &Incoming) -> Option<Result<Incoming, Outgoing>> {
    let segments = request.segments();
    let ["v2", "pals", rest @ ..] = segments.as_slice() else { return None };
    let path = ["v2", "personas"].iter().chain(rest).fold(String::new(), |path, segment| format!("{path}/{segment}"));
    let mut older = Incoming { path, ..request.clone() };
    match request.json() {
        Some(Value::Array(mut operations)) => {
            operations.iter_mut().for_each(translate_operation);
            older = older.with_json(&Value::Array(operations));
        }
        Some(mut body @ Value::Object(_)) => {
            rename_members(&mut body, "", true);
            if rest.is_empty() && body["default_replica_id"].as_str().is_none_or(str::is_empty) {
                return Some(Err(Outgoing::json(400, json!({ "error": "default_face_id is required" }))));
            }
            older = older.with_json(&body);
        }
        Some(_) | None => {}
    }
    Some(Ok(older))
}

/// The older front's answer in the newer front's words.
pub(super) fn answered(mut answer: Outgoing) -> Outgoing {
    match &mut answer.body {
        Some(body) if answer.status < 300 => match body.get_mut("data").and_then(Value::as_array_mut) {
            Some(pals) => pals.iter_mut().for_each(|pal| rename_members(pal, "", false)),
            None => rename_members(body, "", false),
        },
        Some(body) if body["error"] == "Invalid persona_id" => body["error"] = json!("Invalid pal_id"),
        Some(_) | None => {}
    }
    answer
}

fn translate_operation(operation: &mut Value) {
    let Some(path) = operation["path"].as_str().map(str::to_owned) else { return };
    let newer =
        |older: &str, name: &str| older.rsplit_once('/').map(|(above, _)| format!("{above}/{name}")).unwrap_or_default();
    for (older, name) in RENAMED {
        let newer = newer(older, name);
        if path == newer || path.starts_with(&format!("{newer}/")) {
            operation["path"] = json!(format!("{older}{}", &path[newer.len()..]));
            return;
        }
    }
    rename_members(&mut operation["value"], &path, true);
    if operation["value"].is_null() && operation["op"] == "remove" {
        operation.as_object_mut().map(|members| members.remove("value"));
    }
}

/// Renames members of a value that stands at a pointer of the persona.
fn rename_members(value: &mut Value, at: &str, to_older: bool) {
    for (pointer, newer) in RENAMED {
        let Some(below) = pointer.strip_prefix(at).filter(|below| below.starts_with('/')) else { continue };
        let Some((above, older)) = below.rsplit_once('/') else { continue };
        let (from, to) = if to_older { (newer, older) } else { (older, newer) };
        if let Some(Value::Object(members)) = value.pointer_mut(above)
            && let Some(member) = members.remove(from)
        {
            members.insert(to.to_owned(), member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sandbox;
    use super::*;
    use crate::sandbox::Miniature;

    fn ask(sandbox: &mut Sandbox, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = Incoming::new(method, path).with_header("x-api-key", "key");
        let request = body.iter().fold(request, |request, body| request.with_json(body));
        let answer = sandbox.handle(&request);
        (answer.status, answer.body.unwrap_or_default())
    }

    #[test]
    fn one_store_answers_at_both_fronts_in_each_ones_words() {
        let mut sandbox = Sandbox::new("key");
        let body = json!({
            "pal_name": "Ada", "system_prompt": "Be kind.", "default_face_id": "r1",
            "layers": {"conversational_flow": {"pal_interruptibility": "low"}},
        });
        let (status, created) = ask(&mut sandbox, "POST", "/v2/pals", Some(body));
        let id = created["pal_id"].as_str().expect("an id").to_owned();
        assert_eq!((status, &created["pal_name"]), (200, &json!("Ada")));

        let (_, persona) = ask(&mut sandbox, "GET", &format!("/v2/personas/{id}"), None);
        assert_eq!(persona["layers"]["conversational_flow"]["replica_interruptibility"], "low");
        let operations = json!([
            {"op": "replace", "path": "/default_face_id", "value": "r2"},
            {"op": "add", "path": "/layers/conversational_flow", "value": {"pal_interruptibility": "high"}},
            {"op": "remove", "path": "/system_prompt"},
            {"op": "add", "path": "/system_prompt", "value": "Be brief."},
        ]);
        assert_eq!(ask(&mut sandbox, "PATCH", &format!("/v2/pals/{id}"), Some(operations)).0, 200);
        let (_, pal) = ask(&mut sandbox, "GET", &format!("/v2/pals/{id}"), None);
        assert_eq!((&pal["default_face_id"], &pal["persona_name"]), (&json!("r2"), &Value::Null));
        assert_eq!(pal["layers"]["conversational_flow"]["pal_interruptibility"], "high");
        let (_, list) = ask(&mut sandbox, "GET", "/v2/pals?persona_type=user", None);
        assert_eq!(list["data"][0]["pal_id"], json!(id));
    }

    #[test]
    fn a_pal_needs_a_face_and_an_unknown_one_is_called_a_pal() {
        let mut sandbox = Sandbox::new("key");
        assert_eq!(ask(&mut sandbox, "POST", "/v2/pals", Some(json!({"system_prompt": "Be kind."}))).0, 400);
        let (status, body) = ask(&mut sandbox, "GET", "/v2/pals/p404", None);
        assert_eq!((status, body), (400, json!({"error": "Invalid pal_id"})));
    }
}
