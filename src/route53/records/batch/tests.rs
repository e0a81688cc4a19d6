//! What batches do to a zone, and what Route 53 says of those that it refuses, word by word.

use super::fixture::Fixture;

const VALUES_DIFFER: &str = "but the values provided do not match the current values";

/// Batches on a zone that has `before`, and what comes of each.
fn check(before: &[&str], rows: &[(&[&str], &str)]) {
    for (batch, expected) in rows {
        assert_eq!(Fixture::new(before).apply(batch), *expected, "{batch:?}");
    }
}

fn check_strict(before: &[&str], rows: &[(&[&str], &str)]) {
    for (batch, expected) in rows {
        assert_eq!(Fixture::strict(before).apply(batch), *expected, "{batch:?}");
    }
}

#[test]
fn what_a_change_needs_to_be_there_is_there_or_is_said_to_be_missing() {
    let www = "CREATE www A ttl=60 192.0.2.1|192.0.2.2";
    let blue = "CREATE api A id=blue weight=1 ttl=60 192.0.2.3";
    let tried = |action: &str, what: &str, but: &str| format!("[Tried to {action} resource record set [{what}] {but}]");
    let of_www = "name='www.example.org.', type='A'";
    check(
        &[www, blue],
        &[
            (&[www], &tried("create", of_www, "but it already exists")),
            (&[blue], &tried("create", "name='api.example.org.', type='A', set-identifier='blue'", "but it already exists")),
            (&["DELETE x A ttl=60 192.0.2.1"], &tried("delete", "name='x.example.org.', type='A'", "but it was not found")),
            (&["DELETE www A ttl=61 192.0.2.1|192.0.2.2"], &tried("delete", of_www, VALUES_DIFFER)),
            (&["DELETE www A ttl=60 192.0.2.1"], &tried("delete", of_www, VALUES_DIFFER)),
            (&["DELETE www A ttl=60 192.0.2.2|192.0.2.1"], "ok"),
            (&["DELETE WWW A ttl=60 192.0.2.1|192.0.2.2"], "ok"),
            (
                &["DELETE www A ttl=60 192.0.2.1|192.0.2.2", "DELETE www A ttl=60 192.0.2.1|192.0.2.2"],
                &tried("delete", of_www, "but it was not found"),
            ),
            (&["DELETE www A ttl=60 192.0.2.1|192.0.2.2", www], "ok"),
            (&[www, "DELETE www A ttl=60 192.0.2.1|192.0.2.2"], &tried("create", of_www, "but it already exists")),
            (
                &["DELETE api A id=blue weight=2 ttl=60 192.0.2.3"],
                &tried("delete", "name='api.example.org.', type='A', set-identifier='blue'", VALUES_DIFFER),
            ),
            (&["UPSERT www A ttl=9 192.0.2.9", "UPSERT new A ttl=9 192.0.2.9"], "ok"),
        ],
    );
}

#[test]
fn names_and_values_are_refused_in_the_words_of_route_53() {
    let invalid = |fatal: &str| format!("[Invalid Resource Record: 'FATAL problem: {fatal}']");
    check(
        &[],
        &[
            (
                &["CREATE www.example.com. A ttl=60 192.0.2.1"],
                "[RRSet with DNS name www.example.com. is not permitted in zone example.org.]",
            ),
            (
                &["CREATE bü A ttl=60 192.0.2.1"],
                "[FATAL problem: UnsupportedCharacter (Value contains unsupported characters) encountered with 'ü']",
            ),
            (
                &["CREATE a..b A ttl=60 192.0.2.1"],
                "[FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with 'a..b.example.org']",
            ),
            (
                &["CREATE www A ttl=60 x"],
                &invalid("ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with 'x'"),
            ),
            (&["CREATE www A ttl=60 a b"], &invalid("ARRDATANotSingleField (Value contains spaces) encountered with 'a b'")),
            (
                &["CREATE www AAAA ttl=60 x"],
                &invalid("AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address) encountered with 'x'"),
            ),
            (
                &["CREATE www TXT ttl=60 abc"],
                &invalid("InvalidCharacterString (Value should be enclosed in quotation marks) encountered with 'abc'"),
            ),
            (&["CREATE www A ttl=60 10.0.0.1|10.0.0.1"], "[Duplicate Resource Record: '10.0.0.1']"),
            (&["CREATE www AAAA ttl=60 ::1|0:0::1"], "[Duplicate Resource Record: '0:0::1']"),
        ],
    );
}

