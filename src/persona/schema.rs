//! The JSON Schemas of the two documents, made from the providers' words. One tree serves the loader's walk and, through
//! `export`, the editors of those who write the files. The walk's own keywords are explained in `check`.

mod export;
pub(super) mod fields;
mod inline;
pub(super) mod shape;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::name::AccountName;
use super::{ProviderWords, Section, Vocabulary};

/// The dialect of every schema here.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of `personaform.yaml` for editors (draft 2020-12).
pub fn project_schema(vocabulary: &Vocabulary) -> Value {
    let mut document = project_document(vocabulary);
    if let Some(all) = document["$defs"].as_object_mut() {
        all.extend(definitions(vocabulary, |_| true));
    }
    let defaults = |provider: &str| json!({ "properties": { "defaults": { "$ref": format!("#/$defs/{provider}.defaults") } } });
    let cases = |provider: &str, words: &ProviderWords| {
        let decider = words.options.iter().find(|(_, schema)| schema.get("x-section").is_some()).map(|(name, _)| name);
        let selected = json!({ "enum": words.sections.keys().collect::<Vec<_>>() });
        let Some(decider) = decider else { return vec![(json!(true), defaults(provider))] };
        let usual = json!({ "not": { "properties": { decider: selected }, "required": [decider] } });
        let one = |value: &String| {
            let case = json!({ "properties": { decider: { "const": value } }, "required": [decider] });
            (case, defaults(&format!("{provider}-{value}")))
        };
        std::iter::once((usual, defaults(provider))).chain(words.sections.keys().map(one)).collect()
    };
    let by_provider = vocabulary.providers.iter().flat_map(|(provider, words)| {
        let named = json!({ "properties": { "provider": { "const": provider } }, "required": ["provider"] });
        cases(provider, words).into_iter().map(move |(case, then)| json!({ "if": both(&named, &case), "then": then }))
    });
    document["$defs"]["account"]["allOf"] = by_provider.collect();
    let by_name = vocabulary.providers.iter().map(|(provider, words)| {
        let unnamed = json!({ "not": { "required": ["provider"] } });
        let cases = cases(provider, words).into_iter().map(|(case, then)| json!({ "if": both(&unnamed, &case), "then": then }));
        let all: Vec<Value> = std::iter::once(json!({ "$ref": "#/$defs/account" })).chain(cases).collect();
        let description = format!("An account at {provider}, unless its `provider` says otherwise.");
        (provider.clone(), json!({ "description": description, "allOf": all }))
    });
    document["properties"]["accounts"]["properties"] = Value::Object(by_name.collect());
    export::exported(document)
}

/// Both conditions of an `if`.
fn both(one: &Value, other: &Value) -> Value {
    if other == &json!(true) { one.clone() } else { json!({ "allOf": [one, other] }) }
}

/// The schema of a persona for editors (draft 2020-12); the section of each account is typed by its provider's id.
///
/// The general one, for a project whose accounts are not known, has one account per provider under the provider's own name.
pub fn persona_schema(vocabulary: &Vocabulary, accounts: &BTreeMap<AccountName, String>) -> Value {
    export::exported(document(definitions(vocabulary, |_| true), accounts))
}

