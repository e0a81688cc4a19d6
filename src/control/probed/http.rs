//! The keys that say what is asked over HTTP, and which responses pass.
//!
//! Invariant: a request that is accepted can be written, and no header in it contradicts how it is sent.
//! Source: RFC 9110 (methods, tokens, statuses).

use std::ops::RangeInclusive;

use super::spec::Words;
use crate::health::protocol::http::{Expect, HttpRequest, Method, Pattern, Search};
use crate::toml_table::{Table, Value};

/// Reads a request; the Host header follows from the target.
pub(super) fn read_request(table: &mut Table<'_>, words: Words) -> HttpRequest {
    let path = table.optional(words.path).and_then(|value| read_path(&value)).unwrap_or_else(|| "/".to_owned());
    let method = table.optional("method").and_then(|value| value.word(&Method::WORDS)).unwrap_or_default();
    let body = table.optional("body").and_then(|value| read_body(&value, method));
    let follow = table.optional("follow").and_then(|value| read_follow(&value, method)).unwrap_or(0);
    HttpRequest {
        method,
        headers: read_headers(table),
        body,
        expect: table.optional("expect").and_then(|value| read_expect(&value)).unwrap_or_default(),
        search: read_search(table, words, method),
        http2: table.bool_or("http2", false),
        follow,
        ..HttpRequest::get("", path)
    }
}

fn read_path(value: &Value<'_>) -> Option<String> {
    let written = value.string()?;
    if written.len() > 255 || !written.bytes().all(|octet| octet.is_ascii_graphic()) {
        value.wrong(
            format_args!("{written:?} is no path"),
            "at most 255 printable ASCII characters without blanks; others as %XX",
        );
        return None;
    }
    Some(if written.starts_with('/') { written.to_owned() } else { format!("/{written}") })
}

fn read_body(value: &Value<'_>, method: Method) -> Option<String> {
    let written = value.string()?;
    if !method.takes_body() {
        value.wrong(format_args!("{} has no body", method.as_str()), "method = \"POST\"");
        return None;
    }
    if written.len() > BODY_MAX {
        value.error(format_args!("a body has at most {BODY_MAX} octets, not {}", written.len()));
        return None;
    }
    Some(written.to_owned())
}

fn read_follow(value: &Value<'_>, method: Method) -> Option<u8> {
    let follow = value.int(0..=10)?;
    if follow > 0 && !method.may_follow() {
        value.wrong(format_args!("{} is not sent again to another place", method.as_str()), "GET or HEAD");
        return None;
    }
    Some(u8::try_from(follow).expect("0 to 10"))
}

/// Reads `headers`, names in lower case.
fn read_headers(table: &mut Table<'_>) -> Vec<(String, String)> {
    let Some(table) = table.optional("headers").and_then(|value| value.table()) else { return Vec::new() };
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, _, value) in table.entries() {
        let Some(content) = value.string() else { continue };
        let name = name.to_ascii_lowercase();
        let is_token = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || TOKEN.contains(&octet));
        let is_content = content.len() <= HEADER_MAX && content.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ');
        if !is_token {
            value.wrong(format_args!("{name:?} is no name of a header"), "letters, digits and hyphens");
        } else if OURS.contains(&name.as_str()) {
            let help = match name.as_str() {
                "host" => "Host follows from `host` and `port`",
                _ => "any header that does not say how the message is sent",
            };
            value.wrong(format_args!("{name} is written by waypost"), help);
        } else if !is_content {
            value.wrong("this is no value of a header", format!("at most {HEADER_MAX} printable ASCII characters"));
        } else if headers.iter().any(|(other, _)| *other == name) {
            value.error(format_args!("{name} is written twice"));
        } else {
            headers.push((name, content.to_owned()));
        }
    }
    headers
}

fn read_expect(value: &Value<'_>) -> Option<Expect> {
    let items = value.items();
    let ranges: Vec<_> = items.iter().filter_map(read_statuses).collect();
    if items.is_empty() {
        value.wrong("no status passes", "such as expect = [200, \"3xx\", \"400-499\"]");
    }
    Expect::new(ranges).filter(|expect| expect.ranges().len() == items.len())
}

/// `200`, `"3xx"`, `"200-299"`
fn read_statuses(value: &Value<'_>) -> Option<RangeInclusive<u16>> {
    if value.is_int() {
        let status = u16::try_from(value.int(STATUSES)?).expect("200 to 999");
        return Some(status..=status);
    }
    let written = value.string()?;
    let number = |text: &str| text.parse::<u16>().ok().filter(|status| STATUSES.contains(&i64::from(*status)));
    let range = match written.split_once('-') {
        Some((first, last)) => number(first).zip(number(last)).map(|(first, last)| first..=last),
        None => {
            let class = written.strip_suffix("xx").and_then(|class| number(&format!("{class}00")));
            class.map(|first| first..=first + 99)
        }
    };
    let range = range.filter(|range| !range.is_empty());
    if range.is_none() {
        value.wrong(format_args!("{written:?} is no range of statuses"), "200, \"3xx\" or \"200-299\", from 200 on");
    }
    range
}

fn read_search(table: &mut Table<'_>, words: Words, method: Method) -> Option<Search> {
    let text = table.optional(words.search);
    let pattern = table.optional("matches");
    let (Some(value), key) = (text.as_ref().or(pattern.as_ref()), if text.is_some() { words.search } else { "matches" }) else {
        return None;
    };
    if method == Method::Head {
        table.refuse(key, "means nothing with HEAD: its responses have no body");
    }
    if text.is_some() && pattern.is_some() {
        table.refuse("matches", &format!("and {} exclude each other", words.search));
    }
    let written = value.string()?;
    let found = written.chars().count();
    if !(1..=255).contains(&found) {
        value.error(format_args!("a search string has 1 to 255 characters, not {found}"));
        return None;
    }
    if text.is_some() {
        return Some(Search::Text(written.to_owned()));
    }
    let pattern = Pattern::new(written).map_err(|error| value.error(format_args!("{written:?} is no pattern: {error}")));
    pattern.ok().map(Search::Pattern)
}

/// Statuses that end an exchange.
const STATUSES: RangeInclusive<i64> = 200..=999;
/// What a token may have beside letters and digits (RFC 9110 §5.6.2).
const TOKEN: &[u8] = b"!#$%&'*+-.^_`|~";
/// Headers that say how a message is framed, where it goes, or what becomes of the connection.
const OURS: [&str; 10] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "proxy-connection",
    "expect",
];
const BODY_MAX: usize = 4_096;
const HEADER_MAX: usize = 1_024;
