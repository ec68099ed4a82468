//! Nothing lost: each promise of `docs/reliability.md`, provoked for real.

mod answers;
mod crash;
mod damage;
mod echoes;
mod files;
mod gates;
mod input;
mod interrupts;
mod locks;
mod lost;
mod outage;
mod pauses;
mod requests;
mod schedules;
mod scripted;
mod secrets;
mod service;
mod stale;
#[path = "../cli/support.rs"]
mod support;
mod terminal;
mod tls;
mod wire;
