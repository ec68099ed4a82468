//! What is known of Anam, one test per surprise. The objects are those of the service's own examples.

mod answer;
mod law;
mod section;
mod wire;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::persona::name::{AccountName, Key, Pointer};
use crate::persona::problem::{Place, SourceFile};
use crate::plan::{Address, Edit, Live, Reason, RemoteId, Resource};
use crate::provider::{Body, Response};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("a test wants an object, not {other}"),
    }
}

fn address() -> Address {
    Address::new(AccountName::new("anam"), Key::new("ada"))
}

fn place(text: &str) -> Place {
    Place { file: Arc::new(SourceFile { path: "personas/ada.yaml".into(), text: text.to_owned() }), span: 0..text.len() }
}

fn resource(fields: Value) -> Resource {
    Resource {
        address: address(),
        name: "Ada".to_owned(),
        fields: object(fields).into(),
        bind: None,
        release: true,
        ignore: Vec::new(),
        prevent_destroy: false,
        force_destroy: false,
        manage: Default::default(),
    }
}

fn live(fields: Value) -> Live {
    Live { name: "Ada".to_owned(), fields: object(fields).into(), ..Live::empty(RemoteId::new("p-1")) }
}

fn edit(path: &str, to: Option<Value>) -> Edit {
    let path = Pointer::parse(path).expect("a pointer");
    Edit::new(path, None, to, Reason::Declared)
}

fn answer(status: u16, body: Value) -> Response {
    Response { status, body: Body::Json(body) }
}
