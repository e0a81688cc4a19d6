//! The verdicts of one snapshot, dense by [`HealthIndex`], for readers that must not wait.
//!
//! Not where verdicts are made: see `machine` and `calculated`. Invariant: one verdict for each index that the
//! snapshot's zones hold, and the bit read by routing always agrees with the verdict shown to people.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::observation::Observation;
use crate::ids::{HealthCheckId, HealthIndex, HealthSet};

/// What is known of one health check, after calculation, inversion and `disabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Healthy,
    Unhealthy,
    /// Before the first verdict. Routing counts it as healthy (Route 53: no data yet), and an inverted check's as
    /// unhealthy: which of the two is in [`Verdict::healthy`].
    Unknown,
}

impl Status {
    /// The word used in logs, metrics and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Unknown => "unknown",
        }
    }

    /// Healthy for unhealthy and the other way round; what is not known stays so.
    pub fn negated(self) -> Self {
        match self {
            Self::Healthy => Self::Unhealthy,
            Self::Unhealthy => Self::Healthy,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A health check's status, whether routing counts it as healthy, since when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub id: HealthCheckId,
    pub status: Status,
    /// What routing goes by.
    pub healthy: bool,
    pub since: Timestamp,
    /// In words: `connection refused`, `2 of 3 children are healthy, 2 are needed`.
    pub because: Arc<str>,
}

/// What the probes of a check last saw, for people: routing goes by the verdict alone.
///
/// Probes that could not be made say nothing and are left out. Both are of what the check probes now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub last: Option<Arc<Observation>>,
    /// The last that failed; it stays when the endpoint has recovered.
    pub last_failure: Option<Arc<Observation>>,
}

/// Every verdict of one snapshot, in the order of the checks' ids.
///
/// A clone shares the verdicts, and a change to it copies only the chunk it falls into: with 100,000 checks, publishing
/// one change costs microseconds instead of the milliseconds that copying all of them would take.
#[derive(Clone, Debug, Default)]
pub struct HealthTable {
    chunks: Vec<Arc<[Verdict]>>,
    /// As many as there are verdicts.
    seen: Vec<Arc<[Seen]>>,
    /// One bit a verdict, its `healthy`: all that a query reads.
    healthy: Box<[u64]>,
}

/// Verdicts that are copied together.
const CHUNK: usize = 128;

impl HealthTable {
    /// The table of `verdicts`, whose order gives each its index; nothing has been seen.
    pub fn new(verdicts: Vec<Verdict>) -> Self {
        let seen = vec![Seen::default(); verdicts.len()];
        Self::with_seen(verdicts, &seen)
    }

    /// The table of `verdicts`, and of what was seen of each.
    pub(super) fn with_seen(verdicts: Vec<Verdict>, seen: &[Seen]) -> Self {
        debug_assert_eq!(verdicts.len(), seen.len(), "each verdict has its own");
        let mut healthy = vec![0u64; verdicts.len().div_ceil(64)];
        for (at, verdict) in verdicts.iter().enumerate() {
            healthy[at / 64] |= u64::from(verdict.healthy) << (at % 64);
        }
        let (chunks, seen) = (verdicts.chunks(CHUNK).map(Arc::from).collect(), seen.chunks(CHUNK).map(Arc::from).collect());
        Self { chunks, seen, healthy: healthy.into() }
    }

    /// Replaces one verdict; clones made before keep the old one.
    pub(super) fn set(&mut self, index: HealthIndex, verdict: Verdict) {
        let (word, bit) = (index.at() / 64, index.at() % 64);
        self.healthy[word] = self.healthy[word] & !(1 << bit) | u64::from(verdict.healthy) << bit;
        Arc::make_mut(&mut self.chunks[index.at() / CHUNK])[index.at() % CHUNK] = verdict;
    }

    /// Replaces what was seen of one check; clones made before keep the old.
    pub(super) fn set_seen(&mut self, index: HealthIndex, seen: Seen) {
        Arc::make_mut(&mut self.seen[index.at() / CHUNK])[index.at() % CHUNK] = seen;
    }

    /// Whether routing may count this check as healthy.
    #[inline]
    pub fn is_healthy(&self, index: HealthIndex) -> bool {
        self.healthy[index.at() / 64] >> (index.at() % 64) & 1 == 1
    }

    /// Whether routing may count all these checks as healthy.
    #[inline]
    pub fn are_healthy(&self, checks: &HealthSet) -> bool {
        checks.words().all(|(word, bits)| self.healthy[word] & bits == bits)
    }

    /// The verdict in full.
    pub fn verdict(&self, index: HealthIndex) -> &Verdict {
        &self.chunks[index.at() / CHUNK][index.at() % CHUNK]
    }

    /// What was last seen of the check.
    pub fn seen(&self, index: HealthIndex) -> &Seen {
        &self.seen[index.at() / CHUNK][index.at() % CHUNK]
    }

    /// The place of a check.
    pub fn index(&self, id: &HealthCheckId) -> Option<HealthIndex> {
        let chunk = self.chunks.partition_point(|chunk| chunk.first().is_some_and(|first| first.id <= *id)).checked_sub(1)?;
        let within = self.chunks[chunk].binary_search_by(|verdict| verdict.id.cmp(id)).ok()?;
        Some(HealthIndex((chunk * CHUNK + within) as u32))
    }

    /// Every verdict, by index.
    pub fn iter(&self) -> impl Iterator<Item = &Verdict> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(at: usize, healthy: bool) -> Verdict {
        let id = HealthCheckId::new(&at.to_string()).unwrap();
        let status = if healthy { Status::Healthy } else { Status::Unhealthy };
        Verdict { id, status, healthy, since: Timestamp::UNIX_EPOCH, because: "".into() }
    }

    #[test]
    fn every_check_is_found_by_its_id_and_no_other_is() {
        for count in [0, 1, 2, 128, 129, 1_000] {
            let id = |at: usize| HealthCheckId::new(&format!("{at:04}")).unwrap();
            let verdicts = (0..count).map(|at| Verdict { id: id(2 * at), ..verdict(at, true) }).collect();
            let table = HealthTable::new(verdicts);
            for at in 0..2 * count {
                let expected = (at % 2 == 0).then_some(HealthIndex(at as u32 / 2));
                assert_eq!(table.index(&id(at)), expected, "{at} of {count}");
            }
            assert_eq!(table.index(&HealthCheckId::new("a").unwrap()), None);
        }
    }

    #[test]
    fn a_change_shows_in_the_table_and_not_in_clones_made_before() {
        for count in [1, 63, 64, 65, 127, 128, 129, 1_000] {
            for at in [0, count / 2, count - 1] {
                let before = HealthTable::new((0..count).map(|at| verdict(at, at % 3 == 0)).collect());
                let mut after = before.clone();
                let index = HealthIndex(at as u32);
                after.set(index, verdict(at, at % 3 != 0));
                assert_eq!(after.iter().count(), count);
                for (other, (old, new)) in before.iter().zip(after.iter()).enumerate() {
                    let other = HealthIndex(other as u32);
                    assert_eq!(old == new, other != index, "{at} of {count}");
                    assert_eq!((before.verdict(other), after.verdict(other)), (old, new));
                    assert_eq!((before.is_healthy(other), after.is_healthy(other)), (old.healthy, new.healthy));
                }
            }
        }
    }
}
