//! Zones: what is configured, and the form that answers.
//!
//! ```text
//! HostedZone ── RecordSet, RecordSet, …       as written (record_set, hosted_zone)
//!     │ check: what must hold                 (check)
//!     │ compile                               (compile)
//!     ▼
//! Zone ── Node ── RRset | RecordGroup         as looked up (tree)
//! ```
//!
//! Knows neither health nor clients: a record group lists its members, `routing` chooses among them.

pub mod ahead;
mod arena;
pub mod branch;
pub mod catalog;
pub mod check;
pub mod compile;
pub mod embedded;
pub mod external;
mod fence;
pub mod group;
pub mod group_options;
pub mod hosted_zone;
pub mod master;
mod names;
mod node;
pub mod packed;
pub mod parted;
pub mod print;
pub mod rdata;
pub mod record_set;
mod region;
pub mod rrset;
pub mod soa;
mod table;
pub mod tree;
mod whole;
