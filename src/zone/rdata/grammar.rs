//! The form of each type's rdata: which fields, in which order.
//!
//! Only the table; what a kind of field looks like is told by `text`, `wire` and `shown`.
//! Invariant: a kind that takes all that is left is the last of its row.

use crate::wire::rtype::RecordType;

/// One field of a type's rdata.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    /// Its name in the RFC of its type.
    pub name: &'static str,
    pub kind: Kind,
}

/// What a field holds, in both forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    U8,
    U16,
    U32,
    /// 32 bits of seconds, with units if wished: `1h30m`.
    Period,
    Name,
    Ipv4,
    Ipv6,
    /// A character string: a length octet, up to 255 octets (RFC 1035 §3.3).
    Text,
    /// One character string or more, all that are left.
    Texts,
    /// All octets that are left, written as one word; at least so many.
    Rest(usize),
    /// A character string of letters and digits, at least one (RFC 8659 §4.1).
    Tag,
    /// All that is left, at least one octet, in hexadecimal.
    Hex,
    /// All that is left, at least one octet, in base64.
    Base64,
    /// A length octet and octets in hexadecimal, `-` for none (RFC 5155 §3.3).
    Salt,
    /// A length octet and octets in base32hex without padding (RFC 5155 §3.3).
    Hash,
    Type,
    /// A bitmap of record types, all that is left (RFC 4034 §4.1.2).
    Types,
    /// Seconds since 1970 as `YYYYMMDDHHmmSS` (RFC 4034 §3.2).
    Time,
    /// A DNSSEC algorithm's number or mnemonic.
    Algorithm,
    /// A certificate type's number or mnemonic (RFC 4398 §2.1).
    CertificateType,
    /// So many octets in hexadecimal, joined by hyphens (RFC 7043).
    Eui(usize),
    /// RFC 1876, whole.
    Location,
    /// RFC 3123, all items.
    Prefixes,
    /// RFC 9460 §2.1, all parameters.
    SvcParams,
}

/// The fields of a type; none for a type that is only known in the generic form.
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
        // RFC 1035 §3.3, RFC 6672 (DNAME)
        A => "address" Ipv4;
        NS | CNAME | PTR | DNAME => "name" Name;
        SOA => "mname" Name, "rname" Name, "serial" U32, "refresh" Period, "retry" Period, "expire" Period, "minimum" Period;
        HINFO => "cpu" Text, "os" Text;
        MX => "preference" U16, "exchange" Name;
        TXT | SPF => "text" Texts;
        // RFC 3596
        AAAA => "address" Ipv6;
        // RFC 1183
        RP => "mailbox" Name, "text name" Name;
        AFSDB => "subtype" U16, "hostname" Name;
        // RFC 1876
        LOC => "location" Location;
        // RFC 2782
        SRV => "priority" U16, "weight" U16, "port" U16, "target" Name;
        // RFC 3403 §4.1
        NAPTR => "order" U16, "preference" U16, "flags" Text, "services" Text, "regexp" Text, "replacement" Name;
        // RFC 2230
        KX => "preference" U16, "exchanger" Name;
        // RFC 4398
        CERT => "type" CertificateType, "key tag" U16, "algorithm" Algorithm, "certificate" Base64;
        // RFC 3123
        APL => "prefixes" Prefixes;
        // RFC 4034, RFC 7344 (CDS, CDNSKEY)
        DS | CDS => "key tag" U16, "algorithm" Algorithm, "digest type" U8, "digest" Hex;
        DNSKEY | CDNSKEY => "flags" U16, "protocol" U8, "algorithm" Algorithm, "public key" Base64;
        RRSIG => "type covered" Type, "algorithm" Algorithm, "labels" U8, "original ttl" Period, "expiration" Time,
            "inception" Time, "key tag" U16, "signer" Name, "signature" Base64;
        NSEC => "next name" Name, "types" Types;
        // RFC 5155
        NSEC3 => "hash algorithm" U8, "flags" U8, "iterations" U16, "salt" Salt, "next hash" Hash, "types" Types;
        NSEC3PARAM => "hash algorithm" U8, "flags" U8, "iterations" U16, "salt" Salt;
        // RFC 4255, RFC 4701, RFC 6698, RFC 8162, RFC 7929, RFC 7477, RFC 8976
        SSHFP => "algorithm" U8, "fingerprint type" U8, "fingerprint" Hex;
        DHCID => "digest" Base64;
        TLSA | SMIMEA => "usage" U8, "selector" U8, "matching type" U8, "data" Hex;
        OPENPGPKEY => "key" Base64;
        CSYNC => "serial" U32, "flags" U16, "types" Types;
        ZONEMD => "serial" U32, "scheme" U8, "hash algorithm" U8, "digest" Hex;
        // RFC 9460
        SVCB | HTTPS => "priority" U16, "target" Name, "parameters" SvcParams;
        // RFC 7043
        EUI48 => "address" Eui(6);
        EUI64 => "address" Eui(8);
        // RFC 7553
        URI => "priority" U16, "weight" U16, "target" Rest(1);
        // RFC 8659
        CAA => "flags" U8, "tag" Tag, "value" Rest(0);
    }
}

/// How a type is written, as the names of its fields.
pub(super) fn usage(rtype: RecordType) -> String {
    match fields(rtype) {
        Some(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            format!("{rtype} is written: {}", names.join(", "))
        }
        None => format!("{rtype} is written in the generic form: \\# length octets-in-hexadecimal"),
    }
}
