//! Decides what is known of one external target from what resolving it came to, one look at a time.
//!
//! Resolves nothing and waits for nothing: time is the `now` it is given, jitter a draw.
//!
//! ```text
//! known      seen         becomes                              looked at again
//! any        addresses    those, fresh                         when their TTL is over (5 s to 60 s)
//! addresses  nothing      the addresses, in doubt              when the negative TTL is over (5 s to 30 s)
//! in doubt   nothing      nothing                              when the negative TTL is over (5 s to 60 s)
//! others     nothing      nothing                              the same
//! any        failure      what it was; stale once its TTL is   in 5 s
//!                         over, dropped once older than `keep`
//! ```
//!
//! Invariant: an answer that holds is never replaced by no answer, only by another answer or by its age.
//! Sources: RFC 8767 §4 and §5 (30 s of TTL for what is stale; a bound on its age), RFC 2308 §5.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::zone::external::{Addresses, Known, Resolved, TTL_MAX_SECS};

/// What one look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Addresses {
        addresses: Arc<Addresses>,
        ttl: Duration,
    },
    /// Those who know say that there is none. The TTL is that of a negative answer, where it has one.
    Nothing {
        exists: bool,
        ttl: Option<Duration>,
    },
    /// Nobody who knows was reached, in words.
    Failed(Arc<str>),
}

/// A change that people want to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// These are the addresses now, or again after a failure.
    Resolved(Arc<Addresses>),
    /// There are none, and the last ones are no longer answered.
    Gone { because: Arc<str> },
    /// It could not be resolved again.
    Failed { because: Arc<str> },
    /// The last answer is too old to be given any longer.
    Dropped { because: Arc<str> },
}

/// How often targets are looked at, and for how long an answer may be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bounds of the time until an answer is replaced.
    pub refresh: RangeInclusive<Duration>,
    /// Bounds of the time until a negative answer is believed in place of addresses.
    pub second_look: RangeInclusive<Duration>,
    pub retry: Duration,
    /// How old an answer may become when no other is to be had.
    pub keep: Duration,
}

/// The time, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub monotonic: Instant,
    pub wall: Timestamp,
}

/// What is known of one target, and when to look again.
#[derive(Clone, Debug)]
pub struct State {
    answer: Option<Answer>,
    /// Why the last look did not confirm or replace the answer.
    trouble: Option<Arc<str>>,
    /// The trouble is that there were no addresses: one more look decides.
    in_doubt: bool,
    pub due: Instant,
}

#[derive(Clone, Debug)]
struct Answer {
    what: What,
    at: Now,
    ttl: Duration,
}

#[derive(Clone, Debug)]
enum What {
    Addresses(Arc<Addresses>),
    Nothing { exists: bool },
}

impl Default for Pace {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self { refresh: secs(5)..=secs(TTL_MAX_SECS.into()), second_look: secs(5)..=secs(30), retry: secs(5), keep: KEEP }
    }
}

impl State {
    /// Of a target that is looked at for the first time.
    pub fn new(now: Now) -> Self {
        Self { answer: None, trouble: None, in_doubt: false, due: now.monotonic }
    }

    /// Takes what a look came to. `draw` spreads the next looks of targets that were seen together.
    pub fn observe(&mut self, seen: Seen, now: Now, pace: &Pace, draw: u64) -> Option<Event> {
        let (wait, event) = match seen {
            Seen::Addresses { addresses, ttl } => {
                (clamp(ttl, &pace.refresh), self.answered(Answer { what: What::Addresses(addresses), at: now, ttl }))
            }
            Seen::Nothing { exists, ttl } if self.has_addresses() && !self.in_doubt => {
                self.in_doubt = true;
                let because = format!("{}; it is looked at once more", nothing(exists));
                (clamp(ttl.unwrap_or(*pace.second_look.end()), &pace.second_look), self.failed(because.into()))
            }
            Seen::Nothing { exists, ttl } => {
                let ttl = ttl.unwrap_or(*pace.second_look.end());
                (clamp(ttl, &pace.refresh), self.answered(Answer { what: What::Nothing { exists }, at: now, ttl }))
            }
            Seen::Failed(because) => (pace.retry, self.failed(because)),
        };
        self.due = now.monotonic + wait + jitter(wait, draw);
        event
    }

    fn answered(&mut self, answer: Answer) -> Option<Event> {
        let was_in_trouble = self.trouble.take().is_some();
        self.in_doubt = false;
        let before = self.answer.replace(answer).map(|answer| answer.what);
        match (&self.answer.as_ref()?.what, before) {
            (What::Addresses(now), Some(What::Addresses(before))) if *now == before && !was_in_trouble => None,
            (What::Addresses(now), _) => Some(Event::Resolved(now.clone())),
            (What::Nothing { .. }, Some(What::Nothing { .. })) => None,
            (What::Nothing { exists }, _) => Some(Event::Gone { because: nothing(*exists).into() }),
        }
    }

