//! What an explanation says, as plain values that go through JSON and back.
//!
//! The core's [`Step`]s keep values and print as sentences; here each is both: the sentence, and its facts under stable
//! names. Invariant: field and tag names are an interface (`explain --json`, `GET /v1/explain`); they are added to,
//! never changed.

use serde::{Deserialize, Serialize};

use crate::health::table::{Status, Verdict};
use crate::places::client::ClientSource;
use crate::places::database::Place;
use crate::places::map;
use crate::routing::trace::{Member, Placed, Reason, Step, Unfit};
use crate::zone::external::{Known, Resolved};

/// One question, what was considered, and the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainReport {
    pub question: Question,
    /// In the order decided.
    pub steps: Vec<StepReport>,
    pub answer: AnswerReport,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub name: String,
    #[serde(rename = "type")]
    pub rtype: String,
    /// The resolver's address, or a subnet with its length.
    pub client: String,
    /// The random number that the choice was given.
    pub draw: u64,
}

/// One thing that was considered or decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// The sentence for people.
    pub text: String,
    #[serde(flatten)]
    pub facts: StepFacts,
}

/// The facts of a [`Step`], tag for tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum StepFacts {
    NotOurs {
        name: String,
    },
    Zone {
        apex: String,
    },
    Wildcard {
        source: String,
    },
    NoData {
        name: String,
        #[serde(rename = "type")]
        rtype: String,
    },
    NameError {
        name: String,
    },
    Referral {
        cut: String,
    },
    Redirect {
        dname: String,
        target: String,
    },
    Follow {
        target: String,
    },
    LeavesZone {
        target: String,
    },
    ChainEnds {
        target: String,
    },
    Plain {
        name: String,
        #[serde(rename = "type")]
        rtype: String,
        values: u16,
    },
    Group {
        name: String,
        #[serde(rename = "type")]
        rtype: String,
        policy: String,
        members: usize,
    },
    Client {
        client: String,
        /// `ecs` or `resolver`.
        source: String,
        /// The geo database's entry, where it was asked and has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        network: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<PlaceReport>,
    },
    Order {
        members: Vec<PlacedReport>,
    },
    Nobody,
    PassedOver {
        member: MemberReport,
        reason: UnfitReport,
    },
    Chosen {
        member: MemberReport,
        by: ReasonReport,
    },
    LastResort {
        members: usize,
    },
    Panic {
        members: usize,
        /// The share, in ten-thousandths.
        parts: u16,
    },
    Ttl {
        secs: u32,
        min: u32,
        max: u32,
    },
    Alias {
        target: String,
        #[serde(rename = "type")]
        rtype: String,
    },
    External {
        target: String,
        #[serde(rename = "type")]
        rtype: String,
        known: KnownReport,
    },
}

/// What is known of a name outside the zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum KnownReport {
    /// The answer is SERVFAIL.
    Unresolved { because: String },
    Addresses {
        addresses: Vec<String>,
        /// When they were resolved, and how long ago that was.
        resolved: String,
        age_secs: u64,
        ttl: u32,
        /// Why they are answered although their TTL is over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stale: Option<String>,
    },
    /// The name does not exist, or not with this type: the answer is NODATA.
    Nothing { exists: bool, resolved: String, age_secs: u64 },
}

/// Where the geo database says that a client is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceReport {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdivision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Degrees north and east.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<String>,
}

/// A member in a client's order, and what put it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedReport {
    pub name: String,
    pub text: String,
    #[serde(flatten)]
    pub reason: OrderReport,
}

/// What members were compared by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum OrderReport {
    Measured { micros: u32, prefix: String },
    Estimated { micros: u32, metres: u64 },
    Distance { metres: u64, bias: i8, biased_metres: u64 },
    Area { area: String },
    Block { block: String, collection: String, location: String },
    EveryoneElse,
    Unknown,
}

/// A member and its health check's verdict, if it has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberReport {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<VerdictReport>,
    /// What it is an alias of, where the health of that counts as its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetReport>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetReport {
    pub name: String,
    pub healthy: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictReport {
    pub id: String,
    /// `healthy`, `unhealthy` or `unknown`.
    pub status: String,
    /// What routing goes by.
    pub healthy: bool,
    pub since: String,
    pub because: String,
}

/// Why a member was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum UnfitReport {
    Unhealthy,
    Drained,
    TargetUnhealthy { target: String },
    TargetUnresolved { target: String },
    OutsideFence { fence: Vec<String> },
    Reserve,
    NotDrawn,
}

