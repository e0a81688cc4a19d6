//! The record sets of a zone, in the order of the API's lists, and which of them are aliases of what.
//!
//! Judges nothing. Invariant: each record set stands under its own key, and `aliases` has exactly the aliases among
//! them, under the name and type that they answer as; so both are found without a walk through the zone.
//! Source: Route 53 API 2013-04-01, `ListResourceRecordSets` (order), `AliasTarget`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::rrset::{Rrset, RrsetKey, TypeKey};
use crate::ids::SetIdentifier;
use crate::route53::name::NameKey;
use crate::zone::record_set::{Content, RecordSet};

/// The record sets of one zone.
#[derive(Clone, Debug, Default)]
pub struct Rrsets {
    sets: BTreeMap<RrsetKey, Arc<Rrset>>,
    aliases: BTreeMap<GroupKey, BTreeSet<RrsetKey>>,
}

/// A record group: the record sets of one name and type.
pub type GroupKey = (NameKey, TypeKey);

impl Rrsets {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record set, or replaces the one of its key.
    pub fn put(&mut self, rrset: Arc<Rrset>) {
        let key = rrset.key();
        self.remove(&key);
        if let Some(target) = target(&rrset.set) {
            self.aliases.entry(target).or_default().insert(key.clone());
        }
        self.sets.insert(key, rrset);
    }

    /// Takes away the record set of this key, if there is one.
    pub fn remove(&mut self, key: &RrsetKey) -> Option<Arc<Rrset>> {
        let removed = self.sets.remove(key)?;
        if let Some(target) = target(&removed.set)
            && let Some(aliases) = self.aliases.get_mut(&target)
        {
            aliases.remove(key);
            if aliases.is_empty() {
                self.aliases.remove(&target);
            }
        }
        Some(removed)
    }

    pub fn get(&self, key: &RrsetKey) -> Option<&Arc<Rrset>> {
        self.sets.get(key)
    }

    pub fn len(&self) -> usize {
        self.sets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// All of them, in the order of lists.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Arc<Rrset>> {
        self.sets.values()
    }

    /// Those from this place in the order on.
    pub fn from(&self, start: Bound<&RrsetKey>) -> impl Iterator<Item = (&RrsetKey, &Arc<Rrset>)> {
        self.sets.range::<RrsetKey, _>((start, Bound::Unbounded))
    }

    /// Those of one name.
    pub fn at_name<'r>(&'r self, name: &'r NameKey) -> impl Iterator<Item = (&'r RrsetKey, &'r Arc<Rrset>)> {
        let start = first_of(name.clone(), TypeKey::FIRST);
        self.sets.range(start..).take_while(move |(key, _)| key.name == *name)
    }

    /// Those of one name and type.
    pub fn group<'r>(&'r self, (name, rtype): &'r GroupKey) -> impl Iterator<Item = (&'r RrsetKey, &'r Arc<Rrset>)> {
        let start = first_of(name.clone(), *rtype);
        self.sets.range(start..).take_while(move |(key, _)| key.name == *name && key.rtype == *rtype)
    }

    /// The aliases that answer as this group does.
    pub fn aliases_of(&self, group: &GroupKey) -> impl Iterator<Item = &RrsetKey> {
        self.aliases.get(group).into_iter().flatten()
    }
}

impl FromIterator<Arc<Rrset>> for Rrsets {
    fn from_iter<I: IntoIterator<Item = Arc<Rrset>>>(rrsets: I) -> Self {
        let mut all = Self::new();
        rrsets.into_iter().for_each(|rrset| all.put(rrset));
        all
    }
}

/// What an alias answers as: another name, its own type.
pub fn target(set: &RecordSet) -> Option<GroupKey> {
    match &set.content {
        Content::Alias(alias) => Some((NameKey::new(&alias.target), TypeKey(set.rtype))),
        Content::Values { .. } => None,
    }
}

/// The key before all of a group, or of a name where the type is the first.
pub fn first_of(name: NameKey, rtype: TypeKey) -> RrsetKey {
    RrsetKey { name, rtype, set_identifier: None::<SetIdentifier> }
}
