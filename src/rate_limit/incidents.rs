//! Which networks are limited now: what is told when it begins and when it is over, a line each and not one a response.
//!
//! Knows samples only: workers note a limited response now and then, never each. Logs nothing. Invariant: at most
//! [`OPEN_MAX`] incidents are open; what more networks come to, the counters tell.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;

use super::{Limit, Ticks};

/// The networks that are limited now, each with the limits that it is over.
#[derive(Debug, Default)]
pub struct Incidents {
    open: BTreeMap<(IpNet, Limit), Incident>,
}

#[derive(Debug)]
struct Incident {
    /// In wire form; empty where no name counts.
    name: Box<[u8]>,
    since: Ticks,
    last: Ticks,
    is_told: bool,
}

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A network is over a limit, for the first time with a response about this name.
    Began { network: IpNet, limit: Limit, name: Box<[u8]> },
    /// It was not any more for a while.
    Ended { network: IpNet, limit: Limit, lasted: Duration },
}

/// Incidents that are open at most.
pub const OPEN_MAX: usize = 32;

impl Incidents {
    /// A response to `network` was over `limit`.
    pub fn note(&mut self, network: IpNet, limit: Limit, name: &[u8], now: Ticks) {
        if let Some(incident) = self.open.get_mut(&(network, limit)) {
            incident.last = now;
        } else if self.open.len() < OPEN_MAX {
            let incident = Incident { name: name.into(), since: now, last: now, is_told: false };
            self.open.insert((network, limit), incident);
        }
    }

    /// What has begun since the last time, and what was not noted for `quiet` and so is over.
    pub fn news(&mut self, now: Ticks, quiet: Duration) -> Vec<News> {
        let mut news = Vec::new();
        self.open.retain(|&(network, limit), incident| {
            if !incident.is_told {
                incident.is_told = true;
                news.push(News::Began { network, limit, name: incident.name.clone() });
            }
            let is_over = now.since(incident.last) >= quiet;
            if is_over {
                news.push(News::Ended { network, limit, lasted: incident.last.since(incident.since) });
            }
            !is_over
        });
        news
    }
}

impl Ticks {
    fn since(self, before: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(before.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Ticks {
        Ticks::after_start(Duration::from_secs(secs))
    }

    #[test]
    fn an_incident_is_told_when_it_begins_and_when_it_is_over() {
        let network: IpNet = "192.0.2.0/24".parse().unwrap();
        let (limit, quiet) = (Limit::NxDomains, Duration::from_secs(10));
        let mut incidents = Incidents::default();
        (0..5).for_each(|secs| incidents.note(network, limit, b"\x03org\x00", at(secs)));
        let name = (*b"\x03org\x00").into();
        assert_eq!(incidents.news(at(5), quiet), [News::Began { network, limit, name }]);
        assert_eq!(incidents.news(at(13), quiet), []);
        let lasted = Duration::from_secs(4);
        assert_eq!(incidents.news(at(14), quiet), [News::Ended { network, limit, lasted }]);
        assert_eq!(incidents.news(at(99), quiet), []);
    }

    #[test]
    fn a_flood_of_networks_is_a_bounded_number_of_lines() {
        let mut incidents = Incidents::default();
        for octet in 0..=255 {
            incidents.note(IpNet::new([octet, 0, 0, 0].into(), 24).unwrap(), Limit::Responses, b"", at(0));
        }
        assert_eq!(incidents.news(at(1), Duration::from_secs(10)).len(), OPEN_MAX);
    }
}
