//! Query logs: what `waypost serve` writes of the queries of zones that log theirs, and what becomes of the answers when it
//! cannot.
//!
//! Waits are reads with a deadline: of the log of events, and of the counter of lines. Invariant: no answer waits for a file.

#[path = "support/serve.rs"]
mod serve;
mod support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::thread;
use std::time::Instant;

use serve::{Client, PATIENCE, Serving, Site};
use support::query;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;

const CONFIG: &str = r#"
[server]
listen  = ["127.0.0.1:0"]
workers = 1
nsid    = "fra 1"

[http]
listen = "127.0.0.1:0"

[log]
format = "json"

[store]
path = "waypost.redb"

[zones]
files = []

[[route53.vpc]]
id = "vpc-1"
region = "us-east-1"
networks = ["127.0.0.0/8"]
"#;

const LOGGING: &str = "\n[route53]\nquery_log = \"logs\"\n";

/// The file of the log group that the tests name.
const FILE: &str = "logs/+aws+route53+example.log";

fn site(test: &str) -> Site {
    let site = Site::new(test);
    site.write("waypost.toml", &[CONFIG, LOGGING].concat());
    fs::create_dir(site.0.join("logs")).unwrap();
    site
}

/// Asks the API; the body of a success.
#[track_caller]
fn call(server: &Serving, path: &str, operation: &str, content: &str) -> String {
    let body =
        format!("<{operation}Request xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">{content}</{operation}Request>");
    let mut stream = TcpStream::connect(server.http).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let len = body.len();
    write!(stream, "POST /2013-04-01/{path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}")
        .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 20"), "{path}: {page}");
    page
}

/// Makes a zone with an A record at `www`; its id.
#[track_caller]
fn zone(server: &Serving, name: &str, vpc: &str) -> String {
    let reference = format!("<CallerReference>{name} {vpc}</CallerReference>");
    let vpc = match vpc {
        "" => String::new(),
        vpc => format!("<VPC><VPCRegion>us-east-1</VPCRegion><VPCId>{vpc}</VPCId></VPC>"),
    };
    let content = format!("<Name>{name}</Name>{reference}{vpc}");
    let page = call(server, "hostedzone", "CreateHostedZone", &content);
    let id = page.split_once("<Id>/hostedzone/").unwrap().1.split_once('<').unwrap().0.to_owned();
    let values = "<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords>";
    let set = format!("<ResourceRecordSet><Name>www.{name}</Name><Type>A</Type>{values}</ResourceRecordSet>");
    let batch = format!("<ChangeBatch><Changes><Change><Action>CREATE</Action>{set}</Change></Changes></ChangeBatch>");
    call(server, &format!("hostedzone/{id}/rrset/"), "ChangeResourceRecordSets", &batch);
    id
}

#[track_caller]
fn log_queries(server: &Serving, zone: &str) {
    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/route53/example:*";
    let content = format!("<HostedZoneId>{zone}</HostedZoneId><CloudWatchLogsLogGroupArn>{arn}</CloudWatchLogsLogGroupArn>");
    call(server, "queryloggingconfig", "CreateQueryLoggingConfig", &content);
}

/// A server with the zone example.org, whose queries are logged; its id.
#[track_caller]
fn logging(site: &Site) -> (Serving, String) {
    let server = site.serve();
    let id = zone(&server, "example.org", "");
    log_queries(&server, &id);
    (server, id)
}

fn ask(name: &str, rtype: RecordType) -> Vec<u8> {
    query(&Name::parse(name, Some(&Name::root())).unwrap(), rtype)
}

fn lines(server: &Serving, result: &str) -> u64 {
    server.metric(&format!("waypost_query_log_lines_total{{result=\"{result}\"}}")) as u64
}

/// Waits until so many lines have come to this.
#[track_caller]
fn await_lines(server: &Serving, result: &str, expected: u64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = lines(server, result);
        if found >= expected {
            return assert_eq!(found, expected, "{result}");
        }
        assert!(Instant::now() < deadline, "{found} of {expected} lines are {result}");
    }
}

/// The lines of a file without their times, which are times.
#[track_caller]
fn read(site: &Site, file: &str) -> Vec<String> {
    let text = fs::read_to_string(site.0.join(file)).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    let without_time = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        assert_eq!((fields.len(), fields[0], fields[1].len()), (10, "1.0", "2017-12-13T08:15:50.235Z".len()), "{line}");
        assert!(fields[1].parse::<jiff::Timestamp>().is_ok(), "{line}");
        fields[2..].join(" ")
    };
    text.lines().map(without_time).collect()
}