    /// The first trouble is news, the same again is not.
    fn failed(&mut self, because: Arc<str>) -> Option<Event> {
        let before = self.trouble.replace(because.clone());
        before.is_none().then_some(Event::Failed { because })
    }

    /// Drops an answer that has become too old.
    pub fn age(&mut self, now: Now, pace: &Pace) -> Option<Event> {
        let answer = self.answer.as_ref().filter(|answer| self.is_stale(answer, now) && answer.age(now) >= pace.keep)?;
        let because = format!("the last answer is {} s old", answer.age(now).as_secs());
        self.answer = None;
        self.in_doubt = false;
        Some(Event::Dropped { because: because.into() })
    }

    /// What an answer made now may say.
    pub fn known(&self, now: Now) -> Known {
        let Some(answer) = &self.answer else {
            return self.trouble.clone().map_or_else(Known::not_yet, |because| Known::Unresolved { because });
        };
        let age_secs = answer.age(now).as_secs();
        match &answer.what {
            What::Nothing { exists } => Known::Nothing { exists: *exists, at: answer.at.wall, age_secs },
            What::Addresses(addresses) => {
                let stale = self.trouble.clone().filter(|_| self.is_stale(answer, now));
                let left = answer.ttl.as_secs().saturating_sub(age_secs);
                let ttl_secs = match stale {
                    Some(_) => STALE_TTL_SECS,
                    None => u32::try_from(left).unwrap_or(u32::MAX).clamp(1, TTL_MAX_SECS),
                };
                Known::Addresses(Resolved { addresses: addresses.clone(), ttl_secs, at: answer.at.wall, age_secs, stale })
            }
        }
    }

    /// Whether what is known has been looked for at least once.
    pub fn was_looked_at(&self) -> bool {
        self.answer.is_some() || self.trouble.is_some()
    }

    fn has_addresses(&self) -> bool {
        matches!(&self.answer, Some(Answer { what: What::Addresses(_), .. }))
    }

    fn is_stale(&self, answer: &Answer, now: Now) -> bool {
        self.trouble.is_some() && answer.age(now) >= answer.ttl
    }
}

impl Answer {
    fn age(&self, now: Now) -> Duration {
        now.monotonic.saturating_duration_since(self.at.monotonic)
    }
}

fn nothing(exists: bool) -> &'static str {
    if exists { "its name servers say that it has no address" } else { "its name servers say that it does not exist" }
}

fn clamp(found: Duration, bounds: &RangeInclusive<Duration>) -> Duration {
    found.clamp(*bounds.start(), *bounds.end())
}

/// Up to a tenth of `wait`.
fn jitter(wait: Duration, draw: u64) -> Duration {
    (wait / 10).mul_f64(draw as f64 / u64::MAX as f64)
}

