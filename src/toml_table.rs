//! TOML tables as an operator's text: each value with its place, each problem kept, nothing stopped at the first.
//!
//! Not serde: a derived reader stops at its first problem. A reader asks a [`Table`] for the keys it knows, and
//! [`Table::finish`] reports the others. Knows no particular file's keys; pure.
//! Invariant: on a line that is no TOML only that is reported, and after such a line no key is called missing
//! (it may be what could not be read). Source: TOML 1.1.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Place, Problem, Problems, nearest};
use crate::text::Text;

/// The octets of a key or value in its document.
pub type Span = Range<usize>;

/// One TOML document being read.
pub struct Document<'t> {
    text: &'t Text,
    root: DeTable<'t>,
    /// Lines that are no TOML; other problems there would be echoes.
    broken_lines: BTreeSet<u32>,
    problems: RefCell<Problems>,
}

/// One table, and which of its keys were asked for.
pub struct Table<'d> {
    document: &'d Document<'d>,
    entries: &'d DeTable<'d>,
    /// As in a message: `[probe.web]`; empty for the document itself.
    title: String,
    /// Its header or its braces.
    pub span: Span,
    known: Vec<&'static str>,
}

/// One value, with the key it was found under.
#[derive(Clone)]
pub struct Value<'d> {
    document: &'d Document<'d>,
    value: &'d DeValue<'d>,
    /// As in a message: `port`, `an item of members`.
    title: String,
    pub span: Span,
}

impl<'t> Document<'t> {
    pub fn parse(text: &'t Text) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text.content());
        let mut document = Self { text, root: root.into_inner(), broken_lines: BTreeSet::new(), problems: RefCell::default() };
        for error in errors {
            let span = error.span().unwrap_or_default();
            // What follows on a broken line is broken because of its start.
            if document.broken_lines.insert(text.line_at(span.start)) {
                let problem = Problem::error(format!("reading TOML: {}", error.message())).at(text.place(span));
                document.problems.get_mut().push(problem);
            }
        }
        document
    }

    /// The table of everything.
    pub fn root(&self) -> Table<'_> {
        Table { document: self, entries: &self.root, title: String::new(), span: 0..0, known: Vec::new() }
    }

    pub fn text(&self) -> &Text {
        self.text
    }

    pub fn place(&self, span: &Span) -> Place {
        self.text.place(span.clone())
    }

    pub fn line(&self, span: &Span) -> u32 {
        self.text.line_at(span.start)
    }

    /// Keeps `problem`, which was found at `span`.
    pub fn report(&self, span: &Span, problem: Problem) {
        if !self.broken_lines.contains(&self.line(span)) {
            self.problems.borrow_mut().push(problem.at(self.place(span)));
        }
    }

    /// Keeps an error found at `span`.
    pub fn error(&self, span: &Span, message: impl Into<String>) {
        self.report(span, Problem::error(message));
    }

    /// Whether all of the text is TOML.
    pub fn is_whole(&self) -> bool {
        self.broken_lines.is_empty()
    }

    /// Whether an error was reported until now.
    pub fn has_errors(&self) -> bool {
        self.problems.borrow().has_errors()
    }

    /// Everything reported until now, in the order of the lines.
    pub fn into_problems(self) -> Problems {
        let mut sorted: Vec<Problem> = self.problems.into_inner().into_iter().collect();
        sorted.sort_by_key(|problem| problem.place.as_ref().map(|place| (place.line, place.column)));
        let mut problems = Problems::default();
        sorted.into_iter().for_each(|problem| problems.push(problem));
        problems
    }
}

impl<'d> Table<'d> {
    pub fn document(&self) -> &'d Document<'d> {
        self.document
    }

    /// The value of `key`, if it is written.
    pub fn optional(&mut self, key: &'static str) -> Option<Value<'d>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let value = self.entries.get(key)?;
        Some(Value { document: self.document, value: value.get_ref(), title: key.to_owned(), span: value.span() })
    }

