//! Where members of a group stand, and which clients they are for, as Route 53 writes it.
//!
//! Knows the codes, and no record set. Where local zones stand is about the middle of the city that they are named
//! after, which AWS says; one that is not known stands with its region.
//! Sources: Route 53 API 2013-04-01, `GeoLocation`, `GeoProximityLocation`; AWS, "Available Local Zones".

use super::rrset::{GeoLocation, GeoProximityLocation};
use crate::geography::area::{Area, Country, Subdivision};
use crate::geography::coordinates::Coordinates;
use crate::geography::countries;
use crate::geography::regions::region;
use crate::geography::site::{Bias, RegionName, Site};
use crate::geography::states::is_state;
use crate::route53::geo::iso_code;
use crate::zone::record_set::RoutingPolicy;

/// An AWS region and where it stands.
pub(super) fn site(code: &str) -> Result<Site, String> {
    let name = RegionName::parse(&format!("aws:{code}")).map_err(|_| format!("{code} is no region."))?;
    let coordinates = region(&name).map(|region| region.coordinates);
    Ok(Site { region: Some(name), coordinates })
}

/// The area that a geolocation member is for; one that Route 53 has.
pub(super) fn area(geo: &GeoLocation) -> Result<Area, String> {
    match (geo.continent_code.as_deref(), geo.country_code.as_deref(), geo.subdivision_code.as_deref()) {
        (Some(continent), None, None) => continent.parse().map(Area::Continent).map_err(|_| no_place(continent)),
        (None, Some("*"), None) => Ok(Area::Anywhere),
        (None, Some(code), None) => country(code).map(Area::Country),
        (None, Some(code), Some(part)) => {
            let country = country(code)?;
            let known = |part: &Subdivision| country.as_str() != "US" || is_state(*part);
            let subdivision =
                iso_code(code, part).parse().ok().filter(known).ok_or_else(|| no_place(&format!("{code}-{part}")))?;
            Ok(Area::Subdivision(country, subdivision))
        }
        _ => Err("A geolocation is a continent, a country, or a country and a subdivision.".to_owned()),
    }
}

fn country(code: &str) -> Result<Country, String> {
    code.parse().ok().filter(|country| countries::is_known(*country)).ok_or_else(|| no_place(code))
}

fn no_place(code: &str) -> String {
    format!("The geographic location {code} is not supported by Route 53 geolocation.")
}

/// Where a geoproximity member stands, and how much nearer it counts.
pub(super) fn geoproximity(proximity: &GeoProximityLocation) -> Result<RoutingPolicy, String> {
    let number = |text: &str| text.parse::<f64>().ok();
    let place = match proximity {
        GeoProximityLocation { coordinates: Some((north, east)), .. } => {
            let degrees = number(north).zip(number(east));
            let place = degrees.and_then(|(north, east)| Coordinates::new(north, east));
            place.ok_or_else(|| format!("The coordinates {north}, {east} are no place on Earth."))?
        }
        GeoProximityLocation { aws_region: Some(code), .. } => {
            site(code)?.coordinates.ok_or_else(|| format!("Where the region {code} stands is not known."))?
        }
        GeoProximityLocation { local_zone_group: Some(group), .. } => {
            local_zone(group).ok_or_else(|| format!("Where the local zone group {group} stands is not known."))?
        }
        _ => return Err("The location of a geoproximity record is a region, a local zone group or coordinates.".to_owned()),
    };
    let bias = Bias::new(proximity.bias.unwrap_or_default().into()).ok_or("A bias is within -99 and 99.")?;
    Ok(RoutingPolicy::Geoproximity(place, bias))
}

/// Where a local zone group stands: `us-east-1-atl-1` in Atlanta.
fn local_zone(group: &str) -> Option<Coordinates> {
    let words: Vec<&str> = group.split('-').collect();
    let [area, direction, number, city, ..] = words[..] else { return None };
    let known = CITIES.binary_search_by_key(&city, |(code, ..)| code).ok().map(|at| CITIES[at]);
    match known {
        Some((_, north, east)) => Coordinates::new(north, east),
        None => site(&[area, direction, number].join("-")).ok()?.coordinates,
    }
}

