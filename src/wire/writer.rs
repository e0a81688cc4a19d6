//! A message being written: never longer than its limit, and able to take back what did not fit.
//!
//! Knows no record; `answer` decides what goes in. Invariant: `len <= limit <= buffer.len()`, and the buffer is as long as
//! the message may become.
//! Source: RFC 2181 §9 (an RRset that does not fit goes out whole or not at all).

/// Octets laid one behind the other, up to a limit.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    len: usize,
    limit: usize,
}

/// There was no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<'b> Writer<'b> {
    /// An empty message of at most `limit` octets, or as many as the buffer holds.
    #[inline]
    pub fn new(buffer: &'b mut [u8], limit: usize) -> Self {
        let limit = limit.min(buffer.len());
        Self { buffer: &mut buffer[..limit], len: 0, limit }
    }

    /// A message of which `len` octets are written, and that may fill the buffer.
    #[inline]
    pub fn behind(buffer: &'b mut [u8], len: usize) -> Self {
        let limit = buffer.len();
        Self { buffer, len: len.min(limit), limit }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Keeps the last `octets` back until [`Writer::release`].
    #[inline]
    pub fn reserve(&mut self, octets: usize) {
        self.limit = self.buffer.len().saturating_sub(octets).max(self.len);
    }

    #[inline]
    pub fn release(&mut self) {
        self.limit = self.buffer.len();
    }

    /// Appends, or changes nothing.
    ///
    /// # Errors
    /// [`Full`] when the limit would be passed.
    #[inline]
    pub fn put(&mut self, octets: &[u8]) -> Result<(), Full> {
        copy(self.claim(octets.len())?, octets);
        Ok(())
    }

    /// Appends `len` octets that the caller writes over, or changes nothing.
    ///
    /// # Errors
    /// [`Full`] when the limit would be passed.
    #[inline]
    pub fn claim(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let end = self.len + len;
        if end > self.limit {
            return Err(Full);
        }
        let claimed = &mut self.buffer[self.len..end];
        self.len = end;
        Ok(claimed)
    }

    /// Overwrites what is already written at `at`.
    #[inline]
    pub fn patch<const N: usize>(&mut self, at: usize, octets: [u8; N]) {
        self.buffer[at..at + N].copy_from_slice(&octets);
    }

    /// The number that two octets at `at` are.
    #[inline]
    pub fn number(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.buffer[at], self.buffer[at + 1]])
    }

    /// What is written from `at` on.
    #[inline]
    pub fn written_from(&mut self, at: usize) -> &mut [u8] {
        &mut self.buffer[at..self.len]
    }

    /// Takes back all but the first `len` octets.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// What is written so far.
    pub fn written(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

/// Copies octets, most often few: two or four words that overlap take less than calling a function that copies many
/// faster.
#[inline(always)]
pub fn copy(to: &mut [u8], from: &[u8]) {
    match from.len() {
        16..=32 => copy_ends::<16>(to, from),
        8..16 => copy_ends::<8>(to, from),
        33..=64 => copy_ends::<32>(to, from),
        _ => to.copy_from_slice(from),
    }
}

/// Copies the first and the last `N` octets, which are all.
#[inline]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(last), Some(to)) = (from.last_chunk::<N>(), to.last_chunk_mut::<N>()) {
        *to = *last;
    }
    if let (Some(first), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut::<N>()) {
        *to = *first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_octets_are_copied_as_there_are() {
        let from: Vec<u8> = (1..=255).collect();
        for len in 0..=from.len() {
            let mut to = vec![0; len];
            copy(&mut to, &from[..len]);
            assert_eq!(to, from[..len], "{len}");
        }
    }

    #[test]
    fn what_does_not_fit_leaves_no_trace() {
        let mut buffer = [0; 8];
        let mut writer = Writer::new(&mut buffer, 5);
        assert_eq!(writer.put(b"abc"), Ok(()));
        assert_eq!(writer.put(b"def"), Err(Full));
        writer.reserve(1);
        assert_eq!(writer.put(b"de"), Err(Full));
        writer.release();
        assert_eq!(writer.put(b"de"), Ok(()));
        writer.truncate(3);
        writer.patch(0, *b"X");
        assert_eq!(writer.written(), b"Xbc");
    }
}
