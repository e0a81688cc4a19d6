//! A hickory server: one zone from hickory's own `Catalog`, and beside it waypost's zones, answered with what is up.
//!
//! ```text
//! cargo run --example hickory_server -- examples/quickstart/waypost.toml 127.0.0.1:5355
//! dig @127.0.0.1 -p 5355 www.example.org        # by waypost: zones/example.org.toml, probed meanwhile
//! dig @127.0.0.1 -p 5355 hickory.example        # by hickory
//! ```
//!
//! What `waypost serve` does besides is left out: reloads, the store, the admin API, names outside the zones.
//! `tests/hickory.rs` runs what is here.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hickory_server::Server;
use hickory_server::proto::rr::rdata::{A, NS, SOA};
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordSet, RecordType, RrKey};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};
use tokio::net::{TcpListener, UdpSocket};
use waypost::answer::Identity;
use waypost::health::board::{Board, SavedVerdict};
use waypost::health::table::HealthTable;
use waypost::ids::HealthCheckId;
use waypost::prober::runner::{Change, PROBES_MAX, RunnerHandle, Watcher};
use waypost::prober::{ProbeReport, Prober, Trust};
use waypost::resolver::NameServers;
use waypost::server::Answers;
use waypost::server::hickory::Beside;
use waypost::snapshot::{Published, Snapshot};
use waypost::{clock, files};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let config = arguments.next().unwrap_or_else(|| "examples/quickstart/waypost.toml".to_owned());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:5355".to_owned()).parse()?;
    let mut running = Running::start(Path::new(&config), address).await?;
    println!("answering on {}, UDP and TCP", running.address);
    tokio::signal::ctrl_c().await?;
    running.server.shutdown_gracefully().await?;
    Ok(())
}

/// A server with the checks that its answers depend on.
pub struct Running {
    pub server: Server<Beside<Answers, Catalog>>,
    pub address: SocketAddr,
    /// Probing ends with it.
    _runner: RunnerHandle,
}

impl Running {
    /// Reads the files that `config` names, probes what they say, and answers on `address`.
    pub async fn start(config: &Path, address: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let loaded = files::load(config, clock::unix_secs() as u32, None).map_err(|problems| problems.to_string())?;
        let built = &loaded.built;
        let board = Board::new(built.plan(), clock::now());
        let published = Arc::new(Published::new(Snapshot {
            catalog: built.catalog.clone(),
            health: Arc::new(board.table()),
            maps: built.maps.clone(),
            externals: built.externals.clone(),
            generation: 1,
        }));
        let (prober, warnings) = Prober::new(Trust::System, &NameServers::System);
        warnings.iter().for_each(|warning| eprintln!("{warning}"));
        let runner = RunnerHandle::spawn(board, Arc::new(prober), Publisher(published.clone()), PROBES_MAX);

        let mut identity = Identity::default();
        clock::fill_random(&mut identity.cookie_secret);
        let answers = Answers::new(published.clone(), Arc::new(ArcSwap::from_pointee(identity)));
        let mut server = Server::new(Beside::new(answers, published, catalog()?));
        let udp = UdpSocket::bind(address).await?;
        let address = udp.local_addr()?;
        server.register_listener(TcpListener::bind(address).await?, Duration::from_secs(10), 32);
        server.register_socket(udp);
        Ok(Self { server, address, _runner: runner })
    }
}

/// Puts each new health table into the snapshot that queries read.
struct Publisher(Arc<Published>);

impl Publisher {
    fn publish(&self, table: HealthTable) {
        let health = Arc::new(table);
        self.0.update(|now| Some(Snapshot { health: health.clone(), generation: now.generation + 1, ..now.clone() }));
    }
}

impl Watcher for Publisher {
    fn changed(&mut self, change: Change) {
        self.publish(change.table);
    }

    fn refreshed(&mut self, table: HealthTable) {
        self.publish(table);
    }

    fn probed(&mut self, _id: &HealthCheckId, _report: &ProbeReport) {}

    fn checkpoint(&mut self, _saved: Vec<SavedVerdict>) {}
}

/// Hickory's own zone: `hickory.example.`, with one address.
fn catalog() -> Result<Catalog, Box<dyn Error>> {
    let origin = Name::from_ascii("hickory.example.")?;
    let soa = SOA::new(origin.clone(), origin.clone(), 1, 7_200, 900, 1_209_600, 60);
    let rdata = [RData::SOA(soa), RData::NS(NS(origin.clone())), RData::A(A(Ipv4Addr::new(192, 0, 2, 77)))];
    let records = rdata.map(|rdata| {
        let record = Record::from_rdata(origin.clone(), 60, rdata);
        let rtype: RecordType = record.record_type();
        (RrKey::new(LowerName::from(&origin), rtype), RecordSet::from(record))
    });
    let zone: InMemoryZoneHandler =
        InMemoryZoneHandler::new(origin.clone(), BTreeMap::from(records), ZoneType::Primary, AxfrPolicy::Deny)?;
    let mut catalog = Catalog::new();
    catalog.upsert(LowerName::from(&origin), vec![Arc::new(zone)]);
    Ok(catalog)
}
