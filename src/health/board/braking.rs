//! The brakes of a board: which of its checks and gates they are for, and what they remember.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Board, Event, Notice};
use crate::health::brakes::{AssertionRule, Brake, BrakeRules, Taken, Velocity};
use crate::health::doubt::{Doubt, Sign};
use crate::health::observation::Failure;
use crate::health::table::{Exception, ExceptionKind, Status};

/// What brakes remember, and what they are for.
#[derive(Clone, Debug, Default)]
pub(super) struct Braking {
    rules: Arc<BrakeRules>,
    doubt: Doubt,
    /// What was last told of doubt.
    told: Option<Sign>,
    fleet: Taken,
    regions: BTreeMap<Arc<str>, Taken>,
    pub groups: BTreeMap<Arc<str>, Taken>,
    /// How many checks there are to brake, in all and by region.
    fleet_size: usize,
    region_sizes: BTreeMap<Arc<str>, usize>,
    /// Where each check's endpoint is.
    places: Vec<Arc<str>>,
    /// How many checks fail at present.
    failing: usize,
    /// The checks that are held.
    held: BTreeSet<usize>,
    /// For each rule, for each of its things, what its pattern matches.
    things: Vec<Vec<Vec<Thing>>>,
}

/// What a rule's pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Check(usize),
    Gate(usize),
}

impl Braking {
    pub fn lagged(&mut self, lag: Duration, now: Timestamp) {
        self.doubt.lagged(&self.rules.doubt, lag, now);
    }

    pub fn group_velocity(&self) -> Option<Velocity> {
        self.rules.group
    }

    pub fn has_no_rules(&self) -> bool {
        self.rules.rules.is_empty()
    }

    /// Moves all that is remembered with a clock that was set.
    pub fn shift(&mut self, by: SignedDuration) {
        self.doubt.shift(by);
        let taken = [&mut self.fleet].into_iter().chain(self.regions.values_mut()).chain(self.groups.values_mut());
        taken.for_each(|taken| taken.shift(by));
    }
}

impl Board {
    /// Makes these the brakes, and finds what they are for. Checks and gates are those of now.
    pub(super) fn replace_brakes(&mut self, rules: Arc<BrakeRules>) {
        let braked = || self.slots.iter().filter(|slot| slot.is_braked());
        let mut region_sizes: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for region in braked().filter_map(|slot| slot.check.region.clone()) {
            *region_sizes.entry(region).or_default() += 1;
        }
        let things = rules.rules.iter().map(|rule| rule.of.iter().map(|pattern| self.matched(pattern)).collect()).collect();
        let (fleet_size, failing) = (braked().count(), self.slots.iter().filter(|slot| slot.is_failing).count());
        let places = self.slots.iter().map(|slot| slot.place()).collect();
        let held = self.slots.iter().enumerate().filter(|(_, slot)| slot.held.is_some()).map(|(at, _)| at).collect();
        let known = std::mem::take(&mut self.braking);
        self.braking = Braking { rules, fleet_size, region_sizes, places, failing, held, things, ..known };
        self.ask_canaries();
    }

    fn ask_canaries(&mut self) {
        let Braking { doubt, rules, .. } = &mut self.braking;
        let canaries = || self.slots.iter().filter(|slot| rules.doubt.canaries.contains(&slot.check.id));
        let passing = canaries().filter(|slot| !slot.is_failing).count();
        doubt.canaries(passing, canaries().count());
    }

    /// What a rule's pattern is for: checks where it matches any, else gates.
    fn matched(&self, pattern: &crate::health::overrides::Pattern) -> Vec<Thing> {
        let checks = self.slots.iter().enumerate().filter(|(_, slot)| pattern.matches(&slot.as_subject()));
        let checks: Vec<Thing> = checks.map(|(at, _)| Thing::Check(at)).collect();
        if !checks.is_empty() {
            return checks;
        }
        let gates = self.gates.iter().enumerate().filter(|(_, gate)| gate.subjects().iter().any(|own| pattern.matches(own)));
        gates.map(|(at, _)| Thing::Gate(at)).collect()
    }

    /// Notes that a check fails, or no longer does.
    pub(super) fn note_failing(&mut self, at: usize, was_failing: bool, now: Timestamp) {
        let slot = &self.slots[at];
        let (is_failing, is_down) = (slot.is_failing, slot.verdict.status == Status::Unhealthy);
        self.braking.failing = self.braking.failing + usize::from(is_failing) - usize::from(was_failing);
        let Braking { doubt, rules, places, .. } = &mut self.braking;
        if is_failing && !was_failing && !is_down {
            doubt.began_to_fail(&rules.doubt, at, now, places);
        }
        if rules.doubt.canaries.contains(&slot.check.id) {
            self.ask_canaries();
        }
    }

