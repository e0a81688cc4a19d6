//! Why a choice was made, told by the code that makes it.
//!
//! Queries run with [`NoTrace`], which compiles to nothing; `explain`, tests and the API run the same code with an
//! [`Explanation`], so what it says is what was done. Not a log: it keeps values, the edges print them.

use std::fmt;

use ipnet::IpNet;

use crate::geography::area::Area;
use crate::health::table::{Status, Verdict};
use crate::places::client::Client;
use crate::places::database::Place;
use crate::places::map;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::external::{ExternalTarget, Known};
use crate::zone::group::GroupPolicy;
use crate::zone::group_options::{MinHealthy, Share, TtlRange};

/// Takes note of steps, or does not.
pub trait Trace {
    /// Whether somebody listens: if not, loops that only tell are skipped.
    const LISTENS: bool;

    /// Notes one step; the closure runs only if somebody listens.
    fn note(&mut self, step: impl FnOnce() -> Step);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrace;

/// The steps of one answer, in order; prints as sentences.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    pub steps: Vec<Step>,
}

/// One thing that was considered or decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The name lies in none of the zones.
    NotOurs { name: Name },
    /// The closest enclosing zone.
    Zone { apex: Name },
    /// The name does not exist, and this wildcard answers for it.
    Wildcard { source: Name },
    /// The name exists without this type.
    NoData { name: Name, rtype: RecordType },
    /// Neither the name nor a wildcard for it exists.
    NameError { name: Name },
    /// The name is at or below a zone cut.
    Referral { cut: Name },
    /// A DNAME above the name rewrites it.
    Redirect { dname: Name, target: Name },
    /// The answer goes on at the target of a CNAME.
    Follow { target: Name },
    /// The CNAME's target is not in this zone: the resolver goes on.
    LeavesZone { target: Name },
    /// The chain of CNAMEs comes back to where it was, or is longer than allowed.
    ChainEnds { target: Name },
    /// A plain RRset answers.
    Plain { name: Name, rtype: RecordType, values: u16 },
    /// A record group is asked to choose.
    Group { name: Name, rtype: RecordType, policy: GroupPolicy, members: usize },
    /// Who the answer is for, and what the geo database says of their address, where it was asked.
    Client { client: Client, located: Option<(IpNet, Option<Place>)> },
    /// The members for this client, best first.
    Order { members: Vec<Placed> },
    /// No member is for this client, or inside the fence.
    Nobody,
    /// A member was passed over.
    PassedOver { member: Member, reason: Unfit },
    /// A member was chosen.
    Chosen { member: Member, by: Reason },
    /// Nothing is healthy: the group answers as if everything were (Route 53's last resort).
    LastResort { members: usize },
    /// Less than this share of the group is healthy: it answers with all that are not drained.
    Panic { members: usize, share: Share },
    /// The group's TTL follows how soon its answer could change.
    Ttl { secs: u32, range: TtlRange },
    /// The chosen member answers as another record set does.
    Alias { target: Name, rtype: RecordType },
    /// The chosen member answers with what is known of a name outside the zone.
    External { target: ExternalTarget, known: Known },
}

/// A member in the order of one client.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub name: String,
    pub reason: map::Reason,
}

/// A member as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its set identifier, or `simple`.
    pub name: String,
    /// Its health check's verdict, if it has a check.
    pub verdict: Option<Verdict>,
    /// What it is an alias of, where the health of that counts as its own.
    pub target: Option<Target>,
}

/// An alias's target, and whether anything healthy stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub name: Name,
    pub healthy: bool,
}

/// Why a member was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Its own health check says so.
    Unhealthy,
    /// Less stands healthy behind its alias than the route there asks for.
    TargetUnhealthy { target: Name, asked: MinHealthy },
    /// No address is known of the name outside the zone that its alias leads to.
    TargetUnresolved { target: Name },
    /// It stands outside the fence of its route.
    OutsideFence { fence: Box<[Area]> },
    /// An operator drains it.
    Drained,
    /// Its weight is 0, and a weightier member is healthy.
    Reserve,
    /// More members were healthy than are answered.
    NotDrawn,
}

