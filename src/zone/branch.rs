//! Names that lead past the decision above them: `fra._via.www`.
//!
//! Invariant: a name is one of these exactly when a label of it is `_via`. waypost's own; Route 53 has none.

use crate::wire::name::Name;

/// The label between a branch and the name that it is a branch of.
pub const VIA: &[u8] = b"_via";

/// Whether nobody but a check by dig asks for `name`.
pub fn is_branch_name(name: &Name) -> bool {
    name.labels().any(|label| label.eq_ignore_ascii_case(VIA))
}
