//! One routed name: what it depends on, who asks, and what is wrong with what they get.
//!
//! Walks the record sets as configured, not as compiled, to say what may be answered, so that a mistake of the compiler
//! would be found. Invariant: `checks` holds each probed check that can change an answer of this name, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::case::Setting;
use super::super::supposed::Checks;
use super::{Kind, combinations_up_to};
use crate::explain::{Client, ExplainReport, ExplainRequest, explain};
use crate::geography::area::Area;
use crate::health::check::CheckKind;
use crate::health::table::HealthTable;
use crate::ids::{HealthCheckId, HealthIndex};
use crate::routing::draw::Draw;
use crate::routing::trace::NoTrace;
use crate::routing::{Facts, choose};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::group::AnswerRef;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::{Content, RecordSet};
use crate::zone::rrset::RrsetRef;
use crate::zone::tree::Zone;

/// One name and type that chooses.
pub(super) struct Target<'s> {
    pub name: Name,
    pub rtype: RecordType,
    pub checks: Vec<HealthCheckId>,
    pub clients: Vec<Client>,
    /// Chance can fall in more ways than were tried.
    pub not_exhausted: bool,
    zone: &'s Zone,
    answer: AnswerRef,
    leaves: Vec<Leaf>,
    /// Some answers differ when nothing has failed; none until that is known.
    spreads: Option<bool>,
    found: Vec<Kind>,
}

/// One record set with values that the name may answer with.
struct Leaf {
    /// In wire form, sorted.
    values: Vec<Box<[u8]>>,
    /// Those on the way to it.
    checks: Vec<HealthIndex>,
    /// No fence on the way shuts it out.
    inside: bool,
}
