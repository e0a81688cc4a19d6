//! What a scrape shows of what happened.

use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::time::Duration;

use jiff::Timestamp;

use super::super::catalog::METRICS;
use super::*;
use crate::health::board;
use crate::health::check::{CheckKind, EndpointCheck, HealthCheck, Target, TargetHost};
use crate::health::observation::{Failure, Observation};
use crate::health::protocol::Protocol;
use crate::health::table::{HealthTable, Seen, Verdict};
use crate::health::timing::{Deadlines, Thresholds, Timing};
use crate::ids::HealthCheckId;
use crate::snapshot::Snapshot;
use crate::telemetry::{Event, Probed};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::external::{Addresses, Externals, Resolved};

fn scraper() -> (Arc<Telemetry>, Scraper) {
    let telemetry = Arc::new(Telemetry::new());
    let since = Timestamp::from_second(1_700_000_000).unwrap();
    let verdict = |id, status, healthy| Verdict { healthy, ..Verdict::plain(id, status, since, "".into()) };
    let health = HealthTable::new(vec![
        verdict(check("fra"), Status::Unhealthy, false),
        verdict(check("a\"b\\c\nd"), Status::Unknown, true),
    ]);
    let externals = Externals::unresolved([target()].into()).with(|_, target| {
        let addresses = Addresses::new(target.rtype, [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()]).unwrap();
        let stale = Some("no answer".into());
        Known::Addresses(Resolved { addresses: Arc::new(addresses), ttl_secs: 30, at: since, age_secs: 60, stale })
    });
    let (health, externals) = (Arc::new(health), Arc::new(externals));
    let snapshot = Snapshot { health, externals, generation: 7, ..Snapshot::default() };
    let scraper = Scraper::new(telemetry.clone(), Arc::new(Published::new(snapshot)));
    (telemetry, scraper)
}

fn target() -> ExternalTarget {
    ExternalTarget { name: Name::parse("lb.example.net.", None).unwrap(), rtype: RecordType::A }
}

/// The configuration: one check.
fn checks() -> BTreeMap<HealthCheckId, HealthCheck> {
    let second = Duration::from_secs(1);
    let deadlines = Deadlines { connect: second, tls: None, status: second, body: second };
    let thresholds = Thresholds { fall: NonZeroU8::MIN, rise: NonZeroU8::MIN };
    let target = Target { host: TargetHost::Address([192, 0, 2, 1].into()), port: 80 };
    let timing = Timing::plain(second, deadlines, thresholds);
    let kind = CheckKind::Endpoint(Box::new(EndpointCheck::plain(target, Protocol::Tcp, timing)));
    BTreeMap::from([(check("fra"), HealthCheck::plain(check("fra"), kind))])
}

fn probe(telemetry: &Telemetry, id: &str, passed: bool, millis: u64) {
    let certificate_not_after = Some(Timestamp::from_second(1_700_000_000).unwrap());
    let phases = &[("connect", Duration::from_millis(millis))];
    telemetry.probed(&check(id), &Probed { passed, phases, certificate_not_after });
}

/// The check becomes unhealthy from unknown, long ago.
fn fail(telemetry: &Telemetry, id: &str) {
    change(telemetry, id, Status::Unknown, Status::Unhealthy, 0);
}

fn change(telemetry: &Telemetry, id: &str, from: Status, to: Status, secs: i64) {
    let (id, healthy, since) = (check(id), to != Status::Unhealthy, at(secs));
    let event = board::Event { id, from, to, healthy, because: "as the test has it".into(), since };
    telemetry.tell(since, (&event).into());
    telemetry.histories().record(&[event]);
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(secs).unwrap()
}

#[test]
fn a_check_that_comes_back_soon_has_flapped() {
    use Status::{Healthy, Unhealthy, Unknown};
    let changes = [
        (Unknown, Healthy, 0, 0),
        (Healthy, Unhealthy, 60, 0),
        (Unhealthy, Healthy, 120, 1),
        (Healthy, Unhealthy, 600, 2),
        (Unhealthy, Unknown, 700, 2),
        (Unknown, Unhealthy, 800, 3),
        (Unhealthy, Healthy, 1_401, 3),
        (Healthy, Unhealthy, 2_002, 3),
    ];
    let (telemetry, scraper) = scraper();
    for (from, to, secs, flaps) in changes {
        change(&telemetry, "fra", from, to, secs);
        let line = format!(r#"waypost_health_flaps_total{{check="fra"}} {flaps}"#);
        assert!(scraper.render(at(3_600)).lines().any(|found| found == line), "{line} after {from} -> {to} at {secs}");
    }
}

#[test]
fn a_reason_is_a_code_of_what_the_probes_saw() {
    let (telemetry, _) = scraper();
    let failure = Observation { at: at(0), outcome: Failure::Refused.into() };
    let seen = Seen { last: None, last_failure: Some(Arc::new(failure)) };
    let plain = checks();
    let with = |change: fn(&mut HealthCheck)| {
        let mut checks = checks();
        change(checks.get_mut(&check("fra")).unwrap());
        checks
    };
    let inverted = with(|check| check.inverted = true);
    let disabled = with(|check| check.disabled = true);
    let parent = with(|check| check.kind = CheckKind::Calculated { children: Vec::new(), health_threshold: 0 });
    for (checks, status, expected) in [
        (&plain, Status::Unhealthy, "refused"),
        (&plain, Status::Healthy, "passed"),
        (&plain, Status::Unknown, "unknown"),
        (&inverted, Status::Healthy, "refused"),
        (&inverted, Status::Unhealthy, "passed"),
        (&disabled, Status::Healthy, "disabled"),
        (&parent, Status::Unhealthy, "calculated"),
    ] {
        telemetry.configure(checks, at(0));
        let verdict = Verdict { healthy: true, ..Verdict::plain(check("fra"), status, at(0), "".into()) };
        assert_eq!(lock(&telemetry.checks).by_id[&check("fra")].reason(&verdict, &seen), expected, "{status}");
    }
}

fn check(id: &str) -> HealthCheckId {
    HealthCheckId::new(id).unwrap()
}

#[test]
fn the_catalog_lists_every_family_with_its_labels() {
    let (telemetry, scraper) = scraper();
    telemetry.configure(&checks(), Timestamp::UNIX_EPOCH);
    probe(&telemetry, "fra", true, 3);
    fail(&telemetry, "fra");
    telemetry.looked_up(&target(), LookupResult::Failed);
    let text = scraper.render(at(3_600));
    let families: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert_eq!(families.len(), METRICS.len(), "{text}");
    for metric in METRICS {
        let prefix = format!("{}{}", metric.name, if metric.kind == Kind::Histogram { "_sum" } else { "" });
        let line = text
            .lines()
            .find(|line| line.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with(['{', ' '])))
            .unwrap_or_else(|| panic!("{} has no series in\n{text}", metric.name));
        for label in metric.labels {
            assert!(line.contains(&format!("{label}=\"")), "{line} lacks {label}");
        }
    }
}

