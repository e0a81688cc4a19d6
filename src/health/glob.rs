//! Patterns for names, as shells have them: `*`, `?`, and one of several characters, `[a-z]`.
//!
//! Knows nothing of what the names are of. Invariants: a pattern that exists has at most [`GLOB_MAX`] characters;
//! matching takes at most (characters of the pattern) × (characters of the name) steps; ASCII letters match either case.
//! Not as in glob(7): a class cannot be negated, `\` is a character like any other, and `*` matches dots and slashes.

use std::fmt;
use std::sync::Arc;

/// A pattern, compiled.
#[derive(Clone, Debug)]
pub struct Glob {
    written: Arc<str>,
    tokens: Box<[Token]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Any characters, or none.
    Many,
    /// Any one character.
    One,
    /// One of these ranges, both ends included.
    Class(Box<[(char, char)]>),
    Literal(char),
}

/// The longest pattern, in characters.
pub const GLOB_MAX: usize = 255;

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidGlob {
    Empty,
    TooLong {
        found: usize,
    },
    /// A `[` without the `]` that ends it.
    OpenClass,
    EmptyClass,
    /// `[!a]` or `[^a]`.
    NegatedClass,
    /// `[z-a]`
    BackwardRange(char, char),
    /// What no name has and no terminal should be shown.
    Control(char),
}

impl Glob {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`InvalidGlob`] when the text is none.
    pub fn parse(text: &str) -> Result<Self, InvalidGlob> {
        match text.chars().count() {
            0 => return Err(InvalidGlob::Empty),
            1..=GLOB_MAX => {}
            found => return Err(InvalidGlob::TooLong { found }),
        }
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            return Err(InvalidGlob::Control(c));
        }
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = &rest[first.len_utf8()..];
            match first {
                // Two in a row mean what one does.
                '*' if tokens.last() == Some(&Token::Many) => {}
                '*' => tokens.push(Token::Many),
                '?' => tokens.push(Token::One),
                '[' => {
                    let (class, after) = rest.split_once(']').ok_or(InvalidGlob::OpenClass)?;
                    tokens.push(Token::Class(parse_class(class)?));
                    rest = after;
                }
                c => tokens.push(Token::Literal(folded(c))),
            }
        }
        Ok(Self { written: text.into(), tokens: tokens.into() })
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether the whole of `name` is of this pattern.
    pub fn matches(&self, name: &str) -> bool {
        let (mut at, mut rest) = (0, name);
        // Where to go on when what follows the last `*` does not fit: that `*` takes one character more.
        let mut retry: Option<(usize, &str)> = None;
        loop {
            let next = rest.chars().next();
            match (self.tokens.get(at), next) {
                (None, None) => return true,
                (Some(Token::Many), _) => {
                    at += 1;
                    retry = Some((at, rest));
                    continue;
                }
                (Some(token), Some(c)) if token.takes(folded(c)) => {
                    at += 1;
                    rest = &rest[c.len_utf8()..];
                    continue;
                }
                _ => {}
            }
            let Some((after, from)) = retry else { return false };
            let Some(skipped) = from.chars().next() else { return false };
            let from = &from[skipped.len_utf8()..];
            (at, rest, retry) = (after, from, Some((after, from)));
        }
    }
}

impl Token {
    /// Whether one folded character fits; `*` never takes exactly one.
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Many => false,
            Self::One => true,
            Self::Class(ranges) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)),
            Self::Literal(literal) => *literal == c,
        }
    }
}

fn parse_class(class: &str) -> Result<Box<[(char, char)]>, InvalidGlob> {
    if class.is_empty() {
        return Err(InvalidGlob::EmptyClass);
    }
    // Someone who writes it means the opposite of what its characters would say here.
    if class.starts_with(['!', '^']) {
        return Err(InvalidGlob::NegatedClass);
    }
    let mut ranges = Vec::new();
    let mut chars = class.chars().peekable();
    while let Some(from) = chars.next() {
        let mut ahead = chars.clone();
        // A `-` at either end is itself.
        let to = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(to)) => {
                chars = ahead;
                to
            }
            _ => from,
        };
        if from > to {
            return Err(InvalidGlob::BackwardRange(from, to));
        }
        ranges.push((folded(from), folded(to)));
    }
    match ranges.iter().find(|(from, to)| from > to) {
        // Such as [A-_], whose ends fold apart.
        Some(&(from, to)) => Err(InvalidGlob::BackwardRange(from, to)),
        None => Ok(ranges.into()),
    }
}

