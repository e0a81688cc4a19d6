//! How good a member is for a client: the numbers that orders are sorted by.
//!
//! Knows no map: `build` sorts all clients by these, `explain` shows them for one.
//! Invariant: two calls with equal arguments give equal numbers.
//! Sources: Route 53 developer guide, "Latency-based routing" and "Geoproximity routing". For the estimate of a round trip:
//! Katz-Bassett et al., "Towards IP Geolocation Using Delay and Topology Measurements" (IMC 2006), find that packets travel
//! great circles at 4/9 of the speed of light, which is 1.5 ms of round trip for 100 km.

use crate::geography::area::Area;
use crate::geography::coordinates::Coordinates;
use crate::geography::countries::coordinates_of;
use crate::geography::regions::region;
use crate::geography::site::{Bias, RegionName, Site};
use crate::places::database::Place;
use crate::places::latency::LatencyTable;

/// What a round trip takes that goes nowhere: both ends' networks.
const ESTIMATE_BASE_MICROS: f64 = 5_000.0;
const ESTIMATE_MICROS_PER_KM: f64 = 15.0;

/// A round trip between two places, in microseconds: 5 ms, and 1.5 ms for each 100 km.
pub(super) fn estimated_micros(km: f64) -> u32 {
    (ESTIMATE_BASE_MICROS + ESTIMATE_MICROS_PER_KM * km).round() as u32
}

/// Where a place is: its own coordinates, else the middle of its country.
pub(super) fn position(place: Option<&Place>) -> Option<Coordinates> {
    let place = place?;
    place.coordinates.or_else(|| place.country.and_then(coordinates_of))
}

/// Whether a record for `area` is for clients of `place`.
pub(super) fn matches(area: Area, place: Option<&Place>) -> bool {
    let place = |known: fn(&Place) -> Option<Area>| place.and_then(known);
    match area {
        Area::Anywhere => true,
        Area::Continent(_) => place(|place| place.continent.map(Area::Continent)) == Some(area),
        Area::Country(_) => place(|place| place.country.map(Area::Country)) == Some(area),
        Area::Subdivision(..) => place(|place| Some(Area::Subdivision(place.country?, place.subdivision?))) == Some(area),
    }
}

/// The members whose area holds the place, from the smallest area.
pub(super) fn chain(areas: &[Area], place: Option<&Place>) -> Vec<u16> {
    let mut chain: Vec<(u16, Area)> = (0..).zip(areas.iter().copied()).filter(|(_, area)| matches(*area, place)).collect();
    // At most one area of a kind holds a place, and areas sort from the widest kind.
    chain.sort_by_key(|(member, area)| (std::cmp::Reverse(*area), *member));
    chain.into_iter().map(|(member, _)| member).collect()
}

/// The members by biased distance; in the order that they come in for a client whose position is not known.
pub(super) fn by_distance(sites: &[(Coordinates, Bias)], position: Option<Coordinates>) -> Vec<u16> {
    let biased = |(site, bias): &(Coordinates, Bias)| position.map_or(0.0, |position| bias.biased(site.distance_km(position)));
    let mut distances: Vec<(f64, u16)> = sites.iter().map(biased).zip(0..).collect();
    distances.sort_by(|(one, member), (other, next)| one.total_cmp(other).then(member.cmp(next)));
    distances.into_iter().map(|(_, member)| member).collect()
}

/// What the members of a latency group are compared by.
pub(super) struct Latencies<'t> {
    table: Option<&'t LatencyTable>,
    members: Vec<Member>,
    /// Members by the names of their regions: how ties are settled.
    by_name: Vec<u16>,
}

/// One member's end of the way.
struct Member {
    /// By the number that the table's rows know it.
    region: Option<u32>,
    coordinates: Option<Coordinates>,
}

/// How far a client is from a member, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Latency {
    /// By a row of a prefix of this length.
    Measured {
        micros: u32,
        prefix_len: u8,
    },
    Estimated {
        micros: u32,
        km: f64,
        to: Coordinates,
    },
}

impl Latency {
    fn micros(self) -> u32 {
        match self {
            Self::Measured { micros, .. } | Self::Estimated { micros, .. } => micros,
        }
    }
}

/// Farther than everything that is known.
const UNKNOWN_MICROS: u32 = u32::MAX;

impl<'t> Latencies<'t> {
    pub(super) fn new(sites: &[Site], table: Option<&'t LatencyTable>) -> Self {
        let member = |site: &Site| Member {
            region: site.region.as_ref().and_then(|name| table?.region(name)),
            coordinates: site.coordinates.or_else(|| Some(region(site.region.as_ref()?)?.coordinates)),
        };
        let mut by_name: Vec<(Option<&RegionName>, u16)> = sites.iter().map(|site| site.region.as_ref()).zip(0..).collect();
        by_name.sort_by_key(|(name, member)| (name.is_none(), *name, *member));
        let by_name = by_name.into_iter().map(|(_, member)| member).collect();
        Self { table, members: sites.iter().map(member).collect(), by_name }
    }

    /// The latency of one member for clients to whom the rows of `set` apply.
    pub(super) fn latency(&self, member: u16, set: u32, position: Option<Coordinates>) -> Option<Latency> {
        let member = &self.members[usize::from(member)];
        if let Some(row) = member.region.and_then(|region| self.table?.row(set, region)) {
            return Some(Latency::Measured { micros: row.micros, prefix_len: row.prefix_len });
        }
        let to = member.coordinates?;
        let km = to.distance_km(position?);
        Some(Latency::Estimated { micros: estimated_micros(km), km, to })
    }

    /// The members by latency, those of unknown latency last; equal ones by the names of their regions.
    ///
    /// With the order that these clients had `before`, a member stands where it stood until another is better by more than
    /// the margin: at each place comes the first of the old order that is within the margin of the best that is left. So
    /// whoever is chosen by health is within the margin of the best that is healthy.
    pub(super) fn order(&self, set: u32, position: Option<Coordinates>, before: Option<(Vec<u16>, u32)>) -> Vec<u16> {
        let micros = |member: u16| self.latency(member, set, position).map_or(UNKNOWN_MICROS, Latency::micros);
        let micros: Vec<u32> = (0..).take(self.members.len()).map(micros).collect();
        let of = |member: &u16| micros[usize::from(*member)];
        let Some((mut left, margin)) = before.filter(|(before, _)| before.len() == micros.len()) else {
            let mut order = self.by_name.clone();
            order.sort_by_key(of);
            return order;
        };
        let mut order = Vec::with_capacity(left.len());
        while let Some(best) = left.iter().map(of).min() {
            let first = left.iter().position(|member| of(member) <= best.saturating_add(margin));
            order.push(left.remove(first.expect("the best is within the margin of itself")));
        }
        order
    }
}