    /// The value of `key`; reported when it is missing.
    pub fn required(&mut self, key: &'static str, example: &str) -> Option<Value<'d>> {
        let value = self.optional(key);
        if value.is_none() && self.document.is_whole() {
            let missing = Problem::error(format!("{}{key} is missing", self.prefix()));
            self.document.report(&self.span, missing.help(format!("such as {key} = {example}")));
        }
        value
    }

    /// A truth value; `default` when it is not written.
    pub fn bool_or(&mut self, key: &'static str, default: bool) -> bool {
        self.optional(key).and_then(|value| value.bool()).unwrap_or(default)
    }

    pub fn optional_int(&mut self, key: &'static str, accepted: RangeInclusive<i64>) -> Option<i64> {
        self.optional(key)?.int(accepted)
    }

    pub fn optional_duration(&mut self, key: &'static str, accepted: RangeInclusive<Duration>) -> Option<Duration> {
        self.optional(key)?.duration(accepted)
    }

    /// The text of `key` as a `T`.
    pub fn optional_parsed<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str, accepted: &str) -> Option<T> {
        self.optional(key)?.parsed(accepted)
    }

    /// The items of the array `key`; none when it is not written.
    pub fn array(&mut self, key: &'static str) -> Vec<Value<'d>> {
        self.optional(key).map(|value| value.items()).unwrap_or_default()
    }

    /// The table under `key`, if it is written.
    pub fn table(&mut self, key: &'static str) -> Option<Table<'d>> {
        let mut table = self.optional(key)?.table()?;
        table.title = format!("[{key}]");
        Some(table)
    }

    /// The tables under the table `key` (`[key.NAME]`), each with its name and the name's span, in the order written.
    pub fn named_tables(&mut self, key: &'static str) -> Vec<(&'d str, Span, Table<'d>)> {
        let Some(parent) = self.table(key) else { return Vec::new() };
        let mut named = Vec::new();
        for (name, value) in parent.entries.iter() {
            let title = format!("[{key}.{}]", name.get_ref());
            let value = Value { document: self.document, value: value.get_ref(), title: title.clone(), span: value.span() };
            if let Some(table) = value.table() {
                named.push((&**name.get_ref(), name.span(), Table { title, span: name.span(), ..table }));
            }
        }
        named.sort_by_key(|(_, span, _)| span.start);
        named
    }

    /// The tables `[[key]]`, in the order written.
    pub fn array_of_tables(&mut self, key: &'static str) -> Vec<Table<'d>> {
        let tables = self.array(key).into_iter().filter_map(|item| item.table());
        tables.map(|table| Table { title: format!("[[{key}]]"), ..table }).collect()
    }

    /// Every entry of a table whose keys are names, each with its key's span, in the order written.
    pub fn entries(&self) -> Vec<(&'d str, Span, Value<'d>)> {
        let mut entries: Vec<_> = self.entries.iter().map(|(key, value)| (&**key.get_ref(), key.span(), value)).collect();
        entries.sort_by_key(|(_, span, _)| span.start);
        let value = |(key, span, value): (&'d str, Span, &'d Spanned<DeValue<'d>>)| {
            let title = format!("{}{key}", self.prefix());
            (key, span, Value { document: self.document, value: value.get_ref(), title, span: value.span() })
        };
        entries.into_iter().map(value).collect()
    }

    /// Reports `key`, if it is written, as having no meaning here; it is not among what would be accepted.
    pub fn refuse(&mut self, key: &'static str, because: &str) {
        if self.entries.contains_key(key) {
            self.known.push(key);
            let span = self.key_span(key);
            self.document.error(&span, format!("{}{key} {because}", self.prefix()));
        }
    }

    /// Reports what is wrong with the table as a whole.
    pub fn error(&self, message: &str) {
        self.document.error(&self.span, format!("{}{message}", self.prefix()));
    }

    /// Whether no key is written.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        let mut unknown: Vec<_> =
            self.entries.iter().map(|(key, _)| key).filter(|key| !self.known.contains(&&**key.get_ref())).collect();
        unknown.sort_by_key(|key| key.span().start);
        for key in unknown {
            let problem = Problem::error(format!("{}unknown key {:?}", self.prefix(), key.get_ref()));
            self.document.report(&key.span(), problem.help(self.accepted_keys(key.get_ref())));
        }
    }

    fn accepted_keys(&self, found: &str) -> String {
        match nearest(found, self.known.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("accepted are {}", self.known.join(", ")),
        }
    }

    fn key_span(&self, key: &str) -> Span {
        self.entries.get_key_value(key).map_or_else(|| self.span.clone(), |(key, _)| Spanned::span(key))
    }

    fn prefix(&self) -> String {
        if self.title.is_empty() { String::new() } else { format!("{}: ", self.title) }
    }
}

impl<'d> Value<'d> {
    /// Reports what is wrong with this value; `accepted` is what would do.
    pub fn wrong(&self, message: impl fmt::Display, accepted: impl Into<String>) {
        let problem = Problem::error(format!("{}: {message}", self.title));
        self.document.report(&self.span, problem.help(accepted));
    }

    /// Where it is written.
    pub fn place(&self) -> Place {
        self.document.place(&self.span)
    }

    /// Reports what is wrong with this value, where the message says what would do.
    pub fn error(&self, message: impl fmt::Display) {
        self.document.error(&self.span, format!("{}: {message}", self.title));
    }

    /// Keeps `problem`, which is this value.
    pub fn report(&self, problem: Problem) {
        self.document.report(&self.span, problem);
    }

    pub fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub fn is_empty_array(&self) -> bool {
        self.value.as_array().is_some_and(|array| array.is_empty())
    }

    pub fn is_int(&self) -> bool {
        self.value.is_integer()
    }

    pub fn is_string(&self) -> bool {
        self.value.is_str()
    }

    pub fn string(&self) -> Option<&'d str> {
        self.expect("a string", self.value.as_str())
    }

    pub fn bool(&self) -> Option<bool> {
        self.expect("true or false", self.value.as_bool())
    }

    /// A float or an integer.
    pub fn number(&self) -> Option<f64> {
        let digits = self.value.as_float().map(|float| float.as_str());
        let digits = digits.or_else(|| self.value.as_integer().map(|int| int.as_str()));
        self.expect("a number", digits.and_then(|digits| digits.parse().ok()))
    }

    /// How many decimals a number is written with; 0 for an integer.
    pub fn decimals(&self) -> usize {
        let written = self.value.as_float().map_or("", |float| float.as_str());
        written.split_once('.').map_or(0, |(_, decimals)| decimals.bytes().take_while(u8::is_ascii_digit).count())
    }

    pub fn int(&self, accepted: RangeInclusive<i64>) -> Option<i64> {
        let written = self.expect("an integer", self.value.as_integer())?;
        match i64::from_str_radix(written.as_str(), written.radix()) {
            Ok(found) if accepted.contains(&found) => Some(found),
            _ => {
                self.error(format_args!("{written} is not within {}-{}", accepted.start(), accepted.end()));
                None
            }
        }
    }

    /// A whole number and its unit: `250ms`, `10s`, `1m`, `1h`.
    pub fn duration(&self, accepted: RangeInclusive<Duration>) -> Option<Duration> {
        let written = self.expect("a duration such as \"10s\" or \"250ms\"", self.value.as_str())?;
        let Some(found) = parse_duration(written) else {
            self.wrong(format_args!("{written:?} is not a duration"), "a whole number and a unit: 250ms, 10s, 1m, 1h");
            return None;
        };
        if !accepted.contains(&found) {
            let (min, max) = (show_duration(*accepted.start()), show_duration(*accepted.end()));
            self.error(format_args!("{written} is not within {min} to {max}"));
            return None;
        }
        Some(found)
    }

    /// What one of a few words means.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let found = self.string()?;
        let meant = words.iter().find(|(word, _)| *word == found).map(|(_, meant)| *meant);
        if meant.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let help = match nearest(found, known.iter().copied()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("accepted are {}", known.join(", ")),
            };
            self.wrong(format_args!("{found:?} is not known"), help);
        }
        meant
    }

    /// The text as a `T`; `accepted` says by example what would do.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(&self, accepted: &str) -> Option<T> {
        let written = self.string()?;
        written.parse().map_err(|error| self.wrong(format_args!("{written:?}: {error}"), accepted)).ok()
    }

    pub fn items(&self) -> Vec<Value<'d>> {
        let Some(array) = self.expect("an array", self.value.as_array()) else { return Vec::new() };
        let title = format!("an item of {}", self.title);
        let item = |item: &'d Spanned<DeValue<'d>>| Value {
            document: self.document,
            value: item.get_ref(),
            title: title.clone(),
            span: item.span(),
        };
        array.iter().map(item).collect()
    }

    pub fn table(&self) -> Option<Table<'d>> {
        let entries = self.expect("a table", self.value.as_table())?;
        let title = self.title.clone();
        Some(Table { document: self.document, entries, title, span: self.span.clone(), known: Vec::new() })
    }

    fn expect<T>(&self, wanted: &str, found: Option<T>) -> Option<T> {
        if found.is_none() {
            self.error(format_args!("found {} {}, expected {wanted}", article(self.value.type_str()), self.value.type_str()));
        }
        found
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'i']) { "an" } else { "a" }
}

