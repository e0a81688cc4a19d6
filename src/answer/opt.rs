//! The OPT record of a response: what the asker gets to know beside the answer.
//!
//! Sent exactly when the query had one, last, and never cut: its octets are reserved before anything else is put.
//! Sources: RFC 6891 §6.1.1, RFC 5001, RFC 7871 §7.2.1, RFC 9018 §4, RFC 7828 §3.3.2, RFC 8914.

use std::net::IpAddr;

use siphasher::sip::SipHasher24;

use super::message::Message;
use super::{Context, Transport};
use crate::wire::edns::{
    CLIENT_COOKIE_LEN, CLIENT_SUBNET, COOKIE, ClientSubnet, EXTENDED_ERROR, Edns, KEEPALIVE, NSID, SERVER_COOKIE_LEN,
};
use crate::wire::header::Rcode;
use crate::wire::rtype::RecordType;
use crate::wire::writer::{Full, Writer};

/// An extended DNS error (RFC 8914 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExtendedError(pub u16);

impl ExtendedError {
    /// The answer's TTL was over, and nobody could be asked for a new one (RFC 8767).
    pub const STALE_ANSWER: Self = Self(3);
    /// Nobody who could tell the answer has been reached.
    pub const NO_REACHABLE_AUTHORITY: Self = Self(22);
    /// The query is for a name outside all zones.
    pub const NOT_AUTHORITATIVE: Self = Self(20);
    /// The query is not answered by policy.
    pub const PROHIBITED: Self = Self(18);
}

/// Octets of the OPT record before its options.
const FIXED: usize = 11;
/// Octets of an option before its data.
const OPTION_FIXED: usize = 4;
/// Octets of both cookies.
const COOKIE_LEN: usize = CLIENT_COOKIE_LEN + SERVER_COOKIE_LEN;
/// Octets of a client subnet before its address.
const SUBNET_FIXED: usize = 4;
/// How old a server cookie may be, how far ahead of this server's clock, and from which age on another is given: seconds
/// (RFC 9018 §4.3).
const COOKIE_AGE_MAX: i32 = 3_600;
const COOKIE_AHEAD_MAX: i32 = 300;
const COOKIE_RENEWED_AT: i32 = 1_800;

/// Octets that the OPT record will take, extended error not counted: that goes in when there is room.
#[inline(always)]
pub(super) fn opt_len(edns: &Edns, context: &Context<'_>) -> usize {
    if !edns.has_options() {
        return FIXED;
    }
    match edns.sole_subnet() {
        Some(subnet) => FIXED + OPTION_FIXED + SUBNET_FIXED + address_octets(subnet),
        None => FIXED + options_len(edns, *context),
    }
}

#[inline(never)]
fn options_len(edns: &Edns, context: Context<'_>) -> usize {
    let nsid = context.identity.nsid.as_deref().filter(|_| edns.nsid).map_or(0, |nsid| OPTION_FIXED + nsid.len());
    let cookie = edns.client_cookie.map_or(0, |_| OPTION_FIXED + COOKIE_LEN);
    let subnet = edns.client_subnet.map_or(0, |subnet| OPTION_FIXED + SUBNET_FIXED + address_octets(&subnet));
    let keepalive = if keepalive_is_due(edns, &context) { OPTION_FIXED + 2 } else { 0 };
    nsid + cookie + subnet + keepalive
}

/// Puts the OPT record in; `opt_len` octets are free. Gives whether the query had a server cookie of ours.
#[inline]
pub(super) fn put_opt(
    message: &mut Message<'_>,
    edns: &Edns,
    context: &Context<'_>,
    scope_prefix: u8,
    error: Option<ExtendedError>,
) -> Result<bool, Full> {
    message.writer.put(&fixed(edns, context, message.rcode))?;
    let mut has_cookie = false;
    if edns.has_options() || error.is_some() {
        has_cookie = put_options(&mut message.writer, edns, *context, scope_prefix, error)?;
    }
    message.count_opt();
    Ok(has_cookie)
}

