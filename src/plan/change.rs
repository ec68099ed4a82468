//! The plan as a value: changes, edits, the exact requests. Printed by `report`, carried out by `reconcile`, saved as JSON.

use std::collections::BTreeMap;
use std::fmt;

use ring::digest::{Context, SHA256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::address::Address;
use super::document::Document;
use super::resource::RemoteId;
use super::source::{Piece, Source};
use super::value::{hidden, hidden_in, is_secret};
use crate::persona::name::{AccountName, Manage, Pointer};

/// The version of the plan's JSON that this build writes.
pub const FORMAT_VERSION: &str = "1.0";

/// All that would change, with everything that applying it needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Version of this format: a new minor only adds fields.
    pub format_version: String,
    /// Counts by action.
    pub summary: Summary,
    /// What would change, sorted by address.
    pub changes: Vec<Change>,
    /// Targets that could not be planned, each with the reason. The others are not held up by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<Blocked>,
    /// Gates that this plan does not pass. While there is one, nothing is applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Objects that are as they should be, though state remembers something else; apply only corrects state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Settled>,
    /// Objects that are only observed (`$manage: observe`) and are not as the files say. Nothing is written there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed: Vec<Observed>,
    /// Names what this plan would do: plans that would do the same have the same digest, on any machine.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// What the plan was made against; a saved plan is refused when it no longer holds.
    pub basis: Basis,
}

impl Plan {
    /// The digest of what this plan would do: changes with edits, notes and exact requests, what only corrects state, and what is
    /// blocked. Left out is what may differ while all that is the same: the state's serial, unmanaged fields, and gates.
    pub fn content_digest(&self) -> String {
        // A state that was not written yet has another key in every run, so stand-ins count by their names alone.
        let mut content = Content { nameless: self.basis.digest_key.is_some(), context: Context::new(&SHA256) };
        content.text("{\"accounts\":");
        content.value(json!(self.basis.accounts));
        content.text(",\"blocked\":");
        content.list(self.blocked.iter().map(|blocked| json!(blocked)));
        content.text(",\"changes\":");
        content.list(self.changes.iter().map(|change| {
            let mut change = json!(change);
            change.as_object_mut().map(|change| change.remove("live_digest"));
            change
        }));
        content.text(",\"settled\":");
        content.list(self.settled.iter().map(|settled| json!(settled)));
        content.text("}");
        content.context.finish().as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The text of a JSON document on its way into a digest, piece by piece: a large plan as one document would take more memory than the
/// plan itself.
struct Content {
    nameless: bool,
    context: Context,
}

impl Content {
    fn text(&mut self, text: &str) {
        self.context.update(text.as_bytes());
    }

    fn value(&mut self, mut value: Value) {
        if self.nameless {
            without_secret_digests(&mut value);
        }
        self.text(&value.to_string());
    }

    fn list(&mut self, items: impl Iterator<Item = Value>) {
        self.text("[");
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.text(",");
            }
            self.value(item);
        }
        self.text("]");
    }
}

fn without_secret_digests(value: &mut Value) {
    if is_secret(value) {
        value.as_object_mut().map(|stand_in| stand_in.remove("digest"));
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(without_secret_digests),
        Value::Array(items) => items.iter_mut().for_each(without_secret_digests),
        Value::String(text) => {
            let found: Vec<_> = hidden_in(text).map(|(range, name, _)| (range, hidden(name, ""))).collect();
            found.into_iter().rev().for_each(|(range, nameless)| text.replace_range(range, &nameless));
        }
        _ => {}
    }
}

/// Counts by action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Objects that are made.
    pub create: usize,
    /// Objects that are changed.
    pub update: usize,
    /// Objects that are deleted.
    pub delete: usize,
    /// Existing objects that come under an address.
    pub adopt: usize,
    /// Objects that are no longer managed and stay at the service.
    pub forget: usize,
    /// Objects whose address changes and nothing else.
    #[serde(rename = "move")]
    pub moved: usize,
    /// Targets with nothing to do.
    pub unchanged: usize,
}

/// What happens to one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The target.
    #[schemars(with = "String")]
    pub address: Address,
    /// The provider's id.
    pub provider: String,
    /// What happens.
    pub action: Action,
    /// The object's id; none before a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub id: Option<RemoteId>,
    /// The object's display name.
    pub name: String,
    /// Why.
    pub reason: Reason,
    /// The address that it had before (`previously`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub moved_from: Option<Address>,
    /// Where the target is asked for; of what has left the files, the file that is left. None: no file is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// What happens to single fields, sorted by path.
    pub edits: Vec<Edit>,
    /// What will be sent, exactly and in this order. Secrets stand as `{"$env": NAME, "digest": …}`.
    pub requests: Vec<Request>,
    /// What a reader could not know from the edits.
    pub notes: Vec<String>,
    /// The managed fields that state will record afterwards.
    #[serde(default)]
    pub applied: Document,
    /// Whether state will record that a delete is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prevent_destroy: bool,
    /// Whether state will record that it may be deleted although something uses it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force_destroy: bool,
    /// What state will record may be done to it (`$manage`).
    #[serde(default, skip_serializing_if = "Manage::is_full")]
    pub manage: Manage,
    /// Digest of the live object that the plan saw; none where there was none or it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_digest: Option<String>,
}

