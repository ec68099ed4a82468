//! What Tavus would make of one request, as far as it can be known: the patch applied to a copy of the live persona.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::api::{self, Api};
use super::rules::{FLOW, TOOL_IDS};
use super::spec::PATHS;
use super::wire;
use crate::persona::name::Pointer;
use crate::plan::value::get;
use crate::plan::{Live, Method, Request};

/// Members that Tavus stores beside the documented ones and may show in a layer that is new.
const UNDOCUMENTED: [&str; 5] = [
    "/layers/llm/disable_vision",
    "/layers/llm/enable_llm_proxy",
    "/layers/llm/endpoint",
    "/layers/llm/is_custom",
    "/layers/llm/model_name",
];

/// Every member that Tavus may fill in by itself: the known ones, in either generation's spelling, and the undocumented ones.
static FILLED: LazyLock<Vec<Pointer>> = LazyLock::new(|| {
    let undocumented = UNDOCUMENTED.iter().filter_map(|path| Pointer::parse(path).ok());
    PATHS.iter().cloned().chain(api::renamed()).chain(undocumented).collect()
});

/// The persona after a request. What does not apply, or is no write of a persona, changes nothing.
pub(super) fn predict(live: &Live, request: &Request) -> Live {
    let mut after = live.clone();
    match (request.method, request.body.as_ref()) {
        (Method::Post, Some(Value::Object(body)))
            if [Api::Personas, Api::Pals].iter().any(|api| api.path() == request.path) =>
        {
            after.fields = body.clone().into();
            fill(&mut after, &Pointer::root());
        }
        (Method::Patch, Some(operations)) => {
            let Some(fields) = patched(&live.fields, operations) else { return after };
            after.fields = fields.into();
            let writes = operations.as_array().into_iter().flatten().filter(|operation| operation["op"] != "test");
            let paths = writes.filter_map(|operation| operation.get("path")?.as_str());
            for path in paths.filter_map(|path| Pointer::parse(path).ok()) {
                after.unknown.retain(|unknown| !path.covers(unknown));
                let flow = Pointer::new(FLOW);
                fill(&mut after, if flow.covers(&path) { &flow } else { &path });
            }
        }
        (Method::Post | Method::Delete, _) if request.path.contains("/tools") => {
            // No read that shows the tools is documented; where one does, they are as attached and detached.
            after.unknown.insert(Pointer::new([TOOL_IDS]));
            if let Some(tools) = after.fields.get_mut(TOOL_IDS).and_then(Value::as_array_mut) {
                let new = request.body.as_ref().and_then(|body| body.get(TOOL_IDS)?.as_array());
                tools.extend(new.into_iter().flatten().cloned());
                let gone = |tool: &Value| tool.as_str().is_some_and(|tool| request.path.ends_with(&wire::tool_path(tool)));
                tools.retain(|tool| request.method != Method::Delete || !gone(tool));
            }
        }
        _ => {}
    }
    after.name = wire::name(&after.fields);
    after
}

