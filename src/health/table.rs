//! The verdicts of one snapshot, dense by [`HealthIndex`], for readers that must not wait.
//!
//! Not where verdicts are made: see `board`. Invariant: one verdict for each index that the
//! snapshot's zones hold, and the bit read by routing always agrees with the verdict shown to people.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::gate::WHOLE;
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
    /// Why routing goes by something else than the status, where it does.
    pub exception: Option<Exception>,
}

/// What routing goes by in the place of a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    pub kind: ExceptionKind,
    /// In words: `drained by ops until 2026-03-01T10:00:00Z: kernel update`.
    pub because: Arc<str>,
}

/// Who says otherwise than the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExceptionKind {
    /// The check reports and decides nothing.
    Observed,
    /// An operator forced it healthy.
    Up,
    /// An operator forced it unhealthy.
    Down,
    /// An operator wants it answered only where nothing else is left.
    Drained,
    /// An operator wants it as it was.
    Frozen,
    /// A brake keeps it in service.
    Held,
    /// It stays in service until somebody takes it out.
    AwaitsFailover,
    /// It stays out of service until it is brought back.
    AwaitsFailback,
}

impl ExceptionKind {
    /// The word used in logs, metrics and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Up => "forced_up",
            Self::Down => "forced_down",
            Self::Drained => "drained",
            Self::Frozen => "frozen",
            Self::Held => "held",
            Self::AwaitsFailover => "awaits_failover",
            Self::AwaitsFailback => "awaits_failback",
        }
    }

    /// Whether an operator's override says so.
    pub fn is_override(self) -> bool {
        matches!(self, Self::Up | Self::Down | Self::Drained | Self::Frozen)
    }
}

impl Verdict {
    /// A verdict that routing goes by as it stands.
    pub fn plain(id: HealthCheckId, status: Status, since: Timestamp, because: Arc<str>) -> Self {
        Self { id, status, healthy: status != Status::Unhealthy, since, because, exception: None }
    }
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

/// Every verdict of one snapshot: the checks' in the order of their ids, then the gates'.
///
/// A clone shares the verdicts, and a change to it copies only the chunk it falls into: with 100,000 checks, publishing
/// one change costs microseconds instead of the milliseconds that copying all of them would take.
#[derive(Clone, Debug, Default)]
pub struct HealthTable {
    chunks: Vec<Arc<[Verdict]>>,
    /// How many of the verdicts are of checks.
    checks: usize,
    /// As many as there are checks.
    seen: Vec<Arc<[Seen]>>,
    /// All that most queries read.
    bits: Bits,
    /// The members whose weight ramps up, and their percent of it; in the order of the indices.
    shares: Arc<[(HealthIndex, u8)]>,
    /// How soon what a TTL follows could change, in seconds; in the order of the indices.
    changes: Arc<[(HealthIndex, u32)]>,
}

/// What routing goes by beside a verdict's `healthy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// An operator wants it answered only where nothing else is left.
    pub drained: bool,
    /// It counts whatever stands behind it.
    pub kept: bool,
}

/// One bit a verdict.
#[derive(Clone, Debug, Default)]
struct Bits {
    /// Its `healthy`.
    healthy: Box<[u64]>,
    /// It is healthy, and has all of its weight.
    whole: Box<[u64]>,
    drained: Box<[u64]>,
    kept: Box<[u64]>,
}

/// Verdicts that are copied together.
const CHUNK: usize = 128;

impl HealthTable {
    /// The table of these verdicts on checks, whose order gives each its index; there are no gates, and nothing has been
    /// seen.
    pub fn new(verdicts: Vec<Verdict>) -> Self {
        Self::with_gates(verdicts, Vec::new())
    }

    /// The table of these verdicts on checks, then on gates; nothing has been seen.
    pub fn with_gates(checks: Vec<Verdict>, gates: Vec<Verdict>) -> Self {
        let seen = vec![Seen::default(); checks.len()];
        let gates = gates.into_iter().map(|verdict| (verdict, Marks::default())).collect();
        Self::with_seen(checks.into_iter().map(|verdict| (verdict, Marks::default())).collect(), &seen, gates)
    }

    /// The table of verdicts with their marks, and of what was seen of each check.
    pub(super) fn with_seen(checks: Vec<(Verdict, Marks)>, seen: &[Seen], gates: Vec<(Verdict, Marks)>) -> Self {
        debug_assert_eq!(checks.len(), seen.len(), "each check has its own");
        let count = checks.len();
        let mut bits = Bits::new(count + gates.len());
        let verdicts = checks.into_iter().chain(gates).enumerate().map(|(at, (verdict, marks))| {
            bits.set(at, verdict.healthy, marks, true);
            verdict
        });
        let verdicts: Vec<Verdict> = verdicts.collect();
        let (chunks, seen) = (verdicts.chunks(CHUNK).map(Arc::from).collect(), seen.chunks(CHUNK).map(Arc::from).collect());
        Self { chunks, checks: count, seen, bits, ..Self::default() }
    }

    /// Replaces one verdict; clones made before keep the old one.
    pub(super) fn set(&mut self, index: HealthIndex, verdict: Verdict, marks: Marks) {
        let has_all = self.share_percent(index) == WHOLE;
        self.bits.set(index.at(), verdict.healthy, marks, has_all);
        Arc::make_mut(&mut self.chunks[index.at() / CHUNK])[index.at() % CHUNK] = verdict;
    }

    /// Replaces what was seen of one check; clones made before keep the old.
    pub(super) fn set_seen(&mut self, index: HealthIndex, seen: Seen) {
        Arc::make_mut(&mut self.seen[index.at() / CHUNK])[index.at() % CHUNK] = seen;
    }

