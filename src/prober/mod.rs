//! Probes: one attempt at one endpoint, and the runner that makes them all.
//!
//! Not where outcomes are judged: an attempt becomes an `Observation`, and `health` decides. Every phase has its
//! deadline, so a probe always ends. Invariant: an outcome blames the endpoint only for what the endpoint did; what
//! fails on this side is `NotRun`. Source: Route 53 developer guide, "How Route 53 determines whether a health check
//! is healthy"; the differences are listed in `docs/health.md`.

pub mod runner;

mod connect;
mod http;
mod resolve;
mod tls;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use tokio::time::{timeout, timeout_at};

use crate::clock;
use crate::health::check::{EndpointCheck, TargetHost};
use crate::health::observation::{Failure, Observation, Outcome, Passed};
use crate::health::protocol::Protocol;
use crate::health::timing::Deadlines;
use crate::ids::HealthCheckId;
use crate::resolver::NameServers;

/// Makes probes. One serves all checks; it holds what they share: trust anchors and the resolver.
pub struct Prober {
    tls: tls::Tls,
    resolver: resolve::Resolver,
}

/// Which authorities vouch for the endpoints' certificates.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The system's; `SSL_CERT_FILE` and `SSL_CERT_DIR` say otherwise.
    System,
    Only(Vec<CertificateDer<'static>>),
}

/// What one probe saw, and how long each phase took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeReport {
    pub observation: Observation,
    /// In the order they ran; the last is the one that failed, if one did.
    pub phases: Vec<Phase>,
    /// What was connected to, once that was known.
    pub address: Option<SocketAddr>,
    /// Until when the certificate that was shown is valid.
    pub certificate_not_after: Option<Timestamp>,
}

/// One step of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// `resolve`, `connect`, `tls`, `status` or `body`.
    pub name: &'static str,
    pub took: Duration,
}

impl Prober {
    /// A prober, and what is wrong with its surroundings; each line says what will not work.
    pub fn new(trust: Trust, name_servers: &NameServers) -> (Self, Vec<String>) {
        let mut warnings = Vec::new();
        let tls = tls::Tls::new(trust, &mut warnings);
        let resolver = resolve::Resolver::new(name_servers, &mut warnings);
        (Self { tls, resolver }, warnings)
    }

    /// Probes once. `id` is told to the endpoint, in the User-Agent.
    pub async fn probe(&self, id: &HealthCheckId, check: &EndpointCheck) -> ProbeReport {
        let mut log = Log { phases: Vec::new(), phase_began: clock::monotonic(), address: None };
        let outcome = match self.attempt(id, check, &mut log).await {
            Ok(passed) => Outcome::Passed(passed),
            Err(outcome) => outcome,
        };
        let observation = Observation { at: clock::now(), outcome };
        ProbeReport { observation, phases: log.phases, address: log.address, certificate_not_after: None }
    }

    async fn attempt(&self, id: &HealthCheckId, check: &EndpointCheck, log: &mut Log) -> Result<Passed, Outcome> {
        let address = self.address(check, log).await?;
        log.address = Some(address);
        let limit = check.timing.deadlines.connect;
        let connect_by = clock::monotonic() + limit;
        let connected = timeout(limit, connect::connect(address)).await;
        log.end("connect");
        let stream = connected.map_err(|_| Failure::ConnectTimeout(limit))??;
        match &check.protocol {
            Protocol::Tcp => Ok(Passed::Connected),
            Protocol::Http(request) => http::ask(stream, request, id, check.timing.deadlines, log).await,
            Protocol::Https { request, server_name, verify } => {
                let (limit, secure_by) = match check.timing.deadlines.tls {
                    Some(tls) => (tls, clock::monotonic() + tls),
                    None => (limit, connect_by),
                };
                let handshake = self.tls.connect(stream, address, server_name.as_deref(), *verify);
                let secured = timeout_at(secure_by.into(), handshake).await;
                log.end("tls");
                let stream = secured.map_err(|_| Failure::TlsTimeout(limit))??;
                http::ask(stream, request, id, check.timing.deadlines, log).await
            }
        }
    }

    async fn address(&self, check: &EndpointCheck, log: &mut Log) -> Result<SocketAddr, Outcome> {
        let port = check.target.port;
        match &check.target.host {
            TargetHost::Address(address) => Ok(SocketAddr::new(*address, port)),
            TargetHost::Name(name) => {
                let Deadlines { connect, tls, .. } = check.timing.deadlines;
                // A deadline that is short for one connection would be unfair to a resolver that has to ask around.
                let resolved = self.resolver.resolve(name, connect.max(tls.unwrap_or_default())).await;
                log.end("resolve");
                Ok(SocketAddr::new(resolved?, port))
            }
        }
    }
}

/// What is noted while a probe runs.
struct Log {
    phases: Vec<Phase>,
    phase_began: Instant,
    address: Option<SocketAddr>,
}

impl Log {
    /// Ends a phase, well or badly; the next begins.
    fn end(&mut self, name: &'static str) {
        let now = clock::monotonic();
        self.phases.push(Phase { name, took: now - self.phase_began });
        self.phase_began = now;
    }
}
