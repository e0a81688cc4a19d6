//! The log lines, one function each.
//!
//! Counts nothing and formats nothing: `logs` says where lines go. Invariant: each line has a field `event` and the
//! other fields that `catalog` lists for it.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use tracing::field::display;
use tracing::{error, info, warn};

use super::{Event, catalog};
use crate::answer::Transport;
use crate::health::observation::NotRun;
use crate::ids::HealthCheckId;
use crate::rate_limit::Limit;
use crate::zone::external::{Addresses, ExternalTarget};

/// Every socket is bound and queries are answered.
pub fn started(dns: &[SocketAddr], http: Option<SocketAddr>, workers: usize) {
    let dns = dns.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(" ");
    let http = http.map(|http| http.to_string()).unwrap_or_default();
    info!(event = catalog::STARTED.name, dns, http, workers, version = env!("CARGO_PKG_VERSION"), "answering queries");
}

/// The server was told to stop.
pub fn draining(because: &str) {
    info!(event = catalog::DRAINING.name, because, "draining");
}

/// The server has stopped.
pub fn drained(cut: usize) {
    info!(event = catalog::DRAINED.name, cut, "drained");
}

/// What happened; [`super::Telemetry::tell`] counts and publishes it too.
pub(super) fn tell(event: &Event) {
    match event {
        Event::HealthTransition { .. } | Event::HealthHold { .. } | Event::Signal { .. } => about_check(event),
        Event::Reloaded { .. } | Event::ReloadFailed { .. } | Event::AccountChanged { .. } => about_configuration(event),
        Event::Brake { brake, scope, engaged, because } => {
            let brake = brake.as_str();
            let held = if *engaged { "holds automation" } else { "is released" };
            warn!(event = catalog::BRAKE.name, brake, scope, engaged, because, "the brake {brake} of {scope} {held}");
        }
        Event::Override { id, change, action, target, author, reason, expires } => {
            let expires = expires.map(display);
            info!(
                event = catalog::OVERRIDE.name,
                id, change, action, target, author, reason, expires, "override {id} is {change}"
            );
        }
        Event::Failover { .. } | Event::Failback { .. } | Event::FailoverProposed { .. } | Event::FailoverRefused { .. } => {
            about_route(event);
        }
        Event::ClockStepped { by_ms } => warn!(event = catalog::CLOCK_STEPPED.name, by_ms, "the clock was set"),
    }
}

fn about_check(event: &Event) {
    match event {
        Event::HealthTransition { check, from, to, healthy, because, since } => {
            info!(event = catalog::TRANSITION.name, check, from, to, healthy, because, %since, "{check} is {to}");
        }
        Event::HealthHold { check, status, because, until } => {
            let until = until.map(display);
            info!(event = catalog::HOLD.name, check, status, because, until, "{check} stays {status}");
        }
        Event::Signal { check, state, author, reason, until } => {
            let until = until.map(display);
            info!(event = catalog::SIGNAL.name, check, state, author, reason, until, "{check} is told {state}");
        }
        _ => {}
    }
}

fn about_route(event: &Event) {
    match event {
        Event::Failover { route, member, by, because } => {
            info!(event = catalog::FAILOVER.name, route, member, by, because, "{member} leaves {route}");
        }
        Event::Failback { route, member, by, because } => {
            info!(event = catalog::FAILBACK.name, route, member, by, because, "{member} is back in {route}");
        }
        Event::FailoverProposed { route, member, because, until, default } => warn!(
            event = catalog::FAILOVER_PROPOSED.name,
            route, member, because, %until, default, "{member} is to leave {route}"
        ),
        Event::FailoverRefused { route, member, by } => {
            warn!(event = catalog::FAILOVER_REFUSED.name, route, member, by, "{member} stays in {route}");
        }
        _ => {}
    }
}

