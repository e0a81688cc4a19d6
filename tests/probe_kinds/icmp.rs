//! ICMP checks against this machine itself, with or without the permission to make them.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use waypost::health::check::Via;
use waypost::health::protocol::Protocol;

use crate::targets::*;

/// A field of what the kernel says of this process.
fn field(name: &str) -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
}

/// Whether this process may send echo requests, as the kernel's own files say it.
fn is_permitted() -> bool {
    let capabilities = u64::from_str_radix(&field("CapEff:"), 16).unwrap();
    let groups: Vec<u64> =
        format!("{} {}", field("Gid:"), field("Groups:")).split_whitespace().map(|group| group.parse().unwrap()).collect();
    // CAP_NET_RAW is 13.
    capabilities >> 13 & 1 == 1 || groups.into_iter().any(is_ping_group)
}

fn is_ping_group(group: u64) -> bool {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap();
    let bounds: Vec<u64> = range.split_whitespace().map(|bound| bound.parse().unwrap()).collect();
    (bounds[0]..=bounds[1]).contains(&group)
}

fn seen(permitted: &'static str) -> &'static str {
    if is_permitted() { permitted } else { "not_run_permission: echo" }
}

#[tokio::test]
async fn this_machine_replies_to_itself() {
    let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let has_ipv6 = std::net::UdpSocket::bind("[::1]:0").is_ok();
    for address in addresses.into_iter().filter(|address| address.is_ipv4() || has_ipv6) {
        let report = probe(SocketAddr::new(address, 0), Protocol::Icmp, PATIENTLY).await;
        assert_eq!(summary(&report), seen("passed: echo"), "{address}: {}", report.observation.outcome);
    }
}

#[tokio::test]
async fn many_probes_at_a_time_hear_their_own_replies() {
    let address = |last: u8| SocketAddr::from(([127, 0, 0, last], 0));
    let probes: Vec<_> = (1..=50).map(|last| tokio::spawn(probe(address(last), Protocol::Icmp, PATIENTLY))).collect();
    for probe in probes {
        let report = probe.await.unwrap();
        assert_eq!(summary(&report), seen("passed: echo"), "{}", report.observation.outcome);
    }
}

#[tokio::test]
async fn a_source_that_is_not_ours_is_our_trouble() {
    let from = |source: &str| Via { source: Some(source.parse().unwrap()), ..Via::default() };
    let target = SocketAddr::from(([127, 0, 0, 1], 0));
    let report = probe_via(target, Protocol::Icmp, from("127.0.0.2")).await;
    assert_eq!(summary(&report), seen("passed: echo"), "{}", report.observation.outcome);
    let report = probe_via(target, Protocol::Icmp, from("192.0.2.1")).await;
    assert_eq!(summary(&report), seen("not_run_source: echo"), "{}", report.observation.outcome);
}

/// Run as nobody, where this process is root and may become nobody; elsewhere the other tests see the same.
#[test]
fn without_permission_the_probe_is_not_made_and_says_what_to_set() {
    if is_ping_group(65_534) || !is_root() {
        return;
    }
    let site = Site::new("nobody");
    let output = site.probe(Command::new("setpriv").args(["--reuid=65534", "--regid=65534", "--clear-groups"])).unwrap();
    let expected = "not made, which counts neither way: probe not made: not permitted here: ICMP needs a group of this \
                    process within the sysctl net.ipv4.ping_group_range, or CAP_NET_RAW\n";
    assert!(output.ends_with(expected), "{output}");
}

/// In a network of its own, where this process may make one: nobody replies, or there is no way.
#[test]
fn silence_is_the_endpoints_and_no_route_is_ours() {
    if !is_root() || !Command::new("unshare").args(["--net", "true"]).status().is_ok_and(|status| status.success()) {
        return;
    }
    let site = Site::new("silence");
    for (setup, expected) in [
        ("ip link set lo up && echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all", "failed: no answer within 200ms\n"),
        // Loopback is down.
        ("true", "probe not made: no way out from here: Network is unreachable (os error 101)\n"),
    ] {
        let script = format!("{{ {setup}; }} || exit 1; exec \"$@\"");
        let said = site.probe(Command::new("unshare").args(["--net", "sh", "-c", &script, "sh"])).unwrap();
        assert!(said.ends_with(expected), "{setup}: {said}");
    }
}

fn is_root() -> bool {
    field("Uid:").starts_with("0\t")
}

/// A folder with a configuration of one check, and the program: where that was built, nobody may look.
struct Site(PathBuf);

impl Site {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("waypost-icmp-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let config = "[server]\nlisten = [\"127.0.0.1:0\"]\n[zones]\nfiles = [\"zone.toml\"]\n";
        fs::write(folder.join("zone.toml"), ZONE).unwrap();
        fs::write(folder.join("waypost.toml"), config).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_waypost"), folder.join("waypost")).unwrap();
        Self(folder)
    }

    /// What the probe says that `under` runs; it must not have passed.
    fn probe(&self, under: &mut Command) -> io::Result<String> {
        let command = under.arg(self.0.join("waypost")).args(["probe", "ping", "-c"]).arg(self.0.join("waypost.toml"));
        let output = command.output()?;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const ZONE: &str = "zone = \"example.org.\"\nns = [\"ns1.example.org.\"]\n\
                    [check.ping]\ntype = \"icmp\"\ntarget = \"127.0.0.1\"\ntimeout = \"200ms\"\n";