#[test]
fn all_that_is_wrong_is_told_in_the_order_of_the_changes() {
    let mut fixture = Fixture::new(&["CREATE www A ttl=60 192.0.2.1"]);
    let batch = [
        "CREATE a A ttl=60 x|y",
        "CREATE ok A ttl=60 192.0.2.1",
        "DELETE none A ttl=1 192.0.2.1",
        "CREATE www CNAME ttl=1 ok.example.org",
    ];
    let illegal = |value| {
        format!(
            "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '{value}''"
        )
    };
    let expected = [
        illegal("x"),
        illegal("y"),
        "Tried to delete resource record set [name='none.example.org.', type='A'] but it was not found".to_owned(),
        "RRSet of type CNAME with DNS name www.example.org. is not permitted as it conflicts with other records with the same DNS name in zone example.org.".to_owned(),
    ];
    assert_eq!(fixture.apply(&batch), format!("[{}]", expected.join(", ")));
    assert_eq!(fixture.listed(), ["www.example.org. A 192.0.2.1"]);
}

#[test]
fn a_cname_is_alone_and_not_at_the_apex() {
    let in_zone = "with the same DNS name already exists in zone example.org.]";
    let beside = |rtype: &str| {
        format!(
            "[RRSet of type {rtype} with DNS name c.example.org. is not permitted because a conflicting RRSet of type CNAME {in_zone}"
        )
    };
    let others = "[RRSet of type CNAME with DNS name www.example.org. is not permitted as it conflicts with other records with the same DNS name in zone example.org.]";
    check(
        &[
            "CREATE www A ttl=60 192.0.2.1",
            "CREATE c CNAME ttl=60 www.example.org",
            "CREATE w CNAME id=1 weight=1 ttl=60 www.example.org",
            "CREATE lone CNAME ttl=60 x.y",
        ],
        &[
            (
                &["CREATE @ CNAME ttl=60 www.example.org"],
                "[RRSet of type CNAME with DNS name example.org. is not permitted at apex in zone example.org.]",
            ),
            (&["CREATE www CNAME ttl=60 x.y"], others),
            (&["CREATE www CNAME alias=Z1/lone/false"], others),
            (&["CREATE c A ttl=60 192.0.2.1"], &beside("A")),
            (&["CREATE c TXT ttl=60 \"x\""], &beside("TXT")),
            (&["DELETE c CNAME ttl=60 www.example.org.", "CREATE c A ttl=60 192.0.2.1"], "ok"),
            (&["CREATE c A ttl=60 192.0.2.1", "DELETE c CNAME ttl=60 www.example.org."], "ok"),
            (&["CREATE w CNAME id=2 weight=1 ttl=60 c.example.org"], "ok"),
            (
                &["CREATE n CNAME ttl=60 a.b|c.d"],
                "[RRSet of type CNAME with DNS name n.example.org. is not permitted with more than one value in zone example.org.]",
            ),
        ],
    );
    check_strict(
        &["CREATE c CNAME ttl=60 x.y"],
        &[(&["CREATE c A ttl=60 192.0.2.1", "DELETE c CNAME ttl=60 x.y"], &beside("A"))],
    );
}

