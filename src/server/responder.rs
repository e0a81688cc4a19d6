//! What the sockets ask: one message in, one response out, whatever answers.
//!
//! Not the answering: that is [`crate::answer`]. Sockets are generic over [`Responder`], so the call is direct, and
//! tests can put an echo in its place. Invariant: all messages of one batch are answered from one snapshot.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::answer::{self, Asker, Identity, Report};
use crate::clock::{self, Chance};
use crate::routing::draw::Draw;
use crate::snapshot::Published;

/// Answers messages for one worker or connection.
pub trait Responder: Send + 'static {
    /// Another, for another worker.
    fn fork(&mut self) -> Self;

    /// What answers the messages that have come together; called with a message, who asks, and room for the
    /// response (at least 512 octets for UDP, 65,535 for streams).
    fn batch(&mut self) -> impl FnMut(&[u8], &Asker, &mut [u8]) -> Report;
}

/// Answers from the published snapshot.
pub struct Answers {
    published: Arc<Published>,
    identity: Arc<ArcSwap<Identity>>,
    chance: Chance,
}

impl Answers {
    /// Whoever replaces what `published` or `identity` holds changes the answers of the next batches.
    pub fn new(published: Arc<Published>, identity: Arc<ArcSwap<Identity>>) -> Self {
        Self { published, identity, chance: Chance::new() }
    }
}

impl Responder for Answers {
    fn fork(&mut self) -> Self {
        Self::new(self.published.clone(), self.identity.clone())
    }

    fn batch(&mut self) -> impl FnMut(&[u8], &Asker, &mut [u8]) -> Report {
        let snapshot = self.published.load();
        let identity = self.identity.load();
        // The arithmetic of cookies is modulo 2^32 (RFC 9018 §4.3).
        let now_secs = clock::unix_secs() as u32;
        let chance = &mut self.chance;
        move |message, asker, out| answer::respond(&snapshot, &identity, message, asker, now_secs, Draw::new(chance.next()), out)
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
