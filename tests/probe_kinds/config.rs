//! What files say of checks of every kind, and what is wrong with it, by place.

use std::time::Duration;

use waypost::control::load::load_zones;
use waypost::health::check::{CheckKind, EndpointCheck};
use waypost::zone::master::{NoFiles, Source};

fn load(text: &str) -> (Option<waypost::control::state::State>, String) {
    let octets = format!("zone = \"example.org.\"\nns = [\"ns1.example.org.\"]\n{text}").into();
    let (state, problems) = load_zones(vec![Source { file: "z".into(), octets }], &mut NoFiles, 1);
    (state, problems.to_string())
}

/// The one check that a text makes.
fn read(text: &str) -> EndpointCheck {
    let (state, problems) = load(text);
    let state = state.unwrap_or_else(|| panic!("{text}: {problems}"));
    match &state.checks.values().next().unwrap().kind {
        CheckKind::Endpoint(check) => (**check).clone(),
        CheckKind::Calculated { .. } | CheckKind::Signal(_) => panic!("{text}: it is calculated"),
    }
}

/// A probe of these lines, from line 3 on, and an endpoint of it.
fn probe(lines: &str) -> String {
    format!(
        "[probe.p]\n{lines}\n[endpoint.e]\naddress = [\"192.0.2.1\"]\nprobe = \"p\"\n[route.www]\npolicy = \"simple\"\nmembers = [\"e\"]\n"
    )
}

fn check(lines: &str) -> String {
    format!("[check.c]\n{lines}\n")
}

fn wrong(text: &str, expected: &str) {
    let (state, problems) = load(text);
    assert_eq!(problems, expected, "{text}");
    assert!(state.is_none(), "{text}");
}

#[test]
fn every_kind_is_read_in_both_notations() {
    for (lines, subject) in [
        ("type = \"tls\"\ndays_left = 14\nalpn = [\"h2\"]", "tls 192.0.2.1:443 sni=- verify=true days_left=14 alpn=[\"h2\"]"),
        ("type = \"tls\"\nport = 993\nhost = \"Mail.test\"", "tls 192.0.2.1:993 sni=Mail.test verify=true"),
        ("type = \"icmp\"", "icmp 192.0.2.1"),
        ("type = \"dns\"\nquery = \"www.test A\"", "dns 192.0.2.1:53 www.test. A NOERROR"),
        (
            "type = \"dns\"\nquery = \"test. TXT\"\nanswer = [\"a\", \"b c\"]\nexpect_rcode = \"NXDOMAIN\"\nrecursion = true",
            "dns 192.0.2.1:53 test. TXT NXDOMAIN answer=[\"\\\"a\\\"\", \"\\\"b\\\" \\\"c\\\"\"] recursion",
        ),
        ("type = \"grpc\"\nport = 1", "grpc 192.0.2.1:1 192.0.2.1:1 \"\""),
        (
            "type = \"grpc\"\nport = 1\nservice = \"a.B\"\nhost = \"g.test\"\ntls = true\nverify = false",
            "grpc 192.0.2.1:1 g.test:1 \"a.B\" sni=g.test verify=false",
        ),
    ] {
        assert_eq!(read(&probe(lines)).subject(), subject);
        assert_eq!(read(&check(&format!("{lines}\ntarget = \"192.0.2.1\""))).subject(), subject);
    }
}

#[test]
fn options_of_http_are_read_in_both_notations() {
    let options = "method = \"POST\"\nbody = \"x\"\nheaders = { Accept = \"a\" }\nexpect = [200, \"3xx\", \"400-404\"]\n\
                   matches = \"ok\"\nhttp2 = true\nsource = \"192.0.2.9\"\nproxy_protocol = \"v2\"";
    let subject = read(&probe(&format!("type = \"http\"\n{options}"))).subject();
    let (before, after) = subject.split_once(" sent=").unwrap();
    assert_eq!(before, "http 192.0.2.1:80 POST / Host: 192.0.2.1 matches \"ok\" expect=200,300-399,400-404");
    assert_eq!(&after[16..], " http2 from 192.0.2.9 proxy=v2");
    assert_eq!(read(&check(&format!("type = \"http\"\nip_address = \"192.0.2.1\"\n{options}"))).subject(), subject);
    assert_eq!(read(&probe("type = \"http\"\nfollow = 3")).subject(), "http 192.0.2.1:80 GET / Host: 192.0.2.1 follow=3");
    assert_eq!(read(&probe("type = \"http\"")).subject(), "http 192.0.2.1:80 GET / Host: 192.0.2.1");
}

