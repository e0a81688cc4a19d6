//! A command run outside the process: no shell, an environment of its own, and no longer than its deadline.
//!
//! Everything that it starts and that stays in its process group ends with it, at the latest when its value here is
//! dropped. A thread waits for its end without reaping it, and the group is killed before that is done: until then the
//! group's number can be nobody else's. Invariants: at most as many run at once as there are places; no zombie stays;
//! little more than [`OUTPUT_MAX`] octets of output are read. Sources: waitid(2), pidfd_open(2), setpgid(2).

use std::io::{self, Read};
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::io::retry_on_intr;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::timeout;

use super::Log;
use super::roles::said;
use crate::health::check::Target;
use crate::health::command::CommandCheck;
use crate::health::observation::{Failure, NotRun, Outcome, Passed};
use crate::ids::HealthCheckId;

/// Places for commands to run in.
pub(super) struct Commands {
    places: Arc<Semaphore>,
    max: usize,
}

impl Commands {
    pub fn new(max: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(max)), max }
    }

    /// Runs a command for the endpoint at `address`.
    pub async fn run(
        &self,
        command: &CommandCheck,
        id: &HealthCheckId,
        target: &Target,
        address: IpAddr,
        limit: Duration,
        log: &mut Log,
    ) -> Result<Passed, Outcome> {
        let _place = self.place(limit, log).await?;
        let prepared = prepare(command, id, target, address);
        // To start a program is to read it from a disk, which may take its time. What starts too late ends at once.
        let starting = tokio::task::spawn_blocking(move || Running::start(prepared));
        let Ok(started) = timeout(limit, starting).await else {
            return Err(NotRun::OutOfResources(format!("starting {}: not done in {limit:?}", command.program)).into());
        };
        let started = started.map_err(io::Error::other).flatten();
        let mut running = started.map_err(|error| not_started(&command.program, &error))?;
        let ended = timeout(limit, running.output()).await;
        log.end("run");
        let output = ended.map_err(|_| Failure::CommandTimeout(limit))?;
        let watched = output.and_then(|output| Ok((output, running.reap()?)));
        let (output, status) = watched.map_err(|error| NotRun::Impossible(format!("watching {}: {error}", command.program)))?;
        judge(status, first_line(&output))
    }

    /// Waits for a place. What waits for longer than its deadline is not run, and the wait counts as nobody's fault.
    async fn place(&self, limit: Duration, log: &mut Log) -> Result<SemaphorePermit<'_>, NotRun> {
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let waited = timeout(limit, self.places.acquire()).await;
        log.end("wait");
        let none =
            || NotRun::OutOfResources(format!("none of the {} commands that may run at once ended in {limit:?}", self.max));
        waited.map_err(|_| none())?.map_err(|error| NotRun::Impossible(error.to_string()))
    }
}

/// The command as it is started, but for its output.
fn prepare(command: &CommandCheck, id: &HealthCheckId, target: &Target, address: IpAddr) -> std::process::Command {
    let mut prepared = std::process::Command::new(&command.program);
    prepared
        .args(command.arguments_for(address, target.port))
        .env_clear()
        .env("PATH", PATH)
        // No check's name holds a NUL that is written in a file; one that does would only keep its command from starting.
        .env("WAYPOST_CHECK", id.as_str())
        .env("WAYPOST_TARGET", target.to_string())
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null());
    prepared
}

/// What kept a command from being started: nothing that the endpoint did.
fn not_started(program: &str, error: &io::Error) -> NotRun {
    let detail = format!("starting {program}: {error}");
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => NotRun::OutOfResources(detail),
        _ => NotRun::Impossible(detail),
    }
}

fn judge(status: ExitStatus, line: String) -> Result<Passed, Outcome> {
    if status.success() {
        return Ok(Passed::Command(line));
    }
    let ended = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, signal) => format!("killed by signal {}", signal.unwrap_or_default()),
    };
    Err(Failure::CommandFailed(if line.is_empty() { ended } else { format!("{ended}: {line}") }).into())
}

