//! `doctor`: looks at everything that a run needs, and says for each fault what to do about it. Only reads; what cannot be told by
//! reading is called "not checked", never "well".

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use serde_json::{Value, json};

use super::args::{Common, Format};
use super::exit::{Exit, Stop, with_causes};
use super::lock::host;
use super::miniatures::{sandbox_key, start_sandbox};
use super::project::{root, state_path, variable};
use super::screen::Screen;
use crate::http::{self, Client, Home, Patience, Repeat};
use crate::persona::document::{Account, Project};
use crate::persona::problem::Severity;
use crate::persona::{load, schema};
use crate::plan::{Listing, Method, Request};
use crate::provider::{Provider, RefusalKind};
use crate::providers;
use crate::schemas;
use crate::state::{Held, Lock, StateFile};

/// From here on, a clock is wrong enough to be in the way of certificates and of reading records.
const SKEW: Duration = Duration::from_secs(300);

/// What came of looking at one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Well,
    NotChecked,
    Faulty,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Well => "ok",
            Self::NotChecked => "not checked",
            Self::Faulty => "failed",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
struct Check {
    /// What was looked at (`files`, `account tavus`).
    subject: String,
    /// Which side of it (`key`).
    aspect: &'static str,
    verdict: Verdict,
    /// What was found, as a fragment.
    found: String,
    /// What to do, as a fragment.
    help: Option<String>,
}

impl Check {
    fn new(subject: &str, aspect: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), aspect, verdict, found: found.into(), help: None }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Looks at files, state, proxy and every account.
///
/// # Errors
/// When there is no project.
pub(super) async fn doctor(common: &Common, screen: &Screen) -> Result<Exit, Stop> {
    let root = root(common)?;
    let mut checks = Vec::new();
    let project = files(common, &root, &mut checks);
    checks.push(editor_schemas(&root, project.as_ref()));
    checks.push(proxy());
    match &project {
        None => checks.push(
            Check::new("accounts", "all", Verdict::NotChecked, "the project file says nothing about them that could be read")
                .with_help("mend the files first: `personaform validate` shows where"),
        ),
        Some(project) => {
            state(common, &root, project, &mut checks);
            let sandbox = if common.sandbox { Some(start_sandbox(&root, project).await?) } else { None };
            for account in project.accounts.values() {
                let Some(provider) = providers::configured(account) else { continue };
                let place = match &sandbox {
                    Some(running) => (running.base_url(account.name.as_str()), Some(sandbox_key(account))),
                    None => {
                        let base_url = account.base_url.clone().unwrap_or_else(|| provider.service().base_url.to_owned());
                        (base_url, std::env::var(key_variable(account, provider)).ok().filter(|key| !key.is_empty()))
                    }
                };
                self::account(account, provider, place, &mut checks).await;
            }
        }
    }
    tell(screen, &checks);
    let well = checks.iter().all(|check| check.verdict != Verdict::Faulty);
    Ok(if well { Exit::Done } else { Exit::Failed })
}

/// Loads and compiles the files. The project is given also where only variables are missing.
fn files(common: &Common, root: &Path, checks: &mut Vec<Check>) -> Option<Project> {
    let vocabulary = providers::vocabulary();
    let loaded = load(root, &vocabulary, &|name| variable(common.sandbox, name));
    let mut problems = loaded.problems;
    if let Some(project) = &loaded.project
        && let Err(more) = providers::compile(project)
    {
        problems.extend(more);
    }
    let count = |severity: Severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    checks.push(match &loaded.project {
        _ if errors > 0 => {
            let first = problems.iter().find(|problem| problem.severity == Severity::Error);
            let first = first.map(|problem| problem.message.clone()).unwrap_or_default();
            Check::new("files", "valid", Verdict::Faulty, format!("{}, the first: {first}", counted(errors, "error")))
                .with_help("`personaform validate` shows each at its line")
        }
        Some(project) => {
            let doubts = if warnings == 0 { String::new() } else { format!(", {}", counted(warnings, "warning")) };
            Check::new("files", "valid", Verdict::Well, format!("{}{doubts}", counted(project.personas.len(), "persona")))
        }
        None => Check::new("files", "valid", Verdict::Faulty, "they cannot be loaded"),
    });
    // A variable that is not set says nothing against looking at the accounts.
    loaded.project.or_else(|| load(root, &vocabulary, &|_| Some("unset".to_owned())).project)
}

