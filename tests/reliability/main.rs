//! Nothing lost: each promise of `docs/reliability.md`, provoked for real.

mod crash;
mod gates;
mod input;
mod interrupts;
mod locks;
mod schedules;
mod requests;
mod scripted;
mod secrets;
mod service;
mod stale;
#[path = "../cli/support.rs"]
mod support;
mod wire;
