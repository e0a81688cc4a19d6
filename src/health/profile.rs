//! Timings by name: how soon a failure is noticed, against how soon a blip is taken for one.
//!
//! Plain data. Each knob can be set beside a profile. Invariant: [`Profile::Route53`] is what Route 53 does, and nothing
//! else. Source: Route 53 developer guide, "How Amazon Route 53 determines whether a health check is healthy".

use std::num::NonZeroU8;
use std::time::Duration;

use super::timing::{Deadlines, HOLD_MAX, Hold, Thresholds, Timing, Tolerance};

/// A set of knobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Fails over a restart of a second.
    Fast,
    /// Fails over what lasts two seconds.
    Default,
    /// Sits out what lasts three seconds, and is slow to come back.
    Calm,
    /// As few probes as Route 53's fast checks.
    Economy,
    /// To the second what Route 53's standard checks do.
    Route53,
}

impl Profile {
    pub const ALL: [Self; 5] = [Self::Fast, Self::Default, Self::Calm, Self::Economy, Self::Route53];

    /// Its name in configurations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Default => "default",
            Self::Calm => "calm",
            Self::Economy => "economy",
            Self::Route53 => "route53",
        }
    }

    /// Its knobs; `route53_connect` is how long Route 53 lets a check of this kind connect.
    pub fn timing(self, route53_connect: Duration) -> Timing {
        let (millis, secs) = (Duration::from_millis, Duration::from_secs);
        match self {
            Self::Fast => confirming([secs(1), millis(100), secs(5)], [2, 3, 5], [millis(300), secs(1)]),
            Self::Default => confirming([secs(2), millis(250), secs(10)], [3, 3, 6], [millis(400), secs(1)]),
            Self::Calm => confirming([secs(5), secs(1), secs(60)], [3, 5, 6], [secs(1), secs(2)]),
            Self::Economy => confirming([secs(10), secs(1), secs(30)], [4, 3, 6], [secs(2), secs(2)]),
            Self::Route53 => {
                Timing::plain(secs(30), route53_deadlines(route53_connect), Thresholds { fall: count(3), rise: count(3) })
            }
        }
    }
}

/// The deadlines of a check for which Route 53 allows `connect` to connect, TLS included; the status line and the body
/// have 2 s each, or less where connecting has.
pub fn route53_deadlines(connect: Duration) -> Deadlines {
    let answering = connect.min(ROUTE53_ANSWERING);
    Deadlines { connect, tls: None, status: answering, body: answering }
}

fn confirming(times: [Duration; 3], counts: [u8; 3], deadlines: [Duration; 2]) -> Timing {
    let ([interval, retry, hold], [fall, rise, tolerated], [connect, answering]) = (times, counts.map(count), deadlines);
    Timing {
        interval,
        retry: Some(retry),
        deadlines: Deadlines { connect, tls: Some(answering), status: answering, body: answering },
        thresholds: Thresholds { fall, rise },
        tolerance: Some(Tolerance { failures: tolerated, clear: CLEAR }),
        hold: Hold { least: hold, max: HOLD_MAX },
        adaptive: false,
    }
}

fn count(count: u8) -> NonZeroU8 {
    NonZeroU8::new(count).expect("no count of a profile is 0")
}

/// Passes in a row that forgive isolated failures, where nothing else is said.
pub const CLEAR: NonZeroU8 = NonZeroU8::new(8).expect("8 is not 0");
/// How long Route 53 waits for the status line, and for the body.
const ROUTE53_ANSWERING: Duration = Duration::from_secs(2);
