//! A scrape: every counter, and the published health, as the text that Prometheus reads.
//!
//! Counts nothing. Source: OpenMetrics 1.0. Invariant: each family of `catalog` is written exactly once, with the
//! labels that are listed for it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::catalog::{self as m, Kind, Metric};
use super::connections::{Closed, Refused};
use super::counts::{COUNTED_TYPES, Counts, RCODES, Slot, Totals};
use super::query_log::QueryLogCounts;
use super::{LookupResult, STATUSES, Telemetry, lock, rows};
use crate::health::brakes::Brake;
use crate::health::history::Window;
use crate::health::table::{HealthTable, Status};
use crate::ids::HealthIndex;
use crate::places::Places;
use crate::rate_limit::{Action, Limit, Limited};
use crate::snapshot::Published;
use crate::wire::header::Rcode;
use crate::wire::query::MalformedKind;
use crate::zone::external::{ExternalTarget, Known};

/// The media type of [`Scraper::render`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Renders scrapes.
#[derive(Clone, Debug)]
pub struct Scraper {
    telemetry: Arc<Telemetry>,
    published: Arc<Published>,
}

/// What one scrape reads.
#[derive(Debug)]
struct Sources {
    telemetry: Arc<Telemetry>,
    published: Arc<Published>,
    now: Timestamp,
}

impl Scraper {
    pub fn new(telemetry: Arc<Telemetry>, published: Arc<Published>) -> Self {
        Self { telemetry, published }
    }

    /// Everything as of now.
    pub fn render(&self, now: Timestamp) -> String {
        let Self { telemetry, published } = self.clone();
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Sources { telemetry, published, now }));
        let mut out = String::new();
        text::encode(&mut out, &registry).expect("writing to a string can't fail");
        out
    }
}

impl Collector for Sources {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut page = Page(encoder);
        self.put_messages(&mut page)?;
        self.put_connections(&mut page)?;
        self.put_probes(&mut page)?;
        self.put_health(&mut page)?;
        self.put_externals(&mut page)?;
        self.put_places(&mut page)?;
        self.put_process(&mut page)
    }
}

impl Sources {
    fn put_messages(&self, page: &mut Page<'_>) -> fmt::Result {
        let workers = lock(&self.telemetry.workers);
        let udp = Totals::of(workers.iter().map(AsRef::<Counts>::as_ref));
        drop(workers);
        let tcp = Totals::of([&self.telemetry.streams]);
        let by_transport = [("udp", &udp), ("tcp", &tcp)];
        let series = |slots: &[(String, Slot)]| -> Vec<([String; 2], u64)> {
            let of_transport = |(transport, totals): (&str, &Totals)| {
                let label = |word: &String| [transport.to_owned(), word.clone()];
                slots.iter().map(|(word, slot)| (label(word), totals.of_slot(*slot))).collect::<Vec<_>>()
            };
            by_transport.into_iter().flat_map(of_transport).collect()
        };
        let families = [("ipv4".to_owned(), Slot::IPV4), ("ipv6".to_owned(), Slot::IPV6)];
        page.counter(&m::QUERIES, series(&families))?;
        page.counter(&m::RESPONSES, series(&rcode_slots(&[&udp, &tcp])))?;
        page.counter(&m::DROPPED, series(&drop_slots()))?;
        let malformed = MalformedKind::ALL.map(|kind| (kind.word().to_owned(), Slot::malformed(kind)));
        page.counter(&m::MALFORMED, series(&malformed))?;
        let truncated = |totals: &Totals| totals.of_slot(Slot::TRUNCATED);
        page.counter(&m::TRUNCATED, by_transport.map(|(transport, totals)| ([transport], truncated(totals))))?;
        page.counter(&m::QTYPES, series(&qtype_slots()))?;
        let actions = |by: Limit| Action::ALL.map(|action| Limited { by, action });
        let limited = Limit::ALL.into_iter().flat_map(actions);
        let series = limited.map(|limited| ([limited.by.word(), limited.action.word()], udp.of_slot(Slot::limited(limited))));
        page.counter(&m::RATE_LIMITED, series)?;
        page.counter(&m::KERNEL_DROPPED, [([""; 0], udp.of_slot(Slot::KERNEL_DROPPED))])?;
        page.counter(&m::RECEIVE_FAILURES, [([""; 0], udp.of_slot(Slot::RECEIVE_FAILED))])?;
        let QueryLogCounts { written, dropped, failed } = &*self.telemetry.query_log;
        let lines = [("written", written), ("dropped", dropped), ("failed", failed)];
        page.counter(&m::QUERY_LOG, lines.map(|(result, count)| ([result], count.load(Ordering::Relaxed))))
    }

