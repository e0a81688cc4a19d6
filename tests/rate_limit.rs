//! The limit on the rate of responses, over loopback: who gets less, who gets through all the same, and what is told of it.
//!
//! Rates are one a second with a window of an hour: a flood of a moment is in debt for as long as a test takes.

#[path = "support/serve.rs"]
mod serve;
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use serve::{CONFIG, PATIENCE, Serving, Site};
use support::{name, query, record_set, snapshot};
use waypost::answer::{Asker, Identity, Transport, respond};
use waypost::rate_limit::Limit;
use waypost::routing::draw::Draw;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;

const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[[record]]
name   = "www"
type   = "A"
values = ["192.0.2.1"]

[[record]]
name   = "*.wild"
type   = "A"
values = ["192.0.2.2"]

[[record]]
name   = "sub"
type   = "NS"
values = ["ns.example.net."]
"#;

/// A server with the strict rates, and with these rules.
fn serve(test: &str, rules: &str) -> (Site, Serving) {
    let site = Site::with_zone(test, ZONE);
    site.write("waypost.toml", &with_rules(rules));
    let server = site.serve();
    (site, server)
}

fn with_rules(rules: &str) -> String {
    format!("{CONFIG}\n[rate_limit]\nresponses_per_second = 1\nwindow = \"1h\"\n{rules}\n")
}

/// One asker, who tells responses by their ids.
struct Flooder {
    socket: UdpSocket,
    id: u16,
}

/// What came back for a query.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Answer,
    /// NOERROR or NXDOMAIN without answers.
    Negative,
    Referral,
    Refused,
    Truncated,
    BadCookie,
    Nothing,
}

use Seen::{Answer, BadCookie, Negative, Nothing, Referral, Refused, Truncated};

impl Flooder {
    fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, id: 0 }
    }

    /// Sends all at once, and then a query from an exempt network: the server has one worker, which answers in order, so what is
    /// not there when that has its answer does not come.
    fn ask(&mut self, queries: &[Vec<u8>]) -> Vec<Seen> {
        self.responses(queries).iter().map(|response| response.as_deref().map_or(Nothing, seen)).collect()
    }

    fn responses(&mut self, queries: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let first = self.id;
        for query in queries {
            let mut query = query.clone();
            query[..2].copy_from_slice(&self.id.to_be_bytes());
            self.socket.send(&query).unwrap();
            self.id += 1;
        }
        let mark = UdpSocket::bind("127.99.0.1:0").unwrap();
        mark.connect(self.socket.peer_addr().unwrap()).unwrap();
        mark.set_read_timeout(Some(PATIENCE)).unwrap();
        mark.send(&query(&name("www"), RecordType::A)).unwrap();
        mark.recv(&mut [0; 512]).expect("127.99.0.0/16 is exempt");
        self.socket.set_nonblocking(true).unwrap();
        let mut responses = vec![None; queries.len()];
        let mut response = [0; 4_096];
        while let Ok(len) = self.socket.recv(&mut response) {
            let id = u16::from_be_bytes([response[0], response[1]]);
            responses[usize::from(id - first)] = Some(response[..len].to_vec());
        }
        self.socket.set_nonblocking(false).unwrap();
        responses
    }
}

fn seen(response: &[u8]) -> Seen {
    let (answers, authority) = (response[7], response[9]);
    // OPT is the last, without options but where there is a cookie, and its TTL begins with the upper bits of the rcode.
    let opt = response.windows(5).rposition(|octets| octets == [0, 0, 41, 4, 208]).expect("EDNS is answered with EDNS");
    match (response[2] & 2 != 0, u16::from(response[opt + 5]) << 4 | u16::from(response[3] & 0xf)) {
        (true, 0 | 3) if answers == 0 && authority == 0 => Truncated,
        (false, 0) if answers > 0 => Answer,
        (false, 0 | 3) if response[2] & 4 != 0 => Negative,
        (false, 0) => Referral,
        (false, 5) => Refused,
        (false, 23) if answers == 0 && authority == 0 => BadCookie,
        other => panic!("{other:?}: {response:02x?}"),
    }
}

fn queries(owners: impl IntoIterator<Item = String>, rtype: RecordType) -> Vec<Vec<u8>> {
    owners.into_iter().map(|owner| query(&name(&owner), rtype)).collect()
}

fn same(owner: &str, rtype: RecordType, count: usize) -> Vec<Vec<u8>> {
    queries(vec![owner.to_owned(); count], rtype)
}

const EXEMPT: &str = "exempt = [\"127.99.0.0/16\"]";

