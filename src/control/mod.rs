//! The write side: texts and changes become a state, a state becomes a snapshot.
//!
//! Pure; the files and sockets are the edges' business. A state is replaced whole or not at all.

pub mod build;
pub mod state;
