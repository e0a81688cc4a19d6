//! Health checks as configured: what to probe, how often, and how many observations flip the status.
//!
//! Plain data; `machine` decides, the prober probes. Invariant: intervals, thresholds and ports that exist are
//! within their ranges. Source: Route 53 API reference, `HealthCheckConfig`; waypost allows shorter intervals.

use std::net::IpAddr;
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
/// The shortest interval accepted.
pub const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// The longest interval accepted.
pub const INTERVAL_MAX: Duration = Duration::from_secs(3_600);
/// The largest threshold accepted (Route 53, `FailureThreshold`).
pub const THRESHOLD_MAX: u8 = 10;
