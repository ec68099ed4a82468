//! Anam's row.

use personaform::persona::name::Pointer;
use personaform::providers::anam::sandbox::{
    AVATAR_BOTH, AVATAR_CARA_3_ONLY, AVATAR_CARA_4_ONLY, ErrorText, LLM_THAT_RETAINS, ModelReset, NoLlm, Nulls, Options,
    Sandbox, Switches, ToolId, UnknownKeys, Unset, VOICE_THAT_RETAINS,
};
use serde_json::{Map, Value, json};

use super::{Exception, Expected, Inspect, Row, Shared, Switch, alone, altered, pairs};
use crate::pipeline::KEY;
use crate::transitions::Kind;

const VOICE: &str = "de23e340-1416-4dd8-977d-065a7ca11697";
const OTHER_VOICE: &str = "6bfbe25a-979d-40f3-a92b-5394170af54b";
const LLM: &str = "a7cf662c-2ace-4de1-a21e-ef0fbf144bb7";

pub(crate) static ROW: Row = Row {
    id: "anam",
    section: || json!({"avatarId": AVATAR_BOTH, "voiceId": VOICE, "llmId": LLM}),
    required: &["/avatarId", "/voiceId", "/llmId"],
    beside: &[],
    values: &[
        ("/avatarId", || vec![json!(AVATAR_CARA_3_ONLY), json!(AVATAR_CARA_4_ONLY), json!(AVATAR_BOTH)]),
        ("/voiceId", || vec![json!(OTHER_VOICE), json!(VOICE_THAT_RETAINS)]),
        ("/llmId", || vec![json!(LLM_THAT_RETAINS), json!("CUSTOMER_CLIENT_V1"), json!(LLM)]),
        ("/languageCode", || vec![json!("de"), json!("ja")]),
        ("/widgetConfig/allowedOrigins", || {
            vec![
                json!(["tidewheel.example"]),
                json!(["https://b.example", "tidewheel.example", "http://localhost:3000"]),
                json!(["http://localhost:3000", "https://tidewheel.example", "b.example"]),
                json!([]),
                json!(["c.example"]),
            ]
        }),
    ],
    together: &[
        ("avatar-and-model", || {
            vec![
                json!({"avatarId": AVATAR_BOTH, "avatarModel": "cara-3"}),
                json!({"avatarId": AVATAR_CARA_4_ONLY, "avatarModel": "cara-4"}),
                json!({"avatarId": AVATAR_BOTH, "avatarModel": "cara-4"}),
                json!({"avatarId": AVATAR_CARA_3_ONLY}),
                json!({"avatarId": AVATAR_CARA_4_ONLY}),
            ]
        }),
        ("voice-and-options", || {
            vec![
                json!({"voiceGenerationOptions": {"speed": 1.1, "stability": 0.5}}),
                json!({"voiceId": OTHER_VOICE, "voiceGenerationOptions": {"speed": 1.1, "stability": 0.5}}),
                json!({"voiceId": VOICE, "voiceGenerationOptions": {"speed": 0.9, "stability": 0.5, "style": 0}}),
                json!({"voiceId": OTHER_VOICE}),
                json!({"voiceId": VOICE, "voiceGenerationOptions": {"speed": 1}}),
            ]
        }),
        ("retention-with-voice-and-llm", || {
            vec![
                json!({"voiceId": VOICE_THAT_RETAINS, "llmId": LLM_THAT_RETAINS, "zeroDataRetention": false}),
                json!({"voiceId": OTHER_VOICE, "llmId": "CUSTOMER_CLIENT_V1"}),
                json!({"voiceId": VOICE_THAT_RETAINS, "llmId": LLM, "zeroDataRetention": null}),
            ]
        }),
        ("no-llm", || {
            vec![
                json!({"llmId": "CUSTOMER_CLIENT_V1"}),
                json!({"llmId": "CUSTOMER_CLIENT_V1", "skipGreeting": true}),
                json!({"llmId": LLM}),
                json!({"llmId": "CUSTOMER_CLIENT_V1"}),
            ]
        }),
    ],
    idle: &[],
    strangers: &[("/directorNotes", || json!("slowly"))],
    estranged: &[],
    refused: &[
        ("/name", &[Kind::Null, Kind::Empty]),
        ("/avatarId", &[Kind::Null, Kind::Empty, Kind::Removed]),
        ("/voiceId", &[Kind::Null, Kind::Empty, Kind::Removed]),
        ("/llmId", &[Kind::Null, Kind::Empty, Kind::Removed]),
    ],
    exceptions: EXCEPTIONS,
    settings: || alone(SWITCHES, make),
    pairs: || pairs(SWITCHES, make),
};

const EXCEPTIONS: &[Exception] = &[
    Exception::survives("options=merge", "/voiceDetectionOptions", false),
    Exception::survives("options=merge", "/voiceGenerationOptions", false),
    Exception::survives("options=defaulted", "/voiceDetectionOptions", false),
    Exception {
        setting: "inherit=refused",
        field: "/languageCode",
        kinds: &[Kind::Null, Kind::Removed],
        value: "",
        expected: Expected::Fails("Invalid language code"),
    },
    Exception {
        setting: "retention_plan=no",
        field: "/zeroDataRetention",
        kinds: &[],
        value: "true",
        expected: Expected::Fails("zeroDataRetention needs an enterprise plan"),
    },
];

const SWITCHES: &[Switch<Switches>] = &[
    ("options=merge", |switches| switches.options = Options::Merge),
    ("no_llm=sentinel", |switches| switches.no_llm = NoLlm::Sentinel),
    ("nulls=cleared", |switches| switches.nulls = Nulls::Cleared),
    ("inherit=refused", |switches| switches.inherit_writable = false),
    ("unknown_keys=ignored", |switches| switches.unknown_keys = UnknownKeys::Ignored),
    ("undocumented_reads=no", |switches| switches.undocumented_reads = false),
    ("model_reset=avatar-default", |switches| switches.model_reset = ModelReset::AvatarDefault),
    ("options=defaulted", |switches| switches.options = Options::Defaulted),
    ("tool_id=named", |switches| switches.tool_id = ToolId::Named),
    ("tool_id=hidden", |switches| switches.tool_id = ToolId::Hidden),
    ("unset=empty", |switches| switches.unset = Unset::Empty),
    ("tool_id=plain", |switches| switches.tool_id = ToolId::Plain),
    ("error_text=message", |switches| switches.error_text = ErrorText::Message),
    ("retention_plan=no", |switches| switches.zero_data_retention_plan = false),
];

fn make(switches: Switches) -> Sandbox {
    // A new switch must come into the list above.
    let Switches {
        options: _,
        no_llm: _,
        nulls: _,
        inherit_writable: _,
        unknown_keys: _,
        undocumented_reads: _,
        model_reset: _,
        tool_id: _,
        error_text: _,
        zero_data_retention_plan: _,
        unset: _,
    } = &switches;
    Sandbox::with(KEY, switches)
}

impl Inspect for Shared<Sandbox> {
    fn held(&self, id: &str) -> Option<Map<String, Value>> {
        self.get().stored(id).cloned()
    }

    fn alter(&self, id: &str, path: &Pointer, value: &Value) {
        self.get().alter(id, |persona| altered(persona, path, value));
    }
}
