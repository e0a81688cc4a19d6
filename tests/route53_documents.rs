//! Traffic policy documents that the Route 53 API refuses, and what it says of them.
//!
//! Not what documents become: see `route53_policies`.

#[path = "route53/mod.rs"]
mod route53;

use proptest::prelude::*;
use route53::policies::{document, wrong};
use route53::{Api, element, escape, root};

#[test]
fn documents_are_refused_for_all_that_is_wrong_with_them() {
    let start = r#""StartRule": "r""#;
    let rule = |rule: &str| wrong(&document(start, &format!(r#""r": {{{rule}}}"#)));
    for (found, expected) in [
        (wrong("[]"), "The document is not a JSON object."),
        (
            wrong("{}"),
            "AWSPolicyFormatVersion is required.;RecordType is required.;Exactly one of StartEndpoint and StartRule is required.",
        ),
        (wrong(&document(r#""StartEndpoint": "x""#, "")), "The start, endpoint x, is not in the document."),
        (wrong(&document(r#""StartEndpoint": "fra", "Start": 1"#, "")), "Start is not a member of the format."),
        (
            wrong(&document(r#""StartEndpoint": "fra""#, "").replace("2015", "2014")),
            "AWSPolicyFormatVersion is not one of [2015-10-01, 2023-05-09].",
        ),
        (
            wrong(&document(r#""StartEndpoint": "fra""#, "").replace(r#""A""#, r#""SOA""#)),
            "RecordType is not one of [A, AAAA, CAA, CNAME, HTTPS, MX, NAPTR, PTR, SPF, SRV, SSHFP, SVCB, TLSA, TXT].",
        ),
        (
            wrong(&document(r#""StartEndpoint": "fra""#, "").replace("192.0.2.1", "one").replace("192.0.2.2", "two")),
            "fra: Value is not valid: Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with 'one''.;iad: Value is not valid: Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with 'two''.",
        ),
        (
            wrong(&document(r#""StartEndpoint": "fra""#, "").replacen("value", "s3-website", 1)),
            "fra: Region is required with Type s3-website.",
        ),
        (
            wrong(&document(r#""StartEndpoint": "fra""#, "").replacen("value", "lambda", 1)),
            "fra: Type is not one of [value, cloudfront, application-load-balancer, elastic-load-balancer, network-load-balancer, elastic-beanstalk, s3-website].",
        ),
        (
            rule(r#""RuleType": "random""#),
            "r: RuleType is not one of [failover, geo, geoproximity, latency, multivalue, weighted].",
        ),
        (
            rule(r#""RuleType": "failover", "Primary": {"EndpointReference": "fra"}"#),
            "r: Secondary is required with RuleType failover.",
        ),
        (rule(r#""RuleType": "weighted", "Items": []"#), "r: Items is not a list of at least one."),
        (
            rule(r#""RuleType": "weighted", "Items": [{"EndpointReference": "fra", "Weight": 256}, {"Weight": 1}]"#),
            "r: Items[0]: Weight is not within 0-255.;r: Items[1]: Exactly one of EndpointReference and RuleReference is required.",
        ),
        (
            rule(r#""RuleType": "weighted", "Items": [{"EndpointReference": "x", "Weight": 1}]"#),
            "r: Items[0] leads to endpoint x, which is not in the document.",
        ),
        (
            rule(r#""RuleType": "weighted", "Items": [{"EndpointReference": "fra", "Weight": 1, "HealthChek": "x"}]"#),
            "r: Items[0]: HealthChek is not a member of the format.",
        ),
        (
            rule(r#""RuleType": "latency", "Regions": [{"EndpointReference": "fra", "Region": "mars-1"}]"#),
            "r: Regions[0]: Region is no region of AWS.",
        ),
        (
            rule(
                r#""RuleType": "latency", "Regions": [{"EndpointReference": "fra", "Region": "us-east-1"}, {"EndpointReference": "iad", "Region": "us-east-1"}]"#,
            ),
            "r: Regions[1] is for the same clients as one before it.",
        ),
        (
            rule(
                r#""RuleType": "geo", "Locations": [{"EndpointReference": "fra", "Country": "DE", "IsDefault": true}, {"EndpointReference": "fra", "Continent": "XX"}]"#,
            ),
            "r: Locations[0]: IsDefault is true beside a location other than Country *.",
        ),
        (
            rule(
                r#""RuleType": "geo", "Locations": [{"EndpointReference": "fra", "Continent": "XX"}, {"EndpointReference": "iad"}]"#,
            ),
            "r: Locations[0]: The geographic location XX is not supported by Route 53 geolocation.;r: Locations[1]: A geolocation is a continent, a country, or a country and a subdivision.",
        ),
        (
            rule(
                r#""RuleType": "geoproximity", "GeoproximityLocations": [{"EndpointReference": "fra", "Latitude": "1.234", "Longitude": "1", "Bias": "100"}]"#,
            ),
            "r: GeoproximityLocations[0]: Bias is not within -99 and 99.;r: GeoproximityLocations[0]: Latitude is not within -90 and 90, with at most two decimals.",
        ),
        (
            rule(r#""RuleType": "geoproximity", "GeoproximityLocations": [{"EndpointReference": "fra"}]"#),
            "r: GeoproximityLocations[0]: Location is neither a region, nor a local zone, nor a latitude and a longitude.",
        ),
        (
            rule(r#""RuleType": "multivalue", "Items": [{"RuleReference": "r"}]"#),
            "r: Items[0] does not lead to an endpoint of type value, as those of multivalue rules do.",
        ),
        (
            rule(r#""RuleType": "weighted", "Items": [{"RuleReference": "r", "Weight": 1}]"#),
            "r: Rule leads back to itself, or to one that does.",
        ),
    ] {
        assert_eq!(found, expected);
    }
    assert!(wrong("{").starts_with("The document is not valid JSON: EOF while parsing"));
}

/// A reference to one of some rules and endpoints, of which not all are there, with what its kind of rule needs.
fn reference() -> impl Strategy<Value = Reference> {
    let policy = prop_oneof![
        (0..300u32).prop_map(|weight| ("weighted", "Items", format!(r#""Weight": {weight}"#))),
        prop_oneof![Just("us-east-1"), Just("eu-west-1"), Just("x")].prop_map(|region| (
            "latency",
            "Regions",
            format!(r#""Region": "{region}""#)
        )),
        prop_oneof![
            Just(r#""Country": "*""#),
            Just(r#""Country": "DE""#),
            Just(r#""Continent": "EU""#),
            Just(r#""IsDefault": true"#)
        ]
        .prop_map(|place| ("geo", "Locations", place.to_owned())),
        (-95i32..95, -120i32..120).prop_map(|(north, bias)| {
            ("geoproximity", "GeoproximityLocations", format!(r#""Latitude": {north}, "Longitude": "8.5", "Bias": "{bias}""#))
        }),
        Just(("multivalue", "Items", r#""EvaluateTargetHealth": "false""#.to_owned())),
    ];
    let target = prop_oneof![
        4 => (0..6usize).prop_map(|rule| format!(r#""RuleReference": "Rule {rule}""#)),
        4 => prop_oneof![Just("fra"), Just("iad"), Just("hnd"), Just("nowhere")].prop_map(|id| format!(r#""EndpointReference": "{id}""#)),
    ];
    (target, policy).prop_map(|(target, (kind, list, policy))| Reference { kind, list, item: format!("{{{target}, {policy}}}") })
}

#[derive(Clone, Debug)]
struct Reference {
    kind: &'static str,
    list: &'static str,
    item: String,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What can be made can be served: no document that was accepted is refused, or panics, where it becomes records.
    #[test]
    fn an_accepted_document_makes_an_instance(rules in prop::collection::vec(prop::collection::vec(reference(), 1..4), 1..6)) {
        let rule = |(at, references): (usize, &Vec<Reference>)| {
            let (kind, list) = (references[0].kind, references[0].list);
            let items: Vec<&str> = references.iter().filter(|other| other.kind == kind).map(|other| &*other.item).collect();
            format!(r#""Rule {at}": {{"RuleType": "{kind}", "{list}": [{}]}}"#, items.join(", "))
        };
        let rules: Vec<String> = rules.iter().enumerate().map(rule).collect();
        let text = document(r#""StartRule": "Rule 0""#, &rules.join(", "));
        let mut api = Api::new();
        let zone = api.zone("example.org");
        let body = root("CreateTrafficPolicy", &format!("<Name>x</Name><Document>{}</Document>", escape(&text)));
        let (status, made) = api.request("POST", "trafficpolicy", &body);
        prop_assert!(status == 201 || (status == 400 && made.contains("InvalidTrafficPolicyDocument")), "{made}");
        if status == 201 {
            let policy = format!("<TrafficPolicyId>{}</TrafficPolicyId><TrafficPolicyVersion>1</TrafficPolicyVersion>", element(&made, "Id"));
            let body = format!("<HostedZoneId>{zone}</HostedZoneId><Name>*.example.org</Name><TTL>60</TTL>{policy}");
            let (status, made) = api.request("POST", "trafficpolicyinstance", &root("CreateTrafficPolicyInstance", &body));
            prop_assert_eq!(status, 201, "{}: {}", text, made);
            prop_assert!(api.dig("www.example.org.", "A")[0].starts_with("NOERROR"));
        }
    }

    #[test]
    fn any_text_is_a_document_or_refused(text in "\\PC{0,200}|[\\[\\]{}\",:a-z0-9]{0,60}") {
        let found = waypost::route53::policy::Document::parse(&text);
        prop_assert!(found.is_ok() || found.is_err_and(|invalid| !invalid.0.is_empty()));
    }
}
