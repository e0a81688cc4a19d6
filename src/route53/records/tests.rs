//! Record sets as messages have them, rules of their fields, and pages of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::batch::fixture::{Fixture, changes};
use super::list::{list, page};
use super::of_file;
use super::rrset::{Rrset, RrsetKey, TypeKey};
use super::rrsets::Rrsets;
use super::said;
use super::shape::read_changes;
use crate::route53::bounds::Rules;
use crate::route53::name::{NameKey, parse_name};
use crate::route53::value::Struct;

/// What is said of one line's fields.
fn shaped(line: &str, strict: bool) -> String {
    match read_changes(&changes(&[line]), Rules { strict }) {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("{}: {}", error.code, error.message),
    }
}

#[test]
fn the_fields_of_a_record_set_exclude_and_need_each_other_as_in_route_53() {
    let of_contents = "InvalidInput: Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]";
    let of_policies = "InvalidInput: Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer, GeoProximityLocation, or CidrRoutingConfig]";
    let at = |id: &str| format!("in Change with [Action=CREATE, Name=x.example.org, Type=A, SetIdentifier={id}]");
    let none = |of: &str, id: &str| format!("{of}, but found none {}", at(id));
    let more = |of: &str, id: &str| format!("{of}, but found more than one {}", at(id));
    let missing = |field: &str, id: &str| format!("InvalidInput: Invalid request: Missing field '{field}' {}", at(id));
    for (line, expected) in [
        ("CREATE x A", none(of_contents, "null")),
        ("CREATE x A ttl=60", none(of_contents, "null")),
        ("CREATE x A 192.0.2.1", none(of_contents, "null")),
        ("CREATE x A ttl=60 192.0.2.1", "ok".into()),
        ("CREATE x A alias=Z1/y/true", "ok".into()),
        ("CREATE x A instance=i", "ok".into()),
        ("CREATE x A ttl=60 alias=Z1/y/true", more(of_contents, "null")),
        ("CREATE x A alias=Z1/y/true 192.0.2.1", more(of_contents, "null")),
        ("CREATE x A instance=i alias=Z1/y/true", more(of_contents, "null")),
        ("CREATE x A id=S ttl=60 192.0.2.1", none(of_policies, "S")),
        ("CREATE x A id=S multi=false ttl=60 192.0.2.1", none(of_policies, "S")),
        ("CREATE x A multi=false ttl=60 192.0.2.1", "ok".into()),
        ("CREATE x A id=S weight=1 region=eu-west-1 ttl=60 192.0.2.1", more(of_policies, "S")),
        ("CREATE x A weight=1 region=eu-west-1 ttl=60 192.0.2.1", more(of_policies, "null")),
        ("CREATE x A weight=1 ttl=60 192.0.2.1", missing("SetIdentifier", "null")),
        ("CREATE x A id=S weight=1 ttl=60 192.0.2.1", "ok".into()),
        (
            "CREATE x A id=S multi=true alias=Z1/y/true",
            format!("InvalidInput: Invalid request: Unexpected field 'AliasTarget' with MultiValueAnswer {}", at("S")),
        ),
        ("CREATE x A id=S geo=US/CA ttl=60 192.0.2.1", "ok".into()),
        ("CREATE x A id=S geo=CA/QC ttl=60 192.0.2.1", "ok".into()),
        (
            "CREATE x A id=S geo=*/QC ttl=60 192.0.2.1",
            format!("InvalidInput: Invalid request: Unexpected field 'SubdivisionCode' with CountryCode * {}", at("S")),
        ),
    ] {
        assert_eq!(shaped(line, false), expected, "{line}");
    }
    assert!(
        shaped("CREATE x A id=S geo=CA/QC ttl=60 192.0.2.1", true)
            .contains("Unexpected field 'SubdivisionCode' with CountryCode CA")
    );
    let both = read_changes(&changes(&["CREATE x A", "DELETE y A"]), Rules::default()).unwrap_err().message;
    assert_eq!(both.matches("but found none in Change with").count(), 2, "{both}");
}

#[test]
fn places_of_geolocation_and_geoproximity_are_one_each() {
    let with = |name: &'static str, inner: Struct| {
        let set = Struct::new().with("Name", "x").with("Type", "A").with("SetIdentifier", "S").with(name, inner);
        let set = set.with("AliasTarget", Struct::new().with("DNSName", "y"));
        let change = Struct::new().with("Action", "CREATE").with("ResourceRecordSet", set);
        let batch = Struct::new().with("Changes", vec![change]);
        read_changes(&batch, Rules::default()).map_or_else(|error| error.message, |_| "ok".to_owned())
    };
    let geo = Struct::new();
    assert!(with("GeoLocation", geo.clone()).contains("Expected exactly one of [ContinentCode, or CountryCode], but found none"));
    let both = geo.clone().with("ContinentCode", "EU").with("CountryCode", "DE");
    assert!(
        with("GeoLocation", both).contains("Expected exactly one of [ContinentCode, or CountryCode], but found more than one")
    );
    assert!(
        with("GeoLocation", geo.with("ContinentCode", "NA").with("SubdivisionCode", "CA"))
            .contains("Missing field 'CountryCode'")
    );
    let near = Struct::new().with("AWSRegion", "eu-west-1");
    assert_eq!(with("GeoProximityLocation", near.clone()), "ok");
    assert!(with("GeoProximityLocation", near.with("LocalZoneGroup", "us-east-1-bos-1")).contains("but found more than one"));
    assert!(with("GeoProximityLocation", Struct::new()).contains("[AWSRegion, LocalZoneGroup, or Coordinates], but found none"));
}

