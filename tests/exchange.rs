//! Backup, restore, export and import as an operator runs them: the built binary, and servers on loopback.
//!
//! Laws of the formats are in `src/route53/exchange/tests.rs` and `src/route53/account/backup/tests.rs`. Here: that
//! what goes out of one server comes into another, under changes and with keys, and that what is wrong changes nothing.

mod support {
    pub mod serve;
}

use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;
use support::serve::{Client, Serving, Site};

const CONFIG: &str = r#"
[server]
listen  = ["127.0.0.1:0"]
workers = 1

[http]
listen = "127.0.0.1:0"

[log]
format = "json"

[zones]
files = ["file.example.toml"]
"#;

const FILE_ZONE: &str = "zone = \"file.example.\"\nns = [\"ns1.file.example.\"]\n\n[[record]]\nname = \"ns1\"\ntype = \"A\"\nvalues = [\"192.0.2.53\"]\n";

/// A zone with every policy that both a file and Route 53 have words for.
const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[check.fra]
type              = "http"
ip_address        = "127.0.0.1"
port              = 9
request_interval  = 30
failure_threshold = 3
disabled          = true

[cidr.offices]
berlin = ["198.51.100.0/24"]

[[record]]
name   = "www"
type   = "A"
set_identifier = "one"
failover = "PRIMARY"
health_check = "fra"
ttl    = 30
values = ["192.0.2.1"]

[[record]]
name   = "www"
type   = "A"
set_identifier = "two"
failover = "SECONDARY"
ttl    = 30
values = ["192.0.2.2"]

[[record]]
name  = "app"
type  = "A"
alias = { name = "www", evaluate_target_health = true }

[[record]]
name  = "a-first"
type  = "A"
alias = { name = "app", evaluate_target_health = false }

[[record]]
name   = "near"
type   = "A"
set_identifier = "eu"
region = "aws:eu-central-1"
values = ["192.0.2.3"]

[[record]]
name   = "geo"
type   = "A"
set_identifier = "de"
geo_location = { country_code = "DE" }
values = ["192.0.2.4"]

[[record]]
name   = "geo"
type   = "A"
set_identifier = "rest"
geo_location = { country_code = "*" }
values = ["192.0.2.5"]

[[record]]
name   = "office"
type   = "A"
set_identifier = "berlin"
cidr_routing_config = { collection_id = "offices", location_name = "berlin" }
values = ["192.0.2.6"]

[[record]]
name   = "office"
type   = "A"
set_identifier = "rest"
cidr_routing_config = { collection_id = "offices", location_name = "*" }
values = ["192.0.2.7"]

[[record]]
name   = "text"
type   = "TXT"
values = ['"a \"quoted\" text" "and \200 more"']

[[record]]
name   = "*.wild"
type   = "A"
values = ["192.0.2.8"]
"#;

fn site(test: &str) -> Site {
    let site = Site::new(&format!("exchange-{test}"));
    site.write("waypost.toml", CONFIG);
    site.write("file.example.toml", FILE_ZONE);
    site.write("example.org.toml", ZONE);
    site
}

/// One run of the program in a site's folder.
struct Ran {
    status: i32,
    out: String,
    err: String,
}

