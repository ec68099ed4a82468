//! THE CONTRACT: what a provider is to the engine. A provider never sends anything: it says which request to send and what a
//! response means, so the engine alone owns order, concurrency, retry and stopping.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::persona::document::{Persona, Target};
use crate::persona::problem::Problem;
use crate::plan::{Address, Dialect, Live, Method, RemoteId, Request, Resource};

/// A kind of service.
pub trait Provider: Dialect {
    /// Its id, as written in project files (`tavus`).
    fn id(&self) -> &'static str;

    /// Where it lives and how one signs in.
    fn service(&self) -> &'static Service;

    /// The JSON Schema of a target section's own fields.
    fn section(&self, generator: &mut SchemaGenerator) -> Schema;

    /// The settings that an account takes here besides those that all accounts take: the `properties` of a JSON Schema. One with
    /// `x-section` has a section schema of its own for each of its values.
    fn options(&self) -> Map<String, Value> {
        Map::new()
    }

    /// The provider as these settings of an account make it; none where it takes none.
    fn configured(&self, options: &Map<String, Value>) -> Option<&'static dyn Provider> {
        let _ = options;
        None
    }

    /// Warnings about a target that can be planned all the same.
    fn advice(&self, target: &Target) -> Vec<Problem> {
        let _ = target;
        Vec::new()
    }

    /// Where the shared fields of a persona go: `name`, `description`, `prompt`, each with the pointer of the field here. Only for
    /// telling where a field was written.
    fn shared(&self) -> &'static [(&'static str, &'static str)];

    /// Turns a target of a persona into what is wanted of one object.
    ///
    /// # Errors
    /// Every problem that the section's schema cannot express, each at its place.
    fn compile(&self, address: &Address, persona: &Persona, target: &Target) -> Result<Resource, Vec<Problem>>;

    /// The request for one page of the list, numbered from 1; none where the service has no such call.
    fn list(&self, page: u32) -> Option<Request>;

    /// The request that reads one object; none where the service has no such call.
    fn read(&self, id: &RemoteId) -> Option<Request>;

    /// The kinds of things that can be named instead of their ids.
    fn catalogues(&self) -> &'static [Catalogue] {
        &[]
    }

    /// What a response to [`Provider::list`] shows; taken out of it, not copied.
    ///
    /// # Errors
    /// The refusal, also when a success's body is not what the contract says.
    fn listed(&self, page: u32, response: Response) -> Result<Page, Refusal>;

    /// What a response to [`Provider::read`] shows; taken out of it, not copied.
    ///
    /// # Errors
    /// As [`Provider::listed`]. An object that is gone is no error, but only when the service plainly says so.
    fn observed(&self, response: Response) -> Result<Seen, Refusal>;

    /// The id that a response to the first request of a create gives.
    ///
    /// # Errors
    /// As [`Provider::listed`].
    fn created(&self, response: &Response) -> Result<RemoteId, Refusal>;

    /// Whether a response to a write (any other than the first of a create) means success, and the object if the response
    /// shows the whole of it. A delete of an object that is gone already is a success.
    ///
    /// # Errors
    /// As [`Provider::listed`].
    fn accepted(&self, request: &Request, response: &Response) -> Result<Option<Live>, Refusal>;

    /// Whether a request has the same effect when the service receives it twice, so that it may be sent again when its answer
    /// was lost. By default everything but POST: PUT and PATCH carry whole values, and a delete of what is gone is a success.
    fn repeatable(&self, request: &Request) -> bool {
        request.method != Method::Post
    }
}

/// A kind of thing at a service that can be named instead of its id.
#[derive(Debug)]
pub struct Catalogue {
    /// What people call one of them, in `$lookup` and on the command line (`voice`).
    pub kind: &'static str,
    /// The fields that hold ids of this kind; `/*` at the end: the items of a list.
    pub fields: &'static [&'static str],
    /// The request for one page, numbered from 1.
    pub list: fn(u32) -> Request,
    /// What the response to it shows.
    pub listed: fn(u32, &Response) -> Result<Shelf, Refusal>,
}