/// The fields after a patch; none if it does not apply.
pub(super) fn patched(fields: &Map<String, Value>, operations: &Value) -> Option<Map<String, Value>> {
    let patch: json_patch::Patch = serde_json::from_value(operations.clone()).ok()?;
    let mut document = Value::Object(fields.clone());
    json_patch::patch(&mut document, &patch).ok()?;
    match document {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

/// Marks what Tavus may fill in by itself below an object that was made or touched: every known member that is not there.
fn fill(live: &mut Live, at: &Pointer) {
    if !at.is_root() && !get(&live.fields, at).is_some_and(Value::is_object) {
        return;
    }
    for path in FILLED.iter().filter(|path| at.covers(path)) {
        let absent = get(&live.fields, path).is_none();
        if absent && !live.unknown.iter().any(|unknown| unknown.covers(path)) {
            live.unknown.insert(path.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::RemoteId;

    fn live(fields: Value) -> Live {
        let fields = fields.as_object().expect("an object").clone();
        Live { name: wire::name(&fields), fields: fields.into(), ..Live::empty(RemoteId::new("p1")) }
    }

    fn patch(operations: Value) -> Request {
        Request::new(Method::Patch, "/v2/personas/p1").with_body(operations)
    }

    fn unknown(live: &Live) -> Vec<String> {
        live.unknown.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_created_persona_is_its_body_and_what_tavus_fills_in_is_not_known() {
        let body = json!({"persona_name": "Ada", "system_prompt": "Be kind.", "layers": {"stt": {"hotwords": "Ada"}}});
        let request = Request::new(Method::Post, Api::Personas.path()).with_body(body.clone());
        let after = predict(&Live::empty(RemoteId::new("p1")), &request);
        assert_eq!(Value::Object(after.fields.clone().into()), body);
        assert_eq!(after.name, "Ada");
        let unknown = unknown(&after);
        for path in ["/pipeline_mode", "/layers/llm", "/layers/stt/stt_engine"] {
            assert!(unknown.contains(&path.to_owned()), "{path}");
        }
        assert!(!unknown.contains(&"/layers/llm/model".to_owned()), "the layer above stands for it");
    }

    #[test]
    fn a_pal_is_created_as_a_persona_is() {
        let body = json!({"pal_name": "Ada", "system_prompt": "Be kind."});
        let request = Request::new(Method::Post, Api::Pals.path()).with_body(body.clone());
        let after = predict(&Live::empty(RemoteId::new("p1")), &request);
        assert_eq!((Value::Object(after.fields.into()), after.name.as_str()), (body, "Ada"));
    }

    #[test]
    fn a_patch_is_applied_and_touches_nothing_else() {
        let before = live(json!({"persona_name": "Ada", "x": [1], "layers": {"llm": {"model": "a"}}}));
        let after = predict(
            &before,
            &patch(json!([
                {"op": "replace", "path": "/persona_name", "value": "Ada B"},
                {"op": "remove", "path": "/layers/llm/model"},
            ])),
        );
        assert_eq!(
            Value::Object(after.fields.clone().into()),
            json!({"persona_name": "Ada B", "x": [1], "layers": {"llm": {}}})
        );
        assert_eq!(after.name, "Ada B");
        assert_eq!(unknown(&after), Vec::<String>::new());
    }

    #[test]
    fn touching_the_conversational_flow_leaves_its_other_fields_open() {
        let flow = json!({"layers": {"conversational_flow": {"wake_phrase": "Ada", "turn_taking_patience": "low"}}});
        let operation = json!([{"op": "remove", "path": "/layers/conversational_flow/turn_taking_patience"}]);
        let after = predict(&live(flow), &patch(operation));
        let unknown = unknown(&after);
        assert!(unknown.contains(&"/layers/conversational_flow/turn_taking_patience".to_owned()));
        assert!(unknown.contains(&"/layers/conversational_flow/voice_isolation".to_owned()));
        assert!(!unknown.contains(&"/layers/conversational_flow/wake_phrase".to_owned()));
    }

    #[test]
    fn what_a_later_request_writes_is_known_again() {
        let created = Request::new(Method::Post, Api::Personas.path()).with_body(json!({"layers": {}}));
        let before = predict(&Live::empty(RemoteId::new("p1")), &created);
        let conferencing = Pointer::new(["layers", "conferencing"]);
        assert!(before.unknown.contains(&conferencing));
        let operation = json!([{"op": "add", "path": "/layers/conferencing", "value": {"username": "ada"}}]);
        let after = predict(&before, &patch(operation));
        assert!(!after.unknown.contains(&conferencing));
        assert_eq!(after.fields["layers"]["conferencing"]["username"], "ada");
    }

    #[test]
    fn a_patch_that_does_not_apply_changes_nothing() {
        let before = live(json!({"greeting": "Hi"}));
        let operations = json!([
            {"op": "replace", "path": "/greeting", "value": "Ho"},
            {"op": "replace", "path": "/layers/llm/model", "value": "m"},
        ]);
        assert_eq!(predict(&before, &patch(operations)), before);
    }

    #[test]
    fn which_tools_are_attached_is_not_known_afterwards() {
        let request = Request::new(Method::Post, "/v2/personas/p1/tools").with_body(json!({"tool_ids": ["t1"]}));
        assert_eq!(unknown(&predict(&live(json!({})), &request)), ["/tool_ids"]);
    }
}
