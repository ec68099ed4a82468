//! THE FACE: arguments, one short function per command. Alone prints, asks, reads arguments, environment and clock.

mod apply;
pub mod args;
mod completions;
mod doctor;
mod exit;
mod files;
mod import;
mod init;
mod other;
mod plan;
mod screen;
mod session;

use clap::Parser;

use args::{Cli, Command};
use exit::Stop;
use screen::Screen;

/// Reads the command line, runs it and gives the exit code.
///
/// A command line that is not understood ends with 1: clap's own 2 means "there are changes" here.
pub fn main() -> u8 {
    if completions::answered() {
        return exit::Exit::Done.code();
    }
    match Cli::try_parse() {
        Ok(cli) => run(&cli),
        Err(error) => {
            // Help and version come this way too, on standard output. Nothing can be done about a closed stream.
            let _ = error.print();
            if error.use_stderr() { exit::Exit::Failed.code() } else { exit::Exit::Done.code() }
        }
    }
}

fn run(cli: &Cli) -> u8 {
    let screen = Screen::new(&cli.common);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen.stop(&Stop::failed(format!("the system gives no threads: {error}")));
            return exit::Exit::Failed.code();
        }
    };
    let common = &cli.common;
    let result = runtime.block_on(async {
        match &cli.command {
            Command::Init(args) => init::init(common, &screen, args),
            Command::Validate => other::validate(common, &screen),
            Command::Plan(args) => plan::plan(common, &screen, args).await,
            Command::Apply(args) => apply::apply(common, &screen, args).await,
            Command::Destroy(args) => apply::destroy(common, &screen, args).await,
            Command::Import(args) => import::import(common, &screen, args).await,
            Command::Doctor => doctor::doctor(common, &screen).await,
            Command::Show(args) => plan::show(common, &screen, args),
            Command::State(command) => other::state(common, &screen, command),
            Command::Schema(args) => other::schema(common, &screen, args),
            Command::Sandbox(args) => other::sandbox(common, &screen, args).await,
            Command::Completions(args) => completions::script(&screen, args),
            Command::Man(args) => completions::manual(&screen, args),
        }
    });
    match result {
        Ok(exit) => exit.code(),
        Err(stop) => {
            screen.stop(&stop);
            match stop {
                Stop::Problems(_) => exit::Exit::Problems.code(),
                Stop::Because { exit, .. } => exit.code(),
            }
        }
    }
}