#[test]
fn health_is_what_is_published() {
    let (_, scraper) = scraper();
    let text = scraper.render(at(3_600));
    for line in [
        r#"waypost_health_status{check="fra"} 0"#,
        r#"waypost_health_known{check="fra"} 1"#,
        r#"waypost_health_since_timestamp_seconds{check="fra"} 1700000000"#,
        r#"waypost_health_status{check="a\"b\\c\nd"} 1"#,
        r#"waypost_health_known{check="a\"b\\c\nd"} 0"#,
        "waypost_snapshot_generation 7",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn names_outside_the_zones_are_what_is_published_and_forgotten_with_their_aliases() {
    let (telemetry, scraper) = scraper();
    telemetry.looked_up(&target(), LookupResult::Failed);
    let text = scraper.render(at(3_600));
    for line in [
        r#"waypost_alias_target_lookups_total{target="lb.example.net.",type="A",result="addresses"} 0"#,
        r#"waypost_alias_target_lookups_total{target="lb.example.net.",type="A",result="failed"} 1"#,
        r#"waypost_alias_target_addresses{target="lb.example.net.",type="A"} 2"#,
        r#"waypost_alias_target_stale{target="lb.example.net.",type="A"} 1"#,
        r#"waypost_alias_target_resolved_timestamp_seconds{target="lb.example.net.",type="A"} 1700000000"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    telemetry.keep_targets(&[]);
    assert!(!scraper.render(at(3_600)).contains("lookups_total{"));
}

#[test]
fn what_happens_is_counted_and_forgotten_checks_are_not_shown() {
    let (telemetry, scraper) = scraper();
    telemetry.configure(&checks(), Timestamp::UNIX_EPOCH);
    probe(&telemetry, "fra", true, 3);
    probe(&telemetry, "fra", false, 300);
    probe(&telemetry, "iad", true, 3);
    fail(&telemetry, "fra");
    let because = "it flaps".to_owned();
    telemetry.tell(at(0), Event::HealthHold { check: "fra".to_owned(), status: "unhealthy", because, until: None });
    for engaged in [true, false] {
        let (scope, because) = ("server".to_owned(), "5 in a minute".to_owned());
        telemetry.tell(at(0), Event::Brake { brake: Brake::FleetVelocity, scope, engaged, because });
    }
    telemetry.reloaded(Timestamp::from_second(1_700_000_005).unwrap());
    telemetry.reload_failed();
    telemetry.connections().refused(Refused::Total);
    telemetry.connections().opened().closed(Closed::Garbage);
    let open = telemetry.connections().opened();
    telemetry.configure(&checks(), Timestamp::UNIX_EPOCH);
    let text = scraper.render(at(3_600));
    for line in [
        r#"waypost_probes_total{check="fra",result="passed"} 1"#,
        r#"waypost_probes_total{check="fra",result="failed"} 1"#,
        r#"waypost_probe_duration_seconds_count{check="fra"} 2"#,
        r#"waypost_probe_duration_seconds_bucket{le="0.005",check="fra"} 1"#,
        r#"waypost_health_transitions_total{check="fra",to="unhealthy"} 1"#,
        r#"waypost_health_holds_total{check="fra"} 1"#,
        r#"waypost_health_flaps_total{check="fra"} 0"#,
        r#"waypost_health_reason{check="fra",code="failed"} 1"#,
        r#"waypost_brakes_total{brake="fleet_velocity"} 1"#,
        r#"waypost_brakes_total{brake="rule"} 0"#,
        r#"waypost_probe_phase_seconds_count{type="tcp",phase="connect"} 2"#,
        r#"waypost_certificate_expires_timestamp_seconds{check="fra"} 1700000000"#,
        r#"waypost_health_uptime_ratio{check="fra",window="365d"} 0.0"#,
        r#"waypost_reloads_total{result="success"} 1"#,
        r#"waypost_reloads_total{result="failure"} 1"#,
        "waypost_last_reload_timestamp_seconds 1700000005",
        "waypost_last_reload_success 0",
        r#"waypost_tcp_connections_refused_total{cap="total"} 1"#,
        r#"waypost_tcp_connections_closed_total{reason="garbage"} 1"#,
        "waypost_tcp_connections_accepted_total 2",
        "waypost_tcp_connections 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("iad"), "{text}");
    drop(open);
    assert!(scraper.render(at(3_600)).contains("waypost_tcp_connections 0\n"));
}
