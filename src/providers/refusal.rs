//! A service's own words about a failure, wherever its answer keeps them. What they mean is each provider's matter.
//!
//! The shapes are those of all contracts together, since gateways and older routes of a service answer in others than its own:
//! `error` (a text, a code, a number, or an object with a message), `message`, `errors[]`, `details[]`, `summary`, `detail`, and the
//! page of a gateway.

use serde_json::Value;

use crate::plan::value::is_empty;
use crate::provider::{Body, Response};

/// The most that goes into a message, in characters.
const MOST: usize = 300;

/// What a response says, on one line of bounded length; none where it says nothing.
pub fn words(response: &Response) -> Option<String> {
    let said = match &response.body {
        Body::Json(body) => spoken(body).or_else(|| (!is_hollow(body)).then(|| body.to_string())),
        Body::Text(text) => page(text),
        Body::Empty => None,
    };
    said.map(|said| shortened(&said)).filter(|said| !said.is_empty())
}

/// What a JSON body says about a failure.
fn spoken(body: &Value) -> Option<String> {
    let member = |name: &str| body.get(name).and_then(text);
    let errors = body.get("errors").and_then(text);
    let error = member("error");
    let message = member("message").or_else(|| member("detail"));
    // What a failed validation says at length; its summary says it shortly.
    let more = member("summary").or_else(|| member("details"));
    let head = match (message, error.or_else(|| member("code").filter(|code| is_code(code)))) {
        (Some(message), Some(error)) if message == error || message.contains(&error) => Some(message),
        (Some(message), Some(error)) if error.chars().all(|letter| letter.is_ascii_digit()) => {
            Some(format!("{message} (error {error})"))
        }
        (Some(message), Some(error)) if is_code(&error) => Some(format!("{message} ({error})")),
        (Some(message), Some(error)) => Some(format!("{error}: {message}")),
        (message, error) => message.or(error),
    };
    let said: Vec<String> = [head, errors, more].into_iter().flatten().fold(Vec::new(), |mut said, part| {
        if !said.contains(&part) {
            said.push(part);
        }
        said
    });
    match said.is_empty() {
        false => Some(said.join(": ")),
        true => member("conflict").map(|conflict| format!("conflict: {conflict}")),
    }
}

/// Whether a body holds nothing that could tell anything.
fn is_hollow(body: &Value) -> bool {
    is_empty(body) || body.as_object().is_some_and(|members| members.values().all(is_empty))
}

/// `PERSONA_IN_USE`, as against a sentence.
fn is_code(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_uppercase())
        && text.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
}

/// Any value as text: lists joined, a mistake with its place before it, other objects member by member.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(_) => None,
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Array(items) => joined(items.iter().filter_map(text)),
        Value::Object(members) => match members.get("path").or_else(|| members.get("loc")).and_then(place) {
            Some(place) => Some(format!("{place}: {}", spoken(value).unwrap_or_default())),
            None => spoken(value)
                .or_else(|| joined(members.iter().filter_map(|(key, value)| Some(format!("{key}: {}", text(value)?))))),
        },
    }
}

fn joined(parts: impl Iterator<Item = String>) -> Option<String> {
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The place of a mistake: a text, or a list of names and indices.
fn place(value: &Value) -> Option<String> {
    let place = match value {
        Value::String(text) => text.clone(),
        Value::Array(steps) => {
            let step = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
            steps.iter().map(step).collect::<Vec<_>>().join(".")
        }
        _ => return None,
    };
    Some(place).filter(|place| !place.is_empty())
}

/// The title of an HTML page, else its text without tags, scripts and styles; any other text as it is.
fn page(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let begin = at + lower[at..].find('>')? + 1;
        let end = begin + lower[begin..].find("</title")?;
        Some(text[begin..end].trim().to_owned())
    });
    let said = title.filter(|title| !title.is_empty()).unwrap_or_else(|| without_tags(text));
    let said = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")]
        .iter()
        .fold(said, |said, (entity, letter)| said.replace(entity, letter));
    Some(said).filter(|said| !said.trim().is_empty())
}

