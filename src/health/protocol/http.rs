//! What is asked over HTTP, and which responses pass.
//!
//! Plain data. Invariants: a method that takes no body has none; a pattern that exists is compiled, and small.
//! Sources: RFC 9110; Route 53 API reference, `HealthCheckConfig`, which knows `GET`, 2xx and 3xx, and a search string.

use std::fmt;
use std::hash::Hasher;
use std::ops::RangeInclusive;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};
use siphasher::sip::SipHasher24;

use crate::health::observation::Passed;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// The Host header, with the port already added where it is needed (Route 53: any port but 80 and 443).
    pub host: String,
    /// Begins with `/`.
    pub path: String,
    pub method: Method,
    /// Names in lower case, each once; none that the connection needs for itself.
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
    pub expect: Expect,
    /// What the first [`SEARCH_WITHIN`] octets of the body must show.
    pub search: Option<Search>,
    /// HTTP/2: with prior knowledge, and by ALPN over TLS.
    pub http2: bool,
    /// How many redirects are followed, one after the other.
    pub follow: u8,
}

/// What a request does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Options,
}

/// The statuses that pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect(Vec<RangeInclusive<u16>>);

/// What a body must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    Text(String),
    Pattern(Pattern),
}

/// A regular expression over octets.
#[derive(Clone, Debug)]
pub struct Pattern(Arc<Regex>);

impl HttpRequest {
    /// A plain `GET`, as Route 53's checks send it.
    pub fn get(host: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            path: path.into(),
            method: Method::Get,
            headers: Vec::new(),
            body: None,
            expect: Expect::default(),
            search: None,
            http2: false,
            follow: 0,
        }
    }

    /// That a response with this status passed.
    pub fn passed(&self, status: u16) -> Passed {
        match &self.search {
            None => Passed::Status(status),
            Some(Search::Text(_)) => Passed::SearchStringFound(status),
            Some(Search::Pattern(_)) => Passed::PatternMatched(status),
        }
    }

    /// Tells requests apart without showing what may be a secret.
    fn fingerprint(&self) -> u64 {
        let mut hasher = SipHasher24::new();
        let parts = self.headers.iter().flat_map(|(name, value)| [name, value]).chain(&self.body);
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part.as_bytes());
        }
        hasher.finish()
    }
}

/// `GET /healthz Host: www.example.org search "ready"`, with what is not a plain request's after it.
impl fmt::Display for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} Host: {}", self.method.as_str(), self.path, self.host)?;
        match &self.search {
            Some(Search::Text(text)) => write!(f, " search {text:?}")?,
            Some(Search::Pattern(pattern)) => write!(f, " matches {:?}", pattern.as_str())?,
            None => {}
        }
        if self.expect != Expect::default() {
            write!(f, " expect={}", self.expect)?;
        }
        if !self.headers.is_empty() || self.body.is_some() {
            write!(f, " sent={:016x}", self.fingerprint())?;
        }
        if self.http2 {
            f.write_str(" http2")?;
        }
        if self.follow > 0 {
            write!(f, " follow={}", self.follow)?;
        }
        Ok(())
    }
}

impl Method {
    /// All of them, by their names.
    pub const WORDS: [(&str, Self); 6] = [
        ("GET", Self::Get),
        ("HEAD", Self::Head),
        ("POST", Self::Post),
        ("PUT", Self::Put),
        ("PATCH", Self::Patch),
        ("OPTIONS", Self::Options),
    ];

    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, method)| *method == self).expect("every method is there").0
    }

    /// Whether requests may carry a body.
    pub fn takes_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }

    /// Whether asking again elsewhere is harmless.
    pub fn may_follow(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

impl Expect {
    /// These statuses; none when no range has any.
    pub fn new(ranges: Vec<RangeInclusive<u16>>) -> Option<Self> {
        (!ranges.is_empty() && ranges.iter().all(|range| !range.is_empty())).then_some(Self(ranges))
    }

    pub fn passes(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }

    pub fn ranges(&self) -> &[RangeInclusive<u16>] {
        &self.0
    }

    /// A status that passes.
    pub(super) fn example(&self) -> u16 {
        if self.passes(200) { 200 } else { *self.0[0].start() }
    }
}

/// 2xx and 3xx, as in Route 53.
impl Default for Expect {
    fn default() -> Self {
        Self(vec![200..=399])
    }
}

/// `200-299,301`
impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            match (range.start(), range.end()) {
                (start, end) if start == end => write!(f, "{comma}{start}")?,
                (start, end) => write!(f, "{comma}{start}-{end}")?,
            }
        }
        Ok(())
    }
}

impl Pattern {
    /// Compiles `text`.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(text: &str) -> Result<Self, String> {
        match RegexBuilder::new(text).size_limit(PATTERN_OCTETS).build() {
            Ok(regex) => Ok(Self(Arc::new(regex))),
            Err(regex::Error::CompiledTooBig(limit)) => Err(format!("it takes more than {limit} octets when compiled")),
            Err(error) => {
                // The last line says what; those before draw where.
                let drawn = error.to_string();
                let said = drawn.lines().last().unwrap_or_default();
                Err(said.strip_prefix("error: ").unwrap_or(said).to_owned())
            }
        }
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub fn is_match(&self, octets: &[u8]) -> bool {
        self.0.is_match(octets)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

/// Octets of a body that are searched (Route 53).
pub const SEARCH_WITHIN: usize = 5_120;
/// What a compiled pattern may take: enough for any sentence, and quickly run over 5,120 octets.
const PATTERN_OCTETS: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_tells_subjects_apart_and_is_not_shown() {
        let with = |name: &str, value: &str| HttpRequest {
            headers: vec![(name.into(), value.into())],
            ..HttpRequest::get("www.example.org", "/")
        };
        let shown = with("authorization", "Bearer secret").to_string();
        assert!(shown.starts_with("GET / Host: www.example.org sent=") && !shown.contains("secret"), "{shown}");
        assert_ne!(shown, with("authorization", "Bearer other").to_string());
        assert_ne!(with("ab", "c").to_string(), with("a", "bc").to_string());
        assert_eq!(HttpRequest::get("a", "/").to_string(), "GET / Host: a");
    }

    #[test]
    fn a_pattern_that_is_wrong_or_large_says_so_in_one_line() {
        let wrong = |text: &str| Pattern::new(text).unwrap_err();
        assert_eq!(wrong("a(b"), "unclosed group");
        assert_eq!(wrong("(?:a{1000}){1000}"), "it takes more than 65536 octets when compiled");
        assert!(Pattern::new("(?i)\"status\"\\s*:\\s*\"ok\"").unwrap().is_match(b"{\"Status\" : \"OK\"}"));
    }
}
