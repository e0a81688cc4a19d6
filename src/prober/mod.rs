//! Probes: one attempt at one endpoint, and the runner that makes them all.
//!
//! Not where outcomes are judged: an attempt becomes an `Observation`, and `health` decides. Every phase has its
//! deadline, so a probe always ends. Invariant: an outcome blames the endpoint only for what the endpoint did; what
//! fails on this side is `NotRun`. Source: Route 53 developer guide, "How Route 53 determines whether a health check
//! is healthy"; the differences are listed in `docs/health.md`.

pub mod runner;

mod certificate;
mod command;
mod connect;
mod dial;
mod dns;
mod exchange;
mod grpc;
mod http;
mod icmp;
mod mysql;
mod postgres;
mod redis;
mod resolve;
mod roles;
mod tls;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;

use self::dial::Way;
use crate::clock;
use crate::config::COMMANDS_MAX;
use crate::health::check::{EndpointCheck, Target, TargetHost};
use crate::health::observation::{Observation, Outcome, Passed};
use crate::health::protocol::Protocol;
use crate::health::timing::Deadlines;
use crate::ids::HealthCheckId;
use crate::resolver::NameServers;

/// Makes probes. One serves all checks; it holds what they share: trust anchors, the resolver, and places for commands.
pub struct Prober {
    tls: tls::Tls,
    resolver: resolve::Resolver,
    commands: command::Commands,
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
    /// When the certificate that the endpoint showed expires.
    pub certificate_not_after: Option<Timestamp>,
}

/// One step of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// `resolve`, `connect`, `tls`, `status`, `body`, `query`, `echo`, `call`, `login`, `wait` or `run`.
    pub name: &'static str,
    pub took: Duration,
}

impl Prober {
    /// A prober, and what is wrong with its surroundings; each line says what will not work.
    pub fn new(trust: Trust, name_servers: &NameServers) -> (Self, Vec<String>) {
        let mut warnings = Vec::new();
        let tls = tls::Tls::new(trust, &mut warnings);
        let resolver = resolve::Resolver::new(name_servers, &mut warnings);
        (Self { tls, resolver, commands: command::Commands::new(COMMANDS_MAX) }, warnings)
    }

    /// The same, which runs at most `max` commands at a time; with 0 it runs none.
    pub fn with_commands_max(self, max: usize) -> Self {
        Self { commands: command::Commands::new(max), ..self }
    }

    /// Probes once. `id` is told to the endpoint, in the User-Agent.
    pub async fn probe(&self, id: &HealthCheckId, check: &EndpointCheck) -> ProbeReport {
        let mut log = Log::begin();
        let outcome = match self.attempt(id, check, &mut log).await {
            Ok(passed) => Outcome::Passed(passed),
            Err(outcome) => outcome,
        };
        let observation = Observation { at: clock::now(), outcome };
        ProbeReport {
            phases: log.phases,
            address: log.address,
            certificate_not_after: log.certificate_not_after,
            ..ProbeReport::of(observation)
        }
    }

    async fn attempt(&self, id: &HealthCheckId, check: &EndpointCheck, log: &mut Log) -> Result<Passed, Outcome> {
        let deadlines = check.timing.deadlines;
        let address = self.address(&check.target, deadlines, log).await?;
        // Where a command connects to is its own affair.
        log.address = Some(address).filter(|_| !matches!(check.protocol, Protocol::Command(_)));
        let way = Way { address, via: check.via, tls: None, alpn: &[], deadlines };
        match &check.protocol {
            Protocol::Tcp => way.connect(log).await.map(|_| Passed::Connected),
            Protocol::Http(request) => http::ask(self, way, request, id, deadlines, log).await,
            Protocol::Https(request, tls) => http::ask(self, Way { tls: Some(tls), ..way }, request, id, deadlines, log).await,
            Protocol::Tls(tls) => {
                let alpn: Vec<&str> = tls.alpn.iter().map(String::as_str).collect();
                self.dial(&Way { tls: Some(&tls.tls), alpn: &alpn, ..way }, log).await.map(|_| Passed::Secured)
            }
            Protocol::Dns(query) => dns::ask(address, check.via, query, deadlines, log).await,
            Protocol::Icmp => icmp::ask(address.ip(), check.via.source, deadlines.connect, log).await,
            Protocol::Grpc(call) => grpc::ask(self, Way { tls: call.tls.as_ref(), ..way }, call, deadlines.status, log).await,
            Protocol::Role(role) => {
                let (stream, secure_by) = way.connect(log).await?;
                roles::Session { tls: &self.tls, role, address, deadlines, secure_by }.ask(stream, log).await
            }
            Protocol::Command(command) => {
                self.commands.run(command, id, &check.target, address.ip(), deadlines.connect, log).await
            }
        }
    }

    /// The address of a target, resolved where it is a name.
    async fn address(&self, target: &Target, deadlines: Deadlines, log: &mut Log) -> Result<SocketAddr, Outcome> {
        match &target.host {
            TargetHost::Address(address) => Ok(SocketAddr::new(*address, target.port)),
            TargetHost::Name(name) => {
                let resolved = self.resolver.resolve(name, deadlines.resolve()).await;
                log.end("resolve");
                Ok(SocketAddr::new(resolved?, target.port))
            }
        }
    }
}

impl ProbeReport {
    /// A report of nothing but how it ended.
    pub fn of(observation: Observation) -> Self {
        Self { observation, phases: Vec::new(), address: None, certificate_not_after: None }
    }
}

/// What is noted while a probe runs.
struct Log {
    phases: Vec<Phase>,
    phase_began: Instant,
    address: Option<SocketAddr>,
    certificate_not_after: Option<Timestamp>,
}

impl Log {
    fn begin() -> Self {
        Self { phases: Vec::new(), phase_began: clock::monotonic(), address: None, certificate_not_after: None }
    }

    /// Ends a phase, well or badly; the next begins.
    fn end(&mut self, name: &'static str) {
        let now = clock::monotonic();
        self.phases.push(Phase { name, took: now - self.phase_began });
        self.phase_began = now;
    }
}