/// Why a member was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no other.
    OnlyMember,
    /// The first tier that counts.
    Tier(usize),
    /// By weight, of the sum of the weights that count.
    Weight { weight: u32, of: u32 },
    /// Evenly among members of weight 0.
    Even { among: u32 },
    /// The client's subnet sticks to it.
    Sticky { weight: u32, of: u32 },
    /// The standby's share of the answers.
    Trickle { share: Share },
    /// The first in the client's order that counts, or one of the nearest: its place, from 0.
    Order { place: usize },
    /// One of those answered together.
    Together { chosen: u32, of: u32 },
}

impl Trace for NoTrace {
    const LISTENS: bool = false;

    #[inline(always)]
    fn note(&mut self, _: impl FnOnce() -> Step) {}
}

impl Trace for Explanation {
    const LISTENS: bool = true;

    fn note(&mut self, step: impl FnOnce() -> Step) {
        self.steps.push(step());
    }
}

impl<T: Trace> Trace for &mut T {
    const LISTENS: bool = T::LISTENS;

    fn note(&mut self, step: impl FnOnce() -> Step) {
        T::note(self, step);
    }
}

/// `fra (unhealthy since 2026-11-21T12:00:00Z: connection refused)`, `eu (healthy through eu.example.org.)`
impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.name)?;
        match (&self.verdict, &self.target) {
            (None, None) => f.write_str("no health check: always healthy")?,
            (Some(verdict), None) => write_verdict(f, &self.name, verdict)?,
            (None, Some(target)) => write!(f, "{target}")?,
            (Some(verdict), Some(target)) => {
                write_verdict(f, &self.name, verdict)?;
                write!(f, "; {target}")?;
            }
        }
        f.write_str(")")
    }
}

/// A verdict in words; the check is named where the member's name does not tell it.
fn write_verdict(f: &mut fmt::Formatter<'_>, member: &str, verdict: &Verdict) -> fmt::Result {
    let Verdict { id, status, healthy, since, because, exception } = verdict;
    if let Some(exception) = exception {
        write!(f, "{}, which counts as {}; ", exception.because, if *healthy { "healthy" } else { "unhealthy" })?;
    }
    if id.as_str() != member {
        write!(f, "health check {id} ")?;
    }
    match status {
        Status::Healthy => write!(f, "healthy since {since:.0}: {because}"),
        Status::Unhealthy => write!(f, "unhealthy since {since:.0}: {because}"),
        Status::Unknown => {
            let counts = if *healthy { "healthy" } else { "unhealthy" };
            write!(f, "unknown, which counts as {counts}: {because}")
        }
    }
}

fn percent(share: Share) -> String {
    format!("{} %", f64::from(share.parts()) * 100.0 / f64::from(Share::WHOLE))
}

