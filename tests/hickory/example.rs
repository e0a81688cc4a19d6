//! The example, asked by dig: what it says is there is there, and fails over.
//!
//! Runs the example's own code. Waits are questions with a deadline.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

#[path = "../../examples/hickory_server.rs"]
#[allow(dead_code, reason = "the test has a main of its own")]
mod program;

/// Longer than anything here takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

const CONFIG: &str = "[server]\nlisten = [\"127.0.0.1:0\"]\n[zones]\nfiles = [\"example.org.toml\"]\n";

const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.org."]

[probe.tcp]
type     = "tcp"
interval = "1s"
timeout  = "500ms"
fall     = 1
rise     = 1

[endpoint.primary]
address = ["192.0.2.10"]
probe   = "tcp"
target  = "{primary}"

[endpoint.secondary]
address = ["198.51.100.10"]
probe   = "tcp"
target  = "{secondary}"

[route.www]
policy  = "failover"
members = ["primary", "secondary"]

[[record]]
name   = "ns1"
type   = "A"
values = ["192.0.2.53"]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_answers_for_its_zone_and_ours_and_fails_over() {
    let [primary, secondary] = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hickory");
    fs::create_dir_all(&folder).unwrap();
    let target = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
    let zone = ZONE.replace("{primary}", &target(&primary)).replace("{secondary}", &target(&secondary));
    fs::write(folder.join("example.org.toml"), zone).unwrap();
    fs::write(folder.join("waypost.toml"), CONFIG).unwrap();

    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut running = program::Running::start(&folder.join("waypost.toml"), any).await.unwrap();
    let address = running.address;
    let asked = tokio::task::spawn_blocking(move || {
        assert_eq!(dig(address, "+short hickory.example A"), "192.0.2.77");
        assert_eq!(dig(address, "+tcp +short hickory.example A"), "192.0.2.77");
        assert!(dig(address, "www.example.net A").contains("status: REFUSED"));
        await_answer(address, "192.0.2.10");
        drop(primary);
        await_answer(address, "198.51.100.10");
        assert_eq!(dig(address, "+tcp +short www.example.org A"), "198.51.100.10");
        let missing = dig(address, "WWW.missing.example.ORG A");
        assert!(missing.contains("status: NXDOMAIN") && missing.contains("flags: qr aa"), "{missing}");
    });
    asked.await.unwrap();
    running.server.shutdown_gracefully().await.unwrap();
}

fn await_answer(address: SocketAddr, expected: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = dig(address, "+short www.example.org A");
        if answer == expected {
            return;
        }
        assert!(Instant::now() < deadline, "www.example.org is {answer}, not {expected}, after {PATIENCE:?}");
    }
}

/// What dig prints of a query.
fn dig(address: SocketAddr, query: &str) -> String {
    let server = [format!("@{}", address.ip()), "-p".into(), address.port().to_string(), "+norec".into()];
    let ran = Command::new("dig").args(server).args(query.split(' ')).output().expect("dig is installed: .ci/install");
    assert!(ran.status.success(), "dig {query}: {}", String::from_utf8_lossy(&ran.stdout));
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}
