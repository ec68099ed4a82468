//! The published JSON Schemas: project, persona, state, plan, outcome, drift, problems. Committed below `schemas/` and held equal by a test.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::persona::name::AccountName;
use crate::persona::schema;
use crate::plan::{Drift, Plan};
use crate::providers;
use crate::report::json::OutcomeDocument;
use crate::report::problems::ProblemsDocument;
use crate::state::State;

/// Schema of `personaform.yaml`.
pub fn project() -> Value {
    schema::project_schema(&providers::vocabulary())
}

/// Schema of a persona in any project: account names are the providers' own.
pub fn persona() -> Value {
    let accounts =
        providers::all().iter().map(|provider| (AccountName::new(provider.id()), provider.id().to_owned())).collect();
    schema::persona_schema(&providers::vocabulary(), &accounts)
}

/// Schema of the state file.
pub fn state() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<State>().to_value()
}

/// Schema of a plan's JSON.
pub fn plan() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Plan>().to_value()
}

/// Schema of an outcome's JSON.
pub fn outcome() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<OutcomeDocument<'_>>().to_value()
}

/// Schema of the JSON of drift.
pub fn drift() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Drift>().to_value()
}

/// Schema of the JSON of problems.
pub fn problems() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<ProblemsDocument>().to_value()
}
