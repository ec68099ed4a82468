//! Bland's row.

use personaform::persona::name::Pointer;
use personaform::providers::bland::sandbox::{
    CallConfig, ConfigNulls, Deleted, Drafts, Empties, Errors, Nulls, Sandbox, Switches,
};
use serde_json::{Map, Value, json};

use super::{Exception, Expected, Inspect, Row, Shared, Switch, alone, altered, pairs};
use crate::pipeline::KEY;
use crate::transitions::Kind;

pub(crate) static ROW: Row = Row {
    id: "bland",
    section: || json!({"call_config": {"voice": "June", "record": true}}),
    required: &[],
    beside: &[],
    values: &[],
    together: &[
        ("call-config-and-prompt", || {
            vec![
                json!({"personality_prompt": "Be brief.", "call_config": {"voice": "June", "max_duration": 10}}),
                json!({"role": "guide", "call_config": {"voice": "Maya", "max_duration": 0}}),
                json!({"role": null, "tags": ["a"], "call_config": {"first_sentence": "Hi", "deep": {"a": 1, "b": [1]}}}),
                json!({"tags": [], "kb_ids": ["KB-1"], "call_config": {"deep": {"a": 2, "c": null}}}),
                json!({"call_config": {"voice": "June"}}),
            ]
        }),
        ("only-what-has-no-draft", || {
            vec![json!({"role": "guide", "tags": ["b", "a"]}), json!({"role": "lead", "image_url": "https://x.example/a.png"})]
        }),
    ],
    idle: &[],
    strangers: &[
        ("/of_tomorrow", || json!({"kept": [1, {"deep": null}], "a/b~c": "x"})),
        ("/skills", || json!([{"id": "s1"}])),
    ],
    estranged: &[],
    refused: &[("/name", &[Kind::Null, Kind::Empty])],
    exceptions: EXCEPTIONS,
    settings: || alone(SWITCHES, make),
    pairs: || pairs(SWITCHES, make),
};

const EXCEPTIONS: &[Exception] = &[
    Exception::survives("call_config=merge", "/call_config", true),
    // Whoever writes no `null` and lets the line go has it cleared there.
    Exception {
        setting: "config_nulls=refused",
        field: "/call_config/*",
        kinds: &[Kind::Null],
        value: "",
        expected: Expected::Fails("call_config: a value must not be null"),
    },
];

const SWITCHES: &[Switch<Switches>] = &[
    ("create_status=201", |switches| switches.create_status = 201),
    ("name=optional", |switches| switches.name_required = false),
    ("drafts=recreated", |switches| switches.drafts = Drafts::Recreated),
    ("call_config=merge", |switches| switches.call_config = CallConfig::Merge),
    ("nulls=refused", |switches| switches.nulls = Nulls::Refused),
    ("nulls=ignored", |switches| switches.nulls = Nulls::Ignored),
    ("refusal_status=409", |switches| switches.refusal_status = 409),
    ("errors=inside-success", |switches| switches.errors_inside_success = true),
    ("deleted=body", |switches| switches.deleted = Deleted::Body),
    ("lists_deleted=yes", |switches| switches.lists_deleted = true),
    ("max_limit=3", |switches| switches.max_limit = 3),
    ("empties=null", |switches| switches.empties = Empties::Null),
    ("config_nulls=removed", |switches| switches.config_nulls = ConfigNulls::Removed),
    ("errors=text", |switches| switches.errors = Errors::Text),
    ("config_nulls=refused", |switches| switches.config_nulls = ConfigNulls::Refused),
];

fn make(switches: Switches) -> Sandbox {
    // A new switch must come into the list above.
    let Switches {
        create_status: _,
        name_required: _,
        drafts: _,
        call_config: _,
        nulls: _,
        refusal_status: _,
        errors_inside_success: _,
        deleted: _,
        lists_deleted: _,
        max_limit: _,
        empties: _,
        config_nulls: _,
        errors: _,
    } = &switches;
    Sandbox::with(KEY, switches)
}

impl Inspect for Shared<Sandbox> {
    fn held(&self, id: &str) -> Option<Map<String, Value>> {
        self.get().written(id, "draft")
    }

    fn alter(&self, id: &str, path: &Pointer, value: &Value) {
        let field = &path.segments()[0];
        let mut document = self.held(id).expect("it is there");
        altered(&mut document, path, value);
        let value = document.remove(field).unwrap_or_default();
        if ["name", "role", "description", "tags", "image_url"].contains(&field.as_str()) {
            self.get().alter(id, field, value);
        } else {
            self.get().edit_draft(id, field, value);
        }
    }

    fn released(&self, id: &str) -> Option<Map<String, Value>> {
        self.get().written(id, "production")
    }
}
