//! Names outside the zones in scenarios: stated for a file, for a case, or not at all.

use std::sync::Arc;

use waypost::problem::Problems;
use waypost::scenario::failures::{Finding, search};
use waypost::scenario::{Scenarios, Stage, read};
use waypost::text::Text;

use super::setting;

const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[probe.web]
type = "http"

[endpoint.cdn]
alias = "cdn.example.com."
probe = "web"

[endpoint.own]
address = ["192.0.2.80"]
probe   = "web"

[route.shop]
policy  = "failover"
members = ["cdn", "own"]

[route.half]
policy  = "weighted"
members = [{ use = "cdn", weight = 1 }, { use = "own", weight = 1 }]

[[record]]
name  = "@"
type  = "A"
alias = "lb.example.net."
"#;

fn read_text(content: &str) -> (Option<Scenarios>, Problems) {
    read(&Text::new("s.toml".into(), format!("config = \"waypost.toml\"\n{content}")), |_| Some(Arc::new(setting(ZONE))))
}

/// Runs one case behind the file's own table, and compares what does not hold; nothing when it holds.
#[track_caller]
fn check(case: &str, expected: &str) {
    let content = format!("[external]\n\"lb.example.net\" = [\"203.0.113.7\"]\n\n[[case]]\nname = \"it\"\n{case}\n");
    let (scenarios, problems) = read_text(&content);
    assert_eq!(problems.to_string(), "", "{content}");
    let scenarios = scenarios.expect("there is no problem");
    let outcome = Stage::new(&scenarios.setting).run(&scenarios.cases[0]);
    let mismatches: Vec<String> = outcome.mismatches.iter().map(ToString::to_string).collect();
    assert_eq!(mismatches.join("; "), expected, "{case}");
}

#[test]
fn names_have_what_the_file_says_unless_the_case_says_otherwise() {
    check("query = \"example.org\"\nexpect = { answer = [\"203.0.113.7\"], ttl = 60, rcode = \"NOERROR\" }", "");
    check("query = \"example.org\"\nexpect = { answer = [\"203.0.113.8\"] }", "answer: expected 203.0.113.8, got 203.0.113.7");
    for (external, expect) in [
        ("\"unresolved\"", "rcode = \"SERVFAIL\", answer = [], aa = false"),
        ("[]", "rcode = \"NOERROR\", answer = [], explains = \"it does not exist\""),
        ("[\"2001:db8::1\"]", "rcode = \"NOERROR\", answer = [], explains = \"it has none\""),
        ("[\"203.0.113.9\", \"203.0.113.8\"]", "answer = [\"203.0.113.8\", \"203.0.113.9\"]"),
    ] {
        check(
            &format!("external = {{ \"LB.example.net.\" = {external} }}\nquery = \"example.org\"\nexpect = {{ {expect} }}"),
            "",
        );
    }
}

#[test]
fn members_are_passed_over_by_name_and_by_check() {
    let cdn = "external = { \"cdn.example.com\" = [\"203.0.113.5\"] }\nquery = \"shop.example.org\"\n";
    check(&format!("{cdn}expect = {{ answer = [\"203.0.113.5\"] }}"), "");
    check(&format!("{cdn}down = [\"cdn\"]\nexpect = {{ answer = [\"192.0.2.80\"] }}"), "");
    check(
        "query = \"shop.example.org\"\nexpect = { answer = [\"192.0.2.80\"], explains = \"no address is known of its alias\" }",
        "",
    );
    // The name has no AAAA; nobody else has.
    let aaaa = cdn.replace("shop.example.org", "shop.example.org AAAA");
    check(&format!("{aaaa}expect = {{ rcode = \"NOERROR\", answer = [] }}"), "");
    let half = cdn.replace("shop", "half");
    check(&format!("{half}share = {{ \"203.0.113.5\" = 0.5, \"192.0.2.80\" = 0.5 }}"), "");
}

#[test]
fn what_is_no_such_name_or_no_address_is_a_problem() {
    let case = "query = \"example.org\"\nexpect = { aa = true }\n";
    for (external, problem) in [
        (
            "{ \"lb.example.nte\" = [] }",
            "\"lb.example.nte\" is no name outside the zones that an alias leads to (did you mean \"lb.example.net.\"?)",
        ),
        ("{ \"lb.example.net\" = [\"x\"] }", "\"x\": invalid IP address syntax"),
        ("{ \"lb.example.net\" = \"unresolvd\" }", "\"unresolvd\" is not known (did you mean \"unresolved\"?)"),
    ] {
        let (scenarios, problems) = read_text(&format!("[[case]]\nname = \"it\"\nexternal = {external}\n{case}"));
        assert!(scenarios.is_none() && problems.errors() == 1, "{problems}");
        assert!(problems.to_string().contains(problem), "{problems}");
    }
}

#[test]
fn the_search_takes_names_outside_to_have_an_address_and_to_be_one_endpoint() {
    let searched = |zone: &str| {
        let searched = search(&setting(zone), &["192.0.2.53".parse().expect("an address")], 1).expect("the search is small");
        let finding = |finding: &Finding| {
            let failed: Vec<&str> = finding.failed.iter().map(|id| id.as_str()).collect();
            let answer: Vec<&str> = finding.explanation.answer.answer.iter().map(|record| &*record.rdata).collect();
            format!("{:?} {} [{}]: {}", finding.kind, finding.name, failed.join(" "), answer.join(" "))
        };
        searched.findings.iter().map(finding).collect::<Vec<_>>()
    };
    assert_eq!(searched(ZONE), [""; 0]);
    // Without `all` everything is on the name outside, though the reserve is healthy.
    let endpoint = |name: &str, last: u8| format!("[endpoint.{name}]\naddress = [\"192.0.2.{last}\"]\nprobe = \"web\"\n");
    let route = "[route.few]\npolicy = \"weighted\"\n\
        members = [{ use = \"all\", weight = 9 }, { use = \"cdn\", weight = 1 }, { use = \"reserve\", weight = 0 }]\n";
    let zone = format!("{ZONE}{}{}{route}", endpoint("all", 1), endpoint("reserve", 2));
    assert_eq!(searched(&zone), ["OneEndpoint few.example.org. [all]: 0.0.0.0"]);
}