#[test]
fn each_kind_of_response_is_limited_by_itself_and_every_other_one_slips() {
    let (_site, server) = serve("limits", &format!("slip = 2\n{EXEMPT}"));
    let mut flooder = Flooder::new(server.dns);
    let random = |suffix: &str| (0..5).map(|at| format!("random{at}{suffix}")).collect::<Vec<_>>();
    assert_eq!(flooder.ask(&same("www", RecordType::A, 5)), [Answer, Nothing, Truncated, Nothing, Truncated]);
    assert_eq!(flooder.ask(&same("WwW", RecordType::A, 2)), [Nothing, Truncated]);
    assert_eq!(flooder.ask(&same("www", RecordType::AAAA, 3)), [Negative, Nothing, Truncated]);
    assert_eq!(flooder.ask(&same("www", RecordType::TXT, 2)), [Nothing, Truncated]);
    let expected = [Answer, Nothing, Truncated, Nothing, Truncated];
    assert_eq!(flooder.ask(&queries(random(".wild"), RecordType::A)), expected);
    let expected = [Negative, Nothing, Truncated, Nothing, Truncated];
    assert_eq!(flooder.ask(&queries(random(".wild"), RecordType::AAAA)), expected);
    assert_eq!(flooder.ask(&queries(random(""), RecordType::A)), expected);
    let expected = [Referral, Nothing, Truncated, Nothing, Truncated];
    assert_eq!(flooder.ask(&queries(random(".sub"), RecordType::A)), expected);
    let foreign = |at: u8| query(&Name::parse(&format!("www{at}.example.net."), None).unwrap(), RecordType::A);
    assert_eq!(flooder.ask(&[foreign(1), foreign(2), foreign(3)]), [Refused, Nothing, Nothing]);
    let metric = |limit: &str, action: &str| {
        server.metric(&format!("waypost_rate_limited_total{{limit=\"{limit}\",action=\"{action}\"}}"))
    };
    for (limit, dropped, slipped) in
        [("responses", 5.0, 5.0), ("nodata", 4.0, 4.0), ("nxdomains", 2.0, 2.0), ("referrals", 2.0, 2.0), ("errors", 2.0, 0.0)]
    {
        assert_eq!((metric(limit, "dropped"), metric(limit, "slipped")), (dropped, slipped), "{limit}");
    }
    assert_eq!(server.metric(r#"waypost_dropped_total{transport="udp",reason="rate_limited"}"#), 15.0);
    assert_eq!(server.metric(r#"waypost_dropped_total{transport="udp",reason="unanswerable"}"#), 0.0);
    assert_eq!(server.metric(r#"waypost_truncated_total{transport="udp"}"#), 13.0);
    server.stop();
}

#[test]
fn who_is_limited_gets_an_answer_over_tcp() {
    let (_site, server) = serve("tcp", EXEMPT);
    let mut flooder = Flooder::new(server.dns);
    let asked = same("www", RecordType::A, 3);
    assert_eq!(flooder.ask(&asked), [Answer, Truncated, Truncated]);
    let mut stream = TcpStream::connect(server.dns).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for _ in 0..5 {
        stream.write_all(&[&(asked[0].len() as u16).to_be_bytes(), &asked[0][..]].concat()).unwrap();
        let mut len = [0; 2];
        stream.read_exact(&mut len).unwrap();
        let mut response = vec![0; u16::from_be_bytes(len).into()];
        stream.read_exact(&mut response).unwrap();
        assert_eq!(seen(&response), Answer);
    }
    assert_eq!(flooder.ask(&asked[..1]), [Truncated]);
    drop(stream);
    server.stop();
}

/// The query with a cookie option as the last thing in it.
fn with_cookie(query: &[u8], cookie: &[u8]) -> Vec<u8> {
    let opt = query.windows(5).rposition(|octets| octets == [0, 0, 41, 4, 208]).unwrap();
    let mut query = query.to_vec();
    query[opt + 10] += 4 + cookie.len() as u8;
    query.extend([0, 10, 0, cookie.len() as u8]);
    query.extend(cookie);
    query
}

#[test]
fn a_cookie_is_the_way_out_of_the_limit() {
    let (_site, server) = serve("cookie", EXEMPT);
    let mut flooder = Flooder::new(server.dns);
    let plain = query(&name("www"), RecordType::A);
    let first = with_cookie(&plain, &[7; 8]);
    let responses = flooder.responses(&vec![first.clone(); 3]);
    let responses: Vec<&[u8]> = responses.iter().map(|response| response.as_deref().unwrap()).collect();
    assert_eq!(responses.iter().map(|response| seen(response)).collect::<Vec<_>>(), [Answer, BadCookie, BadCookie]);
    assert_eq!(responses[1].len(), first.len() + 16, "no more than it takes");
    let cookie = &responses[1][responses[1].len() - 24..];
    assert_eq!(cookie[..8], [7; 8]);
    let ours = with_cookie(&plain, cookie);
    assert_eq!(flooder.ask(&vec![ours; 5]), [Answer, Answer, Answer, Answer, Answer]);
    let mut forged = cookie.to_vec();
    forged[23] ^= 1;
    assert_eq!(flooder.ask(&[with_cookie(&plain, &forged), plain]), [BadCookie, Truncated]);
    server.stop();
}

#[test]
fn exempt_networks_and_a_dry_run_are_answered_and_a_reload_forgets_nothing() {
    let (site, mut server) = serve("dry_run", &format!("dry_run = true\n{EXEMPT}"));
    let mut flooder = Flooder::new(server.dns);
    let asked = same("www", RecordType::A, 4);
    assert_eq!(flooder.ask(&asked), [Answer, Answer, Answer, Answer]);
    let began = server.process.find_event("rate_limit_began", |_| true);
    let fields = ["network", "limit", "name"].map(|field| began[field].as_str().unwrap().to_owned());
    assert_eq!(fields, ["127.0.0.0/24", "responses", "www.example.org."]);
    assert_eq!(began["dry_run"], true);
    assert_eq!(server.metric(r#"waypost_rate_limited_total{limit="responses",action="dry_run"}"#), 3.0);
    assert_eq!(server.metric("waypost_rate_limited_total"), 3.0);
    site.write("waypost.toml", &with_rules(EXEMPT));
    server.process.await_event("reloaded", |_| true);
    assert_eq!(flooder.ask(&asked[..2]), [Truncated, Truncated]);
    site.write("waypost.toml", &with_rules("exempt = [\"127.0.0.0/8\"]"));
    server.process.await_event("reloaded", |_| true);
    assert_eq!(flooder.ask(&asked), [Answer, Answer, Answer, Answer]);
    site.write("waypost.toml", CONFIG);
    server.process.await_event("reloaded", |_| true);
    server.process.find_event("rate_limit_ended", |ended| ended["network"] == "127.0.0.0/24" && ended["limit"] == "responses");
    assert_eq!(flooder.ask(&asked), [Answer, Answer, Answer, Answer]);
    server.stop();
}

#[test]
fn a_response_counts_by_what_answers_for_its_name() {
    let target = name("target");
    let sets = vec![
        record_set("www", RecordType::A, &[&[192, 0, 2, 1]]),
        record_set("*.wild", RecordType::A, &[&[192, 0, 2, 2]]),
        record_set("*.alias", RecordType::CNAME, &[name("www").as_wire()]),
        record_set("lost", RecordType::CNAME, &[name("nowhere").as_wire()]),
        record_set("old", RecordType::DNAME, &[target.as_wire()]),
        record_set("*.target", RecordType::A, &[&[192, 0, 2, 3]]),
        record_set("sub", RecordType::NS, &[Name::parse("ns.example.net.", None).unwrap().as_wire()]),
    ];
    let snapshot = snapshot(sets, &[]);
    for (owner, rtype, limit, counted) in [
        ("www", RecordType::A, Limit::Responses, "www.example.org."),
        ("www", RecordType::AAAA, Limit::NoData, "www.example.org."),
        ("a.b.wild", RecordType::A, Limit::Responses, "wild.example.org."),
        ("a.b.wild", RecordType::ANY, Limit::Responses, "wild.example.org."),
        ("a.b.wild", RecordType::TXT, Limit::NoData, "wild.example.org."),
        ("a.alias", RecordType::A, Limit::Responses, "alias.example.org."),
        ("nothing", RecordType::A, Limit::NxDomains, "example.org."),
        ("a.b.c.www", RecordType::A, Limit::NxDomains, "example.org."),
        ("lost", RecordType::A, Limit::NxDomains, "example.org."),
        ("a.old", RecordType::A, Limit::Responses, "old.example.org."),
        ("a.b.sub", RecordType::A, Limit::Referrals, "sub.example.org."),
        ("sub", RecordType::DS, Limit::NoData, "sub.example.org."),
    ] {
        let message = query(&name(owner), rtype);
        let asker = Asker { address: [192, 0, 2, 53].into(), transport: Transport::Udp };
        let report = respond(&snapshot, &Identity::default(), &message, &asker, 0, Draw::new(0), &mut [0; 1_232]);
        let found = Name::from_wire(report.counted.name(&message)).unwrap().to_string();
        assert_eq!((report.counted.limit, found.as_str()), (limit, counted), "{owner} {rtype}");
    }
    let foreign = query(&Name::parse("www.example.net.", None).unwrap(), RecordType::A);
    let asker = Asker { address: [192, 0, 2, 53].into(), transport: Transport::Udp };
    let report = respond(&snapshot, &Identity::default(), &foreign, &asker, 0, Draw::new(0), &mut [0; 1_232]);
    assert_eq!((report.counted.limit, report.counted.name(&foreign)), (Limit::Errors, &[][..]));
}
