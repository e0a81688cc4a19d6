//! Whether Route 53 has words for what a file can say.
//!
//! Invariant: a record set or check that nothing is said against means the same behind the API as in its file.
//! Source: Route 53 API 2013-04-01, `ResourceRecordSet`, `HealthCheckConfig`.

use crate::health::check::HealthCheck;
use crate::health::protocol::Protocol;
use crate::route53::account::entities::CheckConfig;
use crate::route53::account::in_files;
use crate::route53::checks::meaning;
use crate::route53::records::of_file;
use crate::route53::records::rrset::Rrset;
use crate::route53::values::TYPES;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::{RecordSet, RoutingPolicy};

/// The record set of `zone` as the API would be told of it where that has this id, and what is lost with it, in words.
pub fn rrset(set: &RecordSet, zone: &HostedZone, id: &str) -> (Option<Rrset>, Vec<String>) {
    let named = format!("{} {}", set.name, set.rtype);
    if !TYPES.contains(&set.rtype) {
        return (None, vec![format!("{named}: Route 53 has no records of this type")]);
    }
    let mut said = of_file::rrset(set, id).said;
    if let (Some(alias), Some(said)) = (zone.external(set), &mut said.alias_target) {
        said.hosted_zone_id = hosted_zone_of(&alias.target.to_string()).unwrap_or(UNKNOWN_ZONE).to_owned();
    }
    let rrset = match Rrset::new(said) {
        Ok(rrset) => rrset,
        Err(invalid) => return (None, vec![format!("{named}: {invalid}")]),
    };
    let mut lost = Vec::new();
    if rrset.set.policy != set.policy {
        lost.push(match &set.policy {
            RoutingPolicy::Failover(tier) => format!("{named}: failover tier {tier}; Route 53 has PRIMARY and SECONDARY"),
            RoutingPolicy::Latency(_) => format!("{named}: a latency member with another place than that of an AWS region"),
            RoutingPolicy::Geoproximity(..) => format!("{named}: coordinates with more than two digits behind the point"),
            policy => format!("{named}: policy {} in a way that Route 53 does not have", policy.word()),
        });
    }
    if set.place.is_some() {
        lost.push(format!("{named}: the place where it stands"));
    }
    if rrset.set.content != set.content || rrset.set.health_check != set.health_check {
        lost.push(format!("{named}: its content, in a way that Route 53 does not have"));
    }
    (Some(rrset), lost)
}

/// The options of a zone's groups, of which Route 53 has none.
pub fn options(zone: &HostedZone) -> Vec<String> {
    zone.groups.keys().map(|(name, rtype)| format!("{name} {rtype}: the options of the record group")).collect()
}

/// The aliases that lead to a name in nobody knows which hosted zone, which AWS asks for.
pub fn unknown_targets(zone: &HostedZone) -> Vec<String> {
    let outside = zone.record_sets.iter().filter_map(|set| Some((set, zone.external(set)?)));
    let unknown = outside.filter(|(_, alias)| hosted_zone_of(&alias.target.to_string()).is_none());
    let told = unknown.map(|(set, alias)| {
        format!(
            "{} {}: the id of the hosted zone that its target {} is in, which AWS asks for",
            set.name, set.rtype, alias.target
        )
    });
    told.collect()
}

/// The id of the hosted zone that a name outside is in, where that is the same for everybody.
pub fn hosted_zone_of(target: &str) -> Option<&'static str> {
    let target = target.trim_end_matches('.').to_ascii_lowercase();
    SERVICES.iter().find(|(suffix, _)| target.ends_with(suffix)).map(|(_, id)| *id)
}

/// AWS's services with one hosted zone for all of the world (AWS General Reference, "Service endpoints and quotas").
const SERVICES: [(&str, &str); 2] = [(".cloudfront.net", "Z2FDTNDATAQYW2"), (".awsglobalaccelerator.com", "Z2BJ6XQ5FK7U4H")];

/// Stands for the id of a hosted zone that is not known: of no zone that anybody has.
pub const UNKNOWN_ZONE: &str = "ZUNKNOWN";

