//! JSON becomes a document, as far as each rule and endpoint goes by itself.
//!
//! Numbers and booleans may be texts, as the clients write either. Members that the format does not have are refused: a
//! misspelt one would be a rule without what it says. Not whether references lead anywhere: see `check`.
//! Sources: Route 53 API reference, "Traffic Policy Document Format"; the form `id: sentence.;id: sentence.` of the errors
//! is that of Route 53's in its users' logs, the sentences are waypost's own.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::document::{Document, Endpoint, InvalidDocument, Reference, Rule, Target};
use crate::geography::regions;
use crate::geography::site::RegionName;
use crate::route53::records::rrset::{GeoLocation, GeoProximityLocation, Said};
use crate::wire::rtype::RecordType;

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Document, InvalidDocument> {
    let root = match serde_json::from_str(text) {
        Ok(Value::Object(root)) => root,
        Ok(_) => return Err(InvalidDocument(vec!["The document is not a JSON object.".to_owned()])),
        Err(error) => return Err(InvalidDocument(vec![format!("The document is not valid JSON: {error}.")])),
    };
    let mut wrong = Vec::new();
    let mut fields = Fields::new(&root, String::new(), &mut wrong);
    let version = fields.required("AWSPolicyFormatVersion");
    if version.as_deref().is_some_and(|version| !VERSIONS.contains(&version)) {
        fields.wrong(format!("AWSPolicyFormatVersion is not one of [{}]", VERSIONS.join(", ")));
    }
    let rtype = record_type(&mut fields);
    let start = fields.target("StartEndpoint", "StartRule");
    let (endpoints, rules) = (fields.object("Endpoints"), fields.object("Rules"));
    fields.finish();
    let endpoints = each(endpoints, &mut wrong, |fields| read_endpoint(fields, rtype));
    let rules = each(rules, &mut wrong, |fields| Some(read_rule(fields)));
    match (rtype, start, wrong.is_empty()) {
        (Some(rtype), Some(start), true) => Ok(Document { rtype, start, endpoints, rules }),
        _ => Err(InvalidDocument(wrong)),
    }
}

const VERSIONS: [&str; 2] = ["2015-10-01", "2023-05-09"];

/// Any type but those that every zone has its own way of.
fn record_type(fields: &mut Fields<'_, '_>) -> Option<RecordType> {
    let said = fields.required("RecordType")?;
    let rtype = said.parse().ok().filter(|_| TYPES.contains(&&*said));
    if rtype.is_none() {
        fields.wrong(format!("RecordType is not one of [{}]", TYPES.join(", ")));
    }
    rtype
}

