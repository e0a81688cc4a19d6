//! Malformed and random datagrams, thousands of them, beside a client that only wants its answers.
//!
//! What each kind of malformed message gets is for `tests/cases`; here the process must live, keep its size, answer the
//! client, and have counted every datagram. RUN_SLOW_TESTS makes it a minute of a thousand a second.
//! Invariant: the sequence is the seed's; a failure comes again with it.

#[path = "support/serve.rs"]
mod serve;
mod support;

use std::fs;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use serve::{Client, Serving, Site};
use support::{last_octets, name, query};
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
type   = "TXT"
values = ['"any"']
"#;

/// Datagrams between two queries of the client: few enough for the smallest of receive buffers.
const BURST: u64 = 10;

/// What the process may grow by: a few buffers and counters, and no datagram's worth each.
const GROWTH_KIB_MAX: u64 = 4_096;

#[test]
fn a_flood_of_malformed_datagrams_costs_no_client_its_answer_and_leaves_nothing_behind() {
    let is_slow = std::env::var_os("RUN_SLOW_TESTS").is_some();
    let (datagrams, period) = if is_slow { (60_000, Duration::from_millis(BURST)) } else { (20_000, Duration::ZERO) };
    let mut chance = Chance(SEED);
    println!("seed {SEED:#x}");
    let server = Site::with_zone("flood", ZONE).serve();
    let mut client = Client::new(server.dns);
    let mut attacker = Attacker::new(&server);
    let began = Instant::now();
    attacker.attack(&mut client, &mut chance, 2_000, period); // what is allocated once is allocated now
    let before = server.process.memory_kib("VmRSS:");
    attacker.attack(&mut client, &mut chance, datagrams, period);
    let after = server.process.memory_kib("VmRSS:");
    println!(
        "{} datagrams, {} of them answered, {} queries beside them, 0 unanswered, in {:?}; resident {before} KiB before, {after} KiB after",
        attacker.sent,
        attacker.answered,
        client.asked,
        began.elapsed()
    );
    assert!(after <= before + GROWTH_KIB_MAX, "{before} KiB before, {after} KiB after");
    check_counts(&server, attacker.sent + client.asked, attacker.answered + client.asked);
    server.stop();
}

/// What the server has counted is what was sent and what came back.
fn check_counts(server: &Serving, sent: u64, answered: u64) {
    let metric = |series: &str| server.metric(series) as u64;
    let dropped = |reason: &str| metric(&format!("waypost_dropped_total{{transport=\"udp\",reason=\"{reason}\"}}"));
    assert_eq!(metric("waypost_queries_total{transport=\"udp\"") + dropped("oversize"), sent);
    assert_eq!(metric("waypost_responses_total{transport=\"udp\""), answered);
    assert_eq!(answered + dropped("unanswerable") + dropped("oversize"), sent);
    for (kind, at_least) in [("response", 1_000), ("short", 100), ("opcode", 100), ("bad_question", 100), ("question_count", 100)]
    {
        let counted = metric(&format!("waypost_malformed_total{{transport=\"udp\",kind=\"{kind}\"}}"));
        assert!(counted >= at_least, "{counted} {kind}");
    }
    for defect in ["panicked", "unsent", "port_zero"] {
        assert_eq!(dropped(defect), 0, "{defect}");
    }
    assert_eq!(metric("waypost_udp_receive_failures_total"), 0);
}

/// Who sends what nobody should.
struct Attacker {
    socket: UdpSocket,
    seeds: Vec<Vec<u8>>,
    sent: u64,
    answered: u64,
}

impl Attacker {
    fn new(server: &Serving) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server.dns).unwrap();
        socket.set_nonblocking(true).unwrap();
        let types = [RecordType::A, RecordType::TXT, RecordType::ANY, RecordType::SOA];
        let owners = ["www", "a.wild", "nothing", "@"];
        let mut seeds: Vec<Vec<u8>> = owners.iter().zip(types).map(|(owner, rtype)| query(&name(owner), rtype)).collect();
        seeds.extend(fs::read_dir("fuzz/seeds/query").unwrap().map(|seed| fs::read(seed.unwrap().path()).unwrap()));
        assert!(seeds.len() > 20, "the fuzzer's seeds are found");
        Self { socket, seeds, sent: 0, answered: 0 }
    }

    /// Sends so many, each burst followed by a query of the client, one burst a `period`.
    fn attack(&mut self, client: &mut Client, chance: &mut Chance, datagrams: u64, period: Duration) {
        let began = Instant::now();
        for burst in 0..datagrams / BURST {
            for _ in 0..BURST {
                let datagram = self.datagram(chance);
                let sent = self.socket.send(&datagram);
                sent.unwrap_or_else(|error| panic!("the server is gone: {error}; {} were sent", self.sent));
                self.sent += 1;
            }
            // One worker takes all in order: when this has its response, the burst has been dealt with.
            let response = client.ask(&query(&name("www"), RecordType::A));
            assert_eq!(last_octets(&response), [1]);
            self.take_responses();
            client.hear_nothing_until(began + period * (burst as u32 + 1));
        }
    }

    fn take_responses(&mut self) {
        let mut response = [0; 4_096];
        loop {
            match self.socket.recv(&mut response) {
                Ok(len) => {
                    assert!(len >= 12 && response[2] & 0x80 != 0, "not a response: {:02x?}", &response[..len]);
                    self.answered += 1;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("the server is gone: {error}"),
            }
        }
    }

    /// The next of the sequence: noise, a query that is cut short, altered, or marked as a response, or one too long.
    fn datagram(&self, chance: &mut Chance) -> Vec<u8> {
        let mut datagram = self.seeds[chance.below(self.seeds.len())].clone();
        match chance.below(8) {
            0 => return (0..chance.below(600)).map(|_| chance.next() as u8).collect(),
            1 => datagram.truncate(chance.below(datagram.len() + 1)),
            2 if datagram.len() > 2 => datagram[2] |= 0x80,
            3 if chance.below(8) == 0 => datagram.resize(4_097 + chance.below(4_000), 0),
            _ => {
                for _ in 0..=chance.below(8) {
                    let at = chance.below(datagram.len().max(1));
                    if let Some(octet) = datagram.get_mut(at) {
                        *octet = chance.next() as u8;
                    }
                }
            }
        }
        datagram
    }
}

/// A sequence that its seed decides (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

const SEED: u64 = 0x77a9_0575_eed0_0001;
