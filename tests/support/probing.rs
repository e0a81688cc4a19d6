//! One probe, made here and now, and what it said.

#![allow(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use waypost::health::check::{EndpointCheck, Target, TargetHost};
use waypost::health::protocol::Protocol;
use waypost::health::role::{Encryption, Engine, Role, RoleCheck};
use waypost::health::timing::{Deadlines, Thresholds, Timing};
use waypost::ids::HealthCheckId;
use waypost::prober::{ProbeReport, Prober, Trust};
use waypost::resolver::NameServers;

/// Long enough for loopback on a loaded machine.
pub const PATIENT: Duration = Duration::from_secs(20);
/// For what never comes.
pub const SHORT: Duration = Duration::from_millis(150);

pub const PATIENTLY: Deadlines = Deadlines { connect: PATIENT, tls: None, status: PATIENT, body: PATIENT };

/// A prober that trusts these authorities alone.
pub fn prober(authorities: Vec<CertificateDer<'static>>) -> Prober {
    Prober::new(Trust::Only(authorities), &NameServers::Only(vec![SocketAddr::from(([127, 0, 0, 1], 53))])).0
}

pub fn id() -> HealthCheckId {
    HealthCheckId::new("web-fra").unwrap()
}

pub fn endpoint(address: SocketAddr, protocol: Protocol, deadlines: Deadlines) -> EndpointCheck {
    let thresholds = Thresholds { fall: NonZeroU8::MIN, rise: NonZeroU8::MIN };
    let target = Target { host: TargetHost::Address(address.ip()), port: address.port() };
    EndpointCheck::plain(target, protocol, Timing::plain(PATIENT, deadlines, thresholds))
}

/// Probes once, with all patience.
pub async fn probe(prober: &Prober, address: SocketAddr, protocol: Protocol) -> ProbeReport {
    prober.probe(&id(), &endpoint(address, protocol, PATIENTLY)).await
}

/// A check of a primary without a password, unencrypted, by a user `waypost`, or Redis's own.
pub fn role(engine: Engine) -> RoleCheck {
    let user = if engine == Engine::Redis { "default" } else { "waypost" };
    RoleCheck { engine, wanted: Role::Primary, user: user.into(), password_file: None, encryption: Encryption::Off }
}

/// The outcome's words, the names of the phases, and the code.
pub fn told(report: &ProbeReport) -> (String, String, &'static str) {
    let phases: Vec<&str> = report.phases.iter().map(|phase| phase.name).collect();
    (report.observation.outcome.to_string(), phases.join(" "), report.observation.outcome.code())
}
