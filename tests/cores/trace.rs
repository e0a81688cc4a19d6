//! A trace of valgrind's lackey, read as it comes: which lines were loaded and stored between marks.
//!
//! The traced program says on the same stream where its marks lie. An access is `I`, ` L`, ` S` or ` M` (both), an address
//! in hexadecimal and a size. Invariant: what is outside the windows is not kept.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use crate::program::{MARKS_AT, SHARED_AT, WINDOWS};

/// What the program did in its windows.
#[derive(Default)]
pub struct Trace {
    pub windows: [Window; WINDOWS],
    /// Where the counter lies that is shared on purpose.
    pub on_purpose: Option<u64>,
    /// What the program said besides.
    pub said: Vec<String>,
}

/// The accesses between two marks.
#[derive(Default)]
pub struct Window {
    pub accesses: u64,
    /// By address: whether it was stored to, and the code that did it last.
    touched: BTreeMap<u64, (bool, u64)>,
}

/// A line that one window stored to and the other touched.
#[derive(Debug)]
pub struct Shared {
    pub line: u64,
    address: u64,
    stored_by: u64,
    touched_by: u64,
}

impl Trace {
    /// Reads to the end.
    pub fn read(lines: &mut impl BufRead) -> Self {
        let mut trace = Self::default();
        let (mut marks, mut open, mut code, mut line) = (None, None, 0, Vec::new());
        while lines.read_until(b'\n', &mut line).expect("the trace is a pipe") > 0 {
            match Access::parse(&line) {
                None => marks = trace.hear(&String::from_utf8_lossy(&line)).or(marks),
                Some(access) if access.kind == b'I' => code = access.address,
                Some(access) => match marks.and_then(|marks| mark(access, marks)) {
                    Some(window) => open = window,
                    None => open.into_iter().for_each(|at: usize| trace.windows[at].note(access, code)),
                },
            }
            line.clear();
        }
        trace
    }

    /// Takes what the program says; gives the address of its marks, if it is that.
    fn hear(&mut self, line: &str) -> Option<u64> {
        let address = |prefix| line.split_once(prefix).and_then(|(_, rest)| u64::from_str_radix(rest.trim(), 16).ok());
        self.on_purpose = address(SHARED_AT).or(self.on_purpose);
        self.said.push(line.trim_end().to_owned());
        address(MARKS_AT)
    }

    /// Every line of so many octets that one window stored to and the other touched.
    pub fn shared(&self, octets: u64) -> Vec<Shared> {
        let [one, other] = &self.windows;
        let mut shared = one.stores_touched_by(other, octets);
        shared.extend(other.stores_touched_by(one, octets));
        shared
    }
}

impl Window {
    fn note(&mut self, access: Access, code: u64) {
        self.accesses += 1;
        // The smallest line is longer than what one instruction but `rep movs` accesses, and that is traced in parts.
        for address in [access.address, access.address + access.size - 1] {
            let (stored, by) = self.touched.entry(address).or_default();
            if access.stores() || !*stored {
                *by = code;
            }
            *stored |= access.stores();
        }
    }

    /// One address for each line.
    fn stores_touched_by(&self, other: &Self, octets: u64) -> Vec<Shared> {
        let mut found: Vec<Shared> = Vec::new();
        for (&address, &(_, stored_by)) in self.touched.iter().filter(|(_, (stored, _))| *stored) {
            let line = address / octets;
            let touched = other.touched.range(line * octets..(line + 1) * octets).next();
            if let Some((_, &(_, touched_by))) = touched
                && found.last().is_none_or(|last| last.line != line)
            {
                found.push(Shared { line, address, stored_by, touched_by });
            }
        }
        found
    }

    fn lines_stored(&self, octets: u64) -> usize {
        let mut lines: Vec<u64> =
            self.touched.iter().filter(|(_, (stored, _))| *stored).map(|(address, _)| address / octets).collect();
        lines.dedup();
        lines.len()
    }
}

#[derive(Clone, Copy)]
struct Access {
    kind: u8,
    address: u64,
    size: u64,
}

impl Access {
    /// `I  0401ab70,3`, ` S 1fff0006a8,8`.
    fn parse(line: &[u8]) -> Option<Self> {
        let (head, rest) = line.split_at_checked(3)?;
        let kind = match head {
            b"I  " => b'I',
            [b' ', kind @ (b'L' | b'S' | b'M'), b' '] => *kind,
            _ => return None,
        };
        let (address, size) = std::str::from_utf8(rest).ok()?.trim_end().split_once(',')?;
        Some(Self { kind, address: u64::from_str_radix(address, 16).ok()?, size: size.parse().ok()? })
    }

    fn stores(self) -> bool {
        self.kind != b'L'
    }
}

/// What a store to one of the marks says: the first that no window is open, the others which is.
fn mark(access: Access, marks: u64) -> Option<Option<usize>> {
    let at = access.address.checked_sub(marks)? / 8;
    let is_mark = access.stores() && at <= WINDOWS as u64;
    is_mark.then(|| (at as usize).checked_sub(1))
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}: stored by the code at {:x}, touched by {:x}", self.address, self.stored_by, self.touched_by)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, window) in self.windows.iter().enumerate() {
            writeln!(f, "worker {at}: {} accesses, {} lines of 64 octets stored to", window.accesses, window.lines_stored(64))?;
        }
        Ok(())
    }
}
