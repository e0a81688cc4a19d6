//! What one writer counts: queries, responses and everything that was not answered.
//!
//! Each UDP worker owns one [`Counts`] and is its only writer, so it adds by a plain load and store ([`alone`]);
//! streams share one and add atomically ([`shared`]). Nothing here is read but by a scrape.
//! Invariant: every message that has a report is in exactly one `family` slot, and in exactly one of
//! `response` and `dropped`.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::answer::Report;
use crate::rate_limit::{Action, Limit, Limited};
use crate::wire::query::MalformedKind;
use crate::wire::rtype::RecordType;

/// The counters of one writer; padded so that two writers never share a cache line (two are fetched at a time).
#[repr(align(128))]
#[derive(Debug)]
pub struct Counts([AtomicU64; SLOTS]);

/// The counters of several writers, added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals([u64; SLOTS]);

/// One counter's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(usize);

/// Adds for a writer that has the counters to itself: no locked instruction.
#[inline]
pub fn alone(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

/// Adds for one of several writers.
#[inline]
pub fn shared(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

impl Counts {
    /// Counts one message and what became of it.
    #[inline]
    pub fn record(&self, asker: IpAddr, report: &Report, add: impl Fn(&AtomicU64, u64)) {
        add(self.at(Slot::family(asker)), 1);
        add(self.at(Slot::qtype(report.qtype)), 1);
        if let Some(kind) = report.malformed {
            add(self.at(Slot::malformed(kind)), 1);
        }
        if let Some(limited) = report.limited {
            add(self.at(Slot::limited(limited)), 1);
        }
        if report.len == 0 {
            let slot = if report.limited.is_some() { Slot::LIMITED } else { Slot::DROPPED };
            return add(self.at(slot), 1);
        }
        add(self.at(Slot::rcode(report.rcode.0)), 1);
        if report.truncated {
            add(self.at(Slot::TRUNCATED), 1);
        }
    }

    /// Counts what has no report.
    #[inline]
    pub fn count(&self, slot: Slot, by: u64, add: impl Fn(&AtomicU64, u64)) {
        add(self.at(slot), by);
    }

    fn at(&self, slot: Slot) -> &AtomicU64 {
        &self.0[slot.0]
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; SLOTS])
    }
}

impl Totals {
    /// The sum of what all of them have counted by now.
    pub fn of<'c>(writers: impl IntoIterator<Item = &'c Counts>) -> Self {
        let mut totals = [0u64; SLOTS];
        for writer in writers {
            for (total, counter) in totals.iter_mut().zip(&writer.0) {
                *total = total.wrapping_add(counter.load(Ordering::Relaxed));
            }
        }
        Self(totals)
    }

    pub fn of_slot(&self, slot: Slot) -> u64 {
        self.0[slot.0]
    }
}

impl Slot {
    pub const IPV4: Self = Self(0);
    pub const IPV6: Self = Self(1);
    /// Not answered, by decision: a response, a message too short to answer.
    pub const DROPPED: Self = Self(2);
    pub const TRUNCATED: Self = Self(3);
    /// Datagrams from port 0, which can't be answered.
    pub const PORT_ZERO: Self = Self(4);
    /// Datagrams longer than the receive buffer.
    pub const OVERSIZE: Self = Self(5);
    /// Replies that the kernel refused to send.
    pub const UNSENT: Self = Self(6);
    pub const RECEIVE_FAILED: Self = Self(7);
    /// Messages whose answering panicked: a defect of ours.
    pub const PANICKED: Self = Self(8);
    /// Not answered, as the asker's network was over a limit.
    pub const LIMITED: Self = Self(9);
    /// Received and not answered, as who asked had given up.
    pub const SHED: Self = Self(10);
    /// Datagrams that the kernel had no room for.
    pub const KERNEL_DROPPED: Self = Self(11);

    fn family(asker: IpAddr) -> Self {
        if asker.is_ipv4() { Self::IPV4 } else { Self::IPV6 }
    }

    /// The slot of a response code; codes without one of their own share the last.
    pub fn rcode(rcode: u16) -> Self {
        Self(RCODE_FIRST + usize::from(rcode).min(RCODES))
    }

    /// The slot of a query type; types not in [`COUNTED_TYPES`] share one, and so do messages without a question.
    pub fn qtype(qtype: Option<RecordType>) -> Self {
        let Some(qtype) = qtype else { return Self(QTYPE_FIRST + COUNTED_TYPES.len() + 1) };
        let place = TYPE_PLACES.get(usize::from(qtype.0)).map_or(COUNTED_TYPES.len(), |place| usize::from(*place));
        Self(QTYPE_FIRST + place)
    }

    /// The slot of all types that are not in [`COUNTED_TYPES`].
    pub fn qtype_other() -> Self {
        Self(QTYPE_FIRST + COUNTED_TYPES.len())
    }

