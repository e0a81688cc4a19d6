//! What is known of endpoints, and how it comes to be known.
//!
//! ```text
//! HealthCheck ─ probe ─> Observation ─ observe ─> Status ─> Verdict, Transition ─ table ─> HealthTable
//! configured    one attempt  its outcome  the machine   what routing reads      dense, immutable
//! ```
//!
//! Pure: time arrives as `now`, observations as values. Knows only `ids`.

pub mod check;
pub mod table;
