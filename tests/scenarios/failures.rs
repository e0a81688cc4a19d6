//! The search through combinations of failed checks: what it finds, with how few failures, and what it leaves alone.

use std::sync::Arc;

use waypost::explain::Client;
use waypost::geography::area::Area;
use waypost::scenario::failures::{Kind, QUESTIONS_MAX, Searched, search};
use waypost::zone::group_options::GroupOptions;

use super::{ZONE, setting};

fn resolver() -> Vec<Client> {
    vec!["192.0.2.53".parse().expect("an address")]
}

fn searched(zone: &str, failures: usize) -> Searched {
    search(&setting(zone), &resolver(), failures).expect("the search is small")
}

/// Each finding: kind, name and type, what failed.
fn findings(searched: &Searched) -> Vec<String> {
    let told = searched.findings.iter().map(|finding| {
        let failed: Vec<&str> = finding.failed.iter().map(|id| id.as_str()).collect();
        format!("{:?} {} {} [{}]", finding.kind, finding.name, finding.rtype, failed.join(" "))
    });
    told.collect()
}

/// A zone of these endpoints, each with its own check, and these routes.
fn zone(endpoints: &[&str], routes: &str) -> String {
    let endpoint = |(at, name): (usize, &&str)| {
        format!("[endpoint.{name}]\naddress = [\"10.0.{}.{}\"]\nprobe = \"web\"\n", at / 256, at % 256)
    };
    let endpoints: String = endpoints.iter().enumerate().map(endpoint).collect();
    format!("zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n[probe.web]\ntype = \"http\"\n{endpoints}{routes}")
}

#[test]
fn names_that_fail_over_to_what_is_healthy_have_no_findings() {
    let searched = searched(ZONE, 3);
    assert_eq!(findings(&searched), [""; 0]);
    // www, mix and any for A and AAAA, and cluster.
    assert_eq!(searched.names, 7);
    // any A and cluster A depend on three checks, www A and mix A on two, the others on fra alone.
    assert_eq!((searched.combinations, searched.questions), (2 * 8 + 2 * 4 + 3 * 2, 2 * 8 + 2 * 4 + 3 * 2));
}

#[test]
fn everything_on_one_endpoint_is_found_with_the_fewest_failures() {
    let routes = "[route.www]\npolicy = \"weighted\"\n\
        members = [{ use = \"a\", weight = 9 }, { use = \"b\", weight = 1 }, { use = \"reserve\", weight = 0 }]\n";
    let zone = zone(&["a", "b", "reserve"], routes);
    assert_eq!(findings(&searched(&zone, 0)), [""; 0]);
    for failures in 1..=3 {
        assert_eq!(findings(&searched(&zone, failures)), ["OneEndpoint www.example.org. A [a]"]);
    }
    let finding = &searched(&zone, 1).findings[0];
    let answer = &finding.explanation.answer.answer;
    assert_eq!((answer.len(), &*answer[0].rdata), (1, "10.0.0.1"));
}

#[test]
fn a_tree_that_leads_everybody_to_one_endpoint_is_found_at_the_second_failure() {
    let routes = "[route.east]\npolicy = \"failover\"\nmembers = [\"a\", \"b\", \"d\"]\n\
        [route.west]\npolicy = \"failover\"\nmembers = [\"c\", \"b\", \"d\"]\n\
        [route.www]\npolicy = \"weighted\"\nmembers = [{ use = \"route:east\", weight = 1 }, { use = \"route:west\", weight = 1 }]\n";
    let zone = zone(&["a", "b", "c", "d"], routes);
    assert_eq!(findings(&searched(&zone, 1)), [""; 0]);
    assert_eq!(findings(&searched(&zone, 4)), ["OneEndpoint www.example.org. A [a c]"]);
}

/// The zone that answers was made before the fence was written, as if the compiler had forgotten it.
#[test]
fn an_answer_from_outside_of_a_fence_is_found() {
    let mut setting = setting(&zone(&["a", "b"], "[route.www]\npolicy = \"failover\"\nmembers = [\"a\", \"b\"]\n"));
    let mut hosted = (*setting.built.state.zones[0]).clone();
    let [a, b] = ["FR", "US"].map(|country| Some(Area::Country(country.parse().expect("a country"))));
    let europe = Area::Continent("EU".parse().expect("a continent"));
    for (set, place) in hosted.record_sets.iter_mut().filter(|set| set.set_identifier.is_some()).zip([a, b]) {
        set.place = place;
        hosted.groups.insert((set.name.clone(), set.rtype), GroupOptions { fence: vec![europe], ..GroupOptions::default() });
    }
    setting.built.state.zones[0] = Arc::new(hosted);
    let told = |failures| findings(&search(&setting, &resolver(), failures).expect("the search is small"));
    assert_eq!(told(0), [""; 0]);
    assert_eq!(told(2), ["OutsideFence www.example.org. A [a]"]);
}

#[test]
fn a_search_that_takes_too_long_is_refused_with_what_would_do() {
    let names: Vec<String> = (0..200).map(|at| format!("e{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let members: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let zone = zone(&names, &format!("[route.www]\npolicy = \"failover\"\nmembers = [{}]\n", members.join(", ")));
    let refused = search(&setting(&zone), &resolver(), 4).expect_err("there are too many");
    assert_eq!((refused.found, refused.enough), (66_018_451, Some(3)));
    let many: Vec<Client> = vec![resolver()[0]; QUESTIONS_MAX as usize + 1];
    let refused = search(&setting(&zone), &many, 1).expect_err("there are too many");
    assert_eq!((refused.found, refused.enough), (201 * (QUESTIONS_MAX + 1), None));
}

#[test]
fn kinds_are_told_by_their_words() {
    let words = [Kind::Empty, Kind::OutsideFence, Kind::OneEndpoint].map(|kind| serde_json::to_string(&kind).expect("a word"));
    assert_eq!(words, ["\"empty\"", "\"outside_fence\"", "\"one_endpoint\""]);
}

#[test]
fn somebody_asks_for_each_order_of_a_map_below_a_name() {
    // The one who asks by himself is in the office; nobody else is answered.
    let routes = "[cidr.offices]\nberlin = [\"192.0.2.0/24\"]\n\
        [route.by-office]\npolicy = \"ip_based\"\ncidr = \"offices\"\nmembers = [{ use = \"a\", location = \"berlin\" }]\n\
        [route.www]\npolicy = \"failover\"\nmembers = [\"route:by-office\"]\n";
    let searched = searched(&zone(&["a"], routes), 0);
    assert_eq!(findings(&searched), ["Empty by-office.example.org. A []", "Empty www.example.org. A []"]);
    let asked: Vec<String> = searched.findings.iter().map(|finding| finding.client.to_string()).collect();
    assert_eq!(asked, ["0.0.0.0", "0.0.0.0"]);
    // By him, and by one in the office and one outside.
    assert_eq!(searched.questions, 2 * 3);
}
