//! How many responses a network may get: whether one more is over the limit, and what becomes of it.
//!
//! Sends and drops nothing, reads no clock: time is an argument. One [`RateLimiter`] belongs to one worker, so that a
//! query writes no memory that others read. Responses are counted as BIND counts them: by the asker's network, the kind
//! of response, and the name that it is about, so that names share no bucket, and random names below one zone or wildcard
//! do. What is limited is debited too: a network that goes on asking stays limited.
//! Invariant: without rules for a limit its responses pass. Source: ISC-TN-2012-1, "Response Rate Limiting in DNS".

mod buckets;
mod hash;
pub mod incidents;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use self::buckets::{Buckets, Pace};
use self::hash::{Key, Network};

/// The limits, each with a rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// Answers: counted by name (the wildcard's, where one answers) and type.
    Responses,
    /// Names without data of the type asked: counted by name.
    NoData,
    /// Names that do not exist: counted by zone.
    NxDomains,
    /// Counted by zone cut.
    Referrals,
    /// Everything else, without regard to names.
    Errors,
    /// Everything, beside its own limit.
    All,
}

/// What one response counts as: its limit, and where in the query the name lies that it is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub limit: Limit,
    pub name_at: u16,
    pub name_len: u8,
}

/// What became of a response that was over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    pub by: Limit,
    pub action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing is sent.
    Drop,
    /// So little is sent that it is of no use to anybody but who asked: the way to another attempt.
    Slip,
    /// All of it is sent: the operator wants to know first.
    DryRun,
}

/// What the operator allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Responses a second, for each of [`Limit::ALL`]; 0: as many as are asked for.
    pub per_second: [u32; Limit::ALL.len()],
    /// How long a network that stops asking stays limited at most.
    pub window: Duration,
    /// Each so many limited responses one is slipped; 0: none.
    pub slip: u32,
    pub ipv4_prefix_len: u8,
    pub ipv6_prefix_len: u8,
    /// Networks that are never limited.
    pub exempt: Vec<IpNet>,
    /// Buckets of each worker.
    pub table_size: usize,
    pub dry_run: bool,
}

/// A time, in nanoseconds after some moment long before the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks(u64);

/// One worker's share of the rules, and its counts.
#[derive(Debug)]
pub struct RateLimiter {
    rules: Arc<Rules>,
    /// For each limit; none: not limited.
    paces: [Option<Pace>; Limit::ALL.len()],
    ipv4_mask: u32,
    ipv6_mask: u128,
    workers: NonZeroUsize,
    buckets: Buckets,
    seeds: [u64; 2],
}

impl Limit {
    pub const ALL: [Self; 6] = [Self::Responses, Self::NoData, Self::NxDomains, Self::Referrals, Self::Errors, Self::All];

    /// Its word in the configuration, in counters and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Responses => "responses",
            Self::NoData => "nodata",
            Self::NxDomains => "nxdomains",
            Self::Referrals => "referrals",
            Self::Errors => "errors",
            Self::All => "all",
        }
    }
}

impl Counted {
    /// What has no name to be counted by.
    pub const ERROR: Self = Self { limit: Limit::Errors, name_at: 0, name_len: 0 };

    /// The octets of the name, in the query's case.
    pub fn name<'m>(&self, query: &'m [u8]) -> &'m [u8] {
        query.get(usize::from(self.name_at)..).and_then(|rest| rest.get(..usize::from(self.name_len))).unwrap_or_default()
    }
}

impl Action {
    pub const ALL: [Self; 3] = [Self::Drop, Self::Slip, Self::DryRun];

    /// Its word in counters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Drop => "dropped",
            Self::Slip => "slipped",
            Self::DryRun => "dry_run",
        }
    }
}

impl Rules {
    /// The network that an address is counted with.
    pub fn network_of(&self, asker: IpAddr) -> IpNet {
        let prefix_len = if asker.is_ipv4() { self.ipv4_prefix_len } else { self.ipv6_prefix_len };
        let net = IpNet::new(asker, prefix_len).expect("the lengths are within those of their families");
        net.trunc()
    }

    fn is_exempt(&self, asker: IpAddr) -> bool {
        self.exempt.iter().any(|network| network.contains(&asker))
    }
}

impl Ticks {
    /// So long after the start.
    #[inline]
    pub fn after_start(elapsed: Duration) -> Self {
        Self(BEFORE_START).plus(elapsed)
    }

    /// So much later.
    #[inline]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0 + u64::try_from(later.as_nanos()).unwrap_or(u64::MAX / 2))
    }
}