fn without_tags(page: &str) -> String {
    let mut kept = String::new();
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        kept.push_str(before);
        // A lone `<` is part of the text.
        if !tag.starts_with(|letter: char| letter.is_ascii_alphabetic() || matches!(letter, '/' | '!')) {
            kept.push('<');
            rest = tag;
            continue;
        }
        kept.push(' ');
        let name = tag.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
        let end = if matches!(name.as_str(), "script" | "style") { format!("</{name}>") } else { ">".to_owned() };
        rest = tag.split_once(&end).map_or("", |(_, after)| after);
    }
    kept + rest
}

/// One line of bounded length.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_words_are_found_wherever_they_stand() {
        for (body, wanted) in [
            (json!({"error": "Invalid replica_uuid"}), "Invalid replica_uuid"),
            (json!({"message": "Invalid access token"}), "Invalid access token"),
            (json!({"conflict": "maker_changes"}), "conflict: maker_changes"),
            (json!({"error": {"message": "nested"}, "message": "nested"}), "nested"),
            (
                json!({"error": {"code": "VERSION_NOT_FOUND", "message": "Version not found"}}),
                "Version not found (VERSION_NOT_FOUND)",
            ),
            (json!({"data": null, "errors": [{"error": "PERSONA_IN_USE", "message": "in use"}]}), "in use (PERSONA_IN_USE)"),
            (json!({"errors": ["one", "two"]}), "one; two"),
            (json!({"error": 17, "message": "bad attributes"}), "bad attributes (error 17)"),
            (json!({"status": "error", "message": "no"}), "no"),
            (
                json!({"error": "Validation error", "details": [{"path": ["voice", 0], "message": "too big"}, {"path": "name", "message": "empty"}]}),
                "Validation error: voice.0: too big; name: empty",
            ),
            (
                json!({"error": "Validation error", "summary": "name: empty", "details": [{"message": "x"}]}),
                "Validation error: name: empty",
            ),
            (json!({"message": ["one", "two"], "error": "Bad Request"}), "Bad Request: one; two"),
            (
                json!({"detail": [{"loc": ["body", "name"], "msg": "?", "message": "field required"}]}),
                "body.name: field required",
            ),
            (json!({"message": "no", "details": {"x": ["too long"]}}), "no: x: too long"),
        ] {
            assert_eq!(words(&Response { status: 400, body: Body::Json(body.clone()) }).as_deref(), Some(wanted), "{body}");
        }
        let strange = Response { status: 400, body: Body::Json(json!({"code": 7})) };
        assert_eq!(words(&strange).as_deref(), Some(r#"{"code":7}"#), "better the whole of it than nothing");
        for body in [json!({}), json!([]), json!(null), json!(""), json!({"error": null, "message": ""})] {
            assert_eq!(words(&Response { status: 400, body: Body::Json(body) }), None);
        }
    }

    #[test]
    fn a_gateways_page_is_its_title_or_its_text_and_never_its_markup() {
        let said = |page: &str| words(&Response { status: 502, body: Body::Text(page.to_owned()) });
        let page = "<html><head><TITLE>502 Bad\nGateway</TITLE></head><body>cloud</body></html>";
        assert_eq!(said(page).as_deref(), Some("502 Bad Gateway"));
        let page = "<html><head><style>p{}</style></head>\n<body><h1>Error &amp; more</h1><script>x < 1</script><hr>cloud</body></html>";
        assert_eq!(said(page).as_deref(), Some("Error & more cloud"));
        assert_eq!(said("upstream connect error: 1 < 2").as_deref(), Some("upstream connect error: 1 < 2"));
        assert_eq!(said(&"é".repeat(900)).map(|said| said.chars().count()), Some(MOST + 1));
        assert_eq!(said("<html></html>"), None);
    }
}
