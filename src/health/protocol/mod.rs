//! How an endpoint shows that it works: what is asked of it, and what passes.
//!
//! Plain data, one file a kind; the prober asks. Invariant: a request that exists can be written.
//! Sources: Route 53 API reference, `HealthCheckConfig`, for `tcp`, `http` and `https`; the others are waypost's own.

pub mod dns;
pub mod grpc;
pub mod http;
pub mod tls;

use std::time::Duration;

use self::dns::DnsQuery;
use self::grpc::GrpcCheck;
use self::http::HttpRequest;
use self::tls::{TlsCheck, TlsOptions};
use super::check::Target;
use super::command::CommandCheck;
use super::observation::{Failure, Passed};
use super::role::{Encryption, RoleCheck};
use super::timing::Deadlines;

/// How an endpoint shows that it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The connection is accepted.
    Tcp,
    Http(HttpRequest),
    Https(HttpRequest, TlsOptions),
    /// TLS is established, with a certificate that will do.
    Tls(TlsCheck),
    /// A query is answered as expected.
    Dns(DnsQuery),
    /// An echo request is replied to.
    Icmp,
    /// The health service of gRPC says SERVING.
    Grpc(GrpcCheck),
    /// The database has the role that is wanted.
    Role(Box<RoleCheck>),
    /// A command says so.
    Command(CommandCheck),
}

impl Protocol {
    /// The kind, as the `type` of a check is written.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Http(_) => "http",
            Self::Https(..) => "https",
            Self::Tls(_) => "tls",
            Self::Dns(_) => "dns",
            Self::Icmp => "icmp",
            Self::Grpc(_) => "grpc",
            Self::Role(check) => check.engine.word(),
            Self::Command(_) => "command",
        }
    }

    /// The port where nothing says another; none where there is no usual one, 0 where there need not be one.
    pub fn default_port(&self) -> Option<u16> {
        match self {
            Self::Tcp | Self::Grpc(_) => None,
            Self::Http(_) => Some(80),
            Self::Https(..) | Self::Tls(_) => Some(443),
            Self::Dns(_) => Some(53),
            Self::Icmp => Some(0),
            Self::Role(check) => Some(check.engine.port()),
            Self::Command(command) => (!command.needs_port()).then_some(0),
        }
    }

    /// Whether a port means anything.
    pub fn has_ports(&self) -> bool {
        *self != Self::Icmp
    }

    /// Everything that is asked of `target`, and what of the answer is looked at.
    pub fn subject(&self, target: &Target) -> String {
        let word = self.word();
        match self {
            Self::Tcp | Self::Icmp => format!("{word} {target}"),
            Self::Http(request) => format!("{word} {target} {request}"),
            Self::Https(request, tls) => format!("{word} {target} {request} {tls}"),
            Self::Tls(check) => format!("{word} {target} {check}"),
            Self::Dns(query) => format!("{word} {target} {query}"),
            Self::Grpc(check) => format!("{word} {target} {check}"),
            Self::Role(check) => format!("{word} {target} {check}"),
            Self::Command(command) => format!("{word} {target} {command}"),
        }
    }

    /// What is asked of `target`, shortly: `GET http://192.0.2.10:8080/healthz as www.example.org`.
    pub fn words(&self, target: &Target) -> String {
        let word = self.word();
        match self {
            Self::Tcp | Self::Icmp => format!("{word} {target}"),
            Self::Http(request) | Self::Https(request, _) => {
                format!("{} {word}://{target}{} as {}", request.method.as_str(), request.path, request.host)
            }
            Self::Tls(check) => match &check.tls.server_name {
                Some(name) => format!("{word} {target} as {name}"),
                None => format!("{word} {target}"),
            },
            Self::Dns(query) => format!("{word} {target} {} {}", query.name, query.rtype.word),
            Self::Grpc(check) => format!("{word} {target} health of {:?} as {}", check.service, check.authority),
            Self::Role(check) => format!("{word} {target} as {}", check.user),
            Self::Command(command) => command.to_string(),
        }
    }

    /// What is seen of an endpoint that is as it should be.
    pub fn passed(&self) -> Passed {
        match self {
            Self::Tcp => Passed::Connected,
            Self::Http(request) | Self::Https(request, _) => request.passed(request.expect.example()),
            Self::Tls(_) => Passed::Secured,
            Self::Dns(query) => Passed::Answered(query.rcode.to_string()),
            Self::Icmp => Passed::EchoReplied,
            Self::Grpc(_) => Passed::Serving,
            Self::Role(check) => Passed::Role(check.wanted.word().to_owned()),
            Self::Command(_) => Passed::Command(String::new()),
        }
    }

    /// How long a probe takes, and what it sees, when nothing is answered.
    pub fn hung(&self, deadlines: Deadlines) -> (Duration, Failure) {
        let Deadlines { connect, status, .. } = deadlines;
        match self {
            Self::Dns(_) => (status, Failure::AnswerTimeout(status)),
            Self::Icmp => (connect, Failure::AnswerTimeout(connect)),
            Self::Command(_) => (connect, Failure::CommandTimeout(connect)),
            Self::Tcp | Self::Http(_) | Self::Https(..) | Self::Tls(_) | Self::Grpc(_) | Self::Role(_) => {
                (connect, Failure::ConnectTimeout(connect))
            }
        }
    }

    /// How long a probe may take from connecting on: the deadlines of the phases that the protocol has.
    pub fn longest(&self, deadlines: Deadlines) -> Duration {
        let Deadlines { connect, tls, status, body } = deadlines;
        let secured = connect + if self.speaks_tls() { tls.unwrap_or_default() } else { Duration::ZERO };
        match self {
            Self::Tcp | Self::Tls(_) => secured,
            Self::Icmp | Self::Command(_) => connect,
            Self::Http(request) | Self::Https(request, _) => {
                // A redirect may lead to a name, and to TLS.
                let redirect = deadlines.resolve() + connect + tls.unwrap_or_default() + status;
                let searched = if request.search.is_some() { body } else { Duration::ZERO };
                secured + status + redirect * request.follow.into() + searched
            }
            // Over UDP, and over TCP if that was too short.
            Self::Dns(_) => status + connect + status,
            Self::Grpc(_) => secured + status,
            // Logging in, and asking.
            Self::Role(_) => secured + status + body,
        }
    }

    fn speaks_tls(&self) -> bool {
        match self {
            Self::Https(..) | Self::Tls(_) => true,
            Self::Grpc(check) => check.tls.is_some(),
            Self::Role(check) => check.encryption != Encryption::Off,
            Self::Tcp | Self::Http(_) | Self::Dns(_) | Self::Icmp | Self::Command(_) => false,
        }
    }
}
