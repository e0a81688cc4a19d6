//! The address of a target that is a name, asked anew for every probe.
//!
//! Keeps no cache: a name that moves is followed at once. IPv4 is preferred, IPv6 taken where there is none. A resolver
//! that does not answer is our trouble, and so is one that says it cannot (SERVFAIL is what one without a way out says to
//! everything); a resolver that answers "no" is the endpoint's.

use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use tokio::time::timeout;

use crate::health::observation::{Failure, NotRun, Outcome};
use crate::resolver::{HostsFile, NameServers, build};

/// A stub resolver, or why there is none.
pub(super) struct Resolver(Result<TokioResolver, String>);

impl Resolver {
    pub(super) fn new(name_servers: &NameServers, warnings: &mut Vec<String>) -> Self {
        let built = build(name_servers, HostsFile::First);
        let built = built.map_err(|error| format!("cannot read the system's resolver configuration: {error}"));
        if let Err(message) = &built {
            warnings.push(format!("{message}; targets that are names cannot be probed"));
        }
        Self(built)
    }

    /// The first address of `name`.
    pub(super) async fn resolve(&self, name: &str, limit: Duration) -> Result<IpAddr, Outcome> {
        let resolver = self.0.as_ref().map_err(|message| NotRun::ResolverUnreachable(message.clone()))?;
        match timeout(limit, resolver.lookup_ip(name)).await {
            Ok(Ok(addresses)) => match addresses.iter().next() {
                Some(address) => Ok(address),
                None => Err(Failure::NameNotResolved(format!("{name} has no address")).into()),
            },
            Ok(Err(error)) => Err(judge(name, &error)),
            Err(_) => Err(NotRun::ResolverUnreachable(format!("no answer for {name} within {limit:?}")).into()),
        }
    }
}

/// Whether a lookup failed because of the name or because of the resolver.
fn judge(name: &str, error: &NetError) -> Outcome {
    match error {
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => {
            NotRun::ResolverUnreachable(format!("it refuses to resolve {name}")).into()
        }
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NXDomain => {
            Failure::NameNotResolved(format!("{name} does not exist")).into()
        }
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NoError => {
            Failure::NameNotResolved(format!("{name} has no address")).into()
        }
        NetError::Dns(error) => NotRun::ResolverUnreachable(format!("it cannot resolve {name}: {error}")).into(),
        NetError::Proto(error) => NotRun::Impossible(format!("{name}: {error}")).into(),
        error => NotRun::ResolverUnreachable(format!("{name}: {error}")).into(),
    }
}
