//! The first member of a client's order where orders depend on how many bits of an address are known.
//!
//! Most clients are known well enough for their whole order, and the ranges beside theirs have other first members: then one
//! look finds the member, and the scope of a decision to which all members are alike. Who is known less, or lies beside a range
//! in which the same member comes first from other bits on, is left to the order itself and a walk (`scope`).
//! Invariant: what is found is what the walk would find. Source: RFC 7871 §7.2.1.

use std::net::IpAddr;

use super::{First, OrderRef};
use crate::places::client::Client;
use crate::places::ranges::{Address, Families, Ranges};

/// What a table has for the clients of a range, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holding {
    member: u16,
    /// It comes first for everybody who is known to at least so many bits.
    from: u8,
    /// So many bits must be known of a client for the whole order.
    longest: u8,
}

/// Nobody is for these clients: nobody is known to so many bits.
const NOBODY: Holding = Holding { member: u16::MAX, from: u8::MAX, longest: u8::MAX };

/// The word for an order.
pub(super) fn of_order(order: OrderRef<'_>) -> u32 {
    let first = order.into_iter().next();
    let from = order.holds_from(|order| order.into_iter().next() == first);
    first.map_or(NOBODY, |member| Holding { member, from, longest: order.longest() }).word()
}

/// The first member for a client, if a look tells.
#[inline]
pub(super) fn first(table: &Families, client: &Client) -> Option<First> {
    match client.address {
        IpAddr::V4(address) => first_in(&table.v4, address.to_bits(), client.prefix_len),
        IpAddr::V6(address) => first_in(&table.v6, address.to_bits(), client.prefix_len),
    }
}

#[inline]
fn first_in<A: Address>(table: &Ranges<A>, address: A, known: u8) -> Option<First> {
    let at = table.find(address);
    let own = Holding::of(table.value(at));
    if own.longest > known {
        return None;
    }
    let below = at.checked_sub(1).map(|below| (below, table.last(below)));
    let above = (at + 1 < table.len()).then(|| (at + 1, table.start(at + 1)));
    let mut scope = own.from;
    for (beside, nearest) in [below, above].into_iter().flatten() {
        let common_len = address.common_len(nearest);
        if common_len < scope {
            continue;
        }
        // Where the same member comes first from other bits on, what lies beyond matters, too.
        if Holding::of(table.value(beside)).member == own.member {
            return None;
        }
        scope = common_len + 1;
    }
    Some(First { member: Some(own.member), prefix_len: scope })
}

impl Holding {
    fn word(self) -> u32 {
        let [high, low] = self.member.to_be_bytes();
        u32::from_be_bytes([high, low, self.from, self.longest])
    }

    #[inline]
    fn of(word: u32) -> Self {
        let [high, low, from, longest] = word.to_be_bytes();
        Self { member: u16::from_be_bytes([high, low]), from, longest }
    }
}
