//! Tests that run the binary: each module one topic, one process for all.

mod drift;
mod end_to_end;
mod failures;
mod formats;
mod readme;
mod schemas;
mod state;
mod support;
mod tavus;
