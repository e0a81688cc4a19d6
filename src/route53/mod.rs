//! Route 53's API as pure functions: its names, its values, its record sets, and what may change.
//!
//! Knows no socket, no clock and no store. Invariant: a request that is refused has changed nothing.
//! Source: Route 53 API reference, version 2013-04-01.

pub mod fatal;
pub mod name;
pub mod values;
