//! What the planner may ask of a provider: how edits become requests, and what those would do. Nothing that reads.

use super::change::{Edit, Request};
use super::resource::{Live, RemoteId, Resource};
use super::rules::Rules;

/// A provider as the planner sees it. Pure: the same questions have the same answers, and nothing is ever sent.
pub trait Dialect: Sync {
    /// Abilities and the behaviour of fields.
    fn rules(&self) -> &'static Rules;

    /// The requests that make an object. The path of a second request may hold `{id}` for the id that the first one gave.
    fn create(&self, resource: &Resource) -> Draft;

    /// The fewest requests with the smallest bodies that carry out all edits, given the live object.
    ///
    /// An edit with [`Edit::release_only`] is in the draft already and wants nothing but a release.
    fn update(&self, live: &Live, resource: &Resource, edits: &[Edit]) -> Draft;

    /// The request that deletes an object; none where the service has no such call.
    fn delete(&self, id: &RemoteId) -> Option<Request>;

    /// The same while something uses the object. A service that does not mind has no other request for that.
    fn force_delete(&self, id: &RemoteId) -> Option<Request> {
        self.delete(id)
    }

    /// What the service would make of one request: the live object afterwards. Starts from [`Live::empty`] for a create.
    fn predict(&self, live: &Live, request: &Request) -> Live;
}

/// Requests and what a reader of the plan could not know from the edits alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// In the order in which they are sent.
    pub requests: Vec<Request>,
    /// Sentences without full stop (``also sends `avatarModel`: changing the avatar may reset it``).
    pub notes: Vec<String>,
}
