//! Record types and classes: one table of codes and mnemonics.
//!
//! Unknown codes are values like any other and print as `TYPE65280` (RFC 3597 §5).
//! Source: the IANA registry "Domain Name System (DNS) Parameters".

use std::fmt;
use std::str::FromStr;

/// A record type or query type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(pub u16);

/// A class.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class(pub u16);

/// A text that names no record type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownType(pub String);

macro_rules! record_types {
    ($($name:ident = $code:literal $mnemonic:literal),+ $(,)?) => {
        impl RecordType {
            $(pub const $name: Self = Self($code);)+
        }

        const MNEMONICS: &[(u16, &str)] = &[$(($code, $mnemonic)),+];
    };
}

record_types! {
    A = 1 "A", NS = 2 "NS", CNAME = 5 "CNAME", SOA = 6 "SOA", PTR = 12 "PTR", HINFO = 13 "HINFO", MX = 15 "MX",
    TXT = 16 "TXT", RP = 17 "RP", AFSDB = 18 "AFSDB", AAAA = 28 "AAAA", LOC = 29 "LOC", SRV = 33 "SRV",
    NAPTR = 35 "NAPTR", KX = 36 "KX", CERT = 37 "CERT", DNAME = 39 "DNAME", OPT = 41 "OPT", APL = 42 "APL", DS = 43 "DS",
    SSHFP = 44 "SSHFP", RRSIG = 46 "RRSIG", NSEC = 47 "NSEC", DNSKEY = 48 "DNSKEY", DHCID = 49 "DHCID", NSEC3 = 50 "NSEC3",
    NSEC3PARAM = 51 "NSEC3PARAM", TLSA = 52 "TLSA", SMIMEA = 53 "SMIMEA", HIP = 55 "HIP", CDS = 59 "CDS", CDNSKEY = 60 "CDNSKEY",
    OPENPGPKEY = 61 "OPENPGPKEY", CSYNC = 62 "CSYNC", ZONEMD = 63 "ZONEMD", SVCB = 64 "SVCB", HTTPS = 65 "HTTPS",
    SPF = 99 "SPF", EUI48 = 108 "EUI48", EUI64 = 109 "EUI64", TKEY = 249 "TKEY", TSIG = 250 "TSIG", IXFR = 251 "IXFR",
    AXFR = 252 "AXFR", MAILB = 253 "MAILB", MAILA = 254 "MAILA", ANY = 255 "ANY", URI = 256 "URI", CAA = 257 "CAA",
}

impl RecordType {
    /// The mnemonic, where the type has one.
    pub fn mnemonic(self) -> Option<&'static str> {
        MNEMONICS.iter().find(|(code, _)| *code == self.0).map(|(_, mnemonic)| *mnemonic)
    }

    /// Whether a zone can hold it: meta types and query types cannot be stored (RFC 6895 §3.1).
    pub fn is_data(self) -> bool {
        self.0 != 0 && self != Self::OPT && !(128..=255).contains(&self.0)
    }

    /// Every mnemonic, for messages that say what would be accepted.
    pub fn mnemonics() -> impl Iterator<Item = &'static str> {
        MNEMONICS.iter().map(|(_, mnemonic)| *mnemonic)
    }
}

impl Class {
    pub const IN: Self = Self(1);
    pub const CH: Self = Self(3);
    pub const ANY: Self = Self(255);
}

impl FromStr for RecordType {
    type Err = UnknownType;

    /// Reads a mnemonic in any case, or `TYPE` and a number.
    fn from_str(text: &str) -> Result<Self, UnknownType> {
        if let Some((code, _)) = MNEMONICS.iter().find(|(_, mnemonic)| mnemonic.eq_ignore_ascii_case(text)) {
            return Ok(Self(*code));
        }
        let digits = text.get(..4).filter(|head| head.eq_ignore_ascii_case("TYPE")).map(|_| &text[4..]);
        match digits.map(str::parse) {
            Some(Ok(code)) if digits.is_some_and(|digits| digits.bytes().all(|octet| octet.is_ascii_digit())) => Ok(Self(code)),
            _ => Err(UnknownType(text.to_owned())),
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(mnemonic) => f.pad(mnemonic),
            None => f.pad(&format!("TYPE{}", self.0)),
        }
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::IN => f.write_str("IN"),
            Self::CH => f.write_str("CH"),
            Self::ANY => f.write_str("ANY"),
            Self(code) => write!(f, "CLASS{code}"),
        }
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for UnknownType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a record type; a mnemonic such as A or MX, or TYPE and a number, is accepted", self.0)
    }
}

impl std::error::Error for UnknownType {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mnemonics_and_numbers_name_types() {
        for (text, code) in [("A", 1), ("aaaa", 28), ("TYPE65280", 65280), ("type1", 1), ("HTTPS", 65)] {
            assert_eq!(text.parse(), Ok(RecordType(code)), "{text}");
        }
        for text in ["", "TYPE", "TYPE65536", "TYPE+1", "TYPE-1", "AA"] {
            assert!(text.parse::<RecordType>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_type_prints_as_text_that_reads_back() {
        for code in 0..=u16::MAX {
            let printed = RecordType(code).to_string();
            assert_eq!(printed.parse(), Ok(RecordType(code)), "{printed}");
        }
    }
}
