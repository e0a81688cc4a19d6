//! The stub resolver behind names in the configuration: targets of probes, and of aliases that lead out of their zone.
//!
//! Keeps no cache, and says nothing of what an answer means. Invariant: one place decides which name servers are asked.

use std::net::SocketAddr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;

/// Who is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NameServers {
    /// Those of `/etc/resolv.conf`; for probes after `/etc/hosts`.
    #[default]
    System,
    Only(Vec<SocketAddr>),
}

/// Whether `/etc/hosts` comes before the name servers of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostsFile {
    First,
    Never,
}

impl NameServers {
    /// These; the system's where none are named.
    pub fn of(servers: &[SocketAddr]) -> Self {
        if servers.is_empty() { Self::System } else { Self::Only(servers.to_vec()) }
    }
}

/// A resolver that asks `name_servers`.
///
/// # Errors
/// Why the system's configuration could not be read.
pub fn build(name_servers: &NameServers, hosts_file: HostsFile) -> Result<TokioResolver, NetError> {
    let mut builder = match name_servers {
        NameServers::System => TokioResolver::builder_tokio()?,
        NameServers::Only(addresses) => {
            let config = ResolverConfig::from_name_servers(addresses.iter().copied().map(at).collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    let options: &mut ResolverOpts = builder.options_mut();
    if hosts_file == HostsFile::Never || *name_servers != NameServers::System {
        options.use_hosts_file = ResolveHosts::Never;
    }
    options.cache_size = 0;
    options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
    // The TTL of an answer is the smallest on the way to it.
    options.preserve_intermediates = true;
    builder.build()
}

fn at(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    let connections = connections.map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}
