//! The Route 53 API without its sockets: who asks, and what they may do.
//!
//! Pure: the HTTP edge hands on octets, the peer's address and the time, and acts on what comes back.
//! Source: the Amazon Route 53 API Reference, 2013-04-01.

pub mod access;
pub mod sigv4;
