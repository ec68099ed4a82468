//! What is promised for bad days, each promise provoked for real. docs/reliability.md tells which test holds which.

mod input;
mod schedules;
mod scripted;
mod secrets;
#[path = "../cli/support.rs"]
mod support;
mod wire;
