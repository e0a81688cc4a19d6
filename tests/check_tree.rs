//! `waypost check`: the trees of routed names, as text, as JSON, as mermaid and as SVG.
//!
//! Runs the built binary over a zone with three levels, and over the example's. How long failing over takes is
//! tested where it is computed; here, that each branch says its own time. Source: docs/commands.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

const CONFIG: &str = "[server]\nlisten = [\"127.0.0.1:0\"]\n\n[zones]\nfiles = [\"zone.toml\"]\n";

/// Failover inside latency inside geolocation; each level with a time of its own.
const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]
ttl  = 60

[cidr.offices]
berlin = ["192.0.2.0/24"]

[probe.fast]
type     = "tcp"
interval = "10s"
timeout  = "2s"
fall     = 2

[probe.slow]
type     = "tcp"
interval = "30s"
timeout  = "5s"
fall     = 2

[endpoint.fra]
address = ["203.0.113.10", "2001:db8::10"]
region  = "aws:eu-central-1"
probe   = "fast"
target  = "127.0.0.1:8081"

[endpoint.bru]
address = ["203.0.113.20", "2001:db8::20"]
region  = "gcp:europe-west1"
probe   = "slow"
target  = "127.0.0.1:8082"

[endpoint.iad]
address = ["203.0.113.40", "2001:db8::40"]
region  = "aws:us-east-1"

[route.www]
policy       = "geolocation"
members      = [{ use = "route:eu", continent = "EU" }, { use = "iad", country = "US" }, { use = "iad", default = true }]
branch_names = true

[route.eu]
policy  = "latency"
members = [{ use = "route:pair", region = "aws:eu-central-1" }, "bru"]

[route.pair]
policy  = "failover"
members = ["fra", "bru"]
ttl     = 30
trickle = "2.5%"

[route.mix]
policy  = "weighted"
sticky  = true
members = [{ use = "route:pair", weight = 1 }, { use = "iad", weight = 3 }]

[route.near]
policy  = "geoproximity"
nearest = 2
fence   = [{ continent = "EU" }, { country = "US" }]
members = [{ use = "fra", bias = 20 }, { use = "iad" }]

[route.intern]
policy  = "ip_based"
cidr    = "offices"
members = [{ use = "fra", location = "berlin" }, { use = "iad", default = true }]

[route.many]
policy      = "multivalue"
min_healthy = "50%"
members     = ["fra", "iad"]

[[record]]
name  = "@"
type  = "A"
alias = { name = "many", evaluate_target_health = false }

[[record]]
name   = "plain"
type   = "A"
values = ["203.0.113.70"]
"#;

/// The first tree, below the header.
const TREES: &str = "
 ROUTED NAME                                                                            DETECT  + CACHES  = FAIL OVER
 www.example.org. A, AAAA geolocation                                                     70 s      60 s        130 s
 ├─ eu: continent EU → eu.example.org. latency                                            70 s      60 s        130 s
 │  ├─ pair: aws:eu-central-1 → pair.example.org. failover, trickle 2.5%                  70 s      30 s        100 s
 │  │  ├─ fra: primary, check fra                                                         24 s      30 s         54 s
 │  │  └─ bru: secondary, check bru                                                       70 s      30 s        100 s
 │  └─ bru: gcp:europe-west1, check bru                                                   70 s      60 s        130 s
 ├─ iad-US: country US, no check                                                         never      60 s        never
 └─ iad-default: all others, no check                                                    never      60 s        never
";

const MERMAID: &str = r##"flowchart LR
    n0["www.example.org. A<br/>weighted, sticky<br/>fails over in 54 s"]
    n1["pair: weight 1<br/>pair.example.org. failover<br/>fails over in 54 s"]
    n2("fra: primary, check fra<br/>fails over in 54 s")
    n1 --> n2
    n3("iad: secondary, no check<br/>never fails over")
    n1 --> n3
    n0 --> n1
    n4("#60;i#62; #34;ad#34; #38; #35;1#59;: weight 3, no check<br/>never fails over")
    n0 --> n4
    n5["example.org. A<br/>simple<br/>fails over in 54 s"]
    n6["www.example.org. (drawn above), target health not evaluated<br/>fails over in 54 s"]:::elsewhere
    n5 -.-> n6
    classDef elsewhere stroke-dasharray: 4
"##;

/// A zone whose owner tries what labels bear.
const ODD_ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]
ttl  = 30

[probe.fast]
type     = "tcp"
interval = "10s"
timeout  = "2s"
fall     = 2

[endpoint.fra]
address = ["203.0.113.10"]
probe   = "fast"
target  = "127.0.0.1:8081"

[endpoint.iad]
address = ["203.0.113.40"]

[route.pair]
policy  = "failover"
members = ["fra", "iad"]

[[record]]
name  = "@"
type  = "A"
alias = { name = "www", evaluate_target_health = false }

[[record]]
name           = "www"
type           = "A"
set_identifier = "pair"
weight         = 1
alias          = { name = "pair", evaluate_target_health = true }

[[record]]
name           = "www"
type           = "A"
set_identifier = "<i> \"ad\" & #1;"
weight         = 3
values         = ["203.0.113.40"]

