//! What can be looked up at Anam: voices, avatars, LLMs and tools, each a list in the usual envelope of `data` and `meta`.

use serde_json::Value;

use crate::plan::{Method, Request};
use crate::provider::{Catalogue, Named, Refusal, Response, Shelf};

/// The largest page that the service gives.
const PER_PAGE: u32 = 100;

/// By kind.
pub(super) static CATALOGUES: [Catalogue; 4] = [
    Catalogue {
        kind: "voice",
        fields: &["/voiceId"],
        list: |page| paged("/v1/voices", page, ""),
        listed: |_, response| shelf(response, voice),
    },
    Catalogue {
        kind: "avatar",
        fields: &["/avatarId"],
        list: |page| paged("/v1/avatars", page, ""),
        listed: |_, response| shelf(response, avatar),
    },
    // Whether the stock LLMs are listed by default is not documented.
    Catalogue {
        kind: "llm",
        fields: &["/llmId"],
        list: |page| paged("/v1/llms", page, "&includeDefaults=true"),
        listed: |_, response| shelf(response, llm),
    },
    Catalogue {
        kind: "tool",
        fields: &["/toolIds/*"],
        list: |page| paged("/v1/tools", page, ""),
        listed: |_, response| shelf(response, tool),
    },
];

fn paged(path: &str, page: u32, more: &str) -> Request {
    Request::new(Method::Get, format!("{path}?page={page}&perPage={PER_PAGE}{more}"))
}

fn shelf(response: &Response, read: fn(&Value) -> Option<Named>) -> Result<Shelf, Refusal> {
    // "None found" is documented as 404 for some lists.
    if response.status == 404 {
        return Ok(Shelf::default());
    }
    if !response.is_success() {
        return Err(super::answer::refusal(response));
    }
    let body = response.json();
    let Some(items) = body.and_then(|body| body.get("data")).and_then(Value::as_array) else {
        return Err(Refusal::unreadable(response, "a list with `data` and `meta`"));
    };
    let meta = |key: &str| body.and_then(|body| body.pointer(&format!("/meta/{key}"))).and_then(Value::as_u64);
    // An old sample shows `next` and `lastPage` as 0 at the end.
    let more = meta("next").is_some_and(|next| next > 0) && meta("currentPage") < meta("lastPage");
    Ok(Shelf { items: items.iter().filter_map(read).collect(), more })
}

fn text<'a>(item: &'a Value, key: &str) -> Option<&'a str> {
    item.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn about(item: &Value, keys: &[&str]) -> String {
    keys.iter().filter_map(|key| text(item, key)).collect::<Vec<_>>().join(", ")
}

fn voice(item: &Value) -> Option<Named> {
    let name = text(item, "displayName")?.to_owned();
    Some(Named { id: text(item, "id")?.to_owned(), name, also: None, about: about(item, &["provider", "gender", "country"]) })
}

/// Names of avatars repeat, once for each variant.
fn avatar(item: &Value) -> Option<Named> {
    let name = text(item, "displayName")?;
    let full = text(item, "variantName").map_or_else(|| name.to_owned(), |variant| format!("{name}/{variant}"));
    let also = (full != name).then(|| name.to_owned());
    Some(Named { id: text(item, "id")?.to_owned(), name: full, also, about: about(item, &["activeVersion"]) })
}

fn llm(item: &Value) -> Option<Named> {
    let name = text(item, "displayName")?.to_owned();
    Some(Named { id: text(item, "id")?.to_owned(), name, also: None, about: about(item, &["llmFormat", "modelName"]) })
}

fn tool(item: &Value) -> Option<Named> {
    let name = text(item, "name")?.to_owned();
    Some(Named { id: text(item, "id")?.to_owned(), name, also: None, about: about(item, &["type"]) })
}
