//! Record sets of the API: what was said, and what it means for the zone.
//!
//! Invariant: a record set of the account has both, and they agree. Source: Route 53 API 2013-04-01, `ResourceRecordSet`.

pub mod rrset;
