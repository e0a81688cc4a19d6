//! What a record group does beyond its policy; nothing, unless somebody asks for it.
//!
//! Route 53 has none of these: a group without options decides exactly as Route 53 does.
//! Invariant: numbers are within their ranges.

use crate::geography::area::Area;
use crate::modes::Modes;

/// The options of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupOptions {
    pub min_healthy: MinHealthy,
    /// The only places that the group answers with; empty for no fence.
    pub fence: Vec<Area>,
    /// The share of answers that a failover group gives to its standby.
    pub trickle: Share,
    /// Below this share of healthy members everybody that nobody drains answers; 0 for never.
    pub panic: Share,
    /// The TTL follows how soon the answer could change, within this range.
    pub ttl: Option<TtlRange>,
    /// How members leave service and come back.
    pub modes: Modes,
    /// A weighted group answers clients of one subnet with one member, for as long as that is healthy.
    pub sticky: bool,
    /// How many of the nearest members are answered together; 0 and 1 mean one.
    pub nearest: u8,
}

/// How many healthy members make a group healthy for the aliases above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinHealthy {
    /// At least so many members.
    Count(u16),
    /// At least this share of the members; of their weight, if they have weights.
    Share(Share),
}

/// From the least to the greatest TTL, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TtlRange {
    pub min: u32,
    /// At least `min`.
    pub max: u32,
}

/// A share in ten-thousandths, 0 to 10,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u16);

impl Share {
    pub const WHOLE: u16 = 10_000;

    /// The share nearest to `part`; none outside 0 to 1.
    pub fn new(part: f64) -> Option<Self> {
        let is_share = (0.0..=1.0).contains(&part);
        is_share.then(|| Self((part * f64::from(Self::WHOLE)).round() as u16))
    }

    /// 0 to 100.
    pub fn percent(self) -> f64 {
        f64::from(self.0) * 100.0 / f64::from(Self::WHOLE)
    }

    /// In ten-thousandths.
    pub fn parts(self) -> u16 {
        self.0
    }
}

impl Default for MinHealthy {
    /// One healthy member is enough (Route 53).
    fn default() -> Self {
        Self::Count(1)
    }
}
