//! Words for places: regions, coordinates, countries, and the areas made of them.
//!
//! Knows no record. Invariant: a region that is not built in has coordinates of its own, and a country that is read is
//! one. Sources: ISO 3166-1 and -2; Route 53 API reference, `GeoLocation`, `Coordinates`.

use std::fmt::Display;
use std::str::FromStr;

use crate::geography::area::{Area, Continent, Country, InvalidCode, Subdivision};
use crate::geography::coordinates::Coordinates;
use crate::geography::countries::{countries, is_known};
use crate::geography::regions::{Region, region, regions};
use crate::geography::site::{Bias, RegionName, Site};
use crate::problem::nearest;
use crate::toml_table::{Table, Value};
use crate::zone::check::NOT_OF_ROUTE53;

/// The keys that an area is written in.
pub(super) struct AreaKeys {
    continent: &'static str,
    country: &'static str,
    subdivision: &'static str,
    /// Whether the country `*` is everywhere else.
    has_star: bool,
}

/// waypost's own keys.
pub(super) const AREA_KEYS: AreaKeys =
    AreaKeys { continent: "continent", country: "country", subdivision: "subdivision", has_star: false };

/// Route 53's, of `GeoLocation`.
pub(super) const GEO_LOCATION_KEYS: AreaKeys =
    AreaKeys { continent: "continent_code", country: "country_code", subdivision: "subdivision_code", has_star: true };

/// Reads the one area that a table says; `Some(None)` when it says none, and nothing when one is wrong.
pub(super) fn read_area(table: &mut Table<'_>, keys: &AreaKeys) -> Option<Option<Area>> {
    let written = [keys.continent, keys.country, keys.subdivision].map(|key| table.optional(key));
    match written {
        [None, None, None] => Some(None),
        [Some(continent), None, None] => read_code(&continent).map(|code: Continent| Some(Area::Continent(code))),
        [Some(continent), _, _] => {
            continent.error(format_args!("excludes {} and {}; an area has one of them", keys.country, keys.subdivision));
            None
        }
        [None, None, Some(subdivision)] => {
            let accepted = format!("{} = \"US\", {} = \"CA\"", keys.country, keys.subdivision);
            subdivision.wrong("says nothing without its country", accepted);
            None
        }
        [None, Some(country), subdivision] => {
            let subdivision = subdivision.map(|value| read_code::<Subdivision>(&value));
            if keys.has_star && country.string()? == "*" {
                table.refuse(keys.subdivision, "belongs to a country; * is everywhere else");
                return Some(Some(Area::Anywhere));
            }
            let country = read_country(&country)?;
            Some(Some(subdivision.map_or(Some(Area::Country(country)), |code| Some(Area::Subdivision(country, code?)))?))
        }
    }
}

/// Reads the place of what is answered: `country`, perhaps with `subdivision`, else what is known of its region.
pub(super) fn read_place(table: &mut Table<'_>, known: Option<Area>) -> Option<Area> {
    let written = [table.optional("country"), table.optional("subdivision")];
    let country = written[0].as_ref().map(read_country);
    let subdivision = written[1].as_ref().map(read_code::<Subdivision>);
    let country_known = match known {
        Some(Area::Country(country) | Area::Subdivision(country, _)) => Some(country),
        _ => None,
    };
    match (country, subdivision) {
        (None, None) => known,
        (Some(country), None) => country.map(Area::Country),
        (Some(country), Some(subdivision)) => Some(Area::Subdivision(country?, subdivision?)),
        (None, Some(subdivision)) => {
            if country_known.is_none() {
                let value = written[1].as_ref()?;
                value.wrong("says nothing without its country", "country = \"US\", subdivision = \"VA\"");
            }
            Some(Area::Subdivision(country_known?, subdivision?))
        }
    }
}

/// Reads `region` and `location`: where something stands, which is nowhere when neither is written.
///
/// None when one of them is wrong.
pub(super) fn read_site(table: &mut Table<'_>) -> Option<Site> {
    let location = table.optional("location").map(|value| read_location(&value));
    let region = table.optional("region").map(|value| read_region(&value, location.is_some()));
    let region = region.map_or(Some(None), |region| region.map(Some))?;
    let location = location.map_or(Some(None), |location| location.map(Some))?;
    let coordinates = location.or_else(|| region.as_ref().and_then(built_in).map(|region| region.coordinates));
    Some(Site { region, coordinates })
}

/// Where a region stands, if it is built in.
pub(super) fn built_in(name: &RegionName) -> Option<&'static Region> {
    region(name)
}

/// Reads the name of a region that is built in, or of any if it is located otherwise.
pub(super) fn read_region(value: &Value<'_>, is_located: bool) -> Option<RegionName> {
    let written = value.string()?;
    let Ok(name) = RegionName::parse(written) else {
        value.wrong(format_args!("{written:?} is no name of a region"), "such as aws:eu-central-1");
        return None;
    };
    if is_located || built_in(&name).is_some() {
        return Some(name);
    }
    let help = match nearest(name.as_str(), regions().iter().map(|region| region.name)) {
        Some(near) => format!("did you mean {near:?}? with a location, any name is accepted"),
        None => "a region of aws:, gcp: or azure:, or any name with a location".to_owned(),
    };
    value.wrong(format_args!("the region {:?} is not known", name.as_str()), help);
    None
}

