//! Whether one member of a record group is in service: its health, and what the group says about leaving and coming back.
//!
//! Pure; `board` keeps the memory and asks. Operators call the three ways to fail over hot, warm and cold: automatic,
//! confirmed, by hand. Invariants: a group that says nothing is in service exactly as its members are healthy (Route 53);
//! what waits for an operator never moves by itself, but for a proposal's deadline, which was said beforehand.
//!
//! ```text
//! in service  health     failover  failback  next
//! yes         healthy    any       any       in service; a proposal to take it out is dropped
//! yes         unhealthy  auto      any       out
//! yes         unhealthy  confirm   any       proposed; out when approved, kept when refused, at the deadline as was said
//! yes         unhealthy  manual    any       in service, until an operator takes it out
//! no          unhealthy  any       any       out
//! no          healthy    any       auto      in service, its weight ramping up where that was asked for
//! no          healthy    any       delayed   in service after as long as was said without a failure
//! no          healthy    any       manual    out, until an operator brings it back
//! ```
//!
//! A proposal that was refused is not made again before the member has been healthy.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::distrust::shifted;
use crate::ids::HealthCheckId;
use crate::modes::{Decision, Failback, Failover, Modes};

/// One member of a record group, as far as being in service goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Tells it from all other gates and checks: see [`Gate::id_of`].
    pub id: HealthCheckId,
    /// The group's owner name, in lower case.
    pub owner: Arc<str>,
    /// The member's set identifier: the name of its endpoint or route, where it has one.
    pub member: Arc<str>,
    /// What its health is; none for a member without a check of its own.
    pub check: Option<HealthCheckId>,
    /// The owner name of the group that the member is an alias of, where that group's health is its own.
    pub uses: Option<Arc<str>>,
    pub modes: Modes,
    /// The group's TTL follows how soon it could change.
    pub ttl_follows: bool,
}

/// What is remembered of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gated {
    pub in_service: bool,
    /// Since when it is what it is.
    pub since: Timestamp,
    /// Since when a member that is out has been healthy.
    pub recovered_at: Option<Timestamp>,
    pub proposal: Option<Proposal>,
    /// When its weight began to ramp up.
    pub ramps_from: Option<Timestamp>,
}

/// That a member be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    pub made_at: Timestamp,
    /// None once it was decided, or where nothing is decided at a deadline.
    pub due_at: Option<Timestamp>,
}

/// What happened at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    Out(By),
    In(By),
    Proposed { due_at: Timestamp, then: Decision },
    Refused(By),
}

/// Who decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Health,
    Operator,
    /// A deadline passed.
    Deadline,
}

/// What an operator orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Out of service, if it is unhealthy: approves what is proposed.
    TakeOut,
    /// Approves what is proposed, if nobody has decided it yet.
    Approve,
    /// Stays in service: refuses what is proposed.
    Keep,
    /// In service again, if it is healthy.
    BringBack,
}

/// A member's health, as its gate sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// What routing would go by.
    pub healthy: bool,
    /// Something is known of it.
    pub is_known: bool,
}

impl By {
    /// The word used in logs and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Operator => "operator",
            Self::Deadline => "deadline",
        }
    }
}

impl Gate {
    /// The id of the gate of a group's member, whose owner name is in lower case: as no check is likely to be called.
    pub fn id_of(owner: &str, member: &str) -> HealthCheckId {
        HealthCheckId::new(&format!("~{owner}/{member}")).expect("it is not empty")
    }

    /// The id of the gate of one type, where its health is not that of the other types of the name.
    pub fn id_of_type(owner: &str, member: &str, rtype: &str) -> HealthCheckId {
        Self::id_of(owner, &format!("{member}\t{rtype}"))
    }
}

impl Gated {
    /// In service, with nothing pending.
    pub fn in_service(since: Timestamp) -> Self {
        Self { in_service: true, since, recovered_at: None, proposal: None, ramps_from: None }
    }

    /// What becomes of the gate at `now`.
    pub fn step(self, modes: &Modes, input: Input, now: Timestamp) -> (Self, Option<Passage>) {
        match (self.in_service, input.healthy) {
            (true, true) => (Self { proposal: None, ..self }, None),
            (true, false) => self.failing(modes, now),
            (false, false) => (Self { recovered_at: None, ..self }, None),
            (false, true) => self.recovering(modes, input, now),
        }
    }