    pub fn malformed(kind: MalformedKind) -> Self {
        Self(MALFORMED_FIRST + kind.index())
    }

    pub fn limited(limited: Limited) -> Self {
        Self(LIMITED_FIRST + limited.by as usize * Action::ALL.len() + limited.action as usize)
    }
}

/// Query types that are counted by name.
pub const COUNTED_TYPES: [RecordType; 18] = [
    RecordType::A,
    RecordType::NS,
    RecordType::CNAME,
    RecordType::SOA,
    RecordType::PTR,
    RecordType::MX,
    RecordType::TXT,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::NAPTR,
    RecordType::DS,
    RecordType::DNSKEY,
    RecordType::TLSA,
    RecordType::SVCB,
    RecordType::HTTPS,
    RecordType::AXFR,
    RecordType::ANY,
    RecordType::CAA,
];

/// Response codes 0 to 23 (BADCOOKIE is the last assigned) have a counter each.
pub const RCODES: usize = 24;

/// From a type's code to its place in [`COUNTED_TYPES`], without a search per query.
const TYPE_PLACES: [u8; 258] = {
    let mut places = [COUNTED_TYPES.len() as u8; 258];
    let mut place = 0;
    while place < COUNTED_TYPES.len() {
        places[COUNTED_TYPES[place].0 as usize] = place as u8;
        place += 1;
    }
    places
};

const RCODE_FIRST: usize = 12;
const QTYPE_FIRST: usize = RCODE_FIRST + RCODES + 1;
const MALFORMED_FIRST: usize = QTYPE_FIRST + COUNTED_TYPES.len() + 2;
const LIMITED_FIRST: usize = MALFORMED_FIRST + MalformedKind::ALL.len();
const SLOTS: usize = LIMITED_FIRST + Limit::ALL.len() * Action::ALL.len();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::header::Rcode;
    use std::collections::HashSet;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

    fn report(rcode: u16, qtype: u16) -> Report {
        Report { len: 40, rcode: Rcode(rcode), qtype: Some(RecordType(qtype)), ..Report::UNANSWERED }
    }

    #[test]
    fn no_two_things_share_a_counter() {
        let fixed = [Slot::IPV4, Slot::IPV6, Slot::DROPPED, Slot::TRUNCATED, Slot::PORT_ZERO, Slot::OVERSIZE, Slot::UNSENT];
        let fixed = fixed.into_iter().chain([Slot::LIMITED, Slot::SHED, Slot::KERNEL_DROPPED]);
        let actions = |by| Action::ALL.map(|action| Slot::limited(Limited { by, action }));
        let slots: Vec<usize> = fixed
            .chain([Slot::RECEIVE_FAILED, Slot::PANICKED, Slot::qtype_other(), Slot::qtype(None)])
            .chain((0..=RCODES as u16).map(Slot::rcode))
            .chain(COUNTED_TYPES.map(|qtype| Slot::qtype(Some(qtype))))
            .chain(MalformedKind::ALL.map(Slot::malformed))
            .chain(Limit::ALL.into_iter().flat_map(actions))
            .map(|slot| slot.0)
            .collect();
        assert_eq!(slots.iter().collect::<HashSet<_>>().len(), slots.len());
        assert_eq!(slots.len(), SLOTS, "every slot is something's");
    }

    #[test]
    fn every_type_and_response_code_has_a_slot() {
        for code in 0..=u16::MAX {
            let counted = COUNTED_TYPES.contains(&RecordType(code));
            assert_eq!(Slot::qtype(Some(RecordType(code))) == Slot::qtype_other(), !counted, "type {code}");
            assert!(Slot::rcode(code).0 < QTYPE_FIRST, "rcode {code}");
        }
    }

    #[test]
    fn writers_add_up() {
        let (one, two) = (Counts::default(), Counts::default());
        one.record(V4, &report(0, 1), alone);
        one.record(V6, &report(3, 1), alone);
        two.record(V4, &report(0, 28), shared);
        two.record(V4, &Report { len: 0, malformed: Some(MalformedKind::Response), ..report(0, 1) }, shared);
        two.record(V4, &Report { truncated: true, ..report(0, 65280) }, shared);
        let totals = Totals::of([&one, &two]);
        for (slot, expected) in [
            (Slot::IPV4, 4),
            (Slot::IPV6, 1),
            (Slot::rcode(0), 3),
            (Slot::rcode(3), 1),
            (Slot::DROPPED, 1),
            (Slot::TRUNCATED, 1),
            (Slot::malformed(MalformedKind::Response), 1),
            (Slot::qtype(Some(RecordType::A)), 3),
            (Slot::qtype_other(), 1),
        ] {
            assert_eq!(totals.of_slot(slot), expected, "{slot:?}");
        }
    }
}
