//! Checks that nobody probes: somebody else says how things stand, and for how long that holds.
//!
//! Knows no clock but the `now` it is given, and nothing of inversion, `disabled` or other checks: see `board`.
//! Invariant: what was said counts exactly until its lease ends. Source: Route 53 developer guide, "How Route 53
//! determines the status of health checks that monitor CloudWatch alarms" (OK, ALARM, INSUFFICIENT), and ARC's routing
//! controls (on, off), which hold until they are changed.
//!
//! ```text
//! last said      its lease   insufficient   last known   status
//! OK             runs        any            any          healthy
//! ALARM          runs        any            any          unhealthy
//! otherwise                  healthy        any          healthy
//! otherwise                  unhealthy      any          unhealthy
//! otherwise                  last known     OK           healthy
//! otherwise                  last known     ALARM        unhealthy
//! otherwise                  last known     none         unknown     <- which counts as healthy, as in Route 53
//! ```
//! Otherwise: INSUFFICIENT was said last, its lease has ended, or nothing has been said.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::remark::Remark;
use super::table::Status;

/// A check whose status is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalCheck {
    pub source: SignalSource,
    /// How long a signal holds that does not say so itself; none: until the next.
    pub lease: Option<Duration>,
    pub insufficient: Insufficient,
}

/// By which name, beside the check's own, its signals come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SignalSource {
    /// No other.
    Check,
    /// A CloudWatch alarm (Route 53, `AlarmIdentifier`); several checks may have one.
    Alarm { region: Arc<str>, name: Arc<str> },
    /// The ARN of a routing control (Route 53, `RoutingControlArn`); several checks may have one.
    Control(Arc<str>),
}

/// What a check is when its signal does not say (Route 53, `InsufficientDataHealthStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Insufficient {
    Healthy,
    Unhealthy,
    /// As it was when a signal last said something.
    LastKnown,
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignalState {
    Ok,
    Alarm,
    Insufficient,
}

/// One signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    pub state: SignalState,
    pub reason: Remark,
    pub author: Remark,
    pub at: Timestamp,
    /// The moment from which it says nothing any more; none: until the next signal.
    pub until: Option<Timestamp>,
}

/// All that is remembered of a check's signals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    last: Option<Signal>,
    /// Whether the last signal that said something said OK.
    known_ok: Option<bool>,
}

/// A status, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub status: Status,
    pub because: String,
}

/// A standing as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedStanding {
    /// The check's source, in words: what came from another is not resumed.
    pub source: Arc<str>,
    pub last: Signal,
    pub known_ok: Option<bool>,
}

/// A word that is no state of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownState(pub String);

impl Standing {
    /// The standing after one more signal.
    #[must_use]
    pub fn observe(&self, signal: Signal) -> Self {
        let known_ok = match signal.state {
            SignalState::Ok => Some(true),
            SignalState::Alarm => Some(false),
            SignalState::Insufficient => self.known_ok,
        };
        Self { last: Some(signal), known_ok }
    }

    /// What the check's status is at `now`.
    pub fn read(&self, insufficient: Insufficient, now: Timestamp) -> Reading {
        let Some(last) = &self.last else { return self.without_data("no signal yet".to_owned(), insufficient) };
        let Signal { state, reason, author, until, .. } = last;
        let status = match (state, until) {
            (_, Some(until)) if *until <= now => {
                return self.without_data(format!("the lease of the last signal ended at {until:.0}"), insufficient);
            }
            (SignalState::Insufficient, _) => {
                return self.without_data(format!("signal INSUFFICIENT by {author}: {reason}"), insufficient);
            }
            (SignalState::Ok, _) => Status::Healthy,
            (SignalState::Alarm, _) => Status::Unhealthy,
        };
        Reading { status, because: format!("signal {state} by {author}: {reason}") }
    }

    fn without_data(&self, why: String, insufficient: Insufficient) -> Reading {
        let (status, then) = match (insufficient, self.known_ok) {
            (Insufficient::Healthy, _) => (Status::Healthy, "; it counts as healthy then"),
            (Insufficient::Unhealthy, _) => (Status::Unhealthy, "; it counts as unhealthy then"),
            (Insufficient::LastKnown, Some(true)) => (Status::Healthy, "; last known: OK"),
            (Insufficient::LastKnown, Some(false)) => (Status::Unhealthy, "; last known: ALARM"),
            (Insufficient::LastKnown, None) => (Status::Unknown, ""),
        };
        Reading { status, because: why + then }
    }

    /// Since when the last signal has said what it says at `now`: since it came, or since its lease ended.
    pub fn since(&self, now: Timestamp) -> Option<Timestamp> {
        let last = self.last.as_ref()?;
        Some(last.until.filter(|until| *until <= now).unwrap_or(last.at))
    }

    /// When the last signal's lease ends, or ended.
    pub fn until(&self) -> Option<Timestamp> {
        self.last.as_ref()?.until
    }

    pub fn last(&self) -> Option<&Signal> {
        self.last.as_ref()
    }

    /// What a restart should know; none as long as nothing has been said.
    pub fn saved(&self, source: &SignalSource) -> Option<SavedStanding> {
        Some(SavedStanding { source: source.to_string().into(), last: self.last.clone()?, known_ok: self.known_ok })
    }
}

impl From<SavedStanding> for Standing {
    fn from(SavedStanding { last, known_ok, .. }: SavedStanding) -> Self {
        Self { known_ok, last: None }.observe(last)
    }
}