    fn failing(self, modes: &Modes, now: Timestamp) -> (Self, Option<Passage>) {
        match (modes.failover, self.proposal) {
            (Failover::Auto, _) => self.out(By::Health, now),
            (Failover::Manual, _) => (Self { proposal: None, ..self }, None),
            (Failover::Confirm { within, then }, None) => {
                let due_at = after(now, within);
                let proposal = Some(Proposal { made_at: now, due_at: Some(due_at) });
                (Self { proposal, ..self }, Some(Passage::Proposed { due_at, then }))
            }
            (Failover::Confirm { then, .. }, Some(Proposal { due_at: Some(due_at), .. })) if due_at <= now => match then {
                Decision::Approve => self.out(By::Deadline, now),
                Decision::Refuse => self.refused(By::Deadline),
            },
            (Failover::Confirm { .. }, Some(_)) => (self, None),
        }
    }

    fn recovering(self, modes: &Modes, input: Input, now: Timestamp) -> (Self, Option<Passage>) {
        let recovered_at = self.recovered_at.unwrap_or(now);
        let next = Self { recovered_at: Some(recovered_at), ..self };
        match modes.failback {
            Failback::Auto => next.back(modes, By::Health, now),
            // What nobody has seen healthy is not known to have recovered.
            _ if !input.is_known => (self, None),
            Failback::Delayed(delay) if after(recovered_at, delay) <= now => next.back(modes, By::Deadline, now),
            Failback::Delayed(_) | Failback::Manual => (next, None),
        }
    }

    /// What an operator's order makes of the gate; none where there is nothing to do.
    pub fn obey(self, order: Order, modes: &Modes, input: Input, now: Timestamp) -> Option<(Self, Passage)> {
        let (next, passage) = match order {
            Order::TakeOut if self.in_service && !input.healthy => self.out(By::Operator, now),
            Order::Approve if self.in_service && !input.healthy && self.awaits_decision() => self.out(By::Operator, now),
            Order::Keep if self.awaits_decision() => self.refused(By::Operator),
            Order::BringBack if !self.in_service && input.healthy => self.back(modes, By::Operator, now),
            _ => return None,
        };
        Some((next, passage?))
    }

    /// Whether something is proposed that nobody has decided.
    fn awaits_decision(&self) -> bool {
        self.proposal.is_some_and(|proposal| proposal.due_at.is_some())
    }

    /// The next moment at which the gate moves with nothing else happening.
    pub fn due_at(&self, modes: &Modes) -> Option<Timestamp> {
        match (self.in_service, modes.failback) {
            (true, _) => self.proposal?.due_at,
            (false, Failback::Delayed(delay)) => Some(after(self.recovered_at?, delay)),
            (false, _) => None,
        }
    }

    /// How much of its weight the member has, in percent, 1 to 100.
    pub fn share(&self, modes: &Modes, now: Timestamp) -> u8 {
        let (Some(from), Ok(whole)) = (self.ramps_from, SignedDuration::try_from(modes.slow_start)) else { return WHOLE };
        let passed = now.duration_since(from).as_millis().max(0);
        if !self.in_service || passed >= whole.as_millis() {
            return WHOLE;
        }
        let part = passed * i128::from(WHOLE - RAMP_FROM) / whole.as_millis();
        RAMP_FROM + u8::try_from(part).expect("a part of less than a hundred")
    }

    /// Moves every time that is remembered, because the clock was wrong by that.
    pub fn shift(&mut self, by: SignedDuration) {
        let moved = |at: Timestamp| shifted(at, by);
        self.since = moved(self.since);
        self.recovered_at = self.recovered_at.map(moved);
        self.ramps_from = self.ramps_from.map(moved);
        self.proposal =
            self.proposal.map(|Proposal { made_at, due_at }| Proposal { made_at: moved(made_at), due_at: due_at.map(moved) });
    }

    fn out(self, by: By, now: Timestamp) -> (Self, Option<Passage>) {
        (Self { in_service: false, ramps_from: None, ..Self::in_service(now) }, Some(Passage::Out(by)))
    }

    fn back(self, modes: &Modes, by: By, now: Timestamp) -> (Self, Option<Passage>) {
        let ramps_from = (!modes.slow_start.is_zero()).then_some(now);
        (Self { ramps_from, ..Self::in_service(now) }, Some(Passage::In(by)))
    }

    fn refused(self, by: By) -> (Self, Option<Passage>) {
        let proposal = self.proposal.map(|proposal| Proposal { due_at: None, ..proposal });
        (Self { proposal, ..self }, Some(Passage::Refused(by)))
    }
}

fn after(at: Timestamp, wait: Duration) -> Timestamp {
    shifted(at, SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX))
}

/// A member that has its whole weight.
pub const WHOLE: u8 = 100;
/// The percent of its weight with which a member comes back that ramps up.
const RAMP_FROM: u8 = 10;
