//! Hosted zones through the Route 53 API: made, listed in pages and by name, commented, deleted; and those of files, which
//! are shown and never changed.
//!
//! Exact XML for the main cases; every error that these operations can give.
//! Source: Route 53 API 2013-04-01, the operations of these names; answers of AWS as its users recorded them.

use std::collections::BTreeMap;
use std::sync::Arc;

use waypost::control::load::load_zones;
use waypost::control::state::State;
use waypost::ids::HealthCheckId;
use waypost::route53::account::Account;
use waypost::route53::exchange::words;
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::master::Source;
use waypost::zone::record_set::{RoutingPolicy, Weight};

mod route53;
use route53::support::{apex, member, name, record_set};
use route53::{Api, element, elements};
use waypost::wire::rtype::RecordType;

const CREATE: &str = "<Name>Example.COM</Name><CallerReference>one</CallerReference>\
    <HostedZoneConfig><Comment>the \"first\" &amp; only</Comment></HostedZoneConfig>";

fn state_of_files() -> State {
    let weighted =
        |id: &str, weight| member("w", id, RoutingPolicy::Weighted(Weight::new(weight).unwrap()), [192, 0, 2, 7], None);
    let hosted = HostedZone {
        name: name("@"),
        record_sets: apex()
            .into_iter()
            .chain([record_set("www", RecordType::A, &[&[192, 0, 2, 1]]), weighted("a", 1), weighted("b", 3)])
            .collect(),
        hidden: 0,
        groups: BTreeMap::new(),
        files: vec!["zones/example.org.toml".into()],
    };
    State { zones: vec![Arc::new(hosted)], ..State::default() }
}

#[test]
fn a_new_zone_is_answered_with_all_that_is_known_of_it() {
    let mut api = Api::new();
    let body = api.accepted("POST", "hostedzone", CREATE);
    let id = element(&body, "Id");
    assert!(id.starts_with("/hostedzone/Z") && id.len() == "/hostedzone/Z".len() + 20, "{id}");
    let change = element(&element(&body, "ChangeInfo"), "Id");
    let at = element(&body, "SubmittedAt");
    let expected = format!(
        "<CreateHostedZoneResponse><HostedZone><Id>{id}</Id><Name>example.com.</Name><CallerReference>one</CallerReference>\
         <Config><Comment>the &quot;first&quot; &amp; only</Comment><PrivateZone>false</PrivateZone></Config>\
         <ResourceRecordSetCount>2</ResourceRecordSetCount></HostedZone><ChangeInfo><Id>{change}</Id><Status>INSYNC</Status>\
         <SubmittedAt>{at}</SubmittedAt></ChangeInfo><DelegationSet><NameServers>\
         <NameServer>ns1.waypost.invalid</NameServer><NameServer>ns2.waypost.invalid</NameServer></NameServers></DelegationSet>\
         </CreateHostedZoneResponse>"
    );
    assert_eq!(body, expected);
    assert_eq!(api.location.as_deref(), Some(id.trim_start_matches('/')));
    let listed = api.accepted("GET", &format!("{}/rrset", id.trim_start_matches('/')), "");
    assert_eq!(elements(&listed, "Type"), ["NS", "SOA"]);
    assert_eq!(element(&api.accepted("GET", change.trim_start_matches('/'), ""), "Status"), "INSYNC");
}

#[test]
fn a_caller_reference_makes_one_zone_and_a_name_may_have_several() {
    let mut api = Api::new();
    api.accepted("POST", "hostedzone", CREATE);
    let refused = api.refused("POST", "hostedzone", CREATE);
    assert_eq!(
        refused,
        "409 HostedZoneAlreadyExists: A hosted zone has already been created with the specified caller reference."
    );
    api.accepted("POST", "hostedzone", &CREATE.replace(">one<", ">two<"));
    assert_eq!(element(&api.accepted("GET", "hostedzonecount", ""), "HostedZoneCount"), "2");
    // The older of the two answers.
    assert_eq!(api.snapshot().catalog.zones().len(), 1);
}

