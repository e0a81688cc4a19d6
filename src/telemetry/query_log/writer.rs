//! The thread that writes query logs: `directory/<log group>.log`, each file opened for each round of writing.
//!
//! So a file that was moved or deleted is made anew without anybody being told, and any number of log groups needs one
//! descriptor. Decides nothing about lines. Invariant: a line that was begun is finished, or another file is written to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use super::{Lines, Message, QueryLogCounts, Shared};
use crate::telemetry::events;

/// Starts the thread, which ends when it is told to, or when nobody is left who could tell it anything.
pub(super) fn spawn(received: mpsc::Receiver<Message>, shared: &Arc<Shared>) -> io::Result<()> {
    let writer = Writer {
        shared: Arc::downgrade(shared),
        counts: shared.counts.clone(),
        directory: None,
        waiting: BTreeMap::new(),
        taken: 0,
        files: BTreeMap::new(),
    };
    thread::Builder::new().name("query-log".into()).spawn(move || writer.run(&received)).map(drop)
}

struct Writer {
    shared: Weak<Shared>,
    counts: Arc<QueryLogCounts>,
    directory: Option<PathBuf>,
    /// The lines of this round, by log group, and how many they are.
    waiting: BTreeMap<Box<str>, (Vec<u8>, u64)>,
    /// Octets that this round takes off the queue.
    taken: usize,
    /// What is known of the files that did not take all that they were given.
    files: BTreeMap<Box<str>, Trouble>,
}

/// A file that did not take all that it was given.
#[derive(Default)]
struct Trouble {
    /// Device and inode of the file whose last line was begun, and the rest of that line.
    begun: Option<((u64, u64), Vec<u8>)>,
}

impl Writer {
    fn run(mut self, received: &mpsc::Receiver<Message>) {
        while let Ok(first) = received.recv() {
            let mut stopping = self.take(first);
            while stopping.is_none()
                && let Ok(next) = received.try_recv()
            {
                stopping = self.take(next);
            }
            self.write();
            if let Some(stopping) = stopping {
                // Who asked may have gone, having waited long enough.
                let _ = stopping.send(());
                return;
            }
            // Lines of some milliseconds are written together, and those who answer seldom have to wake this thread.
            thread::sleep(BETWEEN_ROUNDS);
        }
    }

    /// Takes one message; gives whom to tell when it is the last.
    fn take(&mut self, message: Message) -> Option<mpsc::Sender<()>> {
        match message {
            Message::Lines(lines) => self.gather(&lines),
            Message::Directory(directory) => {
                self.write();
                self.files.clear();
                self.directory = directory;
            }
            Message::Stop(stopping) => return Some(stopping),
        }
        None
    }

    fn gather(&mut self, lines: &Lines) {
        self.taken += lines.cost();
        let mut from = 0;
        for (logged, end) in &lines.stretches {
            let text = &lines.text.as_bytes()[from..*end];
            let (waiting, count) = self.waiting.entry(logged.log_group.clone()).or_default();
            waiting.extend_from_slice(text);
            *count += lines_in(text);
            from = *end;
        }
    }

    /// Writes what is waiting, file by file.
    fn write(&mut self) {
        for (log_group, (text, count)) in std::mem::take(&mut self.waiting) {
            let lost = match &self.directory {
                Some(directory) => write_to(&directory.join(file_name(&log_group)), &log_group, &text, &mut self.files),
                None => count,
            };
            self.counts.failed.fetch_add(lost, Ordering::Relaxed);
            self.counts.written.fetch_add(count - lost, Ordering::Relaxed);
        }
        if let Some(shared) = self.shared.upgrade() {
            shared.queued.fetch_sub(std::mem::take(&mut self.taken), Ordering::Relaxed);
        }
    }
}

/// Appends to one file, and says so when it begins or ceases to fail; how many lines are lost.
fn write_to(path: &Path, log_group: &str, text: &[u8], files: &mut BTreeMap<Box<str>, Trouble>) -> u64 {
    let before = files.remove(log_group);
    let was_failing = before.is_some();
    let Trouble { begun } = before.unwrap_or_default();
    let (lost, begun, failed) = match open(path) {
        Ok((mut file, identity)) => {
            // Lines of another file are not finished in this one.
            let rest = begun.filter(|(of, _)| *of == identity).map(|(_, rest)| rest).unwrap_or_default();
            let Appended { lost, rest, failed } = append(&mut file, &rest, text);
            (lost, Some((identity, rest)).filter(|(_, rest)| !rest.is_empty()), failed)
        }
        Err(error) => (lines_in(text), begun, Some(error)),
    };
    match failed {
        Some(error) => {
            if !was_failing {
                events::query_log_failed(path, &error);
            }
            files.insert(log_group.into(), Trouble { begun });
        }
        None if was_failing => events::query_log_resumed(path),
        None => {}
    }
    lost
}

