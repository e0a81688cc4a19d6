//! A response as lines of text that a person can check: rcode and flags, the sections in order, what OPT says.
//!
//! Decodes with the `domain` crate, which is not what wrote the octets.

use domain::base::Message;
use domain::base::iana::Class;
use domain::base::name::ParsedName;
use domain::base::opt::AllOptData;
use domain::base::record::ParsedRecord;
use domain::rdata::AllRecordData;

/// The lines of a response that was sent.
pub fn lines(response: &[u8]) -> Vec<String> {
    let message = Message::from_octets(response).expect("a response has a header");
    let header = message.header();
    let flags = [
        ("aa", header.aa()),
        ("tc", header.tc()),
        ("rd", header.rd()),
        ("ra", header.ra()),
        ("z", header.z()),
        ("ad", header.ad()),
        ("cd", header.cd()),
    ];
    let flags: String = flags.iter().filter(|(_, set)| *set).map(|(flag, _)| format!(" {flag}")).collect();
    let mut lines = vec![format!("{}{flags}", message.opt_rcode())];
    let (_, answer, authority, additional) = message.sections().expect("sections are whole");
    for (section, records) in [("answer", answer), ("authority", authority), ("additional", additional)] {
        for record in records {
            let record = record.expect("records are whole");
            if record.rtype() != domain::base::Rtype::OPT {
                lines.push(format!("{section} {}", shown_record(&record)));
            }
        }
    }
    lines.extend(opt_line(&message));
    lines
}

fn shown_record(record: &ParsedRecord<'_, &[u8]>) -> String {
    let known = record.to_any_record::<AllRecordData<&[u8], ParsedName<&[u8]>>>().expect("rdata is well-formed");
    let owner = match known.owner().to_string().as_str() {
        "." => ".".to_owned(),
        owner => format!("{owner}."),
    };
    let class = if record.class() == Class::IN { String::new() } else { format!("{} ", record.class()) };
    format!("{owner} {} {class}{} {}", record.ttl().as_secs(), record.rtype(), known.data())
}

/// What the OPT record says, in the order of its options.
fn opt_line(message: &Message<&[u8]>) -> Option<String> {
    let opt = message.opt()?;
    let mut line = format!("opt size {}", opt.udp_payload_size());
    if opt.dnssec_ok() {
        line.push_str(" do");
    }
    for option in opt.opt().iter::<AllOptData<_, _>>() {
        // `domain` knows no address family but 1 and 2.
        let Ok(option) = option else {
            line.push_str(" ecs of another family");
            continue;
        };
        line.push_str(&match option {
            AllOptData::Nsid(nsid) => format!(" nsid {nsid}"),
            AllOptData::Cookie(cookie) => format!(" cookie {cookie}"),
            AllOptData::ClientSubnet(subnet) => {
                format!(" ecs {}/{}/{}", subnet.addr(), subnet.source_prefix_len(), subnet.scope_prefix_len())
            }
            AllOptData::ExtendedError(error) => format!(" ede {}", error.code().to_int()),
            AllOptData::TcpKeepalive(keepalive) => format!(" keepalive {keepalive}"),
            other => format!(" {other:?}"),
        });
    }
    Some(line)
}
