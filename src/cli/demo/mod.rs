//! `waypost demo`: two endpoints, a server and a client in one process, and a failover before your eyes.
//!
//! Tells a story and fakes none of it: the endpoints are probed over TCP, the server is the one that `waypost serve`
//! runs, the client asks by UDP and counts what goes unanswered. Needs neither a network nor root.

mod asker;
mod endpoint;

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::rr::Name;
use reqwest::Url;
use tokio::runtime::Runtime;

use self::asker::{Asker, Tally};
use self::endpoint::Endpoint;
use super::client::{BaseUrl, fetch};
use super::{Ending, Failure};
use crate::clock;
use crate::explain::{ExplainReport, StepFacts};
use crate::node;

/// Show a failover in under a minute, on this machine
///
/// Two HTTP endpoints, a server and a client run in this one process. The primary is killed and brought back; the
/// client asks all the while and counts what goes unanswered.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 when it failed over and back and every query was answered, else 1.

Examples:
  waypost demo            the whole story
  waypost demo --keep     and keep running, to try `dig` against it")]
pub(super) struct DemoArgs {
    /// Keep serving after the story, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

/// What plays in the story.
struct Stage {
    runtime: Runtime,
    primary: Endpoint,
    /// Not to be dropped: it is what is failed over to.
    _secondary: Endpoint,
    dns: SocketAddr,
    http: SocketAddr,
    files: Files,
    /// The server's last words, should it end.
    server: Receiver<String>,
}

/// The server's files, in a directory of their own that goes away with this value.
struct Files {
    directory: PathBuf,
    config: String,
    zone: String,
}

const NAME: &str = "www.example.org.";
const PRIMARY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
const SECONDARY: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 10));
/// Far longer than any step takes: what is not there by then does not come.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long each scene lasts before something happens.
const SCENE: Duration = Duration::from_secs(1);

pub(super) fn run(args: &DemoArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let mut stage = set_up().map_err(failed("setting up the demo"))?;
    let name = Name::from_ascii(NAME).expect("the demo's name is one");
    stage.await_server(&name)?;
    introduce(&stage, out)?;
    let asker = Asker::start(stage.dns, &name).map_err(failed("starting the client"))?;
    let told = tell(&mut stage, &asker, out);
    let tally = asker.finish().map_err(failed("asking the server"))?;
    let ending = conclude(told?, tally, out)?;
    if args.keep {
        keep(&stage, out)?;
    }
    Ok(ending)
}

fn failed(doing: &'static str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::Failed(format!("{doing}: {error}"))
}

/// Starts the endpoints, writes the files, starts the server.
fn set_up() -> io::Result<Stage> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let primary = runtime.block_on(Endpoint::start())?;
    let secondary = runtime.block_on(Endpoint::start())?;
    let dns = free_address()?;
    let http = free_address()?;
    let files = Files::write(dns, http, primary.address(), secondary.address())?;
    let server = start_server(files.directory.join(CONFIG_FILE));
    Ok(Stage { runtime, primary, _secondary: secondary, dns, http, files, server })
}

impl Stage {
    /// Waits for the first answer; queries before it are not part of the story.
    fn await_server(&self, name: &Name) -> Result<(), Failure> {
        let until = clock::monotonic() + PATIENCE;
        while clock::monotonic() < until {
            self.check_server()?;
            if asker::is_answered(self.dns, name).map_err(failed("asking the server"))? {
                return Ok(());
            }
            thread::sleep(WAKE_EVERY);
        }
        Err(Failure::Failed(format!("the server does not answer after {} s", PATIENCE.as_secs())))
    }

    /// Fails when the server has ended.
    fn check_server(&self) -> Result<(), Failure> {
        match self.server.try_recv() {
            Ok(last_words) => Err(Failure::Failed(format!("the server ended: {last_words}"))),
            Err(TryRecvError::Disconnected) => Err(Failure::Failed("the server ended".to_owned())),
            Err(TryRecvError::Empty) => Ok(()),
        }
    }
}

/// Runs what `waypost serve` runs; it ends with the process.
fn start_server(config: PathBuf) -> Receiver<String> {
    let (sender, server) = channel();
    thread::spawn(move || {
        let last_words = node::serve(&config).map_or_else(|error| error.to_string(), |()| "it was told to stop".to_owned());
        // Nobody listens any more when the story is over.
        let _ = sender.send(last_words);
    });
    server
}

/// A loopback address whose port is free for UDP and TCP, for the moment.
fn free_address() -> io::Result<SocketAddr> {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = tcp.local_addr()?;
    UdpSocket::bind(address)?;
    Ok(address)
}

fn introduce(stage: &Stage, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "Two HTTP endpoints and a DNS server run in this process. The server's files:\n")?;
    write_indented(out, CONFIG_FILE, &stage.files.config)?;
    write_indented(out, ZONE_FILE, &stage.files.zone)?;
    writeln!(out, "Ask it yourself, in another terminal:\n")?;
    let (address, port) = (stage.dns.ip(), stage.dns.port());
    for rest in ["www.example.org A +short", "www.example.org A +subnet=203.0.113.0/24", "example.org SOA +tcp"] {
        writeln!(out, "    dig @{address} -p {port} {rest}")?;
    }
    writeln!(out, "\nA client asks for www.example.org A every millisecond:\n")?;
    out.flush()?;
    Ok(())
}

fn write_indented(out: &mut dyn Write, file: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {file}")?;
    for line in text.lines() {
        writeln!(out, "{}", format!("    {line}").trim_end())?;
    }
    writeln!(out)
}

