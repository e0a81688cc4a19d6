//! A geo database in MaxMind's format, read at load into a table that is looked up without decoding.
//!
//! Knows no file: octets come in. Country and City databases are read (see `record` for their forms); other types have no
//! places and are refused. Parts of the IPv6 tree that are the IPv4 tree again (6to4, Teredo) are unknown places.
//! Invariant: every address has one entry; neighbouring networks of one place are one range; places are kept once.
//! Source: MaxMind DB file format 2.0.

mod record;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions};

use super::numbered::{Hasher, Numbered};
use super::ranges::{Address, Builder, Families, Ranges};
use crate::geography::area::{Continent, Country, Subdivision};
use crate::geography::coordinates::Coordinates;
use record::Value;

/// Where addresses are.
#[derive(Clone, Debug)]
pub struct Database {
    families: Families,
    places: Box<[Place]>,
    database_type: Box<str>,
    build_epoch: u64,
    networks: usize,
}

/// Where some addresses are, as far as the database says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// Route 53's for a country that it names, else the database's.
    pub continent: Option<Continent>,
    pub country: Option<Country>,
    pub subdivision: Option<Subdivision>,
    pub coordinates: Option<Coordinates>,
    /// In English.
    pub city: Option<Arc<str>>,
}

/// What the database says of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located<'d> {
    pub place: Option<&'d Place>,
    /// The length of the shortest prefix of the address inside which every address has this place.
    pub prefix_len: u8,
}

/// Why octets are no geo database.
#[derive(Debug)]
pub enum ReadError {
    /// They are not in MaxMind's format, or cut off.
    Format(MaxMindDbError),
    /// They are in the format, and contradict it within.
    Corrupt(MaxMindDbError),
    /// The search tree has more networks than it has room for: parts of it are used more than once.
    Shared { networks: usize },
    /// They hold something else, such as networks of autonomous systems.
    NoPlaces { database_type: String, networks: usize },
}

/// Stands in for a place where there is none.
pub(super) const UNKNOWN: u32 = u32::MAX;

impl Database {
    /// Reads a database file.
    ///
    /// # Errors
    /// [`ReadError`] for octets that are no database, no whole one, or none of places.
    pub fn read(octets: Vec<u8>) -> Result<Self, ReadError> {
        let reader = Reader::from_source(octets).map_err(ReadError::Format)?;
        let mut table = Table::new();
        let nodes = reader.metadata().node_count as usize;
        let options = WithinOptions::default().include_networks_without_data();
        for (count, found) in reader.networks(options).map_err(ReadError::Corrupt)?.enumerate() {
            // A tree of n nodes has n + 1 leaves.
            if count > nodes {
                return Err(ReadError::Shared { networks: count });
            }
            table.put(&found.map_err(ReadError::Corrupt)?)?;
        }
        table.finish(&reader)
    }

    /// Where an address is.
    #[inline]
    pub fn lookup(&self, address: IpAddr) -> Located<'_> {
        let (place, prefix_len) = self.families.lookup(address.to_canonical());
        Located { place: self.places.get(place as usize), prefix_len }
    }

    /// What the file calls itself, as `GeoLite2-City`.
    pub fn database_type(&self) -> &str {
        &self.database_type
    }

    /// When the file was made, in seconds since 1970.
    pub fn build_epoch(&self) -> u64 {
        self.build_epoch
    }

    /// How many networks the file says something of.
    pub fn network_count(&self) -> usize {
        self.networks
    }

    /// How many different places there are.
    pub fn place_count(&self) -> usize {
        self.places.len()
    }

    /// What the table takes in memory, in octets.
    pub fn memory_octets(&self) -> usize {
        let cities: usize = self.places.iter().filter_map(|place| place.city.as_deref()).map(str::len).sum();
        self.families.memory_octets() + size_of_val(&*self.places) + cities
    }

    pub(super) fn families(&self) -> &Families {
        &self.families
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }
}

/// A database while it is read.
struct Table {
    v4: Growing<u32>,
    v6: Growing<u128>,
    /// The place of each record, by where the record stands.
    of_record: HashMap<usize, u32, Hasher>,
    places: Numbered<Place>,
    /// Each name is kept once.
    cities: Numbered<Arc<str>>,
    networks: usize,
}

/// The ranges of one family, and where the next network must start for none to be left out.
struct Growing<A: Address> {
    builder: Builder<A>,
    next: Option<A>,
}

