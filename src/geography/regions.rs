//! Regions of clouds, with where each stands.
//!
//! Source: the providers' own lists of regions.

use std::sync::LazyLock;

use super::area::Area;
use super::coordinates::Coordinates;
use super::site::RegionName;

/// One region.
#[derive(Clone, Debug)]
pub struct Region {
    pub name: RegionName,
    pub coordinates: Coordinates,
    /// The country, or its subdivision where that is known.
    pub place: Area,
}

/// The region of a name, if it is built in.
pub fn region(name: &RegionName) -> Option<&'static Region> {
    regions().iter().find(|region| region.name == *name)
}

/// All regions that are built in.
pub fn regions() -> &'static [Region] {
    static REGIONS: LazyLock<Vec<Region>> = LazyLock::new(|| ENTRIES.iter().map(read).collect());
    &REGIONS
}

type Entry = (&'static str, f64, f64, &'static str, &'static str);

fn read((name, north, east, country, subdivision): &Entry) -> Region {
    let country = country.parse().expect("the table's codes are right");
    let place = match subdivision.parse() {
        Ok(subdivision) => Area::Subdivision(country, subdivision),
        Err(_) => Area::Country(country),
    };
    let name = RegionName::parse(name).expect("the table's names are right");
    Region { name, coordinates: Coordinates::constant(*north, *east), place }
}

const ENTRIES: &[Entry] = &[
    ("aws:eu-central-1", 50.11, 8.68, "DE", ""),
    ("aws:eu-west-1", 53.35, -6.26, "IE", ""),
    ("aws:eu-west-3", 48.86, 2.35, "FR", ""),
    ("aws:us-east-1", 38.95, -77.45, "US", "VA"),
    ("aws:us-west-2", 45.8, -119.7, "US", "OR"),
    ("aws:ap-southeast-2", -33.86, 151.21, "AU", "NSW"),
    ("gcp:europe-west3", 50.11, 8.68, "DE", ""),
];