fn folded(c: char) -> char {
    c.to_ascii_lowercase()
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Glob {}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl fmt::Display for InvalidGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty; a name or a pattern is needed, such as fra or fra-*"),
            Self::TooLong { found } => write!(f, "has {found} characters; at most {GLOB_MAX} are accepted"),
            Self::OpenClass => f.write_str("has a [ without the ] that ends it; such as [a-c]"),
            Self::EmptyClass => f.write_str("has [] with nothing between; such as [a-c]"),
            Self::NegatedClass => f.write_str("has a class that begins with ! or ^, which is not supported; such as [a-c]"),
            Self::BackwardRange(from, to) => write!(f, "has the range {from}-{to}, which holds nothing; such as [a-c]"),
            Self::Control(c) => write!(f, "has the control character {c:?}; printable characters are accepted"),
        }
    }
}

impl std::error::Error for InvalidGlob {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("fra", "fra", true),
            ("fra", "FRA", true),
            ("FRA", "fra", true),
            ("fra", "fra2", false),
            ("fra", "", false),
            ("*", "", true),
            ("*", "any.thing/at:all", true),
            ("fra*", "fra", true),
            ("fra*", "fra-web.2", true),
            ("*-web", "fra-web", true),
            ("*-web", "fra-web-2", false),
            ("f?a", "fra", true),
            ("f?a", "fa", false),
            ("web-[1-3]", "web-2", true),
            ("web-[1-3]", "web-4", false),
            ("web-[13-]", "web--", true),
            ("web-[A-C]", "web-b", true),
            ("a**b", "a-b", true),
            ("?", "ö", true),
            ("a.b", "axb", false),
            ("*.example.org", "*.example.org", true),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
        ] {
            assert_eq!(Glob::parse(pattern).unwrap().matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, error) in [
            ("", InvalidGlob::Empty),
            ("[a", InvalidGlob::OpenClass),
            ("[]", InvalidGlob::EmptyClass),
            ("[!a]", InvalidGlob::NegatedClass),
            ("[^a]", InvalidGlob::NegatedClass),
            ("[c-a]", InvalidGlob::BackwardRange('c', 'a')),
            ("a\nb", InvalidGlob::Control('\n')),
        ] {
            assert_eq!(Glob::parse(text).unwrap_err(), error, "{text:?}");
        }
        assert_eq!(Glob::parse(&"é".repeat(256)).unwrap_err(), InvalidGlob::TooLong { found: 256 });
        assert!(Glob::parse(&"é".repeat(255)).is_ok());
    }

    #[test]
    fn the_worst_pattern_ends_in_no_time() {
        let glob = Glob::parse(&"*a".repeat(127)).unwrap();
        // A matcher that tries every split would outlive us.
        assert!(!glob.matches(&"a".repeat(126)));
        assert!(!glob.matches(&("a".repeat(10_000) + "b")));
    }

    /// Tries every split: plainly right, and slow.
    fn naive(tokens: &[Token], name: &[char]) -> bool {
        match tokens.split_first() {
            None => name.is_empty(),
            Some((Token::Many, rest)) => (0..=name.len()).any(|taken| naive(rest, &name[taken..])),
            Some((token, rest)) => {
                name.split_first().is_some_and(|(c, others)| token.takes(c.to_ascii_lowercase()) && naive(rest, others))
            }
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_a_naive_matcher_says(pattern in "[abA*?]{1,9}|[ab*?]{0,4}\\[a-b\\][ab*?]{0,4}", name in "[abcB]{0,9}") {
            let glob = Glob::parse(&pattern).unwrap();
            let chars: Vec<char> = name.chars().collect();
            prop_assert_eq!(glob.matches(&name), naive(&glob.tokens, &chars));
        }

        #[test]
        fn no_text_panics(pattern in "\\PC{0,20}|[\\[\\]!^*?a-]{0,12}", name in "\\PC{0,20}") {
            if let Ok(glob) = Glob::parse(&pattern) {
                glob.matches(&name);
            }
        }
    }
}