impl RateLimiter {
    /// One of `workers` that share the traffic of an address. `seeds` nobody outside may know: they decide which networks and
    /// names share a place in the table.
    pub fn new(rules: Arc<Rules>, workers: NonZeroUsize, seeds: [u64; 2]) -> Self {
        let mut limiter = Self {
            paces: [None; Limit::ALL.len()],
            ipv4_mask: 0,
            ipv6_mask: 0,
            workers,
            buckets: Buckets::new(rules.table_size),
            seeds,
            rules: rules.clone(),
        };
        limiter.follow(rules);
        limiter
    }

    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// Takes other rules; what was counted still counts, unless the table has another size.
    pub fn follow(&mut self, rules: Arc<Rules>) {
        if rules.table_size != self.rules.table_size {
            self.buckets = Buckets::new(rules.table_size);
        }
        self.paces = rules.per_second.map(|per_second| Pace::new(per_second, rules.window, self.workers));
        self.ipv4_mask = u32::MAX.checked_shl(32 - u32::from(rules.ipv4_prefix_len)).unwrap_or_default();
        self.ipv6_mask = u128::MAX.checked_shl(128 - u32::from(rules.ipv6_prefix_len)).unwrap_or_default();
        self.rules = rules;
    }

    /// Counts a response to `query` that `asker` is about to get; none: it is within the limits.
    #[inline]
    pub fn decide(&mut self, now: Ticks, asker: IpAddr, counted: Counted, qtype: u16, query: &[u8]) -> Option<Limited> {
        let network = match asker {
            IpAddr::V4(address) => Network::V4(u32::from(address) & self.ipv4_mask),
            IpAddr::V6(address) => Network::V6(u128::from(address) & self.ipv6_mask),
        };
        let over_all = self.debit(Limit::All, now, || Key { network, what: Limit::All as u64, name: &[] });
        let (by, count) = match over_all {
            0 => (counted.limit, self.debit(counted.limit, now, || key(network, counted, qtype, query))),
            over_all => (Limit::All, over_all),
        };
        match count {
            0 => None,
            count => self.limit(asker, by, count, counted),
        }
    }

    /// Debits one response; how many in a row were over the limit, this one included.
    #[inline]
    fn debit<'k>(&mut self, limit: Limit, now: Ticks, key: impl FnOnce() -> Key<'k>) -> u32 {
        let Some(pace) = self.paces[limit as usize] else { return 0 };
        self.buckets.debit(key().hash(self.seeds), pace, now.0)
    }

    /// What becomes of the `count`th response in a row that is over a limit.
    #[cold]
    fn limit(&self, asker: IpAddr, by: Limit, count: u32, counted: Counted) -> Option<Limited> {
        if self.rules.is_exempt(asker) {
            return None;
        }
        let slips = self.rules.slip != 0 && count.is_multiple_of(self.rules.slip);
        let action = match counted.limit {
            _ if self.rules.dry_run => Action::DryRun,
            // Nothing leads to another answer than the error: a slip would be of no use.
            Limit::Errors => Action::Drop,
            _ if slips => Action::Slip,
            _ => Action::Drop,
        };
        Some(Limited { by, action })
    }
}

/// What a response is counted by.
#[inline]
fn key(network: Network, counted: Counted, qtype: u16, query: &[u8]) -> Key<'_> {
    let limit = counted.limit as u64;
    let qtype = if counted.limit == Limit::Responses { u64::from(qtype) } else { 0 };
    // `*.example.org` is no other name's bucket, though only `example.org` is in the query.
    let is_above = u64::from(usize::from(counted.name_at) > NAME_AT);
    Key { network, what: limit | is_above << 8 | qtype << 16, name: counted.name(query) }
}

impl Default for Rules {
    /// 200 a second, as NSD has it; what the rest is like is said where it is configured.
    fn default() -> Self {
        let mut per_second = [200; Limit::ALL.len()];
        per_second[Limit::All as usize] = 0;
        Self {
            per_second,
            window: Duration::from_secs(15),
            slip: 1,
            ipv4_prefix_len: 24,
            ipv6_prefix_len: 56,
            exempt: Vec::new(),
            table_size: 65_536,
            dry_run: false,
        }
    }
}

/// Where the name asked for lies in a query.
const NAME_AT: usize = 12;
/// So that at the start everybody has credit for all the time before: more than the slowest bucket saves up.
const BEFORE_START: u64 = 1 << 60;

#[cfg(test)]
mod tests;
