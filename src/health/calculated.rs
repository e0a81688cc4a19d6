//! The status of a check that is made of other checks (Route 53, CALCULATED).
//!
//! Not where inversion and `disabled` apply: children come with theirs applied, the parent's follow in `board`.
//! Invariant: a parent is unknown exactly when its unknown children could still decide it either way.
//!
//! ```text
//! children known healthy   with the unknown ones   status      counts as healthy
//! >= threshold             any                     healthy     yes
//! <  threshold             <  threshold            unhealthy   no
//! <  threshold             >= threshold            unknown     when enough children count as healthy
//! ```
//!
//! A threshold of 0 is always healthy, one above the number of children never (Route 53 developer guide, "Monitoring
//! other health checks").

use super::table::Status;

/// One child's verdict, as far as its parent cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    pub status: Status,
    /// What routing would go by.
    pub healthy: bool,
}

/// What the children make of their parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calculated {
    pub status: Status,
    pub healthy: bool,
    pub because: String,
}

/// The parent's status.
pub fn calculate(children: impl IntoIterator<Item = Child>, health_threshold: u32) -> Calculated {
    let needed = health_threshold as usize;
    let (mut all, mut known, mut unknown, mut counted) = (0, 0, 0, 0);
    for child in children {
        all += 1;
        known += usize::from(child.status == Status::Healthy);
        unknown += usize::from(child.status == Status::Unknown);
        counted += usize::from(child.healthy);
    }
    let status = match (known >= needed, known + unknown >= needed) {
        (true, _) => Status::Healthy,
        (false, false) => Status::Unhealthy,
        (false, true) => Status::Unknown,
    };
    let doubt = if status == Status::Unknown { format!(", {unknown} unknown") } else { String::new() };
    let (are, need) = (verb(known, "is", "are"), verb(needed, "is", "are"));
    let because = format!("{known} of {all} children {are} healthy{doubt}, {needed} {need} needed");
    Calculated { status, healthy: counted >= needed, because }
}

fn verb(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Child = Child { status: Status::Healthy, healthy: true };
    const DOWN: Child = Child { status: Status::Unhealthy, healthy: false };
    const NEW: Child = Child { status: Status::Unknown, healthy: true };
    const NEW_INVERTED: Child = Child { status: Status::Unknown, healthy: false };

    #[test]
    fn a_parent_follows_the_truth_table() {
        use Status::{Healthy, Unhealthy, Unknown};
        for (children, threshold, status, healthy) in [
            (&[DOWN, DOWN][..], 0, Healthy, true),
            (&[UP, UP, UP], 5, Unhealthy, false),
            (&[UP, UP, DOWN], 2, Healthy, true),
            (&[UP, DOWN, DOWN], 2, Unhealthy, false),
            (&[UP, NEW, DOWN], 2, Unknown, true),
            (&[UP, NEW_INVERTED, DOWN], 2, Unknown, false),
            (&[UP, NEW, DOWN], 3, Unhealthy, false),
            (&[], 0, Healthy, true),
            (&[], 1, Unhealthy, false),
        ] {
            let parent = calculate(children.iter().copied(), threshold);
            assert_eq!((parent.status, parent.healthy), (status, healthy), "{children:?} at {threshold}");
        }
    }

    #[test]
    fn a_parent_says_how_many_children_are_healthy() {
        for (children, threshold, words) in [
            (&[UP, UP, DOWN][..], 2, "2 of 3 children are healthy, 2 are needed"),
            (&[DOWN, DOWN], 1, "0 of 2 children are healthy, 1 is needed"),
            (&[UP, NEW], 2, "1 of 2 children is healthy, 1 unknown, 2 are needed"),
        ] {
            assert_eq!(calculate(children.iter().copied(), threshold).because, words);
        }
    }
}
