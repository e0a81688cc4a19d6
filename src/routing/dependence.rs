//! What a response depended on of its client: the ECS scope, gathered while it is decided.
//!
//! Invariant: never shorter than any decision that was asked for. Source: RFC 7871 §7.2.1.

use std::cell::Cell;

/// The longest prefix of the client's address that some decision depended on.
#[derive(Debug, Default)]
pub struct Dependence {
    is_wanted: bool,
    prefix_len: Cell<u8>,
}

impl Dependence {
    /// Finding a scope has a price: it is wanted where somebody is told.
    #[inline]
    pub fn new(is_wanted: bool) -> Self {
        Self { is_wanted, prefix_len: Cell::new(0) }
    }

    /// Whether scopes are to be found.
    #[inline]
    pub fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// A decision holds for so many bits of the client's address.
    #[inline]
    pub fn on(&self, prefix_len: u8) {
        self.prefix_len.set(self.prefix_len.get().max(prefix_len));
    }

    /// The scope of all decisions until now.
    #[inline]
    pub fn prefix_len(&self) -> u8 {
        self.prefix_len.get()
    }
}