    /// Makes these the members whose weight ramps up, in the order of their indices; all others have theirs.
    ///
    /// Whether that is news.
    pub(super) fn set_shares(&mut self, shares: &[(HealthIndex, u8)]) -> bool {
        if *self.shares == *shares {
            return false;
        }
        let before = std::mem::replace(&mut self.shares, shares.into());
        for (index, _) in before.iter().chain(shares) {
            let has_all = self.share_percent(*index) == WHOLE;
            let marks = Marks { drained: self.is_drained(*index), kept: self.is_kept(*index) };
            self.bits.set(index.at(), self.is_healthy(*index), marks, has_all);
        }
        true
    }

    /// Says how soon each of these could change, in seconds; in the order of their indices.
    pub(super) fn set_changes(&mut self, changes: &[(HealthIndex, u32)]) {
        if *self.changes != *changes {
            self.changes = changes.into();
        }
    }

    /// Whether routing may count this check as healthy.
    #[inline]
    pub fn is_healthy(&self, index: HealthIndex) -> bool {
        has(&self.bits.healthy, index)
    }

    /// Whether routing may count all of these as healthy, each with all of its weight.
    #[inline]
    pub fn are_whole(&self, checks: &HealthSet) -> bool {
        checks.words().all(|(word, bits)| self.bits.whole[word] & bits == bits)
    }

    /// Whether routing may count any of these as healthy.
    #[inline]
    pub fn is_any_healthy(&self, checks: &HealthSet) -> bool {
        checks.words().any(|(word, bits)| self.bits.healthy[word] & bits != 0)
    }

    /// Whether it may be answered only where nothing else is left, not even in a last resort.
    #[inline]
    pub fn is_drained(&self, index: HealthIndex) -> bool {
        has(&self.bits.drained, index)
    }

    /// Whether it counts as healthy whatever stands behind it.
    #[inline]
    pub fn is_kept(&self, index: HealthIndex) -> bool {
        has(&self.bits.kept, index)
    }

    /// Whether anything has less than all of its weight.
    #[inline]
    pub fn is_ramping(&self) -> bool {
        !self.shares.is_empty()
    }

    /// How much of its weight it has, in percent, 1 to 100.
    pub fn share_percent(&self, index: HealthIndex) -> u8 {
        match self.shares.binary_search_by_key(&index, |(at, _)| *at) {
            Ok(at) => self.shares[at].1,
            Err(_) => WHOLE,
        }
    }

    /// How soon the first of these could change, in seconds; none where nothing that a TTL follows is among them.
    pub fn changes_in_secs(&self, set: &HealthSet) -> Option<u32> {
        let is_in =
            |index: HealthIndex| set.words().any(|(word, bits)| index.at() / 64 == word && bits >> (index.at() % 64) & 1 == 1);
        self.changes.iter().filter(|(index, _)| is_in(*index)).map(|(_, secs)| *secs).min()
    }

    /// The verdict in full.
    pub fn verdict(&self, index: HealthIndex) -> &Verdict {
        &self.chunks[index.at() / CHUNK][index.at() % CHUNK]
    }

    /// The verdict in full, where there is anything to say: a gate that has no check and does what it does by itself says
    /// nothing.
    pub fn told(&self, index: HealthIndex) -> Option<&Verdict> {
        let verdict = self.verdict(index);
        let is_silent = index.at() >= self.checks && verdict.exception.is_none() && verdict.because.is_empty();
        (!is_silent).then_some(verdict)
    }

    /// What was last seen of the check.
    pub fn seen(&self, index: HealthIndex) -> &Seen {
        &self.seen[index.at() / CHUNK][index.at() % CHUNK]
    }

    /// The place of a check.
    pub fn index(&self, id: &HealthCheckId) -> Option<HealthIndex> {
        let (mut low, mut high) = (0, self.checks);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.verdict(HealthIndex(middle as u32)).id.cmp(id) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Some(HealthIndex(middle as u32)),
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Every check's verdict, by index.
    pub fn iter(&self) -> impl Iterator<Item = &Verdict> {
        self.all().take(self.checks)
    }

    /// Every gate's verdict, by index.
    pub fn gates(&self) -> impl Iterator<Item = &Verdict> {
        self.all().skip(self.checks)
    }

    fn all(&self) -> impl Iterator<Item = &Verdict> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

impl Bits {
    fn new(count: usize) -> Self {
        let none = || vec![0u64; count.div_ceil(64)].into_boxed_slice();
        Self { healthy: none(), whole: none(), drained: none(), kept: none() }
    }

    fn set(&mut self, at: usize, healthy: bool, marks: Marks, has_all: bool) {
        for (bits, value) in [
            (&mut self.healthy, healthy),
            (&mut self.whole, healthy && has_all),
            (&mut self.drained, marks.drained),
            (&mut self.kept, marks.kept),
        ] {
            bits[at / 64] = bits[at / 64] & !(1 << (at % 64)) | u64::from(value) << (at % 64);
        }
    }
}

#[inline]
fn has(bits: &[u64], index: HealthIndex) -> bool {
    bits[index.at() / 64] >> (index.at() % 64) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(at: usize, healthy: bool) -> Verdict {
        let id = HealthCheckId::new(&at.to_string()).unwrap();
        let status = if healthy { Status::Healthy } else { Status::Unhealthy };
        Verdict { healthy, ..Verdict::plain(id, status, Timestamp::UNIX_EPOCH, "".into()) }
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
                after.set(index, verdict(at, at % 3 != 0), Marks::default());
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
