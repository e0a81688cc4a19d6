//! One question answered with its reasons, as a value that prints as JSON: what `explain` says, offline and live.
//!
//! Decides nothing: it asks `answer` as a client would, in octets, and lets the answering code tell its reasons. The
//! command line and the HTTP API both call [`explain`], so the two can't say different things.
//! Invariant: the answer shown is the octets that the server would send over TCP, decoded again.
//! Source: RFC 1035 §4.1.

mod decode;
mod report;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

pub use self::decode::decode;
pub use self::report::{
    AnswerReport, ExplainReport, ExtendedErrorReport, KnownReport, MemberReport, Question, ReasonReport, RecordReport, Scope,
    StepFacts, StepReport, UnfitReport, VerdictReport,
};
use crate::answer::{Asker, Identity, Transport, respond_traced};
use crate::routing::chance::Chance;
use crate::routing::draw::Draw;
use crate::routing::trace::Explanation;
use crate::snapshot::Snapshot;
use crate::wire::MESSAGE_MAX;
use crate::wire::ask::encode_query;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// What is asked, by whom, with which chance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainRequest {
    pub name: Name,
    pub rtype: RecordType,
    pub client: Client,
    pub draw: u64,
}

/// Who asks, as far as the server can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// A resolver that tells nothing of its clients.
    Resolver(IpAddr),
    /// A resolver that tells its client's subnet (RFC 7871); the address has no bits beyond the length.
    Subnet(IpNet),
}

/// A text that is neither an address nor a subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidClient(String);

/// Answers `request` from `snapshot`, and says why.
pub fn explain(snapshot: &Snapshot, identity: &Identity, request: &ExplainRequest) -> ExplainReport {
    explain_by(snapshot, identity, request, request.client.resolver(), Draw::new(request.draw))
}

/// As [`explain`], asked by `resolver`, where chance falls as `chance` says and not by the request's draw.
pub fn explain_by(
    snapshot: &Snapshot,
    identity: &Identity,
    request: &ExplainRequest,
    resolver: IpAddr,
    chance: impl Chance,
) -> ExplainReport {
    let query = encode_query(&request.name, request.rtype, request.client.subnet());
    let asker = Asker { address: resolver, transport: Transport::Tcp };
    let mut explanation = Explanation::default();
    let mut out = vec![0; MESSAGE_MAX];
    // The query carries no cookie, so the time it is asked at does not matter.
    let now_secs = 0;
    let report = respond_traced(snapshot, identity, &query, &asker, now_secs, chance, &mut out, &mut explanation);
    let mut answer = decode(&out[..report.len]).expect("the server's own response is well-formed (answer::Message)");
    answer.rcode = report.rcode.to_string();
    answer.truncated_over_udp = report.len > usize::from(identity.udp_payload_size);
    ExplainReport {
        question: Question {
            name: request.name.to_string(),
            rtype: request.rtype.to_string(),
            client: request.client.to_string(),
            draw: request.draw,
        },
        steps: explanation.steps.iter().map(StepReport::of).collect(),
        answer,
    }
}

impl Client {
    fn subnet(self) -> Option<IpNet> {
        match self {
            Self::Resolver(_) => None,
            Self::Subnet(subnet) => Some(subnet),
        }
    }

    /// The address that the query comes from; unspecified behind a subnet, as that says nothing of the resolver.
    pub fn resolver(self) -> IpAddr {
        match self {
            Self::Resolver(address) => address,
            Self::Subnet(IpNet::V4(_)) => Ipv4Addr::UNSPECIFIED.into(),
            Self::Subnet(IpNet::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
        }
    }
}

/// `198.51.100.7` is a resolver, `198.51.100.0/24` a client's subnet.
impl FromStr for Client {
    type Err = InvalidClient;

    fn from_str(text: &str) -> Result<Self, InvalidClient> {
        let invalid = |_| InvalidClient(text.to_owned());
        if text.contains('/') {
            text.parse().map(|subnet: IpNet| Self::Subnet(subnet.trunc())).map_err(|_| InvalidClient(text.to_owned()))
        } else {
            text.parse().map(Self::Resolver).map_err(invalid)
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolver(address) => address.fmt(f),
            Self::Subnet(subnet) => subnet.fmt(f),
        }
    }
}

impl fmt::Display for InvalidClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no client; an address such as 192.0.2.53 (the resolver's own), or a subnet", self.0)?;
        f.write_str(" such as 198.51.100.0/24 or 2001:db8::/48 (told by ECS), is accepted")
    }
}

impl std::error::Error for InvalidClient {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::query::{Room, parse_query};

    #[test]
    fn a_length_makes_a_subnet_and_bits_beyond_it_are_cleared() {
        for (text, expected) in [("192.0.2.53", "192.0.2.53"), ("198.51.100.77/24", "198.51.100.0/24"), ("::1/0", "::/0")] {
            assert_eq!(text.parse::<Client>().unwrap().to_string(), expected);
        }
        for text in ["", "/24", "192.0.2.1/33", "192.0.2", "example.org"] {
            assert!(text.parse::<Client>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_query_carries_the_subnet_as_it_was_given() {
        for text in ["198.51.100.0/24", "198.51.96.0/19", "2001:db8::/47", "0.0.0.0/0"] {
            let client: Client = text.parse().unwrap();
            let name = Name::parse("www.example.org.", None).unwrap();
            let query = encode_query(&name, RecordType::A, client.subnet());
            let mut room = Room::new();
            let subnet = parse_query(&query, &mut room).ok().unwrap().edns.unwrap().client_subnet.unwrap();
            assert_eq!(format!("{}/{}", subnet.address.unwrap(), subnet.source_prefix), text);
        }
    }

    #[test]
    fn a_name_outside_of_every_zone_is_refused_and_the_reason_said() {
        let name = Name::parse("www.example.org.", None).unwrap();
        let client = "192.0.2.53".parse().unwrap();
        let request = ExplainRequest { name, rtype: RecordType::A, client, draw: 0 };
        let report = explain(&Snapshot::default(), &Identity::default(), &request);
        assert_eq!(report.answer.rcode, "REFUSED");
        assert!(matches!(&report.steps[..], [StepReport { facts: StepFacts::NotOurs { .. }, .. }]), "{report:?}");
        assert_eq!(report.answer.extended_errors[0].code, 20);
    }
}