/// Writes the OPT record at `at`, where `out` has `opt_len` octets for it and no more; there is no error to tell. Gives
/// whether the query had a server cookie of ours.
#[inline(always)]
pub(super) fn write_opt(out: &mut [u8], at: usize, edns: &Edns, context: &Context<'_>, rcode: Rcode, scope_prefix: u8) -> bool {
    out[at..at + FIXED].copy_from_slice(&fixed(edns, context, rcode));
    if !edns.has_options() {
        return false;
    }
    if let Some((subnet, address)) = edns.sole_subnet().and_then(|subnet| Some((subnet, three_octets(subnet)?))) {
        write_subnet(&mut out[at + FIXED - 2..], subnet, address, scope_prefix);
        return false;
    }
    let mut writer = Writer::behind(out, at + FIXED);
    let put = put_options(&mut writer, edns, *context, scope_prefix, None);
    debug_assert!(put.is_ok() && writer.len() == out.len(), "OPT is as long as was said");
    put.unwrap_or(false)
}

/// Puts in the options asked for and the error, behind the fixed part whose rdata they are.
#[inline(never)]
fn put_options(
    writer: &mut Writer<'_>,
    edns: &Edns,
    context: Context<'_>,
    scope_prefix: u8,
    error: Option<ExtendedError>,
) -> Result<bool, Full> {
    let at = writer.len();
    let mut has_cookie = false;
    if let Some(nsid) = context.identity.nsid.as_deref().filter(|_| edns.nsid) {
        put_option(writer, NSID, nsid)?;
    }
    if let Some(client) = edns.client_cookie {
        let (server, is_known) = answer_cookie(&client, edns.server_cookie, &context);
        has_cookie = is_known;
        put_option(writer, COOKIE, &joined::<COOKIE_LEN>(&client, &server, &[]))?;
    }
    if let Some(subnet) = edns.client_subnet {
        put_subnet(writer, &subnet, scope_prefix)?;
    }
    if keepalive_is_due(edns, &context) {
        put_option(writer, KEEPALIVE, &context.identity.keepalive_tenths.to_be_bytes())?;
    }
    if let Some(ExtendedError(code)) = error {
        // Left out where it does not fit.
        let _ = put_option(writer, EXTENDED_ERROR, &code.to_be_bytes());
    }
    let rdata_len = (writer.len() - at) as u16;
    writer.patch(at - 2, rdata_len.to_be_bytes());
    Ok(has_cookie)
}

/// The IPv4 address of a subnet that is told in three octets: what resolvers send.
#[inline]
fn three_octets(subnet: &ClientSubnet) -> Option<u32> {
    match subnet.address {
        Some(IpAddr::V4(address)) if address_octets(subnet) == 3 => Some(address.to_bits()),
        _ => None,
    }
}

/// Writes the length of the options and the only one, a subnet of three octets, which are all of `out`.
#[inline]
fn write_subnet(out: &mut [u8], subnet: &ClientSubnet, address: u32, scope_prefix: u8) {
    const DATA_LEN: u64 = SUBNET_FIXED as u64 + 3;
    const RDATA_LEN: u64 = OPTION_FIXED as u64 + DATA_LEN;
    // Length, code, length and family, made in a register.
    let head = RDATA_LEN << 48 | u64::from(CLIENT_SUBNET) << 32 | DATA_LEN << 16 | 1;
    let [a, b, c, _] = address.to_be_bytes();
    out[..8].copy_from_slice(&head.to_be_bytes());
    out[8..13].copy_from_slice(&[subnet.source_prefix, scope_prefix, a, b, c]);
}

/// Root owner, type, our payload size, extended rcode, version 0, DO as asked (RFC 3225 §3), and no options yet.
#[inline]
fn fixed(edns: &Edns, context: &Context<'_>, rcode: Rcode) -> [u8; FIXED] {
    let (rtype, size) = (u64::from(RecordType::OPT.0), u64::from(context.identity.udp_payload_size));
    let (rcode, dnssec_ok) = (u64::from(rcode.0 >> 4), u64::from(edns.dnssec_ok));
    // Made in a register: octets written one by one and read as words wait for each other.
    let words = (rtype << 40 | size << 24 | rcode << 16 | dnssec_ok << 7).to_be_bytes();
    let mut fixed = [0; FIXED];
    fixed[..words.len()].copy_from_slice(&words);
    fixed
}

