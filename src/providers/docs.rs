//! The page of each provider below `docs/providers`: what is managed, how it is compared and cleared, and what a reader should know
//! besides. Made from the section's schema and the rules; only the remarks are written by hand, beside each provider.

use serde_json::{Map, Value};

use super::remarks::Remarks;
use super::{anam, bland, opengiant, section, tavus};
use crate::plan::{Clear, FieldRule, Listing, Reading};
use crate::provider::Provider;

/// The page of a provider, in Markdown.
pub fn page(provider: &dyn Provider) -> String {
    let (service, rules) = (provider.service(), provider.rules());
    let mut page = format!(
        "# {}\n\n<!-- Generated from the schema and the rules of `src/providers/{}`: \
         `BLESS=1 cargo test --test cli provider_pages`. -->\n\n",
        service.title,
        provider.id()
    );
    page += &format!(
        "[Its documentation]({}). Accounts with `provider: {}` sign in with the key in `${}`, at <{}> by default.\n\n",
        service.documentation,
        provider.id(),
        service.key_variable,
        service.base_url
    );
    let list = match rules.list {
        Listing::None => "not possible",
        Listing::Summaries => "names and ids",
        Listing::Whole => "whole objects",
    };
    let possible = |it: bool| if it { "possible" } else { "not possible" };
    page += "| call | here |\n|---|---|\n";
    page += &format!("| update | {} |\n| list | {list} |\n| read | {} |\n", service.update, possible(rules.read));
    page += &format!("| delete | {} |\n", possible(rules.delete));
    page += &format!("| drafts (`$release`) | {} |\n", if rules.releases { "yes" } else { "no" });

    let options = provider.options();
    if !options.is_empty() {
        page += "\n## Settings of an account\n\n| setting | type | meaning |\n|---|---|---|\n";
        rows(&Map::from_iter([("properties".to_owned(), Value::Object(options))]), "", &mut page);
    }
    page += "\n## What is managed\n\nOnly what a section names. Every field may be `null`, which clears it where that is possible.\n\n";
    page += "| field | type | meaning |\n|---|---|---|\n";
    if let Value::Object(schema) = section(provider) {
        rows(&schema, "", &mut page);
    }
    chapter(&mut page, "What is normalised", rules.fields.iter().filter_map(normalised));
    chapter(&mut page, "What reads do not show", rules.fields.iter().filter_map(hidden));
    chapter(&mut page, "How fields are cleared", rules.fields.iter().filter_map(cleared));
    if let Some(remarks) = remarks(provider.id()) {
        let sentences = |list: &'static [&'static str]| list.iter().map(|text| (*text).to_owned());
        chapter(&mut page, "Side effects", sentences(remarks.side_effects));
        chapter(&mut page, "What cannot be done", sentences(remarks.impossible));
        chapter(&mut page, "What is unknown", sentences(remarks.unknown));
    }
    page
}

fn remarks(id: &str) -> Option<&'static Remarks> {
    match id {
        "tavus" => Some(&tavus::remarks::REMARKS),
        "anam" => Some(&anam::remarks::REMARKS),
        "bland" => Some(&bland::remarks::REMARKS),
        "opengiant" => Some(&opengiant::remarks::REMARKS),
        _ => None,
    }
}

fn chapter(page: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|line| format!("* {line}.\n")).collect();
    if !lines.is_empty() {
        *page += &format!("\n## {title}\n\n{}", lines.concat());
    }
}

/// One row per field, parents before their members.
fn rows(schema: &Map<String, Value>, above: &str, page: &mut String) {
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        let Value::Object(field) = field else { continue };
        let about = field.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let old = if field.get("deprecated") == Some(&Value::Bool(true)) { " *Deprecated.*" } else { "" };
        let known = field.get("x-known").or_else(|| field.get("enum")).and_then(Value::as_array);
        let known: Vec<String> =
            known.into_iter().flatten().filter_map(Value::as_str).map(|value| format!("`{value}`")).collect();
        let known = if known.is_empty() { String::new() } else { format!(" Known: {}.", known.join(", ")) };
        let range = field.get("x-range").map(|range| format!(" Range: {range}.")).unwrap_or_default();
        *page += &format!("| `{path}` | {} | {about}{known}{range}{old} |\n", kind(field));
        rows(field, &path, page);
        if let Some(Value::Object(items)) = field.get("items") {
            rows(items, &format!("{path}[]"), page);
        }
    }
}

