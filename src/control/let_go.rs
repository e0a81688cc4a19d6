//! Record sets that nobody needs once they are compiled, and what is kept to know them again.
//!
//! A zone of a file is read anew when the file changes. Until then only the compiled zone answers, and of the hosted zone its
//! name and files are asked for. So a zone of plain values, which is compiled into nothing that depends on the rest of the
//! state, becomes a husk without record sets. Zones that do depend on it are kept, as a change elsewhere may have
//! them compiled again. Where the Route 53 API shows what files say, it is kept packed.
//! Invariant: a husk has an entry in `State::let_go`, and is served from what was compiled before it became one.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;

use siphasher::sip128::{Hasher128, SipHasher13};

use super::serial::{is_soa, serial};
use super::state::State;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::packed::PackedSets;
use crate::zone::record_set::RecordSet;
use crate::zone::soa;

/// What is kept of record sets that were let go of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetGo {
    /// Of all that they said but the serial.
    digest: u128,
    pub serial: Option<u32>,
    /// All that they said, if somebody may ask.
    pub said: Option<Arc<PackedSets>>,
}

/// The state with husks in the place of the zones whose compiled form is all that is needed; `is_shown` says that what they
/// said may be asked for.
pub fn let_go(state: &State, is_shown: bool) -> State {
    let mut next = state.clone();
    for zone in next.zones.iter_mut() {
        let Some(known) = LetGo::of(zone, is_shown) else { continue };
        next.let_go.insert(zone.name.clone(), known);
        let (name, files) = (zone.name.clone(), zone.files.clone());
        *zone = Arc::new(HostedZone { name, record_sets: Vec::new(), hidden: 0, groups: BTreeMap::new(), files });
    }
    next
}

impl LetGo {
    /// What would be kept of this zone; None if nothing of it may be let go of.
    fn of(zone: &HostedZone, is_shown: bool) -> Option<Self> {
        if !is_plain(zone) {
            return None;
        }
        let said = if is_shown { Some(Arc::new(PackedSets::of(zone)?)) } else { None };
        Some(Self { digest: digest(zone), serial: serial(zone), said })
    }

    /// Whether `zone` says what was let go of, but for the serial. The digest alone would not tell: only plain values are
    /// in it.
    pub fn is_same_but_for_serial(&self, zone: &HostedZone) -> bool {
        is_plain(zone) && digest(zone) == self.digest
    }
}

/// Whether nothing of it depends on health, clients or other names; false for a husk.
fn is_plain(zone: &HostedZone) -> bool {
    let is_plain = |set: &RecordSet| set.health_check.is_none() && set.plain().is_some();
    !zone.record_sets.is_empty() && zone.hidden == 0 && zone.groups.is_empty() && zone.record_sets.iter().all(is_plain)
}