/// `the client 198.51.100.0/24 (ECS) is in Frankfurt, DE, EU (geo database, 198.51.0.0/16)`
fn write_client(f: &mut fmt::Formatter<'_>, client: &Client, located: Option<&(IpNet, Option<Place>)>) -> fmt::Result {
    match located {
        None => write!(f, "the client is {client}"),
        Some((network, Some(place))) => write!(f, "the client {client} is in {place} (geo database, {network})"),
        Some((network, None)) => write!(f, "the client {client} is in no place that the geo database knows ({network})"),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} through {}", if self.healthy { "healthy" } else { "unhealthy" }, self.name)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs { name } => write!(f, "{name} is in none of the zones: refused"),
            Self::Zone { apex } => write!(f, "zone {apex} is the closest that encloses the name"),
            Self::Wildcard { source } => write!(f, "the name does not exist; the wildcard {source} answers for it"),
            Self::NoData { name, rtype } => write!(f, "{name} exists without {rtype}: no data"),
            Self::NameError { name } => write!(f, "{name} does not exist, and no wildcard covers it"),
            Self::Referral { cut } => write!(f, "{cut} is delegated to other name servers: a referral"),
            Self::Redirect { dname, target } => write!(f, "the DNAME at {dname} rewrites the name to {target}"),
            Self::Follow { target } => write!(f, "the CNAME leads to {target}"),
            Self::LeavesZone { target } => write!(f, "{target} is outside the zone: the resolver goes on from there"),
            Self::ChainEnds { target } => write!(f, "the chain of CNAMEs is not followed to {target}: a loop, or too long"),
            Self::Plain { name, rtype, values: 1 } => write!(f, "{name} {rtype} has 1 value and no routing policy"),
            Self::Plain { name, rtype, values } => write!(f, "{name} {rtype} has {values} values and no routing policy"),
            Self::Group { name, rtype, policy, members: 1 } => write!(f, "{name} {rtype} is {} with 1 member", policy.word()),
            Self::Group { name, rtype, policy, members } => {
                write!(f, "{name} {rtype} is {} among {members} members", policy.word())
            }
            Self::Client { client, located } => write_client(f, client, located.as_ref()),
            Self::Order { members } => {
                f.write_str("for this client:")?;
                for (place, Placed { name, reason }) in members.iter().enumerate() {
                    write!(f, "{} {}. {name}, {reason}", if place == 0 { "" } else { ";" }, place + 1)?;
                }
                if members.is_empty() { f.write_str(" no member") } else { Ok(()) }
            }
            Self::Nobody => f.write_str("no member is for this client: no data"),
            Self::PassedOver { member, reason } => write!(f, "{member} is passed over: {reason}"),
            Self::Chosen { member, by } => write!(f, "{member} is chosen: {by}"),
            Self::LastResort { members: 1 } => f.write_str("the only member is not healthy: it answers all the same"),
            Self::LastResort { members } => {
                write!(f, "none of the {members} members is healthy: the group answers as if all were")
            }
            Self::Panic { members, share } => {
                let share = percent(*share);
                write!(f, "less than {share} of the group is healthy: it answers with all {members} members that are not drained")
            }
            Self::Ttl { secs, range: TtlRange { min, max } } => {
                write!(f, "the TTL is at most {secs} s, as that could change ({min} s to {max} s)")
            }
            Self::Alias { target, rtype } => write!(f, "it is an alias of {target} {rtype}"),
            Self::External { target, known } => {
                write!(f, "it is an alias of {target}, outside the zone: {known}")?;
                f.write_str(match known {
                    Known::Unresolved { .. } => ": SERVFAIL",
                    Known::Nothing { .. } => ": no data",
                    Known::Addresses(_) => "",
                })
            }
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unhealthy => f.write_str("unhealthy"),
            Self::Drained => f.write_str("drained"),
            Self::TargetUnhealthy { target, asked: MinHealthy::Count(0 | 1) } => {
                write!(f, "nothing healthy stands behind its alias {target}")
            }
            Self::TargetUnhealthy { target, asked: MinHealthy::Count(least) } => {
                write!(f, "fewer than {least} members are healthy behind its alias {target}")
            }
            Self::TargetUnhealthy { target, asked: MinHealthy::Share(share) } => {
                write!(f, "less than {} is healthy behind its alias {target}", percent(*share))
            }
            Self::TargetUnresolved { target } => write!(f, "no address is known of its alias {target}"),
            Self::OutsideFence { fence } => {
                let areas: Vec<String> = fence.iter().map(Area::to_string).collect();
                write!(f, "it stands outside the fence {}", areas.join(", "))
            }
            Self::Reserve => f.write_str("its weight of 0 counts only when nothing weightier is healthy"),
            Self::NotDrawn => f.write_str("not drawn this time"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyMember => f.write_str("there is no other"),
            Self::Tier(0) => f.write_str("primary"),
            Self::Tier(1) => f.write_str("secondary"),
            Self::Tier(tier) => write!(f, "number {} in order", tier + 1),
            Self::Weight { weight, of } => write!(f, "drawn with weight {weight} of {of}"),
            Self::Even { among } => write!(f, "drawn evenly among {among} of weight 0"),
            Self::Sticky { weight, of: 0 } => write!(f, "the client's subnet sticks to it, as all weights are {weight}"),
            Self::Sticky { weight, of } => write!(f, "the client's subnet sticks to it, with weight {weight} of {of}"),
            Self::Trickle { share } => {
                write!(f, "the standby has {} of the answers", percent(*share))
            }
            Self::Order { place: 0 } => f.write_str("first for this client"),
            Self::Order { place } => write!(f, "number {} for this client", place + 1),
            Self::Together { chosen, of } => write!(f, "one of {chosen} answered together, of {of} that count"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        Ok(())
    }
}
