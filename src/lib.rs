//! Personas as code: AI personas kept as YAML in Git, planned and applied on the services that speak them.
//!
//! One direction, one call each:
//!
//! ```text
//! files ──load──▶ Project ──compile──▶ Resources ─┐
//!        persona            providers             ├─plan──▶ Plan ──report──▶ text, JSON, Markdown, HTML, …
//! services ──refresh──▶ Observations ─────────────┤  plan     │
//!           reconcile                             │           └──apply──▶ Outcome ──report──▶ the same
//! state ──────load──────▶ Records ────────────────┘               reconcile: send, read back, verify, remember
//! ```
//!
//! The rooms, each with its one duty:
//!
//! * [`cli`]: the face. Alone prints, asks, and reads arguments, environment and clock.
//! * [`capture`]: the scribe. A live object becomes a persona file.
//! * [`report`]: the voice. Values in, strings out.
//! * [`reconcile`]: the hands. All order of I/O; knows no provider by name.
//! * [`state`]: the memory. The recorded objects, the lock, the digests that stand for secrets.
//! * [`provider`]: the contract between the engine and a provider; [`providers`]: all of them.
//! * [`plan`]: the mind. One pure function and the neutral types.
//! * [`persona`]: the words. The documents, and every problem with its place.
//! * [`edit`]: the pen. Changes of files that keep every byte that need not change.
//! * [`http`]: one transport. [`sandbox`]: the services in miniature. [`schemas`]: the published JSON Schemas.

pub mod capture;
pub mod cli;
pub mod edit;
pub mod http;
pub mod persona;
pub mod plan;
pub mod provider;
pub mod providers;
pub mod reconcile;
pub mod report;
pub mod sandbox;
pub mod schemas;
pub mod state;