/// One page of a catalogue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shelf {
    /// The things on it.
    pub items: Vec<Named>,
    /// Whether there may be another page.
    pub more: bool,
}

/// A thing with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name, as `$lookup` takes it.
    pub name: String,
    /// Another name that may do as well (an avatar's without its variant).
    pub also: Option<String>,
    /// What helps to tell it from others; possibly empty.
    pub about: String,
}

/// Where a service lives and how one signs in.
#[derive(Debug)]
pub struct Service {
    /// Name for people (`Tavus`).
    pub title: &'static str,
    /// How an update is written, for the provider table (`JSON Patch`).
    pub update: &'static str,
    /// Origin, possibly with a path, without a slash at the end.
    pub base_url: &'static str,
    /// Environment variable that holds the key by default.
    pub key_variable: &'static str,
    /// Header that carries the key.
    pub key_header: &'static str,
    /// What stands before the key in that header (`Bearer `), possibly nothing.
    pub key_prefix: &'static str,
    /// The provider's documentation of personas.
    pub documentation: &'static str,
    /// How fast it is asked, unless the account says otherwise.
    pub limits: Limits,
}

/// How fast an account is asked. Lowered by itself when the service says that it is too much, and never raised beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Requests under way at once; at least 1.
    pub concurrency: u16,
    /// Requests per second, of which a second's worth may go out at once; none: no limit.
    pub per_second: Option<f64>,
}

/// What a service answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Body,
}

/// A response's body.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Nothing, or white space.
    Empty,
    /// JSON.
    Json(Value),
    /// Anything else, such as a gateway's HTML page.
    Text(String),
}

impl Response {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body if it is JSON.
    pub fn json(&self) -> Option<&Value> {
        match &self.body {
            Body::Json(value) => Some(value),
            Body::Empty | Body::Text(_) => None,
        }
    }
}

/// An object, or its plain absence.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// It exists.
    Present(Box<Live>),
    /// The service says that there is none.
    Absent,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The objects that could be ours; stock and built-in ones are left out.
    pub items: Vec<Listed>,
    /// Whether there may be another page.
    pub more: bool,
    /// How many pages there are, where the service tells; they can then be asked for at once.
    pub pages: Option<u32>,
}

/// One object of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its id.
    pub id: RemoteId,
    /// Display name; empty if none.
    pub name: String,
    /// The whole object, where lists show it.
    pub live: Option<Live>,
}

/// A service's no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of no.
    pub kind: RefusalKind,
    /// HTTP status.
    pub status: u16,
    /// The service's own words, or what was wrong with its answer.
    pub message: String,
    /// What to do, as a fragment; none where nothing better than the message is known.
    pub help: Option<String>,
}

/// Kinds of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The object does not exist.
    Absent,
    /// The key is not valid.
    Unauthorized,
    /// The key may not do this.
    Forbidden,
    /// Somebody else's change or use is in the way.
    Conflict,
    /// The request is wrong.
    Invalid,
    /// Too many requests, or the service is down; later it may work.
    Busy,
    /// The answer is not what the contract says.
    Unreadable,
}

impl Refusal {
    /// A refusal judged by its status alone, with the service's words.
    pub fn by_status(status: u16, message: impl Into<String>) -> Self {
        let kind = match status {
            401 => RefusalKind::Unauthorized,
            403 => RefusalKind::Forbidden,
            404 | 410 => RefusalKind::Absent,
            409 | 412 => RefusalKind::Conflict,
            408 | 425 | 429 | 500..=599 => RefusalKind::Busy,
            400..=499 => RefusalKind::Invalid,
            _ => RefusalKind::Unreadable,
        };
        Self { kind, status, message: message.into(), help: None }
    }

    /// A success whose body is not what the contract says.
    pub fn unreadable(response: &Response, wanted: &str) -> Self {
        let message = match &response.body {
            Body::Empty => format!("answered with an empty body instead of {wanted}"),
            Body::Json(_) => format!("answered with JSON that is not {wanted}"),
            Body::Text(_) => format!("answered with something that is no JSON instead of {wanted}"),
        };
        Self { kind: RefusalKind::Unreadable, status: response.status, message, help: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
