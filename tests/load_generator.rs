//! The load generator of `benches/side_by_side`, and its comparison on a small scale: a measurement is worth what is
//! checked while it is made.
//!
//! No time is asserted but one that the schedule itself makes certain. Servers are the echo and waypost; the peers need a
//! machine of their own.

#[allow(dead_code, reason = "the bench uses all of it")]
#[path = "../benches/side_by_side/arguments.rs"]
mod arguments;
#[path = "../benches/side_by_side/check.rs"]
mod check;
#[path = "../benches/side_by_side/closed_loop.rs"]
mod closed_loop;
#[allow(dead_code, reason = "the bench uses all of it")]
#[path = "../benches/side_by_side/compare.rs"]
mod compare;
#[path = "../benches/side_by_side/content.rs"]
mod content;
#[allow(dead_code, reason = "the bench uses all of it")]
#[path = "../benches/side_by_side/dnsperf.rs"]
mod dnsperf;
#[allow(dead_code, reason = "the bench uses all of it")]
#[path = "../benches/side_by_side/echo.rs"]
mod echo;
#[allow(dead_code, reason = "the bench uses all of it")]
#[path = "../benches/side_by_side/machine.rs"]
mod machine;
#[path = "../benches/side_by_side/paced.rs"]
mod paced;
#[allow(dead_code, reason = "the bench uses all of it")]
#[path = "../benches/side_by_side/peers/mod.rs"]
mod peers;
#[path = "../benches/side_by_side/process.rs"]
mod process;
#[path = "../benches/side_by_side/questions.rs"]
mod questions;
#[path = "../benches/side_by_side/running.rs"]
mod running;
#[path = "../benches/side_by_side/stats.rs"]
mod stats;
#[allow(dead_code, reason = "the bench uses all of it")]
#[path = "../benches/side_by_side/stop.rs"]
mod stop;
#[allow(dead_code, reason = "the bench uses all of it")]
#[path = "../benches/side_by_side/tables.rs"]
mod tables;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Parser;
use hickory_proto::op::Message;

use arguments::Arguments;
use check::{Answerer, check};
use closed_loop::{ClosedLoop, LoadError};
use content::{Content, NETWORKS, Policy};
use peers::PEERS;
use questions::{Answers, Chance, Expected, Networks, Questions};
use running::Case;
use stats::{Spread, share};

fn names(count: u32) -> Questions {
    Questions::new("h0000000.static.test.", count, Answers::OfName { existing: count })
}

/// An echo on a thread that lives as long as the test's process.
fn start_echo() -> SocketAddr {
    let socket = echo::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || echo::reflect(&socket));
    address
}

#[test]
fn a_question_is_made_of_its_number() {
    for (pattern, number, name) in [
        ("h0000000.static.test.", 9_041, "h0009041.static.test."),
        ("h0.z00000.test.", 12_345, "h5.z01234.test."),
        ("h0.z00000.test.", 0, "h0.z00000.test."),
    ] {
        let questions = Questions::new(pattern, 100_000, Answers::OfName { existing: 9_041 });
        let mut octets = [0; 512];
        let len = questions.put(number, 0, &mut octets);
        let message = Message::from_vec(&octets[..len]).unwrap();
        assert_eq!(message.queries[0].name().to_string(), name);
        assert_eq!(message.queries.len(), 1);
    }
    let address = |last| Expected::Address(Ipv4Addr::new(10, 0, 35, last));
    assert_eq!(names(10_000).expected(9_041, 0), address(81));
    let missing = Questions::new("h0.", 10, Answers::OfName { existing: 5 });
    assert_eq!(
        (missing.expected(4, 0), missing.expected(5, 0)),
        (Expected::Address(Ipv4Addr::new(10, 0, 0, 4)), Expected::Nothing)
    );
}

#[test]
fn the_subnet_told_is_in_the_network_whose_answer_is_expected() {
    let questions = Content::Groups { count: 10, policy: Policy::ByNetwork }.questions();
    let (mut chance, mut octets) = (Chance(7), [0; 512]);
    for _ in 0..1_000 {
        let network = chance.next() as u32;
        let len = questions.put(3, network, &mut octets);
        let message = Message::from_vec(&octets[..len]).unwrap();
        assert!(message.edns.is_some(), "the subnet is in an OPT record");
        let subnet = u32::from_be_bytes([octets[len - 3], octets[len - 2], octets[len - 1], 0]);
        let at = (subnet - u32::from(Networks::first(0))) / Networks::SIZE;
        let expected = u32::from(Ipv4Addr::new(10, 0, 0, 3 * 16)) + NETWORKS.data_centre(at);
        assert_eq!(questions.expected(3, network), Expected::Address(expected.into()));
    }
}

