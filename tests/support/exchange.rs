//! Sites with a zone that files and the API both have words for, and the program run in them.
//!
//! What `tests/exchange.rs` and `tests/backup.rs` share. Invariant: no key of the environment reaches the program.

#![allow(dead_code, reason = "each test file uses its part")]

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::serve::{Client, Serving, Site};

pub const CONFIG: &str = r#"
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

pub const FILE_ZONE: &str = "zone = \"file.example.\"\nns = [\"ns1.file.example.\"]\n\n[[record]]\nname = \"ns1\"\ntype = \"A\"\nvalues = [\"192.0.2.53\"]\n";

/// A zone with every policy that both a file and Route 53 have words for.
pub const ZONE: &str = r#"
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

pub fn site(test: &str) -> Site {
    let site = Site::new(&format!("exchange-{test}"));
    site.write("waypost.toml", CONFIG);
    site.write("file.example.toml", FILE_ZONE);
    site.write("example.org.toml", ZONE);
    site
}

/// One run of the program in a site's folder.
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

pub fn run_with(site: &Site, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(arguments).current_dir(&site.0).stdin(Stdio::null());
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    let Output { status, stdout, stderr } = command.envs(environment.iter().copied()).output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { status: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

pub fn run(site: &Site, arguments: &[&str]) -> Ran {
    run_with(site, arguments, &[])
}

impl Ran {
    #[track_caller]
    pub fn held(self) -> String {
        assert_eq!((self.status, &*self.err), (0, ""), "{}", self.out);
        self.out
    }

    #[track_caller]
    pub fn failed(self, status: i32, saying: &[&str]) {
        assert_eq!((self.status, &*self.out), (status, ""), "{}", self.err);
        saying.iter().for_each(|text| assert!(self.err.contains(text), "{text:?} is not in:\n{}", self.err));
    }
}

pub fn url(server: &Serving) -> String {
    format!("http://{}", server.http)
}

/// The last octet of the address that a name has, over DNS.
pub fn address(server: &Serving, name: &str) -> Option<u8> {
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
pub fn records(server: &Serving, site: &Site) -> Vec<Value> {
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

/// A server with a zone, and its folder.
pub fn with_zone(test: &str) -> (Site, Serving) {
    let site = site(test);
    let server = site.serve();
    run(&site, &["import", "toml", "example.org.toml", "--server", &url(&server)]).held();
    (site, server)
}
