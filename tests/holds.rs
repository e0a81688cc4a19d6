//! A hold of a real server, killed in the middle of it.

#[path = "support/endpoint.rs"]
mod endpoint;
#[path = "support/serve.rs"]
mod serve;

use endpoint::Endpoint;
use jiff::Timestamp;
use serde_json::Value;
use serve::{CONFIG, Site};

fn zone(port: u16) -> String {
    format!(
        r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[probe.web]
type     = "http"
profile  = "fast"
interval = "100ms"
rise     = 1
hold     = "4s"

[endpoint.primary]
address = ["192.0.2.1"]
probe   = "web"
target  = "127.0.0.1:{port}"

[endpoint.secondary]
address = ["192.0.2.2"]

[route.www]
policy  = "failover"
members = ["primary", "secondary"]
"#
    )
}

fn since(transition: &Value) -> Timestamp {
    transition["since"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_server_that_is_killed_and_started_again_holds_what_fell_as_long_as_it_would_have() {
    let primary = Endpoint::start();
    let site = Site::with_zone("holds", &zone(primary.port));
    site.write("waypost.toml", &format!("{CONFIG}\n[store]\npath = \"waypost.redb\"\n"));
    let mut server = site.serve();
    primary.set_healthy(false);
    let fell = server.process.await_event("health_transition", |event| event["to"] == "unhealthy");
    // Some probes later the verdict is on the disk.
    for _ in 0..5 {
        primary.first_told(false);
    }
    server.process.kill();
    primary.set_healthy(true);

    let mut server = site.serve();
    let rose = server.process.await_event("health_transition", |event| event["to"] == "healthy");
    let held = since(&rose).duration_since(since(&fell)).as_millis();
    assert!(held >= 4_000, "{held} ms");
    server.stop();
}
