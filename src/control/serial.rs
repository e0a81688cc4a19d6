//! SOA serials: filled in where the operator leaves them to us, and never going backwards.
//!
//! Reads no clock: the time is an argument. A serial of 0, which is what zone TOML gets when its SOA is made, is filled
//! in: the one served before while nothing else changed, and otherwise a greater one. Invariant: in a state that comes
//! back no zone's serial is less than it was. Sources: RFC 1982 §3.2 (what "less" means), RFC 1912 §2.2.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::let_go::LetGo;
use super::state::State;
use crate::problem::{Problem, Problems};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::{Content, RdataList, RecordSet};
use crate::zone::soa;

/// Fills in the serials of `state`, given the state that is being served. A zone that says what it said is shared with that;
/// one whose record sets were let go of is so only if they are kept packed or nobody asks for them (`is_shown`).
///
/// # Errors
/// A zone whose own serial is less than the one served.
pub fn fill_serials(state: State, before: &State, is_shown: bool, now_secs: u32) -> Result<State, Problems> {
    let mut problems = Problems::default();
    let mut let_go = BTreeMap::new();
    let known: HashMap<&Name, &Arc<HostedZone>> = before.zones.iter().map(|zone| (&zone.name, zone)).collect();
    let zones = state.zones.iter().map(|zone| {
        let known = known.get(&zone.name).map(|known| Served::of(known, before, zone));
        let husk = known.as_ref().and_then(Served::husk).filter(|(_, known)| !is_shown || known.said.is_some());
        if let Some((husk, entry)) = husk {
            let_go.insert(husk.name.clone(), entry);
            return husk.clone();
        }
        fill(zone, known, now_secs).unwrap_or_else(|problem| {
            problems.push(problem);
            zone.clone()
        })
    });
    let zones = zones.collect();
    if problems.is_empty() { Ok(State { zones, let_go, ..state }) } else { Err(problems) }
}

/// A zone as it is being served, beside what its files say now.
struct Served<'b> {
    zone: &'b Arc<HostedZone>,
    let_go: Option<&'b LetGo>,
    serial: Option<u32>,
    own_serial: Option<u32>,
    /// False, too, where nobody asks, as another serial was given.
    is_same_but_for_serial: bool,
}

impl<'b> Served<'b> {
    fn of(zone: &'b Arc<HostedZone>, state: &'b State, files: &HostedZone) -> Self {
        let let_go = state.let_go.get(&zone.name);
        let (served, own_serial) = (let_go.map_or_else(|| serial(zone), |let_go| let_go.serial), serial(files));
        let is_same_but_for_serial = match let_go {
            Some(known) => (own_serial == served || own_serial == Some(0)) && known.is_same_but_for_serial(files),
            None => own_serial == Some(0) && is_same_but_for_serial(files, zone),
        };
        Self { zone, let_go, serial: served, own_serial, is_same_but_for_serial }
    }

    /// The husk that was made of what the files say, if this is one.
    fn husk(&self) -> Option<(&'b Arc<HostedZone>, LetGo)> {
        Some((self.zone, self.let_go.filter(|_| self.is_same_but_for_serial)?.clone()))
    }
}

fn fill(zone: &Arc<HostedZone>, before: Option<Served<'_>>, now_secs: u32) -> Result<Arc<HostedZone>, Problem> {
    let known = before.and_then(|before| Some((before.own_serial?, before.serial?, before)));
    let Some((own, served, before)) = known else {
        return Ok(if serial(zone) == Some(0) { with_serial(zone, now_secs.max(1)) } else { zone.clone() });
    };
    match own {
        0 if before.is_same_but_for_serial => match before.let_go {
            Some(_) => Ok(with_serial(zone, served)),
            None => Ok(before.zone.clone()),
        },
        0 => Ok(with_serial(zone, next(served, now_secs))),
        own if is_less(own, served) => {
            let message = format!(
                "the zone {} has the serial {own}{}, and {served} is being served: a serial never goes back",
                zone.name,
                place_of_soa(zone)
            );
            Err(Problem::error(message).help(format!("a serial greater than {served} is accepted")))
        }
        _ => Ok(zone.clone()),
    }
}

/// The serial after `served`: the time, unless that would be less.
fn next(served: u32, now_secs: u32) -> u32 {
    let next = if is_less(served, now_secs) { now_secs } else { served.wrapping_add(1) };
    // 0 would ask to be filled in again.
    next.max(1)
}

/// RFC 1982 §3.2.
fn is_less(a: u32, b: u32) -> bool {
    a != b && b.wrapping_sub(a) < 1 << 31
}