    fn put_connections(&self, page: &mut Page<'_>) -> fmt::Result {
        let counts = &self.telemetry.connections;
        page.gauge(&m::CONNECTIONS, [([""; 0], counts.open.load(Ordering::Relaxed))])?;
        page.counter(&m::CONNECTIONS_ACCEPTED, [([""; 0], counts.accepted.load(Ordering::Relaxed))])?;
        let refused = Refused::ALL.map(|cap| ([cap.word()], counts.refused[cap as usize].load(Ordering::Relaxed)));
        page.counter(&m::CONNECTIONS_REFUSED, refused)?;
        let closed = Closed::ALL.map(|reason| ([reason.word()], counts.closed[reason as usize].load(Ordering::Relaxed)));
        page.counter(&m::CONNECTIONS_CLOSED, closed)?;
        page.counter(&m::ACCEPT_FAILURES, [([""; 0], counts.accept_failures.load(Ordering::Relaxed))])
    }

    fn put_probes(&self, page: &mut Page<'_>) -> fmt::Result {
        let rows = rows(&self.telemetry.checks, |checks| &checks.by_id, |id, counts| (id.clone(), counts.sums.clone()));
        let by_id = || rows.iter().map(|(check, sums)| ([check.as_str()], sums));
        let probes = by_id().flat_map(|([check], sums)| [([check, "passed"], sums.passed), ([check, "failed"], sums.failed)]);
        page.counter(&m::PROBES, probes)?;
        let durations = by_id().map(|(check, sums)| (check, &sums.duration));
        page.histogram(&m::PROBE_SECONDS, durations)?;
        let transitions = by_id()
            .flat_map(|([check], sums)| STATUSES.iter().zip(sums.transitions).map(move |((_, to), count)| ([check, *to], count)));
        page.counter(&m::TRANSITIONS, transitions)?;
        page.counter(&m::FLAPS, by_id().map(|(check, sums)| (check, sums.flaps)))?;
        page.counter(&m::HOLDS, by_id().map(|(check, sums)| (check, sums.holds)))?;
        let expiries = by_id().filter_map(|(check, sums)| Some((check, sums.certificate_not_after?.as_second())));
        page.gauge(&m::CERTIFICATE, expiries)?;
        let phases = lock(&self.telemetry.checks).phases.clone();
        page.histogram(&m::PHASE_SECONDS, phases.iter().map(|((kind, phase), seconds)| ([*kind, *phase], seconds)))?;
        let lag_micros = self.telemetry.probe_lag_micros.load(Ordering::Relaxed);
        page.gauge(&m::PROBE_LAG, [([""; 0], lag_micros as f64 / 1e6)])
    }

    fn put_health(&self, page: &mut Page<'_>) -> fmt::Result {
        let snapshot = self.published.load();
        let verdicts = || snapshot.health.iter().map(|verdict| ([verdict.id.as_str()], verdict));
        page.gauge(&m::HEALTH_STATUS, verdicts().map(|(check, verdict)| (check, i64::from(verdict.healthy))))?;
        let known = verdicts().map(|(check, verdict)| (check, i64::from(verdict.status != Status::Unknown)));
        page.gauge(&m::HEALTH_KNOWN, known)?;
        page.gauge(&m::HEALTH_SINCE, verdicts().map(|(check, verdict)| (check, verdict.since.as_second())))?;
        self.put_reasons(page, &snapshot.health)?;
        self.put_uptimes(page)?;
        let brakes = Brake::ALL.map(|brake| ([brake.as_str()], self.telemetry.brakes[brake as usize].load(Ordering::Relaxed)));
        page.counter(&m::BRAKES, brakes)?;
        page.gauge(&m::GENERATION, [([""; 0], i64::try_from(snapshot.generation).unwrap_or(i64::MAX))])
    }