#[test]
fn members_of_a_group_have_one_policy() {
    let name = |id: &str| format!("[RRSet with DNS name www.example.org., type A, SetIdentifier {id}");
    let same = "with the same name and type";
    check(
        &["CREATE www A ttl=60 192.0.2.1"],
        &[
            (
                &["CREATE www A id=S weight=1 ttl=60 192.0.2.2"],
                &format!("{} cannot be created as a non-weighted set exists {same}.]", name("S")),
            ),
            (
                &["CREATE www A id=S region=eu-west-2 ttl=60 192.0.2.2"],
                &format!(
                    "{}, and Region Name=eu-west-2 cannot be created because a non-latency RRSet {same} already exists.]",
                    name("S")
                ),
            ),
            (
                &["CREATE www A id=S geo=NA ttl=60 192.0.2.2"],
                &format!(
                    "{}, and routing to [continent = (NA, North America)] cannot be created because a non-GEO RRSet {same} already exists]",
                    name("S")
                ),
            ),
            (
                &["CREATE www A id=S multi=true ttl=60 192.0.2.2"],
                &format!("{} cannot be created because a non multivalue answer rrset exists {same}.]", name("S")),
            ),
            (
                &["CREATE www A id=S failover=PRIMARY ttl=60 192.0.2.2"],
                &format!(
                    "{}, and marked as primary cannot be created because a non-failover RRSet {same} already exists]",
                    name("S")
                ),
            ),
            (&["DELETE www A ttl=60 192.0.2.1", "CREATE www A id=S weight=1 ttl=60 192.0.2.2"], "ok"),
            (&["CREATE www A id=S weight=1 ttl=60 192.0.2.2", "DELETE www A ttl=60 192.0.2.1"], "ok"),
        ],
    );
    let two = ["CREATE www A id=1 weight=1 ttl=60 192.0.2.1", "CREATE www A id=2 weight=1 ttl=60 192.0.2.2"];
    let simple =
        "[RRSet with DNS name www.example.org., type A cannot be created as other RRSets exist with the same name and type.]";
    check(
        &two,
        &[
            (&["CREATE www A ttl=60 192.0.2.1"], simple),
            (
                &["UPSERT www A id=1 region=eu-west-2 ttl=60 192.0.2.2"],
                &format!(
                    "{}, and Region Name=eu-west-2 cannot be created because a non-latency RRSet {same} already exists.]",
                    name("1")
                ),
            ),
            (
                &["UPSERT www A id=1 region=eu-west-2 ttl=60 192.0.2.2", "UPSERT www A id=2 region=eu-west-1 ttl=60 192.0.2.2"],
                "ok",
            ),
            (
                &["CREATE www A id=3 weight=1 ttl=61 192.0.2.3"],
                &format!(
                    "{} cannot be created as weighted sets must contain the same TTL.]",
                    name("3").replace(", type", " and type")
                ),
            ),
            (&["UPSERT www A id=1 weight=1 ttl=61 192.0.2.3", "UPSERT www A id=2 weight=1 ttl=61 192.0.2.3"], "ok"),
        ],
    );
    let reversed: &[&str] = &["CREATE www A id=S weight=1 ttl=60 192.0.2.2", "DELETE www A ttl=60 192.0.2.1"];
    check_strict(
        &["CREATE www A ttl=60 192.0.2.1"],
        &[(reversed, &format!("{} cannot be created as a non-weighted set exists {same}.]", name("S")))],
    );
}