[[group]]
name   = "www"
type   = "A"
sticky = true
"#;

/// A directory with a configuration and one zone in it.
struct Site(PathBuf);

impl Site {
    fn new(test: &str, zone: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("check_tree").join(test);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("waypost.toml"), CONFIG).unwrap();
        fs::write(directory.join("zone.toml"), zone).unwrap();
        Self(directory)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_waypost")).arg("check").args(arguments).current_dir(&self.0).output().unwrap()
    }

    #[track_caller]
    fn held(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    }
}

fn example() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/multi-cloud/zones/example.org.toml")).unwrap()
}

/// The text of the elements named `text` of a document that must be well-formed.
fn texts(svg: &str) -> Vec<String> {
    let mut reader = Reader::from_str(svg);
    let (mut depth, mut inside, mut found) = (0, false, Vec::<String>::new());
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error} at {}: {svg}", reader.error_position())) {
            Event::Start(tag) => {
                depth += 1;
                inside = tag.name().as_ref() == b"text";
                if inside {
                    found.push(String::new());
                }
            }
            Event::End(_) => (depth, inside) = (depth - 1, false),
            Event::Text(text) if inside => found.last_mut().unwrap().push_str(&text.decode().unwrap()),
            Event::GeneralRef(reference) if inside => {
                let entity = reference.decode().unwrap();
                found.last_mut().unwrap().push_str(quick_xml::escape::resolve_predefined_entity(&entity).unwrap());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "{svg}");
    found
}

#[test]
fn each_branch_of_a_tree_of_three_levels_stands_beside_its_time() {
    let out = Site::new("text", ZONE).held(&[]);
    assert!(out.contains(TREES), "{out}");
}

#[test]
fn every_policy_and_option_is_said_and_what_was_drawn_is_named() {
    let out = Site::new("policies", ZONE).held(&[]);
    let lines: Vec<String> = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for expected in [
        "mix.example.org. A, AAAA weighted, sticky 70 s 60 s 130 s",
        "├─ pair: weight 1 → pair.example.org. (drawn above) 70 s 30 s 100 s",
        "near.example.org. A, AAAA geoproximity, fence continent EU or country US, nearest 2 24 s 60 s 84 s",
        "├─ fra: at 50.1, 8.7, bias +20, check fra 24 s 60 s 84 s",
        "├─ fra: berlin of offices, check fra 24 s 60 s 84 s",
        "└─ iad: all others, no check never 60 s never",
        "many.example.org. A, AAAA multivalue, min_healthy 50% 24 s 60 s 84 s",
        "example.org. A simple 24 s 60 s 84 s",
        "└─ → many.example.org. (drawn above), target health not evaluated 24 s 60 s 84 s",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected:?} is not in:\n{out}");
    }
    for absent in ["_via", "plain", "ns1"] {
        assert!(!out.contains(absent), "{absent:?} is in:\n{out}");
    }
}

#[test]
fn slow_checks_get_a_hint_that_is_no_warning() {
    let site = Site::new("hint", ZONE);
    let out = site.held(&[]);
    let hints: Vec<&str> = out.lines().filter(|line| line.starts_with("hint: ")).collect();
    let expected = [
        "hint: bru: a failure is noticed within 70 s; with retry = \"250ms\" it would be within 40 s",
        "hint: fra: a failure is noticed within 24 s; with retry = \"250ms\" it would be within 14 s",
    ];
    assert_eq!(hints, expected);
    let report: Value = serde_json::from_str(&site.held(&["--json"])).unwrap();
    assert_eq!(report["hints"][1], &expected[1]["hint: ".len()..]);
    assert_eq!(report["problems"], json!([]));
    let confirmed = Site::new("no-hint", &ZONE.replace("fall     = 2", "fall     = 2\nretry    = \"1s\""));
    assert!(!confirmed.held(&[]).contains("hint"));
}

#[test]
fn names_outside_the_zone_are_leaves_of_the_trees_and_trees_of_their_own() {
    let zone = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("zones/elsewhere.toml")).unwrap();
    let site = Site::new("outside", &zone);
    let out = site.held(&[]);
    let lines: Vec<String> = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for expected in [
        "│ ├─ cdn: primary, check cdn → shop.cdn.example.com. outside the zone 9.2 s 60 s 69.2 s",
        "elsewhere.example.org. A simple never 60 s never",
        "└─ → my-lb.eu-west-1.elb.example.net. outside the zone never 60 s never",
        "└─ → my-lb.eu-west-1.elb.example.net. outside the zone, target health not evaluated never 60 s never",
        "└─ → elsewhere.example.org. (drawn above) never 60 s never",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected:?} is not in:\n{out}");
    }
    let report: Value = serde_json::from_str(&site.held(&["--json"])).unwrap();
    let apex = report["trees"].as_array().unwrap().iter().find(|tree| tree["name"] == "elsewhere.example.org.").unwrap();
    let alias = json!({ "target": "my-lb.eu-west-1.elb.example.net.", "evaluate_target_health": true, "drawn": "outside" });
    assert_eq!(apex["members"][0]["alias"], alias);
    assert!(site.held(&["--graph", "mermaid"]).contains("shop.cdn.example.com. outside the zone"));
    let expanded = site.held(&["--expand"]);
    assert!(expanded.contains("alias = { name = \"shop.cdn.example.com.\", evaluate_target_health = true }"), "{expanded}");
}

