//! XML as the API has it, in and out.
//!
//! A request becomes elements, and the elements the structure that their operation takes; a response is written in the
//! order of its shape. Knows no operation. Invariant: what is read is of its shape, and so is what is written.
//! Sources: XML 1.0, Route 53 API 2013-04-01.

mod element;
mod invalid;
pub mod read;
pub mod write;

/// The namespace of requests and responses.
pub const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";
