//! How the members of a record group leave service and come back: words that `zone`, `health` and `control` share.
//!
//! Plain data; `health::gate` has the rules. Operators call the three ways to fail over hot, warm and cold. Route 53 has
//! the first way of each only.

use std::time::Duration;

/// How the members of a group leave and come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    pub failover: Failover,
    pub failback: Failback,
    /// For how long the weight of a member that has come back ramps up.
    pub slow_start: Duration,
}

/// Who takes a member out that has become unhealthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failover {
    #[default]
    Auto,
    /// An operator or a program, asked; at the deadline it is as `then` says.
    Confirm {
        within: Duration,
        then: Decision,
    },
    Manual,
}

/// Who brings a member back that is healthy again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failback {
    #[default]
    Auto,
    /// Nobody, after so long without a failure.
    Delayed(Duration),
    Manual,
}

/// What becomes of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Approve,
    Refuse,
}
