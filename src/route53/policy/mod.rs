//! Traffic policies: documents, and the record sets that an instance of one makes.
//!
//! ```text
//! JSON ── read ──> Document ── check: references, loops, size ──> Document ── compile, for a name and a TTL ──> record sets
//! ```
//!
//! Knows no account. Invariant: a [`Document`] that exists compiles for any name that leaves room for its rules'.
//! Source: Route 53 API reference, "Traffic Policy Document Format".

mod check;
pub mod compile;
pub mod document;
mod read;

pub use document::{Document, InvalidDocument};