/// A response with these addresses to the query for `number`.
fn response(questions: &Questions, number: u32, addresses: &[[u8; 4]]) -> (Vec<u8>, Vec<u8>) {
    let mut query = vec![0; 512];
    query.truncate(questions.put(number, 0, &mut query.clone()));
    questions.put(number, 0, &mut query);
    let mut response = query.clone();
    (response[2], response[7]) = (0x84, addresses.len() as u8);
    for address in addresses {
        response.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        response.extend_from_slice(address);
    }
    (query, response)
}

#[test]
fn whatever_is_wrong_in_a_response_is_found() {
    let questions = names(10);
    let (query, right) = response(&questions, 7, &[[10, 0, 0, 7]]);
    let expected = questions.expected(7, 0);
    assert_eq!(check(Answerer::Server, &query, &right, expected), Ok(()));
    // Every octet of it matters but the id, which the generator has looked at, the lower flags, and the TTL.
    let ttl = right.len() - 10..right.len() - 6;
    for at in (2..right.len()).filter(|at| !ttl.contains(at)) {
        let mut wrong = right.clone();
        wrong[at] ^= if at == 3 { 2 } else { 0x42 };
        let is_counted = (8..12).contains(&at);
        assert_eq!(check(Answerer::Server, &query, &wrong, expected).is_ok(), is_counted, "octet {at}");
        assert!(check(Answerer::Server, &query, &right[..at], expected).is_err(), "cut before octet {at}");
    }
}

#[test]
fn of_several_addresses_each_must_be_there_once() {
    let questions = names(10);
    let all = Expected::All(Ipv4Addr::new(10, 0, 0, 4), 3);
    let one = Expected::OneOf(Ipv4Addr::new(10, 0, 0, 4), 3);
    let octets = |lasts: &[u8]| lasts.iter().map(|last| [10, 0, 0, *last]).collect::<Vec<_>>();
    for (lasts, is_all, is_one) in [
        (&[4, 5, 6][..], true, false),
        (&[6, 4, 5], true, false),
        (&[4, 5, 5], false, false),
        (&[4, 5, 7], false, false),
        (&[4, 5], false, false),
        (&[6], false, true),
        (&[7], false, false),
        (&[3], false, false),
        (&[], false, false),
    ] {
        let (query, response) = response(&questions, 0, &octets(lasts));
        let holds = |expected| check(Answerer::Server, &query, &response, expected).is_ok();
        assert_eq!((holds(all), holds(one), holds(Expected::Nothing)), (is_all, is_one, false), "{lasts:?}");
    }
    let (query, mut response) = response(&questions, 0, &[]);
    response[3] = 3;
    assert_eq!(check(Answerer::Server, &query, &response, Expected::Nothing), Ok(()));
    assert!(check(Answerer::Server, &query, &response, one).is_err());
}

#[test]
fn a_closed_loop_is_answered_and_an_echo_is_no_server() {
    let (server, questions) = (start_echo(), names(1_000));
    let duration = Duration::from_millis(100);
    let mut generator = ClosedLoop::new(server, &questions, Answerer::Echo, 64, 1).unwrap();
    // Twice: ids and windows go on.
    for _ in 0..2 {
        let tally = generator.run(duration).unwrap();
        assert!(tally.answered > 64 && tally.per_second() > 0.0, "{tally:?}");
        assert_eq!((tally.lost, tally.late), (0, 0));
    }
    let mut generator = ClosedLoop::new(server, &questions, Answerer::Server, 64, 1).unwrap();
    let error = generator.run(duration).unwrap_err();
    assert!(matches!(&error, LoadError::Wrong(wrong) if wrong.why == "not a whole authoritative response"), "{error}");
}

#[test]
fn what_is_lost_is_counted_and_asked_again() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = socket.local_addr().unwrap();
    let dropping = thread::spawn(move || {
        for _ in 0..5 {
            socket.recv_from(&mut [0; 512]).unwrap();
        }
        echo::reflect(&socket)
    });
    let questions = names(1_000);
    let mut generator = ClosedLoop::new(server, &questions, Answerer::Echo, 16, 1).unwrap();
    let tally = generator.run(Duration::from_millis(1_300)).unwrap();
    assert_eq!(tally.lost, 5, "{tally:?}");
    assert!(!dropping.is_finished(), "the echo goes on");
}

