//! Scenario files: every kind of expectation holding and failing with its exact words, timelines to the probe, bad files.
//!
//! Zones and scenarios are texts here, run by the library; what needs files and an exit status is in `scenarios/command.rs`.
//! Format: DESIGN §5, docs/scenarios.md.

#[path = "scenarios/command.rs"]
mod command;
#[path = "scenarios/example.rs"]
mod example;
#[path = "scenarios/externals.rs"]
mod externals;
#[path = "scenarios/failures.rs"]
mod failures;
#[path = "scenarios/timelines.rs"]
mod timelines;

use std::sync::Arc;

use waypost::control::build::build;
use waypost::control::load::load_zones;
use waypost::problem::Problems;
use waypost::scenario::{Scenarios, Setting, Stage, read};
use waypost::text::Text;
use waypost::zone::master::{NoFiles, Source};

const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[probe.web]
type     = "http"
interval = "10s"
timeout  = "4s"
fall     = 3

[endpoint.fra]
address = ["192.0.2.10", "2001:db8::10"]
probe   = "web"

[endpoint.iad]
address = ["198.51.100.10"]
probe   = "web"

[endpoint.syd]
address = ["203.0.113.10"]
probe   = "web"

[check.two]
type             = "calculated"
children         = ["fra", "iad", "syd"]
health_threshold = 2

[check.off]
type       = "tcp"
ip_address = "192.0.2.77"
port       = 1
disabled   = true

[route.www]
policy  = "failover"
members = ["fra", "iad"]
ttl     = 30

[route.mix]
policy  = "weighted"
members = [{ use = "fra", weight = 90 }, { use = "iad", weight = 10 }]

[route.any]
policy  = "multivalue"
members = ["fra", "iad", "syd"]

[[record]]
name           = "cluster"
type           = "A"
set_identifier = "cluster"
failover       = "PRIMARY"
ttl            = 60
values         = ["192.0.2.20"]
health_check   = "two"

[[record]]
name           = "cluster"
type           = "A"
set_identifier = "sorry"
failover       = "SECONDARY"
ttl            = 60
values         = ["192.0.2.99"]

[[record]]
name   = "old"
type   = "CNAME"
values = ["www.example.org."]

[[record]]
name   = "text"
type   = "TXT"
values = ["\"one\" \"two\""]
"#;

fn setting(zone: &str) -> Setting {
    let source = Source { file: "zone.toml".into(), octets: zone.into() };
    let (state, problems) = load_zones(vec![source], &mut NoFiles, 1);
    let state = state.unwrap_or_else(|| panic!("{problems}"));
    Setting { built: build(state, &Default::default(), None).expect("a state without problems compiles"), ..Setting::default() }
}

fn read_text(content: &str) -> (Option<Scenarios>, Problems) {
    let content = format!("config = \"waypost.toml\"\n{content}");
    read(&Text::new("s.toml".into(), content), |path| {
        assert_eq!(path, "waypost.toml");
        Some(Arc::new(setting(ZONE)))
    })
}

fn scenarios(content: &str) -> Scenarios {
    let (scenarios, problems) = read_text(content);
    assert_eq!(problems.to_string(), "", "{content}");
    scenarios.expect("there is no problem")
}

