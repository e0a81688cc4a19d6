//! A hickory server that answers by waypost sends what waypost's own sockets send, or the difference is listed.
//!
//! Both run here, on loopback, over the same snapshot and responder; equal means equal octets once compression is undone.
//! The differences are those that `server::hickory` documents, and each must be seen.
//! Invariant: the draw of a query depends on its octets alone, so that both servers have the same chance.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use hickory_proto::op::Message;
use waypost::answer::{Asker, Identity, Report, respond};
use waypost::routing::draw::Draw;
use waypost::server::Responder;
use waypost::snapshot::{Published, Snapshot};
use waypost::wire::rtype::RecordType;

#[path = "hickory/asked.rs"]
mod asked;
#[path = "hickory/example.rs"]
mod example;
#[path = "hickory/plain.rs"]
mod plain;
#[path = "differential/queries.rs"]
mod queries;
#[path = "hickory/servers.rs"]
mod servers;
#[path = "support/mod.rs"]
mod support;

use plain::Plain;
use servers::Running;

/// Why hickory's response may be another than ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// Nothing differs but compression.
    None,
    /// Names are longer, so the additional section, which is no referral's, had no room.
    NoAdditional,
    /// Names are longer, so nothing had room.
    Truncated,
    /// Hickory could not decode the query, and says so by itself.
    Undecodable,
    /// The same, to a message that deserves no response.
    NotSilent,
}

impl Difference {
    const ALL: [Self; 5] = [Self::None, Self::NoAdditional, Self::Truncated, Self::Undecodable, Self::NotSilent];
}

#[test]
fn hickory_sends_what_waypost_sends_or_the_difference_is_listed() {
    let published = Arc::new(Published::new(Snapshot::default()));
    let (ours, theirs) = servers(&published);
    let mut seen = BTreeMap::new();
    let mut wrong = Vec::new();
    for world in asked::worlds() {
        published.publish(world.snapshot.clone());
        let mut queries: Vec<Vec<u8>> = world.queries.iter().map(|(_, query)| query.clone()).collect();
        for (at, query) in queries.iter_mut().enumerate() {
            query[..2].copy_from_slice(&(at as u16).to_be_bytes());
        }
        let streamed = ours.ask_tcp(&queries).into_iter().zip(theirs.ask_tcp(&queries));
        for ((query, (what, _)), (our_stream, their_stream)) in queries.iter().zip(&world.queries).zip(streamed) {
            let by_udp = compare(query, ours.ask_udp(query), theirs.ask_udp(query), their_stream.as_deref());
            let by_tcp = compare(query, our_stream, their_stream, None);
            for (transport, compared) in [("UDP", by_udp), ("TCP", by_tcp)] {
                match compared {
                    Ok(difference) => *seen.entry((world.name, transport, difference)).or_insert(0) += 1,
                    Err(error) => wrong.push(format!("{}, {transport}, {what}: {error}", world.name)),
                }
            }
        }
    }
    seen.iter().for_each(|((world, transport, difference), count)| println!("{world}, {transport}, {difference:?}: {count}"));
    let shown: Vec<&str> = wrong.iter().take(20).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), shown.join("\n"));
    for difference in Difference::ALL {
        assert!(seen.keys().any(|(_, _, seen)| *seen == difference), "nothing shows {difference:?}");
    }
}

#[test]
fn a_stream_stays_open_after_a_message_that_deserves_no_response() {
    let published = Arc::new(Published::new(support::snapshot(Vec::new(), &[])));
    let (ours, theirs) = servers(&published);
    let good = support::query(&support::name("@"), RecordType::NS);
    let mut response = good.clone();
    response[..3].copy_from_slice(&[0, 8, 0x80]);
    let queries = [response, good];
    assert_eq!(ours.ask_stream(&queries), [None]);
    let [None, Some(answered)] = &theirs.ask_stream(&queries)[..] else { panic!("only the query is answered") };
    assert_eq!(Plain::of(answered).sections[0].len(), 1);
}

