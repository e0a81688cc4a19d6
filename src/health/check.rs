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
    pub timing: Timing,
}

/// What is connected to; resolved at each probe when it is a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub host: TargetHost,
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

impl EndpointCheck {
    /// What a probe asks, in one line: two checks with the same subject see the same observations.
    ///
    /// Intervals, deadlines and thresholds are left out: they say when to believe what was seen, not what is looked at.
    pub fn subject(&self) -> String {
        match &self.protocol {
            Protocol::Tcp => format!("tcp {}", self.target),
            Protocol::Http(request) => format!("http {} {request}", self.target),
            Protocol::Https { request, server_name, verify } => {
                let sni = server_name.as_deref().unwrap_or("-");
                format!("https {} {request} sni={sni} verify={verify}", self.target)
            }
        }
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
            TargetHost::Address(address) => SocketAddr::new(*address, self.port).fmt(f),
            TargetHost::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}
