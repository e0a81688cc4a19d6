//! Record sets of the API: what was said, what it means for the zone, and what may be changed.
//!
//! Invariant: a record set of the account has both, and they agree. Source: Route 53 API 2013-04-01, `ResourceRecordSet`.

pub mod batch;
pub mod list;
pub mod of_file;
mod places;
pub mod rrset;
pub mod rrsets;
pub mod said;
pub mod shape;

#[cfg(test)]
mod tests;
