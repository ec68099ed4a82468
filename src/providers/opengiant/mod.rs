//! Under construction.

pub mod sandbox;
pub mod spec;
pub mod wire;
