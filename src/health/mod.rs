//! What is known of endpoints, and how it comes to be known.
//!
//! ```text
//! HealthCheck ─ probe ─> Observation ─ observe ─> Status ─ calculate, invert ─> Verdict, Event ─ table ─> HealthTable
//! configured    one attempt  its outcome  the machine  the board               what routing reads      dense, immutable
//! ```
//!
//! Pure: time arrives as `now` or within an observation, chance as a draw. Knows only `ids`.

pub mod adaptive;
pub mod board;
pub mod brakes;
pub mod calculated;
pub mod check;
pub mod command;
pub mod distrust;
pub mod doubt;
pub mod gate;
pub mod glob;
pub mod history;
pub mod latency;
pub mod machine;
pub mod observation;
pub mod overrides;
pub mod plan;
pub mod profile;
pub mod protocol;
pub mod remark;
pub mod role;
pub mod schedule;
pub mod signal;
pub mod table;
pub mod timing;