/// Up, down, up again; whether each was seen.
fn tell(stage: &mut Stage, asker: &Asker, out: &mut dyn Write) -> Result<bool, Failure> {
    let mut story = Story { out, began: clock::monotonic() };
    if !story.await_answer(stage, asker, PRIMARY, "fra, the primary", None)? {
        return Ok(false);
    }
    thread::sleep(SCENE);
    let killed = story.say("the primary endpoint is killed: its port refuses connections")?;
    stage.runtime.block_on(stage.primary.kill());
    if !story.await_answer(stage, asker, SECONDARY, "iad, the secondary", Some(killed))? {
        return Ok(false);
    }
    thread::sleep(SCENE);
    let revived = story.say("the primary endpoint is brought back")?;
    stage.runtime.block_on(stage.primary.revive()).map_err(failed("bringing the primary endpoint back"))?;
    let failed_back = story.await_answer(stage, asker, PRIMARY, "fra, the primary", Some(revived))?;
    thread::sleep(SCENE);
    Ok(failed_back)
}

/// Lines with the time since the beginning.
struct Story<'o> {
    out: &'o mut dyn Write,
    began: Instant,
}

impl Story<'_> {
    fn say(&mut self, what: &str) -> Result<Instant, Failure> {
        let now = clock::monotonic();
        self.say_at(now, what)?;
        Ok(now)
    }

    fn say_at(&mut self, at: Instant, what: &str) -> Result<(), Failure> {
        writeln!(self.out, "{:>9.3} s  {what}", (at - self.began).as_secs_f64())?;
        Ok(self.out.flush()?)
    }

    /// Tells the server's own reasons: who was passed over, and who was chosen.
    fn say_why(&mut self, stage: &Stage) -> Result<(), Failure> {
        let report: ExplainReport = fetch(explanation(stage.http)?)?;
        for step in report.steps {
            if matches!(step.facts, StepFacts::PassedOver { .. } | StepFacts::Chosen { .. }) {
                writeln!(self.out, "{:13}{}", "", step.text)?;
            }
        }
        Ok(self.out.flush()?)
    }

    /// Waits for an answer and tells how long after its cause it came, and why; false when it does not come.
    fn await_answer(
        &mut self,
        stage: &Stage,
        asker: &Asker,
        expected: IpAddr,
        who: &str,
        cause: Option<Instant>,
    ) -> Result<bool, Failure> {
        let until = clock::monotonic() + PATIENCE;
        while clock::monotonic() < until {
            if let Some(change) = asker.await_answer(expected, WAKE_EVERY) {
                let later = cause.map(|cause| format!(", {} ms later", (change.at - cause).as_millis())).unwrap_or_default();
                self.say_at(change.at, &format!("the answer is {expected} ({who}){later}"))?;
                self.say_why(stage)?;
                return Ok(true);
            }
            stage.check_server()?;
        }
        self.say(&format!("the answer is not {expected} ({who}) after {} s", PATIENCE.as_secs()))?;
        Ok(false)
    }
}

/// The URL of the page that explains what is answered now.
fn explanation(http: SocketAddr) -> Result<Url, Failure> {
    let server: BaseUrl = format!("http://{http}").parse().map_err(Failure::Failed)?;
    Ok(server.page("/v1/explain", &[("name", NAME)]))
}

/// How often a server that has ended is noticed.
const WAKE_EVERY: Duration = Duration::from_millis(100);

fn conclude(told: bool, tally: Tally, out: &mut dyn Write) -> Result<Ending, Failure> {
    let Tally { sent, answered, slowest } = tally;
    let unanswered = tally.unanswered();
    writeln!(out, "\n{sent} queries sent, {answered} answered, {unanswered} unanswered; the slowest took {slowest:.1?}.")?;
    let held = told && unanswered == 0 && sent > 0;
    match held {
        true => writeln!(out, "It failed over and back, and no query went unanswered.")?,
        false => writeln!(out, "It did not hold.")?,
    }
    out.flush()?;
    Ok(if held { Ending::Held } else { Ending::DidNotHold })
}

/// Serves on until the server is told to stop.
fn keep(stage: &Stage, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "Still serving at {}; Ctrl-C ends it.", stage.dns)?;
    out.flush()?;
    // The sender goes away when the server has ended; its last words are those of an orderly end.
    let _ = stage.server.recv();
    Ok(())
}

const CONFIG_FILE: &str = "waypost.toml";
const ZONE_FILE: &str = "example.org.toml";

impl Files {
    fn write(dns: SocketAddr, http: SocketAddr, primary: SocketAddr, secondary: SocketAddr) -> io::Result<Self> {
        let filled = |text: &str, values: &[(&str, SocketAddr)]| {
            values.iter().fold(text.to_owned(), |text, (key, value)| text.replace(key, &value.to_string()))
        };
        let config = filled(include_str!("waypost.toml"), &[("@DNS@", dns), ("@HTTP@", http)]);
        let zone = filled(include_str!("example.org.toml"), &[("@FRA@", primary), ("@IAD@", secondary)]);
        let directory = std::env::temp_dir().join(format!("waypost-demo-{}-{:x}", std::process::id(), clock::random_u64()));
        fs::create_dir(&directory)?;
        let files = Self { directory, config, zone };
        write(&files.directory, CONFIG_FILE, &files.config)?;
        write(&files.directory, ZONE_FILE, &files.zone)?;
        Ok(files)
    }
}

fn write(directory: &Path, file: &str, text: &str) -> io::Result<()> {
    fs::write(directory.join(file), text)
}

impl Drop for Files {
    fn drop(&mut self) {
        // What can't be removed is left in the system's temporary directory.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
