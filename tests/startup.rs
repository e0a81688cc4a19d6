//! Starting and stopping the program: what is wrong stops it before anything is half-started, and a signal at any time.
//!
//! Texts of problems in zones are tested with the zones; here it is what keeps a server from starting. Each refusal
//! ends with exit status 2 and a message with what was being done, to what, what was found, and what is accepted.

#[path = "support/serve.rs"]
mod serve;
mod support;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use serve::{PATIENCE, Process, Site};
use support::{last_octets, name, query};
use waypost::wire::rtype::RecordType;

const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[[record]]
name   = "www"
type   = "A"
values = ["192.0.2.1"]
"#;

/// A configuration that listens there.
fn listening(addresses: &[SocketAddr]) -> String {
    let listen: Vec<String> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
    serve::CONFIG.replace("listen  = [\"127.0.0.1:0\"]", &format!("listen  = [{}]", listen.join(", ")))
}

/// The server does not start, says each of the texts, and has not said that it started.
#[track_caller]
fn refused(process: Process, saying: &[&str]) {
    let (status, said) = process.ended();
    assert_eq!(status.code(), Some(2), "{said}");
    for text in saying {
        assert!(said.contains(text), "{text:?} is not in:\n{said}");
    }
    assert!(!said.contains("answering queries") && !said.contains("panicked"), "{said}");
}

/// An address whose UDP or TCP port is free, with the test's own socket gone again.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn an_address_in_use_is_named_with_all_others_that_are_and_none_is_left_bound() {
    let site = Site::with_zone("in-use", ZONE);
    let (udp, tcp, free) = (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap(), free_address());
    let (udp_address, tcp_address) = (udp.local_addr().unwrap(), tcp.local_addr().unwrap());
    site.write("waypost.toml", &listening(&[free, udp_address, tcp_address]));
    refused(
        site.spawn(),
        &[
            &format!("binding UDP {udp_address}: Address already in use"),
            &format!("binding TCP {tcp_address}: Address already in use"),
            &format!("ss -lntup 'sport = :{}'", udp_address.port()),
            "2 errors, 0 warnings",
        ],
    );
    assert_eq!(TcpStream::connect(free).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    UdpSocket::bind(free).unwrap();
}

#[test]
fn an_address_of_another_machine_is_refused_with_what_this_one_could_listen_on() {
    let site = Site::with_zone("elsewhere", ZONE);
    site.write("waypost.toml", &listening(&["192.0.2.53:5300".parse().unwrap()]));
    refused(site.spawn(), &["binding UDP 192.0.2.53:5300: Cannot assign", "0.0.0.0 is all of them"]);
}

#[test]
fn a_second_server_on_the_same_address_is_refused_and_the_first_goes_on() {
    let site = Site::with_zone("second", ZONE);
    let first = site.serve();
    site.write("waypost.toml", &listening(&[first.dns]));
    refused(site.spawn(), &[&format!("binding UDP {}: Address already in use", first.dns)]);
    let response = serve::Client::new(first.dns).ask(&query(&name("www"), RecordType::A));
    assert_eq!(last_octets(&response), [1]);
    first.stop();
}

#[test]
fn missing_files_are_named() {
    let site = Site::new("missing");
    refused(site.spawn(), &["reading the configuration waypost.toml: No such file"]);
    site.write("waypost.toml", serve::CONFIG);
    refused(site.spawn(), &["reading the zone file example.org.toml: No such file"]);
}

#[test]
fn every_problem_of_the_configuration_and_its_zones_is_reported_in_one_run() {
    let zone = ZONE.replace("192.0.2.1", "192.0.2.300").replace("type ", "tipe ");
    refused(Site::with_zone("bad-zone", &zone).spawn(), &["example.org.toml:7:1", "tipe", "did you mean \"type\"?"]);
    let zone = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[[record]]
name   = "www"
type   = "A"
values = ["192.0.2.300"]

[[record]]
name   = "api"
type   = "A"
values = ["192.0.2.1"]

[[record]]
name   = "api"
type   = "CNAME"
values = ["www"]

[[record]]
name           = "mix"
type           = "A"
set_identifier = "one"
weight         = 300
values         = ["192.0.2.1"]

[route.empty]
policy  = "failover"
members = []
"#;
    let site = Site::with_zone("bad-zone", zone);
    refused(site.spawn(), &["example.org.toml:8:11", "192.0.2.300", "weight", "0-255", "CNAME", "the route has no members"]);
}

