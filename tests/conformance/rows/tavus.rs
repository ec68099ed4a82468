//! Tavus's row.

use personaform::persona::name::Pointer;
use personaform::providers::tavus::sandbox::{
    Atomicity, Context, Descriptions, Inapplicable, PatchAnswer, ReadEnvelope, Sandbox, Secrets, Switches, UnknownFields,
};
use serde_json::{Map, Value, json};

use super::{Exception, Expected, Inspect, Row, Shared, Switch, alone, altered, pairs};
use crate::pipeline::KEY;
use crate::transitions::Kind;

fn function(name: &str) -> Value {
    json!({"type": "function", "function": {
        "name": name, "description": format!("does {name}"), "parameters": {"type": "object", "properties": {}},
    }})
}

fn functions() -> Vec<Value> {
    vec![
        json!([function("look_up")]),
        json!([function("look_up"), function("hang_up"), function("transfer")]),
        json!([function("transfer"), function("look_up")]),
        json!([]),
    ]
}

pub(crate) static ROW: Row = Row {
    id: "tavus",
    section: || json!({"default_replica_id": "r79e1c033f"}),
    required: &[],
    beside: &[(
        "/layers/llm/base_url",
        || json!({"/layers/llm/model": "own-model", "/layers/llm/api_key": {"$env": "SECRET_ONE"}}),
    )],
    values: &[
        ("/layers/llm", || {
            vec![
                json!({"model": "tavus-gpt-oss", "speculative_inference": false}),
                json!({"model": "tavus-gpt-5.2", "extra_body": {"temperature": 0}}),
                json!({"speculative_inference": true}),
                json!({}),
            ]
        }),
        ("/default_replica_id", || vec![json!("r1"), json!("r2")]),
        ("/pipeline_mode", || vec![json!("full"), json!("echo")]),
        ("/layers/llm/tools", functions),
        ("/layers/perception/visual_tools", functions),
        ("/layers/perception/audio_tools", functions),
        ("/layers/perception/perception_tools", functions),
    ],
    together: &[
        ("layers-come-and-go", || {
            vec![
                json!({"layers": {"llm": {"model": "tavus-gpt-oss", "extra_body": {"temperature": 0}}}}),
                json!({"layers": {"llm": {"model": "tavus-gpt-oss"}, "stt": {"hotwords": "Tidewheel"}}}),
                json!({"layers": {"conversational_flow": {"turn_taking_patience": "high"}, "stt": {"hotwords": ""}}}),
                json!({"layers": {"stt": null, "tts": {"tts_engine": "cartesia", "voice_settings": {"speed": "normal"}}}}),
                json!({"layers": null}),
                json!({"layers": {"perception": {"visual_awareness_queries": ["Who?", "Where?"]}}}),
                json!({}),
            ]
        }),
        ("born-an-echo", || {
            vec![
                json!({"pipeline_mode": "echo", "layers": {"transport": {"transport_type": "livekit"}}}),
                json!({"pipeline_mode": "echo", "greeting": "Hi", "layers": {"transport": {"transport_type": "livekit"}}}),
                json!({"pipeline_mode": "echo"}),
            ]
        }),
    ],
    idle: &["/pipeline_mode"],
    strangers: &[("/of_tomorrow", || json!({"kept": [1, {"deep": null}], "a/b~c": "x"}))],
    estranged: &["unknown=refused"],
    refused: &[
        ("/context", &[]),
        ("/system_prompt", &[Kind::Null, Kind::Empty]),
        // The service fills this layer with its defaults.
        ("/layers/conversational_flow", &[Kind::Null]),
    ],
    exceptions: EXCEPTIONS,
    settings: || alone(SWITCHES, make),
    pairs: || pairs(SWITCHES, make),
};

/// What is cleared in a layer that the service fills with defaults reads as the default.
const EXCEPTIONS: &[Exception] = &[
    Exception::survives("", "/layers/conversational_flow", false),
    Exception {
        setting: "mode=fixed",
        field: "/pipeline_mode",
        kinds: &[],
        value: "\"echo\"",
        expected: Expected::Fails("pipeline_mode cannot be changed"),
    },
    // The prompt cannot be taken away, and here it may not stay.
    Exception {
        setting: "prompt_without_llm=refused",
        field: "/pipeline_mode",
        kinds: &[],
        value: "\"echo\"",
        expected: Expected::Fails("system_prompt is not allowed when pipeline_mode is echo"),
    },
];

const SWITCHES: &[Switch<Switches>] = &[
    ("secrets=omitted", |switches| switches.secrets = Secrets::Omitted),
    ("secrets=plain", |switches| switches.secrets = Secrets::Plain),
    ("read=data", |switches| switches.read_envelope = ReadEnvelope::Data),
    ("inapplicable=400", |switches| switches.inapplicable = Inapplicable::BadRequest),
    ("atomicity=stepwise", |switches| switches.atomicity = Atomicity::Stepwise),
    ("test=passed-over", |switches| switches.test_guards = false),
    ("patch=brief", |switches| switches.patch_answer = PatchAnswer::Brief),
    ("patch=empty", |switches| switches.patch_answer = PatchAnswer::Empty),
    ("unknown=stored", |switches| switches.unknown_fields = UnknownFields::Stored),
    ("unknown=refused", |switches| switches.unknown_fields = UnknownFields::Refused),
    ("context=kept", |switches| switches.context = Context::Kept),
    ("prompt_without_llm=refused", |switches| switches.prompt_without_llm = false),
    ("mode=fixed", |switches| switches.pipeline_mode_mutable = false),
    ("llm_defaults=shown", |switches| switches.llm_defaults_omitted = false),
    ("default_model=gpt-oss", |switches| switches.default_model = "tavus-gpt-oss".to_owned()),
    ("max_limit=7", |switches| switches.max_limit = 7),
    ("tool_ids=hidden", |switches| switches.tool_ids_shown = false),
    ("descriptions=lost", |switches| switches.descriptions = Descriptions::Lost),
    ("descriptions=kept", |switches| switches.descriptions = Descriptions::Kept),
];

fn make(switches: Switches) -> Sandbox {
    // A new switch must come into the list above.
    let Switches {
        secrets: _,
        read_envelope: _,
        inapplicable: _,
        atomicity: _,
        test_guards: _,
        patch_answer: _,
        unknown_fields: _,
        context: _,
        prompt_without_llm: _,
        pipeline_mode_mutable: _,
        llm_defaults_omitted: _,
        default_model: _,
        max_limit: _,
        tool_ids_shown: _,
        descriptions: _,
    } = &switches;
    Sandbox::with(KEY, switches)
}

impl Inspect for Shared<Sandbox> {
    fn held(&self, id: &str) -> Option<Map<String, Value>> {
        self.get().stored(id)?.as_object().cloned()
    }

    fn alter(&self, id: &str, path: &Pointer, value: &Value) {
        self.get().alter(id, |persona| altered(persona.as_object_mut().expect("an object"), path, value));
    }
}
