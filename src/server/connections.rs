//! Who is connected: caps in all and per client, and which connection gives way when all places are taken.
//!
//! Serves nothing; `tcp` asks before it serves. A client above its own cap is refused: it should use the
//! connections that it has. When all places are taken, the connection that has been between messages longest gives
//! way (RFC 7766 §6.2.3), and only when none is between messages is the newcomer refused: so a crowd of idle
//! connections can't lock everybody out. Invariant: at most `total` admitted connections that were not told to stop.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::telemetry::connections::Refused;

/// How many connections may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    pub total: usize,
    /// From one IPv4 address, or one IPv6 /64.
    pub per_client: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { total: 4_096, per_client: 64 }
    }
}

/// The connections that are open now.
pub struct Connections {
    caps: Caps,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// Names the next connection, and dates what happens to them.
    next: u64,
    open: HashMap<u64, Arc<Place>>,
    by_client: HashMap<IpAddr, usize>,
}

struct Place {
    stop: CancellationToken,
    /// When it came to be between messages, on the table's clock of events; [`BUSY`] when it is not.
    idle_since: AtomicU64,
}

/// One admitted connection; its place is free again when this is dropped.
pub struct Admitted {
    connections: Arc<Connections>,
    place: Arc<Place>,
    number: u64,
    client: IpAddr,
}

impl Connections {
    pub fn new(caps: Caps) -> Self {
        Self { caps, table: Mutex::default() }
    }

    /// Admits a connection of `peer`, which ends when `stop` does or when it must give way.
    ///
    /// # Errors
    /// [`Refused`] when there is no place for it.
    pub fn admit(self: &Arc<Self>, peer: IpAddr, stop: &CancellationToken) -> Result<Admitted, Refused> {
        let client = client_of(peer);
        let mut table = self.table();
        if table.by_client.get(&client).is_some_and(|open| *open >= self.caps.per_client) {
            return Err(Refused::Client);
        }
        if table.open.len() >= self.caps.total && !table.stop_longest_idle() {
            return Err(Refused::Total);
        }
        table.next += 1;
        let number = table.next;
        let place = Arc::new(Place { stop: stop.child_token(), idle_since: AtomicU64::new(number) });
        table.open.insert(number, place.clone());
        *table.by_client.entry(client).or_default() += 1;
        drop(table);
        Ok(Admitted { connections: self.clone(), place, number, client })
    }

    /// Makes the connection that has been between messages longest give way; false when none is.
    pub fn stop_longest_idle(&self) -> bool {
        self.table().stop_longest_idle()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Each change below is complete before anything could panic.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn stop_longest_idle(&mut self) -> bool {
        let idle_since = |place: &Place| place.idle_since.load(Ordering::Relaxed);
        let longest = self.open.iter().filter(|(_, place)| idle_since(place) != BUSY).min_by_key(|(_, place)| idle_since(place));
        let Some(number) = longest.map(|(number, _)| *number) else { return false };
        if let Some(place) = self.open.remove(&number) {
            place.stop.cancel();
        }
        true
    }
}

impl Admitted {
    /// Ends the connection once it is between messages.
    pub fn stop(&self) -> CancellationToken {
        self.place.stop.clone()
    }

    /// Notes whether the connection is between messages.
    pub fn set_idle(&self, idle: bool) {
        let since = if idle {
            let mut table = self.connections.table();
            table.next += 1;
            table.next
        } else {
            BUSY
        };
        self.place.idle_since.store(since, Ordering::Relaxed);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut table = self.connections.table();
        table.open.remove(&self.number);
        if let Some(open) = table.by_client.get_mut(&self.client) {
            *open -= 1;
            if *open == 0 {
                table.by_client.remove(&self.client);
            }
        }
    }
}

/// What counts as one client: an IPv4 address, or the /64 that one IPv6 host can use freely.
fn client_of(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.into(),
            None => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
        },
    }
}

const BUSY: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(total: usize, per_client: usize) -> Arc<Connections> {
        Arc::new(Connections::new(Caps { total, per_client }))
    }

    fn admit(connections: &Arc<Connections>, peer: &str) -> Result<Admitted, Refused> {
        let admitted = connections.admit(peer.parse().unwrap(), &CancellationToken::new());
        admitted.inspect(|admitted| admitted.set_idle(false))
    }

    #[test]
    fn a_client_above_its_cap_is_refused_until_one_of_its_connections_ends() {
        let open = connections(9, 2);
        let (_one, two) = (admit(&open, "192.0.2.1").unwrap(), admit(&open, "192.0.2.1").unwrap());
        assert_eq!(admit(&open, "192.0.2.1").err(), Some(Refused::Client));
        assert!(admit(&open, "192.0.2.2").is_ok());
        drop(two);
        assert!(admit(&open, "192.0.2.1").is_ok());
    }

    #[test]
    fn one_slash_64_is_one_client() {
        let open = connections(9, 1);
        let _one = admit(&open, "2001:db8::1").unwrap();
        assert_eq!(admit(&open, "2001:db8::ffff:2").err(), Some(Refused::Client));
        assert!(admit(&open, "2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn the_longest_idle_gives_way_and_the_busy_never() {
        let open = connections(3, 9);
        let admitted = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|peer| admit(&open, peer).unwrap());
        assert_eq!(admit(&open, "192.0.2.4").err(), Some(Refused::Total), "all are busy");
        admitted[2].set_idle(true);
        admitted[0].set_idle(true);
        let _fourth = admit(&open, "192.0.2.4").unwrap();
        assert_eq!(admitted.each_ref().map(|admitted| admitted.stop().is_cancelled()), [false, false, true]);
        let _fifth = admit(&open, "192.0.2.5").unwrap();
        assert_eq!(admitted.each_ref().map(|admitted| admitted.stop().is_cancelled()), [true, false, true]);
        assert_eq!(admit(&open, "192.0.2.6").err(), Some(Refused::Total));
    }

    #[test]
    fn every_place_is_free_again_at_the_end() {
        let open = connections(2, 2);
        for _ in 0..3 {
            let one = admit(&open, "192.0.2.1").unwrap();
            one.set_idle(true);
            let _two = admit(&open, "192.0.2.2").unwrap();
            let _three = admit(&open, "192.0.2.3").unwrap();
        }
        let table = open.table();
        assert!(table.open.is_empty() && table.by_client.is_empty());
    }
}