#[test]
fn keys_that_mean_nothing_to_the_type_are_refused_by_place() {
    for (lines, problem) in [
        (
            "type = \"icmp\"\nport = 7",
            "5:1: error: [probe.p]: port means something only with type http or https or tcp or tls or dns or grpc or postgres or mysql or redis or command",
        ),
        (
            "type = \"icmp\"\nproxy_protocol = \"v1\"",
            "5:1: error: [probe.p]: proxy_protocol means something only with type http or https or tcp or tls or grpc or postgres or mysql or redis",
        ),
        (
            "type = \"tcp\"\nport = 1\nverify = true",
            "6:1: error: [probe.p]: verify means something only with type https or tls or grpc",
        ),
        ("type = \"tls\"\npath = \"/\"", "5:1: error: [probe.p]: path means something only with type http or https"),
        (
            "type = \"dns\"\nquery = \"a A\"\nhost = \"a\"",
            "6:1: error: [probe.p]: host means something only with type http or https or tls or grpc or postgres or mysql or redis",
        ),
        ("type = \"https\"\nalpn = [\"h2\"]", "5:1: error: [probe.p]: alpn means something only with type tls"),
        ("type = \"grpc\"\nport = 1\nverify = true", "6:1: error: [probe.p]: verify means something only with tls = true"),
        ("type = \"http\"\nmatch = \"x\"", "5:1: error: [probe.p]: unknown key \"match\" (did you mean \"matches\"?)"),
    ] {
        wrong(&probe(lines), &format!("z:{problem}\n"));
    }
    wrong(
        &check("type = \"tls\"\ntarget = \"a\"\nip_address = \"192.0.2.1\""),
        "z:6:1: error: [check.c]: ip_address means something only with type http or https or tcp\n",
    );
    wrong(&check("type = \"dns\"\nquery = \"a A\""), "z:3:8: error: [check.c]: target is needed: nothing says what to probe\n");
}

#[test]
fn values_that_cannot_be_meant_are_refused_by_place() {
    for (lines, problem) in [
        (
            "type = \"ping\"",
            "4:8: error: type: \"ping\" is no type of probe (accepted are http, https, tcp, tls, dns, icmp, grpc, postgres, mysql, redis, command; search = \"…\" makes http and https match a string)",
        ),
        (
            "type = \"http\"\nmethod = \"get\"",
            "5:10: error: method: \"get\" is not known (accepted are GET, HEAD, POST, PUT, PATCH, OPTIONS)",
        ),
        ("type = \"http\"\nbody = \"x\"", "5:8: error: body: GET has no body (method = \"POST\")"),
        (
            "type = \"http\"\nmethod = \"POST\"\nfollow = 1",
            "6:10: error: follow: POST is not sent again to another place (GET or HEAD)",
        ),
        ("type = \"http\"\nfollow = 11", "5:10: error: follow: 11 is not within 0-10"),
        (
            "type = \"http\"\nmethod = \"HEAD\"\nsearch = \"x\"",
            "6:1: error: [probe.p]: search means nothing with HEAD: its responses have no body",
        ),
        ("type = \"http\"\nsearch = \"x\"\nmatches = \"x\"", "6:1: error: [probe.p]: matches and search exclude each other"),
        ("type = \"http\"\nmatches = \"a(b\"", "5:11: error: matches: \"a(b\" is no pattern: unclosed group"),
        (
            "type = \"http\"\nmatches = \"(a{1000}){1000}\"",
            "5:11: error: matches: \"(a{1000}){1000}\" is no pattern: it takes more than 65536 octets when compiled",
        ),
        ("type = \"http\"\nexpect = []", "5:10: error: expect: no status passes (such as expect = [200, \"3xx\", \"400-499\"])"),
        ("type = \"http\"\nexpect = [199]", "5:11: error: an item of expect: 199 is not within 200-999"),
        (
            "type = \"http\"\nexpect = [\"1xx\"]",
            "5:11: error: an item of expect: \"1xx\" is no range of statuses (200, \"3xx\" or \"200-299\", from 200 on)",
        ),
        (
            "type = \"http\"\nexpect = [\"300-200\"]",
            "5:11: error: an item of expect: \"300-200\" is no range of statuses (200, \"3xx\" or \"200-299\", from 200 on)",
        ),
        (
            "type = \"http\"\nheaders = { Host = \"a\" }",
            "5:20: error: headers: Host: host is written by waypost (Host follows from `host` and `port`)",
        ),
        (
            "type = \"http\"\nheaders = { Content-Length = \"1\" }",
            "5:30: error: headers: Content-Length: content-length is written by waypost (any header that does not say how the message is sent)",
        ),
        (
            "type = \"http\"\nheaders = { \"a b\" = \"1\" }",
            "5:21: error: headers: a b: \"a b\" is no name of a header (letters, digits and hyphens)",
        ),
        (
            "type = \"http\"\nheaders = { a = \"x\\r\\nb: c\" }",
            "5:17: error: headers: a: this is no value of a header (at most 1024 printable ASCII characters)",
        ),
        ("type = \"http\"\nproxy_protocol = \"v3\"", "5:18: error: proxy_protocol: \"v3\" is not known (did you mean \"v1\"?)"),
        ("type = \"tls\"\ndays_left = 0", "5:13: error: days_left: 0 is not within 1-3650"),
        (
            "type = \"tls\"\nalpn = [\"\"]",
            "5:9: error: an item of alpn: \"\" is no name of a protocol (such as \"h2\" or \"http/1.1\")",
        ),
        ("type = \"dns\"", "3:8: error: [probe.p]: query is missing (such as query = \"www.example.org A\")"),
        (
            "type = \"dns\"\nquery = \"a\"",
            "5:9: error: query: \"a\" is no question (a name and a type, such as \"www.example.org A\")",
        ),
        (
            "type = \"dns\"\nquery = \"a AXFR\"",
            "5:9: error: query: \"a AXFR\" asks for no type of record (such as A, AAAA, SOA or TXT)",
        ),
        (
            "type = \"dns\"\nquery = \"a A\"\nexpect_rcode = \"OK\"",
            "6:16: error: expect_rcode: \"OK\" is not known (accepted are NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN, NOTAUTH, BADVERS, BADCOOKIE)",
        ),
        (
            "type = \"grpc\"",
            "7:9: error: probe: nothing says which port the grpc probe \"p\" connects to (port in the probe, or in target)",
        ),
        (
            "type = \"tcp\"\nport = 1\nsource = \"::1\"",
            "9:9: error: probe: 192.0.2.1 cannot be probed from ::1: they are of two families (a target of the source's family, or another source)",
        ),
    ] {
        wrong(&probe(lines), &format!("z:{problem}\n"));
    }
    let (_, problems) = load(&probe("type = \"dns\"\nquery = \"a A\"\nanswer = [\"www\"]"));
    assert!(problems.starts_with("z:6:11: error: an item of answer: no data of type A: "), "{problems}");
    let with_port = probe("type = \"icmp\"").replace("probe = \"p\"", "probe = \"p\"\ntarget = \"127.0.0.1:80\"");
    wrong(&with_port, "z:7:9: error: probe: the icmp probe \"p\" knows no ports (the target without its port)\n");
    wrong(
        &check("type = \"icmp\"\ntarget = \"192.0.2.1\"\nregion = \"eu central\""),
        "z:6:10: error: region: \"eu central\" is no name of a region (such as \"aws:eu-central-1\")\n",
    );
    wrong(&probe("type = \"icmp\"\nobserve = 1"), "z:5:11: error: observe: found an integer, expected true or false\n");
}

