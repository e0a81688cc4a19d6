//! Plain record sets in little room: what a file says, kept for whoever asks later.
//!
//! A record set takes 112 octets and its name, and a packed one about as many as were written of it. Invariant: what comes out is what went
//! in, in its order; a zone of which that could not be said is not packed.
//! Format: that of `postcard`, one record set behind the other; it never leaves the process.

use serde::{Deserialize, Serialize};

use super::hosted_zone::HostedZone;
use super::record_set::{Origin, RdataList, RecordSet, Ttl};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// The record sets of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedSets {
    zone: Name,
    count: usize,
    octets: Box<[u8]>,
}

/// A record set without what all of them have in common.
#[derive(Serialize, Deserialize)]
struct Packed<'p> {
    /// The labels before the zone's name.
    labels: &'p [u8],
    rtype: u16,
    ttl_secs: u32,
    listed: &'p [u8],
    file: u16,
    line: u32,
}

impl PackedSets {
    /// Those of a zone; None if one of them says more than plain values, or has not the zone's name as that is written.
    pub fn of(zone: &HostedZone) -> Option<Self> {
        let mut octets = Vec::new();
        for set in &zone.record_sets {
            octets = postcard::to_extend(&pack(set, &zone.name)?, octets).ok()?;
        }
        Some(Self { zone: zone.name.clone(), count: zone.record_sets.len(), octets: octets.into() })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each of them, as it was.
    pub fn iter(&self) -> impl Iterator<Item = RecordSet> + '_ {
        let mut rest = &*self.octets;
        (0..self.count).map(move |_| {
            let (packed, behind) = postcard::take_from_bytes(rest).expect("it was packed here");
            rest = behind;
            self.unpack(packed)
        })
    }

    fn unpack(&self, packed: Packed<'_>) -> RecordSet {
        let name = Name::from_wire(&[packed.labels, self.zone.as_wire()].concat()).expect("it was a name");
        let ttl = Ttl::new(packed.ttl_secs.into()).expect("it was a TTL");
        let origin = Origin { file: packed.file, line: packed.line };
        RecordSet { origin, ..RecordSet::simple(name, RecordType(packed.rtype), ttl, RdataList::of_listed(packed.listed)) }
    }
}

fn pack<'s>(set: &'s RecordSet, zone: &Name) -> Option<Packed<'s>> {
    let (ttl, rdata) = set.plain()?;
    if set.set_identifier.is_some() || set.health_check.is_some() || set.place.is_some() {
        return None;
    }
    Some(Packed {
        labels: set.name.as_wire().strip_suffix(zone.as_wire())?,
        rtype: set.rtype.0,
        ttl_secs: ttl.secs(),
        listed: rdata.as_listed(),
        file: set.origin.file,
        line: set.origin.line,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::ids::HealthCheckId;
    use crate::zone::record_set::RoutingPolicy;

    fn zone(record_sets: Vec<RecordSet>) -> HostedZone {
        let name = Name::parse("Example.org.", None).expect("a name");
        HostedZone { name, record_sets, hidden: 0, groups: BTreeMap::new(), files: Vec::new() }
    }

    fn any_set() -> impl Strategy<Value = RecordSet> {
        let rdata = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..4);
        ("([a-zA-Z*]{1,9}[.]){0,3}", any::<u16>(), 0..=i32::MAX as u32, rdata, any::<u16>(), any::<u32>()).prop_map(
            |(labels, rtype, ttl_secs, rdata, file, line)| {
                let name = Name::parse(&format!("{labels}Example.org."), None).expect("a name");
                let ttl = Ttl::new(ttl_secs.into()).expect("in range");
                let origin = Origin { file, line };
                RecordSet { origin, ..RecordSet::simple(name, RecordType(rtype), ttl, RdataList::new(rdata)) }
            },
        )
    }

    proptest! {
        #[test]
        fn what_comes_out_is_what_went_in(sets in prop::collection::vec(any_set(), 0..40)) {
            let zone = zone(sets);
            let packed = PackedSets::of(&zone).expect("all are plain");
            prop_assert_eq!(packed.len(), zone.record_sets.len());
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), zone.record_sets);
        }
    }

    #[test]
    fn an_address_of_a_million_takes_23_octets() {
        let name = Name::parse("h999999.Example.org.", None).expect("a name");
        let ttl = Ttl::new(300).expect("in range");
        let set = RecordSet::simple(name, RecordType::A, ttl, RdataList::new([[10, 15, 66, 63]]));
        let set = RecordSet { origin: Origin { file: 0, line: 1_000_004 }, ..set };
        assert_eq!(PackedSets::of(&zone(vec![set])).map(|packed| packed.octets.len()), Some(23));
    }

    #[test]
    fn what_would_not_come_out_is_not_packed() {
        let name = |text: &str| Name::parse(text, None).expect("a name");
        let ttl = Ttl::new(60).expect("in range");
        let plain = RecordSet::simple(name("www.Example.org."), RecordType::A, ttl, RdataList::new([[192, 0, 2, 1]]));
        assert!(PackedSets::of(&zone(vec![plain.clone()])).is_some());
        let others = [
            RecordSet { name: name("www.example.org."), ..plain.clone() },
            RecordSet { policy: RoutingPolicy::Multivalue, ..plain.clone() },
            RecordSet { health_check: Some(HealthCheckId::new("up").expect("an id")), ..plain.clone() },
        ];
        for other in others {
            assert!(PackedSets::of(&zone(vec![plain.clone(), other.clone()])).is_none(), "{other:?}");
        }
    }
}