/// The zone's serial; none without an SOA.
pub(super) fn serial(zone: &HostedZone) -> Option<u32> {
    zone.record_sets.iter().find(|set| is_soa(zone, set)).and_then(|set| soa_serial(&set.content))
}

pub(super) fn is_soa(zone: &HostedZone, set: &RecordSet) -> bool {
    set.rtype == RecordType::SOA && set.name == zone.name
}

/// Where the SOA was written, for a message about it.
fn place_of_soa(zone: &HostedZone) -> String {
    let soa = zone.record_sets.iter().find(|set| is_soa(zone, set));
    let place = soa.and_then(|set| Some((zone.files.get(usize::from(set.origin.file))?, set.origin.line)));
    place.map(|(file, line)| format!(" ({file}:{line})")).unwrap_or_default()
}

fn soa_serial(content: &Content) -> Option<u32> {
    let Content::Values { rdata, .. } = content else { return None };
    Some(soa::numbers(rdata.iter().next()?)?.serial)
}

fn with_serial(zone: &HostedZone, serial: u32) -> Arc<HostedZone> {
    let mut zone = zone.clone();
    let apex = zone.name.clone();
    for set in zone.record_sets.iter_mut().filter(|set| set.rtype == RecordType::SOA && set.name == apex) {
        if let Content::Values { rdata, .. } = &mut set.content {
            *rdata = RdataList::new(rdata.iter().map(|rdata| soa::with_serial(rdata, serial)));
        }
    }
    Arc::new(zone)
}

fn is_same_but_for_serial(zone: &HostedZone, before: &HostedZone) -> bool {
    let same_set = |a: &RecordSet, b: &RecordSet| match is_soa(before, b) {
        false => a == b,
        true => {
            RecordSet { content: without_serial(&a.content), ..a.clone() }
                == RecordSet { content: without_serial(&b.content), ..b.clone() }
        }
    };
    zone.files == before.files
        && zone.groups == before.groups
        && zone.record_sets.len() == before.record_sets.len()
        && zone.record_sets.iter().zip(&before.record_sets).all(|(a, b)| same_set(a, b))
}

fn without_serial(content: &Content) -> Content {
    match content {
        Content::Values { ttl, rdata } => {
            Content::Values { ttl: *ttl, rdata: RdataList::new(rdata.iter().map(|rdata| soa::with_serial(rdata, 0))) }
        }
        alias => alias.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::record_set::Ttl;

    fn state(serial: u32, address: u8) -> State {
        let name = Name::parse("example.org.", None).expect("valid");
        let soa = [name.as_wire(), name.as_wire(), &serial.to_be_bytes(), &[0; 16]].concat();
        let ttl = Ttl::new(60).expect("in range");
        let set = |rtype, rdata: &[u8]| RecordSet::simple(name.clone(), rtype, ttl, RdataList::new([rdata]));
        let record_sets = vec![set(RecordType::SOA, &soa), set(RecordType::A, &[192, 0, 2, address])];
        let zone = HostedZone { name: name.clone(), record_sets, hidden: 0, groups: Default::default(), files: Vec::new() };
        State { zones: vec![Arc::new(zone)], ..State::default() }
    }

    /// The serial served after `before` (serial and content) when the file says `own`.
    fn served(before: (u32, u8), own: (u32, u8), now_secs: u32) -> Option<u32> {
        let filled = fill_serials(state(own.0, own.1), &state(before.0, before.1), false, now_secs).ok()?;
        serial(&filled.zones[0])
    }

    #[test]
    fn a_serial_left_to_us_stays_while_nothing_changes_and_grows_when_something_does() {
        assert_eq!(served((1_000, 1), (0, 1), 2_000), Some(1_000));
        assert_eq!(served((1_000, 1), (0, 2), 2_000), Some(2_000));
        // The clock went back.
        assert_eq!(served((1_000, 1), (0, 2), 500), Some(1_001));
        assert_eq!(served((u32::MAX, 1), (0, 2), u32::MAX), Some(1));
    }

    #[test]
    fn a_serial_of_the_operators_may_not_go_back() {
        assert_eq!(served((7, 1), (8, 2), 0), Some(8));
        assert_eq!(served((7, 1), (7, 2), 0), Some(7));
        assert_eq!(served((7, 1), (6, 2), 0), None);
        assert_eq!(served((0xffff_fff0, 1), (5, 2), 0), Some(5), "RFC 1982: 5 comes after");
    }

    #[test]
    fn what_has_not_changed_is_shared() {
        let before = state(1_000, 1);
        let after = fill_serials(state(0, 1), &before, false, 2_000).expect("nothing goes back");
        assert!(Arc::ptr_eq(&after.zones[0], &before.zones[0]));
    }
}
