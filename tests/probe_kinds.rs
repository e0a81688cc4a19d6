//! Probes of every kind against real servers on loopback, each as broken as the test says; and what files may say of them.
//!
//! TCP and plain requests are in `probes.rs`. Invariant: every failure code that a kind has is seen here.

#[path = "probe_kinds/config.rs"]
mod config;
#[path = "probe_kinds/dns.rs"]
mod dns;
#[path = "probe_kinds/grpc.rs"]
mod grpc;
#[path = "probe_kinds/hostile.rs"]
mod hostile;
#[path = "probe_kinds/http.rs"]
mod http;
#[path = "probe_kinds/icmp.rs"]
mod icmp;
#[path = "probe_kinds/redirects.rs"]
mod redirects;
#[path = "support/targets.rs"]
mod targets;
#[path = "probe_kinds/tls.rs"]
mod tls;
#[path = "probe_kinds/via.rs"]
mod via;
