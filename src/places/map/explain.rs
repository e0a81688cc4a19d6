//! Why a client's order is what it is: each member's number, and where it came from.
//!
//! Computes no order of its own: the map's is shown, with the numbers of `ranking` that it was built by.
//! Invariant: the members are those of the map's order, in that order.

use std::fmt;

use ipnet::IpNet;

use super::ranking::{Latencies, Latency, position};
use super::{ClientMap, Entry};
use crate::geography::area::Area;
use crate::geography::coordinates::Coordinates;
use crate::geography::site::Bias;
use crate::ids::{CollectionId, LocationName};
use crate::places::Places;
use crate::places::cidr::CidrCollection;
use crate::places::client::Client;
use crate::places::database::Place;
use crate::places::rules::Rules;

/// One client's order, explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The database's entry for the client: its network, and the place if it has one. None where no database is asked.
    pub located: Option<(IpNet, Option<Place>)>,
    /// Best first.
    pub members: Vec<ExplainedMember>,
}

/// One member of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedMember {
    pub member: u16,
    pub reason: Reason,
}

/// What a member was compared by.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// A row of the latency table, of this prefix.
    Measured {
        micros: u32,
        prefix: IpNet,
    },
    /// Of the distance.
    Estimated {
        micros: u32,
        km: f64,
        from: Position,
        to: Coordinates,
    },
    Distance {
        km: f64,
        bias: Bias,
        biased_km: f64,
        from: Position,
        to: Coordinates,
    },
    /// The client is in the area.
    Area(Area),
    /// The block holds the client, and belongs to the location.
    Block {
        block: IpNet,
        collection: CollectionId,
        location: LocationName,
    },
    /// No block with a member was longer: the location `*`.
    EveryoneElse,
    /// Nothing is known of the way between them.
    Unknown,
}

/// Where a client was taken to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    pub coordinates: Coordinates,
    /// Only the country is known, and this is its middle.
    pub is_middle_of_country: bool,
}

/// Explains the order that `map` has for a client; `map` was built of the same rules and places.
pub fn explain(rules: &Rules, places: &Places, map: &ClientMap, client: &Client) -> Explained {
    let database = places.database.as_ref().filter(|_| !matches!(rules, Rules::IpBased { .. }));
    let located = database.map(|database| {
        let located = database.lookup(client.address);
        let network = IpNet::new(client.address, located.prefix_len).expect("a prefix of the address's family").trunc();
        (network, located.place.cloned())
    });
    let place = located.as_ref().and_then(|(_, place)| place.as_ref());
    let entries = map.lookup(client).order.entries.iter();
    let members: Vec<(u16, Reason)> = match rules {
        Rules::Geolocation(areas) => {
            entries.map(|entry| (entry.member, Reason::Area(areas[usize::from(entry.member)]))).collect()
        }
        Rules::Geoproximity(sites) => {
            entries.map(|entry| (entry.member, distance(sites[usize::from(entry.member)], place))).collect()
        }
        Rules::Latency(sites) => {
            let latencies = Latencies::new(sites, places.latency.as_deref());
            entries.map(|entry| (entry.member, latency(&latencies, places, entry.member, client, place))).collect()
        }
        Rules::IpBased { id, collection, locations } => {
            let entries: Vec<Entry> = entries.copied().collect();
            let bounds = std::iter::once(client.prefix_len + 1).chain(entries.iter().map(|entry| entry.prefix_len));
            let location = |member: u16| locations[usize::from(member)].as_ref();
            entries
                .iter()
                .zip(bounds)
                .map(|(entry, below)| (entry.member, block(id, collection, location(entry.member), client, below)))
                .collect()
        }
    };
    let members = members.into_iter().map(|(member, reason)| ExplainedMember { member, reason }).collect();
    Explained { located, members }
}

fn from(place: Option<&Place>) -> Option<Position> {
    let is_middle_of_country = place?.coordinates.is_none();
    position(place).map(|coordinates| Position { coordinates, is_middle_of_country })
}

fn distance((to, bias): (Coordinates, Bias), place: Option<&Place>) -> Reason {
    let Some(from) = from(place) else { return Reason::Unknown };
    let km = to.distance_km(from.coordinates);
    Reason::Distance { km, bias, biased_km: bias.biased(km), from, to }
}

fn latency(latencies: &Latencies<'_>, places: &Places, member: u16, client: &Client, place: Option<&Place>) -> Reason {
    let from = from(place);
    let measured = places.latency.as_ref().map(|table| table.set(client.address));
    match latencies.latency(member, measured.unwrap_or_default(), from.map(|from| from.coordinates)) {
        Some(Latency::Measured { micros, prefix_len }) => {
            let prefix = IpNet::new(client.address, prefix_len).expect("a row's prefix is of its family").trunc();
            Reason::Measured { micros, prefix }
        }
        Some(Latency::Estimated { micros, km, to }) => {
            from.map_or(Reason::Unknown, |from| Reason::Estimated { micros, km, from, to })
        }
        None => Reason::Unknown,
    }
}

/// The longest block of a location that holds the client, and is shorter than `below`.
fn block(id: &CollectionId, collection: &CidrCollection, location: Option<&LocationName>, client: &Client, below: u8) -> Reason {
    let Some(location) = location else { return Reason::EveryoneElse };
    let holds = |block: &IpNet| block.prefix_len() < below && block.contains(&client.address);
    let of_location = collection.blocks().filter(|(block, named)| *named == location && holds(block));
    let longest = of_location.map(|(block, _)| *block).max_by_key(IpNet::prefix_len);
    let block = longest.expect("the map's order has the members of blocks that hold the client");
    Reason::Block { block, collection: id.clone(), location: location.clone() }
}

/// As in a sentence: `12.5 ms, measured for 203.0.113.0/24`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measured { micros, prefix } => write!(f, "{} ms, measured for {prefix}", f64::from(*micros) / 1_000.0),
            Self::Estimated { micros, km, from, .. } => {
                write!(f, "about {:.0} ms, estimated from {km:.0} km to {from}", f64::from(*micros) / 1_000.0)
            }
            Self::Distance { km, bias, from, .. } if bias.percent() == 0 => write!(f, "{km:.0} km from {from}"),
            Self::Distance { km, bias, biased_km, from, .. } => {
                write!(f, "{km:.0} km from {from}, counted as {biased_km:.0} km for its bias of {}", bias.percent())
            }
            Self::Area(Area::Anywhere) => f.write_str("for everyone whom no other member is for"),
            Self::Area(Area::Continent(continent)) => write!(f, "for the continent {continent}"),
            Self::Area(Area::Country(country)) => write!(f, "for the country {country}"),
            Self::Area(area) => write!(f, "for the subdivision {area}"),
            Self::Block { block, collection, location } => write!(f, "{block} is in location {location} of {collection}"),
            Self::EveryoneElse => f.write_str("for everyone whom no other location holds"),
            Self::Unknown => f.write_str("nothing is known of the way there"),
        }
    }
}

/// `50.11, 8.68`, `51.2, 10.5 (the middle of the country)`
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.coordinates)?;
        if self.is_middle_of_country { f.write_str(" (the middle of the country)") } else { Ok(()) }
    }
}
