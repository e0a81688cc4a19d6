//! The log lines, one function each.
//!
//! Counts nothing and formats nothing: `logs` says where lines go. Invariant: each line has a field `event` and the
//! other fields that `catalog` lists for it.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use tracing::{error, info, warn};

use super::{Transition, catalog, status_word};
use crate::answer::Transport;
use crate::route53::access::Principal;
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

/// A health check changed its status; [`super::Telemetry::transition`] counts it too.
pub(super) fn transition(transition: Transition<'_>) {
    info!(
        event = catalog::TRANSITION.name,
        check = transition.check.as_str(),
        from = status_word(transition.from),
        to = status_word(transition.to),
        healthy = transition.healthy,
        because = transition.because,
        since = %transition.since,
        "{} is {}",
        transition.check,
        status_word(transition.to),
    );
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

/// A new configuration is in use.
pub fn reloaded(generation: u64, zones: usize, checks: usize) {
    info!(event = catalog::RELOADED.name, generation, zones, checks, "the new configuration is in use");
}

/// The configuration can't be used; `problems` says why, with files and lines.
pub fn reload_failed(problems: &dyn Display) {
    error!(event = catalog::RELOAD_FAILED.name, %problems, "the old configuration stays in use");
}

/// Somebody changed something through the Route 53 API; `edits` says what, one line each.
pub fn account_changed(who: &Principal, operation: &str, edits: &[String]) {
    let (key, edits) = (who.key_id.as_deref().unwrap_or_default(), edits.join("; "));
    let who = &*who.name;
    info!(event = catalog::ACCOUNT_CHANGED.name, who, key, operation, edits, "the account was changed");
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
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use jiff::Timestamp;
    use serde_json::{Map, Value};

    use super::super::logs::{self, Format};
    use super::*;
    use crate::health::table::Status;
    use crate::ids::HealthCheckId;
    use crate::route53::access::{Access, Zones};
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
            let check = HealthCheckId::new("fra").unwrap();
            let (from, to, since) = (Status::Unknown, Status::Healthy, Timestamp::UNIX_EPOCH);
            transition(Transition { check: &check, from, to, healthy: true, because: "200 OK", since });
            let (name, rtype) = (Name::parse("lb.example.net.", None).unwrap(), RecordType::A);
            let target = ExternalTarget { name, rtype };
            alias_resolved(&target, &Addresses::new(rtype, [[192, 0, 2, 1].into()]).unwrap());
            alias_gone(&target, "it does not exist");
            alias_failed(&target, "no answer");
            alias_dropped(&target, "3600 s old");
            reloaded(2, 1, 3);
            reload_failed(&"zones/a.toml:3: weight 300");
            let who = Principal { name: "ci".into(), key_id: None, access: Access::Write, zones: Zones::All };
            account_changed(&who, "DeleteHostedZone", &["deleted zone Z1".to_owned()]);
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
        let check = HealthCheckId::new("fra").unwrap();
        let lines = logged(|| {
            transition(Transition {
                check: &check,
                from: Status::Healthy,
                to: Status::Unhealthy,
                healthy: false,
                because: "connection refused",
                since: Timestamp::from_second(1_700_000_000).unwrap(),
            });
        });
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
}