#[test]
fn each_answered_query_of_a_logged_zone_is_a_line_in_route_53s_format() {
    let site = site("query-log-format");
    let (server, id) = logging(&site);
    let silent = zone(&server, "example.com", "");
    let mut udp = Client::new(server.dns);
    udp.ask(&ask("www.example.org.", RecordType::A));
    udp.ask(&ask("wWw.eXample.org.", RecordType::AAAA));
    udp.ask(&ask("absent.example.org.", RecordType::A));
    udp.ask(&ask("www.example.com.", RecordType::A));
    udp.ask(&ask("www.example.net.", RecordType::A));
    udp.ask(&ask("example.org.", RecordType::AXFR));
    let mut with_subnet = ask("www.example.org.", RecordType::A);
    // Its OPT record is the last, and has no options yet.
    with_subnet.truncate(with_subnet.len() - 2);
    with_subnet.extend([0, 11, 0, 8, 0, 7, 0, 1, 24, 0, 203, 0, 113]);
    udp.ask(&with_subnet);
    // No query: answered with FORMERR, and no zone's.
    with_subnet.pop();
    udp.ask(&with_subnet);
    await_lines(&server, "written", 4);
    let mut tcp = TcpStream::connect(server.dns).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let message = ask("www.example.org.", RecordType::ANY);
    tcp.write_all(&[&(message.len() as u16).to_be_bytes()[..], &message].concat()).unwrap();
    tcp.read_exact(&mut [0; 14]).unwrap();
    await_lines(&server, "written", 5);
    let expected = [
        "www.example.org A NOERROR UDP fra_1 127.0.0.1 -",
        "wWw.eXample.org AAAA NOERROR UDP fra_1 127.0.0.1 -",
        "absent.example.org A NXDOMAIN UDP fra_1 127.0.0.1 -",
        "www.example.org A NOERROR UDP fra_1 127.0.0.1 203.0.113.0/24",
        "www.example.org ANY NOERROR TCP fra_1 127.0.0.1 -",
    ];
    assert_eq!(read(&site, FILE), expected.map(|line| format!("{id} {line}")));
    // From the next query on, another zone's lines are in the file of its log group; what is in flight is written at the end.
    log_queries(&server, &silent);
    udp.ask(&ask("www.example.com.", RecordType::A));
    server.stop();
    assert_eq!(read(&site, FILE).last(), Some(&format!("{silent} www.example.com A NOERROR UDP fra_1 127.0.0.1 -")));
    // What is logged is known after a restart.
    let server = site.serve();
    Client::new(server.dns).ask(&ask("www.example.org.", RecordType::A));
    server.stop();
    assert_eq!(read(&site, FILE).len(), 7);
}

#[test]
fn a_zone_that_everybody_sees_logs_the_queries_of_a_vpc_too_and_the_private_zone_before_it_has_none_logged() {
    let site = site("query-log-views");
    let (server, id) = logging(&site);
    let hidden = zone(&server, "example.net", "");
    log_queries(&server, &hidden);
    let mut client = Client::new(server.dns);
    client.ask(&ask("www.example.net.", RecordType::A));
    zone(&server, "example.net", "vpc-1");
    client.ask(&ask("www.example.net.", RecordType::A));
    client.ask(&ask("www.example.org.", RecordType::A));
    server.stop();
    let expected = [
        format!("{hidden} www.example.net A NOERROR UDP fra_1 127.0.0.1 -"),
        format!("{id} www.example.org A NOERROR UDP fra_1 127.0.0.1 -"),
    ];
    assert_eq!(read(&site, FILE), expected);
}

#[test]
fn a_file_that_was_moved_or_deleted_is_made_anew() {
    let site = site("query-log-rotation");
    let (server, _) = logging(&site);
    let mut client = Client::new(server.dns);
    for (round, name) in ["one", "two", "three"].into_iter().enumerate() {
        client.ask(&ask(&format!("{name}.example.org."), RecordType::A));
        await_lines(&server, "written", round as u64 + 1);
        let [line] = &read(&site, FILE)[..] else { panic!("one line in each file") };
        assert!(line.contains(name), "{line}");
        match round {
            0 => fs::rename(site.0.join(FILE), site.0.join("logs/old")).unwrap(),
            _ => fs::remove_file(site.0.join(FILE)).unwrap(),
        }
    }
    assert_eq!(read(&site, "logs/old").len(), 1);
    server.stop();
}

