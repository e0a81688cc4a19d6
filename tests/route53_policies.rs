//! Traffic policies through the Route 53 API: documents to records to answers, and every refusal on the way.
//!
//! Answers come from the code that serves, asked as a resolver asks. Not over HTTP.

#[path = "support/mmdb.rs"]
mod mmdb;
#[path = "route53/mod.rs"]
mod route53;

use std::sync::Arc;

use mmdb::Place;
use route53::policies::{document, wrong};
use route53::{Api, element, escape, root};
use waypost::places::database::Database;
use waypost::places::latency::LatencyTable;
use waypost::route53::account::edit::Record;
use waypost::text::Text;

const CHECK: &str = "11111111-2222-3333-4444-555555555555";
/// Clients of these networks are in these countries.
const GERMANY: [u8; 4] = [203, 0, 113, 1];
const TEXAS: [u8; 4] = [198, 51, 100, 1];
const JAPAN: [u8; 4] = [100, 64, 0, 1];

/// An account with the zone example.org., the health check [`CHECK`], and clients whose places are known.
fn api() -> (Api, String) {
    let mut api = Api::new();
    let networks = [
        (
            "203.0.113.0/24",
            Place { continent: Some("EU"), country: Some("DE"), coordinates: Some((50.1, 8.7)), ..Place::default() },
        ),
        (
            "198.51.100.0/24",
            Place {
                continent: Some("NA"),
                country: Some("US"),
                subdivision: Some("TX"),
                coordinates: Some((31.0, -97.0)),
                ..Place::default()
            },
        ),
        (
            "100.64.0.0/24",
            Place { continent: Some("AS"), country: Some("JP"), coordinates: Some((35.7, 139.7)), ..Place::default() },
        ),
    ];
    api.places.database = Some(Arc::new(Database::read(mmdb::write(&networks)).expect("the test writes a database")));
    let latencies = "prefix,region,ms\n203.0.113.0/24,eu-central-1,9\n203.0.113.0/24,us-east-1,90\n198.51.100.0/24,eu-central-1,95\n198.51.100.0/24,us-east-1,30\n";
    let (table, problems) = LatencyTable::read(&Text::new("latency.csv".into(), latencies));
    assert!(problems.is_empty(), "{problems:?}");
    api.places.latency = table.map(Arc::new);
    let check = serde_json::json!({
        "id": CHECK, "caller_reference": "test", "version": 1, "tags": {}, "config": {"kind": "TCP", "ip_address": "192.0.2.1"}
    });
    let check = serde_json::from_value(check).expect("a health check of the account");
    api.put([Record::Check(Arc::new(check))]);
    let zone = api.zone("example.org");
    (api, zone)
}

fn create(api: &mut Api, name: &str, document: &str) -> (String, String) {
    let body = format!("<Name>{name}</Name><Document>{}</Document>", escape(document));
    let made = api.ok("POST", "trafficpolicy", &root("CreateTrafficPolicy", &body));
    (element(&made, "Id").to_owned(), made)
}

fn instance_body(zone: &str, name: &str, policy: &str, version: u32) -> String {
    let policy = format!("<TrafficPolicyId>{policy}</TrafficPolicyId><TrafficPolicyVersion>{version}</TrafficPolicyVersion>");
    root("CreateTrafficPolicyInstance", &format!("<HostedZoneId>{zone}</HostedZoneId><Name>{name}</Name><TTL>60</TTL>{policy}"))
}

fn instantiate(api: &mut Api, zone: &str, name: &str, document: &str) -> String {
    let (policy, _) = create(api, name, document);
    let made = api.ok("POST", "trafficpolicyinstance", &instance_body(zone, name, &policy, 1));
    element(&made, "Id").to_owned()
}

fn answers(last: &[u8]) -> Vec<String> {
    let lines = last.iter().map(|last| format!("answer www.example.org. 60 A 192.0.2.{last}"));
    std::iter::once("NOERROR aa".to_owned()).chain(lines).collect()
}

const FAILOVER: &str = r#""switch": {"RuleType": "failover",
    "Primary": {"EndpointReference": "fra", "HealthCheck": "11111111-2222-3333-4444-555555555555"},
    "Secondary": {"EndpointReference": "iad"}}"#;

