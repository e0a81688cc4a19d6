//! The Route 53 API: what its operations say and do, over an account that is a value.
//!
//! ```text
//! request ── request, xml::read ──> Struct ── ops ──> Struct ── xml::write ──> response
//!                                              └──> edits: kept by the store, applied to the account, served
//! ```
//!
//! Pure; HTTP is `api`'s, the disk `store`'s. Invariant: an operation changes nothing itself: it says which edits make
//! the account what was asked for, and all of them are applied or none. Source: Route 53 API 2013-04-01.

pub mod access;
pub mod account;
pub mod bounds;
pub mod checks;
pub mod cidr;
pub mod error;
pub mod exchange;
pub mod fatal;
pub mod geo;
pub mod name;
pub mod ops;
mod percent;
pub mod policy;
pub mod records;
pub mod request;
pub mod shapes;
pub mod sigv4;
pub mod value;
pub mod values;
pub mod xml;