    fn put_reasons(&self, page: &mut Page<'_>, table: &HealthTable) -> fmt::Result {
        let reasons = table
            .iter()
            .zip((0..).map(HealthIndex))
            .filter_map(|(verdict, at)| Some(([verdict.id.as_str(), self.telemetry.reason(verdict, table.seen(at))?], 1)));
        page.gauge(&m::REASON, reasons)
    }

    fn put_uptimes(&self, page: &mut Page<'_>) -> fmt::Result {
        let histories = self.telemetry.histories.all();
        let mut family = page.family(&m::UPTIME)?;
        for (check, history) in &histories {
            for window in Window::ALL {
                let Some(uptime) = history.summary(window, self.now).uptime() else { continue };
                let labels = labels(&m::UPTIME, [check.as_str(), window.word()]);
                put_series(&mut family, &labels, |series| series.encode_gauge(&uptime))?;
            }
        }
        Ok(())
    }

    fn put_externals(&self, page: &mut Page<'_>) -> fmt::Result {
        let lookups = lock(&self.telemetry.lookups);
        let series = lookups.iter().flat_map(|(target, counts)| {
            let labels = |result: LookupResult| [target.name.to_string(), target.rtype.to_string(), result.word().to_owned()];
            LookupResult::ALL.map(|result| (labels(result), counts[result as usize]))
        });
        page.counter(&m::LOOKUPS, series)?;
        let snapshot = self.published.load();
        let known = |value: fn(&Known) -> i64| {
            let labels = |target: &ExternalTarget| [target.name.to_string(), target.rtype.to_string()];
            snapshot.externals.iter().map(move |(target, known)| (labels(target), value(known)))
        };
        page.gauge(
            &m::TARGET_ADDRESSES,
            known(|known| known.addresses().map_or(0, |found| found.addresses.list().len() as i64)),
        )?;
        page.gauge(&m::TARGET_STALE, known(|known| known.addresses().map_or(0, |found| i64::from(found.stale.is_some()))))?;
        page.gauge(&m::TARGET_TIME, known(|known| known.resolved_at().map_or(0, |at| at.as_second())))
    }

    fn put_places(&self, page: &mut Page<'_>) -> fmt::Result {
        let snapshot = self.published.load();
        let Places { database, latency, .. } = snapshot.maps.places();
        let gauge = |count: Option<u64>| [([""; 0], count.map_or(0, |count| i64::try_from(count).unwrap_or(i64::MAX)))];
        page.gauge(&m::DATABASE_TIME, gauge(database.as_ref().map(|database| database.build_epoch())))?;
        page.gauge(&m::DATABASE_NETWORKS, gauge(database.as_ref().map(|database| database.network_count() as u64)))?;
        page.gauge(&m::LATENCY_ROWS, gauge(latency.as_ref().map(|table| table.row_count() as u64)))
    }

    fn put_process(&self, page: &mut Page<'_>) -> fmt::Result {
        let reloads = &self.telemetry.reloads;
        let results = [("success", &reloads.succeeded), ("failure", &reloads.failed)];
        page.counter(&m::RELOADS, results.map(|(result, count)| ([result], count.load(Ordering::Relaxed))))?;
        page.gauge(&m::RELOAD_TIME, [([""; 0], reloads.last_success_secs.load(Ordering::Relaxed))])?;
        page.gauge(&m::RELOAD_OK, [([""; 0], i64::from(reloads.last_failed.load(Ordering::Relaxed) == 0))])?;
        page.family(&m::BUILD)?.encode_info(&labels(&m::BUILD, [env!("CARGO_PKG_VERSION")]))
    }
}

