//! Whether Route 53 has words for what a file can say.
//!
//! Invariant: a record set or check that nothing is said against means the same behind the API as in its file.
//! Source: Route 53 API 2013-04-01, `ResourceRecordSet`, `HealthCheckConfig`.

use crate::health::check::HealthCheck;
use crate::route53::account::entities::CheckConfig;
use crate::route53::account::in_files;
use crate::route53::checks::meaning;
use crate::route53::records::of_file;
use crate::route53::records::rrset::Rrset;
use crate::route53::values::TYPES;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::{RecordSet, RoutingPolicy};

/// The record set as the API would be told of it, in a zone of this id, and what is lost with it, in words.
pub fn rrset(set: &RecordSet, zone: &str) -> (Option<Rrset>, Vec<String>) {
    let named = format!("{} {}", set.name, set.rtype);
    if !TYPES.contains(&set.rtype) {
        return (None, vec![format!("{named}: Route 53 has no records of this type")]);
    }
    let said = of_file::rrset(set, zone).said;
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

/// What is lost of a zone as a whole: the options of its groups, and aliases that lead to nobody knows which zone.
pub fn lost(zone: &HostedZone) -> Vec<String> {
    let options = zone.groups.keys().map(|(name, rtype)| format!("{name} {rtype}: the options of the record group"));
    let outside = zone.record_sets.iter().filter_map(|set| {
        let alias = zone.external(set)?;
        let (name, rtype, target) = (&set.name, set.rtype, &alias.target);
        hosted_zone_of(&target.to_string()).is_none().then(|| {
            format!("{name} {rtype}: an alias of {target}: Route 53 has such an alias with the id of the hosted zone that {target} is in")
        })
    });
    options.chain(outside).collect()
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
    let what = "Route 53 does not validate certificates, has one threshold for both directions, fixed timeouts and whole seconds";
    (config, lost.then(|| format!("health check {}: {what}", check.id)).into_iter().collect())
}
