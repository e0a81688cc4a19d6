//! Names outside the zones as somebody supposes them: which addresses they have.
//!
//! Nothing is resolved. Invariant: what a case does not state is not known, so that no answer rests on a guess; only the
//! search over failed checks takes every name to have some address, as it takes every other check to pass.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use jiff::Timestamp;

use crate::problem::{Problem, nearest};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::external::{Addresses, ExternalTarget, Externals, Known, Resolved, TTL_MAX_SECS};

/// What is supposed of names outside the zones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere(BTreeMap<Name, Found>);

/// What resolving a name is supposed to have come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Unresolved,
    /// Of both families; none of one: the name has no address of that. None at all: it does not exist.
    Addresses(Vec<IpAddr>),
}

impl Elsewhere {
    /// Supposes something of a name, whatever was supposed of it before.
    pub fn suppose(&mut self, name: Name, found: Found) {
        self.0.insert(name, found);
    }

    /// What is known of `targets`, as of `at`; `otherwise` says why nothing is of names that were not stated.
    pub fn known(&self, targets: &Arc<Externals>, at: Timestamp, otherwise: &str) -> Arc<Externals> {
        if targets.targets().is_empty() {
            return targets.clone();
        }
        let known = targets.with(|_, target| match self.0.get(&target.name) {
            None => Known::Unresolved { because: otherwise.into() },
            Some(Found::Unresolved) => Known::Unresolved { because: "supposed not to be resolved".into() },
            Some(Found::Addresses(addresses)) => resolved(target, addresses, at),
        });
        Arc::new(known)
    }
}

/// Every target of `targets` with an address that stands for whatever it has.
pub(super) fn all_resolved(targets: &Arc<Externals>) -> Arc<Externals> {
    if targets.targets().is_empty() {
        return targets.clone();
    }
    let some: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    Arc::new(targets.with(|_, target| resolved(target, &some, Timestamp::UNIX_EPOCH)))
}

fn resolved(target: &ExternalTarget, addresses: &[IpAddr], at: Timestamp) -> Known {
    let exists = !addresses.is_empty();
    match Addresses::new(target.rtype, addresses.iter().copied()).map(Arc::new) {
        Some(addresses) => Known::Addresses(Resolved { addresses, ttl_secs: TTL_MAX_SECS, at, age_secs: 0, stale: None }),
        None => Known::Nothing { exists, at, age_secs: 0 },
    }
}

/// The name outside the zones that is written `found`; the final dot is not needed.
///
/// # Errors
/// The problem that no alias leads there, with the nearest that one leads to.
pub fn find_external(targets: &Externals, found: &str) -> Result<Name, Problem> {
    let name = Name::parse(found, Some(&Name::root())).map_err(|error| Problem::error(format!("{found:?}: {error}")))?;
    let is_known = [RecordType::A, RecordType::AAAA].iter().any(|rtype| targets.index(&name, *rtype).is_some());
    if is_known {
        return Ok(name);
    }
    let mut known: Vec<String> = targets.targets().iter().map(|target| target.name.to_string()).collect();
    known.dedup();
    let help = match nearest(&name.to_string(), known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None if known.is_empty() => "no alias leads out of its zone".to_owned(),
        None => format!("aliases lead to {}", known.join(", ")),
    };
    Err(Problem::error(format!("{found:?} is no name outside the zones that an alias leads to")).help(help))
}
