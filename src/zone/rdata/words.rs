//! The words of master-file text: what blanks, quotes, parentheses and comments make of the octets.
//!
//! Knows no directive and no record; escapes stay as written until [`Word::decoded`] is asked for, so that a dot
//! behind a backslash can still be told from one that ends a label.
//! Invariant: every octet is looked at at most twice, whatever the text, so time is linear in its length.
//! Source: RFC 1035 §5.1. Stricter than it in two points, as knot and nsd are: a quotation ends on its line, and
//! parentheses do not nest. Both turn a forgotten mark into one problem on its own line.

use std::borrow::Cow;
use std::ops::Range;

use super::InvalidRdata;
use crate::wire::name::parse_escape;

/// One word, as written.
#[derive(Clone, Copy, Debug)]
pub(in crate::zone) struct Word<'s> {
    /// Without its quotation marks, escapes not yet decoded.
    pub text: &'s [u8],
    /// Where `text` begins in the source.
    pub at: usize,
    pub quoted: bool,
    /// Whether nothing stands between it and the word before it, as in `alpn="h2"`.
    pub glued: bool,
}

/// The words of one entry: a line, or several held together by parentheses.
#[derive(Debug, Default)]
pub(in crate::zone) struct Entry<'s> {
    pub words: Vec<Word<'s>>,
    /// Where the entry begins in the source.
    pub start: usize,
    /// The line of `start`, from 1.
    pub line: u32,
    /// Whether it begins with a blank: the owner is that of the record before.
    pub indented: bool,
}

/// Takes a source apart, entry by entry.
pub(in crate::zone) struct Lexer<'s> {
    octets: &'s [u8],
    at: usize,
    line: u32,
}

impl<'s> Lexer<'s> {
    pub fn new(octets: &'s [u8]) -> Self {
        let at = if octets.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Self { octets, at, line: 1 }
    }

    /// Reads the next entry into `entry`, which may end up without words; none at the end of the source.
    /// After an error the lexer stands behind the entry that has it.
    pub fn next_entry(&mut self, entry: &mut Entry<'s>) -> Option<Result<(), InvalidRdata>> {
        entry.words.clear();
        entry.start = self.at;
        entry.line = self.line;
        entry.indented = matches!(self.octets.get(self.at)?, b' ' | b'\t');
        Some(self.read_entry(&mut entry.words))
    }

    /// What is left, from the start of an entry on: where that is, and its line.
    pub fn rest(&self) -> (&'s [u8], usize, u32) {
        (&self.octets[self.at..], self.at, self.line)
    }

    /// Passes over an entry of one line, which takes so many octets.
    pub fn skip_line(&mut self, len: usize) {
        self.at += len;
        self.line += 1;
    }

    fn read_entry(&mut self, words: &mut Vec<Word<'s>>) -> Result<(), InvalidRdata> {
        let mut open: Option<(usize, u32)> = None;
        let mut fault = None;
        let mut glued = false;
        while let Some(&octet) = self.octets.get(self.at) {
            match octet {
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                    if open.is_none() {
                        return fault.map_or(Ok(()), Err);
                    }
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b';' => self.at = self.line_end(self.at),
                b'(' if open.is_some() => break,
                b'(' => {
                    open = Some((self.at, self.line));
                    self.at += 1;
                }
                b')' => {
                    if open.take().is_none() {
                        fault.get_or_insert(InvalidRdata::new(
                            self.at..self.at + 1,
                            "a parenthesis is closed that was not opened",
                        ));
                    }
                    self.at += 1;
                }
                b'"' => match self.quotation(glued) {
                    Ok(word) => words.push(word),
                    Err(unclosed) => {
                        fault.get_or_insert(unclosed);
                    }
                },
                _ => words.push(self.bare_word(glued)),
            }
            glued = !matches!(octet, b'\n' | b' ' | b'\t' | b'\r' | b';' | b'(' | b')');
        }
        match open {
            Some((at, line)) => Err(self.give_up(at, line)),
            None => fault.map_or(Ok(()), Err),
        }
    }

    /// Ends the entry on the line whose parenthesis was never closed, so that the lines after it are read.
    fn give_up(&mut self, at: usize, line: u32) -> InvalidRdata {
        self.at = self.line_end(at);
        self.line = line;
        if self.at < self.octets.len() {
            self.at += 1;
            self.line += 1;
        }
        InvalidRdata::new(at..at + 1, "the parenthesis opened here is not closed").help(
            "a closing parenthesis ends the entry, on this line or a later one; parentheses do not nest, and the lines after this \
             one were read as entries of their own",
        )
    }

    fn line_end(&self, from: usize) -> usize {
        self.octets[from..].iter().position(|&octet| octet == b'\n').map_or(self.octets.len(), |len| from + len)
    }