/// Why a member was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum ReasonReport {
    OnlyMember,
    /// Counted from 0, the primary.
    Tier {
        tier: usize,
    },
    Weight {
        weight: u32,
        of: u32,
    },
    Even {
        among: u32,
    },
    Sticky {
        weight: u32,
        of: u32,
    },
    /// In ten-thousandths of the answers.
    Trickle {
        parts: u16,
    },
    /// Counted from 0.
    Order {
        place: usize,
    },
    Together {
        chosen: u32,
        of: u32,
    },
}

/// A response, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerReport {
    pub rcode: String,
    /// Those set, in lower case: `qr`, `aa`.
    pub flags: Vec<String>,
    /// Octets of the response.
    pub size: usize,
    /// Over UDP the server would send it without records and with TC.
    pub truncated_over_udp: bool,
    pub answer: Vec<RecordReport>,
    pub authority: Vec<RecordReport>,
    /// Without the OPT record.
    pub additional: Vec<RecordReport>,
    /// Present when the client's subnet was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_subnet: Option<Scope>,
    /// RFC 8914.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended_errors: Vec<ExtendedErrorReport>,
}

/// The client subnet as the response has it (RFC 7871): the answer holds for all clients within `scope` bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub address: String,
    pub source: u8,
    pub scope: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtendedErrorReport {
    pub code: u16,
    pub text: String,
}

/// One record, its rdata in presentation form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordReport {
    pub name: String,
    pub ttl: u32,
    pub class: String,
    #[serde(rename = "type")]
    pub rtype: String,
    pub rdata: String,
}

impl StepReport {
    pub(super) fn of(step: &Step) -> Self {
        Self { text: step.to_string(), facts: StepFacts::of(step) }
    }
}

impl StepFacts {
    fn of(step: &Step) -> Self {
        match step {
            Step::NotOurs { name } => Self::NotOurs { name: name.to_string() },
            Step::Zone { apex } => Self::Zone { apex: apex.to_string() },
            Step::Wildcard { source } => Self::Wildcard { source: source.to_string() },
            Step::NoData { name, rtype } => Self::NoData { name: name.to_string(), rtype: rtype.to_string() },
            Step::NameError { name } => Self::NameError { name: name.to_string() },
            Step::Referral { cut } => Self::Referral { cut: cut.to_string() },
            Step::Redirect { dname, target } => Self::Redirect { dname: dname.to_string(), target: target.to_string() },
            Step::Follow { target } => Self::Follow { target: target.to_string() },
            Step::LeavesZone { target } => Self::LeavesZone { target: target.to_string() },
            Step::ChainEnds { target } => Self::ChainEnds { target: target.to_string() },
            Step::Plain { name, rtype, values } => {
                Self::Plain { name: name.to_string(), rtype: rtype.to_string(), values: *values }
            }
            Step::Group { name, rtype, policy, members } => Self::Group {
                name: name.to_string(),
                rtype: rtype.to_string(),
                policy: policy.word().to_owned(),
                members: *members,
            },
            Step::Client { client, located } => Self::Client {
                client: match client.source {
                    ClientSource::Subnet => format!("{}/{}", client.address, client.prefix_len),
                    ClientSource::Resolver => client.address.to_string(),
                },
                source: if client.source == ClientSource::Subnet { "ecs" } else { "resolver" }.to_owned(),
                network: located.as_ref().map(|(network, _)| network.to_string()),
                place: located.as_ref().and_then(|(_, place)| place.as_ref()).map(PlaceReport::of),
            },
            Step::Order { members } => Self::Order { members: members.iter().map(PlacedReport::of).collect() },
            Step::Nobody => Self::Nobody,
            Step::PassedOver { member, reason } => {
                Self::PassedOver { member: MemberReport::of(member), reason: UnfitReport::of(reason) }
            }
            Step::Chosen { member, by } => Self::Chosen { member: MemberReport::of(member), by: ReasonReport::of(by) },
            Step::LastResort { members } => Self::LastResort { members: *members },
            Step::Panic { members, share } => Self::Panic { members: *members, parts: share.parts() },
            Step::Ttl { secs, range } => Self::Ttl { secs: *secs, min: range.min, max: range.max },
            Step::Alias { target, rtype } => Self::Alias { target: target.to_string(), rtype: rtype.to_string() },
            Step::External { target, known } => {
                Self::External { target: target.name.to_string(), rtype: target.rtype.to_string(), known: KnownReport::of(known) }
            }
        }
    }
}