/// One record set of every policy and content.
const ALL_KINDS: &[&str] = &[
    "CREATE www A ttl=60 192.0.2.1|192.0.2.2",
    "CREATE w A id=1 weight=0 ttl=60 check=check 192.0.2.1",
    "CREATE l A id=1 region=eu-west-1 ttl=60 192.0.2.1",
    "CREATE g A id=1 geo=US/CA ttl=60 192.0.2.1",
    "CREATE g A id=2 geo=EU ttl=60 192.0.2.1",
    "CREATE g A id=3 geo=* ttl=60 192.0.2.1",
    "CREATE f A id=1 failover=PRIMARY alias=Z1/www/true",
    "CREATE f A id=2 failover=SECONDARY ttl=60 192.0.2.1",
    "CREATE m A id=1 multi=true ttl=60 192.0.2.1",
    "CREATE i A id=1 cidr=offices/berlin ttl=60 192.0.2.1",
    "CREATE i A id=2 cidr=offices/* ttl=60 192.0.2.1",
    "CREATE n A id=1 near=eu-west-1 ttl=60 192.0.2.1",
    "CREATE *.t TXT ttl=60 \"Some text\" \"in \\\"parts\\\"\"",
];

#[test]
fn what_was_said_is_said_again_and_deletes_what_it_made() {
    let mut fixture = Fixture::new(ALL_KINDS);
    let all: Vec<Arc<Rrset>> = fixture.zone().rrsets().values().cloned().collect();
    for rrset in all.iter().filter(|rrset| rrset.said.name != "example.org.") {
        let put = said::put(rrset);
        assert_eq!(said::read(&put), rrset.said);
        let names: Vec<&str> = put.names().collect();
        let order = [
            "Name",
            "Type",
            "SetIdentifier",
            "Weight",
            "Region",
            "GeoLocation",
            "Failover",
            "MultiValueAnswer",
            "TTL",
            "ResourceRecords",
            "AliasTarget",
            "HealthCheckId",
            "TrafficPolicyInstanceId",
            "CidrRoutingConfig",
            "GeoProximityLocation",
        ];
        assert!(names.iter().map(|name| order.iter().position(|known| known == name).expect("a member")).is_sorted());
    }
    // Aliases first, then what they answer as.
    for rrset in all.iter().filter(|rrset| rrset.said.name != "example.org.").rev() {
        let change = Struct::new().with("Action", "DELETE").with("ResourceRecordSet", said::put(rrset));
        let others = rrset.said.name == "www.example.org.";
        let edits = fixture.judge(&Struct::new().with("Changes", vec![change]));
        match edits {
            Ok(edits) => fixture.account.apply(edits),
            Err(message) => assert!(others && message.contains("is the target of the alias"), "{message}"),
        }
    }
    assert_eq!(fixture.listed(), ["www.example.org. A 192.0.2.1|192.0.2.2"]);
}

#[test]
fn record_sets_of_files_are_shown_as_if_they_had_been_sent() {
    let fixture = Fixture::new(ALL_KINDS);
    for rrset in fixture.zone().rrsets().values() {
        let shown = of_file::rrset(&rrset.set, "Z1");
        let again = Rrset::new(said::read(&said::put(&shown))).unwrap_or_else(|invalid| panic!("{invalid}: {:?}", shown.said));
        // Degrees are shown with two digits, as Route 53 takes them.
        let is_rounded = rrset.said.geo_proximity_location.is_some();
        assert!(again.is_same(rrset) || is_rounded, "{:?}", shown.said);
    }
}

/// The names of all record sets of a zone, page by page.
fn paged(rrsets: &Rrsets, size: usize) -> Vec<(String, String, Option<String>)> {
    let mut all = Vec::new();
    let mut request = Struct::new();
    loop {
        let answer = list(rrsets, &request, size).expect("the places come from pages");
        let page = answer.structures("ResourceRecordSets");
        all.extend(
            page.map(|set| {
                (set.word("Name").to_owned(), set.word("Type").to_owned(), set.text("SetIdentifier").map(str::to_owned))
            }),
        );
        assert_eq!(answer.flag("IsTruncated"), Some(answer.has("NextRecordName")));
        let Some(name) = answer.text("NextRecordName") else { return all };
        request = Struct::new().with("StartRecordName", name).with("StartRecordType", answer.word("NextRecordType"));
        request = request.with_some("StartRecordIdentifier", answer.text("NextRecordIdentifier"));
    }
}