fn kind(schema: &Map<String, Value>) -> String {
    if schema.contains_key("x-secret") {
        return "secret".to_owned();
    }
    let names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        _ => return "any".to_owned(),
    };
    match (names.as_slice(), schema.get("items").and_then(Value::as_object)) {
        (["array"], Some(items)) => format!("list of {}", kind(items)),
        (["object"], _) if schema.get("additionalProperties").is_none_or(|open| open != &Value::Bool(false)) => {
            "open map".to_owned()
        }
        _ => names.join(" or "),
    }
}

fn named(rule: &FieldRule) -> String {
    match rule.path.trim_start_matches('/') {
        "" => "every field".to_owned(),
        path => match path.strip_suffix("/*") {
            Some(above) => format!("members of `{}`", above.replace('/', ".")),
            None => format!("`{}`", path.replace('/', ".")),
        },
    }
}

fn with_reason(line: String, rule: &FieldRule) -> String {
    rule.why.map_or(line.clone(), |why| format!("{line}: {why}"))
}

fn normalised(rule: &FieldRule) -> Option<String> {
    let mut ways = Vec::new();
    if rule.empty_is_absent {
        ways.push("`null`, empty and absent are one");
    }
    if rule.set {
        ways.push("order means nothing");
    }
    if rule.normal.is_some() {
        ways.push("compared in the form that the service stores");
    }
    // Where a field is not read either, the reason belongs there.
    let line = (!ways.is_empty()).then(|| format!("{}: {}", named(rule), ways.join("; ")))?;
    Some(if rule.reading == Reading::Always { with_reason(line, rule) } else { line })
}

fn hidden(rule: &FieldRule) -> Option<String> {
    let how = match rule.reading {
        Reading::Always => return None,
        Reading::MayBeOmitted => "may be left out of a read; what was last applied then stands for it",
        Reading::Partly => "shown without some of its parts; those are compared with what was last applied",
        Reading::Never => "write-only; compared with what was last applied, never with a read",
    };
    Some(with_reason(format!("{}: {how}", named(rule)), rule))
}

fn cleared(rule: &FieldRule) -> Option<String> {
    let how = match rule.clear {
        Clear::Remove => return None,
        Clear::Null => "by writing `null`".to_owned(),
        Clear::Text("") => "by writing an empty text".to_owned(),
        Clear::Text(text) => format!("by writing `{text}`"),
        Clear::EmptyList => "by writing an empty list".to_owned(),
        Clear::EmptyObject => "by writing an empty object".to_owned(),
        Clear::False => "by writing `false`".to_owned(),
        Clear::Impossible(why) => format!("**cannot be cleared**: {why}"),
    };
    Some(format!("{}: {how}", named(rule)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_has_a_page_with_remarks() {
        for provider in super::super::all() {
            let page = page(provider);
            assert!(remarks(provider.id()).is_some(), "{}", provider.id());
            for title in ["What is managed", "What cannot be done", "What is unknown"] {
                assert!(page.contains(&format!("\n## {title}\n")), "{}: {title}", provider.id());
            }
        }
    }

    #[test]
    fn a_remark_is_a_sentence_without_full_stop() {
        for provider in super::super::all() {
            let remarks = remarks(provider.id()).expect("remarks");
            for text in [remarks.side_effects, remarks.impossible, remarks.unknown].into_iter().flatten() {
                assert!(!text.ends_with('.') && !text.is_empty(), "{text}");
            }
        }
    }
}
