//! Nothing lost: each promise of `docs/reliability.md`, provoked for real, against the binary.

mod crash;
mod gates;
mod interrupts;
mod locks;
mod service;
mod stale;
#[path = "../cli/support.rs"]
mod support;
