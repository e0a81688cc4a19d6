//! Master files: the text of a zone to its record sets.
//!
//! Loads no file itself (see [`Include`]) and knows no rule of what a zone must hold: a zone may be read that has
//! no NS. What is wrong is reported for the whole file in one run; a record with a problem is left out.
//! Invariant: what is returned holds one record set for a name and type, and every rdata is valid for its type.
//! Sources: RFC 1035 §5, RFC 2308 §4 ($TTL), RFC 3597 §5, RFC 2181 §5 and §8 (TTLs); $GENERATE and the TTL
//! units as BIND has them.

mod directive;
mod gather;
mod generate;
mod plain;
mod record;
mod report;

use std::sync::Arc;

use super::rdata::words::{Entry, Lexer};
use super::record_set::{RecordSet, Ttl};
use crate::problem::{Problem, Problems};
use crate::wire::name::Name;
use gather::Gathered;
use report::{At, Report};

/// A text and what the operator calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub file: Arc<str>,
    pub octets: Vec<u8>,
}

/// Loads the files that `$INCLUDE` names.
pub trait Include {
    /// Loads the file `path`, as written in the file `from`.
    ///
    /// # Errors
    /// Why it cannot be read, as the end of a sentence.
    fn load(&mut self, path: &str, from: &str) -> Result<Source, String>;
}

/// Has no file: for a text that includes none.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl Include for NoFiles {
    fn load(&mut self, path: &str, _from: &str) -> Result<Source, String> {
        Err(format!("{path} cannot be included here"))
    }
}

/// What a master file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Of policy simple, one for a name and type, in the order in which they first appear.
    pub record_sets: Vec<RecordSet>,
    /// The file, then each that was included, once for each time; what [`Origin::file`] counts.
    ///
    /// [`Origin::file`]: super::record_set::Origin
    pub files: Vec<Arc<str>>,
    /// What each of them says.
    pub texts: Vec<Arc<Vec<u8>>>,
    /// The owner of the SOA, if there is one.
    pub apex: Option<Name>,
    pub problems: Problems,
}

/// Reads a master file. Without `zone` the owner of its SOA names the zone, and names are absolute until the
/// first `$ORIGIN`. `default_ttl` is for records that come before any TTL.
pub fn read(source: Source, zone: Option<&Name>, default_ttl: Option<Ttl>, include: &mut dyn Include) -> Read {
    let mut reader = Reader {
        include,
        report: Report::default(),
        gathered: Gathered::of(zone),
        open: Vec::new(),
        context: Context { origin: zone.cloned(), ..Context::default() },
        directive_ttl: None,
        last_ttl: None,
        default_ttl,
    };
    let file = source.file.clone();
    reader.read_source(source);
    reader.finish(zone, &file)
}

/// What reading goes by, and what it has found so far.
struct Reader<'i> {
    include: &'i mut dyn Include,
    report: Report,
    gathered: Gathered,
    /// The files being read, each included by the one before it.
    open: Vec<Arc<str>>,
    context: Context,
    /// By `$TTL`.
    directive_ttl: Option<Ttl>,
    /// Last stated by a record (RFC 1035 §5.1).
    last_ttl: Option<Ttl>,
    default_ttl: Option<Ttl>,
}

/// What an included file has for itself (RFC 1035 §5.1).
#[derive(Default)]
struct Context {
    origin: Option<Name>,
    owner: Owner,
    /// The word that said the owner, under this origin; empty if none did.
    spelled: Vec<u8>,
}

/// The owner of the last record: what a record that begins with a blank belongs to.
#[derive(Default)]
enum Owner {
    #[default]
    None,
    /// There is one, and it is no name: that was reported, and the records that follow are checked and left out.
    Invalid,
    Known(Name),
    /// That of a record set.
    Of(u32),
}

impl Reader<'_> {
    fn read_source(&mut self, source: Source) {
        let octets = Arc::new(source.octets);
        self.gathered.reserve(octets.iter().filter(|octet| **octet == b'\n').count());
        let file = self.report.add_file(source.file.clone(), octets.clone());
        self.open.push(source.file);
        let mut lexer = Lexer::new(&octets);
        let mut entry = Entry::default();
        loop {
            self.plain_lines(file, &mut lexer);
            let Some(outcome) = lexer.next_entry(&mut entry) else { break };
            let at = At { file, entry_start: entry.start, entry_line: entry.line };
            match (outcome, entry.words.first()) {
                (Err(invalid), _) => self.report.invalid(at, invalid),
                (Ok(()), None) => {}
                (Ok(()), Some(word)) if word.text.starts_with(b"$") && !word.quoted && !entry.indented => {
                    self.directive(at, &entry)
                }
                (Ok(()), Some(_)) => self.record(at, &entry),
            }
        }
        self.open.pop();
    }

    /// Tells what can be told only at the end, and builds the record sets.
    fn finish(mut self, zone: Option<&Name>, file: &Arc<str>) -> Read {
        let apex = self.gathered.apex().cloned();
        match zone.or(apex.as_ref()) {
            Some(zone) => self.gathered.drop_outside(zone, &mut self.report),
            None => self.report.unplaced(
                Problem::error(format!("{file}: there is no SOA record, so it is not known which zone this is"))
                    .help("the owner of the SOA record names the zone"),
            ),
        }
        let (sources, problems) = self.report.finish();
        let (files, texts) = sources.into_iter().unzip();
        Read { record_sets: self.gathered.into_record_sets(), files, texts, apex, problems }
    }
}

#[cfg(test)]
mod tests;
