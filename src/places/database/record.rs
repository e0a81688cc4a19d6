//! One record of a geo database, read as a place whatever its maker's form.
//!
//! MaxMind's form nests (`country.iso_code`, `location.latitude`), the form of tables made from CSV is flat (`country_code`,
//! `latitude`, `state1`), and a database may mix them. A field that is missing or of another kind is not known; it is no
//! error. The country is where the address is, never where it is registered.
//! Sources: MaxMind DB file format 2.0; the fields of GeoIP2 City, DB-IP Lite, IPinfo Lite and ip-location-db.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Place;
use crate::geography::area::{Country, Subdivision};
use crate::geography::coordinates::Coordinates;
use crate::geography::countries::continent_of;
use crate::geography::states::state_named;

/// A value of a record, with all within it.
#[derive(Clone, Debug)]
pub(super) enum Value<'r> {
    Text(&'r str),
    Number(f64),
    Map(Vec<(&'r str, Value<'r>)>),
    List(Vec<Value<'r>>),
    /// A kind that no field of a place has.
    Other,
}

impl Value<'_> {
    /// The place that the record says.
    pub(super) fn place(&self) -> Place {
        let country = self.country();
        let from_file = || code(self.code("continent", "code").or_else(|| self.text("continent_code")));
        Place {
            continent: country.and_then(continent_of).or_else(from_file),
            country,
            subdivision: self.subdivision(country),
            coordinates: self.coordinates(),
            city: self.city().map(Into::into),
        }
    }

    fn country(&self) -> Option<Country> {
        code(self.text("country_code")).or_else(|| code(self.code("country", "iso_code")))
    }

    /// The first is the largest, and has the code that geolocation uses.
    fn subdivision(&self, country: Option<Country>) -> Option<Subdivision> {
        let first = match self.get("subdivisions") {
            Some(Self::List(subdivisions)) => subdivisions.first(),
            _ => None,
        };
        let named = || {
            let name = first.and_then(Self::english).or_else(|| self.text("state1")).or_else(|| self.text("region"))?;
            if country?.as_str() == "US" { state_named(name) } else { None }
        };
        code(first.and_then(|first| first.text("iso_code")).or_else(|| self.text("region_code"))).or_else(named)
    }

    /// None at 0, 0, which is how some say that they do not know.
    fn coordinates(&self) -> Option<Coordinates> {
        let number = |value: &Self| match value {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        };
        let either = |one, other| self.get(one).or_else(|| self.get(other)).and_then(number);
        let flat = || Some((either("latitude", "lat")?, either("longitude", "lng")?));
        let nested = |location: &Self| Some((number(location.get("latitude")?)?, number(location.get("longitude")?)?));
        let (north, east) = self.get("location").and_then(nested).or_else(flat)?;
        if (north, east) == (0.0, 0.0) { None } else { Coordinates::new(north, east) }
    }

    fn city(&self) -> Option<&str> {
        self.text("city").or_else(|| self.get("city")?.english()).filter(|city| !city.is_empty())
    }

    /// A code that is a text itself, or stands in a map.
    fn code(&self, name: &str, within: &str) -> Option<&str> {
        self.text(name).or_else(|| self.get(name)?.text(within))
    }

    fn english(&self) -> Option<&str> {
        self.get("names")?.text("en")
    }

    fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(fields) => fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

fn code<C: std::str::FromStr>(text: Option<&str>) -> Option<C> {
    text?.parse().ok()
}

impl<'r> Deserialize<'r> for Value<'r> {
    fn deserialize<D: Deserializer<'r>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'r> Visitor<'r> for AnyValue {
    type Value = Value<'r>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a record")
    }

    fn visit_borrowed_str<E>(self, text: &'r str) -> Result<Value<'r>, E> {
        Ok(Value::Text(text))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value<'r>, E> {
        Ok(Value::Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value<'r>, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'r>, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Value<'r>, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value<'r>, E> {
        Ok(Value::Other)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Value<'r>, E> {
        Ok(Value::Other)
    }

    fn visit_map<M: MapAccess<'r>>(self, mut map: M) -> Result<Value<'r>, M::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Value::Map(fields))
    }

    fn visit_seq<S: SeqAccess<'r>>(self, mut list: S) -> Result<Value<'r>, S::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }
}
