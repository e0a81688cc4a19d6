//! The form of each type's value: which fields, in which order.
//!
//! Only the table. Invariant: a field that takes all that is left is the last of its row, and the fields put together
//! are the rdata of the type.
//! Source: Route 53 developer guide, "Supported DNS record types", and the RFC of each type.

use crate::wire::rtype::RecordType;

/// One field of a value; the name as Route 53's tokens spell such names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ipv4,
    Ipv6,
    /// A number of so many octets.
    Number(usize),
    Host,
    /// One quoted string of up to 255 octets.
    Text,
    /// One quoted string or more.
    Texts,
    /// One quoted string, all octets that are left in the rdata.
    Rest,
    /// A word of letters and digits.
    Tag,
    /// Octets in hexadecimal, all that is left.
    Hex,
    /// RFC 9460 §2.1, all that is left; may be none.
    SvcParams,
}

/// The types that Route 53 has, in the order of its enumeration.
pub const TYPES: [RecordType; 17] = [
    RecordType::SOA,
    RecordType::A,
    RecordType::TXT,
    RecordType::NS,
    RecordType::CNAME,
    RecordType::MX,
    RecordType::NAPTR,
    RecordType::PTR,
    RecordType::SRV,
    RecordType::SPF,
    RecordType::AAAA,
    RecordType::CAA,
    RecordType::DS,
    RecordType::TLSA,
    RecordType::SSHFP,
    RecordType::SVCB,
    RecordType::HTTPS,
];

/// The fields of a type; none for a type that Route 53 does not have.
pub(super) fn fields(rtype: RecordType) -> Option<&'static [Field]> {
    use Kind::*;
    macro_rules! rows {
        ($($($rtype:ident)|+ => $($name:literal $kind:expr),+;)+) => {
            match rtype {
                $($(RecordType::$rtype)|+ => Some(const { &[$(Field { name: $name, kind: $kind }),+] }),)+
                _ => None,
            }
        };
    }
    rows! {
        A => "IPv4Address" Ipv4;
        AAAA => "IPv6Address" Ipv6;
        NS | CNAME | PTR => "DomainName" Host;
        SOA => "PrimaryServer" Host, "Mailbox" Host, "Serial" Number(4), "Refresh" Number(4), "Retry" Number(4),
            "Expire" Number(4), "MinimumTTL" Number(4);
        MX => "Priority" Number(2), "DomainName" Host;
        SRV => "Priority" Number(2), "Weight" Number(2), "Port" Number(2), "DomainName" Host;
        TXT | SPF => "Strings" Texts;
        CAA => "Flags" Number(1), "Tag" Tag, "Value" Rest;
        NAPTR => "Order" Number(2), "Preference" Number(2), "Flags" Text, "Service" Text, "Regexp" Text, "Replacement" Host;
        DS => "KeyTag" Number(2), "Algorithm" Number(1), "DigestType" Number(1), "Digest" Hex;
        TLSA => "Usage" Number(1), "Selector" Number(1), "MatchingType" Number(1), "CertificateData" Hex;
        SSHFP => "Algorithm" Number(1), "FingerprintType" Number(1), "Fingerprint" Hex;
        SVCB | HTTPS => "Priority" Number(2), "TargetName" Host, "Parameters" SvcParams;
    }
}