#[test]
fn names_that_no_zone_can_have_are_refused() {
    let mut api = Api::new();
    for (bad, why) in [("a..example", "empty"), ("*.example.org", "asterisk"), (".", "root"), ("exämple.org", "Unsupported")] {
        let body = format!("<Name>{bad}</Name><CallerReference>{bad}</CallerReference>");
        let refused = api.refused("POST", "hostedzone", &body);
        assert!(refused.starts_with("400 InvalidDomainName: ") && refused.contains(why), "{bad}: {refused}");
    }
    let top = "<Name>internal</Name><CallerReference>1</CallerReference>";
    api.accepted("POST", "hostedzone", top);
    assert!(Api::strict().refused("POST", "hostedzone", top).starts_with("400 InvalidDomainName: "));
    let missing = api.refused("POST", "hostedzone", "<Name>example.org</Name>");
    assert!(missing.starts_with("400 InvalidInput: Invalid XML ; ") && missing.contains("CallerReference"), "{missing}");
}

#[test]
fn lists_come_in_pages_that_are_the_whole_list() {
    let mut api = Api::new();
    for at in 0..7 {
        api.zone(&format!("zone{at}.example"));
    }
    let all = elements(&api.accepted("GET", "hostedzone", ""), "Id");
    assert_eq!(all.len(), 7);
    for size in 1..=8 {
        let (mut found, mut marker) = (Vec::new(), String::new());
        loop {
            let page = api.accepted("GET", &format!("hostedzone?maxitems={size}{marker}"), "");
            found.extend(elements(&page, "Id"));
            assert_eq!(element(&page, "MaxItems"), size.to_string());
            match &*element(&page, "IsTruncated") {
                "true" => marker = format!("&marker={}", element(&page, "NextMarker")),
                _ => break,
            }
        }
        assert_eq!(found, all, "in pages of {size}");
    }
    let refused = api.refused("GET", "hostedzone?marker=ZNOTHING", "");
    assert!(refused.starts_with("400 InvalidInput: "), "{refused}");
}

#[test]
fn zones_are_listed_by_their_reversed_names_from_the_one_asked_for() {
    let mut api = Api::new();
    for zone in ["b.example", "example.net", "a.example", "example"] {
        api.zone(zone);
    }
    let names = |body: &str| elements(body, "Name");
    assert_eq!(names(&api.accepted("GET", "hostedzonesbyname", "")), ["example.", "a.example.", "b.example.", "example.net."]);
    let page = api.accepted("GET", "hostedzonesbyname?dnsname=a.example&maxitems=1", "");
    assert_eq!(names(&page), ["a.example."]);
    assert_eq!((element(&page, "DNSName"), element(&page, "NextDNSName")), ("a.example".into(), "b.example.".into()));
    let next = format!("hostedzonesbyname?dnsname=b.example.&hostedzoneid={}", element(&page, "NextHostedZoneId"));
    assert_eq!(names(&api.accepted("GET", &next, "")), ["b.example.", "example.net."]);
    let refused = api.refused("GET", "hostedzonesbyname?hostedzoneid=Z1", "");
    assert!(refused.starts_with("400 InvalidInput: "), "{refused}");
}

#[test]
fn a_comment_is_changed_and_cleared() {
    let mut api = Api::new();
    let id = api.zone("example.com");
    let said = api.accepted("POST", &format!("hostedzone/{id}"), "<Comment>new</Comment>");
    assert_eq!(element(&element(&said, "Config"), "Comment"), "new");
    let cleared = api.accepted("POST", &format!("hostedzone/{id}"), "");
    assert_eq!(element(&cleared, "Config"), "<PrivateZone>false</PrivateZone>");
    let refused = api.refused("POST", "hostedzone/ZNOTHING", "<Comment>x</Comment>");
    assert_eq!(refused, "404 NoSuchHostedZone: No hosted zone found with ID: ZNOTHING");
}

