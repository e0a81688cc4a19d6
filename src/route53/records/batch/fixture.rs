//! A zone to try batches on, and changes in one line each:
//! `CREATE www A id=blue weight=10 ttl=60 192.0.2.1|192.0.2.2`, `UPSERT www A alias=Z1/web/true`.
//!
//! Names are completed with `example.org` unless they end with a dot; values stand behind the members, between bars.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::check;
use crate::route53::access::{Access, Principal, Zones};
use crate::route53::account::Account;
use crate::route53::account::edit::{Edit, Record};
use crate::route53::account::entities::{Check, CheckConfig, Collection};
use crate::route53::account::zone::{Protection, Zone, ZoneRecord};
use crate::route53::bounds::Rules;
use crate::route53::records::said;
use crate::route53::records::shape::read_changes;
use crate::route53::value::{Struct, Value};

/// An account with the zone `example.org.` under the id `Z1` and `example.net.` under `Z2`, a health check `check` and a
/// collection `offices` with the location `berlin`.
pub(crate) struct Fixture {
    pub account: Account,
    pub rules: Rules,
}

impl Fixture {
    pub fn new(lines: &[&str]) -> Self {
        let mut account = Account::default();
        account.apply(vec![
            Edit::Put(Record::Check(Arc::new(health_check()))),
            Edit::Put(Record::Collection(Arc::new(collection()))),
        ]);
        account.apply(
            [("Z1", "example.org."), ("Z2", "example.net.")]
                .map(|(id, name)| Edit::Put(Record::Zone(Arc::new(zone(id, name)))))
                .into(),
        );
        let mut fixture = Self { account, rules: Rules::default() };
        for apex in ["CREATE @ SOA ttl=900 ns.x. h.x. 1 2 3 4 5", "CREATE @ NS ttl=172800 ns1.x.|ns2.x."] {
            // The apex must have both, and the first alone would be refused.
            let edit = said::read(
                changes(&[apex]).structures("Changes").next().expect("one").structure("ResourceRecordSet").expect("one"),
            );
            let rrset = Arc::new(crate::route53::records::rrset::Rrset::new(edit).expect("the fixture's apex is valid"));
            fixture.account.apply(vec![Edit::Put(Record::Rrset { zone: "Z1".into(), rrset })]);
        }
        assert_eq!(fixture.apply(lines), "ok");
        fixture
    }

    pub fn strict(lines: &[&str]) -> Self {
        let fixture = Self::new(lines);
        Self { rules: Rules { strict: true }, ..fixture }
    }

    pub fn zone(&self) -> &Arc<Zone> {
        &self.account.zones["Z1"]
    }

    /// Applies a batch; `ok`, or the error's message.
    pub fn apply(&mut self, lines: &[&str]) -> String {
        match self.judge(&changes(lines)) {
            Ok(edits) => {
                self.account.apply(edits);
                "ok".to_owned()
            }
            Err(message) => message,
        }
    }

    pub fn judge(&self, batch: &Struct) -> Result<Vec<Edit>, String> {
        let changes = read_changes(batch, self.rules).map_err(|error| error.message)?;
        let anybody = Principal { name: "tests".into(), key_id: None, access: Access::Write, zones: Zones::All };
        check(&self.account, &anybody, self.zone(), changes, self.rules).map_err(|error| error.message)
    }

    /// The zone's record sets but for SOA and NS at the apex, a line each.
    pub fn listed(&self) -> Vec<String> {
        let of_apex = |kind: &str| kind == "SOA" || kind == "NS";
        let sets = self.zone().rrsets().values().filter(|rrset| rrset.said.name != "example.org." || !of_apex(&rrset.said.kind));
        sets.map(|rrset| format!("{} {} {}", rrset.said.name, rrset.said.kind, rrset.said.values.join("|")).trim_end().to_owned())
            .collect()
    }

    /// Protects A at `www`.
    pub fn protect(&mut self, comment: Option<&str>) {
        let mut record = (*self.zone().record).clone();
        record.protections.push(Protection {
            name: "www.example.org.".into(),
            kind: "A".into(),
            comment: comment.map(str::to_owned),
            created_at: Timestamp::UNIX_EPOCH,
        });
        self.account.apply(vec![Edit::Put(Record::Zone(Arc::new(record)))]);
    }
}