/// RFC 8767 §4.
const STALE_TTL_SECS: u32 = 30;
/// How old an answer may become where nothing else is said.
pub const KEEP: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::rtype::RecordType;

    /// One target on a clock that the test turns.
    struct Target {
        state: State,
        began: Instant,
        secs: u64,
    }

    impl Target {
        fn new() -> Self {
            let began = crate::clock::monotonic();
            Self { state: State::new(Now { monotonic: began, wall: Timestamp::UNIX_EPOCH }), began, secs: 0 }
        }

        fn now(&self) -> Now {
            let wall = Timestamp::from_second(self.secs as i64).unwrap();
            Now { monotonic: self.began + Duration::from_secs(self.secs), wall }
        }

        /// What is known at `secs`, after the answer has aged.
        fn at(&mut self, secs: u64) -> String {
            self.secs = secs;
            let dropped = self.state.age(self.now(), &Pace::default());
            let dropped = dropped.map(|event| format!("{event:?} ")).unwrap_or_default();
            match self.state.known(self.now()) {
                ref known @ Known::Addresses(ref resolved) => format!("{dropped}ttl {}: {known}", resolved.ttl_secs),
                known => format!("{dropped}{known}"),
            }
        }

        /// Observes at `secs`; gives the event and the seconds until the next look.
        fn see(&mut self, secs: u64, seen: Seen) -> (Option<Event>, u64) {
            self.secs = secs;
            let event = self.state.observe(seen, self.now(), &Pace::default(), 0);
            (event, (self.state.due - self.now().monotonic).as_secs())
        }
    }

    fn addresses(last: u8) -> Arc<Addresses> {
        Arc::new(Addresses::new(RecordType::A, [[192, 0, 2, last].into()]).unwrap())
    }

    fn found(last: u8, ttl_secs: u64) -> Seen {
        Seen::Addresses { addresses: addresses(last), ttl: Duration::from_secs(ttl_secs) }
    }

    fn none(ttl_secs: u64) -> Seen {
        Seen::Nothing { exists: false, ttl: Some(Duration::from_secs(ttl_secs)) }
    }

    fn failed() -> Seen {
        Seen::Failed("no answer".into())
    }

    #[test]
    fn ttls_count_down_and_are_bounded_and_so_is_the_time_to_the_next_look() {
        for (ttl, next, served) in [(0, 5, [1, 1]), (7, 7, [7, 4]), (60, 60, [60, 57]), (86_400, 60, [60, 60])] {
            let mut target = Target::new();
            assert_eq!(target.see(0, found(1, ttl)), (Some(Event::Resolved(addresses(1))), next), "{ttl}");
            for (secs, expected) in [(0, served[0]), (3, served[1])] {
                assert!(target.at(secs).starts_with(&format!("ttl {expected}: 192.0.2.1,")), "{ttl}: {}", target.at(secs));
            }
        }
    }

    #[test]
    fn only_a_change_is_news() {
        let mut target = Target::new();
        target.see(0, found(1, 60));
        assert_eq!(target.see(60, found(1, 60)), (None, 60));
        assert_eq!(target.see(120, found(2, 60)).0, Some(Event::Resolved(addresses(2))));
        assert!(target.see(180, failed()).0.is_some());
        assert_eq!(target.see(185, failed()), (None, 5));
        assert_eq!(target.see(190, found(2, 60)).0, Some(Event::Resolved(addresses(2))), "well again");
    }

    #[test]
    fn the_last_good_answer_is_kept_stale_and_dropped_for_its_age() {
        let mut target = Target::new();
        target.see(0, found(1, 10));
        assert_eq!(target.see(11, failed()), (Some(Event::Failed { because: "no answer".into() }), 5));
        assert_eq!(target.at(11), "ttl 30: 192.0.2.1, resolved at 1970-01-01T00:00:00Z, 11 s ago; stale: no answer");
        target.see(3_599, failed());
        assert!(target.at(3_599).starts_with("ttl 30: 192.0.2.1,"));
        let dropped = "Dropped { because: \"the last answer is 3600 s old\" } no address is known: no answer";
        assert_eq!(target.at(3_600), dropped);
        assert_eq!(target.at(3_601), "no address is known: no answer", "dropped once");
    }

    #[test]
    fn an_answer_that_holds_is_neither_stale_nor_dropped_for_a_failure() {
        let mut target = Target::new();
        target.see(0, found(1, 86_400));
        target.see(60, failed());
        assert_eq!(target.at(7_200), "ttl 60: 192.0.2.1, resolved at 1970-01-01T00:00:00Z, 7200 s ago");
        assert!(target.at(86_400).starts_with("Dropped"));
    }

    #[test]
    fn addresses_go_when_nothing_was_seen_twice() {
        let mut target = Target::new();
        target.see(0, found(1, 10));
        let (event, next) = target.see(11, none(300));
        assert!(matches!(event, Some(Event::Failed { .. })));
        assert_eq!(next, 30);
        assert!(target.at(11).starts_with("ttl 30: 192.0.2.1,"), "{}", target.at(11));
        // A failure between the two looks decides nothing.
        assert_eq!(target.see(41, failed()), (None, 5));
        assert!(matches!(target.see(46, none(300)), (Some(Event::Gone { .. }), 60)));
        assert_eq!(target.at(46), "it does not exist, as resolved at 1970-01-01T00:00:46Z, 0 s ago");
        assert_eq!(target.see(106, none(300)), (None, 60));
        assert_eq!(target.see(166, found(2, 60)).0, Some(Event::Resolved(addresses(2))));
        // And the doubt is over with the next address.
        target.see(226, none(300));
        target.see(256, found(2, 60));
        target.see(316, none(300));
        assert!(target.at(316).contains("192.0.2.2"), "{}", target.at(316));
    }

    #[test]
    fn nothing_is_believed_at_once_where_nothing_was_known_and_ages_too() {
        let mut target = Target::new();
        assert_eq!(target.at(0), "no address is known: it has not been resolved yet");
        assert!(!target.state.was_looked_at());
        let gone = Event::Gone { because: "its name servers say that it does not exist".into() };
        assert_eq!(target.see(0, none(10)), (Some(gone), 10));
        target.see(10, failed());
        assert_eq!(target.at(100), "it does not exist, as resolved at 1970-01-01T00:00:00Z, 100 s ago");
        assert!(target.at(3_600).ends_with("no address is known: no answer"));
    }

    #[test]
    fn looks_are_spread_by_a_tenth() {
        let spread = |draw| jitter(Duration::from_secs(60), draw).as_millis();
        assert_eq!([spread(0), spread(u64::MAX / 2), spread(u64::MAX)], [0, 3_000, 6_000]);
    }
}