    /// Why a failure is not believed. Canaries are: they are what says whom to believe.
    pub(super) fn doubted(&self, at: usize, failure: &Failure) -> Option<Sign> {
        let is_canary = self.braking.rules.doubt.canaries.contains(&self.slots[at].check.id);
        self.braking.doubt.of(failure).filter(|_| !is_canary)
    }

    /// Takes a check out of service that health says is unhealthy, unless a brake holds it.
    pub(super) fn brake(&mut self, at: usize, healthy: bool, now: Timestamp) -> (bool, Option<Exception>) {
        let slot = &self.slots[at];
        if healthy || !slot.in_service || !slot.is_braked() {
            self.release(at);
            self.slots[at].in_service = healthy;
            return (healthy, None);
        }
        match self.holds(at, now) {
            Some((brake, because)) => {
                let because: Arc<str> = because.into();
                if self.slots[at].held.replace(brake) != Some(brake) {
                    let id = self.slots[at].check.id.clone();
                    self.notices.push(Notice::Held { id, brake, because: because.clone() });
                }
                self.braking.held.insert(at);
                (true, Some(Exception { kind: ExceptionKind::Held, because }))
            }
            None => {
                self.release(at);
                self.slots[at].in_service = false;
                (false, None)
            }
        }
    }

    fn release(&mut self, at: usize) {
        self.braking.held.remove(&at);
        if let Some(brake) = self.slots[at].held.take() {
            let id = self.slots[at].check.id.clone();
            self.notices.push(Notice::Released { id, brake });
        }
    }

    /// Which brake holds a check that would leave, and why.
    fn holds(&mut self, at: usize, now: Timestamp) -> Option<(Brake, String)> {
        if let Some(rule) = self.rule_against(Thing::Check(at)) {
            return Some((Brake::Rule, format!("kept in service by the rule {:?}", &*rule.name)));
        }
        let region = self.slots[at].check.region.clone();
        let Braking { rules, fleet, regions, fleet_size, region_sizes, .. } = &mut self.braking;
        if let Some(velocity) = rules.fleet
            && !fleet.take(velocity, *fleet_size, now)
        {
            return Some((Brake::FleetVelocity, held_by(velocity, *fleet_size, "of this server")));
        }
        if let (Some(velocity), Some(region)) = (rules.region, region) {
            let size = region_sizes.get(&region).copied().unwrap_or(0);
            if !regions.entry(region.clone()).or_default().take(velocity, size, now) {
                if rules.fleet.is_some() {
                    fleet.untake();
                }
                return Some((Brake::RegionVelocity, held_by(velocity, size, &format!("of {region}"))));
            }
        }
        None
    }

    /// The rule that would be broken if this left service.
    pub(super) fn rule_against(&self, leaving: Thing) -> Option<&AssertionRule> {
        let rules = self.braking.rules.rules.iter().zip(&self.braking.things);
        rules
            .filter(|(rule, things)| {
                let concerned = things.iter().any(|matched| matched.contains(&leaving));
                let left = |matched: &&Vec<Thing>| matched.iter().any(|thing| *thing != leaving && self.is_in_service(*thing));
                concerned && things.iter().filter(left).count() < rule.at_least as usize
            })
            .map(|(rule, _)| rule)
            .next()
    }

    /// The rules of which fewer things are in service than should be.
    pub(super) fn broken_rules(&self) -> Vec<Arc<str>> {
        let rules = self.braking.rules.rules.iter().zip(&self.braking.things);
        let broken = rules.filter(|(rule, things)| {
            let is_in_service = |matched: &&Vec<Thing>| matched.iter().any(|thing| self.is_in_service(*thing));
            things.iter().filter(is_in_service).count() < rule.at_least as usize
        });
        broken.map(|(rule, _)| rule.name.clone()).collect()
    }

    fn is_in_service(&self, thing: Thing) -> bool {
        match thing {
            Thing::Check(at) => self.slots[at].verdict.healthy,
            Thing::Gate(at) => self.gates[at].verdict.healthy,
        }
    }

    /// Lets go of what may leave by now.
    pub(super) fn tick_brakes(&mut self, now: Timestamp) -> Vec<Event> {
        let (failing, all) = (self.braking.failing, self.braking.fleet_size);
        self.braking.doubt.tick(now, failing, all);
        let sign = self.braking.doubt.sign();
        if self.braking.told != sign {
            self.braking.told.clone_from(&sign);
            self.notices.push(Notice::Doubt(sign));
        }
        let held: Vec<usize> = self.braking.held.iter().copied().collect();
        held.into_iter().flat_map(|at| self.settle_from(at, now)).collect()
    }
}

fn held_by(velocity: Velocity, size: usize, of: &str) -> String {
    let (allowed, per) = (velocity.allowed(size), velocity.per);
    format!("kept in service: {allowed} of the {size} checks {of} have left in {per:?}, and no more may")
}
