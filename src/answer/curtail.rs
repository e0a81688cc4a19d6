//! What is sent in the place of an answer that is over the limit of the rate: less than anybody could want who did not ask.
//!
//! Decides nothing about limits. An asker that speaks cookies gets one, with BADCOOKIE, and asks again with it; any other gets
//! TC with empty sections, and asks again over TCP. Invariant: what is sent is as long as the query but for its cookie.
//! Sources: RFC 7873 §5.2.3 and §5.3, RFC 2181 §9; BIND and Knot slip alike.

use super::message::Message;
use super::told::Told;
use super::{Asker, Context, Identity, Report, finish, size_limit};
use crate::rate_limit::Limit;
use crate::snapshot::Snapshot;
use crate::wire::header::Rcode;
use crate::wire::query::{Room, parse_query};
use crate::wire::writer::Writer;

/// Writes it into `out`, which must hold at least 512 octets, in the place of what `answered` is about; nothing for what is no
/// query. With TC the response code stays: who is content with it is not misled.
#[cold]
pub fn curtail(
    snapshot: &Snapshot,
    identity: &Identity,
    message: &[u8],
    asker: &Asker,
    now_secs: u32,
    answered: &Report,
    out: &mut [u8],
) -> Report {
    let context = Context { snapshot, identity, asker, now_secs };
    let mut room = Room::new();
    let Ok(query) = parse_query(message, &mut room) else { return Report::UNANSWERED };
    let edns = query.edns;
    let limit = size_limit(edns, &context).min(out.len());
    let mut message = Message::begin(Writer::new(out, limit), Some(query.question.octets));
    if edns.is_some_and(|edns| edns.client_cookie.is_some()) {
        message.rcode = Rcode::BADCOOKIE;
    } else {
        message.set_truncated();
        message.rcode = answered.rcode;
        message.set_authoritative(answered.counted.limit != Limit::Referrals);
    }
    let report = |message: &Message<'_>| Report {
        rcode: message.rcode,
        qtype: Some(query.question.qtype),
        truncated: message.is_truncated(),
        ..Report::UNANSWERED
    };
    finish(&mut message, edns, &context, Told::NOTHING_MORE, None, (query.id, query.flags), report)
}