impl SignalCheck {
    /// The end of a lease that begins at `at`: as long as the signal itself says, or the check.
    ///
    /// One that would end after the last moment there is never ends.
    pub fn end_of_lease(&self, said: Option<Duration>, at: Timestamp) -> Option<Timestamp> {
        let lease = SignedDuration::try_from(said.or(self.lease)?).ok()?;
        at.checked_add(lease).ok()
    }
}

impl SignalState {
    pub const ALL: [Self; 3] = [Self::Ok, Self::Alarm, Self::Insufficient];

    /// The word used in JSON and in logs, as CloudWatch has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::Insufficient => "INSUFFICIENT",
        }
    }
}

impl FromStr for SignalState {
    type Err = UnknownState;

    /// Routing controls are ON and OFF; CloudWatch's own word for insufficient data is INSUFFICIENT_DATA.
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        match text.to_ascii_uppercase().as_str() {
            "OK" | "ON" => Ok(Self::Ok),
            "ALARM" | "OFF" => Ok(Self::Alarm),
            "INSUFFICIENT" | "INSUFFICIENT_DATA" => Ok(Self::Insufficient),
            _ => Err(UnknownState(text.to_owned())),
        }
    }
}

impl fmt::Display for SignalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `alarm us-east-1/errors`
impl fmt::Display for SignalSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check => f.write_str("its own"),
            Self::Alarm { region, name } => write!(f, "alarm {region}/{name}"),
            Self::Control(arn) => write!(f, "routing control {arn}"),
        }
    }
}

impl fmt::Display for UnknownState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no state of a signal; OK, ALARM, INSUFFICIENT, ON and OFF are accepted", self.0)
    }
}

impl std::error::Error for UnknownState {}

/// The shortest lease accepted.
pub const LEASE_MIN: Duration = Duration::from_secs(1);
/// The longest lease accepted.
pub const LEASE_MAX: Duration = Duration::from_secs(30 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    fn signal(state: SignalState, until: Option<i64>) -> Signal {
        let remark = |text| Remark::new(text).unwrap();
        Signal { state, reason: remark("errors"), author: remark("ci"), at: at(0), until: until.map(at) }
    }

    fn standing(signals: &[(SignalState, Option<i64>)]) -> Standing {
        signals.iter().fold(Standing::default(), |standing, (state, until)| standing.observe(signal(*state, *until)))
    }

    #[test]
    fn every_standing_reads_as_the_truth_table_says() {
        use Insufficient::{Healthy as H, LastKnown as L, Unhealthy as U};
        use SignalState::{Alarm, Insufficient as Gone, Ok};
        use Status::{Healthy, Unhealthy, Unknown};
        for (signals, expected) in [
            (&[][..], [(H, Healthy), (U, Unhealthy), (L, Unknown)]),
            (&[(Ok, None)], [(H, Healthy), (U, Healthy), (L, Healthy)]),
            (&[(Alarm, None)], [(H, Unhealthy), (U, Unhealthy), (L, Unhealthy)]),
            (&[(Ok, Some(11))], [(H, Healthy), (U, Healthy), (L, Healthy)]),
            (&[(Alarm, Some(11))], [(H, Unhealthy), (U, Unhealthy), (L, Unhealthy)]),
            (&[(Ok, Some(10))], [(H, Healthy), (U, Unhealthy), (L, Healthy)]),
            (&[(Alarm, Some(10))], [(H, Healthy), (U, Unhealthy), (L, Unhealthy)]),
            (&[(Gone, None)], [(H, Healthy), (U, Unhealthy), (L, Unknown)]),
            (&[(Alarm, Some(5)), (Gone, None)], [(H, Healthy), (U, Unhealthy), (L, Unhealthy)]),
            (&[(Alarm, None), (Ok, None), (Gone, Some(3))], [(H, Healthy), (U, Unhealthy), (L, Healthy)]),
        ] {
            for (insufficient, status) in expected {
                let standing = standing(signals);
                assert_eq!(standing.read(insufficient, at(10)).status, status, "{signals:?} {insufficient:?}");
                let resumed = standing.saved(&SignalSource::Check).map(Standing::from).unwrap_or_default();
                assert_eq!(resumed, standing);
            }
        }
    }

    #[test]
    fn a_reading_says_who_said_what_and_until_when() {
        let said = |signals: &[_], insufficient| standing(signals).read(insufficient, at(10)).because;
        let lease_ended = "the lease of the last signal ended at 1970-01-01T00:00:09Z";
        for (signals, insufficient, words) in [
            (&[][..], Insufficient::LastKnown, "no signal yet".to_owned()),
            (&[(SignalState::Alarm, None)], Insufficient::LastKnown, "signal ALARM by ci: errors".to_owned()),
            (&[(SignalState::Ok, Some(9))], Insufficient::LastKnown, format!("{lease_ended}; last known: OK")),
            (&[(SignalState::Ok, Some(9))], Insufficient::Unhealthy, format!("{lease_ended}; it counts as unhealthy then")),
        ] {
            assert_eq!(said(signals, insufficient), words);
        }
    }

    #[test]
    fn a_signals_own_lease_goes_before_the_checks() {
        let check = |lease| SignalCheck { source: SignalSource::Check, lease, insufficient: Insufficient::LastKnown };
        let secs = Duration::from_secs;
        for (own, said, end) in [
            (None, None, None),
            (Some(secs(90)), None, Some(at(90))),
            (Some(secs(90)), Some(secs(5)), Some(at(5))),
            (None, Some(secs(5)), Some(at(5))),
            (None, Some(Duration::MAX), None),
        ] {
            assert_eq!(check(own).end_of_lease(said, at(0)), end);
        }
    }
}
