//! Every metric and event by name: the one list that the code emits from and `docs/operations.md` repeats.
//!
//! Counts nothing. Invariant: what a scrape or a log line shows is listed here, and the other way round (tests in
//! `scrape` and `events`); the page's tables are equal to [`metrics_table`] and [`events_table`] (`tests/server/admin.rs`).

use std::fmt::Write;

/// One metric family.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// As Prometheus shows it.
    pub name: &'static str,
    pub kind: Kind,
    /// In the order of the values that `scrape` gives.
    pub labels: &'static [&'static str],
    pub meaning: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

/// One kind of event, which is a kind of log line.
#[derive(Debug, PartialEq, Eq)]
pub struct EventKind {
    /// The field `event` of the line.
    pub name: &'static str,
    pub level: &'static str,
    pub fields: &'static [&'static str],
    pub meaning: &'static str,
}

macro_rules! metrics {
    ($($id:ident = $kind:ident $name:literal [$($label:literal),*] $meaning:literal;)+) => {
        $(pub const $id: Metric = Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], meaning: $meaning };)+

        /// Every metric, in the order of the page.
        pub const METRICS: &[&Metric] = &[$(&$id),+];
    };
}

macro_rules! events {
    ($($id:ident = $level:ident $name:literal [$($field:literal),*] $meaning:literal;)+) => {
        $(pub const $id: EventKind = EventKind {
            name: $name, level: stringify!($level), fields: &[$($field),*], meaning: $meaning,
        };)+

        /// Every event, in the order of the page.
        pub const EVENTS: &[&EventKind] = &[$(&$id),+];
    };
}

