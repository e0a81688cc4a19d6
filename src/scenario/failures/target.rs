//! One routed name: who asks it, and what is wrong with what they get.
//!
//! Answers come from `routing::choose`; this compares them with what the record sets allow (`leaves`). Invariant: a kind of
//! finding is told once.

use std::collections::HashMap;

use super::super::ask::{Paths, walk};
use super::super::case::Setting;
use super::leaves::{Leaf, RecordSets};
use super::{Kind, combinations_up_to};
use crate::explain::Client;
use crate::health::board::Board;
use crate::health::table::HealthTable;
use crate::ids::HealthCheckId;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::group::AnswerRef;
use crate::zone::rrset::RrsetRef;
use crate::zone::tree::Zone;
