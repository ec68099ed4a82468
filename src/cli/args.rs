//! The command line: every command, flag and its help. No behaviour.

mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::persona::name::Pointer;

pub use values::{Color, Format, ReportTo};
use values::{characters, duration, field, report_to};

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
  2  plan --detailed-exitcode: there are changes; drift: there is some
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
    /// Further tries of a request that failed on its way, where that can do no harm.
    #[arg(long, global = true, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=20))]
    pub retries: u32,
    /// How long one try may take, as in `90s` or `2m`.
    #[arg(long, global = true, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub timeout: Duration,
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

/// Where results go besides the screen.
#[derive(Clone, Debug, Args)]
pub struct Reporting {
    /// Also write the result to a file in another format, as in `markdown=plan.md` (repeatable).
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report_to)]
    pub reports: Vec<ReportTo>,
    /// The most characters of Markdown: a number, or what a comment may have at `github` or `gitlab`.
    #[arg(long, value_name = "N", default_value = "github", value_parser = characters)]
    pub markdown_limit: usize,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin a project: its file, a first persona, schemas for editors.
    Init(InitArgs),
    /// Check all files and report every problem.
    Validate(Reporting),
    /// Show what apply would change, down to each request.
    Plan(PlanArgs),
    /// Make the changes: plan, ask, apply, read back.
    Apply(ApplyArgs),
    /// Write what was changed elsewhere back into the files that hold it.
    Pull(PullArgs),
    /// List what can be named with `$lookup` at an account: its voices, tools and so on.
    List(ListArgs),
    /// Lay persona files and personaform.yaml out: order of keys, indentation, quotes, blocks. Values and comments stay.
    Fmt(FmtArgs),
    /// Delete every object that state records.
    Destroy(DestroyArgs),
    /// Show what somebody changed elsewhere since we last wrote it, and the ways out. Only reads.
    Drift(DriftArgs),
    /// Print a saved plan.
    Show(ShowArgs),
    /// Write personas that live at a service into files, and record them in state.
    Import(ImportArgs),
    /// Check accounts, state and files, and say what to do about each fault.
    Doctor,
    /// Look at what state records, move or forget an object, keep and restore copies, settle what an interrupted run left.
    #[command(subcommand)]
    State(StateCommand),
    /// Print a JSON Schema for editors and other tools.
    Schema(SchemaArgs),
    /// Serve the embedded miniatures of the providers for other clients, until interrupted.
    Sandbox(SandboxArgs),
    /// Print a shell's completion script.
    Completions(CompletionsArgs),
    /// Print the manual page of personaform, or of one of its commands.
    Man(ManArgs),
}

impl Command {
    /// Where a command's results go besides the screen; none where it writes no reports.
    pub fn reporting(&self) -> Option<&Reporting> {
        match self {
            Self::Validate(reporting) => Some(reporting),
            Self::Plan(args) => Some(&args.reporting),
            Self::Apply(args) => Some(&args.reporting),
            Self::Destroy(args) => Some(&args.reporting),
            Self::Show(args) => Some(&args.reporting),
            Self::Drift(args) => Some(&args.reporting),
            _ => None,
        }
    }
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
    /// Open the gate `wrong_account`: all objects recorded at an account have vanished, and that is meant.
    #[arg(long)]
    pub allow_vanished: bool,
    /// Print the exact requests.
    #[arg(long)]
    pub requests: bool,
}

/// How long to wait for the state's lock.
#[derive(Clone, Debug, Default, Args)]
pub struct Waiting {
    /// Wait so long for another run that holds the state's lock, as in `90s` or `5m`.
    #[arg(long, value_name = "DURATION", default_value = "0s", hide_default_value = true, value_parser = humantime::parse_duration)]
    pub lock_timeout: Duration,
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
    /// Reports.
    #[command(flatten)]
    pub reporting: Reporting,
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
    /// Plan again, and go on only if the plan has this digest, as a reviewed plan printed it.
    #[arg(long, value_name = "DIGEST", conflicts_with = "plan_file")]
    pub expect: Option<String>,
    /// How long to wait.
    #[command(flatten)]
    pub waiting: Waiting,
    /// Do not ask.
    #[arg(short = 'y', long = "auto-approve", visible_alias = "yes")]
    pub yes: bool,
    /// Reports.
    #[command(flatten)]
    pub reporting: Reporting,
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
    /// How long to wait.
    #[command(flatten)]
    pub waiting: Waiting,
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
    /// The kind of thing, such as `voice`; without one, the kinds there are.
    #[arg(value_name = "KIND")]
    pub kind: Option<String>,
    /// Only names that match; `*` stands for any characters, case means nothing.
    #[arg(long = "match", value_name = "GLOB")]
    pub pattern: Option<String>,
}

/// Flags of `fmt`.
#[derive(Clone, Debug, Args)]
pub struct FmtArgs {
    /// Files or folders; personaform.yaml and all personas of the project where none is named.
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Write nothing; list the files that would change, and exit with 1 if there are any.
    #[arg(long)]
    pub check: bool,
    /// Also print what changes, line by line.
    #[arg(long)]
    pub diff: bool,
}

/// Flags of `destroy`.
#[derive(Clone, Debug, Args)]
pub struct DestroyArgs {
    /// Open the gate `wrong_account`: all objects recorded at an account have vanished, and that is meant.
    #[arg(long)]
    pub allow_vanished: bool,
    /// How long to wait.
    #[command(flatten)]
    pub waiting: Waiting,
    /// Do not ask.
    #[arg(short = 'y', long = "auto-approve", visible_alias = "yes")]
    pub yes: bool,
    /// Reports.
    #[command(flatten)]
    pub reporting: Reporting,
}

