//! Health checks as configured: what to probe, how often, and how many observations flip the status.
//!
//! Plain data; `machine` decides, the prober probes. Invariant: intervals, thresholds and ports that exist are
//! within their ranges. Source: Route 53 API reference, `HealthCheckConfig`; waypost allows shorter intervals.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;
use std::time::Duration;

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
}

/// A check that probes one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointCheck {
    pub target: Target,
    pub protocol: Protocol,
    /// From the end of one probe to the start of the next; 100 ms to 1 hour.
    pub interval: Duration,
    pub deadlines: Deadlines,
    pub thresholds: Thresholds,
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

/// How an endpoint shows that it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The connection is accepted.
    Tcp,
    Http(HttpRequest),
    /// `server_name` is sent as SNI; none sends none. `verify` checks the certificate for it (or for the address).
    Https {
        request: HttpRequest,
        server_name: Option<String>,
        verify: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// The Host header, with the port already added where it is needed (Route 53: any port but 80 and 443).
    pub host: String,
    /// Begins with `/`.
    pub path: String,
    /// Must lie wholly within the first [`SEARCH_WITHIN`] octets of the body.
    pub search: Option<String>,
}

impl HealthCheck {
    /// What is probed: nothing when the check is calculated or disabled.
    pub fn probed(&self) -> Option<&EndpointCheck> {
        match &self.kind {
            CheckKind::Endpoint(check) if !self.disabled => Some(check),
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
        VERDICT_HOLDS.max(self.interval * 3)
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

/// `GET /healthz Host: www.example.org search "ready"`
impl fmt::Display for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GET {} Host: {}", self.path, self.host)?;
        match &self.search {
            Some(search) => write!(f, " search {search:?}"),
            None => Ok(()),
        }
    }
}

/// How long each phase of a probe may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// TCP connection and, for HTTPS, the TLS handshake.
    pub connect: Duration,
    /// From there to the status line.
    pub status: Duration,
    /// From there to the search string.
    pub body: Duration,
}

/// How many observations in a row flip a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub fall: NonZeroU8,
    pub rise: NonZeroU8,
}

/// Octets of a body that may hold the search string (Route 53).
pub const SEARCH_WITHIN: usize = 5_120;
/// How long a verdict holds at least without an observation that upholds it.
pub const VERDICT_HOLDS: Duration = Duration::from_secs(3_600);
/// The shortest interval accepted.
pub const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// The longest interval accepted.
pub const INTERVAL_MAX: Duration = Duration::from_secs(3_600);
/// The largest threshold accepted (Route 53, `FailureThreshold`).
pub const THRESHOLD_MAX: u8 = 10;
