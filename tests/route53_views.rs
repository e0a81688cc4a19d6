//! Private hosted zones: who sees them, and that nobody else learns of them.
//!
//! Who asks is told by the address that a query came from, never by what it says of its client's subnet.

#[path = "route53/mod.rs"]
mod route53;

use route53::{Api, root};
use waypost::config;
use waypost::control::state::View;

const INSIDE: [u8; 4] = [10, 1, 2, 3];
const DEEPER: [u8; 4] = [10, 9, 2, 3];
const OUTSIDE: [u8; 4] = [192, 0, 2, 53];

fn view(id: &str, network: &str) -> View {
    let networks = vec![network.parse().expect("a network")];
    View { region: "us-east-1".to_owned(), id: id.to_owned(), networks, zones: Vec::new() }
}

/// The VPCs: vpc-1 is 10.0.0.0/8 without vpc-2, which is 10.9.0.0/16 within it; vpc-3 is elsewhere.
fn api() -> Api {
    let mut api = Api::new();
    api.views = vec![view("vpc-1", "10.0.0.0/8"), view("vpc-2", "10.9.0.0/16"), view("vpc-3", "172.16.0.0/12")];
    api
}

fn put(api: &mut Api, zone: &str, name: &str, kind: &str, value: &str) {
    let records =
        format!("<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>{value}</Value></ResourceRecord></ResourceRecords>");
    let set = format!("<ResourceRecordSet><Name>{name}</Name><Type>{kind}</Type>{records}</ResourceRecordSet>");
    let batch = format!("<ChangeBatch><Changes><Change><Action>UPSERT</Action>{set}</Change></Changes></ChangeBatch>");
    api.ok("POST", &format!("hostedzone/{zone}/rrset/"), &root("ChangeResourceRecordSets", &batch));
}

fn answer(name: &str, last: u8) -> Vec<String> {
    vec!["NOERROR aa".to_owned(), format!("answer {name} 60 A 192.0.2.{last}")]
}

#[test]
fn a_private_zone_answers_its_networks_and_nobody_else() {
    let mut api = api();
    let zone = api.private_zone("internal.example", "us-east-1", "vpc-1");
    put(&mut api, &zone, "db.internal.example", "A", "192.0.2.1");
    assert_eq!(api.dig_as(INSIDE, "db.internal.example.", "A"), answer("db.internal.example.", 1));
    for asker in [OUTSIDE, DEEPER, [172, 16, 0, 1], [11, 0, 0, 1]] {
        assert_eq!(api.dig_as(asker, "db.internal.example.", "A"), ["REFUSED"], "{asker:?}");
    }
    let vpc = |operation: &str| root(operation, "<VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-2</VPCId></VPC>");
    api.ok("POST", &format!("hostedzone/{zone}/associatevpc"), &vpc("AssociateVPCWithHostedZone"));
    assert_eq!(api.dig_as(DEEPER, "db.internal.example.", "A"), answer("db.internal.example.", 1));
    api.ok("POST", &format!("hostedzone/{zone}/disassociatevpc"), &vpc("DisassociateVPCFromHostedZone"));
    assert_eq!(api.dig_as(DEEPER, "db.internal.example.", "A"), ["REFUSED"]);
    // Of a network that the configuration does not have nobody comes.
    api.private_zone("other.example", "eu-west-1", "vpc-1");
    assert_eq!(api.dig_as(INSIDE, "other.example.", "SOA"), ["REFUSED"]);
}

#[test]
fn a_private_zone_comes_before_the_public_one_of_its_name_and_hides_it() {
    let mut api = api();
    let public = api.zone("example.org");
    put(&mut api, &public, "www.example.org", "A", "192.0.2.1");
    put(&mut api, &public, "only-public.example.org", "A", "192.0.2.2");
    let private = api.private_zone("example.org", "us-east-1", "vpc-1");
    put(&mut api, &private, "www.example.org", "A", "192.0.2.3");
    assert_eq!(api.dig_as(OUTSIDE, "www.example.org.", "A"), answer("www.example.org.", 1));
    assert_eq!(api.dig_as(INSIDE, "www.example.org.", "A"), answer("www.example.org.", 3));
    assert_eq!(api.dig_as(INSIDE, "only-public.example.org.", "A"), ["NXDOMAIN aa"]);
    assert_eq!(api.dig_as(OUTSIDE, "only-public.example.org.", "A"), answer("only-public.example.org.", 2));
}