/// Flags of `drift`.
#[derive(Clone, Debug, Args)]
pub struct DriftArgs {
    /// Leave a field and all below it out of this run, as in `/layers/tts` (repeatable).
    #[arg(long, value_name = "PATH", value_parser = field)]
    pub ignore: Vec<Pointer>,
    /// Also write the result as JSON to a file.
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Reports.
    #[command(flatten)]
    pub reporting: Reporting,
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
    /// Reports.
    #[command(flatten)]
    pub reporting: Reporting,
}

/// How a command changes state by hand.
#[derive(Clone, Debug, Default, Args)]
pub struct ByHand {
    /// Print what would be done, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How long to wait.
    #[command(flatten)]
    pub waiting: Waiting,
}

/// What to do with state.
#[derive(Clone, Debug, Subcommand)]
pub enum StateCommand {
    /// List the recorded objects, or the copies of state that are kept.
    List {
        /// List the copies that `restore` can bring back, the newest first.
        #[arg(long)]
        backups: bool,
    },
    /// Print one record.
    Show {
        /// The address, as in `tavus.support-guide`.
        #[arg(value_name = "ADDR")]
        address: String,
    },
    /// Give an object another address; the service is not touched. In a persona file, `previously` does the same for everybody.
    Mv {
        /// The address that the object has.
        #[arg(value_name = "FROM")]
        from: String,
        /// The address that it shall have: at an account of the same provider, and free.
        #[arg(value_name = "TO")]
        to: String,
        /// How.
        #[command(flatten)]
        by_hand: ByHand,
    },
    /// Forget an object without touching it at the service.
    Rm {
        /// The address, as in `tavus.support-guide`.
        #[arg(value_name = "ADDR")]
        address: String,
        /// How.
        #[command(flatten)]
        by_hand: ByHand,
    },
    /// Keep a copy of state until somebody deletes it.
    Backup {
        /// Where to; beside the state by default, where `state list --backups` shows it.
        #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        out: Option<PathBuf>,
        /// How.
        #[command(flatten)]
        by_hand: ByHand,
    },
    /// Put a copy in the place of the present state, which is kept as a backup. Works also where the present state is damaged.
    Restore {
        /// A copy of a state, or `latest` for the newest backup that can be read and differs from the present state.
        #[arg(value_name = "FILE|latest")]
        file: String,
        /// Also take a copy of another lineage: the state of another project, or one that was begun anew.
        #[arg(long)]
        other_lineage: bool,
        /// How.
        #[command(flatten)]
        by_hand: ByHand,
    },
    /// Say what became of a create whose answer was lost in an interrupted run.
    Resolve {
        /// The address, as in `tavus.support-guide`.
        #[arg(value_name = "ADDR")]
        address: String,
        /// It was made, and has this id.
        #[arg(long, value_name = "ID", required_unless_present = "absent", conflicts_with = "absent")]
        id: Option<String>,
        /// It was not made.
        #[arg(long)]
        absent: bool,
        /// How.
        #[command(flatten)]
        by_hand: ByHand,
    },
    /// Take away the lock of a run on another host that has died.
    Unlock {
        /// Print what would be done, and write nothing.
        #[arg(long)]
        dry_run: bool,
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
    /// The JSON of what an apply did.
    Outcome,
    /// The JSON of drift.
    Drift,
    /// The JSON of what is wrong with the files.
    Problems,
}

/// Flags of `sandbox`.
#[derive(Clone, Debug, Args)]
pub struct SandboxArgs {
    /// Where to listen. Loopback only.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    pub listen: SocketAddr,
}

/// Flags of `init`.
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// A provider to begin with (repeatable, or several with commas). Asked for on a terminal.
    #[arg(long = "provider", value_name = "NAME", value_delimiter = ',')]
    pub providers: Vec<String>,
    /// Display name of the first persona.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Only show what would be written.
    #[arg(long)]
    pub dry_run: bool,
}

/// Flags of `import`.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The account; several with commas. Alone, it lists what lives there.
    #[arg(value_name = "ACCOUNT")]
    pub accounts: String,
    /// Ids of the personas to take over.
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Take over everything that is not recorded yet.
    #[arg(long, conflicts_with_all = ["ids", "matching"])]
    pub all: bool,
    /// Take over what has such a name or id; `*` stands for any characters.
    #[arg(long = "match", value_name = "GLOB", conflicts_with = "ids")]
    pub matching: Option<String>,
    /// Write names in the place of ids, as in `{ $lookup: { voice: "Lucy" } }`, where a name leads to nothing else.
    #[arg(long)]
    pub lookups: bool,
    /// Write personas of the same name at several accounts into one file. Of a persona that has a file, print the section to add.
    #[arg(long)]
    pub merge: bool,
    /// Only show what would be written.
    #[arg(long)]
    pub dry_run: bool,
}

/// Flags of `completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Flags of `man`.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The command, as in `plan` or `state mv`; personaform itself by default.
    #[arg(value_name = "COMMAND", num_args = 0..=2)]
    pub command: Vec<String>,
    /// Write the pages of all commands into this folder instead, one file each, as `man` finds them.
    #[arg(short, long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, conflicts_with = "command")]
    pub out: Option<PathBuf>,
}