#[test]
fn a_zone_is_deleted_when_nothing_but_its_own_records_is_left() {
    let mut api = Api::new();
    let id = api.zone("example.com");
    let change = |action: &str| {
        format!(
            "<ChangeBatch><Changes><Change><Action>{action}</Action><ResourceRecordSet><Name>www.example.com</Name><Type>A</Type>\
             <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords>\
             </ResourceRecordSet></Change></Changes></ChangeBatch>"
        )
    };
    let rrsets = format!("hostedzone/{id}/rrset/");
    api.accepted("POST", &rrsets, &change("CREATE"));
    let refused = api.refused("DELETE", &format!("hostedzone/{id}"), "");
    assert_eq!(
        refused,
        "400 HostedZoneNotEmpty: The specified hosted zone contains non-required resource record sets and so cannot be deleted."
    );
    api.accepted("POST", &rrsets, &change("DELETE"));
    let gone = api.accepted("DELETE", &format!("hostedzone/{id}"), "");
    assert_eq!(element(&gone, "Status"), "INSYNC");
    assert!(api.snapshot().catalog.zones().is_empty());
    assert!(api.refused("GET", &format!("hostedzone/{id}"), "").starts_with("404 NoSuchHostedZone: "));
}

#[test]
fn checks_of_files_of_types_that_route_53_does_not_have_are_shown_as_what_comes_nearest() {
    let text = "zone = \"example.org.\"\nns = [\"ns.example.net.\"]\n\
        [check.db]\ntype = \"postgres\"\nuser = \"waypost\"\ntarget = \"192.0.2.1\"\n\
        [check.disk]\ntype = \"command\"\ncommand = [\"/bin/true\"]\ntarget = \"192.0.2.1\"\n\
        [check.web]\ntype = \"http\"\nip_address = \"192.0.2.1\"\n";
    let source = Source { file: "example.org.toml".into(), octets: text.as_bytes().into() };
    let (state, problems) = load_zones(vec![source], &mut waypost::config::Files, 0);
    let state = state.unwrap_or_else(|| panic!("{problems}"));
    let mut api = Api::new();
    api.account.adopt_files(&state);
    assert_eq!(elements(&api.accepted("GET", "healthcheck", ""), "Id"), ["db", "disk", "web"]);
    let lost = |id: &str| words::check(&state.checks[&HealthCheckId::new(id).unwrap()]);
    let what = "Route 53 has no checks of its type: a TCP check of the same port stands for it";
    let (config, said) = lost("db");
    assert_eq!((&*config.kind, config.port, said), ("TCP", Some(5_432), vec![format!("health check db: {what}")]));
    assert_eq!(lost("disk").0.kind, "CALCULATED");
    assert_eq!(lost("web").1, [] as [&str; 0]);
}

#[test]
fn zones_of_files_are_shown_as_they_are_and_changed_in_their_file() {
    let mut api = Api::new();
    api.account.adopt_files(&state_of_files());
    let listed = api.accepted("GET", "hostedzone", "");
    let id = element(&listed, "Id");
    assert_eq!((element(&listed, "Name"), element(&listed, "ResourceRecordSetCount")), ("example.org.".into(), "5".into()));
    assert!(element(&listed, "Comment").contains("zones/example.org.toml"));
    let path = id.trim_start_matches('/');
    let rrsets = api.accepted("GET", &format!("{path}/rrset"), "");
    assert_eq!(elements(&rrsets, "SetIdentifier"), ["a", "b"]);
    assert_eq!(elements(&rrsets, "Weight"), ["1", "3"]);
    for (method, path, body) in [("POST", path.to_owned(), "<Comment>x</Comment>"), ("DELETE", path.to_owned(), "")] {
        let refused = api.refused(method, &path, body);
        let expected =
            "403 AccessDenied: The hosted zone example.org. is written in the file zones/example.org.toml: change it there.";
        assert_eq!(refused, expected);
    }
    let create = "<Name>example.org</Name><CallerReference>mine</CallerReference>";
    let refused = api.refused("POST", "hostedzone", create);
    assert!(refused.starts_with("400 ConflictingDomainExists: ") && refused.contains("zones/example.org.toml"), "{refused}");
    // The same zone, read again, has the same id.
    let mut account = Account::default();
    account.adopt_files(&state_of_files());
    assert!(account.zones.contains_key(id.trim_start_matches("/hostedzone/")));
    let (none, _) = load_zones(Vec::new(), &mut waypost::config::Files, 0);
    account.adopt_files(&none.unwrap_or_default());
    assert!(account.zones.is_empty());
}
