//! One case as read: what is asked, by whom, with what health, and what is expected of the answer.
//!
//! Plain data. Invariant: a case expects something; a scope is expected only of a client that is told by ECS.

use std::net::IpAddr;
use std::sync::Arc;

use super::elsewhere::Elsewhere;
use super::supposed::Supposition;
use super::timeline::Timeline;
use crate::answer::Identity;
use crate::control::build::Built;
use crate::explain::Client;
use crate::problem::Place;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// A scenario file: its cases, and what they are asked of.
#[derive(Clone, Debug)]
pub struct Scenarios {
    pub setting: Arc<Setting>,
    /// In the order written.
    pub cases: Vec<Case>,
}

/// What a server with one configuration would answer from.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// The configuration's file, as the operator would name it.
    pub config: String,
    pub built: Built,
    pub identity: Identity,
}

/// One case; of a `[[case]]` with several clients there is one for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub name: String,
    /// Where its `[[case]]` is written.
    pub place: Place,
    pub qname: Name,
    pub qtype: RecordType,
    pub client: Client,
    /// The resolver that tells of its client by ECS, where the file says which.
    pub resolver: Option<IpAddr>,
    pub health: Health,
    pub elsewhere: Elsewhere,
    pub expect: Expect,
}

/// Where the health of a case comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Supposed(Supposition),
    Probed(Timeline),
}

/// What must hold, each on its own; what is none is not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    pub rcode: Option<String>,
    /// The values of the type asked, sorted, in the form that `rdata::show` gives them.
    pub answer: Option<Vec<String>>,
    /// There are values, and each is one of these.
    pub one_of: Option<Vec<String>>,
    pub ttl: Option<u32>,
    pub scope: Option<u8>,
    pub count: Option<usize>,
    pub aa: Option<bool>,
    /// A text within the explanation.
    pub explains: Option<String>,
    pub share: Vec<Share>,
}

/// The share of responses that contain a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    pub value: String,
    /// Within 0 to 1.
    pub expected: f64,
    /// As written.
    pub decimals: usize,
}

impl Share {
    /// Whether `found` is what was expected, to the decimals that were written; never and always are exact.
    pub fn holds(&self, found: f64) -> bool {
        let exact = self.decimals == 0 || self.expected == 0.0 || self.expected == 1.0;
        let half_a_digit = if exact { 0.0 } else { 0.5 * 0.1f64.powi(self.decimals as i32) };
        (found - self.expected).abs() <= half_a_digit.max(TOLERANCE)
    }
}

/// What sums of shares may miss by, being sums of floating-point numbers.
const TOLERANCE: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_holds_to_the_decimals_written() {
        for (expected, decimals, found, holds) in [
            (0.9, 1, 0.9, true),
            (0.9, 1, 0.88, true),
            (0.9, 1, 0.84, false),
            (0.33, 2, 1.0 / 3.0, true),
            (0.33, 2, 0.34, false),
            (0.333_333, 6, 1.0 / 3.0, true),
            (0.333_333_33, 8, 1.0 / 3.0, true),
            (1.0, 1, 0.99, false),
            (1.0, 0, 0.999_999_9, true),
            (0.0, 1, 0.01, false),
        ] {
            let share = Share { value: String::new(), expected, decimals };
            assert_eq!(share.holds(found), holds, "{expected} to {decimals} decimals, found {found}");
        }
    }
}