#[test]
fn pages_begin_at_the_first_record_set_at_or_behind_their_place() {
    let fixture = Fixture::new(
        &[
            "CREATE b A ttl=1 ::1",
            "CREATE b TXT ttl=1 \"x\"",
            "CREATE *.b TXT ttl=1 \"x\"",
            "CREATE c A id=x weight=1 ttl=1 192.0.2.1",
            "CREATE c A id=y weight=1 ttl=1 192.0.2.1",
        ]
        .map(|line| if line.contains("::1") { "CREATE b A ttl=1 192.0.2.9" } else { line }),
    );
    let first = |members: &[(&'static str, &str)]| {
        let request = members.iter().fold(Struct::new(), |request, (name, value)| request.with(name, *value));
        let (name, rtype, id) = match list(fixture.zone().rrsets(), &request, 1) {
            Ok(answer) => match answer.structures("ResourceRecordSets").next() {
                Some(set) => (set.word("Name").to_owned(), set.word("Type").to_owned(), set.word("SetIdentifier").to_owned()),
                None => return "none".to_owned(),
            },
            Err(error) => return error.to_string(),
        };
        format!("{name} {rtype} {id}").trim_end().to_owned()
    };
    let (name, rtype, id) = ("StartRecordName", "StartRecordType", "StartRecordIdentifier");
    for (members, expected) in [
        (&[][..], "example.org. NS"),
        (&[(name, "b.example.org")], "b.example.org. A"),
        (&[(name, "B.example.org."), (rtype, "AAAA")], "b.example.org. TXT"),
        (&[(name, "*.b.example.org")], "\\052.b.example.org. TXT"),
        (&[(name, "\\052.b.example.org")], "\\052.b.example.org. TXT"),
        (&[(name, "bb.example.org")], "c.example.org. A x"),
        (&[(name, "c.example.org"), (rtype, "A"), (id, "xx")], "c.example.org. A y"),
        (&[(name, "c.example.org"), (rtype, "A"), (id, "z")], "none"),
        (&[(name, "z.org")], "none"),
        (&[(rtype, "A")], "InvalidInput (400): Invalid request: Missing field 'StartRecordName': 'StartRecordType' needs it"),
        (
            &[(name, "c"), (id, "x")],
            "InvalidInput (400): Invalid request: Missing field 'StartRecordType': 'StartRecordIdentifier' needs it",
        ),
        (
            &[(name, "a..b")],
            "InvalidInput (400): FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with 'a..b'",
        ),
    ] {
        assert_eq!(first(members), expected, "{members:?}");
    }
}

#[test]
fn three_hundred_and_one_record_sets_are_two_pages_of_three_hundred() {
    let lines: Vec<String> = (0..299).map(|at| format!("CREATE h{at} A ttl=60 192.0.2.1")).collect();
    let fixture = Fixture::new(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let answer = list(fixture.zone().rrsets(), &Struct::new(), 300).expect("no place is one");
    assert_eq!((answer.flag("IsTruncated"), answer.word("NextRecordType"), answer.word("MaxItems")), (Some(true), "A", "300"));
    assert_eq!(paged(fixture.zone().rrsets(), 300).len(), 301);
}

proptest! {
    #[test]
    fn pages_of_every_size_are_the_whole_list(
        sets in prop::collection::btree_map("[a-c*-]{1,3}(\\.[ab])?", 0..5u8, 0..12),
        size in 1..15usize,
    ) {
        let mut lines = Vec::new();
        for (name, kinds) in &sets {
            lines.extend((0..*kinds).map(|kind| match kind {
                0 => format!("CREATE {name} A ttl=1 192.0.2.1"),
                1 => format!("CREATE {name} AAAA id=1 weight=1 ttl=1 ::1"),
                2 => format!("CREATE {name} AAAA id=2 weight=1 ttl=1 ::1"),
                3 => format!("CREATE {name} TXT ttl=1 \"x\""),
                _ => format!("CREATE {name} MX ttl=1 1 x.y"),
            }));
        }
        let fixture = Fixture::new(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let rrsets = fixture.zone().rrsets();
        let whole: BTreeMap<RrsetKey, ()> = rrsets.values().map(|rrset| (rrset.key(), ())).collect();
        let listed: Vec<RrsetKey> = paged(rrsets, size).into_iter().map(|(name, rtype, id)| RrsetKey {
            name: NameKey::new(&parse_name(&name).expect("it was listed")),
            rtype: TypeKey(rtype.parse().expect("it was listed")),
            set_identifier: id.map(|id| crate::ids::SetIdentifier::new(&id).expect("it was listed")),
        }).collect();
        prop_assert_eq!(listed, whole.into_keys().collect::<Vec<_>>());
        prop_assert_eq!(page(rrsets, None, usize::MAX).0.len(), rrsets.len());
    }
}
