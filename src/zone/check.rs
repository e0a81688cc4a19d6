//! What must hold before a hosted zone may be compiled, one function a rule.
//!
//! Knows record sets only: whether a health check exists is `control`'s question, how rdata is written its
//! reader's. Invariant: every rule runs, whatever another found; findings come back in the order of their lines.
//! Sources: RFC 1034, 2181, 4592, 6672, 9499; Route 53 API reference, `ResourceRecordSet`; each rule cites its own.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::hosted_zone::HostedZone;
use super::record_set::{Alias, Content, Origin, RdataList, RecordSet, RoutingPolicy};
use crate::problem::{Problem, nearest};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// A problem, and the record set it was found at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub at: Origin,
    pub problem: Problem,
}

/// Everything that is wrong with `zone`.
pub fn check(zone: &HostedZone) -> Vec<Finding> {
    run(zone, RULES.iter().chain(&RULES_OF_PRESENCE))
}

/// What is wrong with the part of `zone` that could be read: what is not there may be in the other part.
pub fn check_partial(zone: &HostedZone) -> Vec<Finding> {
    run(zone, RULES.iter())
}

type Rule = fn(&Index, &mut Findings);

fn run<'r>(zone: &HostedZone, rules: impl Iterator<Item = &'r Rule>) -> Vec<Finding> {
    let index = Index::new(zone);
    let mut found = Findings(Vec::new());
    rules.for_each(|rule| rule(&index, &mut found));
    found.0.sort_by_key(|finding| (finding.at.file, finding.at.line));
    found.0
}

const RULES: [Rule; 19] = [
    check_within_zone,
    check_soa_only_at_apex,
    check_cname_alone,
    check_singletons,
    check_below_dname,
    check_wildcard_ns,
    check_occluded,
    check_duplicates,
    check_one_policy_a_group,
    check_set_identifiers,
    check_tiers,
    check_group_ttls,
    check_policy_types,
    check_multivalue_content,
    check_shared_values,
    check_duplicate_values,
    check_alias_types,
    check_alias_loops,
    check_unreachable_tiers,
];

/// Rules that something is there.
const RULES_OF_PRESENCE: [Rule; 5] = [check_apex, check_targets, check_glue, check_alias_targets, check_not_empty];

/// The zone's record sets by name, then by type.
struct Index<'z> {
    zone: &'z HostedZone,
    nodes: HashMap<&'z Name, BTreeMap<RecordType, Vec<&'z RecordSet>>>,
    /// Names other than the apex that hold NS.
    cuts: HashSet<&'z Name>,
}

struct Findings(Vec<Finding>);

impl<'z> Index<'z> {
    fn new(zone: &'z HostedZone) -> Self {
        let mut nodes: HashMap<_, BTreeMap<_, Vec<_>>> = HashMap::with_capacity(zone.record_sets.len());
        for set in &zone.record_sets {
            nodes.entry(&set.name).or_default().entry(set.rtype).or_default().push(set);
        }
        let cuts = zone.record_sets.iter().filter(|set| set.rtype == RecordType::NS && set.name != zone.name);
        let cuts = cuts.map(|set| &set.name).collect();
        Self { zone, nodes, cuts }
    }

    /// Every record group, each with at least one member.
    fn groups(&self) -> impl Iterator<Item = &Vec<&'z RecordSet>> {
        self.nodes.values().flat_map(BTreeMap::values)
    }

    fn group(&self, name: &Name, rtype: RecordType) -> Option<&Vec<&'z RecordSet>> {
        self.nodes.get(name)?.get(&rtype)
    }

    fn sets(&self) -> impl Iterator<Item = &'z RecordSet> {
        self.zone.record_sets.iter()
    }

    fn is_apex(&self, name: &Name) -> bool {
        *name == self.zone.name
    }

    /// The topmost cut at or above `name`, if `name` is not the zone's own.
    fn cut_above(&self, name: &Name) -> Option<Name> {
        let depth = name.label_count().checked_sub(self.zone.name.label_count())?;
        let ancestors = std::iter::successors(Some(name.clone()), Name::parent).take(depth);
        ancestors.filter(|ancestor| self.cuts.contains(ancestor)).last()
    }

    fn has_address(&self, name: &Name) -> bool {
        [RecordType::A, RecordType::AAAA].iter().any(|rtype| self.group(name, *rtype).is_some())
    }

    /// Whether a query for `name` finds a node, a wildcard, a delegation or a DNAME rather than NXDOMAIN.
    fn is_answered(&self, name: &Name) -> bool {
        let depth = name.label_count().saturating_sub(self.zone.name.label_count());
        let mut ancestors = std::iter::successors(name.parent(), Name::parent).take(depth);
        self.nodes.contains_key(name)
            || self.cut_above(name).is_some()
            || ancestors.any(|ancestor| {
                let wildcard = ancestor.child(b"*").is_ok_and(|wildcard| self.nodes.contains_key(&wildcard));
                wildcard || self.group(&ancestor, RecordType::DNAME).is_some()
            })
    }
}

