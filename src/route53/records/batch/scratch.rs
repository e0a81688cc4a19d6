//! A zone's record sets with the changes of a batch laid over them, while nobody knows yet whether it will be accepted.
//!
//! Costs what the batch touches, whatever the zone holds: only the changed keys are here, all else is looked up.
//! Invariant: the zone is not changed; a key has one slot, that of its last change.
//! Source: Route 53 API 2013-04-01, `ChangeResourceRecordSets`, "change batches and transactional changes".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::route53::name::NameKey;
use crate::route53::records::rrset::{Rrset, RrsetKey};
use crate::route53::records::rrsets::{GroupKey, Rrsets, first_of, target};

/// The zone as it would be.
pub(super) struct Scratch<'z> {
    zone: &'z Rrsets,
    slots: BTreeMap<RrsetKey, Slot>,
    /// The aliases among the slots, also those that a later change took away again.
    aliases: BTreeMap<GroupKey, BTreeSet<RrsetKey>>,
}

/// What became of one key.
struct Slot {
    /// None where it was deleted.
    rrset: Option<Arc<Rrset>>,
    by: usize,
}

/// One record set of the zone as it would be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'s> {
    pub rrset: &'s Rrset,
    /// The change that put it there; none for what was there before.
    pub by: Option<usize>,
}

impl<'z> Scratch<'z> {
    pub fn new(zone: &'z Rrsets) -> Self {
        Self { zone, slots: BTreeMap::new(), aliases: BTreeMap::new() }
    }

    pub fn get(&self, key: &RrsetKey) -> Option<&Arc<Rrset>> {
        match self.slots.get(key) {
            Some(slot) => slot.rrset.as_ref(),
            None => self.zone.get(key),
        }
    }

    /// What was there before the batch.
    pub fn before(&self, key: &RrsetKey) -> Option<&'z Arc<Rrset>> {
        self.zone.get(key)
    }

    pub fn put(&mut self, key: RrsetKey, rrset: Arc<Rrset>, by: usize) {
        if let Some(target) = target(&rrset.set) {
            self.aliases.entry(target).or_default().insert(key.clone());
        }
        self.slots.insert(key, Slot { rrset: Some(rrset), by });
    }

    pub fn remove(&mut self, key: RrsetKey, by: usize) {
        self.slots.insert(key, Slot { rrset: None, by });
    }

    /// The record sets of one name, what was there before first, then in the order of the changes.
    pub fn at_name<'s>(&'s self, name: &'s NameKey) -> Vec<Member<'s>> {
        let start = first_of(name.clone(), super::TypeKey::FIRST);
        let slots = self.slots.range(start..).take_while(|(key, _)| key.name == *name);
        self.merged(self.zone.at_name(name), slots)
    }

    /// The members of one group, in the same order.
    pub fn group<'s>(&'s self, group: &'s GroupKey) -> Vec<Member<'s>> {
        let slots = self.slots.range(first_of(group.0.clone(), group.1)..);
        self.merged(self.zone.group(group), slots.take_while(|(key, _)| key.name == group.0 && key.rtype == group.1))
    }

    fn merged<'s>(
        &'s self,
        before: impl Iterator<Item = (&'s RrsetKey, &'s Arc<Rrset>)>,
        slots: impl Iterator<Item = (&'s RrsetKey, &'s Slot)>,
    ) -> Vec<Member<'s>> {
        let kept = before.filter(|(key, _)| !self.slots.contains_key(key));
        let mut members: Vec<Member> = kept.map(|(_, rrset)| Member { rrset, by: None }).collect();
        members.extend(slots.filter_map(|(_, slot)| Some(Member { rrset: slot.rrset.as_deref()?, by: Some(slot.by) })));
        members.sort_by_key(|member| member.by);
        members
    }

    pub fn has_group(&self, group: &GroupKey) -> bool {
        let kept = self.zone.group(group).any(|(key, _)| !self.slots.contains_key(key));
        let mut slots = self.slots.range(first_of(group.0.clone(), group.1)..);
        kept || slots
            .by_ref()
            .take_while(|(key, _)| key.name == group.0 && key.rtype == group.1)
            .any(|(_, slot)| slot.rrset.is_some())
    }

    /// The aliases that answer as this group does.
    pub fn aliases_of<'s>(&'s self, group: &'s GroupKey) -> impl Iterator<Item = &'s RrsetKey> {
        let kept = self.zone.aliases_of(group).filter(|key| !self.slots.contains_key(key));
        let put = self.aliases.get(group).into_iter().flatten();
        kept.chain(put.filter(move |key| self.get(key).and_then(|rrset| target(&rrset.set)).as_ref() == Some(group)))
    }

    /// Every key that a change put or took away, with what is there now and the last change of it.
    pub fn changed(&self) -> impl Iterator<Item = (&RrsetKey, Option<&Arc<Rrset>>, usize)> {
        self.slots.iter().map(|(key, slot)| (key, slot.rrset.as_ref(), slot.by))
    }

    /// As [`Self::changed`], of one change.
    pub fn changed_by(&self, key: &RrsetKey) -> Option<(&RrsetKey, Option<&Arc<Rrset>>, usize)> {
        self.slots.get_key_value(key).map(|(key, slot)| (key, slot.rrset.as_ref(), slot.by))
    }
}
