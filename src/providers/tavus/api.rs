//! The two generations of Tavus's API as one table: where personas live, and how the members are spelled that were renamed when
//! personas became PALs and replicas became faces. An account says with `api` which one it speaks.
//!
//! Files, plans and state are spelled as in the account's own generation; what an answer spells in the other one is taken for
//! the same member.

use serde_json::{Map, Value};

use crate::persona::name::Pointer;
use crate::plan::value::{get, remove_at, set};

/// The members that the generations spell differently: first as personas, then as PALs.
const SPELLINGS: [(&str, &str); 3] = [
    ("/persona_name", "/pal_name"),
    ("/default_replica_id", "/default_face_id"),
    ("/layers/conversational_flow/replica_interruptibility", "/layers/conversational_flow/pal_interruptibility"),
];

/// A generation of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// `/v2/personas`: persona, replica.
    Personas,
    /// `/v2/pals`: PAL, face.
    Pals,
}

impl Api {
    /// Its name in a project file.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Personas => "personas",
            Self::Pals => "pals",
        }
    }

    /// The collection.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Personas => "/v2/personas",
            Self::Pals => "/v2/pals",
        }
    }

    /// Each renamed member: as personas spell it, as this generation does, as the other one does.
    fn spellings(self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        SPELLINGS.into_iter().map(move |(persona, pal)| match self {
            Self::Personas => (persona, persona, pal),
            Self::Pals => (persona, pal, persona),
        })
    }

    /// This generation's pointer of a member that personas spell in a way.
    pub(super) fn own(self, persona: &Pointer) -> Pointer {
        let text = persona.to_string();
        self.spellings().find(|(known, _, _)| *known == text).map_or_else(|| persona.clone(), |(_, own, _)| pointer(own))
    }

    /// Brings what Tavus answered into this generation's spelling. Where both stand, they are one member shown twice.
    pub(super) fn adopt_spelling(self, fields: &mut Map<String, Value>) {
        for (_, own, other) in self.spellings() {
            respell(fields, other, own);
        }
    }

    /// From this generation's spelling to that of personas, which the typed section has.
    pub(super) fn to_persona(self, fields: &mut Map<String, Value>) {
        for (persona, own, _) in self.spellings() {
            respell(fields, own, persona);
        }
    }

    /// From the spelling of personas to this generation's.
    pub(super) fn to_own(self, fields: &mut Map<String, Value>) {
        for (persona, own, _) in self.spellings() {
            respell(fields, persona, own);
        }
    }

    /// The schema of a section in this generation's spelling: its members, and the mentions of them in descriptions.
    pub(super) fn respell_schema(self, schema: &mut Value) {
        for (persona, own, _) in self.spellings().filter(|(persona, own, _)| persona != own) {
            let (above, old) = persona.rsplit_once('/').unwrap_or_default();
            let new = own.rsplit_once('/').map_or(own, |(_, name)| name);
            let properties = format!("{}/properties", above.replace('/', "/properties/"));
            if let Some(Value::Object(members)) = schema.pointer_mut(&properties)
                && let Some(member) = members.remove(old)
            {
                members.insert(new.to_owned(), member);
            }
            rename_in_descriptions(schema, old, new);
        }
    }
}

/// Moves a member to another name beside it, unless that one is there already.
fn respell(fields: &mut Map<String, Value>, from: &str, to: &str) {
    if from == to {
        return;
    }
    if let Some(value) = remove_at(fields, from)
        && get(fields, &pointer(to)).is_none()
    {
        set(fields, &pointer(to), value);
    }
}

fn rename_in_descriptions(schema: &mut Value, old: &str, new: &str) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "description" => {
                        *text = text.replace(&format!("`{old}`"), &format!("`{new}`"))
                    }
                    _ => rename_in_descriptions(value, old, new),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_in_descriptions(item, old, new)),
        _ => {}
    }
}

fn pointer(text: &str) -> Pointer {
    Pointer::new(text.split('/').skip(1))
}

/// Every pointer of a renamed member, in either spelling.
pub(super) fn renamed() -> impl Iterator<Item = Pointer> {
    SPELLINGS.into_iter().flat_map(|(persona, pal)| [pointer(persona), pointer(pal)])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::spec::PATHS;
    use super::*;

    fn respelled(value: Value, respell: impl Fn(&mut Map<String, Value>)) -> Value {
        let mut fields = value.as_object().expect("an object").clone();
        respell(&mut fields);
        Value::Object(fields)
    }

    #[test]
    fn every_renamed_member_is_a_field_of_the_section() {
        for (persona, _) in SPELLINGS {
            assert!(PATHS.contains(&pointer(persona)), "{persona}");
        }
    }

    #[test]
    fn answers_in_either_spelling_are_one_and_there_and_back_is_the_same() {
        let pal = json!({"pal_name": "Ada", "layers": {"conversational_flow": {"pal_interruptibility": "low"}}});
        let persona = json!({"persona_name": "Ada", "layers": {"conversational_flow": {"replica_interruptibility": "low"}}});
        for (api, own, other) in [(Api::Pals, &pal, &persona), (Api::Personas, &persona, &pal)] {
            assert_eq!(&respelled(other.clone(), |fields| api.adopt_spelling(fields)), own);
            assert_eq!(&respelled(own.clone(), |fields| api.adopt_spelling(fields)), own);
            assert_eq!(respelled(own.clone(), |fields| api.to_persona(fields)), persona);
            assert_eq!(&respelled(persona.clone(), |fields| api.to_own(fields)), own);
        }
    }

    #[test]
    fn a_member_that_is_shown_in_both_spellings_is_kept_once() {
        let both = json!({"default_replica_id": "r1", "default_face_id": "r1"});
        assert_eq!(respelled(both, |fields| Api::Pals.adopt_spelling(fields)), json!({"default_face_id": "r1"}));
    }
}