#[test]
fn a_datagram_too_long_is_dropped_here_and_cut_there() {
    let published = Arc::new(Published::new(support::snapshot(Vec::new(), &[])));
    let (ours, theirs) = servers(&published);
    let mut query = support::query(&support::name("@"), RecordType::NS);
    let padding = [0; 4_096];
    let padding = [&[0, 12, 0x10, 0x00], &padding[..]].concat();
    let at = query.len() - 2;
    query[at..].copy_from_slice(&(padding.len() as u16).to_be_bytes());
    query.extend(padding);
    assert_eq!(ours.ask_udp(&query), None);
    assert_eq!(theirs.ask_udp(&query).map(|response| response[3] & 0x0f), Some(1), "FORMERR");
    let queries = [query];
    assert_eq!(
        Plain::of(ours.ask_stream(&queries)[0].as_ref().unwrap()),
        Plain::of(theirs.ask_stream(&queries)[0].as_ref().unwrap())
    );
}

#[test]
fn a_responder_that_says_what_is_no_message_is_servfail() {
    let known = support::query(&support::name("@"), RecordType::SOA);
    let garbage = |_: &[u8], _: &Asker, out: &mut [u8]| -> Report {
        out[..5].fill(0xff);
        Report { len: 5, ..Report::UNANSWERED }
    };
    let mut query = known.clone();
    query[..2].fill(1);
    let response = Running::hickory(garbage, &known).ask_udp(&query).map(|response| Plain::of(&response));
    assert!(
        response.is_some_and(|response| response.head == [1, 1, 0x80, 2] && response.question == query[12..query.len() - 11])
    );
}

fn servers(published: &Arc<Published>) -> (Running, Running) {
    let mut known = support::query(&support::name("@"), RecordType::SOA);
    known[..2].fill(0xff);
    (Running::waypost(responder(published), &known), Running::hickory(responder(published), &known))
}

/// Answers as `server::Answers` does, but at a time that stands still and with chance that a query brings along.
fn responder(published: &Arc<Published>) -> impl Responder + Unpin + use<> {
    let published = published.clone();
    let (nsid, version) = (Some(b"here".as_slice().into()), Some(b"waypost".as_slice().into()));
    let identity = Identity { nsid, version, cookie_secret: [7; 16], keepalive_tenths: 100, ..Identity::default() };
    move |message: &[u8], asker: &Asker, out: &mut [u8]| -> Report {
        let mut hasher = DefaultHasher::new();
        hasher.write(message.get(2..).unwrap_or_default());
        respond(&published.load(), &identity, message, asker, 1_700_000_000, Draw::new(hasher.finish()), out)
    }
}

/// What differs, if it may.
fn compare(query: &[u8], ours: Option<Vec<u8>>, theirs: Option<Vec<u8>>, streamed: Option<&[u8]>) -> Result<Difference, String> {
    let (ours, theirs) = match (ours, theirs) {
        (None, None) => return Ok(Difference::None),
        (None, Some(theirs)) if is_formerr_of_hickory(query, &theirs) => return Ok(Difference::NotSilent),
        (_, Some(theirs)) if is_formerr_of_hickory(query, &theirs) => return Ok(Difference::Undecodable),
        (Some(ours), Some(theirs)) => (ours, theirs),
        (ours, theirs) => return Err(format!("one is silent: {ours:02x?} {theirs:02x?}")),
    };
    let (plain, other) = (Plain::of(&ours), Plain::of(&theirs));
    if plain == other {
        return Ok(Difference::None);
    }
    let difference = if other == plain.clone().without_additional() {
        Difference::NoAdditional
    } else if other == plain.clone().truncated() {
        Difference::Truncated
    } else {
        return Err(format!("\n    ours: {plain:?}\n    theirs: {other:?}"));
    };
    // Over a stream it has room, and would not have had any in a datagram.
    let whole = streamed.ok_or("cut on a stream")?;
    let limit = limit(query);
    match Plain::of(whole).sections[..2] == plain.sections[..2] && whole.len() > limit && theirs.len() <= limit {
        true => Ok(difference),
        false => Err(format!("{difference:?} without need: {} octets of {limit}", whole.len())),
    }
}

/// The 12 octets that hickory sends where it decodes nothing but the header.
fn is_formerr_of_hickory(query: &[u8], response: &[u8]) -> bool {
    let undecodable = Message::from_vec(query).is_err();
    undecodable && response.len() == 12 && response[..2] == query[..2] && response[3] & 0x0f == 1
}

/// The octets that a datagram in response may have.
fn limit(query: &[u8]) -> usize {
    let message = Message::from_vec(query).expect("hickory has answered it");
    message.edns.map_or(512, |edns| usize::from(edns.max_payload().clamp(512, Identity::default().udp_payload_size)))
}
