//! Problems as SARIF 2.1.0, for code scanning: one rule per kind of mistake, one result per mistake, with its replacement.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::problems::{Location, location};
use crate::persona::problem::{Problem, Severity};

/// The schema that the document follows.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// All problems as one run. `folder` leads from the repository's root to the project's, with `/` at the end, or is empty.
pub fn problems(problems: &[Problem], folder: &str) -> Value {
    let mut rules: BTreeMap<&str, &Problem> = BTreeMap::new();
    for problem in problems {
        rules.entry(problem.code).or_insert(problem);
    }
    let codes: Vec<&str> = rules.keys().copied().collect();
    let results = problems.iter().map(|problem| result(problem, &codes, folder));
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "personaform",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.values().map(|problem| rule(problem)).collect::<Vec<_>>(),
            }},
            // Columns count characters, also those beyond the Basic Multilingual Plane, as one.
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

fn rule(problem: &Problem) -> Value {
    let title = problem.code.replace('-', " ");
    let help = problem.help.as_deref().unwrap_or("`personaform validate` shows the lines and what to write instead");
    let name: String = problem.code.split('-').map(capital).collect();
    json!({
        "id": problem.code,
        "name": name,
        "shortDescription": { "text": title },
        "fullDescription": { "text": format!("A mistake of the kind `{}` in the files of a personaform project.", problem.code) },
        "help": { "text": format!("For instance: {}. {}.", problem.message, help) },
        "defaultConfiguration": { "level": level(problem.severity) },
        "properties": { "tags": ["personas", "configuration"] },
    })
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn result(problem: &Problem, codes: &[&str], folder: &str) -> Value {
    let mut message = problem.message.clone();
    if let Some(help) = &problem.help {
        message.push_str(&format!("\n{help}"));
    }
    let mut result = Map::new();
    result.insert("ruleId".into(), json!(problem.code));
    result.insert("ruleIndex".into(), json!(codes.iter().position(|code| *code == problem.code)));
    result.insert("level".into(), json!(level(problem.severity)));
    result.insert("message".into(), json!({ "text": message }));
    // Code scanning takes only results that stand somewhere: a problem without a place is one of the project file.
    let found = location(problem.place.as_ref());
    let place = if found.path.is_some() {
        physical(&found, folder)
    } else {
        json!({ "artifactLocation": artifact("personaform.yaml", folder) })
    };
    result.insert("locations".into(), json!([{ "physicalLocation": place }]));
    if !problem.related.is_empty() {
        let related = problem.related.iter().enumerate().map(|(index, (place, label))| {
            json!({
                "id": index + 1,
                "physicalLocation": physical(&location(Some(place)), folder),
                "message": { "text": if label.is_empty() { "belongs to it" } else { label } },
            })
        });
        result.insert("relatedLocations".into(), related.collect());
    }
    if let Some(suggestion) = &problem.suggestion {
        let found = location(Some(&suggestion.place));
        let path = found.path.clone().unwrap_or_default();
        let description = problem.help.clone().unwrap_or_else(|| "write this instead".to_owned());
        let fix = json!({
            "description": { "text": description },
            "artifactChanges": [{
                "artifactLocation": artifact(&path, folder),
                "replacements": [{ "deletedRegion": region(&found), "insertedContent": { "text": suggestion.text } }],
            }],
        });
        result.insert("fixes".into(), json!([fix]));
    }
    Value::Object(result)
}

fn physical(found: &Location, folder: &str) -> Value {
    json!({ "artifactLocation": artifact(found.path.as_deref().unwrap_or_default(), folder), "region": region(found) })
}

/// A file by its path from the repository's root, as a relative URI.
fn artifact(path: &str, folder: &str) -> Value {
    /// What a segment of a path may hold as it is.
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    let uri = percent_encoding::utf8_percent_encode(&format!("{folder}{path}"), KEPT).to_string();
    json!({ "uri": uri, "uriBaseId": "%SRCROOT%" })
}

/// A stretch of a file; SARIF too names the character after the last.
fn region(found: &Location) -> Value {
    json!({
        "startLine": found.line.unwrap_or(1),
        "startColumn": found.column.unwrap_or(1),
        "endLine": found.end_line.or(found.line).unwrap_or(1),
        "endColumn": found.end_column.or(found.column).unwrap_or(1),
    })
}