/// Puts one option in, or nothing of it.
#[inline]
fn put_option(writer: &mut Writer<'_>, code: u16, data: &[u8]) -> Result<(), Full> {
    let [code_high, code_low] = code.to_be_bytes();
    let [len_high, len_low] = (data.len() as u16).to_be_bytes();
    let claimed = writer.claim(OPTION_FIXED + data.len())?;
    claimed[..OPTION_FIXED].copy_from_slice(&[code_high, code_low, len_high, len_low]);
    claimed[OPTION_FIXED..].copy_from_slice(data);
    Ok(())
}

/// Echoes family, source prefix and address with the scope prefix, which is 0 for a source prefix of 0 (RFC 7871 §7.2.1).
fn put_subnet(writer: &mut Writer<'_>, subnet: &ClientSubnet, scope_prefix: u8) -> Result<(), Full> {
    let scope_prefix = if subnet.source_prefix == 0 { 0 } else { scope_prefix };
    let [family_high, family_low] = subnet.family().to_be_bytes();
    let mut data = [0; SUBNET_FIXED + 16];
    data[..SUBNET_FIXED].copy_from_slice(&[family_high, family_low, subnet.source_prefix, scope_prefix]);
    match subnet.address {
        None => {}
        Some(IpAddr::V4(address)) => data[SUBNET_FIXED..][..4].copy_from_slice(&address.octets()),
        Some(IpAddr::V6(address)) => data[SUBNET_FIXED..].copy_from_slice(&address.octets()),
    }
    match address_octets(subnet) {
        // What resolvers send of IPv4: a copy of a known length is two words.
        3 => put_option(writer, CLIENT_SUBNET, &data[..SUBNET_FIXED + 3]),
        octets => put_option(writer, CLIENT_SUBNET, &data[..SUBNET_FIXED + octets]),
    }
}

fn address_octets(subnet: &ClientSubnet) -> usize {
    usize::from(subnet.source_prefix).div_ceil(8)
}

/// The idle timeout is said over streams only, to those who ask (RFC 7828 §3.3.2).
fn keepalive_is_due(edns: &Edns, context: &Context<'_>) -> bool {
    edns.keepalive && context.asker.transport == Transport::Tcp
}

/// The server cookie for the response, and whether the one in the query is ours and good. One that is young goes back as it
/// is: that costs no second hash.
fn answer_cookie(
    client: &[u8; CLIENT_COOKIE_LEN],
    sent: Option<[u8; SERVER_COOKIE_LEN]>,
    context: &Context<'_>,
) -> ([u8; SERVER_COOKIE_LEN], bool) {
    let now_secs = context.now_secs;
    if let Some(sent @ [1, 0, 0, 0, secs @ .., _, _, _, _, _, _, _, _]) = sent {
        let made_at = u32::from_be_bytes(secs);
        let age = now_secs.wrapping_sub(made_at) as i32;
        if (-COOKIE_AHEAD_MAX..=COOKIE_AGE_MAX).contains(&age) && server_cookie(client, made_at, context) == sent {
            let cookie = if age < COOKIE_RENEWED_AT { sent } else { server_cookie(client, now_secs, context) };
            return (cookie, true);
        }
    }
    (server_cookie(client, now_secs, context), false)
}

/// Version 1, three reserved octets, seconds, and SipHash-2-4 over the client cookie, those and its address (RFC 9018 §4).
fn server_cookie(client: &[u8; CLIENT_COOKIE_LEN], made_at: u32, context: &Context<'_>) -> [u8; SERVER_COOKIE_LEN] {
    let [a, b, c, d] = made_at.to_be_bytes();
    let head = [1, 0, 0, 0, a, b, c, d];
    let hasher = SipHasher24::new_with_key(&context.identity.cookie_secret);
    // Hashed in one go, of a known length: that takes half as much as part by part.
    let hash = match context.asker.address {
        IpAddr::V4(address) => hasher.hash(&joined::<20>(client, &head, &address.octets())),
        IpAddr::V6(address) => hasher.hash(&joined::<32>(client, &head, &address.octets())),
    };
    joined(&head, &hash.to_le_bytes(), &[])
}

