//! Completion for shells, and the manual page. The script of a shell calls this binary back for every word that is completed, so that
//! addresses and account names are those of the project that one stands in.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};
use clap_complete::CompletionCandidate;
use clap_complete::engine::{ArgValueCompleter, PathCompleter, ValueCompleter};
use clap_complete::env::{CompleteEnv, Shells};

use super::args::{Cli, Common, CompletionsArgs, ManArgs};
use super::exit::{Exit, Stop};
use super::project::{state_path, without_personas, without_secrets};
use super::screen::Screen;
use crate::persona::{find_root, load_accounts};
use crate::providers;
use crate::state::{StateFile, backup};

/// The variable that tells this binary that a shell wants completions, and which shell.
const VARIABLE: &str = "PERSONAFORM_COMPLETE";

/// Answers a shell that wants completions. False: nobody asked.
pub(super) fn answered() -> bool {
    let folder = std::env::current_dir().ok();
    let complete = CompleteEnv::with_factory(|| completed(Cli::command())).var(VARIABLE);
    // A shell that this build does not know gets no candidates; an error text would land in the middle of somebody's command line.
    complete.try_complete(std::env::args_os(), folder.as_deref()).unwrap_or(std::env::var_os(VARIABLE).is_some())
}

/// A command whose arguments know what they may be.
fn completed(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let argument = |argument: Arg| match completer(&name, &argument) {
        Some(completer) => argument.add(completer),
        None => argument,
    };
    command.mut_args(argument).mut_subcommands(completed)
}

/// What an argument may be, after its place in the help.
fn completer(command: &str, argument: &Arg) -> Option<ArgValueCompleter> {
    let value = argument.get_value_names()?.first()?.as_str();
    Some(match (command, value) {
        ("resolve", "ADDR") => ArgValueCompleter::new(pending),
        ("show" | "rm", "ADDR") | (_, "FROM") => ArgValueCompleter::new(recorded),
        (_, "ADDR" | "TO") => ArgValueCompleter::new(addresses),
        (_, "ACCOUNT") => ArgValueCompleter::new(accounts),
        (_, "KIND") => ArgValueCompleter::new(kinds),
        (_, "FILE|latest") => ArgValueCompleter::new(backups),
        (_, "COMMAND") => ArgValueCompleter::new(commands),
        (_, "NAME") if argument.get_long() == Some("provider") => ArgValueCompleter::new(providers),
        _ => return None,
    })
}

/// Prints the script that makes a shell ask this binary.
///
/// # Errors
/// When this build knows nothing of the shell.
pub(super) fn script(screen: &Screen, args: &CompletionsArgs) -> Result<Exit, Stop> {
    let shell = args.shell.to_string();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell).ok_or_else(|| Stop::failed(format!("`{shell}` cannot be completed for")))?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, "personaform", "personaform", "personaform", &mut script)
        .map_err(|error| Stop::failed(format!("the script cannot be made: {error}")))?;
    screen.result(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}

