//! The limit on the rate of responses, at the edge: whose rules hold, what time it is, and who is told.
//!
//! Decides nothing: see [`crate::rate_limit`]. Each responder has a table of its own, made with its first datagram, so that
//! streams have none. What workers share is read only, but for the incidents, which a worker that limits something adds a
//! sample to some sixty times a second, and never waits for. Invariant: without rules a query costs one branch.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwapOption, Guard};

use crate::answer::Report;
use crate::clock;
use crate::rate_limit::incidents::{Incidents, News};
use crate::rate_limit::{Action, Limited, RateLimiter, Rules, Ticks};
use crate::telemetry::events;
use crate::wire::name::Name;

/// What all workers go by.
#[derive(Debug)]
pub struct RateLimits {
    rules: ArcSwapOption<Rules>,
    /// That share the queries to one address.
    workers: NonZeroUsize,
    began: Instant,
    incidents: Mutex<Incidents>,
    /// Of a table's hashes.
    seeds: fn() -> [u64; 2],
}

impl RateLimits {
    pub fn new(rules: Option<Rules>, workers: NonZeroUsize) -> Self {
        Self::seeded(rules, workers, || [clock::random_u64(), clock::random_u64()])
    }

    /// The same, where `seeds` says how each table hashes; nobody outside may know.
    pub fn seeded(rules: Option<Rules>, workers: NonZeroUsize, seeds: fn() -> [u64; 2]) -> Self {
        let rules = ArcSwapOption::from_pointee(rules);
        Self { rules, workers, began: clock::monotonic(), incidents: Mutex::default(), seeds }
    }

    /// Makes these the rules of the next batches; none: nothing is limited. What is the same changes nothing.
    pub fn replace(&self, rules: Option<Rules>) {
        if self.rules.load().as_deref() != rules.as_ref() {
            self.rules.store(rules.map(Arc::new));
        }
    }

    /// Logs each second which networks began to be limited, and which are not any more, for as long as it is polled.
    pub async fn tell_forever(&self) {
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        loop {
            seconds.tick().await;
            let rules = self.rules.load();
            let quiet = rules.as_ref().map_or(Duration::ZERO, |rules| rules.window);
            let news = self.incidents.lock().unwrap_or_else(PoisonError::into_inner).news(self.now(), quiet);
            let dry_run = rules.as_ref().is_some_and(|rules| rules.dry_run);
            news.into_iter().for_each(|news| tell(news, dry_run));
        }
    }

    fn now(&self) -> Ticks {
        Ticks::after_start(clock::monotonic() - self.began)
    }
}

fn tell(news: News, dry_run: bool) {
    match news {
        News::Began { network, limit, name } => {
            let name = Name::from_wire(&name.to_ascii_lowercase()).map(|name| name.to_string()).unwrap_or_default();
            events::rate_limit_began(network, limit, &name, dry_run);
        }
        News::Ended { network, limit, lasted } => events::rate_limit_ended(network, limit, lasted),
    }
}

/// One responder's part in it.
#[derive(Debug)]
pub(super) struct Limiter {
    shared: Arc<RateLimits>,
    table: Option<RateLimiter>,
    /// When the next sample may go to the incidents.
    next_note: Ticks,
}

/// What limits the datagrams that have come together.
pub(super) struct LimitedBatch<'l> {
    shared: &'l RateLimits,
    table: &'l mut Option<RateLimiter>,
    next_note: &'l mut Ticks,
    /// Borrowed, not cloned: the count of an `Arc` that all workers clone is a cache line that all write.
    rules: Guard<Option<Arc<Rules>>>,
    now: Ticks,
}

impl Limiter {
    pub fn new(shared: Arc<RateLimits>) -> Self {
        Self { shared, table: None, next_note: Ticks::after_start(Duration::ZERO) }
    }

    /// Another, with a table of its own.
    pub fn fork(&self) -> Self {
        Self::new(self.shared.clone())
    }

    /// None when nothing is limited.
    pub fn batch(&mut self) -> Option<LimitedBatch<'_>> {
        let rules = self.shared.rules.load();
        let Some(new) = rules.as_ref() else {
            // The memory may be had again; what was counted is of no use without rules.
            self.table = None;
            return None;
        };
        if let Some(table) = self.table.as_mut().filter(|table| !Arc::ptr_eq(table.rules(), new)) {
            table.follow(new.clone());
        }
        let now = self.shared.now();
        Some(LimitedBatch { shared: &self.shared, table: &mut self.table, next_note: &mut self.next_note, rules, now })
    }
}

impl LimitedBatch<'_> {
    /// Counts the response that `report` is about, over UDP; what becomes of it when it is over a limit.
    #[inline]
    pub fn decide(&mut self, message: &[u8], asker: IpAddr, report: &Report) -> Option<Limited> {
        // Whoever has a cookie of ours, or is sent nothing, is nobody's victim.
        if report.has_cookie || report.len == 0 {
            return None;
        }
        let qtype = report.qtype.map_or(0, |qtype| qtype.0);
        let rules = self.rules.as_ref()?;
        let table = self.table.get_or_insert_with(|| new_table(rules, self.shared));
        let limited = table.decide(self.now, asker, report.counted, qtype, message)?;
        self.note(message, asker, report, limited);
        Some(limited)
    }

    #[cold]
    fn note(&mut self, message: &[u8], asker: IpAddr, report: &Report, limited: Limited) {
        if self.now < *self.next_note {
            return;
        }
        // Who tells has it for a moment each second.
        if let (Ok(mut incidents), Some(rules)) = (self.shared.incidents.try_lock(), self.rules.as_ref()) {
            *self.next_note = self.now.plus(NOTE_EVERY);
            let name = report.counted.name(message);
            incidents.note(rules.network_of(asker), limited.by, name, self.now);
        }
    }
}

#[cold]
fn new_table(rules: &Arc<Rules>, shared: &RateLimits) -> RateLimiter {
    RateLimiter::new(rules.clone(), shared.workers, (shared.seeds)())
}

/// What is sent of a response that is over a limit: `curtail` writes what goes out in its place.
#[cold]
pub(super) fn apply(limited: Limited, report: &Report, curtail: impl FnOnce() -> Report) -> Report {
    let sent = match limited.action {
        Action::DryRun => *report,
        Action::Slip => curtail(),
        Action::Drop => Report { len: 0, zone: None, ..*report },
    };
    Report { limited: Some(limited), ..sent }
}

const NOTE_EVERY: Duration = Duration::from_millis(16);