/// The schema of `personaform.yaml` for the walk, which looks into the defaults of an account by themselves.
pub(super) fn project_document(vocabulary: &Vocabulary) -> Value {
    let account = json!({
        "description": "One configured set of credentials at a provider.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "provider": {
                "description": "The kind of service. Only needed where the account's name is not a provider's.",
                "type": "string", "x-plain": true, "enum": vocabulary.providers.keys().collect::<Vec<_>>(),
            },
            "api_key": { "description": "The variable that holds the key, as in `{ $env: NAME }`; the provider's own by default.", "x-secret": true },
            "base_url": {
                "description": "Where the service is reached; the provider's own address by default.",
                "type": "string", "x-plain": true,
            },
            "insecure": {
                "description": "Allows plain `http` to another machine: keys then travel unencrypted. Only where the way there is safe by other means.",
                "type": "boolean",
            },
            "limits": {
                "description": "How fast the account is asked. Lowered by itself when the service says that it is too much.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "concurrency": { "description": "Requests under way at once; the provider's own by default.", "type": "integer", "minimum": 1, "maximum": 64 },
                    "per_second": {
                        "description": "Requests per second, of which a second's worth may go out at once; the provider's own by default, and none on this machine.",
                        "type": "number", "minimum": 0.1, "maximum": 1000,
                    },
                },
            },
            "defaults": { "description": "Fields beneath every target of this account, merged by key.", "type": "object", "x-deferred": true },
        },
    });
    let mut account = account;
    let options = vocabulary.providers.values().flat_map(|words| words.options.clone());
    if let Some(properties) = account["properties"].as_object_mut() {
        properties.extend(options);
    }
    json!({
        "$schema": DIALECT,
        "title": "personaform project",
        "description": "The root of a project: accounts, state and gates.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "personas": { "description": "The folder of the personas; `personas` by default.", "type": "string", "x-plain": true, "minLength": 1 },
            "accounts": {
                "description": "The accounts by name: letters, digits, `-` and `_`.",
                "type": "object", "additionalProperties": { "$ref": "#/$defs/account" },
            },
            "state": {
                "description": "Where state is kept.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "path": { "description": "`.personaform/state.json` by default.", "type": "string", "x-plain": true, "minLength": 1 },
                },
            },
            "safety": {
                "description": "How much one plan may do without a flag.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "max_deletes": { "description": "Deletions; 0 by default.", "type": "integer", "minimum": 0 },
                    "max_share": {
                        "description": "Part of the managed objects that one plan may change or delete, as in `30%` or 0.3; no limit by default.",
                        "anyOf": [
                            { "type": "number", "minimum": 0, "maximum": 1 },
                            { "type": "string", "x-plain": true, "pattern": "^[0-9]+(\\.[0-9]+)?%$" },
                        ],
                    },
                },
            },
        },
        "$defs": { "account": account },
    })
}

/// The section of each account below `targets`.
fn targets(accounts: &BTreeMap<AccountName, String>) -> Value {
    let targets = accounts.iter().map(|(account, provider)| {
        let section = json!({
            "description": format!("This persona at the account `{account}`, in the fields of {provider}."),
            "$ref": format!("#/$defs/{provider}"),
        });
        (account.as_str().to_owned(), section)
    });
    Value::Object(targets.collect())
}

/// The schema of a persona for the walk, with the definitions of its own accounts only.
pub(super) fn persona_document(vocabulary: &Vocabulary, accounts: &BTreeMap<AccountName, String>) -> Value {
    let used: BTreeSet<&str> = accounts.values().map(String::as_str).collect();
    document(definitions(vocabulary, |name| used.contains(name)), accounts)
}

fn document(definitions: Map<String, Value>, accounts: &BTreeMap<AccountName, String>) -> Value {
    let mut document = json!({
        "$schema": DIALECT,
        "title": "personaform persona",
        "description": "One persona: what is shared, and a section for every account that shall have it.",
        "type": "object",
        "additionalProperties": false,
        "required": ["targets"],
        "properties": {
            "name": { "description": "Display name.", "type": "string" },
            "description": { "description": "What the persona is for.", "type": "string" },
            "prompt": { "description": "The prompt, sent where the provider keeps it.", "type": "string" },
            "previously": { "description": "The key that a renamed file had before.", "type": "string", "x-plain": true },
            "targets": {
                "description": "This persona at each account, in the provider's own fields.",
                "type": "object", "x-deferred": true, "additionalProperties": false,
            },
        },
    });
    // Moved, not written out by the macro: they are most of the document.
    document["$defs"] = Value::Object(definitions);
    document["properties"]["targets"]["properties"] = targets(accounts);
    document
}

