//! What the kernel says of processes: which are in a group, and which are a process's children.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::time::{Duration, Instant};

/// One process as `/proc/PID/stat` has it.
#[derive(Debug)]
pub struct Stat {
    pub state: char,
    pub parent: u32,
    pub group: u32,
}

/// All processes there are.
pub fn processes() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    // One that ends meanwhile is none.
    entries.filter_map(|entry| parse(&fs::read_to_string(entry.path().join("stat")).ok()?)).collect()
}

fn parse(stat: &str) -> Option<Stat> {
    // The name is in parentheses, and may hold some.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some(Stat { state, parent: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
}

/// Waits until no process is in this group any more.
#[track_caller]
pub fn await_end_of_group(group: u32) {
    await_none(|process| process.group == group);
}

/// Waits until no process is like this.
#[track_caller]
pub fn await_none(is_such: impl Fn(&Stat) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let left: Vec<Stat> = processes().into_iter().filter(&is_such).collect();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still there: {left:?}");
        std::thread::yield_now();
    }
}
