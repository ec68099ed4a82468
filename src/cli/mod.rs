//! THE FACE: arguments, one short function per command. Alone prints, asks, reads arguments, environment and clock.

mod apply;
pub mod args;
mod exit;
mod other;
mod panic;
mod plan;
mod retries;
mod screen;
mod session;

use args::{Cli, Command};
use exit::Stop;
use screen::Screen;

/// Runs the command line and gives the exit code.
pub fn run(cli: &Cli) -> u8 {
    panic::keep_quiet();
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