/// Prints a manual page in roff, or writes all of them.
///
/// # Errors
/// When there is no such command, or a page cannot be written.
pub(super) fn manual(screen: &Screen, args: &ManArgs) -> Result<Exit, Stop> {
    let mut command = Cli::command();
    command.build();
    if let Some(folder) = &args.out {
        let failed = |error: std::io::Error| Stop::failed(format!("`{}`: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(failed)?;
        clap_mangen::generate_to(command, folder).map_err(failed)?;
        return Ok(Exit::Done);
    }
    for name in &args.command {
        let Some(found) = command.find_subcommand(name) else {
            let parent = command.get_display_name().unwrap_or("personaform").replace('-', " ");
            return Err(
                Stop::failed(format!("`{parent}` has no command `{name}`")).with_help(format!("`{parent} --help` lists them"))
            );
        };
        command = found.clone();
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| Stop::failed(format!("the page cannot be made: {error}")))?;
    screen.result(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}

/// The addresses of the project's targets and of the recorded objects.
fn addresses(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(project) = root().and_then(|root| without_secrets(&root).ok()) else { return recorded(current) };
    let wanted = project.personas.values().flat_map(|persona| {
        persona.targets.iter().map(|target| format!("{}.{}", target.account, persona.key)).collect::<Vec<_>>()
    });
    candidates(current, wanted.chain(recorded_addresses()).collect())
}

/// The addresses of the recorded objects.
fn recorded(current: &OsStr) -> Vec<CompletionCandidate> {
    candidates(current, recorded_addresses().into_iter().collect())
}

/// The addresses of creates whose answer is lost.
fn pending(current: &OsStr) -> Vec<CompletionCandidate> {
    let pending = state_file().and_then(|path| StateFile::at(path).load().ok()).map(|state| state.pending);
    candidates(current, pending.unwrap_or_default().keys().map(ToString::to_string).collect())
}

/// What `state restore` takes: `latest`, the copies beside the state, and any other file.
fn backups(current: &OsStr) -> Vec<CompletionCandidate> {
    let here = std::path::absolute(common().dir).unwrap_or_default();
    let copies = state_file().map(|path| backup::all(&path)).unwrap_or_default();
    let copies = copies.iter().map(|copy| copy.path.strip_prefix(&here).unwrap_or(&copy.path).display().to_string());
    let mut found = candidates(current, copies.chain(["latest".to_owned()]).collect());
    found.extend(PathCompleter::file().complete(current));
    found
}

/// The names of the accounts.
fn accounts(current: &OsStr) -> Vec<CompletionCandidate> {
    let accounts = root().and_then(|root| load_accounts(&root, &providers::vocabulary()).ok()).unwrap_or_default();
    candidates(current, accounts.keys().map(ToString::to_string).collect())
}

/// What `list` can list: of the account that stands before it, else of all providers.
fn kinds(current: &OsStr) -> Vec<CompletionCandidate> {
    let words: BTreeSet<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let accounts = root().and_then(|root| load_accounts(&root, &providers::vocabulary()).ok()).unwrap_or_default();
    let meant: Vec<&String> =
        accounts.iter().filter(|(name, _)| words.contains(name.as_str())).map(|(_, provider)| provider).collect();
    let all =
        providers::all().into_iter().filter(|provider| meant.is_empty() || meant.iter().any(|id| id.as_str() == provider.id()));
    let kinds = all.flat_map(|provider| provider.catalogues()).map(|catalogue| catalogue.kind.to_owned());
    candidates(current, kinds.collect())
}

/// The names of the providers.
fn providers(current: &OsStr) -> Vec<CompletionCandidate> {
    candidates(current, providers::all().iter().map(|provider| provider.id().to_owned()).collect())
}

/// The names of the commands.
fn commands(current: &OsStr) -> Vec<CompletionCandidate> {
    candidates(current, Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect())
}

fn candidates(current: &OsStr, words: BTreeSet<String>) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    words.into_iter().filter(|word| word.starts_with(&*current)).map(CompletionCandidate::new).collect()
}

fn state_file() -> Option<PathBuf> {
    let common = Common { sandbox: is_sandbox(), ..common() };
    let root = root()?;
    Some(state_path(&common, &root, &without_personas(&root).ok()?))
}

fn recorded_addresses() -> Vec<String> {
    let state = state_file().and_then(|path| StateFile::at(path).load().ok());
    state.map(|state| state.objects.keys().map(ToString::to_string).collect()).unwrap_or_default()
}

fn root() -> Option<PathBuf> {
    find_root(&std::path::absolute(common().dir).ok()?)
}

/// The flags that decide which project and which state are meant, read from the half-written command line.
fn common() -> Common {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let behind = words.iter().position(|word| word == "-C" || word == "--dir").and_then(|at| words.get(at + 1));
    let beside = words.iter().find_map(|word| word.strip_prefix("--dir="));
    let dir = behind.map(String::as_str).or(beside).unwrap_or(".");
    Common {
        dir: Path::new(dir).to_path_buf(),
        sandbox: false,
        format: super::args::Format::Text,
        targets: Vec::new(),
        parallelism: 1,
        retries: 0,
        timeout: std::time::Duration::from_secs(1),
        quiet: true,
        verbose: false,
        color: super::args::Color::Never,
        no_input: true,
    }
}

fn is_sandbox() -> bool {
    std::env::args_os().any(|word| word == "--sandbox")
}
