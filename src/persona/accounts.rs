//! Reads `personaform.yaml`: the accounts, where state is kept, the gates. The personas are `load`'s.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Vocabulary;
use super::check;
use super::document::{Account, Limits, Safety};
use super::expression::{Expression, recognise};
use super::name::AccountName;
use super::node::{Entry, Kind, Node};
use super::problem::{Place, Problem};
use super::schema::{self, shape::Shapes};
use super::suggest::{closest, listed};
use super::yaml;

/// The name of the project file.
pub(super) const PROJECT_FILE: &str = "personaform.yaml";

/// What the project file says.
pub(super) struct Settings {
    /// The folder of the personas as written, and where.
    pub(super) personas: (String, Place),
    /// Where state is kept.
    pub(super) state_path: PathBuf,
    /// The gates.
    pub(super) safety: Safety,
    /// Accounts by name.
    pub(super) accounts: BTreeMap<AccountName, Account>,
    /// The `defaults` of the accounts that have any.
    pub(super) defaults: BTreeMap<AccountName, Arc<Node>>,
    /// Every account that was written, also those with mistakes, so that targets of these are not called unknown.
    pub(super) written: Vec<String>,
}

/// Reads the project file's tree; what does not fit is reported and left at its default.
pub(super) fn read(root: &Node, vocabulary: &Vocabulary, problems: &mut Vec<Problem>) -> Settings {
    let document = schema::project_document(vocabulary);
    let (shapes, whole) = Shapes::new(&document, &document);
    problems.extend(check::check(root, &shapes, whole, &[], None));
    let folder = root.get("personas").and_then(|node| Some((node.text()?.to_owned(), node.place.clone())));
    let state_path = root.get("state").and_then(|state| state.get("path")).and_then(Node::text);
    let mut settings = Settings {
        personas: folder.unwrap_or_else(|| ("personas".to_owned(), root.place.clone())),
        state_path: PathBuf::from(state_path.unwrap_or(".personaform/state.json")),
        safety: safety(root.get("safety"), problems),
        accounts: BTreeMap::new(),
        defaults: BTreeMap::new(),
        written: Vec::new(),
    };
    for entry in root.get("accounts").map_or(&[][..], Node::entries) {
        settings.written.push(entry.key.clone());
        let Some(account) = account(entry, vocabulary, problems) else { continue };
        if let Some(defaults) =
            entry.value.entry("defaults").map(|entry| &entry.value).filter(|node| !node.entries().is_empty())
        {
            settings.defaults.insert(account.name.clone(), Arc::clone(defaults));
        }
        settings.accounts.insert(account.name.clone(), account);
    }
    settings
}

/// Checks the defaults of the accounts against the schema of personas with these accounts.
pub(super) fn check_defaults(settings: &Settings, personas: &Value, problems: &mut Vec<Problem>) {
    for (name, defaults) in &settings.defaults {
        let Some(account) = settings.accounts.get(name) else { continue };
        let (shapes, part) = Shapes::new(personas, &personas["$defs"][format!("{}.defaults", account.section)]);
        let found = check::check(defaults, &shapes, part, &["targets", name.as_str()], Some(&account.place));
        // A field that is wanted may still come from the target.
        problems.extend(found.into_iter().filter(|problem| problem.code != "missing-field"));
    }
}

