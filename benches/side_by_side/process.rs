//! A server as a process group: started on a core, what it has used of it, and its end.
//!
//! Knows nothing of DNS. Invariant: no process of the group outlives its value.
//! Sources: proc_pid_stat(5), proc_pid_smaps(5); Documentation/scheduler/sched-stats.rst.

use std::fs;
use std::io;
use std::ops::Sub;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::machine;

/// A process and those that it has started.
pub struct Group {
    child: Child,
    log: PathBuf,
}

/// CPU that a group has used by now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Used {
    /// Exactly, by all threads that live.
    pub ran: Duration,
    /// Ready to run, and waited for the core.
    pub waited: Duration,
    /// As the clock's ticks found it: right in the long run.
    pub user_ticks: u64,
    pub system_ticks: u64,
}

impl Used {
    /// Time of threads that have ended, too: in ticks, as the scheduler scales them.
    pub fn in_all(&self) -> Duration {
        Duration::from_millis((self.user_ticks + self.system_ticks) * 10)
    }
}

impl Sub for Used {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            ran: self.ran.saturating_sub(before.ran),
            waited: self.waited.saturating_sub(before.waited),
            user_ticks: self.user_ticks.saturating_sub(before.user_ticks),
            system_ticks: self.system_ticks.saturating_sub(before.system_ticks),
        }
    }
}

impl Group {
    /// Starts it on this core, or wherever; what it says goes to `server.log` in its folder.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(command: &mut Command, folder: &Path, core: Option<usize>) -> io::Result<Self> {
        let log = folder.join("server.log");
        let output = fs::File::create(&log)?;
        let command = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        // A child inherits where its parent's thread may run.
        let child = machine::on_core(core, || command.spawn())?;
        Ok(Self { child, log })
    }

    /// What all of it has used.
    pub fn used(&self) -> Used {
        self.processes().iter().map(|process| used(process)).fold(Used::default(), |sum, each| Used {
            ran: sum.ran + each.ran,
            waited: sum.waited + each.waited,
            user_ticks: sum.user_ticks + each.user_ticks,
            system_ticks: sum.system_ticks + each.system_ticks,
        })
    }

    /// Memory in KiB, each shared page counted in parts.
    pub fn memory_kib(&self) -> u64 {
        let of = |process: &PathBuf| {
            let rollup = fs::read_to_string(process.join("smaps_rollup")).unwrap_or_default();
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
            line.trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0)
        };
        self.processes().iter().map(of).sum()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has said, the end of it.
    pub fn said(&self) -> String {
        let said = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&said[said.len().saturating_sub(LOG_SHOWN)..]).into_owned()
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The folders in /proc of its processes.
    fn processes(&self) -> Vec<PathBuf> {
        let group = self.id().as_raw_pid();
        let entries = fs::read_dir("/proc").map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
        let is_process = |name: &str| name.bytes().all(|octet| octet.is_ascii_digit());
        let folders = entries.iter().filter(|entry| entry.file_name().to_str().is_some_and(is_process)).map(fs::DirEntry::path);
        folders.filter(|folder| stat(folder).and_then(|fields| fields.get(PGRP).copied()) == Some(group as u64)).collect()
    }
}

impl Drop for Group {
    /// Asks it to end, and makes it.
    fn drop(&mut self) {
        let group = self.id();
        let _ = kill_process_group(group, Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < END_WITHIN && !self.has_ended() {
            thread::sleep(LOOK_EVERY);
        }
        // What it has started may be there still, also when it is not.
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}

fn used(process: &Path) -> Used {
    let fields = stat(process).unwrap_or_default();
    let field = |at: usize| fields.get(at).copied().unwrap_or(0);
    let threads = fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    let (mut ran, mut waited) = (Duration::ZERO, Duration::ZERO);
    for thread in threads {
        let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        let mut nanos = text.split_whitespace().map(|number| Duration::from_nanos(number.parse().unwrap_or(0)));
        ran += nanos.next().unwrap_or_default();
        waited += nanos.next().unwrap_or_default();
    }
    Used { ran, waited, user_ticks: field(UTIME), system_ticks: field(STIME) }
}

/// The fields of `stat` behind the command's name and the state, as numbers.
fn stat(process: &Path) -> Option<Vec<u64>> {
    let text = fs::read_to_string(process.join("stat")).ok()?;
    let fields = text.rsplit_once(')')?.1.split_whitespace().skip(1);
    Some(fields.map(|field| field.parse().unwrap_or(0)).collect())
}

/// Fields of `stat`, counted from `ppid`, which is the fourth.
const PGRP: usize = 1;
const UTIME: usize = 10;
const STIME: usize = 11;
/// How long a server may take to end when it is asked to.
const END_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Octets of a log that are shown when a server fails.
const LOG_SHOWN: usize = 2_000;
