//! waypost: an authoritative DNS server that answers with what is up.
//!
//! Read the layers from the bottom. Arrows go down only; `tests/tidy.rs` holds the table.
//!
//! * [`ids`], [`geography`], [`wire`], [`text`], [`problem`], [`toml_table`]: words, bytes, texts, and what is wrong with
//!   them.
//! * [`rate_limit`]: how many responses a network may get; [`jobs`]: what may be done side by side.
//! * [`zone`], [`health`], [`places`]: what is configured, what is known, who asks from where.
//! * [`snapshot`], [`routing`]: what an answer may depend on; which member answers, and why.
//! * [`answer`], [`control`]: the read side, the write side.
//! * [`route53`]: who may use its API, and what its operations do to an account that is a value.
//! * `server`, `prober`, `external`, `store`, `api` (with `clock`, `telemetry`, `resolver`, `config` beside them): sockets,
//!   disk, async.
//! * `node`: wires them; `cli`: the commands.
//!
//! Everything up to and including [`route53`] is a pure function of its arguments: no clock, no I/O, no
//! randomness, no async, no locks, no logging.

#![deny(unsafe_code)]

pub mod answer;
pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod explain;
pub mod external;
pub mod files;
pub mod geography;
pub mod health;
pub mod ids;
pub mod jobs;
pub mod modes;
pub mod node;
pub mod places;
pub mod prober;
pub mod problem;
pub mod rate_limit;
pub mod resolver;
pub mod route53;
pub mod routing;
pub mod scenario;
pub mod server;
pub mod snapshot;
pub mod store;
pub mod telemetry;
pub mod text;
pub mod toml_table;
pub mod wire;
pub mod zone;