fn account(entry: &Entry, vocabulary: &Vocabulary, problems: &mut Vec<Problem>) -> Option<Account> {
    let name = &entry.key;
    if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')) {
        let problem = Problem::error("bad-account-name", entry.place.clone(), "an account's name cannot be written like this");
        problems.push(problem.with_help("letters, digits, `-` and `_` are possible"));
    }
    let providers = || vocabulary.providers.keys().map(String::as_str);
    let provider = match entry.value.entry("provider").filter(|entry| !entry.value.is_null()) {
        // A wrong one has been reported by the schema.
        Some(written) => written.value.text().filter(|provider| vocabulary.providers.contains_key(*provider)),
        None if vocabulary.providers.contains_key(name) => Some(name.as_str()),
        None => {
            let problem = Problem::error("unknown-provider", entry.place.clone(), format!("`{name}` is no provider"));
            problems.push(match closest(name, providers()) {
                Some(meant) => problem
                    .with_help(format!("did you mean `{meant}`? If the name is meant, add `provider: {meant}`"))
                    .with_suggestion(entry.place.clone(), meant),
                None => problem.with_help(format!("say what it is: add `provider:` with {}", listed(providers()))),
            });
            None
        }
    };
    let insecure = entry.value.get("insecure").and_then(Node::scalar) == Some(serde_json::Value::Bool(true));
    let base_url = entry.value.get("base_url").and_then(|node| base_url(node, insecure, problems));
    let mut key_variable = None;
    if let Some(key) = entry.value.get("api_key")
        && let Some(Expression::Env(variable)) = recognise(key)
    {
        // Whether it is set matters only to those who connect.
        key_variable = variable.text().map(str::to_owned);
    }
    let name = AccountName::new(name);
    let options = options(entry, provider?, vocabulary, problems);
    let section = vocabulary.providers[provider?].section_name(provider?, &options);
    let provider = provider?.to_owned();
    let limits = limits(entry.value.get("limits"));
    let place = entry.place.clone();
    let defaults = Map::new();
    Some(Account { name, defaults, provider, base_url, key_variable, insecure, limits, options, section, place })
}

/// The settings that only some providers know; the schema has seen to their types.
fn options(entry: &Entry, provider: &str, vocabulary: &Vocabulary, problems: &mut Vec<Problem>) -> Map<String, Value> {
    let mut options = Map::new();
    for setting in entry.value.entries() {
        let mut knowing = vocabulary
            .providers
            .iter()
            .filter(|(_, words)| words.options.contains_key(&setting.key))
            .map(|(id, _)| id.as_str());
        if vocabulary.providers[provider].options.contains_key(&setting.key) {
            let value = match &setting.value.kind {
                Kind::Bool(value) => Some(Value::Bool(*value)),
                _ => setting.value.text().map(Value::from),
            };
            options.extend(value.map(|value| (setting.key.clone(), value)));
        } else if let Some(first) = knowing.next() {
            let message = format!("`{}` means nothing at {provider}", setting.key);
            let others = listed(std::iter::once(first).chain(knowing));
            let problem = Problem::error("unknown-option", setting.place.clone(), message);
            problems.push(problem.with_help(format!("remove it: it is a setting of accounts at {others}")));
        }
    }
    options
}

/// How fast the account is asked. What is out of range has been reported by the schema.
fn limits(node: Option<&Node>) -> Limits {
    let number = |name: &str| node.and_then(|node| node.get(name)).and_then(Node::scalar);
    let concurrency = number("concurrency").and_then(|value| value.as_u64()).and_then(|value| u16::try_from(value).ok());
    Limits { concurrency, per_second: number("per_second").and_then(|value| value.as_f64()) }
}

fn base_url(node: &Node, insecure: bool, problems: &mut Vec<Problem>) -> Option<String> {
    let written = node.text()?;
    match origin(written) {
        Ok(true) => {}
        Ok(false) if insecure => {}
        Ok(false) => {
            let message = "keys would travel unencrypted: plain `http` is for this machine only";
            let problem = Problem::error("insecure-url", node.place.clone(), message);
            let help = "write `https://`, or add `insecure: true` to the account if the way there is safe by other means";
            problems.push(problem.with_help(help));
        }
        Err(why) => {
            let problem = Problem::error("bad-url", node.place.clone(), format!("this is no address of a service: {why}"));
            problems.push(problem.with_help("as in `https://api.example.com`, possibly with a path"));
        }
    }
    Some(written.trim_end_matches('/').to_owned())
}

