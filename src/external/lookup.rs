//! One look at one target, through the stub resolver: what it came to, or why nobody could tell.
//!
//! Follows CNAMEs, as the resolver does. Invariant: only an answer that says so is nothing; whatever else goes wrong is a
//! failure, and takes no address away. Source: RFC 2308 §2 and §5.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr;
use hickory_resolver::proto::serialize::binary::BinDecodable;
use tokio::time::timeout;

use super::machine::Seen;
use crate::resolver::{HostsFile, NameServers, build};
use crate::zone::external::{Addresses, ExternalTarget};

/// Something that can look at a target once: a [`Resolver`], or a script in a test.
pub trait Look: Send + Sync + 'static {
    fn look(&self, target: &ExternalTarget) -> impl Future<Output = Seen> + Send;
}

/// Looks through a stub resolver, or says why there is none.
pub struct Resolver(Result<TokioResolver, String>);

impl Resolver {
    /// A resolver that asks `name_servers`, and what will not work, if it cannot be built.
    pub fn new(name_servers: &NameServers) -> (Self, Option<String>) {
        let built = build(name_servers, HostsFile::Never);
        let built = built.map_err(|error| format!("cannot read the system's resolver configuration: {error}"));
        let warning =
            built.as_ref().err().map(|message| format!("{message}; aliases of names outside the zones have no address"));
        (Self(built), warning)
    }
}

impl Look for Resolver {
    async fn look(&self, target: &ExternalTarget) -> Seen {
        let resolver = match &self.0 {
            Ok(resolver) => resolver,
            Err(message) => return Seen::Failed(message.as_str().into()),
        };
        let Ok(name) = rr::Name::from_bytes(target.name.as_wire()) else {
            return Seen::Failed("the resolver does not take such a name".into());
        };
        match timeout(WITHIN, resolver.lookup(name, rr::RecordType::from(target.rtype.0))).await {
            Ok(Ok(found)) => judge_answers(target, found.answers()),
            Ok(Err(NetError::Dns(DnsError::NoRecordsFound(none)))) => judge_none(&none),
            Ok(Err(error)) => Seen::Failed(format!("it could not be resolved: {error}").into()),
            Err(_) => Seen::Failed(format!("no answer from the resolver within {WITHIN:?}").into()),
        }
    }
}

/// The addresses, whose TTL is the smallest on the way to them.
fn judge_answers(target: &ExternalTarget, answers: &[rr::Record]) -> Seen {
    let ttl = answers.iter().map(|record| record.ttl).min().unwrap_or_default();
    let ttl = Duration::from_secs(ttl.into());
    match Addresses::new(target.rtype, answers.iter().filter_map(|record| record.data.ip_addr())) {
        Some(addresses) => Seen::Addresses { addresses: Arc::new(addresses), ttl },
        // A chain of CNAMEs that ends at no address.
        None => Seen::Nothing { exists: true, ttl: Some(ttl) },
    }
}

fn judge_none(none: &NoRecords) -> Seen {
    let ttl = none.negative_ttl.map(|secs| Duration::from_secs(secs.into()));
    match none.response_code {
        ResponseCode::NXDomain => Seen::Nothing { exists: false, ttl },
        ResponseCode::NoError => Seen::Nothing { exists: true, ttl },
        code => Seen::Failed(format!("the resolver answers {code}").into()),
    }
}

/// How long one look may take, all attempts included.
const WITHIN: Duration = Duration::from_secs(5);
