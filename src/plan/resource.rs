//! The two documents that meet in a plan, and what is remembered between runs.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::document::Document;
use crate::persona::name::{Manage, Pointer};

/// The id that a service gave an object. Opaque.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteId(String);

impl RemoteId {
    /// Wraps an id.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as the service wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as one segment of a path: everything but the unreserved characters of RFC 3986 percent-encoded.
    pub fn in_path(&self) -> String {
        const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
        utf8_percent_encode(&self.0, UNRESERVED).to_string()
    }
}

impl fmt::Display for RemoteId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What the files want of one object, in the neutral form: the provider's *write* shape, only the fields that are ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Where it belongs.
    pub address: Address,
    /// Display name, for people and for finding an object of the same name; empty if none was written.
    pub name: String,
    /// The managed fields. `null` clears. Secrets stand as `{"$env": NAME, "digest": …}`.
    pub fields: Document,
    /// The object to bind to (`$id`).
    pub bind: Option<RemoteId>,
    /// Whether customers shall hear it: false leaves it in the draft, where the service has one.
    pub release: bool,
    /// Fields that are neither compared nor sent once the object exists.
    pub ignore: Vec<Pointer>,
    /// Whether a plan that deletes it is refused.
    pub prevent_destroy: bool,
    /// Whether it may be deleted although something uses it.
    pub force_destroy: bool,
    /// What may be done to it.
    pub manage: Manage,
}

/// What a service answered about one object, in the same neutral form as [`Resource::fields`].
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// Its id.
    pub id: RemoteId,
    /// Display name; empty if none.
    pub name: String,
    /// All fields that can be written, as they stand where writes go (Bland: persona-level fields and the draft). Read-only
    /// and volatile fields (timestamps, signed URLs, version ids) are left out.
    pub fields: Document,
    /// The same document as customers hear it, where the service keeps the two apart.
    pub released: Option<Document>,
    /// In a prediction: fields (with all below them) whose value cannot be known before the service answers.
    pub unknown: BTreeSet<Pointer>,
    /// What would break if it were deleted (phone numbers), in words for people.
    pub used_by: Vec<String>,
}

impl Live {
    /// An object with an id and nothing else; where a prediction of a create begins.
    pub fn empty(id: RemoteId) -> Self {
        Self {
            id,
            name: String::new(),
            fields: Document::default(),
            released: None,
            unknown: BTreeSet::new(),
            used_by: Vec::new(),
        }
    }
}

impl Live {
    /// Does the same to the fields and to what customers hear. Where the two are one document, it is done once, and they stay one.
    pub fn change_documents(&mut self, mut change: impl FnMut(&mut Document)) {
        let one = self.released.take_if(|released| released.is(&self.fields)).is_some();
        std::iter::once(&mut self.fields).chain(self.released.as_mut()).for_each(&mut change);
        if one {
            self.released = Some(self.fields.clone());
        }
    }

    /// A digest of everything that was observed: two reads with the same digest saw the same object.
    pub fn digest(&self) -> String {
        let document = serde_json::json!([self.id, self.fields, self.released, self.used_by]);
        let digest = ring::digest::digest(&ring::digest::SHA256, document.to_string().as_bytes());
        digest.as_ref().iter().fold(String::from("sha256:"), |mut text, byte| {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// What state remembers of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The provider's id (`tavus`).
    pub provider: String,
    /// The object's id there.
    #[schemars(with = "String")]
    pub id: RemoteId,
    /// Its display name when last written.
    pub name: String,
    /// The managed fields as we last wrote them.
    pub applied: Document,
    /// Whether a delete is refused even after the file that said so has gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prevent_destroy: bool,
    /// Whether it may be deleted although something uses it, even after the file that said so has gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force_destroy: bool,
    /// Fields that the files want cleared (`null`), and that were not when the service was last asked to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub resisted: Vec<Pointer>,
    /// What may be done to it, also after the file that said so has gone.
    #[serde(default, skip_serializing_if = "Manage::is_full")]
    pub manage: Manage,
    /// When it was last written: RFC 3339, UTC, whole seconds.
    pub written_at: String,
}

/// A create that was sent, or was about to be, and whose answer nobody has seen: the object may exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The provider's id (`tavus`).
    pub provider: String,
    /// The display name that was sent.
    pub name: String,
    /// Method and path.
    pub request: String,
    /// SHA-256 of the body, with stand-ins for its secrets.
    pub digest: String,
    /// The managed fields that the request carries: what the object is found by.
    pub sent: Document,
    /// When it was sent: RFC 3339, UTC, whole seconds.
    pub sent_at: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_done_to_one_document_is_done_to_both_and_one_document_stays_one() {
        let document = |value: Value| Document::from(value.as_object().cloned().expect("an object"));
        let fields = document(json!({"key": "secret", "name": "Ada"}));
        let mut calls = 0;
        let mut without_key = |released: Document| {
            let mut live = Live { fields: fields.clone(), released: Some(released), ..Live::empty(RemoteId::new("p1")) };
            live.change_documents(|document| {
                calls += 1;
                document.remove("key");
            });
            let released = live.released.expect("a document");
            assert!(!live.fields.contains_key("key") && !released.contains_key("key"));
            released.is(&live.fields)
        };
        assert!(without_key(fields.clone()));
        assert!(!without_key(document(json!({"key": "secret", "name": "Eve"}))));
        assert_eq!(calls, 3);
        assert_eq!(fields["key"], "secret");
    }
}
