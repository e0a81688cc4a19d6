//! The directives of a master file: `$ORIGIN`, `$TTL`, `$INCLUDE`; `$GENERATE` is in `generate`.
//!
//! An included file has an origin and a last owner of its own; the TTLs that it sets stay set behind it, as in BIND.
//! Sources: RFC 1035 §5.1, RFC 2308 §4.

use std::ops::Range;

use super::record::{parse_name, parse_ttl};
use super::report::At;
use super::{Context, Reader};
use crate::problem::nearest;
use crate::wire::name::Name;
use crate::zone::rdata::words::{Entry, Word};
use crate::zone::rdata::{InvalidRdata, quoted};

impl Reader<'_> {
    /// Does what the directive says, or reports what is wrong with it.
    pub(super) fn directive(&mut self, at: At, entry: &Entry<'_>) {
        let (name, arguments) = entry.words.split_first().expect("a directive is known by its first word");
        let outcome = match name.text.to_ascii_uppercase().as_slice() {
            b"$ORIGIN" => self.set_origin(name, arguments),
            b"$TTL" => self.set_ttl(name, arguments),
            b"$INCLUDE" => self.include(name, arguments),
            b"$GENERATE" => self.generate(at, name, arguments),
            _ => Err(unknown(name)),
        };
        if let Err(invalid) = outcome {
            self.report.invalid(at, invalid);
        }
    }

    fn set_origin(&mut self, name: &Word<'_>, arguments: &[Word<'_>]) -> Result<(), InvalidRdata> {
        let [origin] = arguments else { return Err(misused(name, arguments, "$ORIGIN name")) };
        self.context.origin = Some(parse_name(origin, self.context.origin.as_ref())?);
        self.context.spelled.clear();
        Ok(())
    }

    fn set_ttl(&mut self, name: &Word<'_>, arguments: &[Word<'_>]) -> Result<(), InvalidRdata> {
        let [ttl] = arguments else { return Err(misused(name, arguments, "$TTL seconds")) };
        self.directive_ttl = Some(parse_ttl(ttl)?);
        Ok(())
    }

    fn include(&mut self, name: &Word<'_>, arguments: &[Word<'_>]) -> Result<(), InvalidRdata> {
        let (path, origin) = match arguments {
            [path] => (path, self.context.origin.clone()),
            [path, origin] => (path, Some(parse_name(origin, self.context.origin.as_ref())?)),
            _ => return Err(misused(name, arguments, "$INCLUDE file [origin]")),
        };
        let span = path.span();
        let path = path.decoded()?;
        let path = std::str::from_utf8(&path).map_err(|_| InvalidRdata::new(span.clone(), "the file's name is not UTF-8"))?;
        self.include_file(path, origin, span)
    }

    fn include_file(&mut self, path: &str, origin: Option<Name>, span: Range<usize>) -> Result<(), InvalidRdata> {
        let refused = |reason: String| InvalidRdata::new(span.clone(), format!("{path:?} cannot be included: {reason}"));
        if self.open.len() >= DEPTH_MAX {
            return Err(refused(format!("files are included in each other {DEPTH_MAX} deep")));
        }
        if self.report.file_count() >= FILES_MAX {
            return Err(refused(format!("a zone is read from at most {FILES_MAX} files")));
        }
        let from = self.open.last().expect("a directive is in a file that is open").clone();
        let source = self.include.load(path, &from).map_err(&refused)?;
        if self.open.contains(&source.file) {
            return Err(refused(format!("it includes itself, by way of {}", self.open.join(", "))));
        }
        let outer = std::mem::replace(&mut self.context, Context { origin, ..Context::default() });
        self.read_source(source);
        self.context = outer;
        Ok(())
    }
}

fn unknown(name: &Word<'_>) -> InvalidRdata {
    let found = String::from_utf8_lossy(name.text).to_ascii_uppercase();
    let help = match nearest(&found, DIRECTIVES).filter(|_| found.len() <= 16) {
        Some(known) => format!("did you mean {known}?"),
        None => format!("{} are accepted; an owner that begins with a dollar sign is written \\$", DIRECTIVES.join(", ")),
    };
    InvalidRdata::new(name.span(), format!("{} is not a directive", quoted(name.text))).help(help)
}

pub(super) fn misused(name: &Word<'_>, arguments: &[Word<'_>], usage: &str) -> InvalidRdata {
    let end = arguments.last().unwrap_or(name).span().end;
    let message = format!("{} with {} arguments", String::from_utf8_lossy(name.text), arguments.len());
    InvalidRdata::new(name.span().start..end, message).help(format!("{usage} is accepted"))
}

const DIRECTIVES: [&str; 4] = ["$ORIGIN", "$TTL", "$INCLUDE", "$GENERATE"];
/// How many files can be open, each included by the one before it.
const DEPTH_MAX: usize = 16;
/// How many files one zone can be read from, counted each time they are included.
const FILES_MAX: usize = 4_096;