const TYPES: [&str; 14] =
    ["A", "AAAA", "CAA", "CNAME", "HTTPS", "MX", "NAPTR", "PTR", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT"];

/// Reads each member of an object of objects.
fn each<T>(
    objects: Option<&Map<String, Value>>,
    wrong: &mut Vec<String>,
    read: impl Fn(&mut Fields<'_, '_>) -> Option<T>,
) -> BTreeMap<String, T> {
    let mut all = BTreeMap::new();
    for (id, value) in objects.into_iter().flatten() {
        let Value::Object(object) = value else {
            wrong.push(format!("{id}: Definition is not a JSON object."));
            continue;
        };
        let mut fields = Fields::new(object, format!("{id}: "), wrong);
        let one = read(&mut fields);
        fields.finish();
        all.extend(one.map(|one| (id.clone(), one)));
    }
    all
}

fn read_endpoint(fields: &mut Fields<'_, '_>, rtype: Option<RecordType>) -> Option<Endpoint> {
    let (kind, value) = (fields.required("Type"), fields.required("Value"));
    let region = fields.text("Region");
    let (kind, value) = (kind?, value?);
    if kind == "value" {
        return Some(Endpoint::Value(value));
    }
    if !SERVICES.contains(&&*kind) {
        fields.wrong(format!("Type is not one of [value, {}]", SERVICES.join(", ")));
        return None;
    }
    if rtype.is_some_and(|rtype| !matches!(rtype, RecordType::A | RecordType::AAAA)) {
        fields.wrong(format!("Type {kind} has no records but of the types A and AAAA"));
    }
    match (&*kind, region) {
        ("s3-website", None) => {
            fields.wrong("Region is required with Type s3-website".to_owned());
            None
        }
        // What is said is the bucket; the websites of one region are all at one name.
        ("s3-website", Some(region)) if !value.trim_end_matches('.').ends_with(".amazonaws.com") => {
            Some(Endpoint::Name(format!("s3-website.{region}.amazonaws.com")))
        }
        _ => Some(Endpoint::Name(value)),
    }
}

const SERVICES: [&str; 6] = [
    "cloudfront",
    "application-load-balancer",
    "elastic-load-balancer",
    "network-load-balancer",
    "elastic-beanstalk",
    "s3-website",
];

fn read_rule(fields: &mut Fields<'_, '_>) -> Rule {
    let kind = fields.required("RuleType").unwrap_or_default();
    let references = match &*kind {
        "failover" => ["Primary", "Secondary"].into_iter().filter_map(|name| read_tier(fields, name)).collect(),
        "weighted" => fields.references("Items", weight),
        "latency" => fields.references("Regions", latency),
        "geo" => fields.references("Locations", location),
        "geoproximity" => fields.references("GeoproximityLocations", proximity),
        "multivalue" => fields.references("Items", |_| Said { multi_value_answer: Some(true), ..Said::default() }),
        "" => {
            fields.ignore_rest();
            Vec::new()
        }
        _ => {
            fields.wrong("RuleType is not one of [failover, geo, geoproximity, latency, multivalue, weighted]".to_owned());
            fields.ignore_rest();
            Vec::new()
        }
    };
    Rule { references }
}

fn read_tier(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<Reference> {
    let failover = Some(name.to_ascii_uppercase());
    let Some(tier) = fields.object(name) else {
        fields.wrong(format!("{name} is required with RuleType failover"));
        return None;
    };
    fields.reference(tier, name.to_owned(), |_| Said { failover, ..Said::default() })
}

fn weight(item: &mut Fields<'_, '_>) -> Said {
    let said = item.required("Weight");
    let weight = said.as_deref().and_then(|said| said.parse().ok());
    if said.is_some() && weight.is_none() {
        item.wrong("Weight is not within 0-255".to_owned());
    }
    Said { weight, ..Said::default() }
}

fn latency(item: &mut Fields<'_, '_>) -> Said {
    let region = item.required("Region");
    let is_known = |code: &String| RegionName::parse(code).is_ok_and(|name| regions::region(&name).is_some());
    if region.as_ref().is_some_and(|code| !is_known(code)) {
        item.wrong("Region is no region of AWS".to_owned());
    }
    Said { region, ..Said::default() }
}

fn location(item: &mut Fields<'_, '_>) -> Said {
    let (continent, country) = (item.text("Continent"), item.text("Country"));
    let (subdivision, is_default) = (item.text("Subdivision"), item.flag("IsDefault"));
    let country = match is_default {
        Some(true) if country.is_none() && continent.is_none() => Some("*".to_owned()),
        Some(true) if country.as_deref() != Some("*") => {
            item.wrong("IsDefault is true beside a location other than Country *".to_owned());
            country
        }
        Some(false) if country.as_deref() == Some("*") => {
            item.wrong("IsDefault is false beside Country *".to_owned());
            country
        }
        _ => country,
    };
    let geo = GeoLocation { continent_code: continent, country_code: country, subdivision_code: subdivision };
    Said { geo_location: Some(geo), ..Said::default() }
}

fn proximity(item: &mut Fields<'_, '_>) -> Said {
    let said = match item.object("Location") {
        None => (item.text("Region"), item.text("Latitude"), item.text("Longitude")),
        Some(location) => {
            let mut location = item.inside(location, "Location: ");
            let kind = location.required("Type");
            let said = (location.text("LocationName"), location.text("Latitude"), location.text("Longitude"));
            if kind.is_some_and(|kind| !["Region", "LocalZone", "Coordinate"].contains(&&*kind)) {
                location.wrong("Type is not one of [Region, LocalZone, Coordinate]".to_owned());
            }
            location.finish();
            said
        }
    };
    let bias = item.text("Bias");
    let number = bias.as_deref().map(|bias| bias.parse().ok().filter(|bias| (-99..=99).contains(bias)));
    if number == Some(None) {
        item.wrong("Bias is not within -99 and 99".to_owned());
    }
    let place = GeoProximityLocation { bias: number.flatten(), ..GeoProximityLocation::default() };
    let place = match said {
        (Some(region), None, None) => region_or_zone(&region, place),
        (None, Some(north), Some(east)) => {
            check_degrees(item, "Latitude", &north, 90.0);
            check_degrees(item, "Longitude", &east, 180.0);
            GeoProximityLocation { coordinates: Some((north, east)), ..place }
        }
        _ => {
            item.wrong("Location is neither a region, nor a local zone, nor a latitude and a longitude".to_owned());
            return Said::default();
        }
    };
    Said { geo_proximity_location: Some(place), ..Said::default() }
}

/// `aws:route53:us-east-1` is a region, `aws:route53:us-east-1-atl-1a` a local zone.
fn region_or_zone(said: &str, place: GeoProximityLocation) -> GeoProximityLocation {
    let name = said.strip_prefix("aws:route53:").unwrap_or(said).to_owned();
    // Regions have three parts, but for those of governments, which have four and no local zones.
    match name.split('-').count() > 3 && !name.starts_with("us-gov-") {
        true => GeoProximityLocation { local_zone_group: Some(name), ..place },
        false => GeoProximityLocation { aws_region: Some(name), ..place },
    }
}

fn check_degrees(item: &mut Fields<'_, '_>, name: &str, said: &str, most: f64) {
    let decimals = said.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    match said.parse::<f64>() {
        Ok(degrees) if degrees.abs() <= most && decimals <= 2 => {}
        _ => item.wrong(format!("{name} is not within -{most} and {most}, with at most two decimals")),
    }
}

/// The members of one object, and what was wrong with them.
struct Fields<'o, 'w> {
    object: &'o Map<String, Value>,
    /// What messages begin with: the id of the rule or endpoint, and the place in it.
    place: String,
    known: Vec<&'static str>,
    is_open: bool,
    wrong: &'w mut Vec<String>,
}

impl<'o, 'w> Fields<'o, 'w> {
    fn new(object: &'o Map<String, Value>, place: String, wrong: &'w mut Vec<String>) -> Self {
        Self { object, place, known: Vec::new(), is_open: false, wrong }
    }

    /// The members of an object within this one.
    fn inside<'i>(&mut self, object: &'i Map<String, Value>, place: &str) -> Fields<'i, '_> {
        Fields::new(object, format!("{}{place}", self.place), self.wrong)
    }

    fn wrong(&mut self, what: String) {
        self.wrong.push(format!("{}{what}.", self.place));
    }

    fn get(&mut self, name: &'static str) -> Option<&'o Value> {
        self.known.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A text, a number or a boolean, as a text.
    fn text(&mut self, name: &'static str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.clone()),
            value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
            _ => {
                self.wrong(format!("{name} is not a text"));
                None
            }
        }
    }

    fn required(&mut self, name: &'static str) -> Option<String> {
        if self.object.get(name).is_none_or(Value::is_null) {
            self.wrong(format!("{name} is required"));
        }
        self.text(name).filter(|text| !text.is_empty())
    }

    fn flag(&mut self, name: &'static str) -> Option<bool> {
        let said = self.text(name)?;
        match &*said.to_ascii_lowercase() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.wrong(format!("{name} is neither true nor false"));
                None
            }
        }
    }

    fn object(&mut self, name: &'static str) -> Option<&'o Map<String, Value>> {
        match self.get(name)? {
            Value::Object(object) => Some(object),
            _ => {
                self.wrong(format!("{name} is not a JSON object"));
                None
            }
        }
    }

    /// Exactly one of the two ways to name what comes next.
    fn target(&mut self, endpoint: &'static str, rule: &'static str) -> Option<Target> {
        match (self.text(endpoint), self.text(rule)) {
            (Some(id), None) => Some(Target::Endpoint(id)),
            (None, Some(id)) => Some(Target::Rule(id)),
            _ => {
                self.wrong(format!("Exactly one of {endpoint} and {rule} is required"));
                None
            }
        }
    }

    /// The references of a list, each with what `policy` says of it.
    fn references(&mut self, name: &'static str, policy: fn(&mut Fields<'_, '_>) -> Said) -> Vec<Reference> {
        let items = match self.get(name) {
            Some(Value::Array(items)) if !items.is_empty() => items,
            _ => {
                self.wrong(format!("{name} is not a list of at least one"));
                return Vec::new();
            }
        };
        let mut references = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let place = format!("{name}[{at}]");
            match item {
                Value::Object(item) => references.extend(self.reference(item, place, policy)),
                _ => self.wrong(format!("{place} is not a JSON object")),
            }
        }
        references
    }

    fn reference(
        &mut self,
        object: &Map<String, Value>,
        place: String,
        policy: impl FnOnce(&mut Fields<'_, '_>) -> Said,
    ) -> Option<Reference> {
        let mut item = self.inside(object, &format!("{place}: "));
        let target = item.target("EndpointReference", "RuleReference");
        // Where nothing is said, what can be known of a target's health is used (unverified of Route 53): its own examples
        // of failover say nothing, and could never fail over otherwise.
        let evaluate_target_health = item.flag("EvaluateTargetHealth").unwrap_or(true);
        let health_check = item.text("HealthCheck").filter(|id| !id.is_empty());
        let policy = policy(&mut item);
        item.finish();
        Some(Reference { place, target: target?, evaluate_target_health, health_check, policy })
    }

    /// Takes members that nobody asked for as known: nobody can say what they would be.
    fn ignore_rest(&mut self) {
        self.is_open = true;
    }

    /// Refuses members that nobody asked for.
    fn finish(self) {
        let unknown = self.object.keys().filter(|name| !self.is_open && !self.known.contains(&name.as_str()));
        self.wrong.extend(unknown.map(|name| format!("{}{name} is not a member of the format.", self.place)));
    }
}