    fn bare_word(&mut self, glued: bool) -> Word<'s> {
        let at = self.at;
        self.at = self.scan(at, |octet| ENDS_WORD[octet as usize]);
        Word { text: &self.octets[at..self.at], at, quoted: false, glued }
    }

    fn quotation(&mut self, glued: bool) -> Result<Word<'s>, InvalidRdata> {
        let at = self.at + 1;
        self.at = self.scan(at, |octet| matches!(octet, b'"' | b'\n'));
        if self.octets.get(self.at) != Some(&b'"') {
            return Err(InvalidRdata::new(at - 1..self.at, "the quotation opened here is not closed on its line")
                .help("a quotation ends with \" on the same line; a line feed within it is written \\010"));
        }
        self.at += 1;
        Ok(Word { text: &self.octets[at..self.at - 1], at, quoted: true, glued })
    }

    /// Where the first unescaped octet stands that `ends` holds for; a line's end is never escaped.
    fn scan(&self, from: usize, ends: impl Fn(u8) -> bool) -> usize {
        let mut at = from;
        while let Some(&octet) = self.octets.get(at) {
            if ends(octet) {
                return at;
            }
            let escapes = octet == b'\\' && self.octets.get(at + 1).is_some_and(|&next| next != b'\n');
            at += 1 + usize::from(escapes);
        }
        self.octets.len()
    }
}

impl<'s> Word<'s> {
    /// The octets that are meant: without the backslashes (RFC 1035 §5.1).
    pub fn decoded(&self) -> Result<Cow<'s, [u8]>, InvalidRdata> {
        if !self.text.contains(&b'\\') {
            return Ok(Cow::Borrowed(self.text));
        }
        let mut octets = Vec::with_capacity(self.text.len());
        let mut rest = self.text;
        while let Some((&octet, tail)) = rest.split_first() {
            rest = tail;
            if octet != b'\\' {
                octets.push(octet);
                continue;
            }
            let at = self.at + self.text.len() - tail.len() - 1;
            let (value, tail) = parse_escape(tail).ok_or_else(|| bad_escape(at..self.at + self.text.len()))?;
            octets.push(value);
            rest = tail;
        }
        Ok(Cow::Owned(octets))
    }

    /// Where the word stands in the source, quotation marks included.
    pub fn span(&self) -> Range<usize> {
        let marks = usize::from(self.quoted);
        self.at - marks..self.at + self.text.len() + marks
    }

    /// Whether it is exactly this, unquoted.
    pub fn is(&self, text: &str) -> bool {
        !self.quoted && self.text == text.as_bytes()
    }
}

fn bad_escape(span: Range<usize>) -> InvalidRdata {
    let end = span.end.min(span.start + 4);
    InvalidRdata::new(span.start..end, "a backslash is followed by neither a character nor three digits from 000 to 255")
        .help("a backslash itself is written \\\\, and any octet \\ and its value in three decimal digits")
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What ends a word that is not quoted.
const ENDS_WORD: [bool; 256] = {
    let mut ends = [false; 256];
    let mut octets: &[u8] = b" \t\r\n;()\"";
    while let [first, rest @ ..] = octets {
        ends[*first as usize] = true;
        octets = rest;
    }
    ends
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Every entry's words, `'`-quoted where they were quoted, `+` before what is glued, or the problem's line.
    fn entries(text: &[u8]) -> Vec<String> {
        let mut lexer = Lexer::new(text);
        let mut entry = Entry::default();
        let mut found = Vec::new();
        while let Some(outcome) = lexer.next_entry(&mut entry) {
            let words = entry.words.iter().map(|word| {
                let text = String::from_utf8_lossy(word.text);
                let mark = if word.quoted { "'" } else { "" };
                format!("{}{mark}{text}{mark}", if word.glued { "+" } else { "" })
            });
            found.push(match outcome {
                Ok(()) => format!("{}:{}", entry.line, words.collect::<Vec<_>>().join(" ")),
                Err(invalid) => format!("{}! {}", entry.line, invalid.message),
            });
        }
        found
    }

    #[test]
    fn blanks_quotes_comments_and_parentheses_make_words() {
        for (text, expected) in [
            ("a b\tc\n", vec!["1:a b c"]),
            ("a ; b\r\nc", vec!["1:a", "2:c"]),
            ("a \"b ; c\" d", vec!["1:a 'b ; c' d"]),
            ("a\\;b \"\\\"\" \\  c", vec!["1:a\\;b '\\\"' \\  c"]),
            ("k=\"v\"\"w\"x", vec!["1:k= +'v' +'w' +x"]),
            ("a (b ; c\n d\n) e\nf", vec!["1:a b d e", "4:f"]),
            ("\u{feff}a", vec!["1:a"]),
            ("\n\na", vec!["1:", "2:", "3:a"]),
            ("", vec![]),
        ] {
            assert_eq!(entries(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_forgotten_mark_is_a_problem_of_its_own_line_and_the_next_lines_are_read() {
        let unclosed = "the parenthesis opened here is not closed";
        for (text, expected) in [
            ("a (b\nc\nd", vec![format!("1! {unclosed}"), "2:c".into(), "3:d".into()]),
            ("a (b\nc (d)\n", vec![format!("1! {unclosed}"), "2:c d".into()]),
            ("a \"b\nc", vec!["1! the quotation opened here is not closed on its line".into(), "2:c".into()]),
            ("a b)\nc", vec!["1! a parenthesis is closed that was not opened".into(), "2:c".into()]),
        ] {
            assert_eq!(entries(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn escapes_decode_to_octets_and_bad_ones_point_at_themselves() {
        let word = |text: &'static str| Word { text: text.as_bytes(), at: 10, quoted: false, glued: false };
        assert_eq!(&*word("a\\065\\.\\255").decoded().unwrap(), b"aA.\xff");
        for (text, span) in [("ab\\", 12..13), ("a\\256b", 11..15), ("\\2", 10..12)] {
            assert_eq!(word(text).decoded().unwrap_err().span, span, "{text}");
        }
    }
}
