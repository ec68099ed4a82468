//! Tests of the way from a living account to Git, through the binary: `init`, `import`, `doctor`, completions.

mod begin;
mod examine;
mod life;
mod lookups;
mod odd;
mod pals;
mod services;
mod shell;
#[expect(dead_code, reason = "each test crate uses a part of what they share")]
#[path = "../cli/support.rs"]
mod support;
mod take;
