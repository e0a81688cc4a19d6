//! What the sockets ask: one message in, one response out, whatever answers.
//!
//! Not the answering: that is [`crate::answer`]. Sockets are generic over [`Responder`], so the call is direct, and
//! tests can put an echo in its place. Invariant: all messages of one batch are answered from one snapshot.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::answer::{self, Asker, Identity, Report};
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
    now_secs: fn() -> u32,
    chance: Chance,
}

impl Answers {
    /// `now_secs` reads seconds since 1970, once a batch; `seed` starts the draws and should not be guessable.
    pub fn new(published: Arc<Published>, identity: Arc<ArcSwap<Identity>>, now_secs: fn() -> u32, seed: u64) -> Self {
        Self { published, identity, now_secs, chance: Chance(seed) }
    }
}

impl Responder for Answers {
    fn fork(&mut self) -> Self {
        Self {
            published: self.published.clone(),
            identity: self.identity.clone(),
            now_secs: self.now_secs,
            chance: Chance(self.chance.next()),
        }
    }

    fn batch(&mut self) -> impl FnMut(&[u8], &Asker, &mut [u8]) -> Report {
        let snapshot = self.published.load();
        let identity = self.identity.load();
        let now_secs = (self.now_secs)();
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

/// The draws of one worker: SplitMix64 (Steele, Lea and Flood 2014), a few instructions a query. Fair shares are
/// all that is asked of it; nothing secret comes from it.
struct Chance(u64);

impl Chance {
    #[inline]
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_the_published_generator() {
        let mut chance = Chance(1_234_567);
        let drawn = [(); 3].map(|()| chance.next());
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn forked_responders_draw_apart() {
        let mut one = Chance(7);
        let mut two = Chance(one.next());
        assert!((0..1_000).all(|_| one.next() != two.next()));
    }
}
