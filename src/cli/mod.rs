//! THE FACE: arguments, one short function per command. Alone prints, asks, reads arguments, environment and clock.

mod apply;
pub mod args;
mod aside;
mod completions;
mod doctor;
mod drift;
mod exit;
mod files;
mod fmt;
mod import;
mod init;
mod interrupt;
mod list;
mod lock;
mod memory;
mod miniatures;
mod names;
mod onlooker;
mod other;
mod panic;
mod plan;
mod project;
mod pull;
mod reports;
mod retries;
mod screen;
mod selection;
mod session;

use clap::Parser;

use args::{Cli, Command};
use exit::Stop;
use interrupt::Interrupt;
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
    panic::keep_quiet();
    let screen = Screen::new(&cli.common, cli.command.reporting());
    // What is sent and understood is a small part of a run, and costs less where no other thread has to be woken for it. Files are
    // read on threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (runtime, interrupt) = match runtime.and_then(|runtime| Ok((runtime, Interrupt::listen(screen.asides())?))) {
        Ok(both) => both,
        Err(error) => {
            screen.stop(&Stop::failed(format!("the system gives no threads: {error}")));
            return exit::Exit::Failed.code();
        }
    };
    let common = &cli.common;
    if let Err(stop) = reports::check(&cli.command, common) {
        screen.misuse(&stop);
        return exit::Exit::Failed.code();
    }
    let result = runtime.block_on(async {
        let command = async {
            match &cli.command {
                Command::Validate(_) => other::validate(common, &screen),
                Command::Plan(args) => plan::plan(common, &screen, args).await,
                Command::Apply(args) => apply::apply(common, &screen, args, &interrupt).await,
                Command::Destroy(args) => apply::destroy(common, &screen, args, &interrupt).await,
                Command::Drift(args) => drift::drift(common, &screen, args).await,
                Command::Init(args) => init::init(common, &screen, args).await,
                Command::Import(args) => import::import(common, &screen, args, &interrupt).await,
                Command::Doctor => doctor::doctor(common, &screen).await,
                Command::Completions(args) => completions::script(&screen, args),
                Command::Man(args) => completions::manual(&screen, args),
                Command::Pull(args) => pull::pull(common, &screen, args).await,
                Command::List(args) => list::list(common, &screen, args).await,
                Command::Fmt(args) => fmt::fmt(common, &screen, args),
                Command::Show(args) => plan::show(&screen, args),
                Command::State(command) => memory::state(common, &screen, command).await,
                Command::Schema(args) => other::schema(common, &screen, args),
                Command::Sandbox(args) => other::sandbox(common, &screen, args, &interrupt).await,
            }
        };
        tokio::select! {
            result = command => result,
            () = interrupt.abandoned() => Ok(exit::Exit::Interrupted),
        }
    });
    // A question that nobody answers any more must not hold up the end.
    runtime.shutdown_background();
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
