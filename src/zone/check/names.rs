//! Rules of the DNS itself: which names and types a zone may hold, and beside what.
//!
//! Knows nothing of routing. Sources: RFC 1034, 1035, 2181, 4592, 6672, 9499; each rule cites its own.

use std::collections::HashSet;

use super::{Finding, Findings, Index, label};
use crate::problem::Problem;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::record_set::{Content, Origin, RecordSet};

/// A zone holds names at or below its apex (RFC 1034 §4.2).
pub(super) fn check_within_zone(index: &Index, found: &mut Findings) {
    for set in index.noted().filter(|set| !set.name.is_at_or_below(&index.zone.name)) {
        found.error(set, format!("{} is outside the zone {}", label(set), index.zone.name));
    }
}

/// A zone has an SOA and NS at its apex (RFC 1035 §5.2, RFC 2181 §6.1).
pub(super) fn check_apex(index: &Index, found: &mut Findings) {
    for (rtype, help) in [
        (RecordType::SOA, "write one, or name servers with ns = [\"ns1.example.org.\"] and it is made"),
        (RecordType::NS, "write them, or ns = [\"ns1.example.org.\"]"),
    ] {
        if index.group(&index.zone.name, rtype).is_none() {
            let problem = Problem::error(format!("the zone {} has no {rtype} at its apex", index.zone.name)).help(help);
            found.0.push(Finding { at: Origin { file: 0, line: 1 }, problem });
        }
    }
}

/// An SOA marks the apex, and is nowhere else (RFC 1035 §5.2, RFC 2181 §6.1).
pub(super) fn check_soa_only_at_apex(index: &Index, found: &mut Findings) {
    for set in index.noted().filter(|set| set.rtype == RecordType::SOA && !index.is_apex(&set.name)) {
        found.error(set, format!("{} is not at the apex, {}", label(set), index.zone.name));
    }
}

/// A CNAME is alone at its name, but for what DNSSEC puts there (RFC 1034 §3.6.2, RFC 2181 §10.1, RFC 4035 §2.5);
/// it can't be at the apex, where SOA and NS are.
pub(super) fn check_cname_alone(index: &Index, found: &mut Findings) {
    for cname in index.noted().filter(|set| set.rtype == RecordType::CNAME) {
        let name = &cname.name;
        if index.group(name, RecordType::CNAME).is_none_or(|group| !std::ptr::eq(group[0], cname)) {
            continue; // once for each name
        }
        if index.is_apex(name) {
            let help = "answer with addresses, or with an alias";
            found.error_with_help(cname, format!("{name} CNAME is at the apex of the zone, beside SOA and NS"), help);
            continue;
        }
        let beside = |rtype: &RecordType| ![RecordType::CNAME, RecordType::RRSIG, RecordType::NSEC].contains(rtype);
        let types = index.groups_at(name).into_iter().flatten().map(|group| group[0].rtype);
        for other in types.filter(beside) {
            found.error(cname, format!("{name} has a CNAME and other data, {other}; a CNAME is alone at its name"));
        }
    }
}

/// CNAME, DNAME and SOA have one record (RFC 2181 §10.1, RFC 6672 §2.4, RFC 2181 §6.1).
pub(super) fn check_singletons(index: &Index, found: &mut Findings) {
    for set in index.noted().filter(|set| is_singleton(set.rtype)) {
        if let Content::Values { rdata, .. } = &set.content
            && rdata.len() > 1
        {
            found.error(set, format!("{} has {} records; it may have one", label(set), rdata.len()));
        }
    }
}

fn is_singleton(rtype: RecordType) -> bool {
    [RecordType::CNAME, RecordType::DNAME, RecordType::SOA].contains(&rtype)
}

/// Nothing is below a DNAME (RFC 6672 §2.4).
pub(super) fn check_below_dname(index: &Index, found: &mut Findings) {
    if !index.noted().any(|set| set.rtype == RecordType::DNAME) {
        return;
    }
    for set in index.sets() {
        if let Some(dname) = index.dname_above(&set.name) {
            found.error(set, format!("{} is below {dname} DNAME, which redirects every name there", label(set)));
        }
    }
}

/// NS at a wildcard has no defined meaning (RFC 4592 §4.2).
pub(super) fn check_wildcard_ns(index: &Index, found: &mut Findings) {
    for set in index.noted().filter(|set| set.rtype == RecordType::NS && set.name.is_wildcard()) {
        found.error(set, format!("{} is at a wildcard; a delegation needs a name of its own", label(set)));
    }
}

/// NS, MX and SRV name hosts with addresses, not aliases (RFC 2181 §10.3, RFC 2782), and hosts that exist.
pub(super) fn check_targets(index: &Index, found: &mut Findings) {
    for set in index.noted() {
        for target in targets(set) {
            if !target.is_at_or_below(&index.zone.name) {
                continue;
            }
            if index.group(&target, RecordType::CNAME).is_some() {
                found.warning(set, format!("{} points at {target}, which is a CNAME", label(set)));
            } else if !index.is_answered(&target) {
                found.warning(set, format!("{} points at {target}, which the zone does not have", label(set)));
            }
        }
    }
}

/// The names in the rdata of NS, MX and SRV.
fn targets(set: &RecordSet) -> Vec<Name> {
    let skipped = match set.rtype {
        RecordType::NS => 0,
        RecordType::MX => 2,
        RecordType::SRV => 6,
        _ => return Vec::new(),
    };
    let Content::Values { rdata, .. } = &set.content else { return Vec::new() };
    let names = rdata.iter().filter_map(|rdata| Name::from_wire(rdata.get(skipped..)?).ok());
    // The root says that there is no such service (RFC 7505, RFC 2782).
    names.filter(|name| !name.is_root()).collect()
}

/// A name server below the cut it serves needs glue (RFC 1034 §4.2.1, RFC 9471 §3).
pub(super) fn check_glue(index: &Index, found: &mut Findings) {
    let delegations = index.noted().filter(|set| set.rtype == RecordType::NS && index.is_cut(&set.name));
    for set in delegations {
        let needing = targets(set).into_iter().filter(|target| target.is_at_or_below(&set.name));
        for target in needing.filter(|target| !index.has_address(target)) {
            found.warning(set, format!("{} points at {target}, which needs an A or AAAA in this zone as glue", label(set)));
        }
    }
}

/// What is at or below a cut is the child zone's, but for NS, DS and glue (RFC 9499 §7, occluded names).
pub(super) fn check_occluded(index: &Index, found: &mut Findings) {
    if !index.has_cuts() {
        return;
    }
    let servers: HashSet<Name> = index.noted().filter(|set| index.is_cut(&set.name)).flat_map(targets).collect();
    for set in index.sets() {
        let Some(cut) = index.cut_above(&set.name) else { continue };
        let is_glue = [RecordType::A, RecordType::AAAA].contains(&set.rtype) && servers.contains(&set.name);
        let is_parents = set.name == *cut && is_parent_data(set.rtype);
        if !is_glue && !is_parents {
            found.warning(set, format!("{} is never answered: {cut} is delegated", label(set)));
        }
    }
}

/// Types that a parent zone holds at a cut (RFC 4035 §2.6).
fn is_parent_data(rtype: RecordType) -> bool {
    [RecordType::NS, RecordType::DS, RecordType::NSEC, RecordType::RRSIG].contains(&rtype)
}