#[test]
fn the_most_specific_zone_answers_whoever_sees_it() {
    let mut api = api();
    let public = api.zone("sub.example.org");
    put(&mut api, &public, "www.sub.example.org", "A", "192.0.2.1");
    let private = api.private_zone("example.org", "us-east-1", "vpc-1");
    put(&mut api, &private, "www.sub.example.org", "A", "192.0.2.2");
    put(&mut api, &private, "alias.example.org", "CNAME", "www.sub.example.org");
    for asker in [INSIDE, OUTSIDE] {
        assert_eq!(api.dig_as(asker, "www.sub.example.org.", "A"), answer("www.sub.example.org.", 1));
    }
    let deep = api.private_zone("www.sub.example.org", "us-east-1", "vpc-1");
    put(&mut api, &deep, "www.sub.example.org", "A", "192.0.2.3");
    assert_eq!(api.dig_as(INSIDE, "www.sub.example.org.", "A"), answer("www.sub.example.org.", 3));
    assert_eq!(api.dig_as(OUTSIDE, "www.sub.example.org.", "A"), answer("www.sub.example.org.", 1));
    assert_eq!(api.dig_as(INSIDE, "alias.example.org.", "A")[1], "answer alias.example.org. 60 CNAME www.sub.example.org.");
}

#[test]
fn networks_that_see_the_same_zones_share_one_catalog() {
    let mut api = api();
    let zone = api.private_zone("internal.example", "us-east-1", "vpc-1");
    let vpc = root("AssociateVPCWithHostedZone", "<VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-3</VPCId></VPC>");
    api.ok("POST", &format!("hostedzone/{zone}/associatevpc"), &vpc);
    let files = waypost::control::state::State { views: api.views.clone(), ..Default::default() };
    let built = waypost::control::build::build(api.account.served(&files), &api.places, None).expect("the zones compile");
    let seen = |asker: [u8; 4]| std::ptr::from_ref(built.catalog.seen_by(asker.into()));
    assert_eq!(seen(INSIDE), seen([172, 16, 0, 1]));
    assert_eq!(seen(DEEPER), seen(OUTSIDE));
    assert_ne!(seen(INSIDE), seen(OUTSIDE));
    let mapped = "::ffff:10.1.2.3".parse().expect("an address");
    assert_eq!(std::ptr::from_ref(built.catalog.seen_by(mapped)), seen(INSIDE));
    // A second build shares what has not changed.
    let again = waypost::control::build::build(api.account.served(&files), &api.places, Some(&built)).expect("the zones compile");
    let zones = |catalog: &waypost::zone::catalog::Catalog| std::sync::Arc::as_ptr(&catalog.seen_by(INSIDE.into()).zones()[0]);
    assert_eq!(zones(&again.catalog), zones(&built.catalog));
}

fn configured(text: &str) -> (Option<config::Config>, String) {
    let server = "[server]\nlisten = [\"127.0.0.1:0\"]\n[zones]\nfiles = [\"*.toml\"]\n";
    let (config, problems) = config::parse(&"f".into(), &[server, text].concat());
    let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
    (config, messages.join("; "))
}

#[test]
fn the_configuration_says_which_networks_a_vpc_is() {
    let vpc =
        |id: &str, networks: &str| format!("[[route53.vpc]]\nid = \"{id}\"\nregion = \"us-east-1\"\nnetworks = [{networks}]\n");
    let (config, problems) = configured(&[vpc("vpc-1", "\"10.0.0.0/8\""), vpc("vpc-2", "\"10.9.0.0/16\"")].concat());
    assert_eq!((problems.as_str(), config.expect("read").route53.vpcs), ("", api().views[..2].to_vec()));
    for (text, expected) in [
        (vpc("vpc-1", ""), "networks: the VPC has no network"),
        (vpc("vpc-1", "\"10.1.0.0/8\""), "networks: 10.1.0.0/8 has bits beyond its length"),
        (vpc("vpc-1", "\"ten\""), "networks: "),
        (vpc("", "\"10.0.0.0/8\""), "id: nothing is written"),
        ("[[route53.vpc]]\nid = \"v\"\nregion = \"r\"\n".to_owned(), "networks is missing"),
        ([vpc("v", "\"10.0.0.0/8\""), vpc("v", "\"11.0.0.0/8\"")].concat(), "id: v of us-east-1 is another VPC too"),
        ([vpc("v", "\"10.0.0.0/8\""), vpc("w", "\"10.0.0.0/8\"")].concat(), "networks: 10.0.0.0/8 is a network of v too"),
    ] {
        let (_, problems) = configured(&text);
        assert!(problems.contains(expected), "{text}: {problems}");
    }
}
