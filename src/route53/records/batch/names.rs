//! Rules of one name: which types are beside each other, and what the apex must have.
//!
//! A record set is refused for what was there before its change, so that of two that exclude each other the later one is.
//! Source: RFC 1034 §3.6.2 (CNAME), RFC 1035 §5.2 (apex); Route 53 API 2013-04-01, `ChangeResourceRecordSets`.

use super::scratch::Scratch;
use super::{Context, Refused, words};
use crate::route53::name::NameKey;
use crate::route53::records::rrset::{RrsetKey, TypeKey};
use crate::wire::rtype::RecordType;

/// Judges what is at one name.
pub(super) fn check(context: &Context, scratch: &Scratch, name: &NameKey, refused: &mut Refused) {
    let zone = context.zone_name();
    let (mut has_cname, mut has_others, mut has_ns) = (false, false, false);
    let members = scratch.at_name(name);
    for member in &members {
        let is_cname = member.rrset.set.rtype == RecordType::CNAME;
        if let Some(by) = member.by {
            if is_cname && has_others {
                refused.add(by, words::cname_beside_others(member.rrset, zone));
            } else if !is_cname && has_cname {
                refused.add(by, words::beside_cname(member.rrset, zone));
            }
        }
        has_cname |= is_cname;
        has_others |= !is_cname;
        has_ns |= member.rrset.set.rtype == RecordType::NS;
    }
    if context.rules.strict && !has_ns {
        let lonely = members.iter().filter(|member| member.rrset.set.rtype == RecordType::DS);
        lonely.for_each(|ds| ds.by.into_iter().for_each(|by| refused.add(by, words::ds_without_ns(ds.rrset, zone))));
    }
}

/// The apex keeps its NS and SOA, whatever the order of the changes.
pub(super) fn check_apex(context: &Context, scratch: &Scratch, touched: &[RrsetKey], refused: &mut Refused) {
    let apex = NameKey::new(&context.apex);
    for key in touched.iter().filter(|key| key.name == apex) {
        let message = match key.rtype.0 {
            RecordType::NS => words::NO_APEX_NS,
            RecordType::SOA => words::NO_SOA,
            _ => continue,
        };
        let by = scratch.changed_by(key).map_or(0, |(.., by)| by);
        if !scratch.has_group(&(apex.clone(), TypeKey(key.rtype.0))) {
            refused.add(by, message.to_owned());
        }
    }
}