#[test]
fn a_policy_is_kept_in_versions_that_say_what_was_sent() {
    let (mut api, _) = api();
    let text = document(r#""StartEndpoint": "fra""#, "");
    let (id, made) = create(&mut api, "site &amp; more", &text);
    let document = text.replace('"', "&quot;");
    let expected = format!(
        "<TrafficPolicy><Id>{id}</Id><Version>1</Version><Name>site &amp; more</Name><Type>A</Type><Document>{document}</Document></TrafficPolicy>"
    );
    assert_eq!(made, expected);
    assert_eq!(api.ok("GET", &format!("trafficpolicy/{id}/1"), ""), expected);
    let body = format!("<Document>{}</Document><Comment>two</Comment>", escape(&text));
    let two = api.ok("POST", &format!("trafficpolicy/{id}"), &root("CreateTrafficPolicyVersion", &body));
    assert_eq!((element(&two, "Version"), element(&two, "Comment")), ("2".into(), "two".into()));
    let comment = root("UpdateTrafficPolicyComment", "<Comment>both</Comment>");
    let commented = api.ok("POST", &format!("trafficpolicy/{id}/2"), &comment);
    assert_eq!(commented, two.replace(">two<", ">both<"));
    let listed = api.ok("GET", "trafficpolicies", "");
    let summary = format!(
        "<TrafficPolicySummary><Id>{id}</Id><Name>site &amp; more</Name><Type>A</Type><LatestVersion>2</LatestVersion><TrafficPolicyCount>2</TrafficPolicyCount></TrafficPolicySummary>"
    );
    assert_eq!(
        listed,
        format!(
            "<TrafficPolicySummaries>{summary}</TrafficPolicySummaries><IsTruncated>false</IsTruncated><TrafficPolicyIdMarker></TrafficPolicyIdMarker><MaxItems>100</MaxItems>"
        )
    );
}

#[test]
fn a_deleted_version_can_be_read_and_is_not_listed_and_its_number_is_not_given_again() {
    let (mut api, zone) = api();
    let text = document(r#""StartEndpoint": "fra""#, "");
    let (id, _) = create(&mut api, "one", &text);
    let version = root("CreateTrafficPolicyVersion", &format!("<Document>{}</Document>", escape(&text)));
    api.ok("POST", &format!("trafficpolicy/{id}"), &version);
    let path = format!("trafficpolicy/{id}/2");
    let instance = api.ok("POST", "trafficpolicyinstance", &instance_body(&zone, "www.example.org", &id, 2));
    let instance = element(&instance, "Id");
    let refused = api.refused("DELETE", &path, "");
    assert_eq!(
        refused,
        format!("400 TrafficPolicyInUse: Version 2 of the traffic policy {id} is in use by the instance {instance}.")
    );
    api.ok("DELETE", &format!("trafficpolicyinstance/{instance}"), "");
    assert_eq!(api.ok("DELETE", &path, ""), "");
    assert!(api.ok("GET", &path, "").contains("<Version>2</Version>"));
    assert_eq!(api.ok("GET", &format!("trafficpolicies/{id}/versions"), "").matches("<TrafficPolicy>").count(), 1);
    assert!(api.refused("DELETE", &path, "").starts_with("404 NoSuchTrafficPolicy: "));
    assert!(api.refused("POST", &path, &root("UpdateTrafficPolicyComment", "<Comment/>")).starts_with("404 NoSuchTrafficPolicy"));
    let refused = api.refused("POST", "trafficpolicyinstance", &instance_body(&zone, "www.example.org", &id, 2));
    assert_eq!(refused, format!("404 NoSuchTrafficPolicy: No traffic policy exists with id {id} and version 2."));
    assert_eq!(element(&api.ok("POST", &format!("trafficpolicy/{id}"), &version), "Version"), "3");
    api.ok("DELETE", &format!("trafficpolicy/{id}/1"), "");
    api.ok("DELETE", &format!("trafficpolicy/{id}/3"), "");
    assert!(!api.ok("GET", "trafficpolicies", "").contains(&id));
    assert!(api.refused("GET", &format!("trafficpolicies/{id}/versions"), "").starts_with("404 NoSuchTrafficPolicy"));
    assert!(api.refused("POST", &format!("trafficpolicy/{id}"), &version).starts_with("404 NoSuchTrafficPolicy"));
    create(&mut api, "one", &text);
}

#[test]
fn policies_and_versions_are_listed_by_pages() {
    let (mut api, _) = api();
    let text = document(r#""StartEndpoint": "fra""#, "");
    let ids: Vec<String> = (0..5).map(|number| create(&mut api, &format!("policy-{number}"), &text).0).collect();
    for _ in 0..3 {
        let version = root("CreateTrafficPolicyVersion", &format!("<Document>{}</Document>", escape(&text)));
        api.ok("POST", &format!("trafficpolicy/{}", ids[0]), &version);
    }
    let (mut seen, mut query) = (Vec::new(), String::new());
    loop {
        let page = api.ok("GET", &format!("trafficpolicies?maxitems=2{query}"), "");
        seen.extend(page.split("<Id>").skip(1).map(|rest| rest.split('<').next().unwrap_or_default().to_owned()));
        if element(&page, "IsTruncated") == "false" {
            break;
        }
        query = format!("&trafficpolicyid={}", element(&page, "TrafficPolicyIdMarker"));
    }
    assert_eq!(seen, ids);
    let first = api.ok("GET", &format!("trafficpolicies/{}/versions?maxitems=3", ids[0]), "");
    assert_eq!((first.matches("<TrafficPolicy>").count(), element(&first, "TrafficPolicyVersionMarker")), (3, "4".into()));
    let second = api.ok("GET", &format!("trafficpolicies/{}/versions?trafficpolicyversion=4", ids[0]), "");
    assert_eq!((element(&second, "Version"), element(&second, "IsTruncated")), ("4".into(), "false".into()));
    assert!(api.refused("GET", "trafficpolicies?trafficpolicyid=nobody", "").starts_with("400 InvalidInput"));
    assert!(api.refused("GET", "trafficpolicies?maxitems=0", "").starts_with("400 InvalidInput"));
}

#[test]
fn an_instance_answers_at_once_and_is_one_record_set_in_lists() {
    let (mut api, zone) = api();
    let (policy, _) = create(&mut api, "one", &document(r#""StartRule": "switch""#, FAILOVER));
    let made = api.ok("POST", "trafficpolicyinstance", &instance_body(&zone, "WWW.example.org", &policy, 1));
    let id = element(&made, "Id").to_owned();
    let expected = format!(
        "<TrafficPolicyInstance><Id>{id}</Id><HostedZoneId>{zone}</HostedZoneId><Name>www.example.org.</Name><TTL>60</TTL><State>Applied</State><Message></Message><TrafficPolicyId>{policy}</TrafficPolicyId><TrafficPolicyVersion>1</TrafficPolicyVersion><TrafficPolicyType>A</TrafficPolicyType></TrafficPolicyInstance>"
    );
    assert_eq!(made, expected);
    assert_eq!(api.ok("GET", &format!("trafficpolicyinstance/{id}"), ""), expected);
    assert_eq!(api.ok("GET", "trafficpolicyinstancecount", ""), "<TrafficPolicyInstanceCount>1</TrafficPolicyInstanceCount>");
    let listed = api.ok("GET", &format!("hostedzone/{zone}/rrset?name=www.example.org"), "");
    let set = format!(
        "<ResourceRecordSet><Name>www.example.org.</Name><Type>A</Type><TrafficPolicyInstanceId>{id}</TrafficPolicyInstanceId></ResourceRecordSet>"
    );
    assert!(listed.contains(&format!("<ResourceRecordSets>{set}</ResourceRecordSets>")), "{listed}");
    assert_eq!(element(&api.ok("GET", &format!("hostedzone/{zone}"), ""), "ResourceRecordSetCount"), "3");
    assert_eq!(api.dig("www.example.org.", "A"), answers(&[1]));
    api.down(&[CHECK]);
    assert_eq!(api.dig("www.example.org.", "A"), answers(&[2]));
    assert_eq!(api.ok("DELETE", &format!("trafficpolicyinstance/{id}"), ""), "");
    assert_eq!(api.dig("www.example.org.", "A"), ["NXDOMAIN aa"]);
    assert!(!api.ok("GET", &format!("hostedzone/{zone}/rrset"), "").contains("www"));
    let gone = format!("404 NoSuchTrafficPolicyInstance: No traffic policy instance exists with id {id}.");
    assert_eq!(api.refused("GET", &format!("trafficpolicyinstance/{id}"), ""), gone);
    assert_eq!(api.refused("DELETE", &format!("trafficpolicyinstance/{id}"), ""), gone);
}

#[test]
fn each_type_of_rule_chooses_as_its_routing_policy_does() {
    let (mut api, zone) = api();
    let start = r#""StartRule": "rule""#;
    let located = |kind: &str, list: &str, items: &str| {
        document(start, &format!(r#""rule": {{"RuleType": "{kind}", "{list}": [{items}]}}"#))
    };
    // Weights: 0 answers only when nothing else can.
    let weighted =
        located("weighted", "Items", r#"{"EndpointReference": "fra", "Weight": "0"}, {"EndpointReference": "iad", "Weight": 7}"#);
    instantiate(&mut api, &zone, "w.example.org", &weighted);
    assert_eq!(api.dig("w.example.org.", "A"), ["NOERROR aa", "answer w.example.org. 60 A 192.0.2.2"]);
    let latency = located(
        "latency",
        "Regions",
        r#"{"EndpointReference": "fra", "Region": "eu-central-1"}, {"EndpointReference": "iad", "Region": "us-east-1"}"#,
    );
    instantiate(&mut api, &zone, "l.example.org", &latency);
    let geo = located(
        "geo",
        "Locations",
        r#"{"EndpointReference": "fra", "Continent": "EU"}, {"EndpointReference": "iad", "Country": "US", "Subdivision": "TX"},
           {"EndpointReference": "hnd", "IsDefault": "true", "Country": "*"}"#,
    );
    instantiate(&mut api, &zone, "g.example.org", &geo);
    let proximity = located(
        "geoproximity",
        "GeoproximityLocations",
        r#"{"EndpointReference": "fra", "Region": "aws:route53:eu-central-1"}, {"EndpointReference": "iad", "Latitude": "38.9", "Longitude": -77.45},
           {"EndpointReference": "hnd", "Location": {"Type": "Region", "LocationName": "aws:route53:ap-northeast-1"}, "Bias": -10}"#,
    );
    instantiate(&mut api, &zone, "p.example.org", &proximity.replace("2015-10-01", "2023-05-09"));
    let found = |api: &Api, client, name: &str| api.dig_as(client, name, "A").last().map(|line| line.as_bytes()[line.len() - 1]);
    for (client, latency, geo, proximity) in [(GERMANY, b'1', b'1', b'1'), (TEXAS, b'2', b'2', b'2'), (JAPAN, b'1', b'3', b'3')] {
        if client != JAPAN {
            assert_eq!(found(&api, client, "l.example.org."), Some(latency), "latency of {client:?}");
        }
        assert_eq!(found(&api, client, "g.example.org."), Some(geo), "country of {client:?}");
        assert_eq!(found(&api, client, "p.example.org."), Some(proximity), "distance of {client:?}");
    }
    let multivalue = located(
        "multivalue",
        "Items",
        r#"{"EndpointReference": "fra"}, {"EndpointReference": "iad"}, {"EndpointReference": "hnd"}"#,
    );
    instantiate(&mut api, &zone, "m.example.org", &multivalue);
    let mut all = api.dig("m.example.org.", "A");
    all.sort();
    let each = |last| format!("answer m.example.org. 60 A 192.0.2.{last}");
    assert_eq!(all, ["NOERROR aa".to_owned(), each(1), each(2), each(3)]);
    instantiate(&mut api, &zone, "example.org", &document(r#""StartEndpoint": "hnd""#, ""));
    assert_eq!(api.dig("example.org.", "A"), ["NOERROR aa", "answer example.org. 60 A 192.0.2.3"]);
}

/// Where the clients are decides between two weighted pairs and a shared fallback.
fn nested() -> String {
    let rules = format!(
        r#""by country": {{"RuleType": "geo", "Locations": [
              {{"RuleReference": "switch", "Country": "DE"}}, {{"RuleReference": "switch", "Country": "JP"}},
              {{"RuleReference": "Switch", "IsDefault": true}}]}},
           "Switch": {{"RuleType": "failover", "Primary": {{"RuleReference": "switch"}}, "Secondary": {{"EndpointReference": "hnd"}}}},
           {FAILOVER}"#
    );
    document(r#""StartRule": "by country""#, &rules)
}

#[test]
fn rules_lead_to_rules_and_a_shared_one_is_made_once() {
    let (mut api, zone) = api();
    let id = instantiate(&mut api, &zone, "www.example.org", &nested());
    for client in [GERMANY, JAPAN, TEXAS] {
        assert_eq!(api.dig_as(client, "www.example.org.", "A"), answers(&[1]));
    }
    api.down(&[CHECK]);
    for client in [GERMANY, JAPAN, TEXAS] {
        assert_eq!(api.dig_as(client, "www.example.org.", "A"), answers(&[2]));
    }
    let state = api.account.served(&waypost::control::state::State::default());
    // Three at the root; two rules of two members each, though the first is led to three times.
    assert_eq!(state.zones[0].hidden, 4);
    assert_eq!(state.zones[0].record_sets.len(), 2 + 3 + 4);
    let (_, explanation) = api.ask(GERMANY, "www.example.org.", "A", 0);
    assert!(format!("{explanation:?}").contains(&format!("switch-2.{id}.example.org.")), "{explanation:?}");
}

#[test]
fn what_is_hidden_is_no_name_of_the_zone() {
    let (mut api, zone) = api();
    let id = instantiate(&mut api, &zone, "www.example.org", &nested());
    let wildcard = "<ResourceRecordSet><Name>*.example.org</Name><Type>A</Type><TTL>5</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.99</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>";
    for name in ["switch", "switch-2", "Switch"].map(|rule| format!("{rule}.{id}.example.org.")) {
        assert_eq!(api.dig(&name, "A"), ["NXDOMAIN aa"], "{name}");
    }
    assert_eq!(api.dig(&format!("{id}.example.org."), "A"), ["NXDOMAIN aa"]);
    let listed = api.ok("GET", &format!("hostedzone/{zone}/rrset"), "");
    assert_eq!(listed.matches("<ResourceRecordSet>").count(), 3, "{listed}");
    let batch = |change: &str| {
        root(
            "ChangeResourceRecordSets",
            &format!("<ChangeBatch><Changes><Change><Action>CREATE</Action>{change}</Change></Changes></ChangeBatch>"),
        )
    };
    api.ok("POST", &format!("hostedzone/{zone}/rrset/"), &batch(wildcard));
    // A wildcard answers for the hidden names as for any that does not exist.
    let name = format!("switch.{id}.example.org.");
    assert_eq!(api.dig(&name, "A"), ["NOERROR aa".to_owned(), format!("answer {name} 5 A 192.0.2.99")]);
    let alias = format!(
        "<ResourceRecordSet><Name>x.example.org</Name><Type>A</Type><AliasTarget><HostedZoneId>{zone}</HostedZoneId><DNSName>switch.{id}.example.org</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet>"
    );
    assert!(api.refused("POST", &format!("hostedzone/{zone}/rrset/"), &batch(&alias)).contains("was not found"));
}

#[test]
fn an_update_swaps_the_whole_instance() {
    let (mut api, zone) = api();
    let (policy, _) = create(&mut api, "one", &nested());
    let made = api.ok("POST", "trafficpolicyinstance", &instance_body(&zone, "www.example.org", &policy, 1));
    let id = element(&made, "Id").to_owned();
    let second = document(r#""StartEndpoint": "hnd""#, "");
    api.ok(
        "POST",
        &format!("trafficpolicy/{policy}"),
        &root("CreateTrafficPolicyVersion", &format!("<Document>{}</Document>", escape(&second))),
    );
    let update = |policy: &str, version: u32, ttl: u32| {
        root(
            "UpdateTrafficPolicyInstance",
            &format!(
                "<TTL>{ttl}</TTL><TrafficPolicyId>{policy}</TrafficPolicyId><TrafficPolicyVersion>{version}</TrafficPolicyVersion>"
            ),
        )
    };
    let path = format!("trafficpolicyinstance/{id}");
    let updated = api.ok("POST", &path, &update(&policy, 2, 7));
    assert_eq!((element(&updated, "TTL"), element(&updated, "TrafficPolicyVersion")), ("7".into(), "2".into()));
    assert_eq!(api.dig("www.example.org.", "A"), ["NOERROR aa", "answer www.example.org. 7 A 192.0.2.3"]);
    assert_eq!(api.account.served(&waypost::control::state::State::default()).zones[0].hidden, 0);
    let other = document(r#""StartEndpoint": "fra""#, "").replace(r#""A""#, r#""TXT""#).replace("192.0.2.1", r#"\"x\""#);
    let (texts, _) = create(&mut api, "texts", &other.replace("192.0.2.2", r#"\"y\""#).replace("192.0.2.3", r#"\"z\""#));
    let refused = api.refused("POST", &path, &update(&texts, 1, 7));
    assert_eq!(
        refused,
        "400 ConflictingTypes: The traffic policy makes records of type TXT, and the instance has records of type A."
    );
    assert!(api.refused("POST", &path, &update("nobody", 1, 7)).starts_with("404 NoSuchTrafficPolicy: "));
    let nobody = api.refused("POST", "trafficpolicyinstance/nobody", &update(&policy, 1, 7));
    assert_eq!(nobody, "404 NoSuchTrafficPolicyInstance: No traffic policy instance exists with id nobody.");
    assert_eq!(api.dig("www.example.org.", "A"), ["NOERROR aa", "answer www.example.org. 7 A 192.0.2.3"]);
}

#[test]
fn endpoints_that_are_names_are_aliases_out_of_the_zone() {
    let (mut api, zone) = api();
    let text = r#"{"AWSPolicyFormatVersion": "2015-10-01", "RecordType": "A", "StartRule": "site_switch",
        "Endpoints": {"my_elb": {"Type": "elastic-load-balancer", "Value": "elb-111111.us-east-1.elb.amazonaws.com"},
                      "banner": {"Type": "s3-website", "Region": "us-east-1", "Value": "www.example.com"}},
        "Rules": {"site_switch": {"RuleType": "failover", "Primary": {"EndpointReference": "my_elb"}, "Secondary": {"EndpointReference": "banner"}}}}"#;
    instantiate(&mut api, &zone, "www.example.org", text);
    let hosted = api.account.served(&waypost::control::state::State::default()).zones[0].clone();
    let targets: Vec<String> =
        hosted.record_sets.iter().filter_map(|set| Some(hosted.external(set)?.target.to_string())).collect();
    assert_eq!(targets, ["elb-111111.us-east-1.elb.amazonaws.com.", "s3-website.us-east-1.amazonaws.com."]);
    let inside = text.replace("elb-111111.us-east-1.elb.amazonaws.com", "lb.example.org");
    let (policy, _) = create(&mut api, "inside", &inside);
    let refused = api.refused("POST", "trafficpolicyinstance", &instance_body(&zone, "lb.example.org", &policy, 1));
    assert_eq!(refused, "400 InvalidInput: The endpoint my_elb is lb.example.org, which lies in the zone example.org. itself.");
}

#[test]
fn an_instance_is_refused_where_a_record_set_would_be() {
    let (mut api, zone) = api();
    let (policy, _) = create(&mut api, "one", &document(r#""StartEndpoint": "fra""#, ""));
    let cname = r#"{"AWSPolicyFormatVersion": "2015-10-01", "RecordType": "CNAME", "StartEndpoint": "e",
        "Endpoints": {"e": {"Type": "value", "Value": "www.example.net"}}}"#;
    let (cname, _) = create(&mut api, "cname", cname);
    let ask = |api: &mut Api, name: &str, policy: &str| {
        api.refused("POST", "trafficpolicyinstance", &instance_body(&zone, name, policy, 1))
    };
    assert_eq!(
        ask(&mut api, "www.example.net", &policy),
        "400 InvalidInput: RRSet with DNS name www.example.net. is not permitted in zone example.org."
    );
    assert_eq!(
        ask(&mut api, "example.org", &cname),
        "400 InvalidInput: RRSet of type CNAME with DNS name example.org. is not permitted at apex in zone example.org."
    );
    api.ok("POST", "trafficpolicyinstance", &instance_body(&zone, "www.example.org", &policy, 1));
    assert_eq!(
        ask(&mut api, "www.example.org", &policy),
        "409 TrafficPolicyInstanceAlreadyExists: A traffic policy instance already exists with the name www.example.org. and the type A."
    );
    assert_eq!(
        ask(&mut api, "www.example.org", &cname),
        "400 InvalidInput: RRSet of type CNAME with DNS name www.example.org. is not permitted as it conflicts with other records with the same DNS name in zone example.org."
    );
    let change = |action: &str, set: &str| {
        let set = format!("<Change><Action>{action}</Action><ResourceRecordSet>{set}</ResourceRecordSet></Change>");
        root("ChangeResourceRecordSets", &format!("<ChangeBatch><Changes>{set}</Changes></ChangeBatch>"))
    };
    let plain =
        "<Type>A</Type><TTL>5</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.9</Value></ResourceRecord></ResourceRecords>";
    let rrset = format!("hostedzone/{zone}/rrset/");
    api.ok("POST", &rrset, &change("CREATE", &format!("<Name>old.example.org</Name>{plain}")));
    assert_eq!(
        ask(&mut api, "old.example.org", &policy),
        "400 InvalidInput: Tried to create resource record set [name='old.example.org.', type='A'] but it already exists"
    );
    // What an instance made is changed through the instance, and may be deleted as any record set.
    let upsert = api.refused("POST", &rrset, &change("UPSERT", &format!("<Name>www.example.org</Name>{plain}")));
    assert!(upsert.starts_with("400 InvalidChangeBatch: "), "{upsert}");
    let listed = api.ok("GET", "trafficpolicyinstances", "");
    let id = element(&listed, "Id").to_owned();
    let own = format!("<Name>www.example.org</Name><Type>A</Type><TrafficPolicyInstanceId>{id}</TrafficPolicyInstanceId>");
    api.ok("POST", &rrset, &change("DELETE", &own));
    assert_eq!(api.dig("www.example.org.", "A"), ["NXDOMAIN aa"]);
    api.ok("POST", &rrset, &change("CREATE", &format!("<Name>www.example.org</Name>{plain}")));
    let update = format!("<TTL>9</TTL><TrafficPolicyId>{policy}</TrafficPolicyId><TrafficPolicyVersion>1</TrafficPolicyVersion>");
    let update = root("UpdateTrafficPolicyInstance", &update);
    let refused = api.refused("POST", &format!("trafficpolicyinstance/{id}"), &update);
    assert!(refused.ends_with("[name='www.example.org.', type='A'] but it already exists"), "{refused}");
    // Deleting the instance leaves what is not its own.
    api.ok("DELETE", &format!("trafficpolicyinstance/{id}"), "");
    assert_eq!(api.dig("www.example.org.", "A"), ["NOERROR aa", "answer www.example.org. 5 A 192.0.2.9"]);
    assert!(ask(&mut api, "a..b", &policy).starts_with("400 InvalidInput: FATAL problem: DomainLabelEmpty"));
    let nobody = api.refused("POST", "trafficpolicyinstance", &instance_body("Z0", "www.example.org", &policy, 1));
    assert_eq!(nobody, "404 NoSuchHostedZone: No hosted zone found with ID: Z0");
}

#[test]
fn an_alias_answers_as_an_instance_does_and_keeps_it() {
    let (mut api, zone) = api();
    let id = instantiate(&mut api, &zone, "www.example.org", &document(r#""StartRule": "switch""#, FAILOVER));
    let alias = format!(
        "<ChangeBatch><Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>example.org</Name><Type>A</Type><AliasTarget><HostedZoneId>{zone}</HostedZoneId><DNSName>www.example.org</DNSName><EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget></ResourceRecordSet></Change></Changes></ChangeBatch>"
    );
    api.ok("POST", &format!("hostedzone/{zone}/rrset/"), &root("ChangeResourceRecordSets", &alias));
    assert_eq!(api.dig("example.org.", "A"), ["NOERROR aa", "answer example.org. 60 A 192.0.2.1"]);
    let refused = api.refused("DELETE", &format!("trafficpolicyinstance/{id}"), "");
    assert_eq!(refused, format!("400 InvalidInput: The instance {id} is the target of the alias example.org."));
    assert_eq!(api.dig("www.example.org.", "A"), answers(&[1]));
}

#[test]
fn instances_are_listed_by_zone_name_and_type_in_pages() {
    let (mut api, zone) = api();
    let other = api.zone("example.net");
    let (policy, _) = create(&mut api, "one", &document(r#""StartEndpoint": "fra""#, ""));
    let (second, _) = create(&mut api, "two", &document(r#""StartEndpoint": "iad""#, ""));
    for (zone, name, policy) in [
        (&zone, "b.example.org", &policy),
        (&zone, "a.example.org", &policy),
        (&other, "a.example.net", &policy),
        (&zone, "c.example.org", &second),
    ] {
        api.ok("POST", "trafficpolicyinstance", &instance_body(zone, name, policy, 1));
    }
    let names = |page: &str| -> Vec<String> {
        page.split("<Name>").skip(1).map(|rest| rest.split(".example").next().unwrap_or_default().to_owned()).collect()
    };
    let (first, last) = if zone < other { (&zone, &other) } else { (&other, &zone) };
    let all = names(&api.ok("GET", "trafficpolicyinstances", ""));
    assert_eq!(all, if first == &zone { ["a", "b", "c", "a"] } else { ["a", "a", "b", "c"] });
    let page = api.ok("GET", "trafficpolicyinstances?maxitems=1", "");
    let query = format!(
        "hostedzoneid={}&trafficpolicyinstancename={}&trafficpolicyinstancetype={}",
        element(&page, "HostedZoneIdMarker"),
        element(&page, "TrafficPolicyInstanceNameMarker"),
        element(&page, "TrafficPolicyInstanceTypeMarker")
    );
    assert_eq!(names(&api.ok("GET", &format!("trafficpolicyinstances?{query}"), "")), all[1..]);
    let by_zone = api.ok("GET", &format!("trafficpolicyinstances/hostedzone?id={zone}&maxitems=2"), "");
    assert_eq!(
        (names(&by_zone), element(&by_zone, "TrafficPolicyInstanceNameMarker")),
        (vec!["a".into(), "b".into()], "c.example.org.".into())
    );
    assert!(!by_zone.contains("HostedZoneIdMarker"));
    let rest = format!("trafficpolicyinstances/hostedzone?id={zone}&trafficpolicyinstancename=c.example.org");
    assert_eq!(names(&api.ok("GET", &rest, "")), ["c"]);
    let by_policy = api.ok("GET", &format!("trafficpolicyinstances/trafficpolicy?id={policy}&version=1"), "");
    assert_eq!(names(&by_policy).len(), 3);
    assert_eq!(names(&api.ok("GET", &format!("trafficpolicyinstances/trafficpolicy?id={second}&version=1"), "")), ["c"]);
    assert!(api.refused("GET", "trafficpolicyinstances/trafficpolicy?id=x&version=1", "").starts_with("404 NoSuchTrafficPolicy"));
    assert!(api.refused("GET", "trafficpolicyinstances/hostedzone?id=Z0", "").starts_with("404 NoSuchHostedZone"));
    assert!(api.refused("GET", "trafficpolicyinstances?trafficpolicyinstancename=a", "").starts_with("400 InvalidInput"));
    assert!(last == &zone || last == &other);
}

#[test]
fn strict_keeps_the_quotas_of_aws() {
    let (mut api, zone) = api();
    api.settings.rules.strict = true;
    let text = document(r#""StartEndpoint": "fra""#, "");
    let ids: Vec<String> = (0..50).map(|number| create(&mut api, &format!("policy-{number}"), &text).0).collect();
    let body = root("CreateTrafficPolicy", &format!("<Name>more</Name><Document>{}</Document>", escape(&text)));
    assert!(api.refused("POST", "trafficpolicy", &body).starts_with("400 TooManyTrafficPolicies: "));
    for number in 0..5 {
        api.ok("POST", "trafficpolicyinstance", &instance_body(&zone, &format!("{number}.example.org"), &ids[0], 1));
    }
    let refused = api.refused("POST", "trafficpolicyinstance", &instance_body(&zone, "x.example.org", &ids[0], 1));
    assert!(refused.starts_with("400 TooManyTrafficPolicyInstances: "), "{refused}");
    api.settings.rules.strict = false;
    create(&mut api, "more", &text);
    api.ok("POST", "trafficpolicyinstance", &instance_body(&zone, "x.example.org", &ids[0], 1));
}

#[test]
fn a_document_leads_to_no_more_than_a_query_may_look_at() {
    let twice = |from: usize, to: usize| {
        let item = format!(r#"{{"RuleReference": "r{to}", "Weight": 1}}"#);
        format!(r#""r{from}": {{"RuleType": "weighted", "Items": [{item}, {item}]}}"#)
    };
    let chain = |rules: usize| {
        let rules: Vec<String> = (0..rules).map(|at| twice(at, at + 1)).collect();
        let last =
            format!(r#""r{}": {{"RuleType": "weighted", "Items": [{{"EndpointReference": "fra", "Weight": 1}}]}}"#, rules.len());
        document(r#""StartRule": "r0""#, &format!("{}, {last}", rules.join(", ")))
    };
    let (mut api, zone) = api();
    instantiate(&mut api, &zone, "www.example.org", &chain(9));
    assert_eq!(api.dig("www.example.org.", "A"), answers(&[1]));
    assert!(wrong(&chain(12)).contains("references; at most 4096 may."));
    assert!(wrong(&chain(60)).contains("at most "));
}

#[test]
fn an_instance_is_refused_for_a_health_check_that_does_not_exist() {
    let (mut api, zone) = api();
    let rule = FAILOVER.replace(CHECK, "22222222-2222-3333-4444-555555555555");
    let (policy, _) = create(&mut api, "one", &document(r#""StartRule": "switch""#, &rule));
    assert_eq!(
        api.refused("POST", "trafficpolicyinstance", &instance_body(&zone, "www.example.org", &policy, 1)),
        "400 InvalidInput: A health check with id 22222222-2222-3333-4444-555555555555 does not exist."
    );
}
