//! A zone's record sets by group, as those look at them who tell an operator what was configured.
//!
//! Knows no policy. Invariant: names of branches are left out: what only checks by dig ask for routes nobody.

use std::collections::BTreeMap;

use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::branch::is_branch_name;
use crate::zone::group_options::GroupOptions;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::RecordSet;

/// What tells one group from the others of its zone.
pub(super) type GroupKey<'s> = (&'s Name, RecordType);

/// The groups of one zone.
pub(super) struct Groups<'s> {
    zone: &'s HostedZone,
    members: BTreeMap<GroupKey<'s>, Vec<&'s RecordSet>>,
    /// In the order written.
    pub order: Vec<GroupKey<'s>>,
}

impl<'s> Groups<'s> {
    pub(super) fn of(zone: &'s HostedZone) -> Self {
        let mut groups = Self { zone, members: BTreeMap::new(), order: Vec::new() };
        for set in zone.record_sets.iter().filter(|set| !is_branch_name(&set.name)) {
            let members = groups.members.entry((&set.name, set.rtype)).or_default();
            if members.is_empty() {
                groups.order.push((&set.name, set.rtype));
            }
            members.push(set);
        }
        groups
    }

    /// The members in the order written; none where there is no such group.
    pub(super) fn members(&self, (name, rtype): GroupKey<'s>) -> &[&'s RecordSet] {
        self.members.get(&(name, rtype)).map_or(&[], Vec::as_slice)
    }

    /// What a group does beyond its policy, if it does anything.
    pub(super) fn options(&self, (name, rtype): GroupKey<'_>) -> Option<&'s GroupOptions> {
        if self.zone.groups.is_empty() { None } else { self.zone.groups.get(&(name.clone(), rtype)) }
    }

    /// Whether a record set is an alias of a name outside the zone.
    pub(super) fn is_external(&self, set: &RecordSet) -> bool {
        self.zone.external(set).is_some()
    }
}