/// A `ChangeBatch` of these lines.
pub(crate) fn changes(lines: &[&str]) -> Struct {
    Struct::new().with("Changes", lines.iter().map(|line| change(line)).collect::<Value>())
}

fn change(line: &str) -> Struct {
    let mut words = line.splitn(4, ' ');
    let mut next = || words.next().unwrap_or_default();
    let (action, name, kind, mut rest) = (next(), next(), next(), next());
    let mut set = Struct::new().with("Name", full(name)).with("Type", kind);
    while let Some((member, value)) =
        rest.split(' ').next().and_then(|word| word.split_once('=')).filter(|(member, _)| is_member(member))
    {
        rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
        set = with_member(set, member, value);
    }
    if !rest.is_empty() {
        set.set("ResourceRecords", rest.split('|').map(|value| Struct::new().with("Value", value)).collect::<Value>());
    }
    Struct::new().with("Action", action).with("ResourceRecordSet", set)
}

fn full(name: &str) -> String {
    match name {
        "@" => "example.org".to_owned(),
        _ if name.ends_with('.') => name.to_owned(),
        _ => format!("{name}.example.org"),
    }
}

fn is_member(member: &str) -> bool {
    ["id", "weight", "region", "failover", "multi", "geo", "near", "cidr", "ttl", "alias", "check", "instance"].contains(&member)
}

fn with_member(set: Struct, member: &str, value: &str) -> Struct {
    let part = |at: usize| value.split('/').nth(at).unwrap_or_default();
    match member {
        "id" => set.with("SetIdentifier", value),
        "weight" => set.with("Weight", value),
        "region" => set.with("Region", value),
        "failover" => set.with("Failover", value),
        "multi" => set.with("MultiValueAnswer", value),
        "geo" => set.with("GeoLocation", geo(value)),
        "near" => set.with("GeoProximityLocation", Struct::new().with("AWSRegion", value)),
        "cidr" => set.with("CidrRoutingConfig", Struct::new().with("CollectionId", part(0)).with("LocationName", part(1))),
        "ttl" => set.with("TTL", value),
        "alias" => {
            let target =
                Struct::new().with("HostedZoneId", part(0)).with("DNSName", full(part(1))).with("EvaluateTargetHealth", part(2));
            set.with("AliasTarget", target)
        }
        "check" => set.with("HealthCheckId", value),
        _ => set.with("TrafficPolicyInstanceId", value),
    }
}

/// `NA` is a continent, `*` and `US/CA` are not.
fn geo(value: &str) -> Struct {
    match value.split_once('/') {
        Some((country, subdivision)) => Struct::new().with("CountryCode", country).with("SubdivisionCode", subdivision),
        None if ["NA", "EU", "AS"].contains(&value) => Struct::new().with("ContinentCode", value),
        None => Struct::new().with("CountryCode", value),
    }
}

fn zone(id: &str, name: &str) -> ZoneRecord {
    ZoneRecord {
        id: id.into(),
        name: name.into(),
        caller_reference: id.into(),
        comment: None,
        private: false,
        delegation_set: None,
        name_servers: Vec::new(),
        vpcs: Vec::new(),
        vpc_authorizations: Vec::new(),
        accelerated_recovery: false,
        tags: BTreeMap::new(),
        is_signing: false,
        signing_keys: Vec::new(),
        protections: Vec::new(),
        created_at: Timestamp::UNIX_EPOCH,
        file: None,
    }
}

fn health_check() -> Check {
    Check {
        id: "check".into(),
        caller_reference: "c".into(),
        version: 1,
        config: CheckConfig::default(),
        tags: BTreeMap::new(),
        file: None,
    }
}

fn collection() -> Collection {
    Collection {
        id: "offices".into(),
        name: "offices".into(),
        caller_reference: "o".into(),
        version: 1,
        locations: BTreeMap::from([("berlin".into(), vec!["192.0.2.0/24".into()])]),
        file: None,
    }
}