#[test]
fn every_problem_is_reported_in_one_run() {
    let (_, problems) = load(&probe("type = \"https\"\nfollow = -1\nmatches = \"[\"\nquery = \"a A\"\ndays_left = 9999"));
    assert_eq!(problems.lines().count(), 4, "{problems}");
}

#[test]
fn route53s_types_want_their_own_words() {
    wrong(
        &check("type = \"http_str_match\"\nip_address = \"192.0.2.1\"\nmatches = \"x\""),
        "z:4:8: error: type: http_str_match needs a search_string\n",
    );
    wrong(
        &check("type = \"https\"\nip_address = \"192.0.2.1\"\nsearch_string = \"x\""),
        "z:4:8: error: type: https takes no search_string (type = \"https_str_match\")\n",
    );
    wrong(
        &check("type = \"tpc\"\nip_address = \"192.0.2.1\""),
        "z:4:8: error: type: \"tpc\" is no type of health check (did you mean \"tcp\"?)\n",
    );
}

#[test]
fn the_longest_probe_is_that_of_its_phases() {
    for (lines, longest, hung) in [
        ("type = \"tcp\"\nport = 1", 10, 10),
        ("type = \"icmp\"", 4, 4),
        ("type = \"tls\"", 4, 4),
        ("type = \"grpc\"\nport = 1", 6, 4),
        ("type = \"dns\"\nquery = \"a A\"", 8, 2),
        ("type = \"http\"", 6, 4),
        ("type = \"http\"\nmatches = \"x\"", 8, 4),
        ("type = \"http\"\nfollow = 2", 26, 4),
        ("type = \"redis\"", 8, 4),
        ("type = \"command\"\ncommand = [\"/bin/true\"]", 10, 10),
    ] {
        let check = read(&probe(&format!("{lines}\nprofile = \"route53\"")));
        assert_eq!(check.protocol.longest(check.timing.deadlines), Duration::from_secs(longest), "{lines}");
        assert_eq!(check.protocol.hung(check.timing.deadlines).0, Duration::from_secs(hung), "{lines}");
    }
}

#[test]
fn where_a_profile_has_a_deadline_for_tls_it_adds_to_what_speaks_it() {
    for (lines, longest_millis) in [
        ("type = \"tcp\"\nport = 1", 400),
        ("type = \"tls\"", 1_400),
        ("type = \"http\"", 1_400),
        ("type = \"https\"", 2_400),
        ("type = \"grpc\"\nport = 1", 1_400),
        ("type = \"grpc\"\nport = 1\ntls = true", 2_400),
        ("type = \"redis\"", 2_400),
        ("type = \"redis\"\ntls = \"on\"", 3_400),
        // What a command waits for is no connection.
        ("type = \"command\"\ncommand = [\"/bin/true\"]", 10_000),
        ("type = \"command\"\ncommand = [\"/bin/true\"]\ntimeout = \"1s\"", 1_000),
    ] {
        let check = read(&probe(lines));
        assert_eq!(check.protocol.longest(check.timing.deadlines), Duration::from_millis(longest_millis), "{lines}");
    }
}
