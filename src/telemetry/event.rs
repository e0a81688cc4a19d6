//! What happened, as one value: a log line, a count and a message on `/v1/events` are made of the same.
//!
//! Decides nothing. Invariant: an event's word is its kind's name in `catalog`, and its fields are the kind's, in the log and
//! on the stream alike; only what a change of the account was in detail is for the log alone, since the stream asks nobody
//! who they are.

use jiff::Timestamp;
use serde::Serialize;

use super::catalog::{self, EventKind};
use crate::health::board;
use crate::route53::access::Principal;

/// Something that operators and their programs want to hear of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A health check changed its status.
    HealthTransition {
        check: String,
        from: &'static str,
        to: &'static str,
        /// What routing goes by from now on.
        healthy: bool,
        because: String,
        since: Timestamp,
    },
    /// A health check stays what it is for now, though its probes say otherwise.
    HealthHold {
        check: String,
        status: &'static str,
        because: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// Automation is held back, or not any more.
    Brake {
        brake: Brake,
        /// What it is applied to, such as `group:www.example.org`; `server` for all.
        scope: String,
        engaged: bool,
        because: String,
    },
    /// An operator decided in the place of the checks, or that decision ended.
    Override {
        id: u64,
        /// `up`, `down`, `drain`, `freeze`; `removed`, `expired`.
        action: &'static str,
        target: String,
        author: String,
        reason: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires: Option<Timestamp>,
    },
    /// A route goes back to a member that it had left.
    Failback { route: String, to: String, because: String },
    /// A route would leave its member, and waits for approval.
    FailoverProposed {
        route: String,
        from: String,
        to: String,
        because: String,
        until: Timestamp,
        /// Whether it is made when nobody has answered by then.
        default: bool,
    },
    /// A check's status was told by a program.
    Signal {
        check: String,
        state: String,
        author: String,
        reason: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// The wall clock was set, by so much; what is known was moved along.
    ClockStepped { by_ms: i64 },
    /// A new configuration is in use.
    Reloaded { generation: u64, zones: usize, checks: usize },
    /// The configuration can't be used; `problems` says why, with files and lines.
    ReloadFailed { problems: String },
    /// Somebody changed something through the Route 53 API.
    AccountChanged {
        who: String,
        operation: String,
        #[serde(skip)]
        key: String,
        /// What was changed, one line each.
        #[serde(skip)]
        edits: String,
    },
}

/// What holds automation back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Brake {
    /// Too little of a group is healthy: it answers with all that is not drained.
    Panic,
    /// Too much would be taken out in too short a time.
    Velocity,
    /// This server has reason to distrust its own probes.
    SelfSuspicion,
    /// A rule says that something must stay in service.
    Assertion,
}

impl Event {
    /// A change of the account; `edits` says what was changed.
    pub fn account_changed(who: &Principal, operation: &str, edits: &[String]) -> Self {
        Self::AccountChanged {
            who: who.name.to_string(),
            operation: operation.to_owned(),
            key: who.key_id.as_deref().unwrap_or_default().to_owned(),
            edits: edits.join("; "),
        }
    }

    /// What kind of event it is.
    pub fn kind(&self) -> &'static EventKind {
        match self {
            Self::HealthTransition { .. } => &catalog::TRANSITION,
            Self::HealthHold { .. } => &catalog::HOLD,
            Self::Brake { .. } => &catalog::BRAKE,
            Self::Override { .. } => &catalog::OVERRIDE,
            Self::Failback { .. } => &catalog::FAILBACK,
            Self::FailoverProposed { .. } => &catalog::FAILOVER_PROPOSED,
            Self::Signal { .. } => &catalog::SIGNAL,
            Self::ClockStepped { .. } => &catalog::CLOCK_STEPPED,
            Self::Reloaded { .. } => &catalog::RELOADED,
            Self::ReloadFailed { .. } => &catalog::RELOAD_FAILED,
            Self::AccountChanged { .. } => &catalog::ACCOUNT_CHANGED,
        }
    }

    /// The check that it is about.
    pub fn check(&self) -> Option<&str> {
        match self {
            Self::HealthTransition { check, .. } | Self::HealthHold { check, .. } | Self::Signal { check, .. } => Some(check),
            _ => None,
        }
    }
}

impl From<&board::Event> for Event {
    fn from(event: &board::Event) -> Self {
        let board::Event { id, from, to, healthy, because, since } = event.clone();
        let (check, from, to, because) = (id.to_string(), from.as_str(), to.as_str(), because.to_string());
        Self::HealthTransition { check, from, to, healthy, because, since }
    }
}

impl Brake {
    pub const ALL: [Self; 4] = [Self::Panic, Self::Velocity, Self::SelfSuspicion, Self::Assertion];

    /// Its word in counters, logs and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Velocity => "velocity",
            Self::SelfSuspicion => "self_suspicion",
            Self::Assertion => "assertion",
        }
    }
}