#[test]
fn no_two_members_are_for_the_same_clients() {
    let before = [
        "CREATE l A id=1 region=eu-west-2 ttl=60 192.0.2.1",
        "CREATE g A id=1 geo=US/CA ttl=60 192.0.2.1",
        "CREATE f A id=1 failover=PRIMARY ttl=60 192.0.2.1",
        "CREATE i A id=1 cidr=offices/berlin ttl=60 192.0.2.1",
        "CREATE m A id=1 multi=true ttl=60 192.0.2.1|192.0.2.2",
        "CREATE n A id=1 near=eu-west-1 ttl=60 192.0.2.1",
    ];
    for (line, refused) in [
        ("CREATE l A id=2 region=eu-west-2 ttl=60 192.0.2.2", true),
        ("CREATE l A id=2 region=eu-west-1 ttl=60 192.0.2.2", false),
        ("CREATE g A id=2 geo=US/CA ttl=60 192.0.2.2", true),
        ("CREATE g A id=2 geo=US ttl=60 192.0.2.2", false),
        ("CREATE g A id=2 geo=* ttl=60 192.0.2.2", false),
        ("CREATE f A id=2 failover=PRIMARY ttl=60 192.0.2.2", true),
        ("CREATE f A id=2 failover=SECONDARY ttl=60 192.0.2.2", false),
        ("CREATE i A id=2 cidr=offices/berlin ttl=60 192.0.2.2", true),
        ("CREATE i A id=2 cidr=offices/* ttl=60 192.0.2.2", false),
        ("CREATE i A id=2 cidr=offices/paris ttl=60 192.0.2.2", true),
        ("CREATE i A id=2 cidr=none/berlin ttl=60 192.0.2.2", true),
        ("CREATE m A id=2 multi=true ttl=60 192.0.2.2", true),
        ("CREATE m A id=2 multi=true ttl=60 192.0.2.1|192.0.2.2", false),
        ("CREATE m A id=2 multi=true ttl=60 192.0.2.3", false),
        ("CREATE n A id=2 near=eu-west-1 ttl=60 192.0.2.2", false),
        ("CREATE x NS id=2 weight=1 ttl=60 ns.x", true),
        ("CREATE x CNAME id=2 multi=true ttl=60 ns.x", true),
    ] {
        let found = Fixture::new(&before).apply(&[line]);
        assert_eq!(found != "ok", refused, "{line}: {found}");
    }
    // Both at once: each is judged beside what the other becomes.
    let swap = ["UPSERT f A id=1 failover=SECONDARY ttl=60 192.0.2.1", "CREATE f A id=2 failover=PRIMARY ttl=60 192.0.2.2"];
    check(&before, &[(&swap, "ok")]);
}

#[test]
fn an_aliass_target_is_in_its_zone_and_there() {
    let tried = |name: &str, zone: &str| format!("Tried to create an alias that targets {name}, type A in zone {zone}");
    let outside =
        |name: &str, zone: &str| format!("{}, but the alias target name does not lie within the target zone", tried(name, zone));
    let missing = |name: &str, zone: &str| format!("{}, but that target was not found", tried(name, zone));
    check(
        &["CREATE www A ttl=60 192.0.2.1", "CREATE txt TXT ttl=60 \"x\""],
        &[
            (&["CREATE a A alias=Z1/www/true"], "ok"),
            (&["CREATE a A alias=Z1/none/true"], &format!("[{}]", missing("none.example.org.", "Z1"))),
            (&["CREATE a A alias=Z1/txt/true"], &format!("[{}]", missing("txt.example.org.", "Z1"))),
            (
                &["CREATE a A alias=Z1/lb.aws.com./true"],
                &format!("[{}, {}]", outside("lb.aws.com.", "Z1"), missing("lb.aws.com.", "Z1")),
            ),
            (&["CREATE a A alias=Z2FDTNDATAQYW2/d1.cloudfront.net./false"], "ok"),
            (
                &["CREATE a TXT alias=ZELB/lb.aws.com./false"],
                "[Tried to create an alias that targets lb.aws.com., type TXT in zone ZELB, but of a target in another zone only types A and AAAA can be answered]",
            ),
            (&["CREATE a A alias=ZELB/www/false"], &format!("[{}]", outside("www.example.org.", "ZELB"))),
            (&["CREATE a A alias=Z2/www.example.net./false"], &format!("[{}]", missing("www.example.net.", "Z2"))),
            (
                &["CREATE a A alias=Z2/www.example.com./false"],
                &format!("[{}, {}]", outside("www.example.com.", "Z2"), missing("www.example.com.", "Z2")),
            ),
            (&["CREATE a A alias=Z1/b/true", "CREATE b A ttl=60 192.0.2.1"], "ok"),
            (
                &["CREATE a A alias=Z1/www/true", "DELETE www A ttl=60 192.0.2.1"],
                &format!("[{}]", missing("www.example.org.", "Z1")),
            ),
            (
                &["CREATE @ NS alias=Z1/www/true"],
                "[Tried to create resource record set [name='example.org.', type='NS'] but it already exists]",
            ),
            // What is wrong with a target is told once, not with the alias again.
            (
                &["CREATE a A alias=Z1/b/true", "CREATE b A ttl=60 x"],
                "[Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with 'x'']",
            ),
        ],
    );
    let late: &[&str] = &["CREATE a A alias=Z1/b/true", "CREATE b A ttl=60 192.0.2.1"];
    check_strict(&[], &[(late, &format!("[{}]", missing("b.example.org.", "Z1"))), (&[late[1], late[0]], "ok")]);
}