/// Whether the schemas that editors use are those of this build and these accounts.
fn editor_schemas(root: &Path, project: Option<&Project>) -> Check {
    let persona = project.map(|project| {
        let accounts = project.accounts.values().map(|account| (account.name.clone(), account.section.clone())).collect();
        schema::persona_schema(&providers::vocabulary(), &accounts)
    });
    let mut stale = Vec::new();
    let mut missing = Vec::new();
    for (name, wanted) in [("project", Some(schemas::project())), ("persona", persona)] {
        let Some(wanted) = wanted else { continue };
        match std::fs::read_to_string(root.join(format!("schemas/{name}.schema.json"))) {
            Ok(text) if serde_json::from_str::<Value>(&text).is_ok_and(|held| held == wanted) => {}
            Ok(_) => stale.push(name),
            Err(_) => missing.push(name),
        }
    }
    let commands = |names: &[&str]| {
        let each = |name: &&str| format!("`personaform schema {name} > schemas/{name}.schema.json`");
        names.iter().map(each).collect::<Vec<_>>().join(", ")
    };
    if !stale.is_empty() {
        let found = format!("stale: {}; editors complete and check with another personaform's words", stale.join(", "));
        return Check::new("editors", "schemas", Verdict::Faulty, found).with_help(commands(&stale));
    }
    if !missing.is_empty() {
        let found = format!("there is no {} schema below `schemas/`", missing.join(" and no "));
        return Check::new("editors", "schemas", Verdict::NotChecked, found).with_help(commands(&missing));
    }
    Check::new("editors", "schemas", Verdict::Well, "up to date")
}

/// Which proxy settings are in force; user names and passwords in them are not shown.
fn proxy() -> Check {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];
    let set: Vec<String> = names
        .into_iter()
        .filter_map(|name| Some((name, std::env::var(name).ok().filter(|value| !value.is_empty())?)))
        .map(|(name, value)| {
            let shown = match value.rsplit_once('@') {
                Some((_, host)) => format!("(credentials)@{host}"),
                None => value,
            };
            format!("{name}={shown}")
        })
        .collect();
    let found = if set.is_empty() { "none".to_owned() } else { set.join(", ") };
    Check::new("network", "proxy", Verdict::Well, found)
}

