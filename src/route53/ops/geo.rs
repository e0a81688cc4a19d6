//! Geographic locations: what geolocation can name, in Route 53's words.
//!
//! Source: Route 53 API 2013-04-01, GetGeoLocation and ListGeoLocations.

use super::common::page_size;
use super::{Context, Done, common};
use crate::route53::error::ApiError;
use crate::route53::geo::{AreaCode, NamedArea, areas, find};
use crate::route53::value::{Struct, Value};

/// Areas of one page at most, and of a page that does not say: the reference says 100, AWS answers 500.
const PAGE_MAX: usize = 500;

pub(super) fn get(input: &Struct, _: &mut Context<'_>) -> Result<Done, ApiError> {
    let codes = [input.text("ContinentCode"), input.text("CountryCode"), input.text("SubdivisionCode")];
    let Some(code) = area_code(codes)? else {
        return Err(ApiError::invalid_input("Either a continent code or a country code must be specified."));
    };
    let area = find(code).ok_or_else(|| {
        // The words are waypost's own.
        ApiError::new("NoSuchGeoLocation", 404, "The specified geographic location is not supported by Route 53.")
    })?;
    Done::reading(Struct::new().with("GeoLocationDetails", details(area)))
}

pub(super) fn list(input: &Struct, _: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxItems", PAGE_MAX, PAGE_MAX)?;
    let codes = [input.text("StartContinentCode"), input.text("StartCountryCode"), input.text("StartSubdivisionCode")];
    let first = area_code(codes)?;
    let (page, next) = common::page(areas().filter(|area| first.is_none_or(|first| area.code >= first)), size);
    let output = Struct::new()
        .with("GeoLocationDetailsList", page.into_iter().map(details).collect::<Value>())
        .with("IsTruncated", next.is_some());
    let output = match next.map(|area| area.code) {
        None => output,
        Some(AreaCode::Continent(continent)) => output.with("NextContinentCode", continent),
        Some(AreaCode::Country(country, part)) => output.with("NextCountryCode", country).with_some("NextSubdivisionCode", part),
    };
    Done::reading(output.with("MaxItems", size))
}

/// The area that a continent's, a country's and a subdivision's code say; none if there are none.
fn area_code(codes: [Option<&str>; 3]) -> Result<Option<AreaCode<'_>>, ApiError> {
    match codes {
        [None, None, None] => Ok(None),
        [Some(continent), None, None] => Ok(Some(AreaCode::Continent(continent))),
        [None, Some(country), part] => Ok(Some(AreaCode::Country(country, part))),
        [Some(_), ..] => {
            let message = "A continent code can't be specified together with a country code or a subdivision code.";
            Err(ApiError::invalid_input(message))
        }
        [None, None, Some(_)] => Err(ApiError::invalid_input("A subdivision code can't be specified without a country code.")),
    }
}

/// Route 53's `GeoLocationDetails`.
fn details(area: NamedArea) -> Struct {
    match area.code {
        AreaCode::Continent(code) => Struct::new().with("ContinentCode", code).with("ContinentName", area.name),
        AreaCode::Country(code, part) => Struct::new()
            .with("CountryCode", code)
            .with("CountryName", area.name)
            .with_some("SubdivisionCode", part)
            .with_some("SubdivisionName", area.subdivision),
    }
}
