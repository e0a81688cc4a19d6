//! Export and import as an operator runs them: the built binary, and servers on loopback.
//!
//! Laws of the formats are in `src/route53/exchange/tests.rs`. Here: that what goes out of one server or file comes into
//! another, with keys too, and that what is wrong changes nothing. Backups: `tests/backup.rs`.

mod support {
    pub mod exchange;
    pub mod serve;
}

use std::fs;

use serde_json::Value;
use support::exchange::{CONFIG, address, records, run, run_with, site, url};

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
fn a_check_of_a_type_that_the_api_does_not_have_is_put_as_what_comes_nearest_only_when_it_may_be_lost() {
    let site = site("own-types");
    let server = site.serve();
    site.write(
        "writer.toml",
        "zone = \"example.org.\"\nns = [\"x.example.net.\"]\n\n[check.a]\ntype = \"postgres\"\nuser = \"waypost\"\ntarget = \"127.0.0.1\"\n\n\
         [check.web]\ntype = \"http\"\nip_address = \"127.0.0.1\"\ndisabled = true\n\n\
         [check.both]\ntype = \"calculated\"\nchildren = [\"a\", \"web\"]\nhealth_threshold = 1\n\n\
         [[record]]\nname = \"db\"\ntype = \"A\"\nset_identifier = \"one\"\nfailover = 0\nhealth_check = \"a\"\nvalues = [\"192.0.2.1\"]\n\n\
         [[record]]\nname = \"db\"\ntype = \"A\"\nset_identifier = \"two\"\nfailover = 1\nhealth_check = \"both\"\nvalues = [\"192.0.2.2\"]\n",
    );
    let server = url(&server);
    let import = ["import", "toml", "writer.toml", "--server", &server];
    run(&site, &import).failed(2, &["health check a: Route 53 has no checks of its type", "--lossy"]);
    let ran = run(&site, &[&import[..], &["--lossy"]].concat());
    assert!(ran.status == 0 && ran.err.contains("health check a: Route 53 has no checks of its type"), "{} {}", ran.out, ran.err);
    let exported = run(&site, &["export", "route53", "example.org", "--server", &server]).held();
    assert_eq!(exported.matches("HealthCheckId").count(), 2, "{exported}");
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

/// As `aws route53 list-resource-record-sets` prints a zone.
const AWS_RECORDS: &str = include_str!("../examples/route53/records.json");

/// As `aws route53 list-health-checks` prints them.
const AWS_CHECKS: &str = include_str!("../examples/route53/health-checks.json");