metrics! {
    QUERIES = Counter "waypost_queries_total" ["transport", "family"]
        "Messages that were read, well-formed or not, by transport (`udp`, `tcp`) and address family (`ipv4`, `ipv6`)";
    RESPONSES = Counter "waypost_responses_total" ["transport", "rcode"]
        "Responses, by response code; codes above 23 as `other`";
    DROPPED = Counter "waypost_dropped_total" ["transport", "reason"]
        "Messages without a response: `unanswerable` (a response, or too short), `port_zero`, `oversize` (a datagram above 4,096 octets), `unsent` (the kernel refused the reply), `panicked` (a defect: please report it), `rate_limited`, `shed` (who asked had given up)";
    MALFORMED = Counter "waypost_malformed_total" ["transport", "kind"]
        "Malformed messages, answered or not, by what was wrong first";
    TRUNCATED = Counter "waypost_truncated_total" ["transport"]
        "Responses with TC set, which make the client ask again over TCP";
    QTYPES = Counter "waypost_query_types_total" ["transport", "qtype"]
        "Queries by type; rare types as `other`, messages without a readable question as `none`";
    RATE_LIMITED = Counter "waypost_rate_limited_total" ["limit", "action"]
        "Responses over UDP that were over a limit: `responses`, `nodata`, `nxdomains`, `referrals`, `errors`, `all`; they were `dropped`, `slipped` (sent as TC or BADCOOKIE) or, in a dry run, sent all the same (`dry_run`)";
    KERNEL_DROPPED = Counter "waypost_udp_kernel_dropped_total" []
        "Datagrams that the kernel dropped because a socket's receive buffer was full (few: for wrong checksums)";
    RECEIVE_FAILURES = Counter "waypost_udp_receive_failures_total" []
        "Receives that failed for another reason than having nothing to read";
    QUERY_LOG = Counter "waypost_query_log_lines_total" ["result"]
        "Lines of query logs, by what became of them: `written`, `dropped` (too many were waiting for the disk), `failed` (the file would not take them)";
    CONNECTIONS = Gauge "waypost_tcp_connections" []
        "TCP connections that are open";
    CONNECTIONS_ACCEPTED = Counter "waypost_tcp_connections_accepted_total" []
        "TCP connections that were admitted";
    CONNECTIONS_REFUSED = Counter "waypost_tcp_connections_refused_total" ["cap"]
        "TCP connections that were closed at once because a cap was reached: the `client`'s, or the `total` with none idle";
    CONNECTIONS_CLOSED = Counter "waypost_tcp_connections_closed_total" ["reason"]
        "TCP connections that ended, by why: `peer`, `idle`, `read_deadline`, `write_deadline`, `garbage`, `stopped`, `failed`";
    ACCEPT_FAILURES = Counter "waypost_tcp_accept_failures_total" []
        "Failed accepts, most of all for want of descriptors";
    PROBES = Counter "waypost_probes_total" ["check", "result"]
        "Probes that ended, `passed` or `failed`";
    PROBE_SECONDS = Histogram "waypost_probe_duration_seconds" ["check"]
        "How long probes took, passed or failed";
    PROBE_LAG = Gauge "waypost_probe_lag_seconds" []
        "By how much the latest probe of the last second or two began after it was due; with as many probes under way as are allowed, waiting for room does not count";
    HEALTH_STATUS = Gauge "waypost_health_status" ["check"]
        "1 when routing counts the health check as healthy, 0 when not";
    HEALTH_KNOWN = Gauge "waypost_health_known" ["check"]
        "1 once the health check has a verdict, 0 while its status is unknown";
    HEALTH_SINCE = Gauge "waypost_health_since_timestamp_seconds" ["check"]
        "When the status last changed, in seconds since 1970";
    TRANSITIONS = Counter "waypost_health_transitions_total" ["check", "to"]
        "Changes of status, by the status changed to: `healthy`, `unhealthy`, `unknown`";
    REASON = Gauge "waypost_health_reason" ["check", "code"]
        "Always 1; the label tells why the status is what it is: a code of the last failure, or `passed`, `calculated`, `disabled`, `unknown`";
    FLAPS = Counter "waypost_health_flaps_total" ["check"]
        "Times that a check came back within 10 minutes to the status, healthy or unhealthy, that it had left";
    HOLDS = Counter "waypost_health_holds_total" ["check"]
        "Times that a check was kept from changing its status";
    UPTIME = Gauge "waypost_health_uptime_ratio" ["check", "window"]
        "Share of the known time that a check was healthy within the last `24h`, `7d`, `30d` and `365d`; no series where nothing is known";
    BRAKES = Counter "waypost_brakes_total" ["brake"]
        "Times that automation was held back: `fleet_velocity`, `region_velocity`, `group_velocity`, `rule`, `doubt`";
    PHASE_SECONDS = Histogram "waypost_probe_phase_seconds" ["type", "phase"]
        "How long the phases of probes took, all checks of a type taken together; of each check `/v1/checks/ID` has percentiles";
    CERTIFICATE = Gauge "waypost_certificate_expires_timestamp_seconds" ["check"]
        "Until when the certificate that the endpoint showed last is valid, in seconds since 1970";
    LOOKUPS = Counter "waypost_alias_target_lookups_total" ["target", "type", "result"]
        "Times that a name outside the zones was resolved for the aliases that lead to it: `addresses`, `nothing` (there are none), `failed` (nobody could tell)";
    TARGET_ADDRESSES = Gauge "waypost_alias_target_addresses" ["target", "type"]
        "Addresses of a name outside the zones that are answered; with 0 its aliases have no data, or SERVFAIL before the first answer and after the last is dropped";
    TARGET_STALE = Gauge "waypost_alias_target_stale" ["target", "type"]
        "1 when the addresses answered could not be confirmed in time, 0 when they hold or there are none";
    TARGET_TIME = Gauge "waypost_alias_target_resolved_timestamp_seconds" ["target", "type"]
        "When what is answered for a name outside the zones was resolved, in seconds since 1970; 0: never, or dropped";
    GENERATION = Gauge "waypost_snapshot_generation" []
        "Snapshots published since the start";
    DATABASE_TIME = Gauge "waypost_geo_database_build_timestamp_seconds" []
        "When the geo database in use was made, in seconds since 1970; 0 without one";
    DATABASE_NETWORKS = Gauge "waypost_geo_database_networks" []
        "Networks that the geo database in use says something of; 0 without one";
    LATENCY_ROWS = Gauge "waypost_latency_table_rows" []
        "Rows of the latency table in use; 0 without one";
    RELOADS = Counter "waypost_reloads_total" ["result"]
        "Configuration reloads, `success` or `failure`; a failed one changes nothing";
    RELOAD_TIME = Gauge "waypost_last_reload_timestamp_seconds" []
        "When the configuration was last read with success, in seconds since 1970";
    RELOAD_OK = Gauge "waypost_last_reload_success" []
        "1 when the last reading of the configuration succeeded, 0 when it failed";
    BUILD = Info "waypost_build_info" ["version"]
        "Always 1; the labels tell the version";
}

