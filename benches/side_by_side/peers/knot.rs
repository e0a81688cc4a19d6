//! Knot's configuration; groups by its module geoip, where that has them. Sources: knot.conf(5), mod-geoip.

use std::fmt::Write as _;
use std::io;
use std::process::Command;

use super::Site;
use crate::content::{Content, NETWORKS, Policy, address, apex, group_name};
use crate::questions::Networks;

pub fn configure(site: &Site<'_>) -> io::Result<Option<Command>> {
    let zones = match site.content {
        Content::Groups { count, policy } => match groups(site, count, policy)? {
            Some(zones) => zones,
            None => return Ok(None),
        },
        content => "zone:\n".to_owned() + &content.zones().iter().map(|zone| format!("  - domain: {zone}\n")).collect::<String>(),
    };
    let file = site.write_filled("knot.conf", &[SERVER, &zones].concat())?;
    let mut command = Command::new("/usr/sbin/knotd");
    command.arg("-c").arg(file);
    Ok(Some(command))
}

const SERVER: &str = r#"
server:
    rundir: "{folder}"
    listen: "{host}@{port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    automatic-acl: off
    edns-client-subnet: on
log:
  - target: stderr
    any: warning
database:
    storage: "{folder}"
template:
  - id: default
    storage: "{zones}"
    file: "%s.zone"
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
"#;

/// Writes what the module reads, and the zone around it; its part of the configuration, or none where it has no such policy.
fn groups(site: &Site<'_>, count: u32, policy: Policy) -> io::Result<Option<String>> {
    let (mode, members): (_, &dyn Fn(u32) -> String) = match policy {
        Policy::Weighted => ("weighted", &weighted),
        Policy::ByNetwork => ("subnet", &by_network),
        Policy::Failover | Policy::Multivalue | Policy::Tree => return Ok(None),
    };
    let groups = (0..count).map(|group| format!("{}.groups.test:\n{}", group_name(group), members(group)));
    site.write("groups", &groups.collect::<String>())?;
    let names = (0..count).map(|group| format!("{} A {}\n", group_name(group), address(group, 0)));
    site.write("groups.test.zone", &(apex("groups.test") + &names.collect::<String>()))?;
    Ok(Some(GROUPS.replace("{mode}", mode)))
}

/// The module's settings come before what refers to them.
const GROUPS: &str = r#"
mod-geoip:
  - id: groups
    config-file: "{folder}/groups"
    ttl: 60
    mode: {mode}
zone:
  - domain: groups.test
    storage: "{folder}"
    module: mod-geoip/groups
"#;

fn weighted(group: u32) -> String {
    let member = |(member, weight)| format!("  - weight: {weight}\n    A: {}\n", address(group, member));
    [(0, 90), (1, 10)].map(member).concat()
}

fn by_network(group: u32) -> String {
    let mut text = String::new();
    for network in 0..NETWORKS.count {
        let member = address(group, NETWORKS.data_centre(network));
        writeln!(text, "  - net: {}/20\n    A: {member}", Networks::first(network)).expect("a string takes everything");
    }
    text
}
