//! Sticky: clients of one subnet get one member, for as long as it counts.
//!
//! Rendezvous hashing (Thaler and Ravishankar 1998) with weights (Schindelhauer and Schomaker 2005): each member draws a
//! number from the subnet and its own name, and the best draw wins. Invariants: over all subnets each member is chosen in
//! proportion to its weight; when a member goes, only its own subnets move, and when it comes back they return.
//! Members of weight 0 are a reserve, as without stickiness; among them every draw weighs the same.

use std::net::IpAddr;

use super::Facts;
use super::eligible::Eligible;
use super::weighted::weight;
use crate::zone::group::Member;

/// Bits of an IPv4 and an IPv6 address that are one subnet here: what resolvers send in ECS (RFC 7871 §11.1).
const PREFIX_LENS: (u8, u8) = (24, 56);

/// The member that the client's subnet sticks to.
pub(super) fn choose<'s>(eligible: Eligible<'s>, total: u32, facts: Facts<'_>) -> Option<&'s Member> {
    let (subnet, prefix_len) = subnet(facts.client.address);
    let shares = move |member: &Member| if total > 0 { weight(eligible, member) } else { 1 };
    let mut candidates = eligible.members().filter(move |(_, member)| shares(member) > 0);
    if candidates.clone().nth(1).is_some() {
        facts.depends.on(prefix_len);
    } else {
        return candidates.next().map(|(_, member)| member);
    }
    let score = |member: &Member| f64::from(shares(member)) / -unit(mix(subnet ^ member.key)).ln();
    let mut best: Option<(f64, &Member)> = None;
    for (_, member) in candidates {
        let score = score(member);
        if best.is_none_or(|(known, _)| score > known) {
            best = Some((score, member));
        }
    }
    best.map(|(_, member)| member)
}

/// The subnet of an address as a number, and its length.
fn subnet(address: IpAddr) -> (u64, u8) {
    match address {
        IpAddr::V4(address) => (u64::from(address.to_bits() >> (32 - PREFIX_LENS.0)), PREFIX_LENS.0),
        // Told apart from IPv4 by the bits that no IPv4 subnet has.
        IpAddr::V6(address) => ((address.to_bits() >> (128 - PREFIX_LENS.1)) as u64 | 1 << 63, PREFIX_LENS.1),
    }
}

/// A number between 0 and 1, neither included.
fn unit(hash: u64) -> f64 {
    ((hash >> 12) as f64 + 0.5) / (1u64 << 52) as f64
}

/// The finisher of MurmurHash3, twice over: every bit of the input moves every bit of the output.
fn mix(number: u64) -> u64 {
    let mut z = number;
    for _ in 0..2 {
        z = (z ^ (z >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        z = (z ^ (z >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        z ^= z >> 33;
    }
    z
}