/// What does not hold of each case, a line each.
fn run(content: &str) -> Vec<String> {
    let file = scenarios(content);
    let mut stage = Stage::new(&file.setting);
    let outcomes = file.cases.iter().map(|case| stage.run(case));
    outcomes.map(|outcome| outcome.mismatches.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")).collect()
}

/// Runs one case, and compares what does not hold; nothing when it holds.
#[track_caller]
fn check(case: &str, expected: &str) {
    assert_eq!(run(&format!("[[case]]\nname = \"it\"\n{case}\n")), [expected], "{case}");
}

#[test]
fn each_expectation_holds_or_says_what_was_found() {
    for (expect, found) in [
        ("rcode = \"NOERROR\"", ""),
        ("rcode = \"NXDOMAIN\"", "rcode: expected NXDOMAIN, got NOERROR"),
        ("answer = [\"192.0.2.10\"]", ""),
        ("answer = [\"198.51.100.10\"]", "answer: expected 198.51.100.10, got 192.0.2.10"),
        ("answer = []", "answer: expected nothing, got 192.0.2.10"),
        ("one_of = [\"198.51.100.10\", \"192.0.2.10\"]", ""),
        ("one_of = [\"198.51.100.10\"]", "one_of: expected 198.51.100.10, got 192.0.2.10"),
        ("ttl = 30", ""),
        ("ttl = 60", "ttl: expected 60, got 30"),
        ("count = 1", ""),
        ("count = 2", "count: expected 2, got 1"),
        ("aa = true", ""),
        ("aa = false", "aa: expected false, got true"),
        ("explains = \"is chosen: primary\"", ""),
        ("explains = \"by weight\"", "explains: expected \"by weight\", got no step that says so"),
        ("rcode = \"REFUSED\", ttl = 5", "rcode: expected REFUSED, got NOERROR; ttl: expected 5, got 30"),
    ] {
        check(&format!("query = \"www.example.org A\"\nexpect = {{ {expect} }}"), found);
    }
}

#[test]
fn shares_are_exact() {
    let mix = "query = \"mix.example.org A\"\n";
    for (share, found) in [
        ("\"192.0.2.10\" = 0.9, \"198.51.100.10\" = 0.1", ""),
        ("\"192.0.2.10\" = 0.9000", ""),
        ("\"203.0.113.10\" = 0", ""),
        ("\"192.0.2.10\" = 0.91", "share: expected 192.0.2.10 in 91 % of responses, got it in 90 %"),
        ("\"203.0.113.10\" = 0.5", "share: expected 203.0.113.10 in 50 % of responses, got it in 0 %"),
    ] {
        check(&format!("{mix}share = {{ {share} }}"), found);
    }
    check(&format!("{mix}down = [\"fra\"]\nshare = {{ \"198.51.100.10\" = 1.0 }}"), "");
    // Every response of a multivalue name has all of its members, up to eight.
    let all = "\"192.0.2.10\" = 1, \"198.51.100.10\" = 1, \"203.0.113.10\" = 1";
    check(&format!("query = \"any.example.org\"\nshare = {{ {all} }}\nexpect = {{ count = 3 }}"), "");
}

#[test]
fn what_holds_only_for_some_draws_fails_and_says_how_often() {
    let mix = "query = \"mix.example.org A\"\n";
    for (expect, found) in [
        ("answer = [\"192.0.2.10\"]", "answer: expected 192.0.2.10, got 198.51.100.10 in 10 % of responses"),
        ("answer = []", "answer: expected nothing, got 192.0.2.10 in 90 % of responses, 198.51.100.10 in 10 % of responses"),
        ("one_of = [\"192.0.2.10\", \"198.51.100.10\"], count = 1", ""),
        ("one_of = [\"198.51.100.10\"]", "one_of: expected 198.51.100.10, got 192.0.2.10 in 90 % of responses"),
        (
            "explains = \"drawn with weight 90 of 100\"",
            "explains: expected \"drawn with weight 90 of 100\", got no step that says so in 10 % of responses",
        ),
    ] {
        check(&format!("{mix}expect = {{ {expect} }}"), found);
    }
}

#[test]
fn the_explanation_is_of_a_response_that_does_not_hold() {
    let file = scenarios("[[case]]\nname = \"it\"\nquery = \"mix.example.org\"\nexpect = { answer = [\"192.0.2.10\"] }");
    let outcome = Stage::new(&file.setting).run(&file.cases[0]);
    let explanation = outcome.explanation.expect("the case fails");
    assert_eq!(explanation.answer.answer[0].rdata, "198.51.100.10");
    assert!(explanation.steps.last().expect("there are steps").text.ends_with("is chosen: drawn with weight 10 of 100"));
}

#[test]
fn more_ways_than_can_be_walked_are_said() {
    let endpoint = |at| format!("[endpoint.e{at}]\naddress = [\"192.0.2.{at}\"]\n");
    let members: Vec<String> = (0..20).map(|at| format!("\"e{at}\"")).collect();
    let zone = format!(
        "zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n{}[route.www]\npolicy = \"multivalue\"\nmembers = [{}]\n",
        (0..20).map(endpoint).collect::<String>(),
        members.join(", ")
    );
    let text = Text::new(
        "s.toml".into(),
        "config = \"c\"\n[[case]]\nname = \"it\"\nquery = \"www.example.org\"\nexpect = { count = 8 }\n",
    );
    let (scenarios, _) = read(&text, |_| Some(Arc::new(setting(&zone))));
    let scenarios = scenarios.expect("there is no problem");
    let outcome = Stage::new(&scenarios.setting).run(&scenarios.cases[0]);
    assert_eq!(outcome.mismatches[0].to_string(), "chance: expected at most 4096 ways that chance can fall, got more");
}

#[test]
fn verdicts_that_are_supposed_decide() {
    check("query = \"www.example.org\"\ndown = [\"fra\"]\nexpect = { answer = [\"198.51.100.10\"] }", "");
    check("query = \"www.example.org AAAA\"\ndown = [\"fra\"]\nexpect = { answer = [\"2001:DB8:0::10\"] }", "");
    check("query = \"www.example.org\"\nunknown = [\"fra\"]\nexpect = { explains = \"unknown, which counts as healthy\" }", "");
    check("query = \"cluster.example.org\"\ndown = [\"fra\"]\nexpect = { answer = [\"192.0.2.20\"] }", "");
    check("query = \"cluster.example.org\"\ndown = [\"fra\", \"syd\"]\nexpect = { answer = [\"192.0.2.99\"] }", "");
    check("query = \"cluster.example.org\"\ndown = [\"two\"]\nexpect = { answer = [\"192.0.2.99\"] }", "");
}

#[test]
fn only_values_of_the_type_asked_are_compared_whatever_their_spelling() {
    check("query = \"old.example.org A\"\nexpect = { answer = [\"192.0.2.10\"], count = 1, ttl = 30 }", "");
    check("query = \"old.example.org CNAME\"\nexpect = { answer = [\"www.example.org.\"] }", "");
    check("query = \"text.example.org TXT\"\nexpect = { answer = [\"one two\"] }", "");
    check("query = \"www.example.org MX\"\nexpect = { rcode = \"NOERROR\", answer = [] }", "");
    check("query = \"www.example.org MX\"\nexpect = { ttl = 30 }", "ttl: expected 30, got nothing");
    check(
        "query = \"www.example.org MX\"\nexpect = { one_of = [\"10 mx.example.org.\"] }",
        "one_of: expected 10 mx.example.org., got nothing",
    );
    check("query = \"www.example.com A\"\nexpect = { rcode = \"REFUSED\", aa = false }", "");
}

#[test]
fn a_scope_is_that_of_the_response_to_the_subnet() {
    let asked = "query = \"www.example.org A\"\nclient = \"198.51.100.0/24\"\nresolver = \"192.0.2.53\"\n";
    check(&format!("{asked}expect = {{ scope = 0 }}"), "");
    check(&format!("{asked}expect = {{ scope = 24 }}"), "scope: expected 24, got 0");
    check("query = \"www.example.com\"\nclient = \"::/0\"\nexpect = { scope = 0 }", "");
}

#[test]
fn a_case_with_several_clients_is_run_for_each() {
    let file = scenarios(
        "[[case]]\nname = \"all\"\nclients = [\"192.0.2.53\", \"2001:db8::/48\"]\nquery = \"www.example.org\"\nexpect = { count = 1 }",
    );
    let names: Vec<_> = file.cases.iter().map(|case| (case.name.as_str(), case.place.line)).collect();
    assert_eq!(names, [("all [192.0.2.53]", 2), ("all [2001:db8::/48]", 2)]);
}

#[test]
fn a_case_that_fails_carries_the_explanation() {
    let file = scenarios(
        "[[case]]\nname = \"it\"\nquery = \"www.example.org\"\ndown = [\"fra\"]\nexpect = { answer = [\"192.0.2.10\"] }",
    );
    let outcome = Stage::new(&file.setting).run(&file.cases[0]);
    let explanation = outcome.explanation.expect("the case fails");
    let steps: Vec<_> = explanation.steps.iter().map(|step| step.text.as_str()).collect();
    assert_eq!(
        steps,
        [
            "zone example.org. is the closest that encloses the name",
            "www.example.org. A is failover among 2 members",
            "fra (unhealthy since 1970-01-01T00:00:00Z: marked down by the scenario) is passed over: unhealthy",
            "iad (healthy since 1970-01-01T00:00:00Z: not marked down) is chosen: secondary",
        ]
    );
    assert_eq!(explanation.answer.answer[0].rdata, "198.51.100.10");
}

#[test]
fn a_thousand_cases_share_the_tables_of_equal_health() {
    let case = |at: usize| {
        let down = ["", "\"fra\"", "\"iad\"", "\"fra\", \"iad\""][at % 4];
        let answer = if at % 4 == 1 { "198.51.100.10" } else { "192.0.2.10" };
        format!(
            "[[case]]\nname = \"{at}\"\nquery = \"www.example.org\"\nclient = \"10.{}.{}.0/24\"\ndown = [{down}]\nexpect = {{ answer = [\"{answer}\"] }}\n",
            at / 256,
            at % 256
        )
    };
    let file = scenarios(&(0..1_000).map(case).collect::<String>());
    let mut stage = Stage::new(&file.setting);
    let failed = file.cases.iter().map(|case| stage.run(case)).filter(|outcome| !outcome.mismatches.is_empty()).count();
    assert_eq!((file.cases.len(), failed, stage.tables()), (1_000, 0, 4));
}

/// Reads a file of which this is a case, and compares its problems.
#[track_caller]
fn refuse(case: &str, expected: &str) {
    let (scenarios, problems) = read_text(&format!("[[case]]\nname = \"it\"\n{case}\n"));
    assert_eq!(problems.to_string(), expected, "{case}");
    assert!(scenarios.is_none(), "{case}");
}

#[test]
fn what_is_wrong_in_a_case_is_said_at_its_line() {
    let asked = "query = \"www.example.org A\"\nexpect = { count = 1 }\n";
    for (case, expected) in [
        (
            "",
            "s.toml:2:1: error: [[case]]: query is missing (such as query = \"www.example.org A\")\n\
             s.toml:2:1: error: [[case]]: nothing is expected (such as expect = { answer = [\"192.0.2.10\"] }, or a share)\n",
        ),
        (
            "query = \"www.example.org\"\nexpect = {}",
            "s.toml:5:10: error: expect: nothing is expected; answer, one_of, rcode, ttl, scope, count, aa or explains is accepted\n",
        ),
        (
            "query = \"www..org A\"\nexpect = { count = 1 }",
            "s.toml:4:9: error: query: \"www..org\": the name has an empty label (two dots in a row, or a dot at the start) (a name and a type, such as www.example.org A)\n",
        ),
        (
            "query = \"www A B\"\nexpect = { count = 1 }",
            "s.toml:4:9: error: query: \"www A B\" is no question (a name and a type, such as www.example.org A)\n",
        ),
        (
            "query = \"www.example.org AAAAA\"\nexpect = { count = 1 }",
            "s.toml:4:9: error: query: \"AAAAA\" is not a record type; a mnemonic such as A or MX, or TYPE and a number, is accepted\n",
        ),
        (
            "query = \"www.example.org\"\nexpect = { answer = [\"192.0.2.300\"] }",
            "s.toml:5:22: error: an item of answer: A address: \"192.0.2.300\" does not fit (an IPv4 address such as 192.0.2.1 is accepted)\n",
        ),
        (
            "query = \"www.example.org\"\nexpect = { rcode = \"NXDOMIAN\" }",
            "s.toml:5:20: error: rcode: \"NXDOMIAN\" is not known (did you mean \"NXDOMAIN\"?)\n",
        ),
        (
            "query = \"www.example.org\"\nexpect = { tll = 30, count = 1 }",
            "s.toml:5:12: error: expect: unknown key \"tll\" (did you mean \"ttl\"?)\n",
        ),
        (
            "query = \"www.example.org\"\nshare = { \"192.0.2.10\" = 1.5 }\n",
            "s.toml:5:26: error: share: 192.0.2.10: 1.5 is not within 0 to 1\n",
        ),
        (
            "query = \"www.example.org\"\nshare = {}\n",
            "s.toml:5:9: error: share: nothing is expected; such as share = { \"192.0.2.10\" = 0.9 }\n",
        ),
    ] {
        refuse(case, expected);
    }
    for (line, expected) in [
        ("down = [\"frra\"]", "s.toml:6:9: error: \"frra\" is no health check (did you mean \"fra\"?)\n"),
        ("down = [\"fra\"]\nunknown = [\"fra\"]", "s.toml:7:11: error: unknown: fra is down already\n"),
        ("at = \"19s\"", "s.toml:6:1: error: [[case]]: at means something only with a timeline\n"),
        (
            "client = \"fra\"",
            "s.toml:6:10: error: client: \"fra\": \"fra\" is no client; an address such as 192.0.2.53 (the resolver's own), or a subnet such as 198.51.100.0/24 or 2001:db8::/48 (told by ECS), is accepted (such as 192.0.2.53, or 198.51.100.0/24 for a client told by ECS)\n",
        ),
        (
            "clients = []",
            "s.toml:6:11: error: clients: nobody asks (such as 192.0.2.53, or 198.51.100.0/24 for a client told by ECS)\n",
        ),
        (
            "resolver = \"192.0.2.53\"",
            "s.toml:6:12: error: resolver: the client has no length, so it is the resolver itself (a client such as 198.51.100.0/24)\n",
        ),
        ("clietn = \"192.0.2.1\"", "s.toml:6:1: error: [[case]]: unknown key \"clietn\" (did you mean \"client\"?)\n"),
        ("timeline = []", "s.toml:2:1: error: [[case]]: at is missing (such as at = \"19s\")\n"),
    ] {
        refuse(&format!("{asked}{line}"), expected);
    }
    refuse(
        "query = \"www.example.org\"\nexpect = { scope = 24 }",
        "s.toml:5:20: error: scope: a scope is told only of a client that came by ECS (a client with a length, such as 198.51.100.0/24)\n",
    );
}

#[test]
fn what_is_wrong_in_a_timeline_is_said_at_its_line() {
    for (entry, expected) in [
        (
            "{ at = \"0s\" }",
            "s.toml:8:3: error: an item of timeline: nothing happens; fail, pass or hang, such as fail = [\"fra\"], is accepted\n",
        ),
        (
            "{ at = \"0s\", fail = [\"two\"] }",
            "s.toml:8:23: error: fail: two is calculated or disabled, so nothing probes it (a check that probes an endpoint)\n",
        ),
        (
            "{ at = \"0s\", hang = [\"off\"] }",
            "s.toml:8:23: error: hang: off is calculated or disabled, so nothing probes it (a check that probes an endpoint)\n",
        ),
        (
            "{ at = \"0s\", fail = [\"fra\"], pass = [\"fra\"] }",
            "s.toml:8:39: error: pass: fra does something else at the same time\n",
        ),
        (
            "{ at = \"30\", fail = [\"fra\"] }",
            "s.toml:8:10: error: at: \"30\" is not a duration (a whole number and a unit: 250ms, 10s, 1m, 1h)\n",
        ),
    ] {
        refuse(
            &format!("query = \"www.example.org\"\nexpect = {{ count = 1 }}\nat = \"1s\"\ntimeline = [\n  {entry}\n]"),
            expected,
        );
    }
    refuse(
        "query = \"www.example.org\"\nexpect = { count = 1 }\nat = \"25h\"\ndown = [\"fra\"]\ntimeline = [{ at = \"0s\", fail = [\"fra\"] }]",
        "s.toml:6:6: error: at: 25h is not within 0s to 24h\n\
         s.toml:7:1: error: [[case]]: down says verdicts, and a timeline makes them: one of both is accepted\n",
    );
}

#[test]
fn a_file_without_cases_tests_nothing_and_is_refused() {
    let (scenarios, problems) = read_text("");
    assert!(scenarios.is_none());
    assert_eq!(problems.to_string(), "s.toml:1:1: error: there is no [[case]]: the file tests nothing\n");
}

#[test]
fn a_file_whose_configuration_is_wrong_is_read_all_the_same() {
    let text = Text::new(
        "s.toml".into(),
        "config = \"c\"\n[[case]]\nname = \"it\"\nquery = \"a.example A\"\ndown = [\"x\"]\nexpect = { tll = 1 }\n",
    );
    let (scenarios, problems) = read(&text, |_| None);
    assert!(scenarios.is_none());
    assert_eq!(problems.to_string(), "s.toml:6:12: error: expect: unknown key \"tll\" (did you mean \"ttl\"?)\n");
}

#[test]
fn the_example_of_the_documentation_holds() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scenarios.md")).unwrap();
    let block = |info: &str| {
        let (_, rest) = page.split_once(&format!("```toml {info}\n")).expect("the page has such a block");
        rest.split_once("\n```").expect("it ends").0.to_owned() + "\n"
    };
    let text = Text::new("docs/scenarios.md".into(), block("scenarios"));
    let (scenarios, problems) = read(&text, |_| Some(Arc::new(setting(&block("zone")))));
    assert_eq!(problems.to_string(), "");
    let scenarios = scenarios.expect("there is no problem");
    let mut stage = Stage::new(&scenarios.setting);
    let failed: Vec<_> = scenarios.cases.iter().map(|case| (&case.name, stage.run(case).mismatches)).collect();
    assert!(failed.len() >= 5 && failed.iter().all(|(_, mismatches)| mismatches.is_empty()), "{failed:?}");
}