impl Table {
    fn new() -> Self {
        Self {
            v4: Growing::new(),
            v6: Growing::new(),
            of_record: HashMap::default(),
            places: Numbered::default(),
            cities: Numbered::default(),
            networks: 0,
        }
    }

    fn put(&mut self, found: &LookupResult<'_, Vec<u8>>) -> Result<(), ReadError> {
        let place = match found.offset() {
            Some(offset) => self.place(offset, found)?,
            None => UNKNOWN,
        };
        self.networks += usize::from(found.has_data());
        let network = found.network().map_err(ReadError::Corrupt)?;
        match IpNet::new(network.ip(), network.prefix()).expect("the reader's prefixes are of their family") {
            IpNet::V4(network) => self.v4.put(network.network().to_bits(), Ipv4Net::prefix_len(&network), place),
            IpNet::V6(network) => self.v6.put(network.network().to_bits(), Ipv6Net::prefix_len(&network), place),
        }
        Ok(())
    }

    /// The number of the place that a record says.
    fn place(&mut self, offset: usize, found: &LookupResult<'_, Vec<u8>>) -> Result<u32, ReadError> {
        if let Some(place) = self.of_record.get(&offset) {
            return Ok(*place);
        }
        let value: Option<Value<'_>> = found.decode().map_err(ReadError::Corrupt)?;
        let place = self.number(value.map(|value| value.place()).unwrap_or_default());
        self.of_record.insert(offset, place);
        Ok(place)
    }

    fn number(&mut self, mut place: Place) -> u32 {
        if place == Place::default() {
            return UNKNOWN;
        }
        if let Some(city) = place.city.take() {
            let name = self.cities.number(city);
            place.city = Some(self.cities.get(name).clone());
        }
        self.places.number(place)
    }

    fn finish(self, reader: &Reader<Vec<u8>>) -> Result<Database, ReadError> {
        let metadata = reader.metadata();
        let places = self.places.finish();
        if places.is_empty() {
            return Err(ReadError::NoPlaces { database_type: metadata.database_type.clone(), networks: self.networks });
        }
        Ok(Database {
            families: Families { v4: self.v4.finish(), v6: self.v6.finish() },
            places,
            database_type: metadata.database_type.as_str().into(),
            build_epoch: metadata.build_epoch,
            networks: self.networks,
        })
    }
}

impl<A: Address> Growing<A> {
    fn new() -> Self {
        Self { builder: Builder::new(UNKNOWN), next: Some(A::LOWEST) }
    }

    /// Networks come in order; what lies between them is unknown.
    fn put(&mut self, first: A, len: u8, place: u32) {
        if let Some(next) = self.next.filter(|next| *next < first) {
            self.builder.push(next, UNKNOWN);
        }
        self.builder.push(first, place);
        self.next = first.last_within(len).next();
    }

    fn finish(mut self) -> Ranges<A> {
        if let Some(next) = self.next {
            self.builder.push(next, UNKNOWN);
        }
        self.builder.finish()
    }
}

impl Place {
    /// The smallest area that is known, and the widest; none if neither is.
    fn words(&self) -> impl Iterator<Item = String> {
        let country = self.country.map(|country| match self.subdivision {
            Some(subdivision) => format!("{country}-{subdivision}"),
            None => country.to_string(),
        });
        let city = self.city.as_deref().map(str::to_owned);
        let continent = self.continent.map(|continent| format!("continent {continent}"));
        let coordinates = self.coordinates.map(|coordinates| format!("at {coordinates}"));
        [city, country, continent, coordinates].into_iter().flatten()
    }
}

/// `Frankfurt am Main, DE-HE, continent EU, at 50.11, 8.68`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted = "a whole Country or City database in MaxMind format (.mmdb) is accepted";
        match self {
            Self::Format(why) => write!(f, "is no geo database, or cut off: {why}; {accepted}"),
            Self::Corrupt(why) => write!(f, "is a corrupt geo database: {why}; {accepted}"),
            Self::Shared { networks } => {
                write!(f, "is a corrupt geo database: its search tree has room for {networks} networks and has more; {accepted}")
            }
            Self::NoPlaces { database_type, networks } => {
                write!(f, "has no place in any of its {networks} networks, being of the type {database_type:?}; {accepted}")
            }
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Format(why) | Self::Corrupt(why) => Some(why),
            Self::Shared { .. } | Self::NoPlaces { .. } => None,
        }
    }
}
