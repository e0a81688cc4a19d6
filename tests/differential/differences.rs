//! Where waypost answers otherwise than Knot and NSD, on purpose: each with its reason.
//!
//! `docs/differences.md` says the same to operators, under the same headings. A difference that no query shows any
//! more fails the test, so that the list can't outlive its subject.

use waypost::wire::rtype::{Class, RecordType};

use crate::queries::Asked;
use crate::view::View;

/// One accepted difference.
pub struct Difference {
    /// The heading in `docs/differences.md`.
    pub title: &'static str,
    pub why: &'static str,
    /// Whether ours differs from the peer's answer in this way only.
    pub explains: fn(asked: &Asked, ours: &View, theirs: &View) -> bool,
}

pub const DIFFERENCES: &[Difference] = &[
    Difference {
        title: "Class ANY is refused",
        why: "RFC 8482 §7 leaves it to the server, and nobody asks but scanners; the peers answer from class IN",
        explains: |asked, ours, _| asked.class == Class::ANY.0 && *ours == refused(ours),
    },
    Difference {
        title: "Type ANY is answered with HINFO",
        why: "RFC 8482 §4.2; Knot and NSD answer with one RRset of their choice, §4.1",
        explains: |asked, ours, theirs| {
            let hinfo = ours.answer.iter().filter(|record| record.contains(" HINFO ")).count() == 1;
            asked.qtype == RecordType::ANY && hinfo && (&ours.rcode, ours.authoritative) == (&theirs.rcode, theirs.authoritative)
        },
    },
    Difference {
        title: "AFSDB and KX bring addresses along",
        why: "RFC 1183 §1 and RFC 2230 §3.1 ask for it; Knot and NSD do it for MX, NS and SRV only",
        explains: |asked, ours, theirs| {
            let more = ours.additional.len() > theirs.additional.len();
            [RecordType::AFSDB, RecordType::KX].contains(&asked.qtype) && more && alike_but_additional(ours, theirs)
        },
    },
    Difference {
        title: "No address is synthesised for a referral",
        why: "RFC 9471 needs glue within the zone cut, and a name that a wildcard answers is not there",
        explains: |_, ours, theirs| {
            let referral = !ours.authoritative && !ours.authority.is_empty() && ours.additional.is_empty();
            referral && names_only(theirs, "a.b.wild.example.org.") && alike_but_additional(ours, theirs)
        },
    },
    Difference {
        title: "A truncated referral is empty",
        why: "complete or empty, as every truncated response (RFC 9471 §3.1: glue that does not fit sets TC); \
              Knot sends the part that fits, NSD leaves addresses out without saying so",
        explains: |_, ours, theirs| {
            let empty = [&ours.answer, &ours.authority, &ours.additional].iter().all(|section| section.is_empty());
            ours.truncated && empty && !theirs.authority.is_empty() && ours.rcode == theirs.rcode && !theirs.authoritative
        },
    },
];

/// The response that says REFUSED and nothing else.
fn refused(view: &View) -> View {
    View { rcode: "Refused".to_owned(), recursion_desired: view.recursion_desired, edns: view.edns, ..View::default() }
}

fn alike_but_additional(ours: &View, theirs: &View) -> bool {
    *ours == View { additional: ours.additional.clone(), ..theirs.clone() }
}

/// Whether every additional record is this name's, and there is one.
fn names_only(view: &View, owner: &str) -> bool {
    !view.additional.is_empty() && view.additional.iter().all(|record| record.starts_with(owner))
}