#[test]
fn a_store_that_cannot_be_written_keeps_the_server_from_starting() {
    let site = Site::with_zone("store", ZONE);
    site.write("waypost.toml", &format!("{}\n[store]\npath = \"nowhere/waypost.redb\"\n", serve::CONFIG));
    refused(site.spawn(), &["nowhere/waypost.redb", "No such file"]);
    site.write("not-a-store", "a text of the operator's");
    site.write("waypost.toml", &format!("{}\n[store]\npath = \"not-a-store\"\n", serve::CONFIG));
    refused(site.spawn(), &["not-a-store"]);
    assert_eq!(fs::read_to_string(site.0.join("not-a-store")).unwrap(), "a text of the operator's");
}

#[test]
fn a_port_that_needs_a_permission_is_refused_with_how_to_have_it() {
    let first_free: u16 = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap().trim().parse().unwrap();
    if first_free <= 853 {
        println!("everybody may bind port 853 here: nothing is tested");
        return;
    }
    // The program and its files where others than root may read them.
    let folder = std::env::temp_dir().join(format!("waypost-permission-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("waypost");
    // By another process: a copy that this one wrote could still be open for writing in a child of another test.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_waypost")).arg(&program).status();
    assert!(copied.unwrap().success());
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("waypost.toml"), listening(&["127.0.0.1:853".parse().unwrap()])).unwrap();
    fs::write(folder.join("example.org.toml"), ZONE).unwrap();
    let mut command = Command::new(&program);
    command.args(["serve", "-c", "waypost.toml"]).current_dir(&folder);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    refused(Process::spawn(&mut command), &["binding UDP 127.0.0.1:853: Permission denied", "CAP_NET_BIND_SERVICE"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_server_that_is_told_to_stop_during_its_first_round_ends_at_once() {
    // It takes connections and never answers: the first round lasts until it is given up.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!(
        "\n[probe.web]\ntype = \"http\"\n\n[endpoint.fra]\naddress = [\"192.0.2.1\"]\nprobe = \"web\"\ntarget = \"{}\"\n\n\
         [route.app]\npolicy = \"failover\"\nmembers = [\"fra\"]\n",
        silent.local_addr().unwrap()
    );
    let process = Site::with_zone("first-round", &format!("{ZONE}{endpoint}")).spawn();
    let (_probe, _) = silent.accept().unwrap();
    let told = Instant::now();
    process.signal("TERM");
    let (status, said) = process.ended();
    println!("ended {:?} after SIGTERM", told.elapsed());
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(told.elapsed() < Duration::from_secs(2) && !said.contains("answering queries"), "{:?}: {said}", told.elapsed());
}

#[test]
fn a_query_on_its_way_over_tcp_is_answered_although_the_server_stops() {
    let mut server = Site::with_zone("drain", ZONE).serve();
    let mut stream = TcpStream::connect(server.dns).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let message = query(&name("www"), RecordType::A);
    let framed = [&(message.len() as u16).to_be_bytes()[..], &message].concat();
    // One exchange, so that the connection is known to be served; then a query of which the end is missing.
    stream.write_all(&framed).unwrap();
    assert_eq!(last_octets(&read_response(&mut stream)), [1]);
    let (first, rest) = framed.split_at(20);
    stream.write_all(first).unwrap();
    server.process.signal("TERM");
    server.process.await_event("draining", |event| event["because"] == "SIGTERM");
    stream.write_all(rest).unwrap();
    assert_eq!(last_octets(&read_response(&mut stream)), [1]);
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "and then the server closes");
    server.process.await_event("drained", |event| event["cut"] == 0);
    let (status, said) = server.process.ended();
    assert_eq!(status.code(), Some(0), "{said}");
    assert_eq!(TcpStream::connect(server.dns).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

fn read_response(stream: &mut TcpStream) -> Vec<u8> {
    let mut len = [0; 2];
    stream.read_exact(&mut len).unwrap();
    let mut response = vec![0; u16::from_be_bytes(len).into()];
    stream.read_exact(&mut response).unwrap();
    response
}

/// Who may do what anybody may.
const NOBODY: u32 = 65_534;