/// The kinds of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A new object is made.
    Create,
    /// An object is changed.
    Update,
    /// An object is deleted at the service.
    Delete,
    /// An existing object comes under an address, and may be changed.
    Adopt,
    /// An object is no longer managed and stays at the service.
    Forget,
    /// Only the address changes.
    Move,
}

impl Action {
    /// The word for people and for JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
            Self::Forget => "forget",
            Self::Move => "move",
        }
    }
}

/// Why something changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The files want it.
    Declared,
    /// Somebody changed it elsewhere; it is put right.
    Drifted,
    /// It has left the files.
    Removed,
}

impl Reason {
    /// The word for people and for JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Drifted => "drifted",
            Self::Removed => "removed",
        }
    }
}

/// What happens to one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// The field, in the provider's write shape.
    #[schemars(with = "String")]
    pub path: Pointer,
    /// The live value; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub from: Option<Value>,
    /// The value afterwards; absent: the field is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub to: Option<Value>,
    /// Why.
    pub reason: Reason,
    /// Declared in the files, and somebody changed it elsewhere as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub also_drifted: bool,
    /// The draft holds the value already: it only waits for its release. `from` is then the released value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub release_only: bool,
    /// Where it is asked for: of a text that changes the first changed line, also inside another file; of what has left the
    /// files the target's section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Where each line of a long text stands, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<Piece>,
}

impl Edit {
    /// An edit of which nothing else is known: not drifted besides, not only released, and nobody asked yet who asks for it.
    pub fn new(path: Pointer, from: Option<Value>, to: Option<Value>, reason: Reason) -> Self {
        Self { path, from, to, reason, also_drifted: false, release_only: false, source: None, pieces: Vec::new() }
    }
}

/// Keeps an explicit `null` apart from an absent member.
pub(super) fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// One HTTP request, without origin, credentials and secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path with query, percent-encoded; `{id}` stands for the id that an earlier request of the change gave.
    pub path: String,
    /// The JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub body: Option<Value>,
}

impl Request {
    /// A request without a body.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None }
    }

    /// The same with the id that an earlier request gave.
    #[must_use]
    pub fn with_id(&self, id: &RemoteId) -> Self {
        Self { method: self.method, path: self.path.replace("{id}", &id.in_path()), body: self.body.clone() }
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn with_body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// HTTP methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        })
    }
}

/// A target that could not be planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blocked {
    /// The target.
    #[schemars(with = "String")]
    pub address: Address,
    /// Why, as a fragment.
    pub why: String,
    /// What to do, as a fragment.
    pub help: String,
    /// Where the target is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// A gate that a plan does not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// Its name in the project file (`safety.max_deletes`) or on a target (`prevent_destroy`).
    pub name: String,
    /// The numbers, as a fragment (`2 deletions, at most 0 are allowed`).
    pub why: String,
    /// What opens it (`--allow-deletes`).
    pub opened_by: String,
}

/// An object that is as it should be, while state remembers something else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Settled {
    /// The target.
    #[schemars(with = "String")]
    pub address: Address,
    /// Where the target is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// What state shall remember as applied.
    pub applied: Document,
    /// Whether state will record that a delete is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prevent_destroy: bool,
    /// Whether state will record that it may be deleted although something uses it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force_destroy: bool,
    /// What state will record may be done to it (`$manage`).
    #[serde(default, skip_serializing_if = "Manage::is_full")]
    pub manage: Manage,
}

/// An object that is only observed and is not as the files say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observed {
    /// The target.
    #[schemars(with = "String")]
    pub address: Address,
    /// The object's id.
    #[schemars(with = "String")]
    pub id: RemoteId,
    /// What would be written if it were managed.
    pub edits: Vec<Edit>,
}

/// What a plan was made against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Basis {
    /// The state's lineage.
    pub lineage: String,
    /// The state's serial; 0 if it was not written yet.
    pub serial: u64,
    /// The digest key of a state that was not written yet, so that an apply of this plan begins the state with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_key: Option<String>,
    /// The accounts of the changes and where they live.
    #[schemars(with = "BTreeMap<String, AccountBasis>")]
    pub accounts: BTreeMap<AccountName, AccountBasis>,
}

/// Where an account lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountBasis {
    /// The provider's id.
    pub provider: String,
    /// The origin of the service.
    pub base_url: String,
}