/// Whether an address keeps keys from the wire: `https`, or `http` on this machine.
fn origin(url: &str) -> Result<bool, &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("it does not begin with `https://`")?;
    let encrypted = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err("it does not begin with `https://`"),
    };
    if url.contains(|letter: char| letter.is_whitespace() || letter.is_control() || matches!(letter, '\\' | '"' | '<' | '>')) {
        return Err("it holds a character that addresses cannot hold");
    }
    if url.contains(['?', '#']) {
        return Err("it has a query or a fragment");
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Err("it holds a user name");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']').ok_or("its host is not complete")?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if !port.is_empty() && port.strip_prefix(':').is_none_or(|port| port.parse::<u16>().is_err()) {
        return Err("its port is no number");
    }
    let ip = host.parse::<IpAddr>().ok();
    let bracketed_well = !authority.starts_with('[') || host.parse::<Ipv6Addr>().is_ok();
    let named_well = host.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_'));
    if host.is_empty() || !bracketed_well || (ip.is_none() && !named_well) {
        return Err("its host is no name and no number");
    }
    let here = ip.map_or_else(|| host.eq_ignore_ascii_case("localhost"), |ip| ip.is_loopback());
    Ok(encrypted || here)
}

fn safety(node: Option<&Node>, problems: &mut Vec<Problem>) -> Safety {
    let max_deletes = node.and_then(|node| node.get("max_deletes")).and_then(Node::scalar).and_then(|value| value.as_u64());
    let share = node.and_then(|node| node.get("max_share"));
    let max_share = match share {
        None => None,
        Some(node) => match node.text() {
            // Outside 0 to 1 has been reported by the schema.
            None => node.scalar().and_then(|value| value.as_f64()),
            Some(text) => {
                let percent = text.strip_suffix('%').and_then(|number| number.trim_end().parse::<f64>().ok());
                let share = percent.filter(|percent| (0.0..=100.0).contains(percent)).map(|percent| percent / 100.0);
                if share.is_none() {
                    let problem = Problem::error("bad-share", node.place.clone(), "this is no share of a whole");
                    problems.push(problem.with_help("write it as `30%` or as 0.3"));
                }
                share
            }
        },
    };
    Safety { max_deletes: max_deletes.and_then(|count| usize::try_from(count).ok()).unwrap_or(0), max_share }
}

/// The problem of a target whose account is not configured.
pub(super) fn unknown_account(name: &str, place: &Place, settings: &Settings, vocabulary: &Vocabulary) -> Problem {
    let problem =
        Problem::error("unknown-account", place.clone(), format!("the account `{}` is not configured", yaml::brief(name)));
    let names = settings.written.iter().map(String::as_str);
    match closest(name, names.clone()) {
        Some(meant) => problem.with_help(format!("did you mean `{meant}`?")).with_suggestion(place.clone(), meant),
        None if vocabulary.providers.contains_key(name) => {
            problem.with_help(format!("add `{name}: {{}}` below `accounts` in `{PROJECT_FILE}`"))
        }
        None if settings.written.is_empty() => {
            problem.with_help(format!("`{PROJECT_FILE}` has no accounts; add one below `accounts`"))
        }
        None => problem.with_help(format!("configured are {}", listed(names).replace(" or ", " and "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_travel_encrypted_or_not_at_all() {
        for url in [
            "https://us.api.bland.ai",
            "https://host/prefix/",
            "http://localhost:8080",
            "http://127.0.0.9",
            "http://[::1]:80/x",
        ] {
            assert_eq!(origin(url), Ok(true), "{url}");
        }
        for url in ["http://api.bland.ai", "http://10.0.0.1", "http://localhost.evil.example", "http://[2001:db8::1]"] {
            assert_eq!(origin(url), Ok(false), "{url}");
        }
        for url in
            ["api.bland.ai", "ftp://x", "https://", "https://a b", "https://u:p@h", "https://h:x", "https://h?q", "http://[::1"]
        {
            assert!(origin(url).is_err(), "{url}");
        }
    }
}
