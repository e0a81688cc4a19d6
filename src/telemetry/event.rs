//! What happened, as one value: a log line, a count and a message on `/v1/events` are made of the same.
//!
//! Decides nothing. Invariant: an event's word is its kind's name in `catalog`, and its fields are the kind's, in the log and
//! on the stream alike; only what a change of the account was in detail is for the log alone, since the stream asks nobody
//! who they are.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::catalog::{self, EventKind};
use crate::health::board::{self, Notice, SavedVerdict};
use crate::health::brakes::Brake;
use crate::health::gate::Passage;
use crate::health::overrides::Override;
use crate::health::signal::Signal;
use crate::ids::HealthCheckId;
use crate::modes::Decision;
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
    /// A health check that fell stays unhealthy for a time, whatever its probes say.
    HealthHold {
        check: String,
        status: &'static str,
        because: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// Automation is held back, or not any more.
    Brake {
        #[serde(serialize_with = "as_word")]
        brake: Brake,
        /// The check or the member that it keeps in service; `server` for all.
        scope: String,
        engaged: bool,
        because: String,
    },
    /// An operator decided in the place of the checks, or that decision ended.
    Override {
        id: u64,
        /// `made`, `removed`, `expired`.
        change: &'static str,
        /// `up`, `down`, `drain`, `freeze`.
        action: &'static str,
        target: String,
        author: String,
        reason: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires: Option<Timestamp>,
    },
    /// A member left its group's service, where that does not merely follow health.
    Failover { route: String, member: String, by: &'static str, because: String },
    /// A member came back into its group's service, where that does not merely follow health.
    Failback { route: String, member: String, by: &'static str, because: String },
    /// A member is to leave, and waits for approval.
    FailoverProposed {
        route: String,
        member: String,
        because: String,
        until: Timestamp,
        /// Whether it leaves when nobody has answered by then.
        default: bool,
    },
    /// A member stays, though it is unhealthy.
    FailoverRefused { route: String, member: String, by: &'static str },
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

    /// An override was made or removed, or has expired: `change` says which, `author` who did it and `reason` why.
    pub fn overridden(change: &'static str, known: &Override, author: &str, reason: &str) -> Self {
        let (id, action, target) = (known.id, known.action.as_str(), known.target.to_string());
        let (author, reason) = (author.to_owned(), reason.to_owned());
        Self::Override { id, change, action, target, author, reason, expires: known.expires_at }
    }

    /// A check was told something else than before.
    pub fn signalled(check: &HealthCheckId, signal: &Signal) -> Self {
        let (state, author, reason) = (signal.state.to_string(), signal.author.to_string(), signal.reason.to_string());
        Self::Signal { check: check.to_string(), state, author, reason, until: signal.until }
    }

    /// A check that fell is held there; none where it is not.
    pub fn hold(saved: &SavedVerdict) -> Option<Self> {
        let until = saved.distrust.held_until?;
        let because = format!("held for {:#}", until.duration_since(saved.since));
        Some(Self::HealthHold { check: saved.id.to_string(), status: saved.status.as_str(), because, until: Some(until) })
    }

    /// What kind of event it is.
    pub fn kind(&self) -> &'static EventKind {
        match self {
            Self::HealthTransition { .. } => &catalog::TRANSITION,
            Self::HealthHold { .. } => &catalog::HOLD,
            Self::Brake { .. } => &catalog::BRAKE,
            Self::Override { .. } => &catalog::OVERRIDE,
            Self::Failover { .. } => &catalog::FAILOVER,
            Self::Failback { .. } => &catalog::FAILBACK,
            Self::FailoverProposed { .. } => &catalog::FAILOVER_PROPOSED,
            Self::FailoverRefused { .. } => &catalog::FAILOVER_REFUSED,
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

impl From<Notice> for Event {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::Held { id, brake, because } => {
                Self::Brake { brake, scope: id.to_string(), engaged: true, because: because.to_string() }
            }
            Notice::Released { id, brake } => {
                let because = "it may leave, or has recovered".to_owned();
                Self::Brake { brake, scope: id.to_string(), engaged: false, because }
            }
            Notice::Doubt(sign) => {
                let because = sign.as_ref().map_or("no reason to doubt is left", |sign| sign.as_str()).to_owned();
                Self::Brake { brake: Brake::Doubt, scope: "server".to_owned(), engaged: sign.is_some(), because }
            }
            Notice::Passed { owner, member, passage, because } => {
                let (route, member, because) = (owner.to_string(), member.to_string(), because.to_string());
                match passage {
                    Passage::Out(by) => Self::Failover { route, member, by: by.as_str(), because },
                    Passage::In(by) => Self::Failback { route, member, by: by.as_str(), because },
                    Passage::Refused(by) => Self::FailoverRefused { route, member, by: by.as_str() },
                    Passage::Proposed { due_at, then } => {
                        let default = then == Decision::Approve;
                        Self::FailoverProposed { route, member, because, until: due_at, default }
                    }
                }
            }
        }
    }
}

fn as_word<S: Serializer>(brake: &Brake, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(brake.as_str())
}
