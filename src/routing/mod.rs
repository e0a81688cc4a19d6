//! Which member of a record group answers, and why.
pub mod draw;
