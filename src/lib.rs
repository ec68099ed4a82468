//! Personas as code.

pub mod http;
pub mod persona;
pub mod plan;
pub mod provider;
pub mod providers;
pub mod reconcile;
pub mod report;
pub mod sandbox;
pub mod state;
