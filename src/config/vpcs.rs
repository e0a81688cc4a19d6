//! `[[route53.vpc]]` of `waypost.toml`: which networks of clients a VPC stands for, and so who sees private hosted zones.
//!
//! Not which zones those are: the Route 53 API is told. Invariant: no two VPCs have one id and region, or one network.
//! Source: docs/configuration.md, "The Route 53 API".

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::control::state::View;
use crate::toml_table::{Table, Value};

/// Reads the tables.
pub(super) fn read_vpcs(tables: Vec<Table<'_>>) -> Vec<View> {
    let mut vpcs: Vec<View> = Vec::new();
    let mut taken = BTreeMap::new();
    for table in tables {
        let Some(vpc) = read_vpc(table, &vpcs, &mut taken) else { continue };
        vpcs.push(vpc);
    }
    vpcs
}

fn read_vpc(mut table: Table<'_>, known: &[View], taken: &mut BTreeMap<IpNet, String>) -> Option<View> {
    let id = table.required("id", "\"vpc-0a1b2c3d\"");
    let region = table.required("region", "\"us-east-1\"").and_then(|value| read_word(&value));
    let networks = table.required("networks", "[\"10.0.0.0/8\"]");
    table.finish();
    let (id_value, region) = (id?, region?);
    let id = read_word(&id_value)?;
    if known.iter().any(|vpc| vpc.id == id && vpc.region == region) {
        id_value.error(format_args!("{id} of {region} is another VPC too: write all of its networks in one"));
    }
    let networks = read_networks(&networks?, &id, taken);
    Some(View { region, id, networks, zones: Vec::new() })
}

fn read_word(value: &Value<'_>) -> Option<String> {
    let word = value.string()?;
    if word.is_empty() {
        value.wrong("nothing is written", "as the Route 53 API is told it");
        return None;
    }
    Some(word.to_owned())
}

fn read_networks(value: &Value<'_>, id: &str, taken: &mut BTreeMap<IpNet, String>) -> Vec<IpNet> {
    if value.is_empty_array() {
        value.wrong("the VPC has no network", "a list of networks, such as [\"10.0.0.0/8\"]");
    }
    let mut networks = Vec::new();
    for item in value.items() {
        let Some(network) = item.parsed::<IpNet>("a network, such as \"10.0.0.0/8\"") else { continue };
        if network != network.trunc() {
            item.wrong(format_args!("{network} has bits beyond its length"), format!("{}", network.trunc()));
        }
        match taken.insert(network.trunc(), id.to_owned()) {
            Some(other) => item.error(format_args!("{network} is a network of {other} too: no client can be in both")),
            None => networks.push(network.trunc()),
        }
    }
    networks
}