/// The cities of local zones, by their code.
#[rustfmt::skip]
const CITIES: &[(&str, f64, f64)] = &[
    ("akl", -36.85, 174.76), ("atl", 33.75, -84.39), ("bkk", 13.76, 100.50), ("bos", 42.36, -71.06), ("bue", -34.60, -58.38),
    ("ccu", 22.57, 88.36), ("chi", 41.88, -87.63), ("cph", 55.68, 12.57), ("del", 28.61, 77.21), ("den", 39.74, -104.99),
    ("dfw", 32.78, -96.80), ("ham", 53.55, 9.99), ("han", 21.03, 105.85), ("hel", 60.17, 24.94), ("hnl", 21.31, -157.86),
    ("iah", 29.76, -95.37), ("las", 36.17, -115.14), ("lax", 34.05, -118.24), ("lim", -12.05, -77.04), ("los", 6.52, 3.38),
    ("mci", 39.10, -94.58), ("mct", 23.59, 58.41), ("mia", 25.76, -80.19), ("mnl", 14.60, 120.98), ("msp", 44.98, -93.27),
    ("nyc", 40.71, -74.01), ("pdx", 45.52, -122.68), ("per", -31.95, 115.86), ("phl", 39.95, -75.17), ("phx", 33.45, -112.07),
    ("qro", 20.59, -100.39), ("scl", -33.45, -70.67), ("sea", 47.61, -122.33), ("tpe", 25.03, 121.57), ("waw", 52.23, 21.01),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn geo(continent: Option<&str>, country: Option<&str>, subdivision: Option<&str>) -> String {
        let owned = |code: Option<&str>| code.map(str::to_owned);
        let geo =
            GeoLocation { continent_code: owned(continent), country_code: owned(country), subdivision_code: owned(subdivision) };
        area(&geo).map_or_else(|message| message, |area| area.to_string())
    }

    #[test]
    fn geolocations_are_those_of_route_53() {
        assert_eq!(geo(Some("EU"), None, None), "EU");
        assert_eq!(geo(None, Some("*"), None), "*");
        assert_eq!(geo(None, Some("US"), Some("CA")), "US-CA");
        for (continent, country, subdivision, code) in [
            (Some("XX"), None, None, "XX"),
            (None, Some("ZZ"), None, "ZZ"),
            // Route 53 has no Bouvet Island.
            (None, Some("BV"), None, "BV"),
            (None, Some("US"), Some("ZZ"), "US-ZZ"),
        ] {
            let expected = format!("The geographic location {code} is not supported by Route 53 geolocation.");
            assert_eq!(geo(continent, country, subdivision), expected);
        }
    }

    #[test]
    fn local_zones_stand_in_their_city_and_unknown_ones_with_their_region() {
        assert!(CITIES.is_sorted_by(|(one, ..), (next, ..)| one < next));
        assert_eq!(local_zone("us-west-2-lax-1"), Coordinates::new(34.05, -118.24));
        assert_eq!(local_zone("us-west-2-new-1"), site("us-west-2").expect("a region").coordinates);
        assert_eq!(local_zone("nowhere"), None);
        assert_eq!(local_zone("xx-none-1-new-1"), None);
    }

    #[test]
    fn geoproximity_takes_a_place_that_is_known() {
        let at = |north: &str, east: &str| {
            geoproximity(&GeoProximityLocation { coordinates: Some((north.into(), east.into())), ..Default::default() })
        };
        assert!(at("49.22", "-74.01").is_ok());
        assert_eq!(at("91", "0").unwrap_err(), "The coordinates 91, 0 are no place on Earth.");
        assert!(geoproximity(&GeoProximityLocation { aws_region: Some("none".into()), ..Default::default() }).is_err());
        assert!(geoproximity(&GeoProximityLocation::default()).is_err());
    }
}
