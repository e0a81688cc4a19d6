//! Fences, worked out when a zone is compiled, so that a query need not think of them.
//!
//! A route's fence holds in the whole tree below it. Groups that are reached through a fence and would answer otherwise
//! there are copied, and the copies know which of their members stand outside.
//! Invariant: in a group that stands in a fence, exactly the members that are known to stand outside are marked.
//! waypost's own; Route 53 has no fences.

use std::collections::HashMap;

use super::group::{AnswerRef, MemberContent, RecordGroup};
use crate::geography::area::Area;

/// Marks what stands outside of each fence, adding the copies that this takes.
pub(super) fn apply_fences(groups: &mut Vec<RecordGroup>) {
    let written = groups.len();
    let mut copies = HashMap::new();
    for at in (0..written).filter(|&at| !groups[at].fence.is_empty()).collect::<Vec<_>>() {
        let fences = vec![groups[at].fence.clone()];
        fence_in(groups, at, &fences, &mut copies);
    }
}

/// Fences put up one inside the other: an answer must be within each.
type Fences = Vec<Box<[Area]>>;

/// The copy of a group behind some fences.
type Copies = HashMap<(u32, Fences), u32>;

/// Marks the members of the group at `at`, and leads its aliases to groups behind the same fences.
fn fence_in(groups: &mut Vec<RecordGroup>, at: usize, fences: &Fences, copies: &mut Copies) {
    for place in 0..groups[at].members.len() {
        let member = &mut groups[at].members[place];
        member.fenced_out = member.place.is_some_and(|place| is_outside(place, fences));
        if let MemberContent::Alias { target: AnswerRef::Group(target), node, evaluate_target_health } = member.content {
            let target = AnswerRef::Group(behind(groups, target, fences, copies));
            groups[at].members[place].content = MemberContent::Alias { target, node, evaluate_target_health };
        }
    }
}

/// The group at `target` as it is behind `fences`. Aliases form no loop, so this ends.
fn behind(groups: &mut Vec<RecordGroup>, target: u32, fences: &Fences, copies: &mut Copies) -> u32 {
    let own = groups[target as usize].fence.clone();
    let mut all = fences.clone();
    if !own.is_empty() && !all.contains(&own) {
        all.push(own);
    }
    if let Some(copy) = copies.get(&(target, all.clone())) {
        return *copy;
    }
    let copy = groups.len() as u32;
    let group = groups[target as usize].clone();
    groups.push(RecordGroup { fence: all.concat().into(), ..group });
    copies.insert((target, all.clone()), copy);
    fence_in(groups, copy as usize, &all, copies);
    copy
}

fn is_outside(place: Area, fences: &Fences) -> bool {
    fences.iter().any(|fence| !fence.iter().any(|area| area.holds(place)))
}
