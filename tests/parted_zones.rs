//! A zone in parts answers as the same zone in one piece does, whatever was changed in it and in which order.
//!
//! Laws over random zones and changes: aliases, links, wildcards, cuts and DNAMEs that lead from one part to another.
//! Not a test of what is right: `tests/cases` and the differential tests say that of zones in one piece.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use waypost::control::build::{Built, build, build_by};
use waypost::control::state::State;
use waypost::files::OnAllCores;
use waypost::ids::HealthCheckId;
use waypost::places::Places;
use waypost::snapshot::Snapshot;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::parted::PartedZone;
use waypost::zone::record_set::{Alias, Content, RecordSet, RoutingPolicy, Weight};

mod support;
use support::{apex, ask, member, name, query, record_set, verdict};

/// Children of the apex; with what fills the zone up, each in its part.
const CHILDREN: [&str; 8] = ["a", "b", "c", "d", "e", "*", "g", "h"];
/// Enough record sets for several parts.
const FILLING: usize = 1_100;

#[derive(Clone, Debug)]
enum Change {
    Put(Vec<RecordSet>),
    Remove(Index),
}

fn any_owner() -> impl Strategy<Value = String> {
    let child = prop::sample::select(&CHILDREN[..]);
    prop_oneof![
        4 => child.clone().prop_map(str::to_owned),
        3 => (prop::sample::select(&["x", "y", "*", "x.y"][..]), child).prop_map(|(below, child)| format!("{below}.{child}")),
        1 => Just("@".to_owned()),
    ]
}

/// What is put together: members of a group, or one record set.
fn any_sets() -> impl Strategy<Value = Vec<RecordSet>> {
    let target = any_owner();
    prop_oneof![
        4 => (any_owner(), any::<u8>()).prop_map(|(owner, last)| vec![record_set(&owner, RecordType::A, &[&[192, 0, 2, last]])]),
        2 => (any_owner(), target).prop_map(|(owner, target)| {
            let rdata = [&[0, 10], name(&target).as_wire()].concat();
            vec![record_set(&owner, RecordType::MX, &[&rdata])]
        }),
        1 => (any_owner(), any_owner()).prop_map(|(owner, target)| {
            vec![record_set(&owner, RecordType::NS, &[name(&target).as_wire()])]
        }),
        1 => (any_owner(), any_owner()).prop_map(|(owner, target)| {
            vec![record_set(&owner, RecordType::DNAME, &[name(&target).as_wire()])]
        }),
        2 => (any_owner(), any_owner()).prop_map(|(owner, target)| {
            vec![record_set(&owner, RecordType::CNAME, &[name(&target).as_wire()])]
        }),
        3 => (any_owner(), any::<bool>()).prop_map(|(owner, checked)| {
            let policy = |weight| RoutingPolicy::Weighted(Weight::new(weight).unwrap());
            let check = checked.then_some("down");
            vec![member(&owner, "one", policy(1), [192, 0, 2, 1], check), member(&owner, "two", policy(2), [192, 0, 2, 2], None)]
        }),
        3 => (any_owner(), any_owner(), any::<bool>(), any::<u8>()).prop_map(|(owner, target, evaluate, tier)| {
            let alias = Alias { target: name(&target), evaluate_target_health: evaluate };
            let content = Content::Alias(Box::new(alias));
            let first = member(&owner, "alias", RoutingPolicy::Failover(u16::from(tier % 2)), [0; 4], None);
            vec![
                RecordSet { content, ..first },
                member(&owner, "last", RoutingPolicy::Failover(2), [192, 0, 2, 3], None),
            ]
        }),
    ]
}

fn any_changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![4 => any_sets().prop_map(Change::Put), 1 => any::<Index>().prop_map(Change::Remove)];
    prop::collection::vec(change, 1..24)
}

/// What the zone holds, as a reference: groups by name and type.
type Groups = BTreeMap<(Name, RecordType), Vec<RecordSet>>;

/// Makes the change, if aliases still lead somewhere and form no loop after it; names the group that it concerns.
fn change(groups: &mut Groups, change: &Change) -> Option<(Name, RecordType)> {
    let key = match change {
        Change::Put(sets) => (sets[0].name.clone(), sets[0].rtype),
        Change::Remove(index) => index.get(&groups.keys().collect::<Vec<_>>()).to_owned().clone(),
    };
    let is_apex = key.0 == name("@") && matches!(key.1, RecordType::SOA | RecordType::NS);
    if is_apex {
        return None;
    }
    let before = groups.get(&key).cloned();
    match change {
        Change::Put(sets) => drop(groups.insert(key.clone(), sets.clone())),
        Change::Remove(_) => drop(groups.remove(&key)),
    }
    if groups.keys().all(|key| leads_somewhere(groups, key, &mut BTreeSet::new())) {
        return Some(key);
    }
    match before {
        Some(before) => drop(groups.insert(key, before)),
        None => drop(groups.remove(&key)),
    }
    None
}

