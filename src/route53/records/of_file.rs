//! Record sets of zones that are written in files, as the API would have been told of them.
//!
//! Invariant: what is said here means the record set that it is said of, as far as Route 53 has words for it: tiers of
//! failover behind the second are SECONDARY too, and a latency member without a region has that of no cloud.
//! Source: Route 53 API 2013-04-01, `ResourceRecordSet`.

use super::rrset::{AliasTarget, CidrRoutingConfig, GeoLocation, GeoProximityLocation, Rrset, Said};
use crate::geography::area::Area;
use crate::geography::site::Site;
use crate::route53::name::show_name;
use crate::route53::values::show_value;
use crate::zone::record_set::{Content, RecordSet, RoutingPolicy};

/// The record set as the API shows it; `zone` is the id of the zone that it is in.
pub fn rrset(set: &RecordSet, zone: &str) -> Rrset {
    let mut said = Said {
        name: show_name(&set.name),
        kind: set.rtype.to_string(),
        set_identifier: set.set_identifier.as_ref().map(|id| id.as_str().to_owned()),
        health_check_id: set.health_check.as_ref().map(|id| id.as_str().to_owned()),
        ..Said::default()
    };
    match &set.content {
        Content::Values { ttl, rdata } => {
            said.ttl = Some(ttl.secs());
            said.values = rdata.iter().map(|rdata| show_value(set.rtype, rdata)).collect();
        }
        Content::Alias(alias) => {
            said.alias_target = Some(AliasTarget {
                hosted_zone_id: zone.to_owned(),
                dns_name: show_name(&alias.target),
                evaluate_target_health: alias.evaluate_target_health,
            });
        }
    }
    say_policy(&set.policy, &mut said);
    Rrset { said, set: set.clone() }
}

fn say_policy(policy: &RoutingPolicy, said: &mut Said) {
    match policy {
        RoutingPolicy::Simple => {}
        RoutingPolicy::Multivalue => said.multi_value_answer = Some(true),
        RoutingPolicy::Weighted(weight) => said.weight = Some(weight.get()),
        RoutingPolicy::Failover(tier) => said.failover = Some(if *tier == 0 { "PRIMARY" } else { "SECONDARY" }.to_owned()),
        RoutingPolicy::Latency(site) => said.region = Some(region(site)),
        RoutingPolicy::Geolocation(area) => said.geo_location = Some(geo_location(*area)),
        RoutingPolicy::Geoproximity(place, bias) => {
            let degrees = |degrees: f64| format!("{degrees:.2}");
            said.geo_proximity_location = Some(GeoProximityLocation {
                coordinates: Some((degrees(place.north()), degrees(place.east()))),
                bias: Some(bias.percent()),
                ..GeoProximityLocation::default()
            });
        }
        RoutingPolicy::IpBased(cidr) => {
            said.cidr_routing_config = Some(CidrRoutingConfig {
                collection_id: cidr.collection.as_str().to_owned(),
                location_name: cidr.location.as_ref().map_or("*", |location| location.as_str()).to_owned(),
            });
        }
    }
}

/// An AWS region without its provider, as Route 53 names it; others with theirs.
fn region(site: &Site) -> String {
    let name = site.region.as_ref().map_or("", |region| region.as_str());
    name.strip_prefix("aws:").unwrap_or(name).to_owned()
}

fn geo_location(area: Area) -> GeoLocation {
    let (continent, country, subdivision) = match area {
        Area::Anywhere => (None, Some("*".to_owned()), None),
        Area::Continent(continent) => (Some(continent.to_string()), None, None),
        Area::Country(country) => (None, Some(country.to_string()), None),
        Area::Subdivision(country, subdivision) => (None, Some(country.to_string()), Some(subdivision.to_string())),
    };
    GeoLocation { continent_code: continent, country_code: country, subdivision_code: subdivision }
}
