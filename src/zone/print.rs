//! Record sets as master-file text, which `master::read` reads back to the same record sets.
//!
//! Says what a master file can say: values of policy simple. A record set with another policy, or an alias, becomes
//! a comment that says so.
//! Sources: RFC 1035 §5.1, RFC 3597 §5.

use std::fmt::{self, Write};

use super::rdata::show;
use super::record_set::{Content, RecordSet, Ttl};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// The text of all record sets, in their order; every name is absolute, and every record states its TTL.
pub fn print<'s>(record_sets: impl IntoIterator<Item = &'s RecordSet>) -> String {
    let mut text = String::new();
    for set in record_sets {
        put_record_set(&mut text, set).expect("writing to a string does not fail");
    }
    text
}

fn put_record_set(text: &mut String, set: &RecordSet) -> fmt::Result {
    let (name, rtype) = (&set.name, set.rtype);
    if let Some((ttl, rdata)) = set.plain() {
        return rdata.iter().try_for_each(|rdata| put_record(text, name, ttl, rtype, rdata));
    }
    match &set.content {
        Content::Values { .. } => {
            writeln!(text, "; {name} {rtype}: a record set of policy {} has no form here", set.policy.word())
        }
        Content::Alias(alias) => writeln!(text, "; {name} {rtype}: an alias of {} has no form here", alias.target),
    }
}

/// A type goes by its number where its rdata is in the generic form: other readers need not know it then.
fn put_record(text: &mut String, name: &Name, ttl: Ttl, rtype: RecordType, rdata: &[u8]) -> fmt::Result {
    let shown = show(rtype, rdata);
    match shown.is_generic() {
        true => writeln!(text, "{name} {} IN TYPE{} {shown}", ttl.secs(), rtype.0),
        false => writeln!(text, "{name} {} IN {rtype} {shown}", ttl.secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::record_set::{Alias, Origin, RdataList, RoutingPolicy};

    #[test]
    fn what_a_master_file_cannot_say_is_a_comment() {
        let set = |policy, content| RecordSet {
            name: Name::parse("www.example.org.", None).unwrap(),
            rtype: RecordType::A,
            set_identifier: None,
            policy,
            content,
            health_check: None,
            place: None,
            origin: Origin::default(),
        };
        let values = || Content::Values { ttl: Ttl::new(60).unwrap(), rdata: RdataList::new([[192, 0, 2, 1], [192, 0, 2, 2]]) };
        let alias = Content::Alias(Box::new(Alias { target: Name::root(), evaluate_target_health: true }));
        let sets =
            [set(RoutingPolicy::Simple, values()), set(RoutingPolicy::Multivalue, values()), set(RoutingPolicy::Simple, alias)];
        assert_eq!(
            print(&sets),
            "www.example.org. 60 IN A 192.0.2.1\nwww.example.org. 60 IN A 192.0.2.2\n\
             ; www.example.org. A: a record set of policy multivalue has no form here\n\
             ; www.example.org. A: an alias of . has no form here\n"
        );
    }
}
