//! What a loaded project is: accounts, personas, targets, each able to tell where in a file it was written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::name::{AccountName, Key, Manage, Pointer};
pub use super::places::{Piece, Places};
use super::problem::Place;

/// Everything that the files of a project say.
#[derive(Debug)]
pub struct Project {
    /// The folder that holds `personaform.yaml`.
    pub root: PathBuf,
    /// The folder of the persona files, relative to the root.
    pub folder: PathBuf,
    /// Where state is kept; absolute, or relative to the root.
    pub state_path: PathBuf,
    /// The gates.
    pub safety: Safety,
    /// All configured accounts by name.
    pub accounts: BTreeMap<AccountName, Account>,
    /// All personas by key.
    pub personas: BTreeMap<Key, Persona>,
    /// The values of every `$env` used, by variable name. Documents hold `{"$env": NAME}` in their stead.
    pub secrets: BTreeMap<String, SecretString>,
}

/// How much one plan may do without a flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Safety {
    /// Deletions; 0 unless the file says more.
    pub max_deletes: usize,
    /// Part of the managed objects that one plan may change or delete, 0.0 to 1.0; none: no limit.
    pub max_share: Option<f64>,
}

/// One configured set of credentials at a provider.
#[derive(Debug)]
pub struct Account {
    /// Its name.
    pub name: AccountName,
    /// The provider's id, known to exist.
    pub provider: String,
    /// Origin of the service, without a slash at the end; none: the provider's own.
    pub base_url: Option<String>,
    /// The environment variable that holds the key; none: the provider's own.
    pub key_variable: Option<String>,
    /// The settings that only its provider knows, as written.
    pub options: Map<String, Value>,
    /// The name of the schema of its sections.
    pub section: String,
    /// Whether keys may travel unencrypted to another machine.
    pub insecure: bool,
    /// How fast it is asked, as far as the file says.
    pub limits: Limits,
    /// What lies beneath every target of the account, values resolved.
    pub defaults: Map<String, Value>,
    /// Where the account was written.
    pub place: Place,
}

/// How fast an account is asked; none: as its provider says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Requests under way at once, 1 to 64.
    pub concurrency: Option<u16>,
    /// Requests per second, from 0.1.
    pub per_second: Option<f64>,
}

/// One persona file.
#[derive(Debug)]
pub struct Persona {
    /// Its key.
    pub key: Key,
    /// The shared fields as written, values resolved; `None` where the file does not name them.
    pub shared: Shared,
    /// The old key of a renamed file.
    pub previously: Option<Key>,
    /// Its targets by account.
    pub targets: Vec<Target>,
    /// Where the shared fields were written, and what they are made of.
    pub places: Places,
    /// The whole document's place.
    pub place: Place,
}

impl Persona {
    /// Lets go of the values, which are not needed once they are compiled; where they were written stays.
    pub fn let_go_of_values(&mut self) {
        self.shared = Shared::default();
        for target in &mut self.targets {
            target.fields = Map::new();
        }
    }
}

/// The fields that most providers share. A value is a string, `null` (clear), or `{"$env": NAME}`.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// Display name.
    pub name: Option<Value>,
    /// What the persona is for.
    pub description: Option<Value>,
    /// The prompt.
    pub prompt: Option<Value>,
}

/// One section below `targets`: this persona at that account.
#[derive(Debug)]
pub struct Target {
    /// The account, known to exist.
    pub account: AccountName,
    /// The provider's own fields: the account's defaults with the section's fields merged over them, values resolved.
    /// Secrets stand as `{"$env": NAME}`.
    pub fields: Map<String, Value>,
    /// What the `$` keys say.
    pub settings: Settings,
    /// Where things were written.
    pub places: Places,
}

/// The `$` keys of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `$id`: the remote object to bind to.
    pub id: Option<String>,
    /// `$lifecycle.prevent_destroy`.
    pub prevent_destroy: bool,
    /// `$lifecycle.force_destroy`.
    pub force_destroy: bool,
    /// `$lifecycle.ignore_changes`.
    pub ignore_changes: Vec<Pointer>,
    /// `$release`: `production` is true, `draft` is false.
    pub release: Option<bool>,
    /// `$manage`: what may be done to the object.
    pub manage: Manage,
}
