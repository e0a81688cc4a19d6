//! Health checks as configured: what to probe, how often, and how many observations flip the status.
//!
//! Plain data; `machine` decides, the prober probes. Invariant: intervals, thresholds and ports that exist are
//! within their ranges. Source: Route 53 API reference, `HealthCheckConfig`; waypost allows shorter intervals.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::history::Objective;
use super::protocol::Protocol;
use super::signal::SignalCheck;
use super::timing::{Timing, VERDICT_HOLDS};
use crate::ids::HealthCheckId;

/// One health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    pub id: HealthCheckId,
    pub kind: CheckKind,
    /// The final status is negated.
    pub inverted: bool,
    /// Nothing is probed and the status is healthy, before inversion.
    pub disabled: bool,
    /// It is probed and reported, and decides nothing: routing counts it as healthy.
    pub observe: bool,
    /// Where its endpoint stands, such as `aws:eu-central-1`; what overrides and brakes of a region go by.
    pub region: Option<Arc<str>>,
    /// The share of time that it is to be healthy; what is left of it is told, and decides nothing.
    pub objective: Option<Objective>,
}

/// Where a check's status comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckKind {
    Endpoint(Box<EndpointCheck>),
    /// Healthy when at least `health_threshold` children are (Route 53, CALCULATED).
    Calculated {
        children: Vec<HealthCheckId>,
        health_threshold: u32,
    },
    /// Somebody tells (Route 53, CLOUDWATCH_METRIC and RECOVERY_CONTROL).
    Signal(SignalCheck),
}

/// A check that probes one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointCheck {
    pub target: Target,
    pub protocol: Protocol,
    pub via: Via,
    pub timing: Timing,
}

/// How the way from here to the target is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Via {
    /// The local address; the system's choice when none is said.
    pub source: Option<IpAddr>,
    /// Said first on the connection.
    pub proxy_protocol: Option<ProxyProtocol>,
}

/// The header that proxies send, in its text or its binary form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    V1,
    V2,
}

/// What is connected to; resolved at each probe when it is a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub host: TargetHost,
    /// 0 where the protocol has no ports, or a command needs to know none.
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetHost {
    Address(IpAddr),
    /// A host name in presentation form.
    Name(String),
}

impl HealthCheck {
    /// A check that is what its kind says and nothing more.
    pub fn plain(id: HealthCheckId, kind: CheckKind) -> Self {
        Self { id, kind, inverted: false, disabled: false, observe: false, region: None, objective: None }
    }

    /// What is probed: nothing when the check is calculated, told or disabled.
    pub fn probed(&self) -> Option<&EndpointCheck> {
        match &self.kind {
            CheckKind::Endpoint(check) if !self.disabled => Some(check),
            _ => None,
        }
    }

    /// How it is told, if it is; what is told of one that is disabled is remembered, and decides nothing.
    pub fn signalled(&self) -> Option<&SignalCheck> {
        match &self.kind {
            CheckKind::Signal(check) => Some(check),
            _ => None,
        }
    }
}

impl CheckKind {
    /// How the endpoint is asked, if there is one.
    pub fn protocol(&self) -> Option<&Protocol> {
        match self {
            Self::Endpoint(endpoint) => Some(&endpoint.protocol),
            Self::Calculated { .. } | Self::Signal(_) => None,
        }
    }
}

impl EndpointCheck {
    /// A check that takes the way the system chooses.
    pub fn plain(target: Target, protocol: Protocol, timing: Timing) -> Self {
        Self { target, protocol, via: Via::default(), timing }
    }

    /// What a probe asks, in one line: two checks with the same subject see the same observations.
    ///
    /// Intervals, deadlines and thresholds are left out: they say when to believe what was seen, not what is looked at.
    pub fn subject(&self) -> String {
        format!("{}{}", self.protocol.subject(&self.target), self.via)
    }

    /// The longest that a probe can take, the lookup of its target's name included.
    pub fn longest(&self) -> Duration {
        let deadlines = self.timing.deadlines;
        let waiting = match self.protocol {
            // For a place to run in, and for the start.
            Protocol::Command(_) => deadlines.connect * 2,
            _ => Duration::ZERO,
        };
        deadlines.resolve() + waiting + self.protocol.longest(deadlines)
    }

    /// How long a verdict holds that no observation upholds, because probes cannot be made or nothing ran.
    ///
    /// Long enough for three probes, however far apart.
    pub fn verdict_holds(&self) -> Duration {
        VERDICT_HOLDS.max(self.timing.interval * 3)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            TargetHost::Address(address) if self.port == 0 => address.fmt(f),
            TargetHost::Name(name) if self.port == 0 => f.write_str(name),
            TargetHost::Address(address) => SocketAddr::new(*address, self.port).fmt(f),
            TargetHost::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// Nothing where the system chooses; ` from 192.0.2.1 proxy=v2`.
impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = self.source {
            write!(f, " from {source}")?;
        }
        match self.proxy_protocol {
            Some(version) => write!(f, " proxy={}", version.word()),
            None => Ok(()),
        }
    }
}

impl ProxyProtocol {
    /// Both of them, as they are written.
    pub const WORDS: [(&str, Self); 2] = [("v1", Self::V1), ("v2", Self::V2)];

    pub fn word(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}
