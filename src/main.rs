//! Parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    ExitCode::from(personaform::cli::run(&personaform::cli::args::Cli::parse()))
}
