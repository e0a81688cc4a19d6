//! Codes of continents, countries and subdivisions, and the areas that geolocation routing tells apart.
//!
//! Says nothing of which countries there are: `countries` has the table. Invariant: a code that exists is in upper case
//! and has its kind's form. Sources: ISO 3166-1 alpha-2, ISO 3166-2; Route 53 API reference, `GeoLocation`.

use std::fmt;
use std::str::FromStr;

use super::countries::continent_of;

/// One of Route 53's seven continents: AF AN AS EU NA OC SA.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Continent([u8; 2]);

/// An ISO 3166-1 alpha-2 code: two letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// The part of an ISO 3166-2 code behind its country: one to three letters or digits, as `CA` of `US-CA`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subdivision {
    /// Padded with zeros.
    octets: [u8; 3],
}

/// What a geolocation record is for; the order is from the widest to the smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Everywhere else, and clients of unknown place: Route 53's `CountryCode=*`.
    Anywhere,
    Continent(Continent),
    Country(Country),
    Subdivision(Country, Subdivision),
}

/// A text that is no code of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidCode {
    pub found: String,
    /// What would be accepted.
    pub accepted: &'static str,
}

impl Area {
    /// Whether all of `inner` is in this area.
    pub fn holds(self, inner: Self) -> bool {
        match (inner, self) {
            (_, Self::Anywhere) => true,
            (Self::Country(country) | Self::Subdivision(country, _), Self::Continent(continent)) => {
                continent_of(country) == Some(continent)
            }
            (Self::Subdivision(country, _), Self::Country(outer)) => country == outer,
            (inner, outer) => inner == outer,
        }
    }
}

impl Continent {
    pub const ALL: [Self; 7] = [Self(*b"AF"), Self(*b"AN"), Self(*b"AS"), Self(*b"EU"), Self(*b"NA"), Self(*b"OC"), Self(*b"SA")];

    pub fn as_str(&self) -> &str {
        text(&self.0)
    }
}

impl Country {
    /// A code known to be right, for tables.
    pub(super) const fn constant(code: [u8; 2]) -> Self {
        Self(code)
    }

    pub fn as_str(&self) -> &str {
        text(&self.0)
    }
}

impl Subdivision {
    /// A code of two letters known to be right, for tables.
    pub(super) const fn constant([first, second]: [u8; 2]) -> Self {
        Self { octets: [first, second, 0] }
    }

    pub fn as_str(&self) -> &str {
        let len = self.octets.iter().position(|&octet| octet == 0).unwrap_or(self.octets.len());
        text(&self.octets[..len])
    }
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("codes are ASCII")
}

impl FromStr for Continent {
    type Err = InvalidCode;

    fn from_str(found: &str) -> Result<Self, InvalidCode> {
        let known = Self::ALL.into_iter().find(|continent| continent.as_str().eq_ignore_ascii_case(found));
        known.ok_or_else(|| InvalidCode { found: found.to_owned(), accepted: "AF, AN, AS, EU, NA, OC, SA" })
    }
}

impl FromStr for Country {
    type Err = InvalidCode;

    fn from_str(found: &str) -> Result<Self, InvalidCode> {
        match <[u8; 2]>::try_from(found.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_alphabetic) => Ok(Self(code.map(|octet| octet.to_ascii_uppercase()))),
            _ => Err(InvalidCode { found: found.to_owned(), accepted: "two letters, such as DE" }),
        }
    }
}

impl FromStr for Subdivision {
    type Err = InvalidCode;

    fn from_str(found: &str) -> Result<Self, InvalidCode> {
        if !(1..=3).contains(&found.len()) || !found.bytes().all(|octet| octet.is_ascii_alphanumeric()) {
            return Err(InvalidCode { found: found.to_owned(), accepted: "one to three letters or digits, such as CA" });
        }
        let mut octets = [0; 3];
        octets[..found.len()].copy_from_slice(&found.as_bytes().to_ascii_uppercase());
        Ok(Self { octets })
    }
}

impl fmt::Display for Continent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Subdivision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Continent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Subdivision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `US-CA`, `DE`, `EU`, `*`. A continent and a country may look the same (`NA`): the context tells them apart.
impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anywhere => f.write_str("*"),
            Self::Continent(continent) => write!(f, "{continent}"),
            Self::Country(country) => write!(f, "{country}"),
            Self::Subdivision(country, subdivision) => write!(f, "{country}-{subdivision}"),
        }
    }
}

impl fmt::Display for InvalidCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no such code", self.found)
    }
}

impl std::error::Error for InvalidCode {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_in_either_case_and_refused_in_any_other_form() {
        assert_eq!("eu".parse::<Continent>().expect("a continent").to_string(), "EU");
        assert_eq!("de".parse::<Country>().expect("a country").to_string(), "DE");
        assert_eq!("ca".parse::<Subdivision>().expect("a subdivision").to_string(), "CA");
        assert_eq!("B".parse::<Subdivision>().expect("a subdivision").to_string(), "B");
        for found in ["", "E", "XX", "EUR", "é"] {
            assert!(found.parse::<Continent>().is_err(), "{found}");
        }
        for found in ["", "D", "DEU", "D1", "é"] {
            assert!(found.parse::<Country>().is_err(), "{found}");
        }
        for found in ["", "CALI", "é", "C-"] {
            assert!(found.parse::<Subdivision>().is_err(), "{found}");
        }
    }
}
