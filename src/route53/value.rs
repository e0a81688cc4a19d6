//! What a request says and a response will say, as a tree of named members.
//!
//! Knows no XML and no shapes. Scalars are kept as the text they have on the wire; a reader of a request has seen that
//! they are of their shape, so the getters may not fail on them. Invariant: no name is twice in one structure.

use jiff::Timestamp;

/// A member's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Struct(Struct),
    List(Vec<Value>),
}

/// Named values, in the order they were put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Struct(Vec<(&'static str, Value)>);

impl Struct {
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more member; of two of one name the last stays.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// The same with one more member, if there is a value.
    pub fn with_some(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }

    /// The same without one member.
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self
    }

    /// Adds all members of another.
    pub fn take(&mut self, other: Self) {
        other.0.into_iter().for_each(|(name, value)| self.set(name, value));
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|(name, _)| *name)
    }

    /// A scalar's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A required scalar's text; empty if it is not there, which a reader has refused.
    pub fn word(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.trim().parse().ok()
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.trim() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    pub fn structure(&self, name: &str) -> Option<&Struct> {
        match self.get(name)? {
            Value::Struct(inner) => Some(inner),
            _ => None,
        }
    }

    /// A list's items; none if the list is not there.
    pub fn list(&self, name: &str) -> &[Value] {
        match self.get(name) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// The structures of a list.
    pub fn structures(&self, name: &str) -> impl Iterator<Item = &Struct> {
        self.list(name).iter().filter_map(|item| match item {
            Value::Struct(inner) => Some(inner),
            _ => None,
        })
    }

    /// The texts of a list.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.list(name).iter().filter_map(|item| match item {
            Value::Text(text) => Some(&**text),
            _ => None,
        })
    }
}

/// A time as the API writes it, in milliseconds: `2026-11-21T07:52:15.123Z`.
pub fn timestamp(at: Timestamp) -> String {
    let seconds = at.strftime("%Y-%m-%dT%H:%M:%S");
    format!("{seconds}.{:03}Z", at.subsec_millisecond())
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Text(flag.to_string())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Text(number.to_string())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Text(number.to_string())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Text(number.to_string())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Text(number.to_string())
    }
}

impl From<Struct> for Value {
    fn from(inner: Struct) -> Self {
        Self::Struct(inner)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(items: Vec<V>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<V: Into<Value>> FromIterator<V> for Value {
    fn from_iter<I: IntoIterator<Item = V>>(items: I) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}