/// Of a plain zone, all that it says but the serial. The key is fixed: the digest tells an operator's text from the one before,
/// and defends nothing.
fn digest(zone: &HostedZone) -> u128 {
    let mut hasher = SipHasher13::new();
    let mut put = |octets: &[u8]| {
        hasher.write_usize(octets.len());
        hasher.write(octets);
    };
    zone.files.iter().for_each(|file| put(file.as_bytes()));
    for set in &zone.record_sets {
        let Some((ttl, rdata)) = set.plain() else { continue };
        let numbers = [set.rtype.0.into(), ttl.secs(), set.origin.file.into(), set.origin.line, rdata.len() as u32];
        put(&numbers.map(u32::to_be_bytes).concat());
        put(set.name.as_wire());
        put(set.set_identifier.as_ref().map_or("", |identifier| identifier.as_str()).as_bytes());
        match is_soa(zone, set) {
            true => rdata.iter().for_each(|rdata| put(&soa::with_serial(rdata, 0))),
            false => rdata.iter().for_each(&mut put),
        }
    }
    hasher.finish128().as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::build::build;
    use crate::control::load::load_zones;
    use crate::control::serial::fill_serials;
    use crate::places::Places;
    use crate::zone::master::{NoFiles, Source};

    /// The state of a plain zone and of one that chooses.
    fn read(address: &str, serial: u32) -> State {
        let plain = format!("plain.test. 60 SOA ns h {serial} 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\nwww 60 A {address}\n");
        let routed = "zone = \"routed.test.\"\nns = [\"ns1.plain.test.\"]\n[[record]]\nname = \"www\"\ntype = \"A\"\n\
                      set_identifier = \"a\"\nweight = 1\nvalues = [\"192.0.2.2\"]\n";
        let plain = format!("$ORIGIN plain.test.\n{plain}");
        let source = |file: &str, text: &str| Source { file: file.into(), octets: text.as_bytes().to_vec() };
        let (state, problems) = load_zones(vec![source("a.zone", &plain), source("b.toml", routed)], &mut NoFiles, 0);
        state.unwrap_or_else(|| panic!("{problems}"))
    }

    fn toml(text: &str) -> State {
        let (state, problems) = load_zones(vec![Source { file: "a.toml".into(), octets: text.into() }], &mut NoFiles, 0);
        state.unwrap_or_else(|| panic!("{problems}"))
    }

    /// What is served of these files behind what is served before.
    fn next(files: State, before: &State) -> State {
        fill_serials(files, before, false, 1_000).expect("no serial goes back")
    }

    #[test]
    fn a_plain_zone_becomes_a_husk_and_one_that_chooses_is_kept() {
        let gone = let_go(&next(read("192.0.2.3", 7), &State::default()), false);
        let left: Vec<usize> = gone.zones.iter().map(|zone| zone.record_sets.len()).collect();
        assert_eq!(left, [0, 3]);
        assert_eq!(gone.let_go.values().map(|known| known.serial).collect::<Vec<_>>(), [Some(7)]);
        assert_eq!(let_go(&gone, false), gone, "a husk stays one");
    }

    #[test]
    fn what_says_the_same_is_known_again_and_what_does_not_is_compiled() {
        let first = build(next(read("192.0.2.3", 7), &State::default()), &Places::default(), None).expect("valid");
        let zone = |built: &crate::control::build::Built| built.catalog.zones()[0].clone();
        let served = first.clone().holding(&let_go(&first.state, false));
        for (address, serial, is_same) in [("192.0.2.3", 7, true), ("192.0.2.3", 8, false), ("192.0.2.4", 7, false)] {
            let state = next(read(address, serial), &served.state);
            assert_eq!(state.zones[0].record_sets.is_empty(), is_same, "{address} {serial}");
            assert_eq!(state == served.state, is_same, "{address} {serial}");
            let built = build(state, &Places::default(), Some(&served)).expect("valid");
            assert_eq!(Arc::ptr_eq(&zone(&built), &zone(&served)), is_same, "{address} {serial}");
        }
        assert!(fill_serials(read("192.0.2.3", 6), &served.state, false, 0).is_err(), "serials go forward");
    }

    #[test]
    fn what_is_no_longer_of_plain_values_is_compiled() {
        let plain = "zone = \"toml.test.\"\nns = [\"ns1.plain.test.\"]\n[[record]]\nname = \"www\"\ntype = \"A\"\nvalues = [\"192.0.2.1\"]\n";
        let added = [
            "[[record]]\nname = \"alias\"\ntype = \"A\"\nalias = \"www\"\n",
            "[[record]]\nname = \"w\"\ntype = \"A\"\nset_identifier = \"a\"\nweight = 1\nvalues = [\"192.0.2.2\"]\n",
            "health_check = \"c\"\n[check.c]\ntype = \"tcp\"\nip_address = \"192.0.2.1\"\nport = 80\n",
        ];
        let zone = |built: &crate::control::build::Built| built.catalog.zones()[0].clone();
        for added in added {
            let first = build(next(toml(plain), &State::default()), &Places::default(), None).expect("valid");
            let served = first.clone().holding(&let_go(&first.state, false));
            assert!(served.state.zones[0].record_sets.is_empty(), "the first is plain");
            let state = next(toml(&[plain, added].concat()), &served.state);
            assert!(!state.zones[0].record_sets.is_empty(), "{added}");
            let built = build(state, &Places::default(), Some(&served)).expect("valid");
            assert!(!Arc::ptr_eq(&zone(&built), &zone(&served)), "{added}");
        }
    }

    #[test]
    fn whoever_needs_the_record_sets_gets_them_whatever_was_let_go_of() {
        let served = let_go(&next(read("192.0.2.3", 7), &State::default()), false);
        let state = fill_serials(read("192.0.2.3", 7), &served, true, 0).expect("the same");
        assert_eq!(state.zones[0].record_sets.len(), 4);
        assert!(state.let_go.is_empty());
        let whole = next(read("192.0.2.3", 7), &State::default());
        let state = fill_serials(read("192.0.2.3", 7), &let_go(&whole, true), true, 0).expect("the same");
        assert!(state.zones[0].record_sets.is_empty());
        let said = state.let_go.values().find_map(|known| known.said.as_ref()).expect("it is kept packed");
        assert_eq!(said.iter().collect::<Vec<_>>(), whole.zones[0].record_sets);
    }
}
