//! One health check on the board: as configured, what is known of it, and what routing goes by.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::SavedVerdict;
use crate::health::brakes::Brake;
use crate::health::check::{CheckKind, EndpointCheck, HealthCheck, TargetHost};
use crate::health::distrust::shifted;
use crate::health::machine::{self, State};
use crate::health::observation::Observation;
use crate::health::overrides::Subject;
use crate::health::signal::Standing;
use crate::health::table::{Marks, Seen, Status, Verdict};

/// One health check.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// Shared with the probes that are under way.
    pub check: Arc<HealthCheck>,
    /// What its probes look at; empty when nothing is probed.
    pub subject: Arc<str>,
    /// What is known of the endpoint; none when nothing is probed.
    pub state: Option<State>,
    /// What was told of it; of checks that are told only.
    pub standing: Standing,
    /// The lease of what was told has ended, and the verdict says so.
    pub lease_is_over: bool,
    /// An observation of this endpoint has been made since the start.
    pub observed: bool,
    /// The state is from before the start and no observation has counted since.
    pub resumed: bool,
    pub verdict: Verdict,
    pub marks: Marks,
    /// What health and brakes have it at, whatever an operator says.
    pub in_service: bool,
    /// The brake that keeps it in service.
    pub held: Option<Brake>,
    /// What routing went by when an operator froze it.
    pub frozen: Option<bool>,
    /// The last observation that counted had failed.
    pub is_failing: bool,
    /// What was last seen of this endpoint.
    pub seen: Seen,
    /// Longest way down to a check that is not calculated; none for a member of a loop.
    pub height: Option<u32>,
    pub children: Vec<usize>,
    pub parents: Vec<usize>,
    /// The gates that have this check.
    pub gates: Vec<usize>,
}

impl Slot {
    /// The slot of `check`, with what `before` knew if it probed the same.
    pub fn following(before: Option<&Self>, check: &HealthCheck, now: Timestamp) -> Self {
        let unknown = State::unknown(now);
        let because = unknown.because.clone();
        let plain = Verdict::plain(check.id.clone(), Status::Unknown, now, because);
        let slot = Self {
            check: Arc::new(check.clone()),
            subject: check.probed().map(EndpointCheck::subject).unwrap_or_default().into(),
            state: check.probed().map(|_| unknown),
            standing: Standing::default(),
            lease_is_over: false,
            observed: false,
            resumed: false,
            verdict: Verdict { healthy: !check.inverted, ..plain },
            marks: Marks::default(),
            in_service: !check.inverted,
            held: None,
            frozen: None,
            is_failing: false,
            seen: Seen::default(),
            height: None,
            children: Vec::new(),
            parents: Vec::new(),
            gates: Vec::new(),
        };
        match before {
            Some(old) if old.state.is_some() && slot.observes_as(old) => {
                let bounded = |(state, check): (&State, &EndpointCheck)| state.clone().bounded(now, &check.timing);
                let (state, seen) = (old.state.as_ref().zip(check.probed()).map(bounded), old.seen.clone());
                let (observed, resumed, is_failing) = (old.observed, old.resumed, old.is_failing);
                Self { state, seen, observed, resumed, is_failing, ..slot }.showing(old)
            }
            Some(old) if slot.is_told_as(old) => Self { standing: old.standing.clone(), ..slot }.showing(old),
            Some(old) => slot.showing(old),
            None => slot,
        }
    }

    /// The same slot, showing the old verdict until it is settled.
    fn showing(self, old: &Self) -> Self {
        let (verdict, marks) = (old.verdict.clone(), old.marks);
        Self { verdict, marks, in_service: old.in_service, held: old.held, frozen: old.frozen, ..self }
    }

    /// Keeps what was seen, if it says anything of the endpoint.
    pub fn note(&mut self, seen: &Observation) {
        let Some(passed) = seen.outcome.passed() else { return };
        let seen = Arc::new(seen.clone());
        if !passed {
            self.seen.last_failure = Some(seen.clone());
        }
        self.seen.last = Some(seen);
    }