#[test]
fn what_an_alias_answers_as_is_not_taken_away() {
    let before = ["CREATE www A ttl=60 192.0.2.1", "CREATE a A alias=Z1/www/true"];
    let (delete, unalias) = ("DELETE www A ttl=60 192.0.2.1", "DELETE a A alias=Z1/www/true");
    let refused = "[Tried to delete resource record set [name='www.example.org.', type='A'] but it is the target of the alias [name='a.example.org.', type='A']]";
    let weighted = "CREATE www A id=1 weight=1 ttl=60 192.0.2.1";
    check(&before, &[(&[delete], refused), (&[unalias, delete], "ok"), (&[delete, unalias], "ok"), (&[delete, weighted], "ok")]);
    check_strict(&before, &[(&[delete], refused), (&[unalias, delete], "ok"), (&[delete, unalias], refused)]);
    check(
        &before,
        &[(
            &["DELETE a A alias=Z1/www/false"],
            &format!("[Tried to delete resource record set [name='a.example.org.', type='A'] {VALUES_DIFFER}]"),
        )],
    );
}

#[test]
fn cnames_and_aliases_form_no_loop() {
    let refused = |rtype: &str, name: &str| {
        format!(
            "[RRSet of type {rtype} with DNS name {name}.example.org. is not permitted as it creates a CNAME or alias loop in the zone.]"
        )
    };
    check(
        &[
            "CREATE www A ttl=60 192.0.2.1",
            "CREATE a A alias=Z1/www/true",
            "CREATE b A alias=Z1/a/true",
            "CREATE c CNAME ttl=60 d.example.org",
        ],
        &[
            (&["CREATE d CNAME ttl=60 c.example.org"], &refused("CNAME", "d")),
            (&["CREATE e CNAME ttl=60 E.example.org."], &refused("CNAME", "e")),
            (&["UPSERT www A alias=Z1/b/true"], &refused("A", "www")),
            (&["CREATE x A alias=Z1/x/true"], &refused("A", "x")),
            (&["CREATE x A alias=Z1/y/true", "CREATE y A alias=Z1/x/true"], &refused("A", "y")),
            (&["CREATE d CNAME ttl=60 e.example.org", "CREATE e CNAME ttl=60 f.example.org"], "ok"),
            (
                &["CREATE d CNAME id=1 weight=1 ttl=60 e.example.org", "CREATE d CNAME id=2 weight=1 ttl=60 c.example.org"],
                &refused("CNAME", "d"),
            ),
        ],
    );
}

#[test]
fn aliases_lead_so_far_and_no_further() {
    let chain = |len: usize| {
        (0..len)
            .map(|at| format!("CREATE a{at} A alias=Z1/a{}/true", at + 1))
            .chain([format!("CREATE a{len} A ttl=60 192.0.2.1")])
    };
    let lines: Vec<String> = chain(32).collect();
    let longest: Vec<&str> = lines.iter().map(String::as_str).collect();
    let deep = |name: &str, found: usize| {
        format!(
            "[RRSet of type A with DNS name {name}.example.org. is not permitted as {found} aliases would lead from one name to its values; at most 32 may.]"
        )
    };
    check(&longest, &[(&["CREATE x A alias=Z1/a0/true"], &deep("x", 33)), (&["CREATE x A alias=Z1/a1/true"], "ok")]);
    // Below, the chain grows: what is above it counts.
    check(
        &longest,
        &[
            (&["CREATE x A ttl=60 192.0.2.1", "UPSERT a32 A alias=Z1/x/true"], &deep("a32", 33)),
            (&["UPSERT a32 A ttl=1 192.0.2.9"], "ok"),
        ],
    );
    let lines: Vec<String> = chain(5_000).collect();
    let long: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert!(Fixture::new(&[]).apply(&long).contains("5000 aliases"));
}

