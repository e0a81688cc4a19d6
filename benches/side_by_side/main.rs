//! waypost beside its peers: `cargo bench --bench side_by_side`, and docs/performance.md has its tables.
//!
//! Installs gdnsd, YADIFA, Knot, NSD and PowerDNS from Debian where they are missing, makes the same zones for each, runs
//! them on one core in turn, with the load on the other, and checks every answer. A measurement, not a test: the parts that
//! can be wrong are tested by tests/load_generator.rs. Invariant: nothing it started is left, whatever happens.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;

use clap::Parser;

use arguments::Arguments;
use content::{Content, Policy};
use peers::{PEERS, Peer};
use running::Case;

mod arguments;
mod check;
mod closed_loop;
mod compare;
mod content;
mod dnsperf;
mod echo;
mod machine;
mod paced;
mod peers;
mod process;
mod questions;
mod running;
mod stats;
mod stop;
mod tables;

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    if let Some(address) = arguments.echo {
        let error = echo::serve(address).expect_err("an echo ends with an error only");
        eprintln!("echo {address}: {error}");
        return ExitCode::FAILURE;
    }
    if arguments.quick {
        (arguments.rounds, arguments.secs, arguments.no_install) = (1, 0.2, true);
        arguments.peers = vec!["echo".to_owned(), "waypost".to_owned()];
        arguments.cases = vec!["small".to_owned(), "latency".to_owned()];
    }
    stop::listen();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// A case of the table.
struct Listed {
    name: &'static str,
    title: &'static str,
    content: Content,
    measured: Measured,
}

enum Measured {
    /// Throughput, and loading so many times.
    Throughput(usize),
    /// Latency at so many queries a second.
    Latency(f64),
    /// Throughput by dnsperf, too.
    CrossCheck,
}

const CASES: [Listed; 12] = [
    case("static", "10,000 names", Content::Names { count: 10_000, missing: 0 }, Measured::Throughput(1)),
    case(
        "missing",
        "10,000 names, one question in ten for another",
        Content::Names { count: 10_000, missing: 10 },
        Measured::Throughput(1),
    ),
    case("failover", "Failover: 1,000 groups of 2", groups(1_000, Policy::Failover), Measured::Throughput(1)),
    case("weighted", "Weighted: 1,000 groups of 2", groups(1_000, Policy::Weighted), Measured::Throughput(1)),
    case("multivalue", "Multivalue: 1,000 groups of 8", groups(1_000, Policy::Multivalue), Measured::Throughput(1)),
    case("networks", "By the client's network (ECS): 20,000 networks", groups(10, Policy::ByNetwork), Measured::Throughput(1)),
    case("tree", "Three levels: by network (ECS), failover, weighted", groups(10, Policy::Tree), Measured::Throughput(1)),
    case("million", "A million names", Content::Names { count: 1_000_000, missing: 0 }, Measured::Throughput(3)),
    case("zones", "10,000 zones of 10 names", Content::Zones { count: 10_000 }, Measured::Throughput(3)),
    case(
        "latency",
        "10,000 names, 20,000 queries a second",
        Content::Names { count: 10_000, missing: 0 },
        Measured::Latency(20_000.0),
    ),
    case("dnsperf", "10,000 names, and another's generator", Content::Names { count: 10_000, missing: 0 }, Measured::CrossCheck),
    case("small", "100 names", Content::Names { count: 100, missing: 10 }, Measured::Throughput(1)),
];

const fn case(name: &'static str, title: &'static str, content: Content, measured: Measured) -> Listed {
    Listed { name, title, content, measured }
}

const fn groups(count: u32, policy: Policy) -> Content {
    Content::Groups { count, policy }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let peers = chosen_peers(arguments)?;
    let cases = chosen_cases(arguments)?;
    let folder = Folder::new()?;
    let endpoint = accept_all().map_err(|error| format!("an endpoint for health checks: {error}"))?;
    let mut report = format!("{}; load average {}.\n", machine::name(), machine::load_average());
    for listed in cases {
        eprintln!("{}", listed.title);
        let zones = folder.0.join(listed.name);
        fs::create_dir_all(&zones)
            .and_then(|()| listed.content.write_master_files(&zones))
            .map_err(|error| format!("{}: {error}", zones.display()))?;
        let before = arguments.before.as_deref();
        let case = Case { folder: &folder.0, zones: &zones, content: listed.content, endpoint, before, pinned: !arguments.quick };
        let table = match listed.measured {
            Measured::Throughput(loads) => compare::throughput(&peers, &case, arguments, loads)?,
            Measured::Latency(rate) => compare::latency(&peers, &case, arguments, rate)?,
            Measured::CrossCheck => compare::cross_check(&peers, &case, arguments)?,
        };
        report.push_str(&format!("\n### {}\n\n{table}", listed.title));
        // What was measured by now is there, whatever happens later.
        if let Some(out) = &arguments.out {
            fs::write(out, &report).map_err(|error| format!("{}: {error}", out.display()))?;
        }
        let _ = fs::remove_dir_all(&zones);
    }
    println!("{report}");
    Ok(())
}

fn chosen_cases(arguments: &Arguments) -> Result<Vec<&'static Listed>, String> {
    if arguments.cases.is_empty() {
        return Ok(CASES.iter().filter(|case| case.name != "small").collect());
    }
    let names = CASES.map(|case| case.name).join(", ");
    let find =
        |name: &String| CASES.iter().find(|case| case.name == name).ok_or(format!("case {name}: one of {names} is accepted"));
    arguments.cases.iter().map(find).collect()
}

fn is_asked_for(arguments: &Arguments, case: &str) -> bool {
    arguments.cases.is_empty() || arguments.cases.iter().any(|name| name == case)
}

fn chosen_peers(arguments: &Arguments) -> Result<Vec<&'static Peer>, String> {
    let names = PEERS.map(|peer| peer.name).join(", ");
    if let Some(unknown) = arguments.peers.iter().find(|name| PEERS.iter().all(|peer| peer.name != **name)) {
        return Err(format!("peer {unknown}: one of {names} is accepted"));
    }
    let is_wanted = |peer: &&Peer| arguments.peers.is_empty() || arguments.peers.iter().any(|name| name == peer.name);
    let wanted: Vec<&Peer> = PEERS.iter().filter(is_wanted).collect();
    let mut packages: Vec<&str> =
        wanted.iter().filter(|peer| !peer.is_installed()).flat_map(|peer| peer.packages).copied().collect();
    if is_asked_for(arguments, "dnsperf") && !Path::new(dnsperf::PROGRAM).exists() {
        packages.push(dnsperf::PACKAGE);
    }
    if !packages.is_empty() && !arguments.no_install {
        install(&packages)?;
    }
    let (there, missing): (Vec<&Peer>, Vec<&Peer>) = wanted.into_iter().partition(|peer| peer.is_installed());
    missing.iter().for_each(|peer| eprintln!("{} is not installed, and left out", peer.name));
    Ok(there)
}

/// By the script that installs for the tests, which starts no service.
fn install(packages: &[&str]) -> Result<(), String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/install");
    let status = Command::new(&script).args(packages).status().map_err(|error| format!("{}: {error}", script.display()))?;
    if status.success() { Ok(()) } else { Err(format!("{} {}: {status}; root is needed", script.display(), packages.join(" "))) }
}

/// A folder of this run, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("side-by-side-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An endpoint that every health check can connect to.
fn accept_all() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || listener.incoming().for_each(drop));
    Ok(address)
}