fn about_configuration(event: &Event) {
    match event {
        Event::Reloaded { generation, zones, checks } => {
            info!(event = catalog::RELOADED.name, generation, zones, checks, "the new configuration is in use");
        }
        Event::ReloadFailed { problems } => {
            error!(event = catalog::RELOAD_FAILED.name, problems, "the old configuration stays in use");
        }
        Event::AccountChanged { who, operation, key, edits } => {
            info!(event = catalog::ACCOUNT_CHANGED.name, who, key, operation, edits, "the account was changed");
        }
        _ => {}
    }
}

/// The probes of a check cannot be made.
pub fn probes_not_made(check: &HealthCheckId, because: &NotRun) {
    warn!(event = catalog::OBSTRUCTED.name, check = check.as_str(), %because, "{check} cannot be probed");
}

/// The probes of a check are made again.
pub fn probes_made_again(check: &HealthCheckId) {
    info!(event = catalog::UNOBSTRUCTED.name, check = check.as_str(), "{check} is probed again");
}

/// A name outside the zones has these addresses from now on.
pub fn alias_resolved(target: &ExternalTarget, addresses: &Addresses) {
    let (name, rtype) = words(target);
    info!(event = catalog::ALIAS_RESOLVED.name, target = name, r#type = rtype, %addresses, "{target} is resolved");
}

/// A name outside the zones has no address any more.
pub fn alias_gone(target: &ExternalTarget, because: &str) {
    let (name, rtype) = words(target);
    warn!(event = catalog::ALIAS_GONE.name, target = name, r#type = rtype, because, "{target} has no address");
}

/// A name outside the zones could not be resolved again.
pub fn alias_failed(target: &ExternalTarget, because: &str) {
    let (name, rtype) = words(target);
    warn!(event = catalog::ALIAS_FAILED.name, target = name, r#type = rtype, because, "{target} could not be resolved");
}

/// The last addresses of a name outside the zones are too old.
pub fn alias_dropped(target: &ExternalTarget, because: &str) {
    let (name, rtype) = words(target);
    warn!(event = catalog::ALIAS_DROPPED.name, target = name, r#type = rtype, because, "{target} is not known any more");
}

fn words(target: &ExternalTarget) -> (String, String) {
    (target.name.to_string(), target.rtype.to_string())
}

/// Responses to a network are over a limit.
pub(crate) fn rate_limit_began(network: IpNet, limit: Limit, name: &str, dry_run: bool) {
    let (limit, would) = (limit.word(), if dry_run { "would be" } else { "are" });
    warn!(event = catalog::RATE_LIMIT_BEGAN.name, %network, limit, name, dry_run, "responses to {network} {would} limited");
}

/// They were not for a while.
pub(crate) fn rate_limit_ended(network: IpNet, limit: Limit, lasted: Duration) {
    let (limit, lasted_secs) = (limit.word(), lasted.as_secs());
    info!(event = catalog::RATE_LIMIT_ENDED.name, %network, limit, lasted_secs, "{network} is within the limit");
}

/// Queries are received and not answered.
pub(crate) fn shedding_began(waiting: u64, wait: Duration) {
    let wait_ms = wait.as_millis() as u64;
    warn!(event = catalog::SHEDDING_BEGAN.name, waiting, wait_ms, "too many queries wait: the oldest are not answered");
}

/// Every query is answered again.
pub(crate) fn shedding_ended(shed: u64, kernel_dropped: u64) {
    info!(event = catalog::SHEDDING_ENDED.name, shed, kernel_dropped, "every query that is received is answered again");
}

/// No more connections can be accepted for now.
pub(crate) fn accept_paused(error: &io::Error) {
    warn!(event = catalog::ACCEPT_PAUSED.name, %error, "accepting TCP connections pauses");
}

/// A query log cannot be written.
pub(super) fn query_log_failed(file: &Path, error: &io::Error) {
    warn!(event = catalog::QUERY_LOG_FAILED.name, file = %file.display(), %error, "a query log cannot be written");
}

/// A query log is written again.
pub(super) fn query_log_resumed(file: &Path) {
    info!(event = catalog::QUERY_LOG_RESUMED.name, file = %file.display(), "a query log is written again");
}

/// Verdicts and histories cannot be written.
pub fn store_failed(error: &dyn Display) {
    error!(event = catalog::STORE_FAILED.name, %error, "the store cannot be written");
}

/// The store is written again.
pub fn store_resumed() {
    info!(event = catalog::STORE_RESUMED.name, "the store is written again");
}

/// Something that deserves a look, in words.
pub fn warning(warning: &str) {
    warn!(event = catalog::WARNED.name, warning, "attention");
}

/// Answering a message panicked.
pub(crate) fn panicked(transport: Transport) {
    error!(event = catalog::PANICKED.name, ?transport, "a message could not be answered because of a defect");
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use jiff::Timestamp;
    use serde_json::{Map, Value};

    use super::super::logs::{self, Format};
    use super::*;
    use crate::health::board;
    use crate::health::brakes::Brake;
    use crate::health::table::Status;
    use crate::route53::access::{Access, Principal, Zones};
    use crate::wire::name::Name;
    use crate::wire::rtype::RecordType;

    /// What is logged, as JSON, while `emit` runs.
    fn logged(emit: impl FnOnce()) -> Vec<Map<String, Value>> {
        let (reader, writer) = io::pipe().unwrap();
        let subscriber = logs::subscriber(Format::Json, "info", Arc::new(writer)).unwrap();
        tracing::subscriber::with_default(subscriber, emit);
        let text = io::read_to_string(reader).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn the_catalog_lists_every_line_with_its_level_and_fields() {
        let lines = logged(|| {
            let address = "127.0.0.1:53".parse().unwrap();
            started(&[address, address], Some(address), 2);
            draining("SIGTERM");
            drained(0);
            every_event().iter().for_each(tell);
            let check = HealthCheckId::new("fra").unwrap();
            probes_not_made(&check, &NotRun::NoRoute("network is unreachable".into()));
            probes_made_again(&check);
            let (name, rtype) = (Name::parse("lb.example.net.", None).unwrap(), RecordType::A);
            let target = ExternalTarget { name, rtype };
            alias_resolved(&target, &Addresses::new(rtype, [[192, 0, 2, 1].into()]).unwrap());
            alias_gone(&target, "it does not exist");
            alias_failed(&target, "no answer");
            alias_dropped(&target, "3600 s old");
            let network = "192.0.2.0/24".parse().unwrap();
            rate_limit_began(network, Limit::NxDomains, "example.org.", true);
            rate_limit_ended(network, Limit::NxDomains, Duration::from_secs(60));
            shedding_began(9_000, Duration::from_millis(700));
            shedding_ended(8_000, 100);
            accept_paused(&io::Error::from_raw_os_error(libc::EMFILE));
            query_log_failed(Path::new("logs/a.log"), &io::Error::from_raw_os_error(libc::ENOSPC));
            query_log_resumed(Path::new("logs/a.log"));
            store_failed(&"no space left on device");
            store_resumed();
            warning("the configuration deserves a look");
            panicked(Transport::Udp);
        });
        let describe =
            |level: &str, fields: Vec<&str>| (level.to_owned(), fields.iter().map(|field| field.to_string()).collect());
        let found: BTreeMap<String, (String, Vec<String>)> = lines
            .iter()
            .map(|line| {
                let mut fields: Vec<&str> = line
                    .keys()
                    .map(String::as_str)
                    .filter(|key| !["event", "level", "message", "timestamp"].contains(key))
                    .collect();
                fields.sort_unstable();
                (line["event"].as_str().unwrap().to_owned(), describe(line["level"].as_str().unwrap(), fields))
            })
            .collect();
        let listed = catalog::EVENTS.iter().map(|event| {
            let mut fields = event.fields.to_vec();
            fields.sort_unstable();
            (event.name.to_owned(), describe(event.level, fields))
        });
        assert_eq!(found, listed.collect());
    }

    #[test]
    fn a_transition_says_from_what_to_what_and_why() {
        let transition = board::Event {
            id: HealthCheckId::new("fra").unwrap(),
            from: Status::Healthy,
            to: Status::Unhealthy,
            healthy: false,
            because: "connection refused".into(),
            since: Timestamp::from_second(1_700_000_000).unwrap(),
        };
        let lines = logged(|| tell(&Event::from(&transition)));
        let expected = [
            ("check", "fra".into()),
            ("from", "healthy".into()),
            ("to", "unhealthy".into()),
            ("healthy", false.into()),
            ("because", "connection refused".into()),
            ("since", "2023-11-14T22:13:20Z".into()),
            ("message", "fra is unhealthy".into()),
        ];
        for (field, value) in expected {
            assert_eq!(lines[0][field], Value::clone(&value), "{field}");
        }
    }

    /// One event of each kind, with all that it may have.
    fn every_event() -> Vec<Event> {
        let (at, text) = (Timestamp::UNIX_EPOCH, str::to_owned);
        let who = Principal { name: "ci".into(), key_id: None, access: Access::Write, zones: Zones::All };
        vec![
            Event::HealthTransition {
                check: text("fra"),
                from: "unknown",
                to: "healthy",
                healthy: true,
                because: "200 OK".into(),
                since: at,
            },
            Event::HealthHold { check: text("fra"), status: "unhealthy", because: text("it flaps"), until: Some(at) },
            Event::Brake { brake: Brake::FleetVelocity, scope: text("fra"), engaged: true, because: text("5 in a minute") },
            Event::Override {
                id: 7,
                change: "made",
                action: "drain",
                target: text("check:fra"),
                author: text("ops"),
                reason: text("moving racks"),
                expires: Some(at),
            },
            Event::Failover { route: text("www"), member: text("fra"), by: "operator", because: text("refused") },
            Event::Failback { route: text("www"), member: text("fra"), by: "deadline", because: text("healthy for 5 min") },
            Event::FailoverProposed {
                route: text("www"),
                member: text("fra"),
                because: text("refused"),
                until: at,
                default: true,
            },
            Event::FailoverRefused { route: text("www"), member: text("fra"), by: "operator" },
            Event::Signal {
                check: text("alarm"),
                state: text("ALARM"),
                author: text("ops"),
                reason: text("queue too long"),
                until: Some(at),
            },
            Event::ClockStepped { by_ms: -3_600_000 },
            Event::Reloaded { generation: 2, zones: 1, checks: 3 },
            Event::ReloadFailed { problems: text("zones/a.toml:3: weight 300") },
            Event::account_changed(&who, "DeleteHostedZone", &[text("deleted zone Z1")]),
        ]
    }

    #[test]
    fn the_catalog_lists_what_is_streamed_as_it_is_logged() {
        let told = every_event();
        let found: Vec<_> = told
            .iter()
            .map(|event| {
                let Value::Object(mut told) = serde_json::to_value(event).unwrap() else { panic!("{event:?}") };
                let name = told.remove("event").unwrap();
                assert_eq!(name, event.kind().name);
                let logged = logged(|| tell(event)).remove(0);
                assert!(told.iter().all(|(field, value)| logged[field] == *value), "{told:?} is logged as {logged:?}");
                (name.as_str().unwrap().to_owned(), told.into_iter().map(|(field, _)| field).collect::<BTreeSet<_>>())
            })
            .collect();
        let listed = catalog::STREAMED.iter().map(|(kind, fields)| {
            assert!(fields.iter().all(|field| kind.fields.contains(field)));
            (kind.name.to_owned(), fields.iter().map(|field| field.to_string()).collect())
        });
        assert_eq!(found, listed.collect::<Vec<_>>());
    }
}
