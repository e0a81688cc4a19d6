//! Reading ahead for messages that came together: the names they ask for, as far as those can be read at a glance.
//!
//! Answers nothing; a message that asks for no name where a query does is one whose answer waits for memory.
//! Source: RFC 1035 §4.1.2, the question's place behind the header.

use crate::snapshot::Snapshot;
use crate::wire::HEADER_LEN;
use crate::wire::qname::QName;
use crate::zone::ahead::TOGETHER;

/// Room for the names of some messages.
#[derive(Default)]
pub struct Ahead {
    /// None until there is something to read ahead in.
    names: Vec<QName>,
}

impl Ahead {
    /// Reads what answering these messages from the snapshot will read, where that pays.
    pub fn read<'m>(&mut self, snapshot: &Snapshot, mut messages: impl Iterator<Item = &'m [u8]>) {
        if !snapshot.catalog.reads_ahead() {
            return;
        }
        self.names.resize_with(TOGETHER, QName::root);
        loop {
            let together = self.names.iter_mut().zip(&mut messages);
            let count = together.map(|(name, message)| name.replace(message.get(HEADER_LEN..).unwrap_or_default())).count();
            snapshot.catalog.read_ahead(&self.names[..count]);
            if count < TOGETHER {
                return;
            }
        }
    }
}