events! {
    STARTED = INFO "started" ["dns", "http", "workers", "version"]
        "Every socket is bound, and queries are answered";
    DRAINING = INFO "draining" ["because"]
        "No more connections are taken; what was received is still answered";
    DRAINED = INFO "drained" ["cut"]
        "The server has stopped; `cut` streams were not done in time";
    TRANSITION = INFO "health_transition" ["check", "from", "to", "healthy", "because", "since"]
        "A health check changed its status, and why; `healthy` is what routing now goes by";
    OBSTRUCTED = WARN "probes_not_made" ["check", "because"]
        "Two probes of a check in a row could not be made from here, which says nothing of the endpoint; said once, until one is made";
    UNOBSTRUCTED = INFO "probes_made_again" ["check"]
        "A probe of that check was made again";
    HOLD = INFO "health_hold" ["check", "status", "because", "until"]
        "A health check that fell stays unhealthy until then at least, whatever its probes say";
    BRAKE = WARN "brake" ["brake", "scope", "engaged", "because"]
        "Automation is held back, or, with `engaged` false, not any more";
    OVERRIDE = INFO "override" ["id", "change", "action", "target", "author", "reason", "expires"]
        "An operator decided in the place of the checks; `change` is `made`, `removed` or `expired`";
    FAILOVER = INFO "failover" ["route", "member", "by", "because"]
        "A member left service in a route that does not merely follow health; `by` is `health`, `operator` or `deadline`";
    FAILBACK = INFO "failback" ["route", "member", "by", "because"]
        "A member came back into service in such a route";
    FAILOVER_PROPOSED = WARN "failover_proposed" ["route", "member", "because", "until", "default"]
        "A member is to leave and waits for approval; `default` says whether it leaves when nobody has answered by then";
    FAILOVER_REFUSED = WARN "failover_refused" ["route", "member", "by"]
        "A member stays in service though it is unhealthy, as somebody or the deadline refused to take it out";
    SIGNAL = INFO "signal" ["check", "state", "author", "reason", "until"]
        "A program told a check's status, which holds until its lease ends";
    CLOCK_STEPPED = WARN "clock_stepped" ["by_ms"]
        "The wall clock was set; what is known was moved along";
    ALIAS_RESOLVED = INFO "alias_target_resolved" ["target", "type", "addresses"]
        "A name outside the zones that aliases lead to has these addresses now, or again after a failure";
    ALIAS_GONE = WARN "alias_target_gone" ["target", "type", "because"]
        "Such a name has no address any more; its aliases have no data";
    ALIAS_FAILED = WARN "alias_target_failed" ["target", "type", "because"]
        "Such a name could not be resolved again, or was found without address once; its last addresses stay in use";
    ALIAS_DROPPED = WARN "alias_target_dropped" ["target", "type", "because"]
        "The last addresses of such a name have become too old; its aliases answer SERVFAIL";
    RELOADED = INFO "reloaded" ["generation", "zones", "checks"]
        "A new configuration is in use";
    RELOAD_FAILED = ERROR "reload_failed" ["problems"]
        "The configuration has problems, and the old one stays in use";
    ACCOUNT_CHANGED = INFO "account_changed" ["who", "key", "operation", "edits"]
        "Somebody changed something through the Route 53 API: the audit log";
    RATE_LIMIT_BEGAN = WARN "rate_limit_began" ["network", "limit", "name", "dry_run"]
        "Responses to a network are over a limit; `name` is the first that counted. At most 32 such are told of at a time";
    RATE_LIMIT_ENDED = INFO "rate_limit_ended" ["network", "limit", "lasted_secs"]
        "Responses to that network were within the limit for as long as the window, or nothing is limited any more";
    SHEDDING_BEGAN = WARN "shedding_began" ["waiting", "wait_ms"]
        "More queries wait than can be answered in time: the oldest are received and not answered";
    SHEDDING_ENDED = INFO "shedding_ended" ["shed", "kernel_dropped"]
        "For 10 s none were; how many were shed since it began, and how many the kernel dropped";
    ACCEPT_PAUSED = WARN "accept_paused" ["error"]
        "Descriptors or memory ran out; accepting goes on after a pause";
    QUERY_LOG_FAILED = WARN "query_log_failed" ["file", "error"]
        "A query log could not be written, and its lines are lost; said once, until it works again";
    QUERY_LOG_RESUMED = INFO "query_log_resumed" ["file"]
        "That query log is written again";
    STORE_FAILED = ERROR "store_failed" ["error"]
        "Verdicts and histories could not be written to the store; what waits is written when it can be; said once, until it works again";
    STORE_RESUMED = INFO "store_resumed" []
        "The store is written again";
    WARNED = WARN "warning" ["warning"]
        "Something in the configuration or around the server deserves a look; it goes on";
    PANICKED = ERROR "panicked" ["transport"]
        "Answering a message hit a defect; that message has no response, the server goes on";
}

