//! What keeps automation from doing more harm than good: too much at once, the last of something, a checker that errs.
//!
//! Pure; `board` asks before it takes anything out of service. Defaults are such that a handful of endpoints behaves
//! exactly as under Route 53. Invariants: a brake only ever keeps in service what health would take out; it never takes
//! out, and never keeps out. Sources: Route 53 ARC developer guide, "Safety rules"; AWS, "Summary of the Amazon DynamoDB
//! service disruption" (2025), for velocity; Lifeguard (arXiv 1707.00788), for doubting oneself.
//!
//! ```text
//! brake       holds when                                                        until
//! velocity    more would leave a group, region or fleet in a time than may       the time has passed
//! rule        fewer than so many of some would be left in service                another of them is back
//! doubt       this checker has reason to think that it errs                      see `doubt`
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::distrust::shifted;
use super::doubt::DoubtRules;
use super::overrides::Pattern;

/// All brakes as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrakeRules {
    /// Of all checks of this server.
    pub fleet: Option<Velocity>,
    /// Of the checks of one region.
    pub region: Option<Velocity>,
    /// Of the members of one record group.
    pub group: Option<Velocity>,
    pub doubt: DoubtRules,
    pub rules: Vec<AssertionRule>,
}

/// How much automation may take out of service in a time: the larger of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Velocity {
    /// Of all there are, 1 to 100.
    pub percent: u8,
    pub at_least: u32,
    pub per: Duration,
}

/// At least so many of some things stay in service (Route 53 ARC, assertion rule): for people and automation alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionRule {
    pub name: Arc<str>,
    pub at_least: u32,
    /// Each is in service while anything that its pattern matches is.
    pub of: Vec<Pattern>,
}

/// Which brake holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Brake {
    FleetVelocity,
    RegionVelocity,
    GroupVelocity,
    Rule,
    Doubt,
}

/// When members of one scope were taken out of service, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken(VecDeque<Timestamp>);

impl BrakeRules {
    /// None.
    pub fn none() -> Self {
        let doubt = DoubtRules { mass_percent: 0, lag: Duration::ZERO, ..DoubtRules::default() };
        Self { fleet: None, region: None, group: None, doubt, rules: Vec::new() }
    }
}

impl Default for BrakeRules {
    /// Half of all checks a minute, and ten whatever half is, which a handful of endpoints never meets; and doubt.
    fn default() -> Self {
        let fleet = Velocity { percent: 50, at_least: 10, per: Duration::from_secs(60) };
        Self { fleet: Some(fleet), doubt: DoubtRules::default(), ..Self::none() }
    }
}

impl Taken {
    /// Whether one more of `size` may be taken out at `now`; if so it is counted.
    pub fn take(&mut self, velocity: Velocity, size: usize, now: Timestamp) -> bool {
        self.forget(velocity, now);
        let may = self.0.len() < velocity.allowed(size);
        if may {
            self.0.push_back(now);
        }
        may
    }

    /// Takes back the last that was counted, where another brake holds.
    pub fn untake(&mut self) {
        self.0.pop_back();
    }

    /// Moves what is remembered with a clock that was set.
    pub fn shift(&mut self, by: SignedDuration) {
        self.0.iter_mut().for_each(|at| *at = shifted(*at, by));
    }

    fn forget(&mut self, velocity: Velocity, now: Timestamp) {
        let per = SignedDuration::try_from(velocity.per).unwrap_or(SignedDuration::MAX);
        // A clock set back must not make the brake hold for longer than it was said to.
        self.0.retain(|at| (SignedDuration::ZERO..per).contains(&now.duration_since(*at)));
    }
}

impl Velocity {
    /// How many of `size` may leave in the time.
    pub fn allowed(self, size: usize) -> usize {
        let share = size * usize::from(self.percent) / 100;
        share.max(self.at_least as usize)
    }
}

impl Brake {
    pub const ALL: [Self; 5] = [Self::FleetVelocity, Self::RegionVelocity, Self::GroupVelocity, Self::Rule, Self::Doubt];

    /// The word used in logs, metrics and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FleetVelocity => "fleet_velocity",
            Self::RegionVelocity => "region_velocity",
            Self::GroupVelocity => "group_velocity",
            Self::Rule => "rule",
            Self::Doubt => "doubt",
        }
    }
}