/// The file, made if it is not there, and its device and inode.
fn open(path: &Path) -> io::Result<(File, (u64, u64))> {
    // Who asked what is not for everybody.
    let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path)?;
    let metadata = file.metadata()?;
    Ok((file, (metadata.dev(), metadata.ino())))
}

/// What came of appending.
struct Appended {
    /// Lines of which nothing was written.
    lost: u64,
    /// What is missing of the last line that was begun.
    rest: Vec<u8>,
    failed: Option<io::Error>,
}

/// Appends the rest of a line, then whole lines.
fn append(file: &mut impl Write, rest: &[u8], text: &[u8]) -> Appended {
    let whole = if rest.is_empty() { Cow::Borrowed(text) } else { Cow::Owned([rest, text].concat()) };
    let (written, failed) = write_all(file, &whole);
    let begun_at = whole[..written].iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
    let is_begun = begun_at < written || written < rest.len();
    let line_end = |from: usize| whole[from..].iter().position(|octet| *octet == b'\n').map_or(whole.len(), |at| from + at + 1);
    let missing_end = if is_begun { line_end(written) } else { written };
    Appended { lost: lines_in(&whole[missing_end..]), rest: whole[written..missing_end].to_vec(), failed }
}

/// Writes as much as can be written; how much that is, and why no more.
fn write_all(file: &mut impl Write, mut text: &[u8]) -> (usize, Option<io::Error>) {
    let len = text.len();
    while !text.is_empty() {
        match file.write(text) {
            Ok(0) => return (len - text.len(), Some(ErrorKind::WriteZero.into())),
            Ok(written) => text = &text[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (len - text.len(), Some(error)),
        }
    }
    (len, None)
}

fn lines_in(text: &[u8]) -> u64 {
    text.iter().filter(|octet| **octet == b'\n').count() as u64
}

/// The file of a log group; no two share one, for no log group has `+` in its name.
pub(super) fn file_name(log_group: &str) -> String {
    format!("{}.log", log_group.replace('/', "+"))
}

/// How long lines are gathered before they are written together.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many octets, a few at a time, then is full.
    struct Full {
        room: usize,
        written: Vec<u8>,
    }

    impl Write for Full {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let taken = text.len().min(self.room).min(3);
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room -= taken;
            self.written.extend_from_slice(&text[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn wherever_a_disk_fills_up_the_line_begun_is_finished_later_and_the_lines_after_it_are_counted() {
        const LINES: &[u8] = b"one\ntwo\nthree\n";
        for room in 0..=LINES.len() {
            let mut file = Full { room, written: Vec::new() };
            let first = append(&mut file, b"", LINES);
            assert_eq!(first.failed.is_some(), room < LINES.len(), "{room}");
            // Again full, in the middle of the rest.
            file.room = 1;
            let second = append(&mut file, &first.rest, b"");
            assert_eq!(second.lost, 0, "{room}");
            file.room = 100;
            let third = append(&mut file, &second.rest, b"four\n");
            assert!((third.lost, third.rest.len(), third.failed.is_none()) == (0, 0, true), "{room}");
            let kept = lines_in(LINES) - first.lost;
            let expected: Vec<&[u8]> = LINES.split_inclusive(|octet| *octet == b'\n').take(kept as usize).collect();
            assert_eq!(file.written, [expected.concat(), b"four\n".to_vec()].concat(), "{room}");
        }
    }

    #[test]
    fn lines_that_wait_behind_a_line_begun_are_lost_whole() {
        let mut file = Full { room: 0, written: Vec::new() };
        let Appended { lost, rest, .. } = append(&mut file, b"rest\n", b"one\ntwo\n");
        assert_eq!((lost, &*rest), (2, &b"rest\n"[..]));
    }

    #[test]
    fn a_log_group_is_a_file_of_its_own_in_the_directory() {
        for (log_group, expected) in [
            ("/aws/route53/example.org", "+aws+route53+example.org.log"),
            ("_aws_route53_example.org", "_aws_route53_example.org.log"),
            ("../../etc/passwd", "..+..+etc+passwd.log"),
            (".", "..log"),
        ] {
            assert_eq!(file_name(log_group), expected);
        }
    }
}