/// The kinds that are on `/v1/events`, and which of their fields.
pub const STREAMED: &[(&EventKind, &[&str])] = &[
    (&TRANSITION, TRANSITION.fields),
    (&HOLD, HOLD.fields),
    (&BRAKE, BRAKE.fields),
    (&OVERRIDE, OVERRIDE.fields),
    (&FAILOVER, FAILOVER.fields),
    (&FAILBACK, FAILBACK.fields),
    (&FAILOVER_PROPOSED, FAILOVER_PROPOSED.fields),
    (&FAILOVER_REFUSED, FAILOVER_REFUSED.fields),
    (&SIGNAL, SIGNAL.fields),
    (&CLOCK_STEPPED, CLOCK_STEPPED.fields),
    (&RELOADED, RELOADED.fields),
    (&RELOAD_FAILED, RELOAD_FAILED.fields),
    (&ACCOUNT_CHANGED, &["who", "operation"]),
];

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

/// The metrics as the page shows them.
pub fn metrics_table() -> String {
    let rows = METRICS
        .iter()
        .map(|metric| [metric.name, metric.kind.word(), &code_list(metric.labels), metric.meaning].map(str::to_owned));
    table(["metric", "kind", "labels", "meaning"], rows)
}

/// The events as the page shows them.
pub fn events_table() -> String {
    let rows = EVENTS.iter().map(|event| [event.name, event.level, &code_list(event.fields), event.meaning].map(str::to_owned));
    table(["event", "level", "fields", "meaning"], rows)
}

/// What is on `/v1/events`, as the page shows it.
pub fn streamed_table() -> String {
    let mut text = "| event | fields |\n| --- | --- |\n".to_owned();
    for (kind, fields) in STREAMED {
        writeln!(text, "| `{}` | {} |", kind.name, code_list(fields)).expect("writing to a string can't fail");
    }
    text
}

fn table(head: [&str; 4], rows: impl Iterator<Item = [String; 4]>) -> String {
    let mut text = format!("| {} |\n| --- | --- | --- | --- |\n", head.join(" | "));
    for [name, kind, details, meaning] in rows {
        writeln!(text, "| `{name}` | {kind} | {details} | {meaning} |").expect("writing to a string can't fail");
    }
    text
}

fn code_list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