/// Reads a whole number and its unit.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..unit_at].parse().ok()?;
    let millis_per_unit = match &text[unit_at..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(millis_per_unit).map(Duration::from_millis)
}

/// Writes a duration, which is of whole milliseconds, as [`parse_duration`] reads it.
pub fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        _ if !millis.is_multiple_of(1_000) => format!("{millis}ms"),
        _ if millis == 0 || !millis.is_multiple_of(60_000) => format!("{}s", millis / 1_000),
        _ if !millis.is_multiple_of(3_600_000) => format!("{}m", millis / 60_000),
        _ => format!("{}h", millis / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a table of known keys and returns its problems as text.
    fn problems_of(content: &str) -> String {
        let text = Text::new("f".into(), content);
        let document = Document::parse(&text);
        let mut root = document.root();
        root.required("name", "\"x\"").and_then(|value| value.string());
        root.optional_int("port", 1..=65_535);
        root.optional_duration("interval", Duration::from_millis(100)..=Duration::from_secs(3_600));
        root.bool_or("verify", true);
        root.finish();
        document.into_problems().to_string()
    }

    fn check(content: &str, expected: &str) {
        assert_eq!(problems_of(content), expected, "{content:?}");
    }

    #[test]
    fn every_problem_of_a_text_is_reported_in_one_run() {
        check(
            "port = 70000\ninterval = \"10x\"\nverify = 1\nprot = 1\nzzzzzz = 2\n",
            "f:1:1: error: name is missing (such as name = \"x\")\n\
             f:1:8: error: port: 70000 is not within 1-65535\n\
             f:2:12: error: interval: \"10x\" is not a duration (a whole number and a unit: 250ms, 10s, 1m, 1h)\n\
             f:3:10: error: verify: found an integer, expected true or false\n\
             f:4:1: error: unknown key \"prot\" (did you mean \"port\"?)\n\
             f:5:1: error: unknown key \"zzzzzz\" (accepted are name, port, interval, verify)\n",
        );
    }

    #[test]
    fn a_line_that_is_no_toml_is_reported_alone_and_lets_no_key_be_missing() {
        let found = problems_of("port = 80x\nverify = 3\n");
        assert!(found.starts_with("f:1:8: error: reading TOML: "), "{found}");
        assert!(found.ends_with("f:2:10: error: verify: found an integer, expected true or false\n"), "{found}");
        assert_eq!(found.lines().count(), 2, "{found}");
    }

    #[test]
    fn durations_read_back_as_written() {
        for (text, millis) in [("250ms", 250), ("0s", 0), ("10s", 10_000), ("1m", 60_000), ("90s", 90_000), ("1h", 3_600_000)] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)));
            assert_eq!(show_duration(Duration::from_millis(millis)), text);
        }
        for text in ["", "s", "10", "1.5s", "-1s", "10 s", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