#[test]
fn latency_counts_from_when_a_query_was_due() {
    // Answers each hundred when it is complete: no answer can come before its hundredth query is due.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut held = Vec::new();
        loop {
            let mut query = [0; 512];
            let (len, client) = socket.recv_from(&mut query).unwrap();
            held.push((query, len, client));
            if held.len() == 100 {
                for (query, len, client) in held.drain(..) {
                    socket.send_to(&query[..len], client).unwrap();
                }
            }
        }
    });
    let (questions, rate, seed) = (names(1_000), 2_000.0, 9);
    let latencies = paced::run(server, &questions, Answerer::Echo, rate, Duration::from_millis(300), seed).unwrap();
    assert_eq!(latencies.answered() % 100, 0);
    assert!(latencies.answered() >= 400 && latencies.lost < 100, "{} answered, {} lost", latencies.answered(), latencies.lost);
    // The first of a hundred waits for 99 more, 50 ms on average; half of all wait for 50 more.
    let [half, most] = [5_000, 9_900].map(|part| latencies.percentile(part).unwrap());
    assert!(half > 15_000.0 && most > 35_000.0, "{half} µs, {most} µs");
}

#[test]
fn arrivals_are_as_far_apart_as_they_should_be() {
    let mut chance = Chance(1);
    let gaps: Vec<f64> = (0..100_000).map(|_| chance.exponential(3.0)).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let above = gaps.iter().filter(|gap| **gap > 3.0).count() as f64 / gaps.len() as f64;
    assert!((mean - 3.0).abs() < 0.05 && (above - (-1f64).exp()).abs() < 0.01, "mean {mean}, {above} above it");
}

#[test]
fn medians_and_shares_are_what_they_say() {
    assert_eq!(Spread::of([]), None);
    assert_eq!(Spread::of([3.0, 1.0, 2.0]).unwrap().show(1), "2.0 [1.0 to 3.0]");
    assert_eq!(Spread::of([4.0, 1.0]).unwrap().show(1), "2.5 [1.0 to 4.0]");
    assert_eq!(Spread::of([274_400.0]).unwrap().show_thousands(), "274");
    assert_eq!(share(0, 0), (0.0, 0.0));
    assert_eq!(share(100, 300), (0.25, (0.25f64 * 0.75 / 400.0).sqrt()));
}

#[test]
fn the_rate_that_dnsperf_reports_is_read() {
    let report =
        "Statistics:\n\n  Queries sent:         86112\n  Run time (s):         2.001\n  Queries per second:   43034.482759\n";
    assert_eq!(dnsperf::per_second(report), Some(43_034.482_759));
    assert_eq!(dnsperf::per_second("Error: no such file"), None);
}

/// Compares waypost with nothing, unpinned and for a moment; gives the table.
fn compare_alone(test: &str, content: Content) -> String {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("side_by_side").join(test);
    let _ = fs::remove_dir_all(&folder);
    let zones = folder.join("zones");
    fs::create_dir_all(&zones).unwrap();
    content.write_master_files(&zones).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().for_each(drop));
    let arguments = Arguments::parse_from(["side_by_side", "--rounds", "1", "--secs", "0.1"]);
    let case = Case { folder: &folder, zones: &zones, content, endpoint, before: None, pinned: false };
    let waypost = PEERS.iter().find(|peer| peer.name == "waypost").unwrap();
    compare::throughput(&[waypost], &case, &arguments, 1).unwrap()
        + &compare::latency(&[waypost], &case, &arguments, 1_000.0).unwrap()
}

#[test]
fn every_kind_of_content_is_served_and_answered_right() {
    let groups = |policy| Content::Groups { count: 3, policy };
    for (test, content) in [
        ("names", Content::Names { count: 100, missing: 10 }),
        ("zones", Content::Zones { count: 10 }),
        ("failover", groups(Policy::Failover)),
        ("weighted", groups(Policy::Weighted)),
        ("multivalue", groups(Policy::Multivalue)),
        ("networks", groups(Policy::ByNetwork)),
        ("tree", groups(Policy::Tree)),
    ] {
        let tables = compare_alone(test, content);
        let rows: Vec<&str> = tables.lines().filter(|line| line.starts_with("| waypost ")).collect();
        assert!(rows.len() == 2 && rows.iter().all(|row| row.ends_with(" 0 |")), "{test}: rows end with none lost:\n{tables}");
    }
}

#[test]
fn no_server_outlives_its_value() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("side_by_side").join("processes");
    fs::create_dir_all(&folder).unwrap();
    let mut command = std::process::Command::new("sh");
    // One that starts another, and neither listens when asked to end.
    command.args(["-c", "trap '' TERM; sh -c 'echo $$; read never' & echo $$; exec 0<&-; wait; read never"]);
    let group = process::Group::start(&mut command, &folder, None).unwrap();
    drop(group);
    let said = fs::read_to_string(folder.join("server.log")).unwrap();
    for process in said.split_whitespace() {
        let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "{process} is there still: {state}");
    }
}