impl Findings {
    fn error(&mut self, at: &RecordSet, message: String) {
        self.0.push(Finding { at: at.origin, problem: Problem::error(message) });
    }

    fn error_with_help(&mut self, at: &RecordSet, message: String, help: impl Into<String>) {
        self.0.push(Finding { at: at.origin, problem: Problem::error(message).help(help) });
    }

    fn warning(&mut self, at: &RecordSet, message: String) {
        self.0.push(Finding { at: at.origin, problem: Problem::warning(message) });
    }
}

/// As messages name a record set: `www.example.org. A`, `www.example.org. A "fra"`.
fn label(set: &RecordSet) -> String {
    match &set.set_identifier {
        Some(id) => format!("{} {} {:?}", set.name, set.rtype, id.as_str()),
        None => format!("{} {}", set.name, set.rtype),
    }
}

/// A zone holds names at or below its apex (RFC 1034 §4.2).
fn check_within_zone(index: &Index, found: &mut Findings) {
    for set in index.sets().filter(|set| !set.name.is_at_or_below(&index.zone.name)) {
        found.error(set, format!("{} is outside the zone {}", label(set), index.zone.name));
    }
}

/// A zone has an SOA and NS at its apex (RFC 1035 §5.2, RFC 2181 §6.1).
fn check_apex(index: &Index, found: &mut Findings) {
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
fn check_soa_only_at_apex(index: &Index, found: &mut Findings) {
    for set in index.sets().filter(|set| set.rtype == RecordType::SOA && !index.is_apex(&set.name)) {
        found.error(set, format!("{} is not at the apex, {}", label(set), index.zone.name));
    }
}

/// A CNAME is alone at its name, but for what DNSSEC puts there (RFC 1034 §3.6.2, RFC 2181 §10.1, RFC 4035 §2.5);
/// it can't be at the apex, where SOA and NS are.
fn check_cname_alone(index: &Index, found: &mut Findings) {
    for (name, node) in &index.nodes {
        let Some(cname) = node.get(&RecordType::CNAME).map(|group| group[0]) else { continue };
        if index.is_apex(name) {
            let help = "answer with addresses, or with an alias to a name in the zone";
            found.error_with_help(cname, format!("{name} CNAME is at the apex of the zone, beside SOA and NS"), help);
            continue;
        }
        let beside = |rtype: &&RecordType| ![RecordType::CNAME, RecordType::RRSIG, RecordType::NSEC].contains(rtype);
        for other in node.keys().filter(beside) {
            found.error(cname, format!("{name} has a CNAME and other data, {other}; a CNAME is alone at its name"));
        }
    }
}

/// CNAME, DNAME and SOA have one record (RFC 2181 §10.1, RFC 6672 §2.4, RFC 2181 §6.1).
fn check_singletons(index: &Index, found: &mut Findings) {
    for set in index.sets().filter(|set| is_singleton(set.rtype)) {
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
fn check_below_dname(index: &Index, found: &mut Findings) {
    if !index.sets().any(|set| set.rtype == RecordType::DNAME) {
        return;
    }
    for set in index.sets() {
        let mut ancestors = std::iter::successors(set.name.parent(), Name::parent);
        if let Some(dname) = ancestors.find(|name| index.group(name, RecordType::DNAME).is_some()) {
            found.error(set, format!("{} is below {dname} DNAME, which redirects every name there", label(set)));
        }
    }
}

/// NS at a wildcard has no defined meaning (RFC 4592 §4.2).
fn check_wildcard_ns(index: &Index, found: &mut Findings) {
    for set in index.sets().filter(|set| set.rtype == RecordType::NS && set.name.is_wildcard()) {
        found.error(set, format!("{} is at a wildcard; a delegation needs a name of its own", label(set)));
    }
}

/// NS, MX and SRV name hosts with addresses, not aliases (RFC 2181 §10.3, RFC 2782), and hosts that exist.
fn check_targets(index: &Index, found: &mut Findings) {
    for set in index.sets() {
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
fn check_glue(index: &Index, found: &mut Findings) {
    let delegations = index.sets().filter(|set| index.cuts.contains(&set.name) && set.rtype == RecordType::NS);
    for set in delegations {
        let needing = targets(set).into_iter().filter(|target| target.is_at_or_below(&set.name));
        for target in needing.filter(|target| !index.has_address(target)) {
            found.warning(set, format!("{} points at {target}, which needs an A or AAAA in this zone as glue", label(set)));
        }
    }
}

/// What is at or below a cut is the child zone's, but for NS, DS and glue (RFC 9499 §7, occluded names).
fn check_occluded(index: &Index, found: &mut Findings) {
    if index.cuts.is_empty() {
        return;
    }
    let servers: HashSet<Name> = index.sets().filter(|set| index.cuts.contains(&set.name)).flat_map(targets).collect();
    for set in index.sets() {
        let Some(cut) = index.cut_above(&set.name) else { continue };
        let is_glue = [RecordType::A, RecordType::AAAA].contains(&set.rtype) && servers.contains(&set.name);
        let is_parents = set.name == cut && is_parent_data(set.rtype);
        if !is_glue && !is_parents {
            found.warning(set, format!("{} is never answered: {cut} is delegated", label(set)));
        }
    }
}

/// Types that a parent zone holds at a cut (RFC 4035 §2.6).
fn is_parent_data(rtype: RecordType) -> bool {
    [RecordType::NS, RecordType::DS, RecordType::NSEC, RecordType::RRSIG].contains(&rtype)
}

/// Name, type and set identifier name one record set (Route 53 API, `ResourceRecordSet`).
fn check_duplicates(index: &Index, found: &mut Findings) {
    for group in index.groups() {
        let mut first: HashMap<Option<&str>, &RecordSet> = HashMap::new();
        for &set in group {
            let id = set.set_identifier.as_ref().map(|id| id.as_str());
            if let Some(earlier) = first.get(&id) {
                let file = index.zone.files.get(usize::from(earlier.origin.file)).map_or("", |file| file);
                found.error(set, format!("{} is already defined at {file}:{}", label(set), earlier.origin.line));
            } else {
                first.insert(id, set);
            }
        }
    }
}

/// All members of a record group have one routing policy (Route 53 developer guide, "Choosing a routing policy").
fn check_one_policy_a_group(index: &Index, found: &mut Findings) {
    for group in index.groups() {
        let first = group[0];
        for set in group.iter().filter(|set| set.policy.word() != first.policy.word()) {
            let (own, other) = (set.policy.word(), first.policy.word());
            found
                .error(set, format!("{} has policy {own}, but {} has {other}; a group has one policy", label(set), label(first)));
        }
    }
}

/// Every policy but simple tells its members apart (Route 53 API, `SetIdentifier`).
fn check_set_identifiers(index: &Index, found: &mut Findings) {
    for set in index.sets() {
        match (&set.policy, &set.set_identifier) {
            (RoutingPolicy::Simple, Some(_)) => {
                let help = "give weight, failover or multivalue_answer, or leave set_identifier out";
                found.error_with_help(set, format!("{} has a set identifier but no policy", label(set)), help);
            }
            (RoutingPolicy::Simple, None) | (_, Some(_)) => {}
            (policy, None) => found.error(set, format!("{} has policy {} but no set_identifier", label(set), policy.word())),
        }
    }
}

/// One member a tier: a second PRIMARY is one too many (Route 53 API, `Failover`).
fn check_tiers(index: &Index, found: &mut Findings) {
    for group in index.groups() {
        let mut tiers: HashMap<u16, &RecordSet> = HashMap::new();
        for &set in group {
            let RoutingPolicy::Failover(tier) = set.policy else { continue };
            if let Some(earlier) = tiers.insert(tier, set) {
                found.error(set, format!("{} has failover tier {tier}, as {} has", label(set), label(earlier)));
            }
        }
    }
}

/// Members of a weighted group have one TTL, or caches would skew the shares (Route 53 API, `TTL`: an error there);
/// multivalue answers join several members' values in one RRset, whose TTL is one (RFC 2181 §5.2).
fn check_group_ttls(index: &Index, found: &mut Findings) {
    for group in index.groups() {
        let mut ttls = group.iter().filter_map(|set| match set.content {
            Content::Values { ttl, .. } => Some((*set, ttl)),
            Content::Alias(_) => None,
        });
        let Some((first, ttl)) = ttls.next() else { continue };
        for (set, other) in ttls.filter(|(_, other)| *other != ttl) {
            let message = format!("{} has TTL {}, but {} has {}", label(set), other.secs(), label(first), ttl.secs());
            match set.policy {
                RoutingPolicy::Weighted(_) => found.error(set, message),
                RoutingPolicy::Multivalue => found.warning(set, format!("{message}; the least is answered")),
                _ => {}
            }
        }
    }
}

/// SOA, NS and DS have no policy but simple (Route 53 developer guide, "Supported DNS record types").
fn check_policy_types(index: &Index, found: &mut Findings) {
    for set in index.sets().filter(|set| set.policy != RoutingPolicy::Simple) {
        if [RecordType::SOA, RecordType::NS, RecordType::DS].contains(&set.rtype) {
            found.error(set, format!("{} has policy {}; {} may only be simple", label(set), set.policy.word(), set.rtype));
        }
    }
}

/// A multivalue answer joins values: no alias, no CNAME (Route 53 API, `MultiValueAnswer`).
fn check_multivalue_content(index: &Index, found: &mut Findings) {
    for set in index.sets().filter(|set| set.policy == RoutingPolicy::Multivalue) {
        if matches!(set.content, Content::Alias(_)) {
            found.error(set, format!("{} is multivalue and an alias; multivalue members have values", label(set)));
        }
        if set.rtype == RecordType::CNAME {
            found.error(set, format!("{} is multivalue; a CNAME can't have several values", label(set)));
        }
    }
}

/// Members answered together don't share a value, or an RRset would hold it twice (RFC 2181 §5). Members with the very
/// same values may be: of those one is answered.
fn check_shared_values(index: &Index, found: &mut Findings) {
    for group in index.groups().filter(|group| group[0].policy == RoutingPolicy::Multivalue) {
        let mut first: HashMap<&[u8], (&RecordSet, &RdataList)> = HashMap::new();
        for &set in group {
            let Content::Values { rdata: own, .. } = &set.content else { continue };
            let sharing = own.iter().map(|rdata| *first.entry(rdata).or_insert((set, own)));
            let sharing: Vec<_> = sharing.filter(|(_, theirs)| *theirs != own).collect();
            if let Some((earlier, _)) = sharing.first() {
                let (own, other) = (label(set), label(earlier));
                found.error(set, format!("{own} has a value that {other} has too; one answer would hold it twice"));
            }
        }
    }
}

/// A value stands once in a record set (Route 53 API, `ResourceRecords`; RFC 2181 §5).
fn check_duplicate_values(index: &Index, found: &mut Findings) {
    for set in index.sets() {
        let Content::Values { rdata, .. } = &set.content else { continue };
        let mut seen = HashSet::with_capacity(rdata.len());
        if let Some(twice) = rdata.iter().find(|rdata| !seen.insert(*rdata)) {
            found.error(set, format!("{} has the value {} twice", label(set), super::rdata::show(set.rtype, twice)));
        }
    }
}

/// SOA and NS are neither aliases nor their targets (Route 53 API, `AliasTarget`).
fn check_alias_types(index: &Index, found: &mut Findings) {
    for (set, _) in aliases(index) {
        if [RecordType::SOA, RecordType::NS].contains(&set.rtype) {
            found.error(set, format!("{} can't be an alias; SOA and NS have values", label(set)));
        }
    }
}

/// An alias answers as a record set of its zone and its own type does (Route 53 API, `AliasTarget`).
fn check_alias_targets(index: &Index, found: &mut Findings) {
    for (set, alias) in aliases(index) {
        let target = &alias.target;
        if !target.is_at_or_below(&index.zone.name) {
            let message = format!("{} is an alias to {target}, which is outside the zone {}", label(set), index.zone.name);
            found.error_with_help(set, message, "a name in the zone; for a name elsewhere, a CNAME");
            continue;
        }
        let Some(node) = index.nodes.get(target) else {
            let message = format!("{} is an alias to {target}, which the zone does not have", label(set));
            found.error_with_help(set, message, nearby_name(index, target));
            continue;
        };
        if !node.contains_key(&set.rtype) {
            let types: Vec<String> = node.keys().map(ToString::to_string).collect();
            let message = format!("{} is an alias to {target}, which has no {} but {}", label(set), set.rtype, types.join(", "));
            found.error(set, message);
        }
    }
}

/// What might have been meant by `target`; in a large zone comparing it with every name would take too long.
fn nearby_name(index: &Index, target: &Name) -> String {
    let searched = if index.nodes.len() <= NAMES_COMPARED { index.nodes.len() } else { 0 };
    let mut known: Vec<String> = index.nodes.keys().take(searched).map(|name| name.to_string()).collect();
    known.sort();
    match nearest(&target.to_string(), known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "a name in the zone".to_owned(),
    }
}

const NAMES_COMPARED: usize = 1_000;

fn aliases<'z>(index: &Index<'z>) -> impl Iterator<Item = (&'z RecordSet, &'z Alias)> {
    index.sets().filter_map(|set| match &set.content {
        Content::Alias(alias) => Some((set, &**alias)),
        Content::Values { .. } => None,
    })
}

/// Aliases lead to values, never back to themselves (Route 53 API, `AliasTarget`), and in few steps: each query follows
/// them. Both are reported once, a loop at the member that closes it.
fn check_alias_loops(index: &Index, found: &mut Findings) {
    // How many aliases lead on from a group whose aliases have all been followed.
    let mut depths: HashMap<(&Name, RecordType), usize> = HashMap::new();
    for (start, _) in aliases(index) {
        // Depth first without recursion: a chain may be as long as the zone.
        let mut path: Vec<(&RecordSet, usize)> = vec![(start, 0)];
        let mut on_path = HashSet::from([(&start.name, start.rtype)]);
        while let Some((set, next)) = path.last_mut() {
            let (name, rtype) = (&set.name, set.rtype);
            let group = index.group(name, rtype).map_or(&[][..], Vec::as_slice);
            let step = group.get(*next).copied();
            *next += 1;
            let Some(member) = step.filter(|_| !depths.contains_key(&(name, rtype))) else {
                path.pop();
                on_path.remove(&(name, rtype));
                let depth = depth_of(group, &depths);
                if depths.insert((name, rtype), depth).is_none() && depth == ALIASES_MAX + 1 {
                    let message = format!("{name} {rtype} leads through {depth} aliases to values; at most {ALIASES_MAX} may");
                    found.error(group[0], message);
                }
                continue;
            };
            let Content::Alias(alias) = &member.content else { continue };
            let Some(target) = index.group(&alias.target, rtype).map(|group| group[0]) else { continue };
            if !on_path.insert((&target.name, rtype)) {
                let way = path.iter().map(|(set, _)| set.name.to_string()).skip_while(|name| *name != target.name.to_string());
                let way: Vec<String> = way.chain([target.name.to_string()]).collect();
                found.error(member, format!("{} closes a loop of aliases: {}", label(member), way.join(" -> ")));
            } else {
                path.push((target, 0));
            }
        }
    }
}

/// One more than the deepest target of a group's aliases; 0 without aliases.
fn depth_of(group: &[&RecordSet], depths: &HashMap<(&Name, RecordType), usize>) -> usize {
    let targets = group.iter().filter_map(|set| match &set.content {
        Content::Alias(alias) => Some(1 + depths.get(&(&alias.target, set.rtype)).copied().unwrap_or(0)),
        Content::Values { .. } => None,
    });
    targets.max().unwrap_or(0)
}

/// Aliases that one query may follow.
const ALIASES_MAX: usize = 32;

/// A failover member without a health check is always healthy, so the tiers after it never answer.
fn check_unreachable_tiers(index: &Index, found: &mut Findings) {
    for group in index.groups() {
        let mut tiers: Vec<(u16, &RecordSet)> = Vec::new();
        for &set in group {
            if let RoutingPolicy::Failover(tier) = set.policy {
                tiers.push((tier, set));
            }
        }
        tiers.sort_by_key(|(tier, _)| *tier);
        if let Some(always) = tiers.iter().position(|(_, set)| is_always_healthy(set)) {
            for (_, set) in &tiers[always + 1..] {
                let before = label(tiers[always].1);
                found.warning(set, format!("{} never answers: {before} comes before it and has no health check", label(set)));
            }
        }
    }
}

fn is_always_healthy(set: &RecordSet) -> bool {
    let evaluates = matches!(&set.content, Content::Alias(alias) if alias.evaluate_target_health);
    set.health_check.is_none() && !evaluates
}

/// A record set has at least one value (Route 53 API, `ResourceRecords`).
fn check_not_empty(index: &Index, found: &mut Findings) {
    for set in index.sets() {
        if matches!(&set.content, Content::Values { rdata, .. } if rdata.is_empty()) {
            found.error(set, format!("{} has no values", label(set)));
        }
    }
}
