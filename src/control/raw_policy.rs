//! The routing policy of a `[[record]]`: Route 53's fields, of which one at most is written.
//!
//! Judges no record set beside another. Invariant: what is read is within Route 53's limits; regions and places are
//! known ones. Source: Route 53 API reference, `ResourceRecordSet`, `GeoLocation`, `GeoProximityLocation`,
//! `CidrRoutingConfig`.

use crate::geography::area::Area;
use crate::geography::coordinates::Coordinates;
use crate::toml_table::{Table, Value};
use crate::zone::record_set::{CidrLocation, RoutingPolicy};

use super::collections::{read_collection_name, read_location_name};
use super::located::{GEO_LOCATION_KEYS, built_in, read_area, read_bias, read_region, read_site};
use super::raw_record::read_weight;

/// The one policy written; simple when none is, and nothing when one is wrong.
pub(super) fn read_policy(table: &mut Table<'_>) -> Option<RoutingPolicy> {
    let weight = table.optional("weight").map(|value| Some(RoutingPolicy::Weighted(read_weight(&value)?)));
    let failover = table.optional("failover").map(|value| read_tier(&value).map(RoutingPolicy::Failover));
    let multivalue = table.optional("multivalue_answer").map(|value| {
        let policy = |is_set| if is_set { RoutingPolicy::Multivalue } else { RoutingPolicy::Simple };
        value.bool().map(policy)
    });
    let has_site = table.optional("region").is_some() || table.optional("location").is_some();
    let latency = has_site.then(|| read_site(table).map(|site| RoutingPolicy::Latency(Box::new(site))));
    let geolocation = table.optional("geo_location").map(|value| read_geo_location(&value).map(RoutingPolicy::Geolocation));
    let geoproximity = table.optional("geo_proximity_location").map(|value| read_geoproximity(&value));
    let cidr = table.optional("cidr_routing_config").map(|value| read_cidr(&value));
    let mut written = [weight, failover, multivalue, latency, geolocation, geoproximity, cidr].into_iter().flatten();
    let first = written.next();
    if written.next().is_some() {
        table.error(&format!("has two policies; {POLICY_KEYS} exclude each other"));
        return None;
    }
    first.unwrap_or(Some(RoutingPolicy::Simple))
}

const POLICY_KEYS: &str = "weight, failover, multivalue_answer, region (with location), geo_location, \
    geo_proximity_location and cidr_routing_config";

/// `PRIMARY`, `SECONDARY`, or a tier counted from 0.
fn read_tier(value: &Value<'_>) -> Option<u16> {
    if value.is_int() {
        return value.int(0..=65_535).map(|tier| u16::try_from(tier).expect("0 to 65535"));
    }
    match value.string()? {
        "PRIMARY" => Some(0),
        "SECONDARY" => Some(1),
        found => {
            value.wrong(format_args!("{found:?} is no failover tier"), "\"PRIMARY\", \"SECONDARY\", or a number from 0");
            None
        }
    }
}

fn read_geo_location(value: &Value<'_>) -> Option<Area> {
    let mut table = value.table()?;
    let area = read_area(&mut table, &GEO_LOCATION_KEYS);
    table.finish();
    let area = area?;
    if area.is_none() {
        value.wrong("says no place", "{ continent_code = \"EU\" }, { country_code = \"DE\" }, or \"*\" for everywhere else");
    }
    area
}

fn read_geoproximity(value: &Value<'_>) -> Option<RoutingPolicy> {
    let mut table = value.table()?;
    let region = table.optional("aws_region").map(|region| {
        let name = read_region(&region, false)?;
        built_in(&name).map(|region| region.coordinates)
    });
    let coordinates = table.optional("coordinates").map(|value| read_coordinates(value.table()?));
    table.refuse("local_zone_group", "is unknown here: where Amazon's local zones stand is not built in; write coordinates");
    let has_local_zone = table.optional("local_zone_group").is_some();
    let bias = table.optional("bias").map_or(Some(Default::default()), |bias| read_bias(&bias));
    table.finish();
    let place = match (region, coordinates) {
        (Some(place), None) | (None, Some(place)) => place,
        (None, None) if has_local_zone => None,
        _ => {
            value.wrong("has not exactly one place", "aws_region, or coordinates = { latitude, longitude }");
            None
        }
    };
    Some(RoutingPolicy::Geoproximity(place?, bias?))
}

fn read_coordinates(mut table: Table<'_>) -> Option<Coordinates> {
    let north = table.required("latitude", "\"50.11\"").map(|value| read_degrees(&value));
    let east = table.required("longitude", "\"8.68\"").map(|value| read_degrees(&value));
    let place = north.flatten().zip(east.flatten()).map(|(north, east)| Coordinates::new(north, east));
    if place == Some(None) {
        table.error("is no place on Earth; latitude is within -90 to 90, longitude within -180 to 180");
    }
    table.finish();
    place?
}

/// Degrees: Route 53 has them as text.
fn read_degrees(value: &Value<'_>) -> Option<f64> {
    if value.is_string() { value.parsed("degrees, such as \"50.11\"") } else { value.number() }
}

fn read_cidr(value: &Value<'_>) -> Option<RoutingPolicy> {
    let mut table = value.table()?;
    let collection = table.required("collection_id", "\"offices\"").and_then(|value| read_collection_name(&value));
    let location = table.required("location_name", "\"berlin\"").and_then(|value| match value.string()? {
        "*" => Some(None),
        _ => read_location_name(&value).map(Some),
    });
    table.finish();
    Some(RoutingPolicy::IpBased(Box::new(CidrLocation { collection: collection?, location: location? })))
}
