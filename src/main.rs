//! Parse, run, exit code.

use std::process::ExitCode;

/// A run makes many small trees and drops them: the system's allocator takes a third more time for it, and more memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(personaform::cli::main())
}
