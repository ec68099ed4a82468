//! Tests that run the binary: each module one topic, one process for all.

mod end_to_end;
mod formats;
mod readme;
mod schemas;
mod support;
