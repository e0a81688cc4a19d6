//! `[endpoint]` tables: addresses, where they stand, and the health check that a probe makes of them.
//!
//! Knows no route. Invariant: an endpoint with a probe makes one check of its own name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::nearest_or;
use crate::control::located::{built_in, read_place, read_site};
use crate::control::probed::{DefinedCheck, Probe, read_target};
use crate::control::raw_record::read_name;
use crate::geography::area::Area;
use crate::geography::site::Site;
use crate::health::check::{HealthCheck, TargetHost};
use crate::ids::HealthCheckId;
use crate::toml_table::{Span, Table, Value};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::record_set::{Alias, Content, RdataList, Ttl};

pub(super) struct Endpoint {
    pub span: Span,
    /// None when it has an alias.
    pub addresses: Vec<IpAddr>,
    /// The name outside the zone whose addresses are its own.
    pub alias: Option<Name>,
    /// The id of the check its probe makes.
    pub health_check: Option<HealthCheckId>,
    /// None where it could not be read.
    pub site: Option<Site>,
    pub place: Option<Area>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    V4,
    V6,
}

/// What endpoints are read with: the probes that they name, and what they make.
pub(super) struct Probing<'p, 'd> {
    /// The apex.
    pub zone: &'p Name,
    pub probes: &'p BTreeMap<&'d str, Option<Probe>>,
    pub used: BTreeSet<&'d str>,
    pub checks: Vec<DefinedCheck>,
}

impl<'d> Probing<'_, 'd> {
    pub fn read_endpoint(&mut self, name: &'d str, span: Span, mut table: Table<'d>) -> Endpoint {
        let alias = table.optional("alias").map(|value| self.read_alias(&value));
        let addresses = match alias {
            Some(_) => {
                table.refuse("address", "and alias exclude each other");
                Vec::new()
            }
            None => read_addresses(&mut table),
        };
        let alias = alias.flatten();
        let site = read_site(&mut table);
        let region_name = site.as_ref().and_then(|site| site.region.as_ref());
        let stands_in = region_name.map(|region| region.as_str().into());
        let region = region_name.and_then(built_in);
        let place = read_place(&mut table, region.map(|region| region.place));
        let of_alias = alias.as_ref().map(|name| TargetHost::Name(name.to_string().trim_end_matches('.').into()));
        let own = addresses.first().map(|address| TargetHost::Address(*address)).or(of_alias);
        let health_check = self.read_check(name, &span, &mut table, own, stands_in);
        table.finish();
        Endpoint { span, addresses, alias, health_check, site, place }
    }

    /// What stands in the zone is a route's to lead to.
    fn read_alias(&self, value: &Value<'d>) -> Option<Name> {
        let name = read_name(value, Some(self.zone))?;
        if name.is_at_or_below(self.zone) {
            value
                .wrong(format_args!("{name} is in the zone"), "a name outside of it, with a final dot; or a route as the member");
            return None;
        }
        Some(name)
    }

    /// The check that the endpoint's probe makes, if it has one.
    fn read_check(
        &mut self,
        name: &str,
        span: &Span,
        table: &mut Table<'d>,
        own: Option<TargetHost>,
        region: Option<Arc<str>>,
    ) -> Option<HealthCheckId> {
        let probe = table.optional("probe").and_then(|value| Some((value.string()?, value)));
        let target = table.optional("target").map(|value| read_target(&value));
        let id = HealthCheckId::new(name).map_err(|error| table.error(&format!("the name {error}"))).ok();
        if target.is_some() && probe.is_none() {
            table.refuse("target", "means something only with a probe");
        }
        let (word, value) = probe?;
        self.used.insert(word);
        let probe = self.probe(word, &value);
        let check = probe.zip(own).zip(id.clone()).and_then(|((probe, own), id)| {
            let check = probe.check(word, id, own, target.flatten());
            let check = check.map_err(|unfit| value.wrong(unfit.message, unfit.help)).ok();
            check.map(|check| HealthCheck { region, ..check })
        });
        let place = table.document().place(span);
        self.checks.extend(id.clone().map(|id| DefinedCheck { id, place, check }));
        id
    }

    /// The probe of a name; none where nobody defines it, or it could not be read.
    fn probe(&self, word: &str, value: &Value<'_>) -> Option<&Probe> {
        let Some(probe) = self.probes.get(word) else {
            let help = nearest_or(word, self.probes.keys().copied(), "define it as [probe.NAME]");
            value.wrong(format_args!("no probe is named {word:?}"), help);
            return None;
        };
        probe.as_ref()
    }
}

fn read_addresses(table: &mut Table<'_>) -> Vec<IpAddr> {
    let written = table.required("address", "[\"192.0.2.10\"]");
    if let Some(value) = written.as_ref().filter(|value| value.is_empty_array()) {
        value.wrong("the endpoint has no address", "such as address = [\"192.0.2.10\", \"2001:db8::10\"]");
    }
    let items = written.map(|value| value.items()).unwrap_or_default();
    items.iter().filter_map(|item| item.parsed("such as 192.0.2.10 or 2001:db8::10")).collect()
}

impl Endpoint {
    /// Of what families it has addresses; a name outside the zone may have both.
    pub fn families(&self) -> BTreeSet<Family> {
        match self.alias {
            Some(_) => [Family::V4, Family::V6].into(),
            None => self.addresses.iter().map(Family::of).collect(),
        }
    }

    /// What it answers with for one family; an alias says whether that it has no address counts.
    pub fn content(&self, family: Family, ttl: Ttl, evaluate_target_health: bool) -> Content {
        match &self.alias {
            Some(target) => Content::Alias(Box::new(Alias { target: target.clone(), evaluate_target_health })),
            None => Content::Values { ttl, rdata: family.rdata_of(&self.addresses) },
        }
    }
}

impl Family {
    pub fn of(address: &IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    pub fn rtype(self) -> RecordType {
        match self {
            Self::V4 => RecordType::A,
            Self::V6 => RecordType::AAAA,
        }
    }

    /// The addresses of this family as rdata.
    pub fn rdata_of(self, addresses: &[IpAddr]) -> RdataList {
        RdataList::new(addresses.iter().filter(|address| Self::of(address) == self).map(|address| match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        }))
    }
}
