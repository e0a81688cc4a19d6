//! What the Route 53 API of the whole program does in a second, over HTTP on loopback, with a store on the disk.
//!
//! A measurement, not a test: `cargo bench --bench route53 [-- RECORD_SETS]`. One zone is filled in batches of 1,000 up to
//! the given number of record sets (100,000), and on the way and at the end the same is timed: batches of 100 changes one
//! after the other, single changes, reads on four connections, pages of a list from its start and its end. Each change is
//! answered when it is on the disk and served. Results: docs/performance.md.

#[path = "../tests/support/serve.rs"]
mod serve;

use std::fmt::Write;
use std::time::{Duration, Instant};

use serve::Site;

/// Record sets, unless another number is given.
const RECORD_SETS: usize = 100_000;
/// Changes of one batch while the zone is filled.
const FILL: usize = 1_000;
/// Nothing but the API, with its log as JSON for whoever waits for the start.
const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:0"]
workers = 1
[http]
listen = "127.0.0.1:0"
[store]
path = "waypost.redb"
[log]
format = "json"
"#;
const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

fn main() {
    // `cargo bench` hands its own arguments to every bench; the one that is ours is a number.
    let wanted = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(RECORD_SETS);
    let site = Site::new("route53_bench");
    site.write("waypost.toml", CONFIG);
    let server = site.serve();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let api = Api { client: reqwest::Client::new(), base: format!("http://{}/2013-04-01", server.http) };
        let zone = api.create_zone().await;
        let mut filled = 0;
        for goal in [1_000, 10_000, 100_000, 1_000_000, wanted].into_iter().filter(|goal| *goal <= wanted) {
            let began = Instant::now();
            let start = filled;
            while filled < goal {
                api.change(&zone, "CREATE", filled..(filled + FILL).min(goal), 1).await;
                filled = (filled + FILL).min(goal);
            }
            if filled > start {
                println!("{filled} record sets: filled with the last {} in {:.1?}", filled - start, began.elapsed());
            }
            measure(&api, &zone, filled).await;
        }
    });
    server.stop();
}

async fn measure(api: &Api, zone: &str, filled: usize) {
    let step = filled / 100;
    let began = Instant::now();
    for batch in 0..100 {
        api.change(zone, "UPSERT", (0..100).map(|at| (at * step + batch) % filled), batch + 2).await;
    }
    per_second("changes in batches of 100", 10_000, began.elapsed());
    let began = Instant::now();
    for at in 0..100 {
        api.change(zone, "UPSERT", [at * step], 7).await;
    }
    println!("  a change of one record set: {:.2?} each", began.elapsed() / 100);
    let began = Instant::now();
    let readers = (0..4).map(|reader| {
        let (api, zone) = (api.clone(), zone.to_owned());
        tokio::spawn(async move {
            for at in 0..2_500 {
                let name = host((at * 4 + reader) * 7_919 % filled);
                api.get(&format!("{zone}/rrset?name={name}.example.org&type=A&maxitems=1")).await;
            }
        })
    });
    for reader in readers.collect::<Vec<_>>() {
        reader.await.expect("no reader fails");
    }
    per_second("reads of one record set", 10_000, began.elapsed());
    for (place, name) in [("first", "example.org"), ("last", "host-9999999.example.org")] {
        let began = Instant::now();
        for _ in 0..100 {
            api.get(&format!("{zone}/rrset?name={name}&maxitems=300")).await;
        }
        println!("  a page of the {place} 300: {:.2?} each", began.elapsed() / 100);
    }
}

fn per_second(what: &str, count: u32, took: Duration) {
    println!("  {what}: {:.0} a second", f64::from(count) / took.as_secs_f64());
}

fn host(at: usize) -> String {
    format!("host-{at}")
}

#[derive(Clone)]
struct Api {
    client: reqwest::Client,
    base: String,
}

impl Api {
    /// The path of a new zone.
    async fn create_zone(&self) -> String {
        let body = format!(
            "<CreateHostedZoneRequest xmlns=\"{NAMESPACE}\"><Name>example.org</Name><CallerReference>1</CallerReference></CreateHostedZoneRequest>"
        );
        let response = self.client.post(format!("{}/hostedzone", self.base)).body(body).send().await.expect("the server answers");
        assert_eq!(response.status(), 201);
        let location = response.headers()["location"].to_str().expect("a location is text").to_owned();
        location.split_once("2013-04-01").expect("a location has the version").1.to_owned()
    }

    async fn change(&self, zone: &str, action: &str, hosts: impl IntoIterator<Item = usize>, last: usize) {
        let mut body = format!("<ChangeResourceRecordSetsRequest xmlns=\"{NAMESPACE}\"><ChangeBatch><Changes>");
        for at in hosts {
            let _ = write!(
                body,
                "<Change><Action>{action}</Action><ResourceRecordSet><Name>{}.example.org</Name><Type>A</Type><TTL>60</TTL>\
                 <ResourceRecords><ResourceRecord><Value>192.0.2.{}</Value></ResourceRecord></ResourceRecords>\
                 </ResourceRecordSet></Change>",
                host(at),
                last % 256
            );
        }
        body.push_str("</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
        let response =
            self.client.post(format!("{}{zone}/rrset/", self.base)).body(body).send().await.expect("the server answers");
        let status = response.status();
        let text = response.text().await.expect("a response has a body");
        assert_eq!(status, 200, "{text}");
    }

    async fn get(&self, path: &str) {
        let response = self.client.get(format!("{}{path}", self.base)).send().await.expect("the server answers");
        assert_eq!(response.status(), 200);
        response.bytes().await.expect("a response has a body");
    }
}