impl KnownReport {
    fn of(known: &Known) -> Self {
        match known {
            Known::Unresolved { because } => Self::Unresolved { because: because.to_string() },
            Known::Addresses(Resolved { addresses, ttl_secs, at, age_secs, stale }) => Self::Addresses {
                addresses: addresses.list().iter().map(ToString::to_string).collect(),
                resolved: at.to_string(),
                age_secs: *age_secs,
                ttl: *ttl_secs,
                stale: stale.as_ref().map(ToString::to_string),
            },
            Known::Nothing { exists, at, age_secs } => {
                Self::Nothing { exists: *exists, resolved: at.to_string(), age_secs: *age_secs }
            }
        }
    }
}

impl PlaceReport {
    fn of(place: &Place) -> Self {
        Self {
            continent: place.continent.map(|continent| continent.to_string()),
            country: place.country.map(|country| country.to_string()),
            subdivision: place.subdivision.map(|subdivision| subdivision.to_string()),
            city: place.city.as_ref().map(ToString::to_string),
            coordinates: place.coordinates.map(|coordinates| coordinates.to_string()),
        }
    }
}

impl PlacedReport {
    fn of(placed: &Placed) -> Self {
        Self { name: placed.name.clone(), text: placed.reason.to_string(), reason: OrderReport::of(&placed.reason) }
    }
}

impl OrderReport {
    fn of(reason: &map::Reason) -> Self {
        let metres = |km: f64| (km * 1_000.0).round() as u64;
        match reason {
            map::Reason::Measured { micros, prefix } => Self::Measured { micros: *micros, prefix: prefix.to_string() },
            map::Reason::Estimated { micros, km, .. } => Self::Estimated { micros: *micros, metres: metres(*km) },
            map::Reason::Distance { km, bias, biased_km, .. } => {
                Self::Distance { metres: metres(*km), bias: bias.percent(), biased_metres: metres(*biased_km) }
            }
            map::Reason::Area(area) => Self::Area { area: area.to_string() },
            map::Reason::Block { block, collection, location } => {
                Self::Block { block: block.to_string(), collection: collection.to_string(), location: location.to_string() }
            }
            map::Reason::EveryoneElse => Self::EveryoneElse,
            map::Reason::Unknown => Self::Unknown,
        }
    }
}

impl MemberReport {
    fn of(member: &Member) -> Self {
        let target = member.target.as_ref();
        Self {
            name: member.name.clone(),
            health_check: member.verdict.as_ref().map(VerdictReport::of),
            target: target.map(|target| TargetReport { name: target.name.to_string(), healthy: target.healthy }),
        }
    }
}

impl VerdictReport {
    pub fn of(verdict: &Verdict) -> Self {
        let status = match verdict.status {
            Status::Healthy => "healthy",
            Status::Unhealthy => "unhealthy",
            Status::Unknown => "unknown",
        };
        Self {
            id: verdict.id.to_string(),
            status: status.to_owned(),
            healthy: verdict.healthy,
            since: verdict.since.to_string(),
            because: verdict.because.to_string(),
        }
    }
}

impl UnfitReport {
    fn of(reason: &Unfit) -> Self {
        match reason {
            Unfit::Unhealthy => Self::Unhealthy,
            Unfit::Drained => Self::Drained,
            Unfit::TargetUnhealthy { target, .. } => Self::TargetUnhealthy { target: target.to_string() },
            Unfit::TargetUnresolved { target } => Self::TargetUnresolved { target: target.to_string() },
            Unfit::OutsideFence { fence } => Self::OutsideFence { fence: fence.iter().map(ToString::to_string).collect() },
            Unfit::Reserve => Self::Reserve,
            Unfit::NotDrawn => Self::NotDrawn,
        }
    }
}

impl ReasonReport {
    fn of(reason: &Reason) -> Self {
        match *reason {
            Reason::OnlyMember => Self::OnlyMember,
            Reason::Tier(tier) => Self::Tier { tier },
            Reason::Weight { weight, of } => Self::Weight { weight, of },
            Reason::Even { among } => Self::Even { among },
            Reason::Sticky { weight, of } => Self::Sticky { weight, of },
            Reason::Trickle { share } => Self::Trickle { parts: share.parts() },
            Reason::Order { place } => Self::Order { place },
            Reason::Together { chosen, of } => Self::Together { chosen, of },
        }
    }
}
