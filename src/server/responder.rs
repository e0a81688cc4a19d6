//! What the sockets ask: one message in, one response out, whatever answers.
//!
//! Not the answering: that is [`crate::answer`]. Sockets are generic over [`Responder`], so the call is direct, and
//! tests can put an echo in its place. Invariant: all messages of one batch are answered from one snapshot.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::limiter::{self, Limiter, RateLimits};
use crate::answer::{self, Ahead, Answerer, Asker, Identity, Report, Transport};
use crate::clock::{self, Chance};
use crate::routing::draw::Draw;
use crate::snapshot::Published;
use crate::telemetry::query_log::{Answered, QueryLog};
use crate::wire::query::Room;

/// Answers messages for one worker or connection.
pub trait Responder: Send + 'static {
    /// Another, for another worker.
    fn fork(&mut self) -> Self;

    /// Reads what answering messages that have come together will read, where that pays.
    fn read_ahead<'m>(&mut self, _messages: impl Iterator<Item = &'m [u8]>) {}

    /// What answers the messages that have come together; called with a message, who asks, and room for the
    /// response (at least 512 octets for UDP, 65,535 for streams).
    fn batch(&mut self) -> impl FnMut(&[u8], &Asker, &mut [u8]) -> Report;
}

/// Answers from the published snapshot.
pub struct Answers {
    published: Arc<Published>,
    identity: Arc<ArcSwap<Identity>>,
    chance: Chance,
    log: Option<QueryLog>,
    limiter: Option<Limiter>,
    ahead: Ahead,
}

impl Answers {
    /// Whoever replaces what `published` or `identity` holds changes the answers of the next batches.
    pub fn new(published: Arc<Published>, identity: Arc<ArcSwap<Identity>>) -> Self {
        Self::drawing(published, identity, Chance::new())
    }

    /// The same, with draws from `chance`.
    pub fn drawing(published: Arc<Published>, identity: Arc<ArcSwap<Identity>>, chance: Chance) -> Self {
        Self { published, identity, chance, log: None, limiter: None, ahead: Ahead::default() }
    }

    /// With a line in `log` for each query that a zone wants logged.
    pub fn logging_to(self, log: QueryLog) -> Self {
        Self { log: Some(log), ..self }
    }

    /// With no more responses to each network than `limits` allow, over UDP.
    pub fn limited_by(self, limits: Arc<RateLimits>) -> Self {
        Self { limiter: Some(Limiter::new(limits)), ..self }
    }
}

impl Responder for Answers {
    fn fork(&mut self) -> Self {
        let log = self.log.as_ref().map(QueryLog::fork);
        let limiter = self.limiter.as_ref().map(Limiter::fork);
        Self { log, limiter, ..Self::drawing(self.published.clone(), self.identity.clone(), self.chance.fork()) }
    }

    fn read_ahead<'m>(&mut self, messages: impl Iterator<Item = &'m [u8]>) {
        self.ahead.read(&self.published.load(), messages);
    }

    fn batch(&mut self) -> impl FnMut(&[u8], &Asker, &mut [u8]) -> Report {
        let snapshot = self.published.load();
        let identity = self.identity.load();
        // The arithmetic of cookies is modulo 2^32 (RFC 9018 §4.3).
        let now_secs = clock::unix_secs() as u32;
        let chance = &mut self.chance;
        let log = self.log.as_mut().filter(|log| snapshot.catalog.has_logged() && log.is_on());
        let mut log = log.map(|log| log.batch(clock::now()));
        let mut limits = self.limiter.as_mut().and_then(Limiter::batch);
        let mut room = Room::new();
        move |message, asker, out| {
            let mut answerer = Answerer { snapshot: &snapshot, identity: &identity, now_secs, room: &mut room };
            let mut report = answerer.respond(message, asker, Draw::new(chance.next()), out);
            if let Some(limits) = limits.as_mut().filter(|_| asker.transport == Transport::Udp)
                && let Some(limited) = limits.decide(message, asker.address, &report)
            {
                let curtail = || answer::curtail(&snapshot, &identity, message, asker, now_secs, &report, out);
                report = limiter::apply(limited, &report, curtail);
            }
            if let Some(log) = &mut log
                && let Some(logged) = report.zone.and_then(|zone| snapshot.catalog.logged(zone))
            {
                log.put(logged, &Answered { message, asker, report: &report, edge: identity.nsid.as_deref() });
            }
            report
        }
    }
}

/// A function that answers by itself.
impl<F: FnMut(&[u8], &Asker, &mut [u8]) -> Report + Clone + Send + 'static> Responder for F {
    fn fork(&mut self) -> Self {
        self.clone()
    }

    fn batch(&mut self) -> impl FnMut(&[u8], &Asker, &mut [u8]) -> Report {
        self
    }
}
