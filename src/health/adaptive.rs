//! Deadlines that follow what an endpoint usually takes: an option, and only ever below those configured.
//!
//! ```text
//! T = 3 × p95 of the last passes + 100 ms, at least 200 ms
//!     at most twice what it was when the endpoint was first known well (it may get slower, but is not believed for ever)
//!     at most the deadline configured, which alone holds below 20 passes
//! ```
//!
//! Invariant: only probes that passed are learned from, and a check that fell is learned anew once it has risen: what it
//! does then may be another machine's doing. Whoever probes asks only while the status is healthy, so that a deadline which
//! has become too short for an endpoint cannot keep it out.

use std::time::Duration;

use super::latency::LatencySketch;
use super::timing::Deadlines;

/// What was learned of one check's phases.
#[derive(Clone, Debug, Default)]
pub struct Adaptive {
    connect: Learned,
    tls: Learned,
    status: Learned,
    body: Learned,
}

#[derive(Clone, Debug, Default)]
struct Learned {
    took: LatencySketch,
    /// The lowest deadline that the durations have amounted to.
    baseline: Option<Duration>,
}

impl Adaptive {
    /// Learns from one phase of a probe that passed, by its name.
    pub fn record(&mut self, phase: &str, took: Duration) {
        let learned = match phase {
            "connect" => &mut self.connect,
            "tls" => &mut self.tls,
            "status" => &mut self.status,
            "body" => &mut self.body,
            _ => return,
        };
        learned.record(took);
    }

    /// The deadlines for the next probe.
    pub fn deadlines(&self, configured: Deadlines) -> Deadlines {
        let connect = self.connect.deadline(configured.connect);
        Deadlines {
            connect,
            tls: match configured.tls {
                Some(tls) => Some(self.tls.deadline(tls)),
                // Both share one deadline. Each pass tells of both, so none is learned without the other.
                None if self.tls.baseline.is_some() => Some(self.tls.deadline(configured.connect - connect)),
                None => None,
            },
            status: self.status.deadline(configured.status),
            body: self.body.deadline(configured.body),
        }
    }
}

impl Learned {
    fn record(&mut self, took: Duration) {
        self.took.record(took);
        if let Some(usual) = self.usual() {
            self.baseline = Some(self.baseline.map_or(usual, |baseline| baseline.min(usual)));
        }
    }

    /// What the last durations amount to; none while they are few.
    fn usual(&self) -> Option<Duration> {
        let p95 = self.took.percentile(0.95).filter(|_| self.took.len() >= SAMPLES_MIN)?;
        Some((p95 * 3 + ALLOWANCE).max(DEADLINE_MIN))
    }

    fn deadline(&self, configured: Duration) -> Duration {
        let learned = self.usual().zip(self.baseline).map(|(usual, baseline)| usual.min(baseline * 2));
        learned.map_or(configured, |learned| learned.min(configured))
    }
}

const SAMPLES_MIN: usize = 20;
const ALLOWANCE: Duration = Duration::from_millis(100);
const DEADLINE_MIN: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: Duration = Duration::from_secs(4);

    fn configured(tls: Option<Duration>) -> Deadlines {
        Deadlines { connect: FOUR, tls, status: FOUR, body: FOUR }
    }

    /// The deadline for connecting after so many passes of so many milliseconds each.
    fn check(passes: &[(usize, u64)], expected_millis: u64) {
        let mut adaptive = Adaptive::default();
        for (count, millis) in passes {
            (0..*count).for_each(|_| adaptive.record("connect", Duration::from_millis(*millis)));
        }
        let found = adaptive.deadlines(configured(None));
        let expected = Duration::from_millis(expected_millis);
        assert!(found.connect.abs_diff(expected) < Duration::from_millis(3), "{passes:?}: {:?}", found.connect);
        assert_eq!((found.tls, found.status, found.body), (None, FOUR, FOUR));
    }

    #[test]
    fn a_deadline_is_three_times_the_usual_and_within_bounds() {
        check(&[], 4_000);
        check(&[(19, 10)], 4_000);
        check(&[(20, 10)], 200);
        check(&[(20, 50)], 250);
        check(&[(100, 50), (4, 900)], 250);
        check(&[(100, 3_000)], 4_000);
    }

    #[test]
    fn an_endpoint_that_slows_down_is_believed_up_to_twice_the_time() {
        check(&[(100, 50), (1_000, 60)], 280);
        check(&[(100, 50), (1_000, 400)], 500);
        check(&[(100, 50), (1_000, 60), (1_000, 100), (1_000, 900)], 500);
        // What gets faster is soon held to it.
        check(&[(100, 400), (100, 50), (100, 400)], 500);
    }

    #[test]
    fn each_phase_has_its_own() {
        let mut adaptive = Adaptive::default();
        for _ in 0..20 {
            for (phase, millis) in [("resolve", 1), ("connect", 10), ("tls", 50), ("status", 100), ("body", 200)] {
                adaptive.record(phase, Duration::from_millis(millis));
            }
        }
        for tls in [None, Some(FOUR)] {
            let Deadlines { connect, tls, status, body } = adaptive.deadlines(configured(tls));
            let found = [connect, tls.unwrap(), status, body].map(|deadline| deadline.as_millis());
            assert!(found.iter().zip([200, 250, 400, 700]).all(|(found, expected)| found.abs_diff(expected) < 3), "{found:?}");
        }
    }
}