/// For each section `NAME` that is wanted (a target: fields and settings), `NAME.defaults` (fields alone) and its own definitions.
fn definitions(vocabulary: &Vocabulary, wanted: impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut definitions = Map::new();
    for (provider, words, section) in sections(vocabulary).filter(|(name, ..)| wanted(name)) {
        let provider = &provider;
        let mut section = inline::inlined(section.schema());
        namespaced(&mut section, provider);
        if let Some(own) = section.as_object_mut().and_then(|section| section.remove("$defs")) {
            for (name, definition) in own.as_object().into_iter().flatten() {
                definitions.insert(format!("{provider}.{name}"), definition.clone());
            }
        }
        // The whole may be one of its own definitions.
        let own = section["$ref"].as_str().and_then(|reference| definitions.get(reference.strip_prefix("#/$defs/")?));
        let mut fields = own.cloned().unwrap_or(section);
        if let Some(fields) = fields.as_object_mut() {
            fields.remove("$schema");
            fields.remove("title");
        }
        let mut target = fields.clone();
        for (name, setting) in settings(words.releases) {
            target["properties"][name] = setting;
        }
        definitions.insert(format!("{provider}.defaults"), fields);
        definitions.insert(provider.clone(), target);
    }
    definitions
}

/// The sections of all providers by name, those among them that a setting of the account selects.
fn sections(vocabulary: &Vocabulary) -> impl Iterator<Item = (String, &ProviderWords, &Section)> {
    vocabulary.providers.iter().flat_map(|(provider, words)| {
        let selected = words.sections.iter().map(move |(value, section)| (format!("{provider}-{value}"), words, section));
        std::iter::once((provider.clone(), words, &words.section)).chain(selected)
    })
}

/// The `$` keys of a target.
fn settings(releases: bool) -> Vec<(&'static str, Value)> {
    let mut settings = vec![
        (
            "$id",
            json!({ "description": "Binds to an existing object with this id.", "type": "string", "x-plain": true, "minLength": 1 }),
        ),
        (
            "$lifecycle",
            json!({
                "description": "What may not happen to the object.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "prevent_destroy": { "description": "Refuses every plan that deletes the object.", "type": "boolean" },
                    "force_destroy": {
                        "description": "Deletes the object although something still uses it, such as a phone number.",
                        "type": "boolean",
                    },
                    "ignore_changes": {
                        "description": "Fields, as JSON Pointers, that are neither compared nor sent once the object exists.",
                        "type": "array", "items": { "type": "string", "x-plain": true, "pattern": "^/" },
                    },
                },
            }),
        ),
    ];
    let description = "What may be done to the object: `full` (the default), `no-delete` (forgotten instead of deleted), or `observe` \
                       (compared and shown, never written).";
    settings.push((
        "$manage",
        json!({ "description": description, "type": "string", "x-plain": true, "enum": ["full", "no-delete", "observe"] }),
    ));
    if releases {
        let description = "`production` promotes every change, `draft` leaves it in the draft.";
        settings.push((
            "$release",
            json!({ "description": description, "type": "string", "x-plain": true, "enum": ["production", "draft"] }),
        ));
    }
    settings
}

/// Moves the references of a self-contained schema below the provider's name.
fn namespaced(schema: &mut Value, provider: &str) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), &*value) {
                    ("$ref", Value::String(reference)) => {
                        *value = match reference.strip_prefix("#/$defs/") {
                            Some(rest) => Value::from(format!("#/$defs/{provider}.{rest}")),
                            None => Value::from(format!("#/$defs/{provider}.defaults")),
                        };
                    }
                    ("const" | "default" | "examples" | "enum" | "x-known", _) => {}
                    _ => namespaced(value, provider),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| namespaced(item, provider)),
        _ => {}
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
pub(super) mod tests;
