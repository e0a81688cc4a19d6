//! A hosted zone of the account: what is said of it, and its record sets in the order of the API's lists.
//!
//! Invariant: each record set stands under its own key.
//! Source: Route 53 API 2013-04-01, `HostedZone`; `ListResourceRecordSets` for the order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::route53::name::parse_name;
use crate::route53::records::of_file;
use crate::route53::records::rrset::{Rrset, RrsetKey};
use crate::route53::records::rrsets::Rrsets;
use crate::wire::name::Name;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::packed::PackedSets;
use crate::zone::parted::PartedZone;
use crate::zone::record_set::RecordSet;

/// A hosted zone and its record sets.
#[derive(Clone, Debug)]
pub struct Zone {
    pub record: Arc<ZoneRecord>,
    shown: Shown,
    /// Its record sets as they are served; nothing for a zone of a file.
    pub(super) parted: Arc<PartedZone>,
    /// The same in one piece, where that was asked for since the last change.
    pub(super) hosted: Option<Arc<HostedZone>>,
}

/// The record sets as the API shows them.
#[derive(Clone, Debug)]
enum Shown {
    Own(Rrsets),
    /// Of a file, and made when somebody asks: shown they take several times the memory that the file's own take.
    OfFile {
        said: FileSays,
        made: OnceLock<Rrsets>,
    },
}

/// The record sets of a file.
#[derive(Clone, Debug)]
pub(super) enum FileSays {
    Whole(Arc<HostedZone>),
    /// What is left of a zone whose record sets were let go of.
    Packed(Arc<PackedSets>),
}

/// What is said of a zone as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneRecord {
    /// Bare: `Z0123456789ABCDEFGHIJ`.
    pub id: String,
    /// As shown, with its final dot.
    pub name: String,
    pub caller_reference: String,
    pub comment: Option<String>,
    pub private: bool,
    /// The reusable delegation set that it was made with.
    pub delegation_set: Option<String>,
    pub name_servers: Vec<String>,
    pub vpcs: Vec<Vpc>,
    /// Networks of other accounts that may be associated.
    pub vpc_authorizations: Vec<Vpc>,
    pub accelerated_recovery: bool,
    pub tags: BTreeMap<String, String>,
    pub is_signing: bool,
    pub signing_keys: Vec<SigningKey>,
    /// The record sets that no change may touch.
    pub protections: Vec<Protection>,
    pub created_at: Timestamp,
    /// The file it is written in; none for those of the API.
    #[serde(skip)]
    pub file: Option<String>,
}

/// Route 53's `VPC`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Vpc {
    pub region: String,
    pub id: String,
}

/// Route 53's `KeySigningKey`, as far as its state goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    pub name: String,
    pub kms_arn: String,
    pub caller_reference: String,
    pub is_active: bool,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
}

/// Route 53's `ResourceRecordSetProtection`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// As shown, with its final dot.
    pub name: String,
    pub kind: String,
    pub comment: Option<String>,
    pub created_at: Timestamp,
}

impl ZoneRecord {
    /// Which of several zones of one name answers: the one that comes first.
    pub fn rank(&self) -> (bool, Timestamp, &str) {
        (self.file.is_none(), self.created_at, &self.id)
    }
}

impl Zone {
    /// A zone without record sets.
    pub fn new(record: Arc<ZoneRecord>) -> Self {
        Self::showing(record, Shown::Own(Rrsets::new()))
    }

    /// A zone of a file, which has these record sets for good.
    pub(super) fn of_file(record: Arc<ZoneRecord>, said: FileSays) -> Self {
        Self::showing(record, Shown::OfFile { said, made: OnceLock::new() })
    }

    /// Whether it is of a file that says this.
    pub(super) fn shows(&self, packed: &Arc<PackedSets>) -> bool {
        matches!(&self.shown, Shown::OfFile { said: FileSays::Packed(own), .. } if Arc::ptr_eq(own, packed))
    }

    fn showing(record: Arc<ZoneRecord>, shown: Shown) -> Self {
        let name = parse_name(&record.name).unwrap_or_else(|_| Name::root());
        Self { record, shown, parted: Arc::new(PartedZone::new(name, [])), hosted: None }
    }

    /// The record sets, in the order of the API's lists. The first who asks for a large file's waits until they are made.
    pub fn rrsets(&self) -> &Rrsets {
        match &self.shown {
            Shown::Own(rrsets) => rrsets,
            Shown::OfFile { said, made } => made.get_or_init(|| said.shown(&self.record.id)),
        }
    }