/// Reads degrees north and east.
pub(super) fn read_location(value: &Value<'_>) -> Option<Coordinates> {
    let items = value.items();
    if items.is_empty() && !value.is_empty_array() {
        return None;
    }
    let degrees: Vec<f64> = items.iter().filter_map(|item| item.number()).collect();
    if degrees.len() < items.len() {
        return None;
    }
    let place = match degrees[..] {
        [north, east] => Coordinates::new(north, east),
        _ => None,
    };
    if place.is_none() {
        value.wrong("is no place on Earth", "degrees north and east, such as [50.11, 8.68]");
    }
    place
}

pub(super) fn read_bias(value: &Value<'_>) -> Option<Bias> {
    let percent = value.int(i64::MIN..=i64::MAX)?;
    let bias = Bias::new(percent);
    if bias.is_none() {
        value.error(format_args!("{percent} is not within -99 to 99"));
    }
    bias
}

/// Reads a country's code, and only one that a country has.
pub(super) fn read_country(value: &Value<'_>) -> Option<Country> {
    let country: Country = read_code(value)?;
    // Those that Route 53 leaves out are countries all the same: `zone::check` warns of them.
    if is_known(country) || NOT_OF_ROUTE53.contains(&country.as_str()) {
        return Some(country);
    }
    value.wrong(format_args!("{:?} is no country of ISO 3166-1", country.as_str()), meant(country));
    None
}

/// What might have been meant by a code that no country has.
fn meant(found: Country) -> String {
    if found.as_str() == "UK" {
        return "the United Kingdom is \"GB\"".to_owned();
    }
    if let Ok(continent) = found.as_str().parse::<Continent>() {
        return format!("{:?} is a continent", continent.as_str());
    }
    let known: Vec<Country> = countries().collect();
    match nearest(found.as_str(), known.iter().map(Country::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "two letters, such as DE".to_owned(),
    }
}

fn read_code<T: FromStr<Err = InvalidCode>>(value: &Value<'_>) -> Option<T> {
    let wrong = |error: &InvalidCode| value.wrong(error as &dyn Display, error.accepted);
    value.string()?.parse().map_err(|error| wrong(&error)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;
    use crate::toml_table::Document;

    /// Reads a document as a table of an area, of the site and the place of an endpoint; gives what was read or the problem.
    fn read(content: &str, read: impl Fn(&mut Table<'_>) -> String) -> String {
        let text = Text::new("f".into(), content);
        let document = Document::parse(&text);
        let mut root = document.root();
        let found = read(&mut root);
        let problems = document.into_problems();
        if problems.is_empty() { found } else { problems.to_string() }
    }

    #[test]
    fn an_area_is_a_continent_a_country_or_a_subdivision_of_one() {
        let area = |content: &str| read(content, |table| format!("{:?}", read_area(table, &AREA_KEYS)));
        assert_eq!(area("continent = \"eu\""), "Some(Some(Continent(EU)))");
        assert_eq!(area("country = \"DE\""), "Some(Some(Country(DE)))");
        assert_eq!(area("country = \"US\"\nsubdivision = \"CA\""), "Some(Some(Subdivision(US, CA)))");
        assert_eq!(area(""), "Some(None)");
        assert!(area("country = \"UK\"").contains("\"UK\" is no country of ISO 3166-1 (the United Kingdom is \"GB\")"));
        assert!(area("country = \"EU\"").contains("(\"EU\" is a continent)"));
        assert!(area("subdivision = \"CA\"").contains("says nothing without its country"));
        assert!(area("continent = \"NA\"\ncountry = \"US\"").contains("excludes country and subdivision"));
        assert!(area("country = \"*\"").contains("\"*\" is no such code"));
        let star = read("country_code = \"*\"", |table| format!("{:?}", read_area(table, &GEO_LOCATION_KEYS)));
        assert_eq!(star, "Some(Some(Anywhere))");
    }

    #[test]
    fn a_region_places_what_does_not_say_more() {
        let site = |content: &str| {
            read(content, |table| {
                let site = read_site(table).unwrap_or_default();
                let known = site.region.as_ref().and_then(built_in).map(|region| region.place);
                let place = read_place(table, known).map(|area| area.to_string());
                format!("{} {}", site.coordinates.map(|place| place.to_string()).unwrap_or_default(), place.unwrap_or_default())
            })
        };
        assert_eq!(site("region = \"aws:us-east-1\"\nlocation = [39, -77.5]"), "39, -77.5 US-VA");
        assert_eq!(site("region = \"aws:us-east-1\"\nlocation = [39, -77.5]\nsubdivision = \"MD\""), "39, -77.5 US-MD");
        assert_eq!(site("region = \"home:berlin\"\nlocation = [52.5, 13.4]\ncountry = \"DE\""), "52.5, 13.4 DE");
        assert_eq!(site("location = [52.5, 13.4]"), "52.5, 13.4 ");
        assert!(site("region = \"eu-central-l\"").contains("did you mean \"aws:eu-central-1\"?"));
        assert!(site("subdivision = \"VA\"").contains("says nothing without its country"));
    }
}
