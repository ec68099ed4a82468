//! The pipelines' shell parts, run for real against the embedded providers; only the code host is a stand-in.

mod github;
mod gitlab;
mod hosts;
mod parts;
mod shape;
mod stage;
#[path = "../cli/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line, which use more of it")]
mod support;