/// The codes that this server sends, whatever others were counted, and the rest.
fn rcode_slots(totals: &[&Totals]) -> Vec<(String, Slot)> {
    let counted = |code: u16| totals.iter().any(|totals| totals.of_slot(Slot::rcode(code)) > 0);
    (0..RCODES as u16)
        .filter(|code| Rcode::ALL.contains(&Rcode(*code)) || counted(*code))
        .map(|code| (Rcode(code).to_string(), Slot::rcode(code)))
        .chain([("other".to_owned(), Slot::rcode(u16::MAX))])
        .collect()
}

fn drop_slots() -> [(String, Slot); 7] {
    [
        ("unanswerable", Slot::DROPPED),
        ("port_zero", Slot::PORT_ZERO),
        ("oversize", Slot::OVERSIZE),
        ("unsent", Slot::UNSENT),
        ("panicked", Slot::PANICKED),
        ("rate_limited", Slot::LIMITED),
        ("shed", Slot::SHED),
    ]
    .map(|(word, slot)| (word.to_owned(), slot))
}

fn qtype_slots() -> Vec<(String, Slot)> {
    let counted = COUNTED_TYPES.map(|qtype| (qtype.to_string(), Slot::qtype(Some(qtype))));
    let rest = [("other".to_owned(), Slot::qtype_other()), ("none".to_owned(), Slot::qtype(None))];
    counted.into_iter().chain(rest).collect()
}

/// The text being written.
struct Page<'e>(DescriptorEncoder<'e>);

impl Page<'_> {
    fn family(&mut self, metric: &Metric) -> Result<MetricEncoder<'_>, fmt::Error> {
        // The encoder adds the suffixes that OpenMetrics prescribes.
        let (suffix, kind) = match metric.kind {
            Kind::Counter => ("_total", MetricType::Counter),
            Kind::Gauge => ("", MetricType::Gauge),
            Kind::Histogram => ("", MetricType::Histogram),
            Kind::Info => ("_info", MetricType::Info),
        };
        let name = metric.name.strip_suffix(suffix).expect("the catalog's names have their kind's suffix");
        self.0.encode_descriptor(name, metric.meaning, None, kind)
    }

    fn counter<S: AsRef<str>, const N: usize>(
        &mut self,
        metric: &Metric,
        series: impl IntoIterator<Item = ([S; N], u64)>,
    ) -> fmt::Result {
        let mut family = self.family(metric)?;
        for (values, count) in series {
            let put = |series: &mut MetricEncoder<'_>| series.encode_counter::<NoLabelSet, _, u64>(&count, None);
            put_series(&mut family, &labels(metric, values), put)?;
        }
        Ok(())
    }

    fn histogram<'h, S: AsRef<str>, const N: usize>(
        &mut self,
        metric: &Metric,
        series: impl IntoIterator<Item = ([S; N], &'h Histogram)>,
    ) -> fmt::Result {
        let mut family = self.family(metric)?;
        for (values, seconds) in series {
            seconds.encode(family.encode_family(&labels(metric, values))?)?;
        }
        Ok(())
    }

    fn gauge<S: AsRef<str>, V: EncodeGaugeValue, const N: usize>(
        &mut self,
        metric: &Metric,
        series: impl IntoIterator<Item = ([S; N], V)>,
    ) -> fmt::Result {
        let mut family = self.family(metric)?;
        for (values, value) in series {
            put_series(&mut family, &labels(metric, values), |series| series.encode_gauge(&value))?;
        }
        Ok(())
    }
}

/// Puts one value of a family; without labels it is the family's only one.
fn put_series(
    family: &mut MetricEncoder<'_>,
    labels: &Vec<(&'static str, String)>,
    put: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    if labels.is_empty() { put(family) } else { put(&mut family.encode_family(labels)?) }
}

/// Each of a metric's labels with its value.
fn labels<S: AsRef<str>, const N: usize>(metric: &Metric, values: [S; N]) -> Vec<(&'static str, String)> {
    debug_assert_eq!(metric.labels.len(), N, "{}", metric.name);
    metric.labels.iter().zip(values).map(|(label, value)| (*label, value.as_ref().to_owned())).collect()
}

#[cfg(test)]
mod tests;
