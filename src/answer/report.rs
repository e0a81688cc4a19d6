//! What became of one message, for those who count.
//!
//! Counts nothing itself. Invariant: equal messages under equal circumstances have equal reports.

use crate::rate_limit::{Counted, Limited};
use crate::wire::header::Rcode;
use crate::wire::query::MalformedKind;
use crate::wire::rtype::RecordType;
use crate::zone::tree::ZoneKey;

/// What became of one message, for counters and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Octets written to the output; 0 when nothing may be sent.
    pub len: usize,
    /// The extended response code; meaningless when nothing is sent.
    pub rcode: Rcode,
    /// The query type, where the message had a readable question.
    pub qtype: Option<RecordType>,
    /// TC was set.
    pub truncated: bool,
    /// Why the message was no query.
    pub malformed: Option<MalformedKind>,
    /// The zone that the question was put to, where it got that far.
    pub zone: Option<ZoneKey>,
    /// What it counts as where the rate of responses is limited.
    pub counted: Counted,
    /// The query had a server cookie that this server gave to this asker: it is who it says.
    pub has_cookie: bool,
    /// What the limit on the rate made of it, where it was over.
    pub limited: Option<Limited>,
}

impl Report {
    /// Nothing is sent, and nothing is known.
    pub const UNANSWERED: Self = Self {
        len: 0,
        rcode: Rcode::NOERROR,
        qtype: None,
        truncated: false,
        malformed: None,
        zone: None,
        counted: Counted::ERROR,
        has_cookie: false,
        limited: None,
    };
}