    /// Whether both probe, and probe the same.
    pub fn observes_as(&self, old: &Self) -> bool {
        match (self.check.probed(), old.check.probed()) {
            (Some(new), Some(old)) => new.target == old.target && new.protocol == old.protocol,
            _ => false,
        }
    }

    /// Whether both are told, by the same source.
    fn is_told_as(&self, old: &Self) -> bool {
        match (&self.check.kind, &old.check.kind) {
            (CheckKind::Signal(new), CheckKind::Signal(old)) => new.source == old.source,
            _ => false,
        }
    }

    /// What overrides may be for.
    pub fn as_subject(&self) -> Subject<'_> {
        Subject::of_check(&self.check)
    }

    /// Where it stands, to tell related endpoints: its region, else its network, else its name.
    pub fn place(&self) -> Arc<str> {
        if let Some(region) = &self.check.region {
            return region.clone();
        }
        match self.check.probed().map(|check| &check.target.host) {
            Some(TargetHost::Address(IpAddr::V4(address))) => {
                let [a, b, ..] = address.octets();
                format!("{a}.{b}.0.0/16").into()
            }
            Some(TargetHost::Address(IpAddr::V6(address))) => {
                let [a, b, ..] = address.segments();
                format!("{a:x}:{b:x}::/32").into()
            }
            Some(TargetHost::Name(name)) => name.as_str().into(),
            None => self.check.id.as_str().into(),
        }
    }

    /// Whether brakes are for it: what it says is found out by a probe, and not by its children or its configuration.
    pub fn is_braked(&self) -> bool {
        self.state.is_some() && !self.check.observe
    }

    /// Takes up a saved verdict, unless it is on something else, or too old.
    pub fn resume(&mut self, saved: SavedVerdict, now: Timestamp) -> bool {
        let Some(check) = self.check.probed() else { return false };
        let too_old = machine::is_stale(Some(saved.counted_at), now, check.verdict_holds());
        if too_old || self.observed || saved.status == Status::Unknown || saved.subject != self.subject {
            return false;
        }
        let state = State::known(saved.status, saved.since, saved.because, saved.counted_at, saved.distrust);
        self.state = Some(state.bounded(now, &check.timing));
        self.resumed = true;
        self.seen.last_failure = saved.last_failure;
        // Nothing changes now: the status has been what it is since then.
        let status = if self.check.inverted { saved.status.negated() } else { saved.status };
        let in_service = saved.kept_at.unwrap_or(status != Status::Unhealthy);
        self.verdict = Verdict { status, since: saved.since, healthy: in_service, ..self.verdict.clone() };
        self.in_service = in_service;
        // Only where an operator's freeze still holds: else it is forgotten when the check is settled.
        self.frozen = saved.kept_at;
        true
    }

    pub fn saved(&self) -> Option<SavedVerdict> {
        let state = self.state.as_ref()?;
        let counted_at = state.counted_at.filter(|_| state.status != Status::Unknown)?;
        let State { status, since, because, distrust, .. } = state.clone();
        let (id, subject) = (self.check.id.clone(), self.subject.clone());
        let last_failure = self.seen.last_failure.clone();
        let kept_at = self.frozen.or(self.held.map(|_| true));
        Some(SavedVerdict { id, subject, status, since, because, counted_at, distrust, last_failure, kept_at })
    }

    /// Moves every time, because the clock was wrong by that.
    pub fn shift(&mut self, by: SignedDuration) {
        self.state = self.state.take().map(|state| state.shifted(by));
        self.verdict.since = shifted(self.verdict.since, by);
        for seen in [&mut self.seen.last, &mut self.seen.last_failure].into_iter().flatten() {
            *seen = Arc::new(Observation { at: shifted(seen.at, by), outcome: seen.outcome.clone() });
        }
    }
}