#[test]
fn without_a_directory_queries_are_answered_and_the_log_says_that_none_is_written() {
    let site = Site::new("query-log-nowhere");
    site.write("waypost.toml", CONFIG);
    let (mut server, _) = logging(&site);
    let mut client = Client::new(server.dns);
    client.ask(&ask("www.example.org.", RecordType::A));
    let warned = server.process.find_event("warning", |_| true);
    let expected = "the queries of 1 zones are to be logged, and are not: [route53] query_log names no directory";
    assert_eq!(warned["warning"], expected);
    // A directory that is not there yet is a warning, with its line; it is written to as soon as it is there.
    site.write("waypost.toml", &[CONFIG, LOGGING].concat());
    let warned = server.process.await_event("warning", |_| true)["warning"].as_str().unwrap().to_owned();
    assert!(warned.contains("waypost.toml:25") && warned.contains("logs: No such file"), "{warned}");
    server.process.await_event("reloaded", |_| true);
    client.ask(&ask("www.example.org.", RecordType::A));
    let failed = server.process.await_event("query_log_failed", |_| true);
    assert!(failed["file"].as_str().unwrap().ends_with(FILE), "{failed}");
    await_lines(&server, "failed", 1);
    client.ask(&ask("www.example.org.", RecordType::A));
    await_lines(&server, "failed", 2);
    fs::create_dir(site.0.join("logs")).unwrap();
    client.ask(&ask("www.example.org.", RecordType::A));
    // The failure was told of once.
    let next = server.process.await_event("query_log_resumed", |_| true);
    assert_eq!(next["file"], failed["file"]);
    await_lines(&server, "written", 1);
    assert_eq!(read(&site, FILE).len(), 1);
    site.write("waypost.toml", CONFIG);
    server.process.await_event("warning", |event| event["warning"] == expected);
    client.ask(&ask("www.example.org.", RecordType::A));
    server.stop();
    assert_eq!(read(&site, FILE).len(), 1);
}

#[test]
fn a_full_disk_loses_lines_and_no_answers() {
    let site = site("query-log-full");
    let (mut server, _) = logging(&site);
    symlink("/dev/full", site.0.join(FILE)).unwrap();
    let mut client = Client::new(server.dns);
    (0..100).for_each(|_| drop(client.ask(&ask("www.example.org.", RecordType::A))));
    await_lines(&server, "failed", 100);
    let failed = server.process.await_event("query_log_failed", |_| true);
    assert!(failed["error"].as_str().unwrap().contains("No space left"), "{failed}");
    fs::remove_file(site.0.join(FILE)).unwrap();
    client.ask(&ask("www.example.org.", RecordType::A));
    await_lines(&server, "written", 1);
    server.process.signal("TERM");
    let (status, said) = server.process.ended();
    assert_eq!((status.code(), said.matches("query_log_failed").count()), (Some(0), 1), "{said}");
}

/// A query whose line is as long as lines get.
fn long_line() -> Vec<u8> {
    let label = format!("{}.", "\\001".repeat(59));
    ask(&[&*label, &label, &label, &label, "example.org."].concat(), RecordType::A)
}

#[test]
fn while_a_file_takes_nothing_every_query_is_answered_and_the_lines_that_cannot_wait_are_counted() {
    let site = site("query-log-stuck");
    let (server, _) = logging(&site);
    // Who opens a FIFO to write to it waits for a reader: a disk that hangs.
    let fifo = site.0.join(FILE);
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut client = Client::new(server.dns);
    let message = long_line();
    while lines(&server, "dropped") == 0 {
        (0..1_000).for_each(|_| drop(client.ask(&message)));
    }
    let dropped = lines(&server, "dropped");
    (0..1_000).for_each(|_| drop(client.ask(&message)));
    assert_eq!((lines(&server, "dropped"), lines(&server, "written")), (dropped + 1_000, 0));
    // It comes back: all that has waited is there, whole.
    let kept = client.asked - dropped - 1_000;
    let reader = thread::spawn(move || {
        let mut found = 0;
        while found < kept {
            let mut text = String::new();
            File::open(&fifo).unwrap().read_to_string(&mut text).unwrap();
            assert!(text.lines().all(|line| line.ends_with(" A NXDOMAIN UDP fra_1 127.0.0.1 -")));
            found += text.lines().count() as u64;
        }
        found
    });
    assert_eq!(reader.join().unwrap(), kept);
    await_lines(&server, "written", kept);
    // It hangs again: the server stops all the same.
    client.ask(&message);
    server.process.signal("TERM");
    let (status, said) = server.process.ended();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("the last lines of the query logs could not be written in time"), "{said}");
}
