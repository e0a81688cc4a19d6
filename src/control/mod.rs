//! The write side: texts and changes become a state, a state becomes a snapshot.
//!
//! ```text
//! zone TOML ── probed, routed, raw_record, options, collections ─┐
//! master file ── zone::master ───────────────────────────────────┴ zone_file ── load ──> State ── expand, failover_time, branches
//! ```
//!
//! Pure; the files and sockets are the edges' business. A state is replaced whole or not at all.

pub mod branches;
pub mod build;
mod collections;
pub mod expand;
pub mod failover_time;
mod gates;
mod grouped;
pub mod let_go;
pub mod load;
mod located;
mod maps;
mod modes;
mod options;
mod probed;
mod raw_policy;
mod raw_record;
mod references;
mod routed;
pub mod serial;
pub mod state;
mod zone_file;