/// Whether state can be read and written, and whether nobody holds its lock. Leaves nothing behind.
fn state(common: &Common, root: &Path, project: &Project, checks: &mut Vec<Check>) {
    let path = state_path(common, root, project);
    let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
    checks.push(match StateFile::at(&path).load() {
        Ok(state) if state.serial == 0 => Check::new("state", "readable", Verdict::Well, format!("`{shown}` is not there yet")),
        Ok(state) => {
            Check::new("state", "readable", Verdict::Well, format!("{} in `{shown}`", counted(state.objects.len(), "object")))
        }
        Err(error) => {
            let check = Check::new("state", "readable", Verdict::Faulty, with_causes(&error));
            match error.help() {
                Some(help) => check.with_help(help),
                None => check.with_help("give this user the right to read it"),
            }
        }
    });
    let folder = existing(path.parent().unwrap_or(root));
    checks.push(match tempfile::Builder::new().prefix(".doctor-").tempfile_in(&folder) {
        Ok(_) => Check::new("state", "writable", Verdict::Well, format!("files can be made in `{}`", folder.display())),
        Err(error) => {
            Check::new("state", "writable", Verdict::Faulty, format!("no file can be made in `{}`: {error}", folder.display()))
                .with_help("give this user the right to write there, or move `state.path`")
        }
    });
    let mut lock = path.clone().into_os_string();
    lock.push(".lock");
    // Without a lock file nobody holds a lock, and asking for one would make it.
    let held = if Path::new(&lock).exists() { Lock::left(&path) } else { Ok(None) };
    checks.push(match held {
        Ok(None) => Check::new("state", "lock", Verdict::Well, "free"),
        Ok(Some(dead)) if dead.host == host() => {
            Check::new("state", "lock", Verdict::Well, format!("free; the next run takes it over from {dead}, which has died"))
        }
        Ok(Some(holder)) => Check::new("state", "lock", Verdict::Faulty, format!("never let go by {holder}"))
            .with_help("if that run has died: `personaform state unlock`"),
        Err(held @ Held::Other(_)) => Check::new("state", "lock", Verdict::Faulty, with_causes(&held))
            .with_help("wait until that run has ended; a lock ends with its process"),
        Err(held) => Check::new("state", "lock", Verdict::Faulty, with_causes(&held)).with_help("is the folder writable?"),
    });
}

/// The closest folder that exists.
fn existing(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new(".")).to_path_buf()
}

fn key_variable(account: &Account, provider: &dyn Provider) -> String {
    account.key_variable.clone().unwrap_or_else(|| provider.service().key_variable.to_owned())
}

/// Asks an account for one page of its list, and reads from the answer what can be read from it.
async fn account(
    account: &Account,
    provider: &'static dyn Provider,
    (base_url, key): (String, Option<String>),
    checks: &mut Vec<Check>,
) {
    let subject = format!("account {}", account.name);
    let mut push = |check: Check| checks.push(check);
    let check = |aspect, verdict, found: String| Check::new(&subject, aspect, verdict, found);
    let variable = key_variable(account, provider);
    let (title, documentation) = (provider.service().title, provider.service().documentation);
    let is_set = key.is_some();
    if is_set {
        push(check("key set", Verdict::Well, format!("`${variable}`")));
    } else {
        push(check("key set", Verdict::Faulty, format!("`${variable}` is not set, or empty")).with_help(format!(
            "export it with a key from {title}'s dashboard, or try without an account: `personaform --sandbox …`"
        )));
    }
    // Without a key, whether the service is there can still be told.
    let key = SecretString::from(key.unwrap_or_else(|| "none".to_owned()));
    let patience = Patience { retries: 0, timeout: Duration::from_secs(15), ..Patience::default() };
    let service = provider.service();
    let limits = http::limits(service, &base_url, account.limits.concurrency, account.limits.per_second);
    let home = Home { service, base_url: &base_url, insecure: account.insecure, limits };
    let client = match Client::new(&home, &key, &[], patience) {
        Ok(client) => client,
        Err(error) => {
            push(check("key valid", Verdict::Faulty, with_causes(&error)).with_help(format!("set `${variable}` again")));
            return;
        }
    };
    let list = provider.list(1);
    let request = list.clone().unwrap_or_else(|| Request::new(Method::Get, "/"));
    let response = match client.send(&request, &request, Repeat::OnlyIfRefused).await {
        Ok(answer) => answer.response,
        Err(fault) => {
            let help = "is `base_url` right, is a proxy in the way (see above), does this machine reach the internet?";
            push(check("reachable", Verdict::Faulty, format!("{base_url}: {}", fault.message)).with_help(help));
            return;
        }
    };
    push(check("reachable", Verdict::Well, base_url.clone()));
    push(clock(&subject, client.last_date().as_deref()));
    if !is_set {
        return;
    }
    if list.is_none() || provider.rules().list == Listing::None {
        let found = format!("{title} has no call that only reads: an apply will tell");
        push(check("key valid", Verdict::NotChecked, found).with_help(documentation));
        return;
    }
    match provider.listed(1, response) {
        Ok(_) => {
            push(check("key valid", Verdict::Well, format!("{title} takes it")));
            push(check("may read", Verdict::Well, format!("{} {} was answered", request.method, request.path)));
            push(check("may write", Verdict::NotChecked, "that would take a write".to_owned()));
        }
        Err(refusal) => {
            let said = client.redactor().text(&refusal.message);
            let found = format!("{title} answered {}: {said}", refusal.status);
            let (aspect, help) = match refusal.kind {
                RefusalKind::Unauthorized => ("key valid", format!("`${variable}` holds no valid key: make a new one")),
                RefusalKind::Forbidden => ("may read", format!("the key in `${variable}` is valid but lacks the permission")),
                RefusalKind::Busy => ("answers", "try again later; the service has trouble or too many requests".to_owned()),
                _ => ("answers", format!("is `base_url` ({base_url}) that of {title}'s API?")),
            };
            let help = refusal.help.filter(|_| refusal.kind != RefusalKind::Unauthorized).unwrap_or(help);
            push(check(aspect, Verdict::Faulty, found).with_help(client.redactor().text(&help)));
        }
    }
}