#[test]
fn a_tree_of_aliases_holds_so_many_members_and_no_more() {
    let members = |name: &str, target: &str| -> Vec<String> {
        (0..64).map(|id| format!("CREATE {name} A id={id} weight=1 alias=Z1/{target}/true")).collect()
    };
    let lines: Vec<String> =
        [members("top", "mid"), members("mid", "low"), vec!["CREATE low A ttl=60 192.0.2.1".into()]].concat();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let found = Fixture::new(&[]).apply(&lines);
    assert!(found.contains("8256 RRSets would be looked at to answer for one name; at most 4096 may."), "{found}");
    let narrower: Vec<&str> =
        lines.iter().copied().filter(|line| !line.contains("top A id=") || line.contains("id=1 ")).collect();
    let mut fixture = Fixture::new(&narrower);
    // A member more below makes the tree above too large, which is found from below.
    let more: Vec<String> = (0..31).map(|id| format!("CREATE top A id=x{id} weight=1 alias=Z1/mid/true")).collect();
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    assert!(fixture.apply(&more).contains("at most 4096 may"));
    assert_eq!(fixture.apply(&more[..30]), "ok");
    assert!(
        fixture
            .apply(&[
                "CREATE mid A id=x weight=1 ttl=60 192.0.2.1",
                "CREATE mid A id=y weight=1 ttl=60 192.0.2.1",
                "CREATE mid A id=z weight=1 alias=Z1/low/true"
            ])
            .contains("at most 4096 may")
    );
}

#[test]
fn the_apex_keeps_its_ns_and_soa() {
    let (ns, soa) = ("DELETE @ NS ttl=172800 ns1.x.|ns2.x.", "DELETE @ SOA ttl=900 ns.x. h.x. 1 2 3 4 5");
    check(
        &[],
        &[
            (&[ns], "[A HostedZone must contain at least one NS record for the zone itself.]"),
            (&[soa], "[A HostedZone must contain exactly one SOA record.]"),
            (
                &[ns, soa],
                "[A HostedZone must contain at least one NS record for the zone itself., A HostedZone must contain exactly one SOA record.]",
            ),
            (&["UPSERT @ NS ttl=60 ns3.x", "UPSERT @ SOA ttl=60 ns3.x. h.x. 2 2 3 4 5"], "ok"),
            (&[ns, "CREATE @ NS ttl=60 ns3.x"], "ok"),
            (
                &["CREATE sub SOA ttl=60 ns3.x. h.x. 2 2 3 4 5"],
                "[RRSet of type SOA with DNS name sub.example.org. is only permitted at apex in zone example.org.]",
            ),
            (
                &["CREATE * NS ttl=60 ns3.x"],
                "[RRSet of type NS with DNS name \\052.example.org. is not permitted at a wildcard in zone example.org.]",
            ),
            (
                &["CREATE @ DS ttl=60 1 13 2 ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789"],
                "[RRSet of type DS with DNS name example.org. is not permitted at apex in zone example.org.]",
            ),
        ],
    );
}

#[test]
fn health_checks_exist_and_primaries_may_do_without_one() {
    let primary = |check: &str| format!("CREATE f A id=1 failover=PRIMARY ttl=60 {check}192.0.2.1");
    check(
        &[],
        &[
            (&[&primary("check=none ")], "A health check with id none does not exist."),
            (&[&primary("check=check ")], "ok"),
            (&[&primary("")], "ok"),
        ],
    );
    let needed = "[A non-alias primary ResourceRecordSet must have an associated health check. No changes made.]";
    check_strict(&[], &[(&[&primary("")], needed), (&[&primary("check=check ")], "ok")]);
}

