//! Whether this checker has reason to doubt itself: then a failure says as much of it as of the endpoint.
//!
//! Pure; `board` tells it what it sees. While in doubt, failures are not counted; passes are, and a check whose verdict
//! stands keeps it. Invariants: doubt ends; a server of fewer checks than `mass_at_least` never doubts for the mass of its
//! failures. Sources: Lifeguard (arXiv 1707.00788); Meta, "More details about the October 4 outage" (2021), for what
//! happens without.
//!
//! ```text
//! sign                                                            doubts               for how long
//! less than half of the canaries pass                             every failure        until half do
//! this program's loop was late by more than `lag`                 time-outs            a second
//! `mass` of the checks, of three places or more, began to fail    every failure        `mass_lasts`, once; again only after
//!   within two seconds                                                                 most of them have passed
//! ```

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::distrust::shifted;
use super::observation::Failure;
use crate::ids::HealthCheckId;

/// When to doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubtRules {
    /// Checks of what is always up; they decide nothing else here.
    pub canaries: BTreeSet<HealthCheckId>,
    /// The share of all checks, in percent, whose beginning to fail at once is doubted; 0 for never.
    pub mass_percent: u8,
    pub mass_at_least: u32,
    pub mass_lasts: Duration,
    /// Zero for never.
    pub lag: Duration,
}

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubt {
    /// Who began to fail lately, and when.
    began: VecDeque<(Timestamp, usize)>,
    mass_until: Option<Timestamp>,
    /// The mass was believed in the end: it is not doubted again before it has passed.
    mass_believed: bool,
    lag_until: Option<Timestamp>,
    canaries_fail: bool,
}

/// Why a failure is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    Canaries,
    Lag,
    Mass,
}

impl Default for DoubtRules {
    fn default() -> Self {
        Self {
            canaries: BTreeSet::new(),
            mass_percent: 30,
            mass_at_least: 10,
            mass_lasts: Duration::from_secs(10),
            lag: Duration::from_millis(250),
        }
    }
}

impl Doubt {
    /// A check began to fail: it had passed, or nothing was known of it.
    pub fn began_to_fail(&mut self, rules: &DoubtRules, at: usize, now: Timestamp, places: &[Arc<str>]) {
        self.began.retain(|(then, other)| is_within(*then, now, WINDOW) && *other != at);
        self.began.push_back((now, at));
        let needed = (places.len() * usize::from(rules.mass_percent)).div_ceil(100).max(rules.mass_at_least as usize);
        let is_mass = rules.mass_percent > 0 && self.began.len() >= needed && self.place_count(places) >= PLACES_MIN;
        if is_mass && self.mass_until.is_none() && !self.mass_believed {
            self.mass_until = now.checked_add(rules.mass_lasts).ok();
        }
    }

    fn place_count(&self, places: &[Arc<str>]) -> usize {
        let found: BTreeSet<&str> = self.began.iter().filter_map(|(_, at)| places.get(*at)).map(|place| &**place).collect();
        found.len()
    }

    /// The loop was late by so much.
    pub fn lagged(&mut self, rules: &DoubtRules, lag: Duration, now: Timestamp) {
        if !rules.lag.is_zero() && lag > rules.lag {
            self.lag_until = now.checked_add(LAG_LASTS).ok();
        }
    }

    /// How many of the canaries do not fail.
    pub fn canaries(&mut self, passing: usize, all: usize) {
        self.canaries_fail = all > 0 && passing * 2 < all;
    }

    /// Time passes. `failing` of `all` checks fail at present.
    pub fn tick(&mut self, now: Timestamp, failing: usize, all: usize) {
        self.lag_until = self.lag_until.filter(|until| now < *until && is_within(now, *until, LAG_LASTS));
        if self.mass_until.is_some_and(|until| until <= now) {
            self.mass_until = None;
            self.mass_believed = true;
        }
        // Half of what would be a mass: a server whose endpoints flap does not doubt itself every time.
        self.mass_believed &= failing * 8 > all;
    }

    /// Why this failure is not to be believed; none where it is.
    pub fn of(&self, failure: &Failure) -> Option<Sign> {
        match self {
            _ if self.canaries_fail => Some(Sign::Canaries),
            _ if self.mass_until.is_some() => Some(Sign::Mass),
            _ if self.lag_until.is_some() && failure.is_timeout() => Some(Sign::Lag),
            _ => None,
        }
    }

    /// The most general sign there is at present.
    pub fn sign(&self) -> Option<Sign> {
        match self {
            _ if self.canaries_fail => Some(Sign::Canaries),
            _ if self.mass_until.is_some() => Some(Sign::Mass),
            _ if self.lag_until.is_some() => Some(Sign::Lag),
            _ => None,
        }
    }

    /// Moves all that is remembered with a clock that was set.
    pub fn shift(&mut self, by: SignedDuration) {
        let moved = |at: Timestamp| shifted(at, by);
        self.began.iter_mut().for_each(|(at, _)| *at = moved(*at));
        self.mass_until = self.mass_until.map(moved);
        self.lag_until = self.lag_until.map(moved);
    }
}

impl Sign {
    /// In words.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Canaries => "most canaries fail",
            Self::Lag => "this server is too busy to tell in time",
            Self::Mass => "many unrelated endpoints began to fail at once",
        }
    }
}

fn is_within(then: Timestamp, now: Timestamp, window: Duration) -> bool {
    let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
    (SignedDuration::ZERO..=window).contains(&now.duration_since(then))
}

/// What counts as at once.
const WINDOW: Duration = Duration::from_secs(2);
/// For how long time-outs are doubted after the loop was late.
const LAG_LASTS: Duration = Duration::from_secs(1);
/// Of how many places endpoints must be to be unrelated: regions, or networks where no region is said.
const PLACES_MIN: usize = 3;
