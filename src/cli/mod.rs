//! THE FACE: arguments, one short function per command. Alone prints, asks, reads arguments, environment and clock.

mod apply;
pub mod args;
mod exit;
mod fmt;
mod list;
mod names;
mod other;
mod plan;
mod pull;
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
            Command::Validate => other::validate(common, &screen),
            Command::Plan(args) => plan::plan(common, &screen, args).await,
            Command::Apply(args) => apply::apply(common, &screen, args).await,
            Command::Pull(args) => pull::pull(common, &screen, args).await,
            Command::List(args) => list::list(common, &screen, args).await,
            Command::Fmt(args) => fmt::fmt(common, &screen, args),
            Command::Destroy(args) => apply::destroy(common, &screen, args).await,
            Command::Show(args) => plan::show(common, &screen, args),
            Command::State(command) => other::state(common, &screen, command),
            Command::Schema(args) => other::schema(common, &screen, args),
            Command::Sandbox(args) => other::sandbox(common, &screen, args).await,
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