/// Compares this machine's clock with the service's.
fn clock(subject: &str, date: Option<&str>) -> Check {
    let Some(theirs) = date.and_then(time_of_header) else {
        return Check::new(subject, "clock", Verdict::NotChecked, "the service named no time of day");
    };
    let ours = SystemTime::now();
    let apart = ours.duration_since(theirs).unwrap_or_else(|error| error.duration());
    if apart < SKEW {
        return Check::new(subject, "clock", Verdict::Well, format!("{} s apart", apart.as_secs()));
    }
    let apart = humantime::format_duration(Duration::from_secs(apart.as_secs()));
    Check::new(subject, "clock", Verdict::Faulty, format!("this machine's clock and the service's are {apart} apart"))
        .with_help("set the clock: certificates and the times in state depend on it")
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that servers may send.
fn time_of_header(text: &str) -> Option<SystemTime> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = parts[..] else { return None };
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| *name == month)? + 1;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

fn tell(screen: &Screen, checks: &[Check]) {
    match screen.format {
        Format::Json => {
            let checks: Vec<Value> = checks
                .iter()
                .map(|check| {
                    json!({
                        "subject": check.subject, "aspect": check.aspect, "verdict": check.verdict.word().replace(' ', "_"),
                        "found": check.found, "help": check.help,
                    })
                })
                .collect();
            screen.json(&json!({ "checks": checks }));
        }
        _ => {
            let mut subject = "";
            for check in checks {
                if check.subject != subject {
                    subject = &check.subject;
                    screen.result(&format!("{subject}\n"));
                }
                screen.result(&format!("  {:<11}  {}: {}\n", check.verdict.word(), check.aspect, check.found));
                if let Some(help) = check.help.as_ref().filter(|_| check.verdict != Verdict::Well) {
                    screen.result(&format!("  {:<11}  → {help}\n", ""));
                }
            }
            let faulty = checks.iter().filter(|check| check.verdict == Verdict::Faulty).count();
            let end = if faulty == 0 { "Nothing failed.".to_owned() } else { format!("{} failed.", counted(faulty, "check")) };
            screen.result(&format!("\n{end}\n"));
        }
    }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_header_is_read() {
        let read = time_of_header("Sun, 06 Nov 1994 08:49:37 GMT").expect("a time");
        assert_eq!(humantime::format_rfc3339_seconds(read).to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(time_of_header("yesterday"), None);
    }

    #[test]
    fn a_clock_that_is_far_off_is_a_fault_and_a_missing_one_is_not() {
        assert_eq!(clock("x", Some("Sun, 06 Nov 1994 08:49:37 GMT")).verdict, Verdict::Faulty);
        assert_eq!(clock("x", None).verdict, Verdict::NotChecked);
    }
}
