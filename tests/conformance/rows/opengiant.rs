//! OpenGiant's row.

use personaform::providers::opengiant::sandbox::{Attributes, Sandbox, Switches};
use serde_json::{Map, Value, json};

use super::{Exception, Inspect, Row, Shared, Switch, alone, pairs};
use crate::pipeline::KEY;

pub(crate) static ROW: Row = Row {
    id: "opengiant",
    section: || json!({"attributes": {"tone": "warm", "greeting": "Hi"}}),
    required: &[],
    beside: &[],
    values: &[],
    together: &[("nested-attributes", || {
        vec![
            json!({"attributes": {"tone": "warm", "style": {"pace": 1, "pitch": {"low": 1, "high": 2}}}}),
            json!({"attributes": {"tone": "cool", "style": {"pace": 2, "pitch": {"low": 1, "high": 3}}}}),
            json!({"attributes": {"tone": "cool", "style": {"pace": null, "pitch": {"low": null, "high": 3}}}}),
            json!({"attributes": {"tone": null, "style": null, "greeting": null}}),
            json!({"attributes": {"tone": ["a", {"b": null}], "style": "plain"}}),
        ]
    })],
    idle: &[],
    // What an update makes of attributes that nobody can read, nobody can know.
    strangers: &[],
    estranged: &[],
    refused: &[],
    exceptions: EXCEPTIONS,
    settings: || alone(SWITCHES, make),
    pairs: || pairs(SWITCHES, make),
};

/// Under a merge, what the file leaves out survives; its user is told once, and can write `null`.
const EXCEPTIONS: &[Exception] = &[
    Exception::survives("attributes=merge", "/attributes", true),
    Exception::survives("attributes=merge-patch", "/attributes", true),
];

const SWITCHES: &[Switch<Switches>] = &[
    ("attributes=merge", |switches| switches.attributes = Attributes::Merge),
    ("attributes=merge-patch", |switches| switches.attributes = Attributes::MergePatch),
    ("empty_update=refused", |switches| switches.empty_update = false),
];

fn make(switches: Switches) -> Sandbox {
    // A new switch must come into the list above.
    let Switches { attributes: _, empty_update: _ } = &switches;
    Sandbox::with(KEY, switches)
}

impl Inspect for Shared<Sandbox> {
    fn held(&self, id: &str) -> Option<Map<String, Value>> {
        self.get().persona(id)?.as_object().cloned()
    }
}
