//! Record sets, the options of their groups, and CIDR collections as tables.
//!
//! Of a place, what the built-in tables know is not printed, as it is read back from there.

use std::collections::BTreeMap;

use super::{Printer, key, list, quoted};
use crate::control::located::built_in;
use crate::control::modes;
use crate::geography::area::Area;
use crate::geography::coordinates::Coordinates;
use crate::geography::site::{Bias, Site};
use crate::ids::CollectionId;
use crate::places::cidr::CidrCollection;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::group_options::{GroupOptions, MinHealthy, Share, TtlRange};
use crate::zone::rdata;
use crate::zone::record_set::{CidrLocation, Content, RecordSet, RoutingPolicy};

impl Printer {
    pub(super) fn record_set(&mut self, set: &RecordSet) {
        self.header("[[record]]");
        self.line("name", &quoted(&set.name.to_string()));
        self.line("type", &quoted(&set.rtype.to_string()));
        if let Some(id) = &set.set_identifier {
            self.line("set_identifier", &quoted(id.as_str()));
        }
        self.policy(&set.policy);
        if let Some(id) = &set.health_check {
            self.line("health_check", &quoted(id.as_str()));
        }
        if let Some(place) = set.place {
            self.line("place", &area(place, ["continent", "country", "subdivision"]));
        }
        match &set.content {
            Content::Values { ttl, rdata } => {
                self.line("ttl", &ttl.secs().to_string());
                let values = rdata.iter().map(|rdata| quoted(&rdata::show(set.rtype, rdata).to_string()));
                self.line("values", &list(values));
            }
            Content::Alias(alias) => {
                let (target, evaluates) = (quoted(&alias.target.to_string()), alias.evaluate_target_health);
                self.line("alias", &format!("{{ name = {target}, evaluate_target_health = {evaluates} }}"));
            }
        }
    }

    fn policy(&mut self, policy: &RoutingPolicy) {
        match policy {
            RoutingPolicy::Simple => {}
            RoutingPolicy::Multivalue => self.line("multivalue_answer", "true"),
            RoutingPolicy::Weighted(weight) => self.line("weight", &weight.get().to_string()),
            RoutingPolicy::Failover(0) => self.line("failover", "\"PRIMARY\""),
            RoutingPolicy::Failover(1) => self.line("failover", "\"SECONDARY\""),
            RoutingPolicy::Failover(tier) => self.line("failover", &tier.to_string()),
            RoutingPolicy::Latency(site) => self.site(site),
            RoutingPolicy::Geolocation(place) => {
                self.line("geo_location", &area(*place, ["continent_code", "country_code", "subdivision_code"]));
            }
            RoutingPolicy::Geoproximity(place, bias) => self.geoproximity(*place, *bias),
            RoutingPolicy::IpBased(cidr) => self.cidr(cidr),
        }
    }

    fn site(&mut self, site: &Site) {
        if let Some(region) = &site.region {
            self.line("region", &quoted(region.as_str()));
        }
        let known = site.region.as_ref().and_then(built_in).map(|region| region.coordinates);
        if let Some(place) = site.coordinates.filter(|place| known != Some(*place)) {
            self.line("location", &format!("[{}, {}]", place.north(), place.east()));
        }
    }

    fn geoproximity(&mut self, place: Coordinates, bias: Bias) {
        let coordinates = format!("{{ latitude = \"{}\", longitude = \"{}\" }}", place.north(), place.east());
        let bias = if bias == Bias::default() { String::new() } else { format!(", bias = {}", bias.percent()) };
        self.line("geo_proximity_location", &format!("{{ coordinates = {coordinates}{bias} }}"));
    }

    fn cidr(&mut self, cidr: &CidrLocation) {
        let (collection, location) = (quoted(cidr.collection.as_str()), cidr.location.as_ref());
        let location = quoted(location.map_or("*", |location| location.as_str()));
        self.line("cidr_routing_config", &format!("{{ collection_id = {collection}, location_name = {location} }}"));
    }

    pub(super) fn group(&mut self, name: &Name, rtype: RecordType, options: &GroupOptions) {
        self.header("[[group]]");
        self.line("name", &quoted(&name.to_string()));
        self.line("type", &quoted(&rtype.to_string()));
        match options.min_healthy {
            MinHealthy::Count(1) => {}
            MinHealthy::Count(count) => self.line("min_healthy", &count.to_string()),
            MinHealthy::Share(share) => self.line("min_healthy", &percent(share)),
        }
        if !options.fence.is_empty() {
            let fence = options.fence.iter().map(|place| area(*place, ["continent", "country", "subdivision"]));
            self.line("fence", &list(fence));
        }
        if options.trickle.parts() > 0 {
            self.line("trickle", &percent(options.trickle));
        }
        if options.panic.parts() > 0 {
            self.line("panic", &percent(options.panic));
        }
        if let Some(TtlRange { min, max }) = options.ttl {
            self.line("ttl", &format!("{{ max = {max}, min = {min} }}"));
        }
        for (key, value) in modes::lines(&options.modes) {
            self.line(key, &value);
        }
        if options.sticky {
            self.line("sticky", "true");
        }
        if options.nearest > 0 {
            self.line("nearest", &options.nearest.to_string());
        }
    }

    pub(super) fn collection(&mut self, id: &CollectionId, collection: &CidrCollection) {
        self.header(&format!("[cidr.{}]", key(id.as_str())));
        let mut locations: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (block, location) in collection.blocks() {
            locations.entry(location.as_str()).or_default().push(quoted(&block.to_string()));
        }
        for (location, blocks) in locations {
            self.line(location, &list(blocks.into_iter()));
        }
    }
}

/// An area in the keys for a continent, a country and its subdivision.
fn area(area: Area, [continent_key, country_key, subdivision_key]: [&str; 3]) -> String {
    match area {
        Area::Anywhere => format!("{{ {country_key} = \"*\" }}"),
        Area::Continent(continent) => format!("{{ {continent_key} = \"{continent}\" }}"),
        Area::Country(country) => format!("{{ {country_key} = \"{country}\" }}"),
        Area::Subdivision(country, subdivision) => {
            format!("{{ {country_key} = \"{country}\", {subdivision_key} = \"{subdivision}\" }}")
        }
    }
}

fn percent(share: Share) -> String {
    format!("\"{}%\"", f64::from(share.parts()) / 100.0)
}