/// The check as the API would be told of it, and what is lost with it, in words.
pub fn check(check: &HealthCheck) -> (CheckConfig, Vec<String>) {
    let config = in_files::config(check);
    let behind = meaning(check.id.clone(), &config);
    let lost = behind != *check;
    let what = match check.kind.protocol() {
        Some(protocol) if in_files::has_no_likeness(protocol) => NOTHING_LIKE_IT,
        Some(Protocol::Tcp | Protocol::Http(_) | Protocol::Https(..)) | None => LESS_OF_IT,
        Some(_) => ONLY_ITS_PORT,
    };
    (config, lost.then(|| format!("health check {}: {what}", check.id)).into_iter().collect())
}

const LESS_OF_IT: &str = "Route 53 does not validate certificates, has one threshold for both directions, fixed timeouts and whole \
                          seconds, sends a plain GET over HTTP/1.1 and accepts every status from 200 to 399, and knows neither \
                          regions of checks nor objectives nor checks that are only observed";
const ONLY_ITS_PORT: &str = "Route 53 has no checks of its type: a TCP check of the same port stands for it";
const NOTHING_LIKE_IT: &str =
    "Route 53 has no checks of its type: a calculated check of no children, always healthy, stands for it";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::load::load_zones;
    use crate::zone::master::{NoFiles, Source};

    /// The type and port that stand for a check, and whether what is lost is said.
    fn shown(lines: &str) -> (String, Option<u16>, Option<String>) {
        let text = format!("zone = \"a.\"\nns = [\"b.\"]\n[check.c]\nrise = 3\n{lines}\n");
        let source = Source { file: "z".into(), octets: text.into() };
        let (state, problems) = load_zones(vec![source], &mut NoFiles, 1);
        let state = state.unwrap_or_else(|| panic!("{lines}: {problems}"));
        let (config, lost) = check(state.checks.values().next().unwrap());
        (config.kind, config.port, lost.into_iter().next())
    }

    #[test]
    fn what_route53_lacks_is_shown_as_what_comes_nearest_and_said_to_be() {
        let less = Some(format!("health check c: {LESS_OF_IT}"));
        let port = Some(format!("health check c: {ONLY_ITS_PORT}"));
        let nothing = Some(format!("health check c: {NOTHING_LIKE_IT}"));
        for (lines, kind, at, lost) in [
            ("type = \"http\"\nip_address = \"192.0.2.1\"", "HTTP", Some(80), &None),
            ("type = \"http\"\nip_address = \"192.0.2.1\"\nmethod = \"HEAD\"", "HTTP", Some(80), &less),
            ("type = \"http\"\nip_address = \"192.0.2.1\"\nmatches = \"x\"", "HTTP", Some(80), &less),
            ("type = \"https\"\nip_address = \"192.0.2.1\"\nsource = \"192.0.2.9\"", "HTTPS", Some(443), &less),
            ("type = \"tls\"\ntarget = \"192.0.2.1\"", "TCP", Some(443), &port),
            ("type = \"dns\"\ntarget = \"192.0.2.1\"\nquery = \"a A\"", "TCP", Some(53), &port),
            ("type = \"grpc\"\ntarget = \"192.0.2.1\"\nport = 1", "TCP", Some(1), &port),
            ("type = \"postgres\"\ntarget = \"192.0.2.1\"\nuser = \"w\"", "TCP", Some(5_432), &port),
            ("type = \"redis\"\ntarget = \"192.0.2.1\"\nport = 7", "TCP", Some(7), &port),
            ("type = \"icmp\"\ntarget = \"192.0.2.1\"", "CALCULATED", None, &nothing),
            ("type = \"command\"\ntarget = \"192.0.2.1\"\nport = 1\ncommand = [\"/bin/true\"]", "CALCULATED", None, &nothing),
        ] {
            assert_eq!(shown(lines), (kind.to_owned(), at, lost.clone()), "{lines}");
        }
    }
}
