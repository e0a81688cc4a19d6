//! A PostgreSQL server of a test's own: a primary, or a standby of another one, on loopback and in a folder of its own.
//!
//! PostgreSQL refuses to run as root, so root gives it to the user that Debian makes for it. Invariant: no server
//! outlives its value.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::writer::free_port;

/// Where PostgreSQL's programs are; none: nowhere.
pub fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<PathBuf> = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    folders.retain(|folder| folder.join("postgres").exists());
    folders.sort();
    folders.pop()
}

/// A folder in which servers may keep their data; it goes with its value.
pub struct Cellar {
    pub folder: PathBuf,
    programs: PathBuf,
}

impl Cellar {
    /// `test` tells apart what runs at one time.
    pub fn new(test: &str) -> Self {
        // Where the tests are built may be closed to other users.
        let folder = std::env::temp_dir().join(format!("waypost-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        if is_root() {
            run(Command::new("chown").arg("postgres:").arg(&folder));
        }
        Self { folder, programs: programs().expect("looked for before") }
    }

    /// A primary, with a user `waypost` whose password is `secret`.
    pub fn primary(&self, name: &str) -> Server<'_> {
        let data = self.folder.join(name);
        let password = self.write("superuser.password", "unused\n");
        let mut init = self.command("initdb");
        init.args(["-U", "postgres", "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile"]).arg(&password);
        run(init.arg("-D").arg(&data));
        let server = self.start(data, free_port());
        server.sql("CREATE ROLE waypost LOGIN PASSWORD 'secret'");
        server
    }

    /// A standby of a running server, made anew: what was in its folder goes.
    pub fn standby(&self, name: &str, of: &Server<'_>) -> Server<'_> {
        self.standby_at(name, of, free_port())
    }

    /// As [`Cellar::standby`], on a port that clients know already.
    pub fn standby_at(&self, name: &str, of: &Server<'_>, port: u16) -> Server<'_> {
        let data = self.folder.join(name);
        let _ = fs::remove_dir_all(&data);
        let mut backup = self.command("pg_basebackup");
        backup.args(["-U", "postgres", "-R", "--no-sync", "--checkpoint=fast", "-p", &of.port.to_string(), "-h"]);
        run(backup.arg(&self.folder).arg("-D").arg(&data));
        self.start(data, port)
    }

    fn start(&self, data: PathBuf, port: u16) -> Server<'_> {
        let server = Server { cellar: self, data, port };
        server.start();
        server
    }

    /// Writes a file that is the servers' and may be read by nobody else but root.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if is_root() {
            run(Command::new("chown").arg("postgres:").arg(&path));
        }
        path.display().to_string()
    }

    /// One of PostgreSQL's programs, run by a user that it accepts.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
        command
    }
}

impl Drop for Cellar {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A server that runs, or has been killed.
pub struct Server<'c> {
    cellar: &'c Cellar,
    data: PathBuf,
    pub port: u16,
}

impl Server<'_> {
    /// Starts it, and waits until it answers.
    fn start(&self) {
        let folder = self.cellar.folder.display();
        let options = format!(
            "-p {} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=20 -c shared_buffers=1MB",
            self.port
        );
        self.control(&["start", "-w", "-t", "60", "-o", &options, "-l"], Some(&self.data.join("server.log")));
    }

    /// As a crash would: nothing is said to anybody.
    pub fn kill(&self) {
        run(Command::new("kill").args(["-KILL", self.process().expect("it runs").trim()]));
    }

    /// Makes a standby the primary, and waits until it is.
    pub fn promote(&self) {
        self.control(&["promote", "-w"], None);
    }

    /// Runs statements as the superuser.
    pub fn sql(&self, statements: &str) {
        let port = self.port.to_string();
        let mut psql = self.cellar.command("psql");
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres", "-p", &port, "-h"]);
        let mut child = psql.arg(&self.cellar.folder).stdin(Stdio::piped()).current_dir("/").spawn().unwrap();
        child.stdin.take().unwrap().write_all(statements.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{statements}");
    }

    /// Starts anew with these lines added to its configuration.
    pub fn configure(&self, lines: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(self.data.join("postgresql.conf")).unwrap();
        writeln!(file, "{lines}").unwrap();
        self.control(&["stop", "-w", "-m", "fast"], None);
        self.start();
    }

    fn control(&self, words: &[&str], last: Option<&Path>) {
        let mut control = self.cellar.command("pg_ctl");
        run(control.arg("-s").arg("-D").arg(&self.data).args(words).args(last));
    }

    /// The number of its first process.
    fn process(&self) -> Option<String> {
        fs::read_to_string(self.data.join("postmaster.pid")).ok()?.lines().next().map(str::to_owned)
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        let mut stop = self.cellar.command("pg_ctl");
        // What has been killed is not there to be stopped.
        let quietly = stop.args(["stop", "-s", "-m", "immediate", "-D"]).arg(&self.data).stderr(Stdio::null());
        let _ = quietly.stdout(Stdio::null()).current_dir("/").status();
    }
}

fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).current_dir("/").status();
    assert!(done.as_ref().is_ok_and(|status| status.success()), "{command:?}: {done:?}");
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"))
}
