//! Record groups as routing reads them: members with what decides among them.
//!
//! Holds no health and no client: only indices into the snapshot's tables. Invariant: members of one group share a
//! policy and are never none; alias targets exist and form no loop; failover members stand in the order of their tiers;
//! exactly the policies that ask where the client is have a map.
//! Source: Route 53 developer guide, "How Route 53 chooses records when health checking is configured".

use super::group_options::{MinHealthy, Share, TtlRange};
use super::rrset::RrsetRef;
use crate::geography::area::Area;
use crate::ids::{ExternalIndex, HealthIndex, HealthSet, MapIndex, SetIdentifier};
use crate::wire::rtype::RecordType;

/// All record sets with one name and type.
#[derive(Clone, Debug)]
pub struct RecordGroup {
    /// The node that owns it.
    pub node: u32,
    pub rtype: RecordType,
    pub policy: GroupPolicy,
    pub members: Box<[Member]>,
    /// The order of the members for each client.
    pub map: Option<MapIndex>,
    pub min_healthy: MinHealthy,
    pub trickle: Share,
    /// Below this share of healthy members everybody answers; 0 for never.
    pub panic: Share,
    pub follows: Option<Box<Follows>>,
    pub sticky: bool,
    /// How many of the nearest are answered together; at least 1.
    pub nearest: u8,
    /// The health checks of the group and of all that its members are aliases of. If all are healthy, every member counts,
    /// whoever asks. None where members may not count all the same: see `whole`.
    pub whole_if: Option<HealthSet>,
    /// Some member counts, whoever asks, exactly if any of these health checks is healthy, and one is enough. None where it
    /// is not as simple: see `whole`.
    pub enough_if_any: Option<HealthSet>,
    /// When every member counts, that is as many as `min_healthy` asks for, whoever asks.
    pub is_enough_when_whole: bool,
    /// Members that are answered together say the same, and share one RRset.
    pub has_twins: bool,
    /// The fences that this group stands in, its own and those of the routes it was reached through: see `compile`.
    pub fence: Box<[Area]>,
}

/// What a group's TTL follows.
#[derive(Clone, Debug)]
pub struct Follows {
    pub range: TtlRange,
    /// How soon any of these could change.
    pub checks: HealthSet,
}

/// How a group's member is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupPolicy {
    Simple,
    Multivalue,
    Weighted,
    Failover,
    Latency,
    Geolocation,
    Geoproximity,
    IpBased,
}

/// One member of a group.
#[derive(Clone, Debug)]
pub struct Member {
    /// None in a simple group.
    pub set_identifier: Option<SetIdentifier>,
    /// For weighted groups; 0 elsewhere.
    pub weight: u8,
    /// For failover groups, from 0; 0 elsewhere.
    pub tier: u16,
    pub health_check: Option<HealthIndex>,
    /// A hash of the set identifier, for what sticks to clients: the same on every server and after every restart.
    pub key: u64,
    /// Where what it answers stands, if that is known.
    pub place: Option<Area>,
    /// It stands outside the group's fence, and never answers.
    pub fenced_out: bool,
    pub content: MemberContent,
}

/// What a member answers with.
#[derive(Clone, Copy, Debug)]
pub enum MemberContent {
    Rrset(RrsetRef),
    /// What stands at the alias's target, which is `node`.
    Alias {
        target: AnswerRef,
        node: u32,
        evaluate_target_health: bool,
    },
    /// An alias of a name in another part of the zone: `Zone::content` finds it.
    Far {
        at: u32,
        rtype: RecordType,
        evaluate_target_health: bool,
    },
    /// The addresses of a name outside the zone.
    External {
        target: ExternalIndex,
        evaluate_target_health: bool,
    },
}

/// What stands at a name for one type: an RRset, or a group to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerRef {
    Rrset(RrsetRef),
    /// The place of a group in its zone.
    Group(u32),
}

impl RecordGroup {
    /// Whether every client has every member, in one order or another.
    pub fn is_for_all(&self) -> bool {
        self.map.is_none() || matches!(self.policy, GroupPolicy::Latency | GroupPolicy::Geoproximity)
    }

    /// Whether it has numbers of the snapshot's tables.
    pub(super) fn is_bound(&self) -> bool {
        let is_external = |member: &Member| matches!(member.content, MemberContent::External { .. });
        self.map.is_some() || self.members.iter().any(|member| member.health_check.is_some() || is_external(member))
    }
}

impl GroupPolicy {
    pub const ALL: [Self; 8] = [
        Self::Simple,
        Self::Multivalue,
        Self::Weighted,
        Self::Failover,
        Self::Latency,
        Self::Geolocation,
        Self::Geoproximity,
        Self::IpBased,
    ];

    /// Whether members are put in order by where the client is.
    pub fn asks_for_client(self) -> bool {
        matches!(self, Self::Latency | Self::Geolocation | Self::Geoproximity | Self::IpBased)
    }

    /// The policy's word, as in the files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Multivalue => "multivalue",
            Self::Weighted => "weighted",
            Self::Failover => "failover",
            Self::Latency => "latency",
            Self::Geolocation => "geolocation",
            Self::Geoproximity => "geoproximity",
            Self::IpBased => "ip_based",
        }
    }
}