/// `N` octets made of three parts.
#[inline]
fn joined<const N: usize>(first: &[u8], second: &[u8], third: &[u8]) -> [u8; N] {
    let mut joined = [0; N];
    let (head, rest) = joined.split_at_mut(first.len());
    head.copy_from_slice(first);
    rest[..second.len()].copy_from_slice(second);
    rest[second.len()..].copy_from_slice(third);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Asker, Identity};
    use crate::snapshot::Snapshot;

    fn octets(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    }

    #[test]
    fn server_cookies_are_those_of_rfc_9018_appendix_a() {
        let (first, old, new) =
            ("e5e973e5a6b2a43f48e7dc849e37bfcf", "dd3bdf9344b678b185a6f5cb60fca715", "445536bcd2513298075a5d379663c962");
        let v6 = "2001:db8:220:1:59de:d0f4:8769:82b8";
        for (client, address, now_secs, secret, expected) in [
            ("2464c4abcf10c957", "198.51.100.100", 0x5cf7_9f11, first, "010000005cf79f111f8130c3eee29480"),
            ("2464c4abcf10c957", "198.51.100.100", 0x5cf7_a871, first, "010000005cf7a871d4a564a1442aca77"),
            ("22681ab97d52c298", v6, 0x5cf7_c579, old, "010000005cf7c57926556bd0934c72f8"),
            ("22681ab97d52c298", v6, 0x5cf7_c609, new, "010000005cf7c609a6bb79d16625507a"),
        ] {
            let identity = Identity { cookie_secret: octets(secret).try_into().expect("16 octets"), ..Identity::default() };
            let asker = Asker { address: address.parse().expect("an address"), transport: Transport::Udp };
            let context = Context { snapshot: &Snapshot::default(), identity: &identity, asker: &asker, now_secs };
            let client = octets(client).try_into().expect("8 octets");
            assert_eq!(server_cookie(&client, now_secs, &context)[..], octets(expected));
        }
    }

    #[test]
    fn a_cookie_of_ours_is_good_for_an_hour_and_goes_back_as_it_is_for_half_of_it() {
        let (identity, snapshot) = (Identity { cookie_secret: [7; 16], ..Identity::default() }, Snapshot::default());
        let asker = Asker { address: [192, 0, 2, 1].into(), transport: Transport::Udp };
        let (client, made_at) = ([1, 2, 3, 4, 5, 6, 7, 8], u32::MAX - 100); // the clock wraps within the hour
        let at = |age: i32| Context {
            snapshot: &snapshot,
            identity: &identity,
            asker: &asker,
            now_secs: made_at.wrapping_add_signed(age),
        };
        let ours = server_cookie(&client, made_at, &at(0));
        for (age, is_good, goes_back) in [
            (-301, false, false),
            (-300, true, true),
            (0, true, true),
            (1_799, true, true),
            (1_800, true, false),
            (3_600, true, false),
            (3_601, false, false),
        ] {
            let (given, known) = answer_cookie(&client, Some(ours), &at(age));
            assert_eq!((known, given == ours), (is_good, goes_back), "{age} s old");
            let next = answer_cookie(&client, Some(given), &at(age + 1));
            assert!(next.1, "what was given is good: {age} s");
        }
        let other = Asker { address: [192, 0, 2, 2].into(), ..asker };
        assert!(!answer_cookie(&client, Some(ours), &Context { asker: &other, ..at(0) }).1, "another address");
        assert!(!answer_cookie(&[8; 8], Some(ours), &at(0)).1, "another client cookie");
        assert!(!answer_cookie(&client, None, &at(0)).1);
        for octet in 0..16 {
            let mut altered = ours;
            altered[octet] ^= 1;
            assert!(!answer_cookie(&client, Some(altered), &at(0)).1, "octet {octet}");
        }
    }
}
