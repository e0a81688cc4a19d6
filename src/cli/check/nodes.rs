//! The trees as the nodes of a drawing: what a box says, and what it leads to.
//!
//! What mermaid and SVG have in common; escapes nothing and places nothing.

use super::tree::seconds;
use crate::control::branches::{Branch, Drawn, Group, LeadsTo, Tree};
use crate::control::failover_time::BranchTime;

/// A routed name or a branch.
pub(super) struct Node {
    /// Never none, and none empty.
    pub lines: Vec<String>,
    pub kind: Kind,
    /// False of a branch whose alias is answered whatever its target's health.
    pub evaluates: bool,
    pub below: Vec<Node>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something is decided here.
    Group,
    /// Answers with values.
    Values,
    /// Leads to a group that another node draws.
    Elsewhere,
}

impl Node {
    pub(super) fn of_tree(tree: &Tree) -> Self {
        let lines = vec![tree.title(), tree.root.rule(), time(tree.root.time)];
        Self { lines, kind: Kind::Group, evaluates: true, below: below(&tree.root) }
    }

    fn of_branch(branch: &Branch) -> Self {
        let (kind, evaluates, below) = match &branch.leads_to {
            LeadsTo::Values => (Kind::Values, true, Vec::new()),
            LeadsTo::Alias { drawn, evaluate_target_health, .. } => {
                let (kind, below) = match drawn {
                    Drawn::Plain | Drawn::Outside => (Kind::Values, Vec::new()),
                    Drawn::Here(group) => (Kind::Group, below(group)),
                    Drawn::Above => (Kind::Elsewhere, Vec::new()),
                };
                (kind, *evaluate_target_health, below)
            }
        };
        let lines = [Some(branch.part()), branch.target(), Some(time(branch.time))];
        let lines = lines.into_iter().flatten().filter(|line| !line.is_empty()).collect();
        Self { lines, kind, evaluates, below }
    }
}

fn below(group: &Group) -> Vec<Node> {
    group.branches.iter().map(Node::of_branch).collect()
}

fn time(time: BranchTime) -> String {
    match time.total() {
        Some(total) => format!("fails over in {}", seconds(total)),
        None => "never fails over".to_owned(),
    }
}
