//! `$GENERATE`: a record for each number of a range.
//!
//! Stops at the first number whose record has a problem: the others would have the same.
//! Source: BIND 9 Administrator Reference Manual, "$GENERATE". As there, what stands behind the type can be one
//! quotation, which is then taken without its marks; unlike there, it can also be several words.

use std::fmt::Write;

use super::Reader;
use super::directive::misused;
use super::record::parse_head;
use super::report::At;
use crate::zone::rdata::number::parse_decimal;
use crate::zone::rdata::words::{Entry, Lexer, Word};
use crate::zone::rdata::{InvalidRdata, quoted};

impl Reader<'_> {
    pub(super) fn generate(&mut self, at: At, name: &Word<'_>, arguments: &[Word<'_>]) -> Result<(), InvalidRdata> {
        let [range, owner, rest @ ..] = arguments else { return Err(misused(name, arguments, USAGE)) };
        let span = name.span().start..arguments[arguments.len() - 1].span().end;
        let range = Range::parse(range)?;
        let head = parse_head(rest, span.end)?;
        let template = Template::parse(owner, rest, head.len)?;
        let outer = std::mem::take(&mut self.context.owner);
        let mut line = Vec::new();
        let mut outcome = Ok(());
        for value in (range.start..=range.stop).step_by(range.step as usize) {
            line.clear();
            outcome = template.render(value, &mut line).and_then(|()| self.generated(at, &line)).map_err(|reason| {
                InvalidRdata::new(span.clone(), format!("$GENERATE makes for {value} {}: {reason}", quoted(&line))).help(USAGE)
            });
            if outcome.is_err() {
                break;
            }
        }
        self.context.spelled.clear();
        self.context.owner = outer;
        outcome
    }

    /// Reads a line that was made; the columns of its problems mean nothing in the file.
    fn generated(&mut self, at: At, line: &[u8]) -> Result<(), String> {
        let mut entry = Entry::default();
        let read = Lexer::new(line).next_entry(&mut entry).unwrap_or(Ok(()));
        read.and_then(|()| self.parse_record(at, &entry)).map_err(|invalid| invalid.to_string())
    }
}

/// `start-stop` or `start-stop/step`.
struct Range {
    start: u64,
    stop: u64,
    step: u64,
}

impl Range {
    fn parse(word: &Word<'_>) -> Result<Self, InvalidRdata> {
        let range = split_range(word.text)
            .ok_or_else(|| InvalidRdata::new(word.span(), format!("{} is not a range", quoted(word.text))).help(RANGE))?;
        match (range.stop - range.start) / range.step + 1 {
            0..=COUNT_MAX => Ok(range),
            count => Err(InvalidRdata::new(word.span(), format!("{} makes {count} records", quoted(word.text)))
                .help(format!("at most {COUNT_MAX} of one $GENERATE are accepted"))),
        }
    }
}

fn split_range(text: &[u8]) -> Option<Range> {
    let number = |text: &str| parse_decimal(text.as_bytes(), i32::MAX as u64);
    let text = std::str::from_utf8(text).ok()?;
    let (bounds, step) = text.split_once('/').unwrap_or((text, "1"));
    let (start, stop) = bounds.split_once('-')?;
    let range = Range { start: number(start)?, stop: number(stop)?, step: number(step)? };
    (range.step > 0 && range.start <= range.stop).then_some(range)
}

/// A line with places for the number.
struct Template(Vec<Piece>);

enum Piece {
    Literal(Vec<u8>),
    Number(Form),
}

/// `${offset,width,radix}`.
struct Form {
    offset: i64,
    width: usize,
    radix: u8,
}