    /// How many record sets there are; makes none.
    pub fn rrset_count(&self) -> usize {
        match &self.shown {
            Shown::Own(rrsets) => rrsets.len(),
            Shown::OfFile { said, .. } => said.len(),
        }
    }

    /// Adds a record set, or replaces the one of its key. Does nothing in a zone of a file: nobody changes those.
    pub fn put(&mut self, rrset: Arc<Rrset>) {
        let Shown::Own(rrsets) = &mut self.shown else { return };
        Arc::make_mut(&mut self.parted).put(rrset.set.clone());
        self.hosted = None;
        rrsets.put(rrset);
    }

    /// Takes a record set away. Does nothing in a zone of a file, as above.
    pub fn remove(&mut self, key: &RrsetKey) {
        let Shown::Own(rrsets) = &mut self.shown else { return };
        if let Some(removed) = rrsets.remove(key) {
            let set = &removed.set;
            self.hosted = None;
            Arc::make_mut(&mut self.parted).remove(&set.name, set.rtype, set.set_identifier.as_ref());
        }
    }
}

impl FileSays {
    /// How many there are; makes none.
    fn len(&self) -> usize {
        match self {
            Self::Whole(hosted) => hosted.record_sets.len(),
            Self::Packed(packed) => packed.len(),
        }
    }

    /// Each of them, in the file's order.
    pub fn sets(&self) -> Box<dyn Iterator<Item = Cow<'_, RecordSet>> + '_> {
        match self {
            Self::Whole(hosted) => Box::new(hosted.record_sets.iter().map(Cow::Borrowed)),
            Self::Packed(packed) => Box::new(packed.iter().map(Cow::Owned)),
        }
    }

    /// As the zone of this id shows them.
    fn shown(&self, id: &str) -> Rrsets {
        self.sets().map(|set| Arc::new(of_file::rrset(&set, id))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::let_go::let_go;
    use crate::control::load::load_zones;
    use crate::control::state::State;
    use crate::route53::account::Account;
    use crate::zone::master::{NoFiles, Source};

    #[test]
    fn what_a_file_says_is_made_for_the_api_when_somebody_asks() {
        let text = "$ORIGIN example.org.\n@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\nwww 60 A 192.0.2.2\n";
        let source = Source { file: "example.org.zone".into(), octets: text.into() };
        let (state, problems) = load_zones(vec![source], &mut NoFiles, 0);
        let mut account = Account::default();
        let state = state.unwrap_or_else(|| panic!("{problems}"));
        account.adopt_files(&state);
        let zone = |account: &Account| account.zones.values().next().expect("the file's zone").clone();
        let made = |zone: &Zone| matches!(&zone.shown, Shown::OfFile { made, .. } if made.get().is_some());
        let whole = zone(&account);
        assert_eq!((whole.rrset_count(), made(&whole)), (4, false));
        account.adopt_files(&let_go(&state, true));
        let packed = zone(&account);
        assert!(matches!(packed.shown, Shown::OfFile { said: FileSays::Packed(_), .. }));
        assert_eq!((packed.rrset_count(), made(&packed), &packed.record), (4, false, &whole.record));
        assert_eq!(packed.rrsets().values().collect::<Vec<_>>(), whole.rrsets().values().collect::<Vec<_>>());
        assert_eq!((whole.rrsets().len(), made(&packed), made(&whole)), (4, true, true));
        let mut zone = Zone::clone(&packed);
        let rrset = zone.rrsets().values().next().expect("there are four").clone();
        zone.remove(&rrset.key());
        zone.put(rrset);
        assert_eq!(zone.rrsets().len(), 4, "nobody changes what is written in files");
    }

    #[test]
    fn what_was_made_of_a_file_stays_as_long_as_the_file_says_the_same() {
        let text = "$ORIGIN example.org.\n@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n";
        let source = Source { file: "example.org.zone".into(), octets: text.into() };
        let state = load_zones(vec![source], &mut NoFiles, 0).0.expect("the zone is sound");
        let (kept, other) = (let_go(&state, true), let_go(&state, true));
        let mut account = Account::default();
        let mut adopted = |state: &State| {
            account.adopt_files(state);
            account.zones.values().next().expect("the file's zone").clone()
        };
        let first = adopted(&kept);
        assert!(Arc::ptr_eq(&first, &adopted(&kept)));
        assert!(!Arc::ptr_eq(&first, &adopted(&other)));
    }
}
