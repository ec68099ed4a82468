//! What can be looked up at Bland: voices, custom tools and knowledge bases, each in an envelope of its own.

use serde_json::Value;

use super::answer;
use crate::plan::{Method, Request};
use crate::provider::{Catalogue, Named, Refusal, Response, Shelf};

/// The largest page of knowledge bases.
const PAGE_SIZE: usize = 100;

/// By kind. Voices and tools come all at once.
pub(super) static CATALOGUES: [Catalogue; 3] = [
    Catalogue {
        kind: "voice",
        fields: &["/call_config/voice"],
        list: |_| Request::new(Method::Get, "/v1/voices"),
        listed: |_, response| whole(response, "voices", voice),
    },
    Catalogue {
        kind: "tool",
        fields: &["/default_tools/*"],
        list: |_| Request::new(Method::Get, "/v1/tools"),
        listed: |_, response| whole(response, "tools", tool),
    },
    Catalogue {
        kind: "knowledge_base",
        fields: &["/kb_ids/*"],
        list: |page| Request::new(Method::Get, format!("/v1/knowledge?page={page}&limit={PAGE_SIZE}")),
        listed: |_, response| knowledge(response),
    },
];

fn whole(response: &Response, key: &str, read: fn(&Value) -> Option<Named>) -> Result<Shelf, Refusal> {
    let body = answer::sound(response)?;
    let Some(items) = body.get(key).and_then(Value::as_array) else {
        return Err(Refusal::unreadable(response, &format!("a list of {key}")));
    };
    Ok(Shelf { items: items.iter().filter_map(read).collect(), more: false })
}

fn knowledge(response: &Response) -> Result<Shelf, Refusal> {
    let body = answer::sound(response)?;
    let Some(items) = body.pointer("/data/kbs").and_then(Value::as_array) else {
        return Err(Refusal::unreadable(response, "a list of knowledge bases"));
    };
    let kept = items.iter().filter(|item| text(item, "status") != Some("DELETED"));
    Ok(Shelf { items: kept.filter_map(knowledge_base).collect(), more: items.len() >= PAGE_SIZE })
}

fn text<'a>(item: &'a Value, key: &str) -> Option<&'a str> {
    item.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn voice(item: &Value) -> Option<Named> {
    let about = text(item, "description").unwrap_or_default().to_owned();
    Some(Named { id: text(item, "id")?.to_owned(), name: text(item, "name")?.to_owned(), also: None, about })
}

/// A tool's name stands within its definition; its label is for people.
fn tool(item: &Value) -> Option<Named> {
    let label = text(item, "label");
    let name = item.get("tool").and_then(|tool| text(tool, "name")).or(label)?.to_owned();
    let also = label.filter(|label| *label != name).map(str::to_owned);
    Some(Named { id: text(item, "tool_id")?.to_owned(), name, also, about: String::new() })
}

fn knowledge_base(item: &Value) -> Option<Named> {
    let about = [text(item, "type"), text(item, "status")].into_iter().flatten().collect::<Vec<_>>().join(", ");
    Some(Named { id: text(item, "id")?.to_owned(), name: text(item, "name")?.to_owned(), also: None, about })
}