impl Template {
    /// Of the owner, the words up to the type (`head_len` of `rest`), and what stands behind.
    fn parse(owner: &Word<'_>, rest: &[Word<'_>], head_len: usize) -> Result<Self, InvalidRdata> {
        let mut template = Self(Vec::new());
        let (head, rdata) = rest.split_at(head_len);
        template.add_word(owner)?;
        head.iter().for_each(|word| template.add_literal(word.text));
        match rdata {
            [only] if only.quoted => template.add_text(only, &unescape_quotes(only.text))?,
            words => words.iter().try_for_each(|word| template.add_word(word))?,
        }
        Ok(template)
    }

    fn add_word(&mut self, word: &Word<'_>) -> Result<(), InvalidRdata> {
        match word.quoted {
            true => self.add_text(word, &[b"\"", word.text, b"\""].concat()),
            false => self.add_text(word, word.text),
        }
    }

    fn add_literal(&mut self, text: &[u8]) {
        self.0.push(Piece::Literal([text, b" "].concat()));
    }

    /// `text` is what `word` says; only its dollar signs are looked at, and those behind a backslash are not.
    fn add_text(&mut self, word: &Word<'_>, text: &[u8]) -> Result<(), InvalidRdata> {
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some((&octet, tail)) = rest.split_first() {
            rest = tail;
            match (octet, tail) {
                (b'\\', [escaped, tail @ ..]) => {
                    literal.extend_from_slice(&[b'\\', *escaped]);
                    rest = tail;
                }
                // An old way to write the dollar sign itself.
                (b'$', [b'$', tail @ ..]) => {
                    literal.extend_from_slice(b"\\$");
                    rest = tail;
                }
                (b'$', _) => {
                    let (form, tail) = parse_form(tail).ok_or_else(|| {
                        InvalidRdata::new(word.span(), format!("{} has a bad ${{…}}", quoted(word.text))).help(FORM)
                    })?;
                    self.0.push(Piece::Literal(std::mem::take(&mut literal)));
                    self.0.push(Piece::Number(form));
                    rest = tail;
                }
                _ => literal.push(octet),
            }
        }
        self.add_literal(&literal);
        Ok(())
    }

    fn render(&self, value: u64, line: &mut Vec<u8>) -> Result<(), String> {
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => line.extend_from_slice(text),
                Piece::Number(form) => {
                    let number =
                        u64::try_from(value as i64 + form.offset).map_err(|_| "the offset makes it negative".to_owned())?;
                    line.extend_from_slice(form.show(number).as_bytes());
                }
            }
        }
        Ok(())
    }
}

/// Takes the backslash from quotation marks, as it is needed only within quotation marks.
fn unescape_quotes(text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&octet, tail)) = rest.split_first() {
        rest = match (octet, tail) {
            (b'\\', [b'"', tail @ ..]) => {
                octets.push(b'"');
                tail
            }
            (b'\\', [escaped, tail @ ..]) => {
                octets.extend_from_slice(&[b'\\', *escaped]);
                tail
            }
            _ => {
                octets.push(octet);
                tail
            }
        };
    }
    octets
}

/// Reads what follows a dollar sign; the form, and the text behind it.
fn parse_form(text: &[u8]) -> Option<(Form, &[u8])> {
    let plain = Form { offset: 0, width: 0, radix: b'd' };
    let Some(inner) = text.strip_prefix(b"{") else { return Some((plain, text)) };
    let end = inner.iter().position(|&octet| octet == b'}')?;
    let mut parts = std::str::from_utf8(&inner[..end]).ok()?.split(',');
    let offset = parts.next()?.parse::<i32>().ok()?.into();
    let width = parts.next().map_or(Some(0), |width| parse_decimal(width.as_bytes(), 255))? as usize;
    let radix = match parts.next().map(str::as_bytes) {
        None => b'd',
        Some([radix @ (b'd' | b'o' | b'x' | b'X' | b'n' | b'N')]) => *radix,
        Some(_) => return None,
    };
    parts.next().is_none().then_some((Form { offset, width, radix }, &inner[end + 1..]))
}

impl Form {
    fn show(&self, number: u64) -> String {
        let width = self.width;
        match self.radix {
            b'o' => format!("{number:0width$o}"),
            b'x' => format!("{number:0width$x}"),
            b'X' => format!("{number:0width$X}"),
            b'n' => show_nibbles(number, width),
            b'N' => show_nibbles(number, width).to_ascii_uppercase(),
            _ => format!("{number:0width$}"),
        }
    }
}

/// Hexadecimal digits from the lowest, with dots between them; the width counts both, and an even one ends with a
/// dot.
fn show_nibbles(mut number: u64, width: usize) -> String {
    let mut shown = String::new();
    loop {
        write!(shown, "{:x}", number & 15).expect("writing to a string does not fail");
        number >>= 4;
        if number > 0 || shown.len() < width {
            shown.push('.');
        }
        if number == 0 && shown.len() >= width {
            return shown;
        }
    }
}

const USAGE: &str = "$GENERATE start-stop[/step] owner [ttl] [class] type rdata, with $ where the number goes, is accepted";
const RANGE: &str = "start-stop or start-stop/step, such as 1-254 or 0-100/2, is accepted";
const FORM: &str =
    "${offset,width,radix} with a radix of d, o, x, X, n or N is accepted, such as ${0,3,d}; a dollar sign itself is \\$";
/// The most records of one `$GENERATE`.
const COUNT_MAX: u64 = 65_536;