#[test]
fn the_limits_of_route_53_hold_when_strict() {
    let values = |count: usize| (0..count).map(|at| format!("10.0.{}.{}", at / 256, at % 256)).collect::<Vec<_>>().join("|");
    let create = |name: &str, count: usize| format!("CREATE {name} A ttl=60 {}", values(count));
    let (a, b, c) = (create("a", 400), create("b", 400), create("c", 201));
    let number = "[Number of records limit of 1000 exceeded.]";
    check_strict(
        &[],
        &[(&[&a, &b, &c], number), (&[&a, &b], "ok"), (&[&create("a", 401)], "[Cannot have more than 400 records in a RRSet.]")],
    );
    check_strict(&[], &[(&[&a.replace("CREATE", "UPSERT"), &c], number), (&[&a.replace("CREATE", "UPSERT")], "ok")]);
    check(&[], &[(&[&a, &b, &c], "ok"), (&[&create("a", 401)], "ok")]);
    let text =
        |name: &str, len: usize| format!("UPSERT {name} TXT ttl=60 {}", vec![format!("\"{}\"", "x".repeat(200)); len].join(" "));
    let texts: Vec<String> = (0..5).map(|at| text(&format!("t{at}"), 19)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    check_strict(&[], &[(&texts, "[Number of characters limit of 32000 exceeded.]"), (&texts[..4], "ok")]);
    let sets: Vec<String> = (0..9_998).map(|at| format!("CREATE n{at} A ttl=60 192.0.2.1")).collect();
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let one = "CREATE one A ttl=60 192.0.2.1";
    check_strict(
        &sets,
        &[(&[one], "[Number of resource record sets limit of 10000 exceeded.]"), (&[one, "DELETE n1 A ttl=60 192.0.2.1"], "ok")],
    );
    let members: Vec<String> = (0..101).map(|at| format!("CREATE w A id={at} weight=1 ttl=60 10.0.0.{at}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    assert!(Fixture::strict(&[]).apply(&members).contains("more than 100 RRSets"));
    check(&[], &[(&members, "ok")]);
}

#[test]
fn protected_record_sets_are_left_alone() {
    for (comment, expected) in [(Some("payroll"), "but it is protected: payroll]"), (None, "but it is protected]")] {
        let mut fixture = Fixture::new(&["CREATE www A ttl=60 192.0.2.1"]);
        fixture.protect(comment);
        for line in
            ["UPSERT WWW A ttl=60 192.0.2.2", "DELETE www A ttl=60 192.0.2.1", "CREATE www A id=1 weight=1 ttl=60 192.0.2.1"]
        {
            let found = fixture.apply(&[line, "CREATE other A ttl=60 192.0.2.1"]);
            assert!(
                found.starts_with("[Tried to change resource record set [name='www.example.org.', type='A'")
                    && found.contains(expected),
                "{found}"
            );
        }
        assert_eq!(fixture.apply(&["CREATE www AAAA ttl=60 ::1"]), "ok");
    }
}

#[test]
fn what_a_traffic_policy_instance_made_is_deleted_but_not_changed() {
    let mut fixture = Fixture::new(&["CREATE www A ttl=60 192.0.2.1"]);
    let there = fixture.zone().rrsets().values().find(|rrset| rrset.said.kind == "A").expect("www").clone();
    let mut said = there.said.clone();
    said.traffic_policy_instance_id = Some("i".into());
    let rrset = std::sync::Arc::new(crate::route53::records::rrset::Rrset::new(said).expect("it was valid"));
    fixture.account.apply(vec![super::Edit::Put(super::Record::Rrset { zone: "Z1".into(), rrset })]);
    let refused = "[Tried to change resource record set [name='www.example.org.', type='A'] but it belongs to the traffic policy instance i, which is changed instead]";
    assert_eq!(fixture.apply(&["UPSERT www A ttl=60 192.0.2.2"]), refused);
    assert_eq!(fixture.apply(&["CREATE new A instance=i"]), refused.replace("www", "new"));
    assert!(fixture.apply(&["DELETE www A ttl=60 192.0.2.1"]).contains(VALUES_DIFFER));
    assert_eq!(fixture.apply(&["DELETE www A instance=i"]), "ok");
}

#[test]
fn upserts_replace_and_wildcards_are_shown_escaped() {
    let mut fixture = Fixture::new(&["UPSERT www A ttl=60 192.0.2.1", "CREATE * TXT ttl=60 \"x\""]);
    assert_eq!(fixture.apply(&["UPSERT www A ttl=30 192.0.2.2|192.0.2.3"]), "ok");
    assert_eq!(fixture.listed(), ["\\052.example.org. TXT \"x\"", "www.example.org. A 192.0.2.2|192.0.2.3"]);
}