#[test]
fn json_has_the_trees_as_fields() {
    let report: Value = serde_json::from_str(&Site::new("json", ZONE).held(&["--json"])).unwrap();
    let www = &report["trees"][0];
    assert_eq!((&www["types"], &www["name"]), (&json!(["A", "AAAA"]), &json!("www.example.org.")));
    let eu = &www["members"][0];
    assert_eq!((&eu["area"], &eu["alias"]["drawn"]), (&json!({ "continent": "EU" }), &json!("here")));
    let pair = &eu["alias"]["group"]["members"][0];
    assert_eq!((&pair["region"], &pair["alias"]["group"]["trickle_percent"]), (&json!("aws:eu-central-1"), &json!(2.5)));
    let expected = json!({
        "set_identifier": "bru", "tier": 1, "health_check": "bru", "detect_ms": 70_000, "cache_ms": 30_000, "total_ms": 100_000
    });
    assert_eq!(pair["alias"]["group"]["members"][1], expected);
    let unchecked = json!({
        "set_identifier": "iad-default", "area": { "default": true }, "detect_ms": null, "cache_ms": 60_000, "total_ms": null
    });
    assert_eq!(www["members"][2], unchecked);
}

#[test]
fn mermaid_says_what_the_text_says_and_no_more_than_labels_bear() {
    assert_eq!(Site::new("mermaid", ODD_ZONE).held(&["--graph", "mermaid"]), MERMAID);
}

#[test]
fn svg_is_well_formed_and_has_every_line_of_the_text() {
    let site = Site::new("svg-odd", ODD_ZONE);
    let svg = site.held(&["--graph", "svg"]);
    let found = texts(&svg);
    for expected in ["<i> \"ad\" & #1;: weight 3, no check", "www.example.org. A", "weighted, sticky", "fra: primary, check fra"]
    {
        assert!(found.iter().any(|text| text == expected), "{expected:?} is not in {found:?}");
    }
    assert_eq!(site.held(&["--graph", "svg"]), svg, "equal trees make equal pictures");
}

#[test]
fn the_example_is_drawn_with_every_member() {
    let site = Site::new("svg-example", &example());
    let report: Value = serde_json::from_str(&site.held(&["--json"])).unwrap();
    let mut members = Vec::new();
    let trees = report["trees"].as_array().unwrap();
    trees.iter().for_each(|tree| put_members(tree, &mut members));
    assert_eq!(trees.len(), 3);
    assert_eq!(members.len(), 18, "{members:?}");
    let svg = site.held(&["--graph", "svg"]);
    let found = texts(&svg);
    for member in &members {
        let drawn = found.iter().filter(|text| text.starts_with(&format!("{member}: "))).count();
        assert_eq!(drawn, members.iter().filter(|other| *other == member).count(), "{member}: {found:?}");
    }
    assert_eq!(svg.matches("<path").count(), members.len());
    assert_apart(&svg);
}

fn put_members(group: &Value, members: &mut Vec<String>) {
    for member in group["members"].as_array().unwrap() {
        members.push(member["set_identifier"].as_str().unwrap().to_owned());
        if member["alias"]["drawn"] == "here" {
            put_members(&member["alias"]["group"], members);
        }
    }
}

/// No two boxes of the picture share a point.
fn assert_apart(svg: &str) {
    let boxes: BTreeSet<[usize; 4]> =
        svg.lines().filter(|line| line.starts_with("<rect") && !line.contains("ground")).map(rectangle).collect();
    assert_eq!(boxes.len(), svg.matches("<rect").count() - 1, "{svg}");
    for one in &boxes {
        for other in boxes.iter().filter(|other| *other != one) {
            let beside = one[0] + one[2] < other[0] || other[0] + other[2] < one[0];
            let above = one[1] + one[3] < other[1] || other[1] + other[3] < one[1];
            assert!(beside || above, "{one:?} and {other:?} overlap");
        }
    }
}

/// x, y, width and height.
fn rectangle(line: &str) -> [usize; 4] {
    ["x", "y", "width", "height"].map(|wanted| {
        let (_, rest) = line.split_once(&format!(" {wanted}=\"")).unwrap();
        rest.split_once('"').unwrap().0.parse().unwrap()
    })
}

#[test]
fn a_drawing_is_of_a_known_format_and_alone() {
    let site = Site::new("refused", ODD_ZONE);
    for arguments in [&["--graph", "png"][..], &["--graph", "svg", "--json"], &["--graph", "svg", "--expand"]] {
        let ran = site.run(arguments);
        assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(2), &b""[..]), "{arguments:?}");
    }
    let broken = Site::new("broken", &ODD_ZONE.replace("fall ", "fal "));
    let ran = broken.run(&["--graph", "svg"]);
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(2), &b""[..]));
}
