//! ALL: the list of providers.

pub mod anam;
pub mod bland;
pub mod opengiant;
pub mod tavus;
