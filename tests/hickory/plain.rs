//! A message with its compression undone, so that two encodings of one message are equal octets.
//!
//! Reads headers, names and lengths by itself: neither waypost's code nor hickory's. Order, case, TTLs, flags and options
//! stay as they are. Invariant: two messages with equal plain forms differ in compression alone.
//! Sources: RFC 1035 §4.1, RFC 3597 §4 (types whose rdata may be compressed).

use std::fmt;

/// A response.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain {
    /// Id and flags.
    pub head: [u8; 4],
    pub question: Vec<u8>,
    /// Each record as octets, names whole.
    pub sections: [Vec<Vec<u8>>; 3],
    /// OPT and TSIG, at the end.
    pub meta: Vec<Vec<u8>>,
}

impl Plain {
    /// Reads a message.
    ///
    /// # Panics
    /// When it is none, or something follows it.
    pub fn of(message: &[u8]) -> Self {
        let mut reader = Reader { message, at: 12 };
        let count = |at: usize| usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
        let question = (0..count(4)).flat_map(|_| [reader.name(), reader.take(4).to_vec()].concat()).collect();
        let mut meta = Vec::new();
        let sections = [6, 8, 10].map(|at| {
            let (about, records) = (0..count(at)).map(|_| reader.record()).partition(|(rtype, _)| [OPT, TSIG].contains(rtype));
            let octets = |records: Vec<(u16, Vec<u8>)>| records.into_iter().map(|(_, octets)| octets).collect::<Vec<_>>();
            meta.extend(octets(about));
            octets(records)
        });
        assert_eq!(reader.at, message.len(), "octets behind the message: {message:02x?}");
        Self { head: message[..4].try_into().unwrap(), question, sections, meta }
    }

    /// Without the additional records that are about more than the message.
    pub fn without_additional(mut self) -> Self {
        self.sections[2].clear();
        self
    }

    /// As it is truncated: complete or empty.
    pub fn truncated(mut self) -> Self {
        self.head[2] |= 0x02;
        self.sections = Default::default();
        self
    }
}

struct Reader<'m> {
    message: &'m [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, len: usize) -> &[u8] {
        self.at += len;
        &self.message[self.at - len..self.at]
    }

    /// A name, its pointers followed.
    fn name(&mut self) -> Vec<u8> {
        let (mut name, mut at, mut behind) = (Vec::new(), self.at, None);
        loop {
            let len = self.message[at];
            if len >= 0xc0 {
                behind.get_or_insert(at + 2);
                let target = usize::from(u16::from_be_bytes([len & 0x3f, self.message[at + 1]]));
                assert!(target < at, "a pointer leads back");
                at = target;
                continue;
            }
            name.extend(&self.message[at..=at + usize::from(len)]);
            at += 1 + usize::from(len);
            if len == 0 {
                self.at = behind.unwrap_or(at);
                return name;
            }
        }
    }

    /// The type, and the record with a length that fits its rdata as it is now.
    fn record(&mut self) -> (u16, Vec<u8>) {
        let mut record = self.name();
        let fixed = self.take(8).to_vec();
        let len = usize::from(u16::from_be_bytes(self.take(2).try_into().unwrap()));
        let (rtype, end) = (u16::from_be_bytes([fixed[0], fixed[1]]), self.at + len);
        let (before, names) = match rtype {
            NS | CNAME | PTR => (0, 1),
            SOA => (0, 2),
            MX => (2, 1),
            _ => (0, 0),
        };
        let mut rdata = self.take(before).to_vec();
        (0..names).for_each(|_| rdata.extend(self.name()));
        rdata.extend(self.take(end - self.at));
        record.extend(fixed);
        record.extend((rdata.len() as u16).to_be_bytes());
        record.extend(rdata);
        (rtype, record)
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?} {}", self.head, self.question.escape_ascii())?;
        for (name, records) in ["answer", "authority", "additional"].iter().zip(&self.sections).chain([(&"meta", &self.meta)]) {
            records.iter().try_for_each(|record| write!(f, "\n      {name}: {}", record.escape_ascii()))?;
        }
        Ok(())
    }
}

const NS: u16 = 2;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const PTR: u16 = 12;
const MX: u16 = 15;
const OPT: u16 = 41;
const TSIG: u16 = 250;