/// The first line that says something.
fn first_line(output: &[u8]) -> String {
    output.split(|octet| *octet == b'\n').map(said).find(|line| !line.is_empty()).unwrap_or_default()
}

/// A command that runs, and its process group.
struct Running {
    /// None once it has been waited for.
    child: Option<Child>,
    group: Pid,
    /// Both of the command's outputs; none once they are read.
    output: Option<io::PipeReader>,
    /// Told when it has ended, and is to be reaped.
    ended: oneshot::Receiver<io::Result<()>>,
}

impl Running {
    fn start(mut prepared: std::process::Command) -> io::Result<Self> {
        let (output, written) = io::pipe()?;
        let child = prepared.stdout(written.try_clone()?).stderr(written).spawn()?;
        let (told, ended) = oneshot::channel();
        let group = Pid::from_child(&child);
        // From here on whatever fails ends the command, too.
        let running = Self { child: Some(child), group, output: Some(output), ended };
        let process = pidfd_open(group, PidfdFlags::empty())?;
        thread::Builder::new().name("command".into()).spawn(move || {
            let wait = || waitid(WaitId::PidFd(process.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
            // Where nobody listens any more the command has been killed.
            let _ = told.send(retry_on_intr(wait).map(drop).map_err(io::Error::from));
        })?;
        Ok(running)
    }

    /// What the command wrote until it ended.
    async fn output(&mut self) -> io::Result<Vec<u8>> {
        let output = self.output.take().expect("outputs are read once");
        let mut output = Some(pipe::Receiver::from_owned_fd(OwnedFd::from(output))?);
        let (mut kept, mut read) = (Vec::new(), 0);
        loop {
            let mut buffer = [0; 4_096];
            let reading = async {
                match &mut output {
                    Some(output) => output.read(&mut buffer).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                ended = &mut self.ended => {
                    ended.map_err(io::Error::other)??;
                    break;
                }
                length = reading => {
                    let length = length?;
                    read += length;
                    keep(&mut kept, &buffer[..length]);
                    // Its end, or enough of it: who goes on writing finds nobody to read.
                    if length == 0 || read > OUTPUT_MAX {
                        output = None;
                    }
                }
            }
        }
        // What it wrote last is in the pipe, whether or not tokio has heard of it. Others may hold the pipe open still.
        if let Some(output) = output {
            let mut output = io::PipeReader::from(output.into_nonblocking_fd()?);
            let mut buffer = [0; KEPT_MAX];
            while kept.len() < KEPT_MAX
                && let Ok(length @ 1..) = output.read(&mut buffer)
            {
                keep(&mut kept, &buffer[..length]);
            }
        }
        Ok(kept)
    }

    /// Ends what the command left behind in its group, and takes the status of the command itself, which has ended.
    fn reap(&mut self) -> io::Result<ExitStatus> {
        let mut child = self.child.take().expect("a command is reaped once");
        // Nobody left is what is wanted.
        let _ = kill_process_group(self.group, Signal::KILL);
        child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = kill_process_group(self.group, Signal::KILL);
        // It is gone in a moment, or when the kernel has done what it does for it; nobody here waits for that.
        if let Ok(None) = child.try_wait() {
            let reaper = thread::Builder::new().name("reaper".into());
            // Where no thread can be had, a zombie stays until the next restart.
            let _ = reaper.spawn(move || child.wait());
        }
    }
}

fn keep(kept: &mut Vec<u8>, octets: &[u8]) {
    let room = KEPT_MAX - kept.len();
    kept.extend_from_slice(&octets[..octets.len().min(room)]);
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Octets of output that are looked at for the first line.
const KEPT_MAX: usize = 1_024;
/// Octets of output that are read at all.
const OUTPUT_MAX: usize = 1 << 20;
