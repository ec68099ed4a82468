//! The laws of planning, over random live, applied and desired documents of every provider: what is planned, carried out by the
//! service's own rules, gives what is wanted, leaves alone what is not ours, and leaves nothing to plan.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test properties` runs a million cases of each law.

mod documents;
mod guard;
mod law;
mod minimal;
mod world;

use proptest::prelude::*;

/// Few cases where nobody asks for more; failures are kept as plain tests, never in files.
pub(crate) fn config(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(usual),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}