fn run_with(site: &Site, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(arguments).current_dir(&site.0).stdin(Stdio::null());
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    let Output { status, stdout, stderr } = command.envs(environment.iter().copied()).output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { status: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

fn run(site: &Site, arguments: &[&str]) -> Ran {
    run_with(site, arguments, &[])
}

impl Ran {
    #[track_caller]
    fn held(self) -> String {
        assert_eq!((self.status, &*self.err), (0, ""), "{}", self.out);
        self.out
    }

    #[track_caller]
    fn failed(self, status: i32, saying: &[&str]) {
        assert_eq!((self.status, &*self.out), (status, ""), "{}", self.err);
        saying.iter().for_each(|text| assert!(self.err.contains(text), "{text:?} is not in:\n{}", self.err));
    }
}

fn url(server: &Serving) -> String {
    format!("http://{}", server.http)
}

/// The last octet of the address that a name has, over DNS.
fn address(server: &Serving, name: &str) -> Option<u8> {
    let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    name.split('.').for_each(|label| {
        query.push(label.len() as u8);
        query.extend_from_slice(label.as_bytes());
    });
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    let response = Client::new(server.dns).ask(&query);
    (response[6..8] != [0, 0]).then(|| *response.last().unwrap())
}

/// A zone's record sets as `export route53` has them, without what ids differ in.
fn records(server: &Serving, site: &Site) -> Vec<Value> {
    let text = run(site, &["export", "route53", "example.org", "--server", &url(server)]).held();
    let batch: Value = serde_json::from_str(&text).unwrap();
    let mut records: Vec<Value> =
        batch["Changes"].as_array().unwrap().iter().map(|change| change["ResourceRecordSet"].clone()).collect();
    for record in &mut records {
        for (member, inner) in [("AliasTarget", "HostedZoneId"), ("CidrRoutingConfig", "CollectionId")] {
            if let Some(inner) = record.get_mut(member).and_then(|member| member.get_mut(inner)) {
                *inner = Value::Null;
            }
        }
        record["HealthCheckId"] = record.get("HealthCheckId").is_some().into();
    }
    records
}

#[test]
fn a_zone_goes_from_a_file_into_a_server_and_out_again_in_every_notation() {
    let site = site("round");
    let server = site.serve();
    let said = run(&site, &["import", "toml", "example.org.toml", "--server", &url(&server)]).held();
    assert!(said.starts_with("example.org. made as Z") && said.contains("11 changes in 1 batch"), "{said}");
    for (name, last) in [("www", 1), ("app", 1), ("a-first", 1), ("geo", 5), ("office", 7), ("x.wild", 8)] {
        assert_eq!(address(&server, &format!("{name}.example.org")), Some(last), "{name}");
    }
    // Again: nothing differs, and no check is made twice.
    let said = run(&site, &["import", "toml", "example.org.toml", "--server", &url(&server)]).held();
    assert!(said.contains("0 changes in 0 batches"), "{said}");

    // Out as TOML, which is a file that means the same: into another server, the records are the same.
    let text = run(&site, &["export", "example.org", "--format", "toml", "--server", &url(&server)]).held();
    assert_eq!(text, run(&site, &["export", "toml", "example.org.", "--server", &url(&server)]).held());
    site.write("out.toml", &text);
    assert_eq!(run(&site, &["import", "toml", "out.toml"]).held(), text);
    let other = self::site("round-other");
    let second = other.serve();
    fs::copy(site.0.join("out.toml"), other.0.join("out.toml")).unwrap();
    run(&other, &["import", "toml", "out.toml", "--server", &url(&second)]).held();
    assert_eq!(records(&second, &other), records(&server, &site));

    // Out as a change batch, in the order of its aliases, and in again.
    let text = run(&site, &["export", "route53", "example.org", "--server", &url(&server)]).held();
    let batch: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> =
        batch["Changes"].as_array().unwrap().iter().map(|change| change["ResourceRecordSet"]["Name"].as_str().unwrap()).collect();
    assert_eq!(names[names.len() - 2..], ["app.example.org.", "a-first.example.org."]);
    let third_site = self::site("round-third");
    let third = third_site.serve();
    third_site.write("batch.json", &text);
    let ids = |records: &Value| {
        records["Changes"].as_array().unwrap().iter().any(|change| change["ResourceRecordSet"].get("HealthCheckId").is_some())
    };
    assert!(ids(&batch));
    // Its collection and its check are not there: the server says so, and nothing is put.
    let refused = run(&third_site, &["import", "route53", "batch.json", "--zone", "example.org", "--server", &url(&third)]);
    refused.failed(1, &["NoSuchHealthCheck"]);
    assert_eq!(address(&third, "geo.example.org"), None);
    // With --replace what is not in the file goes.
    site.write("less.toml", "zone = \"example.org.\"\nns = [\"x.example.net.\"]\n[[record]]\nname = \"only\"\ntype = \"A\"\nvalues = [\"192.0.2.9\"]\n");
    let said = run(&site, &["import", "toml", "less.toml", "--server", &url(&server), "--replace"]).held();
    assert!(said.contains("found as Z") && said.contains("12 changes"), "{said}");
    assert_eq!((address(&server, "only.example.org"), address(&server, "www.example.org")), (Some(9), None));
    let plain = run(&site, &["export", "master", "example.org", "--server", &url(&server)]).held();
    assert!(plain.contains("only.example.org. 60 IN A 192.0.2.9"), "{plain}");
    site.write("plain.zone", &plain);
    let said = run(&site, &["import", "master", "plain.zone", "--server", &url(&server), "--replace"]).held();
    assert!(said.contains("0 changes"), "{said}");
}

#[test]
fn a_zone_of_a_file_is_not_put_into_a_server_that_has_it_in_a_file() {
    let site = site("owned");
    let server = site.serve();
    let refused = run(&site, &["import", "toml", "file.example.toml", "--server", &url(&server), "--apex"]);
    refused.failed(1, &["AccessDenied", "file.example.toml"]);
    let missing = run(&site, &["export", "toml", "nowhere.example", "--server", &url(&server)]);
    missing.failed(2, &["nowhere.example is not among those"]);
}

#[test]
fn a_zone_from_aws_becomes_zone_toml_that_serves_the_same() {
    let site = site("aws");
    site.write("records.json", AWS_RECORDS);
    site.write("checks.json", AWS_CHECKS);
    run(&site, &["import", "route53", "records.json", "--zone", "example.com"])
        .failed(2, &["the health check 11111111-2222-3333-4444-555555555555, which is not known", "list-health-checks"]);
    let text = run(
        &site,
        &[
            "import",
            "route53",
            "records.json",
            "--zone",
            "example.com",
            "--health-checks",
            "checks.json",
            "--ns",
            "ns1.example.net,ns2.example.net",
        ],
    )
    .held();
    assert!(text.starts_with("zone = \"example.com.\"\nns = [\"ns1.example.net.\", \"ns2.example.net.\"]\n"), "{text}");
    assert!(!text.contains("awsdns") && text.contains("[check.11111111-2222-3333-4444-555555555555]"), "{text}");
    assert!(text.contains("dualstack.lb-1.eu-central-1.elb.amazonaws.com."), "{text}");
    site.write("file.example.toml", &text);
    assert!(run(&site, &["check"]).held().contains("example.com."));
    let master = run(&site, &["export", "master", "example.com"]);
    master.failed(2, &["www.example.com. A: policy failover", "lb.example.com. A: an alias of dualstack"]);
    let kept = run(&site, &["import", "route53", "records.json", "--zone", "example.com", "--without-health-checks"]);
    assert!(
        kept.status == 0 && kept.err.contains("its SOA and NS are still those") && kept.out.contains("awsdns"),
        "{}",
        kept.err
    );
}

#[test]
fn what_is_no_zone_is_refused_with_everything_that_is_wrong() {
    let site = site("wrong");
    site.write(
        "wrong.json",
        r#"{"ResourceRecordSets": [{"Name": "a.example.org.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "x"}]},
        {"Name": "b.example.org.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "y"}]}]}"#,
    );
    run(&site, &["import", "route53", "wrong.json", "--zone", "example.org"])
        .failed(2, &["wrong.json: a.example.org. A", "wrong.json: b.example.org. A"]);
    run(&site, &["import", "toml", "nothing.toml"]).failed(2, &["reading nothing.toml"]);
    run(&site, &["import", "route53", "-", "--zone", "example.org"]).failed(2, &["there is nothing in it"]);
    run(&site, &["restore", "nothing.jsonl"]).failed(2, &["reading nothing.jsonl"]);
    run(&site, &["backup", "x.jsonl", "--server", "http://127.0.0.1:1"])
        .failed(1, &["asking http://127.0.0.1:1/v1/route53/backup"]);
}

#[test]
fn a_zone_too_large_for_one_batch_is_written_in_several_files_that_make_it() {
    let site = site("batches");
    let records: String = (0..1_500).map(|n| format!("n{n}.large.example. 60 IN A 192.0.2.{}\n", n % 256)).collect();
    let soa = "large.example. 60 IN SOA ns.x. h.x. 1 2 3 4 5\nlarge.example. 60 IN NS ns.x.\n";
    site.write("large.zone", &format!("{soa}{records}"));
    site.write("waypost.toml", &CONFIG.replace("file.example.toml\"", "large.zone\""));
    run(&site, &["export", "route53", "large.example"]).failed(2, &["takes 2 batches", "--out DIR"]);
    fs::create_dir(site.0.join("batches")).unwrap();
    let ran = run(&site, &["export", "route53", "large.example", "--out", "batches"]);
    assert_eq!((ran.status, &*ran.out), (0, "batches/batch-1.json\nbatches/batch-2.json\n"), "{}", ran.err);
    let other = self::site("batches-other");
    let server = other.serve();
    for batch in ["batch-1.json", "batch-2.json"] {
        let file = site.0.join("batches").join(batch);
        let file = file.to_str().unwrap();
        run(&other, &["import", "route53", file, "--zone", "large.example", "--server", &url(&server)]).held();
    }
    assert_eq!(address(&server, "n1499.large.example"), Some(219));
}

/// A server with a zone, and its folder.
fn with_zone(test: &str) -> (Site, Serving) {
    let site = site(test);
    let server = site.serve();
    run(&site, &["import", "toml", "example.org.toml", "--server", &url(&server)]).held();
    (site, server)
}

#[test]
fn a_restore_brings_back_what_was_backed_up_and_takes_away_the_rest() {
    let (site, server) = with_zone("restore");
    let said = run(&site, &["backup", "then.jsonl", "--server", &url(&server)]).held();
    assert!(said.starts_with("then.jsonl: "), "{said}");
    let then = records(&server, &site);
    site.write("more.toml", "zone = \"more.example.\"\nns = [\"x.example.net.\"]\n[[record]]\nname = \"a\"\ntype = \"A\"\nvalues = [\"192.0.2.77\"]\n");
    run(&site, &["import", "toml", "more.toml", "--server", &url(&server)]).held();
    site.write("less.toml", "zone = \"example.org.\"\nns = [\"x.example.net.\"]\n[[record]]\nname = \"www\"\ntype = \"A\"\nvalues = [\"192.0.2.9\"]\n");
    run(&site, &["import", "toml", "less.toml", "--server", &url(&server), "--replace"]).held();
    assert_eq!((address(&server, "a.more.example"), address(&server, "www.example.org")), (Some(77), Some(9)));
    let said = run(&site, &["restore", "then.jsonl", "--server", &url(&server)]).held();
    assert!(said.starts_with("restored 1 zone, 13 record sets, 1 health check: "), "{said}");
    assert_eq!((address(&server, "a.more.example"), address(&server, "www.example.org")), (None, Some(1)));
    assert_eq!(records(&server, &site), then);
    // What files own is as it was.
    assert_eq!(address(&server, "ns1.file.example"), Some(53));
    let said = run(&site, &["restore", "then.jsonl", "--server", &url(&server)]).held();
    assert!(said.ends_with(": 0 changes\n"), "{said}");

    // Into an empty server, in memory as this one.
    let other = self::site("restore-other");
    let second = other.serve();
    fs::copy(site.0.join("then.jsonl"), other.0.join("then.jsonl")).unwrap();
    run(&other, &["restore", "then.jsonl", "--server", &url(&second)]).held();
    assert_eq!(records(&second, &other), then);
    let again = run(&other, &["backup", "-", "--server", &url(&second)]).held();
    let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let first = fs::read_to_string(site.0.join("then.jsonl")).unwrap();
    let (again, first) = (lines(&again), lines(&first));
    assert_eq!(again[..again.len() - 1], first[..first.len() - 1]);
}

#[test]
fn a_damaged_backup_is_refused_by_program_and_server_and_changes_nothing() {
    let (site, server) = with_zone("damaged");
    let whole = run(&site, &["backup", "-", "--server", &url(&server)]).held();
    let zone = whole.lines().find(|line| line.contains("\"kind\":\"rrset\"") && line.contains("192.0.2.8")).unwrap();
    let before = records(&server, &site);
    let cuts = (0..whole.len()).step_by(whole.len() / 40).map(|len| whole[..len].to_owned());
    let changed = [whole.replace("192.0.2.8", "192.0.2.9"), whole.replace(&format!("{zone}\n"), ""), format!("{whole}\n")];
    for damaged in cuts.chain(changed) {
        let (status, said) = put(&server, "/v1/route53/restore", damaged.as_bytes());
        assert_eq!(status, 400, "{said}");
        assert!(said.contains("nothing was changed"), "{said}");
    }
    site.write("cut.jsonl", &whole[..whole.len() / 2]);
    run(&site, &["restore", "cut.jsonl", "--server", &url(&server)]).failed(2, &["cut.jsonl", "cut off"]);
    assert_eq!(records(&server, &site), before);
    assert_eq!(address(&server, "x.wild.example.org"), Some(8));
}

#[test]
fn a_backup_that_no_operations_could_have_made_is_refused_whole_with_everything_that_is_wrong() {
    let (site, server) = with_zone("unsound");
    let whole = run(&site, &["backup", "-", "--server", &url(&server)]).held();
    let lines: Vec<&str> = whole.lines().collect();
    let zone = lines[1].split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap();
    let rrset = |record: &str| format!("{{\"kind\":\"rrset\",\"zone\":\"{zone}\",\"record\":{{{record}}}}}");
    let good = rrset(r#""name":"new.example.org.","type":"A","ttl":1,"values":["192.0.2.99"]"#);
    let beside = rrset(r#""name":"text.example.org.","type":"CNAME","ttl":1,"values":["x."]"#);
    let unknown = rrset(r#""name":"b.example.org.","type":"A","ttl":1,"values":["192.0.2.1"],"health_check_id":"nobody""#);
    let sealed = |more: &[&str]| {
        let text: String = lines[..lines.len() - 1].iter().chain(more).map(|line| format!("{line}\n")).collect();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let digest: String = digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{text}{{\"records\":{},\"sha256\":\"{digest}\"}}\n", lines.len() - 2 + more.len())
    };
    site.write("unsound.jsonl", &sealed(&[&good, &beside, &unknown]));
    let restore = |file: &str| run(&site, &["restore", file, "--server", &url(&server)]);
    restore("unsound.jsonl").failed(2, &["CNAME", "there is no health check nobody"]);
    assert_eq!(address(&server, "new.example.org"), None);
    assert_eq!(run(&site, &["backup", "-", "--server", &url(&server)]).held().lines().nth(1), Some(lines[1]));
    site.write("sound.jsonl", &sealed(&[&good]));
    assert!(restore("sound.jsonl").held().ends_with(": 1 change\n"));
    assert_eq!(address(&server, "new.example.org"), Some(99));
}

#[test]
fn queries_are_answered_from_before_or_after_a_restore_and_never_from_between() {
    let site = site("atomic");
    let server = site.serve();
    let zone = |target: &str, last: u8| {
        format!(
            "zone = \"example.org.\"\nns = [\"x.example.net.\"]\n[[record]]\nname = \"www\"\ntype = \"CNAME\"\nvalues = [\"{target}\"]\n\
             [[record]]\nname = \"{target}\"\ntype = \"A\"\nvalues = [\"192.0.2.{last}\"]\n"
        )
    };
    for (file, target, last) in [("one", "a", 1), ("two", "b", 2)] {
        site.write(&format!("{file}.toml"), &zone(target, last));
        run(&site, &["import", "toml", &format!("{file}.toml"), "--server", &url(&server), "--replace"]).held();
        run(&site, &["backup", &format!("{file}.jsonl"), "--server", &url(&server)]).held();
    }
    let (url, done) = (url(&server), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..12 {
                run(&site, &["restore", ["one.jsonl", "two.jsonl"][n % 2], "--server", &url]).held();
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut seen = [0, 0];
        while !done.load(Ordering::SeqCst) {
            // Through the CNAME to the address behind it: of a part of a restore one would be missing.
            let last = address(&server, "www.example.org").expect("there is an answer");
            seen[usize::from(last - 1)] += 1;
        }
        assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    });
}

#[test]
fn what_the_api_has_no_words_for_is_put_only_when_it_may_be_lost() {
    let site = site("lossy");
    let server = site.serve();
    site.write(
        "tiers.toml",
        "zone = \"example.org.\"\nns = [\"x.example.net.\"]\n\n[check.tls]\ntype = \"http\"\nip_address = \"127.0.0.1\"\nfailure_threshold = 3\nrise = 2\ndisabled = true\n\n\
         [[record]]\nname = \"www\"\ntype = \"A\"\nset_identifier = \"one\"\nfailover = 0\nhealth_check = \"tls\"\nvalues = [\"192.0.2.1\"]\n\n\
         [[record]]\nname = \"www\"\ntype = \"A\"\nset_identifier = \"three\"\nfailover = 2\nvalues = [\"192.0.2.3\"]\n",
    );
    let server = url(&server);
    let import = ["import", "toml", "tiers.toml", "--server", &server];
    run(&site, &import).failed(2, &["failover tier 2", "health check tls", "--lossy"]);
    let ran = run(&site, &[&import[..], &["--lossy"]].concat());
    assert!(ran.status == 0 && ran.err.contains("failover tier 2") && ran.out.contains("2 changes"), "{} {}", ran.out, ran.err);
    let exported = run(&site, &["export", "route53", "example.org", "--server", &server]).held();
    assert!(exported.contains("\"Failover\": \"SECONDARY\""), "{exported}");
}

#[test]
fn a_change_batch_says_the_ids_of_where_it_goes() {
    let site = site("ids");
    site.write("waypost.toml", &CONFIG.replace("file.example.toml", "example.org.toml"));
    run(&site, &["export", "route53", "example.org"]).failed(2, &["aliases within a zone say its id", "--hosted-zone-id ID"]);
    let export = ["export", "route53", "example.org", "--hosted-zone-id", "Z0THERE", "--lossy"];
    let ran = run(&site, &export);
    assert!(ran.status == 0 && ran.err.contains("names health checks as the files do: fra"), "{}", ran.err);
    let ran = run(&site, &[&export[..], &["--health-check", "fra=11111111-2222-3333-4444-555555555555"]].concat());
    assert!(
        ran.out.contains("\"HealthCheckId\": \"11111111-2222-3333-4444-555555555555\"") && !ran.err.contains("fra"),
        "{}",
        ran.err
    );
    assert_eq!(ran.out.matches("\"HostedZoneId\": \"Z0THERE\"").count(), 2, "{}", ran.out);
}

/// Sends a body; the status and the text of the answer.
fn put(server: &Serving, path: &str, body: &[u8]) -> (u16, String) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(server.http).unwrap();
    stream.set_read_timeout(Some(support::serve::PATIENCE)).unwrap();
    write!(stream, "PUT {path} HTTP/1.1\r\nHost: waypost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len())
        .unwrap();
    stream.write_all(body).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let (head, text) = page.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), text.to_owned())
}

#[test]
fn a_backup_under_writes_holds_whole_batches_only() {
    let site = site("concurrent");
    let server = site.serve();
    let pair = |n: usize| {
        let change = |name: &str| {
            format!(
                r#"{{"Action": "UPSERT", "ResourceRecordSet": {{"Name": "{name}.example.org.", "Type": "TXT", "TTL": 60, "ResourceRecords": [{{"Value": "\"{n}\""}}]}}}}"#
            )
        };
        // In the middle of the zone and at its end, with a name of its own between them.
        format!(r#"{{"Changes": [{}, {}, {}]}}"#, change("a"), change(&format!("m{n}")), change("z"))
    };
    site.write("batch-0.json", &pair(0));
    let url = url(&server);
    let import = |site: &Site, n: usize| {
        let file = format!("batch-{n}.json");
        run(site, &["import", "route53", &file, "--zone", "example.org", "--server", &url]).held()
    };
    import(&site, 0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..16 {
                site.write(&format!("batch-{n}.json"), &pair(n));
                import(&site, n);
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut seen = Vec::new();
        while !done.load(Ordering::SeqCst) || seen.is_empty() {
            let text = server.get("/v1/route53/backup").1;
            let text = unchunked(&text);
            let value = |name: &str| {
                let line = text.lines().find(|line| line.contains(&format!("\"name\":\"{name}.example.org.\""))).unwrap();
                serde_json::from_str::<Value>(line).unwrap()["record"]["values"][0]
                    .as_str()
                    .unwrap()
                    .trim_matches('"')
                    .parse::<usize>()
                    .unwrap()
            };
            let (a, z) = (value("a"), value("z"));
            let middle = text.lines().filter(|line| line.contains("\"name\":\"m")).count();
            assert_eq!((a, middle), (z, a + 1), "a part of a batch");
            waypost::route53::account::backup::read(text.as_bytes()).unwrap();
            seen.push(a);
        }
        assert!(seen.is_sorted(), "{seen:?}");
    });
}

/// A body that came in chunks (RFC 9112 §7.1).
fn unchunked(body: &str) -> String {
    let (mut text, mut rest) = (String::new(), body);
    while let Some((len, tail)) = rest.split_once("\r\n") {
        let len = usize::from_str_radix(len, 16).unwrap();
        if len == 0 {
            break;
        }
        text.push_str(&tail[..len]);
        rest = &tail[len + 2..];
    }
    text
}

const KEYS: &str = r#"
[[route53.key]]
id     = "AKIAALL"
secret = "the-secret-of-all"
name   = "ops"

[[route53.key]]
id     = "AKIAREAD"
secret = "the-secret-of-readers"
access = "read"

[[route53.key]]
id     = "AKIAONE"
secret = "the-secret-of-one"
zones  = ["example.org."]
session_token = "a-token"
"#;

#[test]
fn with_keys_the_program_signs_and_only_who_may_write_everything_backs_up() {
    let site = site("keys");
    site.write("waypost.toml", &format!("{CONFIG}{KEYS}"));
    let server = site.serve();
    let url = url(&server);
    let all = [("AWS_ACCESS_KEY_ID", "AKIAALL"), ("AWS_SECRET_ACCESS_KEY", "the-secret-of-all")];
    let read = [("AWS_ACCESS_KEY_ID", "AKIAREAD"), ("AWS_SECRET_ACCESS_KEY", "the-secret-of-readers")];
    let one =
        [("AWS_ACCESS_KEY_ID", "AKIAONE"), ("AWS_SECRET_ACCESS_KEY", "the-secret-of-one"), ("AWS_SESSION_TOKEN", "a-token")];
    let import = ["import", "toml", "example.org.toml", "--server", &url];
    run(&site, &import).failed(1, &["MissingAuthenticationToken"]);
    run_with(&site, &import, &all[..1]).failed(1, &["AWS_SECRET_ACCESS_KEY"]);
    run_with(&site, &import, &read).failed(1, &["AccessDenied"]);
    run_with(&site, &import, &all).held();
    let export = ["export", "toml", "example.org", "--server", &url];
    assert_eq!(run_with(&site, &export, &read).held(), run_with(&site, &export, &all).held());
    // A name whose escapes both sides must write alike.
    site.write("odd.json", r#"{"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {"Name": "a\\100b+c.example.org.", "Type": "A", "TTL": 1, "ResourceRecords": [{"Value": "192.0.2.1"}]}}]}"#);
    run_with(&site, &["import", "route53", "odd.json", "--zone", "example.org", "--server", &url], &one).held();

    let backup = ["backup", "all.jsonl", "--server", &url];
    run(&site, &backup).failed(1, &["Missing Authentication Token"]);
    run_with(&site, &backup, &read).failed(1, &["not authorized"]);
    run_with(&site, &backup, &one).failed(1, &["not authorized"]);
    assert!(!site.0.join("all.jsonl").exists());
    run_with(&site, &backup, &all).held();
    let restore = ["restore", "all.jsonl", "--server", &url];
    run(&site, &restore).failed(1, &["Missing Authentication Token"]);
    run_with(&site, &restore, &one).failed(1, &["not authorized"]);
    assert!(run_with(&site, &restore, &all).held().contains("0 changes"));
    let wrong = [("AWS_ACCESS_KEY_ID", "AKIAALL"), ("AWS_SECRET_ACCESS_KEY", "another")];
    run_with(&site, &restore, &wrong).failed(1, &["signature"]);
}

#[test]
fn the_store_of_a_server_that_stopped_is_exported_and_that_of_a_running_one_says_how() {
    let site = site("store");
    site.write("waypost.toml", &format!("{CONFIG}\n[store]\npath = \"waypost.redb\"\n"));
    run(&site, &["export", "toml", "example.org"]).failed(2, &["the zone example.org is neither in the files"]);
    assert!(!site.0.join("waypost.redb").exists(), "asking makes no store");
    let server = site.serve();
    run(&site, &["import", "toml", "example.org.toml", "--server", &url(&server)]).held();
    let live = run(&site, &["export", "toml", "example.org", "--server", &url(&server)]).held();
    run(&site, &["export", "toml", "example.org"]).failed(2, &["another process has it open", "--server URL"]);
    run(&site, &["backup", "all.jsonl", "--server", &url(&server)]).held();
    let batch = run(&site, &["export", "route53", "example.org", "--server", &url(&server)]).held();
    server.stop();
    assert_eq!(run(&site, &["export", "toml", "example.org"]).held(), live);
    assert_eq!(run(&site, &["export", "route53", "example.org"]).held(), batch);

    // What was restored is still there after a restart.
    fs::remove_file(site.0.join("waypost.redb")).unwrap();
    let server = site.serve();
    run(&site, &["restore", "all.jsonl", "--server", &url(&server)]).held();
    server.stop();
    assert_eq!(run(&site, &["export", "toml", "example.org"]).held(), live);
    let server = site.serve();
    assert_eq!(address(&server, "app.example.org"), Some(1));
    server.stop();
}

/// As `aws route53 list-resource-record-sets` prints a zone.
const AWS_RECORDS: &str = include_str!("../examples/route53/records.json");

/// As `aws route53 list-health-checks` prints them.
const AWS_CHECKS: &str = include_str!("../examples/route53/health-checks.json");
