//! The command line: every command, flag and its help. No behaviour.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Personas as code: plan and apply AI personas, kept as YAML in Git, on Tavus, Anam, Bland and OpenGiant.
#[derive(Debug, Parser)]
#[command(name = "personaform", version, propagate_version = true, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  done, or nothing to do
  1  failed
  2  plan --detailed-exitcode: there are changes
  3  applied in part, or a service made something else of it
  4  refused: a gate is closed, the state is locked, the plan is stale
  5  the files have problems
  130  interrupted

A first try, without any account: personaform --sandbox apply";

/// Flags of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Common {
    /// Run as if started in this folder.
    #[arg(short = 'C', long, global = true, value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub dir: PathBuf,
    /// Use embedded miniatures of the providers, kept in .personaform/sandbox, instead of the real services.
    #[arg(long, global = true)]
    pub sandbox: bool,
    /// How to print results.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Only these addresses, as in `tavus.support-guide`; `*` stands for any characters (repeatable).
    #[arg(long = "target", global = true, value_name = "ADDR")]
    pub targets: Vec<String>,
    /// Changes under way at once per account.
    #[arg(long, global = true, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallelism: u16,
    /// Print less: no progress and no hints.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print more.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Never ask; refuse where an answer would be needed.
    #[arg(long, global = true)]
    pub no_input: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// When colour is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check all files and report every problem.
    Validate,
    /// Show what apply would change, down to each request.
    Plan(PlanArgs),
    /// Make the changes: plan, ask, apply, read back.
    Apply(ApplyArgs),
    /// Write what was changed elsewhere back into the files that hold it.
    Pull(PullArgs),
    /// List what can be named with `$lookup` at an account: its voices, tools and so on.
    List(ListArgs),
    /// Put the keys of persona files in order.
    Fmt(FmtArgs),
    /// Delete every object that state records.
    Destroy(DestroyArgs),
    /// Print a saved plan.
    Show(ShowArgs),
    /// Look at what state records, or forget an object.
    #[command(subcommand)]
    State(StateCommand),
    /// Print a JSON Schema for editors and other tools.
    Schema(SchemaArgs),
    /// Serve the embedded miniatures of the providers for other clients, until interrupted.
    Sandbox(SandboxArgs),
}

/// What plan and apply share.
#[derive(Clone, Debug, Default, Args)]
pub struct Planning {
    /// Take objects that exist already under a new target's name, where there is exactly one.
    #[arg(long)]
    pub adopt: bool,
    /// Open the gate `safety.max_deletes`.
    #[arg(long)]
    pub allow_deletes: bool,
    /// Open the gate `safety.max_share`.
    #[arg(long)]
    pub allow_changes: bool,
    /// Print the exact requests.
    #[arg(long)]
    pub requests: bool,
}

/// Flags of `plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// Flags shared with apply.
    #[command(flatten)]
    pub planning: Planning,
    /// Save the plan, for `apply FILE`.
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 2 when there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// Flags of `apply`.
#[derive(Clone, Debug, Args)]
pub struct ApplyArgs {
    /// Apply exactly this saved plan, or refuse when the live objects have changed since.
    #[arg(value_name = "PLAN-FILE")]
    pub plan_file: Option<PathBuf>,
    /// Flags shared with plan.
    #[command(flatten)]
    pub planning: Planning,
    /// Do not ask.
    #[arg(short = 'y', long = "auto-approve", visible_alias = "yes")]
    pub yes: bool,
}

/// Flags of `pull`.
#[derive(Clone, Debug, Args)]
pub struct PullArgs {
    /// Only these addresses, as in `tavus.support-guide`; `*` stands for any characters.
    #[arg(value_name = "ADDR")]
    pub addresses: Vec<String>,
    /// Where a prompt was changed in its file and elsewhere, in the same place: write both versions with conflict markers.
    #[arg(long)]
    pub merge: bool,
    /// Only show what would be written.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(short = 'y', long = "auto-approve", visible_alias = "yes")]
    pub yes: bool,
}

/// Flags of `list`.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// The account, as in `personaform.yaml`.
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// The kind of thing, such as `voice`; an unknown one prints which there are.
    #[arg(value_name = "KIND")]
    pub kind: String,
    /// Only names that match; `*` stands for any characters, case means nothing.
    #[arg(long = "match", value_name = "GLOB")]
    pub pattern: Option<String>,
}

/// Flags of `fmt`.
#[derive(Clone, Debug, Args)]
pub struct FmtArgs {
    /// Persona files or folders of them; all personas of the project where none is named.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; list the files that are not in order, and exit with 1 if there are any.
    #[arg(long)]
    pub check: bool,
}

/// Flags of `destroy`.
#[derive(Clone, Debug, Args)]
pub struct DestroyArgs {
    /// Do not ask.
    #[arg(short = 'y', long = "auto-approve", visible_alias = "yes")]
    pub yes: bool,
}

/// Flags of `show`.
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// A plan that `plan -o` saved.
    #[arg(value_name = "PLAN-FILE")]
    pub plan_file: PathBuf,
    /// Print the exact requests.
    #[arg(long)]
    pub requests: bool,
}

/// What to do with state.
#[derive(Clone, Debug, Subcommand)]
pub enum StateCommand {
    /// List the recorded objects.
    List,
    /// Print one record.
    Show {
        /// The address, as in `tavus.support-guide`.
        #[arg(value_name = "ADDR")]
        address: String,
    },
    /// Forget an object without touching it at the service.
    Rm {
        /// The address, as in `tavus.support-guide`.
        #[arg(value_name = "ADDR")]
        address: String,
    },
}

/// Flags of `schema`.
#[derive(Clone, Debug, Args)]
pub struct SchemaArgs {
    /// Which document.
    #[arg(value_enum)]
    pub document: Document,
    /// For any project, also when started inside one: account names are then the providers' own.
    #[arg(long)]
    pub general: bool,
}

/// The documents that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// personaform.yaml
    Project,
    /// personas/*.yaml; inside a project it knows the project's accounts.
    Persona,
    /// The state file.
    State,
    /// The JSON of a plan.
    Plan,
}

/// Flags of `sandbox`.
#[derive(Clone, Debug, Args)]
pub struct SandboxArgs {
    /// Where to listen. Loopback only.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    pub listen: SocketAddr,
}
