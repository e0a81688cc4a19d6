//! A health check made through the Route 53 API, end to end: a real endpoint, real probes, and the DNS answer that
//! follows them.
//!
//! Waits are reads of the log with a deadline. Invariant: what the API tells of a check is what its probes saw.

#[path = "support/api.rs"]
mod api;
#[path = "support/endpoint.rs"]
mod endpoint;
#[path = "support/serve.rs"]
mod serve;
mod support;
#[path = "support/xml.rs"]
mod texts;

use std::time::Instant;

use api::{Api, CONFIG, STORE};
use endpoint::Endpoint;
use serve::{Client, PATIENCE, Serving, Site};
use support::{last_octets, name, query};
use texts::{element, root};
use waypost::wire::rtype::RecordType;

/// Asks until the page says so: what probes saw is published within a second of them.
#[track_caller]
fn await_page(server: &Serving, path: &str, expected: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let page = Api::new(server.http).ok("GET", path, "");
        if page.contains(expected) {
            return page;
        }
        assert!(Instant::now() < deadline, "no {expected:?} in {page}");
    }
}

#[test]
fn a_check_of_the_api_is_probed_told_of_and_followed_by_answers() {
    let endpoint = Endpoint::start();
    let site = Site::new("route53-probes");
    site.write("waypost.toml", &format!("{CONFIG}{STORE}\n[zones]\nfiles = []\n"));
    let mut server = site.serve();
    let api = Api::new(server.http);
    let zone = api.zone("example.org");
    let config = format!(
        "<IPAddress>127.0.0.1</IPAddress><Port>{}</Port><Type>HTTP</Type><RequestInterval>1</RequestInterval><FailureThreshold>1</FailureThreshold>",
        endpoint.port
    );
    let content = format!("<CallerReference>c</CallerReference><HealthCheckConfig>{config}</HealthCheckConfig>");
    let created = api.ask("POST", "healthcheck", &root("CreateHealthCheck", &content));
    let check = element(&created.body, "Id");
    let location = format!("location: http://waypost/2013-04-01/healthcheck/{check}");
    assert!(created.head.to_lowercase().contains(&location), "{created:?}");
    await_page(&server, &format!("healthcheck/{check}/status"), "<Status>Success: HTTP Status Code 200, OK</Status>");
    let member = |role: &str, octet: u8, check: &str| {
        format!(
            "<Change><Action>CREATE</Action><ResourceRecordSet><Name>www.example.org</Name><Type>A</Type><SetIdentifier>{role}</SetIdentifier><Failover>{role}</Failover><TTL>1</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.{octet}</Value></ResourceRecord></ResourceRecords>{check}</ResourceRecordSet></Change>"
        )
    };
    let members = member("PRIMARY", 1, &format!("<HealthCheckId>{check}</HealthCheckId>")) + &member("SECONDARY", 2, "");
    assert_eq!(api.change(&zone, &members).status, 200);
    let mut client = Client::new(server.dns);
    let mut answer = || last_octets(&client.ask(&query(&name("www"), RecordType::A)));
    assert_eq!(answer(), [1]);
    endpoint.set_healthy(false);
    let became = |server: &mut Serving, to: &str| server.process.await_event("health_transition", |event| event["to"] == to);
    became(&mut server, "unhealthy");
    assert_eq!(answer(), [2]);
    let failure = "<Status>Failure: HTTP Status Code 503, Service Unavailable</Status>";
    let status = api.ok("GET", &format!("healthcheck/{check}/status"), "");
    assert!(status.contains(failure), "{status}");
    endpoint.set_healthy(true);
    became(&mut server, "healthy");
    assert_eq!(answer(), [1]);
    await_page(&server, &format!("healthcheck/{check}/status"), "<Status>Success: HTTP Status Code 200, OK</Status>");
    let reason = api.ok("GET", &format!("healthcheck/{check}/lastfailurereason"), "");
    assert!(reason.contains(failure), "{reason}");
    assert!(server.get("/v1/health").1.contains(r#""last_failure":{"at":"#), "{:?}", server.get("/v1/health"));
    server.stop();
    // What failed last is known after a restart too.
    let server = site.serve();
    let reason = Api::new(server.http).ok("GET", &format!("healthcheck/{check}/lastfailurereason"), "");
    assert!(reason.contains(failure), "{reason}");
    server.stop();
}