fn leads_somewhere(groups: &Groups, key: &(Name, RecordType), above: &mut BTreeSet<(Name, RecordType)>) -> bool {
    let Some(sets) = groups.get(key) else { return false };
    let is_new = above.insert(key.clone());
    let leads = is_new
        && sets.iter().all(|set| match &set.content {
            Content::Alias(alias) => leads_somewhere(groups, &(alias.target.clone(), set.rtype), above),
            Content::Values { .. } => true,
        });
    above.remove(key);
    leads
}

fn first_groups() -> Groups {
    let filling = (0..FILLING).map(|at| record_set(&format!("host-{at}"), RecordType::A, &[&(at as u32).to_be_bytes()]));
    let mut groups = Groups::new();
    apex().into_iter().chain(filling).for_each(|set| groups.entry((set.name.clone(), set.rtype)).or_default().push(set));
    groups
}

fn state() -> State {
    let id = HealthCheckId::new("down").unwrap();
    let kind = waypost::health::check::CheckKind::Calculated { children: Vec::new(), health_threshold: 1 };
    let check = waypost::health::check::HealthCheck::plain(id.clone(), kind);
    State { checks: [(id, check)].into(), ..State::default() }
}

fn served(built: &Built) -> Snapshot {
    let verdicts = built.state.checks.keys().map(|id| verdict(id.clone(), false)).collect();
    let (catalog, maps, externals) = (built.catalog.clone(), built.maps.clone(), built.externals.clone());
    Snapshot { catalog, health: Arc::new(built.supposing(verdicts)), maps, externals, generation: 0 }
}

/// The same record sets in one piece, in the same order.
fn in_one_piece(parted: &PartedZone) -> State {
    let (name, record_sets) = (parted.name().clone(), parted.iter().cloned().collect());
    let hosted = HostedZone { name, record_sets, hidden: 0, groups: BTreeMap::new(), files: vec!["made in a test".into()] };
    State { zones: vec![Arc::new(hosted)], ..state() }
}

fn compare(parted: &Snapshot, whole: &Snapshot, touched: &BTreeSet<Name>) -> Result<(), TestCaseError> {
    let beside = CHILDREN.iter().flat_map(|child| [name(child), name(&format!("x.{child}")), name(&format!("z.y.{child}"))]);
    let names: BTreeSet<Name> =
        touched.iter().cloned().chain(beside).chain([name("@"), name("host-7"), name("nothing")]).collect();
    for qname in &names {
        for rtype in [RecordType::A, RecordType::MX, RecordType::NS, RecordType::CNAME, RecordType::TXT] {
            for draw in [0, 0x5555_5555_5555_5555, u64::MAX] {
                let message = query(qname, rtype);
                let (parted, _, why) = ask(parted, &message, draw);
                let (whole, ..) = ask(whole, &message, draw);
                prop_assert_eq!(parted, whole, "{} {}: {:?}", qname, rtype, why);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_zone_in_parts_answers_as_in_one_piece_after_any_changes(changes in any_changes()) {
        let mut groups = first_groups();
        let mut parted = PartedZone::new(name("@"), groups.values().flatten().cloned());
        let places = Places::default();
        let parts_of = |parted: &PartedZone| State { parted: vec![Arc::new(parted.clone())], ..state() };
        let mut built = build(parts_of(&parted), &places, None).unwrap();
        let mut touched = BTreeSet::new();
        for one in &changes {
            let before = groups.clone();
            let Some(key) = change(&mut groups, one) else { continue };
            for set in before.get(&key).into_iter().flatten() {
                parted.remove(&set.name, set.rtype, set.set_identifier.as_ref());
            }
            groups.get(&key).into_iter().flatten().for_each(|set| parted.put(set.clone()));
            touched.insert(key.0);
            built = build_by(&OnAllCores, parts_of(&parted), &places, Some(&built)).unwrap();
        }
        prop_assert_eq!(parted.len(), groups.values().map(Vec::len).sum::<usize>());
        let whole = build(in_one_piece(&parted), &places, None).unwrap();
        compare(&served(&built), &served(&whole), &touched)?;
    }
}

#[test]
fn a_large_zone_is_in_parts_and_a_change_of_it_shares_them() {
    let groups = first_groups();
    let parted = PartedZone::new(name("@"), groups.values().flatten().cloned());
    let mut changed = parted.clone();
    changed.put(record_set("host-7", RecordType::A, &[&[198, 51, 100, 1]]));
    assert_ne!(parted, changed);
    assert_eq!(parted.shared_with(&changed), parted.parts() - 1);
    assert!(parted.parts() >= 4);
}

#[test]
fn a_zone_grows_into_parts_and_keeps_what_it_holds() {
    let mut parted = PartedZone::new(name("@"), apex());
    assert_eq!(parted.parts(), 1);
    for at in 0..FILLING {
        parted.put(record_set(&format!("host-{at}"), RecordType::A, &[&(at as u32).to_be_bytes()]));
        // The same again is no other.
        parted.put(record_set(&format!("HOST-{at}"), RecordType::A, &[&(at as u32).to_be_bytes()]));
    }
    assert!(parted.parts() >= 4);
    assert_eq!((parted.len(), parted.iter().count()), (FILLING + 2, FILLING + 2));
}
