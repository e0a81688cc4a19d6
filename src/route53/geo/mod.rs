//! The areas that geolocation can name, in the order of the API's list.
//!
//! Everywhere else (`*`) first, then countries by code, each followed by its subdivisions by code, continents last. Knows
//! no client: `geography` and `places` do. Source: Route 53 API 2013-04-01, `ListGeoLocations`, `GeoLocationDetails`.

mod names;

use names::{CONTINENTS, COUNTRIES, OF_UA, OF_US, Row};

/// Which area: what a request says, and where it stands in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AreaCode<'c> {
    /// A country, or a subdivision of it; the country `*` is everywhere else.
    Country(&'c str, Option<&'c str>),
    Continent(&'c str),
}

/// An area with its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedArea {
    pub code: AreaCode<'static>,
    /// The continent's or the country's.
    pub name: &'static str,
    /// The subdivision's.
    pub subdivision: Option<&'static str>,
}

/// All areas, in the order of the list.
pub fn areas() -> impl Iterator<Item = NamedArea> {
    let everywhere = NamedArea { code: AreaCode::Country("*", None), name: "Default", subdivision: None };
    std::iter::once(everywhere).chain(COUNTRIES.iter().flat_map(country)).chain(CONTINENTS.iter().map(continent))
}

/// The area of this code.
pub fn find(code: AreaCode<'_>) -> Option<NamedArea> {
    areas().find(|area| area.code == code)
}

/// The code of ISO 3166-2, by which clients are known, of a subdivision that Route 53 has a code of its own for.
pub fn iso_code<'c>(country: &str, part: &'c str) -> &'c str {
    match (country, part) {
        ("UA", "11") => "43",
        ("UA", "20") => "40",
        _ => part,
    }
}

fn country(&(code, name): &'static Row) -> impl Iterator<Item = NamedArea> {
    let whole = NamedArea { code: AreaCode::Country(code, None), name, subdivision: None };
    let part = move |&(part, subdivision): &'static Row| NamedArea {
        code: AreaCode::Country(code, Some(part)),
        name,
        subdivision: Some(subdivision),
    };
    std::iter::once(whole).chain(subdivisions(code).iter().map(part))
}

fn subdivisions(country: &str) -> &'static [Row] {
    match country {
        "UA" => OF_UA,
        "US" => OF_US,
        _ => &[],
    }
}

fn continent(&(code, name): &'static Row) -> NamedArea {
    NamedArea { code: AreaCode::Continent(code), name, subdivision: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geography::area::Continent;
    use crate::geography::countries::countries;
    use crate::geography::states::is_state;

    #[test]
    fn the_list_is_in_order_and_has_what_routing_knows() {
        let all: Vec<NamedArea> = areas().collect();
        assert!(all.is_sorted_by(|one, next| one.code < next.code));
        assert_eq!(all.len(), 1 + 246 + 51 + 27 + 7);
        assert!(countries().map(|country| country.to_string()).eq(COUNTRIES.iter().map(|(code, _)| (*code).to_owned())));
        assert!(Continent::ALL.iter().map(Continent::as_str).eq(CONTINENTS.iter().map(|(code, _)| *code)));
        assert_eq!([iso_code("UA", "11"), iso_code("UA", "14"), iso_code("US", "11")], ["43", "14", "11"]);
        assert!(OF_US.iter().all(|(code, _)| is_state(code.parse().unwrap())));
    }
}
