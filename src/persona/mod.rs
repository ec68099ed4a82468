//! THE WORDS: the documents that people write, how they are loaded, and every problem with its place.
//!
//! Nothing above this room is known here: providers come in as a [`Vocabulary`], which is data.

mod accounts;
mod check;
pub mod document;
mod expression;
mod folder;
pub mod load;
mod mask;
pub mod name;
mod node;
mod parts;
mod places;
pub mod problem;
pub mod raw;
mod scalar;
pub mod schema;
mod source;
mod suggest;
mod target;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

pub use load::{Loaded, Overlay, find_root, load, load_accounts, load_each, load_with};
pub use parts::in_parts;
pub use schema::{persona_schema, project_schema};

/// Gives the value of a variable; none where it is not set.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// What the loader must know of the providers: their names and the JSON Schema of a target section of each.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// By provider id.
    pub providers: BTreeMap<String, ProviderWords>,
}

/// The words of one provider.
#[derive(Clone, Debug, Default)]
pub struct ProviderWords {
    /// JSON Schema (draft 2020-12, self-contained) of the provider's own fields in a target section. Objects are closed with
    /// `additionalProperties: false` unless the service's contract is open there. Two keywords of ours: `x-known` (a list of
    /// known values of a field whose contract moves; `x-known-unless` names the field beside it that lifts that) and `x-range`
    /// (`[min, max]`, either may be null); a value outside them is a warning.
    pub section: Section,
    /// Whether `$release` means something here.
    pub releases: bool,
    /// The environment variable that holds the key of an account that names none (`TAVUS_API_KEY`).
    pub key_variable: &'static str,
    /// The settings that an account takes here besides those of every account: the `properties` of a JSON Schema.
    pub options: Map<String, Value>,
    /// Sections that take the place of [`ProviderWords::section`] where the account's `x-section` setting has this value.
    pub sections: BTreeMap<String, Section>,
}

/// The schema of a section, which is derived when somebody asks: a project has use for those of its accounts only.
#[derive(Clone)]
pub struct Section(Arc<dyn Fn() -> Value + Send + Sync>);

impl Section {
    /// A schema that is derived like this.
    pub fn new(derive: impl Fn() -> Value + Send + Sync + 'static) -> Self {
        Self(Arc::new(derive))
    }

    /// Derives the schema.
    pub fn schema(&self) -> Value {
        (self.0)()
    }
}

impl Default for Section {
    fn default() -> Self {
        Self::new(Value::default)
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Section")
    }
}

impl ProviderWords {
    /// The name under which the section of an account with these settings is known: the provider's, or with the value of the
    /// setting that decides (`tavus-pals`).
    pub(crate) fn section_name(&self, provider: &str, options: &Map<String, Value>) -> String {
        let decides = |name: &String| self.options.get(name).is_some_and(|schema| schema.get("x-section").is_some());
        let values = options.iter().filter(|(name, _)| decides(name)).filter_map(|(_, value)| value.as_str());
        match values.into_iter().find(|value| self.sections.contains_key(*value)) {
            Some(value) => format!("{provider}-{value}"),
            None => provider.to_owned(),
        }
    }
}
