//! A `ResourceRecordSet` of a message: from its members to [`Said`], and back.
//!
//! Takes it as it is said and judges nothing: see `shape`. Members that a shape does not bound are read leniently, for a
//! reader of messages has seen to those that it does. Invariant: what is put reads back the same.
//! Source: Route 53 API 2013-04-01, `ResourceRecordSet`.

use super::rrset::{AliasTarget, CidrRoutingConfig, GeoLocation, GeoProximityLocation, Rrset, Said};
use crate::route53::request::bare;
use crate::route53::value::{Struct, Value};

/// What a message says of one record set.
pub fn read(set: &Struct) -> Said {
    let text = |name: &str| set.text(name).map(str::to_owned);
    Said {
        name: set.word("Name").to_owned(),
        kind: set.word("Type").to_owned(),
        set_identifier: text("SetIdentifier"),
        weight: set.number("Weight").and_then(|weight| weight.try_into().ok()),
        region: text("Region"),
        geo_location: set.structure("GeoLocation").map(read_geo_location),
        failover: text("Failover"),
        multi_value_answer: set.flag("MultiValueAnswer"),
        ttl: set.number("TTL").and_then(|ttl| ttl.try_into().ok()),
        values: set.structures("ResourceRecords").map(|record| record.word("Value").to_owned()).collect(),
        alias_target: set.structure("AliasTarget").map(|alias| AliasTarget {
            hosted_zone_id: bare(alias.word("HostedZoneId")).to_owned(),
            dns_name: alias.word("DNSName").to_owned(),
            evaluate_target_health: alias.flag("EvaluateTargetHealth").unwrap_or_default(),
        }),
        health_check_id: text("HealthCheckId"),
        traffic_policy_instance_id: text("TrafficPolicyInstanceId"),
        cidr_routing_config: set.structure("CidrRoutingConfig").map(|cidr| CidrRoutingConfig {
            collection_id: cidr.word("CollectionId").to_owned(),
            location_name: cidr.word("LocationName").to_owned(),
        }),
        geo_proximity_location: set.structure("GeoProximityLocation").map(read_geo_proximity),
    }
}

fn read_geo_location(geo: &Struct) -> GeoLocation {
    let text = |name: &str| geo.text(name).map(str::to_owned);
    GeoLocation {
        continent_code: text("ContinentCode"),
        country_code: text("CountryCode"),
        subdivision_code: text("SubdivisionCode"),
    }
}

fn read_geo_proximity(proximity: &Struct) -> GeoProximityLocation {
    let text = |name: &str| proximity.text(name).map(str::to_owned);
    let coordinates = proximity.structure("Coordinates");
    GeoProximityLocation {
        aws_region: text("AWSRegion"),
        local_zone_group: text("LocalZoneGroup"),
        coordinates: coordinates.map(|place| (place.word("Latitude").to_owned(), place.word("Longitude").to_owned())),
        bias: proximity.number("Bias").and_then(|bias| bias.try_into().ok()),
    }
}

/// The record set as a message has it. Of one that a traffic policy instance made nothing more is said than which.
pub fn put(rrset: &Rrset) -> Struct {
    let said = &rrset.said;
    let named = Struct::new()
        .with("Name", &*said.name)
        .with("Type", &*said.kind)
        .with_some("SetIdentifier", said.set_identifier.as_deref());
    if let Some(instance) = &said.traffic_policy_instance_id {
        return named.with("TrafficPolicyInstanceId", &**instance);
    }
    let records = said.values.iter().map(|value| Struct::new().with("Value", &**value));
    let records = (!said.values.is_empty()).then(|| records.collect::<Value>());
    named
        .with_some("Weight", said.weight.map(u32::from))
        .with_some("Region", said.region.as_deref())
        .with_some("GeoLocation", said.geo_location.as_ref().map(put_geo_location))
        .with_some("Failover", said.failover.as_deref())
        .with_some("MultiValueAnswer", said.multi_value_answer)
        .with_some("TTL", said.ttl)
        .with_some("ResourceRecords", records)
        .with_some("AliasTarget", said.alias_target.as_ref().map(put_alias))
        .with_some("HealthCheckId", said.health_check_id.as_deref())
        .with_some("CidrRoutingConfig", said.cidr_routing_config.as_ref().map(put_cidr))
        .with_some("GeoProximityLocation", said.geo_proximity_location.as_ref().map(put_geo_proximity))
}

fn put_geo_location(geo: &GeoLocation) -> Struct {
    Struct::new()
        .with_some("ContinentCode", geo.continent_code.as_deref())
        .with_some("CountryCode", geo.country_code.as_deref())
        .with_some("SubdivisionCode", geo.subdivision_code.as_deref())
}

fn put_alias(alias: &AliasTarget) -> Struct {
    Struct::new()
        .with("HostedZoneId", &*alias.hosted_zone_id)
        .with("DNSName", &*alias.dns_name)
        .with("EvaluateTargetHealth", alias.evaluate_target_health)
}

fn put_cidr(cidr: &CidrRoutingConfig) -> Struct {
    Struct::new().with("CollectionId", &*cidr.collection_id).with("LocationName", &*cidr.location_name)
}

fn put_geo_proximity(proximity: &GeoProximityLocation) -> Struct {
    let coordinates = proximity.coordinates.as_ref();
    Struct::new()
        .with_some("AWSRegion", proximity.aws_region.as_deref())
        .with_some("LocalZoneGroup", proximity.local_zone_group.as_deref())
        .with_some(
            "Coordinates",
            coordinates.map(|(north, east)| Struct::new().with("Latitude", &**north).with("Longitude", &**east)),
        )
        .with_some("Bias", proximity.bias.map(i64::from))
}
